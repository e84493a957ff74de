"""Cutting samples: what is kept, how much of each chromosome, and that chance can be repeated."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtok import GtokError, TokenBatch, Tokenizer, Universe
from gtok.truncation import TRUNCATIONS, truncate

CHROMS = ["chr1"] * 50 + ["chr2"] * 30 + ["chr3"] * 15 + ["chrX"] * 5
UNIVERSE = Universe([(chrom, 100 * at, 100 * at + 60) for at, chrom in enumerate(CHROMS)])
UNK = len(UNIVERSE)


def batch_of(rows, values=None):
    offsets = np.cumsum([0, *map(len, rows)])
    ids = np.array(list(itertools.chain(*rows)), dtype=np.int32)
    numbers = np.arange(len(rows))
    weights = None if values is None else np.array(list(itertools.chain(*values)))
    return TokenBatch(
        ids, offsets, weights, np.arange(len(ids)), numbers, numbers, numbers
    )  # fmt: skip


samples = st.lists(st.lists(st.integers(0, UNK), max_size=40), max_size=6)
rooms = st.integers(0, 20)
seeds = st.one_of(st.integers(0, 9), st.tuples(st.integers(0, 9), st.integers(0, 9)))


def places_of(kept, row):
    """Where the kept tokens stood, by the column that tells it."""
    places = [place - row for place in kept]
    assert places == sorted(set(places))
    return places


@given(samples, rooms, st.sampled_from(["head", "random", "stratified", "top"]), seeds)
def test_what_is_kept_is_a_part_in_its_order(rows, n, how, seed):
    batch = batch_of(rows, [[float(id % 7) for id in row] for row in rows])
    cut, origin = truncate(batch, n, how, UNIVERSE, seed=seed)
    assert origin.tolist() == list(range(len(rows)))
    assert cut.lengths.tolist() == [min(len(row), n) for row in rows]
    for at, row in enumerate(rows):
        stretch = slice(cut.offsets[at], cut.offsets[at + 1])
        places = places_of(cut.queries[stretch].tolist(), batch.offsets[at])
        assert cut[at].tolist() == [row[place] for place in places]
        assert cut.values[stretch].tolist() == [row[place] % 7 for place in places]
    for name in ("n_regions", "n_hits", "n_excluded"):
        assert getattr(cut, name).tolist() == list(range(len(rows)))


@given(samples, rooms, st.sampled_from(["right", "left"]))
def test_head(rows, n, side):
    cut, _ = truncate(batch_of(rows), n, "head", UNIVERSE, side=side)
    expected = [row[:n] if side == "right" else row[max(len(row) - n, 0) :] for row in rows]
    assert [ids.tolist() for ids in cut] == expected


@given(samples, rooms, st.data())
def test_top(rows, n, data):
    values = [
        data.draw(st.lists(st.integers(-3, 3), min_size=len(row), max_size=len(row)))
        for row in rows
    ]
    cut, _ = truncate(batch_of(rows, values), n, "top", UNIVERSE)
    for ids, row, weights in zip(cut, rows, values, strict=True):
        # Of equal values, the first.
        ranked = sorted(range(len(row)), key=lambda at: (-weights[at], at))
        assert ids.tolist() == [row[at] for at in sorted(ranked[:n])]


@given(samples, rooms, seeds)
def test_each_chromosome_gives_its_share(rows, n, seed):
    cut, _ = truncate(batch_of(rows), n, "stratified", UNIVERSE, seed=seed)
    for ids, row in zip(cut, rows, strict=True):
        had = Counter("unk" if id == UNK else CHROMS[id] for id in row)
        kept = Counter("unk" if id == UNK else CHROMS[id] for id in ids)
        for chrom, count in had.items():
            share = len(ids) * count / len(row)
            assert abs(kept[chrom] - share) < max(1, len(had) / 2) + 1e-9


def test_a_sorted_sample_keeps_all_of_its_chromosomes():
    everything = list(range(len(UNIVERSE)))
    cut, _ = truncate(batch_of([everything]), 20, "stratified", UNIVERSE)
    assert Counter(CHROMS[id] for id in cut[0]) == {"chr1": 10, "chr2": 6, "chr3": 3, "chrX": 1}
    head, _ = truncate(batch_of([everything]), 20, "head", UNIVERSE)
    assert {CHROMS[id] for id in head[0]} == {"chr1"}


@pytest.mark.parametrize("how", ["random", "stratified"])
def test_chance(how):
    row = list(range(len(UNIVERSE)))
    other = list(range(0, len(UNIVERSE), 2))

    def kept(rows, at, seed):
        return truncate(batch_of(rows), 20, how, UNIVERSE, seed=seed)[0][at].tolist()

    # By the seed and the sample, whatever else is in the batch.
    assert kept([row], 0, 1) == kept([other, row], 1, 1) == kept([row, [], row], 2, 1)
    assert kept([row], 0, (1, 0)) != kept([row], 0, (1, 1)) != kept([row], 0, 1)
    assert kept([row], 0, 1) != kept([row[::-1]], 0, 1)[::-1]


def test_random_is_even():
    row = list(range(len(UNIVERSE)))
    counts = np.zeros(len(UNIVERSE))
    for seed in range(400):
        cut, _ = truncate(batch_of([row]), 25, "random", UNIVERSE, seed=seed)
        counts[cut[0]] += 1
    # Binomial of 400 and a quarter: mean 100, standard deviation 8.7.
    assert counts.sum() == 400 * 25
    assert counts.min() > 60
    assert counts.max() < 140
    assert 5 < counts.std() < 12


@given(samples, st.integers(1, 12), st.integers(0, 11))
def test_windows(rows, n, stride):
    stride = min(stride, n - 1)
    batch = batch_of(rows)
    cut, origin = truncate(batch, n, "windows", UNIVERSE, stride=stride)
    expected, come_from = [], []
    for at, row in enumerate(rows):
        begin = 0
        while True:
            expected.append(row[begin : begin + n])
            come_from.append(at)
            if begin + n >= len(row):
                break
            begin += n - stride
    assert [ids.tolist() for ids in cut] == expected
    assert origin.tolist() == come_from
    assert cut.n_regions.tolist() == come_from
    assert cut.queries.tolist() == [
        batch.offsets[at] + place
        for at, row in enumerate(rows)
        for begin in range(0, max(len(row) - stride, 1), n - stride)
        for place in range(begin, min(begin + n, len(row)))
    ]


@pytest.mark.parametrize("how", TRUNCATIONS)
def test_nothing_to_cut(how):
    for rows in ([], [[]], [[1, 2], []]):
        batch = batch_of(rows, [[1.0] * len(row) for row in rows])
        cut, origin = truncate(batch, 2, how, UNIVERSE)
        assert [ids.tolist() for ids in cut] == rows
        assert origin.tolist() == list(range(len(rows)))


def test_errors():
    batch = batch_of([[1, 2, 3]])
    with pytest.raises(GtokError, match=r"expected truncation 'head', .* found 'tail'"):
        truncate(batch, 2, "tail", UNIVERSE)
    with pytest.raises(GtokError, match="'top' goes by values: pass values="):
        truncate(batch, 2, "top", UNIVERSE)
    with pytest.raises(GtokError, match="a stride from 0 to 1, below the room, found 2"):
        truncate(batch, 2, "windows", UNIVERSE, stride=2)
    with pytest.raises(GtokError, match="expected room"):
        truncate(batch, -1, "head", UNIVERSE)


# --- through a call

ALL = [str(region) for region in UNIVERSE.regions]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(UNIVERSE, template="cls ... sep", seed=3)


def test_a_call_cuts_beside_the_template(tokenizer):
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    for how in ("head", "random", "stratified"):
        found = tokenizer([ALL, ALL[:3]], truncation=how, max_length=10).input_ids
        assert [len(row) for row in found] == [10, 5]
        assert all(row[0] == cls and row[-1] == sep for row in found)
    expected, _ = truncate(batch_of([range(100)]), 8, "random", UNIVERSE, seed=3)
    assert (
        tokenizer(ALL, truncation="random", max_length=10).input_ids[1:-1] == expected[0].tolist()
    )
    again = tokenizer(ALL, truncation="random", max_length=10, seed=(3, 1)).input_ids
    assert again[1:-1] != expected[0].tolist()


def test_the_top_of_a_call(tokenizer):
    sample = [(*ALL[0].split(":")[:1], 0, 30), ("chr1", 100, 160), ("chrX", 9900, 9950)]
    found = tokenizer(sample, truncation="top", max_length=4, values="bp")
    assert found.input_ids[1:-1] == [1, 99]
    assert found["values"] == [0, 60, 50, 0]


def test_windows_of_a_call(tokenizer):
    found = tokenizer([ALL[:5], ALL[:1]], truncation="windows", max_length=4, stride=1)
    assert [row[1:-1] for row in found.input_ids] == [[0, 1], [1, 2], [2, 3], [3, 4], [0]]
    assert found.overflow_to_sample_mapping == [0, 0, 0, 0, 1]
    found = tokenizer(
        ALL[:5], truncation="windows", max_length=5, padding=True, return_tensors="np"
    )
    assert found.input_ids.shape == (2, 5)
    assert found.overflow_to_sample_mapping.tolist() == [0, 0]
    assert tokenizer(ALL[:1], truncation="windows", max_length=5)["input_ids"] == [
        [101 + 2, 0, 106]
    ]


def test_a_head_that_loses_chromosomes_is_warned_of(tokenizer, recwarn):
    tokenizer(ALL[:50], truncation=True, max_length=10)  # all of chr1
    tokenizer(ALL, truncation="head", max_length=10)  # meant
    Tokenizer(UNIVERSE, order="random")(ALL, truncation=True, max_length=10)
    tokenizer([ALL, ALL], truncation=True, max_length=200)  # nothing cut
    assert not recwarn.list
    with pytest.warns(UserWarning, match="those of its first chromosomes: 'stratified'") as caught:
        tokenizer(ALL, truncation=True, max_length=10)
    assert caught[0].filename == __file__


def test_positions_and_loci(tokenizer):
    sample = [("chr9", 5, 9), ("chr1", 50, 130), ("chrX", 9900, 9901)]
    found = tokenizer(
        [sample, ALL[:1]], padding=True, return_positions=True, return_loci=True,
        return_tensors="np",
    )  # fmt: skip
    n_chroms = len(UNIVERSE.regions.chrom_names)
    assert found["input_ids"][:, 1:4].tolist() == [[0, 1, 99], [0, 106, 101]]
    assert found["chrom_ids"].tolist() == [
        [n_chroms, 0, 0, 3, n_chroms], [n_chroms, 0, n_chroms, n_chroms, n_chroms],
    ]  # fmt: skip
    assert found["starts"].tolist() == [[0, 0, 100, 9900, 0], [0, 0, 0, 0, 0]]
    assert found["ends"].tolist() == [[0, 60, 160, 9960, 0], [0, 60, 0, 0, 0]]
    assert found["locus_ids"].tolist() == [[-1, 1, 1, 2, -1], [-1, 0, -1, -1, -1]]
    assert {array.dtype for array in found.values()} == {np.dtype(np.int64)}
    lists = tokenizer([sample, ALL[:1]], return_positions=True, return_loci=True, values="bp")
    padded = tokenizer.pad(lists, return_tensors="np")
    assert {name: array.tolist() for name, array in found.items()} == {
        name: array.tolist() for name, array in padded.items() if name != "values"
    }
    assert padded["values"].dtype == np.float64
    assert padded["values"].tolist() == [[0, 10, 30, 1, 0], [0, 60, 0, 0, 0]]
