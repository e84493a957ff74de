"""``gtok universe``."""

from __future__ import annotations

import sys

import click


@click.group("universe")
def command() -> None:
    """Look at universes."""


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
