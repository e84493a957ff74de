"""Many samples in one pair of arrays, and the columns aligned with them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtok import GtokError, TokenBatch
from gtok.padding import padded_width

PAD = 99
COLUMNS = ("ids", "offsets", "values", "queries", "n_regions", "n_hits")

# A sample: tokens with their aligned columns, and its counts.
tokens = st.tuples(st.integers(0, 50), st.integers(-4, 9), st.integers(0, 20))
sample = st.tuples(st.lists(tokens, max_size=8), st.integers(0, 30), st.integers(0, 30))
samples = st.lists(sample, max_size=6)


def batch_of(drawn, *, values=True, queries=True, counts=True):
    ids = [[token[0] for token in row] for row, _, _ in drawn]
    flat = [token for row, _, _ in drawn for token in row]
    return TokenBatch(
        np.array([token[0] for token in flat], dtype=np.int32),
        np.cumsum([0, *map(len, ids)]),
        np.array([token[1] for token in flat]) if values else None,
        np.array([token[2] for token in flat]) if queries else None,
        np.array([n for _, n, _ in drawn], dtype=np.int64) if counts else None,
        np.array([n for _, _, n in drawn], dtype=np.int64) if counts else None,
    )


def told(batch):
    """A batch as what `batch_of` makes one from."""
    out = []
    for i, (lo, hi) in enumerate(zip(batch.offsets[:-1], batch.offsets[1:], strict=True)):
        row = zip(
            batch.ids[lo:hi].tolist(),
            batch.values[lo:hi].tolist(),
            batch.queries[lo:hi].tolist(),
            strict=True,
        )
        out.append((list(row), int(batch.n_regions[i]), int(batch.n_hits[i])))
    return out


def check_types(batch):
    assert (batch.ids.dtype, batch.offsets.dtype) == (np.int32, np.int64)
    for name, dtype in (
        ("values", np.float32), ("queries", np.int32), ("n_regions", np.int64), ("n_hits", np.int64)
    ):  # fmt: skip
        column = getattr(batch, name)
        assert column is None or column.dtype == dtype, name


# --- as a sequence


@given(samples)
def test_a_sequence_of_samples(drawn):
    batch = batch_of(drawn)
    check_types(batch)
    assert len(batch) == len(drawn)
    expected = [[token[0] for token in row] for row, _, _ in drawn]
    assert [ids.tolist() for ids in batch] == expected
    assert [batch[i].tolist() for i in range(len(batch))] == expected
    assert [batch[i - len(batch)].tolist() for i in range(len(batch))] == expected
    assert batch.lengths.tolist() == list(map(len, expected))
    for i in (len(drawn), -len(drawn) - 1):
        with pytest.raises(IndexError, match=rf"found {i}"):
            batch[i]


def test_a_sample_is_a_view():
    batch = TokenBatch(np.array([1, 2, 3], dtype=np.int32), np.array([0, 1, 3]))
    batch[1][0] = 7
    assert batch.ids.tolist() == [1, 7, 3]
    assert all(np.shares_memory(ids, batch.ids) for ids in batch)


def test_repr():
    ids = np.arange(1500, dtype=np.int32)
    assert repr(TokenBatch(ids, np.array([0, 1500]))) == "TokenBatch(1 sample, 1,500 tokens)"
    batch = TokenBatch(ids[:1], np.array([0, 0, 1]), values=[1], queries=[0])
    assert repr(batch) == "TokenBatch(2 samples, 1 token, values, queries)"


def test_pickles_and_copies():
    batch = batch_of([([(1, 2, 3)], 4, 5), ([], 0, 0)])
    for back in (pickle.loads(pickle.dumps(batch)), copy.deepcopy(batch)):
        assert told(back) == told(batch)
        check_types(back)


# --- what does not fit together


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ([0, 2], "offsets from 0 to 3"),
        ([1, 3], "offsets from 0 to 3"),
        ([0, 4], "offsets from 0 to 3"),
        ([], "offsets from 0 to 3"),
        ([0, 2, 1, 3], "never fall"),
    ],
)
def test_offsets_that_do_not_fit(offsets, message):
    with pytest.raises(GtokError, match=message):
        TokenBatch(np.arange(3, dtype=np.int32), np.array(offsets, dtype=np.int64))


@pytest.mark.parametrize("name", ["values", "queries"])
def test_columns_have_one_entry_per_id(name):
    with pytest.raises(GtokError, match=rf"expected 3 {name}, one per id, found 2"):
        TokenBatch(
            np.arange(3, dtype=np.int32), np.array([0, 3]), **{name: np.zeros(2, dtype=np.int32)}
        )


@pytest.mark.parametrize("name", ["n_regions", "n_hits"])
def test_counts_have_one_entry_per_sample(name):
    with pytest.raises(GtokError, match=rf"expected 2 {name}, one per sample, found 1"):
        TokenBatch(np.arange(3, dtype=np.int32), np.array([0, 1, 3]), **{name: np.zeros(1)})


@pytest.mark.parametrize(
    "ids", [np.array([2**32 + 1]), np.array([-(2**40)]), np.array([0.5]), np.array(["1"])], ids=repr
)
def test_ids_that_would_change(ids):
    with pytest.raises((GtokError, TypeError, OverflowError)):
        TokenBatch(ids, np.array([0, 1]))


# --- padding


@given(
    samples,
    st.one_of(st.none(), st.integers(0, 12)),
    st.one_of(st.none(), st.integers(1, 5)),
    st.sampled_from(["right", "left"]),
)
def test_pad(drawn, length, multiple, side):
    rows = [[token[0] for token in row] for row, _, _ in drawn]
    width = max([length or 0, *map(len, rows)])
    while multiple and width % multiple:
        width += 1
    ids, mask = batch_of(drawn).pad(PAD, length=length, multiple=multiple, side=side)
    assert (ids.dtype, mask.dtype) == (np.int64, np.int64)
    assert ids.shape == mask.shape == (len(rows), width)
    for row, padded, ones in zip(rows, ids.tolist(), mask.tolist(), strict=True):
        filling = width - len(row)
        if side == "right":
            assert padded == row + [PAD] * filling
            assert ones == [1] * len(row) + [0] * filling
        else:
            assert padded == [PAD] * filling + row
            assert ones == [0] * filling + [1] * len(row)


@pytest.mark.parametrize(
    ("longest", "length", "multiple", "expected"),
    [(3, None, None, 3), (3, 5, None, 5), (5, 3, None, 5), (3, 5, 4, 8), (8, None, 4, 8),
     (0, None, 8, 0), (1, 0, 8, 8), (7, 7, 7, 7)],
)  # fmt: skip
def test_padded_width(longest, length, multiple, expected):
    assert padded_width(longest, length, multiple) == expected


# --- cutting, framing, joining


@given(samples, st.integers(0, 9), st.sampled_from(["right", "left"]))
def test_head(drawn, n, side):
    found = batch_of(drawn).head(n, side)
    check_types(found)
    cut = [row[:n] if side == "right" else row[max(len(row) - n, 0) :] for row, _, _ in drawn]
    assert told(found) == [(row, *counts) for row, (_, *counts) in zip(cut, drawn, strict=True)]


@given(
    samples, st.lists(st.integers(51, 60), max_size=3), st.lists(st.integers(51, 60), max_size=3)
)
def test_framed(drawn, before, behind):
    batch = batch_of(drawn)
    found = batch.framed(before, behind)
    check_types(found)
    assert told(found) == [
        ([(id, 0, -1) for id in before] + row + [(id, 0, -1) for id in behind], *counts)
        for row, *counts in drawn
    ]
    assert told(batch) == drawn


@given(samples, st.integers(0, 9))
def test_without_aligned_columns(drawn, n):
    batch = batch_of(drawn, values=False, queries=False, counts=False)
    for found in (batch.head(n), batch.framed([1], [2]), TokenBatch.concatenate([batch, batch])):
        assert [getattr(found, name) for name in COLUMNS[2:]] == [None] * 4
    rows = [[token[0] for token in row] for row, _, _ in drawn]
    assert [ids.tolist() for ids in batch.head(n)] == [row[:n] for row in rows]
    assert [ids.tolist() for ids in batch.framed([1], [2])] == [[1, *row, 2] for row in rows]


@given(st.lists(samples, max_size=5))
def test_concatenate(drawn):
    found = TokenBatch.concatenate([batch_of(part) for part in drawn])
    check_types(found)
    if drawn:
        assert told(found) == [row for part in drawn for row in part]
    else:
        assert len(found) == 0


@pytest.mark.parametrize("name", ["values", "queries", "counts"])
def test_concatenate_keeps_columns_that_all_have(name):
    drawn = [([(1, 2, 3)], 1, 1)]
    found = TokenBatch.concatenate([batch_of(drawn), batch_of(drawn, **{name: False})])
    missing = ["n_regions", "n_hits"] if name == "counts" else [name]
    for column in COLUMNS:
        assert (getattr(found, column) is None) == (column in missing)


def test_the_given_arrays_stay_as_they_are():
    batch = batch_of([([(1, 2, 3), (4, 5, 6)], 1, 1)])
    kept = told(batch)
    batch.framed([7], [8]).ids[:] = -1
    batch.head(1).ids[:] = -1
    ids, _ = batch.pad(0)
    ids[:] = -1
    assert told(batch) == kept
