-- What the list of cases says of settlements beyond the clearing's own figures, in the order in which they are asked for.
SELECT
    c.setl_id, coalesce(c.insu_admdvs, ''), coalesce(c.medcasno, ''), coalesce(c.dept, ''), coalesce(c.doctor, ''),
    coalesce(c.insutype, ''), c.age, c.dscg_way, c.act_ipt_days, coalesce(c.adm_time, ''), coalesce(c.dscg_time, ''),
    coalesce(c.diag_code, ''), coalesce(c.diag_name, ''), coalesce(c.oth_diag_codes, ''),
    coalesce(c.oprn_code, ''), coalesce(c.oth_oprn_codes, ''), coalesce(c.asst_list_detl, ''),
    c.fixmedins_code, c.fund, c.day, c.fee, c.hifp_pay, c.own_pay, c.other_pay,
    coalesce(c.dip_dise_grp_code, ''), coalesce(c.dip_dise_grp_name, '')
FROM json_each(:ids) AS asked
CROSS JOIN cases AS c ON c.setl_id = asked.value AND c.sign = 1
ORDER BY asked.key
