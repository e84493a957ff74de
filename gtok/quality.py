"""What is known of each cell beside its counts: start sites to look at, and the columns of it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gtok.bed import MAX_COORDINATE, read_bed
from gtok.errors import BedError, GtokError
from gtok.files import display_name, read_lines
from gtok.frames import as_frame
from gtok.regions import RegionSet
from gtok.samples import Sample, as_regions, path_of

# A window around a start site, and two beside it, base pairs.
_NEAR, _FLANK, _AWAY = 50, 100, 2000

_GTF = re.compile(r"\.(gtf|gff3?)(\.b?gz)?$", re.IGNORECASE)
_TRANSCRIPTS = (b"transcript", b"mRNA")


def start_sites(source: Sample) -> RegionSet:
    """Read transcription start sites, each once, as regions of one base pair.

    Parameters
    ----------
    source : sample
        A GTF or GFF3 file, by its name: the first base pair of each transcript, or of each gene
        where it has no transcripts. A BED file or a data frame: the first base pair of each
        region, the last one where its strand (BED column 6, ``strand``) is ``-``. Of whatever
        else `as_regions` takes, the first base pair of each region.

    Raises
    ------
    BedError, GtokError
        Naming the file and the line, if there is something else.
    """
    path = path_of(source)
    on_minus: Any = None
    if path is not None and _GTF.search(path):
        regions, on_minus = _read_gtf(path)
    elif path is not None:
        columns = read_bed(path, keep=(5,))
        regions = RegionSet.from_codes(*columns[:1], columns.chrom_names, *columns[1:3])
        if columns.texts[0] is not None:
            on_minus = np.array([text == "-" for text in columns.texts[0].to_list()], dtype=bool)
    else:
        regions = as_regions(source)
        frame = None if isinstance(source, RegionSet) else as_frame(source)
        for name in ("strand", "Strand"):
            if frame is not None and name in frame.columns:
                on_minus = np.array([text == "-" for text in frame[name].to_list()], dtype=bool)
    if len(regions) == 0:
        where = "" if path is None else f"{display_name(path)}: "
        raise GtokError(f"{where}expected transcription start sites, found none")
    at = regions.starts.astype(np.int64)
    if on_minus is not None:
        at = np.where(on_minus, regions.ends.astype(np.int64) - 1, at)
    at = np.maximum(at, 0)
    codes, at = np.unique(np.column_stack([regions.codes, at]), axis=0).T
    return RegionSet.from_codes(codes.astype(np.int32), regions.chrom_names, at, at + 1)


def _read_gtf(path: str) -> tuple[RegionSet, NDArray[np.bool_]]:
    """The transcripts of a GTF or GFF3 file, or its genes, and which lie on the reverse strand."""
    name = display_name(path)
    found: dict[bool, list[tuple[bytes, int, int, bool]]] = {True: [], False: []}
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip() or line.startswith(b"#"):
            continue
        fields = line.split(b"\t", 8)
        if len(fields) < 8:
            raise BedError(
                f"{name}, line {number}: expected nine fields of GTF, tabs between, "
                f"found {len(fields)}"
            )
        is_transcript = fields[2] in _TRANSCRIPTS
        if not is_transcript and fields[2] != b"gene":
            continue
        # Eleven digits are over 2^31, and int() refuses thousands.
        start, end = (
            int(field) if field.isdigit() and len(field) <= 10 else -1 for field in fields[3:5]
        )
        if not 1 <= start <= end <= MAX_COORDINATE:
            raise BedError(
                f"{name}, line {number}: expected a start and an end, base pairs from 1, "
                f"found {fields[3].decode(errors='replace')!r:.60} and "
                f"{fields[4].decode(errors='replace')!r:.60}"
            )
        found[is_transcript].append((fields[0], start - 1, end, fields[6] == b"-"))
    rows = found[True] or found[False]
    if not rows:
        return RegionSet([], [], []), np.empty(0, dtype=bool)
    chroms, starts, ends, on_minus = zip(*rows, strict=True)
    return (
        RegionSet([chrom.decode(errors="replace") for chrom in chroms], starts, ends),
        np.array(on_minus),
    )


def site_windows(sites: RegionSet) -> tuple[RegionSet, RegionSet]:
    """Windows around start sites, and two beside each, as far as they lie on the chromosome."""
    at = sites.starts.astype(np.int64)

    def windows(starts: NDArray[np.int64], length: int) -> RegionSet:
        ends = np.clip(starts + length, 0, MAX_COORDINATE)
        codes = np.resize(sites.codes, len(starts))
        return RegionSet.from_codes(codes, sites.chrom_names, np.clip(starts, 0, ends), ends)

    near = windows(at - _NEAR, 2 * _NEAR + 1)
    beside = windows(np.concatenate([at - _AWAY, at + _AWAY - _FLANK + 1]), _FLANK)
    return near, beside


def quality_columns(
    table: NDArray[np.int64], has_mitochondria: bool, sites: NDArray[np.int64] | None
) -> dict[str, NDArray[Any]]:
    """What `CellMatrix.stats` has, column by column, of the sums that `FragmentCounter` keeps."""
    n, within, mito, supports, supported, free, mono, excluded = table.T
    nan = np.full(len(table), np.nan)

    def share(part: NDArray[Any], whole: NDArray[Any]) -> Any:
        return np.divide(part, whole, out=nan.copy(), where=whole > 0)

    columns = {
        "n_fragments": n.copy(),
        "n_excluded": excluded.copy(),
        "frip": share(within, n - mito),
        "duplicates": share(supports - supported, supports),
        "mitochondrial": share(mito, n) if has_mitochondria else nan,
        "nucleosome_signal": share(mono, free),
    }
    if sites is not None:
        near, beside = sites.T
        density = near / (2 * _NEAR + 1)
        columns["tss_enrichment"] = density / np.maximum(beside / (2 * _FLANK), 0.2)
    return columns
