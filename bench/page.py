"""What was measured, as tables and as docs/benchmarks.md."""

from __future__ import annotations

import datetime
import os
import platform
import re
import shutil
import statistics
import subprocess
import textwrap
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import native
import rivals
from curves import Curve, draw, told
from measure import LEFT_OUT, Row, Scale

import gtok

PACKAGES = [*(kind.package for kind in rivals.PEERS), "snapatac2", "polars", "pyarrow", "numpy"]


@dataclass
class Section:
    """A heading, what it is about, and the rows or curves."""

    title: str
    text: str
    rows: list[Row]
    curves: list[Curve]


def number(value: float, unit: str) -> str:
    """Seconds in milliseconds; as many digits as mean something."""
    value *= 1e3 if unit == "ms" else 1
    digits = 0 if abs(value) >= 20 else 1 if abs(value) >= 1 else 2
    return f"{value:,.{digits}f} {unit}"


def times(ratio: float) -> str:
    return f"{ratio:.{2 if ratio < 2 else 1}f}x"


def bound(row: Row) -> str:
    if row.bound is None:
        return ""
    kept = f"{row.bound:g}x" if row.theirs else number(row.bound, row.unit)
    return f"at most {kept}" if row.at_most else kept


def table_of(rows: list[Row]) -> list[str]:
    lines = [
        "| work | against | gtok | rival | ratio (least to most) | bound |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        ours = number(statistics.median(row.ours), row.unit)
        theirs, ratio = "", ""
        if row.theirs:
            theirs = number(statistics.median(row.theirs), row.unit)
            spread = f"{times(min(row.ratios))} to {times(max(row.ratios))}"
            ratio = f"**{times(row.ratio)}** ({spread})"
        lines.append(f"| {row.work} | {row.rival} | {ours} | {theirs} | {ratio} | {bound(row)} |")
    return lines


def shortfalls(sections: list[Section]) -> list[str]:
    """The rows that do not keep their bound."""
    lines = []
    for row in (row for section in sections for row in section.rows if row.short):
        found = times(row.ratio) if row.theirs else number(row.ratio, row.unit)
        rival = f", against {row.rival}" if row.rival else ""
        lines.append(f"- {row.work}{rival}: {found}, not {bound(row)}.")
    return lines


def told_of(section: Section) -> list[str]:
    """A section without its pictures."""
    lines = table_of(section.rows) if section.rows else []
    for curve in section.curves:
        lines += [f"{curve.title}, against {curve.x}", *told(curve), ""]
    return lines


def machine() -> str:
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        name = models[0].split(":", 1)[1].strip() if models else name
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, "
        f"CPython {platform.python_version()}"
    )


def versions() -> str:
    """Of gtok and of all that it was measured against."""
    found = [f"gtok {gtok.__version__}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    for command, name in (("bedtools", "bedtools"), ("bedmap", "bedops")):
        if shutil.which(command):
            done = subprocess.run([command, "--version"], capture_output=True, text=True)
            number = re.search(r"v(?:ersion: *)?([0-9][0-9.]+)", done.stdout + done.stderr)
            found.append(f"{name} {number[1]}" if number else name)
    if native.PROGRAM.exists():
        found.append(f"superintervals' C++ {native.VERSION}, compiled by g++ -O3 -march=native")
    return ", ".join(found)


def write(path: Path, sections: list[Section], scale: Scale) -> None:
    """The page, and its pictures in `img` beside it."""
    parts = []
    for section in sections:
        lines = [f"## {section.title}", "", textwrap.fill(section.text, 100), ""]
        if section.rows:
            lines += [*table_of(section.rows), ""]
        for curve in section.curves:
            draw(curve, path.parent / "img")
            title = f"{curve.title}: time and memory against {curve.x}"
            dark, light = (f'"img/{curve.name}-{mode}.png"' for mode in ("dark", "light"))
            lines += [
                "<picture>",
                f'  <source media="(prefers-color-scheme: dark)" srcset={dark}>',
                f'  <img alt="{title}" src={light}>',
                "</picture>",
                "",
                *told(curve),
                "",
            ]
        parts.append("\n".join(lines))
    short = shortfalls(sections) or ["Nothing: every bound is kept."]
    left_out = [f"- {line}" for line in LEFT_OUT] or ["Nothing."]
    path.write_text(
        PAGE.format(
            rounds=scale.rounds,
            date=datetime.date.today().isoformat(),
            machine=machine(),
            versions=versions(),
            short="\n".join(short),
            sections="\n".join(parts),
            left_out="\n".join(left_out),
        )
    )


PAGE = """\
# Benchmarks

Written by `make bench`, not by hand. Every pair first has to give the same answer, hit by hit; only
then the two run in turn, {rounds} times (three where that takes long), and the ratio is the median
of the ratios of each turn, with the least and the most. One thread, unless said. The bound is what
gtok holds itself to: at least so many times as good; or, where it says "at most", gtok's share of
what the rival takes.

Measured on {date}: {machine}.

Versions: {versions}.

## What falls short

{short}

{sections}
## What was left out

{left_out}

## The data

They are made by `bench/data.py` from seeds, over hg38's chromosomes, but for those that are named
as real.

- The universe: 1M distinct regions of 150-350 bp, evenly at random; the queries: as many of 200-600
  bp. At other sizes of the universe both have other widths, so that a query has as many hits.
- Exons: as GENCODE has them, transcripts of a gene sharing exons but for some base pairs; some
  genes have hundreds of transcripts. Their queries, and those of real universes, lie within 500 bp
  of a region; where a region is thousands deep there are fewer of them, for 20M hits in all.
- Nested for the curve: sets of regions within one another, so many deep, of one mean width at any
  depth.
- The real ones are RefSeq's exons (ChromHMM's file), the annotation in bedtk's tests, and the
  universe in the tests of geniml's bedshift, a thousand regions over each place.
- The 5M fragments: 5,000 cells, 100,000 peaks, 40 % of the fragments near a peak, sorted and
  bgzip'd. The heart's are real.
- No row of a universe stands twice and none is without length, since the rivals differ there.
"""
