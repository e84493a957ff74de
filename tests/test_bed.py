"""What is BED, what is not, and what each bad line is told."""

from __future__ import annotations

import gzip
import re
from itertools import cycle

import numpy as np
import oracle
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gtok._bed import BedParser
from gtok._format import format_rows
from gtok.bed import explain, read_bed
from gtok.errors import BedError, GtokError

LARGEST = 2**31 - 1


def rows_of(bed):
    return [
        (bed.chrom_names[code], start, end)
        for code, start, end in zip(
            bed.codes.tolist(), bed.starts.tolist(), bed.ends.tolist(), strict=True
        )
    ]


@pytest.fixture
def read(tmp_path):
    """Read bytes as a BED file."""

    def read(text, keep=(), **options):
        path = tmp_path / "x.bed"
        path.write_bytes(text)
        return read_bed(path, keep, **options)

    return read


# --- what is BED

A = ("chr1", 5, 10)
B = ("chr2", 0, 7)
NAME_OF = {n: "c" * n for n in (1, 7, 8, 9, 15, 16, 17, 100, 65535)}
HLA = "HLA-A*01:01:01:01"

GOOD = {
    "nothing": (b"", []),
    "one row": (b"chr1\t5\t10\n", [A]),
    "no newline at the end": (b"chr1\t5\t10\nchr2\t0\t7", [A, B]),
    "a blank line at the end": (b"chr1\t5\t10\n\n", [A]),
    "only a newline": (b"\n", []),
    "only a comment": (b"# nothing else\n", []),
    "only a comment, no newline": (b"# nothing else", []),
    "only blanks": (b"  \t \n\t\n   ", []),
    "a byte order mark": (b"\xef\xbb\xbfchr1\t5\t10\n", [A]),
    "only a byte order mark": (b"\xef\xbb\xbf", []),
    "a byte order mark and a comment": (b"\xef\xbb\xbf#chrom\tstart\tend\nchr1\t5\t10\n", [A]),
    "comments anywhere": (b"#a\nchr1\t5\t10\n#b\n\nchr2\t0\t7\n# c", [A, B]),
    "a comment that looks like a row": (b"#chr1\t1\t2\nchr1\t5\t10\n", [A]),
    "blank lines anywhere": (b"\n\nchr1\t5\t10\n\n \t\nchr2\t0\t7\n\n", [A, B]),
    "a track line": (b'track name="x" color=1,2,3\nchr1\t5\t10\n', [A]),
    "a track line with tabs": (b"track\tname=x\nchr1\t5\t10\n", [A]),
    "a bare track line": (b"track\nchr1\t5\t10\ntrack\r\n", [A]),
    "a browser line": (b"browser position chr7:127471196-127495720\nchr1\t5\t10\n", [A]),
    "track lines between rows": (b"chr1\t5\t10\ntrack x\nchr2\t0\t7\n", [A, B]),
    "a name that begins as track does": (b"track1\t1\t2\n", [("track1", 1, 2)]),
    "a name that begins as browser does": (b"browsers 1 2\n", [("browsers", 1, 2)]),
    "a name that ends as track does": (b"xtrack\t1\t2\n", [("xtrack", 1, 2)]),
    "upper-case track": (b"TRACK\t1\t2\n", [("TRACK", 1, 2)]),
    "spaces": (b"chr1 5 10\nchr2 0 7\n", [A, B]),
    "many spaces": (b"chr1   5  10   name\n", [A]),
    "spaces and tabs by line": (b"chr1 5 10\nchr2\t0\t7\nchr1 5 10 +\n", [A, B, A]),
    "spaces inside a later field": (b"chr1\t5\t10\tmy name\t0\n", [A]),
    "spaces inside a chromosome": (b"chr 1\t5\t10\n", [("chr 1", 5, 10)]),
    "trailing spaces": (b"chr1\t5\t10  \nchr2 0 7 \n", [A, B]),
    "trailing tabs": (b"chr1\t5\t10\t\nchr2\t0\t7\t\t\t\n", [A, B]),
    "trailing blanks of both kinds": (b"chr1\t5\t10\t \t\nchr2 0 7 \t\n", [A, B]),
    "trailing tab behind spaces": (b"c 1\t5\t10\nc 1 5\t\n", [("c 1", 5, 10), ("c", 1, 5)]),
    "CRLF": (b"#x\r\nchr1\t5\t10\r\n\r\nchr2\t0\t7\tname\r\n", [A, B]),
    "CRLF and spaces": (b"chr1 5 10\r\nchr2 0 7\r\n", [A, B]),
    "CRLF, the last line without": (b"chr1\t5\t10\r\nchr2\t0\t7", [A, B]),
    "CRLF, the last LF missing": (b"chr1\t5\t10\r\nchr2\t0\t7\r", [A, B]),
    "CRLF and LF mixed": (b"chr1\t5\t10\nchr2\t0\t7\r\nchr1\t5\t10\n", [A, B, A]),
    "CRLF behind blanks": (b"chr1\t5\t10 \r\nchr2\t0\t7\t\r\n", [A, B]),
    "no region": (b"chr1\t5\t5\n", [("chr1", 5, 5)]),
    "no region at 0": (b"chr1\t0\t0\n", [("chr1", 0, 0)]),
    "twelve columns": (b"chr1\t5\t10\tn\t0\t+\t5\t10\t0,0,0\t2\t1,1\t0,4\n", [A]),
    "an odd number of columns by row": (b"chr1\t5\t10\tn\nchr2\t0\t7\nchr1\t5\t10\n", [A, B, A]),
    "an empty fourth column": (b"chr1\t5\t10\t\t7\n", [A]),
    "scientific notation in a later column": (b"chr1\t5\t10\tn\t1.5e-07\n", [A]),
    "NUL in a later column": (b"chr1\t5\t10\ta\0b\n", [A]),
    "no UTF-8 in a later column": (b"chr1\t5\t10\t\xff\n", [A]),
    "leading zeros": (b"chr1\t0005\t00000000000000000010\n", [A]),
    "ten digits with leading zeros": (b"chr1\t0000000005\t0000000010\n", [A]),
    "eleven digits": (b"chr1\t00000000005\t00000000010\n", [A]),
    "twelve digits": (b"chr1\t000000000005\t000000000010\n", [A]),
    "5,000 digits": (b"chr1\t" + b"0" * 5000 + b"5\t10\n", [A]),
    "the largest coordinate": (
        b"chr1\t2147483647\t2147483647\nchr1\t0\t02147483647\n",
        [("chr1", LARGEST, LARGEST), ("chr1", 0, LARGEST)],
    ),
    "a name of UTF-8": ("染色体\t1\t2\n".encode(), [("染色体", 1, 2)]),
    "a name with colons": (
        f"{HLA}\t1\t2\n{HLA}:7\t3\t4\n".encode(),
        [(HLA, 1, 2), (f"{HLA}:7", 3, 4)],
    ),
    "a name of digits": (b"1\t5\t10\n01\t5\t10\n", [("1", 5, 10), ("01", 5, 10)]),
    "a name of an asterisk": (b"*\t5\t10\n", [("*", 5, 10)]),
    "names that begin alike": (
        b"chr1\t1\t2\nchr10\t1\t2\nchr1\t1\t2\nchr100\t1\t2\nchr\t1\t2\nchr1\t3\t4\n",
        [
            ("chr1", 1, 2),
            ("chr10", 1, 2),
            ("chr1", 1, 2),
            ("chr100", 1, 2),
            ("chr", 1, 2),
            ("chr1", 3, 4),
        ],
    ),
    "a name that begins as parquet does": (b"PAR1\t1\t2\n", [("PAR1", 1, 2)]),
    "a name that begins as CRAM does": (b"CRAM_1\t1\t2\n", [("CRAM_1", 1, 2)]),
    "a name that begins as BCF does": (b"BCF1\t1\t2\n", [("BCF1", 1, 2)]),
    "a name that begins as bzip2 does": (b"BZh1\t1\t2\n", [("BZh1", 1, 2)]),
    "a second name that begins as a format does": (
        b"c\t1\t2\nPAR1\t1\t2\n",
        [("c", 1, 2), ("PAR1", 1, 2)],
    ),
}
for digits in range(1, 11):
    number = int("1234567890"[:digits])
    GOOD[f"{digits} digits"] = (f"chr1\t{number}\t{number}\n".encode(), [("chr1", number, number)])
