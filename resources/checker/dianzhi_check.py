#!/usr/bin/env python3
"""Checks an evidence bundle of a DIP clearing without the product that made it.

    python3 dianzhi_check.py BUNDLE.zip [NUMBER ...] [--lang zh|en]        Python 3.8 or newer, nothing else

NUMBER: as printed on paper, the run's hash, that of the ledger's confirming or last line or the seal, 16 of its digits or more.

What is checked, in this order: the seal over every byte; that the archive holds what its manifest lists, to the hash; the
chain of the ledger, that the run stands in it and that the imported files are those of its lines; the hashes that the run names (rule, coefficient set, inputs, result, and
the run's own over every exact figure); the arithmetic: every cell of the sheet computed again from its inputs by the
rule's own formulas, in exact fractions; and the workbook, whose cells must show what was computed. An institution's single
cases are held by the run's hash and added up again. Differences come first, each with its place (职工医保!K17 is a workbook's cell).
Exit status: 0 nothing differs, 1 something does, 2 this is no bundle.

A second implementation on purpose: it shares no line with the product, so an error in one of them shows as a difference.

To be read in this order: `Check` (seal, files, ledger) and `Run` (hashes, a fund's cells) at the end say what is done; `formula`,
`Rule` and `Sheet` compute; `pages_of` and `Workbook` read sheet.xlsx. In the JSON files nothing is free: what no hash on paper
holds hangs on another that one does, or on the ledger's last line and the seal (what came after the confirming line; a draft's
ledger and data.json). By the seal alone are held the READMEs, this file's copy in the bundle, and of the workbook the seal alone holds: formats, texts beside
codes, names, headings and capitals, formulas (their stored values are compared, and that institutions have the same ones), and on
an institution's own sheet the sums over all below the signatures.
"""

import ast
import hashlib
import io
import json
import locale
import re
import sys
import zipfile
from collections import Counter
from fractions import Fraction
from math import floor
from xml.etree import ElementTree

WORDS = {
    "usage": ("用法：python3 dianzhi_check.py 证据包.zip [纸上的哈希 …] [--lang zh|en]",
              "usage: python3 dianzhi_check.py BUNDLE.zip [NUMBER ON PAPER ...] [--lang zh|en]"),
    "unreadable": ("读不了 {0}：{1}", "cannot read {0}: {1}"),
    "no_bundle": ("{0} 不是点值证据包：{1}", "{0} is no evidence bundle of Dianzhi: {1}"),
    "differs": ("不符：{0}", "DIFFERS: {0}"),
    "seal_missing": ("封签缺失或格式不对", "the seal is missing or malformed"),
    "seal": ("封签与文件内容不符：封签写 {0}…，内容为 {1}…", "the seal does not fit the bytes: it says {0}…, they are {1}…"),
    "archive": ("压缩包结构损坏：{0}", "the archive is damaged: {0}"),
    "file_extra": ("文件 {0} 不在清单中", "the file {0} is not in the manifest"),
    "file_missing": ("清单中的文件 {0} 不在包内", "the file {0} of the manifest is not in the archive"),
    "file_hash": ("文件 {0} 与清单的 SHA-256 不符", "the file {0} is not what the manifest says"),
    "part": ("文件 {0} 的内容读不懂：{1}", "the content of {0} cannot be read: {1}"),
    "line_gap": ("台账第 {0} 行之前缺行", "the ledger lacks a line before line {0}"),
    "line_chain": ("台账第 {0} 行与上一行不衔接", "line {0} of the ledger does not follow the one before"),
    "line_hash": ("台账第 {0} 行的内容与其哈希不符", "line {0} of the ledger is not what its hash says"),
    "line_form": ("台账第 {0} 行不完整，或有多余的内容", "line {0} of the ledger is not whole, or holds more than a line does"),
    "line_end": ("单机构证据包的台账没有止于清算记录或确认行", "the ledger of one institution's bundle does not end with the run's or the confirming line"),
    "paper": ("纸上的 {0} 不是本包的清算哈希、台账确认行、台账末行或封签", "{0} on paper is neither a run of this bundle, nor its confirming line, nor the end of its ledger, nor its seal"),
    "file_line": ("导入文件 {0} 与台账所记不符", "the imported file {0} is not what the ledger says"),
    "head": ("台账末行与清单所记不符", "the ledger does not end where the manifest says"),
    "run_line": ("台账中没有 {0} 的清算记录", "the ledger has no line of the run {0}"),
    "confirmed": ("{0} 年度的确认状态与台账不符", "whether {0} is confirmed is not as the ledger says"),
    "hash_rule": ("{0}：规则与其哈希不符", "{0}: the rule is not what its hash says"),
    "rule_text": ("{0}：规则包原文的“{1}”与据以计算的规则不同", "{0}: “{1}” in the text of the pack is not the rule that was computed by"),
    "hash_set": ("{0}：系数集与其哈希不符", "{0}: the coefficient set is not what its hash says"),
    "hash_data": ("{0}：各步输入与数据哈希不符", "{0}: the inputs are not what the data hash says"),
    "hash_result": ("{0}：清算表与结果哈希不符", "{0}: the sheet is not what the result hash says"),
    "hash_run": ("{0}：重算出的全部数字与清算哈希不符", "{0}: what was computed again is not what the run's hash says"),
    "stamp": ("{0}：清算表的戳记“{1}”与清算记录不同", "{0}: the sheet's stamp “{1}” is not that of the run"),
    "coefficient": ("{0}：机构 {1} 的系数为 {2}，由系数集算得 {3}", "{0}: the coefficient of {1} is {2}, from the set it is {3}"),
    "budget": ("{0}：{1} 为 {2}，由预算各行相加得 {3}", "{0}: {1} is {2}, the budget lines add up to {3}"),
    "row": ("{0}：机构 {1} 的名称、级别、系数构成、病例或数字与清算哈希不符", "{0}: name, level, coefficient parts, cases or figures of {1} are not what the run's hash says"),
    "keys": ("{0}：多出或缺少 {1}", "{0}: too many or missing: {1}"),
    "shape": ("{0}：清算表的行或列与输入、规则不一致（{1}）", "{0}: rows or columns of the sheet are not those of inputs and rule ({1})"),
    "cell": ("{0} {1}：清算表为 {2}，按规则重算为 {3}", "{0} {1}: the sheet says {2}, computed by the rule it is {3}"),
    "fault": ("{0} {1}：按规则算不出（{2}）", "{0} {1}: the rule cannot be computed ({2})"),
    "cases": ("{0} {1}：清算表为 {2}，逐例相加为 {3}", "{0} {1}: the sheet says {2}, the cases add up to {3}"),
    "book": ("{0} sheet.xlsx：{1} 显示 {2}，应为 {3}", "{0} sheet.xlsx: {1} shows {2}, it should be {3}"),
    "book_more": ("{0} sheet.xlsx：{1} 多出数字 {2}", "{0} sheet.xlsx: {1} holds a number too many, {2}"),
    "book_formula": ("{0} sheet.xlsx：{1} 的公式与同列其他机构不同", "{0} sheet.xlsx: {1} has another formula than the other institutions"),
    "region": ("全市", "region"),
    "employee": ("职工", "employee"),
    "resident": ("居民", "resident"),
    "ok_seal": ("封签相符：{0}", "seal holds: {0}"),
    "ok_files": ("{0} 个文件与清单相符", "{0} files are what the manifest says"),
    "ok_ledger": ("台账 {0} 行首尾相连，末行 {1}（其中 {2} 行只给出哈希，它们不影响上述状态）", "{0} lines of the ledger hold together, the last is {1} ({2} are given by hash only, which do not touch that state)"),
    "ok_run": ("清算 {0}（{1}）：哈希相符，重算 {2} 格一致", "run {0} ({1}): hashes hold, {2} cells computed again agree"),
    "ok_book": ("{0} sheet.xlsx：{1} 格与重算一致", "{0} sheet.xlsx: {1} cells show what was computed"),
    "ok_paper": ("与纸上所印相符：{0}", "as printed on paper: {0}"),
    "ok_data": ("{0} 个导入文件的摘要和行数与台账相符", "digests and rows of {0} imported files are what the ledger says"),
    "ok_cases": ("{0} 例逐例与清算哈希相符，相加一致", "{0} cases are each what the run's hash says, and add up"),
    "given": ("单机构证据包：全市合计不能重算，但由清算哈希锁定", "one institution's bundle: sums over the region cannot be computed again, the run's hash holds them"),
    "two": ("注意：{0} 只有两家机构，由全市数字可推算出另一家", "mind: {0} has two institutions only, the figures of the region give the other's away"),
    "state_confirmed": ("{0} 年度清算由 {1} 于 {2} 确认（台账第 {3} 行）；本包台账止于第 {4} 行，此后是否重新开启不在本包之内",
                        "the clearing of {0} was confirmed by {1} at {2} (line {3} of the ledger); the ledger in here ends with line {4}, a reopening after it is not in this bundle"),
    "other_run": ("注意：清算 {0} 不是 {1} 年度所确认的清算", "mind: run {0} is not the one confirmed for {1}"),
    "state_draft": ("本包没有 {0} 年度清算的确认，按草稿看待", "this bundle holds no confirmation of the clearing of {0}: take it for a draft"),
    "passed": ("校验通过。", "Nothing differs."),
    "ask_paper": ("请与纸质确认表核对：清算 {0}；台账确认行 {1}", "Hold against the sheet on paper: run {0}; confirming line {1}"),
    "failed": ("校验不通过：{0} 处不符。", "This bundle does not hold: {0} differences."),
    "more": ("另有 {0} 处未列出", "{0} more are not listed"),
}
SEAL = re.compile(rb"DIANZHI-SEAL-1 sha256=([0-9a-f]{64})")
DECIMAL = re.compile(r"-?\d+(\.\d+)?")
NUMBER = re.compile(r"[-+]?(\d+/\d+|\d+(\.\d*)?|\.\d+)")
END = b"PK\x05\x06"
LISTED = 40  # differences that are written out


