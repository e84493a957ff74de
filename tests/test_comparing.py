"""How alike samples are, from the samples themselves; matrices are in test_sparse.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from hypothesis import assume, given
from hypothesis import strategies as st

import gtok
from gtok import GtokError, Region, RegionSet, Tokenizer, Universe, similarity

EXAMPLES = Path(__file__).parents[1] / "examples" / "data"
METRICS = ["jaccard", "cosine"]
foreign = pytest.mark.filterwarnings("ignore:no chromosome of")

UNIVERSE = [("chr1", 100, 200), ("chr1", 150, 300), ("chr2", 5, 50), ("chr1", 300, 400)]
SAMPLES = [
    [("chr1", 160, 170), ("chr1", 165, 350)],
    [("chr1", 110, 120), ("chr2", 40, 60)],
    [("chr1", 390, 500), ("chr1", 160, 170), ("chr3", 1, 2)],
]

rows = st.lists(
    st.tuples(st.sampled_from(["chr1", "chr2"]), st.integers(0, 40), st.integers(1, 6)).map(
        lambda drawn: (drawn[0], drawn[1], drawn[1] + drawn[2])
    ),
    max_size=8,
)
samples = st.lists(rows, min_size=1, max_size=6)
universes = st.lists(
    st.tuples(st.sampled_from(["chr1", "chr2"]), st.integers(0, 40), st.integers(1, 9)).map(
        lambda drawn: (drawn[0], drawn[1], drawn[1] + drawn[2])
    ),
    min_size=1,
    max_size=8,
    unique=True,
)


def merged(regions):
    out = []
    for chrom, start, end in sorted(regions):
        if out and out[-1][0] == chrom and start <= out[-1][2]:
            out[-1] = (chrom, out[-1][1], max(out[-1][2], end))
        else:
            out.append((chrom, start, end))
    return out


def words_of(sample, universe):
    """How many of the sample's regions overlap each region of the universe."""
    words = {}
    for chrom, start, end in sample:
        for region in universe:
            if region[0] == chrom and region[1] < end and start < region[2]:
                words[region] = words.get(region, 0) + 1
    return words


def alike(mine, theirs, metric):
    if metric == "jaccard":
        either = len(mine.keys() | theirs.keys())
        return len(mine.keys() & theirs.keys()) / either if either else 0
    size = np.sqrt(sum(n * n for n in mine.values()) * sum(n * n for n in theirs.values()))
    return sum(n * theirs.get(word, 0) for word, n in mine.items()) / size if size else 0


def pair_by_pair(samples, universe, metric):
    told = [words_of(sample, universe) for sample in samples]
    return [
        [1 if i == j else alike(mine, theirs, metric) for j, theirs in enumerate(told)]
        for i, mine in enumerate(told)
    ]


def check_form(found, n):
    assert type(found) is np.ndarray
    assert found.dtype == np.float64
    assert found.shape == (n, n)
    assert np.array_equal(found, found.T)
    assert (found.diagonal() == 1).all()
    assert found.min() >= 0
    assert found.max() <= 1


# --- samples, told in their own regions


@given(samples, st.sampled_from(METRICS))
def test_against_explicit_sets(drawn, metric):
    everything = merged(row for sample in drawn for row in sample)
    assume(everything)
    found = similarity(drawn, metric)
    np.testing.assert_allclose(found, pair_by_pair(drawn, everything, metric), atol=1e-12)
    check_form(found, len(drawn))


def test_jaccard_is_the_default():
    drawn = [["chr1:150-350", "chr1:155-160"], ["chr1:310-320", "chr2:7-9"], ["chr2:9-11"]]
    # Merged: chr1:150-350 and chr2:7-11.
    expected = [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]
    assert similarity(drawn).tolist() == expected
    assert similarity(drawn, "jaccard").tolist() == expected
    cosine = [[1, 2**-0.5, 0], [2**-0.5, 1, 2**-0.5], [0, 2**-0.5, 1]]
    np.testing.assert_allclose(similarity(drawn, "cosine"), cosine)


def test_cosine_counts_and_jaccard_does_not():
    drawn = [[("chr1", 0, 9), ("chr1", 0, 9), ("chr1", 5, 9), ("chr2", 0, 9)], ["chr1:1-2"]]
    assert similarity(drawn)[0, 1] == 0.5
    np.testing.assert_allclose(similarity(drawn, "cosine")[0, 1], 3 / np.sqrt(10))


@foreign
def test_a_sample_without_any_region_is_like_none():
    found = similarity([["chr1:1-5"], [], ["chr1:2-3"], []])
    assert found.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]


