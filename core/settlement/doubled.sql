-- Rows of a fund's year that a clearing would subtract twice: what, institution, period, kind, fen.
WITH
paid AS (
    SELECT fixmedins_code AS code, period, kind, amount, basis FROM payment
    WHERE fund = :fund AND substr(period, 1, 4) = :year
),
cut AS (
    SELECT fixmedins_code AS code, period, kind, note, amount FROM deduction
    WHERE fund = :fund AND substr(period, 1, 4) = :year AND amount <> 0
),
found AS (
    -- A year's payment beside months of the same kind: the months are in it, or it is in the months.
    SELECT 'payment_periods' AS what, y.code, y.period, y.kind, min(y.amount, m.amount) AS amount
    FROM paid AS y
    JOIN (SELECT code, kind, sum(amount) AS amount FROM paid WHERE length(period) = 6 GROUP BY 1, 2) AS m
        ON m.code = y.code AND m.kind = y.kind
    WHERE length(y.period) = 4 AND y.amount <> 0

    UNION ALL
    -- A year's deduction equal to the sum of its months'.
    SELECT 'deduction_periods', y.code, y.period, y.kind, y.amount
    FROM (SELECT code, period, kind, sum(amount) AS amount FROM cut WHERE length(period) = 4 GROUP BY 1, 2, 3) AS y
    JOIN (SELECT code, kind, sum(amount) AS amount FROM cut WHERE length(period) = 6 GROUP BY 1, 2) AS m
        ON m.code = y.code AND m.kind = y.kind AND m.amount = y.amount
    WHERE y.kind <> 'refund'

    UNION ALL
    SELECT 'deduction_kinds', a.code, a.period, a.kind, a.amount
    FROM (SELECT code, period, kind, sum(amount) AS amount FROM cut WHERE kind = 'audit' GROUP BY 1, 2) AS a
    JOIN (SELECT code, period, sum(amount) AS amount FROM cut WHERE kind = 'violation' GROUP BY 1, 2) AS v
        ON v.code = a.code AND v.period = a.period AND v.amount = a.amount

    UNION ALL
    SELECT 'deduction_notes', code, period, kind, (count(*) - 1) * amount
    FROM cut WHERE kind <> 'refund' GROUP BY code, period, kind, amount HAVING count(*) > 1

    UNION ALL
    -- Money that came back by itself is with the fund already.
    SELECT DISTINCT 'deduction_returned', a.code, a.period, a.kind, a.amount
    FROM cut AS a JOIN cut AS r ON r.code = a.code AND r.period = a.period AND r.amount = a.amount AND r.kind = 'refund'
    WHERE a.kind <> 'refund'
)
SELECT what, code, period, kind, amount FROM found ORDER BY 2, 3, 1, 4
