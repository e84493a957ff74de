"""gtok against what its users would otherwise pick, on the same work, in one run.

    python bench/compare.py [--rounds 5] [--write docs/benchmarks.md]

Every pair first has to give the same answer; then the two run in turn, and the median of the
ratios of each turn is reported.
"""

from __future__ import annotations

import argparse
import datetime
import os
import pickle
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import data
import fragments
import numpy as np
from measure import Row, clock, in_turn, peak, process, same

import gtok

N = 1_000_000


def against_gtars(files: dict[str, Path], rounds: int) -> list[Row]:
    from gtars.tokenizers import Tokenizer

    universe = str(files["universe"])
    ours, theirs = gtok.Tokenizer(universe), Tokenizer(universe)
    rows = []
    for order, target in (("sorted", 15), ("shuffled", 12)):
        path = str(files[order])
        found = ours.encode_batch([path]).ids
        expected = np.array(theirs(path)["input_ids"])
        same(f"{order} file", np.sort(found).tolist(), np.sort(expected).tolist())
        measured = in_turn(
            rounds,
            lambda path=path: clock(lambda: ours.encode_batch([path])),
            lambda path=path: clock(lambda: theirs(path)),
        )
        work = f"{order} file of 1M regions -> ids"
        rows.append(Row(work, "gtars `Tokenizer(...)(path)`", *measured, "ms", target))
    measured = in_turn(
        rounds,
        lambda: clock(lambda: gtok.Tokenizer(universe)),
        lambda: clock(lambda: Tokenizer(universe)),
    )
    rows.append(
        Row("build from a BED of 1M regions", "gtars `Tokenizer(path)`", *measured, "ms", 20)
    )
    measured = in_turn(
        min(rounds, 3),
        lambda: peak("import sys, gtok; t = gtok.Tokenizer(sys.argv[1])", universe),
        lambda: peak(
            "import sys; from gtars.tokenizers import Tokenizer; t = Tokenizer(sys.argv[1])",
            universe,
        ),
    )
    rows.append(Row("peak memory of that, whole process", "gtars", *measured, "MiB", 3))
    return rows


def against_ncls(files: dict[str, Path], rounds: int) -> list[Row]:
    from ncls import NCLS

    universe = gtok.RegionSet.from_bed(files["universe"])
    index = gtok.build_index(universe)
    trees = {}
    for code in range(len(universe.chrom_names)):
        rows = np.flatnonzero(universe.codes == code)
        starts, ends = universe.starts[rows].astype(np.int64), universe.ends[rows].astype(np.int64)
        trees[universe.chrom_names[code]] = NCLS(starts, ends, rows)
    table = []
    for order in ("sorted", "shuffled"):
        queries = gtok.RegionSet.from_bed(files[order])
        parts = []
        for code, name in enumerate(queries.chrom_names):
            rows = np.flatnonzero(queries.codes == code)
            starts, ends = (
                queries.starts[rows].astype(np.int64),
                queries.ends[rows].astype(np.int64),
            )
            parts.append((trees[name], starts, ends, rows))

        def theirs(parts: list = parts) -> list:
            return [
                tree.all_overlaps_both(starts, ends, rows) for tree, starts, ends, rows in parts
            ]

        offsets, ids = index.overlaps(queries)
        pairs = np.column_stack([np.repeat(np.arange(len(queries)), np.diff(offsets)), ids])
        answers = theirs()
        expected = np.column_stack(
            [np.concatenate([a[0] for a in answers]), np.concatenate([a[1] for a in answers])]
        )
        same(
            f"{order} queries",
            pairs[np.lexsort(pairs.T)].tolist(),
            expected[np.lexsort(expected.T)].tolist(),
        )
        measured = in_turn(
            rounds,
            lambda queries=queries: clock(lambda: index.overlaps(queries)),
            lambda theirs=theirs: clock(theirs),
        )
        work = f"`index.overlaps`, 1M {order} queries on 1M regions"
        table.append(Row(work, "ncls `all_overlaps_both`", *measured, "ms", 4))
    return table


def against_bedtools(files: dict[str, Path], rounds: int) -> list[Row]:
    if not shutil.which("bedtools"):
        print("bedtools is not installed: its row is left out", file=sys.stderr)
        return []
    genome = data.WORK / "hg38.genome"
    genome.write_text("".join(f"{name}\t{size}\n" for name, size in data.HG38.items()))
    universe, queries = str(files["universe"]), str(files["sorted"])
    command = Path(sys.executable).with_name("gtok")
    ours = [str(command), "tokenize", "--threads", "1", universe, queries]
    theirs = [
        "bedtools",
        "intersect",
        "-sorted",
        "-g",
        str(genome),
        "-wb",
        "-a",
        queries,
        "-b",
        universe,
    ]

    def regions(command: list[str], fields: slice) -> Counter[tuple[bytes, ...]]:
        lines = subprocess.run(command, capture_output=True, check=True).stdout.splitlines()
        return Counter(tuple(line.split(b"\t")[fields]) for line in lines)

    same("bedtools", regions(ours, slice(0, 3)), regions(theirs, slice(3, 6)))
    measured = in_turn(rounds, lambda: process(ours), lambda: process(theirs))
    return [
        Row(
            "`gtok tokenize`, whole process, sorted 1M x 1M",
            "`bedtools intersect -sorted -wb`",
            *measured,
            "ms",
            2,
        )
    ]