for length, name in NAME_OF.items():
    other = name[:-1] + "d"
    GOOD[f"names of {length} bytes"] = (
        f"{name}\t1\t2\n{other}\t3\t4\n{name}\t5\t6\n".encode(),
        [(name, 1, 2), (other, 3, 4), (name, 5, 6)],
    )


@pytest.mark.parametrize(("text", "rows"), GOOD.values(), ids=GOOD)
def test_good(read, text, rows):
    bed = read(text)
    assert rows_of(bed) == rows
    assert (bed.codes.dtype, bed.starts.dtype, bed.ends.dtype) == (np.int32,) * 3
    assert len(set(bed.chrom_names)) == len(bed.chrom_names)


@pytest.mark.parametrize(("text", "rows"), GOOD.values(), ids=GOOD)
def test_good_in_gzip(read, text, rows):
    assert rows_of(read(gzip.compress(text))) == rows


@pytest.mark.parametrize(("text", "rows"), GOOD.values(), ids=GOOD)
def test_the_oracle_reads_what_is_good(text, rows):
    bed = oracle.parse_bed(text.removeprefix(b"\xef\xbb\xbf"))
    assert [(chrom.decode(), start, end) for chrom, start, end in bed.rows] == rows


def test_chromosomes_are_numbered_as_they_come(read):
    bed = read(b"b\t1\t2\na\t1\t2\nb\t3\t4\nc c\t1\t2\n")
    assert bed.chrom_names == ("b", "a", "c c")
    assert bed.codes.tolist() == [0, 1, 0, 2]


