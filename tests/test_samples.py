"""Everything that a sample may be, and the columns that it becomes."""

from __future__ import annotations

import copy
import gzip
import io
import os
import pickle
import sys
from collections import namedtuple
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtok.errors import BedError, GtokError
from gtok.regions import Region, RegionSet
from gtok.samples import as_regions, batch_of, path_of

LARGEST = 2**31 - 1
ROWS = [("chr1", 100, 200), ("chrX", 5, 5), ("chr1", 0, LARGEST)]
COLUMNS = {
    "chrom": [row[0] for row in ROWS],
    "start": [row[1] for row in ROWS],
    "end": [row[2] for row in ROWS],
}
BED = "".join(f"{chrom}\t{start}\t{end}\tn{end}\t7\n" for chrom, start, end in ROWS)
HLA = "HLA-A*01:01:01:01"


@pytest.fixture
def bed(tmp_path):
    path = tmp_path / "x.bed"
    path.write_text(BED)
    return path


def rows_of(x, **options):
    return [tuple(region) for region in as_regions(x, **options)]


def pyranges_of(columns):
    try:
        pyranges = import_module("pyranges1" if find_spec("pyranges1") else "pyranges")
    except Exception as error:  # one release overwrites another's files, or needs a later Python
        pytest.skip(f"pyranges is not installed, or does not work here: {error}")
    names = {"chrom": "Chromosome", "start": "Start", "end": "End"}
    return pyranges.PyRanges(pd.DataFrame(columns).rename(columns=names))


def bioframe_of(columns):
    bioframe = pytest.importorskip("bioframe")
    return bioframe.sanitize_bedframe(pd.DataFrame(columns))


# --- one sample in every form

