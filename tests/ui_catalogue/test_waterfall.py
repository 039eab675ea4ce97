"""A waterfall: bars that begin where the last ended, every value written, falls readable without colour."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest

from ui.chart import Chart, Panel, Series
from ui.chart.fitting import folded, width
from ui.chart.waterfall import reach, spans

NAMES = ("2023 年点值", "预算与追加", "外出就医（联网与手工报销）", "按项目支付", "2024 年点值")
VALUES = (6.0, 5.0, -4.0, 0.0, 7.0)
TEXTS = ("6.0000", "+5.0000", "-4.0000", "0.0000", "7.0000")


def moved(values=VALUES, texts=TEXTS, lying=False, names=NAMES) -> Panel:
    series = Series("变动", values, "waterfall", texts=texts)
    return Panel("点值变动", "元/分", "2023 年至 2024 年", 99, [series], x=names[: len(values)], lying=lying, places=4)


@pytest.fixture
def chart(empty_desk, qtbot) -> Chart:
    empty_desk.wear("light")
    chart = Chart(empty_desk)
    qtbot.addWidget(chart)
    chart.resize(760, 380)
    chart.show()
    qtbot.waitExposed(chart)
    return chart


def bars(chart: Chart, lying: bool) -> list[tuple[float, float]]:
    """From and to of what is drawn, in the order of the positions; the falls are patches downwards."""
    boxes = sorted(
        (box.get_bbox() for box in chart._axes[0].patches), key=lambda box: box.y0 if lying else box.x0
    )
    return [(box.x0, box.x1) if lying else (box.y0, box.y1) for box in boxes]


@pytest.mark.parametrize("lying", [False, True])
def test_bars_begin_where_the_last_one_ended(chart, lying) -> None:
    chart.show_panels([moved(lying=lying)])
    chart.grab()
    # The fourth changes nothing: a line, no bar.
    assert bars(chart, lying) == [(0, 6), (6, 11), (11, 7), (0, 7)]


def test_written_out() -> None:
    assert spans(VALUES) == [(0, 6), (6, 11), (11, 7), (7, 7), (0, 7)]
    assert spans([]) == []
    assert spans([5.0]) == [(0, 5)]
    assert spans([5.0, None, 5.0]) == [(0, 5), (5, 5), (0, 5)]


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=12), st.integers(0, 10_000))
def test_each_bar_meets_its_neighbours_and_the_axis_holds_all(parts, before) -> None:
    found = spans([before, *parts, before + sum(parts)])
    for one, other in itertools.pairwise(found[:-1]):
        assert one[1] == other[0]
    assert found[-2][1] == found[-1][1]
    low, high = reach(found)
    assert low < high
    assert all(low <= to <= high for _, to in found)
    assert low <= 0 or low < min(to for _, to in found), "no bar is cut away whole"


@pytest.mark.parametrize("lying", [False, True])
def test_every_value_and_name_is_written_whole(chart, lying) -> None:
    chart.show_panels([moved(lying=lying)])
    chart.grab()
    axes = chart._axes[0]
    said = [text.get_text() for text in axes.texts]
    for text in ("6.0000", "+5.0000", "−4.0000", "0.0000", "7.0000"):
        assert text in said
    labels = axes.get_yticklabels() if lying else axes.get_xticklabels()
    assert ["".join(label.get_text().split("\n")) for label in labels] == list(NAMES)
    renderer = chart._canvas.get_renderer()
    size = chart._canvas.figure.bbox
    for text in [*axes.texts, *labels]:
        box = text.get_window_extent(renderer)
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= size.width + 1 and box.y1 <= size.height + 1, text


@pytest.mark.parametrize("lying", [False, True])
def test_names_do_not_touch_each_other(chart, lying) -> None:
    names = ("2023 年点值", "偏离倍率与辅助系数", "Treatment outside, networked and manual", "外出就医（联网与手工报销）", "2024")
    for wide in (420, 760):
        chart.resize(wide, 380)
        chart.show_panels([moved(lying=lying, names=names)])
        chart.grab()
        axes = chart._axes[0]
        renderer = chart._canvas.get_renderer()
        labels = axes.get_yticklabels() if lying else axes.get_xticklabels()
        boxes = [label.get_window_extent(renderer) for label in labels]
        for one, other in itertools.pairwise(boxes):
            assert (one.y0 >= other.y1 - 1) if lying else (one.x1 <= other.x0 + 1)


def test_a_fall_is_told_without_colour(chart) -> None:
    chart.show_panels([moved()])
    striped = [patch.get_hatch() for patch in chart._axes[0].patches]
    assert striped == [None, None, "////", None]
    legend = [text.get_text() for text in chart._axes[0].get_legend().get_texts()]
    assert legend == ["起止值", "增加", "减少（斜纹）"]


def test_an_axis_that_does_not_begin_at_nothing_says_so(chart) -> None:
    assert reach(spans(VALUES))[0] == 0
    far = moved((1000.0, 20.0, -30.0, 0.0, 990.0), ("1,000", "+20", "-30", "0", "990"))
    chart.show_panels([far])
    axes = chart._axes[0]
    assert axes.get_ylim()[0] == 975  # half the movement below the lowest
    assert any("不从零开始" in text.get_text() for text in axes.texts)
    chart.show_panels([moved()])
    assert chart._axes[0].get_ylim()[0] == 0
    assert not any("不从零开始" in text.get_text() for text in chart._axes[0].texts)


def test_the_pointer_tells_and_the_data_copy(chart) -> None:
    chart.hint = "双击打开依据"
    chart.show_panels([moved(lying=True)])
    chart.setFocus()
    for _ in range(3):
        QTest.keyClick(chart, Qt.Key.Key_Down)
    assert chart.pointed() == ["外出就医（联网与手工报销）", "变动 -4.0000 元/分", "双击打开依据"]
    QTest.keyClick(chart, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().split("\r\n")
    assert lines[:5] == [
        "点值变动\t元/分 · 2023 年至 2024 年 · 99 例", "项目\t变动 (元/分)", "2023 年点值\t6.0000", "预算与追加\t+5.0000",
        "外出就医（联网与手工报销）\t-4.0000",
    ]  # fmt: skip


def test_enter_opens_what_is_pointed_at(chart) -> None:
    opened: list[tuple[int, int]] = []
    chart.activated.connect(lambda *at: opened.append(at))
    chart.show_panels([moved(lying=True)])
    chart.setFocus()
    QTest.keyClick(chart, Qt.Key.Key_Return)
    assert opened == []
    QTest.keyClick(chart, Qt.Key.Key_Down)
    QTest.keyClick(chart, Qt.Key.Key_Down)
    QTest.keyClick(chart, Qt.Key.Key_Return)
    assert opened == [(0, 1)]


@pytest.mark.parametrize("lying", [False, True])
def test_odd_values_draw(chart, lying) -> None:
    for values in ((0.0, 0.0, 0.0), (5.0, None, 5.0), (-3.0, 1.0, -2.0), (1e12, -1e12, 0.0), (4.0, 4.0)):
        chart.show_panels([moved(values, ("0",) * len(values), lying)])
        for size in ((200, 120), (900, 400)):
            chart.resize(*size)
            chart.grab()


def test_in_grey_print_a_rise_and_a_fall_stay_apart(chart, tmp_path) -> None:
    chart.show_panels([moved()])
    path = tmp_path / "图.png"
    chart.save(path)
    picture = QImage(str(path)).convertToFormat(QImage.Format.Format_Grayscale8)
    assert not picture.isNull()
    rise, fall = chart._axes[0].patches[1], chart._axes[0].patches[2]
    scale = picture.width() / chart._canvas.figure.bbox.width

    def greys(patch) -> list[int]:
        box = patch.get_window_extent()
        y = int(picture.height() - (box.y0 + box.y1) / 2 * scale)
        return [
            QImage.pixelColor(picture, int(x * scale), y).lightness()
            for x in range(int(box.x0) + 4, int(box.x1) - 4)
        ]

    assert max(greys(rise)) - min(greys(rise)) <= 2, "full"
    assert max(greys(fall)) - min(greys(fall)) >= 60, "striped"


@given(st.text(alphabet="中文字（）《》a bc-1,.", max_size=60), st.integers(2, 30))
def test_folding_loses_nothing_but_spaces(text, room) -> None:
    lines = folded(text, room, 1000)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(width(line) <= max(room, 6) for line in lines), "brackets stay with their word"
    assert len(folded(text, room, 2)) <= 2
