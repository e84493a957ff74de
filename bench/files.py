"""Files to ids, and what comes after: gtok against gtars, CSV readers, and its own parts."""

from __future__ import annotations

import pickle
from typing import Any

import data
import kernels
import numpy as np
import rivals
from data import amount
from measure import Row, Scale, clock, in_turn, leave_out, peak, python, same, tell

import gtok
from gtok import RegionSet


def against_gtars(scale: Scale) -> list[Row]:
    """Files to ids, the universe ready; building; memory."""
    if not rivals.Gtars.installed():
        leave_out("gtars is not installed: its rows are left out")
        return []
    from gtars.tokenizers import Tokenizer

    tell("files: gtars")
    files = data.files(scale.n)
    n, universe = amount(scale.n), str(files["universe"])
    ours, theirs = gtok.Tokenizer(universe), Tokenizer(universe)
    rows = []
    for order in ("sorted", "shuffled"):
        path = str(files[order])
        found = ours.encode_batch([path]).ids
        expected = np.sort(theirs(path)["input_ids"])
        same(f"{order} file", np.array_equal(np.sort(found), expected), True)
        measured = in_turn(
            scale.rounds,
            lambda path=path: clock(lambda: ours.encode_batch([path])),
            lambda path=path: clock(lambda: theirs(path)),
        )
        work = f"{order} file of {n} regions -> ids, on {n} regions"
        rows.append(Row(work, "gtars `Tokenizer(...)(path)`", *measured, "ms", 20))
    measured = in_turn(
        scale.rounds,
        lambda: clock(lambda: gtok.Tokenizer(universe)),
        lambda: clock(lambda: Tokenizer(universe)),
    )
    work = f"build from a BED of {n} regions"
    rows.append(Row(work, "gtars `Tokenizer(path)`", *measured, "ms", 25))
    building = [
        python("import gtok; t = gtok.Tokenizer(sys.argv[1])", universe),
        python("from gtars.tokenizers import Tokenizer; t = Tokenizer(sys.argv[1])", universe),
    ]
    measured = in_turn(min(scale.rounds, 3), *(lambda run=run: peak(run) for run in building))
    rows.append(Row(f"peak memory: {work}", "gtars", *measured, "MiB", 0.25, at_most=True))
    return rows + against_ailist(scale)


def against_ailist(scale: Scale) -> list[Row]:
    """AIList in both, where it is of use; from files, and from regions in memory."""
    from gtars.models import RegionSet as Regions
    from gtars.tokenizers import Tokenizer

    rows = []
    bed, path = data.WORK / "ailist.bed", str(data.WORK / "ailist-queries.bed")
    config = data.WORK / "ailist.toml"
    config.write_text(f'universe = "{bed.name}"\ntokenizer_type = "ailist"\n')
    for name, (universe, queries) in kernels.nested(scale).items():
        tell(f"AIList: {name}")
        universe.to_bed(bed)
        queries.to_bed(path)
        kinds = {"file": (path, path), "memory": (queries, Regions(path))}
        tokenizers = gtok.Tokenizer(bed, method="ailist"), Tokenizer(str(config))
        for source, inputs in kinds.items():
            work = f"AIList, {len(queries):,} regions from {source} -> ids, {name}"
            measured = of_ailist(work, tokenizers, inputs, scale.rounds)
            rows.append(Row(work, "gtars's AIList", *measured, "ms", 10))
    return rows


def of_ailist(
    work: str, tokenizers: tuple[Any, Any], inputs: tuple[Any, Any], rounds: int
) -> tuple[list[float], list[float]]:
    (ours, theirs), (mine, other) = tokenizers, inputs
    found = np.sort(ours.encode_batch([mine]).ids)
    same(work, np.array_equal(found, np.sort(theirs(other)["input_ids"])), True)
    return in_turn(
        rounds,
        lambda: clock(lambda: ours.encode_batch([mine])),
        lambda: clock(lambda: theirs(other)),
    )


def against_readers(scale: Scale) -> list[Row]:
    """A sorted file to ids, against only reading it and splitting its lines."""
    path = str(data.files(scale.n)["sorted"])
    readers = {}
    try:
        import polars

        readers["polars `read_csv`"] = lambda: polars.read_csv(
            path, separator="\t", has_header=False, quote_char=None
        )
    except ImportError:
        leave_out("polars is not installed: its row is left out")
    try:
        from pyarrow import csv

        options = csv.ReadOptions(column_names=["chrom", "start", "end"], use_threads=False)
        parse = csv.ParseOptions(delimiter="\t", quote_char=False)
        readers["pyarrow `csv.read_csv`"] = lambda: csv.read_csv(path, options, parse)
    except ImportError:
        leave_out("pyarrow is not installed: its row is left out")
    tokenizer = gtok.Tokenizer(data.files(scale.n)["universe"])
    starts = RegionSet.from_bed(path).starts
    rows = []
    for name, read in readers.items():
        tell(f"readers: {name}")
        same(name, bool((np.asarray(read().to_pandas().iloc[:, 1]) == starts).all()), True)
        measured = in_turn(
            scale.rounds,
            lambda: clock(lambda: tokenizer.encode_batch([path])),
            lambda read=read: clock(read),
        )
        work = f"sorted file of {amount(scale.n)} regions -> ids"
        rows.append(Row(work, f"only reading and splitting it, {name}", *measured, "ms", 1.5))
    return rows


def for_models(scale: Scale) -> list[Row]:
    """Samples as a padded matrix; a tokenizer in another process."""
    tell("models")
    tokenizer = gtok.Tokenizer(data.files(scale.n)["universe"])
    regions = tokenizer.universe.regions
    chance = np.random.default_rng(0)
    samples = [
        regions[np.sort(chance.choice(scale.n, 1000, replace=False))]
        for _ in range(scale.n // 1000)
    ]
    plain, padded = tokenizer.encode_batch(samples[:3]), tokenizer(samples[:3], padding=True)
    ids = [i for row in padded["input_ids"] for i in row if i != tokenizer.pad_token_id]
    same("padded arrays", ids, plain.ids.tolist())
    measured = in_turn(
        2 * scale.rounds + 1,
        lambda: clock(lambda: tokenizer(samples, padding=True, return_tensors="np")),
        lambda: clock(lambda: tokenizer.encode_batch(samples)),
    )
    ready = [
        clock(lambda: pickle.loads(pickle.dumps(tokenizer)).encode_batch(samples[:1]))
        for _ in range(scale.rounds)
    ]
    n = amount(scale.n)
    work = f"{len(samples):,} samples x 1,000 regions on {n} to padded arrays"
    return [
        Row(work, "`encode_batch` alone", *measured, "ms", 1.5, at_most=True),
        Row(
            f"a pickled tokenizer of {n} regions until it answers", "", ready, [], "ms", 0.3,
            at_most=True,
        ),
    ]  # fmt: skip
