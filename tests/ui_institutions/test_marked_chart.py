"""Small drawings side by side: names once above all, rings, upright marks, years under months, and letters as matplotlib's."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from ui.chart import Chart, Mark, Panel, Series

MONTHS = tuple(f"2023-{month:02d}" for month in range(1, 13)) + tuple(f"2024-{month:02d}" for month in range(1, 13))
CHANGE = Mark("变更", 12, "启用 2024 病种目录", upright=True)


def panels(shift: float = 0.0) -> list[Panel]:
    return [
        Panel(
            title, "分", "2023–2024 年", 240,
            [
                Series("甲医院", [shift + at % 5 for at in range(24)], cases=[10] * 24, ringed={3: "高于平常值"}),
                Series("全市", [2.0] * 24),
            ],
            x=MONTHS, marks=[CHANGE], beneath={0: "2023", 12: "2024"}, note=note,
        )
        for title, note in (("总分值", "每家平均"), ("CMI", ""), ("次均费用", ""))
    ]  # fmt: skip


@pytest.fixture
def chart(empty_desk, qtbot) -> Chart:
    chart = Chart(empty_desk)
    qtbot.addWidget(chart)
    chart.resize(760, 260)
    chart.show()
    qtbot.waitExposed(chart)
    chart.show_panels(panels())
    return chart


def test_names_stand_once_above_all(chart) -> None:
    said = [text.get_text() for key in chart._canvas.figure.legends for text in key.get_texts()]
    assert said == ["甲医院", "全市", "异常月份", "变更 启用 2024 病种目录"]
    assert all(axes.get_legend() is None for axes in chart._axes)
    chart.show_panels(panels()[:1])
    assert chart._canvas.figure.legends == []
    assert chart._axes[0].get_legend() is not None


def test_drawings_of_a_row_begin_at_one_height(chart) -> None:
    assert len({round(axes.bbox.y1, 3) for axes in chart._axes}) == 1
    assert [axes.texts[-1].get_text() for axes in chart._axes] == ["总分值", "CMI", "次均费用"]


def test_years_stand_under_months(chart) -> None:
    said = [text.get_text() for text in chart._axes[0].texts]
    assert {"2023", "2024"} <= set(said)
    assert not set(MONTHS) & set(said)


def test_a_ring_and_a_change_are_drawn_told_and_copied(chart) -> None:
    ring = [line for line in chart._axes[0].lines if line.get_linestyle() == "None"]
    assert [list(line.get_xdata()) for line in ring] == [[3]]
    assert "高于平常值" in chart.told(0, 3)
    assert "变更 启用 2024 病种目录" in chart.told(0, 12)
    assert "变更 启用 2024 病种目录" not in chart.told(0, 11)
    rows = chart.rows()
    at = rows[1].index("甲医院：异常月份")
    assert [row[at] for row in rows[2:26]] == ["高于平常值" if month == 3 else "" for month in range(24)]
    assert ["变更", "启用 2024 病种目录"] in rows


def test_axes_are_kept_and_nothing_of_the_last_drawing_stays(chart) -> None:
    before = list(chart._axes)
    counts = [len(axes.get_children()) for axes in before]
    for shift in (1.0, 700.0):
        chart.show_panels(panels(shift))
        assert list(chart._axes[0].lines[0].get_ydata()) == [shift + at % 5 for at in range(24)]
    chart.show_panels(panels())
    assert chart._axes == before
    assert [len(axes.get_children()) for axes in before] == counts
    chart.show_panels(panels()[:2])
    assert len(chart._canvas.figure.axes) == 2
    chart.show_panels([])
    assert chart._canvas.figure.axes == []


def test_enter_and_pointing_are_said(chart) -> None:
    pointed: list[tuple[int, int]] = []
    opened: list[tuple[int, int]] = []
    chart.pointed_at.connect(lambda *at: pointed.append(at))
    chart.activated.connect(lambda *at: opened.append(at))
    chart.setFocus()
    QTest.keyClick(chart, Qt.Key.Key_Return)
    assert opened == []
    QTest.keyClick(chart, Qt.Key.Key_Right)
    QTest.keyClick(chart, Qt.Key.Key_Return)
    assert pointed == opened == [(0, 0)]


def test_copied_letters_are_those_that_matplotlib_draws(chart) -> None:
    """The same figure by the plain canvas: letters may stand half a pixel elsewhere, and no more."""
    from matplotlib.backends.backend_agg import RendererAgg

    canvas = chart._canvas
    canvas.draw()
    copied = np.array(canvas.renderer.buffer_rgba()).astype(int)
    plain = RendererAgg(copied.shape[1], copied.shape[0], canvas.figure.dpi)
    canvas.figure.draw(plain)
    drawn = np.array(plain.buffer_rgba()).astype(int)
    ink = (drawn[..., :3].sum(axis=2) < 600).sum()
    assert abs(int((copied[..., :3].sum(axis=2) < 600).sum()) - int(ink)) < 0.12 * ink
    blurred = [np.add.reduceat(np.add.reduceat(one[..., :3].sum(axis=2), range(0, one.shape[0], 8), 0), range(0, one.shape[1], 8), 1)
               for one in (copied, drawn)]  # fmt: skip
    assert np.abs(blurred[0] - blurred[1]).max() < 0.25 * 64 * 765


def test_the_saved_picture_holds_key_and_marks(chart, tmp_path) -> None:
    path = tmp_path / "走势.png"
    chart.save(path)
    picture = QImage(str(path))
    assert picture.width() > 1200
    top = picture.copy(0, 0, picture.width(), 40)
    dark = sum(top.pixelColor(x, y).lightness() < 120 for x in range(0, top.width(), 2) for y in range(0, 40, 2))
    assert dark > 30, "the names stand above the drawings"
