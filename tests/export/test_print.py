"""Sheets for print: what stands on every page, nothing cut, nothing wider than its cell, the same bytes."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clearings import many, vector_d
from hypothesis import given, settings
from hypothesis import strategies as st

from core.export import clearing_table, confirmation, document, lettering
from core.export.capitals import capitals
from core.export.document import CLOSING, Document, grouped
from core.faults import Cancelled, Usage, WorldFault
from core.findings import Finding
from core.money import plain
from core.rules.sheet import Clearing
from core.texts import Texts
from core.worksheet import Column, Worksheet, column_of

READER = shutil.which("pdftotext")
try:
    lettering.faces()
    LETTERS = True
except WorldFault:
    LETTERS = False
needs_letters = pytest.mark.skipif(not LETTERS, reason="no Chinese font on this computer")
needs_reader = pytest.mark.skipif(READER is None or not LETTERS, reason="not read back: pdftotext (poppler) or a font is missing")


def pages(path: Path) -> list[str]:
    assert READER is not None
    asked = subprocess.run([READER, "-layout", str(path), "-"], capture_output=True, check=True, timeout=200)
    return asked.stdout.decode().split("\f")[:-1]


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


class Stopped:
    """Cancelled after some steps."""

    def __init__(self, after: int) -> None:
        self.left = after

    def report(self, code: str, done: int, total: int | None = None) -> None:
        self.left -= 1

    @property
    def cancelled(self) -> bool:
        return self.left <= 0


@needs_reader
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_regions_table_has_everybody_and_repeats_its_headings(tmp_path: Path, lang: str) -> None:
    made, texts = many(), Texts(lang)
    clearing_table.write(made, tmp_path / "t.pdf", lang)
    read = pages(tmp_path / "t.pdf")
    titles = [bare(texts("print.clearing_title", year=2024, fund=texts(f"fund.{sheet.fund}"))) for sheet in made.funds]
    assert all(any(title in bare(page) for title in titles) for page in read)
    for title, sheet in zip(titles, made.funds, strict=True):
        own = [page for page in read if title in bare(page)]
        whole = bare("".join(own))
        for i, one in enumerate(sheet.institutions):
            assert one.code in whole
            assert grouped(plain(sheet.values["final"][i], 2)) in whole
        assert grouped(plain(sum(sheet.values["final"], Fraction(0)), 2)) in whole
        for place, page in enumerate(own, 1):
            assert bare(texts("print.code")) in bare(page) or "H3509" not in page
            assert bare(texts("print.page", page=place, pages=len(own))) in bare(page)
            assert bare(texts("export.synthetic")) in bare(page)
            assert made.stamps.run_hash[:16] in page and made.stamps.data_hash[:16] in page and "ningde-2024" in page


@needs_letters
@pytest.mark.parametrize(("count", "wide"), [(3, 297), (60, 420)])
def test_a_few_institutions_are_printed_on_a4(tmp_path: Path, count: int, wide: int) -> None:
    """All of a fund's on its first page, bands of columns one under another; where they have no room the paper is A3."""
    made = many(count=count)
    clearing_table.write(made, tmp_path / "t.pdf", "zh")
    boxes = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", (tmp_path / "t.pdf").read_bytes())
    assert {round(float(width) / document.MM) for width, _ in boxes} == {wide}
    if READER is not None and count == 3:
        first = bare(pages(tmp_path / "t.pdf")[0])
        assert all(first.count(one.code) == 2 for one in made.funds[0].institutions)
        assert all(grouped(plain(value, 2)) in first for value in made.funds[0].values["final"])


@needs_reader
def test_a_confirmation_says_the_result_in_figures_and_capitals(tmp_path: Path) -> None:
    made = vector_d()
    confirmation.write(made, tmp_path / "c.pdf", ["A"], "zh")
    whole = bare("".join(pages(tmp_path / "c.pdf")))
    final = made.fund("employee").values["final"][0]
    assert grouped(plain(final, 2)) in whole
    assert capitals((final * 100).numerator) in whole
    for said in ("应退回" if final < 0 else "应拨付", "公章", "年月日", "宁医保函〔2025〕116号", "待明确", "甲医院"):
        assert said in whole, said
    for one in made.pack.scope("institution"):
        assert (bare(one.title["zh"]) in whole) == (not one.part)  # nothing is paid beside DIP there


