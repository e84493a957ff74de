"""Data frames, of whatever library, to columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtok.bed import TextColumn
from gtok.errors import GtokError

if TYPE_CHECKING:
    import narwhals as nw

# What the field calls the columns of a table of regions, the most common first.
CHROM_COLUMNS = ("chrom", "chr", "chromosome", "Chromosome", "seqnames")
START_COLUMNS = ("start", "Start", "chromStart")
END_COLUMNS = ("end", "End", "chromEnd", "stop")
NAME_COLUMNS = ("name", "Name")
SCORE_COLUMNS = ("score", "Score")


class FrameColumns(NamedTuple):
    """The columns of a frame of regions, the coordinates as they were found."""

    codes: NDArray[np.int32]
    chrom_names: list[str]
    starts: NDArray[Any]
    ends: NDArray[Any]
    texts: list[TextColumn | None]
    signal: NDArray[np.float64] | None


def as_frame(x: Any) -> nw.DataFrame[Any] | None:
    """The sample as a narwhals frame, None where it is no data frame."""
    if not hasattr(type(x), "columns"):  # asking a lazy frame itself would work it out
        return None
    import narwhals as nw

    if type(x).__name__ == "PyRanges" and hasattr(type(x), "df"):
        x = x.df  # up to version 0 no frame itself
    try:
        frame = nw.from_native(x, pass_through=True)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
    except nw.exceptions.DuplicateError as error:
        raise GtokError(f"expected each column once: {error}") from None
    return frame if isinstance(frame, nw.DataFrame) else None


def read_frame(
    frame: nw.DataFrame[Any], extra: bool = False, signal: str | int | None = None
) -> FrameColumns:
    """Take the columns of a frame of regions by the names that the field gives them.

    Raises
    ------
    GtokError
        If there is no column of such a name, or a chromosome or a signal is missing.
    """
    codes, chrom_names = _codes_of(frame[_find_column(frame, CHROM_COLUMNS)])
    starts = frame[_find_column(frame, START_COLUMNS)].to_numpy()
    ends = frame[_find_column(frame, END_COLUMNS)].to_numpy()
    texts: list[TextColumn | None] = [None, None]
    if extra:
        texts = [
            next((_text_of(frame[name]) for name in names if name in frame.columns), None)
            for names in (NAME_COLUMNS, SCORE_COLUMNS)
        ]
    numbers = None if signal is None else _signal_of(frame, signal)
    return FrameColumns(codes, chrom_names, starts, ends, texts, numbers)


def _find_column(frame: nw.DataFrame[Any], names: tuple[str, ...]) -> str:
    for name in names:
        if name in frame.columns:
            return name
    raise GtokError(
        f"expected a column called {', '.join(names[:-1])} or {names[-1]}, "
        f"found {', '.join(map(str, frame.columns)) or 'no columns'}"
    )


def _codes_of(column: nw.Series[Any]) -> tuple[NDArray[np.int32], list[str]]:
    """Chromosome names to codes in order of first appearance, without an object per row."""
    import narwhals as nw

    if column.is_null().any():
        row = int(np.argmax(column.is_null().to_numpy()))
        raise GtokError(f"column {column.name!r}, row {row}: expected a chromosome, found nothing")
    if column.dtype.is_float() or column.dtype == nw.Boolean:
        raise TypeError(f"column {column.name!r}: expected chromosomes, found {column.dtype}")
    if len(column) == 0:
        return np.empty(0, dtype=np.int32), []
    texts = column.cast(nw.String)
    names = texts.unique(maintain_order=True).to_list()
    codes = texts.replace_strict(names, list(range(len(names))), return_dtype=nw.Int32)
    return codes.to_numpy().astype(np.int32), names


def _signal_of(frame: nw.DataFrame[Any], signal: str | int) -> NDArray[np.float64]:
    """A column of numbers, none of them missing."""
    if signal not in frame.columns:
        raise GtokError(
            f"expected a column called {signal!r} for the signal, "
            f"found {', '.join(map(str, frame.columns))}"
        )
    column = frame.get_column(signal)
    if not column.dtype.is_numeric():
        raise TypeError(f"column {signal!r}: expected numbers, found {column.dtype}")
    numbers = column.to_numpy().astype(np.float64)
    if not np.isfinite(numbers).all():
        row = int(np.argmin(np.isfinite(numbers)))
        raise GtokError(f"column {signal!r}, row {row}: expected a number, found {numbers[row]}")
    return numbers


def _text_of(column: nw.Series[Any]) -> TextColumn:
    values = zip(column.to_list(), column.is_null().to_list(), strict=True)
    return TextColumn.from_list(["." if missing else str(value) for value, missing in values])


def kind_of(x: object) -> str:
    """The name of an object's type, for messages."""
    kind = type(x)
    name = kind.__qualname__
    return name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"
