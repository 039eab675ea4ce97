"""Rule packs shaken: text, numbers, formulas, structure. What is no pack is refused with its place; what is one clears."""

from __future__ import annotations

import random
import re
from pathlib import Path

from shaking import shaken
from small_region import build, forget

from core.faults import Fault
from core.rules import packs
from core.settings import RESOURCES
from core.settlement.clearing import clear
from core.storage.workspace import Workspace

NUMBERS = [
    "0", "-1", "1e400", "1e-400", "1e999999999", "1e-999999999", "9" * 400, "-" + "9" * 30, "0." + "0" * 300 + "1", "nan", "inf",
    "1_0", "0x7f", "1000000000", "-1000000000", "12", "13", "true", '"7"', "[]", "{}", "[[[[[[[[1]]]]]]]]", "1979-05-27",
    "10000000000000000000000000000000",
]  # fmt: skip
FORMULAS = [
    "1/0", "((((((((((1))))))))))", "(" * 500 + "1" + ")" * 500, "-" * 3000 + "1", "1" + "+1" * 2000, "a.b", "x[0]", "__import__('os')",
    "9**9**9**9", "round(x, 1000000000)", "round(x, -1000000000)", "max()", "sum(sum(cases))", "1 if 1 if 1 else 1 else", "cases / 0",
    "not not not cases", "lambda: 1", "é", "ｓｃｏｒｅ", "point_value", "\u202ecases", "tiers(score_total, x)", "share(1, cases)", "1e400",
    "999999999999999999999999999999 * 999999999999999999999999999999", "1 < 2 < 3", "cases == 'a'", "floor(abs(min(1,2)))",
]  # fmt: skip
WORDS = [
    'extends = "../../../../etc/passwd"', 'extends = "common"', 'extends = "fuzz"', 'id = "common"', "[pack]", "[[step]]",
    '[[step]]\nid = "cases"', 'a = "\\uD800"', "x = {a = {a = {a = {a = 1}}}}", "[a.b.c.d.e.f.g]", 'k = "' + "長" * 4000 + '"',
    'id = "ningde‑2024"', "\u0000", "'''", '"""', "places = 1000000000", "places = -5", 'formula = "cases"',
]  # fmt: skip


class Packs:
    name = "packs"

    def __init__(self, folder: Path) -> None:
        path = folder / "small.dz"
        path.unlink(missing_ok=True)
        build(path, cases=12, cleared=False)
        self._workspace = Workspace.open(path)
        self._texts = {
            path.name: path.read_text("utf-8") for path in sorted((RESOURCES / "packs").glob("*.toml"))
        }
        # Its own text, so that steps are fuzzed and not only what a province says of them.
        self._own = self._texts.pop("common.toml")

    def make(self, dice: random.Random) -> tuple[bytes, str]:
        text = dice.choice([*self._texts.values(), self._own])
        for _ in range(dice.randint(1, 4)):
            text = self._once(text, dice)
        data = text.encode("utf-8", "surrogatepass")
        return (shaken(data, dice, 3) if dice.random() < 0.25 else data), ".toml"

    def _once(self, text: str, dice: random.Random) -> str:
        lines = text.split("\n")
        at = dice.randrange(len(lines))
        match dice.randrange(8):
            case 0:
                found = list(re.finditer(r"(?<==\s)-?\d[\d.]*|\b\d+(\.\d+)?\b", text))
                if found:
                    one = dice.choice(found)
                    return text[: one.start()] + dice.choice(NUMBERS) + text[one.end() :]
            case 1:
                found = list(re.finditer(r'(?<=formula = ")[^"]*', text))
                if found:
                    one = dice.choice(found)
                    return text[: one.start()] + dice.choice(FORMULAS) + text[one.end() :]
            case 2:
                del lines[at : at + dice.randint(1, 6)]
            case 3:
                lines[at:at] = lines[at : at + dice.randint(1, 40)]
            case 4:
                lines.insert(at, dice.choice(WORDS))
            case 5:
                other = dice.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 6:
                words = re.findall(r"[a-z_]{3,}", text)
                return text.replace(dice.choice(words), dice.choice(words), dice.randint(1, 3))
            case _:
                lines[at] = lines[at].replace("=", "= " + dice.choice(NUMBERS) + " #", 1)
        return "\n".join(lines)

    def attempt(self, path: Path) -> str:
        forget()
        try:
            packs.check(path)
            pack = packs.load(path, {"reference_min_cases": "1"})
        except Fault:
            try:
                pack = packs.load(path)
            except Fault:
                return "refused"
        try:
            clearing = clear(self._workspace, 2024, pack, store=False)
        except Fault:
            return "accepted"
        assert {sheet.fund for sheet in clearing.funds} <= {"employee", "resident"}
        return "accepted"
