"""The sample sheet: what is one, and what each other table is told to be."""

from __future__ import annotations

import codecs
import math

import pytest

from gtok import GtokError
from gtok.cli.sheet import read_sheet

RESERVED = ("n_regions", "n_hits", "n_excluded")


@pytest.fixture
def sheet(tmp_path):
    """Write a sheet and give its path."""

    def write(content):
        path = tmp_path / "sheet.tsv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def column(sheet, *cells):
    """What becomes of these cells in a further column."""
    rows = "".join(f"{i}.bed\t{cell}\n" for i, cell in enumerate(cells))
    return read_sheet(sheet("path\tx\n" + rows))[2]["x"]


def same(one, other):
    """Equal, of the same types, nan being nan."""
    return [type(x) for x in one] == [type(x) for x in other] and all(
        x == y or (x != x and y != y) for x, y in zip(one, other, strict=True)
    )


# --- what is read


def test_paths_names_and_further_columns(sheet):
    text = "path\tsample\tage\ttissue\na.bed\tone\t31\tliver\nb/c.bed\ttwo\t4\tlung\n"
    paths, samples, known = read_sheet(sheet(text))
    assert paths == ["a.bed", "b/c.bed"]
    assert samples == ["one", "two"]
    assert known == {"age": [31, 4], "tissue": ["liver", "lung"]}


def test_columns_come_in_any_order(sheet):
    text = "tissue\tsample\tage\tpath\nliver\tone\t31\ta.bed\n"
    paths, samples, known = read_sheet(sheet(text))
    assert (paths, samples) == (["a.bed"], ["one"])
    assert list(known.items()) == [("tissue", ["liver"]), ("age", [31])]


def test_paths_alone(sheet):
    assert read_sheet(sheet("path\na.bed\nb.bed\n")) == (["a.bed", "b.bed"], None, {})


def test_paths_and_names_are_never_numbers(sheet):
    paths, samples, _ = read_sheet(sheet("path\tsample\n1\t2\n3\t4.5\n"))
    assert (paths, samples) == (["1", "3"], ["2", "4.5"])


def test_the_same_path_and_name_may_come_again(sheet):
    paths, samples, _ = read_sheet(sheet("path\tsample\na\tx\na\tx\n"))
    assert (paths, samples) == (["a", "a"], ["x", "x"])


EXPECTED = (["a.bed", "b.bed"], ["one", "two"], {"age": [31, 4]})
TEXT = "path\tsample\tage\na.bed\tone\t31\nb.bed\ttwo\t4\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        TEXT.removesuffix("\n"),
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r"),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.replace("\n", "\r\n").encode(),
        "\n\n" + TEXT.replace("\n", "\n\n"),
        TEXT.replace("\n", "\r\n\r\n"),
        TEXT.replace("\n", "\n \t \n\t\t\n"),
        TEXT.replace("\t", " \t  "),
        " " + TEXT.replace("\n", " \n "),
    ],
    ids=[
        "as it is",
        "no last newline",
        "CRLF",
        "CR",
        "BOM",
        "BOM, CRLF",
        "blank lines",
        "blank lines, CRLF",
        "lines of blanks",
        "blanks around tabs",
        "blanks around lines",
    ],
)
def test_ends_of_lines_and_blanks_do_not_matter(sheet, content):
    assert read_sheet(sheet(content)) == EXPECTED


@pytest.mark.parametrize(
    "cell", ['"q"', '"', '""', 'a "b" c', "'q'", '"a', 'a"', "a,b", "\\", "#x"]
)
def test_quotes_and_the_like_are_kept(sheet, cell):
    assert column(sheet, cell, "y") == [cell, "y"]
    paths, samples, _ = read_sheet(sheet(f"path\tsample\n{cell}\t{cell}\nb\tc\n"))
    assert (paths, samples) == ([cell, "b"], [cell, "c"])


def test_a_quote_holds_no_tab(sheet):
    with pytest.raises(GtokError, match=r"line 2: expected 2 columns, found 3"):
        read_sheet(sheet('path\tx\na\t"b\tc"\n'))


