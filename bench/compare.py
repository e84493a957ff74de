"""gtok against what its users would otherwise pick, on the same work, in one run.

python bench/compare.py                            # everything, told
python bench/compare.py --write docs/benchmarks.md # and written, with pictures
python bench/compare.py --quick                    # smaller, in two minutes
python bench/compare.py --only kernels             # one theme
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import curves
import data
import files
import fragments
import kernels
import page
import processes
from measure import LEFT_OUT, Scale, tell
from page import Section


def of_files(scale: Scale) -> list[Section]:
    text = (
        "`Tokenizer.encode_batch([path])`, the universe ready, reading and parsing included, "
        "against gtars's `Tokenizer` in the same way; AIList in both where it says so. "
        "The readers make columns of a file and nothing more."
    )
    rows = files.against_gtars(scale) + files.against_readers(scale) + files.for_models(scale)
    return [Section("Files to ids", text, rows, [])]


def of_kernels(scale: Scale) -> list[Section]:
    fastest, all_peers = kernels.against_peers(scale)
    text = (
        "Indexes and queries are in memory, each rival's in the form that it takes; bringing them "
        "into it is not timed. superintervals' C++ has one chromosome of 2 Gb, enumerates into "
        "one vector and times itself; queries before the first region are left out there, since "
        "with Eytzinger's layout they hit it."
    )
    rows = fastest + kernels.against_native(scale)
    rows += kernels.at_size(scale) + kernels.of_threads(scale)
    auto = (
        '`method="auto"` against the better of the two methods, the queries timed. Shuffled '
        "queries where nothing is said."
    )
    return [
        Section("Overlaps in memory", text, rows, []),
        Section("Every peer", "The same, none left out.", all_peers, []),
        Section("The choice of a method", auto, kernels.of_auto(scale), []),
    ]


def of_processes(scale: Scale) -> list[Section]:
    text = (
        "From the start of a process to its end. Python's libraries have their files read by gtok, "
        "which is in their favour; gtars reads its own where it says `path`."
    )
    rows = processes.against_commands(scale) + processes.starting(scale)
    rows += processes.many_files(scale) + processes.against_peers(scale)
    return [Section("Whole processes", text, rows, [])]


def of_cells(scale: Scale) -> list[Section]:
    text = (
        "`gtok.count_fragments`, two cores, the universe ready (snapatac2 reads its peaks each "
        "time, gtars has them ready, too). gtars's ids of each cell are compared with the counts "
        'of `counting="fragment"`, snapatac2\'s matrix with that of `"paired-insertion"`, entry '
        "by entry."
    )
    return [Section("Single cells", text, fragments.rows(scale), [])]


def of_curves(scale: Scale) -> list[Section]:
    text = (
        "Time is `overlaps` in memory, per query; memory is a process that reads both files, "
        "builds, and asks."
    )
    return [Section("Curves", text, [], curves.curves(scale))]


THEMES = {
    "files": of_files,
    "kernels": of_kernels,
    "processes": of_processes,
    "cells": of_cells,
    "curves": of_curves,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=THEMES, help="one theme")
    parser.add_argument("--quick", action="store_true", help="smaller, to see that it works")
    parser.add_argument("--write", type=Path, help="write this page, and pictures beside it")
    options = parser.parse_args()
    if options.write and (options.only or options.quick):
        parser.error("a page is written of everything")
    scale = Scale(100_000, 1_000_000, 2, quick=True) if options.quick else Scale()
    data.WORK.mkdir(exist_ok=True)
    began = time.perf_counter()
    sections = []
    for theme in [options.only] if options.only else THEMES:
        if theme == "curves" and scale.quick and not options.only:
            continue  # nothing is drawn
        for section in THEMES[theme](scale):
            print("", section.title, "", *page.told_of(section), sep="\n", flush=True)
            sections.append(section)
        tell(f"{theme}: done after {time.perf_counter() - began:.0f} s")
    if LEFT_OUT:
        print("", *LEFT_OUT, sep="\n")
    if options.quick:
        print("Bounds are for the larger workloads of `make bench`.")
    else:
        print(*page.shortfalls(sections), sep="\n")
    if options.write:
        page.write(options.write, sections, scale)


if __name__ == "__main__":
    main()
