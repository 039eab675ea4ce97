-- One stretch of the bureau's case list as four long texts: ids, what many cases share, scores, and pay in fen, where
-- the least 64-bit integer stands for nothing. Exact decimals stay text; ASCII 31 and 30 part rows and their columns.
SELECT count(*), group_concat(setl_id, char(31)),
    group_concat(
        printf(
            '%s' || char(30) || '%s' || char(30) || '%s' || char(30) || '%s' || char(30) || '%s' || char(30) || '%s' || char(30)
                || '%s' || char(30) || '%s',
            fixmedins_code, dip_code, rw, coefficient, factor, deviation, point_value, batch_id
        ),
        char(31)
    ),
    group_concat(coalesce(score, ''), char(31)), group_concat(coalesce(pay, '-9223372036854775808'), ',')
FROM (SELECT * FROM official_case WHERE setl_id > ? ORDER BY setl_id LIMIT ?)
