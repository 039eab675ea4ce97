-- What arrived by month, institution and fund, every accepted row as it came, reversals included.
SELECT day / 100 AS month, fixmedins_code, fund, count(*), sum(medfee_sumamt), sum(hifp_pay)
FROM cases
WHERE year BETWEEN :first AND :last
GROUP BY 1, 2, 3
