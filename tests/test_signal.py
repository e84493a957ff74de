"""A number per region: columns of peak files and of frames, to the last bit."""

from __future__ import annotations

import copy
import gzip
import math
import pickle
import re
import struct

import numpy as np
import oracle
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gtok import BedError, GtokError, RegionSet, Tokenizer, as_regions
from gtok._bed import to_numbers

UNIVERSE = [("chr1", 0, 100), ("chr1", 50, 150), ("chr2", 0, 10)]
# narrowPeak: name, score, strand, signalValue, pValue, qValue, peak.
PEAKS = [
    ("chr1", 60, 90, "p1", "100", ".", "7.5", "3.25", "-1", "15"),
    ("chr2", 5, 9, "p2", "20", "+", "0.125", "300.0", "1.5", "2"),
    ("chr1", 10, 20, "p3", "1000", "-", "-2", "1e-3", "0", "5"),
    ("chr9", 10, 20, "p4", "7", ".", "9", "9", "9", "9"),
]
SIGNALS = {
    "score": [100, 20, 1000, 7],
    "signalValue": [7.5, 0.125, -2, 9],
    "pValue": [3.25, 300, 0.001, 9],
    "qValue": [-1, 1.5, 0, 9],
}
NUMBERS = {"score": 5, "signalValue": 7, "pValue": 8, "qValue": 9}
KEYS = {"chrom": ["chr1", "chr2", "chr1"], "start": [60, 5, 10], "end": [90, 9, 20]}


@pytest.fixture
def bed(tmp_path):
    """Write rows of any fields to a file of this name and give its path."""

    def write(rows, name="sample.bed", separator="\t"):
        text = "".join(separator.join(map(str, row)) + "\n" for row in rows).encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
        return path

    return write


def bits(number):
    return struct.pack("<d", number)


# --- columns of BED files


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("name", ["a.narrowPeak", "a.bed", "a.broadPeak.gz", "a.txt"])
def test_columns_by_name(bed, signal, name):
    path = bed(PEAKS, name)
    for regions in (
        RegionSet.from_bed(path, signal=signal),
        RegionSet.from_bed(str(path), signal=NUMBERS[signal]),
        as_regions(path, signal=signal),
        as_regions(str(path), signal=NUMBERS[signal]),
    ):
        assert regions.signal.dtype == np.float64
        assert regions.signal.tolist() == SIGNALS[signal]
        assert [tuple(region) for region in regions] == [peak[:3] for peak in PEAKS]


def test_any_column_by_number(bed):
    rows = [("chr1", i, i + 1, *(100 * column + i for column in range(4, 21))) for i in range(3)]
    path = bed(rows)
    for column in range(4, 21):
        found = RegionSet.from_bed(path, signal=column).signal
        assert found.tolist() == [100 * column + i for i in range(3)]
    wide = bed([("chr1", 0, 1, *range(4, 101))], "wide.bed")
    assert RegionSet.from_bed(wide, signal=100).signal.tolist() == [100]


@pytest.mark.parametrize(
    "name",
    ["a.gappedPeak", "a.gappedPeak.gz", "a.b.gappedpeak", "A.GAPPEDPEAK.GZ", "a.gappedPeak.bgz"],
)
def test_gapped_peaks_keep_them_further_right(bed, name):
    path = bed([("chr1", 1, 9, "x", 5, ".", 7, 8, 9, 10, 11, 12, 13, 14, 15)], name)
    for signal, column in (("score", 5), ("signalValue", 13), ("pValue", 14), ("qValue", 15)):
        assert RegionSet.from_bed(path, signal=signal).signal.tolist() == [column]
    assert RegionSet.from_bed(path, signal=7).signal.tolist() == [7]


@pytest.mark.parametrize(
    "name", ["gappedPeak", "a.gappedPeak.txt", "a.gappedPeaks", "gappedPeak.bed"]
)
def test_what_is_not_called_gapped_peak(bed, name):
    path = bed([("chr1", 1, 9, "x", 5, ".", 7, 8, 9, 10, 11, 12, 13, 14, 15)], name)
    assert RegionSet.from_bed(path, signal="signalValue").signal.tolist() == [7]


