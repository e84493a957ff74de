"""``gtok tokenize``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
from gtok.samples import sample_names

_AT_ONCE = 32  # samples that are written at a time, as one piece of a parquet file


@click.command("tokenize")
@click.argument("universe", type=click.Path())
@click.argument("bed", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option(
    "-o",
    "--output",
    default="-",
    show_default="tsv on standard output",
    metavar="FILE",
    help="Where to, the format by its ending: .parquet, .gtok (one sample), .jsonl or .tsv.",
)
@click.option(
    "--unknown",
    type=click.Choice(["sample", "region", "drop"]),
    help="What becomes <unk>: a sample without a hit (default), each region without one, nothing.",
)
@click.option(
    "--order",
    type=click.Choice(["input", "genome", "random"]),
    help="The order of the tokens: as the regions came (default), by position, or shuffled.",
)
@click.option(
    "--unique",
    type=click.Choice(["query", "token"]),
    help="Count a repeated region once, or keep each token once.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Of --order random.")
@tokenizer_options
@threads_option
@quiet_option
def command(
    universe: str,
    bed: tuple[str, ...],
    output: str,
    threads: int,
    quiet: bool,
    **options: Any,
) -> None:
    """Map BED files onto a universe.

    UNIVERSE is a BED file, a TOML config or a saved folder; BED any number of BED files, `-` for
    standard input, or @LIST for a file that lists them.

    A tsv has a line for each token: chrom, start and end of the universe's region, and its id,
    the number of its row from 0; of several samples also the sample's name. Regions that overlap
    nothing are not listed.
    """
    from gtok.batch import TokenBatch
    from gtok.tokens_io import Pieces, token_writer

    paths = listed(bed)
    expect_stdin_once(universe, *paths, *options["exclude"])
    names = sample_names(paths)
    tokenizer = make_tokenizer(universe, **options)
    write = token_writer(output, tokenizer, len(paths))
    totals = {"n_regions": 0, "n_hits": 0, "n_excluded": 0, "tokens": 0}

    def encode(path: str) -> TokenBatch:
        return tokenizer.encode_batch([Path(path)], n_threads=1)

    def pieces() -> Pieces:
        waiting = []
        for done, batch in enumerate(in_progress(encode, paths, threads, quiet), 1):
            for count in ("n_regions", "n_hits", "n_excluded"):
                if (column := getattr(batch, count)) is not None:
                    totals[count] += int(column[0])
            totals["tokens"] += len(batch.ids)
            waiting.append(batch)
            if len(waiting) == _AT_ONCE or done == len(paths):
                yield names[done - len(waiting) : done], TokenBatch.concatenate(waiting)
                waiting = []

    write(pieces())
    if output != "-" and not quiet:
        share = totals["n_hits"] / totals["n_regions"] if totals["n_regions"] else 0
        left_out = f", {totals['n_excluded']:,} excluded" if tokenizer.exclude is not None else ""
        click.echo(
            f"{len(paths):,} sample{'s' * (len(paths) != 1)}: {totals['n_regions']:,} regions, "
            f"{share:.1%} with a token{left_out}, {totals['tokens']:,} tokens -> {output}",
            err=True,
        )
