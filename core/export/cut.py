"""A PDF of many parts cut into one file a part: its font is set and embedded once, each file takes it over as it is.

Reads only what `core.export.document` writes: plain objects, found by the table at the end, every page of one size.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

_REFERENCE = re.compile(rb"\b(\d+) 0 R\b")


def cut(whole: bytes, pages: Sequence[int]) -> Iterator[bytes]:
    """The document's pages in files of so many each, in their order. The same bytes give the same bytes."""
    objects, root, info = _read(whole)
    head = whole[: min(place for place, _ in objects.values())]
    contents = {number: body for number, (_, body) in objects.items()}
    tree = int(_named(rb"/Pages", contents[root]))
    kids = [int(number) for number in _REFERENCE.findall(_listed(rb"/Kids", contents[tree]))]
    if sum(pages) != len(kids):
        raise ValueError(f"{len(kids)} pages in parts of {sum(pages)}")
    first = 0
    for count in pages:
        yield _file(head, contents, root, info, tree, kids[first : first + count])
        first += count


def _read(whole: bytes) -> tuple[dict[int, tuple[int, bytes]], int, int]:
    """Objects by number, each with its place; the numbers of the catalogue and of the document's properties."""
    at = int(whole[whole.rindex(b"startxref") :].split()[1])
    lines = whole[at:].split(b"\n")
    count = int(lines[1].split()[1])
    places = {number: int(lines[2 + number][:10]) for number in range(1, count)}
    ends = dict(zip(sorted(places.values()), [*sorted(places.values())[1:], at], strict=True))
    objects: dict[int, tuple[int, bytes]] = {}
    for number, place in places.items():
        said = whole[place : ends[place]]
        objects[number] = place, said[said.index(b"obj\n") + 4 : said.rindex(b"endobj")]
    trailer = whole[whole.rindex(b"trailer") :]
    return objects, int(_named(rb"/Root", trailer)), int(_named(rb"/Info", trailer))


def _named(name: bytes, said: bytes) -> bytes:
    found = re.search(name + rb" (\d+) 0 R", said)
    assert found is not None, name
    return found[1]


def _listed(name: bytes, said: bytes) -> bytes:
    found = re.search(name + rb" \[([^\]]*)\]", said)
    assert found is not None, name
    return found[1]


def _file(head: bytes, contents: dict[int, bytes], root: int, info: int, tree: int, kids: Sequence[int]) -> bytes:
    """A document of these pages with all that they refer to, numbered anew in the order of its use."""
    own = b"/Kids [" + b"\n".join(b"%d 0 R" % kid for kid in kids) + b"]"
    counted = re.sub(rb"/Count \d+", b"/Count %d" % len(kids), contents[tree])
    replaced = {tree: re.sub(rb"/Kids \[[^\]]*\]", lambda _: own, counted)}
    order = [tree, root, info, *kids]
    numbers = {number: place for place, number in enumerate(order, 1)}
    made: list[bytes] = []
    for number in order:  # grows while it is gone through
        words, stream, data = replaced.get(number, contents[number]).partition(b"stream\n")
        for named in map(int, _REFERENCE.findall(words)):
            if named not in numbers:
                numbers[named] = len(numbers) + 1
                order.append(named)
        made.append(_REFERENCE.sub(lambda found: b"%d 0 R" % numbers[int(found[1])], words) + stream + data)
    out, places = bytearray(head), list[int]()
    for number, body in enumerate(made, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"endobj\n"
    at, mark = len(out), hashlib.sha256(out).hexdigest()[:32].upper().encode()
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(made) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<<\n/Size %d\n/Root %d 0 R\n/Info %d 0 R\n" % (len(made) + 1, numbers[root], numbers[info])
    out += b"/ID [<%s><%s>]\n>>\nstartxref\n%d\n%%%%EOF\n" % (mark, mark, at)
    return bytes(out)