@pytest.mark.parametrize("signal", ["score", 4, 6])
def test_names_and_scores_besides(bed, signal):
    path = bed([("chr1", 1, 2, 44, 55, 66), ("chr1", 3, 4, 444, 555, 666)])
    regions = RegionSet.from_bed(path, extra=True, signal=signal)
    assert regions.names == ["44", "444"]
    assert regions.scores.tolist() == [55, 555]
    assert regions.signal.tolist() == {"score": [55, 555], 4: [44, 444], 6: [66, 666]}[signal]
    assert RegionSet.from_bed(path, extra=True).signal is None
    assert RegionSet.from_bed(path, signal=signal).names is None


def test_without_asking_there_is_none(bed):
    path = bed(PEAKS)
    assert RegionSet.from_bed(path).signal is None
    assert as_regions(path).signal is None
    assert RegionSet(["chr1"], [1], [2]).signal is None
    # What is not asked for need not be numbers.
    assert len(RegionSet.from_bed(bed([("chr1", 1, 2, "x", "y")]))) == 1


def test_lines_that_are_no_rows(bed, tmp_path):
    text = "#c\n\nchr1\t1\t2\ta\t5\ntrack name=x\n\nchr1\t3\t4\tb\t6\r\nchr1\t5\t6\tc\t7"
    (tmp_path / "a.bed").write_bytes(text.encode())
    assert RegionSet.from_bed(tmp_path / "a.bed", signal="score").signal.tolist() == [5, 6, 7]
    (tmp_path / "b.bed").write_bytes(text.replace("7", "x").encode())
    with pytest.raises(BedError, match=r"b\.bed, line 7: .* column 5, found 'x'$"):
        RegionSet.from_bed(tmp_path / "b.bed", signal="score")


def test_columns_between_spaces(bed):
    path = bed(PEAKS, separator="   ")
    assert RegionSet.from_bed(path, signal="signalValue").signal.tolist() == SIGNALS["signalValue"]


def test_files_without_rows(bed):
    for rows in ([], [("# nothing",)]):
        found = RegionSet.from_bed(bed(rows), signal="qValue").signal
        assert (found.dtype, len(found)) == (np.float64, 0)


def test_a_file_that_is_read_in_pieces(bed):
    """Longer than what is read at once, with a number that no other row has in each row."""
    rows = [("chr1", i, i + 1, f"peak_{i}", i * 0.5, ".", f"{i / 7:.6f}") for i in range(60_000)]
    for name in ("a.bed", "a.bed.gz"):
        path = bed(rows, name)
        found = RegionSet.from_bed(path, signal="signalValue").signal
        assert found.tolist() == [float(row[6]) for row in rows]


# --- what is no signal


BAD = [
    (".", "'.'"), ("x", "'x'"), ("nan", "'nan'"), ("NaN", "'NaN'"), ("inf", "'inf'"),
    ("-Infinity", "'-Infinity'"), ("1_000", "'1_000'"), ("1,5", "'1,5'"), ("0x10", "'0x10'"),
    ("1e", "'1e'"), ("1.5.2", "'1.5.2'"), ("--1", "'--1'"), ("1-", "'1-'"), ("-", "'-'"),
    ("1e400", "'1e400'"), ("", "nothing"), ("5%", "'5%'"), ("1 2", "'1 2'"), ("٣", "'٣'"),
    ("1" * 400, f"'{'1' * 60}'..."),
]  # fmt: skip


@pytest.mark.parametrize(("field", "shown"), BAD)
def test_what_is_no_number(bed, field, shown):
    path = bed(
        [("chr1", 1, 2, "a", 5, 6), ("chr1", 3, 4, "b", field, 6), ("chr1", 5, 6, "c", 7, 6)]
    )
    message = f"{path}, line 2: expected a number in column 5, found {shown}"
    for read in (
        lambda: RegionSet.from_bed(path, signal="score"),
        lambda: RegionSet.from_bed(path, signal=5),
        lambda: as_regions(path, signal="score"),
        lambda: Tokenizer(UNIVERSE).encode_batch([path], values="signal", signal="score"),
    ):
        with pytest.raises(BedError) as caught:
            read()
        assert str(caught.value) == message


