"""`TokenBatch` to `scipy.sparse`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import DTypeLike, NDArray

from gtok._counts import sum_rows
from gtok.batch import TokenBatch
from gtok.errors import GtokError, check_choice

Reduce: TypeAlias = Literal["sum", "max"]
REDUCE = ("sum", "max")

_STEP = 1 << 22  # items by which a column grows: what is reserved and not used stays small


def to_csr(
    batches: Iterable[TokenBatch],
    n_columns: int,
    *,
    binary: bool = False,
    dtype: DTypeLike | None = None,
    reduce: Reduce = "sum",
) -> scipy.sparse.csr_matrix:
    """The samples x regions matrix of batches; what `TokenBatch.to_csr` documents.

    Each batch is asked for when those before it are in the matrix already: hardly more memory
    is used than the matrix needs.
    """
    if n_columns < 0:
        raise GtokError(f"expected a number of columns, found {n_columns}")
    check_choice("reduce", reduce, REDUCE)
    indptr = [np.zeros(1, dtype=np.int64)]
    indices, data = _Column(np.int32), _Column(dtype)
    for batch in batches:
        if data.dtype is None:
            data.dtype = np.dtype(np.int32 if batch.values is None or binary else np.float32)
        ends, columns, sums = sum_rows(
            batch.ids, batch.offsets, n_columns, batch.values, reduce == "max"
        )
        indptr.append(ends[1:] + indices.size)
        indices.append(columns)
        data.append(np.ones(len(sums)) if binary else sums)
    places = np.concatenate(indptr)
    if places[-1] < 2**31:
        places = places.astype(np.int32)
    matrix = scipy.sparse.csr_matrix(
        (data.take(), indices.take(), places), shape=(len(places) - 1, n_columns)
    )
    matrix.has_canonical_format = True
    return matrix


class _Column:
    """Items of one type that come piece by piece, in one piece of memory."""

    def __init__(self, dtype: DTypeLike | None) -> None:
        self.dtype = None if dtype is None else np.dtype(dtype)
        self.data: NDArray[Any] | None = None
        self.size = 0

    def append(self, items: NDArray[Any]) -> None:
        if self.data is None:
            self.data = np.empty(0, dtype=self.dtype)
        size = self.size + len(items)
        if size > len(self.data):
            # Grown where it stands or moved page by page, as the system does for large ones.
            self.data.resize(size + min(size, _STEP), refcheck=False)
        new = self.data[self.size : size]
        with np.errstate(invalid="ignore"):  # asked about below
            new[:] = items
        if new.dtype.kind in "iu" and (new != items).any():
            raise GtokError(f"expected sums that fit {new.dtype}, found up to {items.max():g}")
        self.size = size

    def take(self) -> NDArray[Any]:
        if self.data is None:
            return np.empty(0, dtype=self.dtype or np.int32)
        self.data.resize(self.size, refcheck=False)
        return self.data
