"""How much a hit has in common with its region: limits, values, and the matrices of them."""

from __future__ import annotations

import copy
import pickle
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import oracle
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from gtok import GtokError, RegionSet, TokenBatch, Tokenizer, build_index
from gtok._counts import sum_rows
from gtok.index import ROWS_AT_ONCE
from gtok.sparse import to_csr

METHODS = ["bits", "ailist"]
OF = ["query", "region", "both"]
LARGEST = 2**31 - 1

UNIVERSE = [("chr2", 5, 50), ("chr1", 150, 300), ("chr1", 100, 200), ("chr1", 100, 120)]
SAMPLE = [("chr1", 110, 160), ("chr9", 1, 2), ("chr2", 40, 60), ("chr1", 190, 191)]

each_method = pytest.mark.parametrize("method", METHODS)
# A small universe lacks what a small sample has; the warning is tested elsewhere.
quiet = pytest.mark.filterwarnings(
    "ignore:no chromosome of", r"ignore:.*of no length \(start = end\)"
)


# --- the oracle


def common(query, region):
    """Base pairs in both, of two that overlap."""
    return min(query[2], region[2]) - max(query[1], region[1])


def is_enough(query, region, least, overlap_of):
    """Whether they have enough in common: an int is base pairs, a Fraction a share."""
    if least is None:
        return True
    if isinstance(least, int):
        return common(query, region) >= least
    lengths = {
        "query": [query[2] - query[1]],
        "region": [region[2] - region[1]],
        "both": [query[2] - query[1], region[2] - region[1]],
    }[overlap_of]
    return all(n == 0 or Fraction(common(query, region), n) >= least for n in lengths)


def enough_hits(universe, queries, least, overlap_of):
    """For each query the ids of the regions that it overlaps enough, by (start, end, id)."""
    return [
        [id for id in ids if is_enough(query, universe[id], least, overlap_of)]
        for query, ids in zip(queries, oracle.overlaps(universe, queries), strict=True)
    ]


def typed(least):
    """What is passed for it: a share as the float nearest to it."""
    return float(least) if isinstance(least, Fraction) else least


