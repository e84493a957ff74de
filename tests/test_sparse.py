"""Samples x regions matrices against dense ones, and how alike samples are."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from gtok import GtokError, TokenBatch, Tokenizer, similarity
from gtok._counts import sum_rows

N = 12
rows = st.lists(
    st.lists(st.tuples(st.integers(0, N + 6), st.integers(-3, 9)), max_size=20), max_size=6
)


def batch_of(drawn, weighted=False):
    flat = [token for row in drawn for token in row]
    return TokenBatch(
        np.array([id for id, _ in flat], dtype=np.int32),
        np.cumsum([0, *map(len, drawn)]),
        np.array([weight for _, weight in flat], dtype=np.float32) if weighted else None,
    )


def dense_of(drawn, n_columns, weighted=False):
    """The matrix, one token at a time."""
    dense = np.zeros((len(drawn), n_columns))
    met = np.zeros((len(drawn), n_columns), dtype=bool)
    for i, row in enumerate(drawn):
        for id, weight in row:
            if id < n_columns:
                dense[i, id] += weight if weighted else 1
                met[i, id] = True
    return dense, met


def check_canonical(matrix):
    """Sorted, nothing twice, seen by looking and not by asking the matrix's own flags."""
    assert type(matrix) is scipy.sparse.csr_matrix
    for lo, hi in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        assert (np.diff(matrix.indices[lo:hi]) > 0).all()
    assert matrix.has_sorted_indices
    assert matrix.has_canonical_format
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
    assert len(matrix.indices) == len(matrix.data) == matrix.indptr[-1]


@given(rows, st.booleans(), st.booleans(), st.sampled_from([N, N + 7, 3, 1]))
def test_against_a_dense_matrix(drawn, weighted, binary, n_columns):
    matrix = batch_of(drawn, weighted).to_csr(n_columns, binary=binary)
    dense, met = dense_of(drawn, n_columns, weighted)
    assert matrix.shape == dense.shape
    check_canonical(matrix)
    assert matrix.toarray().tolist() == (met if binary else dense).tolist()
    # A column that was met is stored, even where its values add up to nothing.
    assert matrix.nnz == met.sum()
    assert matrix.dtype == (np.float32 if weighted and not binary else np.int32)


