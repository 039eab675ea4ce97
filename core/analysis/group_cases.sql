-- Single cases by their numbers, each with its institution's name, its operations and where it stands in which file.
SELECT
    c.setl_id, c.fixmedins_code, coalesce(i.fixmedins_name, ''), c.day, c.diag_code, coalesce(c.diag_name, ''),
    coalesce(
        nullif(rtrim(coalesce(c.oprn_code, '') || '|' || coalesce(c.oth_oprn_codes, ''), '|'), ''),
        (
            SELECT group_concat(oprn_oprt_code, '|')
            FROM (SELECT oprn_oprt_code FROM operation_done AS o WHERE o.setl_id = c.setl_id ORDER BY oprn_oprt_type = 1 DESC, ord)
        ),
        ''
    ),
    c.fee, c.act_ipt_days, c.drug_fee, c.consumable_fee,
    coalesce(nullif(c.dip_dise_grp_code, ''), g.dip_dise_grp_code), coalesce(b.file, ''), c.row
FROM json_each(:ids) AS wanted
JOIN cases AS c ON c.case_id = wanted.value
LEFT JOIN institution AS i ON i.fixmedins_code = c.fixmedins_code
LEFT JOIN case_group AS g ON g.setl_id = c.setl_id
LEFT JOIN batch AS b ON b.id = c.batch_id
ORDER BY c.fixmedins_code, c.setl_id