@pytest.mark.parametrize("n_fields", [3, 4])
def test_a_column_that_is_missing_everywhere(bed, n_fields):
    path = bed([("#", "a", "comment"), *(("chr1", 1, 2, "x")[:n_fields] for _ in range(3))])
    with pytest.raises(BedError) as caught:
        RegionSet.from_bed(path, signal="score")
    assert str(caught.value) == f"{path}, line 2: expected a number in column 5, found nothing"


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_column_that_is_missing_in_one_line(bed, at):
    rows = [["chr1", i, i + 1, "x", 5] for i in range(3)]
    rows[at].pop()
    path = bed(rows)
    with pytest.raises(BedError) as caught:
        RegionSet.from_bed(path, signal="score")
    assert (
        str(caught.value) == f"{path}, line {at + 1}: expected a number in column 5, found nothing"
    )


UNKNOWN = ["signal", "signalvalue", "Score", "", "5", 3, 0, -1, 101, True, False, 5.0, ("score",)]


@pytest.mark.parametrize("signal", UNKNOWN, ids=repr)
def test_no_such_column_of_a_file(bed, signal):
    path = bed(PEAKS)
    expected = (
        f"{path}: expected signal 'score', 'signalValue', 'pValue', 'qValue', "
        f"or the number of a column from 4, found {signal!r}"
    )
    for read in (
        lambda: RegionSet.from_bed(path, signal=signal),
        lambda: as_regions(path, signal=signal),
        lambda: Tokenizer(UNIVERSE).encode_batch([path], values="signal", signal=signal),
    ):
        with pytest.raises(GtokError) as caught:
            read()
        assert str(caught.value) == expected


# --- frames


FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
each_frame = pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)


@each_frame
@pytest.mark.parametrize(
    "column",
    [
        np.array([1.5, -2.25, 1e300]),
        np.array([1.5, -2.25, 1e30], dtype=np.float32),
        np.array([7, -8, 2**40]),
        np.array([7, 8, 9], dtype=np.uint8),
        np.array([7, 8, 9], dtype=np.uint64),
    ],
    ids=lambda column: str(column.dtype),
)
def test_columns_of_frames(frame, column):
    x = frame({**KEYS, "my signal": column, "other": [0, 0, 0]})
    for regions in (
        RegionSet.from_frame(x, signal="my signal"),
        as_regions(x, signal="my signal"),
    ):
        assert regions.signal.dtype == np.float64
        assert regions.signal.tolist() == column.tolist()
        assert [region.start for region in regions] == [60, 5, 10]
    assert RegionSet.from_frame(x).signal is None
    assert as_regions(x).signal is None


@each_frame
def test_names_of_frames_are_their_own(frame):
    """What is a column's other name in a BED file is none here."""
    x = frame({**KEYS, "name": [4.0, 4, 4], "score": [5.0, 5, 5], "qValue": [1.0, 2, 3]})
    assert RegionSet.from_frame(x, signal="qValue").signal.tolist() == [1, 2, 3]
    regions = RegionSet.from_frame(x, extra=True, signal="score")
    assert regions.signal.tolist() == regions.scores.tolist() == [5, 5, 5]
    for signal in ("signalValue", "pValue", 5, "SCORE", ""):
        message = (
            f"expected a column called {signal!r} for the signal, "
            f"found chrom, start, end, name, score, qValue"
        )
        for read in (
            lambda s=signal: RegionSet.from_frame(x, signal=s),
            lambda s=signal: as_regions(x, signal=s),
            lambda s=signal: Tokenizer(UNIVERSE).encode_batch([x], values="signal", signal=s),
        ):
            with pytest.raises(GtokError) as caught:
                read()
            assert str(caught.value) == message


@each_frame
@pytest.mark.parametrize("column", [["1", "2", "3"], ["a", "b", None], [True, False, True]])
def test_a_column_without_numbers(frame, column):
    x = frame({**KEYS, "s": column})
    with pytest.raises(TypeError, match=r"^column 's': expected numbers, found \w+"):
        RegionSet.from_frame(x, signal="s")


