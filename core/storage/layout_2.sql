-- From layout 1 to 2: what the catalogue needs; its new columns are added before.

CREATE TABLE exclusion (
    version TEXT NOT NULL, year INTEGER NOT NULL,
    list TEXT NOT NULL,                 -- diagnosis: never a main one; operation: takes no part in grouping
    code TEXT NOT NULL, note TEXT,
    batch_id INTEGER NOT NULL REFERENCES batch (id), row INTEGER NOT NULL,
    PRIMARY KEY (version, list, code)
) WITHOUT ROWID;
CREATE TABLE code_map (
    system TEXT NOT NULL,               -- diagnosis operation group
    from_edition TEXT NOT NULL DEFAULT '', from_code TEXT NOT NULL,
    to_edition TEXT NOT NULL DEFAULT '', to_code TEXT NOT NULL, note TEXT,
    batch_id INTEGER NOT NULL REFERENCES batch (id), row INTEGER NOT NULL,
    PRIMARY KEY (system, from_edition, from_code, to_edition, to_code)
) WITHOUT ROWID;

-- Versions made here (a draft's rows came as the batch that is named) or published here; any other one is as imported.
CREATE TABLE catalogue_version (
    version TEXT PRIMARY KEY,
    year INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'published')),
    based_on TEXT NOT NULL DEFAULT '',
    method TEXT NOT NULL DEFAULT '{}',  -- JSON: how it was derived
    hash TEXT,                          -- of the content, from publishing on
    batch_id INTEGER REFERENCES batch (id),
    at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER catalogue_frozen_insert BEFORE INSERT ON catalogue
    WHEN (SELECT state FROM catalogue_version WHERE version = NEW.version) = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published catalogue is frozen'); END;
CREATE TRIGGER catalogue_frozen_update BEFORE UPDATE ON catalogue
    WHEN (SELECT state FROM catalogue_version WHERE version = OLD.version) = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published catalogue is frozen'); END;
CREATE TRIGGER catalogue_frozen_delete BEFORE DELETE ON catalogue
    WHEN (SELECT state FROM catalogue_version WHERE version = OLD.version) = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published catalogue is frozen'); END;
CREATE TRIGGER auxiliary_frozen_insert BEFORE INSERT ON auxiliary
    WHEN (SELECT state FROM catalogue_version WHERE version = NEW.version) = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published catalogue is frozen'); END;
CREATE TRIGGER auxiliary_frozen_update BEFORE UPDATE ON auxiliary
    WHEN (SELECT state FROM catalogue_version WHERE version = OLD.version) = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published catalogue is frozen'); END;
CREATE TRIGGER auxiliary_frozen_delete BEFORE DELETE ON auxiliary
    WHEN (SELECT state FROM catalogue_version WHERE version = OLD.version) = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published catalogue is frozen'); END;
CREATE TRIGGER exclusion_frozen_insert BEFORE INSERT ON exclusion
    WHEN (SELECT state FROM catalogue_version WHERE version = NEW.version) = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published catalogue is frozen'); END;
CREATE TRIGGER exclusion_frozen_update BEFORE UPDATE ON exclusion
    WHEN (SELECT state FROM catalogue_version WHERE version = OLD.version) = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published catalogue is frozen'); END;
CREATE TRIGGER exclusion_frozen_delete BEFORE DELETE ON exclusion
    WHEN (SELECT state FROM catalogue_version WHERE version = OLD.version) = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published catalogue is frozen'); END;
CREATE TRIGGER catalogue_version_no_update BEFORE UPDATE ON catalogue_version WHEN OLD.state = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published catalogue is frozen'); END;
CREATE TRIGGER catalogue_version_no_delete BEFORE DELETE ON catalogue_version WHEN OLD.state = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published catalogue is frozen'); END;

-- What one would like to try: a year, a pack and the choices, with the changes on top.
CREATE TABLE scenario (
    name TEXT PRIMARY KEY,
    year INTEGER NOT NULL, pack TEXT NOT NULL,
    set_name TEXT NOT NULL DEFAULT '', catalogue TEXT NOT NULL DEFAULT '', grouping TEXT NOT NULL DEFAULT 'official',
    changes TEXT NOT NULL DEFAULT '[]',  -- JSON
    note TEXT NOT NULL DEFAULT '',
    at TEXT NOT NULL
) WITHOUT ROWID;
