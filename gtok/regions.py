"""`Region` and `RegionSet`: regions as columns."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gtok._order import genome_order
from gtok.bed import (
    BedColumns,
    Source,
    TextColumn,
    read_bed,
    read_bed_parts,
    signal_column,
    to_signal,
    write_bed,
)
from gtok.columns import check_name, coordinates
from gtok.errors import GtokError
from gtok.files import MAX_LINE
from gtok.frames import as_frame, kind_of, read_frame

MAX_REGIONS = 2**31 - 7
_REGION_STRING = re.compile(r"(.+):([0-9]{1,300})-([0-9]{1,300})", re.DOTALL)


def is_region_text(text: str) -> bool:
    """Whether a string has the form ``chrom:start-end``."""
    return _REGION_STRING.fullmatch(text) is not None


class Region(NamedTuple):
    """One region, 0-based and half-open.

    Examples
    --------
    >>> from gtok import Region
    >>> region = Region("chr1", 100, 200)
    >>> str(region), region.chr, region.end - region.start
    ('chr1:100-200', 'chr1', 100)
    """

    chrom: str
    start: int
    end: int

    @property
    def chr(self) -> str:
        """The chromosome, by its shorter name."""
        return self.chrom

    @classmethod
    def parse(cls, text: str) -> Region:
        """Read ``chrom:start-end``, from the right, since a contig's name may hold a colon.

        Raises
        ------
        GtokError
            If the text is not of this form.

        Examples
        --------
        >>> from gtok import Region
        >>> Region.parse("HLA-A*01:01:01:01:5-20")
        Region(chrom='HLA-A*01:01:01:01', start=5, end=20)
        """
        match = _REGION_STRING.fullmatch(text)
        if match is None:
            raise GtokError(f"expected a region as chrom:start-end, found {text!r}")
        return cls(match[1], int(match[2]), int(match[3]))

    def __str__(self) -> str:
        return f"{self.chrom}:{self.start}-{self.end}"


class RegionSet:
    """Regions as columns, in the order in which they were given.

    Immutable; whatever reads regions in gtok makes one of these (see `as_regions`).

    Parameters
    ----------
    chroms : sequence of str
        The chromosome of each region.
    starts, ends : array-like of int
        Base pairs, 0-based and half-open, from 0 to 2**31 - 1, start <= end.

    Attributes
    ----------
    codes : int32[n]
        The chromosome of each region, a row of `chrom_names`.
    chrom_names : tuple of str
        In order of first appearance.
    starts, ends : int32[n]
        Base pairs.
    signal : float64[n] or None
        A number per region, where one was asked for when it was read (`from_bed`, `from_frame`).

    Raises
    ------
    GtokError
        If a coordinate is out of its range or an end lies before its start.

    Examples
    --------
    >>> from gtok import RegionSet
    >>> regions = RegionSet(["chr1", "chr1", "chrX"], [100, 500, 20], [200, 650, 80])
    >>> regions
    RegionSet(3 regions on 2 chromosomes, 310 bp)
    >>> regions[1], regions.chrom_names
    (Region(chrom='chr1', start=500, end=650), ('chr1', 'chrX'))
    """

    __slots__ = (
        "_names", "_order", "_scores", "chrom_names", "codes", "ends", "signal", "source", "starts",
    )  # fmt: skip

    codes: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    chrom_names: tuple[str, ...]
    signal: NDArray[np.float64] | None
    source: Source | None
    _names: TextColumn | None
    _scores: TextColumn | None
    _order: NDArray[np.int32] | None

    def __init__(self, chroms: Sequence[str], starts: ArrayLike, ends: ArrayLike) -> None:
        numbers: dict[str, int] = {}
        codes = np.fromiter(
            (numbers.setdefault(chrom, len(numbers)) for chrom in chroms), dtype=np.int32
        )
        for name in numbers:
            check_name(name)
        _fill(self, codes, tuple(numbers), coordinates(starts, "starts"), coordinates(ends, "ends"))

    @classmethod
    def from_codes(
        cls,
        codes: NDArray[np.int32],
        chrom_names: Sequence[str],
        starts: ArrayLike,
        ends: ArrayLike,
    ) -> RegionSet:
        """Make a set from chromosomes that are numbers of `chrom_names` already."""
        _expect_few(len(codes))
        codes = np.array(codes, dtype=np.int32)
        for name in chrom_names:
            check_name(name)
        if len(set(chrom_names)) != len(chrom_names):
            twice = next(name for name in chrom_names if list(chrom_names).count(name) > 1)
            raise GtokError(f"expected each chromosome's name once, found {twice!r} twice")
        if len(codes) and not 0 <= codes.min() <= codes.max() < len(chrom_names):
            raise GtokError(f"expected chromosome codes from 0 to {len(chrom_names) - 1}")
        regions = cls.__new__(cls)
        _fill(
            regions,
            codes,
            tuple(chrom_names),
            coordinates(starts, "starts"),
            coordinates(ends, "ends"),
        )
        return regions

    @classmethod
    def from_bed(
        cls,
        path: str | os.PathLike[str],
        *,
        extra: bool = False,
        signal: str | int | None = None,
        max_line: int = MAX_LINE,
    ) -> RegionSet:
        """Read a BED file: plain, gzip or bgzip (told by its bytes), ``-`` being standard input.

        Comments (``#``), blank lines and ``track`` and ``browser`` lines are passed over.
        Anything else that is no region is an error.

        Parameters
        ----------
        path : str or path
            The file.
        extra : bool
            Keep the name (column 4) and the score (column 5).
        signal : str or int, optional
            A column of numbers to keep: "score" (column 5), "signalValue" (7), "pValue" (8) or
            "qValue" (9), as ENCODE's narrowPeak and broadPeak have them (13 to 15 in a file
            called ``.gappedPeak``), or the number of a column, from 4 on.
        max_line : int
            The longest line accepted, in bytes.

        Raises
        ------
        BedError
            Naming the file, the line, and what was found, if the file is not BED, or a signal is
            no number.
        """
        keep: tuple[int, ...] = (3, 4) if extra else ()
        column = None if signal is None else signal_column(signal, path)
        bed = read_bed(path, keep if column is None else (*keep, column - 1), max_line)
        numbers = None
        if column is not None:
            numbers = to_signal(bed.texts[-1], column, bed.source, len(bed.codes))
        regions = cls.__new__(cls)
        _set(regions, bed.codes, bed.chrom_names, bed.starts, bed.ends, bed.source, numbers)
        if extra:
            _attach(regions, *bed.texts[:2])
        return regions

    @classmethod
    def from_frame(
        cls, frame: Any, *, extra: bool = False, signal: str | int | None = None
    ) -> RegionSet:
        """Take the columns of a pandas, polars, pyarrow, bioframe or PyRanges frame.

        Parameters
        ----------
        frame : data frame
            With columns chrom, chr, chromosome, Chromosome or seqnames; start, Start or
            chromStart; end, End, chromEnd or stop.
        extra : bool
            Keep the columns name and score, where there are any.
        signal : str, optional
            The name of a column of numbers to keep.

        Raises
        ------
        GtokError
            If a column is missing, or a value is.
        """
        table = as_frame(frame)
        if table is None:
            raise TypeError(f"expected a data frame, found {kind_of(frame)}")
        columns = read_frame(table, extra, signal)
        regions = cls.from_codes(columns.codes, columns.chrom_names, columns.starts, columns.ends)
        if columns.signal is not None:
            columns.signal.flags.writeable = False
            object.__setattr__(regions, "signal", columns.signal)
        _attach(regions, *columns.texts)
        return regions

    @classmethod
    def concatenate(cls, sets: Sequence[RegionSet]) -> RegionSet:
        """The regions of several sets, one after the other; names, scores and signals are not kept.

        Examples
        --------
        >>> from gtok import RegionSet
        >>> regions = RegionSet(["chr2"], [5], [50])
        >>> RegionSet.concatenate([regions, RegionSet(["chr1"], [1], [2])])
        RegionSet(2 regions on 2 chromosomes, 46 bp)
        """
        names = list(dict.fromkeys(name for regions in sets for name in regions.chrom_names))
        none: NDArray[np.int32] = np.empty(0, dtype=np.int32)
        return cls.from_codes(
            np.concatenate([none, *(regions.codes_for(names) for regions in sets)]),
            names,
            np.concatenate([none, *(regions.starts for regions in sets)]),
            np.concatenate([none, *(regions.ends for regions in sets)]),
        )

    @property
    def names(self) -> list[str] | None:
        """The name of each region, where they have any and it was kept."""
        return None if self._names is None else self._names.to_list()

    @property
    def scores(self) -> NDArray[np.float64] | None:
        """The score of each region, NaN where there is none, where they are numbers."""
        return None if self._scores is None else self._scores.to_floats()

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Region]:
        for code, start, end in zip(
            self.codes.tolist(), self.starts.tolist(), self.ends.tolist(), strict=True
        ):
            yield Region(self.chrom_names[code], start, end)

    def __getitem__(self, row: Any) -> Any:
        """One region by its number, or a `RegionSet` by a slice, a mask or an array of numbers."""
        if isinstance(row, (int, np.integer)):
            return Region(
                self.chrom_names[self.codes[row]], int(self.starts[row]), int(self.ends[row])
            )
        rows = np.arange(len(self))[row]
        if rows.ndim != 1:
            raise TypeError(
                f"expected a number, a slice, a mask or an array of rows, found {row!r}"
            )
        regions = RegionSet.__new__(RegionSet)
        signal = None if self.signal is None else self.signal[rows]
        columns = (self.codes[rows], self.chrom_names, self.starts[rows], self.ends[rows])
        _set(regions, *columns, None, signal)
        _attach(regions, *(text and text.take(rows) for text in (self._names, self._scores)))
        return regions

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RegionSet):
            return NotImplemented
        return (
            len(self) == len(other)
            and np.array_equal(self.starts, other.starts)
            and np.array_equal(self.ends, other.ends)
            and np.array_equal(self.codes, other.codes_for(self.chrom_names))
        )

    __hash__ = None  # type: ignore[assignment]  # compared by content

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a RegionSet does not change; make a new one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a RegionSet does not change; make a new one")

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: getattr(self, name) for name in self.__slots__ if name != "_order"}
        return _unpickle, (state,)

    def __copy__(self) -> RegionSet:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> RegionSet:
        return self

    @property
    def summary(self) -> str:
        """How many regions on how many chromosomes, and their base pairs, in words."""
        total = int(self.ends.sum(dtype=np.int64) - self.starts.sum(dtype=np.int64))
        on = len(np.unique(self.codes))
        return (
            f"{len(self):,} region{'s' * (len(self) != 1)} on "
            f"{on:,} chromosome{'s' * (on != 1)}, {total:,} bp"
        )

    def __repr__(self) -> str:
        return f"RegionSet({self.summary})"

    def codes_for(self, chrom_names: Sequence[str]) -> NDArray[np.int32]:
        """The codes of the regions' chromosomes among other names, -1 where they have none."""
        if self.chrom_names == tuple(chrom_names[: len(self.chrom_names)]):
            return self.codes
        numbers = {name: code for code, name in enumerate(chrom_names)}
        table = np.array([numbers.get(name, -1) for name in self.chrom_names], dtype=np.int32)
        return table[self.codes] if len(table) else self.codes

    def genome_order(self) -> NDArray[np.int32] | None:
        """The rows by (chromosome's code, start, end, row); None where they stand so already."""
        if not hasattr(self, "_order"):
            order = genome_order(self.codes, self.starts, self.ends)
            if order is not None:
                order.flags.writeable = False
            object.__setattr__(self, "_order", order)
        return self._order

    def with_texts(self, names: TextColumn | None, scores: TextColumn | None) -> RegionSet:
        """The same regions with these names and scores."""
        regions = RegionSet.__new__(RegionSet)
        columns = (self.codes, self.chrom_names, self.starts, self.ends)
        _set(regions, *columns, self.source, self.signal)
        _attach(regions, names, scores)
        return regions

    def where(self, row: int) -> str:
        """Say which row this is: by its line, if it came from a file."""
        if self.source is None:
            return f"row {row}"
        return f"{self.source.name}, line {self.source.line(row)}"

    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """The regions as a data frame with columns chrom, start, end and, if kept, name, score.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}
            Whose frame.
        """
        import narwhals as nw

        columns: dict[str, Any] = {
            "chrom": np.array(self.chrom_names, dtype=object)[self.codes].tolist(),
            "start": self.starts,
            "end": self.ends,
        }
        if (names := self.names) is not None:
            columns["name"] = names
        if (scores := self.scores) is not None:
            columns["score"] = scores
        try:
            return nw.from_dict(columns, backend=backend).to_native()
        except ModuleNotFoundError:
            raise ImportError(
                f"a {backend} data frame needs {backend}: pip install {backend}"
            ) from None

    def to_bed(self, path: str | os.PathLike[str]) -> None:
        """Write a BED file, whole or not at all, gzip'd if its name ends in ``.gz``.

        Names and scores, where they were kept, become columns 4 and 5.
        """
        columns = (self.codes, self.starts, self.ends)
        write_bed(path, self.chrom_names, columns, self._names, self._scores)