def test_one_sample_in_a_list():
    assert similarity([["chr1:1-5"]]).tolist() == [[1]]
    assert similarity([["chr1:1-5"]], universe=UNIVERSE).tolist() == [[1]]


def test_a_sample_is_like_itself_whatever_its_order():
    assert similarity([SAMPLES[0], SAMPLES[0][::-1], SAMPLES[0] * 2]).tolist() == [[1] * 3] * 3


def kinds_of_samples(tmp_path):
    paths = []
    for i, sample in enumerate(SAMPLES):
        paths.append(tmp_path / f"{i}.bed")
        paths[-1].write_text("".join(f"{row[0]}\t{row[1]}\t{row[2]}\n" for row in sample))
    columns = [
        dict(zip(["chrom", "start", "end"], zip(*s, strict=True), strict=True)) for s in SAMPLES
    ]
    sets = [RegionSet(*zip(*sample, strict=True)) for sample in SAMPLES]
    objects = np.empty(len(sets), dtype=object)
    objects[:] = sets
    yield from (
        paths,
        [str(path) for path in paths],
        np.array([str(path) for path in paths]),
        pd.Series([str(path) for path in paths]),
        tuple(sets),
        objects,
        [pd.DataFrame(c) for c in columns],
        [pl.DataFrame(c) for c in columns],
        [[f"{chrom}:{start}-{end}" for chrom, start, end in sample] for sample in SAMPLES],
        [[Region(*row) for row in sample] for sample in SAMPLES],
        [paths[0], sets[1], SAMPLES[2]],
    )


@pytest.mark.parametrize("universe", [None, UNIVERSE])
@pytest.mark.parametrize("metric", METRICS)
def test_samples_of_every_kind(tmp_path, metric, universe):
    everything = universe or merged(row for sample in SAMPLES for row in sample)
    expected = pair_by_pair(SAMPLES, everything, metric)
    assert any(0 < value < 1 for line in expected for value in line)
    for kind in kinds_of_samples(tmp_path):
        found = similarity(kind, metric, universe=universe)
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("universe", [None, UNIVERSE])
def test_a_generator_of_samples(universe):
    expected = similarity(SAMPLES, universe=universe)
    assert (expected != np.eye(3)).any()
    assert np.array_equal(similarity(iter(SAMPLES), universe=universe), expected)
    assert np.array_equal(similarity((s for s in SAMPLES), universe=universe), expected)
    assert np.array_equal(similarity(map(list, SAMPLES), universe=universe), expected)


@pytest.mark.parametrize("universe", [None, UNIVERSE])
@pytest.mark.parametrize(
    "sample",
    [
        "peaks.bed",
        Path("peaks.bed"),
        ["chr1:1-5", "chr1:7-9"],
        [("chr1", 1, 5)],
        Region("chr1", 1, 5),
        RegionSet(["chr1"], [1], [5]),
        pd.DataFrame({"chrom": ["chr1"], "start": [1], "end": [5]}),
        pl.DataFrame({"chrom": ["chr1"], "start": [1], "end": [5]}),
    ],
    ids=lambda sample: type(sample).__name__,
)
def test_a_lone_sample_is_no_list_of_them(sample, universe):
    with pytest.raises(TypeError, match="list of samples, found one sample"):
        similarity(sample, universe=universe)


def test_samples_stay_as_they_are():
    drawn = [list(sample) for sample in SAMPLES]
    frame = pd.DataFrame({"chrom": ["chr1"], "start": [120], "end": [180]})
    similarity([*drawn, frame])
    assert drawn == SAMPLES
    assert frame.to_dict("list") == {"chrom": ["chr1"], "start": [120], "end": [180]}


@pytest.mark.parametrize("universe", [None, UNIVERSE])
def test_a_bad_file_is_named(tmp_path, universe):
    bad = tmp_path / "bad.bed"
    bad.write_text("chr1\t1\t5\nchr1\t7\t3\n")
    with pytest.raises(GtokError, match=rf"{bad}, line 2"):
        similarity([SAMPLES[0], bad], universe=universe)


def test_no_such_metric_is_told_before_anything_is_read():
    with pytest.raises(GtokError, match=r"'jaccard' or 'cosine', found 'dice'"):
        similarity(["/no/such/file.bed"], "dice")


@pytest.mark.parametrize("nothing", [[], iter([])], ids=["list", "iterator"])
def test_no_samples_in_a_universe(nothing):
    assert similarity(nothing, universe=UNIVERSE).shape == (0, 0)


# --- samples, told in a universe


