"""Regions that are left out of samples: a blacklist, chromosomes by name."""

from __future__ import annotations

import copy
import gzip
import json
import pickle

import numpy as np
import oracle
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtok import (
    ConfigError,
    GtokError,
    RegionSet,
    TokenBatch,
    Tokenizer,
    read_parquet,
    write_parquet,
)
from gtok.samples import as_exclusions
from gtok.tokens_io import write_jsonl

LARGEST = 2**31 - 1

UNIVERSE = [("chr1", 0, 1000), ("chr1", 500, 600), ("chrM", 0, 16_000), ("chr2", 5, 50)]
BLACK = [("chr1", 100, 200), ("chr1", 150, 300), ("chr2", 20, 20)]
SAMPLE = [
    ("chr1", 50, 100),  # touches
    ("chr1", 99, 101),  # by a base pair
    ("chr9", 1, 2),
    ("chr1", 550, 650),
    ("chr1", 120, 130),  # within
    ("chr2", 10, 30),  # over one of no length
    ("chr1", 550, 650),
    ("chrM", 5, 9),
    ("chr1", 10, 900),  # around
    ("chr2", 20, 30),  # beside one of no length
]
KEPT = [0, 2, 3, 6, 7, 9]

quiet = pytest.mark.filterwarnings(
    "ignore:no chromosome of", r"ignore:.*of no length \(start = end\)"
)


@pytest.fixture
def bed(tmp_path):
    """Write regions to a file of this name and give its path."""

    def write(regions, name="black.bed"):
        path = tmp_path / name
        text = "".join(f"{chrom}\t{start}\t{end}\n" for chrom, start, end in regions)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


def columns(rows):
    chroms, starts, ends = zip(*rows, strict=True)
    return {"chrom": chroms, "start": starts, "end": ends}