@pytest.mark.parametrize("n", [63, 64, 65, 66, 1000, 5000])
@pytest.mark.parametrize("spread", [1, 40, 3000])
def test_many_columns_in_a_row(n, spread):
    """Either side of the number of columns where the way of sorting changes, and every digit."""
    chance = np.random.default_rng(n)
    ids = chance.permutation(n) * spread
    again = chance.choice(ids, n // 2)
    reversed_row = np.sort(ids)[::-1]
    batch = TokenBatch(
        np.concatenate([ids, again, reversed_row, np.sort(ids)]),
        np.array([0, n + n // 2, 2 * n + n // 2, 3 * n + n // 2]),
    )
    matrix = batch.to_csr(n * spread)
    check_canonical(matrix)
    counts = np.bincount(np.concatenate([ids, again]), minlength=n * spread)
    assert np.array_equal(matrix[0].toarray()[0], counts)
    for i in (1, 2):
        assert np.array_equal(matrix[i].indices, np.sort(ids))
        assert (matrix[i].data == 1).all()


def test_columns_that_differ_in_high_digits_only():
    # Multiples of 2**22, the last digit of three that are sorted by.
    ids = np.arange(100, dtype=np.int64)[::-1] % 10 * 2**22 + np.arange(100) // 10
    batch = TokenBatch(ids, np.array([0, 100]))
    matrix = batch.to_csr(10 * 2**22)
    check_canonical(matrix)
    assert np.array_equal(matrix.indices, np.unique(ids))
    assert matrix.nnz == 100


def test_special_tokens_are_no_columns():
    universe = [("chr1", 0, 10), ("chr1", 20, 30)]
    tokenizer = Tokenizer(universe, unknown="region")
    batch = tokenizer.encode_batch([[("chr1", 5, 25), ("chr1", 12, 13)], [], [("chr1", 15, 16)]])
    assert batch.ids.tolist() == [0, 1, 2, 2]
    matrix = batch.to_csr(2)
    assert matrix.toarray().tolist() == [[1, 1], [0, 0], [0, 0]]
    framed = batch.framed([tokenizer.cls_token_id], [tokenizer.sep_token_id])
    assert (framed.to_csr(2) != matrix).nnz == 0


def test_negative_ids_are_no_columns():
    batch = TokenBatch(np.array([-1, 0, -100]), np.array([0, 3]))
    assert batch.to_csr(2).toarray().tolist() == [[1, 0]]


def test_values_are_summed():
    tokenizer = Tokenizer([("chr1", 0, 100), ("chr1", 200, 300)])
    sample = [("chr1", 0, 10), ("chr1", 50, 60), ("chr1", 90, 220)]
    matrix = tokenizer.encode_batch([sample], values="bp").to_csr(2)
    assert matrix.toarray().tolist() == [[30, 20]]
    assert matrix.dtype == np.float32
    binary = tokenizer.encode_batch([sample], values="bp").to_csr(2, binary=True)
    assert binary.toarray().tolist() == [[1, 1]]
    assert binary.dtype == np.int32


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float32, np.float64, bool, "uint16"])
@pytest.mark.parametrize("binary", [False, True])
def test_dtypes(dtype, binary):
    matrix = batch_of([[(1, 1), (1, 1), (0, 1)]]).to_csr(3, binary=binary, dtype=dtype)
    assert matrix.dtype == np.dtype(dtype)
    expected = [1, 1, 0] if binary or np.dtype(dtype) == bool else [1, 2, 0]
    assert matrix.toarray().astype(int).tolist() == [expected]


@pytest.mark.parametrize("drawn", [[], [[]], [[], [], []]])
@pytest.mark.parametrize("n_columns", [0, 5])
def test_nothing(drawn, n_columns):
    matrix = batch_of(drawn).to_csr(n_columns)
    assert matrix.shape == (len(drawn), n_columns)
    assert matrix.nnz == 0
    check_canonical(matrix)


def test_no_columns_but_tokens():
    assert batch_of([[(1, 1)], [(2, 1)]]).to_csr(0).shape == (2, 0)


def test_a_number_of_columns_is_not_negative():
    with pytest.raises(GtokError, match="found -1"):
        batch_of([]).to_csr(-1)


def test_ids_that_are_every_second_of_an_array():
    ids = np.arange(20, dtype=np.int32)[::2]
    batch = TokenBatch(ids, np.array([0, 4, 10]), np.arange(20, dtype=np.float32)[::2])
    assert batch.to_csr(20).sum(axis=1).ravel().tolist() == [[12, 78]]


def test_the_batch_stays_as_it_is():
    batch = batch_of([[(5, 1), (3, 1), (5, 1)]])
    matrix = batch.to_csr(N)
    matrix.data[:] = 9
    matrix.indices[:] = 0
    assert batch.ids.tolist() == [5, 3, 5]
    assert batch.to_csr(N).toarray()[0, 5] == 2


def test_large_counts_are_exact():
    n = 2**20 + 1
    batch = TokenBatch(np.zeros(n, dtype=np.int32), np.array([0, n]))
    assert batch.to_csr(1).toarray().tolist() == [[n]]


@given(rows)
def test_the_kernel_alone(drawn):
    batch = batch_of(drawn, weighted=True)
    indptr, indices, data = sum_rows(batch.ids, batch.offsets, N, batch.values)
    assert (indptr.dtype, indices.dtype, data.dtype) == (np.int64, np.int32, np.float64)
    dense, met = dense_of(drawn, N, weighted=True)
    assert indptr.tolist() == np.cumsum([0, *met.sum(axis=1)]).tolist()
    assert indices.tolist() == [int(j) for _, j in zip(*np.nonzero(met), strict=True)]
    assert data.tolist() == dense[met].tolist()


# --- how alike


def naive(dense, metric):
    """Pair by pair."""
    n = len(dense)
    alike = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if metric == "jaccard":
                mine, theirs = set(np.flatnonzero(dense[i])), set(np.flatnonzero(dense[j]))
                top, bottom = len(mine & theirs), len(mine | theirs)
            else:
                top = float(dense[i] @ dense[j])
                bottom = float(np.sqrt((dense[i] ** 2).sum() * (dense[j] ** 2).sum()))
            alike[i, j] = 1 if i == j else (top / bottom if bottom else 0)
    return alike


@given(rows, st.sampled_from(["jaccard", "cosine"]))
def test_similarity_pair_by_pair(drawn, metric):
    drawn = [[(id, abs(weight)) for id, weight in row] for row in drawn]
    for weighted in (False, True):
        matrix = batch_of(drawn, weighted).to_csr(N)
        found = similarity(matrix, metric)
        assert found.dtype == np.float64
        assert found.shape == (len(drawn), len(drawn))
        dense, _ = dense_of(drawn, N, weighted)
        np.testing.assert_allclose(found, naive(dense, metric), atol=1e-12)
        assert np.array_equal(found, found.T)


def test_similarity_is_jaccard_by_default():
    matrix = batch_of([[(0, 1), (1, 1), (1, 1)], [(1, 1), (2, 1)], []]).to_csr(3)
    assert similarity(matrix).round(3).tolist() == [[1, 0.333, 0], [0.333, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize("metric", ["jaccard", "cosine"])
@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.float64])
def test_similarity_leaves_the_matrix_as_it_is(metric, dtype):
    matrix = batch_of([[(0, 1), (0, 1)], [(0, 1), (2, 1)]]).to_csr(3, dtype=dtype)
    kept = matrix.copy()
    similarity(matrix, metric)
    assert (matrix != kept).nnz == 0
    assert matrix.dtype == dtype


@pytest.mark.parametrize("metric", ["jaccard", "cosine"])
@pytest.mark.parametrize(
    "form", [np.asarray, scipy.sparse.csc_matrix, scipy.sparse.coo_array, scipy.sparse.csr_array]
)
def test_similarity_of_other_matrices(metric, form):
    dense = np.array([[1, 0, 2], [0, 0, 1], [3, 4, 0]])
    np.testing.assert_allclose(similarity(form(dense), metric), naive(dense, metric))


def test_similarity_counts_a_stored_zero_as_nothing():
    matrix = scipy.sparse.csr_matrix(([1.0, 0.0, 1.0], [0, 1, 1], [0, 2, 3]), shape=(2, 2))
    assert similarity(matrix)[0, 1] == 0


def test_no_such_metric():
    with pytest.raises(GtokError, match=r"'jaccard' or 'cosine', found 'euclid'"):
        similarity(np.eye(2), "euclid")
