-- Which rows refunds take out of every count and sum (interfaces 2, "Refunds"): cases.netting, from content alone.
--
-- Only the odd rows of index cases_odd are visited, and by key the originals that they name. Decisions:
-- * A row with vali_flag 0 is 5 and pairs with nothing: it cancels no row, and a reversal that names it has no original.
-- * A reversal goes to the row that init_setl_id names if that row is there, else to the opposite row of its own setl_id.
-- * Of several reversals of one original one cancels it: one that names it, then one of the same amount, then of the
--   same year, then the smallest setl_id. The others are without original.
-- * A reversal cancels its original whole, as a settlement is only ever reversed whole; where the amounts differ,
--   both leave all the same and standing_findings says so.

CREATE TEMP TABLE netting_pair AS
WITH reversal AS (
    SELECT case_id, setl_id, init_setl_id, year, medfee_sumamt
    FROM cases INDEXED BY cases_odd
    WHERE (sign < 0 OR refd_setl_flag = 1 OR vali_flag = 0 OR netting <> 0)
        AND sign < 0 AND vali_flag IS NOT 0
), aimed AS (
    SELECT
        reversal.case_id AS reversal_id, reversal.setl_id,
        coalesce(named.case_id, own.case_id) AS original_id,
        named.case_id IS NOT NULL AS by_name,
        coalesce(named.medfee_sumamt, own.medfee_sumamt) = -reversal.medfee_sumamt AS same_amount,
        coalesce(named.year, own.year) = reversal.year AS same_year,
        CASE WHEN named.case_id IS NOT NULL THEN named.vali_flag ELSE own.vali_flag END IS NOT 0 AS valid
    FROM reversal
    LEFT JOIN cases AS named ON named.setl_id = reversal.init_setl_id AND named.sign = 1
    LEFT JOIN cases AS own ON own.setl_id = reversal.setl_id AND own.sign = 1
), ranked AS (
    SELECT reversal_id, original_id, same_year, same_amount, row_number() OVER (
        PARTITION BY original_id ORDER BY by_name DESC, same_amount DESC, same_year DESC, setl_id
    ) AS place
    FROM aimed
    WHERE original_id IS NOT NULL AND valid
)
SELECT reversal_id, original_id, same_year FROM ranked WHERE place = 1;

CREATE TEMP TABLE netting_verdict (case_id INTEGER PRIMARY KEY, netting INTEGER NOT NULL);

INSERT INTO netting_verdict
SELECT case_id, CASE
    WHEN vali_flag = 0 THEN 5
    WHEN sign < 0 THEN 3
    WHEN refd_setl_flag = 1 THEN 2
    ELSE 0
END
FROM cases INDEXED BY cases_odd
WHERE sign < 0 OR refd_setl_flag = 1 OR vali_flag = 0 OR netting <> 0;

INSERT OR REPLACE INTO netting_verdict
SELECT reversal_id, CASE WHEN same_year THEN 1 ELSE 4 END FROM netting_pair
UNION ALL
SELECT original_id, CASE WHEN same_year THEN 1 ELSE 4 END FROM netting_pair;

-- OR FAIL: the changed rows lie on most pages of the table, and only this spares SQLite a copy of each in memory (half
-- a gigabyte at 2.5 million cases), kept to take back one statement. The transaction around it takes all back.
UPDATE OR FAIL cases
SET netting = (SELECT netting FROM netting_verdict AS verdict WHERE verdict.case_id = cases.case_id)
WHERE case_id IN (SELECT case_id FROM netting_verdict)
    AND netting <> (SELECT netting FROM netting_verdict AS verdict WHERE verdict.case_id = cases.case_id);

DROP TABLE netting_verdict;
DROP TABLE netting_pair;