FRAMES = {
    "pandas": pd.DataFrame,
    "pandas, object strings": lambda c: pd.DataFrame(c).astype({"chrom": object}),
    "pandas, strings": lambda c: pd.DataFrame(c).astype({"chrom": "string"}),
    "pandas, arrow strings": lambda c: pd.DataFrame(c).astype({"chrom": "string[pyarrow]"}),
    "pandas, categories": lambda c: pd.DataFrame(c).astype({"chrom": "category"}),
    "pandas, more categories than used": lambda c: pd.DataFrame(
        c | {"chrom": pd.Categorical(c["chrom"], ["chr9", "chrX", "chr8", "chr1"])}
    ),
    "pandas, float": lambda c: pd.DataFrame(c).astype({"start": float, "end": float}),
    "pandas, Int64": lambda c: pd.DataFrame(c).astype({"start": "Int64", "end": "Int64"}),
    "pandas, arrow": lambda c: pd.DataFrame(c).astype(
        {"start": "int64[pyarrow]", "end": "int32[pyarrow]"}
    ),
    "pandas, uint32": lambda c: pd.DataFrame(c).astype({"start": np.uint32, "end": np.uint32}),
    "pandas, uint64": lambda c: pd.DataFrame(c).astype({"start": np.uint64, "end": np.uint64}),
    "pandas, objects": lambda c: pd.DataFrame(c).astype({"start": object, "end": object}),
    "pandas, an odd index": lambda c: pd.DataFrame(c, index=[9, 9, 1]),
    "pandas, other columns": lambda c: pd.DataFrame({"id": "x", **c, "strand": "+"}),
    "pandas, columns in another order": lambda c: pd.DataFrame(c)[["end", "chrom", "start"]],
    "polars": pl.DataFrame,
    "polars, categories": lambda c: pl.DataFrame(c).cast({"chrom": pl.Categorical}),
    "polars, enum": lambda c: pl.DataFrame(c).cast({"chrom": pl.Enum(["chrX", "chr2", "chr1"])}),
    "polars, int32": lambda c: pl.DataFrame(c).cast({"start": pl.Int32, "end": pl.UInt32}),
    "polars, float": lambda c: pl.DataFrame(c).cast({"start": pl.Float64}),
    "polars, lazy": pl.LazyFrame,
    "pyarrow": pa.table,
    "pyarrow, large strings": lambda c: pa.table(
        c | {"chrom": pa.array(c["chrom"], pa.large_string())}
    ),
    "pyarrow, dictionary": lambda c: pa.table(
        c | {"chrom": pa.array(c["chrom"]).dictionary_encode()}
    ),
    "pyarrow, chunks": lambda c: pa.concat_tables([pa.table(c).slice(0, 1), pa.table(c).slice(1)]),
    "bioframe": bioframe_of,
    "PyRanges": pyranges_of,
}
Interval = namedtuple("Interval", "chrom start end strand")
LISTS = {
    "tuples": lambda: list(ROWS),
    "longer tuples": lambda: [(*row, "name", 0, "+") for row in ROWS],
    "a tuple of tuples": lambda: tuple(ROWS),
    "named tuples": lambda: [Interval(*row, "+") for row in ROWS],
    "NumPy numbers": lambda: [(c, np.int64(s), np.uint32(e)) for c, s, e in ROWS],
    "whole floats": lambda: [(c, float(s), np.float64(e)) for c, s, e in ROWS],
    "regions": lambda: [Region(*row) for row in ROWS],
    "strings": lambda: [f"{c}:{s}-{e}" for c, s, e in ROWS],
    "objects with chrom": lambda: [SimpleNamespace(chrom=c, start=s, end=e) for c, s, e in ROWS],
    "objects with chr": lambda: [SimpleNamespace(chr=c, start=s, end=e) for c, s, e in ROWS],
    "an array of objects": lambda: np.array([f"{c}:{s}-{e}" for c, s, e in ROWS], dtype=object),
    "a RegionSet": lambda: RegionSet(**{f"{name}s": column for name, column in COLUMNS.items()}),
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_frames(make):
    frame = make(COLUMNS)
    assert sorted(rows_of(frame)) == sorted(ROWS)  # PyRanges and bioframe sort
    regions = RegionSet.from_frame(frame)
    assert regions == as_regions(frame)
    assert (regions.codes.dtype, regions.starts.dtype, regions.ends.dtype) == (np.int32,) * 3
    assert set(regions.chrom_names) == {"chr1", "chrX"}


@pytest.mark.parametrize("make", [FRAMES["pandas"], FRAMES["polars"], FRAMES["pyarrow"]])
def test_frames_keep_their_order(make):
    regions = as_regions(make(COLUMNS))
    assert [tuple(region) for region in regions] == ROWS
    assert regions.chrom_names == ("chr1", "chrX")


@pytest.mark.parametrize("name", [name for name in FRAMES if name != "PyRanges"])
def test_frames_without_rows(name):
    make = FRAMES[name]
    frame = make(COLUMNS)
    frame = frame.slice(0, 0) if isinstance(frame, pa.Table) else frame.head(0)
    assert rows_of(frame) == []


@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_lists(make):
    assert rows_of(make()) == ROWS


@pytest.mark.parametrize("make", [*LISTS.values(), *FRAMES.values()], ids=[*LISTS, *FRAMES])
def test_inputs_are_not_changed_and_serve_again(make):
    x, before = (make() if make in LISTS.values() else make(COLUMNS) for _ in range(2))
    first = as_regions(x)
    assert as_regions(x) == first
    if isinstance(x, pd.DataFrame):
        pd.testing.assert_frame_equal(x, before, check_exact=True)
    elif type(x).__name__ == "PyRanges":
        pd.testing.assert_frame_equal(x.df, before.df, check_exact=True)
    elif isinstance(x, pl.LazyFrame):
        assert x.serialize() == before.serialize()
    elif hasattr(x, "equals"):
        assert x.equals(before)
        assert x.schema == before.schema
    else:
        assert type(x) is type(before)
        assert list(x) == list(before)


def test_arrays_are_copied():
    starts = np.array([1, 2], dtype=np.int32)
    ends = np.array([5, 6], dtype=np.int32)
    frame = pd.DataFrame({"chrom": ["a", "a"], "start": starts, "end": ends}, copy=False)
    sets = [RegionSet(["a", "a"], starts, ends), as_regions(frame)]
    starts[0] = 3
    assert starts.flags.writeable
    for regions in sets:
        assert regions.starts.tolist() == [1, 2]
        assert not np.shares_memory(regions.starts, starts)


def test_a_region_set_is_itself():
    regions = RegionSet(["a"], [1], [2])
    assert as_regions(regions) is regions


@pytest.mark.parametrize("kind", [str, Path])
def test_paths(bed, kind):
    assert rows_of(kind(bed)) == ROWS


def test_paths_by_bytes_not_names(bed):
    zipped = bed.with_name("y.txt")
    zipped.write_bytes(gzip.compress(BED.encode()))
    assert rows_of(zipped) == ROWS


def test_a_file_without_rows(bed):
    bed.write_text("# nothing\n")
    regions = as_regions(bed)
    assert len(regions) == 0
    assert regions.chrom_names == ()


def test_standard_input(bed, monkeypatch):
    with open(bed) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert rows_of("-") == ROWS


def test_a_missing_file_is_named(tmp_path):
    for x in (tmp_path / "no.bed", str(tmp_path / "no.bed")):
        with pytest.raises(FileNotFoundError, match=r"no\.bed"):
            as_regions(x)
    with pytest.raises(FileNotFoundError):
        as_regions("")
    with pytest.raises(FileNotFoundError, match="chr1:100"):
        as_regions("chr1:100")


def test_a_bad_file_is_named(bed):
    bed.write_text("chr1\t1\t2\nchr1\t1\n")
    with pytest.raises(BedError, match=r"x\.bed, line 2: "):
        as_regions(bed)


def test_a_lone_region():
    assert rows_of("chr1:100-200") == [("chr1", 100, 200)]
    assert rows_of(("chr1", 100, 200)) == [("chr1", 100, 200)]
    assert rows_of(Region("chr1", 100, 200)) == [("chr1", 100, 200)]
    assert rows_of(SimpleNamespace(chr="chr1", start=100, end=200)) == [("chr1", 100, 200)]
    assert rows_of(f"{HLA}:5-20") == [(HLA, 5, 20)]


@pytest.mark.skipif(sys.platform == "win32", reason="a colon in a file's name")
def test_a_file_comes_before_a_region_of_its_name(bed, monkeypatch):
    monkeypatch.chdir(bed.parent)
    assert rows_of("chr1:100-200") == [("chr1", 100, 200)]
    os.replace(bed, "chr1:100-200")
    assert rows_of("chr1:100-200") == ROWS
    assert path_of("chr1:100-200") == "chr1:100-200"


def test_path_of(bed):
    assert path_of(bed) == str(bed)
    assert path_of(str(bed)) == str(bed)
    assert path_of("chr1:1-2") is None
    assert path_of(RegionSet([], [], [])) is None
    assert path_of(["chr1:1-2"]) is None


def test_empty_samples():
    for x in (
        [],
        (),
        np.array([]),
        pd.DataFrame({"chrom": [], "start": [], "end": []}).astype({"chrom": str}),
    ):
        regions = as_regions(x)
        assert len(regions) == 0
        assert regions.codes.dtype == regions.starts.dtype == regions.ends.dtype == np.int32


# --- frames: columns by name, and what is refused


@pytest.mark.parametrize("chrom", ["chrom", "chr", "chromosome", "Chromosome", "seqnames"])
@pytest.mark.parametrize("start", ["start", "Start", "chromStart"])
@pytest.mark.parametrize("end", ["end", "End", "chromEnd", "stop"])
def test_column_names(chrom, start, end):
    frame = pl.DataFrame({end: [9], "x": [0], chrom: ["chr1"], start: [4]})
    assert rows_of(frame) == [("chr1", 4, 9)]


@pytest.mark.parametrize("column", ["chrom", "start", "end"])
def test_a_missing_column_is_named(column):
    frame = pd.DataFrame(COLUMNS).rename(columns={column: "other"})
    with pytest.raises(GtokError, match=rf"expected a column called {column}, .* found .*other"):
        as_regions(frame)
    with pytest.raises(GtokError, match="found no columns"):
        as_regions(pd.DataFrame())


def test_a_column_that_stands_twice_is_an_error():
    frame = pd.concat([pd.DataFrame(COLUMNS), pd.DataFrame({"chrom": ["chr9"] * 3})], axis=1)
    with pytest.raises(GtokError, match="chrom"):
        as_regions(frame)


def test_chromosomes_that_are_numbers_become_text():
    for frame in (
        pd.DataFrame({"chrom": [1, 22], "start": [1, 2], "end": [3, 4]}),
        pl.DataFrame({"chrom": [1, 22], "start": [1, 2], "end": [3, 4]}),
        pd.DataFrame({"chrom": pd.Series([1, "22"], dtype=object), "start": [1, 2], "end": [3, 4]}),
    ):
        assert rows_of(frame) == [("1", 1, 3), ("22", 2, 4)]


def with_column(**columns):
    return pd.DataFrame({**COLUMNS, **columns})


BAD_FRAMES = {
    "NaN": (with_column(start=[1, np.nan, 2]), GtokError, r"starts, row 1: .*whole number.*nan"),
    "NA": (
        with_column(start=pd.array([1, 2, None], dtype="Int64")),
        GtokError,
        r"starts, row 2: .*whole number",
    ),
    "null": (pl.DataFrame(COLUMNS | {"end": [1, None, 2]}), GtokError, r"ends, row 1: "),
    "null, all": (
        pa.table(COLUMNS | {"end": pa.nulls(3, pa.int64())}),
        GtokError,
        r"ends, row 0: ",
    ),
    "None": (
        with_column(start=pd.Series([1, None, 2], dtype=object)),
        (GtokError, TypeError),
        r"starts, row 1: ",
    ),
    "a fraction": (with_column(start=[1, 2, 2.5]), GtokError, r"starts, row 2: .*whole.*2\.5"),
    "infinity": (with_column(end=[1, np.inf, 2]), GtokError, r"ends, row 1: .*inf"),
    "a negative number": (with_column(start=[1, 2, -3]), GtokError, r"starts, row 2: .*found -3"),
    "a large number": (with_column(end=[1, 2**31, 3]), GtokError, r"ends, row 1: .*2147483648"),
    "a large float": (with_column(end=[1, 2.0**31, 3]), GtokError, r"ends, row 1: .*2147483648"),
    "a large small float": (
        with_column(end=np.array([200, 2.0**31, 2.0**31], dtype=np.float32)),
        GtokError,
        r"ends, row 1: .*2147483648",
    ),
    "a very large number": (with_column(end=[1, 2**70, 3]), GtokError, r"ends, row 1: "),
    "start > end": (
        with_column(end=[200, 4, 9]),
        GtokError,
        r"row 1: expected start <= end, found 5 > 4",
    ),
    "strings": (with_column(start=["1", "2", "3"]), TypeError, r"starts.*whole number"),
    "bools": (with_column(start=[True, False, True]), TypeError, r"starts: .*whole numbers.*bool"),
    "dates": (
        with_column(start=pd.to_datetime(["2020-01-01"] * 3)),
        TypeError,
        r"starts: .*whole numbers.*datetime",
    ),
    "no chromosome": (with_column(chrom=["chr1", None, "chr2"]), GtokError, r"'chrom', row 1: "),
    "no chromosome, polars": (
        pl.DataFrame(COLUMNS | {"chrom": ["chr1", None, "chr2"]}),
        GtokError,
        r"'chrom', row 1: ",
    ),
    "no chromosome, category": (
        with_column(chrom=pd.Categorical(["chr1", None, "chr2"])),
        GtokError,
        r"'chrom', row 1: ",
    ),
    "an empty chromosome": (with_column(chrom=["chr1", "", "x"]), GtokError, r"name.*found ''"),
    "a blank behind": (with_column(chrom=["chr1", "chr2 ", "x"]), GtokError, r"found 'chr2 '"),
    "a tab in a chromosome": (with_column(chrom=["a", "b\tc", "x"]), GtokError, r"found 'b\\tc'"),
    "float chromosomes": (with_column(chrom=[1.0, 2.0, 3.0]), TypeError, r"'chrom'.*Float"),
}


@pytest.mark.parametrize(("frame", "error", "message"), BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_bad_frames(frame, error, message):
    with pytest.raises(error, match=message):
        as_regions(frame)


def test_names_and_scores_of_frames():
    frame = with_column(name=["a", None, "c"], score=[1.5, np.nan, 3])
    regions = as_regions(frame, extra=True)
    assert regions.names == ["a", ".", "c"]
    assert regions.scores[[0, 2]].tolist() == [1.5, 3]
    assert np.isnan(regions.scores[1])
    assert as_regions(frame).names is None
    assert as_regions(frame).scores is None
    assert as_regions(with_column(), extra=True).names is None
    regions = RegionSet.from_frame(pl.DataFrame(COLUMNS | {"Name": [1, 2, 3]}), extra=True)
    assert regions.names == ["1", "2", "3"]


def test_from_frame_takes_only_frames():
    for x in (ROWS, "x.bed", None, {"chrom": ["a"], "start": [1], "end": [2]}):
        with pytest.raises(TypeError, match="expected a data frame, found"):
            RegionSet.from_frame(x)


# --- what is no sample


@pytest.mark.parametrize(
    "x",
    [
        None,
        5,
        1.5,
        b"chr1:1-2",
        bytearray(b"chr1:1-2"),
        {"chr1:1-2"},
        frozenset({("chr1", 1, 2)}),
        {"chrom": ["chr1"], "start": [1], "end": [2]},
        (row for row in ROWS),
        iter(ROWS),
        map(str, ROWS),
        object(),
        io.StringIO("chr1\t1\t2\n"),
        SimpleNamespace(chrom="chr1", start=1),
    ],
    ids=lambda x: type(x).__name__,
)
def test_no_sample(x):
    with pytest.raises(TypeError, match=r"expected a path, .* found \w+"):
        as_regions(x)


def test_a_generator_is_not_consumed():
    generator = (row for row in ROWS)
    with pytest.raises(TypeError):
        as_regions(generator)
    assert list(generator) == ROWS


MIXTURES = {
    "a string and a tuple": ["chr1:1-2", ("chr1", 1, 2)],
    "a tuple and a string": [("chr1", 1, 2), "chr1:1-2"],
    "a tuple and an object": [("chr1", 1, 2), SimpleNamespace(chr="chr1", start=1, end=2)],
    "an object and a tuple": [SimpleNamespace(chr="chr1", start=1, end=2), ("chr1", 1, 2)],
    "an object and a string": [SimpleNamespace(chr="chr1", start=1, end=2), "chr1:1-2"],
    "a string and None": ["chr1:1-2", None],
    "a tuple and None": [("chr1", 1, 2), None],
    "a short tuple": [("chr1", 1)],
    "tuples of strings": [("chr1", "1", "2")],
    "a tuple without a start": [("chr1", None, 2)],
    "bools": [("chr1", False, True)],
    "numbers": [1, 2, 3],
    "a region and a path": [("chr1", 1, 2), Path("x.bed")],
    "lists in place of tuples": [["chr1", 1, 2]],
}


@pytest.mark.parametrize("x", MIXTURES.values(), ids=MIXTURES)
def test_mixtures(x):
    with pytest.raises(TypeError, match=r"item [01]: expected .*, found "):
        as_regions(x)


BAD_REGIONS = {
    "no region string": (["chr1:1-2", "chr1"], r"chrom:start-end, found 'chr1'"),
    "a path among strings": (["chr1:1-2", "x.bed"], r"chrom:start-end, found 'x\.bed'"),
    "an empty string": ([""], r"chrom:start-end, found ''"),
    "no chromosome": ([":1-2"], r"found ':1-2'"),
    "commas": (["chr1:1,000-2,000"], r"found 'chr1:1,000-2,000'"),
    "no end": (["chr1:5-"], r"found 'chr1:5-'"),
    "a negative start": (["chr1:-5-10"], r"found 'chr1:-5-10'"),
    "digits of another script": (["chr1:٣-٩"], r"found 'chr1:٣-٩'"),
    "start > end": (["chr1:1-2", "chr1:9-5"], r"row 1: expected start <= end, found 9 > 5"),
    "start > end in a tuple": ([("chr1", 9, 5)], r"row 0: expected start <= end, found 9 > 5"),
    "a large end": (["chr1:5-2147483648"], r"ends, row 0: .*found 2147483648"),
    "a huge end": ([f"chr1:5-{10**30}"], r"ends, row 0: "),
    "a huge start": ([("chr1", 10**30, 10**31)], r"starts, row 0: "),
    "a negative number": ([("chr1", 1, 2), ("chr1", -1, 2)], r"starts, row 1: .*found -1"),
    "a fraction": ([("chr1", 1.5, 2)], r"starts, row 0: .*found 1\.5"),
    "NaN": ([("chr1", 1, float("nan"))], r"ends, row 0: .*nan"),
    "infinity": ([("chr1", 1, float("inf"))], r"ends, row 0: .*inf"),
    "an empty chromosome": ([("", 1, 2)], r"chromosome's name.*found ''"),
    "a chromosome of blanks": ([(" ", 1, 2)], r"chromosome's name.*found ' '"),
    "a newline": ([("chr1\n", 1, 2)], r"chromosome's name.*found 'chr1\\n'"),
}


@pytest.mark.parametrize(("x", "message"), BAD_REGIONS.values(), ids=BAD_REGIONS)
def test_bad_regions(x, message):
    with pytest.raises(GtokError, match=message):
        as_regions(x)


# --- batches


def test_what_is_one_sample(bed):
    frame = pd.DataFrame(COLUMNS)
    for x in (
        bed, str(bed), "-", "chr1:1-2", ("chr1", 1, 2), Region("chr1", 1, 2), frame,
        pl.DataFrame(COLUMNS), pl.LazyFrame(COLUMNS), pa.table(COLUMNS), as_regions(ROWS),
        ROWS, ["chr1:1-2", "chr1:5-9"], [SimpleNamespace(chr="chr1", start=1, end=2)], [], (),
    ):  # fmt: skip
        assert batch_of(x) is None


def test_what_is_a_batch(bed):
    frame = pd.DataFrame(COLUMNS)
    batches = [
        [bed], [str(bed), str(bed)], [bed, str(bed), "-"], [frame, pl.DataFrame(COLUMNS)],
        [as_regions(ROWS)], [ROWS], [ROWS, []], [[]], [["chr1:1-2"], bed, frame], ["no.bed"],
        (bed, bed), (ROWS, ROWS),
    ]  # fmt: skip
    for x in batches:
        found = batch_of(x)
        assert found is not None
        assert len(found) == len(x)
        assert all(one is other for one, other in zip(found, x, strict=True))


@pytest.mark.parametrize(
    "x",
    [
        ["chr1:1-2", "x.bed"],
        ["x.bed", "chr1:1-2"],
        [("chr1", 1, 2), Path("x.bed")],
        [("chr1", 1, 2), [("chr1", 1, 2)]],
        [pd.DataFrame(COLUMNS), "chr1:1-2"],
    ],
    ids=lambda x: f"{type(x[0]).__name__} and {type(x[1]).__name__}",
)
def test_regions_and_samples_in_one_list(x):
    with pytest.raises(TypeError, match=r"found both: item 0 is .*, item 1 is "):
        batch_of(x)


# --- Region


def test_region():
    region = Region("chr1", 100, 200)
    assert str(region) == "chr1:100-200"
    assert region.chr == region.chrom == "chr1"
    assert Region.parse("chr1:100-200") == region == ("chr1", 100, 200)
    assert pickle.loads(pickle.dumps(region)) == region
    assert Region.parse(str(Region(HLA, 5, 20))) == Region(HLA, 5, 20)
    assert Region.parse("a:1-2:3-4") == ("a:1-2", 3, 4)
    assert Region.parse("a-b:3-4") == ("a-b", 3, 4)
    assert Region.parse("chr1:007-010") == ("chr1", 7, 10)


@pytest.mark.parametrize("text", ["", "chr1", "chr1:1", "chr1:1-", "chr1:-2", ":1-2", "chr1:1-2 "])
def test_region_that_is_none(text):
    with pytest.raises(GtokError, match="expected a region as chrom:start-end, found"):
        Region.parse(text)


names = st.text(
    st.characters(min_codepoint=33, exclude_categories=("C", "Z")), min_size=1, max_size=12
)
spans = st.tuples(st.integers(0, LARGEST), st.integers(0, LARGEST)).map(sorted)
any_rows = st.lists(st.tuples(names, spans).map(lambda x: (x[0], *x[1])), max_size=20)


@given(any_rows)
def test_strings_of_regions_are_read_again(rows):
    assert rows_of([str(Region(*row)) for row in rows]) == rows


# --- RegionSet


def test_columns():
    regions = as_regions(ROWS)
    assert regions.codes.tolist() == [0, 1, 0]
    assert regions.chrom_names == ("chr1", "chrX")
    assert regions.starts.tolist() == COLUMNS["start"]
    assert regions.ends.tolist() == COLUMNS["end"]
    assert (regions.codes.dtype, regions.starts.dtype, regions.ends.dtype) == (np.int32,) * 3
    assert len(regions) == 3
    assert list(regions) == ROWS
    assert all(isinstance(region, Region) for region in regions)
    assert all(type(region.start) is int for region in regions)


SOURCES = {
    "made": lambda path: as_regions(ROWS),
    "read": lambda path: RegionSet.from_bed(path, extra=True),
    "frame": lambda path: as_regions(pd.DataFrame(COLUMNS)),
    "sliced": lambda path: RegionSet.from_bed(path, extra=True)[:],
    "pickled": lambda path: pickle.loads(pickle.dumps(RegionSet.from_bed(path, extra=True))),
    "copied": lambda path: copy.deepcopy(RegionSet.from_bed(path, extra=True)),
    "by codes": lambda path: RegionSet.from_codes(
        np.array([1, 2, 1], dtype=np.int32),
        ["x", "chr1", "chrX"],
        *np.transpose([row[1:] for row in ROWS]),
    ),
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_immutable(make, bed):
    regions = make(bed)
    for name in ("codes", "starts", "ends"):
        column = getattr(regions, name)
        assert not column.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 7
        with pytest.raises(AttributeError, match="does not change"):
            setattr(regions, name, column)
        with pytest.raises(AttributeError):
            delattr(regions, name)
    with pytest.raises(AttributeError):
        regions.chrom_names = ()
    with pytest.raises(AttributeError):
        regions.something = 1
    assert list(regions) == ROWS
    with pytest.raises(TypeError, match="unhashable"):
        hash(regions)


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_copies(make, bed):
    regions = make(bed)
    copies = [pickle.loads(pickle.dumps(regions, n)) for n in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    for other in (*copies, copy.deepcopy(regions), copy.copy(regions)):
        assert other == regions
        assert other.names == regions.names
        assert np.array_equal(
            np.array(other.scores, dtype=float), np.array(regions.scores, dtype=float), True
        )
        assert other.chrom_names == regions.chrom_names
        assert other.where(2) == regions.where(2)


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_equal_by_content(make, bed):
    assert make(bed) == as_regions(ROWS)
    assert as_regions(ROWS) == make(bed)


def test_unequal():
    regions = as_regions(ROWS)
    assert regions != as_regions(ROWS[:2])
    assert regions != as_regions(ROWS[::-1])
    assert regions != as_regions([("chr2", 100, 200), *ROWS[1:]])
    assert regions != as_regions([("chr1", 101, 200), *ROWS[1:]])
    assert regions != as_regions([("chr1", 100, 201), *ROWS[1:]])
    assert regions != ROWS
    assert as_regions([("a", 1, 2), ("b", 1, 2)]) != as_regions([("b", 1, 2), ("a", 1, 2)])
    assert as_regions([]) == as_regions(()) == RegionSet([], [], [])


def test_one_region_by_its_number():
    regions = as_regions(ROWS)
    for row in (0, 1, 2, -1, -3):
        assert regions[row] == regions[np.int64(row)] == ROWS[row]
        assert isinstance(regions[row], Region)
    for row in (3, -4):
        with pytest.raises(IndexError):
            regions[row]
    with pytest.raises((IndexError, TypeError)):
        regions["chr1"]
    with pytest.raises((IndexError, TypeError)):
        regions[1.0]


@pytest.mark.parametrize(
    "rows",
    [
        slice(None),
        slice(1, None),
        slice(None, None, -1),
        slice(0, 0),
        slice(5, 9),
        [2, 0, 0],
        [],
        np.array([1, -1]),
        np.array([True, False, True]),
        [False, False, False],
    ],
    ids=str,
)
def test_some_regions(rows, bed):
    regions = RegionSet.from_bed(bed, extra=True)
    found = regions[rows]
    numbers = np.arange(3)[
        np.array(rows, dtype=int) if isinstance(rows, list) and not rows else rows
    ]
    assert isinstance(found, RegionSet)
    assert list(found) == [ROWS[number] for number in numbers]
    assert found.names == [f"n{ROWS[number][2]}" for number in numbers]
    assert found.scores.tolist() == [7.0] * len(numbers)
    assert not found.starts.flags.writeable
    assert list(regions) == ROWS


@pytest.mark.parametrize("rows", [None, [[0, 1]], np.array([[0], [1]])], ids=str)
def test_rows_in_two_dimensions_are_refused(rows):
    with pytest.raises((IndexError, TypeError, GtokError)):
        as_regions(ROWS)[rows]


def test_repr():
    assert repr(as_regions(ROWS)) == "RegionSet(3 regions on 2 chromosomes, 2,147,483,747 bp)"
    assert repr(as_regions([])) == "RegionSet(0 regions on 0 chromosomes, 0 bp)"
    assert repr(as_regions(["a:1-2"])) == "RegionSet(1 region on 1 chromosome, 1 bp)"
    many = RegionSet(["a"] * 3000, [0] * 3000, [LARGEST] * 3000)
    assert repr(many) == "RegionSet(3,000 regions on 1 chromosome, 6,442,450,941,000 bp)"


def test_columns_of_one_length():
    with pytest.raises(GtokError, match="found 2 chromosomes, 1 starts and 2 ends"):
        RegionSet(["a", "b"], [1], [2, 3])


def test_columns_of_one_dimension():
    with pytest.raises(GtokError, match="starts: expected one dimension, found 2"):
        RegionSet(["a"], [[1]], [2])
    with pytest.raises(GtokError, match="ends: expected one dimension, found 0"):
        RegionSet(["a"], [1], 2)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.uint64, np.float16, np.float32])
def test_numbers_of_every_type(kind):
    regions = RegionSet(["a", "a"], np.array([0, 5], dtype=kind), np.array([7, 100], dtype=kind))
    assert list(regions) == [("a", 0, 7), ("a", 5, 100)]


def test_chromosome_names_are_strings():
    with pytest.raises(TypeError, match="expected a chromosome's name as a string, found int 1"):
        RegionSet([1], [1], [2])
    with pytest.raises(TypeError, match="found bytes"):
        RegionSet([b"chr1"], [1], [2])
    with pytest.raises(TypeError, match="found NoneType None"):
        RegionSet([None], [1], [2])


def test_from_codes_checks():
    codes = np.array([0, 1], dtype=np.int32)
    regions = RegionSet.from_codes(codes, ["a", "b", "c"], [1, 2], [3, 4])
    assert list(regions) == [("a", 1, 3), ("b", 2, 4)]
    codes[0] = 1
    assert regions.codes.tolist() == [0, 1]
    for wrong in ([0, 3], [-1, 0]):
        with pytest.raises(GtokError, match="codes from 0 to 2"):
            RegionSet.from_codes(np.array(wrong), ["a", "b", "c"], [1, 2], [3, 4])
    with pytest.raises(GtokError, match="start <= end"):
        RegionSet.from_codes(codes, ["a", "b"], [5, 2], [3, 4])
    with pytest.raises(GtokError, match="of one length"):
        RegionSet.from_codes(codes, ["a", "b"], [1], [3])


def test_codes_for():
    regions = RegionSet(["b", "a", "b", "c"], [0] * 4, [1] * 4)
    assert regions.codes_for(("a", "b", "c")).tolist() == [1, 0, 1, 2]
    assert regions.codes_for(("b", "a", "c", "d")).tolist() == [0, 1, 0, 2]
    assert regions.codes_for(("x", "c")).tolist() == [-1, -1, -1, 1]
    assert regions.codes_for(["b", "a"]).tolist() == [0, 1, 0, -1]
    assert regions.codes_for(()).tolist() == [-1] * 4
    assert RegionSet([], [], []).codes_for(("a",)).tolist() == []
    for others in (("a", "b"), ("b", "a", "c"), ()):
        assert regions.codes_for(others).dtype == np.int32


@given(
    st.lists(
        st.tuples(
            st.sampled_from("bca"),
            st.integers(0, 3) | st.integers(0, LARGEST),
            st.integers(0, 3) | st.integers(0, LARGEST),
        ).map(lambda row: (row[0], min(row[1:]), max(row[1:]))),
        max_size=30,
    ),
    st.booleans(),
)
def test_genome_order_is_that_of_sorted(rows, presort):
    if presort:
        rows.sort()
    check_order(as_regions(rows), rows)


def check_order(regions, rows):
    key = [(code, *row[1:]) for code, row in zip(regions.codes.tolist(), rows, strict=True)]
    expected = sorted(range(len(rows)), key=key.__getitem__)
    for _ in range(2):
        found = regions.genome_order()
        assert (found is None) == (expected == list(range(len(rows))))
        assert found is None or found.tolist() == expected


@pytest.mark.parametrize("n", [2, 17, 300, 20_000])
@pytest.mark.parametrize("reach", [1, 4, 1000, LARGEST])
def test_genome_order_of_many_ties(n, reach):
    chance = np.random.default_rng(n + reach)
    starts, ends = np.sort(chance.integers(0, reach, (2, n), endpoint=True), axis=0)
    codes = chance.integers(0, 3, n).astype(np.int32)
    regions = RegionSet.from_codes(codes, "abc", starts, ends)
    check_order(regions, list(regions))


def test_genome_order_stays_what_it_is():
    regions = as_regions(ROWS)
    expected = regions.genome_order().tolist()
    assert expected == [2, 0, 1]
    with pytest.raises(ValueError, match="read-only"):
        regions.genome_order()[0] = 7
    assert regions.genome_order().tolist() == expected
    for other in (pickle.loads(pickle.dumps(regions)), copy.deepcopy(regions), regions[:]):
        assert other.genome_order().tolist() == expected
    assert regions[1:].genome_order().tolist() == [1, 0]


def test_where(bed):
    bed.write_text("#\n#\nchr1\t1\t2\n\nchr1\t5\t6\n")
    regions = as_regions(bed)
    assert regions.where(0) == f"{bed}, line 3"
    assert regions.where(1) == f"{bed}, line 5"
    assert as_regions(ROWS).where(1) == "row 1"
    assert regions[1:].where(0) == "row 0"


# --- to frames and to files

TABLES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.Table}


@pytest.mark.parametrize("backend", TABLES)
def test_to_frame(backend, bed):
    frame = as_regions(ROWS).to_frame(backend)
    assert type(frame) is TABLES[backend]
    names = frame.column_names if backend == "pyarrow" else list(frame.columns)
    assert names == ["chrom", "start", "end"]
    assert rows_of(frame) == ROWS
    regions = RegionSet.from_bed(bed, extra=True)
    again = RegionSet.from_frame(regions.to_frame(backend), extra=True)
    assert again == regions
    assert again.names == regions.names
    assert again.scores.tolist() == regions.scores.tolist()
    assert len(as_regions([]).to_frame(backend)) == 0


def test_to_frame_is_pandas_by_default():
    frame = as_regions(ROWS).to_frame()
    assert frame.to_dict("list") == COLUMNS
    assert frame["start"].dtype == np.int32


@pytest.mark.parametrize("name", ["out.bed", "out.bed.gz"])
@pytest.mark.parametrize("columns", [3, 4, 5])
def test_to_bed(name, columns, tmp_path):
    path = tmp_path / name
    text = "".join(
        "\t".join(line.split("\t")[:columns]).strip() + "\n" for line in BED.splitlines()
    )
    (tmp_path / "in.bed").write_text(text)
    regions = RegionSet.from_bed(tmp_path / "in.bed", extra=True)
    regions.to_bed(path)
    content = path.read_bytes()
    assert (content[:2] == b"\x1f\x8b") == name.endswith(".gz")
    written = gzip.decompress(content) if name.endswith(".gz") else content
    assert written.decode() == text
    again = RegionSet.from_bed(path, extra=True)
    assert again == regions
    assert again.names == regions.names


def test_to_bed_writes_a_dot_where_something_is_missing(tmp_path):
    (tmp_path / "in.bed").write_text("a\t1\t2\nb\t1\t2\t\t5\nc\t1\t2\tx\n")
    RegionSet.from_bed(tmp_path / "in.bed", extra=True).to_bed(tmp_path / "out.bed")
    expected = "a\t1\t2\t.\t.\nb\t1\t2\t.\t5\nc\t1\t2\tx\t.\n"
    assert (tmp_path / "out.bed").read_text() == expected


def test_to_bed_with_scores_alone(tmp_path):
    regions = RegionSet.from_frame(pd.DataFrame(COLUMNS | {"score": [1, 2, 3]}), extra=True)
    regions.to_bed(tmp_path / "out.bed")
    assert (tmp_path / "out.bed").read_text().splitlines()[0] == "chr1\t100\t200\t.\t1"


def test_to_bed_of_many_rows(tmp_path):
    n = 200_000
    regions = RegionSet(["a", "b"] * (n // 2), np.arange(n), np.arange(n) + 7)
    regions.to_bed(tmp_path / "out.bed")
    assert as_regions(tmp_path / "out.bed") == regions
    (tmp_path / "names.bed").write_text("".join(f"a\t{i}\t{i}\tn{i}\n" for i in range(70_000)))
    named = RegionSet.from_bed(tmp_path / "names.bed", extra=True)
    named.to_bed(tmp_path / "out.bed")
    assert (tmp_path / "out.bed").read_bytes() == (tmp_path / "names.bed").read_bytes()


def test_to_bed_of_nothing(tmp_path):
    as_regions([]).to_bed(tmp_path / "out.bed")
    assert (tmp_path / "out.bed").read_bytes() == b""
    as_regions([]).to_bed(tmp_path / "out.bed.gz")
    assert rows_of(tmp_path / "out.bed.gz") == []


@given(any_rows)
def test_what_was_written_is_read_again(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("bed") / "x.bed"
    rows = [row for row in rows if not row[0].startswith("#")]
    rows = [row for row in rows if row[0] not in ("track", "browser")]
    as_regions(rows).to_bed(path)
    assert rows_of(path) == rows


@pytest.mark.parametrize("chrom", ["#chr1", "track", "browser", "PAR1", "c" * 65536])
def test_a_name_that_bed_cannot_hold_is_refused_or_read_again(chrom, tmp_path):
    """No region may be lost on the way through a file without a word."""
    path = tmp_path / "x.bed"
    try:
        RegionSet([chrom, "chr1"], [1, 2], [3, 4]).to_bed(path)
    except GtokError:
        return
    assert rows_of(path) == [(chrom, 1, 3), ("chr1", 2, 4)]


@pytest.mark.parametrize("name", ["a\tb", "a\nchr9\t1\t2", "a\r\nb"])
def test_a_name_that_would_break_a_line_is_refused_or_read_again(name, tmp_path):
    path = tmp_path / "x.bed"
    try:
        RegionSet.from_frame(with_column(name=[name, "b", "c"]), extra=True).to_bed(path)
    except GtokError:
        return
    assert RegionSet.from_bed(path, extra=True).names == [name, "b", "c"]


def test_from_bed_options(bed):
    assert RegionSet.from_bed(bed).names is None
    regions = RegionSet.from_bed(bed, extra=True)
    assert regions.names == ["n200", "n5", f"n{LARGEST}"]
    assert regions.scores.tolist() == [7.0] * 3
    with pytest.raises(BedError, match="longer than 10 bytes"):
        RegionSet.from_bed(bed, max_line=10)


def test_scores_that_are_no_numbers_are_none(bed):
    bed.write_text("chr1\t1\t2\tx\thigh\n")
    regions = RegionSet.from_bed(bed, extra=True)
    assert regions.scores is None
    assert regions.names == ["x"]
