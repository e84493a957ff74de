"""Finding overlaps in memory: gtok against every peer, native code, and itself."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from itertools import pairwise
from threading import Thread
from typing import Any

import data
import native
import numpy as np
import rivals
from data import amount
from measure import Row, Scale, clock, in_turn, leave_out, tell
from rivals import Gtok, GtokAIList, GtokBits, Rival

import gtok
from gtok import RegionSet

MOST = 20  # hits of each region of the scale that a nested workload may have


def pair(ours: Gtok, rival: Rival, work: str, queries: RegionSet, rounds: int) -> Row | None:
    """Measured where the answers are the same; told where they are not."""
    theirs = rival.queries(queries)
    if not np.array_equal(ours.answer(work, queries), rival.answer(work, theirs)):
        leave_out(f"{rival.name} `{rival.calls[work]}` answers otherwise: not timed")
        return None
    measured = in_turn(
        rounds, lambda: ours.seconds(work, queries), lambda: rival.seconds(work, theirs)
    )
    return Row(work, f"{rival.name} `{rival.calls[work]}`", *measured, "ms")


def against_peers(scale: Scale) -> tuple[list[Row], list[Row]]:
    """Every peer at every work; and, for each work, the one that came nearest."""
    files = data.files(scale.n)
    universe = RegionSet.from_bed(files["universe"])
    ours = Gtok(universe)
    works = {
        (work, order): f"`{work}`, {amount(scale.n)} {order} queries on {amount(scale.n)} regions"
        for work in ("overlaps", "count")
        for order in ("shuffled", "sorted")
    }
    found: dict[tuple[str, str], list[Row]] = {key: [] for key in works}
    for kind in rivals.installed():
        tell(f"overlaps: {kind.name}")
        rival = kind(universe)
        for (work, order), name in works.items():
            if work in kind.calls:
                row = pair(ours, rival, work, RegionSet.from_bed(files[order]), scale.rounds)
                if row is not None:
                    row.work = name
                    found[work, order].append(row)
    bounds = {"overlaps": (5, 4), "count": (4, 4)}
    fastest = []
    for (work, order), rows in found.items():
        if rows:
            row = min(rows, key=lambda row: row.ratio)
            bound = bounds[work][order == "sorted"]
            rival = f"the fastest of {len(rows)} peers: {row.rival}"
            fastest.append(Row(row.work, rival, row.ours, row.theirs, "ms", bound))
    return fastest, [row for rows in found.values() for row in rows]


def against_native(scale: Scale) -> list[Row]:
    """superintervals' C++ on its own ground: one chromosome, int32 arrays."""
    if not native.Native.installed():
        return []
    tell("overlaps: superintervals, C++")
    sizes = {"chr1": 2_000_000_000}
    universe = data.universe(scale.n, sizes)
    ours = Gtok(universe)
    table = []
    for order, bound in (("shuffled", 5), ("sorted", 2.5)):
        queries = data.queries(scale.n, scale.n, sizes)
        # In its Eytzinger layout queries before the first region hit that.
        queries = queries[queries.starts > universe.starts[0]]
        queries = data.shuffled(queries) if order == "shuffled" else queries
        rows = []
        for kind in (native.Native, native.Plain):
            row = pair(ours, kind(universe), "overlaps", queries, scale.rounds)
            if row is not None:
                row.work = (
                    f"`overlaps`, {amount(scale.n)} {order} queries on {amount(scale.n)} regions "
                    "of one chromosome"
                )
                rows.append(row)
        if rows:
            row = min(rows, key=lambda row: row.ratio)
            row.bound = bound
            table.append(row)
    return table


def nested(scale: Scale) -> dict[str, tuple[RegionSet, RegionSet]]:
    """Universes that are nested, and so many queries as `MOST` allows for."""
    plain = RegionSet.from_bed(data.files(scale.n)["universe"])
    n = amount(scale.n)
    made = {
        f"{n} exons, some over 100 deep": data.bed(
            f"exons-{n}.bed", lambda: data.exons(scale.n)
        ),
        f"{n} regions and one of 170 Mb": data.bed(
            f"long-{n}.bed", lambda: data.with_long(plain)
        ),
        **data.real(),
    }  # fmt: skip
    works = {}
    for name, path in made.items():
        universe = RegionSet.from_bed(path)
        hits = gtok.build_index(universe).count(data.near(universe, 1000)).mean()
        n_queries = int(min(scale.n, MOST * scale.n / max(hits, 1)))
        works[name] = (universe, data.shuffled(data.near(universe, n_queries)))
    return works


