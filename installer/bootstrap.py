"""The two commands of the README on a machine that has only Python 3.11 or newer; standard library alone.

    python installer/bootstrap.py demo [--wheels FOLDER] [arguments for main.py ...]
    python installer/bootstrap.py test [--wheels FOLDER] [arguments for pytest ...]

Makes `.venv` beside the project once, installs what pyproject.toml names (from FOLDER alone where given,
without a network), and goes on. `demo` opens the window on a demonstration; without a display it makes the
demonstration, runs the clearing and writes the sheet. Exit status: that of what ran; 3 when the machine lacks
something, and then it says what.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = Path(os.environ.get("DIANZHI_VENV") or ROOT / ".venv")
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

# What PySide6 loads from a bare Linux, and the Debian package that brings it.
QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
}
# The same for a real window under X11.
X11_LIBRARIES = {
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
}
YEAR, PACK = "2024", "ningde-2024"  # what the demonstration is cleared by


def stop(*lines: str) -> None:
    sys.stdout.flush()
    for line in lines:
        print(line, file=sys.stderr)
    sys.exit(3)


def missing_libraries(libraries: dict[str, str]) -> list[str]:
    """The Debian packages whose library this Linux cannot load; nothing elsewhere."""
    if not sys.platform.startswith("linux"):
        return []
    packages = []
    for library, package in libraries.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            packages.append(package)
    return packages


def has_display() -> bool:
    if os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal"):
        return False
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def has_chinese_font() -> bool:
    """Whether a window on this machine can show Chinese without the `fonts` extra."""
    if not sys.platform.startswith("linux"):
        return True
    try:
        listed = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return any(Path("/usr/share/fonts").rglob("*CJK*"))
    return bool(listed.strip())


def requirements(extras: list[str]) -> list[str]:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = list(project["dependencies"])
    for extra in extras:
        named += project["optional-dependencies"][extra]
    return named


def prepare(extras: list[str], wheels: str | None) -> None:
    """The environment holds the named requirements; nothing is done where it did already."""
    if not PYTHON.exists():
        try:
            import ensurepip  # noqa: F401
            import venv
        except ImportError:
            stop(
                "This Python has no venv. On Debian or Ubuntu: sudo apt-get install python3-venv",
                "这个 Python 缺少 venv。Debian 或 Ubuntu 上请先运行:sudo apt-get install python3-venv",
            )
            raise
        print(f"environment / 运行环境: {ENVIRONMENT}", flush=True)
        venv.EnvBuilder(with_pip=True, clear=ENVIRONMENT.exists()).create(ENVIRONMENT)
    wanted = requirements(extras)
    known = ENVIRONMENT / f"dianzhi-{'-'.join(['base', *extras])}.txt"
    digest = hashlib.sha256("\n".join(wanted).encode()).hexdigest()
    if known.exists() and known.read_text("utf-8") == digest:
        return
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if wheels:
        command += ["--no-index", "--find-links", str(Path(wheels).resolve())]
    print("installing / 正在安装: " + ", ".join(name.split(">")[0] for name in wanted), flush=True)
    if subprocess.run([*command, *wanted], stdin=subprocess.DEVNULL).returncode:
        stop(
            "Installing failed (see above). Without a network, give a folder of wheels: --wheels FOLDER",
            "安装失败(见上)。没有网络时,请用 --wheels 指定离线安装包所在文件夹。",
        )
    known.write_text(digest, "utf-8")


def main_py(*arguments: str) -> int:
    return subprocess.run([str(PYTHON), str(ROOT / "main.py"), *arguments]).returncode


def fresh_folder() -> Path:
    number = 1
    while True:
        folder = ROOT / "out" / f"demo-{number}"
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1


def demo(rest: list[str], wheels: str | None) -> int:
    window = has_display()
    if window and not os.environ.get("WAYLAND_DISPLAY"):
        lacking = missing_libraries(QT_LIBRARIES | X11_LIBRARIES)
    else:
        lacking = missing_libraries(QT_LIBRARIES) if window else []
    if lacking:
        print(
            "The window needs / 打开窗口还需要: sudo apt-get install " + " ".join(lacking),
            "Going on without a window. / 先不开窗口,继续运行。",
            sep="\n", file=sys.stderr,
        )
        window = False
    prepare(["fonts"] if window and not has_chinese_font() else [], wheels)
    if window:
        return main_py("--demo", *rest)
    folder = fresh_folder()
    workspace, sheet = folder / "demo.dianzhi", folder / f"clearing-{YEAR}.xlsx"
    print("no display: demonstration, clearing and sheet / 没有显示器:只生成演示数据和清算表", flush=True)
    status = main_py("demo", str(workspace), *rest)
    status = status or main_py("clear", str(workspace), "--year", YEAR, "--pack", PACK, "--out", str(sheet))
    if status == 0:
        print(f"workspace / 工作区: {workspace}\nsheet / 清算表: {sheet}")
    return status


def test(rest: list[str], wheels: str | None) -> int:
    lacking = missing_libraries(QT_LIBRARIES)
    if lacking:
        stop("The tests need / 测试还需要: sudo apt-get install " + " ".join(lacking))
    prepare(["test"], wheels)
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    # One more than cores, for a window's tests wait a good part of their time. Said again among the arguments, the later holds.
    spread = ["-n", str((os.cpu_count() or 1) + 1), "--dist", "loadfile"]
    return subprocess.run([str(PYTHON), "-m", "pytest", *spread, *rest], cwd=ROOT, env=environment).returncode


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036  # an older Python may well start this file
        stop("Python 3.11 or newer is needed / 需要 Python 3.11 或更新版本: " + sys.version.split()[0])
    parser = argparse.ArgumentParser(description="Dianzhi: set up and run")
    parser.add_argument("what", choices=["demo", "test"])
    parser.add_argument("--wheels", metavar="FOLDER", help="install from this folder alone")
    known, rest = parser.parse_known_args()
    return {"demo": demo, "test": test}[known.what](rest, known.wheels)


if __name__ == "__main__":
    sys.exit(main())
