"""Every word for a user lives in `resources/translations`, in both languages; no key is missing."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.texts import LANGUAGES, catalogue

ROOT = Path(__file__).resolve().parents[2]
TRANSLATIONS = ROOT / "resources" / "translations"
HAN = re.compile(r"[\u3400-\u9fff]")
WORD = re.compile(r"[A-Za-z]{2,}")
# Latin words that a Chinese text may consist of alone: names, units, file endings, keys.
LATIN_IN_CHINESE = {
    "DIP", "CMI", "ICD", "ID", "SHA", "Excel", "CSV", "TSV", "JSON", "XLSX", "XLS", "PDF", "PNG", "SVG",
    "csv", "json", "xlsx", "pdf", "png", "svg", "SQLite", "Ctrl", "Shift", "Alt", "Esc", "Enter",
    "Tab", "Del", "English",
}
# Chinese that stands in the English texts on purpose.
CHINESE_IN_ENGLISH = re.compile(r"export\.synthetic|.*language\.zh(\.\w+)?|packs\.tongue\.zh|.*\bwan\w*|.*_wan\w*")
# Phrases of formulas are filled by place, not by name.
BY_PLACE = "rules."
# Calls whose first text reaches a user's eyes.
SHOWING = {
    "QLabel", "QPushButton", "QAction", "QGroupBox", "QCheckBox", "QRadioButton", "QToolButton", "setText",
    "setWindowTitle", "setToolTip", "setStatusTip", "setPlaceholderText", "setTitle", "addAction", "addMenu",
    "addTab", "setLabelText", "setInformativeText", "showMessage", "setAccessibleName",
}


def sources(*rooms: str) -> Iterator[tuple[str, ast.Module]]:
    for room in rooms:
        there = [ROOT / room] if room.endswith(".py") else sorted((ROOT / room).rglob("*.py"))
        for path in there:
            if path.exists():
                yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def choices(node: ast.expr) -> Iterator[str]:
    """The texts an argument can be: a constant, or either side of `a if c else b`."""
    if (text := constant(node)) is not None:
        yield text
    elif isinstance(node, ast.IfExp):
        yield from choices(node.body)
        yield from choices(node.orelse)


def prefix(node: ast.expr) -> str | None:
    """The fixed beginning of an f-string."""
    if isinstance(node, ast.JoinedStr) and node.values:
        return constant(node.values[0])
    return None


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_files_and_keys() -> None:
    files = [{path.name for path in (TRANSLATIONS / lang).glob("*.toml")} for lang in LANGUAGES]
    assert files[0] == files[1]
    zh, en = (set(catalogue(lang)) for lang in LANGUAGES)
    assert sorted(zh - en) == []
    assert sorted(en - zh) == []
    assert zh


def test_no_key_is_said_twice() -> None:
    """Files that share a first part are merged: a later one must not silently win."""
    for lang in LANGUAGES:
        seen: dict[str, str] = {}
        twice: list[str] = []

        def walk(name: str, tree: dict[str, object], file: str, seen=seen, twice=twice) -> None:
            for key, value in tree.items():
                if isinstance(value, dict):
                    walk(f"{name}.{key}", value, file)
                elif f"{name}.{key}" in seen:
                    twice.append(f"{name}.{key}: {seen[f'{name}.{key}']}, {file}")
                else:
                    seen[f"{name}.{key}"] = file

        for path in sorted((TRANSLATIONS / lang).glob("*.toml")):
            walk(path.stem.partition("_")[0], tomllib.loads(path.read_text("utf-8")), path.name)
        assert twice == []


def test_placeholders_are_the_same_and_fillable() -> None:
    zh, en = catalogue("zh"), catalogue("en")
    assert [key for key in zh if key in en and placeholders(zh[key]) != placeholders(en[key])] == []
    odd = [
        key for key, text in [*zh.items(), *en.items()]
        if not key.startswith(BY_PLACE) and not all(name.isidentifier() for name in placeholders(text))
    ]
    assert odd == [], "only plain {names}"


def test_chinese_is_chinese_and_english_english() -> None:
    def left_english(text: str) -> bool:
        bare = re.sub(r"\{\w+\}|https?://\S+|\$\S+", "", text)
        return not HAN.search(bare) and bool(set(WORD.findall(bare)) - LATIN_IN_CHINESE)

    assert [key for key, text in catalogue("zh").items() if left_english(text)] == []
    left = {key for key, text in catalogue("en").items() if HAN.search(text)}
    assert sorted(key for key in left if not CHINESE_IN_ENGLISH.fullmatch(key)) == []


def used_keys() -> Iterator[tuple[str, int, str, bool]]:
    """(file, line, key or its fixed beginning, whether it is whole) of what code asks `Texts` for."""
    for file, tree in sources("core", "ui", "main.py"):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = called(node).lstrip("_")
            if name == "texts":
                for key in filter(None, choices(node.args[0])):
                    yield file, node.lineno, key, True
                if (start := prefix(node.args[0])) and "." in start:
                    yield file, node.lineno, start, False
            if name == "Finding":
                named = [word.value for word in node.keywords if word.arg == "code"]
                for key in choices(named[0] if named else node.args[0]):
                    yield file, node.lineno, f"finding.{key}", True
            if name in ("Refused", "Usage", "WorldFault", "Fault"):
                for key in choices(node.args[0]):
                    yield file, node.lineno, f"fault.{key}", True
            if name == "report" and "progress" in ast.unparse(node.func):
                for key in choices(node.args[0]):
                    yield file, node.lineno, f"progress.{key}", True
            if name in ("step", "tick") and len(node.args) >= 2 and "progress" in ast.unparse(node.args[0]):
                for key in choices(node.args[1]):
                    yield file, node.lineno, f"progress.{key}", True


def test_every_key_that_code_uses_exists() -> None:
    known = catalogue("zh")
    used = list(used_keys())
    missing = [
        f"{file}:{line} {key}" for file, line, key, whole in used
        if (key not in known if whole else not any(name.startswith(key) for name in known))
    ]
    assert used
    assert missing == []


def documentation(tree: ast.Module) -> set[int]:
    """ids of the constants that are docstrings."""
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)
    }


def test_no_chinese_literal_in_the_window() -> None:
    found = []
    for file, tree in sources("ui", "main.py"):
        docs = documentation(tree)
        found += [
            f"{file}:{node.lineno} {node.value!r}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            and id(node) not in docs and HAN.search(re.sub(r"\[.-.\]", "", node.value))
        ]
    assert found == []


def test_no_english_words_shown_by_the_window() -> None:
    found = []
    for file, tree in sources("ui", "main.py"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) in SHOWING:
                texts = [constant(argument) for argument in node.args]
                found += [
                    f"{file}:{node.lineno} {text!r}" for text in texts
                    if text and WORD.search(text) and not text.startswith(("<", "#", "Ctrl+", "Alt+", "F"))
                ]
    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_texts_fill(lang: str) -> None:
    """Every text can be filled with its own placeholders: a stray brace raises."""
    for key, text in catalogue(lang).items():
        by_place = ["x"] * 3 if key.startswith(BY_PLACE) else []
        filled = text.format(*by_place, **dict.fromkeys(placeholders(text), "x"))
        assert bool(filled) == bool(text)
