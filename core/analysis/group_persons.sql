-- What the auxiliary bands look at, of single cases by their numbers; -1 and '' where a cell is empty.
SELECT
    coalesce(substr(c.brdy, 1, 10), ''), coalesce(substr(c.adm_time, 1, 10), ''), coalesce(c.age, -1), coalesce(c.nwb_age, -1),
    coalesce(c.icu_days, -1),
    coalesce(
        nullif(c.asst_list_detl, ''),
        (SELECT asst_list_detl FROM case_group AS g WHERE g.setl_id = c.setl_id AND coalesce(g.grp_stas, 1) <> 0),
        ''
    ),
    c.fee
FROM json_each(:ids) AS wanted
JOIN cases AS c ON c.case_id = wanted.value