class Unfit(Exception):
    """A formula that cannot be read, or values that do not fit it."""


# --- the language of the rules: read by Python's own reader, computed in exact fractions ------------------------------

SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Eq: "==", ast.NotEq: "!=", ast.Not: "not", ast.USub: "neg", ast.And: "and", ast.Or: "or",
}  # fmt: skip
NAME = re.compile(r"\b(?!(?:if|else|and|or|not)\b)(?=[A-Za-z_])", re.ASCII)


def formula(text):
    """A tree: [operator or function, parts ...], a number or a name. The grammar is a part of Python's expressions; a name gets
    an underline in front for the reader, so that none is a word of Python's."""
    text = NAME.sub("_", " ".join(str(text).split()))
    if len(text) > 20000:
        raise Unfit("%s..." % text[:20])
    return tree_of(ast.parse(text, mode="eval").body, text)


def tree_of(node, text):
    def tree(head, *parts):
        return [head, *(tree_of(part, text) for part in parts)]

    if isinstance(node, ast.Name):
        return node.id[1:]
    if isinstance(node, ast.IfExp):
        return tree("if", node.test, node.body, node.orelse)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return tree(node.func.id[1:], *node.args)
    if isinstance(node, ast.BoolOp):
        return tree(SIGNS[type(node.op)], *node.values)
    if isinstance(node, ast.UnaryOp):
        return tree(SIGNS[type(node.op)], node.operand)
    if isinstance(node, ast.BinOp):
        return tree(SIGNS[type(node.op)], node.left, node.right)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return tree(SIGNS[type(node.ops[0])], node.left, node.comparators[0])
    written = ast.get_source_segment(text, node) or ""
    if not re.fullmatch(r"\d+(\.\d+)?|\.\d+", written):
        raise Unfit(written[:20])
    return Fraction(written)


def half_up(value, places):
    """Half away from zero."""
    scale = Fraction(10) ** places
    size = floor(abs(value) * scale + Fraction(1, 2)) / scale
    return -size if value < 0 else size


def shared(total, weights, places):
    """`total` in parts as the weights are, largest remainder first, an even remainder to the earlier one."""
    unit = Fraction(10) ** places
    whole = half_up(total, places) * unit
    if whole == 0:
        return [Fraction(0)] * len(weights)
    if sum(weights) <= 0 or min(weights) < 0:
        raise Unfit("share")
    exact = [abs(whole) * weight / sum(weights) for weight in weights]
    parts = [floor(one) for one in exact]
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[: int(abs(whole) - sum(parts))]:
        parts[i] += 1
    return [Fraction(-part if whole < 0 else part) / unit for part in parts]


def uses_all(tree):
    """Whether a formula looks at every institution."""
    return isinstance(tree, list) and (tree[0] in ("sum", "share") or any(uses_all(part) for part in tree[1:]))