def region_set(rows):
    return RegionSet([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


# --- generated regions


@st.composite
def crowded(draw, min_size, max_size, chroms, unique=False):
    """Regions that crowd together, of every length from nothing."""
    reach = draw(st.sampled_from([4, 15, 100, 5_000]))
    position = st.integers(0, reach)
    region = st.tuples(st.sampled_from(chroms), position, position).map(
        lambda row: (row[0], min(row[1:]), max(row[1:]))
    )
    return draw(st.lists(region, min_size=min_size, max_size=max_size, unique=unique))


universes = crowded(1, 15, ["chr1", "chr2"], unique=True)
samples = crowded(0, 15, ["chr1", "chr2", "chrUn"])
shares = st.one_of(
    st.sampled_from([Fraction(n, 20) for n in range(1, 21)]),
    st.fractions(min_value=0, max_value=1, max_denominator=100).filter(bool),
)
leasts = st.one_of(st.none(), st.integers(1, 12), shares)


# --- what is enough, asked of an index


@settings(max_examples=300)
@given(
    crowded(0, 20, ["chr1", "chr2"]),
    crowded(0, 20, ["chr1", "chr2", "chrUn"]),
    leasts,
    st.sampled_from(OF),
    st.sampled_from(METHODS),
)
def test_an_index_gives_the_hits_that_are_large_enough(
    universe, queries, least, overlap_of, method
):
    index = build_index(region_set(universe), method)
    limits = {"min_overlap": typed(least), "overlap_of": overlap_of}
    offsets, ids = index.overlaps(region_set(queries), **limits)
    counts = index.count(region_set(queries), **limits)
    assert (offsets.dtype, ids.dtype, counts.dtype) == (np.int64, np.int32, np.int64)
    expected = enough_hits(universe, queries, least, overlap_of)
    assert [ids[lo:hi].tolist() for lo, hi in pairwise(offsets.tolist())] == expected
    assert len(ids) == offsets[-1]
    assert counts.tolist() == [len(hits) for hits in expected]


@each_method
@pytest.mark.parametrize("length", [3, 7, 10, 49, 99, 100, 997])
def test_a_share_is_reached_by_just_as_much(method, length):
    """Each n of a length reaches n / length to the last bit, and n - 1 does not."""
    index = build_index([("chr1", 0, length)], method)
    for n in range(1, length + 1):
        share = n / length
        queries = [("chr1", 0, n), ("chr1", 0, n - 1)] if n > 1 else [("chr1", 0, n)]
        for min_overlap in (share, np.float64(share)):
            counts = index.count(queries, min_overlap=min_overlap, overlap_of="region")
            assert counts.tolist() == [1, 0][: len(queries)]
        one = [("chr1", length - n, 2 * length - n)]
        assert index.count(one, min_overlap=share).tolist() == [1]
        assert index.count(one, min_overlap=share, overlap_of="both").tolist() == [1]
        if n > 1:
            less = [("chr1", length - n + 1, 2 * length - n + 1)]
            assert index.count(less, min_overlap=share).tolist() == [0]


@each_method
@pytest.mark.parametrize("share", [0.01, 0.07, 0.29, 0.55, 0.57, 0.58, 0.83, 0.99, 1.0])
def test_a_decimal_means_what_it_says(method, share):
    index = build_index([("chr1", 0, 100)], method)
    n = int(Fraction(repr(share)) * 100)
    queries = [("chr1", 0, n), ("chr1", 1, n)]
    counts = index.count(queries, min_overlap=share, overlap_of="region")
    assert counts.tolist() == [1, 0]


@each_method
def test_shares_of_the_longest_regions(method):
    index = build_index([("chr1", 0, LARGEST)], method)
    half = 2**30
    queries = [("chr1", 0, half), ("chr1", 0, half - 1), ("chr1", half - 1, LARGEST)]
    for share, expected in ((half / LARGEST, [1, 0, 1]), (1.0, [0, 0, 0]), (0.25, [1, 1, 1])):
        counts = index.count(queries, min_overlap=share, overlap_of="region")
        assert counts.tolist() == expected
    assert index.count(queries, min_overlap=half).tolist() == [1, 0, 1]
    assert index.count([("chr1", 0, LARGEST)], min_overlap=LARGEST).tolist() == [1]
    assert index.count(queries, min_overlap=1.0, overlap_of="query").tolist() == [1, 1, 1]


@each_method
def test_of_no_length_any_share_is_reached_and_no_base_pair(method):
    index = build_index([("chr1", 10, 20), ("chr1", 15, 15)], method)
    nothing, wide = [("chr1", 12, 12)], [("chr1", 14, 18)]
    # A query of no length: any share of it, no base pair, no share of a region that has a length.
    assert index.count(nothing, min_overlap=1.0).tolist() == [1]
    assert index.count(nothing, min_overlap=1e-9, overlap_of="region").tolist() == [0]
    assert index.count(nothing, min_overlap=1e-9, overlap_of="both").tolist() == [0]
    assert index.count(nothing, min_overlap=1).tolist() == [0]
    # A region of no length: the same the other way round.
    limits = {"min_overlap": 0.25, "overlap_of": "region"}
    assert index.overlaps(wide, **limits)[1].tolist() == [0, 1]
    assert index.overlaps(wide, min_overlap=1.0)[1].tolist() == [0]
    assert index.overlaps(wide, min_overlap=1)[1].tolist() == [0]
    # Not even all of nothing makes an overlap of what touches, or of the two where both are none.
    assert index.count([("chr1", 10, 10), ("chr1", 15, 15)], min_overlap=0.5).tolist() == [0, 1]
    assert index.overlaps([("chr1", 15, 15)], min_overlap=0.5)[1].tolist() == [0]


BAD = [0, -1, 0.0, -0.5, 1.5, float("nan"), float("inf"), True, False, "0.5", 2**31, [1], 1j]
BAD += [np.int64(0), np.float32(1.5), np.bool_(True), Fraction(1, 2)]


@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_what_min_overlap_may_not_be(bad):
    message = r"expected min_overlap as base pairs .* or as a share .*, found "
    index = build_index(UNIVERSE)
    asks = [
        lambda: index.overlaps(SAMPLE, min_overlap=bad),
        lambda: index.count(SAMPLE, min_overlap=bad),
        lambda: Tokenizer(UNIVERSE, min_overlap=bad),
    ]
    for ask in asks:
        with pytest.raises(GtokError, match=message) as caught:
            ask()
        plain = bad.item() if isinstance(bad, np.generic) else bad
        assert str(caught.value).endswith((f"found {bad!r}", f"found {plain!r}"))


@pytest.mark.parametrize("bad", ["x", "Query", "", 1, True, []], ids=repr)
@pytest.mark.parametrize("min_overlap", [None, 1, 0.5])
def test_what_overlap_of_may_not_be(bad, min_overlap):
    index = build_index(UNIVERSE)
    limits = {"min_overlap": min_overlap, "overlap_of": bad}
    asks = [
        lambda: index.overlaps(SAMPLE, **limits),
        lambda: index.count(SAMPLE, **limits),
        lambda: Tokenizer(UNIVERSE, **limits),
    ]
    for ask in asks:
        with pytest.raises(GtokError) as caught:
            ask()
        expected = f"expected overlap_of 'query', 'region' or 'both', found {bad!r}"
        assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("given_as", "same_as"),
    [
        (np.int8(20), 20), (np.int64(20), 20), (np.uint16(20), 20), (np.float64(0.2), 0.2),
        (np.float32(0.25), 0.25), (np.float16(0.5), 0.5), (np.float32(1), 1.0), (np.int32(1), 1),
    ],
    ids=repr,
)  # fmt: skip
def test_numbers_of_numpy(given_as, same_as):
    queries = [("chr1", 180, 220), ("chr1", 119, 120), ("chr1", 90, 500), ("chr2", 44, 60)]
    index = build_index(UNIVERSE)
    found = index.overlaps(queries, min_overlap=given_as)
    for one, other in zip(found, index.overlaps(queries, min_overlap=same_as), strict=True):
        assert one.tolist() == other.tolist()
    tokenizer = Tokenizer(UNIVERSE, min_overlap=given_as)
    assert tokenizer.encode(queries) == Tokenizer(UNIVERSE, min_overlap=same_as).encode(queries)


def test_one_is_a_base_pair_and_one_point_nought_is_all():
    index = build_index(UNIVERSE)
    assert index.count(SAMPLE, min_overlap=1).tolist() == [3, 0, 1, 2]
    assert index.count(SAMPLE, min_overlap=1.0).tolist() == [1, 0, 0, 2]


@pytest.fixture(scope="module")
def many():
    """A universe and more queries than are asked for at once, as rows."""
    chance = np.random.default_rng(11)
    n = 2 * ROWS_AT_ONCE + 777
    starts = np.sort(chance.integers(0, 3_000_000, 20_000))
    universe = [("chr1", int(s), int(s + d)) for s, d in zip(starts, starts % 700, strict=True)]
    begins = chance.integers(0, 3_000_000, n)
    ends = begins + chance.integers(0, 900, n)
    return universe, RegionSet.from_codes(np.zeros(n, dtype=np.int32), ["chr1"], begins, ends)


@each_method
@pytest.mark.parametrize(
    ("least", "overlap_of"),
    [(150, "query"), (Fraction(1, 3), "query"), (Fraction(9, 10), "region"), (Fraction(1), "both")],
)
def test_more_queries_than_are_asked_for_at_once(many, method, least, overlap_of):
    universe, queries = many
    assert len(queries) > 65_536
    index = build_index(universe, method)
    limits = {"min_overlap": typed(least), "overlap_of": overlap_of}
    offsets, ids = index.overlaps(queries, **limits)
    assert offsets[-1] == len(ids)
    again = index.overlaps(queries, **limits, n_threads=2)
    for one, other in zip((offsets, ids), again, strict=True):
        assert (one.dtype, one.tobytes()) == (other.dtype, other.tobytes())
    for n_threads in (1, 2):
        counts = index.count(queries, **limits, n_threads=n_threads)
        assert counts.tobytes() == np.diff(offsets).tobytes()
    # Around the ends of what is asked for at once, and here and there.
    edges = [0, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE, len(queries) - 1]
    some = [*edges, *np.random.default_rng(3).integers(0, len(queries), 40).tolist()]
    asked = [queries[row] for row in some]
    expected = enough_hits(universe, asked, least, overlap_of)
    assert [ids[offsets[row] : offsets[row + 1]].tolist() for row in some] == expected


# --- what is enough, asked of a tokenizer


def asked_rows(universe, sample, order, unique, seed=0):
    """The rows of a sample in the order in which they are asked for."""
    rows = list(range(len(sample)))
    if unique == "query":
        rows = [row for row in rows if sample[row] not in sample[:row]]
    if order == "genome":
        names = list(dict.fromkeys(chrom for chrom, _, _ in universe))
        rank = {name: at for at, name in enumerate(names)}
        rows.sort(key=lambda row: (rank.get(sample[row][0], len(rank)), *sample[row][1:], row))
    elif order == "random":
        rows = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    return rows


def shares_covered(universe, asked, hits):
    """(place, id) to the share of the region that is covered there first, position by position."""
    found = {}
    covered = defaultdict(set)
    for at in sorted(range(len(asked)), key=lambda at: (asked[at][0], *asked[at][1:], at)):
        for id in hits[at]:
            _, start, end = universe[id]
            here = set(range(max(start, asked[at][1]), min(end, asked[at][2]))) - covered[id]
            covered[id] |= here
            found[at, id] = Fraction(len(here), end - start) if end > start else Fraction(0)
    return found


def model(universe, sample, least, overlap_of, *, unknown, order, unique, values):
    """What a tokenizer gives for one sample: (id, value, row) of each token, and the counts."""
    rows = asked_rows(universe, sample, order, unique)
    asked = [sample[row] for row in rows]
    hits = enough_hits(universe, asked, least, overlap_of)
    covered = shares_covered(universe, asked, hits)
    tokens = []
    for at, row in enumerate(rows):
        for id in hits[at]:
            weights = {"count": 1, "fraction": covered[at, id]}
            value = weights.get(values, common(sample[row], universe[id]))
            tokens.append((id, float(np.float32(float(value))), row))
        if not hits[at] and unknown == "region":
            tokens.append((len(universe), 0, row))
    if order == "value":
        tokens.sort(key=lambda token: -token[1])
    if unique == "token":
        met = set()
        tokens = [t for t in tokens if t[0] not in met and not met.add(t[0])]
    if not tokens and unknown == "sample":
        tokens = [(len(universe), 0, -1)]
    return tokens, len(rows), sum(map(bool, hits))


@quiet
@settings(max_examples=200)
@given(
    universes,
    st.lists(samples, min_size=1, max_size=3),
    leasts,
    st.sampled_from(OF),
    st.sampled_from(METHODS),
    st.data(),
)
def test_every_option_with_a_limit(universe, batch, least, overlap_of, method, data):
    options = {
        "unknown": data.draw(st.sampled_from(["sample", "region", "drop"])),
        "order": data.draw(st.sampled_from(["input", "genome", "random", "value"])),
        "unique": data.draw(st.sampled_from([None, "query", "token"])),
    }
    limits = {"min_overlap": typed(least), "overlap_of": overlap_of}
    tokenizer = Tokenizer(universe, method=method, **options, **limits)
    for values, queries in product((None, "count", "bp", "fraction"), (False, True)):
        found = tokenizer.encode_batch(
            [region_set(sample) for sample in batch], values=values, queries=queries
        )
        models = [
            model(universe, sample, least, overlap_of, values=values, **options) for sample in batch
        ]
        tokens = [token for tokens, _, _ in models for token in tokens]
        assert found.lengths.tolist() == [len(tokens) for tokens, _, _ in models]
        assert found.ids.tolist() == [id for id, _, _ in tokens]
        assert found.n_regions.tolist() == [n for _, n, _ in models]
        assert found.n_hits.tolist() == [n for _, _, n in models]
        assert found.n_excluded is None
        if values is None:
            assert found.values is None
        else:
            assert (found.values.dtype, len(found.values)) == (np.float32, len(found.ids))
            assert found.values.tolist() == [value for _, value, _ in tokens]
        if queries:
            assert (found.queries.dtype, len(found.queries)) == (np.int32, len(found.ids))
            assert found.queries.tolist() == [row for _, _, row in tokens]
        else:
            assert found.queries is None


def test_too_small_an_overlap_is_no_hit():
    sample = [("chr1", 110, 160), ("chr1", 290, 310), ("chr2", 49, 60), ("chr9", 1, 2)]
    for unknown, ids, queries in (
        ("sample", [3, 2, 1], [0, 0, 0]),
        ("region", [3, 2, 1, 4, 4, 4], [0, 0, 0, 1, 2, 3]),
    ):
        tokenizer = Tokenizer(UNIVERSE, min_overlap=0.2, overlap_of="query", unknown=unknown)
        smaller = Tokenizer(UNIVERSE, min_overlap=11, unknown=unknown)
        found = tokenizer.encode_batch([sample], queries=True)
        # All of 20, 50 and 10 of 50; 10 of 20; and 1 of 11.
        assert found.n_regions.tolist() == [4]
        assert found.n_hits.tolist() == [2]
        assert found.ids.tolist() == [*ids[:3], 1, *ids[4:]]
        assert found.queries.tolist() == [*queries[:3], 1, *queries[4:]]
        # 10 base pairs are too few twice.
        found = smaller.encode_batch([sample], queries=True)
        assert found.n_hits.tolist() == [1]
        assert found.ids.tolist() == [2, *([4] * 3 if unknown == "region" else [])]
        assert found.queries.tolist() == [0, *([1, 2, 3] if unknown == "region" else [])]
    none = Tokenizer(UNIVERSE, min_overlap=1000)
    assert none.encode(sample) == [none.unk_token_id]
    assert none.encode_batch([sample]).n_hits.tolist() == [0]


LIMITS = [(1, "query"), (1.0, "region"), (30, "both"), (0.29, "region"), (1e-05, "both")]
LIMITS += [(1 / 3, "query"), (None, "region")]


def same(back, tokenizer):
    assert type(back.min_overlap) is type(tokenizer.min_overlap)
    assert (back.min_overlap, back.overlap_of) == (tokenizer.min_overlap, tokenizer.overlap_of)
    one, other = (t.encode_batch([SAMPLE], values="bp", queries=True) for t in (back, tokenizer))
    for name in ("ids", "values", "queries", "n_hits"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()


@pytest.mark.parametrize(("min_overlap", "overlap_of"), LIMITS)
def test_limits_survive(tmp_path, min_overlap, overlap_of):
    tokenizer = Tokenizer(UNIVERSE, min_overlap=min_overlap, overlap_of=overlap_of)
    assert (tokenizer.min_overlap, tokenizer.overlap_of) == (min_overlap, overlap_of)
    tokenizer.save_pretrained(tmp_path / "saved")
    for back in (
        pickle.loads(pickle.dumps(tokenizer)),
        copy.deepcopy(tokenizer),
        copy.copy(tokenizer),
        Tokenizer.from_pretrained(tmp_path / "saved"),
        Tokenizer.from_config(tmp_path / "saved" / "tokenizer.toml"),
        Tokenizer(tmp_path / "saved"),
    ):
        same(back, tokenizer)
    given = Tokenizer.from_pretrained(tmp_path / "saved", min_overlap=3, overlap_of="query")
    assert (given.min_overlap, given.overlap_of) == (3, "query")


@pytest.mark.parametrize("min_overlap", [np.int64(30), np.float32(0.25), np.float64(0.29)])
def test_limits_of_numpy_survive(tmp_path, min_overlap):
    tokenizer = Tokenizer(UNIVERSE, min_overlap=min_overlap, overlap_of="region")
    assert pickle.loads(pickle.dumps(tokenizer)).encode(SAMPLE) == tokenizer.encode(SAMPLE)
    tokenizer.save_pretrained(tmp_path / "saved")
    back = Tokenizer.from_pretrained(tmp_path / "saved")
    assert back.min_overlap == min_overlap
    assert isinstance(back.min_overlap, int) == isinstance(min_overlap, np.integer)
    assert back.encode(SAMPLE) == tokenizer.encode(SAMPLE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("min_overlap = 20", (20, "query")),
        ("min_overlap = 1.0", (1.0, "query")),
        ('min_overlap = 1\noverlap_of = "both"', (1, "both")),
        ('min_overlap = 5e-1\noverlap_of = "region"', (0.5, "region")),
        ('overlap_of = "region"', (None, "region")),
        ("", (None, "query")),
    ],
)
def test_limits_of_a_config(tmp_path, text, expected):
    (tmp_path / "u.bed").write_text("chr1\t100\t200\nchr1\t150\t300\n")
    path = tmp_path / "t.toml"
    path.write_text(f'universe = "u.bed"\n[gtok]\n{text}\n')
    tokenizer = Tokenizer.from_config(path)
    assert (tokenizer.min_overlap, tokenizer.overlap_of) == expected
    assert type(tokenizer.min_overlap) is type(expected[0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("min_overlap = 0", r"min_overlap .* found 0"),
        ("min_overlap = 1.5", r"min_overlap .* found 1\.5"),
        ("min_overlap = nan", r"min_overlap .* found nan"),
        ("min_overlap = true", r"min_overlap .* found True"),
        ('min_overlap = "1"', r"min_overlap .* found '1'"),
        ('overlap_of = "x"', r"expected overlap_of 'query', 'region' or 'both', found 'x'"),
        ("overlap_of = 1", r"expected overlap_of .* found 1"),
    ],
)
def test_bad_limits_of_a_config(tmp_path, text, message):
    (tmp_path / "u.bed").write_text("chr1\t100\t200\n")
    path = tmp_path / "t.toml"
    path.write_text(f'universe = "u.bed"\n[gtok]\n{text}\n')
    with pytest.raises(GtokError, match=message):
        Tokenizer.from_config(path)


def test_repr_tells_the_limits():
    assert "overlap" not in repr(Tokenizer(UNIVERSE))
    shown = repr(Tokenizer(UNIVERSE, min_overlap=0.5, overlap_of="both"))
    assert shown.endswith(", min_overlap=0.5, overlap_of='both')")


# --- hits


@quiet
@settings(max_examples=150)
@given(
    universes,
    samples,
    st.one_of(st.none(), crowded(0, 4, ["chr1", "chr2", "chrUn"])),
    leasts,
    st.sampled_from(OF),
    st.sampled_from(METHODS),
)
def test_hits_are_all_that_is_large_enough(universe, sample, exclude, least, overlap_of, method):
    tokenizer = Tokenizer(
        universe, method=method, min_overlap=typed(least), overlap_of=overlap_of, exclude=exclude
    )
    hits = tokenizer.hits(region_set(sample))
    assert [column.dtype for column in hits] == [np.int32] * 3
    touched = oracle.overlaps(exclude or [], sample)
    expected = [
        (row, id, common(query, universe[id]))
        for row, (query, ids) in enumerate(
            zip(sample, enough_hits(universe, sample, least, overlap_of), strict=True)
        )
        for id in ids
        if not touched[row]
    ]
    assert list(zip(*(column.tolist() for column in hits), strict=True)) == expected
    # The same rows and regions as its tokens in the order of the sample.
    batch = tokenizer.encode_batch([region_set(sample)], values="bp", queries=True)
    if expected:
        assert batch.queries.tolist() == hits.queries.tolist()
        assert batch.ids.tolist() == hits.ids.tolist()
        assert batch.values.tolist() == hits.overlap.tolist()


# --- values


def covered_bases(universe, sample, least, overlap_of):
    """The positions of each region that the sample's hits cover, as sets."""
    covered = [set() for _ in universe]
    hits = enough_hits(universe, sample, least, overlap_of)
    for (_, start, end), ids in zip(sample, hits, strict=True):
        for id in ids:
            covered[id] |= set(range(start, end)) & set(range(*universe[id][1:]))
    return covered


@quiet
@given(
    universes,
    st.lists(samples, min_size=1, max_size=3),
    leasts,
    st.sampled_from(OF),
    st.sampled_from(["input", "genome", "random", "value"]),
    st.sampled_from([None, "query"]),
)
def test_fractions_add_up_to_what_the_union_covers(
    universe, batch, least, overlap_of, order, unique
):
    limits = {"min_overlap": typed(least), "overlap_of": overlap_of}
    tokenizer = Tokenizer(universe, order=order, unique=unique, **limits)
    sets = [region_set(sample) for sample in batch]
    found = tokenizer.encode_batch(sets, values="fraction")
    assert (found.values.dtype, len(found.values)) == (np.float32, len(found.ids))
    assert (found.values >= 0).all()
    dense = found.to_csr(len(universe)).toarray()
    for i, sample in enumerate(batch):
        covered = covered_bases(universe, sample, least, overlap_of)
        expected = [
            len(bases) / (end - start) if end > start else 0
            for bases, (_, start, end) in zip(covered, universe, strict=True)
        ]
        np.testing.assert_allclose(dense[i], expected, atol=1e-6)


@quiet
def test_a_region_of_no_length_is_covered_by_nothing():
    tokenizer = Tokenizer([("chr1", 10, 10), ("chr1", 5, 25)])
    sample = [("chr1", 0, 15), ("chr1", 12, 20), ("chr1", 18, 18), ("chr1", 12, 20)]
    batch = tokenizer.encode_batch([sample], values="fraction")
    assert batch.ids.tolist() == [1, 0, 1, 1, 1]
    assert batch.values.tolist() == [0.5, 0, 0.25, 0, 0]
    assert tokenizer.encode_batch([sample], values="bp").values.tolist() == [10, 0, 8, 0, 8]
    assert tokenizer.encode_batch([sample], values="count").values.tolist() == [1] * 5


def test_fraction_is_of_what_none_before_it_in_genome_order_covers():
    tokenizer = Tokenizer([("chr1", 0, 100), ("chr2", 0, 100)])
    sample = [("chr2", 0, 10), ("chr1", 50, 100), ("chr1", 0, 75), ("chr1", 20, 30)]
    batch = tokenizer.encode_batch([sample, sample[1:2]], values="fraction")
    assert batch.ids.tolist() == [1, 0, 0, 0, 0]
    assert batch.values.tolist() == [np.float32(0.1), 0.25, 0.75, 0, 0.5]


def test_what_is_too_small_a_hit_covers_nothing():
    sample = [("chr1", 0, 10), ("chr1", 40, 100), ("chr1", 5, 50)]
    for least, expected in ((None, 1.0), (11, 0.95), (0.5, 0.6), (61, 0)):
        tokenizer = Tokenizer(
            [("chr1", 0, 100)], min_overlap=least, overlap_of="region", unknown="drop"
        )
        batch = tokenizer.encode_batch([sample], values="fraction")
        assert batch.values.sum() == pytest.approx(expected)


@quiet
def test_unk_weighs_nothing():
    tokenizer = Tokenizer(UNIVERSE, unknown="region", min_overlap=1)
    sample = [("chr9", 1, 2), ("chr2", 10, 20), ("chr2", 60, 70)]
    for values in ("count", "bp", "fraction"):
        batch = tokenizer.encode_batch([sample], values=values)
        assert batch.ids.tolist() == [4, 0, 4]
        assert batch.values[[0, 2]].tolist() == [0, 0]
        assert batch.values[1] > 0
        lone = Tokenizer(UNIVERSE).encode_batch([[("chr9", 1, 2)]], values=values, queries=True)
        assert (lone.ids.tolist(), lone.values.tolist()) == ([4], [0])
        assert lone.queries.tolist() == [-1]


# --- matrices


def entries_of(batch, n_columns, reduce):
    """{(sample, id): what its tokens make}, one token at a time, exactly."""
    found = {}
    for i in range(len(batch)):
        for k in range(batch.offsets[i], batch.offsets[i + 1]):
            id = int(batch.ids[k])
            if 0 <= id < n_columns:
                value = 1 if batch.values is None else Fraction(float(batch.values[k]))
                if (i, id) not in found:
                    found[i, id] = value
                elif reduce == "sum":
                    found[i, id] += value
                else:
                    found[i, id] = max(found[i, id], value)
    return found


def check_matrix(matrix, shape, expected):
    """Exactly these entries, by row and column, none twice, whatever the matrix's flags say."""
    assert type(matrix) is scipy.sparse.csr_matrix
    assert matrix.shape == shape
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
    assert matrix.has_sorted_indices
    assert matrix.has_canonical_format
    assert len(matrix.indptr) == shape[0] + 1
    assert len(matrix.indices) == len(matrix.data) == matrix.indptr[-1]
    rows = np.repeat(np.arange(shape[0]), np.diff(matrix.indptr)).tolist()
    found = list(zip(rows, matrix.indices.tolist(), strict=True))
    assert found == sorted(expected)
    assert [Fraction(x) for x in matrix.data.tolist()] == [expected[at] for at in found]


def random_batch(seed, n_rows, longest, n_columns, *, weighted, repeats):
    """Rows of every length, in no order, with repeats, special tokens, and eighths as values."""
    chance = np.random.default_rng(seed)
    lengths = chance.integers(0, longest + 1, n_rows)
    lengths[: n_rows // 2 : 2] = longest
    size = int(lengths.sum())
    ids = chance.integers(0, min(n_columns + 7, LARGEST), size)
    pool = chance.integers(0, n_columns, max(longest // 3, 1))
    again = chance.random(size) < repeats
    ids[again] = chance.choice(pool, int(again.sum()))
    values = (chance.integers(-400, 400, size) / 8).astype(np.float32) if weighted else None
    return TokenBatch(ids, np.concatenate([[0], np.cumsum(lengths)]), values)


wide = st.sampled_from([1, 2, 100, 2047, 2048, 2049, 100_000, 2**22 - 1, 2**22, 2**22 + 1, LARGEST])


@given(
    st.integers(0, 2**32),
    st.integers(1, 5),
    st.sampled_from([0, 1, 5, 47, 48, 49, 50, 200, 900]),
    wide,
    st.booleans(),
    st.sampled_from([0.0, 0.4, 1.0]),
    st.sampled_from(["sum", "max"]),
)
def test_a_matrix_token_by_token(seed, n_rows, longest, n_columns, weighted, repeats, reduce):
    batch = random_batch(seed, n_rows, longest, n_columns, weighted=weighted, repeats=repeats)
    matrix = batch.to_csr(n_columns, reduce=reduce)
    assert matrix.dtype == (np.float32 if weighted else np.int32)
    check_matrix(matrix, (n_rows, n_columns), entries_of(batch, n_columns, reduce))
    # The kernel adds up in float64, whatever the matrix is of.
    _, _, data = sum_rows(batch.ids, batch.offsets, n_columns, batch.values, reduce == "max")
    assert data.dtype == np.float64
    assert data.tolist() == matrix.data.tolist()


@given(
    st.lists(
        st.lists(st.tuples(st.integers(-2, 15), st.integers(-80, 80)), max_size=60), max_size=5
    ),
    st.sampled_from([0, 1, 3, 9, 16]),
    st.sampled_from(["sum", "max"]),
)
def test_a_small_matrix_token_by_token(drawn, n_columns, reduce):
    flat = [token for row in drawn for token in row]
    offsets = np.cumsum([0, *map(len, drawn)])
    values = np.array([value / 8 for _, value in flat], dtype=np.float32)
    batch = TokenBatch([id for id, _ in flat], offsets, values)
    expected = entries_of(batch, n_columns, reduce)
    check_matrix(batch.to_csr(n_columns, reduce=reduce), (len(drawn), n_columns), expected)
    ones = dict.fromkeys(expected, 1)
    binary = batch.to_csr(n_columns, binary=True, reduce=reduce)
    assert binary.dtype == np.int32
    check_matrix(binary, (len(drawn), n_columns), ones)


@pytest.mark.parametrize("n", [48, 49, 500])
@pytest.mark.parametrize("spread", [1, 2**11, 2**22])
@pytest.mark.parametrize("reduce", ["sum", "max"])
def test_every_digit_of_a_column_is_sorted_by(n, spread, reduce):
    ids = np.arange(n)[::-1] % 500 * spread
    ids = np.concatenate([ids, ids])
    values = np.concatenate([np.full(n, -2), np.full(n, -1)]).astype(np.float32)
    batch = TokenBatch(ids, np.array([0, 2 * n]), values)
    n_columns = n * spread
    expected = entries_of(batch, n_columns, reduce)
    assert len(expected) == n
    assert set(expected.values()) == {-3 if reduce == "sum" else -1}
    check_matrix(batch.to_csr(n_columns, reduce=reduce), (1, n_columns), expected)


@pytest.mark.parametrize("n", [3, 100])
@pytest.mark.parametrize("reduce", ["sum", "max"])
def test_runs_that_ascend_already(n, reduce):
    ids = np.repeat(np.arange(n), 3)
    values = np.tile([-3, -1, -2], n).astype(np.float32)
    batch = TokenBatch(ids, np.array([0, 3 * n]), values)
    expected = {(0, id): -6 if reduce == "sum" else -1 for id in range(n)}
    check_matrix(batch.to_csr(n, reduce=reduce), (1, n), expected)


def test_the_largest_of_counts_is_one():
    batch = TokenBatch([2, 2, 0, 2, 5], [0, 4, 5])
    matrix = batch.to_csr(3, reduce="max")
    assert matrix.dtype == np.int32
    assert matrix.toarray().tolist() == [[1, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize("bad", ["mean", "", None, True])
def test_no_such_reduction(bad):
    with pytest.raises(GtokError) as caught:
        TokenBatch([0], [0, 1]).to_csr(1, reduce=bad)
    assert str(caught.value) == f"expected reduce 'sum' or 'max', found {bad!r}"


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64, np.float32, np.float64, "uint32"])
@pytest.mark.parametrize("reduce", ["sum", "max"])
def test_the_dtype_asked_for(dtype, reduce):
    batch = TokenBatch([1, 0, 1], [0, 3], np.array([2, 7, 3], dtype=np.float32))
    matrix = batch.to_csr(2, dtype=dtype, reduce=reduce)
    assert matrix.dtype == np.dtype(dtype)
    assert matrix.toarray().tolist() == [[7, 5 if reduce == "sum" else 3]]
    assert to_csr([], 2, dtype=dtype).dtype == np.dtype(dtype)


UNFIT = [
    ([1.5], np.int32, "1.5"), ([-1], np.uint16, "-1"), ([200, 100], np.uint8, "300"),
    ([40_000], np.int16, "40000"), ([2e9, 2e9], np.int32, r"4e\+09"), ([1e30], np.int64, r"1e\+30"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "dtype", "found"), UNFIT)
def test_sums_that_fit_no_whole_number(values, dtype, found):
    batch = TokenBatch(np.zeros(len(values), int), [0, len(values)], np.float32(values))
    message = rf"expected sums that fit {np.dtype(dtype)}, found up to {found}$"
    with pytest.raises(GtokError, match=message):
        batch.to_csr(1, dtype=dtype)
    # What is left out, or said otherwise, need not fit.
    assert batch.to_csr(0, dtype=dtype).nnz == 0
    assert batch.to_csr(1, dtype=dtype, binary=True).data.tolist() == [1]
    assert batch.to_csr(1, dtype=np.float64).data.tolist() == [sum(map(float, np.float32(values)))]


def test_counts_that_are_too_many():
    batch = TokenBatch(np.zeros(300, dtype=np.int32), [0, 300])
    with pytest.raises(GtokError, match=r"expected sums that fit uint8, found up to 300$"):
        batch.to_csr(1, dtype=np.uint8)
    assert batch.to_csr(1, dtype=np.uint8, reduce="max").toarray().tolist() == [[1]]


# --- a stream of batches


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**32), st.integers(0, 4), st.sampled_from([0, 3, 60]), st.booleans()
        ),
        max_size=8,
    ),
    st.sampled_from([1, 30, 3000, 2**22]),
    st.sampled_from(["sum", "max"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, np.float64, np.int64]),
)
def test_a_stream_is_its_concatenation(parts, n_columns, reduce, weighted, binary, dtype):
    batches = [
        random_batch(seed, n_rows, longest, n_columns, weighted=weighted, repeats=0.5 * often)
        for seed, n_rows, longest, often in parts
    ]
    if weighted and dtype is np.int64:
        batches = [TokenBatch(b.ids, b.offsets, np.floor(b.values)) for b in batches]
    whole = TokenBatch.concatenate(batches)
    options = {"binary": binary, "reduce": reduce, "dtype": dtype}
    expected = whole.to_csr(n_columns, **options)
    entries = entries_of(whole, n_columns, reduce)
    check_matrix(
        expected, (len(whole), n_columns), dict.fromkeys(entries, 1) if binary else entries
    )
    for stream in (batches, tuple(batches), iter(batches), (batch for batch in batches)):
        matrix = to_csr(stream, n_columns, **options)
        check_matrix(
            matrix, (len(whole), n_columns), dict.fromkeys(entries, 1) if binary else entries
        )
        assert matrix.dtype == expected.dtype
        assert matrix.indptr.tobytes() == expected.indptr.tobytes()


