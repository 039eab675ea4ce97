-- From layout 2 to 3: the bureau's result case by case, and rule packs of the workspace. Its tables are those of schema.sql.

-- The bureau's own result case by case, as its annual export gives it; empty where it does not say.
CREATE TABLE official_case (
    setl_id TEXT PRIMARY KEY,
    fixmedins_code TEXT,
    dip_code TEXT,
    rw TEXT, coefficient TEXT, factor TEXT,     -- catalogue score, the institution's k, auxiliary factor
    deviation TEXT,                             -- low normal high, or what the export calls it
    score TEXT, point_value TEXT,
    pay INTEGER,
    batch_id INTEGER REFERENCES batch (id), row INTEGER
) WITHOUT ROWID;

-- Rule packs of this workspace: a copy of a shipped one, or one that extends it and fills what it leaves open.
CREATE TABLE rule_pack (
    id TEXT PRIMARY KEY,
    text TEXT NOT NULL,                 -- TOML, as it would stand in a file
    based_on TEXT NOT NULL DEFAULT '',
    at TEXT NOT NULL
) WITHOUT ROWID;
