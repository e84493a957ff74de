"""Masking by locus: what is chosen together, what is drawn, that no answer is left beside it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtok import GtokError, Tokenizer, Universe
from gtok.masking import RegionMasking

# Each region overlaps the next one.
UNIVERSE = Universe(
    [(chrom, 100 * at, 100 * at + 150) for chrom in ("chr1", "chr2") for at in range(30)]
)
N = len(UNIVERSE)


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(UNIVERSE, template="cls ... sep")


@pytest.fixture(autouse=True)
def seeded():
    np.random.seed(5)  # noqa: NPY002


def arrays(tokenizer, samples):
    """Ids and loci of samples, filled up."""
    found = tokenizer(samples, padding=True, return_tensors="np", return_loci=True)
    return found["input_ids"], found["locus_ids"]


def groups_of(ids, loci):
    """An oracle: places of each row that share a locus or a token, joined until nothing changes."""
    groups = []
    for row, (tokens, places) in enumerate(zip(ids.tolist(), loci.tolist(), strict=True)):
        parts = [{at} for at, token in enumerate(tokens) if token < N]
        changed = True
        while changed:
            changed = False
            for a, b in itertools.combinations(parts, 2):
                if any(tokens[x] == tokens[y] or places[x] == places[y] for x in a for y in b):
                    parts.remove(b)
                    a |= b
                    changed = True
                    break
        groups += [(row, sorted(part)) for part in parts]
    return groups


regions = st.builds(
    lambda chrom, start, length: (chrom, start, start + length),
    st.sampled_from(["chr1", "chr2"]),
    st.integers(0, 3500),
    st.integers(1, 300),
)


@given(
    st.lists(st.lists(regions, max_size=8), min_size=1, max_size=4),
    st.floats(0, 1),
    st.integers(0, 99),
)
def test_what_one_region_hit_is_chosen_together(samples, probability, seed):
    np.random.seed(seed)  # noqa: NPY002
    tokenizer = Tokenizer(UNIVERSE, template="cls ... sep")
    ids, loci = arrays(tokenizer, samples)
    collate = RegionMasking(tokenizer, probability=probability)
    shown, labels = collate.mask(ids, loci)
    chosen = labels != -100
    assert (labels[chosen] == ids[chosen]).all()
    assert (shown[~chosen] == ids[~chosen]).all()
    assert not chosen[ids >= N].any()
    assert ((shown[ids < N] < N) | (shown[ids < N] == tokenizer.mask_token_id)).all()
    groups = groups_of(ids, loci)
    assert chosen.any() == (bool(groups) and probability > 0)
    for row, places in groups:
        assert len({bool(chosen[row, place]) for place in places}) == 1
        # Masked all of them, or none.
        assert len({int(shown[row, place]) == tokenizer.mask_token_id for place in places}) == 1


def test_shares(tokenizer):
    samples = [[("chr1", 100 * at + 60, 100 * at + 90) for at in range(30)]] * 200
    ids, loci = arrays(tokenizer, samples)
    assert (ids < N).sum() == 200 * 30
    collate = RegionMasking(tokenizer, probability=0.3)
    shown, labels = collate.mask(ids, loci)
    chosen = labels != -100
    assert 0.27 < chosen.sum() / (ids < N).sum() < 0.33
    masked = shown[chosen] == tokenizer.mask_token_id
    same = shown[chosen] == ids[chosen]
    assert 0.76 < masked.mean() < 0.84
    assert 0.07 < same.mean() < 0.14
    drawn = shown[chosen][~masked & ~same]
    assert set(drawn.tolist()) > set(range(0, N, 7))
    assert drawn.max() < N


def test_only_regions_are_drawn(tokenizer):
    ids, loci = arrays(tokenizer, [[("chr1", 60, 90)]] * 3000)
    collate = RegionMasking(tokenizer, probability=1, mask_share=0, random_share=1)
    shown, labels = collate.mask(ids, loci)
    drawn = shown[ids < N]
    assert sorted(set(drawn.tolist())) == list(range(N))
    assert (labels[ids < N] == ids[ids < N]).all()
    assert (shown[ids >= N] == ids[ids >= N]).all()


def test_blocks(tokenizer):
    sample = [
        (chrom, 100 * at + 60, 100 * at + 90) for chrom in ("chr1", "chr2") for at in range(30)
    ]
    ids, _ = arrays(tokenizer, [sample, sample])
    collate = RegionMasking(tokenizer, probability=0.5, block=1000, mask_share=1, random_share=0)
    shown, labels = collate.mask(ids)
    masked = shown == tokenizer.mask_token_id
    assert (masked == (labels != -100)).all()
    for row in masked[:, 1:-1]:
        # The middle of region i lies at 100 i + 75, ten of them in each block.
        assert all(len(set(part)) == 1 for part in np.split(row, 6))
    assert 0 < masked.sum() < 120
    assert (masked[0] != masked[1]).any()
    assert len({bool(part.all()) for part in np.split(masked[0, 1:-1], 6)}) == 2


def test_collating(tokenizer):
    collate = RegionMasking(tokenizer, probability=1, max_length=8, return_tensors="np")
    features = [
        dict(tokenizer([("chr1", 60, 130)], return_loci=True, return_special_tokens_mask=True)),
        dict(tokenizer([("chr2", 60, 90)], return_loci=True, return_special_tokens_mask=True)),
    ]
    kept = [{name: list(column) for name, column in feature.items()} for feature in features]
    batch = collate(features)
    assert features == kept
    assert sorted(batch) == ["attention_mask", "input_ids", "labels"]
    assert {array.shape for array in batch.values()} == {(2, 8)}
    assert batch["attention_mask"].sum(axis=1).tolist() == [4, 3]
    assert batch["labels"].tolist() == [
        [-100, 0, 1, -100, -100, -100, -100, -100], [-100, 30, -100, -100, -100, -100, -100, -100],
    ]  # fmt: skip
    again = RegionMasking(tokenizer, block=100, pad_to_multiple_of=3, return_tensors="np")
    plain = [dict(tokenizer([("chr1", 60, 130)]))]
    assert again(plain)["input_ids"].shape == (1, 6)


def test_chance_is_the_global_one(tokenizer):
    ids, loci = arrays(tokenizer, [[("chr1", 100 * at + 60, 100 * at + 90) for at in range(30)]])
    collate = RegionMasking(tokenizer, probability=0.5)
    first = collate.mask(ids, loci)[0].tolist()
    assert collate.mask(ids, loci)[0].tolist() != first
    np.random.seed(5)  # noqa: NPY002
    assert collate.mask(ids, loci)[0].tolist() == first


def test_nothing_to_mask(tokenizer):
    ids, loci = arrays(tokenizer, [[("chr1", 9000, 9001)]])
    shown, labels = RegionMasking(tokenizer, probability=1).mask(ids, loci)
    assert shown.tolist() == ids.tolist()
    assert (labels == -100).all()


def test_errors(tokenizer):
    with pytest.raises(GtokError, match=r"expected probability from 0 to 1, found 1\.5"):
        RegionMasking(tokenizer, probability=1.5)
    with pytest.raises(GtokError, match=r"expected mask_share \+ random_share from 0 to 1"):
        RegionMasking(tokenizer, mask_share=0.9, random_share=0.2)
    with pytest.raises(GtokError, match="expected block"):
        RegionMasking(tokenizer, block=0)
    with pytest.raises(GtokError, match="encode with return_loci=True, or pass block="):
        RegionMasking(tokenizer)([dict(tokenizer([("chr1", 60, 130)]))])
    with pytest.raises(GtokError, match="found locus_ids of -1"):
        RegionMasking(tokenizer).mask(np.array([[1, 2]]), np.array([[0, -1]]))
