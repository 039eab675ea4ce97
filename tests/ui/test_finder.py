"""What Ctrl+K finds, and in which order."""

from __future__ import annotations

from core.storage.contents import contents, names
from core.storage.ledger import Change, Edit
from core.storage.workspace import Workspace
from ui.finder import Entry, Index

GROUPS = [
    Entry("group", "K35.3:47.0100", "急性阑尾炎伴局限性腹膜炎：腹腔镜下阑尾切除术"),
    Entry("group", "I63.9:39.7400", "脑梗死：颅内动脉血栓切除"),
    Entry("group", "J18.9", "肺炎：保守治疗"),
    Entry("institution", "H35093000001", "重庆长安医院"),
    Entry("institution", "H35093000002", "岚屿市第一医院"),
]


def codes(index: Index, text: str) -> list[str]:
    return [entry.code for entry in index.find(text)]


def test_by_name_code_and_initials() -> None:
    index = Index(GROUPS)
    assert codes(index, "阑尾") == ["K35.3:47.0100"]
    assert codes(index, "k35") == ["K35.3:47.0100"]
    assert codes(index, "47.01") == ["K35.3:47.0100"]
    assert codes(index, "jxlwy") == ["K35.3:47.0100"]
    assert codes(index, "NGS") == ["I63.9:39.7400"]
    assert codes(index, "cqca") == ["H35093000001"]
    assert codes(index, "zqza") == ["H35093000001"]  # 重 and 长 have two readings
    assert codes(index, "changan") == ["H35093000001"]
    assert codes(index, "dyyy") == ["H35093000002"]
    assert codes(index, "没有") == []


def test_every_word_must_be_there_and_beginnings_come_first() -> None:
    index = Index(GROUPS)
    assert codes(index, "急性 切除") == ["K35.3:47.0100"]
    assert codes(index, "切除 脑") == ["I63.9:39.7400"]
    more = Index([Entry("group", "A", "慢性肺炎"), Entry("group", "B", "肺炎")])
    assert codes(more, "肺炎") == ["B", "A"]


def test_an_empty_search_offers_pages_and_actions() -> None:
    index = Index([Entry("page", "data", "数据"), *GROUPS])
    assert codes(index, "  ") == ["data"]


def test_results_are_bounded() -> None:
    index = Index([Entry("group", f"A{n}", "肺炎") for n in range(12_000)])
    assert len(index.find("肺炎")) == 40
    assert len(index.find("A11999")) == 1


def test_names_come_from_the_workspace(tmp_path) -> None:
    with Workspace.create(tmp_path / "a.dianzhi") as workspace:
        edits = []
        for version, year, name in (("v1", 2023, "旧名"), ("v2", 2024, "新名")):
            row = {"year": year, "dip_name": name, "kind": "core", "score": "1.0", "batch_id": 1, "row": 1}
            edits.append(Change("catalogue", {"version": version, "dip_code": "J18.9"}, None, row))
        with workspace.transaction("import", "x") as writer:
            writer.execute("INSERT INTO batch (id, kind, file, sha256, mapping, rows_read, accepted, refused, at)"
                           " VALUES (1, 'catalogue', 'x', 'h', '{}', 2, 2, 0, '2024')")
            workspace.ledger.commit(Edit("edit", "x", tuple(edits)), writer)
        found = names(workspace.reader())
        assert [(name.kind, name.code, name.name) for name in found] == [("group", "J18.9", "新名")]
        seen = contents(workspace.reader())
        assert seen.catalogues == ("v1", "v2")
        assert (seen.cases, seen.years, seen.sets) == (0, (), ())
