"""From samples to tokens, compared with a plain model of every option."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from types import SimpleNamespace

import numpy as np
import oracle
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtok import GtokError, RegionSet, TokenBatch, Tokenizer, Universe

CHROMS = ["chr1", "chr2", "chr10"]
UNIVERSE = [
    ("chr2", 5, 50),
    ("chr1", 150, 300),
    ("chr1", 100, 200),
    ("chr10", 0, 10),
    ("chr1", 100, 120),
]
SAMPLE = [("chr10", 5, 7), ("chr1", 110, 160), ("chr1", 500, 600), ("chr2", 49, 60)]

rows = st.tuples(st.sampled_from(CHROMS), st.integers(0, 30), st.integers(0, 9)).map(
    lambda row: (row[0], row[1], row[1] + row[2])
)
wide_rows = rows.filter(lambda row: row[1] < row[2])
universes = st.lists(wide_rows, min_size=1, max_size=15, unique=True)
samples = st.lists(st.one_of(rows, rows.map(lambda row: ("chrUn", *row[1:]))), max_size=12)


@pytest.fixture
def tokenizer():
    return Tokenizer(UNIVERSE)


@pytest.fixture
def bed(tmp_path):
    """Write regions to a file of this name and give its path."""

    def write(regions, name="sample.bed"):
        path = tmp_path / name
        path.write_text("".join(f"{chrom}\t{start}\t{end}\n" for chrom, start, end in regions))
        return path

    return write


# A small universe lacks what a small sample has; the warning is tested on its own.
any_names = pytest.mark.filterwarnings("ignore:no chromosome of")


# --- the model

Model = namedtuple("Model", "ids values queries n_regions n_hits")


def model(universe, sample, *, unknown="sample", order="input", unique=None, seed=0, values=None):
    """What a tokenizer gives for one sample, one region at a time."""
    unk = len(universe)
    brute_force = oracle.BruteForce(universe)
    asked = list(range(len(sample)))
    if unique == "query":
        asked = [row for row in asked if sample[row] not in sample[:row]]
    if order == "genome":
        known = list(dict.fromkeys(chrom for chrom, _, _ in universe))
        rank = {chrom: at for at, chrom in enumerate(known)}
        asked.sort(key=lambda row: (rank.get(sample[row][0], len(rank)), *sample[row][1:], row))
    elif order == "random":
        asked = [asked[i] for i in np.random.default_rng(seed).permutation(len(asked))]
    tokens = []
    n_hits = 0
    for row in asked:
        _, start, end = sample[row]
        hits = brute_force.hits(sample[row])
        n_hits += bool(hits)
        for id in hits:
            shared = min(end, universe[id][2]) - max(start, universe[id][1])
            tokens.append((id, 1 if values == "count" else shared, row))
        if not hits and unknown == "region":
            tokens.append((unk, 0, row))
    if order == "value":
        tokens.sort(key=lambda token: -token[1])
    if unique == "token":
        met = set()
        tokens = [t for t in tokens if t[0] not in met and not met.add(t[0])]
    if not tokens and unknown == "sample":
        tokens = [(unk, 0, -1)]
    ids, weights, queries = zip(*tokens, strict=True) if tokens else ((), (), ())
    return Model(list(ids), list(weights), list(queries), len(asked), n_hits)


def check(batch, models, values, queries):
    """Compare a batch with the models of its samples."""
    assert isinstance(batch, TokenBatch)
    assert len(batch) == len(models)
    assert [sample.tolist() for sample in batch] == [m.ids for m in models]
    assert (batch.ids.dtype, batch.offsets.dtype) == (np.int32, np.int64)
    assert batch.n_regions.tolist() == [m.n_regions for m in models]
    assert batch.n_hits.tolist() == [m.n_hits for m in models]
    assert (batch.n_regions.dtype, batch.n_hits.dtype) == (np.int64, np.int64)
    if values is None:
        assert batch.values is None
    else:
        assert batch.values.dtype == np.float32
        assert batch.values.tolist() == [value for m in models for value in m.values]
    if queries:
        assert batch.queries.dtype == np.int32
        assert batch.queries.tolist() == [row for m in models for row in m.queries]
    else:
        assert batch.queries is None


OPTIONS = list(
    product(
        ["sample", "region", "drop"],
        ["input", "genome", "random", "value"],
        [None, "query", "token"],
        [None, "count", "bp"],
        [False, True],
    )
)


@any_names
@settings(max_examples=25)
@given(universes, st.lists(samples, min_size=1, max_size=4), st.integers(0, 3))
def test_every_combination_of_options(universe, batch, seed):
    base = Universe(universe)
    for unknown, order, unique, values, queries in OPTIONS:
        options = {"unknown": unknown, "order": order, "unique": unique, "seed": seed}
        tokenizer = Tokenizer(base, **options)
        found = tokenizer.encode_batch(batch, values=values, queries=queries)
        measure = values or ("bp" if order == "value" else None)
        models = [model(universe, sample, values=measure, **options) for sample in batch]
        check(found, models, values, queries)


@any_names
@given(universes, samples, st.sampled_from(["bits", "ailist", "auto"]))
def test_encode_tokenize_and_call(universe, sample, method):
    tokenizer = Tokenizer(universe, method=method)
    expected = model(universe, sample).ids
    tokens = [f"{chrom}:{start}-{end}" for chrom, start, end in universe] + ["<unk>"]
    assert tokenizer.encode(sample) == expected
    assert all(type(id) is int for id in tokenizer.encode(sample))
    assert tokenizer.tokenize(sample) == [tokens[id] for id in expected]
    assert tokenizer(sample)["input_ids"] == expected


@any_names
@given(universes, samples)
def test_hits(universe, sample):
    found = Tokenizer(universe, order="random", unknown="region").hits(sample)
    expected = model(universe, sample, unknown="drop")
    assert found.queries.tolist() == expected.queries
    assert found.ids.tolist() == expected.ids
    assert found.overlap.tolist() == expected.values
    assert {column.dtype for column in found} == {np.dtype(np.int32)}


def test_many_regions_at_once():
    """More than one call of a kernel takes."""
    chance = np.random.default_rng(5)
    starts = np.sort(chance.choice(3_000_000, 40_000, replace=False))
    universe = [
        ("chr1", int(s), int(s) + int(w))
        for s, w in zip(starts, chance.integers(1, 300, 40_000), strict=True)
    ]
    begins = chance.integers(0, 3_000_000, 150_000)
    sample = RegionSet(["chr1"] * 150_000, begins, begins + 100)
    tokenizer = Tokenizer(universe)
    found = tokenizer.hits(sample)
    chosen = np.array(universe, dtype=object)
    u_starts, u_ends = chosen[:, 1].astype(int), chosen[:, 2].astype(int)
    assert (begins[found.queries] < u_ends[found.ids]).all()
    assert (u_starts[found.ids] < begins[found.queries] + 100).all()
    # As many as two sorted lists say: those begun before the end less those ended at the start.
    begun = np.searchsorted(u_starts, begins + 100)
    ended = np.searchsorted(np.sort(u_ends), begins, side="right")
    assert len(found.ids) == (begun - ended).sum()
    assert np.array_equal(np.bincount(found.queries, minlength=150_000), begun - ended)
    batch = tokenizer.encode_batch([sample])
    assert np.array_equal(batch.ids, found.ids)


# --- order


def test_input_order_is_the_default(tokenizer):
    assert tokenizer.encode(SAMPLE) == [3, 4, 2, 1, 0]
    assert tokenizer.encode(SAMPLE[::-1]) == [0, 4, 2, 1, 3]


def test_genome_order_is_the_universes():
    tokenizer = Tokenizer(UNIVERSE, order="genome", unknown="region")
    # The universe begins with chr2, then comes chr1; what it lacks comes last.
    sample = [("chrUn", 0, 1), *SAMPLE]
    assert tokenizer.encode(sample) == [0, 4, 2, 1, 5, 3, 5]
    assert tokenizer.encode_batch([sample], queries=True).queries.tolist() == [4, 2, 2, 2, 3, 1, 0]


def test_random_order_is_seeded():
    universe = [("chr1", 10 * i, 10 * i + 5) for i in range(100)]
    tokenizer = Tokenizer(universe, order="random")
    first = tokenizer.encode(universe)
    assert sorted(first) == list(range(100))
    assert first != list(range(100))
    assert tokenizer.encode(universe) == first
    assert Tokenizer(universe, order="random", seed=0).encode(universe) == first
    assert Tokenizer(universe, order="random", seed=1).encode(universe) != first
    batch = tokenizer.encode_batch([universe, universe], queries=True)
    assert batch[0].tolist() == batch[1].tolist() == first
    assert batch.queries.tolist() == first + first


def test_value_order_puts_the_largest_first():
    tokenizer = Tokenizer(UNIVERSE, order="value", unknown="region")
    batch = tokenizer.encode_batch([SAMPLE], values="bp", queries=True)
    assert batch.values.tolist() == [50, 10, 10, 2, 1, 0]
    assert batch.ids.tolist() == [2, 4, 1, 3, 0, 5]
    assert batch.queries.tolist() == [1, 1, 1, 0, 3, 2]


# --- repeats


def test_repeats_are_kept_by_default(tokenizer):
    sample = [("chr2", 5, 6), ("chr2", 5, 6), ("chr2", 6, 7)]
    batch = tokenizer.encode_batch([sample], queries=True)
    assert (batch.ids.tolist(), batch.queries.tolist()) == ([0, 0, 0], [0, 1, 2])


def test_unique_query_counts_a_repeated_row_once():
    tokenizer = Tokenizer(UNIVERSE, unique="query")
    sample = [("chr2", 6, 7), ("chr2", 5, 6), ("chr2", 5, 6), ("chr2", 6, 7)]
    batch = tokenizer.encode_batch([sample, [("chr2", 5, 6)]], queries=True)
    assert batch.ids.tolist() == [0, 0, 0]
    assert batch.queries.tolist() == [0, 1, 0]
    assert batch.n_hits.tolist() == [2, 1]


def test_unique_token_keeps_the_first_appearance():
    tokenizer = Tokenizer(UNIVERSE, unique="token")
    sample = [("chr2", 6, 9), ("chr1", 160, 170), ("chr2", 5, 6), ("chr1", 100, 101)]
    batch = tokenizer.encode_batch([sample], queries=True, values="bp")
    assert batch.ids.tolist() == [0, 2, 1, 4]
    assert batch.queries.tolist() == [0, 1, 1, 3]
    assert batch.values.tolist() == [3, 10, 10, 1]
    assert batch.n_hits.tolist() == [4]


# --- misses

MISSES = [("chr1", 900, 901), ("chr2", 0, 5), ("chrUn", 1, 2)]


def test_a_sample_without_a_hit_becomes_one_unk(tokenizer):
    assert tokenizer.encode(MISSES) == [5]
    assert tokenizer.tokenize(MISSES) == ["<unk>"]
    assert tokenizer.encode([]) == [5]
    batch = tokenizer.encode_batch([MISSES, [], SAMPLE[:1]], values="count", queries=True)
    assert batch.ids.tolist() == [5, 5, 3]
    assert batch.values.tolist() == [0, 0, 1]
    assert batch.queries.tolist() == [-1, -1, 0]
    assert batch.n_regions.tolist() == [3, 0, 1]
    assert batch.n_hits.tolist() == [0, 0, 1]
    # One hit, and the misses beside it add nothing.
    assert tokenizer.encode(MISSES + SAMPLE[:1]) == [3]


def test_every_missed_region_becomes_unk_in_its_place():
    tokenizer = Tokenizer(UNIVERSE, unknown="region")
    sample = [MISSES[0], SAMPLE[1], MISSES[1], MISSES[2], SAMPLE[0], MISSES[0]]
    batch = tokenizer.encode_batch([sample, []], queries=True, values="bp")
    assert batch[0].tolist() == [5, 4, 2, 1, 5, 5, 3, 5]
    assert batch.queries.tolist() == [0, 1, 1, 1, 2, 3, 4, 5]
    assert batch.values.tolist() == [0, 10, 50, 10, 0, 0, 2, 0]
    assert len(batch[1]) == 0


def test_drop_never_says_unk():
    tokenizer = Tokenizer(UNIVERSE, unknown="drop")
    batch = tokenizer.encode_batch([MISSES, SAMPLE, []], queries=True, values="bp")
    assert [len(sample) for sample in batch] == [0, 5, 0]
    assert tokenizer.encode(MISSES) == []
    assert tokenizer.tokenize([]) == []


def test_touching_and_zero_length():
    tokenizer = Tokenizer([("chr1", 100, 200)], unknown="drop")
    sample = [(50, 100), (200, 250), (99, 101), (100, 100), (200, 200), (150, 150)]
    found = tokenizer.hits([("chr1", *span) for span in sample])
    assert found.queries.tolist() == [2, 5]
    assert found.overlap.tolist() == [1, 0]


# --- batches

Interval = namedtuple("Interval", "chrom start end strand")
COLUMNS = {
    "chrom": [row[0] for row in SAMPLE],
    "start": [row[1] for row in SAMPLE],
    "end": [row[2] for row in SAMPLE],
}
FORMS = {
    "tuples": lambda: list(SAMPLE),
    "a tuple of tuples": lambda: tuple(SAMPLE),
    "named tuples": lambda: [Interval(*row, "-") for row in SAMPLE],
    "strings": lambda: [f"{chrom}:{start}-{end}" for chrom, start, end in SAMPLE],
    "objects": lambda: [SimpleNamespace(chr=c, start=s, end=e) for c, s, e in SAMPLE],
    "RegionSet": lambda: RegionSet(COLUMNS["chrom"], COLUMNS["start"], COLUMNS["end"]),
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "pyarrow": lambda: pa.table(COLUMNS),
}
each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
EXPECTED = [3, 4, 2, 1, 0]


@each_form
def test_one_sample_of_every_form(tokenizer, form):
    sample = form()
    assert tokenizer.encode(sample) == EXPECTED
    assert tokenizer(sample)["input_ids"] == EXPECTED
    assert tokenizer.hits(sample).ids.tolist() == EXPECTED


@each_form
def test_a_batch_of_every_form(tokenizer, form):
    batch = tokenizer.encode_batch([form(), form()])
    assert [sample.tolist() for sample in batch] == [EXPECTED, EXPECTED]
    assert tokenizer([form(), form()])["input_ids"] == [EXPECTED, EXPECTED]
    assert tokenizer((form(),))["input_ids"] == [EXPECTED]


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_paths(tokenizer, bed, kind):
    paths = [kind(bed(SAMPLE)), kind(bed([], "empty.bed")), kind(bed(SAMPLE[:1], "one.bed"))]
    batch = tokenizer.encode_batch(paths)
    assert [sample.tolist() for sample in batch] == [EXPECTED, [5], [3]]
    assert tokenizer(paths)["input_ids"] == [EXPECTED, [5], [3]]
    assert tokenizer.encode(paths[0]) == EXPECTED
    assert tokenizer(paths[0])["input_ids"] == EXPECTED


def test_samples_of_different_forms(tokenizer, bed):
    xs = [form() for form in FORMS.values()] + [bed(SAMPLE), str(bed(SAMPLE)), []]
    batch = tokenizer.encode_batch(xs)
    assert [sample.tolist() for sample in batch] == [EXPECTED] * (len(xs) - 1) + [[5]]


def test_encode_batch_takes_what_can_be_walked_through(tokenizer):
    assert len(tokenizer.encode_batch(iter([SAMPLE, SAMPLE]))) == 2


def test_a_batch_without_samples(tokenizer):
    batch = tokenizer.encode_batch([], values="bp", queries=True)
    assert (len(batch), len(batch.ids)) == (0, 0)
    assert batch.offsets.tolist() == [0]
    for column in ("values", "queries", "n_regions", "n_hits"):
        assert getattr(batch, column) is not None, column
        assert len(getattr(batch, column)) == 0


@pytest.mark.parametrize("x", ["sample.bed", "chr1:1-2", "-", 5, None], ids=repr)
def test_encode_batch_refuses_a_lone_sample(tokenizer, x):
    with pytest.raises(TypeError, match="expected a list of samples"):
        tokenizer.encode_batch(x)


@pytest.mark.parametrize("name", ["RegionSet", "pandas", "polars", "pyarrow"])
def test_encode_batch_refuses_a_lone_set(tokenizer, name):
    with pytest.raises(TypeError, match="expected a list of samples"):
        tokenizer.encode_batch(FORMS[name]())


def test_encode_batch_refuses_a_lone_path(tokenizer, bed):
    with pytest.raises(TypeError, match="expected a list of samples"):
        tokenizer.encode_batch(bed(SAMPLE))


def test_a_mixture_of_regions_and_samples(tokenizer):
    with pytest.raises(TypeError, match=r"found both.*item 1"):
        tokenizer([SAMPLE[0], [SAMPLE[1]]])


@pytest.mark.parametrize("n_threads", [1, 2, 5, None])
def test_any_number_of_threads_gives_the_same(bed, n_threads):
    chance = np.random.default_rng(3)
    universe = [("chr1", 7 * i, 7 * i + 9) for i in range(2000)]
    xs = []
    for i in range(20):
        starts = chance.integers(0, 14_000, chance.integers(0, 400)).tolist()
        xs.append(bed([("chr1", s, s + 30) for s in starts], f"{i}.bed"))
    tokenizer = Tokenizer(universe)
    expected = tokenizer.encode_batch(
        [RegionSet.from_bed(x) for x in xs], values="bp", queries=True
    )
    found = tokenizer.encode_batch(xs, values="bp", queries=True, n_threads=n_threads)
    for column in ("ids", "offsets", "values", "queries", "n_regions", "n_hits"):
        assert getattr(found, column).tobytes() == getattr(expected, column).tobytes()


@pytest.mark.parametrize("n_threads", [0, -1])
def test_at_least_one_thread(tokenizer, n_threads):
    with pytest.raises(GtokError, match="at least one thread"):
        tokenizer.encode_batch([SAMPLE], n_threads=n_threads)


def test_a_bad_file_among_good_ones(tokenizer, bed, tmp_path):
    bad = tmp_path / "bad.bed"
    bad.write_text("chr1\t5\t1\n")
    for n_threads in (1, 3):
        with pytest.raises(GtokError, match=r"bad.bed, line 1"):
            tokenizer.encode_batch([bed(SAMPLE), bad, bed(SAMPLE)], n_threads=n_threads)


def test_values_takes_five(tokenizer):
    with pytest.raises(GtokError, match=r"values None, 'count', .* or 'signal', found 'score'"):
        tokenizer.encode_batch([SAMPLE], values="score")


@each_form
def test_inputs_survive(tokenizer, form):
    sample, kept = form(), form()
    first = tokenizer.encode(sample)
    assert tokenizer.encode(sample) == first
    batch = [sample, sample]
    tokenizer.encode_batch(batch)
    tokenizer(batch)
    assert len(batch) == 2
    assert batch[0] is sample
    if isinstance(sample, pd.DataFrame):
        pd.testing.assert_frame_equal(sample, kept)
    elif isinstance(sample, pl.DataFrame):
        assert sample.equals(kept)
    else:
        assert sample == kept


def test_results_do_not_share_memory_with_inputs(tokenizer):
    regions = FORMS["RegionSet"]()
    batch = tokenizer.encode_batch([regions])
    batch.ids[:] = -7
    assert tokenizer.encode(regions) == EXPECTED


# --- names of chromosomes

ENSEMBL = [("1", 100, 200), ("2", 1, 9)]
ASKING = {
    "tokenize": lambda t, x: t.tokenize(x),
    "encode": lambda t, x: t.encode(x),
    "call": lambda t, x: t(x),
    "encode_batch": lambda t, x: t.encode_batch([x]),
    "hits": lambda t, x: t.hits(x),
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_warns_where_no_chromosome_is_known(tokenizer, ask):
    with pytest.warns(UserWarning, match=r"names like 'chr2', found names like '1'") as caught:
        ask(tokenizer, ENSEMBL)
    assert len(caught) == 1


def test_warns_with_the_files_name(tokenizer, bed):
    path = bed(ENSEMBL)
    with pytest.warns(UserWarning, match=rf"{path}.*'chr2'.*'1'"):
        tokenizer.encode_batch([path], n_threads=2)


def test_warns_with_the_callers_line(tokenizer):
    with pytest.warns(UserWarning, match="no chromosome") as caught:
        tokenizer.encode(ENSEMBL)
    assert caught[0].filename == __file__


def test_does_not_warn_where_one_is_known(tokenizer):
    assert tokenizer.encode([*ENSEMBL, ("chr1", 900, 901)]) == [5]


def test_does_not_warn_of_an_empty_sample(tokenizer):
    assert tokenizer.encode([]) == [5]


# --- making


def test_every_kind_of_universe(bed, tmp_path):
    expected = Tokenizer(Universe(UNIVERSE))
    path = bed(UNIVERSE, "u.bed")
    folder = tmp_path / "saved"
    expected.save_pretrained(folder)
    for made in (
        Tokenizer(path),
        Tokenizer(str(path)),
        Tokenizer(UNIVERSE),
        Tokenizer(RegionSet.from_bed(path)),
        Tokenizer(RegionSet.from_bed(path).to_frame()),
        Tokenizer.from_bed(path),
        Tokenizer(folder),
        Tokenizer(str(folder)),
        Tokenizer(folder / "tokenizer.toml"),
        Tokenizer(folder / "universe.bed.gz"),
        Tokenizer.from_config(folder / "tokenizer.toml"),
        Tokenizer.from_pretrained(folder),
    ):
        assert made.universe == expected.universe
        assert made.encode(SAMPLE) == EXPECTED


@pytest.mark.parametrize("method", ["bits", "ailist"])
def test_the_method_asked_for_is_used(method):
    tokenizer = Tokenizer(UNIVERSE, method=method)
    assert tokenizer.index.method == method
    assert f"method='{method}'" in repr(tokenizer)


def test_auto_takes_ailist_where_some_regions_are_very_long():
    short = [("chr1", 10 * i, 10 * i + 5) for i in range(20_000)]
    assert Tokenizer(short).index.method == "bits"
    assert Tokenizer([("chr1", 0, 200_000), *short]).index.method == "ailist"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("method", "tree"),
        ("unknown", "all"),
        ("order", "sorted"),
        ("unique", "yes"),
        ("unique", True),
        ("seed", -1),
        ("seed", 1.5),
        ("seed", True),
        ("padding_side", "middle"),
        ("template", "cls sep"),
    ],
)
def test_bad_options(option, value):
    with pytest.raises(GtokError, match=rf"expected {option}.*found {value!r}"):
        Tokenizer(UNIVERSE, **{option: value})


def test_no_such_option():
    with pytest.raises(TypeError, match="unexpected keyword"):
        Tokenizer(UNIVERSE, orders="input")


def test_repr(tokenizer):
    assert repr(tokenizer) == "Tokenizer(5 regions + 7 special tokens, method='bits')"
    changed = Tokenizer(UNIVERSE, unknown="drop", order="genome", template="cls ...")
    assert "unknown='drop', order='genome', template='cls ...'" in repr(changed)


# --- as a value


def test_pickling():
    options = {
        "method": "ailist", "unknown": "region", "order": "random", "unique": "query", "seed": 5,
        "template": "cls ... sep", "padding_side": "left",
    }  # fmt: skip
    tokenizer = Tokenizer(Universe(UNIVERSE, genome="hg38"), **options)
    back = pickle.loads(pickle.dumps(tokenizer))
    assert back.universe == tokenizer.universe
    assert back.index.method == "ailist"
    assert repr(back) == repr(tokenizer)
    xs = [SAMPLE, MISSES, []]
    assert back(xs, padding=True) == tokenizer(xs, padding=True)
    assert {name: getattr(back, name) for name in options} == options


def test_a_call_changes_nothing():
    for order in ("input", "random"):
        tokenizer = Tokenizer(UNIVERSE, order=order)
        before = pickle.dumps(tokenizer)
        tokenizer([SAMPLE, []], padding=True, return_tensors="np")
        tokenizer.encode_batch([SAMPLE], values="bp", queries=True)
        tokenizer.decode(tokenizer.encode(SAMPLE))
        tokenizer.convert_tokens_to_ids(["chr1:100-200", "?"])
        tokenizer.get_vocab()
        assert pickle.dumps(tokenizer) == before


def test_copies(tokenizer):
    deep = copy.deepcopy(tokenizer)
    assert deep is not tokenizer
    assert deep.universe is tokenizer.universe  # immutable, and large
    assert deep.encode(SAMPLE) == EXPECTED
    deep.padding_side = "left"
    assert tokenizer.padding_side == "right"
    assert copy.copy(tokenizer).encode(SAMPLE) == EXPECTED


def test_subclasses_pickle_as_themselves(tokenizer):
    mine = Mine(UNIVERSE, unknown="drop")
    back = pickle.loads(pickle.dumps(mine))
    assert type(back) is Mine
    assert back.encode(MISSES) == []
    assert type(copy.deepcopy(mine)) is Mine


class Mine(Tokenizer):
    pass


def test_many_threads_may_use_one_tokenizer():
    chance = np.random.default_rng(1)
    universe = [("chr1", 5 * i, 5 * i + 8) for i in range(5000)]
    tokenizer = Tokenizer(universe)
    xs = []
    for _ in range(40):
        starts = chance.integers(0, 25_000, 500)
        xs.append(RegionSet(["chr1"] * 500, starts, starts + 20))
    expected = [tokenizer.encode(x) for x in xs]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert list(pool.map(tokenizer.encode, xs)) == expected
    with ThreadPoolExecutor(4) as pool:
        ids = pool.map(lambda _: tokenizer.universe.id("chr1:5-13"), range(20))
        assert set(ids) == {1}


def test_a_tokenizer_in_a_cycle_is_collected():
    tokenizer = Tokenizer(UNIVERSE)
    tokenizer.encode(SAMPLE)
    watch = weakref.ref(tokenizer)
    del tokenizer
    gc.collect()
    assert watch() is None


# -- files that are read in parts -----------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file of several parts: comments, chromosomes that the universe lacks, some only later."""
    random = np.random.default_rng(5)
    lines = ["# regions"]
    for i in range(120_000):
        start = int(random.integers(0, 900_000))
        chrom = f"chr{random.integers(1, 4 + i // 20_000)}"
        lines.append(f"{chrom}\t{start}\t{start + int(random.integers(0, 400))}")
        if i % 7_000 == 0:
            lines += ["", "# more"]
    path = tmp_path_factory.mktemp("large") / "large.bed"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("values", [None, "count", "bp", "fraction"])