def of_auto(scale: Scale) -> list[Row]:
    """What "auto" chose, against the better of the two."""
    files = data.files(scale.n)
    universe = RegionSet.from_bed(files["universe"])
    works = {
        f"{amount(scale.n)} regions, {order} queries": (universe, RegionSet.from_bed(files[order]))
        for order in ("sorted", "shuffled")
    }
    table = []
    for name, (regions, queries) in (works | nested(scale)).items():
        tell(f"auto: {name}")
        ours = {kind.method: kind(regions) for kind in (Gtok, GtokBits, GtokAIList)}
        for work in ("overlaps", "count"):
            measured: dict[str, list[float]] = {method: [] for method in ours}
            answers = [index.answer(work, queries[:20_000]) for index in ours.values()]
            if not all(np.array_equal(answers[0], other) for other in answers):
                raise SystemExit(f"{name}: the two indexes differ; nothing was timed")
            for _ in range(scale.rounds):
                for method, index in ours.items():
                    measured[method].append(index.seconds(work, queries))
            better = min(("bits", "ailist"), key=lambda name: statistics.median(measured[name]))
            chosen = ours["auto"].index.method
            table.append(
                Row(f'`{work}`, "auto" ({chosen}), {name}', better, measured["auto"],
                    measured[better], "ms", 1.3, at_most=True)
            )  # fmt: skip
    return table


def at_size(scale: Scale) -> list[Row]:
    """A random query in ten million regions against one in a hundred thousand."""
    small, large = scale.large // 100, scale.large
    indexes = {}
    for n in (small, large):
        tell(f"size: {n:,} regions")
        universe = data.bed(f"universe-{amount(n)}.bed", lambda n=n: data.universe(n))
        queries = RegionSet.from_bed(data.many_queries(scale.n, n))
        indexes[n] = Gtok(RegionSet.from_bed(universe)), queries
    table = []
    for work in ("overlaps", "count"):
        measured = in_turn(
            scale.rounds,
            lambda work=work: indexes[large][0].seconds(work, indexes[large][1]),
            lambda work=work: indexes[small][0].seconds(work, indexes[small][1]),
        )
        name = f"`{work}`, {amount(scale.n)} random queries on {amount(large)} regions"
        rival = f"on {amount(small)}, as many hits each"
        table.append(Row(name, rival, *measured, "ms", 4, at_most=True))
    return table


def of_threads(scale: Scale) -> list[Row]:
    """Two threads against one."""
    tell("threads")
    index = gtok.build_index(data.files(scale.n)["universe"])
    n = amount(scale.large)
    queries = RegionSet.from_bed(data.many_queries(scale.large, scale.n))
    works: dict[str, Callable[[int], Any]] = {
        f"`overlaps`, {n} queries": lambda threads: index.overlaps(queries, n_threads=threads),
        f"`count`, {n} queries": lambda threads: index.count(queries, n_threads=threads),
    }
    table = []
    for work, ask in works.items():
        measured = two_threads(scale, ask)
        table.append(Row(f"{work}, two threads", "one thread", *measured, "ms", 1.8))
    work = f"what the machine gives: `numpy.take` of {n} lines of the cache, two threads"
    return [*table, Row(work, "one thread", *two_threads(scale, gathering(scale)), "ms")]


def two_threads(scale: Scale, ask: Callable[[int], Any]) -> tuple[list[float], list[float]]:
    return in_turn(scale.rounds, lambda: clock(lambda: ask(2)), lambda: clock(lambda: ask(1)))


def gathering(scale: Scale) -> Callable[[int], None]:
    """Reads of random lines from a table as large as the index, and nothing else, by threads."""
    n_lines = scale.n // 3
    column = np.ones((n_lines, 16), dtype=np.int32)[:, 0]
    lines = np.random.default_rng(3).integers(0, n_lines, scale.large)
    found = np.zeros(scale.large, dtype=np.int32)

    def gather(n_threads: int) -> None:
        bounds = np.linspace(0, scale.large, n_threads + 1).astype(int)
        threads = [
            Thread(target=column.take, args=(lines[lo:hi], None, found[lo:hi], "clip"))
            for lo, hi in pairwise(bounds)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return gather
