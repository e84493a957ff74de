"""What a user would pick instead of gtok to find overlaps, each as it is used at its fastest.

A rival is made from a universe, which is its building. `queries` brings regions into the form that
it takes, which is not timed: arrays by chromosome for most, data frames for some. `overlaps` and
`count` are what is timed. `pairs` and `counts` bring the answers into one form, to be compared.
All use one thread.
"""

from __future__ import annotations

import importlib
import os

# Read when polars is imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from typing import Any, ClassVar

import numpy as np
from measure import clock, leave_out

import gtok
from gtok import RegionSet


class Rival:
    """What all have in common."""

    name: ClassVar[str]
    package: ClassVar[str]  # as it is installed
    calls: ClassVar[dict[str, str]]  # what is timed, by the kind of work

    @classmethod
    def installed(cls) -> bool:
        try:
            importlib.import_module(cls.package.replace("-", "_"))
        except ImportError:
            return False
        return True

    @classmethod
    def version(cls) -> str:
        try:
            return version(cls.package)
        except PackageNotFoundError:  # gtok from a folder
            return gtok.__version__

    def seconds(self, work: str, queries: Any) -> float:
        """What "overlaps" or "count" takes."""
        return clock(lambda: getattr(self, work)(queries))

    def answer(self, work: str, queries: Any) -> np.ndarray:
        """The answer in the form that is compared: sorted (query, region), or counts."""
        if work == "count":
            return self.counts(self.count(queries), queries)
        rows, ids = self.pairs(self.overlaps(queries), queries)
        order = np.lexsort((ids, rows))
        return np.column_stack([rows[order], ids[order]]).astype(np.int64)


class Gtok(Rival):
    name, package = "gtok", "gtok"
    calls: ClassVar = {"overlaps": "index.overlaps", "count": "index.count"}
    method: ClassVar[gtok.Method] = "auto"
    n_threads = 1

    def __init__(self, universe: RegionSet) -> None:
        self.index = gtok.build_index(universe, self.method)

    def queries(self, queries: RegionSet) -> RegionSet:
        return queries

    def overlaps(self, queries: RegionSet) -> Any:
        return self.index.overlaps(queries, n_threads=self.n_threads)

    def count(self, queries: RegionSet) -> np.ndarray:
        return self.index.count(queries, n_threads=self.n_threads)

    def pairs(self, raw: Any, queries: RegionSet) -> tuple[np.ndarray, np.ndarray]:
        offsets, ids = raw
        return np.repeat(np.arange(len(queries)), np.diff(offsets)), ids

    def counts(self, raw: np.ndarray, queries: RegionSet) -> np.ndarray:
        return raw


class GtokBits(Gtok):
    name, method = "gtok, BITS", "bits"


class GtokAIList(Gtok):
    name, method = "gtok, AIList", "ailist"


class ByChromosome(Rival):
    """One index per chromosome, asked for all the queries there at once."""

    dtype: ClassVar[type] = np.int64
    inclusive: ClassVar[bool] = False  # ends belong to the region

    def __init__(self, universe: RegionSet) -> None:
        self.trees = {
            name: self.tree(rows, starts, ends)
            for name, rows, starts, ends in self.columns(universe)
        }

    def columns(self, regions: RegionSet) -> list[tuple[str, Any, Any, Any]]:
        parts = []
        for code, name in enumerate(regions.chrom_names):
            rows = np.flatnonzero(regions.codes == code)
            if len(rows):
                starts, ends = (
                    column[rows].astype(self.dtype) for column in (regions.starts, regions.ends)
                )
                parts.append((name, rows, starts, ends - self.inclusive))
        return parts

    def queries(self, queries: RegionSet) -> list[tuple[Any, ...]]:
        columns = self.columns(queries)
        return [(self.trees[name], *part) for name, *part in columns if name in self.trees]

    def counts(self, raw: list[Any], queries: list[tuple[Any, ...]]) -> np.ndarray:
        found = np.zeros(1 + max(rows.max() for _, rows, _, _ in queries), np.int64)
        for (_, rows, _, _), part in zip(queries, raw, strict=True):
            found[rows] = part
        return found