class Rule:
    """The resolved rule as the run had it: parameters, tables, steps in the order of the sheet."""

    def __init__(self, told, changed):
        self.values, self.tables, self.steps, self.told = {}, {}, [], {}
        for one in told.get("parameter", []):
            options = one.get("options") or ()
            for option in options:
                self.values[option] = option
            text = str(changed.get(one["id"], one.get("default", "")))
            self.values[one["id"]] = Fraction(text) if NUMBER.fullmatch(text) and not options else text
        for one in told.get("table", []):
            self.tables[one["id"]] = one
        for scope, one in told.get("steps", []):
            if one.get("when") and not self.compute(formula(one["when"]), self.values.__getitem__, None, None, 0):
                continue
            places = changed.get(one["id"] + ".places", one.get("places")) if not one.get("input") else None
            tree = None if one.get("input") else formula(one["formula"])
            self.told[scope, one["id"]] = one
            self.steps.append((scope, one["id"], tree, None if places in (None, "none") else int(places)))

    def compute(self, tree, name, column, share, places):
        """The value of a tree. name(id), column(id) and share(total, id, places) give what it asks for."""
        if isinstance(tree, Fraction):
            return tree
        if isinstance(tree, str):
            return name(tree)
        head, parts = tree[0], tree[1:]

        def value(part):
            return self.compute(part, name, column, share, places)

        if head == "if":
            return value(parts[1] if value(parts[0]) else parts[2])
        if head in ("and", "or"):
            return (all if head == "and" else any)(value(part) for part in parts)
        if head == "sum":
            return sum(column(parts[0]), Fraction(0))
        if head == "tiers":
            return value(self.tier(self.tables[parts[1]], value(parts[0])))
        if head == "share":
            return share(parts[0], parts[1], places)
        if head == "round":
            return half_up(value(parts[0]), int(value(parts[1])))
        found = [value(part) for part in parts]
        if head == "/":
            if found[1] == 0:
                raise Unfit("x / 0")
            return found[0] / found[1]
        actions = {
            "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
            "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
            "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "not": lambda a: not a, "neg": lambda a: -a,
            "abs": abs, "min": min, "max": max, "floor": lambda a: Fraction(floor(a)), "ceil": lambda a: Fraction(-floor(-a)),
        }  # fmt: skip
        if head not in actions:
            raise Unfit(head)
        return actions[head](*found)

    def tier(self, table, x):
        """The formula of the first row with from <= x < to, or <= to where its upper edge is closed."""
        rows = table.get("row") or []
        for row in rows:
            start, end = row.get("from"), row.get("to")
            closed = row.get("closed", table.get("closed", False))
            if start not in (None, "") and x < Fraction(str(start)):
                continue
            if end in (None, "") or x < Fraction(str(end)) or (closed and x == Fraction(str(end))):
                return formula(row["value"])
        if rows or "otherwise" not in table:
            raise Unfit("%s(%s)" % (table["id"], x))
        return formula(table["otherwise"])


class Sheet:
    """One fund computed from its facts. A step is computed when somebody asks for it, so no order has to be known.

    alone: in the bundle of one institution sums over all cannot be computed again: they are taken as given.
    """

    def __init__(self, rule, facts, alone):
        self.rule, self.given = rule, None
        if alone:
            own, region = facts["given"]["institution"], facts["given"]["region"]
            self.given = {"region": {id: Fraction(text) for id, text in region.items()}}
            self.given["institution"] = {id: [Fraction(text)] for id, text in own.items()}
        self.codes = [one["code"] for one in facts["institutions"]]
        self.names = [one["name"] for one in facts["institutions"]]
        self.facts = {"region": {}, "institution": {}}
        for name, text in facts["region"].items():
            self.facts["region"][name] = Fraction(text)
        for given_by in ("facts", "scores"):
            for name, texts in facts[given_by].items():
                self.facts["institution"][name] = [Fraction(text) for text in texts]
        self.steps = {(scope, id): (tree, places) for scope, id, tree, places in rule.steps}
        self.known, self.open = {}, set()

    def figure(self, scope, id):
        """A figure of the region, or the column of an institutions' step."""
        key = (scope, id)
        if key not in self.known:
            if key in self.open:
                raise Unfit("%s: circle" % id)
            self.open.add(key)
            tree, places = self.steps[key]
            if tree is None:
                self.known[key] = self.facts[scope][id]
            elif self.given is not None and uses_all(tree):
                self.known[key] = self.given[scope][id]
            elif scope == "region":
                self.known[key] = self.rounded(self.rule.compute(tree, self.plain, self.column, None, places), places)
            else:
                self.shares = {}
                self.known[key] = [self.rounded(self.own(tree, places, i), places) for i in range(len(self.codes))]
            self.open.discard(key)
        return self.known[key]

    @staticmethod
    def rounded(value, places):
        return value if places is None else half_up(value, places)

    def plain(self, id):
        """A name in a formula of the region."""
        return self.figure("region", id) if ("region", id) in self.steps else self.rule.values[id]

    def column(self, id):
        return self.figure("institution", id)

    def own(self, tree, places, i):
        """A formula of the institution number i."""
        def name(id):
            return self.figure("institution", id)[i] if ("institution", id) in self.steps else self.plain(id)

        def share(total, id, places):
            amount = self.rule.compute(total, self.plain, self.column, None, places)
            return shared(amount, self.column(id), places)[i]

        return self.rule.compute(tree, name, self.column, share, places)


def shows(text, value):
    """Whether a sheet's figure is this value: exactly, or to twelve decimals where it has no end."""
    if not isinstance(text, str) or not DECIMAL.fullmatch(text):
        return False
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return Fraction(text) == (value if rest == 1 else half_up(value, 12))


def briefly(value):
    """A value in a sentence."""
    text = "%.6f" % float(value)
    return text.rstrip("0").rstrip(".") if half_up(value, 6) == value else "%s (%s)" % (text, value)


# --- the workbook: stored values as a person sees them, no formula is computed ------------------------------------------

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
LARGEST = 64_000_000  # bytes of a part
AT = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
STORED = re.compile(r"-?\d+(\.\d+)?(E[+-]?\d\d?)?", re.ASCII | re.IGNORECASE)
SUMMED = ("yuan", "points", "cases")  # units that are added up over institutions; points not over funds


class Page:
    """A worksheet: cells K17 -> text or number, formulas; `held`: cells that were compared."""

    def __init__(self, name, sheet, strings):
        self.name, self.cells, self.formulas, self.held = name, {}, {}, set()
        for one in sheet.iter(MAIN + "c"):
            at, text = one.get("r", ""), one.findtext(MAIN + "v")
            if at in self.cells or not AT.fullmatch(at):
                raise Unfit("%s!%s" % (name, at))
            if one.get("t") == "s":
                text = strings[int(text)]
            elif one.get("t", "n") == "n" and text is not None:
                if not STORED.fullmatch(text):
                    raise Unfit("%s!%s" % (name, at))
                text = Fraction(text)
            self.cells[at] = text
            if one.find(MAIN + "f") is not None:
                self.formulas[at] = one.findtext(MAIN + "f")


