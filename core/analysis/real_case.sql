-- One settlement as the calculator takes it: the row that stands, never the reversal. Codes with the main one first; the
-- platform's own lists win over the case's columns, its group result stands in where the case states none, as in a clearing.
SELECT
    coalesce(
        (SELECT group_concat(diag_code, '|') FROM (
            SELECT diag_code FROM diagnosis
            WHERE setl_id = cases.setl_id AND coalesce(diag_type, 1) = 1
            ORDER BY coalesce(maindiag_flag, 0) <> 1, ord)),
        diag_code || '|' || coalesce(oth_diag_codes, '')) AS diagnoses,
    coalesce(
        (SELECT group_concat(oprn_oprt_code, '|') FROM (
            SELECT oprn_oprt_code FROM operation_done
            WHERE setl_id = cases.setl_id
            ORDER BY coalesce(oprn_oprt_type, 2) <> 1, ord)),
        coalesce(oprn_code, '') || '|' || coalesce(oth_oprn_codes, '')) AS operations,
    year, day, fund, fixmedins_code, fee, own_pay, other_pay, hifp_pay,
    age, nwb_age, nwb_bir_wt AS weight, gend, act_ipt_days, icu_days, tcm_fee,
    coalesce(nullif(asst_list_detl, ''), result.asst_detl, '') AS detail,
    coalesce(nullif(dip_dise_grp_code, ''), result.code, '') AS stated,
    coalesce(substr(brdy, 1, 10), '') AS born,
    coalesce(substr(adm_time, 1, 10), '') AS admitted
FROM cases
LEFT JOIN (
    SELECT setl_id AS of_setl, dip_dise_grp_code AS code, asst_list_detl AS asst_detl
    FROM case_group WHERE coalesce(grp_stas, 1) <> 0
) AS result ON result.of_setl = cases.setl_id
WHERE setl_id = ? AND sign = 1
