"""One contract for every overlap index, checked against looking at every region."""

from __future__ import annotations

import copy
import io
import pickle
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import oracle
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from interrupts import SLOWER, lateness

import gtok.index
from gtok._ailist import AIList
from gtok._bits import Bits
from gtok.errors import GtokError
from gtok.index import build_index
from gtok.regions import RegionSet

METHODS = ["bits", "ailist", "auto"]
KERNELS = [Bits, AIList]
LARGEST = 2**31 - 1

each_method = pytest.mark.parametrize("method", METHODS)
each_kernel = pytest.mark.parametrize("kernel", KERNELS)


def region_set(rows):
    return RegionSet([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


def check(method, universe, queries):
    """Compare an index with the brute force, in every respect."""
    index = build_index(region_set(universe), method)
    asked = region_set(queries)
    offsets, ids = index.overlaps(asked)
    counts = index.count(asked)
    assert (offsets.dtype, ids.dtype, counts.dtype) == (np.int64, np.int32, np.int64)
    assert offsets.shape == (len(queries) + 1,)
    assert offsets[0] == 0
    assert offsets[-1] == len(ids)
    found = [ids[lo:hi].tolist() for lo, hi in pairwise(offsets)]
    expected = oracle.overlaps(universe, queries)
    assert found == expected
    assert counts.tolist() == [len(hits) for hits in expected]


def around(*positions):
    """Every region that begins and ends at one of some positions or next to it."""
    near = sorted({p + d for p in positions for d in (-1, 0, 1) if 0 <= p + d <= LARGEST})
    return [("chr1", start, end) for start in near for end in near if start <= end]


# --- generated universes and queries


@st.composite
def rows(draw, max_size, chroms=("chr1", "chr2", "chrX")):
    """Regions that crowd together, so that touching, nesting and equality are common."""
    reach = draw(st.sampled_from([3, 12, 100, 5_000, LARGEST]))
    position = st.integers(0, reach)
    if reach == LARGEST:
        position = st.one_of(
            position,
            st.integers(LARGEST - 3, LARGEST),
            st.builds(
                lambda e, d: min(max((1 << e) + d, 0), LARGEST),
                st.integers(0, 31),
                st.integers(-2, 2),
            ),
        )
    region = st.tuples(st.sampled_from(chroms), position, position).map(
        lambda row: (row[0], min(row[1:]), max(row[1:]))
    )
    return draw(st.lists(region, max_size=max_size))


@each_method
@given(universe=rows(40), queries=rows(40, ("chr1", "chr2", "chrX", "chrUn", "chr10")))
@example(universe=[], queries=[])
@example(universe=[], queries=[("chr1", 0, 5)])
@example(universe=[("chr1", 0, 5)], queries=[])
@example(universe=[("chr1", 0, 0)], queries=[("chr1", 0, 0), ("chr1", 0, 1)])
@example(universe=[("chr1", 3, 3)], queries=[("chr1", 2, 4), ("chr1", 3, 4), ("chr1", 2, 3)])
@example(
    universe=[("chr1", 0, LARGEST), ("chr1", LARGEST, LARGEST)],
    queries=[("chr1", LARGEST, LARGEST), ("chr1", LARGEST - 1, LARGEST), ("chr1", 0, 0)],
)
def test_small_universes(method, universe, queries):
    check(method, universe, queries)


@st.composite
def large_universe(draw):
    """Hundreds of regions of one chromosome, a few of them long or very long."""
    seed = draw(st.integers(0, 2**32 - 1))
    n = draw(st.sampled_from([2, 3, 4, 63, 64, 65, 66, 127, 128, 129, 255, 256, 257, 600]))
    share_of_long = draw(st.sampled_from([0.0, 0.02, 0.3, 1.0]))
    reach = draw(st.sampled_from([50, 1_000, 1_000_000, LARGEST]))
    short = draw(st.sampled_from([0, 1, 20, 500]))
    chance = random.Random(seed)
    universe = []
    for _ in range(n):
        longest = reach if chance.random() < share_of_long else min(short, reach)
        start = chance.randint(0, reach)
        universe.append(("chr1", start, min(start + chance.randint(0, longest), LARGEST)))
    queries = [*universe[:40], ("chr1", 0, LARGEST), ("chr1", 0, 0)]
    for _, start, end in universe[:20]:
        queries.append(("chr1", max(start - 1, 0), start))
        queries.append(("chr1", end, min(end + 1, LARGEST)))
    for _ in range(40):
        start = chance.randint(0, reach)
        end = min(start + chance.choice([0, 1, 10, 1_000, reach]), LARGEST)
        queries.append(("chr1", start, end))
    return universe, queries


@each_method
@given(large_universe())
def test_large_universes(method, universe_and_queries):
    check(method, *universe_and_queries)


@given(large_universe())
def test_both_methods_give_the_same_bytes(universe_and_queries):
    universe, queries = map(region_set, universe_and_queries)
    bits, ailist = build_index(universe, "bits"), build_index(universe, "ailist")
    for one, other in zip(bits.overlaps(queries), ailist.overlaps(queries), strict=True):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()
    assert bits.count(queries).tobytes() == ailist.count(queries).tobytes()


# --- edges by name


@each_method
@pytest.mark.parametrize("n", [0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 66, 127, 128, 129, 1024])
def test_every_size_of_universe(method, n):
    universe = [("chr1", 10 * i, 10 * i + 6) for i in range(n)]
    queries = [("chr1", p, p + w) for p in range(0, min(10 * n + 20, 400)) for w in (0, 1, 4, 30)]
    queries += [("chr1", 10 * n - 15, 10 * n + 5)] if n > 1 else []
    check(method, universe, queries)


@each_method
@pytest.mark.parametrize("n", [0, 1, 2, 31, 32, 33, 64, 65])
def test_every_size_of_batch(method, n):
    universe = [("chr1", 10 * i, 10 * i + 15) for i in range(40)]
    check(method, universe, [("chr1", 7 * i, 7 * i + 9) for i in range(n)])


@each_method
@pytest.mark.parametrize("exponent", [1, 5, 12, 20, 30])
def test_positions_around_powers_of_two(method, exponent):
    edges = around(1 << exponent, (1 << exponent) * 3 // 2)
    check(method, edges, edges)


@each_method
def test_positions_around_the_largest_one(method):
    edges = around(0, LARGEST)
    check(method, edges, edges)


@each_method
@pytest.mark.parametrize("n_after", [0, 1, 63, 64, 65])
def test_zero_length_regions_hit_only_strictly_inside(method, n_after):
    universe = [("chr1", 5, 5)] + [("chr1", 100 + i, 100 + i) for i in range(n_after)]
    index = build_index(region_set(universe), method)
    queries = [
        ("chr1", 4, 6),
        ("chr1", 5, 6),
        ("chr1", 4, 5),
        ("chr1", 5, 5),
    ]
    assert index.count(region_set(queries)).tolist() == [1, 0, 0, 0]
    check(method, universe, queries)


@each_method
def test_zero_length_queries_hit_only_what_holds_them_strictly(method):
    universe = [("chr1", 10, 20)] * 70 + [("chr1", 15, 15)]
    index = build_index(region_set(universe), method)
    queries = region_set([("chr1", p, p) for p in (9, 10, 11, 15, 19, 20, 21)])
    assert index.count(queries).tolist() == [0, 0, 70, 70, 70, 0, 0]
    assert np.diff(index.overlaps(queries)[0]).tolist() == [0, 0, 70, 70, 70, 0, 0]


@each_method
def test_touching_regions_do_not_overlap(method):
    universe = [("chr1", 0, 10), ("chr1", 10, 20), ("chr1", 20, 30)]
    index = build_index(region_set(universe), method)
    assert index.overlaps(region_set([("chr1", 10, 20)]))[1].tolist() == [1]
    assert index.overlaps(region_set([("chr1", 9, 21)]))[1].tolist() == [0, 1, 2]


@each_method
def test_nested_regions(method):
    universe = [("chr1", i, 2000 - i) for i in range(1000)]
    check(method, universe, around(0, 500, 999, 1000, 1500, 2000))


@each_method
def test_hits_come_by_start_then_end_then_row(method):
    universe = [
        ("chr1", 50, 60),
        ("chr1", 10, 90),
        ("chr1", 10, 80),
        ("chr1", 50, 60),
        ("chr1", 10, 80),
    ]
    index = build_index(region_set(universe), method)
    assert index.overlaps(region_set([("chr1", 55, 56)]))[1].tolist() == [2, 4, 1, 0, 3]


@each_method
@pytest.mark.parametrize("n", [2, 63, 64, 65, 300])
def test_repeated_rows_all_hit_in_order(method, n):
    index = build_index(region_set([("chr1", 5, 10)] * n), method)
    assert index.overlaps(region_set([("chr1", 0, 6)]))[1].tolist() == list(range(n))
    assert index.count(region_set([("chr1", 0, 6), ("chr1", 0, 5)])).tolist() == [n, 0]


@each_method
def test_long_regions_that_cover_thousands(method):
    universe = [("chr1", 100 * i, 100 * i + 50) for i in range(5000)]
    universe += [("chr1", 0, 500_000), ("chr1", 250_000, 500_000), ("chr1", 3, 499_000)]
    universe += [("chr1", 1000 * i, 1000 * i + 40_000) for i in range(400)]
    random.Random(1).shuffle(universe)
    queries = [("chr1", p, p + w) for p in range(0, 501_000, 4_999) for w in (0, 1, 60, 3_000)]
    check(method, universe, queries)


@each_method
def test_more_nesting_than_ailist_has_lists(method):
    universe = [("chr1", i, 4000 - i) for i in range(2000)]
    universe += [("chr1", 5 * i, 5 * i + 3) for i in range(900)]
    assert build_index(region_set(universe), "ailist").kernel.n_lists == 10
    check(method, universe, [("chr1", p, p + w) for p in range(0, 4600, 97) for w in (0, 1, 500)])


@each_method
def test_unsorted_universe(method):
    universe = [(f"chr{i % 5}", i * 37 % 1000, i * 37 % 1000 + i % 90) for i in range(1000)]
    queries = [(f"chr{i % 7}", i, i + 25) for i in range(0, 1000, 7)]
    check(method, universe, queries)


@each_method
def test_chromosomes_in_blocks_that_are_split(method):
    universe = [("chr1", 5, 9), ("chr2", 5, 9), ("chr1", 0, 6), ("chr2", 0, 6), ("chr1", 7, 8)]
    check(method, universe, [("chr1", 5, 8), ("chr2", 5, 8)])


@each_method
def test_thousands_of_chromosomes(method):
    universe = [(f"contig{i}", j * 10, j * 10 + 5) for i in range(3000) for j in range(i % 3)]
    queries = [(f"contig{i}", 4, 11) for i in range(0, 3100, 3)]
    check(method, universe, queries)


@each_method
def test_names_that_the_universe_has_but_no_region_is_on(method):
    codes = np.array([2, 2, 0], dtype=np.int32)
    names = ("chrA", "chrB", "chrC", "chrD")
    universe = RegionSet.from_codes(codes, names, [1, 5, 3], [4, 9, 8])
    index = build_index(universe, method)
    queries = region_set([(name, 0, 100) for name in (*names, "chrE")])
    assert index.count(queries).tolist() == [1, 0, 2, 0, 0]
    assert index.overlaps(queries)[1].tolist() == [2, 0, 1]


@each_method
def test_a_chromosome_by_two_numbers_is_refused_or_still_one(method):
    codes = np.array([0, 1], dtype=np.int32)
    try:
        universe = RegionSet.from_codes(codes, ("chr1", "chr1"), [1, 1], [4, 4])
    except GtokError:
        return
    assert build_index(universe, method).count(["chr1:2-3"]).tolist() == [2]


@each_method
def test_unknown_chromosomes_miss(method):
    index = build_index(region_set([("chr1", 0, 10)]), method)
    offsets, ids = index.overlaps(region_set([("1", 0, 10), ("chr1", 0, 10), ("chr10", 0, 10)]))
    assert offsets.tolist() == [0, 0, 1, 1]
    assert ids.tolist() == [0]


@each_method
def test_an_index_takes_any_sample(method):
    index = build_index(["chr1:100-200", "chr1:150-300"], method)
    assert index.count([("chr1", 180, 190)]).tolist() == [2]
    assert index.count("chr1:250-260").tolist() == [1]
    assert index.count([]).tolist() == []


def test_an_unknown_method_is_refused_by_name():
    with pytest.raises(
        GtokError, match=r"expected method 'auto', 'bits' or 'ailist', found 'tree'"
    ):
        build_index([], "tree")


# --- "auto"


def test_auto_takes_bits_for_peaks():
    universe = [("chr1", 1000 * i, 1000 * i + 500) for i in range(5000)]
    assert build_index(region_set(universe), "auto").method == "bits"


def test_auto_takes_bits_for_an_empty_universe():
    assert build_index([], "auto").method == "bits"


def test_auto_takes_ailist_where_a_region_spans_the_chromosome():
    universe = [("chr1", 0, 5_000_000)]
    universe += [("chr1", 1000 * i, 1000 * i + 500) for i in range(5000)]
    assert build_index(region_set(universe), "auto").method == "ailist"


def test_auto_takes_ailist_where_each_chromosome_has_such_a_region():
    universe = [
        (f"chr{c}", 1000 * i, 1000 * i + (500 if i else 1_000_000))
        for c in range(20)
        for i in range(1000)
    ]
    assert build_index(region_set(universe), "auto").method == "ailist"


def test_auto_takes_bits_where_there_are_many_hits_to_merge():
    """Exons of many transcripts, say: a scan sees some in vain, but merging lists costs more."""
    universe = [("chr1", 10_000 * g, 10_000 * g + 500 + t) for g in range(200) for t in range(60)]
    universe += [("chr1", 10_000 * g + 5, 10_000 * g + 40_000) for g in range(200)]
    index = build_index(region_set(universe), "auto")
    assert index.method == "bits"
    columns = (index.regions.codes, index.regions.starts, index.regions.ends)
    hits = index.kernel.count(*columns).mean()
    assert hits > 60
    assert index.kernel.scanned(*columns).mean() - hits > 100


def test_ailist_takes_long_regions_out_of_its_first_list():
    universe = [("chr1", 0, 50_000)] + [("chr1", 10 * i, 10 * i + 5) for i in range(5000)]
    assert build_index(region_set(universe), "ailist").kernel.n_lists == 2
    assert build_index(region_set(universe[1:]), "ailist").kernel.n_lists == 1


# --- many queries, many threads


@pytest.fixture(scope="module")
def crowd():
    """A shuffled universe and queries enough for several chunks."""
    chance = np.random.default_rng(7)
    names = tuple(f"chr{i}" for i in range(1, 8))
    starts = chance.integers(0, 1_000_000, 20_000)
    lengths = np.where(chance.random(20_000) < 0.01, 200_000, chance.integers(0, 400, 20_000))
    universe = RegionSet.from_codes(
        chance.integers(0, 6, 20_000).astype(np.int32), names[:6], starts, starts + lengths
    )
    starts = chance.integers(0, 1_000_000, 200_003)
    queries = RegionSet.from_codes(
        chance.integers(0, 7, 200_003).astype(np.int32), names, starts, starts + 50
    )
    return universe, queries


def as_bytes(index, queries, **options):
    offsets, ids = index.overlaps(queries, **options)
    assert np.array_equal(np.diff(offsets), index.count(queries, **options))
    return offsets.tobytes(), ids.tobytes()


@each_method
def test_chunks_and_threads_change_nothing(method, crowd, monkeypatch):
    universe, queries = crowd
    assert len(queries) > 2 * gtok.index.ROWS_AT_ONCE
    index = build_index(universe, method)
    expected = as_bytes(index, queries)
    for n_threads in (2, 4):
        assert as_bytes(index, queries, n_threads=n_threads) == expected
    few = queries[:1000]
    expected = as_bytes(index, few)
    for rows_at_once in (1, 7, 999, 1000, 1001):
        monkeypatch.setattr(gtok.index, "ROWS_AT_ONCE", rows_at_once)
        for n_threads in (1, 2, 4):
            assert as_bytes(index, few, n_threads=n_threads) == expected


def test_both_methods_agree_on_a_crowd(crowd):
    universe, queries = crowd
    expected = as_bytes(build_index(universe, "bits"), queries)
    assert as_bytes(build_index(universe, "ailist"), queries) == expected


@each_method
def test_the_answer_to_a_query_does_not_depend_on_the_batch(method, crowd):
    universe, queries = crowd
    index = build_index(universe, method)
    offsets, ids = index.overlaps(queries)
    for row in range(0, len(queries), 9973):
        alone = index.overlaps(queries[row : row + 1])[1]
        assert alone.tolist() == ids[offsets[row] : offsets[row + 1]].tolist()


@each_method
@pytest.mark.parametrize("n_threads", [0, -1])
def test_no_threads_are_refused(method, n_threads):
    index = build_index(["chr1:1-2"], method)
    with pytest.raises(GtokError, match=f"n_threads={n_threads}"):
        index.count(["chr1:1-2"], n_threads=n_threads)


@each_method
def test_sixteen_threads_may_ask_one_index(method, crowd):
    universe, queries = crowd
    index = build_index(universe, method)
    parts = [queries[i * 9000 : (i + 1) * 9000] for i in range(16)]
    expected = [as_bytes(index, part) for part in parts]
    with ThreadPoolExecutor(16) as pool:
        for _ in range(3):
            assert list(pool.map(lambda part: as_bytes(index, part), parts)) == expected


# --- copies


@each_method
@pytest.mark.parametrize("sort", [False, True], ids=["shuffled", "sorted"])
def test_copies_answer_alike(method, sort, crowd):
    universe, queries = crowd
    if sort:
        universe = universe[universe.genome_order()]
    index = build_index(universe, method)
    queries = queries[:5000]
    expected = as_bytes(index, queries)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(index, protocol))
        assert again.method == index.method
        assert as_bytes(again, queries) == expected
    assert as_bytes(copy.deepcopy(index), queries) == expected
    assert as_bytes(copy.copy(index), queries) == expected


@each_method
def test_an_empty_index_can_be_pickled(method):
    index = pickle.loads(pickle.dumps(build_index([], method)))
    assert index.count(["chr1:1-2"]).tolist() == [0]


# --- the kernels alone


def int32(*values):
    return np.array(values, dtype=np.int32)


def spans_of(*spans):
    return int32(*spans).reshape(-1, 2)


SPANS = spans_of((0, 10), (5, 15), (0, 1000), (2, 3), (7, 7))
BOUNDS = np.array([0, 2, 2, 5], dtype=np.int64)  # the chromosome in the middle has no region


@each_kernel
def test_kernel_answers(kernel):
    index = kernel(BOUNDS, SPANS, None)
    chroms, starts, ends = int32(0, 0, 1, 2, 2), int32(8, 12, 0, 2, 6), int32(9, 13, 99, 3, 8)
    offsets, ids = index.overlaps(chroms, starts, ends)
    assert (offsets.dtype, ids.dtype) == (np.int64, np.int32)
    assert offsets.tolist() == [0, 2, 3, 3, 5, 7]
    assert ids.tolist() == [0, 1, 1, 2, 3, 2, 4]
    counts = index.count(chroms, starts, ends)
    assert counts.dtype == np.int64
    assert counts.tolist() == [2, 1, 0, 2, 2]


@each_kernel
def test_kernel_gives_the_ids_of_its_order(kernel):
    index = kernel(BOUNDS, SPANS, int32(40, 10, 30, 20, 0))
    assert index.overlaps(int32(0, 2), int32(8, 2), int32(9, 3))[1].tolist() == [40, 10, 30, 20]


@each_kernel
@pytest.mark.parametrize("chrom", [-1, -2, 3, 4, LARGEST, -(2**31)])
def test_kernel_finds_nothing_on_chromosomes_it_lacks(kernel, chrom):
    index = kernel(BOUNDS, SPANS, None)
    query = int32(chrom, 0, chrom), int32(0, 0, LARGEST), int32(LARGEST, 1, LARGEST)
    assert index.count(*query).tolist() == [0, 1, 0]
    offsets, ids = index.overlaps(*query)
    assert offsets.tolist() == [0, 0, 1, 1]
    assert ids.tolist() == [0]


@each_kernel
@pytest.mark.parametrize("n_chroms", [0, 1, 3])
def test_kernel_without_regions(kernel, n_chroms):
    index = kernel(np.zeros(n_chroms + 1, dtype=np.int64), spans_of(), None)
    for chroms in (int32(), int32(0, -1, 5)):
        zeros = np.zeros(len(chroms), dtype=np.int32)
        assert index.count(chroms, zeros, zeros + 9).tolist() == zeros.tolist()
        offsets, ids = index.overlaps(chroms, zeros, zeros + 9)
        assert offsets.tolist() == [0] * (len(chroms) + 1)
        assert ids.tolist() == []
    pickle.loads(pickle.dumps(index))


@each_kernel
def test_kernel_takes_read_only_arrays(kernel):
    arrays = [BOUNDS.copy(), SPANS.copy(), np.arange(5, dtype=np.int32)]
    query = [int32(0), int32(8), int32(9)]
    for array in (*arrays, *query):
        array.flags.writeable = False
    assert kernel(*arrays).overlaps(*query)[1].tolist() == [0, 1]


@each_kernel
@pytest.mark.parametrize("wrong", [np.int64, np.uint32, np.float64])
def test_kernel_refuses_other_types(kernel, wrong):
    index = kernel(BOUNDS, SPANS, None)
    with pytest.raises(ValueError, match="Buffer dtype mismatch"):
        index.count(int32(0), np.zeros(1, dtype=wrong), int32(5))


@each_kernel
@pytest.mark.parametrize("n", [0, 1, 4, 6, 9])
def test_kernel_refuses_spans_that_do_not_fit_the_bounds(kernel, n):
    with pytest.raises(ValueError, match=f"expected 5 spans, found {n}"):
        kernel(BOUNDS, np.zeros((n, 2), dtype=np.int32), None)


def test_bits_says_how_many_regions_it_looks_at():
    spans = spans_of(*((10 * i, 10 * i + 5) for i in range(1000)))
    bounds = np.array([0, 1000])
    query = int32(0, 0, 1), int32(5000, 100, 0), int32(5006, 100, 9)
    scanned = Bits(bounds, spans, None).scanned(*query)
    assert scanned.dtype == np.int64
    assert 1 <= scanned[0] <= 4
    assert scanned[2] == 0
    spans[0, 1] = 10_000
    assert Bits(bounds, spans, None).scanned(*query)[0] > 500


# --- the brute force itself


@pytest.mark.skipif(shutil.which("bedtools") is None, reason="bedtools is not installed")
def test_the_brute_force_agrees_with_bedtools(tmp_path):
    chance = random.Random(3)

    def some(n, chroms):
        # Without zero-length rows, which bedtools lets hit at their boundaries.
        made = []
        for _ in range(n):
            start = chance.randrange(3000)
            made.append((chance.choice(chroms), start, start + chance.choice([1, 2, 30, 900])))
        return made

    universe = some(500, ["chr1", "chr2", "chr3"])
    queries = some(300, ["chr1", "chr2", "chr4"])
    paths = []
    for name, regions in (("universe", universe), ("queries", queries)):
        lines = [f"{c}\t{s}\t{e}\t{row}\n" for row, (c, s, e) in enumerate(regions)]
        paths.append(Path(tmp_path, f"{name}.bed"))
        paths[-1].write_text("".join(lines))
    printed = subprocess.run(
        ["bedtools", "intersect", "-wa", "-wb", "-a", paths[1], "-b", paths[0]],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = {tuple(map(int, line.split()[3::4])) for line in io.StringIO(printed)}
    expected = oracle.overlaps(universe, queries)
    assert len(found) > 1000
    assert found == {(row, number) for row, hits in enumerate(expected) for number in hits}


# -- long calls -----------------------------------------------------------------------------------

DEEP = 5_000  # regions that all overlap each other


def deep(n_queries):
    """An index of regions so deep that 4,000 queries are not answered at one go, and queries."""
    starts = np.arange(DEEP)
    universe = RegionSet.from_codes(np.zeros(DEEP), ["chr1"], starts, starts + 2 * DEEP)
    middle = np.full(n_queries, DEEP + 10)
    return universe, RegionSet.from_codes(np.zeros(n_queries), ["chr1"], middle, middle + 5)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["bits", "ailist"])
def test_answers_are_whole_where_a_call_stops_to_hear_signals(method):
    universe, queries = deep(4_000)
    index = build_index(universe, method)
    offsets, ids = index.overlaps(queries)
    assert np.array_equal(offsets, np.arange(4_001) * DEEP)
    assert np.array_equal(ids.reshape(4_000, DEEP), np.tile(np.arange(DEEP), (4_000, 1)))
    nowhere = RegionSet.from_codes(
        np.zeros(4_000), ["chr1"], [DEEP + 10] * 4_000, [DEEP + 10] * 4_000
    )
    assert np.array_equal(index.count(nowhere), np.full(4_000, DEEP))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc of Linux")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("method", ["bits", "ailist"])
@pytest.mark.parametrize("min_overlap", [1, 5])
def test_ctrl_c_is_heard_within_a_call(method, min_overlap, n_threads):
    universe, queries = deep(3_000_000)  # for minutes, and 60 GB
    index = build_index(universe, method)
    limit = 0.2 * n_threads * SLOWER
    late = lateness(
        lambda: index.overlaps(queries, min_overlap=min_overlap, n_threads=n_threads), 0.1, limit
    )
    assert late < limit, "seconds"
    assert index.count(queries[:3]).tolist() == [DEEP] * 3
