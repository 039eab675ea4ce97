-- The cases of one year that count: net of refunds, in scope, of the region's patients, at registered institutions;
-- with the group that the case's own row states, else the platform's result, else ''. -1 where a cell is empty.
SELECT
    case_id, fixmedins_code,
    coalesce(
        nullif(dip_dise_grp_code, ''),
        (SELECT dip_dise_grp_code FROM case_group AS g WHERE g.setl_id = cases.setl_id AND coalesce(g.grp_stas, 1) <> 0),
        ''
    ) AS stated,
    fee,
    coalesce(act_ipt_days, -1) AS days,
    coalesce(drug_fee, -1) AS drug,
    coalesce(consumable_fee, -1) AS consumable,
    fund
FROM cases
WHERE year = :year AND netting = 0 AND scope = 0
    AND NOT coalesce(:home <> '' AND insu_admdvs <> '' AND (insu_admdvs < :home OR insu_admdvs >= :beyond), 0)
    AND fixmedins_code IN (SELECT fixmedins_code FROM institution)
