-- Cases whose derived columns are not what interfaces 2, "Reading of cases", makes of the row's own:
-- somebody wrote past the importer. One line a case, with the columns that differ.
SELECT setl_id, batch.file, batch.sheet, cases.row,
    trim(
        CASE WHEN fee <> medfee_sumamt - coalesce(excluded_fee, 0) THEN 'fee ' ELSE '' END
        || CASE WHEN other_pay <> coalesce(fund_pay_sumamt - hifp_pay, 0) THEN 'other_pay ' ELSE '' END
        || CASE WHEN own_pay <> coalesce(
            psn_part_amt, medfee_sumamt - coalesce(fund_pay_sumamt, hifp_pay) - coalesce(hosp_part_amt, 0)
        ) - coalesce(excluded_fee, 0) THEN 'own_pay ' ELSE '' END
        || CASE WHEN day <> CAST(replace(substr(coalesce(setl_time, dscg_time), 1, 10), '-', '') AS INTEGER)
            OR cases.year <> day / 10000 THEN 'day ' ELSE '' END
        || CASE WHEN fund <> CASE insutype WHEN 310 THEN 1 WHEN 510 THEN 1 WHEN 390 THEN 2 ELSE 0 END
            THEN 'fund ' ELSE '' END
        || CASE WHEN scope <> CASE
            WHEN insutype NOT IN (310, 510, 390) THEN 1
            WHEN coalesce(hi_paymtd, 3) <> 3 THEN 2
            WHEN coalesce(med_type, 21) NOT IN (21, 22, 24, 52, 92) THEN 3
            ELSE 0 END THEN 'scope ' ELSE '' END
        || CASE WHEN sign <> CASE WHEN medfee_sumamt < 0 THEN -1 ELSE 1 END THEN 'sign ' ELSE '' END
    ) AS columns
FROM cases LEFT JOIN batch ON batch.id = cases.batch_id
WHERE columns <> ''
ORDER BY setl_id, sign
LIMIT 1000
