"""Own against official grouping: a case for every reason, sums that close, and the same groups as the clearing's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core.analysis import agreement
from core.analysis.agreement import BY, REASONS, Agreement
from core.faults import Refused
from core.intake.load import import_file
from core.progress import SILENT
from core.rules import packs
from core.settlement import annual, gather
from core.storage.engine import library as sqlite3
from core.storage.workspace import Workspace
from core.texts import LANGUAGES, Texts
from core.worksheet import Worksheet

PACK = "ningde-2024"
CATALOGUE = """\
dip_code,dip_name,kind,stage,diag_code,oprn_code,rel_oprn_code,oth_diag_code,condition,attribute,equal_to,score,mean_fee
K35.3:47.0901,a,core,,K35.3,47.0901,,,,surgery,,2,8000
K35.3:47.0100,b,core,,K35.3,47.0100,,,,surgery,,2.5,9000
K35.3:47.0100:54.5100,c,core,,K35.3,47.0100,54.5100,,,surgery,,3,12000
K35.3:bare,d,core,,K35.3,,,,,conservative,,1,4000
K35:surgery,e,composite,,K35,,,,,surgery,,1.8,7000
K35:diagnostic,f,composite,,K35,,,,,diagnostic,,1.2,5000
K35:bare,g,composite,,K35,,,,,conservative,,0.9,3500
J18.9:bare,h,core,,J18.9,,,,,conservative,,0.7,3000
J18.9:tcm,i,tcm,,J18.9,,,,,conservative,,0.6,2500
J18.9:alike,j,tcm,,J18.9,,,,,conservative,J18.9:bare,0.7,3000
P07:small,k,core,pre,P07,,,,age_days < 29 and birth_weight < 1500,,,10,40000
P07:bare,l,composite,,P07,,,,,conservative,,3,9000
Z51.1:C,m,core,assisted,Z51.1,,,C00-C97,,conservative,,1.5,6000
Z51:bare,n,composite,,Z51,,,,,conservative,,0.5,2000
F20:days,o,bed_day,,F20,,,,,conservative,,0.1,300
F20:bare,p,composite,,F20,,,,,conservative,,0.5,2000
"""
OPERATIONS = "oprn_code,attribute\n47.0901,surgery\n47.0100,surgery\n54.5100,therapeutic\n88.7000,diagnostic\n"
# settlement, hospital, diagnosis, others, operation, other operations, days of age, weight, days, official; own group, reason
CASES = (
    ("S01", "H1", "K35.300", "", "47.0901", "", "", "", 5, "K35.3:47.0901", "K35.3:47.0901", "same"),
    ("S02", "H1", "K35.300", "", "47.0100", "54.5100", "", "", 5, "K35.3:47.0100", "K35.3:47.0100:54.5100", "order"),
    ("S03", "H1", "K35.300", "", "47.0100", "", "", "", 5, "K35.3:47.0100:54.5100", "K35.3:47.0100", "related"),
    ("S04", "H1", "K35.300", "", "47.0100", "", "", "", 5, "K35.3:47.0901", "K35.3:47.0100", "operation"),
    ("S05", "H1", "K35.300", "", "47.0100", "", "", "", 5, "J18.9:bare", "K35.3:47.0100", "diagnosis"),
    ("S06", "H2", "K35.300", "", "", "", "", "", 5, "K35:bare", "K35.3:bare", "kind"),
    ("S07", "H2", "K35.300", "", "47.0100", "", "", "", 5, "K35:bare", "K35.3:47.0100", "attribute"),
    ("S08", "H2", "J18.900", "", "", "", "", "", 5, "J18.9:tcm", "J18.9:bare", "unread"),
    ("S09", "H2", "J18.900", "", "", "", "", "", 5, "J18.9:alike", "J18.9:bare", "equal"),
    ("S10", "H2", "P07.100", "", "", "", 40, 1400, 5, "P07:small", "P07:bare", "condition"),
    ("S11", "H2", "J18.900", "", "", "", "", "", 5, "X99:gone", "J18.9:bare", "unknown"),
    ("S12", "H2", "J18.900", "", "", "", "", "", 5, "", "J18.9:bare", "no_official"),
    ("S13", "H2", "Y99.900", "", "", "", "", "", 5, "K35:bare", "", "own_ungrouped"),
    ("S14", "H2", "Z51.100", "I10.x00", "", "", "", "", 5, "Z51.1:C", "Z51:bare", "other_diagnosis"),
    ("S15", "H2", "K35.300", "", "88.7000", "47.0901", "", "", 5, "K35.3:47.0901", "K35:diagnostic", "main"),
    ("S16", "H2", "F20.900", "", "", "", "", "", 30, "F20:days", "F20:bare", "unread"),
    ("S17", "H2", "P07.100", "", "", "", 20, 1400, 5, "P07:small", "P07:small", "same"),
)  # fmt: skip


def files(folder: Path) -> dict[str, str]:
    head = (
        "setl_id,insutype,fixmedins_code,dscg_time,diag_code,oth_diag_codes,oprn_code,oth_oprn_codes,nwb_age,nwb_bir_wt,"
        "act_ipt_days,medfee_sumamt,fund_pay_sumamt,hifp_pay,psn_part_amt,dip_dise_grp_code\n"
    )
    rows = [
        f"{one[0]},{310 if one[1] == 'H1' else 390},{one[1]},2024-03-01,{','.join(map(str, one[2:9]))},"
        f"6000.00,4000.00,4000.00,2000.00,{one[9]}\n"
        for one in CASES
    ]
    # Out of scope and unregistered: neither counts.
    rows.append("S90,340,H1,2024-03-01,K35.300,,,,,,5,6000.00,4000.00,4000.00,2000.00,K35:bare\n")
    rows.append("S91,310,H9,2024-03-01,K35.300,,,,,,5,6000.00,4000.00,4000.00,2000.00,K35:bare\n")
    return {
        "institutions": "fixmedins_code,fixmedins_name,hosp_lv\nH1,甲医院,2\nH2,乙医院,8\n",
        "catalogue": CATALOGUE,
        "operations": OPERATIONS,
        "cases": head + "".join(rows),
    }


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    annual.forget()
    gather.forget()
    with Workspace.create(tmp_path / "w.dianzhi", region="350900") as made:
        for kind, text in files(tmp_path).items():
            path = tmp_path / f"{kind}.csv"
            path.write_text(text, "utf-8")
            receipt = import_file(made, kind, path, year=2024)
            assert (receipt.refused, receipt.accepted) == (0, len(text.splitlines()) - 1), receipt.findings
        yield made


@pytest.fixture
def found(workspace: Workspace) -> Agreement:
    return agreement.agree(workspace, 2024, packs.load(PACK))


def rows_of(sheet: Worksheet) -> dict[object, dict[str, str]]:
    assert sheet.keys is not None
    return {
        key: {column.id: sheet.text(row, column) for column in sheet.columns}
        for row, key in enumerate(sheet.keys.tolist())
    }


def test_every_reason_is_told_apart(found: Agreement) -> None:
    own = {setl_id: code for setl_id, code, _, _ in agreement.group_rows(found, "en")}
    assert own == {one[0]: one[10] for one in CASES}
    reasons = dict(zip(found.rows.setl_id.tolist(), (REASONS[i] for i in found.reason.tolist()), strict=True))
    assert reasons == {one[0]: one[11] for one in CASES}
    assert {one[11] for one in CASES} == set(REASONS)


def test_totals_by_hand(found: Agreement) -> None:
    assert (len(found), found.grouped, found.stated, found.same) == (17, 16, 16, 2)
    # Own less official over the 16 stated cases, in order:
    # S02 3-2.5, S03 2.5-3, S04 2.5-2, S05 2.5-0.7, S06 1-0.9, S07 2.5-0.9, S08 0.7-0.6, S09 0, S10 3-10, S11 0.7-0,
    # S13 0-0.9, S14 0.5-1.5, S15 1.2-2, S16 0.5 - 0.1 x 30
    by_hand = [0.5, -0.5, 0.5, 1.8, 0.1, 1.6, 0.1, 0, -7, 0.7, -0.9, -1, -0.8, -2.5]
    assert found.difference == sum((Fraction(str(one)) for one in by_hand), Fraction(0)) == Fraction("-7.4")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("what", BY)
def test_sheets_close(found: Agreement, what: str, lang: str) -> None:
    sheet = agreement.by(found, what, lang)
    counted = [column.id for column in sheet.columns if column.total]
    for name in counted:
        assert sheet.totals[name] == sheet.cells[name].sum(), name
    cases = 14 if what == "pair" else 17
    assert sheet.totals["cases"] == cases
    for column in sheet.columns:
        assert not column.title[lang].startswith("agreement.")
        for row in range(sheet.rows):
            assert "agreement." not in sheet.text(row, column)
    if what not in ("reason", "pair"):
        assert sheet.totals["difference"] == -7.4 * 10**found.own_points.places
        assert sheet.totals["agreement"] == 1250  # 2 of 16


def test_by_institution_and_fund(found: Agreement) -> None:
    by = rows_of(agreement.by(found, "institution", "en"))
    assert list(by) == ["H1", "H2"]
    assert (by["H1"]["cases"], by["H1"]["same"], by["H1"]["agreement"], by["H1"]["differing"]) == ("5", "1", "20.00", "4")
    assert (by["H2"]["cases"], by["H2"]["stated"], by["H2"]["own_ungrouped"], by["H2"]["equal"]) == ("12", "11", "1", "1")
    funds = rows_of(agreement.by(found, "fund", "en"))
    assert (funds["employee"]["difference"], funds["resident"]["cases"]) == ("2.3", "12")
    chapters = rows_of(agreement.by(found, "chapter", "en"))
    assert chapters["K00-K93"]["cases"] == "8"


def test_differing_cases_by_part(found: Agreement) -> None:
    def ids(**part: object) -> list[str]:
        sheet = agreement.differing(found, "en", **part)  # pyright: ignore[reportArgumentType]
        assert sheet.keys is not None
        return sheet.keys.tolist()

    every = [one[0] for one in CASES if one[11] not in ("same", "no_official")]
    assert ids() == every, "by institution, then settlement"
    assert ids(institution="H1") == ["S02", "S03", "S04", "S05"]
    assert ids(reason="unread") == ["S08", "S16"]
    assert ids(reason="no_official") == ["S12"]
    assert ids(reason="same") == ["S01", "S17"]
    assert ids(chapter="J00-J99") == ["S08", "S09", "S11"]
    assert ids(pair=("K35.3:47.0100", "K35:bare")) == ["S07"]
    assert ids(pair=("", "K35:bare")) == ["S13"]
    assert ids(institution="nowhere") == []
    for what in ("institution", "fund", "chapter", "reason", "pair"):
        sheet = agreement.by(found, what, "en")
        assert sheet.keys is not None
        keys = [key for key in sheet.keys.tolist() if key not in ("same", "no_official")]
        assert sorted(one for key in keys for one in ids(**{what: key})) == every, what


@pytest.mark.parametrize("lang", LANGUAGES)
def test_both_paths_of_every_case(found: Agreement, lang: str) -> None:
    for one in CASES:
        told = agreement.both_paths(found, one[0], lang)
        assert (told.own.code, told.official.code, told.reason) == (one[10], one[9], one[11])
        assert told.own.lines and told.official.lines
        for line in (*told.own.lines, *told.official.lines, *(why for _, why in told.alternatives)):
            assert not line.startswith(("grouping.", "agreement.")) and "{" not in line, line
    related = agreement.both_paths(found, "S03", lang)
    assert "54.5100" in related.official.lines[-1]
    assert related.difference == Fraction("-0.5")
    unread = agreement.both_paths(found, "S08", lang)
    assert unread.official.lines[1:] == (Texts(lang)("grouping.why.unconditional"),), "not that its diagnosis is another"
    with pytest.raises(Refused):
        agreement.both_paths(found, "nobody", lang)


def test_where_the_fee_alone_decides(tmp_path: Path) -> None:
    """Two groups alike but for their mean fee. Each case has the other's official group; its path tells its own fee and codes."""
    texts = files(tmp_path)
    texts["catalogue"] += "N20.0:low,q,core,,N20.0,47.0901,,,,surgery,,1,5000\nN20.0:high,r,core,,N20.0,47.0901,,,,surgery,,2,9000\n"
    head, *_ = texts["cases"].splitlines()
    lines = [("T1", "N20.000", "5100.00", "N20.0:high"), ("T2", "N20.001", "8800.00", "N20.0:low"), ("T3", "N20.002", "5200.00", "N20.0:low"),
             ("T4", "N20.000", "7000.00", "N20.0:low")]  # fmt: skip
    texts["cases"] = "\n".join([head, *(
        f"{id},310,H1,2024-03-01,{code},,47.0901,,,,5,{fee},0.00,0.00,{fee},{official}" for id, code, fee, official in lines
    )]) + "\n"  # fmt: skip
    with Workspace.create(tmp_path / "f.dianzhi", region="350900") as made:
        for kind, text in texts.items():
            (tmp_path / f"{kind}.csv").write_text(text, "utf-8")
            assert import_file(made, kind, tmp_path / f"{kind}.csv", year=2024).refused == 0
        found = agreement.agree(made, 2024, packs.load(PACK))
        reasons = {one.setl_id: one.reason for one in (agreement.both_paths(found, line[0], "en") for line in lines)}
        assert reasons == {"T1": "order", "T2": "order", "T3": "same", "T4": "order"}
        rows = list(agreement.group_rows(found, "en"))
    assert [row[1] for row in rows] == ["N20.0:low", "N20.0:high", "N20.0:low", "N20.0:high"]
    for (id, code, fee, _), row in zip(lines, rows, strict=True):
        assert row[0] == id and f"principal diagnosis {code};" in row[3]
        assert (f"fee {fee} yuan" in row[3]) == (id != "T4"), "both means are as far: the code decides, and no fee is said"
    assert "still even" in rows[3][3]