def pages_of(data):
    """The worksheets in their order. Refused: parts or cells twice, hidden sheets, entities, what is too large."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    if len(set(archive.namelist())) != len(archive.namelist()):
        raise Unfit("a part twice")

    def xml(name):
        with archive.open(name) as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST or b"<!" in content or not content.startswith(b'<?xml version="1.0" encoding="UTF-8"'):
            raise Unfit(name)
        return ElementTree.fromstring(content)

    def targets(name, kind):
        return {one.get("Id"): one.get("Target") for one in xml(name) if one.get("Type", "").endswith("/" + kind)}

    shown = list(targets("_rels/.rels", "officeDocument").values())
    if shown != ["xl/workbook.xml"] or list(targets("xl/_rels/workbook.xml.rels", "sharedStrings").values()) != ["sharedStrings.xml"]:
        raise Unfit("_rels")
    strings = ["".join(one.itertext()) for one in xml("xl/sharedStrings.xml").iter(MAIN + "si")]
    found, parts = [], targets("xl/_rels/workbook.xml.rels", "worksheet")
    for one in xml("xl/workbook.xml").iter(MAIN + "sheet"):
        if one.get("state"):
            raise Unfit("%s: %s" % (one.get("name"), one.get("state")))
        found.append(Page(one.get("name"), xml("xl/" + parts[one.get(LINK)]), strings))
    return found


def letters(column):
    """0 -> A, 26 -> AA."""
    return (letters(column // 26 - 1) if column > 25 else "") + chr(65 + column % 26)


def capitals(fen):
    """An amount in Chinese capitals, below a trillion yuan."""
    said = "".join("零壹贰叁肆伍陆柒捌玖"[int(digit)] + unit for digit, unit in zip("%014d" % abs(fen), "仟佰拾亿仟佰拾万仟佰拾元角分"))
    for old, new in (
        ("零[仟佰拾]", "零"), ("零+", "零"), ("零(?=[亿万元])", ""), ("亿万", "亿零"), ("零+", "零"), ("零(?=元)", ""),
        ("零角零分|零分", "整"), ("零角", "零"), ("^[亿万元零]+", ""),
    ):  # fmt: skip
        said = re.sub(old, new, said)
    return ("负" if fen < 0 else "") + (said if said != "整" else "零元整")


class Workbook:
    """Holds sheet.xlsx against what was computed. figures: {fund: Sheet}, differs(key, place, ...)."""

    def __init__(self, pages, rule, figures, differs):
        self.pages, self.rule, self.figures, self.differs, self.count = pages, rule, figures, differs, 0
        self.ids = {scope: [id for of, id, _, _ in rule.steps if of == scope] for scope in ("region", "institution")}

    def number(self, page, at, value):
        """A cell must show this number, to the fifteen digits that a workbook stores."""
        found = page.cells.get(at)
        page.held.add(at)
        self.count += 1
        if not isinstance(found, Fraction) or abs(found - value) * 10**15 > abs(value):
            said = briefly(found) if isinstance(found, Fraction) else repr(found)
            self.differs("book", "%s!%s" % (page.name, at), said, briefly(value))

    def label(self, page, at, *wanted):
        """A cell must begin with one of these words: it says what the numbers beside or below it are."""
        if not str(page.cells.get(at, "")).lower().startswith(tuple(word.lower() for word in wanted)):
            self.differs("book", "%s!%s" % (page.name, at), repr(page.cells.get(at)), wanted[0])

    def nothing_more(self, page, allowed=lambda column, row: False):
        for at, found in page.cells.items():
            column, row = AT.fullmatch(at).groups()
            if isinstance(found, Fraction) and at not in page.held and not allowed(column, int(row)):
                self.differs("book_more", "%s!%s" % (page.name, at), briefly(found))

    def titles(self, scope, id):
        return list(self.rule.told[scope, id]["title"].values())

    def sums(self, fund):
        """The steps that are added up, with their sums over the institutions."""
        added = [id for id in self.ids["institution"] if self.rule.told["institution", id].get("unit") in SUMMED]
        return [(id, sum(self.figures[fund].column(id), Fraction(0))) for id in added]

    def whole(self, budget_lines, hashes):
        """Summary, a sheet for each fund, inputs; then rule, findings, and the stamps, which name the hashes."""
        if len(self.pages) != len(self.figures) + 5:
            raise Unfit("worksheets")
        summary, inputs = self.pages[0], self.pages[len(self.figures) + 1]
        for place, (fund, sheet) in enumerate(self.figures.items()):
            self.of_fund(self.pages[1 + place], fund, sheet)
            column, sums = letters(2 + place), self.sums(fund)
            self.label(summary, column + "4", *WORDS[fund])
            for row, id in enumerate(self.ids["region"], 5):
                self.label(summary, "A%d" % row, *self.titles("region", id))
                self.number(summary, "%s%d" % (column, row), sheet.figure("region", id))
            below = 5 + len(self.ids["region"]) + 2
            for row, (id, total) in enumerate(sums, below):
                self.label(summary, "A%d" % row, *self.titles("institution", id))
                self.number(summary, "%s%d" % (column, row), total)
            self.number(summary, "%s%d" % (column, below + len(sums) + 1), Fraction(len(sheet.codes)))
        self.nothing_more(summary)
        lines = iter(budget_lines)
        rows = [AT.fullmatch(at).groups() for at, found in inputs.cells.items() if isinstance(found, Fraction)]
        for row in sorted(int(row) for column, row in rows if column == "C"):
            named = self.rule.values.get(inputs.cells.get("A%d" % row))
            self.number(inputs, "C%d" % row, named if isinstance(named, Fraction) else next(lines, Fraction(0)))
        self.nothing_more(inputs)
        if next(lines, None) is not None or not set(hashes) <= set(self.pages[-1].cells.values()):
            raise Unfit("%s, %s" % (inputs.name, self.pages[-1].name))

    def of_fund(self, page, fund, sheet):
        """Ids of the steps in row 4, institutions from row 6, their sums, and five rows below the steps of the region."""
        if not page.name.lower().startswith(WORDS[fund]):
            raise Unfit(page.name)
        first, below = 6, 6 + len(sheet.codes)
        for row, code in enumerate(sheet.codes, first):
            self.label(page, "A%d" % row, code)
            self.label(page, "B%d" % row, sheet.names[row - first])
        for place, id in enumerate(self.ids["institution"], 4):
            column = letters(place)
            self.label(page, column + "3", *self.titles("institution", id))
            self.label(page, column + "4", id)
            alike = []
            for row, value in enumerate(sheet.column(id), first):
                at = "%s%d" % (column, row)
                self.number(page, at, value)
                alike.append(re.sub(r"(?<=[A-Z])%d(?!\d)" % row, "#", page.formulas.get(at, "")))
            if sheet.steps["institution", id][0] is not None:
                usual = Counter(alike).most_common(1)[0][0]
                for row in (row for row, one in enumerate(alike, first) if one != usual):
                    self.differs("book_formula", "%s!%s%d" % (page.name, column, row))
        for id, total in self.sums(fund):
            self.number(page, "%s%d" % (letters(4 + self.ids["institution"].index(id)), below), total)
        for row, id in enumerate(self.ids["region"], below + 4):
            self.label(page, "A%d" % row, id)
            self.label(page, "B%d" % row, *self.titles("region", id))
            self.number(page, "D%d" % row, sheet.figure("region", id))
        # Beside the steps: how a share is split by largest remainder, four columns each.
        shares = json.dumps([tree for _, _, tree, _ in self.rule.steps], default=str).count('["share"')
        aside = [letters(4 + len(self.ids["institution"]) + 1 + n) for n in range(4 * shares)]
        self.nothing_more(page, lambda column, row: column in aside and first <= row < below)

    def of_one(self):
        """An institution's confirmation sheet: region, its steps, the result with its capitals; below them sums over all."""
        (page,) = self.pages
        funds, row = list(self.figures), 10
        self.label(page, "C4", self.figures[funds[0]].names[0])
        self.label(page, "C5", self.figures[funds[0]].codes[0])
        for scope in ("region", "institution"):
            for place, fund in enumerate(funds):
                self.label(page, "%s%d" % (letters(2 + place), row - 1), *WORDS[fund])
            for number, id in enumerate(self.ids[scope], 1):
                self.label(page, "B%d" % row, *self.titles(scope, id))
                self.number(page, "A%d" % row, Fraction(number))
                self.line(page, row, [self.of(scope, id, fund) for fund in funds], self.rule.told[scope, id].get("unit"))
                row += 1
            row += 3
        last = next((id for id in ("final", "due") if id in self.ids["institution"]), self.ids["institution"][-1])
        amounts = [(WORDS[fund], self.of("institution", last, fund)) for fund in funds]
        if len(funds) > 1:
            amounts.append((("合计", "total"), sum(amount for _, amount in amounts)))
        for words, amount in amounts:
            self.label(page, "A%d" % row, *words)
            self.number(page, "D%d" % row, amount)
            fen, written = amount * 100, str(page.cells.get("E%d" % row, ""))
            if fen.denominator == 1 and abs(fen) < 10**14 and not written.endswith(capitals(int(fen))):
                self.differs("book", "%s!E%d" % (page.name, row), written, capitals(int(fen)))
            row += 1
        self.nothing_more(page, lambda column, at: at > row + 12)

    def of(self, scope, id, fund):
        found = self.figures[fund].figure(scope, id)
        return found if scope == "region" else found[0]

    def line(self, page, row, values, unit):
        for place, value in enumerate(values):
            self.number(page, "%s%d" % (letters(2 + place), row), value)
        if len(values) > 1 and unit in ("yuan", "cases"):
            self.number(page, "%s%d" % (letters(2 + len(values)), row), sum(values))


