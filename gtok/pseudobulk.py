"""Fragments of many cells to one file per group of cells, as genome browsers and callers want."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gtok._bed import BedParser
from gtok._format import format_rows
from gtok.errors import GtokError
from gtok.files import MAX_LINE, display_name, read_lines, whole_folder
from gtok.fragments import Paths, feed_fragments, files_of, progress_by_bytes

Groups: TypeAlias = str | os.PathLike[str] | Mapping[str, str]

_ROWS_AT_ONCE = 1 << 16
_TBI_LIMIT = 1 << 29  # base pairs that an index of tabix reaches; beyond them it takes a CSI
_NOT_PLAIN = re.compile(r"[^\w.+-]+")  # what a file's name does not hold everywhere


def split_fragments(
    paths: Paths,
    groups: Groups,
    folder: str | os.PathLike[str],
    *,
    progress: bool = False,
) -> dict[str, int]:
    """Write a file of fragments for each group of cells: sorted, bgzip'd, indexed by tabix.

    Each file is read once. The fragments that belong to a group are held in memory, 20 bytes each,
    until all are read; fields beyond the read support are not kept.

    Parameters
    ----------
    paths : path, list of paths, or dict of sample to path
        As of `gtok.count_fragments`.
    groups : path, or dict of barcode to group
        A table of two columns, tabs between: the barcode, and the group it belongs to. Of several
        files barcodes are told with their samples, ``sample:barcode``, as `CellMatrix.names` has
        them, and stay so in what is written. A first line with the names ``barcode`` and ``group``
        is passed over. Fragments of other barcodes are passed over.
    folder : str or path
        Made if it is not there. Files are called ``GROUP.fragments.tsv.gz``, what is neither
        letter, digit nor one of ``_.+-`` becoming ``_``.
    progress : bool
        Show a progress bar, by bytes read.

    Returns
    -------
    dict of str to int
        The fragments of each group. A group without any has a file, too.

    Raises
    ------
    GtokError
        If a group or a barcode makes no sense, or no barcode is found at all.
    ImportError
        If pysam is not there.
    """
    try:
        import pysam
    except ModuleNotFoundError:
        raise ImportError("pseudobulk needs pysam: pip install 'gtok[cells]'") from None
    group_of = _groups_of(groups)
    file_names = _file_names(dict.fromkeys(group_of.values()), _where(groups))
    numbers = {group: number for number, group in enumerate(file_names)}
    of_cell = np.array([numbers[group] for group in group_of.values()], dtype=np.int32)
    chrom_names, columns = _read(paths, list(group_of), progress)
    cells = columns[3]
    if len(cells) == 0:
        raise GtokError(
            f"{_where(groups)}expected fragments of the barcodes that are grouped, the first being "
            f"{next(iter(group_of))!r}, found none"
        )
    labels = [cell.encode() for cell in group_of]
    sizes = np.bincount(of_cell[cells], minlength=len(numbers))
    by_group = np.argsort(of_cell[cells], kind="stable")
    ends = np.cumsum(sizes)
    with whole_folder(folder) as hidden, _quiet_htslib(pysam, folder):
        for group, number in numbers.items():
            rows = by_group[ends[number] - sizes[number] : ends[number]]
            codes, starts, stops, of_rows, supports = (column[rows] for column in columns)
            order = np.lexsort((of_rows, stops, starts, codes))
            # htslib takes "s3://..." for something else than a folder, and pysam crashes where no
            # file can be made: it is made before.
            path = os.path.join(os.path.abspath(hidden), file_names[group])
            with open(path, "wb"):
                pass
            with pysam.BGZFile(path, "wb", None) as handle:
                for lo in range(0, len(order), _ROWS_AT_ONCE):
                    at = order[lo : lo + _ROWS_AT_ONCE]
                    lines = format_rows(
                        chrom_names, codes[at], starts[at], stops[at], supports[at],
                        labels=labels, label_codes=of_rows[at],
                    )  # fmt: skip
                    handle.write(bytes(lines))
            is_long = bool(len(stops)) and int(stops.max()) > _TBI_LIMIT
            pysam.tabix_index(path, preset="bed", csi=is_long)
    return {group: int(sizes[number]) for group, number in numbers.items()}


def _read(
    paths: Paths, names: list[str], progress: bool
) -> tuple[list[bytes], list[NDArray[np.int32]]]:
    """Chromosomes, and the columns of all fragments of some cells, the cell being its place."""
    chrom_codes: dict[bytes, int] = {}
    parts: list[list[NDArray[np.int32]]] = []
    files = files_of(paths)
    with progress_by_bytes([path for _, path in files], progress) as advance:
        for sample, path in files:
            prefix = "" if sample is None else f"{sample}:"
            rows = [row for row, name in enumerate(names) if name.startswith(prefix)]
            barcodes = [names[row].removeprefix(prefix).encode() for row in rows]
            if not barcodes:
                raise GtokError(
                    f"expected barcodes of the sample {sample!r}, which read {prefix + 'AAAC-1'!r} "
                    f"say, found {names[0]!r} and others"
                )
            parser = BedParser((), MAX_LINE, True, barcodes)
            row_of = np.array(rows, dtype=np.int32)

            def take(parser: BedParser = parser, row_of: NDArray[np.int32] = row_of) -> None:
                codes, starts, ends = parser.columns()
                cells, supports = parser.fragment_columns()
                chroms = [chrom_codes.setdefault(c, len(chrom_codes)) for c in parser.chrom_names()]
                kept = np.flatnonzero(cells >= 0)
                table = np.array(chroms, dtype=np.int32)
                parts.append([table[codes[kept]], starts[kept], ends[kept], row_of[cells[kept]],
                              supports[kept]])  # fmt: skip

            feed_fragments(parser, path, take, advance)
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return list(chrom_codes), columns


def _groups_of(groups: Groups) -> dict[str, str]:
    """The group of each barcode."""
    if isinstance(groups, Mapping):
        found = {str(barcode): str(group) for barcode, group in groups.items()}
        if not all(found) or not all(found.values()):
            raise GtokError("expected a barcode and a group, found an empty one")
    else:
        found = {}
        name = display_name(groups)
        for number, line in enumerate(read_lines(groups), 1):
            fields = [field.strip() for field in line.decode(errors="replace").split("\t")]
            if fields == [""] or (number == 1 and fields[0].lower() == "barcode"):
                continue
            if len(fields) != 2 or not all(fields):
                raise GtokError(
                    f"{name}, line {number}: expected a barcode and its group, a tab between, "
                    f"found {line.decode(errors='replace')!r:.60}"
                )
            if found.setdefault(fields[0], fields[1]) != fields[1]:
                raise GtokError(
                    f"{name}, line {number}: expected one group for {fields[0]!r}, found "
                    f"{found[fields[0]]!r} and {fields[1]!r}"
                )
    if not found:
        raise GtokError(f"{_where(groups)}expected barcodes and their groups, found none")
    return found


def _where(groups: Groups) -> str:
    """What a message about groups begins with."""
    return "" if isinstance(groups, Mapping) else f"{display_name(groups)}: "


def _file_names(groups: Iterable[str], where: str) -> dict[str, str]:
    """A name for the file of each group."""
    names = {group: f"{_NOT_PLAIN.sub('_', group)}.fragments.tsv.gz" for group in groups}
    first: dict[str, str] = {}
    for group, name in names.items():
        if first.setdefault(name.lower(), group) != group:
            raise GtokError(
                f"{where}expected groups whose files have names of their own, found "
                f"{first[name.lower()]!r} and {group!r}, both {name}"
            )
    return names


@contextlib.contextmanager
def _quiet_htslib(pysam: Any, folder: str | os.PathLike[str]) -> Iterator[None]:
    """What goes wrong in htslib as an error, and not on standard error."""
    before = pysam.set_verbosity(0)
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise
        raise OSError(
            f"{os.fspath(folder)}: the files of the groups cannot be written, is the disk full? "
            f"{error}"
        ) from None
    finally:
        pysam.set_verbosity(before)