def test_an_official_code_that_the_catalogue_lacks_is_a_finding(found: Agreement) -> None:
    [finding] = [one for one in found.findings if one.code == "official_group_unknown"]
    assert (finding.subject, finding.value) == ("X99:gone", "1")


def test_what_is_missing_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    with pytest.raises(Refused, match="agreement_no_cases"):
        agreement.agree(workspace, 2023, packs.load(PACK), catalogue="catalogue")
    with pytest.raises(Refused, match="catalogue_unknown"):
        agreement.agree(workspace, 2024, packs.load(PACK), catalogue="none")
    with pytest.raises(Refused, match="catalogue_missing"):
        agreement.agree(workspace, 2023, packs.load(PACK))


@pytest.mark.parametrize("pack", [PACK, "national-draft-3"])
def test_a_region_a_second_way(demonstration_copy: Callable[[int, Path], Path], tmp_path: Path, pack: str) -> None:
    """On the demonstration: the groups are the clearing's own, and agreement is what plain SQL says of them."""
    annual.forget()
    gather.forget()
    with Workspace.open(demonstration_copy(100, tmp_path)) as region:
        rule = packs.load(pack)
        found = agreement.agree(region, 2024, rule)
        standing = gather.standing_of(region, region.reader(), 2024, rule, None, "own", SILENT)
        cleared = {
            setl_id: standing.rows.groups[i] if i >= 0 else ""
            for setl_id, i in zip(standing.rows.setl_id.tolist(), standing.rows.group.tolist(), strict=True)
        }
        own = {setl_id: code for setl_id, code, _, _ in agreement.group_rows(found, "zh")}
        assert {setl_id: own[setl_id] for setl_id in cleared} == cleared
        assert len(own) == len(found) > 1000
        connection = sqlite3.connect(region.path)
        connection.execute("CREATE TEMP TABLE own (setl_id TEXT PRIMARY KEY, code TEXT)")
        connection.executemany("INSERT INTO own VALUES (?, ?)", own.items())
        stated = dict(
            connection.execute(
                "SELECT fund, sum(coalesce(nullif(c.dip_dise_grp_code, ''), (SELECT g.dip_dise_grp_code FROM case_group AS g"
                " WHERE g.setl_id = c.setl_id AND coalesce(g.grp_stas, 1) <> 0), '') = own.code) FROM own"
                " JOIN cases AS c ON c.setl_id = own.setl_id AND c.sign = 1 WHERE own.code <> '' GROUP BY 1"
            )
        )
        connection.close()
        by = rows_of(agreement.by(found, "fund", "en"))
        assert {1: int(by["employee"]["same"]), 2: int(by["resident"]["same"])} == stated
        assert found.same == int((found.own == np.where(found.official < 0, -2, found.official)).sum())
