"""What gtok says of bad input: the table of `docs/errors.md`, and that it is so.

`python tests/test_errors.py` writes the page from the cases that stand here.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from gtok import GtokError, RegionSet, Universe

PAGE = Path(__file__).resolve().parents[1] / "docs" / "errors.md"
GOOD = "chr1\t100\t200\nchr2\t5\t50\n"
NONE = "0" * 64  # the digest of nothing
FRAGMENTS = "chr1\t90\t180\tAAAC-1\t1\n"


class Case(NamedTuple):
    """A mistake, the files and the call that make it, and all that is said of it."""

    mistake: str
    files: dict[str, str | bytes | Callable[[], bytes]]
    call: str
    message: str
    shell: str = ""  # the same, on the command line


def bed(mistake, content, message, name="x.bed"):
    """Of a file of regions."""
    shell = f"tokenize u.bed {name}"
    return Case(mistake, {name: content}, f'RegionSet.from_bed("{name}")', message, shell)


def universe(mistake, content, message, options=""):
    call = f'Universe.from_bed("x.bed"{options})'
    return Case(
        mistake, {"x.bed": content}, call, message, "" if options else "tokenize x.bed u.bed"
    )


def fragments(mistake, content, message):
    files, shell = {"x.tsv": content}, "fragments u.bed x.tsv -o out"
    return Case(mistake, files, 'count_fragments("x.tsv", "u.bed")', message, shell)


def stacked(mistake, second, message):
    """Of cells that cannot stand below those of a first file."""
    first = 'count_fragments({"a": "f.tsv"}, "u.bed")'
    call = f"CellMatrix.concatenate([{first}, {second}])"
    return Case(mistake, {"f.tsv": FRAGMENTS}, call, message)


def barcodes(mistake, content, message):
    files = {"f.tsv": FRAGMENTS, "x.txt": content}
    call = 'count_fragments("f.tsv", "u.bed", barcodes="x.txt")'
    return Case(mistake, files, call, message, "fragments u.bed f.tsv --barcodes x.txt -o out")


def groups(mistake, content, message):
    files = {"f.tsv": FRAGMENTS, "x.tsv": content}
    shell = "pseudobulk f.tsv x.tsv -o out"
    return Case(mistake, files, 'split_fragments("f.tsv", "x.tsv", "out")', message, shell)


def sites(mistake, content, message):
    files = {"f.tsv": FRAGMENTS, "x.gtf": content}
    call = 'count_fragments("f.tsv", "u.bed", tss="x.gtf")'
    return Case(mistake, files, call, message, "fragments u.bed f.tsv --tss x.gtf -o out")


def config(mistake, content, message, **files):
    files = {"x.toml": content, **files}
    return Case(mistake, files, 'Tokenizer("x.toml")', message, "tokenize x.toml u.bed")


def folder(mistake, files, message):
    files = {f"x/{name}": content for name, content in files.items()}
    return Case(mistake, files, 'Tokenizer("x")', message, "tokenize x u.bed")


def call(mistake, call, message, shell="", **files):
    return Case(mistake, files, call, message, shell)


def gtok_file(mistake, content, message):
    return Case(mistake, {"x.gtok": content}, 'read_gtok("x.gtok")', message)


def parquet(mistake, columns, message):
    def content():
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        sink = io.BytesIO()
        names, arrays = zip(
            *(columns.items() if isinstance(columns, dict) else columns), strict=True
        )
        pq.write_table(pa.table([pa.array(array) for array in arrays], list(names)), sink)
        return sink.getvalue()

    made = columns if isinstance(columns, bytes) else content
    return Case(mistake, {"x.parquet": made}, 'read_parquet("x.parquet")', message)


def changed_parquet():
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    columns = {"id": ["a"], "input_ids": [[1]]}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata({"gtok.digest": NONE}), sink)
    return sink.getvalue()


def sheet(mistake, content, message):
    return Case(
        mistake, {"x.tsv": content}, 'read_sheet("x.tsv")', message,
        "matrix u.bed --sheet x.tsv -o m.npz",
    )  # fmt: skip


ZIPPED = gzip.compress(GOOD.encode() * 100, mtime=0)
TOML = 'universe = "u.bed"\n'

# What stands between ⟨ and ⟩ are a library's own words.
CASES: dict[str, list[Case]] = {
    "BED": [
        bed(
            "two fields",
            "chr1\t5\n",
            "x.bed, line 1: expected three fields (chrom, start, end) or more, found 2: 'chr1\\t5'",
        ),
        bed(
            "commas between the fields",
            "chr1,5,10\n",
            "x.bed, line 1: expected three fields (chrom, start, end) or more, "
            "found 1: 'chr1,5,10'; fields are split at tabs, or at blanks, not at "
            "commas",
        ),
        bed(
            "a header in the first line",
            "chrom\tstart\tend\nchr1\t5\t10\n",
            "x.bed, line 1: expected a whole number from 0 as start, found "
            "'start'; it looks like a header: prefix it with # or drop it",
        ),
        bed(
            "words behind the first line",
            GOOD + "chr1\tfive\tten\n",
            "x.bed, line 3: expected a whole number from 0 as start, found 'five'",
        ),
        bed(
            "no chromosome",
            "\t5\t10\n",
            "x.bed, line 1: expected a chromosome, found an empty field: '\\t5\\t10'",
        ),
        bed(
            "blanks around the chromosome",
            " chr1\t5\t10\n",
            "x.bed, line 1: expected a chromosome without blanks around it, found ' chr1'",
        ),
        bed(
            "a chromosome of 65,536 bytes",
            b"c" * 65536 + b"\t5\t10\n",
            "x.bed, line 1: expected a chromosome of at most 65535 bytes, found "
            "'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc'...",
        ),
        bed(
            "a chromosome that is no text",
            b"chr\xff\t5\t10\n",
            "x.bed, line 1: the chromosome b'chr\\xff' is not UTF-8: save it as such",
        ),
        bed(
            "a negative start",
            "chr1\t-5\t10\n",
            "x.bed, line 1: expected a whole number from 0 as start, found '-5'",
        ),
        bed(
            "no start",
            "chr1\t\t10\n",
            "x.bed, line 1: expected a whole number from 0 as start, found ''",
        ),
        bed(
            "a decimal point",
            "chr1\t5\t10.0\n",
            "x.bed, line 1: expected a whole number from 0 as end, found '10.0'",
        ),
        bed(
            "an exponent",
            "chr1\t5\t1e6\n",
            "x.bed, line 1: expected a whole number from 0 as end, found '1e6'",
        ),
        bed(
            "commas in numbers",
            "chr1\t1,000\t2,000\n",
            "x.bed, line 1: expected a whole number from 0 as start, found '1,000'",
        ),
        bed(
            "a sign",
            "chr1\t+5\t10\n",
            "x.bed, line 1: expected a whole number from 0 as start, found '+5'",
        ),
        bed(
            "a coordinate of 2^31",
            "chr1\t5\t2147483648\n",
            "x.bed, line 1: expected end of at most 2147483647, found '2147483648'",
        ),
        bed(
            "a coordinate of thousands of digits",
            b"chr1\t5\t" + b"9" * 5000 + b"\n",
            "x.bed, line 1: expected end of at most 2147483647, found "
            "'999999999999999999999999999999999999999999999999999999999999'...",
        ),
        bed(
            "start and end changed about",
            "chr1\t10\t5\n",
            "x.bed, line 1: expected start <= end, found 10 > 5",
        ),
        bed(
            "a NUL",
            b"chr1\t5\t10\0\n",
            "x.bed, line 1: a NUL byte: this is not text, found 'chr1\\t5\\t10\\x00'",
        ),
        bed(
            "lines that end with CR",
            "chr1\t5\t10\rchr1\t7\t20\r",
            "x.bed, line 1: a carriage return inside the line; are its ends CR "
            "alone? Expected LF or CRLF, found 'chr1\\t5\\t10\\rchr1\\t7\\t20'",
        ),
        bed(
            "GFF without its first line",
            "chr1\thavana\tgene\t11\t20\t.\t+\t.\tx\n",
            "x.bed, line 1: expected a whole number from 0 as start, found "
            "'havana'; it looks like GFF or GTF: convert it, say with bedops's "
            "`gff2bed`",
        ),
        bed(
            "GFF without source and type",
            "chr1\tx\ty\t11\t20\t.\t+\t.\tx\n",
            "x.bed, line 1: expected a whole number from 0 as start, found 'x'; it "
            "looks like GFF or GTF: convert it, say with bedops's `gff2bed`",
        ),
        bed(
            "a line of more than 64 MiB",
            lambda: b"c" * (2**26 + 1),
            "x.bed, line 1: longer than 67108864 bytes; is this text? (the limit is `max_line`)",
        ),
        call(
            "a longer line than was asked for",
            'RegionSet.from_bed("u.bed", max_line=10)',
            "u.bed, line 1: longer than 10 bytes; is this text? (the limit is `max_line`)",
        ),
        call(
            "no number where the signal is",
            'RegionSet.from_bed("x.bed", signal=5)',
            "x.bed, line 1: expected a number in column 5, found 'many'",
            **{"x.bed": "chr1\t5\t10\ta\tmany\n"},
        ),
        call(
            "no column where the signal is",
            'RegionSet.from_bed("u.bed", signal="qValue")',
            "u.bed, line 1: expected a number in column 9, found nothing",
        ),
        call(
            "a signal of no name",
            'RegionSet.from_bed("u.bed", signal="height")',
            "u.bed: expected signal 'score', 'signalValue', 'pValue', 'qValue', or "
            "the number of a column from 4, found 'height'",
        ),
    ],
    "Files of other formats": [
        bed(
            "VCF",
            "##fileformat=VCFv4.2\n",
            "x.bed is a VCF file, not BED: convert it, say with `bcftools query -f "
            "'%CHROM\\t%POS0\\t%END\\n'`",
        ),
        bed(
            "VCF without its first line",
            "#CHROM\tPOS\tID\n",
            "x.bed is a VCF file, not BED: convert it, say with `bcftools query -f "
            "'%CHROM\\t%POS0\\t%END\\n'`",
        ),
        bed(
            "BCF",
            gzip.compress(b"BCF\x02\x02"),
            "x.bed is a BCF file, not BED: convert it, say with `bcftools query -f "
            "'%CHROM\\t%POS0\\t%END\\n'`",
        ),
        bed(
            "GFF",
            "##gff-version 3\n",
            "x.bed is a GFF file, not BED: convert it, say with bedops's `gff2bed`",
        ),
        bed(
            "GTF",
            "##gtf\n",
            "x.bed is a GTF file, not BED: convert it, say with bedops's `gtf2bed`",
        ),
        bed(
            "SAM",
            "@HD\tVN:1.6\n",
            "x.bed is a SAM file, not BED: convert it, say with `bedtools bamtobed`",
        ),
        bed(
            "BAM",
            gzip.compress(b"BAM\x01"),
            "x.bed is a BAM file, not BED: convert it, say with `bedtools bamtobed`",
        ),
        bed(
            "CRAM",
            b"CRAM\x03\x00",
            "x.bed is a CRAM file, not BED: convert it, say with `samtools view "
            "-b` and `bedtools bamtobed`",
        ),
        bed(
            "bigBed",
            b"\xeb\xf2\x89\x87\x04\x00",
            "x.bed is a bigBed file, not BED: convert it with UCSC's `bigBedToBed`",
        ),
        bed(
            "bigWig",
            b"\x26\xfc\x8f\x88\x04\x00",
            "x.bed is a bigWig file, not BED: convert it with UCSC's `bigWigToBedGraph`",
        ),
        bed(
            "UTF-16",
            GOOD.encode("utf-16-le").join([b"\xff\xfe", b""]),
            "x.bed is UTF-16 text, not BED: save it as UTF-8",
        ),
        bed(
            "parquet",
            b"PAR1\x15\x04",
            "x.bed is a parquet file, not BED: read it into a data frame and pass that",
        ),
        bed(
            "HDF5", b"\x89HDF\r\n\x1a\n", "x.bed is an HDF5 file, not BED: write its regions as BED"
        ),
        bed(
            "zip",
            b"PK\x03\x04\x14\x00",
            "x.bed is a zip archive, not BED: unpack it; gzip and bgzip are read as they are",
        ),
        bed(
            "bzip2",
            bz2.compress(GOOD.encode()),
            "x.bed is a bzip2 file, not BED: unpack it; gzip and bgzip are read as they are",
        ),
        bed(
            "xz",
            lzma.compress(GOOD.encode()),
            "x.bed is an xz file, not BED: unpack it; gzip and bgzip are read as they are",
        ),
        bed(
            "zstd",
            b"\x28\xb5\x2f\xfd\x04\x00",
            "x.bed is a zstd file, not BED: unpack it; gzip and bgzip are read as they are",
        ),
    ],
    "gzip": [
        bed(
            "a stream that breaks off",
            ZIPPED[:-9],
            "x.bed.gz: the gzip stream breaks off before its end: the file is "
            "truncated, or something that is not gzip stands behind it",
            "x.bed.gz",
        ),
        bed(
            "its first ten bytes only",
            ZIPPED[:10],
            "x.bed.gz: the gzip stream breaks off before its end: the file is "
            "truncated, or something that is not gzip stands behind it",
            "x.bed.gz",
        ),
        bed(
            "bytes behind it",
            ZIPPED + b"more",
            "x.bed.gz: the gzip stream breaks off before its end: the file is "
            "truncated, or something that is not gzip stands behind it",
            "x.bed.gz",
        ),
        bed(
            "a checksum that does not fit",
            ZIPPED[:-8] + bytes(8),
            "x.bed.gz: the gzip stream is damaged: ⟨CRC check failed 0 != 4152286893⟩",
            "x.bed.gz",
        ),
        bed(
            "damaged blocks",
            ZIPPED[:10] + b"\xff" * 50,
            "x.bed.gz: the gzip stream is damaged: ⟨Error -1 Invalid deflate block found⟩",
            "x.bed.gz",
        ),
        bed(
            "compressed twice",
            gzip.compress(ZIPPED),
            "x.bed.gz is a gzip file within another, not BED: unpack it once",
            "x.bed.gz",
        ),
        bed(
            "a bad line in it",
            gzip.compress(b"chr1\t10\t5\n"),
            "x.bed.gz, line 1: expected start <= end, found 10 > 5",
            "x.bed.gz",
        ),
        bed(
            "a small file of 80 MiB of zeros",
            lambda: gzip.compress(bytes(80 << 20), 1),
            "x.bed.gz, line 1: longer than 67108864 bytes; is this text? (the limit is `max_line`)",
            "x.bed.gz",
        ),
    ],
    "Universes": [
        universe(
            "no region", "# nothing\n", "x.bed: a universe needs at least one region, found none"
        ),
        universe(
            "a region that stands twice",
            GOOD + "chr1\t100\t200\n",
            "x.bed, line 3: chr1:100-200 stands already in x.bed, line 1; a region "
            "is one token. duplicates='drop' keeps the first of each (1 row would "
            "go)",
        ),
        universe(
            "a special token that is a region",
            GOOD,
            "the unk token 'chr2:5-50' is also a region of the universe",
            ', special_tokens={"unk": "chr2:5-50"}',
        ),
        universe(
            "two special tokens alike",
            GOOD,
            "expected seven different special tokens, found '<pad>' as unk and as pad",
            ', special_tokens={"unk": "<pad>"}',
        ),
        universe(
            "an empty special token",
            GOOD,
            "expected the unk token to be a text, found ''",
            ', special_tokens={"unk": ""}',
        ),
        universe(
            "a special token of no role",
            GOOD,
            "expected special tokens called unk, pad, mask, cls, eos, bos, sep, found start",
            ', special_tokens={"start": "<s>"}',
        ),
        universe(
            "an assembly that is no text",
            GOOD,
            "expected genome as a string such as 'hg38', found 38",
            ", genome=38",
        ),
        universe(
            "no way to treat duplicates",
            GOOD,
            "expected duplicates 'error' or 'drop', found 'keep'",
            ', duplicates="keep"',
        ),
        call(
            "an id that is none", 'Universe("u.bed").token(9)', "expected ids from 0 to 8, found 9"
        ),
        call(
            "a chromosome to test on that is none",
            'Universe("u.bed").split(["chr8"])',
            "expected chromosomes of the universe to test on, found 'chr8'; it has "
            "names like 'chr1'",
        ),
        call(
            "a genome of no name",
            'Universe.tiles("hg99", 1000)',
            "expected a genome of hg38, hg19, hs1, mm10, mm39, or a file of "
            "chromosomes and their lengths, found 'hg99'",
        ),
        call(
            "a length that is none",
            'Universe.tiles("x.sizes", 1000)',
            "x.sizes, line 2: expected a chromosome and its length, found 'chr2\\tlong'",
            **{"x.sizes": "chr1\t1000\nchr2\tlong\n"},
        ),
        call(
            "a chromosome with two lengths",
            'Universe.tiles("x.sizes", 1000)',
            "x.sizes, line 2: expected each chromosome once, found 'chr1' twice",
            **{"x.sizes": "chr1\t1000\nchr1\t2000\n"},
        ),
        call(
            "too many tiles",
            'Universe.tiles({"chr1": 2147483647, "chr2": 2147483647}, 1)',
            "expected fewer than 2**31 tiles, found 4,294,967,294: widen them",
        ),
    ],
    "Fragments": [
        fragments(
            "no barcode",
            "chr1\t5\t10\n",
            "x.tsv, line 1: expected four fields (chrom, start, end, barcode) or "
            "more, found 3: 'chr1\\t5\\t10'",
        ),
        fragments(
            "a barcode without a letter",
            "chr1\t5\t10\t\t1\n",
            "x.tsv, line 1: expected a barcode, found an empty field: 'chr1\\t5\\t10\\t\\t1'",
        ),
        fragments(
            "no length",
            "chr1\t5\t5\tAAAC-1\t1\n",
            "x.tsv, line 1: expected start < end, found 5: a fragment has a length",
        ),
        fragments(
            "a support that is no number",
            "chr1\t5\t10\tAAAC-1\tone\n",
            "x.tsv, line 1: expected a whole number from 0 as read support (field 5), found 'one'",
        ),
        fragments(
            "a support of 2^31",
            "chr1\t5\t10\tAAAC-1\t2147483648\n",
            "x.tsv, line 1: expected a whole number from 0 as read support (field "
            "5), found '2147483648'",
        ),
        fragments(
            "start and end changed about",
            "chr1\t10\t5\tAAAC-1\t1\n",
            "x.tsv, line 1: expected start <= end, found 10 > 5",
        ),
        fragments(
            "a header",
            "chrom\tstart\tend\tbarcode\n",
            "x.tsv, line 1: expected a whole number from 0 as start, found "
            "'start'; it looks like a header: prefix it with # or drop it",
        ),
        fragments(
            "a stream that breaks off",
            ZIPPED[:-9],
            "x.tsv: the gzip stream breaks off before its end: the file is "
            "truncated, or something that is not gzip stands behind it",
        ),
        call(
            "a longer line than was asked for",
            'count_fragments("f.tsv", "u.bed", max_line=10)',
            "f.tsv, line 1: longer than 10 bytes; is this text? (the limit is `max_line`)",
            **{"f.tsv": FRAGMENTS},
        ),
        barcodes(
            "a barcode that stands twice in the whitelist",
            "AAAC-1\nAAAG-1\nAAAC-1\n",
            "x.txt: expected each barcode once, found 'AAAC-1' twice",
        ),
        barcodes("a whitelist without barcodes", "\n", "x.txt: expected barcodes, found none"),
        barcodes(
            "a whitelist without line ends",
            lambda: b"A" * (2**26 + 1),
            "x.txt, line 1: expected a line of at most 67108864 bytes, found a "
            "longer one: is this text?",
        ),
        call(
            "two files of one name",
            'count_fragments(["a/f.tsv", "b/f.tsv"], "u.bed")',
            "expected a name for each sample, found 'f' twice, 'a/f.tsv' being "
            "one: pass a dict of sample to path",
            "fragments u.bed a/f.tsv b/f.tsv -o x.h5ad",
            **{"a/f.tsv": FRAGMENTS, "b/f.tsv": FRAGMENTS},
        ),
        call(
            "no file",
            'count_fragments([], "u.bed")',
            "expected a file of fragments or more, found none",
        ),
        call(
            "a sample's name with a colon",
            'count_fragments({"a:b": "f.tsv"}, "u.bed")',
            "expected a sample's name without a colon, which stands before barcodes, found 'a:b'",
        ),
        call(
            "no way of counting",
            'count_fragments("f.tsv", "u.bed", counting="all")',
            "expected counting 'fragment', 'insertion' or 'paired-insertion', found 'all'",
        ),
        call(
            "a length that is none",
            'count_fragments("f.tsv", "u.bed", min_length=0)',
            "expected min_length in base pairs, from 1 to 2**31 - 1, found 0",
        ),
        call(
            "one number as shift",
            'count_fragments("f.tsv", "u.bed", shift=4)',
            "expected shift as two whole numbers, (4, -5) say, found 4",
        ),
        call(
            "no cells to stack",
            "CellMatrix.concatenate([])",
            "expected a matrix of cells or more, found none",
        ),
        stacked(
            "cells over another universe",
            'count_fragments({"b": "f.tsv"}, ["chr1:1-2"])',
            "expected matrices over one universe, found another one",
        ),
        stacked(
            "cells counted in another way",
            'count_fragments({"b": "f.tsv"}, "u.bed", max_length=500)',
            "expected matrices counted in one way, found max_length=500 beside max_length=None",
        ),
        stacked(
            "cells with another statistic",
            'count_fragments({"b": "f.tsv"}, "u.bed", tss="u.bed")',
            "expected matrices with the same statistics, found 'tss_enrichment' in one only",
        ),
        stacked(
            "cells of no sample",
            'count_fragments("f.tsv", "u.bed")',
            "expected several matrices to have samples, which tell their cells apart: count with "
            "a dict of sample to path",
        ),
        stacked(
            "a cell twice",
            'count_fragments({"a": "f.tsv"}, "u.bed")',
            "expected each cell once, found 'a:AAAC-1' twice",
        ),
        sites(
            "GTF with too few fields",
            "chr1\tx\ttranscript\t5\n",
            "x.gtf, line 1: expected nine fields of GTF, tabs between, found 4",
        ),
        sites(
            "GTF that counts from 0",
            "chr1\tx\ttranscript\t0\t9\t.\t+\t.\n",
            "x.gtf, line 1: expected a start and an end, base pairs from 1, found '0' and '9'",
        ),
        sites(
            "GTF with start and end changed about",
            "chr1\tx\ttranscript\t9\t5\t.\t+\t.\n",
            "x.gtf, line 1: expected a start and an end, base pairs from 1, found '9' and '5'",
        ),
        sites(
            "GTF without genes",
            "# nothing\n",
            "x.gtf: expected transcription start sites, found none",
        ),
        groups(
            "a barcode without a group",
            "AAAC-1\tB\nAAAG-1\n",
            "x.tsv, line 2: expected a barcode and its group, a tab between, found 'AAAG-1'",
        ),
        groups(
            "a barcode of two groups",
            "AAAC-1\tB\nAAAC-1\tT\n",
            "x.tsv, line 2: expected one group for 'AAAC-1', found 'B' and 'T'",
        ),
        groups(
            "no groups", "barcode\tgroup\n", "x.tsv: expected barcodes and their groups, found none"
        ),
        groups(
            "groups of one file name",
            "AAAC-1\tB cell\nAAAG-1\tB/cell\n",
            "x.tsv: expected groups whose files have names of their own, found 'B "
            "cell' and 'B/cell', both B_cell.fragments.tsv.gz",
        ),
        groups(
            "barcodes of other files",
            "GGGG-1\tB\n",
            "x.tsv: expected fragments of the barcodes that are grouped, the first "
            "being 'GGGG-1', found none",
        ),
    ],
    "TOML configs": [
        config("no universe", "", "x.toml: expected the key 'universe', the path of a BED file"),
        config(
            "no TOML",
            "universe = u.bed\n",
            "x.toml: not TOML: ⟨Invalid value (at line 1, column 12)⟩",
        ),
        config(
            "BED",
            "chr1\t5\t10\n",
            "x.toml: not TOML: ⟨Expected '=' after a key in a key/value pair (at "
            "line 1, column 6)⟩",
        ),
        config(
            "no UTF-8",
            b'universe = "\xff"\n',
            "x.toml: not TOML: ⟨'utf-8' codec can't decode byte 0xff in position "
            "12: invalid start byte⟩",
        ),
        config(
            "brackets without an end", "x = " + "[" * 20000, "x.toml: not TOML: nested too deep"
        ),
        config(
            "a number of thousands of digits",
            f"x = {'9' * 5000}\n",
            "x.toml: not TOML: ⟨Exceeds the limit (4300 digits) for integer string "
            "conversion: value has 5000 digits; use sys.set_int_max_str_digits() "
            "to increase the limit⟩",
        ),
        config(
            "more than a mebibyte",
            "#" * (1 << 20) + "\n",
            "x.toml: expected a config of at most 1048576 bytes, found more",
        ),
        config(
            "a universe that is no path",
            "universe = 5\n",
            "x.toml: expected the key 'universe' to be a str, found 5",
        ),
        config(
            "a NUL in a path",
            'universe = "u\\u0000.bed"\n',
            "x.toml: expected the path of a file, found 'u\\x00.bed'",
        ),
        config(
            "standard input as universe",
            'universe = "-"\n',
            "x.toml: expected the path of a file, found '-'",
        ),
        config(
            "a universe that is not there",
            'universe = "none.bed"\n',
            "[Errno 2] No such file or directory: 'none.bed'",
        ),
        config(
            "an index of no name",
            TOML + 'tokenizer_type = "tree"\n',
            "x.toml: expected tokenizer_type 'bits' or 'ailist', found 'tree'",
        ),
        config(
            "special tokens that are no list",
            TOML + 'special_tokens = "x"\n',
            "x.toml: expected the key 'special_tokens' to be a list, found 'x'",
        ),
        config(
            "a special token without its text",
            TOML + 'special_tokens = [{name = "unk"}]\n',
            "x.toml: expected special_tokens as a list of tables with name and "
            "token, found {'name': 'unk'}",
        ),
        config(
            "a special token of no role",
            TOML + 'special_tokens = [{name = "start", token = "x"}]\n',
            "x.toml: expected special tokens called unk, pad, mask, cls, eos, bos, "
            "sep, found start",
        ),
        config(
            "a special token that stands twice",
            TOML + 'special_tokens = [{name = "unk", token = "x"}, {name = "unk", token = "y"}]\n',
            "x.toml: expected each special token once, found 'unk' twice",
        ),
        config(
            "a key of no meaning",
            TOML + '[gtok]\nordr = "input"\n',
            "x.toml: unknown key 'gtok.ordr': expected one of digest, exclude, "
            "exclude_digest, genome, method, min_overlap, order, overlap_of, "
            "padding_side, seed, template, unique, unknown, version",
        ),
        config(
            "an option of no meaning",
            TOML + '[gtok]\norder = "backwards"\n',
            "x.toml: expected order 'input', 'genome', 'random' or 'value', found 'backwards'",
        ),
        config(
            "a bad line in the universe",
            'universe = "v.bed"\n',
            "v.bed, line 1: expected start <= end, found 10 > 5",
            **{"v.bed": "chr1\t10\t5\n"},
        ),
    ],
    "Saved folders": [
        folder(
            "nothing that makes a tokenizer",
            {"model.safetensors": b""},
            "x: expected tokenizer.toml, universe.bed.gz or universe.bed in it, found none",
        ),
        folder(
            "another universe than the one saved",
            {"tokenizer.toml": f'universe = "u.bed"\n[gtok]\ndigest = "{NONE}"\n', "u.bed": GOOD},
            "x/u.bed: not the universe that was saved: expected digest "
            "0000000000000000000000000000000000000000000000000000000000000000, "
            "found d7ce905f8bd0217d1f21c237a1dad349ca47d67fd036f68d3806ab466c91f503",
        ),
        folder(
            "other regions to exclude than those saved",
            {
                "tokenizer.toml": TOML + f'[gtok]\nexclude = "u.bed"\nexclude_digest = "{NONE}"\n',
                "u.bed": GOOD,
            },
            "x/u.bed: not what was saved: expected digest "
            "0000000000000000000000000000000000000000000000000000000000000000, "
            "found d7ce905f8bd0217d1f21c237a1dad349ca47d67fd036f68d3806ab466c91f503",
        ),
        folder(
            "a universe outside the folder",
            {"tokenizer.toml": 'universe = "../u.bed"\n'},
            "x/tokenizer.toml: the file '../u.bed' lies outside the config's folder",
        ),
        folder(
            "an absolute path",
            {"tokenizer.toml": 'universe = "/etc/passwd"\n'},
            "x/tokenizer.toml: the file '/etc/passwd' lies outside the config's folder",
        ),
        folder(
            "exclusions outside the folder",
            {"tokenizer.toml": TOML + '[gtok]\nexclude = "a/../../u.bed"\n', "u.bed": GOOD},
            "x/tokenizer.toml: the file 'a/../../u.bed' lies outside the config's folder",
        ),
        folder(
            "a pickle for the universe",
            {"universe.bed.gz": b"\x80\x04N."},
            "x/universe.bed.gz, line 1: expected three fields (chrom, start, end) "
            "or more, found 1: '\\\\x80\\x04N.'",
        ),
        call(
            "a folder that is not there",
            'Tokenizer.from_pretrained("none")',
            "expected a folder, or owner/name, a repository on a hub, found 'none'",
        ),
    ],
    "Token files": [
        gtok_file(
            "no .gtok file",
            GOOD,
            "x.gtok: not a .gtok file: expected it to begin with b'GTOK' and the "
            "ids' width, found b'chr1\\t'",
        ),
        gtok_file(
            "an empty file",
            "",
            "x.gtok: not a .gtok file: expected it to begin with b'GTOK' and the "
            "ids' width, found b''",
        ),
        gtok_file(
            "a width that is none",
            b"GTOK\x03\x00\x00",
            "x.gtok: expected 1 (16 bits) or 2 (32 bits) as byte 5, found 3",
        ),
        gtok_file(
            "half an id",
            b"GTOK\x02\x00\x00\x00\x00\x01",
            "x.gtok: expected ids of 4 bytes each, found 5 bytes: the file is truncated",
        ),
        call(
            "an id of more than 32 bits",
            'write_gtok("x.gtok", [2**32])',
            "expected ids from 0 to 2**32 - 1, found 4294967296 to 4294967296",
        ),
        call(
            "ids that are no whole numbers",
            'write_gtok("x.gtok", [0.5])',
            "expected the ids of one sample, found float64, 1-d",
        ),
        parquet(
            "no parquet file",
            GOOD.encode(),
            "x.parquet: not a parquet file, or a damaged one: ⟨Parquet magic bytes "
            "not found in footer. Either the file is corrupted or this is not a "
            "parquet file.⟩",
        ),
        parquet(
            "parquet that breaks off",
            b"PAR1" + bytes(100),
            "x.parquet: not a parquet file, or a damaged one: ⟨Parquet magic bytes "
            "not found in footer. Either the file is corrupted or this is not a "
            "parquet file.⟩",
        ),
        parquet(
            "other columns",
            {"name": ["a"], "n": [5]},
            "x.parquet: expected columns id and input_ids, found name, n",
        ),
        parquet(
            "a column that stands twice",
            [("id", ["a"]), ("input_ids", [[5]]), ("input_ids", [[5]])],
            "x.parquet: expected each column once, found 'input_ids' twice",
        ),
        parquet(
            "ids that are no lists",
            {"id": ["a"], "input_ids": [5]},
            "x.parquet: expected input_ids as lists of whole numbers, found int64",
        ),
        parquet(
            "counts that are no numbers",
            {"id": ["a"], "input_ids": [[5]], "n_hits": ["one"]},
            "x.parquet: expected n_hits as whole numbers, found string",
        ),
        parquet(
            "samples without names",
            {"id": [1], "input_ids": [[5]]},
            "x.parquet: expected id as text, found int64",
        ),
        parquet(
            "a sample without ids",
            {"id": ["a", "b"], "input_ids": [[5], None]},
            "x.parquet: expected input_ids in every row, found none in row 2",
        ),
        parquet(
            "an id that is missing",
            {"id": ["a"], "input_ids": [[5, None]]},
            "x.parquet: expected numbers as input_ids, found one missing",
        ),
        parquet(
            "an id of more than 32 bits in parquet",
            {"id": ["a"], "input_ids": [[2**31]]},
            "x.parquet: expected ids of 32 bits, found 2147483648 to 2147483648",
        ),
        call(
            "parquet that is not what was written",
            'read_parquet("x.parquet")',
            "x.parquet: not what was written: expected content of digest "
            "0000000000000000000000000000000000000000000000000000000000000000, "
            "found 99d418975478e0d987930322145cafc113b4a4fe693e934df8514dfde7674cd3",
            **{"x.parquet": changed_parquet},
        ),
        call(
            "several samples for .gtok",
            'token_writer("x.gtok", Tokenizer("u.bed"), 2)',
            "x.gtok: a .gtok file holds one sample, found 2: write .parquet",
            "tokenize u.bed u.bed v.bed -o x.gtok",
            **{"v.bed": GOOD},
        ),
        call(
            "an ending of no format",
            'token_writer("x.csv", Tokenizer("u.bed"), 1)',
            "x.csv: expected a name that ends in .parquet, .gtok, .jsonl or .tsv, found '.csv'",
            "tokenize u.bed u.bed -o x.csv",
        ),
        call(
            "a matrix of no format",
            'matrix_writer("x.csv")',
            "x.csv: expected a name that ends in .npz, .h5ad, .mtx or .mtx.gz",
            "matrix u.bed u.bed -o x.csv",
        ),
    ],
    "Sheets and lists": [
        sheet("nothing", "", "x.tsv: expected a header with a column 'path', found nothing"),
        sheet(
            "no column of paths",
            "file\tage\na.bed\t5\n",
            "x.tsv: expected a header with a column 'path', columns split by tabs, "
            "found 'file', 'age'",
        ),
        sheet(
            "commas between the columns",
            "path,age\na.bed,5\n",
            "x.tsv: expected a header with a column 'path', columns split by tabs, "
            "found 'path,age'",
        ),
        sheet("no samples", "path\tage\n", "x.tsv: expected a row for each sample, found none"),
        sheet(
            "a cell too many",
            "path\tage\na.bed\t5\t6\n",
            "x.tsv, line 2: expected 2 columns, found 3",
        ),
        sheet(
            "a row without a path",
            "path\tage\n\t5\n",
            "x.tsv, line 2: expected a path, found nothing",
        ),
        sheet(
            "a column that stands twice",
            "path\tage\tage\na.bed\t5\t6\n",
            "x.tsv: found a column 'age' twice",
        ),
        sheet(
            "no text", b"path\n\xff.bed\n", "x.tsv: expected a table as text, found something else"
        ),
        sheet(
            "a field of megabytes",
            "path\n" + "x" * 200_000 + "\n",
            "x.tsv, line 2: ⟨field larger than field limit (131072)⟩",
        ),
        call(
            "an empty list of files",
            'listed(["@x.txt"])',
            "x.txt: expected a list of files, found none",
            "tokenize u.bed @x.txt",
            **{"x.txt": "\n"},
        ),
        call(
            "a list of files that is no text",
            'listed(["@x.txt"])',
            "x.txt: expected a list of files, found no text",
            "tokenize u.bed @x.txt",
            **{"x.txt": b"\xff\n"},
        ),
    ],
    "Frames": [
        call(
            "no column of chromosomes",
            'as_regions(pd.DataFrame({"start": [1], "end": [2]}))',
            "expected a column called chrom, chr, chromosome, Chromosome or "
            "seqnames, found start, end",
        ),
        call(
            "no column of ends",
            'as_regions(pd.DataFrame({"chrom": ["a"], "start": [1]}))',
            "expected a column called end, End, chromEnd or stop, found chrom, start",
        ),
        call(
            "a chromosome that is missing",
            'as_regions(pd.DataFrame({"chrom": ["a", None], "start": [1, 1], "end": [2, 2]}))',
            "column 'chrom', row 1: expected a chromosome, found nothing",
        ),
        call(
            "chromosomes that are numbers with a point",
            'as_regions(pd.DataFrame({"chrom": [1.5], "start": [1], "end": [2]}))',
            "column 'chrom': expected chromosomes, found Float64",
        ),
        call(
            "an empty chromosome",
            'as_regions(pd.DataFrame({"chrom": [""], "start": [1], "end": [2]}))',
            "expected a chromosome's name without blanks around it, found ''",
        ),
        call(
            "a start that is missing",
            'as_regions(pd.DataFrame({"chrom": ["a", "a"], "start": [1, None], "end": [2, 2]}))',
            "starts, row 1: expected a whole number, found nan",
        ),
        call(
            "a start between two base pairs",
            'as_regions(pd.DataFrame({"chrom": ["a"], "start": [1.5], "end": [2]}))',
            "starts, row 0: expected a whole number, found 1.5",
        ),
        call(
            "a negative start",
            'as_regions(pd.DataFrame({"chrom": ["a"], "start": [-1], "end": [2]}))',
            "starts, row 0: expected a number from 0 to 2147483647, found -1",
        ),
        call(
            "an end of 2^31",
            'as_regions(pd.DataFrame({"chrom": ["a"], "start": [1], "end": [2**31]}))',
            "ends, row 0: expected a number from 0 to 2147483647, found 2147483648",
        ),
        call(
            "coordinates that are text",
            'as_regions(pd.DataFrame({"chrom": ["a"], "start": ["one"], "end": [2]}))',
            "starts, row 0: expected a whole number, found 'one'",
        ),
        call(
            "start and end changed about",
            'as_regions(pd.DataFrame({"chrom": ["a"], "start": [5], "end": [2]}))',
            "row 0: expected start <= end, found 5 > 2",
        ),
        call(
            "no column of the signal",
            'RegionSet.from_frame(pd.DataFrame({"chrom": ["a"], "start": [1], "end": [2]}), '
            'signal="height")',
            "expected a column called 'height' for the signal, found chrom, start, end",
        ),
        call("no frame", "RegionSet.from_frame(5)", "expected a data frame, found int"),
    ],
    "Arguments": [
        call(
            "no sample",
            'Tokenizer("u.bed").encode(5)',
            "expected a path, a RegionSet, a data frame or a list of regions, found int",
        ),
        call(
            "a region string that is none",
            'Region.parse("chr1:5")',
            "expected a region as chrom:start-end, found 'chr1:5'",
        ),
        call(
            "a list of a region and a file",
            'Tokenizer("u.bed")(["chr1:5-10", "u.bed"])',
            "expected a list of regions or a list of samples, found both: item 0 "
            "is 'chr1:5-10', item 1 is 'u.bed'",
        ),
        call(
            "one sample for a batch",
            'Tokenizer("u.bed").encode_batch("u.bed")',
            "expected a list of samples, found one sample (str): pass it in a list",
        ),
        call(
            "a tuple that is no region",
            'as_regions([("chr1", 5)])',
            "item 0: expected a (chrom, start, end), found tuple ('chr1', 5)",
        ),
        call(
            "coordinates that are text",
            'as_regions([("chr1", "5", "10")])',
            "item 0: expected a (chrom, start, end), found tuple ('chr1', '5', '10')",
        ),
        call(
            "a coordinate of 2^31",
            'as_regions([("chr1", 5, 2**31)])',
            "ends, row 0: expected a number from 0 to 2147483647, found 2147483648",
        ),
        call(
            "columns of different lengths",
            'RegionSet(["chr1"], [5, 6], [10])',
            "expected columns of one length, found 1 chromosomes, 2 starts and 1 ends",
        ),
        call(
            "2^31 regions",
            'RegionSet.from_codes(np.broadcast_to(np.int32(0), 2**31), ["chr1"], [5], [10])',
            "expected fewer than 2**31 - 7 regions, found 2,147,483,648",
        ),
        call(
            "no order",
            'Tokenizer("u.bed", order="backwards")',
            "expected order 'input', 'genome', 'random' or 'value', found 'backwards'",
        ),
        call(
            "no rule for misses",
            'Tokenizer("u.bed", unknown="all")',
            "expected unknown 'sample', 'region' or 'drop', found 'all'",
        ),
        call(
            "no index",
            'Tokenizer("u.bed", method="tree")',
            "expected method 'auto', 'bits' or 'ailist', found 'tree'",
        ),
        call(
            "a seed that is none",
            'Tokenizer("u.bed", seed=-1)',
            "expected seed as a whole number from 0, found -1",
        ),
        call(
            "a template without samples",
            'Tokenizer("u.bed", template="cls sep")',
            "expected template as names of special tokens (unk, pad, mask, cls, "
            "eos, bos, sep) around '...', such as 'cls ... sep', found 'cls sep'",
        ),
        call(
            "an overlap over 100 %",
            'Tokenizer("u.bed", min_overlap=1.5)',
            "expected min_overlap as base pairs (a whole number from 1) or as a "
            "share (a fraction over 0, up to 1.0), found 1.5",
        ),
        call(
            "no threads",
            'Tokenizer("u.bed").encode_batch([[]], n_threads=0)',
            "expected at least one thread, found n_threads=0",
        ),
        call(
            "truncation without a length",
            'Tokenizer("u.bed")([], truncation=True)',
            "truncation needs a max_length",
        ),
        call(
            "padding of no name",
            'Tokenizer("u.bed")([], padding="left")',
            "expected padding True, False, 'longest', 'max_length' or 'do_not_pad', found 'left'",
        ),
        call(
            "tensors of no name",
            'Tokenizer("u.bed")([], return_tensors="tf")',
            "expected return_tensors 'np' or 'pt', found 'tf'",
        ),
        call(
            "offsets that do not fit",
            "TokenBatch(np.array([5, 6]), np.array([0, 1]))",
            "expected offsets from 0 to 2, the number of ids, found [0] to [1]",
        ),
        call(
            "ids of 64 bits",
            "TokenBatch(np.array([2**31]), np.array([0, 1]))",
            "expected ids of 32 bits, found 2147483648 to 2147483648",
        ),
        call(
            "ids with a point",
            "TokenBatch(np.array([0.5]), np.array([0, 1]))",
            "expected ids as whole numbers, found float64",
        ),
        call(
            "a file in a list to exclude",
            'Tokenizer("u.bed", exclude=["black.bed"])',
            "expected regions or names of chromosomes in the list to exclude, "
            "found the file 'black.bed': pass it by itself, or RegionSet.from_bed "
            "of it",
        ),
    ],
    "Paths": [
        call(
            "a file that is not there",
            'RegionSet.from_bed("none.bed")',
            "[Errno 2] No such file or directory: 'none.bed'",
            "tokenize u.bed none.bed",
        ),
        call(
            "a universe that is not there",
            'Tokenizer("none.bed")',
            "[Errno 2] No such file or directory: 'none.bed'",
            "tokenize none.bed u.bed",
        ),
        call(
            "a folder for a file",
            'RegionSet.from_bed(".")',
            "[Errno 21] Is a directory: '.'",
            "tokenize u.bed .",
        ),
        call(
            "a NUL",
            'RegionSet.from_bed("u\\0.bed")',
            "expected the path of a file, found 'u\\x00.bed'",
            "tokenize u.bed @x.txt",
            **{"x.txt": "u\0.bed\n"},
        ),
        call(
            "a folder that is not there",
            'write_gtok("none/x.gtok", [5])',
            "[Errno 2] No such file or directory: 'none/x.gtok'",
            "tokenize u.bed u.bed -o none/x.gtok",
        ),
        call("a folder as target", 'write_gtok(".", [5])', "[Errno 21] Is a directory: '.'"),
        call(
            "a file for a folder",
            'write_gtok("u.bed/x.gtok", [5])',
            "[Errno 20] Not a directory: 'u.bed/x.gtok'",
            "tokenize u.bed u.bed -o u.bed/x.gtok",
        ),
        call(
            "standard input, twice",
            'RegionVectorizer("u.bed").transform(["-", "-"])',
            "standard input can be read once: pass RegionSet.from_bed('-') instead",
        ),
    ],
}

# What the command line says of its own, with status 2 where it is not asked as it should be.
USAGE = [
    ("no command of this name", "tokenise u.bed u.bed", 2, "No such command 'tokenise'."),
    ("no universe", "tokenize", 2, "Missing argument 'UNIVERSE'."),
    ("no samples", "tokenize u.bed", 2, "Missing argument 'BED...'."),
    (
        "no threads",
        "tokenize u.bed u.bed --threads 0",
        2,
        "Invalid value for '-t' / '--threads': 0 is not in the range x>=1.",
    ),
    (
        "an order of no name",
        "tokenize u.bed u.bed --order backwards",
        2,
        "Invalid value for '--order': 'backwards' is not one of 'input', 'genome', 'random'.",
    ),
    (
        "an overlap that is no number",
        "tokenize u.bed u.bed --min-overlap half",
        2,
        "Invalid value for '--min-overlap': expected base pairs, 50 say, or a "
        "share, 0.5 say, found 'half'",
    ),
    (
        "samples that are no number",
        "universe build u.bed --min-samples half -o x.bed",
        2,
        "Invalid value for '--min-samples': expected a number of samples, 2 "
        "say, or a share, 0.1 say, found 'half'",
    ),
    ("no output", "matrix u.bed u.bed", 2, "Missing option '-o' / '--output'."),
    (
        "samples and a sheet of them",
        "matrix u.bed u.bed --sheet x.tsv -o m.npz",
        2,
        "expected either BED files or --sheet",
    ),
    (
        "standard input, twice",
        "tokenize - -",
        1,
        "standard input can be read once, found '-' twice",
    ),
    (
        "an overlap over 100 %",
        "tokenize u.bed u.bed --min-overlap 1.5",
        1,
        "expected min_overlap as base pairs (a whole number from 1) or as a "
        "share (a fraction over 0, up to 1.0), found 1.5",
    ),
    (
        "two samples of one name",
        "matrix u.bed u.bed u.bed -o m.h5ad",
        1,
        "expected each sample once, found 'u.bed' twice",
    ),
    (
        "cells of no format",
        "fragments u.bed f.tsv -o cells.npz",
        1,
        "cells.npz: expected a name that ends in .h5ad, or a folder's",
    ),
    (
        "a picture of no format",
        "fragments u.bed f.tsv -o out --report r.doc",
        1,
        "r.doc: expected a picture's name, which ends in .png, .svg or .pdf",
    ),
    (
        "a folder that is not there",
        "universe build u.bed -o none/x.bed",
        1,
        "none/x.bed: No such file or directory",
    ),
]

# Real files that are odd, from ../shared/data/odd, as samples and as universes.
ODD = [
    (
        "GSM1004654_10k.bed",
        "RegionSet(10,000 regions on 22 chromosomes, 1,320,862 bp)",
        "GSM1004654_10k.bed, line 1773: chr2:98507214-98507356 stands already "
        "in GSM1004654_10k.bed, line 1321; a region is one token. "
        "duplicates='drop' keeps the first of each (4 rows would go)",
    ),
    (
        "GSM1174480_ARmo_0M_peaks.bed.gz",
        "RegionSet(812 regions on 24 chromosomes, 69,665 bp)",
        "Universe(812 regions on 24 chromosomes, 69,665 bp)",
    ),
    (
        "LOLA_vistaEnhancers_colNames_hg19.bed",
        "LOLA_vistaEnhancers_colNames_hg19.bed, line 1: expected a whole "
        "number from 0 as start, found 'start'; it looks like a header: prefix "
        "it with # or drop it",
        "LOLA_vistaEnhancers_colNames_hg19.bed, line 1: expected a whole "
        "number from 0 as start, found 'start'; it looks like a header: prefix "
        "it with # or drop it",
    ),
    (
        "MACS_bdgpeakcall.narrowPeak",
        "RegionSet(8,205 regions on 1 chromosome, 2,108,862 bp)",
        "Universe(8,205 regions on 1 chromosome, 2,108,862 bp)",
    ),
    (
        "MACS_contigs50k.bed.gz",
        "RegionSet(200,000 regions on 50,000 chromosomes, 20,000,000 bp)",
        "MACS_contigs50k.bed.gz, line 4: unitig0:15-115 stands already in "
        "MACS_contigs50k.bed.gz, line 3; a region is one token. "
        "duplicates='drop' keeps the first of each (2,973 rows would go)",
    ),
    (
        "bedtools_a_withLargeHeader.bed",
        "RegionSet(2 regions on 1 chromosome, 110 bp)",
        "Universe(2 regions on 1 chromosome, 110 bp)",
    ),
    (
        "bedtools_gerp.chr1.bed.gz",
        "RegionSet(88,292 regions on 1 chromosome, 17,591,239 bp)",
        "Universe(88,292 regions on 1 chromosome, 17,591,239 bp)",
    ),
    (
        "bedtools_ultra-long-bed4.bed",
        "RegionSet(1 region on 1 chromosome, 999 bp)",
        "Universe(1 region on 1 chromosome, 999 bp)",
    ),
    (
        "geniml_add_valid_test.bed",
        "geniml_add_valid_test.bed, line 3806: expected start <= end, found 57683001 > 57682941",
        "geniml_add_valid_test.bed, line 3806: expected start <= end, found 57683001 > 57682941",
    ),
    (
        "pyranges_lamina.bed",
        "RegionSet(1,344 regions on 24 chromosomes, 1,317,213,087 bp)",
        "Universe(1,344 regions on 24 chromosomes, 1,317,213,087 bp)",
    ),
]

# Commands one after the other in one process, which takes a tenth of the time.
SHELL = """
import io, json, os, sys, traceback, warnings
from gtok.cli import main