def many_files(files: dict[str, Path], rounds: int) -> tuple[list[float], list[float]]:
    """`gtok matrix` of 1,000 files: its time over that of reading them; memory over the matrix's.

    Returns
    -------
    ratios : list of float
        Seconds of the whole process, writing apart, by those of one that reads and parses the
        same files in as many threads and does nothing else.
    megabytes : list of float
        Peak memory of the process less the size of the matrix.
    """
    import scipy.sparse

    paths = data.samples(1000, 20_000)
    listing = data.WORK / "samples.txt"
    listing.write_text("".join(f"{path}\n" for path in paths))
    output = data.WORK / "matrix.npz"
    command = [
        str(Path(sys.executable).with_name("gtok")),
        "matrix", "--threads", "2", str(files["universe"]), f"@{listing}", "-o", str(output),
    ]  # fmt: skip
    reading = (
        "import sys, gtok; from gtok.index import in_threads; "
        "paths = open(sys.argv[1]).read().split(); "
        "print(sum(map(len, in_threads(gtok.RegionSet.from_bed, paths, 2))))"
    )

    def ours() -> float:
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        took = time.perf_counter() - began
        value, unit = re.search(r"and ([0-9.]+) (s|ms) to write", done.stderr).groups()
        return took - float(value) / (1 if unit == "s" else 1000)

    def theirs() -> float:
        return process([sys.executable, "-c", reading, str(listing)])

    first = ours()
    matrix = scipy.sparse.load_npz(output)
    tokenizer = gtok.Tokenizer(files["universe"])
    for i in (0, len(paths) - 1):
        ids = tokenizer.encode_batch([paths[i]]).ids
        same("matrix", matrix[i].toarray()[0].tolist(), np.bincount(ids, minlength=N).tolist())
    size = sum(part.nbytes for part in (matrix.data, matrix.indices, matrix.indptr)) / 1e6
    print(f"matrix: {matrix.nnz:,} entries, {size:.0f} MB; first run {first:.1f} s")
    code = (
        "import sys; from gtok.cli import _gtok; "
        f"_gtok.main({command[1:]!r}, standalone_mode=False)"
    )
    pairs = in_turn(rounds, ours, theirs)
    ratios = [a / b for a, b in zip(*pairs, strict=True)]
    peaks = [peak(code, "") * 2**20 / 1e6 - size for _ in range(min(rounds, 3))]
    return ratios, peaks


def for_models(files: dict[str, Path], rounds: int) -> tuple[float, float]:
    """1,000 samples of 1,000 regions as a padded matrix, by what the tokens alone take; and the
    seconds until a tokenizer of 1M regions that was pickled answers."""
    tokenizer = gtok.Tokenizer(files["universe"])
    regions = tokenizer.universe.regions
    chance = np.random.default_rng(0)
    samples = [regions[np.sort(chance.choice(N, 1000, replace=False))] for _ in range(1000)]
    padded, plain = in_turn(
        2 * rounds + 1,
        lambda: clock(lambda: tokenizer(samples, padding=True, return_tensors="np")),
        lambda: clock(lambda: tokenizer.encode_batch(samples)),
    )
    ready = [
        clock(lambda: pickle.loads(pickle.dumps(tokenizer)).encode_batch(samples[:1]))
        for _ in range(rounds)
    ]
    ratio = statistics.median(a / b for a, b in zip(padded, plain, strict=True))
    return ratio, statistics.median(ready)


def importing(rounds: int) -> tuple[float, float]:
    """Median seconds that `import gtok` adds to `import numpy`, and the bound it has to keep."""
    ours, theirs = in_turn(
        2 * rounds + 1,
        lambda: process([sys.executable, "-c", "import numpy, gtok"]),
        lambda: process([sys.executable, "-c", "import numpy"]),
    )
    return statistics.median(a - b for a, b in zip(ours, theirs, strict=True)), 0.12


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


