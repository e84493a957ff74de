"""What counts as a sample, and `as_regions`: where a user's input becomes columns."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from gtok.bed import MAX_COORDINATE
from gtok.errors import GtokError
from gtok.frames import as_frame, kind_of
from gtok.regions import Region, RegionSet, is_region_text

Sample: TypeAlias = Any  # what as_regions takes


def as_regions(x: Sample, *, extra: bool = False, signal: str | int | None = None) -> RegionSet:
    """Read one sample, whatever it is.

    Parameters
    ----------
    x : sample
        A path (``str`` or path object, ``-`` being standard input), a `RegionSet`, a data frame
        (pandas, polars, pyarrow, bioframe, PyRanges), one region, or a list of regions:
        ``(chrom, start, end)`` tuples, ``"chrom:start-end"`` strings, or objects with ``chrom``
        or ``chr``, ``start`` and ``end``. A lone string that reads as ``chrom:start-end`` and
        names no file is one region. Never consumed, never changed.
    extra : bool
        Keep names and scores, where a file or a frame has them.
    signal : str or int, optional
        The column of numbers to keep: of a BED file as `RegionSet.from_bed` calls them, of a
        frame by its name. A `RegionSet` has to have one already.

    Returns
    -------
    RegionSet

    Raises
    ------
    TypeError
        If `x` is nothing of this kind, or a list of several kinds.
    GtokError
        If a region or a file is not what it should be.

    Examples
    --------
    >>> from gtok import as_regions
    >>> as_regions(["chr1:100-200", "chr2:5-50"])
    RegionSet(2 regions on 2 chromosomes, 145 bp)
    >>> as_regions([("chr1", 100, 200)])[0]
    Region(chrom='chr1', start=100, end=200)
    """
    if path_of(x) is not None:
        return RegionSet.from_bed(x, extra=extra, signal=signal)
    if not isinstance(x, RegionSet) and not _is_region(x) and as_frame(x) is not None:
        return RegionSet.from_frame(x, extra=extra, signal=signal)
    regions = _from_memory(x)
    if signal is not None and regions.signal is None and len(regions):
        raise GtokError(
            f"expected regions with a signal, found {kind_of(x)} without: read them with "
            f"RegionSet.from_bed(..., signal=...) or from_frame(..., signal=...)"
        )
    return regions


def _from_memory(x: Sample) -> RegionSet:
    """A sample that is neither a file nor a frame."""
    if isinstance(x, RegionSet):
        return x
    if isinstance(x, str) or _is_region(x):
        return _from_list([x])
    if _is_list(x):
        return _from_list(list(x))
    raise TypeError(
        f"expected a path, a RegionSet, a data frame or a list of regions, found {kind_of(x)}"
    )


def as_exclusions(x: Sample) -> RegionSet:
    """Regions to leave out: any sample, or a list of region strings and names of chromosomes.

    Raises
    ------
    GtokError
        If a string of a list is a file's name: a file is passed by itself.

    Examples
    --------
    >>> from gtok.samples import as_exclusions
    >>> list(as_exclusions(["chrM", "chr1:100-200"]))
    [Region(chrom='chrM', start=0, end=2147483647), Region(chrom='chr1', start=100, end=200)]
    """
    if as_frame(x) is not None or not _is_list(x) or not all(isinstance(item, str) for item in x):
        return as_regions(x)
    regions = []
    for item in x:
        if os.path.exists(item) or re.search(r"/|\.(bed|b?gz|\w+Peak)$", item):
            raise GtokError(
                f"expected regions or names of chromosomes in the list to exclude, found the "
                f"file {item!r}: pass it by itself, or RegionSet.from_bed of it"
            )
        regions.append(
            Region.parse(item) if is_region_text(item) else Region(item, 0, MAX_COORDINATE)
        )
    return _from_list(regions)


def batch_of(x: Any) -> list[Sample] | None:
    """The samples of a batch; None where `x` is a single sample.

    A list of paths, frames, region sets or lists is a batch; a list of regions is a sample.

    Raises
    ------
    TypeError
        If `x` is a list of both.
    """
    if (
        isinstance(x, (str, os.PathLike, RegionSet))
        or _is_region(x)
        or not _is_list(x)
        or as_frame(x) is not None
    ):
        return None
    items = list(x)
    single = [
        _is_region(item) or (isinstance(item, str) and _is_region_string(item)) for item in items
    ]
    if all(single):
        return None
    if any(single):
        odd = single.index(not single[0])
        raise TypeError(
            f"expected a list of regions or a list of samples, found both: "
            f"item 0 is {_shown(items[0])}, item {odd} is {_shown(items[odd])}"
        )
    return items


def as_batch(xs: Any) -> list[Sample]:
    """The samples of a batch, which may be gone through any number of times.

    Raises
    ------
    TypeError
        If `xs` is a single sample.
    """
    if hasattr(xs, "__iter__") and not hasattr(xs, "__len__") and as_frame(xs) is None:
        xs = list(xs)
    samples = batch_of(xs)
    if samples is None:
        if _is_list(xs) and not isinstance(xs, RegionSet) and as_frame(xs) is None and not len(xs):
            return []
        raise TypeError(
            f"expected a list of samples, found one sample ({kind_of(xs)}): pass it in a list"
        )
    return samples


def sample_names(paths: Sequence[str]) -> list[str]:
    """A name for each file: its own, without folders and endings, where that tells them apart.

    Examples
    --------
    >>> from gtok.samples import sample_names
    >>> sample_names(["a/liver.bed.gz", "b/lung.narrowPeak"])
    ['liver', 'lung']
    >>> sample_names(["a/peaks.bed", "b/peaks.bed"])
    ['a/peaks.bed', 'b/peaks.bed']
    """
    shown = [os.fsencode(path).decode(errors="replace") for path in paths]
    stems = ["stdin" if path == "-" else _stem(path) for path in shown]
    counts = Counter(stems)
    return [stem if counts[stem] == 1 else path for stem, path in zip(stems, shown, strict=True)]


def _stem(path: str) -> str:
    name = os.path.basename(path)
    for ending in (".gz", ".bgz"):
        name = name.removesuffix(ending)
    return os.path.splitext(name)[0] or name


def _shown(item: Any) -> str:
    return f"{item!r:.60}" if isinstance(item, str) else kind_of(item)


def _is_region_string(text: str) -> bool:
    return is_region_text(text) and not os.path.exists(text)


def _is_region(x: Any) -> bool:
    """Whether this is one region: a tuple that begins with a name and two numbers, or an object."""
    if isinstance(x, tuple):
        return len(x) >= 3 and isinstance(x[0], str) and _is_number(x[1]) and _is_number(x[2])
    return (
        (hasattr(x, "chrom") or hasattr(x, "chr"))
        and _is_number(getattr(x, "start", None))
        and _is_number(getattr(x, "end", None))
    )


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float, np.number)) and not isinstance(x, bool)


def _is_list(x: Any) -> bool:
    return (
        hasattr(x, "__len__")
        and hasattr(x, "__iter__")
        and not isinstance(x, (str, bytes, bytearray, memoryview, dict, set, frozenset))
    )


def _from_list(items: list[Any]) -> RegionSet:
    """A sample from regions of one kind: strings, tuples, or objects."""
    if not items:
        return RegionSet([], [], [])
    rows: list[tuple[str, Any, Any]]
    if isinstance(items[0], str):
        _expect_kind(items, lambda item: isinstance(item, str), "a region string")
        rows = [Region.parse(item) for item in items]
    elif isinstance(items[0], tuple):
        _expect_kind(
            items,
            lambda item: isinstance(item, tuple) and _is_region(item),
            "a (chrom, start, end)",
        )
        rows = [item[:3] for item in items]
    else:
        _expect_kind(
            items,
            lambda item: not isinstance(item, tuple) and _is_region(item),
            "an object with chrom or chr, start and end",
        )
        rows = [
            (item.chrom if hasattr(item, "chrom") else item.chr, item.start, item.end)
            for item in items
        ]
    chroms, starts, ends = zip(*rows, strict=True)
    return RegionSet(chroms, starts, ends)


def _expect_kind(items: list[Any], is_right: Any, what: str) -> None:
    for row, item in enumerate(items):
        if not is_right(item):
            shown = repr(item)
            shown = shown if len(shown) < 80 else f"{shown[:77]}..."
            raise TypeError(f"item {row}: expected {what}, found {kind_of(item)} {shown}")


def path_of(x: Sample) -> str | None:
    """The path of a sample that is a file."""
    if isinstance(x, os.PathLike) or (isinstance(x, str) and not _is_region_string(x)):
        return os.fspath(x)
    return None
