"""How things look: fonts, colours with a meaning, spacing, icons, and how numbers are written on screen.

The colours and the one stylesheet are `resources/themes`. Nothing here computes: numbers come as exact text
or fen and leave as text.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from fractions import Fraction
from string import Template

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontInfo,
    QGuiApplication,
    QIcon,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget

from core.settings import RESOURCES

THEMES = ("system", "light", "dark")
# Space between things, in device-independent pixels: within a group, between groups, at the edge of a page.
TIGHT, GAP, EDGE = 4, 8, 16
ROW = 24  # height of a table's row
ICON = 18
# Chinese faces by preference; the first that the machine has stands behind the system's own.
CHINESE = (
    "Microsoft YaHei UI",
    "Microsoft YaHei",
    "PingFang SC",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimSun",
)
# What fontconfig answers when nobody chose a font for the desktop: wider than anything meant for Chinese beside it.
LAST_RESORT = ("DejaVu Sans", "Sans Serif", "")


@dataclass(frozen=True, slots=True)
class Colours:
    """See resources/themes/light.toml."""

    dark: bool
    ground: str
    sheet: str
    raised: str
    line: str
    text: str
    muted: str
    accent: str
    accent_soft: str
    on_accent: str
    bad: str
    bad_soft: str
    warn: str
    warn_soft: str
    good: str
    good_soft: str
    synthetic: str
    synthetic_soft: str


def colours(dark: bool) -> Colours:
    text = (RESOURCES / "themes" / ("dark.toml" if dark else "light.toml")).read_text("utf-8")
    return Colours(dark=dark, **tomllib.loads(text))


class Look(QObject):
    """The look of the running program. `changed` after light became dark or the reverse: repaint what holds colours."""

    changed = Signal()

    def __init__(self, theme: str = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._icons: dict[tuple[str, str], QIcon] = {}
        self._theme = theme
        self._worn = False
        self.colours = colours(False)
        self.chinese = True  # whether Chinese can be read on this machine
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        if application.style().objectName().lower() != "fusion":
            application.setStyle(QStyleFactory.create("Fusion"))
        self._dress_font(application)
        application.setWindowIcon(sign())
        application.styleHints().colorSchemeChanged.connect(self._system_changed)
        self.wear(theme)

    def speak(self, language: str) -> None:
        """A Chinese face draws curly quotes as wide as a Chinese sign: right in Chinese, holes in any other text."""
        font = QApplication.font()
        font.setFeature(QFont.Tag("pwid"), int(language != "zh"))
        QApplication.setFont(font)

    def wear(self, theme: str) -> None:
        """system, light or dark."""
        self._theme = theme if theme in THEMES else "system"
        hints = QGuiApplication.styleHints()
        scheme = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}.get(self._theme)
        if scheme is None:
            hints.unsetColorScheme()
        else:
            hints.setColorScheme(scheme)
        self._apply()

    @Slot()
    def _system_changed(self) -> None:
        if self._theme == "system":
            self._apply()

    def _apply(self) -> None:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        if self._theme == "system":
            dark = application.styleHints().colorScheme() == Qt.ColorScheme.Dark
        else:
            dark = self._theme == "dark"
        if self._worn and dark == self.colours.dark:
            return
        self._worn = True
        self.colours = colours(dark)
        self._icons.clear()
        sheet = Template((RESOURCES / "themes" / "window.qss").read_text("utf-8"))
        names = {name: getattr(self.colours, name) for name in Colours.__dataclass_fields__}
        names |= {
            "grip": "#99" + self.colours.muted[1:],  # a scroll bar's, let through
            "tone": "dark" if dark else "light",
            "art": (RESOURCES / "themes").as_posix(),
        }
        # Off with the old sheet first: a widget that asks its palette when the palette changes must not get the
        # ground of one theme and the text of the other.
        application.setStyleSheet("")
        application.setPalette(_palette(self.colours))
        application.setStyleSheet(sheet.substitute(names))
        self.changed.emit()

    def _dress_font(self, application: QApplication) -> None:
        have = set(QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese))
        chinese = [name for name in CHINESE if name in have] or sorted(have)[:1]
        if not chinese:
            chinese = _carried_font()
        self.chinese = bool(chinese)
        font = application.font()
        system = QFontInfo(font).family()
        families = [] if chinese and system in LAST_RESORT else [system]
        font.setFamilies([*families, *chinese[:2]])
        # Figures of one width, so that columns of numbers stand under each other.
        font.setFeature(QFont.Tag("tnum"), 1)
        application.setFont(font)

    def icon(self, name: str, colour: str = "text") -> QIcon:
        """A line icon of `resources/icons` in a colour of the theme; rendered when first asked for."""
        key = (name, colour)
        if key not in self._icons:
            self._icons[key] = _icon(name, getattr(self.colours, colour), self.colours.muted)
        return self._icons[key]


def _carried_font() -> list[str]:
    """Noto Sans CJK SC of PyPI's mplfonts, where the system has no Chinese face and it is installed."""
    from importlib.util import find_spec
    from pathlib import Path

    found = find_spec("mplfonts")
    if found is None or found.origin is None:
        return []
    for path in sorted(Path(found.origin).parent.rglob("NotoSansCJK*-Regular.*")):
        number = QFontDatabase.addApplicationFont(str(path))
        if number >= 0:
            return QFontDatabase.applicationFontFamilies(number)[:1]
    return []