def test_text_is_utf_8(sheet):
    _, samples, known = read_sheet(sheet("path\tsample\tGröße\né.bed\tЖ\tü\n"))
    assert (samples, known) == (["Ж"], {"Größe": ["ü"]})


# --- types


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        # whole numbers
        (["1", "-2", "0"], [1, -2, 0]),
        (["1"], [1]),
        (["123456789012345678", "0"], [123456789012345678, 0]),
        # decimals, or whole numbers some of which are missing
        (["0.5", "-1.25", "0.0"], [0.5, -1.25, 0.0]),
        (["1", "0.5"], [1.0, 0.5]),
        (["1e3", "1E-2", "-2.5e+1", "1e05"], [1000.0, 0.01, -25.0, 100000.0]),
        (["1", ""], [1.0, math.nan]),
        (["1", "NA", "nan", "NaN", ""], [1.0, math.nan, math.nan, math.nan, math.nan]),
        (["", "0.5"], [math.nan, 0.5]),
        # texts
        (["001", "2"], ["001", "2"]),
        (["-01", "2"], ["-01", "2"]),
        (["00", "0"], ["00", "0"]),
        (["00.5", "2"], ["00.5", "2"]),
        (["1", "x"], ["1", "x"]),
        (["x", ""], ["x", ""]),
        (["x", "NA"], ["x", "NA"]),
        (["001", "NA"], ["001", "NA"]),
        (["", ""], ["", ""]),
        (["NA", "NA"], ["NA", "NA"]),
        (["nan", ""], ["nan", ""]),
        (["1", "."], ["1", "."]),
        (["1", "none"], ["1", "none"]),
        (["+1", "2"], ["+1", "2"]),
        ([".5", "2"], [".5", "2"]),
        (["1.", "2"], ["1.", "2"]),
        (["1,5", "2"], ["1,5", "2"]),
        (["1 000", "2"], ["1 000", "2"]),
        (["1_000", "2"], ["1_000", "2"]),
        (["0x10", "2"], ["0x10", "2"]),
        (["inf", "2"], ["inf", "2"]),
        (["1e", "2"], ["1e", "2"]),
        (["--1", "2"], ["--1", "2"]),
        (["True", "False"], ["True", "False"]),
        (["٣", "2"], ["٣", "2"]),
        (["\uff11", "2"], ["\uff11", "2"]),
        (["1\x00", "2"], ["1\x00", "2"]),
    ],
    ids=repr,
)
def test_types(sheet, cells, expected):
    assert same(column(sheet, *cells), expected)


@pytest.mark.parametrize(
    "cells", [["12345678901234567890", "5"], ["9" * 30, "5"], ["1e999", "0.5"]], ids=repr
)
def test_numbers_that_nothing_holds_are_not_changed(sheet, cells):
    """An accession's digits, say, are none to be rounded."""
    assert column(sheet, *cells) == cells


def test_each_column_has_its_own_type(sheet):
    text = "path\ta\tb\tc\nx\t1\t1\t1\ny\t2\t2.5\t02\n"
    _, _, known = read_sheet(sheet(text))
    assert same(known["a"], [1, 2])
    assert same(known["b"], [1.0, 2.5])
    assert same(known["c"], ["1", "02"])


# --- what is no sheet


