"""Evidence bundles held by the checker, which knows nothing of the product; and what it finds when somebody forged one."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import random
import re
import runpy
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from region import Region

from core.export.capitals import capitals
from core.faults import Refused
from core.intake import load
from core.rules import packs
from core.settlement import confirmed, evidence
from core.settlement.annual import clear

GROUP = "K35.3:g"
CHECKER = runpy.run_path(str(evidence.CHECKER))


@pytest.fixture
def year(region: Region) -> Region:
    region.institutions(("H36010001", "甲医院", 5), ("H36010002", "乙医院", 9), ("H36010003", "丙医院", 9))
    region.groups({"dip_code": GROUP, "score": "1.5", "mean_fee": 1_000_000})
    region.coefficients(
        ("H36010001", "all", "base", "", "1"), ("H36010001", "employee", "bonus:重点专科", "2024-03-01", "0.035"),
        ("H36010001", "all", "deduction:违规", "", "0.02"), ("H36010002", "all", "base", "", "0.8"),
        ("H36010003", "all", "base", "", "0.77"),
    )  # fmt: skip
    region.funded("employee", "resident")
    region.payments(("H36010001", "employee", "202403", "monthly", "1234.56"), ("H36010002", "resident", "2024", "advance", "100.00"))
    region.deductions(("H36010002", "employee", "202405", "audit", "55.50"))
    region.assessments(("H36010001", "100", "93"), ("H36010002", "100", "88"))
    region.cases(
        {"setl_id": "SETL-A1", "institution": "H36010001", "fee": "10000.00"},
        {"setl_id": "SETL-A2", "institution": "H36010001", "fee": "3100.37", "other": "12.00"},
        {"setl_id": "SETL-B1", "institution": "H36010002", "fee": "9000.00"},
        {"setl_id": "SETL-C1", "institution": "H36010003", "fee": "48000.00", "fund": "resident"},
        {"setl_id": "SETL-B2", "institution": "H36010002", "fee": "8000.00", "fund": "resident"},
    )
    return region


def made(region: Region, tmp_path: Path, pack: str = "ningde-2024", code: str = "") -> bytes:
    clear(region.workspace, 2024, packs.load(pack))
    evidence.bundle(region.workspace, 2024, tmp_path / "b.zip", institution=code)
    return (tmp_path / "b.zip").read_bytes()


def found(data: bytes) -> list[str]:
    """What differs, by the checker's own names."""
    check = CHECKER["Check"](data)
    check.run()
    return [key for key, _ in check.wrong]


