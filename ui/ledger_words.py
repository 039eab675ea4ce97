"""What a line of the ledger is about, and what was done, in words: the ledger itself keeps ids and counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ui.dialogs import action_words

if TYPE_CHECKING:
    from core.storage.ledger import LedgerLine
    from core.texts import Texts

_RUN = re.compile(r"(\d{4}|\d{6}) (\S+) #([0-9a-f]+)")
_BOOKED = re.compile(r"(\d{4}|\d{6}) (\S+)")
_PUBLISHED = re.compile(r"(.+) ([0-9a-f]{16})")
_RESTORED = re.compile(r"(\S+) #([0-9a-f]{64})((?: -\d{4})*)")
_COUNTED = re.compile(r"(.*?)(?: \+(\d+))?")  # `350900202400000446 +3`
# Which of several tables says what the line is about, the first that is there.
_ABOUT = (
    "confirmed_year", "rule_pack", "scenario", "special_case", "assessment", "budget", "payment", "catalogue_version",
    "catalogue", "coefficient_set", "coefficient",
)  # fmt: skip


def done(line: LedgerLine, texts: Texts) -> str:
    """The action; some are called otherwise by what they were done to."""
    key = f"ledger.action_on.{line.action}.{_about(line)}"
    return texts(key) if texts.has(key) else action_words(texts, line.action)


def subject(line: LedgerLine, texts: Texts) -> str:
    """The subject; a file, a workspace and whatever has no form of its own stay as they were written."""
    text, about = line.subject, _about(line)
    if run := _RUN.fullmatch(text):
        return texts("ledger.subject.run", period=period(run[1], texts), pack=run[2], hash=run[3][:8])
    if about == "payment" and (booked := _BOOKED.fullmatch(text)):
        return texts("ledger.subject.payment", period=period(booked[1], texts), pack=booked[2])
    if line.action == "restore" and (put := _RESTORED.fullmatch(text)):
        years = put[3].replace(" -", " ").split()
        key = "restore_lost" if years else "restore"
        return texts(f"ledger.subject.{key}", name=put[1], head=put[2][:8], years=", ".join(years))
    if published := _PUBLISHED.fullmatch(text):
        key = "version" if about == "catalogue_version" else "set"
        return texts(f"ledger.subject.published_{key}", name=_set(published[1], texts), hash=published[2][:8])
    if not about or not texts.has(f"ledger.subject.{about}"):
        return text
    counted = _COUNTED.fullmatch(text)
    what, more = (counted[1], int(counted[2] or 0)) if counted else (text, 0)
    if about == "budget":
        year, _, rest = what.partition(" ")
        fund, _, item = rest.partition(" ")
        said = texts("ledger.subject.budget", year=year, fund=_word("fund", fund, texts), item=_item(item, texts))
    elif about in ("assessment", "coefficient", "catalogue") or (about == "catalogue_version" and ": " in what):
        name, _, code = what.partition(": ")
        said = texts(f"ledger.subject.{about}", name=_set(name, texts), code=code).rstrip(" ：:")
    else:
        said = texts(f"ledger.subject.{about}", name=_set(what, texts))
    return texts("ledger.subject.more", what=said, count=more + 1) if more else said


def period(text: str, texts: Texts) -> str:
    """2024, 202403."""
    if len(text) == 4:
        return texts("ledger.subject.year", year=text)
    return texts("ledger.subject.month", year=text[:4], month=text[4:])


def _about(line: LedgerLine) -> str:
    tables = {change.table for change in line.changes}
    return next((table for table in _ABOUT if table in tables), "")


def _set(name: str, texts: Texts) -> str:
    return texts(f"set.{name}") if texts.has(f"set.{name}") else name


def _word(area: str, name: str, texts: Texts) -> str:
    return texts(f"{area}.{name}") if texts.has(f"{area}.{name}") else name


def _item(item: str, texts: Texts) -> str:
    """A budget item in words; one of several of a kind with its name."""
    kind, colon, name = item.partition(":")
    known = _word("budget.item", kind, texts)
    return texts("budget.item.named", kind=known, name=name) if colon else known