def region_set(rows):
    return RegionSet([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


def rows_of(regions):
    return [tuple(region) for region in regions]


# --- what is left out


FORMS = {
    "tuples": list,
    "strings": lambda rows: [f"{chrom}:{start}-{end}" for chrom, start, end in rows],
    "set": region_set,
    "pandas": lambda rows: pd.DataFrame(columns(rows)),
    "polars": lambda rows: pl.DataFrame(columns(rows)),
    "pyarrow": lambda rows: pa.table(columns(rows)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_what_to_exclude(form):
    tokenizer = Tokenizer(UNIVERSE, exclude=FORMS[form](BLACK))
    assert rows_of(tokenizer.exclude) == BLACK
    batch = tokenizer.encode_batch([SAMPLE], queries=True)
    kept = [SAMPLE[row] for row in KEPT]
    assert batch.ids.tolist() == Tokenizer(UNIVERSE).encode(kept)
    assert set(batch.queries.tolist()) == {0, 3, 6, 7, 9}
    assert batch.n_excluded.tolist() == [4]
    assert batch.n_regions.tolist() == [6]
    assert batch.n_hits.tolist() == [5]


@pytest.mark.parametrize("name", ["black.bed", "black.bed.gz", "chrM"])
def test_a_file_of_what_to_exclude(bed, name):
    path = bed(BLACK, name)
    for given_as in (path, str(path)):
        tokenizer = Tokenizer(UNIVERSE, exclude=given_as)
        assert rows_of(tokenizer.exclude) == BLACK
        assert tokenizer.encode_batch([SAMPLE]).n_excluded.tolist() == [4]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        Tokenizer(UNIVERSE, exclude=tmp_path / "black.bed")


def test_a_single_region():
    for region in ("chr1:100-200", ("chr1", 100, 200)):
        tokenizer = Tokenizer(UNIVERSE, exclude=region)
        assert rows_of(tokenizer.exclude) == [("chr1", 100, 200)]


def test_names_of_chromosomes():
    tokenizer = Tokenizer(UNIVERSE, exclude=["chrM", "chr1:100-200"])
    assert rows_of(tokenizer.exclude) == [("chrM", 0, LARGEST), ("chr1", 100, 200)]
    ends = [("chrM", 0, 1), ("chrM", LARGEST - 1, LARGEST), ("chrM", 7, 7), ("chr2", 7, 8)]
    batch = tokenizer.encode_batch([ends, SAMPLE], queries=True)
    assert batch.n_excluded.tolist() == [3, 4]
    assert batch.n_regions.tolist() == [1, 6]
    assert batch[0].tolist() == [3]
    assert batch.queries[0] == 3


@pytest.mark.parametrize(
    "names",
    [["chrM"], ["HLA-A*01:01:01:01", "chr1"], ["chr1:5"], ["1", "MT"], ["chr1:100-200x", "a b"]],
)
def test_what_is_no_region_is_a_chromosome(names):
    assert rows_of(as_exclusions(names)) == [(name, 0, LARGEST) for name in names]
    assert rows_of(as_exclusions(tuple(names))) == rows_of(as_exclusions(names))
    assert rows_of(as_exclusions(np.array(names))) == rows_of(as_exclusions(names))


def test_as_exclusions_takes_samples(bed):
    path = bed(BLACK)
    for x in (path, str(path), *(form(BLACK) for form in FORMS.values())):
        found = as_exclusions(x)
        assert isinstance(found, RegionSet)
        assert rows_of(found) == BLACK
    for nothing in ([], (), RegionSet([], [], [])):
        assert len(as_exclusions(nothing)) == 0


@pytest.mark.parametrize(
    "name",
    ["black.bed", "black.bed.gz", "black.gz", "black.bgz", "a/b", "/black", "x.narrowPeak"],
)
def test_a_files_name_in_a_list(name):
    """Whether or not there is one: a chromosome that nothing has would leave out nothing."""
    message = f"expected regions or names of chromosomes in the list to exclude, .* file '{name}'"
    for found in ([name], ["chrM", name], [name, "chr1:100-200"]):
        with pytest.raises(GtokError, match=message):
            as_exclusions(found)
        with pytest.raises(GtokError, match=message):
            Tokenizer(UNIVERSE, exclude=found)


def test_the_name_of_a_file_that_is_there(bed, monkeypatch):
    path = bed(BLACK, "black")
    with pytest.raises(GtokError, match=r"the file '.*black': pass it by itself"):
        as_exclusions(["chrM", str(path)])
    assert rows_of(as_exclusions(["black"])) == [("black", 0, LARGEST)]
    monkeypatch.chdir(path.parent)
    with pytest.raises(GtokError, match=r"the file 'black'"):
        as_exclusions(["black"])


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (5, TypeError),
        ([5], TypeError),
        (["chrM", ("chr1", 1, 2)], TypeError),
        (["chr1:200-100"], GtokError),
        ([""], GtokError),
        ({"chrM"}, TypeError),
        ([("chr1", 5, 1)], GtokError),
        (pd.DataFrame({"a": [1]}), GtokError),
    ],
    ids=repr,
)
def test_what_can_be_no_exclusion(bad, error):
    with pytest.raises(error):
        as_exclusions(bad)
    with pytest.raises(error):
        Tokenizer(UNIVERSE, exclude=bad)


def test_nothing_is_left_out_by_an_empty_list():
    tokenizer = Tokenizer(UNIVERSE, exclude=[])
    assert tokenizer.exclude is not None
    assert len(tokenizer.exclude) == 0
    batch = tokenizer.encode_batch([SAMPLE, []])
    assert batch.n_excluded.tolist() == [0, 0]
    assert batch.n_excluded.dtype == np.int64
    assert batch.n_regions.tolist() == [10, 0]
    assert batch[0].tolist() == Tokenizer(UNIVERSE).encode(SAMPLE)


def test_a_tokenizer_that_excludes_nothing_counts_nothing():
    tokenizer = Tokenizer(UNIVERSE)
    assert tokenizer.exclude is None
    assert tokenizer.encode_batch([SAMPLE, []]).n_excluded is None
    assert tokenizer.encode_batch([]).n_excluded is None


def test_a_batch_without_samples():
    batch = Tokenizer(UNIVERSE, exclude=BLACK).encode_batch([])
    assert batch.n_excluded.tolist() == []
    assert batch.n_excluded.dtype == np.int64


def test_everything_is_left_out():
    sample = [("chr1", 110, 120), ("chr1", 150, 700)]
    for unknown, ids in (("sample", [4]), ("region", []), ("drop", [])):
        tokenizer = Tokenizer(UNIVERSE, exclude=BLACK, unknown=unknown)
        batch = tokenizer.encode_batch([sample], values="bp", queries=True)
        assert batch.ids.tolist() == ids
        assert batch.queries.tolist() == [-1] * len(ids)
        assert (batch.n_regions[0], batch.n_hits[0], batch.n_excluded[0]) == (0, 0, 2)
        hits = tokenizer.hits(sample)
        assert [column.tolist() for column in hits] == [[], [], []]


# --- before anything else


@st.composite
def crowded(draw, min_size, max_size, chroms, unique=False):
    reach = draw(st.sampled_from([4, 15, 100]))
    position = st.integers(0, reach)
    region = st.tuples(st.sampled_from(chroms), position, position).map(
        lambda row: (row[0], min(row[1:]), max(row[1:]))
    )
    return draw(st.lists(region, min_size=min_size, max_size=max_size, unique=unique))


@quiet
@settings(max_examples=200)
@given(
    crowded(1, 12, ["chr1", "chr2"], unique=True),
    st.lists(crowded(0, 12, ["chr1", "chr2", "chrUn"]), min_size=1, max_size=3),
    crowded(0, 4, ["chr2", "chr1", "chrUn", "chrBlack"]),
    st.sets(st.sampled_from(["chr2", "chrUn", "chrBlack"]), max_size=1),
    st.data(),
)
def test_as_if_it_had_never_been_there(universe, batch, black, names, data):
    options = {
        "method": data.draw(st.sampled_from(["bits", "ailist"])),
        "unknown": data.draw(st.sampled_from(["sample", "region", "drop"])),
        "order": data.draw(st.sampled_from(["input", "genome", "random", "value"])),
        "unique": data.draw(st.sampled_from([None, "query", "token"])),
        "min_overlap": data.draw(st.sampled_from([None, 2, 0.5])),
        "seed": data.draw(st.integers(0, 3)),
    }
    values = data.draw(st.sampled_from([None, "count", "bp", "fraction"]))
    all_black = [*black, *((name, 0, LARGEST) for name in names)]
    exclude = [*(f"{chrom}:{start}-{end}" for chrom, start, end in black), *names]
    touched = [oracle.overlaps(all_black, sample) for sample in batch]
    kept = [[row for row, hits in enumerate(rows) if not hits] for rows in touched]
    left = [[s[row] for row in rows] for s, rows in zip(batch, kept, strict=True)]
    found = Tokenizer(universe, exclude=exclude, **options).encode_batch(
        [region_set(sample) for sample in batch], values=values, queries=True
    )
    expected = Tokenizer(universe, **options).encode_batch(
        [region_set(sample) for sample in left], values=values, queries=True
    )
    for name in ("ids", "offsets", "n_regions", "n_hits"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()
    if values is not None:
        assert found.values.tolist() == expected.values.tolist()
    # Rows are those of the sample as it came.
    rows = [
        -1 if row < 0 else mine[row]
        for mine, lo, hi in zip(kept, expected.offsets[:-1], expected.offsets[1:], strict=True)
        for row in expected.queries[lo:hi].tolist()
    ]
    assert found.queries.tolist() == rows
    assert (found.queries.dtype, found.n_excluded.dtype) == (np.int32, np.int64)
    assert found.n_excluded.tolist() == [
        len(s) - len(rows) for s, rows in zip(batch, kept, strict=True)
    ]
    if options["unique"] != "query":
        assert (found.n_regions + found.n_excluded).tolist() == [len(s) for s in batch]


def test_unk_is_of_what_is_left():
    tokenizer = Tokenizer(UNIVERSE, exclude=["chr9", "chr1"], unknown="region")
    sample = [("chr9", 1, 2), ("chr8", 1, 2), ("chr1", 5, 6), ("chr2", 7, 8)]
    batch = tokenizer.encode_batch([sample], queries=True)
    assert batch.ids.tolist() == [4, 3]
    assert batch.queries.tolist() == [1, 3]
    assert (batch.n_regions[0], batch.n_hits[0], batch.n_excluded[0]) == (2, 1, 2)


def test_repeats_that_are_left_out_are_all_counted():
    sample = [("chr1", 150, 160)] * 3 + [("chr1", 10, 20)] * 2
    tokenizer = Tokenizer(UNIVERSE, exclude=BLACK, unique="query")
    batch = tokenizer.encode_batch([sample], queries=True)
    assert batch.ids.tolist() == [0]
    assert batch.queries.tolist() == [3]
    assert (batch.n_regions[0], batch.n_excluded[0]) == (1, 3)


def test_a_base_pair_is_enough_to_be_left_out():
    """However much a hit needs."""
    tokenizer = Tokenizer(UNIVERSE, exclude=BLACK, min_overlap=0.9)
    assert tokenizer.encode([("chr1", 0, 101)]) == [4]
    assert tokenizer.encode([("chr1", 0, 100)]) == [0]


def test_calls_and_tokens_leave_out_too():
    tokenizer = Tokenizer(UNIVERSE, exclude=BLACK)
    assert tokenizer([SAMPLE, BLACK]).input_ids == [[0, 0, 1, 0, 1, 2, 3], [3]]
    assert tokenizer.encode(SAMPLE) == [0, 0, 1, 0, 1, 2, 3]
    assert tokenizer.tokenize(SAMPLE)[0] == "chr1:0-1000"
    assert tokenizer.hits(SAMPLE).queries.tolist() == [0, 3, 3, 6, 6, 7, 9]


def test_the_sample_stays_as_it_is():
    regions = region_set(SAMPLE)
    Tokenizer(UNIVERSE, exclude=BLACK).encode(regions)
    assert rows_of(regions) == SAMPLE


def test_files_in_threads(bed, tmp_path):
    paths = [bed(SAMPLE[: n + 1], f"{n}.bed") for n in range(len(SAMPLE))]
    tokenizer = Tokenizer(UNIVERSE, exclude=BLACK)
    one, two = (tokenizer.encode_batch(paths, n_threads=n) for n in (1, 2))
    gone = [row not in KEPT for row in range(len(SAMPLE))]
    assert one.n_excluded.tolist() == two.n_excluded.tolist() == np.cumsum(gone).tolist()
    assert one.ids.tolist() == two.ids.tolist()


# --- batches


def test_what_is_made_of_a_batch_counts_the_same():
    tokenizer = Tokenizer(UNIVERSE, exclude=BLACK)
    batch = tokenizer.encode_batch([SAMPLE, BLACK, []])
    assert batch.n_excluded.tolist() == [4, 2, 0]
    for made in (batch.head(1), batch.head(1, "left"), batch.framed([7], [8, 9])):
        assert made.lengths.tolist() != batch.lengths.tolist()
        assert made.n_excluded.tolist() == [4, 2, 0]
        assert made.n_excluded.dtype == np.int64
    other = tokenizer.encode_batch([SAMPLE[:2]])
    joined = TokenBatch.concatenate([batch, other, batch])
    assert joined.n_excluded.tolist() == [4, 2, 0, 1, 4, 2, 0]
    assert TokenBatch.concatenate([other]).n_excluded.tolist() == [1]
    without = Tokenizer(UNIVERSE).encode_batch([SAMPLE])
    assert TokenBatch.concatenate([batch, without]).n_excluded is None
    assert without.head(1).n_excluded is without.framed([7], []).n_excluded is None


def test_one_count_per_sample():
    with pytest.raises(GtokError, match=r"expected 1 n_excluded, one per sample, found 2"):
        TokenBatch([1], [0, 1], n_excluded=[1, 2])
    batch = TokenBatch([1], [0, 1], n_excluded=[3])
    assert batch.n_excluded.dtype == np.int64


# --- copies, and what is saved


def same(back, tokenizer):
    assert back.exclude == tokenizer.exclude
    one, other = (t.encode_batch([SAMPLE, BLACK]) for t in (back, tokenizer))
    assert one.ids.tolist() == other.ids.tolist()
    assert one.n_excluded.tolist() == other.n_excluded.tolist()


@pytest.mark.parametrize(
    "exclude", [BLACK, ["chrM", "chr1:100-200"], []], ids=["rows", "names", "none"]
)
def test_it_survives(tmp_path, exclude):
    tokenizer = Tokenizer(UNIVERSE, exclude=exclude)
    folder = tmp_path / "saved"
    tokenizer.save_pretrained(folder)
    for back in (
        pickle.loads(pickle.dumps(tokenizer)),
        copy.deepcopy(tokenizer),
        copy.copy(tokenizer),
        Tokenizer.from_pretrained(folder),
        Tokenizer.from_config(folder / "tokenizer.toml"),
        Tokenizer(folder),
    ):
        same(back, tokenizer)
    assert sorted(path.name for path in folder.iterdir()) == [
        "exclude.bed.gz", "tokenizer.toml", "universe.bed.gz",
    ]  # fmt: skip
    assert '\nexclude = "exclude.bed.gz"\n' in (folder / "tokenizer.toml").read_text()
    text = gzip.decompress((folder / "exclude.bed.gz").read_bytes())
    assert text == b"".join(b"%s\t%d\t%d\n" % (c.encode(), s, e) for c, s, e in tokenizer.exclude)
    given_other = Tokenizer.from_pretrained(folder, exclude=["chr2"])
    assert rows_of(given_other.exclude) == [("chr2", 0, LARGEST)]


def test_nothing_saved_where_nothing_is_excluded(tmp_path):
    Tokenizer(UNIVERSE, exclude=BLACK).save_pretrained(tmp_path)
    Tokenizer(UNIVERSE).save_pretrained(tmp_path)
    assert "exclude" not in (tmp_path / "tokenizer.toml").read_text()
    assert Tokenizer(tmp_path).exclude is None
    Tokenizer(UNIVERSE).save_pretrained(tmp_path / "new")
    assert not (tmp_path / "new" / "exclude.bed.gz").exists()


def test_a_saved_folder_stands_by_itself(bed, tmp_path):
    path = bed(BLACK)
    tokenizer = Tokenizer(UNIVERSE, exclude=path)
    tokenizer.save_pretrained(tmp_path / "saved")
    path.unlink()
    (tmp_path / "saved").rename(tmp_path / "moved")
    same(Tokenizer.from_pretrained(tmp_path / "moved"), tokenizer)


def config(folder, line, name="tokenizer.toml"):
    (folder / "universe.bed.gz").write_bytes(gzip.compress(b"chr1\t0\t1000\nchr2\t5\t50\n"))
    path = folder / name
    path.write_text(f'universe = "universe.bed.gz"\n[gtok]\n{line}\n')
    return path


def test_the_path_in_a_config_is_relative_to_it(bed, tmp_path, monkeypatch):
    bed(BLACK)
    (tmp_path / "configs").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for line in ('exclude = "../black.bed"', f'exclude = "{tmp_path / "black.bed"}"'):
        path = config(tmp_path / "configs", line)
        assert rows_of(Tokenizer.from_config(path).exclude) == BLACK
        assert rows_of(Tokenizer(path).exclude) == BLACK


@pytest.mark.parametrize("where", ["../black.bed", "a/../../black.bed", "absolute"])
def test_a_saved_folder_names_no_file_outside(bed, tmp_path, where):
    outside = bed(BLACK)
    name = str(outside) if where == "absolute" else where
    folder = tmp_path / "saved"
    folder.mkdir()
    config(folder, f'exclude = "{name}"')
    for load in (Tokenizer, Tokenizer.from_pretrained):
        with pytest.raises(ConfigError, match=r"lies outside the config's folder") as caught:
            load(folder)
        assert name in str(caught.value)
    # One that is in the folder may be called what it likes.
    (folder / "black.bed").write_bytes(outside.read_bytes())
    config(folder, 'exclude = "black.bed"')
    assert rows_of(Tokenizer(folder).exclude) == BLACK


@pytest.mark.parametrize("value", ["5", "true", '["chrM"]'])
def test_an_exclusion_of_a_config_is_a_path(tmp_path, value):
    path = config(tmp_path, f"exclude = {value}")
    with pytest.raises(ConfigError, match=r"the key 'gtok\.exclude' to be a str"):
        Tokenizer.from_config(path)


def test_a_config_whose_exclusion_is_not_there(tmp_path):
    path = config(tmp_path, 'exclude = "black.bed"')
    with pytest.raises(FileNotFoundError, match=r"black\.bed"):
        Tokenizer.from_config(path)


def test_repr_tells_what_is_excluded():
    assert "exclude" not in repr(Tokenizer(UNIVERSE))
    shown = repr(Tokenizer(UNIVERSE, exclude=BLACK))
    assert shown.endswith(", exclude=RegionSet(3 regions on 2 chromosomes, 250 bp))")


# --- token files


def pieces(tokenizer):
    return [
        (["a", "b"], tokenizer.encode_batch([SAMPLE, BLACK])),
        (["c"], tokenizer.encode_batch([[]])),
    ]


def test_parquet_has_the_column_only_where_something_is_excluded(tmp_path):
    path = tmp_path / "tokens.parquet"
    usual = ["id", "input_ids", "n_regions", "n_hits"]
    for exclude, expected in ((None, None), ([], [0, 0, 0]), (BLACK, [4, 2, 0])):
        tokenizer = Tokenizer(UNIVERSE, exclude=exclude)
        write_parquet(path, pieces(tokenizer), tokenizer)
        table = pq.read_table(path)
        names, batch = read_parquet(path)
        assert names == ["a", "b", "c"]
        if expected is None:
            assert table.column_names == usual
            assert batch.n_excluded is None
        else:
            assert table.column_names == [*usual, "n_excluded"]
            assert table["n_excluded"].type == pa.int64()
            assert table["n_excluded"].to_pylist() == expected
            assert batch.n_excluded.tolist() == expected
        assert batch.n_regions.tolist() == ([6, 1, 0] if exclude else [10, 3, 0])


def test_jsonl_has_the_key_only_where_something_is_excluded(tmp_path):
    for exclude, expected in ((None, None), ([], [0, 0, 0]), (BLACK, [4, 2, 0])):
        path = tmp_path / "tokens.jsonl"
        with open(path, "wb") as handle:
            write_jsonl(handle, pieces(Tokenizer(UNIVERSE, exclude=exclude)))
        found = [json.loads(line) for line in path.read_text().splitlines()]
        assert [row["id"] for row in found] == ["a", "b", "c"]
        keys = ["id", "input_ids", "n_regions", "n_hits"]
        assert list(found[0]) == keys + ["n_excluded"] * (expected is not None)
        if expected is not None:
            assert [row["n_excluded"] for row in found] == expected
