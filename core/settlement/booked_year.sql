-- What was booked to the fund in a year by institution, and in how many months it had cases: of the cases that count, net of
-- refunds, in scope, of the region's patients, at registered institutions. Fen.
SELECT fund, fixmedins_code, sum(hifp_pay), count(DISTINCT day / 100)
FROM cases
WHERE year = :year AND netting = 0 AND scope = 0
    AND NOT coalesce(:home <> '' AND insu_admdvs <> '' AND (insu_admdvs < :home OR insu_admdvs >= :beyond), 0)
    AND fixmedins_code IN (SELECT fixmedins_code FROM institution)
GROUP BY 1, 2
ORDER BY 1, 2
