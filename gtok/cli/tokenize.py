"""``gtok tokenize``."""

from __future__ import annotations

from typing import Any

import click

from gtok.cli.common import encode_files, listed, quiet_option, sample_names, threads_option
from gtok.index import METHODS


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
@click.option("--method", type=click.Choice(METHODS), help="The overlap index.")
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
@click.option(
    "--duplicates",
    type=click.Choice(["error", "drop"]),
    default="error",
    help="A region that stands twice in UNIVERSE: refuse (default), or keep the first.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Of --order random.")
@threads_option
@quiet_option
def command(
    universe: str,
    bed: tuple[str, ...],
    output: str,
    threads: int,
    quiet: bool,
    duplicates: str,
    **options: Any,
) -> None:
    """Map BED files onto a universe.

    UNIVERSE is a BED file, a TOML config or a saved folder; BED any number of BED files, `-` for
    standard input, or @LIST for a file that lists them.

    A tsv has a line for each token: chrom, start and end of the universe's region, and its id,
    the number of its row from 0; of several samples also the sample's name. Regions that overlap
    nothing are not listed.
    """
    from gtok.tokenizer import Tokenizer
    from gtok.tokens_io import Pieces, token_writer
    from gtok.universe import Universe

    paths = listed(universe, bed)
    words = Universe.from_bed(universe, duplicates="drop") if duplicates == "drop" else universe
    tokenizer = Tokenizer(words, **options)
    write = token_writer(output, tokenizer, len(paths))
    totals = {"regions": 0, "hits": 0, "tokens": 0}

    def counted() -> Pieces:
        for names, batch in encode_files(tokenizer, paths, sample_names(paths), threads, quiet):
            assert batch.n_regions is not None
            assert batch.n_hits is not None
            totals["regions"] += int(batch.n_regions.sum())
            totals["hits"] += int(batch.n_hits.sum())
            totals["tokens"] += len(batch.ids)
            yield names, batch

    write(counted())
    if output != "-" and not quiet:
        share = totals["hits"] / totals["regions"] if totals["regions"] else 0
        click.echo(
            f"{len(paths):,} sample{'s' * (len(paths) != 1)}: {totals['regions']:,} regions, "
            f"{share:.1%} with a token, {totals['tokens']:,} tokens -> {output}",
            err=True,
        )