streams = sys.stdin, sys.stdout
for line in streams[0]:
    folder, args = json.loads(line)
    os.chdir(folder)
    sys.stdin = io.TextIOWrapper(io.BytesIO(b""))
    sys.stdout = io.TextIOWrapper(io.BytesIO())
    sys.stderr = io.TextIOWrapper(io.BytesIO(), errors="backslashreplace")  # as Python has it
    warnings.resetwarnings()
    try:
        main(args)
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
        status = 1
    told = []
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        told.append(stream.buffer.getvalue().decode())
    print(json.dumps([status, *told]), file=streams[1], flush=True)
"""


INTRODUCTION = """# What gtok says of bad input

Whatever cannot be what it was given as is an error: `GtokError`, which is a `ValueError`, or one
of Python's own (`TypeError`, `OSError`, `IndexError`). Nothing is skipped, guessed or mended. A
message names the file and the line, what was expected and what was found, and what to do about it,
where something can be done. The command line prints it as one line, `gtok: error: ...`, and ends
with status 1; `gtok --debug ...` adds where it came from. Status 2 is wrong usage.

The tests make each of these mistakes, and look for these very words. `u.bed` is a universe of two
regions; `x.bed` and the like have the mistake in them. What stands between ⟨ and ⟩ are the words
of a library. `python tests/test_errors.py` writes this page."""

# What the calls of the table are made of.
IMPORTS = """
import numpy as np
import pandas as pd
from gtok import *
from gtok import RegionVectorizer
from gtok.cli.common import listed
from gtok.cli.sheet import read_sheet
from gtok.matrix_io import matrix_writer
from gtok.pseudobulk import split_fragments
from gtok.tokens_io import token_writer
"""


def prepare(folder, files):
    """The files of a case, and the universe that all of them have."""
    for name, content in {"u.bed": GOOD, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = content() if callable(content) else content
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def raised(case, folder):
    """The exception of a case's call."""
    prepare(folder, case.files)
    before = os.getcwd()
    os.chdir(folder)
    try:
        within = {}
        exec(IMPORTS, within)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            eval(case.call, within)
    except Exception as error:
        return error
    finally:
        os.chdir(before)
    return None