@pytest.mark.parametrize("exclude", [None, ["chr2", "chr1:1000-300000"]], ids=["all", "exclude"])
@pytest.mark.parametrize("unknown", ["sample", "region", "drop"])
@pytest.mark.parametrize("order", ["input", "genome", "value"])
def test_a_file_gives_what_its_regions_give(large, values, exclude, unknown, order):
    starts = np.arange(0, 900_000, 1_000)
    universe = RegionSet(
        [f"chr{i}" for i in (3, 1, 2) for _ in starts], np.tile(starts, 3), np.tile(starts + 300, 3)
    )
    tokenizer = Tokenizer(universe, exclude=exclude, unknown=unknown, order=order)
    of_file = tokenizer.encode_batch([large], values=values, queries=True)
    of_regions = tokenizer.encode_batch([RegionSet.from_bed(large)], values=values, queries=True)
    for name in ("ids", "offsets", "values", "queries", "n_regions", "n_hits", "n_excluded"):
        found, expected = getattr(of_file, name), getattr(of_regions, name)
        assert (found is None) == (expected is None), name
        assert found is None or np.array_equal(found, expected), name
    assert of_file.n_hits[0] > 20_000


def test_a_large_file_that_misses_is_one_unk(large):
    tokenizer = Tokenizer(["chr1:2000000-2000001"])
    batch = tokenizer.encode_batch([large], values="bp", queries=True)
    assert batch.ids.tolist() == [tokenizer.unk_token_id]
    assert (batch.values.tolist(), batch.queries.tolist()) == ([0], [-1])
    assert batch.n_regions.tolist() == [120_000]


def test_chromosomes_of_any_part_are_known(large, tmp_path):
    late = Tokenizer(["chr8:0-900000"])
    assert len(late.encode_batch([large]).ids) > 1000
    with pytest.warns(UserWarning, match=r"no chromosome of .*large.bed .* 'c8', .* 'chr\d'"):
        Tokenizer(["c8:0-900000"]).encode_batch([large])


@pytest.mark.parametrize("at", [5, 60_000, 119_990])
def test_a_bad_line_of_any_part_is_named(large, tmp_path, at):
    lines = large.read_bytes().splitlines(keepends=True)
    lines[at] = b"chr1\t7\n"
    path = tmp_path / "bad.bed"
    path.write_bytes(b"".join(lines))
    with pytest.raises(GtokError, match=f"bad.bed, line {at + 1}: expected three fields"):
        Tokenizer(["chr1:0-900000"]).encode_batch([path])
    lines[at] = b"chr\xff\t7\t8\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(GtokError, match=f"bad.bed, line {at + 1}: .* is not UTF-8"):
        Tokenizer(["chr1:0-900000"]).encode_batch([path])
