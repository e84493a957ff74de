"""Filling samples up to one length, as lists, arrays or tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gtok.errors import GtokError

Side = Literal["right", "left"]


def padded_width(longest: int, length: int | None, multiple: int | None) -> int:
    """The columns that samples need, filled up to a length and to a multiple."""
    width = max(longest, length or 0)
    if multiple:
        width = -(-width // multiple) * multiple
    return width


def rows_inside(offsets: NDArray[np.int64], width: int, side: Side) -> NDArray[np.bool_]:
    """Where the tokens of each sample are in a matrix of this width."""
    lengths = np.diff(offsets)
    at = np.arange(width)
    if side == "right":
        return at < lengths[:, None]
    return at >= width - lengths[:, None]


def fill_rows(column: NDArray[Any], inside: NDArray[np.bool_], filler: float) -> NDArray[Any]:
    """A column as a matrix, int64 or float32, filled up where no token is."""
    dtype = column.dtype if column.dtype.kind == "f" else np.int64
    rows = np.full(inside.shape, filler, dtype=dtype)
    rows[inside] = column
    return rows


class Encoding(dict[str, Any]):
    """What a tokenizer's call returns: a dict whose keys, input_ids say, are also attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def to_tensor(array: NDArray[Any], kind: str) -> Any:
    """An array as NumPy ("np") or torch ("pt") knows it.

    Raises
    ------
    ImportError
        If torch is asked for and not there.
    GtokError
        If `kind` is something else.
    """
    if kind == "np":
        return array
    if kind == "pt":
        try:
            import torch
        except ModuleNotFoundError:
            raise ImportError("return_tensors='pt' needs torch: pip install torch") from None
        return torch.from_numpy(array)
    raise GtokError(f"expected return_tensors 'np' or 'pt', found {kind!r}")


def pad_features(
    features: Any,
    fillers: Mapping[str, float],
    *,
    padding: bool | str,
    max_length: int | None,
    multiple: int | None,
    side: Side,
    return_attention_mask: bool,
    return_tensors: str | None,
) -> Encoding:
    """Fill up samples that are encoded already; what `Tokenizer.pad` documents."""
    if isinstance(features, Mapping):
        columns = dict(features)
    else:
        names = list(features[0]) if len(features) else ["input_ids"]
        columns = {name: [feature[name] for feature in features] for name in names}
    if "input_ids" not in columns:
        raise GtokError(f"expected features with input_ids, found {', '.join(columns)}")
    first = columns["input_ids"][:1]
    single = len(first) > 0 and not hasattr(first[0], "__len__")
    if single:
        columns = {name: [column] for name, column in columns.items()}
    lengths = [len(ids) for ids in columns["input_ids"]]
    if return_attention_mask and "attention_mask" not in columns:
        columns["attention_mask"] = [[1] * n for n in lengths]
    if padding:
        fixed = max_length if padding == "max_length" else None
        width = padded_width(max(lengths, default=0), fixed, multiple)
        for name, filler in fillers.items():
            if name in columns:
                columns[name] = [
                    _fill(np.asarray(row).tolist(), width, filler, side) for row in columns[name]
                ]
    if return_tensors is not None:
        if len(set(lengths)) > 1 and not padding:
            raise GtokError(
                "expected samples of one length for a tensor: ask for padding or truncation; "
                f"found lengths {min(lengths)} to {max(lengths)}"
            )
        columns = {
            name: to_tensor(_as_array(name, column), return_tensors)
            for name, column in columns.items()
        }
    return Encoding({name: column[0] for name, column in columns.items()} if single else columns)


def _as_array(name: str, column: Any) -> NDArray[Any]:
    """A column of numbers as one array, int64 where they are whole."""
    try:
        array = np.array(column)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "iufb" and array.size + len(column):
        raise GtokError(f"the column {name!r} does not make a tensor: expected numbers, aligned")
    return array if array.dtype.kind == "f" else array.astype(np.int64)


def _fill(row: list[Any], width: int, filler: float, side: Side) -> list[Any]:
    filling = [filler] * (width - len(row))
    return row + filling if side == "right" else filling + row