def test_no_batches():
    for stream in ([], iter([]), [TokenBatch([], [0])]):
        matrix = to_csr(stream, 5)
        assert matrix.dtype == np.int32
        check_matrix(matrix, (0, 5), {})
    weighted = TokenBatch([], [0, 0], np.empty(0, dtype=np.float32))
    assert to_csr([weighted], 5).dtype == np.float32
    assert to_csr([weighted], 5).shape == (1, 5)


def test_batches_are_asked_for_one_by_one():
    taken = []

    def stream():
        for i in range(4):
            taken.append(i)
            yield TokenBatch([i, 99 if i < 2 else -1], [0, 2], np.float32([i + 0.5, 1]))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        to_csr(stream(), 5)
    assert taken == [0, 1, 2, 3]
    # An error of the second batch is raised before the third is asked for.
    taken.clear()
    with pytest.raises(GtokError, match="expected sums that fit int8"):
        to_csr(
            (
                taken.append(i) or TokenBatch([0], [0, 1], np.float32([1 if i != 1 else 200]))
                for i in range(4)
            ),
            1,
            dtype=np.int8,
        )
    assert taken == [0, 1]


def test_a_long_stream_of_small_batches():
    """More items than a column grows by at once, so that it grows where it stands."""
    batch = random_batch(1, 400, 900, 50_000, weighted=True, repeats=0.2)
    one = batch.to_csr(50_000)
    n = 2**23 // one.nnz + 2
    matrix = to_csr((batch for _ in range(n)), 50_000)
    assert matrix.shape == (n * 400, 50_000)
    assert matrix.nnz == n * one.nnz > 2**23
    for i in (0, n // 2, n - 1):
        rows = matrix[i * 400 : (i + 1) * 400]
        assert rows.indices.tobytes() == one.indices.tobytes()
        assert rows.data.tobytes() == one.data.tobytes()
