"""The one place where a code becomes words: `resources/translations/LANG/*.toml`, Chinese and English.

The first part of a file's name is the first part of its keys: `finding_intake.toml` holds
`finding.amount_unreadable`, so that each room keeps its own sentences.
"""

from __future__ import annotations

import locale
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import cast

from core.faults import Fault
from core.findings import Finding
from core.settings import PROGRAM, RESOURCES

LANGUAGES = ("zh", "en")
# A place in a sentence that a unit follows, and a plain number to stand there.
COUNTED = re.compile(r"\{(\w+)\}(?= ?(?:元|例|行|个|家|yuan|cases?\b|rows?\b|institutions?\b))")
# What an OSError says of itself, its name of a file aside.
SYSTEM = re.compile(r"\[Errno \d+\] ([^:]+)")
# One of what is counted: English has another word for it, and for what it does.
ONE = re.compile(
    r"(?<![\w.,+\-])1 ((?:[a-z]+ )?)(line|row|case|institution|file|cell|group|change|finding|problem|year|note)(?:s\b|\(s\))"
    r"(?: (are|have|were|differ)\b)?"
)
DOES = {"are": " is", "have": " has", "were": " was", "differ": " differs"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00")
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def system_language() -> str:
    """`zh` where the system speaks Chinese, else `en`."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    spoken = locale.getlocale()[0] or ""
    return "zh" if spoken.lower().startswith(("zh", "chinese")) else "en"


def _flatten(prefix: str, tree: Mapping[str, object], into: dict[str, str]) -> None:
    for key, value in tree.items():
        name = f"{prefix}.{key}"
        if isinstance(value, dict):
            _flatten(name, value, into)
        else:
            into[name] = str(value).replace("python main.py", PROGRAM)


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """Every text of a language by its dotted key."""
    into: dict[str, str] = {}
    for path in sorted((RESOURCES / "translations" / lang).glob("*.toml")):
        _flatten(path.stem.partition("_")[0], tomllib.loads(path.read_text("utf-8")), into)
    return into


def _single(found: re.Match[str]) -> str:
    return f"1 {found[1]}{found[2]}{DOES.get(found[3], '')}"


class Texts:
    """Call it with a key and values: `texts("fault.locked", path=...)`. An unknown key shows itself."""

    def __init__(self, lang: str = "") -> None:
        self.lang = lang if lang in LANGUAGES else system_language()
        self._by_key = catalogue(self.lang)

    def __call__(self, key: str, /, **values: object) -> str:
        text = self._by_key.get(key)
        if text is None:
            return f"{key} {values}" if values else key
        if not values:
            return text
        try:
            said = text.format_map(values)
            return ONE.sub(_single, said) if self.lang == "en" else said
        except (KeyError, IndexError, ValueError):
            return f"{text} {values}"

    def listed(self, names: Iterable[object]) -> str:
        """Names in a row, as the language separates them."""
        return self("list.comma").join(map(str, names))

    def fault(self, fault: Fault) -> str:
        """A fault's sentence: what happened, where, what to do."""
        values = {
            key: self.listed(cast(Iterable[object], value)) if isinstance(value, list | tuple) else value
            for key, value in fault.values.items()
        }
        if "table" in values:
            values["table"] = self._word("fact", str(values["table"]))
        if "reason" in values:
            values["reason"] = self._reason(str(values["reason"]))
        for name, area in (("kind", "kinds"), ("found", "found")):
            if isinstance(said := values.get(name), str):
                values[name] = self._word(area, said)
        if isinstance(at := values.get("at"), str) and MOMENT.fullmatch(at):  # UTC, as the time on the wall
            values["at"] = datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        if isinstance(columns := fault.values.get("columns"), list | tuple):
            values["columns"] = self.listed(self.field(str(column)) for column in cast(Iterable[object], columns))
        self._known(values)
        return self._counted(f"fault.{fault.code}", values)

    def field(self, name: str) -> str:
        """A column of a file by its heading, with the name that programs know it by."""
        key = f"fields.{name}"
        return self("list.named", word=self(key), name=name) if self.has(key) and self(key) != name else name

    def _reason(self, said: str) -> str:
        """What the system or the database said, in English, where it is known; without the name of a file beside."""
        told = SYSTEM.match(said)
        return self._word("reason", re.sub(r"\W+", "_", told[1] if told else said).strip("_").lower(), said)

    def _known(self, values: dict[str, object]) -> None:
        """What there is to choose from, as the language separates it, or that there is nothing."""
        if isinstance(said := values.get("known"), str):
            values["known"] = self.listed(said.split(", ")) if said else self("list.none")

    def _counted(self, key: str, values: Mapping[str, object]) -> str:
        """The sentence, its amounts and counts with thousands separators: whatever is followed by what it counts."""
        said = dict(values)
        for name in COUNTED.findall(self._by_key.get(key, "")):
            if NUMBER.fullmatch(str(said.get(name, ""))):
                whole, point, rest = str(said[name]).partition(".")
                said[name] = f"{int(whole):,}{point}{rest}" if int(whole) else f"{whole}{point}{rest}"
        return self(key, **said)

    def has(self, key: str) -> bool:
        return key in self._by_key

    def finding(self, finding: Finding) -> str:
        """The sentence of a finding, without its place (file, row and column have columns of their own)."""
        values: dict[str, object] = {
            "file": finding.file, "row": finding.row, "column": self.column(finding.column),
            "value": finding.value, "subject": self._word("fund", finding.subject), **finding.values,
        }  # fmt: skip
        for name in ("fund", "set"):
            if name in values:
                values[name] = self._word(name, str(values[name]))
        if "stale" in values:  # why a run stands no longer
            values["stale"] = self._word("clearing.stale", str(values["stale"]))
        self._known(values)
        if "fault" in values:  # what kept something from being done, as the fault itself says it
            values["fault"] = self._counted(f"fault.{values['fault']}", values)
        return self._counted(f"finding.{finding.code}", values)

    def subject(self, finding: Finding) -> str:
        """What a finding is about, a fund in words."""
        return self._word("fund", finding.subject)

    def column(self, column: str) -> str:
        """What a finding's column is called where it is a budget item or a part of a coefficient; else as it stands."""
        kind, colon, name = column.partition(":")
        key = f"coefficients.part.{kind}"
        if self.has(key) and (kind in ("bonus", "deduction")) == bool(colon):
            return self(key, name=name)
        return self._word("item", column)

    def _word(self, area: str, value: str, without: str | None = None) -> str:
        """A value's name in words where it has one: employee, dip_budget, the set `imported`; else `without`, or itself."""
        key = f"{area}.{value}"
        return self(key) if value and self.has(key) else value if without is None else without
