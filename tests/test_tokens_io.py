"""Token files: what is written, what is read, and what is refused."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gtok
from gtok import (
    GtokError,
    TokenBatch,
    Tokenizer,
    read_gtok,
    read_parquet,
    write_gtok,
    write_parquet,
)
from gtok.tokens_io import read_pieces, token_writer, write_jsonl, write_tsv

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_IDS = {
    "none.gtok": ([], b"GTOK\x01"),
    "ids16.gtok": (
        [0, 1, 258, 65535, 7],
        b"GTOK\x01" b"\x00\x00" b"\x01\x00" b"\x02\x01" b"\xff\xff" b"\x07\x00",
    ),
    "ids32.gtok": (
        [0, 65536, 16909060, 4294967295],
        b"GTOK\x02" b"\x00\x00\x00\x00" b"\x00\x00\x01\x00" b"\x04\x03\x02\x01" b"\xff\xff\xff\xff",
    ),
}  # fmt: skip
UNIVERSE = [("chr2", 5, 50), ("chr1", 100, 200), ("HLA-A*01:01", 5, 20), ("chr1", 150, 300)]


@pytest.fixture
def tokenizer():
    return Tokenizer(UNIVERSE)


def batch_of(*rows, counts=True):
    n = np.array([len(row) for row in rows], dtype=np.int64)
    return TokenBatch(
        np.array([id for row in rows for id in row], dtype=np.int32),
        np.cumsum([0, *n]),
        n_regions=n + 3 if counts else None,
        n_hits=n if counts else None,
    )


def entries(folder):
    return sorted(os.listdir(folder))


class Broken(Exception):
    pass


def break_off(*pieces):
    """Pieces, and then an error."""
    yield from pieces
    raise Broken


# --- .gtok


@pytest.mark.parametrize("name", GOLDEN_IDS)
def test_golden_gtok_files(name, tmp_path):
    ids, content = GOLDEN_IDS[name]
    assert (GOLDEN / name).read_bytes() == content
    found = read_gtok(GOLDEN / name)
    assert (found.tolist(), found.dtype) == (ids, np.int64)
    write_gtok(tmp_path / name, ids)
    assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize(
    ("ids", "width"),
    [([65534], 1), ([65535], 1), ([65536], 2), ([1, 65536], 2), ([2**32 - 1], 2), ([], 1)],
)
def test_ids_are_as_wide_as_the_largest(tmp_path, ids, width):
    path = tmp_path / "x.gtok"
    write_gtok(path, ids)
    content = path.read_bytes()
    assert content[:5] == b"GTOK" + bytes([width])
    assert len(content) == 5 + 2 * width * len(ids)
    assert read_gtok(path).tolist() == ids


@given(st.lists(st.integers(0, 2**32 - 1)), st.sampled_from([2**16 - 1, 2**32 - 1]))
def test_gtok_round_trip(tmp_path_factory, ids, largest):
    path = tmp_path_factory.getbasetemp() / "round.gtok"
    ids = [id & largest for id in ids]
    write_gtok(path, ids)
    assert read_gtok(str(path)).tolist() == ids


@pytest.mark.parametrize("dtype", ["i4", "u2", "u4", "i8", "u8", ">i4"])
def test_gtok_of_arrays(tmp_path, dtype):
    ids = np.array([5, 1, 40000 if dtype == "u2" else 70000, 9], dtype=dtype)
    write_gtok(tmp_path / "x.gtok", ids)
    assert read_gtok(tmp_path / "x.gtok").tolist() == ids.tolist()
    for view in (ids[::2], ids[::-1]):
        write_gtok(tmp_path / "x.gtok", view)
        assert read_gtok(tmp_path / "x.gtok").tolist() == view.tolist()


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([-1], r"ids from 0 to 2\*\*32 - 1, found -1 to -1"),
        ([5, 2**32], r"found 5 to 4294967296"),
        ([2**70], "found object"),
        ([0.5], "found float64"),
        (["chr1:1-2"], "found <U8"),
        ([True], "found bool"),
        ([[1, 2], [3, 4]], "found int64, 2-d"),
        (5, "found int64, 0-d"),
    ],
)
def test_what_is_no_id(tmp_path, ids, message):
    with pytest.raises(GtokError, match=message):
        write_gtok(tmp_path / "x.gtok", ids)
    assert entries(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a .gtok file"),
        (b"GTOK", "not a .gtok file"),
        (b"GTO", "not a .gtok file"),
        (b"GTOX\x01\x00\x00", "not a .gtok file"),
        (b"gtok\x01\x00\x00", "not a .gtok file"),
        (b"GTOK\x00\x00\x00", r"1 \(16 bits\) or 2 \(32 bits\) as byte 5, found 0"),
        (b"GTOK\x03\x00\x00", "found 3"),
        (b"GTOK1\x00\x00", "found 49"),
        (b"GTOK\x01\x00", "expected ids of 2 bytes each, found 1 bytes: the file is truncated"),
        (b"GTOK\x02\x00\x00", "expected ids of 4 bytes each, found 2 bytes: the file is truncated"),
        (b"GTOK\x02" + bytes(7), "7 bytes: the file is truncated"),
    ],
)
def test_what_is_no_gtok_file(tmp_path, content, message):
    path = tmp_path / "x.gtok"
    path.write_bytes(content)
    with pytest.raises(GtokError, match=message) as caught:
        read_gtok(path)
    assert str(path) in str(caught.value)


def test_a_gtok_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_gtok(tmp_path / "none.gtok")


# --- parquet


def test_parquet_round_trip(tmp_path):
    path = tmp_path / "x.parquet"
    batch = batch_of([3, 1, 2], [], [2**31 - 1])
    write_parquet(path, [(["a", "ü b", ""], batch)])
    names, back = read_parquet(path)
    assert names == ["a", "ü b", ""]
    assert [ids.tolist() for ids in back] == [[3, 1, 2], [], [2**31 - 1]]
    assert back.n_regions.tolist() == [6, 3, 4]
    assert back.n_hits.tolist() == [3, 0, 1]
    assert (back.ids.dtype, back.offsets.dtype) == (np.int32, np.int64)
    assert entries(tmp_path) == ["x.parquet"]


def test_the_schema_of_parquet(tmp_path, tokenizer):
    path = tmp_path / "x.parquet"
    write_parquet(path, [(["a"], batch_of([1]))], tokenizer)
    schema = pq.read_schema(path)
    assert schema.names == ["id", "input_ids", "n_regions", "n_hits"]
    assert schema.types == [pa.string(), pa.list_(pa.int32()), pa.int64(), pa.int64()]
    assert schema.metadata[b"gtok"] == gtok.__version__.encode()
    assert schema.metadata[b"gtok.universe"] == tokenizer.universe.digest.encode()
    assert schema.metadata[b"gtok.vocab_size"] == b"11"
    write_parquet(path, [(["a"], batch_of([1]))])
    assert b"gtok.universe" not in pq.read_schema(path).metadata


def test_parquet_of_several_row_groups(tmp_path):
    path = tmp_path / "x.parquet"
    pieces = [
        (["a", "b"], batch_of([1, 2], [])),
        ([], batch_of()),
        (["c"], batch_of([])),
        (["d", "e"], batch_of([3], [4, 5])),
    ]
    write_parquet(path, iter(pieces))
    assert pq.ParquetFile(path).num_row_groups >= 3
    names, back = read_parquet(path)
    assert names == ["a", "b", "c", "d", "e"]
    assert [ids.tolist() for ids in back] == [[1, 2], [], [], [3], [4, 5]]
    assert back.n_hits.tolist() == [2, 0, 0, 1, 2]


@pytest.mark.parametrize("pieces", [[], [([], batch_of())]], ids=["no piece", "an empty piece"])
def test_parquet_without_samples(tmp_path, pieces):
    write_parquet(tmp_path / "x.parquet", pieces)
    names, back = read_parquet(tmp_path / "x.parquet")
    assert (names, len(back), len(back.ids)) == ([], 0, 0)


def test_parquet_without_counts(tmp_path):
    write_parquet(tmp_path / "x.parquet", [(["a"], batch_of([1], counts=False))])
    names, back = read_parquet(tmp_path / "x.parquet")
    assert (names, back[0].tolist()) == (["a"], [1])
    assert back.n_regions is None
    assert back.n_hits is None


def test_parquet_of_many_samples(tmp_path):
    chance = np.random.default_rng(2)
    rows = [chance.integers(0, 2**31 - 1, n).tolist() for n in chance.integers(0, 50, 5000)]
    names = [f"s{i}" for i in range(5000)]
    pieces = ((names[i : i + 700], batch_of(*rows[i : i + 700])) for i in range(0, 5000, 700))
    write_parquet(tmp_path / "x.parquet", pieces)
    found, back = read_parquet(tmp_path / "x.parquet")
    assert found == names
    assert [ids.tolist() for ids in back] == rows


def test_parquet_that_others_wrote(tmp_path):
    path = tmp_path / "x.parquet"
    columns = {"input_ids": pa.array([[1, 2], [3]], pa.list_(pa.int64())), "id": ["a", "b"]}
    pq.write_table(pa.table(columns), path)
    names, back = read_parquet(path)
    assert (names, [ids.tolist() for ids in back]) == (["a", "b"], [[1, 2], [3]])
    # A part of a table, whose lists do not begin at the first number.
    pq.write_table(pa.table(columns).slice(1), path)
    assert [ids.tolist() for ids in read_parquet(path)[1]] == [[3]]


def test_ids_of_others_that_do_not_fit(tmp_path):
    path = tmp_path / "x.parquet"
    columns = {"input_ids": pa.array([[2**32 + 1]], pa.list_(pa.int64())), "id": ["a"]}
    pq.write_table(pa.table(columns), path)
    with pytest.raises((GtokError, OverflowError)):
        read_parquet(path)


def test_what_is_no_parquet(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(b"GTOK\x01")
    with pytest.raises(GtokError, match=r"x\.parquet: not a parquet file"):
        read_parquet(path)
    with pytest.raises(FileNotFoundError):
        read_parquet(tmp_path / "none.parquet")
    pq.write_table(pa.table({"id": ["a"], "tokens": [[1]]}), path)
    with pytest.raises(GtokError, match=r"columns id and input_ids, found id, tokens"):
        read_parquet(path)
    pq.write_table(pa.table({"id": ["a", "b"], "input_ids": [[1], None]}), path)
    with pytest.raises(GtokError, match=r"input_ids in every row, found none in row 2"):
        read_parquet(path)
    pq.write_table(pa.table({"id": ["a"], "input_ids": [[1, None]]}), path)
    with pytest.raises(GtokError, match=r"numbers as input_ids, found one missing"):
        read_parquet(path)
    for column in ([1], [[0.5]], [["1"]]):
        pq.write_table(pa.table({"id": ["a"], "input_ids": column}), path)
        with pytest.raises(GtokError, match=r"lists of whole numbers, found \w+"):
            read_parquet(path)


def test_parquet_of_another_universe(tmp_path, tokenizer):
    path = tmp_path / "x.parquet"
    write_parquet(path, [(["a"], batch_of([1]))], tokenizer)
    assert [names for names, _ in read_pieces(path, Tokenizer(UNIVERSE))] == [["a"]]
    other = Tokenizer(UNIVERSE[1:])
    with pytest.raises(GtokError, match=rf"universe, {other.universe.digest}, found those of "):
        next(read_pieces(path, other))
    # Of what a file does not say, nothing is known.
    write_parquet(path, [(["a"], batch_of([1]))])
    assert next(read_pieces(path, other))[1][0].tolist() == [1]


def test_no_bit_of_parquet_changes_without_notice(tmp_path, tokenizer):
    """Whatever bit of a file flips: an error, or the samples as they were."""
    path = tmp_path / "x.parquet"
    batch = tokenizer.encode_batch([[("chr1", 120, 160)], [("chr2", 1, 6), ("chr9", 1, 5)]])
    write_parquet(path, [(["a", "b"], batch)], tokenizer)
    good = path.read_bytes()
    n_same = n_refused = 0
    for i in range(len(good)):
        path.write_bytes(good[:i] + bytes([good[i] ^ 1 << i % 8]) + good[i + 1 :])
        try:
            names, back = read_parquet(path)
        except GtokError as error:
            n_refused += str(error).startswith(f"{path}: ")
            continue
        n_same += 1
        assert names == ["a", "b"], i
        for column in ("ids", "offsets", "n_regions", "n_hits"):
            assert getattr(back, column).tolist() == getattr(batch, column).tolist(), i
    assert n_same + n_refused == len(good)
    assert min(n_same, n_refused) > 100  # nobody looks at statistics


def test_the_digest_of_parquet_does_not_depend_on_pieces(tmp_path):
    batch = TokenBatch([5, 6, 7, 8], [0, 1, 1, 4])
    one = TokenBatch([5], [0, 1])
    others = TokenBatch([6, 7, 8], [0, 0, 3])
    found = set()
    for pieces in ([(["a", "b", "c"], batch)], [(["a"], one), (["b", "c"], others)]):
        write_parquet(tmp_path / "x.parquet", pieces)
        with pq.ParquetFile(tmp_path / "x.parquet") as file:
            found.add(file.metadata.metadata[b"gtok.digest"])
        assert read_parquet(tmp_path / "x.parquet")[0] == ["a", "b", "c"]
    assert len(found) == 1


def test_parquet_that_is_not_what_was_written(tmp_path):
    """The same file by its own rules, with another number in it."""
    path = tmp_path / "x.parquet"
    write_parquet(path, [(["a"], TokenBatch([5, 6], [0, 2]))])
    table = pq.read_table(path)
    changed = table.set_column(1, "input_ids", pa.array([[5, 7]], pa.list_(pa.int32())))
    with pq.ParquetFile(path) as file:
        digest = file.metadata.metadata[b"gtok.digest"].decode()
    pq.write_table(changed.replace_schema_metadata({"gtok.digest": digest}), path)
    with pytest.raises(GtokError, match=rf"not what was written: .*digest {digest}, found "):
        read_parquet(path)
    # Without a digest, it is somebody else's table.
    pq.write_table(changed.replace_schema_metadata({}), path)
    assert read_parquet(path)[1].ids.tolist() == [5, 7]


def test_parquet_is_read_a_few_samples_at_a_time(tmp_path):
    path = tmp_path / "x.parquet"
    rows = [[i] * (i % 3) for i in range(1000)]
    write_parquet(path, [([f"s{i}" for i in range(1000)], batch_of(*rows))])
    pieces = list(read_pieces(path))
    assert max(len(batch) for _, batch in pieces) < 300
    assert [ids.tolist() for _, batch in pieces for ids in batch] == rows
    assert [name for names, _ in pieces for name in names] == [f"s{i}" for i in range(1000)]


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    # None makes an import fail as it does where a package is not installed.
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"parquet needs pyarrow: pip install 'gtok\[parquet\]'"):
        write_parquet(tmp_path / "x.parquet", [])
    with pytest.raises(ImportError, match=r"gtok\[parquet\]"):
        read_parquet(tmp_path / "x.parquet")
    assert entries(tmp_path) == []


# --- jsonl


def test_jsonl():
    handle = io.BytesIO()
    pieces = [(["a", 'b "ü"'], batch_of([3, 1], [])), (["c"], batch_of([2], counts=False))]
    write_jsonl(handle, pieces)
    text = handle.getvalue().decode()
    assert text.endswith("\n")
    assert "ü" in text
    assert [json.loads(line) for line in text.splitlines()] == [
        {"id": "a", "input_ids": [3, 1], "n_regions": 5, "n_hits": 2},
        {"id": 'b "ü"', "input_ids": [], "n_regions": 3, "n_hits": 0},
        {"id": "c", "input_ids": [2]},
    ]


# --- tsv


def tsv(tokenizer, pieces, with_sample):
    handle = io.BytesIO()
    write_tsv(handle, pieces, tokenizer, with_sample=with_sample)
    return handle.getvalue().decode()


def test_tsv(tokenizer):
    assert tsv(tokenizer, [(["a"], batch_of([3, 0, 2, 0]))], False) == (
        "chr1\t150\t300\t3\nchr2\t5\t50\t0\nHLA-A*01:01\t5\t20\t2\nchr2\t5\t50\t0\n"
    )


def test_tsv_of_several_samples(tokenizer):
    pieces = [(["a", "b"], batch_of([3], [])), (["ü"], batch_of([0, 1]))]
    assert tsv(tokenizer, pieces, True) == (
        "chr1\t150\t300\t3\ta\nchr2\t5\t50\t0\tü\nchr1\t100\t200\t1\tü\n"
    )


def test_tsv_lists_no_special_tokens(tokenizer):
    pieces = [(["a", "b", "c"], batch_of([4], [4, 1, 10, 4], []))]
    assert tsv(tokenizer, pieces, True) == "chr1\t100\t200\t1\tb\n"
    assert tsv(tokenizer, [(["a"], batch_of([4]))], False) == ""


def test_tsv_of_more_rows_than_are_written_at_once():
    universe = [("chr1", 3 * i, 3 * i + 2) for i in range(1000)]
    ids = np.random.default_rng(1).integers(0, 1000, 150_000).tolist()
    found = tsv(Tokenizer(universe), [(["a"], batch_of(ids))], False)
    expected = "".join(f"chr1\t{3 * id}\t{3 * id + 2}\t{id}\n" for id in ids)
    assert found == expected


# --- choosing by suffix


def test_the_suffix_tells_the_format(tmp_path, tokenizer):
    batch = batch_of([3, 0])
    for name in ("x.parquet", "x.gtok", "x.jsonl", "x.tsv"):
        token_writer(tmp_path / name, tokenizer, 1)([(["a"], batch)])
    assert entries(tmp_path) == ["x.gtok", "x.jsonl", "x.parquet", "x.tsv"]
    assert read_parquet(tmp_path / "x.parquet")[1][0].tolist() == [3, 0]
    assert pq.read_schema(tmp_path / "x.parquet").metadata[b"gtok.vocab_size"] == b"11"
    assert read_gtok(tmp_path / "x.gtok").tolist() == [3, 0]
    assert json.loads((tmp_path / "x.jsonl").read_text())["input_ids"] == [3, 0]
    assert (tmp_path / "x.tsv").read_text() == "chr1\t150\t300\t3\nchr2\t5\t50\t0\n"


def test_the_sample_column_stands_where_there_are_several(tmp_path, tokenizer):
    path = tmp_path / "x.tsv"
    token_writer(path, tokenizer, 1)([(["a"], batch_of([0]))])
    assert path.read_text() == "chr2\t5\t50\t0\n"
    token_writer(path, tokenizer, 2)([(["a"], batch_of([0])), (["b"], batch_of([]))])
    assert path.read_text() == "chr2\t5\t50\t0\ta\n"


def test_a_gtok_file_holds_one_sample(tmp_path, tokenizer):
    with pytest.raises(GtokError, match=r"x\.gtok.*one sample, found 2: write \.parquet"):
        token_writer(tmp_path / "x.gtok", tokenizer, 2)
    assert entries(tmp_path) == []


@pytest.mark.parametrize("name", ["x.csv", "x.bed", "x.h5ad", "x.tsv.zip"])
def test_no_such_suffix(tmp_path, tokenizer, name):
    with pytest.raises(GtokError, match=r"\.parquet, \.gtok, \.jsonl or \.tsv, found"):
        token_writer(tmp_path / name, tokenizer, 1)


# --- whole or not at all


@pytest.mark.parametrize("name", ["x.parquet", "x.gtok", "x.jsonl", "x.tsv"])
@pytest.mark.parametrize("before", [None, b"what was there before"])
def test_a_failure_leaves_what_was_there(tmp_path, tokenizer, name, before):
    path = tmp_path / name
    if before is not None:
        path.write_bytes(before)
    write = token_writer(path, tokenizer, 1)
    with pytest.raises(Broken):
        write(break_off((["a"], batch_of([1, 2]))))
    assert entries(tmp_path) == ([] if before is None else [name])
    assert before is None or path.read_bytes() == before
    write([(["a"], batch_of([1, 2]))])
    assert entries(tmp_path) == [name]
    assert path.read_bytes() != before