def table_of(rows: list[Row]) -> list[str]:
    lines = [
        "| work | against | gtok | rival | ratio | at least |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        scale = 1e3 if row.unit == "ms" else 1
        ours, theirs = (statistics.median(x) * scale for x in (row.ours, row.theirs))
        lines.append(
            f"| {row.work} | {row.rival} | {ours:,.0f} {row.unit} | {theirs:,.0f} {row.unit} "
            f"| **{row.ratio:.{2 if row.ratio < 1 else 1}f}x** | {row.target:g}x |"
        )
    return lines


def report(
    rows: list[Row],
    extra: tuple[float, float],
    many: tuple[list[float], list[float]],
    models: tuple[float, float],
) -> str:
    lines = table_of(rows)
    lines.append(
        f"| `import gtok` over `import numpy` | | {extra[0] * 1e3:.0f} ms | | | "
        f"at most {extra[1] * 1e3:.0f} ms |"
    )
    ratio, memory = map(statistics.median, many)
    lines.append(
        "| `gtok matrix`, 1,000 files of 20k regions on 1M, two threads, writing apart "
        f"| reading and parsing them, two threads | | | **{ratio:.2f}x its time** | at most 3x |"
    )
    lines.append(
        f"| peak memory of that, beyond the matrix | | {memory:,.0f} MB | | | at most 400 MB |"
    )
    lines.append(
        "| 1,000 samples x 1,000 regions on 1M to padded arrays | `encode_batch` alone | | "
        f"| **{models[0]:.2f}x its time** | at most 1.5x |"
    )
    lines.append(
        "| a pickled tokenizer of 1M regions until it answers | "
        f"| {models[1] * 1e3:.0f} ms | | | at most 300 ms |"
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns to take the median of")
    parser.add_argument("--write", type=Path, help="put the table into this file")
    options = parser.parse_args()
    files = {
        "universe": data.bed("universe-1M.bed", lambda: data.universe(N)),
        "sorted": data.bed("queries-1M.bed", lambda: data.queries(N)),
        "shuffled": data.bed("queries-1M-shuffled.bed", lambda: data.shuffled(data.queries(N))),
    }
    rows = against_gtars(files, options.rounds)
    rows += against_ncls(files, options.rounds)
    rows += against_bedtools(files, options.rounds)
    table = report(
        rows,
        importing(options.rounds),
        many_files(files, min(options.rounds, 5)),
        for_models(files, options.rounds),
    )
    print(table)
    of_cells = fragments.rows(options.rounds)
    less, more = fragments.memory_of_more()
    cells = "\n".join(
        [
            *table_of(of_cells),
            f"| peak memory, 50M fragments (the 5M ten times over) | 5M | {more:,.0f} MiB "
            f"| {less:,.0f} MiB | **{more / less:.2f}x its memory** | at most 1.5x |",
        ]
    )
    print(cells)
    rows += of_cells
    for row in rows:
        if row.ratio < row.target:
            print(f"short: {row.work}: {row.ratio:.1f}x, not {row.target:g}x")
    if options.write:
        options.write.write_text(
            PAGE.format(
                table=table,
                cells=cells,
                machine=machine(),
                date=datetime.date.today().isoformat(),
                rounds=options.rounds,
                gtok=gtok.__version__,
                gtars=version("gtars"),
                ncls=version("ncls"),
                numpy=np.__version__,
            )
        )


PAGE = """\
# Benchmarks

Written by `make bench`, not by hand. Every pair gives the same answer, which is checked before
anything is timed; the two then run in turn, {rounds} times, and the ratio is the median of the
ratios of each turn. One thread, unless said. "At least" is what gtok holds itself to.

Measured on {date}: {machine}; gtok {gtok}, gtars {gtars}, ncls {ncls}, numpy {numpy}.

{table}

## Single cells

`gtok.count_fragments`, two cores, the universe ready (snapatac2 reads its peaks each time, gtars
has them ready, too). gtars's ids of each cell are compared with the counts of
`counting="fragment"`, snapatac2's matrix with that of `"paired-insertion"`, entry by entry. A ratio
below 1 is a rival that is ahead, igzip say, which does nothing but inflate: 0.5x is twice its time.

{cells}

The 5M fragments are made, too: 5,000 cells, 100,000 peaks, 40 % of the fragments near a peak,
sorted and bgzip'd. The heart's are real.

## The data

The data are made by `bench/data.py` from a seed: 1M universe regions of 150-350 bp and 1M queries
of 200-600 bp, evenly over hg38's chromosomes; the 1,000 files hold regions within 100 bp of the
universe's. "File -> ids" is
`Tokenizer.encode_batch([path])` against `Tokenizer.__call__(path)` of gtars: reading and parsing
included, the universe ready. ncls gets its queries per chromosome as int64 arrays, which
is how it takes them; splitting them is not timed.
"""


if __name__ == "__main__":
    main()
