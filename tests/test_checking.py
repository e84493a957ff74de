"""Everything that is wrong with a universe's file, each with its line."""

from __future__ import annotations

import gzip
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtok import BedError, GtokError, Universe
from gtok.checking import check_universe


@pytest.fixture
def bed(tmp_path):
    """Write text to a file and give its path."""

    def write(text, name="u.bed"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def lines(findings):
    return [line for line, _ in findings]


def test_a_clean_file(bed):
    report = check_universe(bed("# a comment\nchr1\t1\t5\nchr1\t6\t9\tname\t5\n\nchr2\t1\t5\n"))
    assert report.problems == []
    assert report.warnings == []
    assert list(report.regions) == [("chr1", 1, 5), ("chr1", 6, 9), ("chr2", 1, 5)]
    assert report.is_sorted
    assert report.n_overlapping == 0


def test_every_problem_has_its_line(bed):
    report = check_universe(
        bed(
            "# a header\n"  # 1
            "chr1\t1\t5\n"  # 2
            "chr1\t9\t2\n"  # 3: backward
            "\n"  # 4
            "chr1\tx\t2\n"  # 5: no number
            "chr1\t1\t5\textra\n"  # 6: again
            "track name=x\n"  # 7
            "chr2\t5\n"  # 8: two fields
            "chr2\t-1\t5\n"  # 9: negative
            "\t1\t5\n"  # 10: no chromosome
            "chr2\t1\t2147483648\n"  # 11: too large
            "chr1\t1\t5\n"  # 12: again
        )
    )
    assert lines(report.problems) == [3, 5, 6, 8, 9, 10, 11, 12]
    texts = dict(report.problems)
    assert "start <= end, found 9 > 2" in texts[3]
    assert "start, found 'x'" in texts[5]
    assert texts[6] == texts[12] == "chr1:1-5 stands already on line 2"
    assert "three fields" in texts[8]
    assert "'-1'" in texts[9]
    assert "a chromosome" in texts[10]
    assert "2147483647" in texts[11]
    assert list(report.regions) == [("chr1", 1, 5)] * 3


def test_repeats_behind_bad_lines_name_the_right_lines(bed):
    report = check_universe(bed("chr1\tx\t5\nchr1\t1\t5\nchr1\ty\t5\n#\nchr1\t1\t5\n"))
    assert lines(report.problems) == [1, 3, 5]
    assert report.problems[2][1] == "chr1:1-5 stands already on line 2"


def test_regions_of_no_length_are_a_warning(bed):
    report = check_universe(bed("#\nchr1\t5\t5\nchr1\t6\t9\nchr1\t7\t7\n"))
    assert report.problems == []
    assert lines(report.warnings) == [2, 4]
    assert "chr1:5-5 is of no length" in report.warnings[0][1]


def test_two_styles_of_names_are_a_warning(bed):
    report = check_universe(bed("2\t1\t5\nchrX\t1\t5\n1\t1\t5\nchr1\t1\t5\n"))
    assert report.problems == []
    assert len(report.warnings) == 1
    line, text = report.warnings[0]
    assert line in (3, 4)
    assert "'chr1'" in text
    assert "'1'" in text


@pytest.mark.parametrize("text", ["", "# nothing\n\n", "chr1\t5\n"])
def test_a_file_without_regions(bed, text):
    report = check_universe(bed(text))
    assert any("at least one region" in what for _, what in report.problems)
    assert len(report.regions) == 0


def test_a_line_without_an_end_and_crlf(bed):
    report = check_universe(bed("chr1\t1\t5\r\nchr1\t7\t6\r\nchr1\t1\t5"))
    assert lines(report.problems) == [2, 3]


def test_gzip(bed):
    report = check_universe(bed(gzip.compress(b"chr1\t1\t5\nchr1\t7\t6\n"), "u.bed.gz"))
    assert lines(report.problems) == [2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"##fileformat=VCFv4.2\n", "VCF"),
        (b"BAM\x01", "BAM"),
        (gzip.compress(b"chr1\t1\t5\n" * 1000, mtime=0)[:-20], "gzip"),
    ],
)
def test_what_is_no_bed_at_all(bed, content, message):
    with pytest.raises(BedError, match=message):
        check_universe(bed(content))


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        check_universe(tmp_path / "none.bed")


def test_many_bad_lines(bed):
    text = "".join("chr1\tx\t1\n" if i % 3 else f"chr1\t{i}\t{i + 1}\n" for i in range(30_000))
    report = check_universe(bed(text))
    assert lines(report.problems) == [i + 1 for i in range(30_000) if i % 3]
    assert len(report.regions) == 10_000


rows = st.lists(
    st.tuples(st.sampled_from(["chr1", "chr2", "chr3"]), st.integers(0, 30), st.integers(1, 9)),
    min_size=1,
    max_size=20,
    unique=True,
).map(lambda drawn: [(chrom, start, start + width) for chrom, start, width in drawn])


@given(rows)
def test_order_and_overlaps(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "check.bed"
    path.write_text("".join(f"{chrom}\t{start}\t{end}\n" for chrom, start, end in rows))
    report = check_universe(path)
    assert report.problems == []
    met = list(dict.fromkeys(chrom for chrom, _, _ in rows))
    ordered = sorted(rows, key=lambda row: (met.index(row[0]), *row[1:]))
    assert report.is_sorted == (rows == ordered)
    reached = [
        any(c == chrom and end > start for c, _, end in ordered[:i])
        for i, (chrom, start, _) in enumerate(ordered)
    ]
    assert report.n_overlapping == sum(reached)


@given(st.lists(st.sampled_from(["a\t1\t2", "a\t2\t2", "b\t1\t2", "a\t5", "#", "", "b\t3\t1"])))
def test_a_universe_is_made_of_what_has_no_problem(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "made.bed"
    path.write_text("".join(line + "\n" for line in text))
    report = check_universe(path)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*of no length")
        if report.problems:
            with pytest.raises(GtokError):
                Universe(path)
        else:
            assert Universe(path).regions == report.regions
