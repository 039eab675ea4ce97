"""What of the wheels and of Python stays out of a package, and why: one table, and Qt by what is asked for.

A pattern is met by a path below `site-packages` (or the standard library) as `fnmatch` sees it: `*` goes over slashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

# pattern, why it is not needed
WHEELS: tuple[tuple[str, str], ...] = (
    ("*.pyi", "types for editors"),
    ("*/py.typed", "types for editors"),
    ("*.pyx", "source of what is compiled"),
    ("*.pxd", "source of what is compiled"),
    ("*.c", "source of what is compiled"),
    ("*.h", "source of what is compiled"),
    ("*.lib", "for linking"),
    ("*.a", "for linking"),
    ("*.data/*", "commands, headers and manual pages of wheels"),
    ("*/tests/*", "tests of numpy, pandas, matplotlib, fontTools and others"),
    ("*/conftest.py", "tests"),
    ("*.dist-info/RECORD", "of installing"),
    ("*.dist-info/WHEEL", "of installing"),
    ("*.dist-info/sboms/*", "of building"),
    ("pip/*", "nothing is installed later"),
    ("pylab.py", "never imported"),
    ("numpy/f2py/*", "Fortran at build time"),
    ("numpy/distutils/*", "building"),
    ("numpy/_pyinstaller/*", "building"),
    ("numpy/_core/include/*", "building"),
    ("numpy/_core/lib/*", "building"),
    ("numpy/random/lib/*", "building"),
    ("numpy/random/_examples/*", "examples"),
    ("matplotlib/mpl-data/sample_data/*", "sample data"),
    ("matplotlib/mpl-data/images/*", "buttons of matplotlib's own toolbar, which no page shows"),
    ("matplotlib/mpl-data/plot_directive/*", "matplotlib's documentation"),
    ("matplotlib/mpl-data/fonts/afm/*", "PostScript output"),
    ("matplotlib/mpl-data/fonts/pdfcorefonts/*", "matplotlib's own PDF; sheets are printed by fpdf2"),
    ("matplotlib/backends/web_backend/*", "drawing in a browser"),
    ("matplotlib/backends/_tkagg*", "drawing in Tk"),
    ("matplotlib/backends/_macosx*", "drawing on a Mac"),
    ("matplotlib/sphinxext/*", "matplotlib's documentation"),
    ("mpl_toolkits/axisartist/*", "never imported"),
    ("mpl_toolkits/axes_grid1/*", "never imported"),
    ("fontTools/*.so", "compiled twins: the same modules are there as Python, and subsetting uses none of them much"),
    ("fontTools/*.pyd", "compiled twins: the same modules are there as Python, and subsetting uses none of them much"),
    ("PIL/_avif*", "pictures of a kind that is never read"),
    ("PIL/_webp*", "pictures of a kind that is never read"),
    ("PIL/_imagingtk*", "drawing in Tk"),
    ("PIL/_imagingft*", "writing on pictures"),
    ("pypinyin/*.json", "data of its own build; the compiled tables are beside it"),
)

# Modules of PySide6 that the window imports. QtNetwork and others come along where a library of these asks for them.
QT_MODULES = frozenset({"QtCore", "QtGui", "QtWidgets", "QtPrintSupport", "QtSvg"})
# Plugins that Qt loads by name, without being linked to them. What is not here is not needed: databases, QML, TLS, networks,
# virtual keyboards, embedded screens, picture kinds that never come.
QT_PLUGINS: tuple[tuple[str, str], ...] = (
    ("platforms/*qwindows.*", "the window on Windows"),
    ("platforms/*qxcb.*", "the window on X11"),
    ("platforms/*qwayland.*", "the window on Wayland"),
    ("platforms/*qoffscreen.*", "self-test and pictures without a display"),
    ("wayland-shell-integration/*xdg-shell.*", "windows under Wayland"),
    ("wayland-decoration-client/*", "window frames under Wayland"),
    ("platforminputcontexts/*ibus*", "typing Chinese: IBus, also Fcitx 5 through it"),
    ("platforminputcontexts/*compose*", "dead keys"),
    ("platformthemes/*xdgdesktopportal.*", "file dialogs and colours of the desktop"),
    ("printsupport/*", "printers of a Linux"),
    ("iconengines/*qsvgicon.*", "icons"),
    ("imageformats/*qsvg.*", "icons"),
    ("imageformats/*qico.*", "the window's icon on Windows"),
)
QT_TRANSLATIONS = frozenset({"qtbase_zh_CN.qm"})  # English is in Qt itself
# Libraries that stay only where something that stays is linked to them.
LINKED = (
    "PySide6/Qt/lib/*", "PySide6/*.dll", "PySide6/libpyside6*", "shiboken6/*.dll",
    "pillow.libs/*", "numpy.libs/*", "pandas.libs/*",
)  # fmt: skip

STANDARD_LIBRARY: tuple[tuple[str, str], ...] = (
    ("test/*", "tests of Python"),
    ("*/test/*", "tests of Python"),
    ("*/tests/*", "tests of Python"),
    ("*/_test*", "tests of Python"),
    ("lib-dynload/_xx*", "tests of Python"),
    ("lib-dynload/xx*", "tests of Python"),
    ("lib-dynload/*_test*", "tests of Python"),
    ("idlelib/*", "an editor"),
    ("lib2to3/*", "converting Python 2"),
    ("distutils/*", "building"),
    ("ensurepip/*", "nothing is installed later"),
    ("venv/*", "nothing is installed later"),
    ("config-*", "building"),
    ("*.a", "for linking"),
    ("site-packages/*", "what the building machine has installed"),
    ("dist-packages/*", "what the building machine has installed"),
    ("tkinter/*", "Tk"),
    ("turtle*", "Tk"),
    ("lib-dynload/_tkinter*", "Tk"),
    ("curses/*", "a terminal's windows"),
    ("lib-dynload/_curses*", "a terminal's windows"),
    ("lib-dynload/readline*", "a terminal's history"),
    ("lib-dynload/ossaudiodev*", "sound"),
    ("lib-dynload/audioop*", "sound"),
    ("lib-dynload/nis*", "network"),
    ("lib-dynload/_ssl*", "network: the product has none; hashes have their own module"),
    ("lib-dynload/_dbm*", "databases of Unix"),
    ("lib-dynload/_gdbm*", "databases of Unix"),
    ("lib-dynload/_crypt*", "passwords of Unix"),
    ("pydoc_data/*", "Python's help"),
    ("__phello__*", "an example"),
    ("sitecustomize.py", "the building machine's own"),
    ("LICENSE.txt", "among the licences"),
)


def dropped(path: str, table: Iterable[tuple[str, str]]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern, _ in table)


def only_if_linked(path: str) -> bool:
    """Whether a library goes unless something asks for it. Plugins are asked for by nobody and stay."""
    return "/plugins/" not in path and any(fnmatchcase(path, pattern) for pattern in LINKED)


def qt_drops(path: str) -> bool:
    """Whether a path below PySide6 is nothing that the window asks for. Libraries are judged by what links to them."""
    room, _, rest = path.partition("/")
    if room != "PySide6":
        return False
    if rest.startswith("Qt/"):
        rest = rest.removeprefix("Qt/")
    if rest.startswith("plugins/"):
        return not dropped(rest.removeprefix("plugins/"), QT_PLUGINS)
    if rest.startswith("translations/"):
        return rest.removeprefix("translations/") not in QT_TRANSLATIONS
    if "/" in rest:
        return not rest.startswith(("lib/lib", "support/"))
    if rest.endswith(".py"):
        return False
    if rest.startswith("Qt") and rest.endswith((".so", ".pyd")):
        return rest.partition(".")[0] not in QT_MODULES
    return not rest.endswith(".dll") and ".so" not in rest


# Folders of libraries of a distribution -> the package that looks there; the others are called like their package.
_LIBRARIES_OF = {"pillow": "PIL"}
_QT = ("PySide6", "shiboken6")


def looks_in(path: str, library: str) -> bool:
    """Whether the compiled file `path` finds the library at `library` (both below site-packages): beside itself, in the folder
    NAME.libs of its own package, and the two packages of Qt in each other. A library of the same name that another package
    brings is not found, unless that one happens to be imported first."""
    if path.rpartition("/")[0] == library.rpartition("/")[0]:
        return True
    room, brings = path.partition("/")[0], library.partition("/")[0]
    if brings.endswith(".libs"):
        brings = _LIBRARIES_OF.get(brings.removesuffix(".libs"), brings.removesuffix(".libs"))
        return room == brings
    return room in _QT and brings in _QT


def reached(linked: Mapping[str, tuple[str, ...]], candidates: Iterable[str]) -> set[str]:
    """Of `candidates` those that something else asks for and finds, directly or through each other.

    `linked`: path -> names of the libraries that it asks for.
    """
    by_name: dict[str, list[str]] = {}
    for path in candidates:
        by_name.setdefault(path.rpartition("/")[2].lower(), []).append(path)
    waiting = {path for paths in by_name.values() for path in paths}
    ahead = [path for path in linked if path not in waiting]
    found: set[str] = set()
    while ahead:
        asking = ahead.pop()
        for library in linked.get(asking, ()):
            for path in by_name.get(library.lower(), ()):
                if path not in found and looks_in(asking, path):
                    found.add(path)
                    ahead.append(path)
    return found
