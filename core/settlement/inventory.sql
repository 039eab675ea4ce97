-- What is there: kind, year, fund (or a version, a set), rows, amount in fen where a sum makes sense.
SELECT 'cases', year, CASE fund WHEN 1 THEN 'employee' WHEN 2 THEN 'resident' ELSE 'other' END, count(*), sum(medfee_sumamt)
FROM cases GROUP BY year, fund
UNION ALL SELECT 'institutions', NULL, '', count(*), NULL FROM institution HAVING count(*) > 0
UNION ALL SELECT 'groups', NULL, '', count(*), NULL FROM case_group HAVING count(*) > 0
UNION ALL SELECT 'catalogue', year, version, count(*), NULL FROM catalogue GROUP BY year, version
UNION ALL SELECT 'auxiliary', year, version, count(*), NULL FROM auxiliary GROUP BY year, version
UNION ALL SELECT 'exclusions', year, version, count(*), NULL FROM exclusion GROUP BY year, version
UNION ALL SELECT 'code_maps', NULL, system, count(*), NULL FROM code_map GROUP BY system
UNION ALL SELECT 'reference_means', year, fund, count(*), NULL FROM reference_mean GROUP BY year, fund
UNION ALL SELECT 'coefficients', NULL, set_name, count(*), NULL FROM coefficient GROUP BY set_name
UNION ALL SELECT 'budget', year, fund, count(*), sum(amount) FROM budget GROUP BY year, fund
UNION ALL SELECT 'payments', CAST(substr(period, 1, 4) AS INTEGER), fund, count(*), sum(amount) FROM payment GROUP BY 2, fund
UNION ALL SELECT 'deductions', CAST(substr(period, 1, 4) AS INTEGER), fund, count(*), sum(amount) FROM deduction GROUP BY 2, fund
UNION ALL SELECT 'assessments', year, '', count(*), NULL FROM assessment GROUP BY year
UNION ALL SELECT 'special_cases', NULL, '', count(*), NULL FROM special_case HAVING count(*) > 0
UNION ALL SELECT 'official_clearing', year, fund, count(*), NULL FROM official_clearing GROUP BY year, fund
UNION ALL SELECT 'control_totals', CAST(substr(period, 1, 4) AS INTEGER), fund, count(*), sum(medfee_sumamt) FROM control_total GROUP BY 2, fund
UNION ALL SELECT 'fund_months', CAST(substr(month, 1, 4) AS INTEGER), fund, count(*), NULL FROM fund_month GROUP BY 2, fund
ORDER BY 1, 2, 3
