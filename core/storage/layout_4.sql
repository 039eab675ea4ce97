-- From layout 3 to 4: years whose clearing is confirmed. Its table is that of schema.sql.

-- Years whose clearing is confirmed: until one is reopened nothing that its runs stand on can change (confirmed.py).
CREATE TABLE confirmed_year (
    year INTEGER PRIMARY KEY,
    runs TEXT NOT NULL,                 -- JSON list of the hashes of the runs that stand, every fund in one of them
    at TEXT NOT NULL, who TEXT NOT NULL,
    why TEXT NOT NULL
) WITHOUT ROWID;
