-- The cases of one year that count: net of refunds, in scope, of the region's patients. One line: each column's values
-- in one text, numbers behind commas, texts behind the unit separator, all in the same order. -1 where a cell is empty.

-- : cases
SELECT count(*), {columns}
FROM cases
WHERE year = :year AND netting = 0 AND scope = 0
    AND NOT coalesce(:home <> '' AND insu_admdvs <> '' AND (insu_admdvs < :home OR insu_admdvs >= :beyond), 0)

-- : stated
-- The group that the case's own row states, else the platform's result; a failed grouping states none.
coalesce(
    nullif(dip_dise_grp_code, ''),
    (SELECT dip_dise_grp_code FROM case_group AS g WHERE g.setl_id = cases.setl_id AND coalesce(g.grp_stas, 1) <> 0),
    ''
)

-- : operations
-- Of cases with a main operation only. The platform's own list wins over the case's column, as where groups are found.
-- attribute: 2 surgery or intervention, 1 another, 0 the code is in no list. level: 0 where the list states none.
SELECT
    count(*),
    group_concat(fixmedins_code, char(31)),
    group_concat(moment),
    group_concat(CASE WHEN attribute IS NULL THEN 0 WHEN attribute IN ('surgery', 'intervention') THEN 2 ELSE 1 END),
    group_concat(CASE WHEN level IN ('1', '2', '3', '4') THEN level ELSE 0 END),
    group_concat(case_id)
FROM (
    SELECT
        case_id, fixmedins_code, (day / 100 % 100 - 1) * 2 + fund - 1 AS moment,
        coalesce(
            (
                SELECT oprn_oprt_code FROM operation_done AS o WHERE o.setl_id = cases.setl_id
                ORDER BY coalesce(oprn_oprt_type, 2) <> 1, ord LIMIT 1
            ),
            oprn_code
        ) AS code
    FROM cases
    WHERE year = :year AND netting = 0 AND scope = 0
        AND NOT coalesce(:home <> '' AND insu_admdvs <> '' AND (insu_admdvs < :home OR insu_admdvs >= :beyond), 0)
)
LEFT JOIN operation ON operation.oprn_code = code
WHERE code <> ''

-- : decided
SELECT cases.fixmedins_code, (day / 100 % 100 - 1) * 2 + fund - 1, case_id
FROM special_case
CROSS JOIN cases INDEXED BY cases_key ON cases.setl_id = special_case.setl_id AND sign = 1
WHERE decision <> 'rejected' AND cases.year = :year AND netting = 0 AND scope = 0
    AND NOT coalesce(:home <> '' AND insu_admdvs <> '' AND (insu_admdvs < :home OR insu_admdvs >= :beyond), 0)
