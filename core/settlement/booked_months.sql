-- What was booked to a fund in each month of a year, as `booked_year.sql` counts it: institution, month, cases, fen.
SELECT fixmedins_code, CAST(day / 100 AS TEXT), CAST(count(*) AS TEXT), sum(hifp_pay), '', '', NULL
FROM cases
WHERE year = :year AND netting = 0 AND scope = 0 AND fund = :number AND (:code = '' OR fixmedins_code = :code)
    AND NOT coalesce(:home <> '' AND insu_admdvs <> '' AND (insu_admdvs < :home OR insu_admdvs >= :beyond), 0)
    AND fixmedins_code IN (SELECT fixmedins_code FROM institution)
GROUP BY 1, 2
ORDER BY 1, 2
