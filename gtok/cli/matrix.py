"""``gtok matrix``."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gtok.cli.common import (
    expect_stdin_once,
    in_progress,
    listed,
    make_tokenizer,
    quiet_option,
    threads_option,
    tokenizer_options,
)
from gtok.errors import GtokError
from gtok.samples import sample_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gtok.batch import TokenBatch

INCOMPLETE = 3  # the exit status of a matrix without the files that could not be read

_COUNTS = ("n_regions", "n_hits", "n_excluded")


@click.command("matrix")
@click.argument("universe", type=click.Path())
@click.argument("bed", nargs=-1, type=click.Path(allow_dash=True))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="Where to, the format by its ending: .npz (scipy.sparse), .h5ad (AnnData), .mtx or "
    ".mtx.gz (Matrix Market).",
)
@click.option(
    "--sheet",
    type=click.Path(),
    metavar="TSV",
    help="A table of samples instead of BED: a column `path`, perhaps `sample`, and whatever else "
    "is known of each, which goes to the output.",
)
@click.option(
    "--values",
    type=click.Choice(["count", "bp", "fraction", "signal"]),
    default="count",
    show_default=True,
    help="What an entry is: the sample's regions that overlap the universe's; their base pairs in "
    "it; the share of it that they cover together; or their signal.",
)
@click.option(
    "--signal",
    metavar="COLUMN",
    help="Of --values signal: score, signalValue, pValue, qValue, or the number of a column.",
)
@click.option(
    "--reduce",
    type=click.Choice(["sum", "max"]),
    default="sum",
    show_default=True,
    help="What becomes of several values in one entry.",
)
@click.option("--binary", is_flag=True, help="1 wherever there is an overlap.")
@click.option(
    "--unique", type=click.Choice(["query"]), help="Count a region that a file repeats once."
)
@tokenizer_options
@click.option(
    "--skip-bad",
    is_flag=True,
    help=f"Leave out files that cannot be read, and say so; the exit status is then {INCOMPLETE}.",
)
@threads_option
@quiet_option
def command(
    universe: str,
    bed: tuple[str, ...],
    output: str,
    sheet: str | None,
    values: str,
    signal: str | None,
    reduce: Any,
    binary: bool,
    skip_bad: bool,
    threads: int,
    quiet: bool,
    **options: Any,
) -> int:
    """Make BED files a samples x regions matrix.

    UNIVERSE is a BED file, a TOML config or a saved folder; BED any number of BED files, `-` for
    standard input, or @LIST for a file that lists them. Rows are samples, called by their files
    or by --sheet; columns are the universe's regions, in its order.
    """
    from gtok.matrix_io import matrix_writer
    from gtok.sparse import to_csr
    from gtok.tokenizer import check_values

    column = int(signal) if signal is not None and signal.isdecimal() else signal
    check_values(values, column)
    paths, names, known = _samples(bed, sheet)
    expect_stdin_once(universe, *paths, *options["exclude"])
    for name, n in Counter(names).items():
        if n > 1:
            raise GtokError(f"expected each sample once, found {name!r} twice")
    write = matrix_writer(output)
    if output.endswith(".h5ad"):
        for name in known:
            if "/" in name or name == "_index":
                raise GtokError(f"{sheet}: h5ad cannot hold a column called {name!r}")
    began = time.perf_counter()
    tokenizer = make_tokenizer(universe, unknown="drop", **options)
    counts: dict[str, list[int]] = {name: [] for name in _COUNTS}
    bad: list[tuple[int, str]] = []

    def encode(path: str) -> TokenBatch | str:
        weigh: Any = None if values == "count" else values
        try:
            return tokenizer.encode_batch([Path(path)], values=weigh, signal=column, n_threads=1)
        except (GtokError, OSError) as error:
            if not skip_bad:
                raise
            return _in_words(error)

    def batches() -> Iterator[TokenBatch]:
        for i, batch in enumerate(in_progress(encode, paths, threads, quiet)):
            if isinstance(batch, str):
                bad.append((i, batch))
                continue
            for name in _COUNTS:
                if (count := getattr(batch, name)) is not None:
                    counts[name].append(int(count[0]))
            yield batch

    matrix = to_csr(batches(), len(tokenizer.universe), binary=binary, reduce=reduce)
    for _, text in bad:
        click.echo(f"gtok: left out: {text}", err=True)
    if len(bad) == len(paths):
        raise GtokError("no file could be read; nothing is written")
    left_out = {i for i, _ in bad}
    kept = [i for i in range(len(paths)) if i not in left_out]
    names = [names[i] for i in kept]
    obs: dict[str, list[Any]] = {name: [cells[i] for i in kept] for name, cells in known.items()}
    obs |= {name: cells for name, cells in counts.items() if cells}
    settings = {
        "values": values, "signal": column, "reduce": reduce, "binary": binary,
        "min_overlap": tokenizer.min_overlap, "unique": tokenizer.unique,
        "overlap_of": tokenizer.overlap_of if tokenizer.min_overlap else None,
    }  # fmt: skip
    counted = time.perf_counter()
    write(matrix, tokenizer.universe, names, obs, settings)
    if not quiet:
        click.echo(_summary(matrix, names, counts, output, len(bad)), err=True)
        click.echo(
            f"  time        {_time(counted - began)}, and {_time(time.perf_counter() - counted)} "
            f"to write {_size(output)}",
            err=True,
        )
    return INCOMPLETE if bad else 0


def _samples(
    bed: tuple[str, ...], sheet: str | None
) -> tuple[list[str], list[str], dict[str, list[Any]]]:
    """Paths, names, and what else is known of the samples, by the command line or a sheet."""
    if (sheet is None) == (not bed):
        raise click.UsageError("expected either BED files or --sheet")
    known: dict[str, list[Any]] = {}
    if sheet is None:
        paths = listed(bed)
        names = sample_names(paths)
    else:
        from gtok.cli.sheet import read_sheet

        paths, given, known = read_sheet(sheet, reserved=_COUNTS)
        names = sample_names(paths) if given is None else given
    return paths, names, known


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _summary(
    matrix: Any, names: list[str], counts: dict[str, list[int]], output: str, n_bad: int
) -> str:
    n, width = matrix.shape
    n_regions, n_hits = sum(counts["n_regions"]), sum(counts["n_hits"])
    lines = [
        f"{n:,} sample{'s' * (n != 1)} x {width:,} regions -> {output}",
        f"  entries     {matrix.nnz:,}, {matrix.nnz / (n * width):.2%} of the matrix",
        f"  input       {n_regions:,} regions, {n_hits / max(n_regions, 1):.1%} with an overlap",
    ]
    if counts["n_excluded"]:
        lines.append(f"  excluded    {sum(counts['n_excluded']):,} regions")
    if n_bad:
        lines.append(f"  left out    {n_bad:,} file{'s' * (n_bad != 1)}, named above")
    if n > 1:
        shares = [
            hits / max(regions, 1)
            for hits, regions in zip(counts["n_hits"], counts["n_regions"], strict=True)
        ]
        worst = min(range(n), key=shares.__getitem__)
        lines.append(f"  least       {shares[worst]:.1%} with an overlap, in {names[worst]}")
    return "\n".join(lines)


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _size(path: str) -> str:
    size = float(os.path.getsize(path))
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