class Ncls(ByChromosome):
    name, package = "ncls", "ncls"
    calls: ClassVar = {"overlaps": "all_overlaps_both"}

    def tree(self, rows: Any, starts: Any, ends: Any) -> Any:
        from ncls import NCLS

        return NCLS(starts, ends, rows)

    def overlaps(self, queries: list[tuple[Any, ...]]) -> list[Any]:
        return [tree.all_overlaps_both(starts, ends, rows) for tree, rows, starts, ends in queries]

    def pairs(self, raw: list[Any], queries: Any) -> tuple[np.ndarray, np.ndarray]:
        return np.concatenate([q for q, _ in raw]), np.concatenate([r for _, r in raw])


class SuperIntervals(ByChromosome):
    name, package = "superintervals", "superintervals"
    calls: ClassVar = {"overlaps": "search_idxs_batch", "count": "count_batch"}
    dtype, inclusive = np.int32, True

    def tree(self, rows: Any, starts: Any, ends: Any) -> Any:
        from superintervals import IntervalMap

        order = np.lexsort((-ends, starts))  # its own, which its numbers are of
        return IntervalMap.from_arrays(starts[order], ends[order]), rows[order]

    def overlaps(self, queries: list[tuple[Any, ...]]) -> list[Any]:
        return [tree.search_idxs_batch(starts, ends) for (tree, _), _, starts, ends in queries]

    def count(self, queries: list[tuple[Any, ...]]) -> list[Any]:
        return [tree.count_batch(starts, ends) for (tree, _), _, starts, ends in queries]

    def pairs(self, raw: list[Any], queries: Any) -> tuple[np.ndarray, np.ndarray]:
        rows, ids = [], []
        for ((_, of_universe), of_queries, _, _), lists in zip(queries, raw, strict=True):
            rows.append(np.repeat(of_queries, [len(found) for found in lists]))
            ids.append(of_universe[np.fromiter(chain.from_iterable(lists), np.int64)])
        return np.concatenate(rows), np.concatenate(ids)


class AIList(ByChromosome):
    name, package = "ailist", "ailist"
    calls: ClassVar = {"overlaps": "intersect_ids", "count": "nhits_from_array"}

    def tree(self, rows: Any, starts: Any, ends: Any) -> Any:
        from ailist import AIList

        tree = AIList.from_array(starts, ends, rows)
        tree.construct()
        return tree

    def overlaps(self, queries: list[tuple[Any, ...]]) -> list[Any]:
        return [tree.intersect_ids(starts, ends) for tree, _, starts, ends in queries]

    def count(self, queries: list[tuple[Any, ...]]) -> list[Any]:
        return [tree.nhits_from_array(starts, ends) for tree, _, starts, ends in queries]

    def pairs(self, raw: list[Any], queries: Any) -> tuple[np.ndarray, np.ndarray]:
        rows = [of[at] for (_, of, _, _), (at, _) in zip(queries, raw, strict=True)]
        return np.concatenate(rows), np.concatenate([ids for _, ids in raw])


class Bioframe(Rival):
    name, package = "bioframe", "bioframe"
    calls: ClassVar = {"overlaps": "overlap", "count": "count_overlaps"}

    def __init__(self, universe: RegionSet) -> None:
        self.universe = self.queries(universe)

    def queries(self, queries: RegionSet) -> Any:
        return pandas_frame(queries, ("chrom", "start", "end"))

    def overlaps(self, queries: Any) -> Any:
        from bioframe import overlap

        return overlap(queries, self.universe, how="inner", return_input=False, return_index=True)

    def count(self, queries: Any) -> Any:
        from bioframe import count_overlaps

        return count_overlaps(queries, self.universe, return_input=False)

    def pairs(self, raw: Any, queries: Any) -> tuple[np.ndarray, np.ndarray]:
        return raw["index"].to_numpy(np.int64), raw["index_"].to_numpy(np.int64)

    def counts(self, raw: Any, queries: Any) -> np.ndarray:
        return raw["count"].to_numpy(np.int64)


class PyRanges(Rival):
    name, package = "pyranges", "pyranges"
    calls: ClassVar = {"overlaps": "join", "count": "count_overlaps"}

    def __init__(self, universe: RegionSet) -> None:
        self.universe = self.queries(universe)

    def queries(self, queries: RegionSet) -> Any:
        from pyranges import PyRanges

        return PyRanges(pandas_frame(queries, ("Chromosome", "Start", "End")))

    def overlaps(self, queries: Any) -> Any:
        return queries.join(self.universe)

    def count(self, queries: Any) -> Any:
        return queries.count_overlaps(self.universe)

    def pairs(self, raw: Any, queries: Any) -> tuple[np.ndarray, np.ndarray]:
        return raw.df["row"].to_numpy(), raw.df["row_b"].to_numpy()

    def counts(self, raw: Any, queries: Any) -> np.ndarray:
        return raw.df.sort_values("row")["NumberOverlaps"].to_numpy(np.int64)


