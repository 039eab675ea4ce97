-- What the rows say of settlements that are looked at one by one, in the order in which they are asked for.
SELECT c.act_ipt_days, c.icu_days, coalesce(c.dip_dise_grp_name, ''), coalesce(c.diag_name, c.diag_code),
    s.decision, s.score, coalesce(s.document, ''), coalesce(s.reason, '')
FROM json_each(:ids) AS asked
CROSS JOIN cases AS c ON c.setl_id = asked.value AND c.sign = 1
LEFT JOIN special_case AS s ON s.setl_id = c.setl_id
ORDER BY asked.key
