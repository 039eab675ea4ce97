-- What each period of a fund's year came to before audit deductions and retention, and what was retained in it: fen.
SELECT code, sum(amount), sum(held)
FROM (
    SELECT fixmedins_code AS code, period, amount, CASE kind WHEN 'retention' THEN amount ELSE 0 END AS held
    FROM payment
    WHERE fund = :fund AND substr(period, 1, 4) = :year AND kind IN ('monthly', 'retention')

    UNION ALL
    SELECT fixmedins_code, period, amount, 0
    FROM deduction
    WHERE fund = :fund AND length(period) = 6 AND substr(period, 1, 4) = :year AND kind = 'audit'
)
GROUP BY code, period
ORDER BY code, period
