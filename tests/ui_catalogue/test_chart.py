"""A chart says unit, period and cases, tells its values, and leaves as a table and as a picture."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest

from ui.chart import DARK, LIGHT, Chart, Mark, Panel, Series, small_multiples

ROOT = Path(__file__).resolve().parents[2]
YEARS = ("2021", "2022", "2023", "2024")
MEAN = Panel(
    "次均费用", "元", "2021–2024 年", 12_345,
    [
        Series("本病种", [3260.5, None, 3120.25, 3222.0], cases=[100, 0, 110, 90], texts=["3,260.50", "", "3,120.25", "3,222.00"]),
        Series("全市", [6631.81, 6800.0, 6500.0, 6186.82], form="bar"),
    ],
    x=YEARS,
)  # fmt: skip
SPREAD = Panel(
    "费用分布", "例", "2024 年", 51, [Series("病例数", [3.0, 40.0, 8.0], form="bar")],
    edges=[0, 1000, 2000, 3000], marks=[Mark("中位数", 1400, "1,400.00")], x_title="费用（元）", places=0,
)  # fmt: skip


@pytest.fixture
def chart(empty_desk, qtbot) -> Chart:
    chart = Chart(empty_desk)
    qtbot.addWidget(chart)
    chart.resize(700, 240)
    chart.show()
    qtbot.waitExposed(chart)
    return chart


def drawn(chart: Chart) -> QImage:
    return chart.grab().toImage()


def test_every_panel_states_unit_period_and_cases(chart) -> None:
    chart.show_panels([MEAN])
    assert chart.about(MEAN) == "元 · 2021–2024 年 · 12,345 例"
    texts = [text.get_text() for text in chart._axes[0].texts]
    assert "次均费用" in texts
    assert chart.about(MEAN) in texts, "unit, period and cases are drawn, whole"
    assert "元 · 2021–2024 年 · 12,345 例" in chart.accessibleName()


def test_the_pointer_tells_value_unit_and_cases(chart) -> None:
    chart.show_panels([MEAN, SPREAD])
    drawn(chart)
    at = chart.place_of(0, 2)
    QTest.mouseMove(chart._canvas, at.toPoint())
    chart.eventFilter(chart._canvas, _moved(at))
    assert chart.pointed() == ["2023", "本病种 3,120.25 元  (110 例)", "全市 6,500.00 元"]
    chart.eventFilter(chart._canvas, _moved(chart.place_of(1, 1)))
    assert chart.pointed() == ["1,000–2,000", "病例数 40 例"]
    chart.eventFilter(chart._canvas, _moved(QPointF(1, 1)))
    assert chart.pointed() == []


def _moved(at: QPointF):
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    none = Qt.MouseButton.NoButton
    return QMouseEvent(QEvent.Type.MouseMove, at, at, none, none, Qt.KeyboardModifier.NoModifier)


def test_the_arrow_keys_walk_over_all_panels(chart, qtbot) -> None:
    chart.show_panels([MEAN, SPREAD])
    chart.setFocus()
    seen = []
    for _ in range(7):
        QTest.keyClick(chart, Qt.Key.Key_Right)
        seen.append(chart.pointed()[0])
    assert seen == [*YEARS, "0–1,000", "1,000–2,000", "2,000–3,000"]
    QTest.keyClick(chart, Qt.Key.Key_Right)
    assert chart.pointed()[0] == "2021"
    QTest.keyClick(chart, Qt.Key.Key_Left)
    assert chart.pointed()[0] == "2,000–3,000"
    QTest.keyClick(chart, Qt.Key.Key_Escape)
    assert chart.pointed() == []


def test_a_gap_is_said_and_not_drawn_as_nothing(chart) -> None:
    chart.show_panels([MEAN])
    assert chart.told(0, 1)[1] == "本病种 无  (0 例)"
    line = chart._axes[0].lines[0]
    assert np.isnan(line.get_ydata()[1])


def test_the_data_copy_as_a_table(chart) -> None:
    chart.show_panels([MEAN, SPREAD])
    chart.setFocus()
    QTest.keyClick(chart, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().split("\r\n")
    assert lines[:3] == [
        "次均费用\t元 · 2021–2024 年 · 12,345 例", "项目\t本病种 (元)\t本病种：病例数\t全市 (元)", "2021\t3260.50\t100\t6631.81",
    ]  # fmt: skip
    assert lines[3] == "2022\t\t0\t6800.00"
    assert "中位数\t1400.00" in lines
    chart.show_panels([Panel("t", "元", "2024 年", 1, [Series("=cmd()", [1.0])], x=["-1+1"])])
    chart.copy()
    text = QGuiApplication.clipboard().text()
    assert "\t'=cmd() (元)" in text
    assert "\r\n'-1+1\t" in text


@pytest.mark.parametrize("form", ["png", "svg"])
def test_the_picture_saves_in_the_colours_of_print(chart, empty_desk, tmp_path, form) -> None:
    empty_desk.wear("dark")
    chart.show_panels([MEAN])
    path = tmp_path / f"图.{form}"
    chart.save(path)
    if form == "png":
        picture = QImage(str(path))
        assert picture.width() > 1200
        assert picture.pixelColor(2, 2).name() == "#ffffff"
    else:
        text = path.read_text("utf-8")
        assert "<svg" in text
        assert "<text" not in text, "letters are outlines: readable without the font"
        assert LIGHT[0] in text


def test_a_picture_that_cannot_be_saved_is_said(chart, empty_desk, tmp_path, monkeypatch) -> None:
    chart.show_panels([MEAN])
    said: list[str] = []
    empty_desk.said.connect(said.append)
    where = str(tmp_path / "nowhere" / "x.png")
    monkeypatch.setattr("ui.chart.widget.QFileDialog.getSaveFileName", lambda *_: (where, ""))
    chart._ask_path("png")
    assert where in said[-1]


def test_the_theme_is_drawn_at_once(chart, empty_desk) -> None:
    empty_desk.wear("light")
    chart.show_panels([SPREAD])
    assert drawn(chart).pixelColor(3, 230).lightness() > 200
    empty_desk.wear("dark")
    assert drawn(chart).pixelColor(3, 230).lightness() < 80


def test_resizing_keeps_the_drawing_inside(chart, qtbot) -> None:
    chart.show_panels([SPREAD])
    for size in ((260, 130), (900, 500)):
        chart.resize(*size)
        drawn(chart)
        box = chart._axes[0].bbox
        ratio = chart._canvas.device_pixel_ratio
        assert box.x0 > 0 and box.y0 > 0
        assert box.x1 / ratio <= size[0] and box.y1 / ratio <= size[1] - 25


def test_an_axis_begins_at_nothing_or_says_so(chart) -> None:
    def shown(values: list[float | None], form: str = "line"):
        chart.show_panels([Panel("t", "分", "2024 年", 9, [Series("s", values, form)], x=["a", "b"], places=4)])
        said = " ".join(one.get_text() for one in chart._axes[0].texts)
        return chart._axes[0].get_ylim(), "不从零起" in said

    for values, form in (([1.01, 1.02], "bar"), ([0.5, 1.02], "line"), ([1.0, 1.0], "line"), ([-1.0, -1.01], "line")):
        (low, _), cut = shown(values, form)
        assert low <= 0 and not cut
    (low, high), cut = shown([1.01, 1.02])
    assert 1 < low < 1.01 < 1.02 < high and cut, "an index that hardly moves is looked at from nearer"


def test_odd_data_draws(chart) -> None:
    for values in ([None, None], [0.0, 0.0], [-5.0, 3.0], [1e12, 1.0]):
        chart.show_panels([Panel("t", "元", "p", 0, [Series("s", values)], x=["a", "b"])])
        drawn(chart)
    chart.show_panels([Panel("t" * 300, "元", "p", 0, [Series("s", [1.0])], x=["很长的版本名称" * 9], note="n" * 300)])
    drawn(chart)
    chart.show_panels([])
    assert chart.rows() == []


def test_what_a_chart_states_is_wrapped_and_never_cut(chart) -> None:
    chart.resize(150, 260)
    chart.show_panels([MEAN])
    drawn(chart)
    texts = [text.get_text() for text in chart._axes[0].texts]
    assert "12,345 例" in "\n".join(texts)
    assert not any("…" in text and ("例" in text or "年" in text) for text in texts)


def test_small_multiples_share_all_but_the_series() -> None:
    one, two = small_multiples(SPREAD, [("甲", Series("s", [1, 2, 3])), ("乙", Series("s", [3, 2, 1]))])
    assert (one.title, two.title) == ("甲", "乙")
    assert (one.unit, one.period, one.edges) == (SPREAD.unit, SPREAD.period, SPREAD.edges)


# Colours: Machado, Oliveira and Fernandes 2009, severity 1.
EYES = {
    "all": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour: str, eye) -> np.ndarray:
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(eye) @ linear, 0, 1)
    x = XYZ @ seen / np.array([0.9505, 1.0, 1.089])
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_stay_apart_for_every_eye_and_in_grey(palette) -> None:
    for eye in EYES.values():
        for one, other in itertools.combinations(palette, 2):
            assert np.linalg.norm(lab(one, eye) - lab(other, eye)) >= 20
    for one, other in itertools.combinations(palette, 2):
        assert abs(lab(one, np.eye(3))[0] - lab(other, np.eye(3))[0]) >= 7


def test_no_chart_no_matplotlib() -> None:
    probe = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from PySide6.QtWidgets import QApplication\n"
        "a = QApplication([])\n"
        "from ui.desk import Desk\nfrom ui.window import Window\n"
        "d = Desk('zh'); w = Window(d); w.show(); w.after_first_paint(); w.show_page('catalogue'); a.processEvents()\n"
        "print('matplotlib' in sys.modules); w.close(); d.close()"
    )
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=120, check=False)
    assert ran.stdout.strip().endswith("False"), ran.stdout + ran.stderr


def test_the_button_opens_the_menu_where_it_stands(chart, qtbot) -> None:
    chart.show_panels([MEAN])
    assert chart.button.isVisible()
    menu = chart.menu()
    said = [action.text() for action in menu.actions() if action.text()]
    assert said == ["复制数据为表格", "保存为 PNG 图片…", "保存为 SVG 矢量图…"]
    assert chart.rect().contains(chart.button.geometry())
    assert chart.button.geometry().topRight() == QPoint(chart.width() - 1, 0)
    menu.deleteLater()


@pytest.mark.parametrize("place", [(0, 4), (0, -1), (2, 0), (-1, 0), (7, 7)])
def test_pointing_where_nothing_stands_takes_the_pointer_away(chart, place) -> None:
    chart.show_panels([MEAN, SPREAD])
    chart.point(0, 1)
    said: list[tuple[int, int]] = []
    chart.pointed_at.connect(lambda panel, position: said.append((panel, position)))
    chart.point(*place)
    assert chart.pointed() == [] and said == []
    chart.grab()  # nothing of it is left to paint


def test_the_keys_pass_over_a_panel_without_positions(chart) -> None:
    empty = Panel("没有", "元", "2024 年", 0, [Series("次均费用", [])])
    chart.show_panels([empty, MEAN, empty])
    chart.setFocus()
    seen = []
    for key in (*[Qt.Key.Key_Right] * (len(YEARS) + 1), Qt.Key.Key_Left):
        QTest.keyClick(chart, key)
        seen.append(chart.pointed()[0])
    assert seen == [*YEARS, YEARS[0], YEARS[-1]]
    chart.show_panels([empty])
    QTest.keyClick(chart, Qt.Key.Key_Left)
    chart.eventFilter(chart._canvas, _moved(chart._canvas.rect().center().toPointF()))
    assert chart.pointed() == []
    chart.grab()
