"""superintervals' own C++, out of its source distribution: the fastest native code known."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import ClassVar

import data
import numpy as np
from measure import leave_out
from rivals import ByChromosome

from gtok import RegionSet

VERSION = "1.0.3"
PROGRAM = data.WORK / f"native-{VERSION}"


class Native(ByChromosome):
    """Compiled for this very machine. Each time is of a process, told by itself."""

    name, package = "superintervals, C++", "superintervals"
    calls: ClassVar = {"overlaps": "search_values", "count": "count"}
    dtype, inclusive = np.int32, True
    layout = "eytzinger"

    @classmethod
    def version(cls) -> str:
        return VERSION

    @classmethod
    def installed(cls) -> bool:
        if not PROGRAM.exists():
            try:
                compiled()
            except (subprocess.CalledProcessError, OSError) as error:
                last = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
                leave_out(f"superintervals' C++ is left out: {last}")
        return PROGRAM.exists()

    def __init__(self, universe: RegionSet) -> None:
        self.universe = {name: part for name, *part in self.columns(universe)}

    def queries(self, queries: RegionSet) -> tuple[Path, np.ndarray]:
        path = data.WORK / "native.input"
        numbers, order = [], []
        for name, rows, *sides in self.columns(queries):
            if name in self.universe:
                ids, starts, ends = self.universe[name]
                numbers += [[len(ids), len(rows)], starts, ends, ids, *sides]
                order.append(rows)
        np.concatenate(numbers).astype(np.int32).tofile(path)
        return path, np.concatenate(order)

    def seconds(self, work: str, queries: tuple[Path, np.ndarray]) -> float:
        return self.run(queries[0], "-")[work]

    def run(self, path: Path, output: str | Path) -> dict[str, float]:
        command = [str(PROGRAM), self.layout, str(path), str(output)]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        return {work: float(took) for work, took in map(str.split, done.stdout.splitlines())}

    def answer(self, work: str, queries: tuple[Path, np.ndarray]) -> np.ndarray:
        path, rows = queries
        output = path.with_suffix(".output")
        self.run(path, output)
        found = output.read_bytes()
        n = 8 * len(rows)
        if work == "count":
            counts = np.zeros(rows.max() + 1, np.int64)
            counts[rows] = np.frombuffer(found[-n:], np.int64)
            return counts
        of_queries = np.repeat(rows, np.frombuffer(found[:n], np.int64))
        ids = np.frombuffer(found[n:-n], np.int32)
        order = np.lexsort((ids, of_queries))
        return np.column_stack([of_queries[order], ids[order]]).astype(np.int64)


class Plain(Native):
    name = "superintervals, C++, without Eytzinger's layout"
    layout = "plain"


def compiled() -> None:
    """Fetch the header, as pip does, and compile the program."""
    compiler = shutil.which("g++")
    if compiler is None:
        raise OSError("there is no C++ compiler")
    folder = data.WORK / "superintervals"
    folder.mkdir(parents=True, exist_ok=True)
    fetch = ["pip", "download", "-q", "--no-binary", "superintervals", "--no-deps"]
    subprocess.run(
        [sys.executable, "-m", *fetch, "-d", str(folder), f"superintervals=={VERSION}"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    header = next(folder.rglob("superintervals.hpp"))
    flags = ["-std=c++17", "-O3", "-march=native", "-DNDEBUG", f"-I{header.parent}"]
    source = Path(__file__).with_suffix(".cpp")
    subprocess.run(
        [compiler, *flags, str(source), "-o", str(PROGRAM)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
