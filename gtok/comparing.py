"""How alike samples are."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from gtok.errors import GtokError, check_choice
from gtok.samples import Sample, as_batch
from gtok.tokenizer import Tokenizer
from gtok.universe import Universe


def similarity(
    matrix_or_samples: Any,
    metric: Literal["jaccard", "cosine"] = "jaccard",
    *,
    universe: Universe | Sample | None = None,
) -> NDArray[np.float64]:
    """How alike samples are, from one sparse product.

    Parameters
    ----------
    matrix_or_samples : matrix of shape (n, regions), or list of samples
        A samples x regions matrix, as `TokenBatch.to_csr` makes it; or what to make one of.
    metric : {"jaccard", "cosine"}
        Regions in both over regions in either, or the cosine of the angle between the counts.
    universe : Universe, path, or sample, optional
        The regions that samples are told in; without it, their own ones, merged
        (`Universe.from_samples`). A matrix has its regions already.

    Returns
    -------
    float64[n, n]
        From 0 to 1; 0 for a sample without any region, itself apart.

    Examples
    --------
    >>> import gtok
    >>> samples = [["chr1:150-350"], ["chr1:310-320", "chr2:7-9"]]
    >>> gtok.similarity(samples)
    array([[1. , 0.5],
           [0.5, 1. ]])
    >>> t = gtok.Tokenizer(["chr1:100-200", "chr1:300-400", "chr2:5-50"])
    >>> gtok.similarity(t.encode_batch(samples).to_csr(3)).round(2)
    array([[1.  , 0.33],
           [0.33, 1.  ]])
    """
    check_choice("metric", metric, ("jaccard", "cosine"))
    if not scipy.sparse.issparse(matrix_or_samples) and not _is_dense(matrix_or_samples):
        matrix_or_samples = _matrix_of(as_batch(matrix_or_samples), universe)
    elif universe is not None:
        raise GtokError("a universe goes with samples; a matrix has its regions already")
    rows = scipy.sparse.csr_matrix(matrix_or_samples, dtype=np.float64, copy=True)
    rows.sum_duplicates()
    if metric == "jaccard":
        rows.data[:] = rows.data != 0
    shared = (rows @ rows.T).toarray()
    size = shared.diagonal()
    if metric == "jaccard":
        whole = size[:, None] + size[None, :] - shared
    else:
        whole = np.sqrt(size[:, None] * size[None, :])
    alike = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    np.fill_diagonal(alike, 1)
    alike = np.minimum(alike, 1)  # which rounding may pass
    return np.asarray(alike, dtype=np.float64)


def _is_dense(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.ndim == 2


def _matrix_of(samples: list[Sample], universe: Universe | Sample | None) -> Any:
    words = Universe.from_samples(samples) if universe is None else universe
    tokenizer = Tokenizer(words, unknown="drop")
    return tokenizer.encode_batch(samples).to_csr(len(tokenizer.universe))
