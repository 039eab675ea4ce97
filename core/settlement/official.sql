-- One stretch of the bureau's case list, each column as one long text: exact decimals stay text, amounts are fen.
SELECT count(*), group_concat(setl_id, char(31)), group_concat(coalesce(fixmedins_code, ''), char(31)),
    group_concat(coalesce(dip_code, ''), char(31)), group_concat(coalesce(rw, ''), char(31)),
    group_concat(coalesce(coefficient, ''), char(31)), group_concat(coalesce(factor, ''), char(31)),
    group_concat(coalesce(deviation, ''), char(31)), group_concat(coalesce(score, ''), char(31)),
    group_concat(coalesce(point_value, ''), char(31)), group_concat(coalesce(pay, ''), char(31)),
    group_concat(batch_id, char(31))
FROM (SELECT * FROM official_case WHERE setl_id > ? ORDER BY setl_id LIMIT ?)
