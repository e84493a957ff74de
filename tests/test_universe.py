"""The vocabulary: ids, tokens, what may be a universe and what may not."""

from __future__ import annotations

import copy
import gzip
import math
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gtok.universe
from gtok import GtokError, RegionSet, SpecialTokens, Tokenizer, Universe

ROLES = ["unk", "pad", "mask", "cls", "eos", "bos", "sep"]
HLA = "HLA-A*01:01:01:01"
# Neither sorted nor grouped: ids must come from the file's order alone.
ROWS = [("chr2", 5, 50), ("chr1", 300, 400), (HLA, 5, 20), ("chr1", 100, 200), ("chr1", 100, 150)]
TOKENS = [f"{chrom}:{start}-{end}" for chrom, start, end in ROWS]


def bed_text(rows, end="\n"):
    return "".join("\t".join(map(str, row)) + end for row in rows)


@pytest.fixture
def universe():
    return Universe(ROWS)


@pytest.fixture
def bed(tmp_path):
    """Write text to a file of this name and give its path."""

    def write(text, name="u.bed"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


# --- ids and tokens


def test_ids_are_row_numbers_in_the_order_of_the_file(bed):
    universe = Universe.from_bed(bed("# a comment\n" + bed_text(ROWS)))
    assert universe.tokens == TOKENS
    assert [universe.id(token) for token in TOKENS] == [0, 1, 2, 3, 4]
    assert [universe.token(id) for id in range(5)] == TOKENS
    assert list(universe.regions) == ROWS


def test_special_tokens_follow_the_regions(universe):
    assert (len(universe), universe.vocab_size) == (5, 12)
    tokens = [f"<{role}>" for role in ROLES]
    assert [universe.id(token) for token in tokens] == [5, 6, 7, 8, 9, 10, 11]
    assert [universe.special_id(role) for role in ROLES] == [5, 6, 7, 8, 9, 10, 11]
    assert universe.tokens_of(range(5, 12)) == tokens


def test_tokens_of_mixes_regions_and_special_tokens(universe):
    assert universe.tokens_of([11, 0, 2, 5, 0]) == [
        "<sep>",
        TOKENS[0],
        TOKENS[2],
        "<unk>",
        "chr2:5-50",
    ]
    assert universe.tokens_of([]) == []
    assert universe.tokens_of(np.array([1], dtype=np.int32)) == [TOKENS[1]]


@pytest.mark.parametrize("id", [-1, 12, 2**40])
def test_no_such_id(universe, id):
    with pytest.raises(IndexError, match=rf"ids from 0 to 11, found {id}"):
        universe.token(id)
    with pytest.raises(IndexError, match=rf"found {id}"):
        universe.tokens_of([0, id])


def test_an_id_is_a_whole_number(universe):
    with pytest.raises((TypeError, GtokError)):
        universe.token(1.5)


@pytest.mark.parametrize(
    "token",
    [
        "chr1:100-201",
        "chr1:101-200",
        "chr9:100-200",
        "1:100-200",
        "chr1:0100-200",
        "chr1:100-200\n",
        " chr1:100-200",
        "chr1:100-200:+",
        "chr1",
        "",
        "<UNK>",
        f"chr1:{2**31}-{2**31 + 5}",
        f"chr1:{2**32 + 100}-{2**32 + 200}",
        "chr1:1-" + "9" * 30,
        "chr1:" + "9" * 30 + "-5",
        "chr1:1-" + "9" * 6000,
    ],
)
def test_no_such_token(universe, token):
    assert token not in universe
    with pytest.raises(KeyError):
        universe.id(token)
    assert universe.ids_of([token, TOKENS[3]], 99) == [99, 3]


def test_contains(universe):
    assert HLA + ":5-20" in universe
    assert "<mask>" in universe
    assert 3 not in universe


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["chr1", "chr2", "a:b", HLA, "c-1"]),
            st.integers(0, 30),
            st.integers(1, 9),
        ),
        min_size=1,
        max_size=40,
        unique=True,
    )
)
def test_every_token_finds_its_row(drawn):
    rows = [(chrom, start, start + width) for chrom, start, width in drawn]
    universe = Universe(rows)
    tokens = [f"{chrom}:{start}-{end}" for chrom, start, end in rows]
    assert universe.tokens == tokens
    assert [universe.id(token) for token in tokens] == list(range(len(rows)))
    assert universe.ids_of([*tokens, "chr1:99-100", "<pad>"], -1) == [
        *range(len(rows)),
        -1,
        len(rows) + 1,
    ]


def test_the_last_coordinates_are_found():
    universe = Universe([("chr1", 2**31 - 2, 2**31 - 1), ("chr1", 0, 2**31 - 1)])
    assert universe.id("chr1:2147483646-2147483647") == 0
    assert universe.id("chr1:0-2147483647") == 1