def test_fifty_thousand_contigs(read):
    names = [f"contig_{i * 7919 % 50_000}" for i in range(50_000)] + [f"c{i}" for i in range(9000)]
    lines = [f"{name}\t{row}\t{row + 1}\n" for row, name in enumerate(names)]
    bed = read("".join([*lines, *reversed(lines)]).encode())
    assert list(bed.chrom_names) == names
    assert bed.codes.tolist() == [*range(59_000), *reversed(range(59_000))]


# --- what is not

BAD = {
    "two fields": (b"chr1\t5\n", r"line 1: expected .*three fields .* found 2: 'chr1\\t5'"),
    "two fields by spaces": (b"chr1 5\n", r"line 1: .*three fields .* found 2"),
    "one field": (b"chr1\n", r"line 1: .*three fields .* found 1: 'chr1'"),
    "one field behind good rows": (b"chr1\t1\t2\nchr1\t1\t2\nx", r"line 3: .*three fields"),
    "commas": (b"chr1,5,10\n", r"line 1: .*three fields .* found 1"),
    "a third field of blanks": (b"chr1\t5\t  \n", r"line 1: .*three fields .* found 2"),
    "an empty chromosome": (b"\t5\t10\n", r"line 1: expected a chromosome, found an empty field"),
    "a leading space": (b" chr1 5 10\n", r"line 1: expected a chromosome"),
    "a leading space before tabs": (b" chr1\t5\t10\n", r"line 1: expected a chromosome"),
    "a blank behind the chromosome": (b"chr1 \t5\t10\n", r"line 1: expected a chromosome"),
    "a comment behind a blank": (b"chr1\t1\t2\n # x y z\n", r"line 2: expected a chromosome"),
    "a chromosome too long": (b"c" * 65536 + b"\t5\t10\n", r"line 1: .*at most 65535 bytes"),
    "a chromosome that is not UTF-8": (
        b"#\nchr1\t1\t2\n\nchr\xff\t5\t10\nchr\xff\t6\t10\n",
        r"line 4: the chromosome b'chr\\xff' is not UTF-8",
    ),
    "start > end": (b"chr1\t10\t5\n", r"line 1: expected start <= end, found 10 > 5"),
    "start > end, in full digits": (
        b"chr1\t1\t2\nchr1\t1234567\t1234566\n",
        r"line 2: expected start <= end, found 1234567 > 1234566$",
    ),
    "a negative start": (b"chr1\t-5\t10\n", r"line 1: .*from 0 as start, found '-5'"),
    "a negative end": (b"chr1\t1\t2\nchr1\t5\t-10\n", r"line 2: .*from 0 as end, found '-10'"),
    "a plus": (b"chr1\t+5\t10\n", r"line 1: .*from 0 as start, found '\+5'"),
    "scientific notation": (b"chr1\t5\t1e5\n", r"line 1: .*as end, found '1e5'"),
    "a decimal point": (b"chr1\t5\t100.0\n", r"line 1: .*as end, found '100\.0'"),
    "hexadecimal": (b"chr1\t0x5\t10\n", r"line 1: .*as start, found '0x5'"),
    "thousands by commas": (b"chr1\t1,000\t2,000\n", r"line 1: .*as start, found '1,000'"),
    "an underscore": (b"chr1\t1_000\t2_000\n", r"line 1: .*as start, found '1_000'"),
    "digits of another script": ("chr1\t٣\t٩\n".encode(), r"line 1: .*as start"),
    "nothing as start": (b"chr1\t\t10\n", r"line 1: .*as start, found ''"),
    "nothing as end": (b"chr1\t5\t\tname\n", r"line 1: .*as end, found ''"),
    "a dot": (b"chr1\t.\t10\n", r"line 1: .*as start, found '\.'"),
    "NaN": (b"chr1\t5\tnan\n", r"line 1: .*as end, found 'nan'"),
    "blanks before a number": (b"chr1\t 5\t10\n", r"line 1: .*as start, found ' 5'"),
    "blanks behind a number": (b"chr1\t5 \t10\n", r"line 1: .*as start, found '5 '"),
    "blanks behind an end": (b"chr1\t5\t10 \tname\n", r"line 1: .*as end, found '10 '"),
    "a letter behind an end": (b"chr1\t1\t2\nchr1\t5\t10x\n", r"line 2: .*as end, found '10x'"),
    "a letter behind eight digits": (
        b"chr1\t1\t2\nchr1\t5\t12345678x\n",
        r"line 2: .*as end, found '12345678x'",
    ),
    "a start one too large": (
        b"chr1\t2147483648\t2147483648\n",
        r"line 1: expected start of at most 2147483647, found '2147483648'",
    ),
    "an end one too large": (
        b"chr1\t1\t2\nchr1\t0\t2147483648\n",
        r"line 2: expected end of at most 2147483647, found '2147483648'",
    ),
    "an end of 4294967296": (b"chr1\t0\t4294967296\n", r"line 1: expected end of at most"),
    "an end of 4294967301": (b"chr1\t1\t2\nchr1\t0\t4294967301\n", r"line 2: expected end of at"),
    "eleven digits": (b"chr1\t0\t99999999999\n", r"line 1: expected end of at most 2147483647"),
    "20 digits": (b"chr1\t0\t18446744073709551617\n", r"line 1: expected end of at most"),
    "5,000 digits": (b"chr1\t0\t" + b"9" * 5000 + b"\n", r"line 1: expected end of at most"),
    "a large number behind many zeros": (
        b"chr1\t" + b"0" * 40 + b"2147483648\t2147483648\n",
        r"line 1: expected start of at most 2147483647",
    ),
    "a large number behind 5,000 zeros": (
        b"chr1\t0\t" + b"0" * 5000 + b"2147483648\n",
        r"line 1: expected end of at most 2147483647",
    ),
    "NUL in a chromosome": (b"chr1\t1\t2\nchr\0\t5\t10\n", r"line 2: a NUL byte"),
    "NUL in a number": (b"chr1\t5\0\t10\n", r"line 1: a NUL byte"),
    "NULs only": (b"\0" * 100, r"line 1: a NUL byte"),
    "a control character in a chromosome": (b"chr\x0b1\t5\t10\n", r"line 1: expected a chromosome"),
    "a form feed between spaces": (b"chr1 1\x0c5 9\n", r"line 1: .*as start, found '1\\x0c5'"),
    "a vertical tab in a chromosome by spaces": (b"chr\x0b1 5 9\n", r"line 1: expected a chrom"),
    "CR alone": (b"chr1\t5\t10\rchr2\t0\t7\r", r"line 1: a carriage return inside the line"),
    "CR alone, the rows by spaces": (b"chr1 5 10\rchr2 0 7\r", r"line 1: a carriage return"),
    "CR alone, four columns": (
        b"chr1\t5\t10\tx\rchr2\t0\t7\ty\r",
        r"line 1: a carriage return inside the line",
    ),
    "CR alone, four columns, second line": (
        b"chr1\t5\t10\tx\nchr1\t5\t10\tx\rchr1\t0\t7\ty\r",
        r"line 2: a carriage return inside the line",
    ),
    "CR alone, six columns by spaces": (
        b"chr1 5 10 x 0 +\rchr2 0 7 y 0 +\r",
        r"line 1: a carriage return inside the line",
    ),
    "CR alone behind a comment": (
        b"# peaks\rchr1\t5\t10\rchr2\t0\t7\r",
        r"line 1: a carriage return inside the line",
    ),
    "CR alone behind a track line": (
        b"track name=x\rchr1\t5\t10\rchr2\t0\t7\r",
        r"line 1: a carriage return inside the line",
    ),
    "a byte order mark in the middle": (
        b"chr1\t1\t2\n\xef\xbb\xbf\n",
        r"line 2: .*three fields",
    ),
    "a header": (
        b"chr\tstart\tend\n",
        r"line 1: .*as start, found 'start'; it looks like a header: prefix it with # or drop it",
    ),
    "a header by spaces": (b"chrom start end name\n", r"line 1: .*it looks like a header"),
    "no header but a bad row": (b"chr1\t1\t2\nchr\tstart\tend\n", r"line 2: (?!.*header)"),
    "a GTF row": (
        b'#!genome-build GRCh38\n1\thavana\tgene\t11869\t14409\t.\t+\t.\tgene_id "E";\n',
        r"line 2: .*as start, found 'havana'; it looks like GFF or GTF: convert it",
    ),
    "a GTF row, first line": (
        b'chr1\tHAVANA\tgene\t11869\t14409\t.\t+\t.\tgene_id "E";\n',
        r"line 1: .*it looks like GFF or GTF: convert it",
    ),
    "a comment, then an error": (
        b"#\n" * 4000 + b"\n\nchr1\t1\t2\nbrowser x\nchr1\t5\tx\n",
        r"line 4005: .*as end, found 'x'",
    ),
    "an error in the last line, without newline": (b"chr1\t1\t2\nchr1\t5\tx", r"line 2: .*as end"),
    "an error behind CRLF": (b"#\r\n\r\nchr1\t5\tx\r\n", r"line 3: .*as end, found 'x'"),
    "what is found is cut": (b"c" * 100 + b"\n", r"found 1: 'c{60}'\.\.\.$"),
}


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_bad(read, text, message, zipped):
    with pytest.raises(BedError, match=message) as caught:
        read(gzip.compress(text) if zipped else text)
    assert re.match(r".*x\.bed, line [0-9]+: ", str(caught.value))