class PolarsBio(Rival):
    name, package = "polars-bio", "polars-bio"
    calls: ClassVar = {"overlaps": 'overlap(algorithm="SuperIntervals")', "count": "count_overlaps"}

    def __init__(self, universe: RegionSet) -> None:
        self.universe = self.queries(universe)

    def queries(self, queries: RegionSet) -> Any:
        import polars
        import polars_bio  # noqa: F401 - gives frames their `config_meta`

        names = polars.Series(list(queries.chrom_names), dtype=polars.String)
        columns = {
            "chrom": names.gather(queries.codes.astype(np.uint32)),
            "start": queries.starts,
            "end": queries.ends,
            "row": np.arange(len(queries), dtype=np.int32),
        }
        frame = polars.DataFrame(columns)
        frame.config_meta.set(coordinate_system_zero_based=True)
        return frame

    def overlaps(self, queries: Any) -> Any:
        import polars_bio

        return polars_bio.overlap(
            queries, self.universe, algorithm="SuperIntervals", output_type="polars.DataFrame"
        )

    def count(self, queries: Any) -> Any:
        import polars_bio

        return polars_bio.count_overlaps(queries, self.universe, output_type="polars.DataFrame")

    def pairs(self, raw: Any, queries: Any) -> tuple[np.ndarray, np.ndarray]:
        return raw["row_1"].to_numpy(), raw["row_2"].to_numpy()

    def counts(self, raw: Any, queries: Any) -> np.ndarray:
        return raw.sort("row")["count"].to_numpy().astype(np.int64)


class Gtars(Rival):
    """The index is built in each call; there is no way to keep one."""

    name, package = "gtars", "gtars"
    calls: ClassVar = {
        "overlaps": "RegionSet.find_overlaps",
        "count": "RegionSet.count_overlaps",
    }

    def __init__(self, universe: RegionSet) -> None:
        self.universe = self.queries(universe)

    def queries(self, queries: RegionSet) -> Any:
        from gtars.models import RegionSet as Regions

        names = np.array(queries.chrom_names, dtype=object)[queries.codes].tolist()
        return Regions.from_vectors(names, queries.starts.tolist(), queries.ends.tolist())

    def overlaps(self, queries: Any) -> Any:
        return queries.find_overlaps(self.universe)

    def count(self, queries: Any) -> Any:
        return queries.count_overlaps(self.universe)

    def pairs(self, raw: Any, queries: Any) -> tuple[np.ndarray, np.ndarray]:
        rows = np.repeat(np.arange(len(raw)), [len(found) for found in raw])
        return rows, np.fromiter(chain.from_iterable(raw), np.int64)

    def counts(self, raw: Any, queries: Any) -> np.ndarray:
        return np.asarray(raw, np.int64)


def pandas_frame(regions: RegionSet, names: tuple[str, str, str]) -> Any:
    """As most users have it, but with the chromosomes as categories, which is faster."""
    import pandas as pd

    chroms = pd.Categorical.from_codes(regions.codes, list(regions.chrom_names))
    columns = (chroms, regions.starts.astype(np.int64), regions.ends.astype(np.int64))
    frame = pd.DataFrame(dict(zip(names, columns, strict=True)))
    return frame.assign(row=np.arange(len(regions)))


PEERS = (Ncls, SuperIntervals, AIList, Bioframe, PyRanges, PolarsBio, Gtars)


def installed() -> list[type[Rival]]:
    """The peers that are there; a line is told of each that is not."""
    for peer in PEERS:
        if not peer.installed():
            leave_out(f"{peer.name} is not installed: its rows are left out")
    return [peer for peer in PEERS if peer.installed()]


def alone(
    name: str, universe: str, queries: str, n_threads: str = "1", work: str = "overlaps"
) -> None:
    """All of it, in a process of its own: read two files, build, ask."""
    regions = [RegionSet.from_bed(path) for path in (universe, queries)]
    kinds = (Gtok, GtokBits, GtokAIList, *PEERS)
    rival = next(kind for kind in kinds if kind.name == name)(regions[0])
    if isinstance(rival, Gtok):
        rival.n_threads = int(n_threads)
    getattr(rival, work)(rival.queries(regions[1]))