def is_said(message, text):
    """Whether a text is a message of the table, in which a library may speak."""
    pattern = re.sub(r"⟨[^⟩]*⟩", "⟨⟩", message)
    return re.fullmatch(".+".join(map(re.escape, pattern.split("⟨⟩"))), text, re.DOTALL)


class Shell:
    """Runs commands, each in a folder."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", SHELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, folder, *args):
        self.process.stdin.write(json.dumps([str(folder), args]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


@pytest.fixture(scope="module")
def shell():
    shell = Shell()
    yield shell
    shell.close()


def cases():
    return [
        pytest.param(case, id=f"{section}-{case.mistake}")
        for section, listed in CASES.items()
        for case in listed
    ]


@pytest.mark.parametrize("case", cases())
def test_what_is_said(case, tmp_path):
    error = raised(case, tmp_path)
    assert error is not None, "nothing was said"
    assert is_said(case.message, str(error)), str(error)
    kinds = (GtokError, TypeError, OSError, IndexError)
    assert isinstance(error, kinds), type(error)


@pytest.mark.parametrize("case", [case for case in cases() if case.values[0].shell])
def test_what_the_command_line_says(case, tmp_path, shell):
    """One line, and a traceback for whoever asks for it."""
    prepare(tmp_path, case.files)
    args = case.shell.split()
    before = sorted(tmp_path.rglob("*"))
    status, out, told = shell(tmp_path, *args)
    assert (status, out) == (1, ""), told
    message = case.message
    if match := re.fullmatch(r"\[Errno \d+\] (.+): '(.+)'", message):
        message = f"{match[2]}: {match[1]}"
    assert is_said(f"gtok: error: {message}\n", told), told
    assert told.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before
    status, out, told = shell(tmp_path, "--debug", *args)
    assert status == 1
    assert "Traceback (most recent call last):" in told


@pytest.mark.parametrize(
    ("args", "expected", "message"), [pytest.param(*row[1:], id=row[0]) for row in USAGE]
)
def test_what_the_command_line_says_of_its_own(args, expected, message, tmp_path, shell):
    prepare(tmp_path, {"f.tsv": FRAGMENTS, "x.tsv": "path\nu.bed\n"})
    before = sorted(tmp_path.rglob("*"))
    status, out, told = shell(tmp_path, *args.split())
    assert (status, out) == (expected, ""), told
    *usage, last = told.splitlines()
    assert bool(usage) == (status == 2)
    said = last.removeprefix("Error: " if status == 2 else "gtok: error: ")
    assert said != last
    assert is_said(message, said), said
    assert "Traceback" not in told
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("name", "sample", "universe"), ODD, ids=[row[0] for row in ODD])
def test_odd_files(name, sample, universe, shared_data, monkeypatch):
    monkeypatch.chdir(shared_data / "odd")
    assert outcome(RegionSet, name) == sample
    assert outcome(Universe, name) == universe


def outcome(kind, name):
    """What a file is read as, or what is said of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return repr(kind.from_bed(name))
    except GtokError as error:
        return str(error)