def test_looking_up_makes_no_strings_of_the_others(universe, monkeypatch):
    def refuse(*_):
        raise AssertionError("strings were made")

    monkeypatch.setattr(Universe, "tokens_of", refuse)
    assert universe.id("chr1:100-200") == 3
    assert universe.ids_of(["chr1:100-150", "nothing"], 5) == [4, 5]
    assert "chr1:100-200" in universe


def test_tokenizing_makes_no_strings(universe, monkeypatch):
    tokenizer = Tokenizer(universe)

    def refuse(*_):
        raise AssertionError("strings were made")

    monkeypatch.setattr(Universe, "tokens_of", refuse)
    assert tokenizer.encode([("chr1", 120, 130)]) == [4, 3]
    assert tokenizer([("chr1", 120, 130)])["input_ids"] == [4, 3]
    assert len(tokenizer.encode_batch([[("chr1", 120, 130)]]).ids) == 2


# --- what may be a universe


def test_every_kind_of_sample(bed, tmp_path):
    columns = {
        "chrom": [row[0] for row in ROWS],
        "start": [row[1] for row in ROWS],
        "end": [row[2] for row in ROWS],
    }
    zipped = tmp_path / "u.bed.gz"
    zipped.write_bytes(gzip.compress(bed_text(ROWS).encode()))
    expected = Universe(ROWS)
    for sample in (
        bed(bed_text(ROWS)),
        str(bed(bed_text(ROWS))),
        bed(bed_text(ROWS, "\r\n"), "crlf.bed"),
        zipped,
        RegionSet(columns["chrom"], columns["start"], columns["end"]),
        pd.DataFrame(columns),
        pl.DataFrame(columns),
        pa.table(columns),
        TOKENS,
    ):
        universe = Universe(sample)
        assert universe == expected
        assert universe.tokens == TOKENS
        assert universe.digest == expected.digest


def test_from_bed_takes_the_constructors_options(bed):
    path = bed(bed_text([ROWS[0], ROWS[0]]))
    universe = Universe.from_bed(
        path, duplicates="drop", genome="hg38", special_tokens={"unk": "[U]"}
    )
    assert (len(universe), universe.genome, universe.special_tokens.unk) == (1, "hg38", "[U]")
    assert universe == Universe(
        path, duplicates="drop", genome="hg38", special_tokens=SpecialTokens(unk="[U]")
    )


def test_an_empty_universe(bed):
    with pytest.raises(GtokError, match=r"at least one region, found none"):
        Universe([])
    path = bed("# nothing\n\n")
    with pytest.raises(GtokError, match=rf"{path}.*at least one region"):
        Universe(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        Universe(tmp_path / "none.bed")


def test_a_row_that_stands_twice_names_both_lines(bed):
    text = "# one\ntrack name=x\nchr1\t1\t5\n\n# two\nchr1\t7\t9\nchr2\t1\t5\nchr1\t1\t5\textra\n"
    path = bed(text)
    with pytest.raises(GtokError) as caught:
        Universe(path)
    message = str(caught.value)
    assert f"{path}, line 8" in message
    assert f"{path}, line 3" in message
    assert "chr1:1-5" in message
    assert "duplicates='drop'" in message
    assert "1 row would go" in message


def test_the_first_of_several_repeats_is_named(bed):
    # By position the repeat on chr1 comes first, by line that on chr2.
    path = bed("chr2\t1\t5\nchr1\t1\t5\nchr2\t1\t5\nchr1\t1\t5\nchr2\t1\t5\n")
    with pytest.raises(GtokError, match=r"line 3: chr2:1-5 .*line 1;.*3 rows would go"):
        Universe(path)


def test_a_repeat_in_a_list_names_rows():
    with pytest.raises(GtokError, match=r"row 2: chr1:1-5 .*row 0"):
        Universe([("chr1", 1, 5), ("chr1", 2, 5), ("chr1", 1, 5)])


def test_dropping_repeats_keeps_the_first_of_each(bed):
    rows = [("chr2", 1, 5, "a", 1), ("chr1", 1, 5, "b", 2), ("chr2", 1, 5, "c", 3)]
    universe = Universe(
        bed(bed_text(rows + rows[1:] + [("chr1", 0, 5, "d", 4)])), duplicates="drop"
    )
    assert universe.tokens == ["chr2:1-5", "chr1:1-5", "chr1:0-5"]
    assert universe.names == ["a", "b", "d"]
    assert universe.scores.tolist() == [1, 2, 4]
    assert universe.id("chr1:0-5") == 2


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.integers(4, 6)), min_size=1))
def test_repeats_against_a_set(rows):
    kept = list(dict.fromkeys(rows))
    assert list(Universe(rows, duplicates="drop").regions) == kept
    if len(kept) < len(rows):
        with pytest.raises(GtokError, match=rf"{len(rows) - len(kept)} rows? would go"):
            Universe(rows)
    else:
        assert len(Universe(rows)) == len(rows)


