"""Whole processes: their time, and their peak memory."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections import Counter

import data
import numpy as np
import rivals
from data import amount
from measure import (
    Row,
    Scale,
    gtok_command,
    in_turn,
    leave_out,
    peak,
    process,
    python,
    same,
    tell,
)

import gtok


def both(work: str, rival: str, ours: list[str], theirs: list[str], scale: Scale) -> list[Row]:
    """A row for the time, a row for the memory."""
    tell(f"process: {rival}")
    time = in_turn(scale.rounds, lambda: process(ours), lambda: process(theirs))
    memory = in_turn(1, lambda: peak(ours), lambda: peak(theirs))  # it hardly differs
    return [
        Row(work, rival, *time, "ms"),
        Row(f"peak memory: {work}", rival, *memory, "MiB"),
    ]


def regions(command: list[str], fields: slice) -> Counter[tuple[bytes, ...]]:
    """How often each region stands in what a command prints."""
    lines = subprocess.run(command, capture_output=True, check=True).stdout.splitlines()
    return Counter(tuple(line.split(b"\t")[fields]) for line in lines)


def against_commands(scale: Scale) -> list[Row]:
    """`gtok tokenize` against bedtools and bedops, on files that are sorted as these want them."""
    files = data.files(scale.n)
    n = amount(scale.n)
    work = f"`gtok tokenize`, whole process, sorted {n} x {n}"
    rows = []
    if shutil.which("bedtools"):
        genome = data.WORK / "hg38.genome"
        genome.write_text("".join(f"{name}\t{size}\n" for name, size in data.HG38.items()))
        universe, queries = str(files["universe"]), str(files["sorted"])
        ours = [*gtok_command(), "tokenize", "--threads", "1", universe, queries]
        theirs = ["bedtools", "intersect", "-sorted", "-g", str(genome), "-wb"]
        theirs += ["-a", queries, "-b", universe]
        same("bedtools", regions(ours, slice(0, 3)), regions(theirs, slice(3, 6)))
        found = both(work, "`bedtools intersect -sorted -wb`", ours, theirs, scale)
        found[0].bound = 2.5
        rows += found
    else:
        leave_out("bedtools is not installed: its rows are left out")
    if shutil.which("bedmap"):
        universe, queries = (
            str(data.by_name(files[name], f"{name}-{n}-by-name.bed"))
            for name in ("universe", "sorted")
        )
        ours = [*gtok_command(), "tokenize", "--threads", "1", universe, queries]
        theirs = [
            "bedmap",
            "--echo-map",
            "--skip-unmapped",
            "--multidelim",
            "\n",
            queries,
            universe,
        ]
        same("bedops", regions(ours, slice(0, 3)), regions(theirs, slice(0, 3)))
        found = both(work, "`bedmap --echo-map --skip-unmapped` of bedops", ours, theirs, scale)
        found[0].bound = 2
        rows += found
    else:
        leave_out("bedops is not installed: its rows are left out")
    return rows


def against_peers(scale: Scale) -> list[Row]:
    """Python, imports, reading two files, building, finding: all there is. gtok reads for all."""
    files = data.files(scale.n)
    n = amount(scale.n)
    code = "import rivals; rivals.alone(*sys.argv[1:])"
    arguments = files["universe"], files["shuffled"]
    ours = python(code, "gtok", *arguments)
    rows = []
    for kind in rivals.installed():
        theirs = python(code, kind.name, *arguments)
        work = f"overlaps of {n} shuffled regions with {n}, whole process"
        rows += both(work, f"{kind.name} `{kind.calls['overlaps']}`", ours, theirs, scale)
    if rivals.Gtars.installed():
        ours = python(
            "import gtok; gtok.Tokenizer(sys.argv[1]).encode_batch([sys.argv[2]])", *arguments
        )
        theirs = python(
            "from gtars.tokenizers import Tokenizer; Tokenizer(sys.argv[1])(sys.argv[2])",
            *arguments,
        )
        work = f"shuffled file of {n} regions -> ids, whole process"
        rows += both(work, "gtars `Tokenizer(universe)(path)`", ours, theirs, scale)
    return rows


def starting(scale: Scale) -> list[Row]:
    """What `import gtok` adds to `import numpy`, and `gtok --version` to an empty Python."""
    tell("starting")
    pairs = {
        ("`import gtok`, beyond `import numpy`", 0.12): (
            python("import numpy, gtok"),
            python("import numpy"),
        ),
        ("`gtok --version`, beyond `python -c pass`", 0.06): (
            [*gtok_command(), "--version"],
            [sys.executable, "-c", "pass"],
        ),
    }
    rows = []
    for (work, bound), (ours, theirs) in pairs.items():
        measured = in_turn(
            4 * scale.rounds, lambda ours=ours: process(ours), lambda theirs=theirs: process(theirs)
        )
        more = [a - b for a, b in zip(*measured, strict=True)]
        rows.append(Row(work, "", more, [], "ms", bound, at_most=True))
    return rows


def many_files(scale: Scale) -> list[Row]:
    """`gtok matrix` of many files: its time over that of reading them; memory over the matrix's.

    Time is without writing, and against a process that reads and parses the same files in as many
    threads and does nothing else.
    """
    import scipy.sparse

    tell("matrix")
    n_files, n = (50, 2000) if scale.quick else (1000, 20_000)
    universe = data.files(scale.n)["universe"]
    paths = data.samples(n_files, n, universe)
    listing = data.WORK / "samples.txt"
    listing.write_text("".join(f"{path}\n" for path in paths))
    output = data.WORK / "matrix.npz"
    command = [*gtok_command(), "matrix", "--threads", "2", str(universe), f"@{listing}"]
    command += ["-o", str(output)]
    reading = python(
        "import gtok; from gtok.threads import in_threads; "
        "paths = open(sys.argv[1]).read().split(); "
        "print(sum(map(len, in_threads(gtok.RegionSet.from_bed, paths, 2))))",
        listing,
    )

    def ours() -> float:
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        took = time.perf_counter() - began
        value, unit = re.search(r"and ([0-9.]+) (s|ms) to write", done.stderr).groups()
        return took - float(value) / (1 if unit == "s" else 1000)

    ours()
    matrix = scipy.sparse.load_npz(output)
    tokenizer = gtok.Tokenizer(universe)
    for i in (0, len(paths) - 1):
        ids = tokenizer.encode_batch([paths[i]]).ids
        counts = np.bincount(ids, minlength=matrix.shape[1])
        same("matrix", matrix[i].toarray()[0].tolist(), counts.tolist())
    size = sum(part.nbytes for part in (matrix.data, matrix.indices, matrix.indptr)) / 2**20
    measured = in_turn(scale.rounds, ours, lambda: process(reading))
    peaks = [peak(command) - size for _ in range(min(scale.rounds, 3))]
    work = f"`gtok matrix`, {n_files:,} files of {amount(n)} regions, two threads, writing apart"
    memory = f"peak memory of `gtok matrix`, beyond the matrix's {size:,.0f} MiB"
    return [
        Row(work, "reading and parsing them, two threads", *measured, "ms", 3, at_most=True),
        Row(memory, "", peaks, [], "MiB", 380, at_most=True),
    ]