# --- the bundle --------------------------------------------------------------------------------------------------------


def sha256(data):
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode("utf-8")).hexdigest()


def strict(data):
    """What a file of the bundle says; a key said twice could be read in two ways."""

    def once(pairs):
        told = dict(pairs)
        if len(told) != len(pairs):
            raise Unfit("double key")
        return told

    return json.loads(data.decode("utf-8"), object_pairs_hook=once)


def dense(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def plain(value):
    return json.dumps(value, ensure_ascii=False)


class Told(Exception):
    """Nothing further can be compared; what differs has been said."""


LINE = ("id", "at", "who", "action", "subject", "changes", "why", "answers", "previous")
MANIFEST = ("format", "year", "institution", "region", "workspace", "synthetic", "runs", "confirmed", "ledger_head", "files")
ASIDE = ("README_zh.txt", "README_en.txt", "dianzhi_check.py")  # to be read and used; the seal alone holds them
OF_RUN = ("run.json", "pack.toml", "rule.json", "set.json", "inputs.json", "sheet.json", "sheet.xlsx")
RECORD = (
    "year", "at", "who", "pack", "pack_hash", "set_name", "set_hash", "catalogue", "grouping", "data_hash", "hash", "funds",
    "synthetic", "parameters", "region", "references", "counts",
)  # fmt: skip
FUND = ("region", "institutions", "facts", "scores", "given", "budget_lines")
FACTS = 7  # columns of a case that say what it is; the others say what the rule made of it


class Check:
    """Goes through a bundle; `wrong` collects differences, `right` what was found to hold."""

    def __init__(self, data, paper=()):
        self.data, self.wrong, self.right, self.files = data, [], [], {}
        self.paper, self.numbers, self.line, self.head = paper, [], "", ""

    def differs(self, key, *values):
        self.wrong.append((key, values))

    def holds(self, key, *values):
        self.right.append((key, values))

    def guarded(self, name, work, *values):
        """Forged content may have any shape: what cannot be read differs."""
        try:
            work(*values)
        except Told:
            pass
        except Exception as error:
            self.differs("part", name, "%s %s" % (type(error).__name__, error))

    def part(self, name):
        return strict(self.files[name])

    def keys(self, name, told, wanted):
        """What a part of the bundle says beside what it is to say could be anything."""
        if set(told) != set(wanted):
            self.differs("keys", name, " ".join(sorted(map(str, set(told) ^ set(wanted)))))

    def run(self):
        self.seal()
        self.guarded("manifest.json", self.all_of_it)
        for number in self.paper:
            if len(number) < 16 or not any(one.startswith(number.lower()) for one in [*self.numbers, self.line, self.head]):
                self.differs("paper", number)
            else:
                self.holds("ok_paper", number)

    def all_of_it(self):
        self.archive()
        self.manifest = self.part("manifest.json")
        self.year, self.code, folders = self.manifest["year"], self.manifest["institution"], self.manifest["runs"]
        self.keys("manifest.json", self.manifest, MANIFEST)
        if self.manifest["format"] != 2 or folders != ["run%d" % number for number in range(1, len(folders) + 1)]:
            raise Unfit("format")
        self.listed(self.manifest["files"], folders)
        before = len(self.wrong)
        self.guarded("ledger.json", self.ledger)
        if not self.code and len(self.wrong) == before:
            self.guarded("data.json", self.came)
        for folder in folders or [""]:
            self.guarded(folder, lambda folder: Run(self, folder).check(), folder)

    def seal(self):
        at = self.data.rfind(END)
        found = SEAL.fullmatch(self.data[at + 22 :]) if at >= 0 else None
        if found is None:
            self.differs("seal_missing")
            return
        own, said = sha256(self.data[: at + 22]), found.group(1).decode()
        if own != said:
            self.differs("seal", said[:16], own[:16])
        else:
            self.numbers.append(said)
            self.holds("ok_seal", said)

    def archive(self):
        try:
            with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
                for entry in archive.infolist():
                    if entry.filename in self.files or entry.compress_type != zipfile.ZIP_STORED:
                        raise zipfile.BadZipFile(entry.filename)
                    self.files[entry.filename] = archive.read(entry)
        except Exception as error:  # a damaged archive fails in many ways
            self.differs("archive", error)
            raise Told from error

    def listed(self, told, folders):
        before = len(self.wrong)
        wanted = {"ledger.json", *ASIDE, *(() if self.code else ("data.json",))}
        wanted.update("%s/%s" % (folder, name) for folder in folders for name in (*OF_RUN, *(("cases.json",) if self.code else ())))
        self.keys("manifest.json", told, wanted)
        for name in sorted(set(self.files) - set(told) - {"manifest.json"}):
            self.differs("file_extra", name)
        for name in sorted(told):
            if name not in self.files:
                self.differs("file_missing", name)
            elif sha256(self.files[name]) != told[name]["sha256"] or len(self.files[name]) != told[name]["bytes"]:
                self.differs("file_hash", name)
            self.keys("manifest.json", told[name], ("sha256", "bytes"))
        if len(self.wrong) == before:
            self.holds("ok_files", len(told))

    def ledger(self):
        """The chain from the first line to the last. Every line is whole; in one institution's bundle lines may be there by hash
        alone, but not the last: that is the run's or, of what is confirmed, the confirming one, so that no reopening hides."""
        before, lines, hidden = len(self.wrong), self.part("ledger.json"), 0
        self.lines, self.confirmed = [], None
        expected = 1
        for line in lines:
            if str(line["id"]) != str(expected):
                self.differs("line_gap", line["id"])
            if line["previous"] != self.head:
                self.differs("line_chain", line["id"])
            self.head, expected = line["hash"], line["id"] + 1
            if self.code and set(line) == {"id", "previous", "hash"}:
                hidden += 1
                continue
            told = {name: line[name] for name in line if name != "hash"}
            if line["action"] == "confirm":  # its words are in the hash by their own, so that a bundle can go without them
                told["why"] = told.pop("why_sha256") if self.code else sha256(told["why"])
            if set(told) != set(LINE):
                self.differs("line_form", line["id"])
            elif sha256(dense(told)) != line["hash"]:
                self.differs("line_hash", line["id"])
            else:
                self.lines.append(line)
        if self.head != self.manifest["ledger_head"]:
            self.differs("head")
        for line, change in self.changes("confirm", "reopen"):
            if change["table"] == "confirmed_year" and change["key"]["year"] == self.year:
                self.confirmed = change["after"] and {**change["after"], "line": line["id"]}
                self.line = line["hash"] if self.confirmed else ""
        if self.lines[0]["action"] != "new" or self.lines[0]["subject"] != self.manifest["workspace"]:
            self.differs("stamp", "manifest.json", "workspace")
        if self.manifest["confirmed"] != self.line:
            self.differs("confirmed", self.year)
        if self.code and (self.lines[-1]["hash"] != self.head or (self.line and self.line != self.head)):
            self.differs("line_end")
        if len(self.wrong) > before:
            return
        if self.confirmed:
            self.holds("state_confirmed", self.year, self.confirmed["who"], self.confirmed["at"], self.confirmed["line"], len(lines))
        else:
            self.holds("state_draft", self.year)
        self.holds("ok_ledger", len(lines), self.head, hidden)

    def changes(self, *actions):
        """Of the ledger's lines of these actions: (line, change)."""
        return [(line, change) for line in self.lines if line["action"] in actions for change in json.loads(line["changes"])]

    def came(self):
        """The files that were in force when the runs were made are those of the ledger's lines, by all that these say."""
        before, subjects = len(self.wrong), {subject(self.part(folder + "/run.json")) for folder in self.manifest["runs"]}
        came, used = {}, {}
        for line in self.lines:
            for change in json.loads(line["changes"]):
                if change["table"] == "batch":
                    came.pop(change["key"]["id"], None)
                    if not change["after"]["withdrawn"]:
                        came[change["key"]["id"]] = change["key"]
            if line["action"] == "run" and line["subject"] in subjects:
                used.update(came)
        told = self.part("data.json")
        if [dense(one) for one in told] != [dense(used[number]) for number in sorted(used)]:
            for one in [one for one in told if one not in used.values()] or [{}]:
                self.differs("file_line", one.get("file", ""))
        if len(self.wrong) == before:
            self.holds("ok_data", len(told))


def subject(record):
    """What the ledger calls a run."""
    return "%s %s #%s" % (record["year"], record["pack"], record["hash"][:16])


class Run:
    """A clearing of the bundle: its record, the inputs it was given, the rule, the sheet that it says."""

    def __init__(self, check, folder):
        self.of, self.folder, self.code = check, folder, check.code
        self.differs, self.holds = check.differs, check.holds
        self.record, self.inputs, self.sheet, self.set = (
            check.part("%s/%s.json" % (folder, name)) for name in ("run", "inputs", "sheet", "set")
        )
        self.name = "#" + self.record["hash"][:16]
        self.rule = Rule(json.loads(self.text("rule.json")), self.record["parameters"])
        self.cells, self.figures = 0, {}

    def text(self, name):
        return self.of.files["%s/%s" % (self.folder, name)].decode("utf-8")

    def check(self):
        record, before = self.record, len(self.of.wrong)
        self.of.numbers.append(record["hash"])
        self.of.keys(self.folder + "/run.json", record, [*RECORD, *(() if self.code else ("cases", "cases_hash", "result_hash"))])
        self.under = self.cases() if self.code else record["cases"]
        self.in_the_ledger()
        self.hashes()
        self.stamps()
        self.rule_text()
        shown = [fund for fund, rows in record["funds"].items() if isinstance(rows, list)]
        self.of.keys(self.folder + "/inputs.json", self.inputs, ["funds"])
        self.of.keys(self.folder + "/run.json", self.under, shown)
        complete = bool(shown) if self.code else len(shown) == len(record["funds"]) > 0
        if not complete or record["year"] != self.of.year or not set(self.inputs["funds"]) == set(self.sheet["funds"]) == set(shown):
            self.differs("shape", self.name, "funds")
            return
        funds = [self.fund(fund) if fund in shown else rows for fund, rows in record["funds"].items()]
        stamps = self.sheet["stamps"]
        said = [
            *(record[name] for name in ("year", "region", "synthetic", "pack", "pack_hash")), sha256(self.text("pack.toml")),
            record["set_name"], record["set_hash"], stamps["set_state"], record["catalogue"], record["grouping"], record["data_hash"],
            *(sorted(record[name].items()) for name in ("parameters", "references", "counts")),
            json.dumps(stamps["tags"], sort_keys=True), funds,
        ]  # fmt: skip
        if sha256(plain(said)) != record["hash"]:
            self.differs("hash_run", self.name)
        self.of.guarded(self.folder + "/sheet.xlsx", self.book)
        if self.code:
            self.holds("given")
        if len(self.of.wrong) == before:
            self.holds("ok_run", record["hash"], record["pack"], self.cells)

    def in_the_ledger(self):
        record = self.record
        said = [(line["at"], line["who"]) for line in self.of.lines if line["action"] == "run" and line["subject"] == subject(record)]
        if (record["at"], record["who"]) not in said:
            self.differs("run_line", subject(record))
        if self.of.confirmed and record["hash"] not in json.loads(self.of.confirmed["runs"]):
            self.holds("other_run", self.name, self.of.year)

    def hashes(self):
        """Of rule, set, inputs and result; of one institution's parts of the last three there is none by themselves, the run's
        own holds them."""
        record = self.record
        said = [("hash_rule", record["pack_hash"], self.text("rule.json"))]
        if not self.code:
            small = {
                fund: {
                    "region": own["region"],
                    "institutions": [[one["code"], one["level"]] for one in own["institutions"]],
                    "inputs": {name: texts for name, texts in own["facts"].items() if name != "coefficient"},
                }
                for fund, own in self.inputs["funds"].items()
            }
            data = [record["cases_hash"], record["region"], small, record["counts"]]
            said += [
                ("hash_set", record["set_hash"], plain(sorted(self.set))),
                ("hash_data", record["data_hash"], json.dumps(data, sort_keys=True, ensure_ascii=False)),
                ("hash_result", record["result_hash"], self.text("sheet.json")),
            ]
        for key, wanted, own in said:
            if sha256(own) != wanted:
                self.differs(key, self.name)

    def stamps(self):
        """What the sheet and the manifest say of the run is what the run says."""
        record, manifest = self.record, self.of.manifest
        names = ("pack", "pack_hash", "set_name", "set_hash", "data_hash", "catalogue", "grouping", "parameters", "region", "synthetic")
        wanted = {name: record[name] for name in names}
        wanted.update({name: {key: str(n) for key, n in record[name].items()} for name in ("references", "counts")})
        wanted.update(run_hash=record["hash"], workspace=manifest["workspace"])
        top = {"year": str(record["year"]), "pack": record["pack"], "set": record["set_name"], "synthetic": record["synthetic"]}
        for said, own, aside in ((self.sheet["stamps"], wanted, {"set_state", "tags"}), (self.sheet, top, {"stamps", "funds"})):
            for name in sorted(set(said) - aside | set(own)):
                if name not in own or said.get(name) != own[name]:
                    self.differs("stamp", self.name, name)
        for name in ("region", "synthetic"):
            if manifest[name] != record[name]:
                self.differs("stamp", "manifest.json", name)

    def rule_text(self):
        """Where this Python reads TOML (3.11): the text of pack and parents says the same formulas as the rule."""
        try:
            import tomllib
        except ImportError:
            return

        def told(steps, rest):
            """What counts of steps, tables and parameters: {(kind, id): texts}, numbers as numbers."""
            rows = [(scope, one, [one.get(name) for name in ("formula", "input", "places", "when")]) for scope, one in steps]
            for one in rest.get("table", []):
                cells = [x for row in one.get("row", []) for name in sorted(row) for x in (name, row[name])]
                rows.append(("table", one, [one.get("otherwise"), one.get("closed"), *cells]))
            rows += [("parameter", one, [one.get("default")]) for one in rest.get("parameter", [])]
            texts = {(kind, one["id"]): [" ".join(str(x).split()) for x in said if x not in (None, "")] for kind, one, said in rows}
            return {key: [Fraction(x) if NUMBER.fullmatch(x) else x for x in said] for key, said in texts.items()}

        merged = {}
        for body in re.split(r"^#=== .*$", self.text("pack.toml"), flags=re.MULTILINE)[1:]:
            toml = tomllib.loads(body, parse_float=str)
            merged.update(told([(scope, one) for scope in ("region", "institution") for one in toml.get(scope, [])], toml))
        rule = json.loads(self.text("rule.json"))
        found = told(rule["steps"], rule)
        for key in sorted(set(merged) | set(found)):
            if merged.get(key) != found.get(key):
                self.differs("rule_text", self.name, key[1])

    def fund(self, fund):
        """Compute a fund and compare its sheet cell by cell; returns its part of the run's hash."""
        place, listed = "%s {%s}" % (self.name, fund), self.record["funds"][fund]
        facts, told = self.inputs["funds"][fund], self.sheet["funds"][fund]
        rows, codes = told["institutions"], [one["code"] for one in facts["institutions"]]
        wanted = {scope: {id for of, id, _, _ in self.rule.steps if of == scope} for scope in ("region", "institution")}
        if [row.pop("fixmedins_code") for row in rows] != codes:
            self.differs("shape", place, "fixmedins_code")
            raise Told
        if set(told["region"]) != wanted["region"] or any(set(row) != wanted["institution"] for row in rows):
            self.differs("shape", place, "steps")
            raise Told
        inputs = {(scope, id) for scope, id, tree, _ in self.rule.steps if tree is None} | {("institution", "coefficient")}
        own = {**facts["facts"], **facts["scores"]}
        for told_of, keys in (
            (facts, FUND), (told, ("region", "institutions")), (self.under[fund], codes),
            ([("region", id) for id in facts["region"]] + [("institution", id) for id in own], inputs),
        ):  # fmt: skip
            self.of.keys(place, told_of, keys)
        for one in facts["institutions"]:
            self.of.keys(place, one, ("code", "name", "level"))
        if any(len(column) != len(codes) for column in own.values()):
            self.differs("shape", place, "institutions")
        self.coefficients(place, fund, facts)
        if not self.code:
            self.budget(place, facts)
        sheet = self.figures[fund] = Sheet(self.rule, facts, bool(self.code))
        own = {code: [] for code in ["region", *codes]}  # exact, as the hashes have them
        for scope, id, _, _ in self.rule.steps:
            try:
                found = sheet.figure(scope, id)
            except (Unfit, KeyError, ZeroDivisionError) as fault:
                self.differs("fault", place, id, fault)
                raise Told from fault
            cells = [("region", told["region"], found)] if scope == "region" else list(zip(codes, rows, found))
            for code, row, value in cells:
                self.cells += 1
                own[code].append([id, str(value)])
                if not shows(row[id], value):
                    self.differs("cell", place, "%s %s" % ("{region}" if scope == "region" else code, id), row[id], briefly(value))
        given = {"region": {}, "institution": {}}
        if self.code:
            given = {"region": dict(own["region"]), "institution": dict(own[self.code])}
            if len(listed) == 2:
                self.holds("two", "{%s}" % fund)
        if facts["given"] != given:
            self.differs("shape", place, "given")
        hashes = [self.row(fund, one, own[one["code"]]) for one in facts["institutions"]]
        for place_of, code in enumerate(codes):
            if (hashes[0] not in listed) if self.code else listed[place_of] != hashes[place_of]:
                self.differs("row", place, code)
        if (self.code and codes != [self.code]) or (not self.code and len(listed) != len(codes)):
            self.differs("shape", place, "institutions")
        return sha256(plain([fund, own["region"], facts["budget_lines"], listed if self.code else hashes]))

    def row(self, fund, one, values):
        """The hash of an institution's row, with all that lies under it."""
        code = one["code"]
        parts = [part[1:] for part in self.set if part[0] == code]
        return sha256(plain([code, one["name"], one["level"], parts, *self.under[fund][code], values]))

    def coefficients(self, place, fund, facts):
        """An institution's coefficient is the sum of its parts in the set, a fund's own before those of all funds."""
        last = self.record["year"] * 10000 + 1231
        for one, said in zip(facts["institutions"], facts["facts"]["coefficient"]):
            valid = {}
            for code, of, name, day, value in self.set:
                holds = code == one["code"] and of in (fund, "all") and day <= last
                if holds and (name not in valid or (of != "all", day) > valid[name][0]):
                    valid[name] = ((of != "all", day), Fraction(value))
            k = sum((-v if name.startswith("deduction") else v for name, (_, v) in valid.items()), Fraction(0))
            if Fraction(said) != (k if "base" in valid else 0):
                self.differs("coefficient", place, one["code"], said, briefly(k))

    def budget(self, place, facts):
        """The budget is the sum of its lines."""
        items = Counter()
        for item, amount, _, _ in facts["budget_lines"]:
            items[item] += amount
        for name, text in facts["region"].items():
            amount = Fraction(items["dip_budget"] + items["dip_topup"] if name == "budget" else items[name], 100)
            if (name == "budget" or name in items) and amount != Fraction(text):
                self.differs("budget", place, name, briefly(Fraction(text)), briefly(amount))

    def book(self):
        """The workbook shows what was computed."""
        before = len(self.of.wrong)
        pages = pages_of(self.of.files[self.folder + "/sheet.xlsx"])
        book = Workbook(pages, self.rule, self.figures, lambda key, *values: self.differs(key, self.name, *values))
        if self.code:
            book.of_one()
        else:
            lines = [Fraction(line[1], 100) for fund in self.figures for line in self.inputs["funds"][fund]["budget_lines"]]
            book.whole(lines, [self.record[name] for name in ("pack_hash", "set_hash", "data_hash", "hash")])
        if len(self.of.wrong) == before:
            self.holds("ok_book", self.name, book.count)

    def cases(self):
        """An institution's cases: added up they are what the sheet has of them; returns their hashes by fund and institution."""
        told, before = self.of.part(self.folder + "/cases.json"), len(self.of.wrong)
        given = {id for scope, id, tree, _ in self.rule.steps if scope == "institution" and tree is None}
        if set(told) != {"columns", "places", "funds"} or set(told["funds"]) != set(self.sheet["funds"]):
            self.differs("shape", self.name, "cases.json")
            raise Told
        if any(part[0] != self.code for part in self.set):
            self.differs("shape", self.name, "set.json")
        found = {}
        for fund, rows in told["funds"].items():
            (row,), place = self.sheet["funds"][fund]["institutions"], "%s {%s}" % (self.name, fund)
            sums = {"cases": Fraction(len(rows))} if "cases" in given else {}
            for at, name in enumerate(told["columns"]):
                if name in given:
                    sums[name] = sum((Fraction(one[at]) for one in rows), Fraction(0))
            for name, total in sums.items():
                if not shows(row[name], total):
                    self.differs("cases", place, name, row[name], briefly(total))
            if len({one[0] for one in rows}) != len(rows):
                self.differs("cases", place, "setl_id", len(rows), len({one[0] for one in rows}))
            columns = list(zip(told["columns"], told["places"], zip(*rows)))
            if rows and any(len(one) != len(told["columns"]) or len(one) != len(told["places"]) for one in rows):
                self.differs("shape", self.name, "cases.json")
            found[fund] = {self.code: [of_columns(columns[:FACTS]), of_columns(columns[FACTS:])] if rows else ["", ""]}
        if len(self.of.wrong) == before:
            self.holds("ok_cases", sum(map(len, told["funds"].values())))
        return found


def of_columns(columns):
    """The hash of some rows, column by column (id, decimals or None for texts, values): names, decimals and texts as JSON, then
    each number as a whole one over its power of ten, in eight bytes, the lowest first."""
    head = [[name for name, _, _ in columns], [places for _, places, _ in columns]]
    head.append([list(values) for _, places, values in columns if places is None])
    numbers = [Fraction(one) * 10**places for _, places, values in columns if places is not None for one in values]
    if any(one.denominator != 1 for one in numbers):
        raise Unfit("cases")
    return sha256(plain(head).encode("utf-8") + b"".join(int(one).to_bytes(8, "little", signed=True) for one in numbers))


def language(arguments):
    if "--lang" in arguments[:-1]:
        at = arguments.index("--lang")
        arguments.pop(at)
        return arguments.pop(at)
    return "zh" if (locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"


def main(arguments):
    lang = language(arguments)

    def say(key, *values):
        text = WORDS[key][0 if lang == "zh" else 1].format(*values)
        for word in ("region", "employee", "resident"):
            text = text.replace("{%s}" % word, WORDS[word][0 if lang == "zh" else 1])
        return text

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if not arguments or any(one.startswith("-") for one in arguments):
        print(say("usage"), file=sys.stderr)
        return 2
    try:
        with open(arguments[0], "rb") as file:
            data = file.read()
    except OSError as error:
        print(say("unreadable", arguments[0], error), file=sys.stderr)
        return 2
    if not data.startswith(b"PK"):
        print(say("no_bundle", arguments[0], "zip?"), file=sys.stderr)
        return 2
    check = Check(data, arguments[1:])
    check.run()
    for key, values in check.wrong[:LISTED]:
        print(say("differs", say(key, *values)))
    if len(check.wrong) > LISTED:
        print(say("more", len(check.wrong) - LISTED))
    for key, values in check.right:
        print("  " + say(key, *values))
    print(say("failed", len(check.wrong)) if check.wrong else say("passed"))
    if not check.wrong and not check.paper:
        print(say("ask_paper", " ".join(check.numbers[1:]), check.line or "—"))
    return 1 if check.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
