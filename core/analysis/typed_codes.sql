-- What can be typed into the calculator: code and name, the usual first. :year is the year whose cases say what is usual.

-- : diagnosis
WITH met (code, name, many) AS (
    SELECT diag_code, max(diag_name), count(*) FROM cases WHERE year = :year AND sign = 1 GROUP BY diag_code
    UNION ALL
    SELECT diag_code, max(diag_name), 1 FROM diagnosis WHERE coalesce(diag_type, 1) = 1 GROUP BY diag_code
)
SELECT code, max(name) FROM met GROUP BY code ORDER BY sum(many) DESC, code

-- : operation
WITH met (code, name, many) AS (
    SELECT oprn_code, '', count(*) FROM cases WHERE year = :year AND sign = 1 AND oprn_code <> '' GROUP BY oprn_code
    UNION ALL
    SELECT oprn_oprt_code, max(oprn_oprt_name), 1 FROM operation_done GROUP BY oprn_oprt_code
    UNION ALL
    SELECT oprn_code, oprn_name, 0 FROM operation
)
SELECT code, max(name) FROM met GROUP BY code ORDER BY sum(many) DESC, code

-- : institution
SELECT fixmedins_code, fixmedins_name FROM institution ORDER BY fixmedins_code