@each_frame
@pytest.mark.parametrize("missing", [None, float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("others", [1, 1.5])
def test_a_number_that_is_missing(frame, missing, others):
    if frame is pl.DataFrame and missing is not None:
        others = float(others)
    x = frame({**KEYS, "s": [others, others, missing]})
    with pytest.raises(
        GtokError, match=r"^column 's', row 2: expected a number, found -?(nan|inf)$"
    ):
        RegionSet.from_frame(x, signal="s")


@pytest.mark.parametrize(
    "dtype", ["Int64", "Float64", "UInt8", "int64[pyarrow]", "double[pyarrow]"]
)
def test_nullable_columns_of_pandas(dtype):
    x = pd.DataFrame({**KEYS, "s": pd.array([1, 2, 3], dtype=dtype)})
    assert RegionSet.from_frame(x, signal="s").signal.tolist() == [1, 2, 3]
    x = pd.DataFrame({**KEYS, "s": pd.array([1, None, 3], dtype=dtype)})
    with pytest.raises(GtokError, match=r"column 's', row 1: expected a number, found nan"):
        RegionSet.from_frame(x, signal="s")


def test_frames_that_have_an_odd_index():
    x = pd.DataFrame({**KEYS, "s": [3, 1, 2]}, index=[7, 7, 0]).sort_values("s")
    regions = RegionSet.from_frame(x, signal="s")
    assert regions.signal.tolist() == [1, 2, 3]
    assert regions.starts.tolist() == [5, 10, 60]


def test_a_column_whose_name_is_a_number():
    """As `pandas.read_csv(..., header=None)` calls them."""
    x = pd.DataFrame([["chr1", 5, 9, 1.5], ["chr2", 6, 8, 2.5]])
    x = x.rename(columns={0: "chrom", 1: "start", 2: "end"})
    assert RegionSet.from_frame(x, signal=3).signal.tolist() == [1.5, 2.5]


@each_frame
def test_frames_without_rows(frame):
    x = frame({**KEYS, "s": [1.0, 2, 3]})
    x = x.slice(0, 0) if frame is not pd.DataFrame else x[:0]
    found = RegionSet.from_frame(x, signal="s").signal
    assert (found.dtype, len(found)) == (np.float64, 0)


# --- what has none


def test_samples_without_a_signal(bed):
    for x, kind in (
        ([("chr1", 1, 2)], "list"),
        (["chr1:1-2"], "list"),
        ("chr1:1-2", "str"),
        (RegionSet(["chr1"], [1], [2]), "gtok.regions.RegionSet"),
        (RegionSet.from_bed(bed(PEAKS)), "gtok.regions.RegionSet"),
    ):
        with pytest.raises(
            GtokError, match=f"expected regions with a signal, found {re.escape(kind)} "
        ):
            as_regions(x, signal="score")
        batch = [x] if not isinstance(x, str) else [as_regions(x)]
        with pytest.raises(GtokError, match="expected regions with a signal, found "):
            Tokenizer(UNIVERSE).encode_batch(batch, values="signal", signal="score")


def test_a_set_that_has_one_keeps_it(bed):
    regions = RegionSet.from_bed(bed(PEAKS), signal="pValue")
    assert as_regions(regions, signal="score") is regions
    assert as_regions(regions).signal.tolist() == SIGNALS["pValue"]


# --- sets that have one


def sets(bed):
    frame = {**KEYS, "s": [1.0, 2.0, 3.0]}
    rows = [(*row, "x", i) for i, row in enumerate(zip(*KEYS.values(), strict=True), 1)]
    return [
        RegionSet.from_bed(bed(rows), signal="score"),
        *(RegionSet.from_frame(make(frame), signal="s") for make in FRAMES.values()),
    ]


def test_rows_take_their_signal_along(bed):
    for regions in sets(bed):
        assert regions.signal.tolist() == [1, 2, 3]
        for rows, expected in (
            (np.array([True, False, True]), [1, 3]),
            (np.array([2, 0, 2]), [3, 1, 3]),
            (np.array([-1], dtype=np.int32), [3]),
            (slice(1, None), [2, 3]),
            (slice(None, None, -1), [3, 2, 1]),
            (np.zeros(3, dtype=bool), []),
            ([1], [2]),
        ):
            taken = regions[rows]
            assert taken.signal.tolist() == expected
            assert taken.signal.dtype == np.float64
            assert len(taken) == len(expected)
            assert taken[::-1].signal.tolist() == expected[::-1]
        assert regions[0] == ("chr1", 60, 90)
        assert regions.signal.tolist() == [1, 2, 3]


def test_copies_have_it(bed):
    for regions in sets(bed):
        again = (
            pickle.loads(pickle.dumps(regions)),
            pickle.loads(pickle.dumps(regions, protocol=5)),
            pickle.loads(pickle.dumps(regions[1:])),
            copy.deepcopy(regions),
            copy.copy(regions),
            regions.with_texts(None, None),
        )
        for back in again:
            expected = [2, 3] if len(back) == 2 else [1, 2, 3]
            assert back.signal.tolist() == expected
            assert back.signal.dtype == np.float64
        assert again[0] == regions
    assert pickle.loads(pickle.dumps(RegionSet(["chr1"], [1], [2]))).signal is None


def check_read_only(regions):
    for name in ("codes", "starts", "ends", "signal"):
        column = getattr(regions, name)
        assert column.flags.writeable is False, name
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 5
        with pytest.raises(AttributeError, match="does not change"):
            setattr(regions, name, column)
        with pytest.raises(AttributeError, match="does not change"):
            delattr(regions, name)


def test_a_set_from_a_file_does_not_change(bed):
    check_read_only(RegionSet.from_bed(bed(PEAKS), signal="score"))


@each_frame
def test_a_set_from_a_frame_does_not_change(frame):
    regions = RegionSet.from_frame(frame({**KEYS, "s": [1.0, 2, 3]}), signal="s")
    check_read_only(regions)


def test_what_is_made_of_a_set_does_not_change(bed):
    regions = RegionSet.from_bed(bed(PEAKS), signal="score")
    for made in (
        regions[1:],
        regions[np.array([True] * 4)],
        pickle.loads(pickle.dumps(regions)),
        copy.deepcopy(regions),
        regions.with_texts(None, None),
    ):
        check_read_only(made)


@each_frame
def test_a_frame_does_not_share_its_memory(frame):
    column = np.array([1.0, 2.0, 3.0])
    x = frame({**KEYS, "s": column})
    regions = RegionSet.from_frame(x, signal="s")
    column[:] = 9
    if frame is pd.DataFrame:
        x["s"] = 8.0
        x.loc[:, "s"] = 7.0
    assert regions.signal.tolist() == [1, 2, 3]
    assert column.flags.writeable


# --- tokens of it


def test_a_token_has_its_regions_signal(bed):
    path = bed(PEAKS, "a.narrowPeak")
    frame = pd.DataFrame({**KEYS, "signalValue": [7.5, 0.125, -2]})
    tokenizer = Tokenizer(UNIVERSE, unknown="region")
    for signal, expected in SIGNALS.items():
        batch = tokenizer.encode_batch([path], values="signal", signal=signal, queries=True)
        assert batch.ids.tolist() == [0, 1, 2, 0, 3]
        assert batch.queries.tolist() == [0, 0, 1, 2, 3]
        assert batch.values.dtype == np.float32
        numbers = [float(np.float32(x)) for x in expected]
        assert batch.values.tolist() == [numbers[0], *numbers[:3], 0]
        again = tokenizer.encode_batch(
            [RegionSet.from_bed(path, signal=signal)], values="signal", signal=signal
        )
        assert again.values.tolist() == batch.values.tolist()
    mixed = tokenizer.encode_batch([path, frame], values="signal", signal="signalValue")
    assert mixed.ids.tolist() == [0, 1, 2, 0, 3, 0, 1, 2, 0]
    assert mixed.values.tolist() == [7.5, 7.5, 0.125, -2, 0, 7.5, 7.5, 0.125, -2]
    matrix = mixed.to_csr(3)
    assert matrix.toarray().tolist() == [[5.5, 7.5, 0.125]] * 2
    assert mixed.to_csr(3, reduce="max").toarray().tolist() == [[7.5, 7.5, 0.125]] * 2


def test_files_of_several_kinds_in_threads(bed):
    narrow = bed([("chr1", 1, 2, "x", 5, ".", 7, *range(8, 16))], "a.narrowPeak")
    gapped = bed([("chr1", 1, 2, "x", 5, ".", 7, *range(8, 16))], "a.gappedPeak.gz")
    tokenizer = Tokenizer(UNIVERSE)
    for n_threads in (None, 1, 2):
        batch = tokenizer.encode_batch(
            [narrow, gapped] * 10, values="signal", signal="signalValue", n_threads=n_threads
        )
        assert batch.values.tolist() == [7, 13] * 10


@pytest.mark.filterwarnings("ignore:no chromosome of")
def test_what_is_unknown_or_empty_weighs_nothing(bed):
    tokenizer = Tokenizer(UNIVERSE)
    samples = [bed(PEAKS[3:]), bed([], "empty.bed"), pd.DataFrame({**KEYS, "score": [1, 2, 3]})[:0]]
    batch = tokenizer.encode_batch(samples, values="signal", signal="score")
    assert batch.ids.tolist() == [3, 3, 3]
    assert batch.values.tolist() == [0, 0, 0]
    batch = tokenizer.encode_batch([], values="signal", signal="score")
    assert (batch.values.dtype, len(batch.values)) == (np.float32, 0)


@pytest.mark.parametrize("nothing", [[], (), RegionSet([], [], [])], ids=["list", "tuple", "set"])
def test_a_sample_of_no_regions_needs_no_signal(bed, nothing):
    assert len(as_regions(nothing, signal="score")) == 0
    tokenizer = Tokenizer(UNIVERSE)
    batch = tokenizer.encode_batch([bed(PEAKS), nothing], values="signal", signal="score")
    assert batch.ids.tolist() == [0, 1, 2, 0, 3]
    assert batch.values.tolist() == [100, 100, 20, 1000, 0]


def test_signal_and_its_column_go_together(bed):
    tokenizer = Tokenizer(UNIVERSE)
    path = bed(PEAKS)
    message = r"values='signal' goes with signal=, the column to take"
    for options in (
        {"values": "signal"},
        {"signal": "score"},
        {"values": "bp", "signal": "score"},
        {"values": "count", "signal": 5},
        {"values": None, "signal": "score"},
    ):
        for xs in ([path], [], [[("chr1", 1, 2)]]):
            with pytest.raises(GtokError, match=message) as caught:
                tokenizer.encode_batch(xs, **options)
            found = f"values={options.get('values')!r}, signal={options.get('signal')!r}"
            assert str(caught.value).endswith(f"found {found}")


ranked = st.lists(
    st.tuples(
        st.sampled_from(["chr1", "chr2"]), st.integers(0, 160), st.integers(0, 60),
        st.integers(-40, 40).map(lambda n: n / 4),
    ),
    max_size=12,
)  # fmt: skip


@pytest.mark.filterwarnings("ignore:no chromosome of")
@given(
    ranked,
    st.sampled_from(["input", "genome", "random", "value"]),
    st.sampled_from([None, "query", "token"]),
    st.sampled_from(["sample", "region", "drop"]),
    st.sampled_from([None, 5]),
    st.booleans(),
)
def test_the_signal_stays_beside_its_token(drawn, order, unique, unknown, min_overlap, excludes):
    """Whatever rows are moved or dropped, by the rows that the tokens come from."""
    sample = [(chrom, start, start + n) for chrom, start, n, _ in drawn]
    frame = pd.DataFrame(
        {
            "chrom": pd.Series([row[0] for row in sample], dtype=str),
            "start": np.array([row[1] for row in sample], dtype=np.int64),
            "end": np.array([row[2] for row in sample], dtype=np.int64),
            "s": np.array([x for _, _, _, x in drawn], dtype=np.float64),
        }
    )
    black = [("chr1", 30, 35)] if excludes else []
    tokenizer = Tokenizer(
        UNIVERSE,
        order=order,
        unique=unique,
        unknown=unknown,
        min_overlap=min_overlap,
        exclude=black,
    )
    batch = tokenizer.encode_batch([frame], values="signal", signal="s", queries=True)
    tokens = list(
        zip(batch.ids.tolist(), batch.values.tolist(), batch.queries.tolist(), strict=True)
    )
    assert batch.values.dtype == np.float32
    for id, value, row in tokens:
        assert value == (0 if id == 3 else drawn[row][3])
        assert (row == -1) == (id == 3 and unknown == "sample")
        assert id == 3 or id in oracle.overlaps(UNIVERSE, [sample[row]])[0]
    if order == "value":
        values = [value for _, value, _ in tokens]
        assert values == sorted(values, reverse=True)
    # The same tokens as without values, where they do not say the order.
    if order != "value":
        plain = tokenizer.encode_batch([frame], queries=True)
        assert plain.ids.tolist() == batch.ids.tolist()
        assert plain.queries.tolist() == batch.queries.tolist()
    if unique is None:
        touched = oracle.overlaps(black, sample)
        expected = {
            (id, row)
            for row, ids in enumerate(oracle.overlaps(UNIVERSE, sample))
            for id in ids
            if not touched[row]
            and min(sample[row][2], UNIVERSE[id][2]) - max(sample[row][1], UNIVERSE[id][1])
            >= (min_overlap or 0)
        }
        found = [(id, row) for id, _, row in tokens if id != 3]
        assert len(found) == len(expected)
        assert set(found) == expected


def test_the_first_of_a_repeated_region_gives_the_signal(bed):
    path = bed([("chr1", 10, 20, "a", 5), ("chr1", 10, 20, "b", 9), ("chr1", 30, 40, "c", 7)])
    for unique, order, expected in (
        (None, "input", [5, 9, 7]),
        ("query", "input", [5, 7]),
        ("token", "input", [5]),
        ("token", "value", [9]),
        ("query", "value", [7, 5]),
    ):
        tokenizer = Tokenizer(UNIVERSE, unique=unique, order=order)
        batch = tokenizer.encode_batch([path], values="signal", signal="score")
        assert batch.values.tolist() == expected


# --- numbers


digit_strings = st.text("0123456789", min_size=1, max_size=40)
numerals = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(0, 1e6).map("{:.5f}".format),
    st.floats(0, 1e18).map("{:.3f}".format),
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["", "-", "+"]),
            st.one_of(digit_strings, st.just("")),
            st.sampled_from(["", "."]),
            st.one_of(digit_strings, st.just("")),
            st.one_of(
                st.just(""),
                st.builds(
                    lambda e, sign, n: f"{e}{sign}{n}",
                    st.sampled_from("eE"),
                    st.sampled_from(["", "-", "+"]),
                    st.integers(0, 340),
                ),
            ),
        ),
    ),
)
texts = st.one_of(
    numerals,
    st.sampled_from(
        ["", ".", "-", "+", "e5", "1e", "nan", "inf", "1_0", "_1", "1_", "0x1", "1.2.3"]
    ),
    st.text("0123456789.-+eE_", max_size=8),
    st.text("0123456789.-+eE_ nainfty", max_size=6),
)


