"""Fragments split by groups of cells."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys

import numpy as np
import pytest

from gtok import GtokError, count_fragments
from gtok._format import format_rows
from gtok.pseudobulk import split_fragments

pysam = pytest.importorskip("pysam")

FRAGMENTS = [
    ("chr2", 50, 90, "C", 1),
    ("chr1", 300, 400, "A", 2),
    ("chr1", 100, 250, "B", 1),
    ("chr1", 100, 200, "A", 7),
    ("chr1", 90, 95, "D", 1),
    ("chr2", 10, 20, "A", 1),
]


def lines(rows):
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "f.tsv").write_text(lines(FRAGMENTS))
    (tmp_path / "groups.tsv").write_text("barcode\tgroup\nA\tone\nB\ttwo\nC\tone\nE\tnone\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(path):
    with gzip.open(path, "rt") as handle:
        return [tuple(line.rstrip("\n").split("\t")) for line in handle]


def as_text(rows):
    return [tuple(map(str, row)) for row in rows]


def test_a_file_per_group_sorted_with_an_index(here):
    assert split_fragments("f.tsv", "groups.tsv", "out") == {"one": 4, "two": 1, "none": 0}
    assert sorted(path.name for path in (here / "out").iterdir()) == sorted(
        f"{group}.fragments.tsv.gz{end}" for group in ("one", "two", "none") for end in ("", ".tbi")
    )
    # Chromosomes in the order in which they first come.
    assert written("out/one.fragments.tsv.gz") == as_text(
        [FRAGMENTS[5], FRAGMENTS[0], FRAGMENTS[3], FRAGMENTS[1]]
    )
    assert written("out/two.fragments.tsv.gz") == as_text([FRAGMENTS[2]])
    assert written("out/none.fragments.tsv.gz") == []


def test_tabix_finds_what_is_asked_for(here):
    split_fragments("f.tsv", "groups.tsv", "out")
    with pysam.TabixFile("out/one.fragments.tsv.gz") as index:
        assert list(index.fetch("chr1", 150, 160)) == ["chr1\t100\t200\tA\t7"]
        assert list(index.fetch("chr1", 200, 299)) == []
        assert len(list(index.fetch("chr2"))) == 2


def test_groups_as_a_dict(here):
    assert split_fragments("f.tsv", {"A": "x", "B": "x"}, here / "out") == {"x": 4}


def test_what_is_written_counts_as_the_cells_did(here):
    universe = ["chr1:100-350", "chr2:0-100"]
    split_fragments("f.tsv", "groups.tsv", "out")
    whole, part = (
        count_fragments(path, universe) for path in ("f.tsv", "out/one.fragments.tsv.gz")
    )
    for row, barcode in enumerate(part.barcodes):
        column = whole.barcodes.index(barcode)
        assert part.X[row].toarray().tolist() == whole.X[column].toarray().tolist()


@pytest.mark.parametrize("seed", range(3))
def test_many_fragments_against_plain_python(here, seed):
    chance = random.Random(seed)
    rows = [
        (f"chr{chance.randrange(4)}", start := chance.randrange(5000),
         start + 1 + chance.randrange(300), f"cell{chance.randrange(40)}", chance.randrange(1, 5))
        for _ in range(5000)
    ]  # fmt: skip
    groups = {f"cell{i}": f"g {chance.randrange(3)}" for i in range(30)}
    (here / "f.tsv.gz").write_bytes(gzip.compress(lines(rows).encode()))
    sizes = split_fragments("f.tsv.gz", groups, "out")
    chroms = list(dict.fromkeys(row[0] for row in rows))
    barcodes = list(groups)
    for group in set(groups.values()):
        kept = [row for row in rows if groups.get(row[3]) == group]
        found = written(f"out/{group.replace(' ', '_')}.fragments.tsv.gz")
        assert sizes[group] == len(kept)
        assert sorted(found) == sorted(as_text(kept))
        keys = [
            (chroms.index(c), int(start), int(end), barcodes.index(barcode))
            for c, start, end, barcode, _ in found
        ]
        assert keys == sorted(keys)


def test_cells_of_several_files_are_told_with_their_samples(here):
    (here / "g.tsv").write_text(lines(FRAGMENTS[:2]))
    groups = {"f:A": "x", "g:A": "y", "g:C": "x"}
    assert split_fragments(["f.tsv", "g.tsv"], groups, "out") == {"x": 4, "y": 1}
    assert ("chr2", "50", "90", "g:C", "1") in written("out/x.fragments.tsv.gz")
    assert written("out/y.fragments.tsv.gz") == [("chr1", "300", "400", "g:A", "2")]


def test_a_sample_without_barcodes_is_told(here):
    (here / "g.tsv").write_text(lines(FRAGMENTS))
    with pytest.raises(GtokError, match=r"barcodes of the sample 'g', which read 'g:AAAC-1'"):
        split_fragments(["f.tsv", "g.tsv"], {"f:A": "x"}, "out")
    assert not (here / "out").exists()


def test_read_supports_are_left_out_where_there_are_none(here):
    (here / "f.tsv").write_text("chr1\t5\t9\tA\nchr1\t6\t9\tA\t3\n")
    split_fragments("f.tsv", {"A": "x"}, "out")
    assert written("out/x.fragments.tsv.gz") == [
        ("chr1", "5", "9", "A"),
        ("chr1", "6", "9", "A", "3"),
    ]


def test_chromosomes_beyond_what_tbi_reaches(here):
    (here / "f.tsv").write_text(f"chr1\t5\t9\tA\t1\nchr1\t{2**30}\t{2**30 + 5}\tA\t1\n")
    split_fragments("f.tsv", {"A": "x"}, "out")
    assert (here / "out" / "x.fragments.tsv.gz.csi").exists()
    with pysam.TabixFile("out/x.fragments.tsv.gz", index="out/x.fragments.tsv.gz.csi") as index:
        assert len(list(index.fetch("chr1", 2**30, 2**30 + 1))) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A\tx\nB\n", "line 2: expected a barcode and its group, a tab between, found 'B'"),
        ("A\tx\ty\n", "line 1: expected a barcode and its group, a tab between"),
        ("A\t\n", "line 1: expected a barcode and its group"),
        ("A x\n", "line 1: expected a barcode and its group"),
        ("A\tx\nB\ty\nA\ty\n", "line 3: expected one group for 'A', found 'x' and 'y'"),
        ("", "expected barcodes and their groups, found none"),
        ("barcode\tgroup\n", "expected barcodes and their groups, found none"),
        ("A\ta/b\nB\ta:b\n", r"found 'a/b' and 'a:b', both a_b\.fragments\.tsv\.gz"),
        ("Z\tx\n", "the first being 'Z', found none"),
    ],
)
def test_bad_groups(here, text, message):
    (here / "groups.tsv").write_text(text)
    with pytest.raises(GtokError, match=message):
        split_fragments("f.tsv", "groups.tsv", "out")
    assert not (here / "out").exists()


@pytest.mark.parametrize("n", [236, 300])
def test_a_group_whose_name_no_file_can_have(here, n):
    """Neither the file itself, nor its index, whose name is longer."""
    before = sorted(here.iterdir())
    with pytest.raises(OSError, match=r"out/BBB|out: the files of the groups cannot be written"):
        split_fragments("f.tsv", {"A": "B" * n}, "out")
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize("folder", ["s3://x", "http://127.0.0.1:9/x", "file:x", "data:,x"])
def test_a_folder_is_a_folder_whatever_its_name(here, folder):
    """And no address, which htslib might take it for."""
    assert split_fragments("f.tsv", {"A": "a"}, folder) == {"a": 3}
    names = sorted(path.name for path in (here / folder).iterdir())
    assert names == ["a.fragments.tsv.gz", "a.fragments.tsv.gz.tbi"]


def test_a_barcode_may_stand_twice_in_one_group(here):
    (here / "groups.tsv").write_text("A\tx\r\nA\tx\r\n\r\n")
    assert split_fragments("f.tsv", "groups.tsv", "out") == {"x": 3}


def test_an_error_leaves_what_was_there(here):
    split_fragments("f.tsv", "groups.tsv", "out")
    before = {path: path.read_bytes() for path in (here / "out").iterdir()}
    (here / "f.tsv").write_text(lines(FRAGMENTS[1:]) + "chr1\t5\n")
    with pytest.raises(GtokError, match=r"f\.tsv, line 6"):
        split_fragments("f.tsv", "groups.tsv", "out")
    assert {path: path.read_bytes() for path in (here / "out").iterdir()} == before


def test_the_command(here):
    command = [sys.executable, "-m", "gtok", "pseudobulk", "f.tsv", "groups.tsv", "-o", "out"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    rows = [line.split() for line in done.stderr.splitlines()]
    assert [row for row in rows if row[0] in ("one", "two", "none")] == [
        ["one", "4"], ["two", "1"], ["none", "0"],
    ]  # fmt: skip
    assert len(list((here / "out").glob("*.gz"))) == 3
    assert subprocess.run([*command, "-q"], capture_output=True).stderr == b""


def test_the_command_tells_a_bad_line(here):
    (here / "f.tsv").write_text("chr1\t5\n")
    command = [sys.executable, "-m", "gtok", "pseudobulk", "f.tsv", "groups.tsv", "-o", "out"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("gtok: error: f.tsv, line 1: ")
    assert not (here / "out").exists()


def test_pysam_is_asked_for(here):
    code = (
        "import sys; sys.modules['pysam'] = None; from gtok.pseudobulk import split_fragments; "
        "split_fragments('f.tsv', 'groups.tsv', 'out')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ImportError: pseudobulk needs pysam: pip install 'gtok[cells]'" in done.stderr


def test_rows_with_labels():
    columns = (np.array([0, 1]), np.array([5, 60]), np.array([9, 2**31 - 1]))
    rows = format_rows(
        [b"chr1", b"x"], *(column.astype(np.int32) for column in columns),
        np.array([-1, 12], dtype=np.int32), labels=[b"AAAC-1", b"B"],
        label_codes=np.array([1, 0], dtype=np.int32),
    )  # fmt: skip
    assert bytes(rows) == b"chr1\t5\t9\tB\nx\t60\t2147483647\tAAAC-1\t12\n"