@pytest.mark.parametrize("name", [name for name in BAD if "UTF-8" not in name])
def test_the_oracle_refuses_what_is_bad(name):
    text, message = BAD[name]
    with pytest.raises(oracle.BadLine) as caught:
        oracle.parse_bed(text)
    if line := re.match("line [0-9]+", message):
        assert f"line {caught.value.line}" == line[0]


def test_line_numbers_have_no_separators(read):
    with pytest.raises(BedError, match=r"line 1234568: "):
        read(b"\n" * 1_234_567 + b"x")


# --- other formats

FOREIGN = {
    "VCF": (b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\n1\t100\t200\n", "VCF", "bcftools query"),
    "VCF without its first lines": (
        b"#CHROM\tPOS\tID\tREF\n1\t100\t200\n",
        "VCF",
        "bcftools query",
    ),
    "BCF": (b"BCF\x02\x02\0\0\0\0", "BCF", "bcftools query"),
    "GFF": (b"##gff-version 3\nchr1\t.\tgene\t1\t2\n", "GFF", "gff2bed"),
    "SAM": (b"@HD\tVN:1.6\tSO:coordinate\n", "SAM", "bamtobed"),
    "SAM without @HD": (b"@SQ\tSN:chr1\tLN:5\n", "SAM", "bamtobed"),
    "SAM with @RG first": (b"@RG\tID:1\tSM:x\n", "SAM", "bamtobed"),
    "SAM with @PG first": (b"@PG\tID:bwa\n", "SAM", "bamtobed"),
    "BAM": (b"BAM\x01\0\0\0\0", "BAM", "bamtobed"),
    "CRAM": (b"CRAM\x03\x00xyz", "CRAM", "samtools view"),
    "bigBed": (b"\xeb\xf2\x89\x87\x04\0", "bigBed", "bigBedToBed"),
    "bigBed, other byte order": (b"\x87\x89\xf2\xeb\0\x04", "bigBed", "bigBedToBed"),
    "bigWig": (b"\x26\xfc\x8f\x88\x04\0", "bigWig", "bigWigToBedGraph"),
    "UTF-16": ("chr1\t1\t2\n".encode("utf-16"), "UTF-16", "UTF-8"),
    "UTF-16, other byte order": (b"\xfe\xff\0c", "UTF-16", "UTF-8"),
    "parquet": (b"PAR1\x15\x04\x15", "parquet", "data frame"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", "HDF5", "BED"),
    "zip": (b"PK\x03\x04\x14\0", "zip", "unpack"),
    "bzip2": (b"BZh91AY&SY", "bzip2", "unpack"),
    "xz": (b"\xfd7zXZ\0", "xz", "unpack"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04", "zstd", "unpack"),
}


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(("text", "name", "remedy"), FOREIGN.values(), ids=FOREIGN)
def test_other_formats_are_refused_by_name(read, text, name, remedy, zipped):
    with pytest.raises(
        BedError, match=rf"x\.bed is (an? )?{name}.*, not BED: .*{remedy}"
    ) as caught:
        read(gzip.compress(text) if zipped else text)
    assert "line" not in str(caught.value)


# --- long lines


@pytest.mark.parametrize("kind", ["row", "comment", "blank"])
@pytest.mark.parametrize("excess", [0, 1, 500])
def test_lines_up_to_the_limit(read, kind, excess):
    begin = {"row": b"chr1\t5\t10\t", "comment": b"#", "blank": b" "}[kind]
    fill = b" " if kind == "blank" else b"x"
    text = b"chr1\t5\t10\n" + begin.ljust(1000 + excess, fill) + b"\nchr1\t5\t10\n"
    if excess == 0:
        assert rows_of(read(text, max_line=1000)) == [A] * (3 if kind == "row" else 2)
    else:
        with pytest.raises(BedError, match=r"line 2: longer than 1000 bytes.*max_line"):
            read(text, max_line=1000)


@pytest.mark.parametrize("kind", [b"chr1\t5\t10\t", b"#"], ids=["row", "comment"])
def test_the_limit_holds_however_the_bytes_come(kind):
    text = b"chr1\t5\t10\n" + kind.ljust(300, b"x") + b"\nchr1\t5\t10\n"
    for size in (1, 10, 99, 150, 250, 311, 312, 1000):
        parser = parsed(text, [size], max_line=200)
        assert parser.bad_line is not None, size
        assert parser.bad_line[0] == 2
        assert len(parser.bad_line[1]) > 200


@pytest.mark.parametrize("kind", [b"chr1\t5\t10\t", b"#"], ids=["row", "comment"])
def test_a_line_of_several_megabytes(read, kind):
    bed = read(kind + b"x" * 5_000_000 + b"\nchr1\t5\t10\n")
    assert set(rows_of(bed)) == {A}
    assert bed.source.line(len(bed.codes) - 1) == 2


# --- further columns


def texts_of(bed):
    return [None if text is None else text.to_list() for text in bed.texts]


def test_names_and_scores_are_kept(read):
    bed = read(b"chr1\t1\t2\tone\t5\t+\nchr1 3 4 two 6.5\nchr1\t5\t6\tth ree\t.\r\n", keep=(3, 4))
    assert texts_of(bed) == [["one", "two", "th ree"], ["5", "6.5", "."]]


def test_names_missing_in_some_rows_are_empty(read):
    text = (
        b"chr1\t1\t2\n#\nchr1\t1\t2\ta\nchr1\t1\t2\t\t7\nchr1\t1\t2\t\nchr1 1 2 b 9\nchr1\t1\t2\n"
    )
    bed = read(text, keep=(3, 4))
    assert texts_of(bed) == [["", "a", "", "", "b", ""], ["", "", "7", "", "9", ""]]


def test_columns_that_no_row_has_are_none(read):
    assert texts_of(read(b"chr1\t1\t2\nchr1\t1\t2\t\n", keep=(3, 4))) == [None, None]
    assert texts_of(read(b"chr1\t1\t2\tx\n", keep=(3, 4))) == [["x"], None]
    assert texts_of(read(b"chr1\t1\t2\tx\t5\n", keep=(4,))) == [["5"]]
    assert texts_of(read(b"chr1\t1\t2\tx\t5\n")) == []
    assert texts_of(read(b"", keep=(3, 4))) == [None, None]


def test_scores_as_numbers(read):
    (scores,) = read(b"c 1 2 a 5\nc 1 2 a .\nc 1 2\nc 1 2 a 1.5e-3\n", keep=(4,)).texts
    assert scores.to_floats().tolist()[::3] == [5.0, 0.0015]
    assert np.isnan(scores.to_floats()[1:3]).all()
    (scores,) = read(b"c 1 2 a 5\nc 1 2 a high\n", keep=(4,)).texts
    assert scores.to_floats() is None


def test_names_that_are_no_utf8_are_replaced(read):
    assert texts_of(read(b"c\t1\t2\ta\xffb\n", keep=(3,))) == [["a�b"]]


# --- the lines of rows


def test_rows_know_their_lines(read):
    text = b"#\n" * 4000 + b"c 1 2\n\nc 3 4\nc 5 6\ntrack\n#\nc 7 8\n"
    source = read(text).source
    assert source.name.endswith("x.bed")
    assert [source.line(row) for row in range(4)] == [4001, 4003, 4004, 4007]


def test_rows_know_their_lines_in_many_chunks(read):
    lines = [
        b"# comment" if i % 5 in (1, 2) else b"chr%d\t%d\t%d\tx" % (i % 7, i, i + 1)
        for i in range(150_000)
    ]
    bed = read(b"\n".join(lines))
    numbers = [number for number, line in enumerate(lines, 1) if not line.startswith(b"#")]
    assert [bed.source.line(row) for row in range(0, len(numbers), 977)] == numbers[::977]
    assert bed.starts.tolist() == [number - 1 for number in numbers]


# --- against the oracle, in chunks of every size


def parsed(text, sizes, keep=(), **options):
    """Feed a parser chunks of these sizes, over and over."""
    parser = BedParser(keep, **options)
    at = 0
    for size in cycle(sizes):
        chunk = text[at : at + size]
        if not chunk:
            break
        parser.room(len(chunk))[:] = chunk
        if not parser.feed(len(chunk)):
            return parser
        at += size
    parser.finish()
    return parser


def outcome(text):
    """What the oracle reads, or the line that it refuses."""
    try:
        return oracle.parse_bed(text), None
    except oracle.BadLine as bad:
        return None, bad


def compare(text, sizes):
    """A parser must give what the oracle gives, or name the line that it names."""
    parser = parsed(text, sizes, keep=(3, 4))
    expected, bad = outcome(text)
    if bad is not None:
        assert parser.bad_line is not None, f"accepted in spite of {bad}"
        line, content = parser.bad_line
        assert line == bad.line
        message = explain(content, is_first=line == 1)
        assert bad.is_explained_by(message), f"{message!r} is not about {bad}"
        return
    assert parser.bad_line is None
    names = parser.chrom_names()
    n_rows = parser.n_rows
    codes, starts, ends = (column.tolist() for column in parser.columns())
    assert n_rows == len(codes)
    assert list(zip((names[c] for c in codes), starts, ends, strict=True)) == expected.rows
    assert names == list(dict.fromkeys(chrom for chrom, _, _ in expected.rows))
    for i, field in enumerate((3, 4)):
        column = parser.text(i)
        if column is not None:
            data, lengths = column
            ends = np.cumsum(lengths)
            column = [data[e - n : e] for e, n in zip(ends, lengths, strict=True)]
        assert column == expected.column(field)


names = st.sampled_from(
    [b"chr1", b"chr1", b"chr2", b"c", b"chr1_abc", b"chr1_abcd", b"chr1_KI270706v1_random", b"X Y",
     b"HLA-A*01:01", b"track", b"browser", b"tracks", b"#c", b"\xc3\xa9"]
)  # fmt: skip
numbers = st.one_of(
    st.integers(0, 30).map(lambda n: b"%d" % n),
    st.integers(0, LARGEST).map(lambda n: b"%d" % n),
    st.integers(0, LARGEST).map(lambda n: b"%012d" % n),
    st.sampled_from([b"2147483647", b"2147483648", b"99999999999", b"4294967297", b"007"]),
)
lone_fields = st.one_of(numbers, st.sampled_from([b"", b"+", b".", b"a b", b"-1", b"x", b"1e3"]))


@st.composite
def rows(draw):
    start, end = draw(numbers), draw(numbers)
    if draw(st.integers(0, 9)) and int(start) > int(end):
        start, end = end, start
    fields = [draw(names), start, end, *draw(st.lists(lone_fields, max_size=3))]
    return draw(st.sampled_from([b"\t", b"\t", b"\t", b" ", b"  "])).join(fields)


lines = st.one_of(
    rows(),
    rows(),
    rows(),
    st.sampled_from(
        [b"", b"#", b"# a comment", b" ", b"\t", b"track name=x", b"track", b"browser x"]
    ),
)
mutations = st.lists(
    st.tuples(
        st.integers(0, 2**16), st.sampled_from([b"", b"\t", b" ", b"\n", b"\r", b"\0", b"-", b"7"])
    ),
    max_size=2,
)


@st.composite
def texts(draw):
    """Structured text, of which most is BED, in which sometimes a byte or two are changed."""
    ends = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b" \n", b"\t\n"])
    text = b"".join(draw(lines) + draw(ends) for _ in range(draw(st.integers(0, 12))))
    if draw(st.booleans()):
        text = text[:-1]
    if draw(st.booleans()):
        for at, byte in draw(mutations):
            at %= len(text) + 1
            text = text[:at] + byte + text[at + draw(st.integers(0, 1)) :]
    return text


@settings(max_examples=300)
@given(texts(), st.lists(st.integers(1, 40), min_size=1, max_size=5))
@example(b"chr1\t1\t2", [1])
@example(b"chr1\t1\t2\r\nchr1\t3\t4\r", [9])
@example(b"c 1\t5\t10\nc 1 5\t\n", [100])
def test_the_parser_does_what_the_oracle_does(text, sizes):
    compare(text, [len(text) + 1])
    compare(text, sizes)


@given(st.binary(max_size=60), st.integers(1, 20))
def test_any_bytes_do_what_the_oracle_says(text, size):
    compare(text, [size])


ALPHABET = st.sampled_from(
    [b"c", b"#", b"1", b"9", b"0", b" ", b"\t", b"\n", b"\r", b"\0", b"\x0c"]
)


@settings(max_examples=300)
@given(st.lists(ALPHABET, max_size=40).map(b"".join), st.integers(1, 20))
def test_bytes_that_matter_do_what_the_oracle_says(text, size):
    compare(text, [size])


@pytest.mark.parametrize("rest", [b"", b"\tname\t5", b"\r"], ids=["BED3", "BED5", "CRLF"])
@pytest.mark.parametrize(("start", "end"), [(7, 8), (12345678, 12345679), (99999998, 123456789)])
@pytest.mark.parametrize("chrom", [b"1", b"chr1", b"chrUn_1", b"chr1_alt", b"chrUn_KI270302v1"])
def test_one_byte_other_than_the_line_before(chrom, start, end, rest):
    """A line like the one before is read another way: it must not be taken for one that is not."""
    line = b"%s\t%d\t%d%s\n" % (chrom, start, end, rest)
    for at in range(len(line)):
        for byte in b"\t\n\r 019/:;#a\x00\x80\xff":
            changed = line[:at] + bytes([byte]) + line[at + 1 :]
            compare(line + changed + line, [1000])
            compare(line + line[:at] + line[at + 1 :] + line, [1000])
            compare(line + line[:at] + bytes([byte]) + line[at:], [1000])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""], ids=["LF", "CRLF", "nothing"])
