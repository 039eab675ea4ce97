-- What was booked to a fund in a year by cases that were decided to be paid by item, fen: of the cases that count.
SELECT coalesce(sum(hifp_pay), 0)
FROM cases JOIN special_case USING (setl_id)
WHERE year = :year AND fund = :fund AND sign = 1 AND netting = 0 AND scope = 0 AND decision = 'by_item'
    AND NOT coalesce(:home <> '' AND insu_admdvs <> '' AND (insu_admdvs < :home OR insu_admdvs >= :beyond), 0)
    AND fixmedins_code IN (SELECT fixmedins_code FROM institution)
