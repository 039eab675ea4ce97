-- Stays of all years that count (see measured_rows.sql): who, from when to when, where, one line for each year.
SELECT
    count(*),
    group_concat(coalesce(person, ''), char(31)),
    group_concat(fixmedins_code, char(31)),
    group_concat(CAST(coalesce(replace(substr(adm_time, 1, 10), '-', ''), 0) AS INTEGER)),
    group_concat(CAST(replace(substr(dscg_time, 1, 10), '-', '') AS INTEGER)),
    group_concat((day / 100 % 100 - 1) * 2 + fund - 1),
    group_concat(fee),
    group_concat(case_id)
FROM cases
WHERE year = :year AND netting = 0 AND scope = 0
    AND NOT coalesce(:home <> '' AND insu_admdvs <> '' AND (insu_admdvs < :home OR insu_admdvs >= :beyond), 0)
