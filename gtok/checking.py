"""What is wrong with a BED file that is to be a universe: every problem, not the first."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from gtok._bed import BedParser
from gtok.bed import Source, explain, feed_file
from gtok.files import display_name
from gtok.regions import RegionSet
from gtok.universe import repeated_rows


@dataclass(frozen=True)
class Report:
    """What `check_universe` found."""

    problems: list[
        tuple[int, str]
    ]  # line, what is wrong; what stops the file from being a universe
    warnings: list[tuple[int, str]]  # what does not
    regions: RegionSet  # the rows that can be read
    is_sorted: bool  # by start and end within each chromosome, chromosomes together
    n_overlapping: int  # rows that overlap the row before them, in genome order


def check_universe(path: str | os.PathLike[str]) -> Report:
    """Look for everything that is wrong with a universe's file.

    Problems are lines that are no BED and regions that stand twice; warnings are regions of no
    length, and chromosomes named in two styles.

    Raises
    ------
    BedError
        If the file is of another format altogether, or its gzip stream is damaged.
    """
    parser = BedParser()
    problems = [
        (line, explain(content, is_first=line == 1)) for line, content in feed_file(parser, path)
    ]
    source = Source(display_name(path), parser.skipped())
    names = [name.decode(errors="replace") for name in parser.chrom_names()]
    codes, starts, ends = parser.columns()
    regions = RegionSet.from_codes(codes, names, starts, ends)
    for first, again in repeated_rows(regions).tolist():
        problems.append(
            (source.line(again), f"{regions[again]} stands already on line {source.line(first)}")
        )
    if len(regions) == 0:
        problems.append((1, "a universe needs at least one region, found none"))
    warnings = [
        (source.line(row), f"{regions[row]} is of no length: only what reaches over it overlaps it")
        for row in np.flatnonzero(starts == ends).tolist()
    ]
    warnings += _mixed_styles(regions, source)
    order = regions.genome_order()
    at = np.arange(len(regions)) if order is None else order
    # An end may reach over many rows behind it: compare with the furthest end so far, told apart
    # by chromosome.
    key = codes[at].astype(np.int64) << 32
    reach = np.maximum.accumulate(key | ends[at])
    overlapping = (key | starts[at])[1:] < reach[:-1]
    return Report(
        sorted(problems), sorted(warnings), regions, order is None, int(overlapping.sum())
    )


def _mixed_styles(regions: RegionSet, source: Source) -> list[tuple[int, str]]:
    """Warn where names with and without "chr" are mixed, of chromosomes that have both."""
    names = set(regions.chrom_names)
    found = []
    for code, name in enumerate(regions.chrom_names):
        if name.startswith("chr") and name[3:] in names:
            row = int(np.argmax(regions.codes == code))
            found.append((source.line(row), f"both {name!r} and {name[3:]!r} are chromosomes here"))
    return found
