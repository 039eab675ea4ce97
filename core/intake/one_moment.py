"""One day, moment or period as a file writes it: by points or strokes, in Chinese, as a stamp, as Excel's number of a day."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from core.intake.tidy import Read

_TIME = re.compile(
    r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|年(\d{1,2})月(\d{1,2})日?|(\d{2})(\d{2}))"
    r"(?:[ T]*(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?|时(\d{1,2})分?(?:(\d{1,2})秒)?)Z?)?"
)
_STAMP = re.compile(r"(\d{4})(\d{2})(\d{2})[ T]?(\d{2})(\d{2})(\d{2})?")
_SERIAL = re.compile(r"[2-7]\d{4}(\.\d+)?")
_PERIOD = re.compile(r"(\d{4})(?:年度?|\.0)?(?:[-/.]?(\d{1,2})(?:月|\.0)?(?:[-/.](\d{1,2}))?)?")


def _clock(year: int, month: int, day: int, hour: int, minute: int, second: int, with_time: bool) -> Read:
    try:
        when = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return Read(None, "date_unreadable")
    if not 1900 <= year < 2100:
        return Read(None, "date_unreadable")
    form = "%Y-%m-%d %H:%M:%S" if with_time and (hour or minute or second) else "%Y-%m-%d"
    return Read(when.strftime(form))


def moment(text: str, with_time: bool) -> Read:
    if found := _TIME.fullmatch(text):
        year, _, m1, d1, m2, d2, m3, d3, hour, minute, second, hour_minute, hour_second = found.groups()
        return _clock(
            int(year),
            int(m1 or m2 or m3),
            int(d1 or d2 or d3),
            int(hour or 0),
            int(minute or hour_minute or 0),
            int(second or hour_second or 0),
            with_time,
        )
    if found := _STAMP.fullmatch(text):
        return _clock(*(int(part or 0) for part in found.groups()), with_time)  # type: ignore[call-arg]
    if _SERIAL.fullmatch(text):
        # Excel's day 1 is 1900-01-01 and its 1900 has a 29 February.
        whole, _, part = text.partition(".")
        seconds = (int(part) * 86400 * 2 // 10 ** len(part) + 1) // 2 if part else 0
        when = datetime(1899, 12, 30) + timedelta(days=int(whole), seconds=seconds)
        read = _clock(*when.timetuple()[:6], with_time)
        return Read(read.value, read.problem, "" if read.problem else "date_serial")
    if re.fullmatch(r"\d{8}\.0", text):
        return moment(text[:-2], with_time)
    return Read(None, "date_unreadable")


def period(text: str, shape: str) -> Read:
    found = _PERIOD.fullmatch(text.replace(" ", "").split("00:00")[0])
    if not found or not 1990 <= int(found[1]) < 2100:
        return Read(None, "period_unreadable")
    year, month, _ = found.groups()
    if shape == "year":
        return Read(int(year)) if not month else Read(None, "period_unreadable")
    if month is None:
        return Read(None, "period_unreadable") if shape == "month" else Read(year)
    if not 1 <= int(month) <= 12:
        return Read(None, "period_unreadable")
    return Read(f"{year}{int(month):02d}")


def since(text: str) -> Read:
    """A day; a year or a month alone means its first day."""
    read = moment(text, False)
    if not read.problem:
        return read
    whole = period(text, "period")
    if whole.problem or whole.value is None:
        return read
    year, month = str(whole.value)[:4], str(whole.value)[4:] or "01"
    return Read(f"{year}-{month}-01", "", "repaired")
