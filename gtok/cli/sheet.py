"""The sample sheet: a table of files and what is known of them."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection
from typing import Any

from gtok.errors import GtokError
from gtok.files import read_lines

# As a number is written, so that "001" stays the text that it is.
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_MISSING = ("", "NA", "nan", "NaN")


def read_sheet(
    path: str, reserved: Collection[str] = ()
) -> tuple[list[str], list[str] | None, dict[str, list[Any]]]:
    """Read a tsv with a header: `path`, perhaps `sample`, and further columns.

    Parameters
    ----------
    path : str
        The table. The paths in it are as on the command line, not relative to it.
    reserved : collection of str
        Names that no further column may have.

    Returns
    -------
    paths : list of str
    samples : list of str or None
        Names, where there is such a column.
    known : dict of str to list
        The further columns: numbers where every cell is one, or missing; else texts.

    Raises
    ------
    GtokError
        Naming the line, if it is no such table.
    """
    texts = (
        text
        for line in read_lines(path)
        for text in line.removeprefix(b"\xef\xbb\xbf").decode().split("\r")  # as old Macs end lines
    )
    rows = csv.reader(texts, delimiter="\t", quoting=csv.QUOTE_NONE)
    try:
        lines = [(rows.line_num, row) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise GtokError(f"{path}, line {rows.line_num}: {error}") from None
    except UnicodeDecodeError:
        raise GtokError(f"{path}: expected a table as text, found something else") from None
    if not lines:
        raise GtokError(f"{path}: expected a header with a column 'path', found nothing")
    _, header = lines.pop(0)
    header = [name.strip() for name in header]
    if "path" not in header:
        found = ", ".join(map(repr, header))
        raise GtokError(
            f"{path}: expected a header with a column 'path', columns split by tabs, found {found}"
        )
    for name in header:
        if not name or header.count(name) > 1 or name in reserved:
            why = "twice" if header.count(name) > 1 else "which gtok writes itself"
            raise GtokError(f"{path}: found a column {name!r}" + (f" {why}" if name else ""))
    if not lines:
        raise GtokError(f"{path}: expected a row for each sample, found none")
    columns: dict[str, list[str]] = {name: [] for name in header}
    for number, row in lines:
        if len(row) != len(header):
            raise GtokError(
                f"{path}, line {number}: expected {len(header)} columns, found {len(row)}"
            )
        for name, cell in zip(header, row, strict=True):
            if name in ("path", "sample") and not cell.strip():
                raise GtokError(f"{path}, line {number}: expected a {name}, found nothing")
            columns[name].append(cell.strip())
    paths, samples = columns.pop("path"), columns.pop("sample", None)
    return paths, samples, {name: _typed(cells) for name, cells in columns.items()}


def _is_held(cell: str) -> bool:
    """Whether a float holds the number: whole ones to the last digit, others by and large."""
    value = float(cell)
    return math.isfinite(value) and (not _WHOLE.fullmatch(cell) or int(value) == int(cell))


def _typed(cells: list[str]) -> list[Any]:
    if all(_WHOLE.fullmatch(cell) and len(cell) < 20 and abs(int(cell)) < 2**63 for cell in cells):
        return [int(cell) for cell in cells]
    present = [cell for cell in cells if cell not in _MISSING]
    if present and all(_DECIMAL.fullmatch(cell) and _is_held(cell) for cell in present):
        return [float("nan") if cell in _MISSING else float(cell) for cell in cells]
    return cells