@foreign
@given(samples, universes, st.sampled_from(METRICS))
def test_in_a_universe_against_explicit_sets(drawn, universe, metric):
    found = similarity(drawn, metric, universe=universe)
    np.testing.assert_allclose(found, pair_by_pair(drawn, universe, metric), atol=1e-12)
    check_form(found, len(drawn))


@foreign
@given(samples, universes, st.sampled_from(METRICS))
def test_a_universe_is_what_a_tokenized_matrix_has(drawn, universe, metric):
    tokenizer = Tokenizer(universe)
    matrix = tokenizer.encode_batch(drawn).to_csr(len(tokenizer.universe))
    expected = similarity(matrix, metric)
    for given_as in (universe, tokenizer.universe):
        assert np.array_equal(similarity(drawn, metric, universe=given_as), expected)


def test_a_universe_changes_what_is_compared():
    drawn = [["chr1:150-350"], ["chr1:310-320", "chr2:7-9"]]
    universe = ["chr1:100-200", "chr1:300-400", "chr2:5-50"]
    assert similarity(drawn)[0, 1] == 1 / 2
    assert similarity(drawn, universe=universe)[0, 1] == 1 / 3


def test_what_may_be_a_universe(tmp_path):
    expected = similarity(SAMPLES, universe=UNIVERSE)
    assert not np.array_equal(expected, similarity(SAMPLES))
    universe = Universe(UNIVERSE)
    universe.regions.to_bed(tmp_path / "u.bed")
    Tokenizer(universe).save_pretrained(tmp_path / "saved")
    for given_as in (
        universe,
        universe.regions,
        tmp_path / "u.bed",
        str(tmp_path / "u.bed"),
        universe.to_frame(),
        universe.to_frame("polars"),
        universe.tokens,
        tmp_path / "saved",
        tmp_path / "saved" / "tokenizer.toml",
    ):
        assert np.array_equal(similarity(SAMPLES, universe=given_as), expected)


@foreign
def test_what_misses_the_universe_makes_no_one_alike():
    drawn = [["chr9:1-5"], ["chr9:1-5", "chr8:1-5"], ["chr1:100-110"]]
    for metric in METRICS:
        assert np.array_equal(similarity(drawn, metric, universe=UNIVERSE), np.eye(3))


@pytest.mark.parametrize(
    "form",
    [np.asarray, scipy.sparse.csr_matrix, scipy.sparse.csc_array, scipy.sparse.coo_matrix],
)
@pytest.mark.parametrize("metric", METRICS)
def test_a_matrix_has_its_regions_already(form, metric):
    matrix = form(np.array([[1, 0, 2, 0], [0, 1, 1, 0]]))
    with pytest.raises(GtokError, match="universe goes with samples"):
        similarity(matrix, metric, universe=UNIVERSE)
    assert similarity(matrix, metric).shape == (2, 2)


# --- matrices


@given(
    st.integers(1, 5).flatmap(
        lambda width: st.lists(
            st.lists(
                st.one_of(st.just(0.0), st.floats(1e-3, 1e6), st.integers(1, 9).map(float)),
                min_size=width,
                max_size=width,
            ),
            min_size=1,
            max_size=5,
        )
    ),
    st.sampled_from(METRICS),
    st.floats(0.1, 10),
)
def test_symmetric_and_from_0_to_1(dense, metric, factor):
    # Rows that point the same way are where rounding would carry a cosine over 1.
    dense = np.array([*dense, *(np.array(dense) * factor)])
    found = similarity(dense, metric)
    check_form(found, len(dense))
    half = len(dense) // 2
    for i in range(half):
        assert found[i, half + i] == pytest.approx(1 if dense[i].any() else 0)


def test_cosines_do_not_exceed_1():
    chance = np.random.default_rng(0)
    for _ in range(200):
        row = chance.random((1, chance.integers(1, 6)))
        assert similarity(np.vstack([row, row * chance.random()]), "cosine").max() <= 1


# --- real data


def test_real_samples_against_explicit_sets():
    files = sorted(EXAMPLES.glob("hESC_*.bed.gz"))
    universe = EXAMPLES / "universe.hg19.bed.gz"
    tokenizer = Tokenizer(universe, unknown="drop")
    told = [set(tokenizer.encode(path)) for path in files]
    expected = [[len(a & b) / len(a | b) for b in told] for a in told]
    found = similarity(files, universe=universe)
    np.testing.assert_allclose(found, expected)
    check_form(found, 5)
    assert 0 < np.sort(found, axis=1)[:, 3].max() < 0.9
    assert gtok.similarity is similarity
