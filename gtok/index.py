"""Building an overlap index over regions, and asking it."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gtok._ailist import AIList
from gtok._bits import Bits
from gtok._hits import keep_enough
from gtok._order import laid_out
from gtok.errors import GtokError, check_choice
from gtok.regions import RegionSet
from gtok.samples import Sample, as_regions
from gtok.threads import Stop, in_threads

Method: TypeAlias = Literal["auto", "bits", "ailist"]
METHODS = ("auto", "bits", "ailist")
OverlapOf: TypeAlias = Literal["query", "region", "both"]
OVERLAP_OF = ("query", "region", "both")

ROWS_AT_ONCE = 1 << 16  # queries that a thread takes at a time, at least
_PROBES = 4096  # regions asked for to choose a method
# Looking at a row in vain costs 1 ns. AIList costs 20 ns more than BITS where there are further
# lists, and 10 more per hit, which has to be merged.
_WASTE = 20
_WASTE_PER_HIT = 10

_Columns: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]


class OverlapIndex(Protocol):
    """What the compiled indexes have in common.

    Chromosomes are numbers of the universe's, anything else being an unknown one. Both methods
    answer for any number of queries at once, without the GIL, and never change the index.
    """

    def count(
        self,
        chroms: NDArray[np.int32],
        starts: NDArray[np.int32],
        ends: NDArray[np.int32],
        counts: NDArray[np.int64] | None = None,
        stop: Stop | None = None,
    ) -> NDArray[np.int64]:
        """The number of regions that each query overlaps, int64[n].

        With `counts`, zeros, they are written there. Once `stop` is set, some are missing.
        """

    def overlaps(
        self,
        chroms: NDArray[np.int32],
        starts: NDArray[np.int32],
        ends: NDArray[np.int32],
        offsets: NDArray[np.int64] | None = None,
        stop: Stop | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The ids of the regions that each query overlaps: offsets int64[n + 1], ids int32[m].

        With `offsets`, zeros, they are written there. Once `stop` is set, some are missing.
        """


class Limits(NamedTuple):
    """What a hit has to have in common with its region: base pairs, and shares of lengths."""

    least: int
    of_query: float
    of_region: float

    @classmethod
    def of(cls, min_overlap: float | None, overlap_of: OverlapOf) -> Limits | None:
        """Read `min_overlap` and `overlap_of` as `RegionIndex.overlaps` documents them."""
        check_choice("overlap_of", overlap_of, OVERLAP_OF)
        if min_overlap is None:
            return None
        if isinstance(min_overlap, (int, np.integer)) and not isinstance(min_overlap, bool):
            if 1 <= min_overlap < 2**31:
                return cls(int(min_overlap), 0, 0)
        elif isinstance(min_overlap, (float, np.floating)) and 0 < min_overlap <= 1:
            share = float(min_overlap)
            of_query = share if overlap_of in ("query", "both") else 0
            return cls(0, of_query, share if overlap_of in ("region", "both") else 0)
        raise GtokError(
            "expected min_overlap as base pairs (a whole number from 1) or as a share "
            f"(a fraction over 0, up to 1.0), found {min_overlap!r}"
        )