def number_of(text):
    """What float() makes of it, None where that is nothing or has an underscore."""
    try:
        return None if b"_" in text else float(text)
    except ValueError:
        return None


def packed(texts):
    return b"".join(texts), np.array([len(text) for text in texts], dtype=np.int32)


def check_numbers(texts, dots):
    numbers, bad = to_numbers(*packed(texts), dots)
    assert (numbers.dtype, numbers.shape) == (np.float64, (len(texts),))
    expected = [math.nan if dots and text in (b"", b".") else number_of(text) for text in texts]
    first = expected.index(None) if None in expected else -1
    assert bad == first
    good = len(texts) if first < 0 else first
    for number, wanted in zip(numbers[:good].tolist(), expected[:good], strict=True):
        assert bits(number) == bits(wanted) or (math.isnan(number) and math.isnan(wanted))


@settings(max_examples=500)
@given(st.lists(numerals, max_size=20), st.booleans())
@example(["999999999999999", "9999999999999999", "0.000000000000001", "9007199254740993"], False)
@example(["-0", "-0.0", "0", "+0", "-.0", ".0", "00", "-00.00", "0e0", "0." + "0" * 40], False)
@example(["1.", "-1.", "+1", ".5", "-.5", "+.5", "1.e5", "1e+05", "007", "1E5"], True)
@example(["123456789012345.", "123456789012345.6", "12345678901234.5", "1234567890.123456"], True)
@example(["2.2250738585072011e-308", "4.9e-324", "1.7976931348623157e308", "2e308"], False)
@example(["8.41e21", "9.109e-31", "1" + "0" * 22, "1" + "0" * 23, "0." + "3" * 60], False)
@example(["179769313486231580793728971405301", "0.1", "0.3", "2.5e-1", "1e-7", "5e-05"], False)
def test_numbers_are_those_of_python(drawn, dots):
    check_numbers([text.encode() for text in drawn], dots)