@needs_reader
def test_what_is_signed_never_stands_alone(tmp_path: Path) -> None:
    """Notes of every number push the boxes down the page: where they need the next one, the documents go along."""
    made = vector_d()
    together = Document(Texts("zh"), foot=["一", "二", "三"])
    for count in range(24, 60, 2):
        own = Finding("no_assessments", "note", subject="A", values={"year": "2024"})
        confirmation.put(together, confirmation.of(replace(made, findings=(own,) * count), "A"))
    together.save(tmp_path / "all.pdf")
    signed = [bare(page) for page in pages(tmp_path / "all.pdf") if "公章" in page]
    assert len(signed) == 18 and all(page.count("公章") == 2 and "依据文件" in page and "大写金额" in page for page in signed)
    lengths = {re.search(r"共(\d+)页", page)[1] for page in signed}  # type: ignore[index]
    assert len(lengths) > 1, "some of them needed another page"


@needs_reader
def test_each_institution_has_its_own_page_numbers(tmp_path: Path) -> None:
    made = many(count=5)
    assert confirmation.write(made, tmp_path / "all.pdf", lang="zh") == 5
    numbered = [re.search(r"第\s*(\d+)\s*页，共\s*(\d+)\s*页", page) for page in pages(tmp_path / "all.pdf")]
    assert [(int(found[1]), int(found[2])) for found in numbered if found] == [(1, 2), (2, 2)] * 5


@needs_reader
def test_no_mark_where_nothing_is_synthetic_and_a_scenario_says_so(tmp_path: Path) -> None:
    made = vector_d()
    real = replace(made, stamps=replace(made.stamps, synthetic=False))
    confirmation.write(real, tmp_path / "real.pdf", ["B"], "zh")
    assert "模拟数据" not in "".join(pages(tmp_path / "real.pdf"))
    tried = replace(made, stamps=replace(made.stamps, scenario="加成试算"))
    confirmation.write(tried, tmp_path / "tried.pdf", ["B"], "zh")
    read = pages(tmp_path / "tried.pdf")
    assert all("情景试算" in page and "加成试算" in page for page in read)
    assert "不得据此拨付" in bare("".join(read))


@needs_reader
def test_an_institution_of_one_fund_has_an_empty_column(tmp_path: Path) -> None:
    made = many(count=3)
    first, second = made.funds
    less = replace(
        second, institutions=second.institutions[1:], values={name: values[1:] for name, values in second.values.items()}
    )
    made = replace(made, funds=(first, less))
    code = first.institutions[0].code
    confirmation.write(made, tmp_path / "c.pdf", [code], "zh")
    whole = bare("".join(pages(tmp_path / "c.pdf")))
    assert "没有居民医保的清算数据" in whole
    said = confirmation.of(made, code)
    assert said.result.values["resident"] is None and said.result.total == said.result.values["employee"]


@needs_letters
def test_a_folder_takes_one_each_and_the_same_bytes_come_again(tmp_path: Path) -> None:
    made = many(count=4)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    first = confirmation.write_each(made, tmp_path / "one", lang="zh")
    time.sleep(1.1)  # a clock in the file would show
    second = confirmation.write_each(made, tmp_path / "two", lang="zh")
    assert [path.name for path in first] == [path.name for path in second] and len(first) == 4
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_file_names_are_fit_for_every_system() -> None:
    one = replace(many(count=1).funds[0].institutions[0], code="H/1", name='甲:乙*?"<>|医院')
    assert confirmation.file_name(one) == "H_1 甲_乙______医院"


@needs_letters
def test_cancelled_leaves_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "all.pdf"
    path.write_bytes(b"older")
    with pytest.raises(Cancelled):
        confirmation.write(many(count=6), path, lang="zh", progress=Stopped(4))
    assert path.read_bytes() == b"older"
    assert [one.name for one in tmp_path.iterdir()] == ["all.pdf"]


def test_unknown_institution_and_nobody_are_said(tmp_path: Path) -> None:
    with pytest.raises(Usage) as told:
        confirmation.of(vector_d(), "Z")
    assert "Z" in Texts("zh").fault(told.value)
    made = vector_d()
    empty: Clearing = replace(made, funds=())
    if LETTERS:
        with pytest.raises(Usage):
            confirmation.write(empty, tmp_path / "c.pdf")