def parts_of_bed(
    path: str | os.PathLike[str], chrom_names: Sequence[str], take: Callable[[RegionSet], None]
) -> None:
    """Read a BED file a megabyte at a time, and pass on the regions of each part, at least one.

    Their codes are those of `chrom_names`, and the next ones for chromosomes that it lacks.

    Raises
    ------
    BedError
        As `RegionSet.from_bed` does, once the parts before the bad line were passed on.
    """

    def make(bed: BedColumns) -> None:
        regions = RegionSet.__new__(RegionSet)
        _set(regions, bed.codes, bed.chrom_names, bed.starts, bed.ends, bed.source)
        take(regions)

    read_bed_parts(path, chrom_names, make)


def _expect_few(n: int) -> None:
    # Rows are numbered in 32 bits, and so are tokens: seven of them are special.
    if n >= MAX_REGIONS:
        raise GtokError(f"expected fewer than 2**31 - 7 regions, found {n:,}")


def _fill(
    regions: RegionSet,
    codes: NDArray[np.int32],
    chrom_names: tuple[str, ...],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
) -> None:
    """Check and freeze the columns of a set made by hand."""
    if not len(codes) == len(starts) == len(ends):
        raise GtokError(
            f"expected columns of one length, found {len(codes)} chromosomes, "
            f"{len(starts)} starts and {len(ends)} ends"
        )
    backward = starts > ends
    if backward.any():
        row = int(np.argmax(backward))
        raise GtokError(f"row {row}: expected start <= end, found {starts[row]} > {ends[row]}")
    _set(regions, codes, chrom_names, starts, ends, None)


def _set(
    regions: RegionSet,
    codes: NDArray[np.int32],
    chrom_names: tuple[str, ...],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    source: Source | None,
    signal: NDArray[np.float64] | None = None,
) -> None:
    _expect_few(len(codes))
    columns = {"codes": codes, "starts": starts, "ends": ends, "signal": signal}
    for name, column in columns.items():
        if column is not None:
            column.flags.writeable = False
        object.__setattr__(regions, name, column)
    object.__setattr__(regions, "chrom_names", chrom_names)
    object.__setattr__(regions, "source", source)
    _attach(regions, None, None)


def _attach(regions: RegionSet, names: TextColumn | None, scores: TextColumn | None) -> None:
    object.__setattr__(regions, "_names", names)
    object.__setattr__(regions, "_scores", scores)


def _unpickle(state: dict[str, Any]) -> RegionSet:
    regions = RegionSet.__new__(RegionSet)
    for name, value in state.items():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
        object.__setattr__(regions, name, value)
    return regions