def test_every_place_to_split(end):
    text = b"".join(
        line + (end or b"\n")
        for line in (
            b"#comment",
            b"chr1\t12345678\t123456789\tname\t5",
            b"",
            b"chr1_KI270706v1_random\t0\t5",
            b"chr1 7 8 x",
            b"chr1\t9\t10",
        )
    )
    if not end:
        text = text[:-1]
    for first in range(1, len(text) + 1):
        compare(text, [first, len(text)])
    for size in range(1, len(text)):
        compare(text, [size])
    for cut in range(len(text)):
        compare(text[:cut], [7])


def test_a_parser_that_was_fed_nothing():
    parser = BedParser()
    assert parser.feed(0)
    assert parser.finish()
    assert parser.n_rows == parser.n_lines == 0
    assert parser.bad_line is None
    assert parser.skipped() == []
    assert parser.chrom_names() == []
    assert [column.tolist() for column in parser.columns()] == [[], [], []]


def test_room_grows_and_keeps_the_line_begun():
    parser = BedParser()
    for piece in (b"chr1\t1", b"0\t2", b"0" + b"\tx" * 100_000, b"\nchr1\t5\t6"):
        parser.room(len(piece))[:] = piece
        assert parser.feed(len(piece))
    assert parser.finish()
    assert parser.n_lines == 2
    assert [column.tolist() for column in parser.columns()] == [[0, 0], [10, 5], [20, 6]]


