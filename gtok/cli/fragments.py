"""``gtok fragments``."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from gtok.cli.common import exclude_options, exclusions, quiet_option, threads_option
from gtok.errors import GtokError
from gtok.matrix_io import expect_anndata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gtok.cells import CellMatrix


@click.command("fragments")
@click.argument("universe", type=click.Path())
@click.argument("fragments", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="PATH",
    help="Where to: a file that ends in .h5ad (AnnData), or a folder for Matrix Market.",
)
@click.option(
    "--counting",
    type=click.Choice(["paired-insertion", "insertion", "fragment"]),
    default="paired-insertion",
    show_default=True,
    help="What counts for a region: a fragment with an end in it, each end in it, or a fragment "
    "that overlaps it.",
)
@click.option(
    "--barcodes",
    type=click.Path(),
    metavar="FILE",
    help="A whitelist, a barcode a line; rows are in its order.",
)
@click.option("--min-fragments", type=click.IntRange(min=1), help="Drop cells with fewer.")
@click.option("--min-length", type=click.IntRange(min=1), help="Leave out shorter fragments.")
@click.option("--max-length", type=click.IntRange(min=1), help="Leave out longer fragments.")
@click.option(
    "--shift",
    nargs=2,
    type=int,
    metavar="START END",
    help="Base pairs to add to starts and ends, 4 -5 say. Files of 10x are shifted already.",
)
@click.option(
    "--tss",
    type=click.Path(),
    metavar="FILE",
    help="A GTF file, or a BED file of transcription start sites, for the cells' TSS enrichment.",
)
@click.option(
    "--layout",
    type=click.Choice(["scanpy", "cellranger"]),
    default="scanpy",
    show_default=True,
    help="What the files of a folder are called.",
)
@click.option(
    "--report",
    metavar="FILE",
    help="Draw the barcodes' fragments by rank, FRiP and lengths: .png, .svg or .pdf; or the same "
    "with the summary as a page, .html.",
)
@exclude_options
@threads_option
@quiet_option
def command(
    universe: str,
    fragments: tuple[str, ...],
    output: str,
    min_fragments: int | None,
    layout: Any,
    report: str | None,
    exclude: tuple[str, ...],
    exclude_chrom: tuple[str, ...],
    threads: int,
    quiet: bool,
    **options: Any,
) -> None:
    """Count fragments of single cells: a cells x regions matrix.

    UNIVERSE is a BED file, FRAGMENTS one or more files as 10x writes them (chrom, start, end,
    barcode, read support), plain, gzip or bgzip, in any order. Cells of several files are kept
    apart: they are called by the file's name and the barcode. Several files go to .h5ad one after
    the other, with no more than a few of them in memory.
    """
    from gtok.cells import CellMatrix, write_h5ad
    from gtok.fragments import count_each

    if output.endswith((".npz", ".mtx", ".gz", ".tsv", ".csv")):
        raise GtokError(f"{output}: expected a name that ends in .h5ad, or a folder's")
    if output.endswith(".h5ad"):
        expect_anndata()
    if report is not None:
        from gtok.plot import expect_picture, plot_cells, write_report

        if not report.endswith(".html"):
            expect_picture(report)
    began = time.perf_counter()
    known: list[CellMatrix] = []  # of all barcodes, without the counts
    n_entries = 0

    def parts() -> Iterator[CellMatrix]:
        nonlocal n_entries
        for cells in count_each(
            fragments,
            universe,
            exclude=exclusions(exclude, exclude_chrom),
            n_threads=threads,
            progress=not quiet and sys.stderr.isatty(),
            **{name: value for name, value in options.items() if value is not None},
        ):
            known.append(cells.without_counts())
            kept = cells if min_fragments is None else cells.filter(min_fragments=min_fragments)
            n_entries += kept.X.nnz
            yield kept

    if output.endswith(".h5ad"):
        write_h5ad(output, parts())
    else:
        CellMatrix.concatenate(list(parts())).write_mtx(output, layout)
    cells = CellMatrix.concatenate(known)
    kept = cells if min_fragments is None else cells.filter(min_fragments=min_fragments)
    rows = _summary(kept, len(cells), n_entries)
    took = f"{time.perf_counter() - began:.1f} s"
    if report is not None and report.endswith(".html"):
        write_report(cells, report, [("output", output), *rows, ("time", took)], min_fragments)
    elif report is not None:
        plot_cells(cells, report, min_fragments)
    if not quiet:
        n, width = kept.X.shape
        click.echo(f"{n:,} cells x {width:,} regions -> {output}", err=True)
        for what, text in [*rows[2:], ("time", took)]:
            click.echo(f"  {what.ljust(12)}{text}", err=True)


def _summary(cells: CellMatrix, n_found: int, n_entries: int) -> list[tuple[str, str]]:
    """What to tell of a matrix, a name and a text each."""
    quality = cells.quality
    n, width = cells.X.shape
    rows = [
        ("cells", f"{n:,}"),
        ("regions", f"{width:,}"),
        ("barcodes", f"{n_found:,} found" + (f", {n:,} kept" if n != n_found else "")),
        (
            "fragments",
            f"{int(quality['n_fragments'].sum()):,}, "
            f"{_median(quality['n_fragments']):,.0f} in a cell's median",
        ),
        ("entries", f"{n_entries:,}, {n_entries / max(n * width, 1):.2%} of the matrix"),
    ]
    if n_excluded := int(quality["n_excluded"].sum()):
        rows.append(("excluded", f"{n_excluded:,} fragments"))
    for name, what in (
        ("frip", "in regions"),
        ("duplicates", "duplicates"),
        ("mitochondrial", "mito."),
    ):
        if not np.isnan(quality[name]).all():
            rows.append((what, f"{_median(quality[name]):.1%} in a cell's median"))
    if "tss_enrichment" in quality:
        rows.append(("TSS", f"{_median(quality['tss_enrichment']):.1f}x in a cell's median"))
    return rows


def _median(column: Any) -> float:
    known = column[~np.isnan(column)]
    return float(np.median(known)) if len(known) else float("nan")
