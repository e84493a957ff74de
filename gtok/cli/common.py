"""What several commands share: samples from the command line, progress, and the table."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

from gtok.errors import GtokError
from gtok.files import read_lines
from gtok.index import METHODS, OVERLAP_OF
from gtok.regions import RegionSet
from gtok.samples import as_exclusions
from gtok.threads import in_threads
from gtok.tokenizer import Tokenizer, n_cores

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def _overlap(text: str) -> float:
    """A whole number of base pairs, or a share with a decimal point."""
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise click.BadParameter(
            f"expected base pairs, 50 say, or a share, 0.5 say, found {text!r}"
        ) from None


def tokenizer_options(function: F) -> F:
    """What a universe is and what overlaps it, for `make_tokenizer`."""
    for option in reversed(
        [
            click.option("--method", type=click.Choice(METHODS), help="The overlap index."),
            click.option(
                "--min-overlap",
                type=_overlap,
                metavar="N",
                help="Take overlaps of at least so many base pairs (50), or of such a share of "
                "a length (0.5, as bedtools's -f).",
            ),
            click.option(
                "--overlap-of",
                type=click.Choice(OVERLAP_OF),
                help="Whose length the share is of: the BED file's region (default, -f), the "
                "universe's (-F), or each of the two (-f -r).",
            ),
            click.option(
                "--duplicates",
                type=click.Choice(["error", "drop"]),
                default="error",
                help="A region that stands twice in UNIVERSE: refuse (default), or keep the first.",
            ),
        ]
    ):
        function = option(function)
    return exclude_options(function)


def exclude_options(function: F) -> F:
    """``--exclude`` and ``--exclude-chrom``, for `exclusions`."""
    function = click.option(
        "--exclude-chrom",
        multiple=True,
        metavar="NAME",
        help="Leave out regions on this chromosome.",
    )(function)
    return click.option(
        "--exclude",
        multiple=True,
        type=click.Path(),
        metavar="FILE",
        help="Leave out regions that overlap any in this BED file, a blacklist say.",
    )(function)


def exclusions(paths: Sequence[str], chroms: Sequence[str]) -> RegionSet | None:
    """What the command line leaves out, None where that is nothing."""
    parts = [RegionSet.from_bed(path) for path in paths]
    if chroms:
        parts.append(as_exclusions(list(chroms)))
    return RegionSet.concatenate(parts) if parts else None


def make_tokenizer(
    universe: str,
    *,
    exclude: Sequence[str],
    exclude_chrom: Sequence[str],
    **options: Any,
) -> Tokenizer:
    """The tokenizer of the command line's options."""
    return Tokenizer(universe, exclude=exclusions(exclude, exclude_chrom), **options)


def threads_option(function: F) -> F:
    """``--threads``."""
    return click.option(
        "-t",
        "--threads",
        type=click.IntRange(min=1),
        default=n_cores(),
        show_default="all cores",
        help="Files to read at a time.",
    )(function)


def quiet_option(function: F) -> F:
    """``--quiet``."""
    return click.option("-q", "--quiet", is_flag=True, help="No progress bar, no summary.")(
        function
    )


def listed(paths: Sequence[str]) -> list[str]:
    """The samples of the command line, each ``@list.txt`` replaced by the lines of that file.

    Raises
    ------
    GtokError
        If a list is empty or no text.
    """
    found: list[str] = []
    for path in paths:
        if path.startswith("@"):
            try:
                lines = [line.decode().strip() for line in read_lines(path[1:])]
            except UnicodeDecodeError:
                raise GtokError(f"{path[1:]}: expected a list of files, found no text") from None
            if not any(lines):
                raise GtokError(f"{path[1:]}: expected a list of files, found none")
            found += filter(None, lines)
        else:
            found.append(path)
    return found


def expect_stdin_once(*paths: str) -> None:
    """Refuse to read standard input twice, which would be empty then."""
    if paths.count("-") > 1:
        raise GtokError("standard input can be read once, found '-' twice")


def in_progress(
    work: Callable[[str], T], paths: Sequence[str], threads: int, quiet: bool
) -> Iterator[T]:
    """What `work` makes of each file, in order, with a progress bar if somebody is watching."""
    with progress_bar(len(paths), "file", quiet or len(paths) < 2) as bar:
        for made in in_threads(work, paths, threads):
            if bar is not None:
                bar.update()
            yield made


@contextlib.contextmanager
def progress_bar(total: int, unit: str, hidden: bool) -> Iterator[Any]:
    """A bar on standard error, None where nobody is watching."""
    if hidden or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(total=total, unit=unit, leave=False) as bar:
        yield bar


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table for people: the first column to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        first = cells[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return "  ".join([first, *rest])

    rule = "  ".join("─" * width for width in widths)
    return "\n".join([line(header), rule, *(line(row) for row in rows)])