def test_every_odd_file_is_in_the_table(shared_data):
    assert {row[0] for row in ODD} == set(os.listdir(shared_data / "odd"))


def test_the_table_is_long_enough_and_says_nothing_twice():
    listed = [(section, case.mistake) for section in CASES for case in CASES[section]]
    assert len(listed) >= 60
    assert [row for row in listed if listed.count(row) > 1] == []


def test_the_page_is_the_table():
    assert PAGE.read_text() == page(), "write it: python tests/test_errors.py"


def code(text):
    """A text as Markdown's code within a table."""
    shown = text.replace("|", "\\|").replace("\n", " ")
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


def is_short(content):
    return isinstance(content, str) and 0 < len(content) <= 80


def page():
    """The page of the table."""
    lines = [INTRODUCTION]
    for section, listed in CASES.items():
        lines += ["", f"## {section}", "", "| mistake | in the file | call | what is said |"]
        lines.append("|---|---|---|---|")
        for case in listed:
            content = next(reversed(case.files.values()), "")
            shown = code(repr(content)[1:-1]) if is_short(content) else ""
            call, said = code(case.call), code(case.message)
            lines.append(f"| {case.mistake} | {shown} | {call} | {said} |")
    lines += ["", "## The command line", "", "| mistake | command | status | what is said |"]
    lines.append("|---|---|---|---|")
    for mistake, args, status, message in USAGE:
        lines.append(f"| {mistake} | {code('gtok ' + args)} | {status} | {code(message)} |")
    lines += [
        "",
        "## Real files that are odd",
        "",
        "As people publish them, read as samples and as universes.",
        "",
        "| file | as a sample | as a universe |",
        "|---|---|---|",
    ]
    for name, sample, universe in ODD:
        lines.append(f"| {name} | {code(sample)} | {code(universe)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
