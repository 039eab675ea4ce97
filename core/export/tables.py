"""A clearing and a worksheet as plain files: json, csv, and a generic xlsx.

Numbers are plain decimals, codes are text, and no clock stands in a file: the same inputs give the same bytes.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

from core.faults import WorldFault
from core.money import plain
from core.rules.sheet import Clearing, FundSheet


def clearing_json(clearing: Clearing) -> str:
    """The run as one object; see `interfaces.md` 4. Every number is a plain decimal in a string; keys are sorted."""
    stamps = _strings(asdict(clearing.stamps))
    document = {
        "pack": clearing.stamps.pack,
        "year": str(clearing.year),
        "set": clearing.stamps.set_name,
        "synthetic": clearing.stamps.synthetic,
        "stamps": stamps,
        "funds": {
            sheet.fund: {
                "region": {step: plain(value) for step, value in sheet.region.items()},
                "institutions": [
                    {"fixmedins_code": institution.code}
                    | {step: plain(values[i]) for step, values in sheet.values.items()}
                    for i, institution in enumerate(sheet.institutions)
                ],
            }
            for sheet in clearing.funds
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _strings(value: object) -> object:
    """Numbers as decimal strings, however deep; true and false stay."""
    if isinstance(value, Mapping):
        return {str(key): _strings(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strings(inner) for inner in value]
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return plain(value)
    return value