def _palette(c: Colours) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    roles = {
        role.Window: c.ground,
        role.WindowText: c.text,
        role.Base: c.sheet,
        role.AlternateBase: c.raised,
        role.Text: c.text,
        role.Button: c.ground,
        role.ButtonText: c.text,
        role.BrightText: c.bad,
        role.Highlight: c.accent,
        role.HighlightedText: c.on_accent,
        role.Link: c.accent,
        role.LinkVisited: c.accent,
        role.ToolTipBase: c.raised,
        role.ToolTipText: c.text,
        role.PlaceholderText: c.muted,
        role.Accent: c.accent,
        role.Light: c.raised,
        role.Midlight: c.raised,
        role.Mid: c.line,
        role.Dark: c.line,
        role.Shadow: c.line,
    }
    for name, colour in roles.items():
        palette.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(c.muted))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(c.ground))
    return palette


def _icon(name: str, colour: str, muted: str) -> QIcon:
    from PySide6.QtSvg import QSvgRenderer

    drawing = (RESOURCES / "icons" / f"{name}.svg").read_text("utf-8")
    ratio = max((screen.devicePixelRatio() for screen in QGuiApplication.screens()), default=1.0)
    icon = QIcon()
    for mode, tint in (
        (QIcon.Mode.Normal, colour),
        (QIcon.Mode.Selected, colour),
        (QIcon.Mode.Disabled, muted),
    ):
        renderer = QSvgRenderer(QByteArray(drawing.replace("currentColor", tint).encode()))
        for size in (16, ICON, 24):
            picture = QPixmap(QSize(round(size * ratio), round(size * ratio)))
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            renderer.render(painter, QRectF(0, 0, size, size))
            painter.end()
            icon.addPixmap(picture, mode)
    return icon


def set_role(widget: QWidget, role: str) -> None:
    """What a label or frame is (title, heading, muted, bad ...): the stylesheet does the rest, also when it changes."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def set_bad(field: QWidget, bad: bool) -> None:
    """Whether what stands in a field cannot be taken."""
    if bool(field.property("bad")) != bad:
        field.setProperty("bad", bad)
        field.style().unpolish(field)
        field.style().polish(field)


def dpi_defaults() -> None:
    """Before the application exists: fractional scaling as the system has it, not rounded to whole steps."""
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    QGuiApplication.setDesktopFileName("dianzhi")  # by it Linux knows whose windows these are
    if sys.platform == "win32":
        import ctypes

        # Else the taskbar takes the window for one of Python's, and shows Python's sign.
        ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID("dianzhi")


def sign() -> QIcon:
    """The product's own, for windows and the taskbar; drawn once at each size that systems ask for."""
    from PySide6.QtSvg import QSvgRenderer

    renderer = QSvgRenderer(str(RESOURCES / "dianzhi.svg"))
    icon = QIcon()
    for size in (16, 24, 32, 48, 64, 128):
        picture = QPixmap(size, size)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        renderer.render(painter, QRectF(0, 0, size, size))
        painter.end()
        icon.addPixmap(picture)
    return icon


# -- numbers on screen ---------------------------------------------------------------------------------------------

MINUS = "\N{MINUS SIGN}"  # as wide as a figure, unlike the hyphen


def grouped(plain: str) -> str:
    """Thousands separators into plain decimal text: -1234567.80 gives −1,234,567.80. Other text stays as it is."""
    sign, digits = (MINUS, plain[1:]) if plain.startswith("-") else ("", plain)
    whole, dot, rest = digits.partition(".")
    if not whole.isdecimal():
        return plain
    return f"{sign}{int(whole):,}{dot}{rest}"


def amount(fen: int, wan: bool = False, places: int | None = None) -> str:
    """Fen as yuan to the fen, or as 万元 to four decimals (a yuan) unless `places` says otherwise."""
    from core.money import plain  # brings numpy, which must not stand before the first paint

    if wan:
        return grouped(plain(Fraction(fen, 1_000_000), 4 if places is None else places))
    return grouped(plain(Fraction(fen, 100), 2 if places is None else places))


def count(number: int) -> str:
    return grouped(str(number))


def share(value: Fraction | None, places: int = 2) -> str:
    """A ratio as a percentage; a dash where there is none."""
    if value is None:
        return "—"
    from core.money import plain

    return grouped(plain(value * 100, places)) + "%"
