"""What the commands say of themselves and of what was written wrongly: in the user's language, with what there is."""

from __future__ import annotations

import argparse
import errno
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from core import cli
from core.cli.parsing import parser
from core.faults import WorldFault
from core.texts import LANGUAGES, Texts

HAN = re.compile(r"[\u3400-\u9fff]")
# argparse's own.
ENGLISH = ("usage:", "positional arguments", "options:", "show this help", "invalid choice", "expected", "No such file", "Errno")


def every(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action.choices, Mapping):
            for below in action.choices.values():
                yield from every(below)


def test_every_help_is_in_the_users_language() -> None:
    told = list(every(parser(Texts("zh"))))
    assert len(told) > 35
    for one in told:
        said = one.format_help()
        assert not any(word in said for word in ENGLISH), said
        assert HAN.search(one.description or ""), one.prog
        for action in one._actions:
            assert HAN.search(action.help or "") or isinstance(action.choices, Mapping), (one.prog, action.dest)
    for one in every(parser(Texts("en"))):
        assert not HAN.search(one.format_help()), one.prog


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("year", "w.dz", "x"), "没有命令“x”，可用：confirm、reopen、list"),
        (("clear", "w.dz", "--year", "2024", "--pack", "p", "--fund", "x"), "--fund 没有“x”，可用：employee、resident、all"),
        (("nonsense",), "没有命令“nonsense”，可用：new、"), (("clear",), "缺少参数 WORKSPACE、--year、--pack"),
        (("new", "w.dz", "--region"), "--region 后面缺少取值"), (("demo", "w.dz", "--scale", "x"), "--scale 的取值无法识别"),
        (("pack", "show", "none"), "common、hubei-2023、"), (("score", "{empty}", "--years", "2023", "--method", "quota"), "--param quota="),
        (("catalogue", "{empty}", "diff", "a", "b"), "（暂无）"), (("protect", "{empty}", "--change"), "没有口令，无从更换"),
        (("protect", "none.dz"), "找不到工作区文件"), (("protect", "none.dz", "--remove"), "找不到工作区文件"),
        (("pack", "check", "{tmp}"), "这是一个文件夹，不是文件"), (("pack", "check", "none.toml"), "文件或文件夹不存在"),
    ],
)  # fmt: skip
def test_wrongly_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    empty = tmp_path / "empty.dz"
    assert cli.main(["new", str(empty), "--region", "350900"]) == 0
    assert cli.main([*(word.format(empty=empty, tmp=tmp_path) for word in words), "--lang", "zh"]) in (1, 2, 3)
    heard = capsys.readouterr().err
    assert said in heard and not any(word in heard for word in ENGLISH)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_the_system_says_is_told_in_words(lang: str) -> None:
    texts = Texts(lang)
    for number in (errno.ENOENT, errno.EACCES, errno.EISDIR, errno.ENOSPC, errno.EROFS, errno.EIO, errno.EBUSY, errno.ENAMETOOLONG):
        error = OSError(number, os.strerror(number), "/a/b.csv")
        told = {texts.fault(WorldFault("export_failed", path="x", reason=said)) for said in (error, str(error), error.strerror)}
        assert len(told) == 1
        assert bool(HAN.search(next(iter(told)).partition("x")[2].partition("。")[0])) == (lang == "zh")
    own = "[Errno 99999] something else: 'x'"
    assert own in texts.fault(WorldFault("export_failed", path="x", reason=own)), "what is not known stays as it was said"