def test_repeated_rows_pairs_each_with_the_first():
    rows = [("b", 1, 2), ("a", 1, 2), ("b", 1, 2), ("b", 1, 2), ("a", 1, 2), ("a", 0, 2)]
    pairs = gtok.universe.repeated_rows(Universe(rows, duplicates="drop").regions)
    assert pairs.shape == (0, 2)
    regions = RegionSet(*zip(*rows, strict=True))
    assert sorted(gtok.universe.repeated_rows(regions).tolist()) == [[0, 2], [0, 3], [1, 4]]


def test_regions_of_no_length_warn_with_their_count(bed):
    path = bed("chr1\t5\t5\nchr1\t1\t9\nchr2\t0\t0\n")
    with pytest.warns(UserWarning, match=rf"{path}.*2 regions of no length") as caught:
        universe = Universe(path)
    assert len(caught) == 1
    assert universe.id("chr1:5-5") == 0
    with pytest.warns(UserWarning, match=r"^1 region of no length"):
        Universe([("chr1", 5, 5)])


@pytest.mark.parametrize("duplicates", ["first", None, True])
def test_duplicates_takes_two_values(duplicates):
    with pytest.raises(GtokError, match=r"duplicates 'error' or 'drop'"):
        Universe(ROWS, duplicates=duplicates)


def test_a_genome_is_a_string():
    with pytest.raises(TypeError, match=r"genome .* found 38"):
        Universe(ROWS, genome=38)


# --- special tokens


def test_own_special_tokens():
    universe = Universe(ROWS, special_tokens={"pad": "[PAD]", "mask": "chr1:1-2-3"})
    assert universe.id("[PAD]") == 6
    assert universe.id("chr1:1-2-3") == 7
    assert universe.token(6) == "[PAD]"
    assert "<pad>" not in universe
    assert universe.special_tokens == SpecialTokens(pad="[PAD]", mask="chr1:1-2-3")


def test_a_special_token_that_is_a_region():
    with pytest.raises(GtokError, match=r"mask token 'chr1:100-200' is also a region"):
        Universe(ROWS, special_tokens={"mask": "chr1:100-200"})
    # One that only looks like a region is none of the universe's.
    assert Universe(ROWS, special_tokens={"mask": "chr1:100-201"}).id("chr1:100-201") == 7


def test_two_special_tokens_that_are_the_same():
    with pytest.raises(GtokError, match=r"'<pad>' as unk and as pad|'<pad>' as pad and as unk"):
        Universe(ROWS, special_tokens={"unk": "<pad>"})


@pytest.mark.parametrize("tokens", [{"unk": ""}, {"unk": None}, {"unk": 5}])
def test_a_special_token_is_a_string(tokens):
    with pytest.raises(GtokError, match=r"unk token"):
        Universe(ROWS, special_tokens=tokens)


def test_special_tokens_have_fixed_names():
    with pytest.raises(GtokError, match=r"unk, pad, mask, cls, eos, bos, sep, found start"):
        SpecialTokens.of({"start": "<s>"})


def test_special_tokens_as_a_value():
    tokens = SpecialTokens()
    assert len(tokens) == 7
    assert tokens.items() == [(role, f"<{role}>") for role in ROLES]
    assert SpecialTokens.of(tokens) is tokens
    assert SpecialTokens.of(None) == tokens
    assert hash(SpecialTokens(unk="x")) == hash(SpecialTokens(unk="x"))


# --- names and scores


def test_names_and_scores_are_kept(bed):
    text = "chr1\t1\t5\tpeak 1\t3.5\t+\nchr1\t6\t9\t.\t.\nchr1\t10\t12\n"
    universe = Universe(bed(text))
    assert universe.names[:2] == ["peak 1", "."]
    assert universe.scores[0] == 3.5
    assert math.isnan(universe.scores[1])
    assert math.isnan(universe.scores[2])
    assert universe.scores.dtype == np.float64


def test_scores_that_are_no_numbers_are_none(bed):
    universe = Universe(bed("chr1\t1\t5\ta\thigh\nchr1\t6\t9\tb\t2\n"))
    assert universe.scores is None
    assert universe.names == ["a", "b"]


def test_a_file_without_names(bed):
    universe = Universe(bed(bed_text(ROWS)))
    assert universe.names is None
    assert universe.scores is None