# --- writing rows


def int32(values):
    return np.array(values, dtype=np.int32)


def test_format_rows():
    names = [b"chr1", b"HLA-A*01:01", "é".encode()]
    columns = int32([1, 0, 2]), int32([0, 9, LARGEST]), int32([10, 99, LARGEST])
    assert format_rows(names, *columns) == (
        b"HLA-A*01:01\t0\t10\nchr1\t9\t99\n\xc3\xa9\t2147483647\t2147483647\n"
    )
    assert format_rows(names, *columns, int32([7, 0, LARGEST]), b"\t+\r\n") == (
        b"HLA-A*01:01\t0\t10\t7\t+\r\nchr1\t9\t99\t0\t+\r\n"
        b"\xc3\xa9\t2147483647\t2147483647\t2147483647\t+\r\n"
    )
    assert format_rows([], int32([]), int32([]), int32([])) == b""
    assert format_rows(names, *columns, None, b"").count(b"\n") == 0


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(0, LARGEST), st.integers(0, LARGEST),
            st.integers(0, LARGEST),
        )
    ),
    st.integers(1, 100),
)  # fmt: skip
def test_rows_that_were_written_are_read_again(rows, size):
    rows = [(code, min(a, b), max(a, b), n) for code, a, b, n in rows]
    names = [b"chr1", b"c" * 100, b"chr1_abc", b"x:1-2"]
    columns = [int32([row[i] for row in rows]) for i in range(4)]
    text = bytes(format_rows(names, *columns))
    expected = [b"%s\t%d\t%d\t%d" % (names[code], *others) for code, *others in rows]
    assert text.splitlines() == expected
    parser = parsed(text, [size], keep=(3,))
    found = parser.chrom_names()
    codes, starts, ends = parser.columns()
    assert [found[code] for code in codes] == [names[row[0]] for row in rows]
    assert (starts.tolist(), ends.tolist()) == (columns[1].tolist(), columns[2].tolist())


def test_errors_are_value_errors():
    assert issubclass(BedError, GtokError)
    assert issubclass(GtokError, ValueError)