def test_without_a_chinese_font_nothing_is_written_and_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "folders", lambda: (tmp_path / "nowhere",))
    monkeypatch.setattr(lettering, "_carried", lambda: None)
    with pytest.raises(WorldFault) as told:
        clearing_table.write(vector_d(), tmp_path / "t.pdf", "zh")
    assert told.value.code == "no_chinese_font"
    said = Texts("zh").fault(told.value)
    assert "mplfonts" in said and str(tmp_path / "nowhere") in said
    assert list(tmp_path.iterdir()) == []


# --- lines and tables ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paper() -> Document:
    if not LETTERS:
        pytest.skip("no Chinese font on this computer")
    return Document(Texts("zh"))


words = st.text(st.sampled_from("点值清算（）〔〕，。；、abc XYZ019.,%-"), max_size=60)


@settings(max_examples=200, deadline=None)
@given(text=words, width=st.floats(8, 60))
def test_lines_hold_the_text_and_no_more_than_their_width(paper: Document, text: str, width: float) -> None:
    lines = paper.wrapped(text, width, 8)
    assert bare("".join(lines)) == bare(text)
    for line in lines:
        kept = line.rstrip(CLOSING)
        assert paper.measured(kept, 8) <= width + 1e-6 or len(kept) == 1 or set(line) <= set(CLOSING) | set(document.OPENING), line


def test_numbers_have_commas_and_words_have_none() -> None:
    assert [grouped(one) for one in ("1234567.80", "-1000", "999", "0.05", "H3509001", "2024-01")] == [
        "1,234,567.80", "-1,000", "999", "0.05", "H3509001", "2024-01",
    ]


@needs_reader
def test_columns_that_do_not_fit_come_in_bands_with_the_first_ones_again(tmp_path: Path) -> None:
    columns = [Column("name", {"zh": "机构", "en": "institution"})]
    columns += [Column(f"c{i}", {"zh": f"金额{i:02d}", "en": f"amount{i:02d}"}, "fixed", "yuan", 2, total=True) for i in range(40)]
    rows = 30
    cells = {"name": column_of([f"第{i:02d}家医院" for i in range(rows)], "text")}
    cells |= {f"c{i}": np.arange(rows, dtype=np.int64) * 10_000_000_00 + i for i in range(40)}
    sheet = Worksheet("wide", {"zh": "宽表", "en": "wide"}, columns, cells, rows)
    document.worksheets_pdf([sheet], tmp_path / "wide.pdf", "zh", synthetic=True, frozen=1)
    read = [bare(page) for page in pages(tmp_path / "wide.pdf")]
    whole = "".join(read)
    assert all(f"金额{i:02d}" in whole for i in range(40))
    assert all("第29家医院" in page for page in read) and len(read) > 1
    assert whole.count("290,000,000.07") == 1
    assert all("模拟数据" in page for page in read)


@needs_reader
def test_a_long_table_repeats_its_headings_and_ends_with_its_total(tmp_path: Path) -> None:
    rows = 500
    columns = [Column("code", {"zh": "编码", "en": "code"}, "code"), Column("n", {"zh": "例数", "en": "cases"}, "int", total=True)]
    cells = {"code": column_of([f"K{i:04d}" for i in range(rows)], "code"), "n": np.arange(rows, dtype=np.int64)}
    sheet = Worksheet("long", {"zh": "长表", "en": "long"}, columns, cells, rows)
    document.worksheets_pdf([sheet], tmp_path / "long.pdf", "zh", paper="A3", landscape=False)
    read = pages(tmp_path / "long.pdf")
    assert len(read) > 3 and all("编码" in page and "例数" in page for page in read)
    whole = "".join(read)
    assert all(f"K{i:04d}" in whole for i in range(rows))
    assert f"{sum(range(rows)):,}" in read[-1]


@needs_letters
def test_an_empty_worksheet_is_a_page_that_says_so(tmp_path: Path) -> None:
    sheet = Worksheet("none", {"zh": "空表", "en": "none"}, [Column("a", {"zh": "甲", "en": "a"})], {"a": column_of([], "text")}, 0)
    document.worksheets_pdf([sheet, Worksheet("bare", {"zh": "无列", "en": "bare"}, (), {}, 0)], tmp_path / "e.pdf", "zh")
    assert (tmp_path / "e.pdf").read_bytes().startswith(b"%PDF")
