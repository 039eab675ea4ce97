"""How much memory is free, as far as the system says it."""

from __future__ import annotations

import sys
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


def free() -> int | None:
    """Bytes that this program may still take before the system is out of them or a limit is met; None where nobody says."""
    found = [size for size in (_of_the_system(), _of_the_group(), _of_the_process()) if size is not None]
    return max(min(found), 0) if found else None


if sys.platform == "win32":
    import ctypes

    class _Status(ctypes.Structure):
        """MEMORYSTATUSEX"""

        _fields_ = (
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            *((name, ctypes.c_uint64) for name in ("total", "free", "total_commit", "free_commit", "all", "own", "extended")),
        )

    def _of_the_system() -> int | None:
        status = _Status(length=ctypes.sizeof(_Status))
        if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return None
        return min(int(status.free), int(status.free_commit))

    def _of_the_group() -> int | None:
        return None

    def _of_the_process() -> int | None:
        return None

else:
    import resource

    def _of_the_system() -> int | None:
        return _named(Path("/proc/meminfo"), "MemAvailable:", 1024)

    def _of_the_group() -> int | None:
        """The narrowest limit of the groups that a container or the session put this process in."""
        found: list[int] = []
        for line in _text(Path("/proc/self/cgroup")).splitlines():
            number, controllers, name = line.split(":", 2)
            newer = number == "0" and not controllers
            if not newer and "memory" not in controllers.split(","):
                continue
            room = _GROUPS if newer else _GROUPS / "memory"
            most, now, spare = (
                ("memory.max", "memory.current", "inactive_file")
                if newer
                else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            )
            group = room / name.strip("/")
            for one in (group, *group.parents):
                limit, used = _text(one / most).strip(), _text(one / now).strip()
                if limit.isdigit() and used.isdigit() and int(limit) < 1 << 60:
                    found.append(int(limit) - int(used) + (_named(one / "memory.stat", spare, 1) or 0))
                if one == room:
                    break
        return min(found, default=None)

    def _of_the_process() -> int | None:
        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        pages = _text(Path("/proc/self/statm")).split()
        if limit == resource.RLIM_INFINITY or not pages:
            return None
        return limit - int(pages[0]) * resource.getpagesize()

    def _named(path: Path, name: str, unit: int) -> int | None:
        """The number behind a name, in a file of one name a line."""
        for line in _text(path).splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == name and words[1].isdigit():
                return int(words[1]) * unit
        return None

    def _text(path: Path) -> str:
        try:
            return path.read_text("ascii", "replace")
        except OSError:
            return ""
