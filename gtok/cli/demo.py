"""``gtok demo``."""

from __future__ import annotations

import contextlib
import sys
import time
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gtok.batch import TokenBatch
    from gtok.tokenizer import Tokenizer

MARKS = ["H3K4me1", "H3K4me2", "H3K4me3", "H3K27ac", "H3K27me3"]


@click.command("demo")
@click.option(
    "-o",
    "--output",
    default="gtok-demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for tokens, matrix and picture.",
)
def command(output: Path) -> None:
    """Run the whole road on real data that comes along.

    Five histone marks of human embryonic stem cells (ENCODE, hg19, five chromosomes) become
    tokens of a universe of open chromatin: DNase peaks of K562 and GM12878.
    """
    try:
        packed = files("gtok.demo_data")
    except ModuleNotFoundError:  # an editable install leaves the folder where it is
        packed = Path(__file__).parents[2] / "examples" / "data"
    with as_file(packed) as data:
        _run(data, output)


def _run(data: Path, output: Path) -> None:
    import scipy.sparse

    from gtok.batch import TokenBatch
    from gtok.cli.common import table
    from gtok.comparing import similarity
    from gtok.files import write_whole
    from gtok.tokenizer import Tokenizer
    from gtok.universe import Universe

    output.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    tokenizer = Tokenizer(Universe.from_bed(data / "universe.hg19.bed.gz", genome="hg19"))
    ready = time.perf_counter() - began
    n = len(tokenizer.universe)
    click.secho("gtok demo", bold=True, nl=False)
    click.echo(": five histone marks of human embryonic stem cells in words of open chromatin\n")
    click.echo(f"universe   {n:,} regions of hg19, read and indexed in {ready * 1e3:.0f} ms\n")

    batches, rows = [], []
    for mark in MARKS:
        began = time.perf_counter()
        batch = tokenizer.encode_batch([data / f"hESC_{mark}.bed.gz"])
        took = time.perf_counter() - began
        assert batch.n_regions is not None
        assert batch.n_hits is not None
        n_regions, n_hits = int(batch.n_regions[0]), int(batch.n_hits[0])
        cells = (f"{n_regions:,}", f"{n_hits:,}", f"{len(batch.ids):,}")
        rows.append((mark, *cells, f"{n_hits / n_regions:.0%}", f"{took * 1e3:.1f}"))
        batches.append(batch)
    header = ("sample", "regions", "with a token", "tokens", "share", "ms")
    click.echo(table(header, rows))

    both = TokenBatch.concatenate(batches)
    matrix = both.to_csr(n)
    with write_whole(output / "matrix.npz") as handle:
        scipy.sparse.save_npz(handle, matrix)
    tokenizer.save_pretrained(output / "tokenizer")
    written = [
        (_write_tokens(output, both, tokenizer), "the tokens of each sample"),
        ("matrix.npz", f"samples x regions, {matrix.shape[0]} x {matrix.shape[1]:,}, scipy.sparse"),
        ("tokenizer/", "the tokenizer; gtok.Tokenizer.from_pretrained reads it back"),
    ]
    alike = similarity(matrix)
    missing = ""
    try:
        from gtok.plot import plot_similarity

        plot_similarity(alike, MARKS, output / "similarity.png")
        written.append(("similarity.png", "how alike the samples are"))
    except ImportError as error:
        missing = f"\nNo picture: {error}."
    width = max(len(name) for name, _ in written)
    click.echo(f"\nwritten to {output}/")
    for name, what in written:
        click.echo(f"  {name.ljust(width)}  {what}")
    click.echo(_closest(alike) + missing)
    sys.stdout.flush()


def _write_tokens(output: Path, batch: TokenBatch, tokenizer: Tokenizer) -> str:
    """Write parquet where pyarrow is there, else jsonl; the file's name."""
    from gtok.tokens_io import token_writer

    for name in ("tokens.parquet", "tokens.jsonl"):
        with contextlib.suppress(ImportError):
            token_writer(output / name, tokenizer, len(MARKS))([(MARKS, batch)])
            break
    return name


def _closest(alike: NDArray[Any]) -> str:
    import numpy as np

    others = np.array(alike, copy=True)
    np.fill_diagonal(others, -1)
    i, j = np.unravel_index(others.argmax(), others.shape)
    return (
        f"\nMost alike: {MARKS[i]} and {MARKS[j]}, which share {others[i, j]:.0%} of the regions "
        f"that either has."
    )