def test_names_and_scores_of_a_frame():
    frame = pd.DataFrame(
        {"chrom": ["a", "b"], "start": [1, 2], "end": [3, 4], "name": ["x", "y"], "score": [1, 2]}
    )
    universe = Universe(frame)
    assert (universe.names, universe.scores.tolist()) == (["x", "y"], [1, 2])


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_to_frame(bed, backend):
    universe = Universe(bed("chr2\t1\t5\ta\t1\nchr1\t6\t9\tb\t2.5\n"))
    frame = universe.to_frame(backend)
    assert type(frame).__module__.split(".")[0] == backend
    columns = (
        frame.to_pydict()
        if backend == "pyarrow"
        else frame.to_dict(**({"orient": "list"} if backend == "pandas" else {"as_series": False}))
    )
    assert columns == {
        "chrom": ["chr2", "chr1"],
        "start": [1, 6],
        "end": [5, 9],
        "name": ["a", "b"],
        "score": [1.0, 2.5],
    }
    assert Universe(frame) == universe


def test_to_frame_without_names(universe):
    assert list(universe.to_frame().columns) == ["chrom", "start", "end"]


# --- as a value


def test_the_digest_tells_regions_and_their_order(universe):
    assert len(universe.digest) == 64
    assert int(universe.digest, 16) >= 0
    assert Universe(ROWS[::-1]).digest != universe.digest
    assert Universe(ROWS[:-1]).digest != universe.digest
    moved = [(chrom, start, end + 1) for chrom, start, end in ROWS]
    assert Universe(moved).digest != universe.digest
    renamed = [(chrom.replace("chr", ""), start, end) for chrom, start, end in ROWS]
    assert Universe(renamed).digest != universe.digest


def test_the_digest_is_of_the_regions_alone(bed, universe):
    named = [(*row, "name", 5) for row in ROWS]
    assert Universe(bed("# x\n" + bed_text(named))).digest == universe.digest
    assert Universe(ROWS, genome="hg38").digest == universe.digest


def test_the_digest_does_not_depend_on_the_codes_of_chromosomes():
    some = RegionSet(["chrX", "chr2", "chr1"], [1, 2, 3], [4, 5, 6])[1:]
    assert some.chrom_names == ("chrX", "chr2", "chr1")
    assert Universe(some).digest == Universe([("chr2", 2, 5), ("chr1", 3, 6)]).digest
    shuffled = RegionSet.from_codes([2, 0], ["chr1", "none", "chr2"], [2, 3], [5, 6])
    assert Universe(shuffled) == Universe(some)
    assert Universe(shuffled).digest == Universe(some).digest


def test_the_digest_never_changes():
    # Saved tokenizers carry it: a change here makes them unreadable.
    assert Universe([("chr1", 100, 200), ("chr2", 5, 50)]).digest == (
        "d7ce905f8bd0217d1f21c237a1dad349ca47d67fd036f68d3806ab466c91f503"
    )


def test_equality_and_hash(universe):
    same = Universe(TOKENS)
    assert same == universe
    assert hash(same) == hash(universe)
    assert universe != Universe(ROWS[::-1])
    assert universe != Universe(ROWS, genome="hg38")
    assert universe != Universe(ROWS, special_tokens={"unk": "?"})
    assert universe != TOKENS
    assert {universe: 1}[same] == 1


def test_copies_are_the_universe_itself(universe):
    assert copy.copy(universe) is universe
    assert copy.deepcopy([universe])[0] is universe


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling(bed, protocol):
    text = "# above\nchr1\t1\t5\ta\t1\nchr1\t6\t9\tb\t.\n"
    universe = Universe(bed(text), genome="hg38", special_tokens={"unk": "?"})
    back = pickle.loads(pickle.dumps(universe, protocol))
    assert back == universe
    assert back.names == universe.names
    assert np.array_equal(back.scores, universe.scores, equal_nan=True)
    assert back.digest == universe.digest
    assert back.tokens_of(range(9)) == universe.tokens_of(range(9))


def test_asking_changes_nothing_that_is_pickled(universe):
    before = pickle.dumps(universe)
    assert universe.id("chr1:100-200") == 3
    assert universe.digest
    assert pickle.dumps(universe) == before


def test_columns_cannot_be_written_to(universe):
    with pytest.raises(ValueError, match="read-only"):
        universe.regions.starts[0] = 7


def test_repr(universe):
    assert repr(universe) == "Universe(5 regions on 3 chromosomes, 310 bp)"
    assert repr(Universe(["chr1:1-2"], genome="hg38")) == (
        "Universe(1 region on 1 chromosome, 1 bp, hg38)"
    )