def forged(
    data: bytes, changes: dict[str, Callable[[Any], Any]], parts: Callable[[dict[str, bytes]], None] = lambda files: None
) -> bytes:
    """The bundle with parts changed, and manifest and seal made anew, as somebody would who knows the format."""
    files = unpacked(data)
    for name, change in changes.items():
        told = json.loads(files[name])
        files[name] = (json.dumps(change(told) or told, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
    parts(files)
    manifest = json.loads(files["manifest.json"])
    for name in manifest.get("files", {}) if isinstance(manifest, dict) else ():
        manifest["files"][name] = {"sha256": hashlib.sha256(files[name]).hexdigest(), "bytes": len(files[name])}
    files["manifest.json"] = json.dumps(manifest).encode()
    return evidence._sealed(files)[0]  # pyright: ignore[reportPrivateUsage]


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def rewritten(data: bytes, *changes: tuple[str, str, str]) -> bytes:
    """The bundle with its workbook edited in (part, old text, new text), and sealed anew."""

    def edit(files: dict[str, bytes]) -> None:
        book = unpacked(files["run1/sheet.xlsx"])
        for part, old, new in changes:
            assert old.encode() in book[part], old
            book[part] = book[part].replace(old.encode(), new.encode(), 1)
        files["run1/sheet.xlsx"] = packed(book)

    return forged(data, {}, edit)


def told(data: bytes) -> list[tuple[str, tuple[Any, ...]]]:
    check = CHECKER["Check"](data)
    check.run()
    return check.wrong


@pytest.mark.parametrize("pack", ["ningde-2024", "national-draft-3", "zibo-2025"])
def test_a_bundle_holds_and_is_the_same_to_the_byte(year: Region, tmp_path: Path, pack: str) -> None:
    data = made(year, tmp_path, pack)
    assert found(data) == []
    assert evidence.bundle(year.workspace, 2024, tmp_path / "again.zip").seal == evidence.seal_of(tmp_path / "b.zip")
    assert (tmp_path / "again.zip").read_bytes() == data


@pytest.mark.parametrize("code", ["", "H36010001"])
def test_nothing_lies_in_a_folder_of_temporary_files_meanwhile(
    year: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert found(made(year, tmp_path, code=code)) == []


def test_it_stands_alone(year: Region, tmp_path: Path) -> None:
    """The checker out of the bundle, without site packages and without the product, in both languages."""
    made(year, tmp_path)
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        archive.extract("dianzhi_check.py", tmp_path)

    def checked(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-I", "-S", tmp_path / "dianzhi_check.py", *arguments], capture_output=True, cwd=tmp_path,
            timeout=200, env={"PYTHONUTF8": "1"},
        )  # fmt: skip
        return done.returncode, done.stdout.decode("utf-8")

    status, said = checked("b.zip", "--lang", "zh")
    assert status == 0 and "校验通过" in said and "草稿" in said
    assert checked("b.zip", "--lang", "en")[0] == 0
    data = bytearray((tmp_path / "b.zip").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "bad.zip").write_bytes(data)
    status, said = checked("bad.zip", "--lang", "en")
    assert status == 1 and said.startswith("DIFFERS: the seal")
    assert checked("nowhere.zip")[0] == 2
    assert checked()[0] == 2
    (tmp_path / "text.zip").write_text("no archive")
    assert checked("text.zip")[0] == 2


def test_parameters_of_the_run_are_computed_with(year: Region, tmp_path: Path) -> None:
    clear(year.workspace, 2024, packs.load("ningde-2024", {"point_value.places": "2", "due.places": "0"}))
    evidence.bundle(year.workspace, 2024, tmp_path / "b.zip")
    assert found((tmp_path / "b.zip").read_bytes()) == []


def test_single_bytes_changed_anywhere_are_found(year: Region, tmp_path: Path) -> None:
    data = made(year, tmp_path)
    rng = random.Random(7)
    for _ in range(300):
        at = rng.randrange(len(data))
        changed = bytearray(data)
        changed[at] ^= 1 << rng.randrange(8)
        check = CHECKER["Check"](bytes(changed))
        check.seal()
        assert check.wrong, at


@pytest.mark.soak
def test_every_byte_changed_is_found(year: Region, tmp_path: Path) -> None:
    """Each byte once by the seal; every 50th through the whole of the checker, which must not stumble."""
    data = made(year, tmp_path, code="H36010001")
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        check = CHECKER["Check"](bytes(changed))
        check.seal()
        assert check.wrong, at
        if at % 50 == 0:
            assert found(bytes(changed)), at


def test_a_forged_figure_is_found_by_the_arithmetic(year: Region, tmp_path: Path) -> None:
    data = made(year, tmp_path)

    def dearer(sheet: dict[str, Any]) -> None:
        row = sheet["funds"]["employee"]["institutions"][0]
        row["final"] = f"{float(row['final']) + 1:.2f}"

    assert set(found(forged(data, {"run1/sheet.json": dearer}))) == {"cell", "hash_result"}

    # Consistent from the inputs on, with every hash that can be made anew: what is left is the run's, and the chain's.
    def paid(inputs: dict[str, Any]) -> None:
        inputs["funds"]["employee"]["facts"]["monthly_paid"][0] = "0"

    assert {"hash_data", "cell", "hash_run"} <= set(found(forged(data, {"run1/inputs.json": paid})))

    def rule(told: dict[str, Any]) -> None:
        for _, one in told["steps"]:
            if one["id"] == "due":
                one["formula"] = "gross - own_pay"

    assert {"hash_rule", "rule_text", "cell"} <= set(found(forged(data, {"run1/rule.json": rule})))

    def better(parts: list[list[Any]]) -> None:
        parts[0][4] = "1.2"

    assert {"hash_set", "coefficient"} <= set(found(forged(data, {"run1/set.json": better})))

    def renamed(record: dict[str, Any]) -> None:
        record["hash"] = "0" * 64

    assert {"run_line", "stamp", "hash_run"} <= set(found(forged(data, {"run1/run.json": renamed})))


def test_an_altered_ledger_is_found_by_its_chain(year: Region, tmp_path: Path) -> None:
    clear(year.workspace, 2024, packs.load("ningde-2024"))
    confirmed.confirm(year.workspace, 2024, "核对无误")
    data = made(year, tmp_path)
    assert found(data) == []

    def other_name(lines: list[dict[str, Any]]) -> None:
        lines[3]["who"] = "别人"

    assert found(forged(data, {"ledger.json": other_name})) == ["line_hash"]

    def rehashed(lines: list[dict[str, Any]]) -> None:
        other_name(lines)
        told = {name: lines[3][name] for name in lines[3] if name != "hash"}
        lines[3]["hash"] = hashlib.sha256(CHECKER["dense"](told).encode()).hexdigest()

    assert found(forged(data, {"ledger.json": rehashed})) == ["line_chain"]
    assert found(forged(data, {"ledger.json": lambda lines: lines[:3] + lines[4:]})) == ["line_gap", "line_chain"]
    assert {"head", "confirmed"} <= set(found(forged(data, {"ledger.json": lambda lines: lines[:-1]})))
    assert found(forged(data, {"manifest.json": lambda told: {**told, "confirmed": None}})) == ["confirmed"]


def test_all_that_a_bundle_says_hangs_on_the_numbers_on_paper(year: Region, tmp_path: Path) -> None:
    """Re-sealed by somebody who knows the format: region, flag, dates, documents, digests of files, keys too many or twice."""
    clear(year.workspace, 2024, packs.load("ningde-2024"))
    line = confirmed.confirm(year.workspace, 2024, "核对无误")
    data = made(year, tmp_path)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        record = json.loads(archive.read("run1/run.json"))
    check = CHECKER["Check"](data, (record["hash"], line.hash[:20], evidence.seal_of(tmp_path / "b.zip")))
    check.run()
    assert check.wrong == [] and [key for key, _ in check.right].count("ok_paper") == 3
    check = CHECKER["Check"](data, ("0" * 64, record["hash"][:8]))
    check.run()
    assert [key for key, _ in check.wrong] == ["paper", "paper"]

    def put(*path: Any, value: Any) -> Callable[[Any], None]:
        def change(told: Any) -> None:
            for one in path[:-1]:
                told = told[one]
            assert told.get(path[-1]) != value if isinstance(told, dict) else told[path[-1]] != value
            told[path[-1]] = value

        return change

    budget = ("funds", "employee", "budget_lines", 0)
    for changes in (
        {"manifest.json": put("region", value="110000")}, {"manifest.json": put("synthetic", value=not year.workspace.synthetic)},
        {"manifest.json": put("workspace", value="别处")}, {"run1/run.json": put("who", value="别人")},
        {"run1/run.json": put("at", value="2020-01-01T00:00:00+00:00")}, {"run1/inputs.json": put(*budget, 2, value="2020-01-01")},
        {"run1/inputs.json": put(*budget, 3, value="别的文件")}, {"run1/sheet.json": put("stamps", "confirmed_by", value="别人")},
        {"run1/sheet.json": put("remark", value="x")}, {"run1/run.json": put("synthetic", value=not year.workspace.synthetic)},
    ):  # fmt: skip
        assert found(forged(data, changes)), changes.keys()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["run1/run.json"] = files["run1/run.json"].replace(b'"year"', b'"year": 2023,\n "year"', 1)
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["run1/run.json"] = {
        "sha256": hashlib.sha256(files["run1/run.json"]).hexdigest(), "bytes": len(files["run1/run.json"]),
    }  # fmt: skip
    files["manifest.json"] = json.dumps(manifest).encode()
    assert set(found(evidence._sealed(files)[0])) == {"part"}  # pyright: ignore[reportPrivateUsage]


def test_another_run_of_a_confirmed_year_says_that_it_is_not_the_confirmed_one(year: Region, tmp_path: Path) -> None:
    clear(year.workspace, 2024, packs.load("ningde-2024"))
    confirmed.confirm(year.workspace, 2024)
    other = clear(year.workspace, 2024, packs.load("ningde-2024", {"point_value.places": "2"})).stamps.run_hash
    evidence.bundle(year.workspace, 2024, tmp_path / "b.zip", run=other)
    check = CHECKER["Check"]((tmp_path / "b.zip").read_bytes())
    check.run()
    assert check.wrong == [] and "other_run" in [key for key, _ in check.right]


def test_digests_of_imported_files_are_held_by_the_ledger(year: Region, tmp_path: Path) -> None:
    sheet = tmp_path / "拨付.csv"
    sheet.write_text("fixmedins_code,fund,period,kind,amount\nH36010003,resident,2024,advance,12.00\n", "utf-8")
    load.import_file(year.workspace, "payments", sheet)
    data = made(year, tmp_path)
    assert found(data) == []

    def other(told: list[dict[str, Any]]) -> None:
        told[-1]["sha256"] = "0" * 64

    assert found(forged(data, {"data.json": other})) == ["file_line"]


def test_content_of_any_shape_differs_and_does_not_stumble(year: Region, tmp_path: Path) -> None:
    data = made(year, tmp_path, code="H36010001")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".json") and name != "data.json"]
    for name in names:
        for shape in ([], {}, None, [[]], {"funds": {}}, "x", 1):
            assert found(forged(data, {name: lambda _, shape=shape: shape or [1]})), (name, shape)


def test_of_one_institution_nothing_of_others(year: Region, tmp_path: Path) -> None:
    data = made(year, tmp_path, code="H36010001")
    assert found(data) == []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(io.BytesIO(files["run1/sheet.xlsx"])) as book:
        files |= {f"xlsx/{name}": book.read(name) for name in book.namelist()}
    for name, content in files.items():
        for other in ("H36010002", "H36010003", "乙医院", "丙医院", "SETL-B", "SETL-C"):
            assert other.encode() not in content, (name, other)
    told = json.loads(files["run1/cases.json"])
    assert [row[0] for row in told["funds"]["employee"]] == ["SETL-A1", "SETL-A2"]

    def fewer(cases: dict[str, Any]) -> None:
        cases["funds"]["employee"].pop()

    assert "cases" in found(forged(data, {"run1/cases.json": fewer}))
    assert found(forged(data, {"run1/cases.json": lambda told: {**told, "funds": {}}})) == ["shape"]

    # A forger who carries a changed amount through to the end meets the run's hash: it holds the row, and the others' hashes.
    def advance(inputs: dict[str, Any]) -> None:
        inputs["funds"]["employee"]["facts"]["advance"] = ["-100000"]

    def final(sheet: dict[str, Any]) -> None:
        row = sheet["funds"]["employee"]["institutions"][0]
        row["advance"] = "-100000.00"
        row["final"] = f"{float(row['final']) + 100000:.2f}"

    assert set(found(forged(data, {"run1/inputs.json": advance, "run1/sheet.json": final}))) == {"shape", "row", "book"}

    def listed(record: dict[str, Any]) -> None:
        record["funds"]["employee"][0] = CHECKER["sha256"]("any row")

    assert set(found(forged(data, {"run1/run.json": listed}))) == {"row", "hash_run"}

    def no_fund(told: dict[str, Any]) -> None:
        told["funds"] = {} if isinstance(told["funds"], dict) else []

    assert found(forged(data, dict.fromkeys(("run1/run.json", "run1/sheet.json", "run1/inputs.json"), no_fund)))
    with pytest.raises(Refused) as caught:
        evidence.bundle(year.workspace, 2024, tmp_path / "x.zip", institution="H9")
    assert caught.value.code == "bundle_institution"


NUMBER = re.compile(r'<c r="([A-Z]+[0-9]+)"(?: s="[0-9]+")?>(?:<f>[^<]*</f>)?<v>([^<]*)</v></c>')


@pytest.mark.parametrize("code", ["", "H36010001"])
def test_each_forged_cell_of_the_workbook_is_found_by_its_name(year: Region, tmp_path: Path, code: str) -> None:
    """Of every number of the pages that say figures, in turn: which were changed, and no others, is what differs."""
    data = made(year, tmp_path, code=code)
    book = unpacked(unpacked(data)["run1/sheet.xlsx"])
    names = re.findall(r'<sheet name="([^"]+)"', book["xl/workbook.xml"].decode())
    steps = len(CHECKER["Rule"](json.loads(unpacked(data)["run1/rule.json"]), {}).steps)
    cells: list[tuple[str, str, str, str]] = []
    for number, name in enumerate(names[: 1 if code else 4], 1):
        part = f"xl/worksheets/sheet{number}.xml"
        for one in NUMBER.finditer(book[part].decode()):
            # On an institution's own sheet, below the signatures: sums over all, which the seal alone holds.
            if not code or int(re.sub("[A-Z]", "", one[1])) < steps + 20:
                other = one[0].replace(f"<v>{one[2]}</v>", f"<v>{float(one[2]) + 0.01:.15g}</v>")
                cells.append((part, f"{name}!{one[1]}", one[0], other))
    assert len(cells) > 150
    rng = random.Random(7)
    for chosen in (cells, rng.sample(cells, len(cells) // 2), *([one] for one in rng.sample(cells, 5))):
        wrong = told(rewritten(data, *((part, before, after) for part, _, before, after in chosen)))
        assert {said[1] for key, said in wrong if key == "book"} == {at for _, at, _, _ in chosen}
        assert {key for key, _ in wrong} == {"book"}


def test_a_workbook_edited_otherwise_is_found(year: Region, tmp_path: Path) -> None:
    """Numbers put where none were, names and headings exchanged, formulas, texts for numbers, capitals."""
    data, own = made(year, tmp_path), made(year, tmp_path, code="H36010001")
    fund, one = "xl/worksheets/sheet2.xml", "xl/worksheets/sheet1.xml"
    sheet = unpacked(unpacked(data)["run1/sheet.xlsx"])[fund].decode()
    cell = re.search('<c r="E7"[^>]*><v>([^<]*)</v></c>', sheet)
    formula = re.search('<c r="([A-Z]+)7" [^>]*><f>([^<]*)</f>', sheet)
    blank = re.search('<c r="(D5[^>]*)/>', sheet)
    said = re.search("人民币[^<]*元[^<]*</v>", unpacked(unpacked(own)["run1/sheet.xlsx"])[one].decode())
    assert cell and formula and blank and said
    strings = "xl/sharedStrings.xml"
    edits = {
        "book": [
            (data, (fund, cell[0], cell[0].replace("><v>", ' t="str"><v>'))), (data, (fund, cell[0], "")),
            (data, (strings, ">甲医院<", ">乙医院<")), (data, (strings, ">point_value<", ">gross<")),
            (data, (strings, ">H36010002<", ">H36010003<")), (data, (strings, ">职工医保<", ">居民医保<")),
            (own, (one, said[0], said[0].replace("元", "拾元"))), (own, (strings, ">H36010001<", ">H36010009<")),
        ],
        "book_more": [
            (data, (fund, blank[0], f'<c r="{blank[1]}><v>1</v></c>')),
            (data, (fund, "</sheetData>", '<row r="900"><c r="D900"><v>1</v></c></row></sheetData>')),
        ],
        "book_formula": [(data, (fund, f"<f>{formula[2]}</f>", f"<f>{formula[2]}+1</f>"))],
        "part": [
            (data, ("xl/workbook.xml", '<sheet name="汇总"', '<sheet state="hidden" name="汇总"')),
            (data, (fund, cell[0], cell[0] + cell[0])), (data, ("_rels/.rels", "xl/workbook.xml", "xl/other.xml")),
            (data, (fund, cell[0], cell[0].replace(cell[1], "1E99999999"))),
            (data, (strings, 'encoding="UTF-8"', 'encoding="UTF-16"')),
            (data, (strings, "<sst", '<!DOCTYPE a [<!ENTITY b "c">]><sst')),
        ],
    }  # fmt: skip
    for key, tried in edits.items():
        for bundle, edit in tried:
            assert key in [kind for kind, _ in told(rewritten(bundle, edit))], (key, edit)


def test_a_part_of_the_workbook_beyond_all_measure_is_not_read(year: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = made(year, tmp_path)
    large = CHECKER["LARGEST"]

    def swollen(files: dict[str, bytes]) -> None:
        book = unpacked(files["run1/sheet.xlsx"])
        book["xl/sharedStrings.xml"] += b" " * (large + 1)
        files["run1/sheet.xlsx"] = packed(book)

    assert [key for key, _ in told(forged(data, {}, swollen))] == ["part"]


@given(fen=st.integers(-(10**14) + 1, 10**14 - 1) | st.integers(-10_000, 10_000))
def test_capitals_are_those_of_the_product(fen: int) -> None:
    assert CHECKER["capitals"](fen) == capitals(fen)


def test_every_formula_of_every_pack_is_read() -> None:
    """By Python's reader, names that are words of Python's among them; what is no formula of the rules is refused."""
    read = CHECKER["formula"]
    for head in packs.available():
        for one in packs.load(head.id).steps:
            if one.formula:
                assert read(one.formula)
    assert read("class * lambda if not in else is") == ["if", ["not", "in"], ["*", "class", "lambda"], "is"]
    assert read(" a\n + .5 ") == ["+", "a", Fraction(1, 2)]
    for text in ("a ** b", "a // b", "a.b", "a < b < c", "'x'", "1e5", "f(x=1)", "[a]", "a := b", "(a, b)", "", "x" * 30_000):
        with pytest.raises((CHECKER["Unfit"], SyntaxError, KeyError)):
            read(text)


def test_there_must_be_a_clearing_that_stands(year: Region, tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        evidence.bundle(year.workspace, 2024, tmp_path / "x.zip")
    assert caught.value.code == "bundle_no_run"
    clear(year.workspace, 2024, packs.load("ningde-2024"))
    with year.workspace.transaction("x", "past the ledger") as connection:
        connection.execute("UPDATE budget SET amount = amount + 1 WHERE item = 'dip_budget' AND fund = 'employee'")
    with pytest.raises(Refused) as caught:
        evidence.bundle(year.workspace, 2024, tmp_path / "x.zip")
    assert caught.value.code == "bundle_differs"
    assert not (tmp_path / "x.zip").exists()


def test_the_language_of_rules_is_read_alike() -> None:
    """The checker's own evaluator beside the product's, on formulas that try each corner."""
    from fractions import Fraction

    from core.rules import evaluation, parsing
    from core.rules import formula as language

    rule = CHECKER["Rule"]({}, {})
    values: dict[str, Any] = {"a": Fraction(7, 3), "b": Fraction(-5, 2), "c": Fraction(0), "yes": "yes", "mode": "yes"}
    for text in (
        "a + b * 2 - -a / 3", "a - b - c", "a / b / 2", "-a * b", "min(a, b, 3) + max(a, b)", "abs(b) + floor(b) + ceil(b)",
        "floor(a) - ceil(a)", "round(b, 0)", "round(-a, 2)", "round(a * 1000, -1)", "a if a > b else b",
        "1 if a < b else 2 if c == 0 else 3", "a if mode == yes and not (c != 0 or a < 0) else b", ".5 * 4",
        "(a if c else b) if 1 > 2 else (a + 1) * (b - 1)", "1 if not a < b and b <= -2.5 else 0", "1 - 2 - 3 * 4 / 6",
    ):  # fmt: skip
        with contextlib.suppress(language.FormulaError):
            tree = parsing.parse(text)
            wanted = evaluation.evaluate(tree, evaluation.Env(values))
            assert rule.compute(CHECKER["formula"](text), values.__getitem__, None, None, 0) == wanted, text
    from core.money import allocate

    rng = random.Random(3)
    for _ in range(200):
        weights = [Fraction(rng.randrange(0, 50), rng.randrange(1, 9)) for _ in range(6)] + [Fraction(1)]
        total = rng.randrange(-1000, 1000)
        assert CHECKER["shared"](Fraction(total, 100), weights, 2) == [Fraction(p, 100) for p in allocate(total, weights)]


def edits(told: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Each leaf changed, each member taken away, and to each object and list something added."""
    yield path, "add" if isinstance(told, (dict, list)) else "change"
    if path:
        yield path, "remove"
    for key, one in told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ():
        yield from edits(one, (*path, key))


def edited(told: Any, path: tuple[Any, ...], how: str) -> None:
    parent = told
    for key in path[:-1]:
        parent = parent[key]
    one = parent[path[-1]] if path else told
    if how == "remove":
        del parent[path[-1]]
    elif isinstance(one, dict):
        one["extra"] = "1"
    elif isinstance(one, list):
        one.append(one[-1] if one else "1")
    else:
        parent[path[-1]] = not one if isinstance(one, bool) else one + 1 if isinstance(one, int) else str(one or "") + "1"


# Of the manifest the list of files follows from the files; README and the checker inside are to be read and used (ASIDE).
MADE_ANEW = {"manifest.json": "files"}


def every_edit(region: Region, tmp_path: Path, code: str, share: Callable[[int], int]) -> int:
    """Edits of the JSON files of a confirmed year's bundle, one at a time, everything sealed anew; what is on paper is given."""
    run = clear(region.workspace, 2024, packs.load("ningde-2024")).stamps.run_hash
    line = confirmed.confirm(region.workspace, 2024, "核对无误").hash
    evidence.bundle(region.workspace, 2024, tmp_path / "b.zip", institution=code)
    data = (tmp_path / "b.zip").read_bytes()
    rng, tried = random.Random(11), 0
    for name, content in unpacked(data).items():
        if not name.endswith(".json"):
            continue
        every = [one for one in edits(json.loads(content)) if one[0][:1] != (MADE_ANEW.get(name),)]
        for path, how in rng.sample(every, min(len(every), share(len(every)))):
            def change(told: Any, path: tuple[Any, ...] = path, how: str = how) -> None:
                edited(told, path, how)

            check = CHECKER["Check"](forged(data, {name: change}), (run, line))
            check.run()
            assert check.wrong, (name, path, how)
            tried += 1
    return tried


@pytest.mark.parametrize("code", ["", "H36010001"])
def test_an_edit_anywhere_in_a_bundle_is_found(year: Region, tmp_path: Path, code: str) -> None:
    assert every_edit(year, tmp_path, code, lambda count: 5) >= 35


@pytest.mark.soak
@pytest.mark.parametrize("code", ["", "H36010001"])
def test_every_edit_anywhere_in_a_bundle_is_found(year: Region, tmp_path: Path, code: str) -> None:
    assert every_edit(year, tmp_path, code, lambda count: count) > 1000


def test_what_one_institution_gets_cannot_be_moved_between_its_cases(year: Region, tmp_path: Path) -> None:
    """Sums stay, the coefficient stays: what is moved meets the row's hash."""
    data = made(year, tmp_path, code="H36010001")

    def moved(cases: dict[str, Any]) -> None:
        one, other = cases["funds"]["employee"]
        one[0], other[0] = other[0], one[0]

    def regrouped(cases: dict[str, Any]) -> None:
        cases["funds"]["employee"][0][1] = "Z99.9:x"

    def split(parts: list[list[Any]]) -> None:
        parts[0][4] = "0.9"
        parts.append([parts[0][0], parts[0][1], "bonus:x", parts[0][3], "0.1"])

    for changes in ({"run1/cases.json": moved}, {"run1/cases.json": regrouped}, {"run1/set.json": split}):
        assert set(found(forged(data, changes))) == {"row"}


def test_a_reopening_neither_hides_nor_names_anybody(year: Region, tmp_path: Path) -> None:
    """Reopened, the clearing goes out as a draft; in the whole bundle no line hides; in a hospital's it is the last that counts."""
    clear(year.workspace, 2024, packs.load("ningde-2024"))
    confirming = confirmed.confirm(year.workspace, 2024, "乙医院无异议")
    own = made(year, tmp_path, code="H36010001")
    confirmed.reopen(year.workspace, 2024, "乙医院 H36010002 申诉")
    for code in ("", "H36010001"):
        evidence.bundle(year.workspace, 2024, tmp_path / "r.zip", institution=code)
        data = (tmp_path / "r.zip").read_bytes()
        check = CHECKER["Check"](data)
        check.run()
        assert check.wrong == [] and "state_draft" in [key for key, _ in check.right]
        words = unpacked(own)["ledger.json"] + (unpacked(data)["ledger.json"] if code else b"")
        assert "乙医院".encode() not in words and b"H36010002" not in words

    def hidden(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: one[name] for name in ("id", "previous", "hash")} if one["action"] == "reopen" else one for one in lines]

    evidence.bundle(year.workspace, 2024, tmp_path / "r.zip")
    whole = (tmp_path / "r.zip").read_bytes()
    assert "part" in found(forged(whole, {"ledger.json": hidden, "manifest.json": lambda m: {**m, "confirmed": confirming.hash}}))

    # Behind the confirming line nothing may stand in a hospital's ledger, shown or by its hash alone.
    later = {"id": confirming.id + 1, "previous": confirming.hash, "hash": "0" * 64}
    longer = {"ledger.json": lambda lines: [*lines, later], "manifest.json": lambda m: {**m, "ledger_head": "0" * 64}}
    assert found(forged(own, longer)) == ["line_end"]


def test_ok_is_only_said_of_what_holds(year: Region, tmp_path: Path) -> None:
    data = made(year, tmp_path)
    check = CHECKER["Check"](forged(data, {"ledger.json": lambda lines: lines[:2] + lines[3:]}))
    check.run()
    assert {"ok_ledger", "ok_data", "state_draft"}.isdisjoint(key for key, _ in check.right)


def test_nested_beyond_measure_is_said_to_be_unreadable(year: Region, tmp_path: Path) -> None:
    data = made(year, tmp_path)

    def deep(files: dict[str, bytes]) -> None:
        files["run1/set.json"] = b"[" * 100_000

    assert "part" in found(forged(data, {}, deep))


def test_where_two_share_a_fund_it_is_said(year: Region, tmp_path: Path) -> None:
    """The region's figures without the institution's own are the other's: of the residents' fund there are two."""
    clear(year.workspace, 2024, packs.load("ningde-2024"))
    made_of = {code: evidence.bundle(year.workspace, 2024, tmp_path / "b.zip", institution=code) for code in ("H36010002", "")}
    sharing = json.loads(unpacked((tmp_path / "b.zip").read_bytes())["run1/run.json"])["funds"]
    assert {fund for fund, rows in sharing.items() if len(rows) == 2} == {"employee", "resident"} & set(made_of["H36010002"].betrayed)
    assert made_of["H36010002"].betrayed and made_of[""].betrayed == ()
