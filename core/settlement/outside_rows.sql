-- Settlements of a fund and year by what became of them: {condition} picks the line. :left are the settlements that a
-- clearing paid by item, :listed the institutions that have a row on the sheet (for what is paid to others).
SELECT
    t.setl_id, t.fixmedins_code, coalesce(own.fixmedins_name, ''), t.day, t.hi_paymtd, t.med_type, t.fee, t.hifp_pay,
    coalesce(decided.document, ''), coalesce(batch.file, ''), coalesce(batch.sheet, ''), t.row
FROM cases AS t
LEFT JOIN batch ON batch.id = t.batch_id
LEFT JOIN institution AS own USING (fixmedins_code)
LEFT JOIN special_case AS decided ON decided.setl_id = t.setl_id
WHERE t.year = :year AND t.fund = :number AND (:code = '' OR t.fixmedins_code = :code) AND {condition}
ORDER BY t.fixmedins_code, t.setl_id, t.sign DESC