NO_HEADER = "expected a header with a column 'path', found nothing"
NO_PATH = "expected a header with a column 'path', columns split by tabs, found "
NO_TEXT = "expected a table as text, found something else"
NO_ROWS = "expected a row for each sample, found none"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", f": {NO_HEADER}"),
        ("\n\n", f": {NO_HEADER}"),
        (" \t \r\n\t", f": {NO_HEADER}"),
        (codecs.BOM_UTF8, f": {NO_HEADER}"),
        ("sample\tx\na\t1\n", f": {NO_PATH}'sample', 'x'"),
        ("a.bed\nb.bed\n", f": {NO_PATH}'a.bed'"),
        ("Path\na.bed\n", f": {NO_PATH}'Path'"),
        ("paths\na.bed\n", f": {NO_PATH}'paths'"),
        ("path,sample\na.bed,x\n", f": {NO_PATH}'path,sample'"),
        ("path sample\na.bed x\n", f": {NO_PATH}'path sample'"),
        ('"path"\na.bed\n', f": {NO_PATH}'\"path\"'"),
        ("#path\na.bed\n", f": {NO_PATH}'#path'"),
        ("path\tpath\na\tb\n", ": found a column 'path' twice"),
        ("path\tx\tsample\tx\na\t1\tb\t2\n", ": found a column 'x' twice"),
        ("path\tx\t x \na\t1\t2\n", ": found a column 'x' twice"),
        ("path\tsample\tsample\na\tb\tc\n", ": found a column 'sample' twice"),
        ("path\t\na\tb\n", ": found a column ''"),
        ("path\t\t\na\tb\tc\n", ": found a column ''"),
        ("\tpath\na\tb\n", ": found a column ''"),
        *(
            (f"path\t{name}\na\t1\n", f": found a column {name!r} which gtok writes itself")
            for name in RESERVED
        ),
        ("path\n", f": {NO_ROWS}"),
        ("path\tsample\n\n \t \n", f": {NO_ROWS}"),
        ("path\tx\na\t1\nb\n", ", line 3: expected 2 columns, found 1"),
        ("path\tx\na\t1\t\nb\t2\n", ", line 2: expected 2 columns, found 3"),
        ("path\na b\tc\n", ", line 2: expected 1 columns, found 2"),
        ("\npath\tx\n\n\na\t1\n\nb\n", ", line 7: expected 2 columns, found 1"),
        ("path\tx\r\n\r\na\t1\r\nb\r\n", ", line 4: expected 2 columns, found 1"),
        ("path\tx\ra\t1\rb\r", ", line 3: expected 2 columns, found 1"),
        ("path\tx\na\t1\n\t2\n", ", line 3: expected a path, found nothing"),
        ("path\tx\na\t1\n  \t2\n", ", line 3: expected a path, found nothing"),
        ("path\tsample\n\na\tx\n\nb\t\n", ", line 5: expected a sample, found nothing"),
        ("sample\tpath\nx\ta\n \tb\n", ", line 3: expected a sample, found nothing"),
        (b"path\n\xff.bed\n", f": {NO_TEXT}"),
        ("path\nä.bed\n".encode("latin-1"), f": {NO_TEXT}"),
        ("path\na.bed\n".encode("utf-16"), f": {NO_TEXT}"),
        (
            b"\x1f\x8b\x08\x00",
            ": the gzip stream breaks off before its end: the file is truncated, or something that "
            "is not gzip stands behind it",
        ),
    ],
    ids=repr,
)
def test_what_is_no_sheet(sheet, content, message):
    path = sheet(content)
    with pytest.raises(GtokError) as caught:
        read_sheet(path, reserved=RESERVED)
    assert str(caught.value) == path + message


@pytest.mark.parametrize("content", ["x" * 200_000, "path\n" + "x" * 200_000, "path\na\tb\n" * 2])
def test_whatever_is_no_sheet_is_one_error(sheet, content):
    path = sheet(content + "\ty\n")
    with pytest.raises(GtokError) as caught:
        read_sheet(path)
    assert str(caught.value).startswith(path)


def test_names_are_reserved_only_where_it_is_asked_for(sheet):
    path = sheet("path\tn_hits\na\t1\n")
    assert read_sheet(path)[2] == {"n_hits": [1]}
    assert read_sheet(path, reserved=["n_regions"])[2] == {"n_hits": [1]}
    with pytest.raises(GtokError, match="'n_hits' which gtok writes itself"):
        read_sheet(path, reserved=["n_hits"])


def test_a_sheet_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        read_sheet(str(tmp_path / "no.tsv"))
    assert caught.value.filename == str(tmp_path / "no.tsv")
    with pytest.raises(IsADirectoryError):
        read_sheet(str(tmp_path))
