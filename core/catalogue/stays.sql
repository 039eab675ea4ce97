-- The clinical side of the cases of one year that count: net of refunds, in scope by their own row. {diagnoses} and
-- {operations} give the principal or main code first, then the others as they stand, joined by |. Small numbers come in
-- one, each plus 1 so that 0 is unknown: gender, age in days (20 bits), days of the stay (20), age (12).
SELECT
    setl_id,
    {diagnoses},
    {operations},
    fee,
    ((coalesce(gend, -1) + 1) << 52) + (min(coalesce(nwb_age, -1) + 1, 1048575) << 32)
    + (min(coalesce(act_ipt_days, -1) + 1, 1048575) << 12) + min(coalesce(age, -1) + 1, 4095),
    coalesce(tcm_fee, -1),
    coalesce(nwb_bir_wt, ''),
    coalesce(substr(brdy, 1, 10), ''),
    coalesce(substr(adm_time, 1, 10), '')
FROM cases
WHERE year = ? AND netting = 0 AND scope = 0