class RegionIndex:
    """Answers which regions of a set overlap a query; made by `build_index`.

    Any number of threads may ask at once.

    Attributes
    ----------
    method : {"bits", "ailist"}
        The method in use.
    regions : RegionSet
        What was indexed.
    """

    def __init__(self, kernel: OverlapIndex, method: str, regions: RegionSet) -> None:
        self.kernel = kernel
        self.method = method
        self.regions = regions

    def __repr__(self) -> str:
        return f"RegionIndex(method={self.method!r}, {self.regions.summary})"

    def count(
        self,
        queries: Sample,
        *,
        min_overlap: float | None = None,
        overlap_of: OverlapOf = "query",
        n_threads: int = 1,
    ) -> NDArray[np.int64]:
        """The number of regions that each query overlaps.

        Parameters
        ----------
        queries : sample
            Whatever `as_regions` takes.
        min_overlap, overlap_of
            What counts as an overlap, as in `overlaps`.
        n_threads : int
            Threads to use.

        Returns
        -------
        int64[n]

        Examples
        --------
        >>> import gtok
        >>> index = gtok.build_index(["chr1:100-200", "chr1:150-300"])
        >>> index.count(["chr1:180-190", "chr1:250-260", "chr2:180-190"])
        array([2, 1, 0])
        """
        regions = as_regions(queries)
        limits = Limits.of(min_overlap, overlap_of)
        codes = regions.codes_for(self.regions.chrom_names)
        counts = np.zeros(len(regions), dtype=np.int64)
        stop = Stop()

        def answer(rows: slice) -> None:
            columns = (codes[rows], regions.starts[rows], regions.ends[rows])
            if limits is None:
                self.kernel.count(*columns, counts[rows], stop)
            else:
                counts[rows] = np.diff(self._enough(columns, limits, stop)[0])

        for _ in in_threads(answer, _shares(len(regions), n_threads, limits), n_threads, stop):
            pass
        return counts

    def overlaps(
        self,
        queries: Sample,
        *,
        min_overlap: float | None = None,
        overlap_of: OverlapOf = "query",
        n_threads: int = 1,
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The regions that each query overlaps.

        Parameters
        ----------
        queries : sample
            Whatever `as_regions` takes.
        min_overlap : int or float, optional
            How much the two have to have in common: an int is base pairs; a float a share of a
            length, over 0 and up to 1.0, as bedtools's ``-f`` and ``-F``. Without it, any
            overlap is one.
        overlap_of : {"query", "region", "both"}
            The length that a share is of: the query's (bedtools's ``-f``, the query being
            ``-a``), the region's (``-F``), or each of the two (``-f -r``, reciprocal). Any share
            of no length is reached.
        n_threads : int
            Threads to use.

        Returns
        -------
        offsets : int64[n + 1]
            The ids of query i are ``ids[offsets[i]:offsets[i + 1]]``.
        ids : int32[m]
            Row numbers of the indexed set; of one query in its order by (start, end, row).

        Examples
        --------
        >>> import gtok
        >>> index = gtok.build_index(["chr1:100-200", "chr1:150-300"])
        >>> index.overlaps(["chr1:180-190", "chr1:190-290"])
        (array([0, 2, 4]), array([0, 1, 0, 1], dtype=int32))
        >>> index.overlaps(["chr1:180-190", "chr1:190-290"], min_overlap=0.5)
        (array([0, 2, 3]), array([0, 1, 1], dtype=int32))
        """
        regions = as_regions(queries)
        limits = Limits.of(min_overlap, overlap_of)
        codes = regions.codes_for(self.regions.chrom_names)
        offsets = np.zeros(len(regions) + 1, dtype=np.int64)
        shares = _shares(len(regions), n_threads, limits)
        stop = Stop()

        def answer(rows: slice) -> NDArray[np.int32]:
            columns = (codes[rows], regions.starts[rows], regions.ends[rows])
            here = offsets[rows.start : rows.stop + 1]
            if limits is None:
                return self.kernel.overlaps(*columns, here, stop)[1]
            kept, ids = self._enough(columns, limits, stop)
            here[1:] = kept[1:]
            return ids

        parts = list(in_threads(answer, shares, n_threads, stop))
        if len(parts) == 1:
            return offsets, parts[0]
        firsts = np.cumsum([0, *map(len, parts)])
        all_ids = np.empty(firsts[-1], dtype=np.int32)

        def place(part: int) -> None:
            all_ids[firsts[part] : firsts[part + 1]] = parts[part]
            rows = shares[part]
            offsets[rows.start + 1 : rows.stop + 1] += firsts[part]

        for _ in in_threads(place, range(len(parts)), n_threads):
            pass
        return offsets, all_ids

    def _enough(
        self, columns: _Columns, limits: Limits, stop: Stop
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The regions that queries overlap by as much as is asked for."""
        offsets, ids = self.kernel.overlaps(*columns, stop=stop)
        if stop.is_set():
            return offsets, ids
        _, starts, ends = columns
        return keep_enough(
            offsets, ids, starts, ends, self.regions.starts, self.regions.ends, *limits
        )


def _shares(n: int, n_threads: int, limits: Limits | None) -> list[slice]:
    """The rows of n to ask for at a time.

    All of them where one thread does it; with limits, as many as have their hits in the cache when
    these are looked at once more.
    """
    rows = ROWS_AT_ONCE
    if limits is None:
        rows = max(n if n_threads == 1 else -(-n // max(8 * n_threads, 1)), rows)
    return [slice(lo, min(lo + rows, n)) for lo in range(0, max(n, 1), rows)]


def build_index(regions: Sample, method: Method = "auto") -> RegionIndex:
    """Index regions for overlap queries.

    Parameters
    ----------
    regions : sample
        Whatever `as_regions` takes; ids are row numbers. Repeated rows are allowed.
    method : {"auto", "bits", "ailist"}
        BITS (Layer et al. 2013) is the faster one where regions are of similar length, AIList
        (Feng et al. 2019) where some are so long that they cover many others. "auto" builds
        BITS, asks it for a sample of the regions themselves, and takes AIList if it had to look
        at many in vain. Both give the same answers.

    Returns
    -------
    RegionIndex

    Examples
    --------
    >>> import gtok
    >>> gtok.build_index(["chr1:100-200", "chr2:5-50"])
    RegionIndex(method='bits', 2 regions on 2 chromosomes, 145 bp)
    """
    check_choice("method", method, METHODS)
    regions = as_regions(regions)
    order = regions.genome_order()
    n_chroms = len(regions.chrom_names)
    bounds, spans = laid_out(regions.codes, regions.starts, regions.ends, order, n_chroms)
    if method != "ailist":
        bits = Bits(bounds, spans, order)
        if method == "bits" or not _wastes(bits, bounds, spans):
            return RegionIndex(bits, "bits", regions)
    return RegionIndex(AIList(bounds, spans, order), "ailist", regions)


def _wastes(bits: Bits, bounds: NDArray[np.int64], spans: NDArray[np.int32]) -> bool:
    """Whether queries like the regions themselves make BITS look at many regions in vain."""
    n = len(spans)
    if n == 0:
        return False
    rows = np.linspace(0, n - 1, min(n, _PROBES)).astype(np.int64)
    chroms = np.searchsorted(bounds, rows, side="right") - 1
    probes = (chroms.astype(np.int32), spans[rows, 0].copy(), spans[rows, 1].copy())
    hits = bits.count(*probes).mean()
    return float(bits.scanned(*probes).mean() - hits) > _WASTE + _WASTE_PER_HIT * float(hits)
