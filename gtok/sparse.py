"""`TokenBatch` to `scipy.sparse`; how alike samples are."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import scipy.sparse
from numpy.typing import DTypeLike, NDArray

from gtok._counts import sum_rows
from gtok.batch import TokenBatch
from gtok.errors import GtokError


def to_csr(
    batch: TokenBatch, n_columns: int, *, binary: bool = False, dtype: DTypeLike | None = None
) -> scipy.sparse.csr_matrix:
    """The samples x regions matrix of a batch; what `TokenBatch.to_csr` documents."""
    if n_columns < 0:
        raise GtokError(f"expected a number of columns, found {n_columns}")
    indptr, indices, data = sum_rows(batch.ids, batch.offsets, n_columns, batch.values)
    if dtype is None:
        dtype = np.int32 if batch.values is None or binary else np.float32
    values = np.ones(len(data), dtype=dtype) if binary else data.astype(dtype)
    if values.dtype.kind in "iu" and not binary and (values != data).any():
        raise GtokError(f"expected sums that fit {values.dtype}, found up to {data.max():g}")
    if len(indices) < 2**31:
        indptr = indptr.astype(np.int32)
    matrix = scipy.sparse.csr_matrix((values, indices, indptr), shape=(len(batch), n_columns))
    matrix.has_canonical_format = True
    return matrix


def similarity(
    matrix: Any, metric: Literal["jaccard", "cosine"] = "jaccard"
) -> NDArray[np.float64]:
    """How alike the rows of a samples x regions matrix are, from one sparse product.

    Parameters
    ----------
    matrix : scipy.sparse matrix, shape (n, regions)
        As `TokenBatch.to_csr` makes it.
    metric : {"jaccard", "cosine"}
        Regions in both over regions in either, or the cosine of the angle between the counts.

    Returns
    -------
    float64[n, n]
        From 0 to 1; 0 for a sample without any region, itself apart.

    Examples
    --------
    >>> import gtok
    >>> t = gtok.Tokenizer(["chr1:100-200", "chr1:300-400", "chr2:5-50"])
    >>> b = t.encode_batch([["chr1:150-350"], ["chr1:310-320", "chr2:7-9"]])
    >>> gtok.similarity(b.to_csr(3)).round(2)
    array([[1.  , 0.33],
           [0.33, 1.  ]])
    """
    rows = scipy.sparse.csr_matrix(matrix, dtype=np.float64, copy=True)
    rows.sum_duplicates()
    if metric == "jaccard":
        rows.data[:] = rows.data != 0
    elif metric != "cosine":
        raise GtokError(f"expected metric 'jaccard' or 'cosine', found {metric!r}")
    shared = (rows @ rows.T).toarray()
    size = shared.diagonal()
    if metric == "jaccard":
        whole = size[:, None] + size[None, :] - shared
    else:
        whole = np.sqrt(size[:, None] * size[None, :])
    alike = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    np.fill_diagonal(alike, 1)
    return np.asarray(alike, dtype=np.float64)
