"""Lines of the ledger in words: what every kind of edit is about, in both languages; what has no form stays as written."""

from __future__ import annotations

import pytest

from core.storage.ledger import Change, LedgerLine
from core.texts import Texts
from ui import ledger_words


def line(action: str, subject: str, *tables: str) -> LedgerLine:
    changes = tuple(Change(table, {"id": i}, None, {"x": 1}) for i, table in enumerate(tables))
    return LedgerLine(1, "2024-03-01T00:00:00Z", "甲", action, subject, changes, "", None, "", "")


@pytest.mark.parametrize(
    ("given", "done", "zh", "en"),
    [
        (line("run", "2024 ningde-2024 #f10b89f5c5cdc544"), "清算", "2024 年度，ningde-2024，结果 f10b89f5", "2024, ningde-2024, result f10b89f5"),
        (line("book", "202403 zibo-2025", "payment"), "登记付款", "2024 年 03 月，zibo-2025", "2024-03, zibo-2025"),
        (line("publish", "2024 31e92e0929e9d0e0"), "发布", "系数集 2024（摘要 31e92e09）", "Coefficient set 2024 (hash 31e92e09)"),
        (line("edit", "350900202400000446 +3", "special_case"), "登记特例单议", "结算 350900202400000446 等 4 项",
         "Settlement 350900202400000446 and more, 4 in all"),
        (line("edit", "2024 employee dip_budget", "budget"), "编辑预算", "2024 年职工医保：DIP 预算", "2024, Employee fund: DIP budget"),
        (line("edit", "2024: H35093000001 +1", "assessment"), "录入考核", "2024 年度考核：H35093000001 等 2 项",
         "Assessment of 2024: H35093000001 and more, 2 in all"),
        (line("edit", "imported: H1", "coefficient"), "编辑系数", "系数集 导入的系数：H1", None),
        (line("edit", "ningde-own", "rule_pack"), "编辑规则包", "规则包 ningde-own", "Pack ningde-own"),
        (line("reopen", "2024", "confirmed_year"), "重新开启年度", "2024 年度", "Year 2024"),
        (line("import", "病例.csv", "batch"), "导入", "病例.csv", "病例.csv"),
    ],
)  # fmt: skip
def test_a_line_in_words(given: LedgerLine, done: str, zh: str, en: str | None) -> None:
    assert ledger_words.done(given, Texts("zh")) == done
    said = ledger_words.subject(given, Texts("zh"))
    if "导入的系数" in zh:
        zh = zh.replace("导入的系数", Texts("zh")("set.imported"))
    assert said == zh
    if en is not None:
        assert ledger_words.subject(given, Texts("en")) == en
