"""Institutions typed, pasted, removed and put in order, by keyboard and mouse."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication


def chips(page):
    return [(chip.place.text(), chip.code) for chip in page.chooser.chips]


def test_found_by_initials_and_taken_with_enter(page, idle, desk) -> None:
    field = page.chooser.field
    field.setFocus()
    QTest.keyClicks(field, "lysdyyy")  # 岚屿市第一医院
    assert field.list.isVisible()
    assert field.offered[0].title == "岚屿市第一医院"
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert [page.chooser.name(code) for code in page.chooser.codes] == ["岚屿市第一医院"]
    assert field.text() == ""
    assert field.hasFocus()
    QTest.keyClicks(field, "lysdyyy")
    assert "岚屿市第一医院" not in [one.title for one in field.offered]  # it is chosen already
    field.clear()


def test_several_codes_at_once_and_an_unknown_one_named(page, idle, desk, codes) -> None:
    said: list[str] = []
    desk.said.connect(said.append)
    field = page.chooser.field
    field.setFocus()
    field.setText(f"{codes[0]}、{codes[1]}, {codes[0]}")
    field.settled.emit()
    assert page.chooser.codes == codes[:2]
    idle()
    field.setText("不存在")
    field.settled.emit()
    assert page.chooser.codes == codes[:2]
    assert any("不存在" in one for one in said)


def test_never_more_than_six(page, idle, desk, codes) -> None:
    said: list[str] = []
    desk.said.connect(said.append)
    page.chooser.choose(codes[:5])
    page.chooser.field.setFocus()
    page.chooser.field.setText(" ".join(codes[5:8]))
    page.chooser.field.settled.emit()
    assert page.chooser.codes == codes[:6]
    assert not page.chooser.field.isVisible()
    assert page.chooser.chips[-1].hasFocus()  # the keyboard is not lost with the field
    assert any("6" in one for one in said)
    page.chooser.remove(codes[2])
    assert page.chooser.field.isVisible()
    assert chips(page) == [("1", codes[0]), ("2", codes[1]), ("3", codes[3]), ("4", codes[4]), ("5", codes[5])]
    idle()


def test_keys_of_a_chip(page, idle, desk, codes) -> None:
    page.chooser.choose(codes[:3])
    first = page.chooser.chips[0]
    first.setFocus()
    QTest.keyClick(first, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert page.chooser.codes == (codes[1], codes[0], codes[2])
    assert page.chooser.chips[1] is first  # the same widget, moved
    assert first.hasFocus()
    QTest.keyClick(first, Qt.Key.Key_Left)
    assert page.chooser.chips[0].hasFocus()
    QTest.keyClick(page.chooser.chips[0], Qt.Key.Key_Left)  # there is no one further left
    assert page.chooser.codes == (codes[1], codes[0], codes[2])
    QTest.keyClick(page.chooser.chips[0], Qt.Key.Key_Delete)
    assert page.chooser.codes == (codes[0], codes[2])
    assert page.chooser.chips[0].hasFocus()
    idle()


def test_a_chip_is_dragged_and_only_letting_go_says_so(page, idle, desk, codes) -> None:
    page.chooser.choose(codes[:3])
    idle()
    told: list[tuple[str, ...]] = []
    page.chooser.changed.connect(lambda: told.append(page.chooser.codes))
    chip, last = page.chooser.chips[0], page.chooser.chips[2]
    QTest.mousePress(chip, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    to = chip.mapFromGlobal(last.mapToGlobal(QPoint(last.width() - 4, 5)))
    QTest.mouseMove(chip, to)
    QApplication.processEvents()
    assert page.chooser.codes == (codes[1], codes[2], codes[0])
    assert told == []
    QTest.mouseRelease(chip, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert told == [(codes[1], codes[2], codes[0])]
    idle()


def test_a_chip_is_closed_with_the_mouse_and_opens_its_institution(page, idle, desk, codes) -> None:
    gone: list[tuple[str, object]] = []
    desk.wanted.connect(lambda where, target: gone.append((where, target)))
    page.chooser.choose(codes[:3])
    QTest.keyClick(page.chooser.chips[1], Qt.Key.Key_Return)
    assert gone == [("institutions", ("institution", codes[1]))]
    page.chooser.chips[1].close_button.click()
    assert page.chooser.codes == (codes[0], codes[2])
    assert page.chooser.chips[0].accessibleName().startswith("第 1 家")
    idle()


def test_unknown_and_repeated_codes_are_left_out(page, idle, codes) -> None:
    page.show_target(("codes", (codes[0], "H00000000000", codes[0], codes[1])))
    assert page.chooser.codes == codes[:2]
    page.show_target("nonsense")
    page.show_target(("codes", ()))
    assert page.chooser.codes == ()
    idle()
