"""Numbers as they are written, colours that can be read, icons that are there."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from PySide6.QtGui import QColor, QFontMetricsF, QPalette

from core.settings import RESOURCES
from ui import look
from ui.actions import ACTIONS
from ui.pages import KEYS


@pytest.mark.parametrize(
    ("plain", "shown"),
    [("0", "0"), ("-0.5", "−0.5"), ("1234567.80", "1,234,567.80"), ("-1000", "−1,000"), ("12.3456", "12.3456"),
     ("", ""), ("x", "x"), ("1e5", "1e5"), ("999", "999")],
)
def test_grouped(plain: str, shown: str) -> None:
    assert look.grouped(plain) == shown


def test_amounts_are_exact_to_the_fen_and_wan_is_only_written_differently() -> None:
    assert look.amount(123_456_789) == "1,234,567.89"
    assert look.amount(-1) == "−0.01"
    assert look.amount(9_007_199_254_740_993) == "90,071,992,547,409.93"  # a float would lose the last fen
    assert look.amount(123_456_789, wan=True) == "123.4568"
    assert look.amount(123_456_789, wan=True, places=6) == "123.456789"


def test_share() -> None:
    assert look.share(Fraction(1, 3)) == "33.33%"
    assert look.share(None) == "—"


def luminance(colour: str) -> float:
    parts = [part / 255 for part in QColor(colour).getRgb()[:3]]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read_on_every_ground_it_stands_on(dark: bool) -> None:
    c = look.colours(dark)
    pairs = [(text, ground) for text in (c.text, c.muted, c.accent, c.bad, c.warn, c.good)
             for ground in (c.ground, c.sheet, c.raised)]
    pairs += [(c.bad, c.bad_soft), (c.warn, c.warn_soft), (c.good, c.good_soft), (c.text, c.accent_soft),
              (c.synthetic, c.synthetic_soft), (c.on_accent, c.accent)]
    assert [(pair, round(contrast(*pair), 2)) for pair in pairs if contrast(*pair) < 4.5] == []


def test_no_text_stands_on_the_colour_of_lines(qapp) -> None:
    """Muted on it is 3.9 and 4.1 to 1."""
    rules = (RESOURCES / "themes" / "window.qss").read_text("utf-8").split("}")
    assert [rule for rule in rules if re.search(r"background(-color)?: \$line", rule) and re.search(r"[ {]color:", rule)] == []
    worn = look.Look("light").colours
    assert qapp.palette().color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Highlight).name() != worn.line


def test_every_icon_is_there_and_takes_its_colour(qapp) -> None:
    names = {action.icon for action in ACTIONS if action.icon} | set(KEYS)
    assert [name for name in sorted(names) if not (RESOURCES / "icons" / f"{name}.svg").exists()] == []
    worn = look.Look("light")
    assert worn.chinese
    for name in sorted(path.stem for path in (RESOURCES / "icons").glob("*.svg")):
        picture = worn.icon(name, "accent").pixmap(24, 24).toImage()
        drawn = [picture.pixelColor(x, y) for x in range(24) for y in range(24)]
        wanted = QColor(worn.colours.accent).getRgb()[:3]
        near = [all(abs(a - b) < 12 for a, b in zip(one.getRgb()[:3], wanted, strict=True))
                for one in drawn if one.alpha() > 120]
        assert any(near), name


def test_chinese_is_drawn_and_not_boxed(qapp) -> None:
    from PySide6.QtGui import QRawFont

    look.Look("light")
    raw = QRawFont.fromFont(qapp.font())
    families = qapp.font().families()
    assert any(family in look.CHINESE for family in families) or raw.supportsCharacter("点")


def test_curly_quotes_are_as_wide_as_their_language_has_them(qapp) -> None:
    worn, widths = look.Look("light"), {}
    for language in ("en", "zh"):
        worn.speak(language)
        widths[language] = QFontMetricsF(qapp.font()).horizontalAdvance("“”")
    assert widths["en"] < widths["zh"] or not worn.chinese


def test_figures_are_of_one_width(qapp) -> None:
    look.Look("light")
    metrics = QFontMetricsF(qapp.font())
    assert len({round(metrics.horizontalAdvance(str(digit) * 10), 3) for digit in range(10)}) == 1