@settings(max_examples=500)
@given(st.lists(texts, max_size=8), st.booleans())
def test_the_first_text_that_is_no_number(drawn, dots):
    check_numbers([text.encode() for text in drawn], dots)


@given(st.lists(st.binary(max_size=6), max_size=6), st.booleans())
def test_any_bytes(drawn, dots):
    check_numbers(drawn, dots)


@pytest.mark.parametrize("n_digits", range(1, 25))
def test_every_place_of_the_point(n_digits):
    chance = np.random.default_rng(n_digits)
    numbers = []
    for _ in range(60):
        digits = "".join(map(str, chance.integers(0, 10, n_digits).tolist()))
        at = int(chance.integers(0, n_digits + 1))
        numbers.append(f"{chance.choice(['', '-', '+'])}{digits[:at]}.{digits[at:]}".encode())
        numbers.append(digits.encode())
    check_numbers(numbers, False)


def test_dots_are_missing_numbers_only_where_they_may_be():
    data, lengths = packed([b"1.5", b".", b"", b"-2"])
    numbers, bad = to_numbers(data, lengths, True)
    assert bad == -1
    assert np.isnan(numbers).tolist() == [False, True, True, False]
    assert numbers[[0, 3]].tolist() == [1.5, -2]
    assert to_numbers(data, lengths, False)[1] == 1
    assert to_numbers(*packed([b"1", b""]), False)[1] == 1
    assert to_numbers(*packed([b"1", b".."]), True)[1] == 1
    assert to_numbers(*packed([b"1", b"nan"]), False)[1] == -1


def test_no_texts():
    for dots in (False, True):
        numbers, bad = to_numbers(b"", np.empty(0, dtype=np.int32), dots)
        assert (len(numbers), bad) == (0, -1)


@settings(max_examples=60)
@given(st.lists(numerals, min_size=1, max_size=10), st.sampled_from([4, "score", 6]))
def test_numbers_of_a_file_are_those_of_python(tmp_path_factory, drawn, signal):
    path = tmp_path_factory.mktemp("numbers") / "a.bed"
    path.write_text("".join(f"chr1\t{i}\t{i + 1}\t{x}\t{x}\t{x}\n" for i, x in enumerate(drawn)))
    numbers = [number_of(x.encode()) for x in drawn]
    bad = [i for i, x in enumerate(numbers) if x is None or not math.isfinite(x)]
    if bad:
        with pytest.raises(BedError) as caught:
            RegionSet.from_bed(path, signal=signal)
        found = re.search(
            r"line (\d+): expected a number in column ([4-6]), found", str(caught.value)
        )
        assert int(found[1]) - 1 in bad
        return
    regions = RegionSet.from_bed(path, signal=signal)
    assert [bits(x) for x in regions.signal.tolist()] == [bits(x) for x in numbers]
