"""What gtok does, done slowly: plain Python to compare with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Row = tuple[str, int, int]

LARGEST = 2**31 - 1
LONGEST_LINE = 1 << 26
LONGEST_NAME = 65535


class BruteForce:
    """Looks at every region of the chromosome to answer a query."""

    def __init__(self, universe: Iterable[Row]) -> None:
        self.by_chrom: dict[str, list[tuple[int, int, int]]] = {}
        for number, (chrom, start, end) in enumerate(universe):
            self.by_chrom.setdefault(chrom, []).append((start, end, number))
        for regions in self.by_chrom.values():
            regions.sort()

    def hits(self, query: Row) -> list[int]:
        """The ids of the regions that overlap, by (start, end, id)."""
        chrom, start, end = query
        return [
            number
            for its_start, its_end, number in self.by_chrom.get(chrom, [])
            if its_start < end and start < its_end
        ]


def overlaps(universe: Sequence[Row], queries: Sequence[Row]) -> list[list[int]]:
    """For each query the ids of the regions that overlap it, by (start, end, id)."""
    brute_force = BruteForce(universe)
    return [brute_force.hits(query) for query in queries]


# What may be wrong with a line, and what a message about it must say.
MESSAGES = {
    "long": r"longer than \d+ bytes",
    "fields": r"three fields \(chrom, start, end\).*, found [12]\b",
    "empty chrom": r"expected a chromosome, found an empty field",
    "bad chrom": r"expected a chromosome without blanks around it|a NUL byte",
    "long chrom": r"a chromosome of at most 65535 bytes",
    "start": r"expected a whole number from 0 as start",
    "end": r"expected a whole number from 0 as end",
    "large start": r"expected start of at most 2147483647",
    "large end": r"expected end of at most 2147483647",
    "backward": r"expected start <= end, found \d+ > \d+",
    "carriage return": r"carriage return",
    "NUL": r"a NUL byte",
}


class BadLine(Exception):
    """A line that is no BED: its number, from 1, and everything that is wrong with it."""

    def __init__(self, line: int, problems: set[str]) -> None:
        super().__init__(f"line {line}: {', '.join(sorted(problems))}")
        self.line = line
        self.problems = problems

    def is_explained_by(self, message: str) -> bool:
        return any(re.search(MESSAGES[problem], message) for problem in self.problems)


class Bed(NamedTuple):
    """The rows of a BED file, what stands behind their ends, and their lines' numbers."""

    rows: list[tuple[bytes, int, int]]
    rest: list[list[bytes]]
    lines: list[int]

    def column(self, field: int) -> list[bytes] | None:
        """A further column, nothing where a row has none; None where no row has it."""
        if not any(len(rest) > field - 3 for rest in self.rest):
            return None
        return [rest[field - 3] if len(rest) > field - 3 else b"" for rest in self.rest]


def parse_bed(text: bytes, max_line: int = LONGEST_LINE) -> Bed:
    """Read BED line by line, strictly.

    Raises
    ------
    BadLine
        At the first line that is no BED.
    """
    bed = Bed([], [], [])
    lines = text.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    for number, line in enumerate(lines, 1):
        if len(line) > max_line:
            raise BadLine(number, {"long"})
        line = line.rstrip(b" \t\r")
        fields = line.split(b"\t") if b"\t" in line else re.split(b" +", line)
        is_passed_over = (
            line == b"" or line.startswith(b"#") or re.match(rb"(track|browser)([ \t]|$)", line)
        )
        if b"\r" in line:
            problems = {"carriage return", *_problems(fields, line)}
            raise BadLine(number, problems | ({"NUL"} if b"\0" in line else set()))
        if is_passed_over:
            continue
        if problems := _problems(fields, line):
            raise BadLine(number, problems)
        start, end = (int(field.lstrip(b"0") or b"0") for field in fields[1:3])
        bed.rows.append((fields[0], start, end))
        bed.rest.append(fields[3:])
        bed.lines.append(number)
    return bed


def parse_fragments(text: bytes) -> list[tuple[bytes, int, int, bytes, int]]:
    """Read fragments line by line, strictly: a read support of -1 where there is no field of it.

    Raises
    ------
    BadLine
        At the first line that is no fragment.
    """
    bad: BadLine | None = None
    try:
        bed = parse_bed(text)
    except BadLine as error:
        # The lines before it are BED, but may be no fragments.
        bad = error
        bed = parse_bed(b"\n".join(text.split(b"\n")[: error.line - 1]))
    found = []
    for (chrom, start, end), rest, line in zip(bed.rows, bed.rest, bed.lines, strict=True):
        barcode = rest[0] if rest else b""
        support = -1
        if start == end or not barcode or len(barcode) > LONGEST_NAME:
            raise BadLine(line, {"fields"})
        if len(rest) > 1:
            digits = rest[1].lstrip(b"0") or b"0"
            if not re.fullmatch(b"[0-9]+", rest[1]) or len(digits) > 10 or int(digits) > LARGEST:
                raise BadLine(line, {"fields"})
            support = int(digits)
        found.append((chrom, start, end, barcode, support))
    if bad is not None:
        raise bad
    return found


def _problems(fields: list[bytes], line: bytes) -> set[str]:
    problems = set()
    chrom = fields[0]
    if chrom == b"":
        problems.add("empty chrom")
    elif chrom.strip(b" ") != chrom or min(chrom) < 32:
        problems.add("bad chrom")
    if len(chrom) > LONGEST_NAME:
        problems.add("long chrom")
    if len(fields) < 3:
        problems.add("fields")
    values = []
    for what, field in zip(("start", "end"), fields[1:3], strict=False):
        if not re.fullmatch(b"[0-9]+", field):
            problems.add(what)
        elif len(field.lstrip(b"0")) > 10 or int(field.lstrip(b"0") or b"0") > LARGEST:
            problems.add(f"large {what}")
        else:
            values.append(int(field.lstrip(b"0") or b"0"))
    if len(values) == 2 and values[0] > values[1]:
        problems.add("backward")
    if problems and b"\0" in line:
        problems.add("NUL")
    return problems
