-- Single cases by their numbers, with the institution's name and where each stands in which file.
SELECT
    c.case_id, c.fixmedins_code, coalesce(i.fixmedins_name, ''), c.setl_id, c.fund - 1, c.day, c.diag_code,
    coalesce(c.diag_name, ''), coalesce(nullif(c.dip_dise_grp_code, ''), g.dip_dise_grp_code, ''), coalesce(c.oprn_code, ''), c.fee,
    c.act_ipt_days, c.own_pay, coalesce(b.file, ''), c.row
FROM json_each(:ids) AS wanted
CROSS JOIN cases AS c ON c.case_id = wanted.value
LEFT JOIN institution AS i ON i.fixmedins_code = c.fixmedins_code
LEFT JOIN case_group AS g ON g.setl_id = c.setl_id
LEFT JOIN batch AS b ON b.id = c.batch_id
ORDER BY c.fixmedins_code, c.setl_id
