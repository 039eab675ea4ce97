"""What the benchmarks share: a job in a process of its own, and the memory that it took at most."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from typing import Any


def peak() -> float:
    """MB that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alone(file: str, *arguments: object, times: int = 1) -> dict[str, Any]:
    """What `file --one ARGUMENTS` prints as JSON on its last line; figures are medians over so many processes."""
    command = [sys.executable, file, "--one", *map(str, arguments)]
    runs = [
        json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
        for _ in range(times)
    ]
    return {
        name: statistics.median(run[name] for run in runs) if isinstance(value, int | float) else value
        for name, value in runs[0].items()
    }


def child() -> list[str]:
    """The arguments after `--one`, where this process is one that `alone` started."""
    return sys.argv[2:] if sys.argv[1:2] == ["--one"] else []
