-- Layout 4 of a workspace. Money is integer fen, exact decimals are TEXT in plain notation, dates are ISO TEXT.
-- Every imported row names its batch and its row in the file, so that a figure can be followed to its cell.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,   -- region, name, created, synthetic ('1'), person_key (hex)
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Append-only; triggers below refuse anything else.
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- the counter remembers lines that were cut off at the end
    at TEXT NOT NULL,               -- UTC, ISO, seconds
    who TEXT NOT NULL,
    action TEXT NOT NULL,           -- import, edit, publish, run, undo, redo, reopen, interrupted ...
    subject TEXT NOT NULL,          -- what a person would call it: a file's name, an institution's code
    changes TEXT NOT NULL,          -- JSON list of {table, key, before, after}; rows as objects, null = no row
    why TEXT NOT NULL DEFAULT '',
    answers INTEGER REFERENCES ledger (id),  -- the line that an undo or redo turns back
    previous TEXT NOT NULL,         -- hash of the line before, '' for the first
    hash TEXT NOT NULL UNIQUE
);
CREATE TRIGGER ledger_appends BEFORE INSERT ON ledger
    WHEN NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM ledger)
        OR NEW.previous <> coalesce((SELECT hash FROM ledger ORDER BY id DESC LIMIT 1), '')
    BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;

-- Work under way. Committed before the work begins, removed in the work's own transaction: what is left was interrupted.
CREATE TABLE activity (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    what TEXT NOT NULL,     -- import, clear, edit ...
    subject TEXT NOT NULL
);

CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    file TEXT NOT NULL,
    sheet TEXT NOT NULL DEFAULT '',
    sha256 TEXT NOT NULL,           -- of the file's bytes
    year INTEGER,                   -- the year given for rows that carry none
    mapping TEXT NOT NULL,          -- JSON: heading in the file -> column; null = not taken
    encoding TEXT NOT NULL DEFAULT '',
    rows_read INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL DEFAULT 0,   -- 1: its rows rest in the withdrawn_* tables
    at TEXT NOT NULL,
    CHECK (rows_read = accepted + refused)
);

-- Headings of the file's form -> columns, remembered for the next file of the same headings.
CREATE TABLE mapping (
    kind TEXT NOT NULL,
    headings TEXT NOT NULL,         -- sha256 of the normalised headings
    mapping TEXT NOT NULL,
    PRIMARY KEY (kind, headings)
) WITHOUT ROWID;

CREATE TABLE finding (
    id INTEGER PRIMARY KEY,
    batch_id INTEGER REFERENCES batch (id),
    run_id INTEGER REFERENCES run (id),
    severity TEXT NOT NULL,
    code TEXT NOT NULL,
    file TEXT NOT NULL DEFAULT '',
    sheet TEXT NOT NULL DEFAULT '',
    row INTEGER,
    column_name TEXT NOT NULL DEFAULT '',
    value TEXT NOT NULL DEFAULT '',
    subject TEXT NOT NULL DEFAULT '',
    details TEXT NOT NULL DEFAULT '{}'  -- JSON: what fills the sentence
);
CREATE INDEX finding_batch ON finding (batch_id);
CREATE INDEX finding_run ON finding (run_id);

CREATE TABLE institution (
    fixmedins_code TEXT PRIMARY KEY,
    fixmedins_name TEXT NOT NULL,
    hosp_lv INTEGER NOT NULL,
    hi_setl_lv INTEGER,
    category TEXT, county TEXT, ownership TEXT,
    beds_authorised INTEGER, beds_open INTEGER,
    credit TEXT, alliance TEXT,
    batch_id INTEGER NOT NULL REFERENCES batch (id), row INTEGER NOT NULL
);

