-- Index into the age bands 0-28d, 29d-1y, 1-6, 7-17, 66+; -1 where no band holds the age, -2 where it cannot be told.
-- Years by date of birth at admission, else by age. Days by nwb_age, else by date of birth; platforms write nwb_age 0
-- for anybody, so that it speaks only where nothing says a year or more, and 0 of it only where there is no date of birth.
(SELECT CASE
    WHEN coalesce(years, -1) < 1 AND days BETWEEN 0 AND 28 THEN 0
    WHEN coalesce(years, -1) < 1 AND days > 28 THEN 1
    WHEN coalesce(years, -1) < 1 THEN -2
    WHEN years <= 6 THEN 2
    WHEN years <= 17 THEN 3
    WHEN years < 66 THEN -1
    ELSE 4
END
FROM (SELECT
    CASE WHEN dated THEN substr(adm_time, 1, 4) - substr(brdy, 1, 4) - (substr(adm_time, 6, 5) < substr(brdy, 6, 5)) ELSE age END AS years,
    CASE WHEN dated AND coalesce(nwb_age, -1) <= 0
        THEN CAST(julianday(substr(adm_time, 1, 10)) - julianday(substr(brdy, 1, 10)) AS INTEGER) ELSE nwb_age END AS days
FROM (SELECT coalesce(julianday(substr(adm_time, 1, 10)) >= julianday(substr(brdy, 1, 10)), 0) AS dated)))
