-- Whose columns are read; {counts} says which cases count (counted.py).

-- : operations
-- Cases with a main operation only. The platform's own list wins over the case's column, as where groups are found.
FROM (
    SELECT
        case_id, fixmedins_code, {spot} AS spot,
        coalesce(
            (
                SELECT oprn_oprt_code FROM operation_done AS o WHERE o.setl_id = cases.setl_id
                ORDER BY coalesce(oprn_oprt_type, 2) <> 1, ord LIMIT 1
            ),
            oprn_code
        ) AS code
    FROM cases
    WHERE {counts}
)
LEFT JOIN operation ON operation.oprn_code = code
WHERE code <> ''

-- : decided
FROM special_case
CROSS JOIN cases INDEXED BY cases_key ON cases.setl_id = special_case.setl_id AND sign = 1
WHERE decision <> 'rejected' AND {counts}
