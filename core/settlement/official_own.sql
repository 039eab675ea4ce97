-- What the cases' own rows say of the official result: it counts where the bureau's list has no such row.
SELECT setl_id, coalesce(official_score, ''), official_pay
FROM cases
WHERE year = ? AND sign = 1 AND netting = 0 AND (official_score IS NOT NULL OR official_pay IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM official_case WHERE official_case.setl_id = cases.setl_id)
