"""Instructions that gtok's compiled modules take for small workloads: a guard against slipping.

    python bench/instructions.py            # compare with what is kept in bench/instructions.json
    python bench/instructions.py --update   # keep what is found

Clocks on shared machines differ by a third from one minute to the next; callgrind counts the same
instructions each time. Those of Python, NumPy and the C library are not ours, and left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import gtok

KEPT = Path(__file__).with_suffix(".json")
TOLERANCE = 0.03  # of what is kept, more or less


def rows(n: int, seed: int, reach: int, width: int) -> tuple[np.ndarray, ...]:
    """Chromosomes, starts and ends, in no order."""
    chance = np.random.default_rng(seed)
    starts = chance.integers(0, reach, n)
    return np.repeat([0, 1], [n // 2, n - n // 2]), starts, starts + chance.integers(1, width, n)


def regions(n: int, seed: int, width: int = 400) -> gtok.RegionSet:
    """Regions in genome order."""
    codes, starts, ends = rows(n, seed, 10_000_000, width)
    order = np.lexsort((ends, starts, codes))
    codes = codes[order].astype(np.int32)
    return gtok.RegionSet.from_codes(codes, ("chr1", "chr2"), starts[order], ends[order])


def write_bed() -> None:
    regions(20_000, 1).to_bed("a.bed")


def parse() -> None:
    gtok.RegionSet.from_bed("a.bed")


def build() -> None:
    some = regions(20_000, 2)
    gtok.build_index(some, "bits")
    gtok.build_index(some, "ailist")


def overlaps() -> None:
    queries = regions(20_000, 4)[np.random.default_rng(5).permutation(20_000)]
    gtok.build_index(regions(20_000, 3), "bits").overlaps(queries)


def nested() -> None:
    index = gtok.build_index(regions(20_000, 6, width=50_000), "ailist")
    queries = regions(5_000, 7)
    index.overlaps(queries)
    index.count(queries)


def write_fragments() -> None:
    cells = np.random.default_rng(9).integers(0, 500, 50_000)
    with open("f.tsv", "w") as out:
        for code, start, end, cell in zip(*rows(50_000, 8, 10_000_000, 600), cells, strict=True):
            print(f"chr{code + 1}\t{start}\t{end}\tAACCGGTTAACC{cell:04d}-1\t2", file=out)


def fragments() -> None:
    gtok.count_fragments("f.tsv", gtok.Universe(regions(20_000, 10), duplicates="drop"))


# What is run, and what writes its files beforehand, without valgrind.
WORKLOADS: dict[str, tuple[Callable[[], None], Callable[[], None] | None]] = {
    "parse 20,000 rows of BED": (parse, write_bed),
    "build both indexes of 20,000 regions": (build, None),
    "overlaps of 20,000 shuffled queries": (overlaps, None),
    "overlaps and counts of nested regions": (nested, None),
    "50,000 fragments of 500 cells": (fragments, write_fragments),
}


def instructions(work: str) -> int:
    """The instructions of a workload that are gtok's own."""
    run, prepare = WORKLOADS[work]
    here = [sys.executable, os.path.abspath(__file__), "--run"]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder, "profile")
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}"]
        for command in ([] if prepare is None else [[*here, prepare.__name__]]) + [
            [*valgrind, *here, run.__name__]
        ]:
            done = subprocess.run(
                command, check=False, cwd=folder, env=environment, capture_output=True, text=True
            )
            if done.returncode:
                raise SystemExit(f"{work}: {done.stderr}")
        counts = by_object(profile.read_text())
    ours = [n for path, n in counts.items() if re.search(r"/gtok/_\w+\.[^/]*so$", path)]
    if not ours:
        raise SystemExit(f"{work}: no module of gtok's was run: {', '.join(counts)}")
    return sum(ours)


def by_object(profile: str) -> Counter[str]:
    """Instructions of each file of machine code, from what callgrind wrote."""
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    here = ""
    called = False
    for line in profile.splitlines():
        if match := re.match(r"(c?ob)=(\(\d+\))(?: (.*))?$", line):
            kind, number, name = match.groups()
            if name:
                names[number] = name
            if kind == "ob":
                here = names[number]
        elif line.startswith("calls="):
            called = True  # the next line is what the callee took
        elif line[:1] in "0123456789+-*" and line:
            if not called:
                counts[here] += int(line.split()[1])
            called = False
    return counts


def compiler() -> str:
    """What the numbers hold for."""
    version = subprocess.run(
        ["cc", "-dumpfullversion"], check=True, capture_output=True, text=True
    ).stdout.strip()
    return f"{platform.machine()}, cc {version.split('.')[0]}, {platform.python_version_tuple()[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="keep what is found")
    parser.add_argument("--run", help="run a function of this file, for itself")
    options = parser.parse_args()
    if options.run:
        globals()[options.run]()
        return
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = dict(zip(WORKLOADS, threads.map(instructions, WORKLOADS), strict=True))
    if options.update:
        kept = {"for": compiler(), "instructions": found}
        KEPT.write_text(json.dumps(kept, indent=4) + "\n")
    kept = json.loads(KEPT.read_text())
    slipped = False
    for work, n in found.items():
        change = n / kept["instructions"][work] - 1
        wrong = abs(change) > TOLERANCE
        slipped |= wrong
        print(f"{work:45}{n:15,}{change:+8.1%}{'  !' if wrong else ''}")
    if kept["for"] != compiler():
        print(f"kept for {kept['for']}, found {compiler()}: not compared")
    elif slipped:
        raise SystemExit(
            f"more than {TOLERANCE:.0%} from what is kept: find out why, or, where it is meant, "
            f"run `python bench/instructions.py --update`"
        )


if __name__ == "__main__":
    main()
