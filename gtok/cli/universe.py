"""``gtok universe``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gtok.cli.common import (
    exclude_options,
    exclusions,
    expect_stdin_once,
    listed,
    quiet_option,
    threads_option,
)


@click.group("universe")
def command() -> None:
    """Build universes, and look at them."""


def _number_or_share(text: str) -> float:
    """How many samples: a whole number, or a share with a decimal point."""
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise click.BadParameter(
            f"expected a number of samples, 2 say, or a share, 0.1 say, found {text!r}"
        ) from None


@command.command()
@click.argument("bed", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--output", required=True, metavar="FILE", help="Where to: .bed or .bed.gz.")
@click.option(
    "--max-gap",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Join regions so many base pairs apart, too (bedtools merge -d).",
)
@click.option(
    "--min-samples",
    type=_number_or_share,
    metavar="N",
    default="1",
    show_default=True,
    help="Keep regions that so many of the files have a part in: a number, or a share (0.1).",
)
@exclude_options
@threads_option
@quiet_option
def build(
    bed: tuple[str, ...],
    output: str,
    max_gap: int,
    min_samples: float,
    exclude: tuple[str, ...],
    exclude_chrom: tuple[str, ...],
    threads: int,
    quiet: bool,
) -> None:
    """Merge BED files into a universe, as bedtools merge does with all of them in one.

    BED is any number of BED files, or @LIST for a file that lists them.
    """
    from gtok.universe import Universe

    paths = [Path(path) for path in listed(bed)]
    expect_stdin_once(*map(str, paths), *exclude)
    universe = Universe.from_samples(
        paths,
        max_gap=max_gap,
        min_samples=min_samples,
        exclude=exclusions(exclude, exclude_chrom),
        n_threads=threads,
    )
    universe.regions.to_bed(output)
    if not quiet:
        n = len(paths)
        click.echo(
            f"{n:,} file{'s' * (n != 1)} -> {universe.regions.summary} -> {output}", err=True
        )


@command.command()
@click.argument("file", type=click.Path(allow_dash=True))
def check(file: str) -> None:
    """Say everything that is wrong with a universe, each problem with its line.

    Problems and warnings go to standard output as FILE:LINE: WHAT, a summary to standard error.
    The exit status is 1 if there is a problem.
    """
    from gtok.checking import check_universe

    report = check_universe(file)
    findings = [(line, "error", text) for line, text in report.problems]
    findings += [(line, "warning", text) for line, text in report.warnings]
    for line, kind, text in sorted(findings):
        click.echo(f"{file}:{line}: {kind}: {text}")
    n, m = len(report.problems), len(report.warnings)
    order = "sorted" if report.is_sorted else "not sorted (tokenizing does not need it)"
    click.echo(
        f"{file}: {n:,} error{'s' * (n != 1)}, {m:,} warning{'s' * (m != 1)}; "
        f"{report.regions.summary}; {order}; "
        f"{report.n_overlapping:,} overlap a region before them",
        err=True,
    )
    sys.exit(1 if report.problems else 0)