CREATE TABLE cases (
    case_id INTEGER PRIMARY KEY,
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    row INTEGER NOT NULL,
    setl_id TEXT NOT NULL,
    sign INTEGER NOT NULL,              -- 1, or -1 for a reversal (negative amounts)
    init_setl_id TEXT, mdtrt_id TEXT, medcasno TEXT,
    person TEXT,                        -- keyed hash of psn_no, hex
    insutype INTEGER NOT NULL,
    med_type INTEGER, clr_type INTEGER, hi_paymtd INTEGER,
    fixmedins_code TEXT NOT NULL,
    insu_admdvs TEXT, dept TEXT, doctor TEXT,
    gend INTEGER, brdy TEXT, age INTEGER, nwb_age INTEGER, nwb_bir_wt TEXT,
    adm_time TEXT, dscg_time TEXT NOT NULL, setl_time TEXT,
    act_ipt_days INTEGER, dscg_way INTEGER,
    diag_code TEXT NOT NULL, diag_name TEXT, oth_diag_codes TEXT, oprn_code TEXT, oth_oprn_codes TEXT, -- lists joined by |
    medfee_sumamt INTEGER NOT NULL, fund_pay_sumamt INTEGER, hifp_pay INTEGER NOT NULL,
    hifes_pay INTEGER, hifmi_pay INTEGER, hifob_pay INTEGER, cvlserv_pay INTEGER, maf_pay INTEGER, oth_pay INTEGER,
    hosp_part_amt INTEGER, psn_part_amt INTEGER, acct_pay INTEGER, psn_cash_pay INTEGER, psn_ownpay INTEGER,
    excluded_fee INTEGER, drug_fee INTEGER, consumable_fee INTEGER, therapy_fee INTEGER, tcm_fee INTEGER,
    icu_days INTEGER, refd_setl_flag INTEGER, vali_flag INTEGER,
    dip_dise_grp_code TEXT, dip_dise_grp_name TEXT, grp_dise_sco TEXT, asst_list_detl TEXT,
    official_score TEXT, official_pay INTEGER,
    -- The reading of the row (interfaces 2), derived at import:
    fund INTEGER NOT NULL,              -- 1 employee (310, 510), 2 resident (390), 0 neither
    year INTEGER NOT NULL,              -- of setl_time, else of dscg_time
    day INTEGER NOT NULL,               -- YYYYMMDD of the same
    fee INTEGER NOT NULL,               -- medfee_sumamt - excluded_fee
    own_pay INTEGER NOT NULL,           -- psn_part_amt, else medfee - fund_pay - hosp_part; less excluded_fee
    other_pay INTEGER NOT NULL,         -- fund_pay_sumamt - hifp_pay, 0 where it is empty
    scope INTEGER NOT NULL,             -- 0 in by its own row; 1 insutype; 2 hi_paymtd; 3 med_type (area and register: at gather)
    -- Set across rows by storage/netting.sql after every import, withdrawal and return:
    -- 0 counts; 1 reversed pair; 2 refund flag without reversal; 3 reversal without original; 4 pair across years; 5 vali_flag 0
    netting INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX cases_key ON cases (setl_id, sign);
CREATE INDEX cases_year ON cases (year);
CREATE INDEX cases_odd ON cases (case_id) WHERE sign < 0 OR refd_setl_flag = 1 OR vali_flag = 0 OR netting <> 0;

CREATE TABLE diagnosis (
    setl_id TEXT NOT NULL, ord INTEGER NOT NULL,
    diag_type INTEGER, diag_code TEXT NOT NULL, diag_name TEXT, maindiag_flag INTEGER, adm_cond_type INTEGER,
    batch_id INTEGER NOT NULL REFERENCES batch (id), row INTEGER NOT NULL,
    PRIMARY KEY (setl_id, ord)
) WITHOUT ROWID;
CREATE TABLE operation_done (
    setl_id TEXT NOT NULL, ord INTEGER NOT NULL,
    oprn_oprt_type INTEGER, oprn_oprt_code TEXT NOT NULL, oprn_oprt_name TEXT, oprn_oprt_date TEXT, anst_way TEXT,
    batch_id INTEGER NOT NULL REFERENCES batch (id), row INTEGER NOT NULL,
    PRIMARY KEY (setl_id, ord)
) WITHOUT ROWID;
CREATE TABLE case_group (
    setl_id TEXT PRIMARY KEY,
    grp_stas INTEGER, dip_dise_grp_code TEXT, dip_dise_grp_name TEXT,
    grp_diag_code TEXT, grp_diag_name TEXT, oprn_grp_code TEXT, oprn_grp_name TEXT,
    dise_list_type TEXT, asst_list_flag TEXT, asst_list_detl TEXT, grp_dise_sco TEXT, nuld_flag INTEGER, remarks TEXT,
    batch_id INTEGER NOT NULL REFERENCES batch (id), row INTEGER NOT NULL
) WITHOUT ROWID;

-- A catalogue's version is the file's `version` column, else the file's name without its ending.
CREATE TABLE catalogue (
    version TEXT NOT NULL, year INTEGER NOT NULL,
    dip_code TEXT NOT NULL, dip_name TEXT NOT NULL,
    kind TEXT NOT NULL,                 -- core composite primary_care tcm bed_day day_case
    -- Expressions as the file has them: `+` `,` all, `|` `/` any (within a part), ranges A00-B99, prefixes.
    diag_code TEXT, oprn_code TEXT, rel_oprn_code TEXT, attribute TEXT,
    score TEXT NOT NULL,
    mean_fee INTEGER, mean_days TEXT,
    coef_3 TEXT, coef_2 TEXT, coef_1 TEXT,
    primary_care INTEGER,
    batch_id INTEGER NOT NULL REFERENCES batch (id), row INTEGER NOT NULL,
    stage TEXT,                         -- pre merged assisted basic; empty is basic
    oth_diag_code TEXT,                 -- expression over the other diagnoses
    condition TEXT,                     -- in the step language over age, age_days, birth_weight, days, gender ...
    equal_to TEXT,                      -- dip_code of the group declared equal in score (TCM and Western alike)
    drug_score TEXT, consumable_score TEXT, cases INTEGER, cv TEXT,
    PRIMARY KEY (version, dip_code)
) WITHOUT ROWID;
CREATE INDEX catalogue_year ON catalogue (year);
CREATE TABLE auxiliary (
    version TEXT NOT NULL, year INTEGER NOT NULL,
    dip_code TEXT NOT NULL, type TEXT NOT NULL, band TEXT NOT NULL,
    factor TEXT NOT NULL, mean_fee INTEGER,
    batch_id INTEGER NOT NULL REFERENCES batch (id), row INTEGER NOT NULL,
    PRIMARY KEY (version, dip_code, type, band)
) WITHOUT ROWID;
CREATE TABLE operation (
    oprn_code TEXT PRIMARY KEY, oprn_name TEXT, attribute TEXT, level TEXT,
    batch_id INTEGER NOT NULL REFERENCES batch (id), row INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE reference_mean (
    year INTEGER NOT NULL, dip_code TEXT NOT NULL, level TEXT NOT NULL, fund TEXT NOT NULL DEFAULT 'all',
    mean_fee INTEGER NOT NULL, cases INTEGER,
    batch_id INTEGER NOT NULL REFERENCES batch (id), row INTEGER NOT NULL,
    PRIMARY KEY (year, dip_code, level, fund)
) WITHOUT ROWID;

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

-- Imported coefficients are the draft set 'imported'; a published set is frozen under the hash of its content.
CREATE TABLE coefficient_set (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('draft', 'published')),
    based_on TEXT, hash TEXT, at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE coefficient (
    set_name TEXT NOT NULL REFERENCES coefficient_set (name),
    fixmedins_code TEXT NOT NULL,
    fund TEXT NOT NULL DEFAULT 'all',       -- employee resident all
    part TEXT NOT NULL,                     -- base, bonus:NAME, deduction:NAME (positive)
    valid_from TEXT NOT NULL DEFAULT '',    -- ISO date; '' from the beginning
    value TEXT NOT NULL,
    basis TEXT NOT NULL DEFAULT '',
    batch_id INTEGER REFERENCES batch (id), row INTEGER,
    PRIMARY KEY (set_name, fixmedins_code, fund, part, valid_from)
) WITHOUT ROWID;
CREATE TRIGGER published_no_insert BEFORE INSERT ON coefficient
    WHEN (SELECT state FROM coefficient_set WHERE name = NEW.set_name) = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published set is frozen'); END;
CREATE TRIGGER published_no_update BEFORE UPDATE ON coefficient
    WHEN (SELECT state FROM coefficient_set WHERE name = OLD.set_name) = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published set is frozen'); END;
CREATE TRIGGER published_no_delete BEFORE DELETE ON coefficient
    WHEN (SELECT state FROM coefficient_set WHERE name = OLD.set_name) = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published set is frozen'); END;
CREATE TRIGGER published_set_no_update BEFORE UPDATE ON coefficient_set WHEN OLD.state = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published set is frozen'); END;
CREATE TRIGGER published_set_no_delete BEFORE DELETE ON coefficient_set WHEN OLD.state = 'published'
    BEGIN SELECT RAISE (ABORT, 'a published set is frozen'); END;

CREATE TABLE budget (
    year INTEGER NOT NULL, fund TEXT NOT NULL, item TEXT NOT NULL,
    document TEXT NOT NULL DEFAULT '', date TEXT NOT NULL DEFAULT '',
    amount INTEGER NOT NULL,
    batch_id INTEGER REFERENCES batch (id), row INTEGER,
    PRIMARY KEY (year, fund, item, document, date)
) WITHOUT ROWID;
CREATE TABLE payment (
    fixmedins_code TEXT NOT NULL, fund TEXT NOT NULL, period TEXT NOT NULL, kind TEXT NOT NULL,
    amount INTEGER NOT NULL,
    batch_id INTEGER REFERENCES batch (id), row INTEGER,
    basis TEXT,                         -- of a payment settled here: the hash of the month's run
    PRIMARY KEY (fixmedins_code, fund, period, kind)
) WITHOUT ROWID;
CREATE TABLE deduction (
    fixmedins_code TEXT NOT NULL, fund TEXT NOT NULL, period TEXT NOT NULL, kind TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    amount INTEGER NOT NULL,
    batch_id INTEGER REFERENCES batch (id), row INTEGER,
    PRIMARY KEY (fixmedins_code, fund, period, kind, note)
) WITHOUT ROWID;
CREATE TABLE assessment (
    fixmedins_code TEXT NOT NULL, year INTEGER NOT NULL, indicator TEXT NOT NULL,
    max_points TEXT NOT NULL, points TEXT NOT NULL,     -- points: as reviewed
    batch_id INTEGER REFERENCES batch (id), row INTEGER,
    self_points TEXT,                   -- what the institution gave itself
    entered_by TEXT, checked_by TEXT,   -- of points given here: maker and checker, two names
    PRIMARY KEY (fixmedins_code, year, indicator)
) WITHOUT ROWID;
CREATE TABLE special_case (
    setl_id TEXT PRIMARY KEY,
    decision TEXT NOT NULL,             -- by_item adjusted rejected
    score TEXT, document TEXT,
    batch_id INTEGER REFERENCES batch (id), row INTEGER,
    reason TEXT
) WITHOUT ROWID;
CREATE TABLE official_clearing (
    fixmedins_code TEXT NOT NULL,       -- or REGION
    fund TEXT NOT NULL, year INTEGER NOT NULL,
    column_id TEXT NOT NULL,            -- a step id
    amount TEXT NOT NULL,               -- exact decimal in the step's unit
    batch_id INTEGER REFERENCES batch (id), row INTEGER,
    PRIMARY KEY (fixmedins_code, fund, year, column_id)
) WITHOUT ROWID;
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
CREATE TABLE control_total (
    period TEXT NOT NULL,               -- YYYY or YYYYMM
    fixmedins_code TEXT NOT NULL DEFAULT '', fund TEXT NOT NULL DEFAULT 'all',
    rows INTEGER NOT NULL, medfee_sumamt INTEGER NOT NULL, hifp_pay INTEGER,
    batch_id INTEGER REFERENCES batch (id), row INTEGER,
    PRIMARY KEY (period, fixmedins_code, fund)
) WITHOUT ROWID;
CREATE TABLE fund_month (
    fund TEXT NOT NULL, month TEXT NOT NULL,
    income INTEGER NOT NULL, expenditure INTEGER NOT NULL, balance INTEGER NOT NULL,
    batch_id INTEGER REFERENCES batch (id), row INTEGER,
    PRIMARY KEY (fund, month)
) WITHOUT ROWID;

-- A clearing that was done: names all that it stood on by hash. Its cases are recomputed on demand, the same to the byte.
CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL, who TEXT NOT NULL,
    kind TEXT NOT NULL DEFAULT 'clear',
    year INTEGER NOT NULL,
    pack TEXT NOT NULL, pack_hash TEXT NOT NULL, pack_text TEXT NOT NULL,
    set_name TEXT NOT NULL, set_hash TEXT NOT NULL,
    catalogue TEXT NOT NULL, grouping TEXT NOT NULL, funds TEXT NOT NULL,
    parameters TEXT NOT NULL,           -- JSON of what --param changed
    data_hash TEXT NOT NULL,
    batches TEXT NOT NULL,              -- JSON list of batch ids in force; one withdrawn since = stale
    result TEXT NOT NULL,               -- the JSON of `--out x.json`
    result_hash TEXT NOT NULL,
    hash TEXT NOT NULL,                 -- of what it stood on and every figure, as a tree (settlement/digest.py); not of `result`
    period TEXT NOT NULL DEFAULT ''     -- YYYYMM of a month's settlement (kind 'month')
);

-- What one would like to try: a year, a pack and the choices, with the changes on top.
CREATE TABLE scenario (
    name TEXT PRIMARY KEY,
    year INTEGER NOT NULL, pack TEXT NOT NULL,
    set_name TEXT NOT NULL DEFAULT '', catalogue TEXT NOT NULL DEFAULT '', grouping TEXT NOT NULL DEFAULT 'official',
    changes TEXT NOT NULL DEFAULT '[]',  -- JSON
    note TEXT NOT NULL DEFAULT '',
    at TEXT NOT NULL
) WITHOUT ROWID;

-- Rule packs of this workspace: a copy of a shipped one, or one that extends it and fills what it leaves open.
CREATE TABLE rule_pack (
    id TEXT PRIMARY KEY,
    text TEXT NOT NULL,                 -- TOML, as it would stand in a file
    based_on TEXT NOT NULL DEFAULT '',
    at TEXT NOT NULL
) WITHOUT ROWID;

-- Years whose clearing is confirmed: until one is reopened nothing that its runs stand on can change (confirmed.py).
CREATE TABLE confirmed_year (
    year INTEGER PRIMARY KEY,
    runs TEXT NOT NULL,                 -- JSON list of the hashes of the runs that stand, every fund in one of them
    at TEXT NOT NULL, who TEXT NOT NULL,
    why TEXT NOT NULL
) WITHOUT ROWID;
