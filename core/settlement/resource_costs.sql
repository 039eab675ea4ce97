-- What cases used in drugs and consumables in a year by fund and institution, fen, and how many lack either: of the cases
-- that count (net of refunds, in scope, of the region's patients, at registered institutions), less those that left
-- because they are paid by item.
SELECT fund, fixmedins_code, coalesce(sum(drug_fee), 0) + coalesce(sum(consumable_fee), 0),
    sum(drug_fee IS NULL OR consumable_fee IS NULL)
FROM cases
WHERE year = :year AND netting = 0 AND scope = 0
    AND NOT coalesce(:home <> '' AND insu_admdvs <> '' AND (insu_admdvs < :home OR insu_admdvs >= :beyond), 0)
    AND fixmedins_code IN (SELECT fixmedins_code FROM institution)
    AND setl_id NOT IN (SELECT value FROM json_each(:left))
GROUP BY 1, 2
ORDER BY 1, 2
