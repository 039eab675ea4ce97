-- The clinical side of the cases of one year that count: net of refunds, in scope by their own row. {diagnoses} and
-- {operations} give the principal or main code first, then the others as they stand, joined by |.
SELECT
    setl_id,
    {diagnoses},
    {operations},
    fee,
    coalesce(age, -1),
    coalesce(nwb_age, -1),
    coalesce(act_ipt_days, -1),
    coalesce(gend, -1),
    coalesce(tcm_fee, -1),
    coalesce(nwb_bir_wt, ''),
    coalesce(substr(brdy, 1, 10), ''),
    coalesce(substr(adm_time, 1, 10), '')
FROM cases
WHERE year = ? AND netting = 0 AND scope = 0
