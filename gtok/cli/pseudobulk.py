"""``gtok pseudobulk``."""

from __future__ import annotations

import sys
import time

import click

from gtok.cli.common import quiet_option, table


@click.command("pseudobulk")
@click.argument("fragments", nargs=-1, required=True, type=click.Path())
@click.argument("groups", type=click.Path())
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FOLDER",
    type=click.Path(),
    help="Where to: GROUP.fragments.tsv.gz for each group, and its tabix index.",
)
@quiet_option
def command(fragments: tuple[str, ...], groups: str, output: str, quiet: bool) -> None:
    """Split fragments of single cells by groups of cells: sorted, bgzip'd, indexed.

    FRAGMENTS is one or more files as 10x writes them, GROUPS a table of two columns, tabs
    between: barcode, and group (a cluster, a cell type). Of several files a barcode is told with
    its sample, which is the file's name without its endings: SAMPLE:BARCODE.
    """
    from gtok.pseudobulk import split_fragments

    began = time.perf_counter()
    progress = not quiet and sys.stderr.isatty()
    sizes = split_fragments(fragments, groups, output, progress=progress)
    if quiet:
        return
    rows = [[group, f"{n:,}"] for group, n in sizes.items()]
    click.echo(table(["group", "fragments"], rows), err=True)
    click.echo(f"-> {output}, {time.perf_counter() - began:.1f} s", err=True)
