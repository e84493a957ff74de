"""BED files: what is one, what each bad line is, and the columns of the good ones."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtok._bed import BedParser, to_numbers
from gtok._format import format_rows
from gtok.errors import BedError, GtokError
from gtok.files import (
    CHUNK,
    MAX_LINE,
    ByteStream,
    display_name,
    open_bytes,
    write_gzip,
    write_whole,
)

MAX_COORDINATE = 2**31 - 1
_ROWS_AT_ONCE = 1 << 16
_PART = 1 << 13  # rows that are worth being passed on by themselves
_NOT_BED = "not a line of BED"
_COMMAS = "; fields are split at tabs, or at blanks, not at commas"

# What other formats begin with, once inflated, and what to do about each.
_VCF = ("a VCF file", "convert it, say with `bcftools query -f '%CHROM\\t%POS0\\t%END\\n'`")
_SAM = ("a SAM file", "convert it, say with `bedtools bamtobed`")
_CRAM = ("a CRAM file", "convert it, say with `samtools view -b` and `bedtools bamtobed`")
_BIGBED = ("a bigBed file", "convert it with UCSC's `bigBedToBed`")
_BIGWIG = ("a bigWig file", "convert it with UCSC's `bigWigToBedGraph`")
_UTF16 = ("UTF-16 text", "save it as UTF-8")
_UNPACK = "unpack it; gzip and bgzip are read as they are"
_FOREIGN = [
    (b"##fileformat=VCF", *_VCF),
    (b"#CHROM\tPOS\t", *_VCF),
    (b"BCF\x02", "a BCF file", _VCF[1]),
    (b"##gff-version", "a GFF file", "convert it, say with bedops's `gff2bed`"),
    (b"##gtf", "a GTF file", "convert it, say with bedops's `gtf2bed`"),
    (b"@HD\t", *_SAM),
    *((b"@" + kind + b"\t", *_SAM) for kind in (b"SQ", b"RG", b"PG", b"CO")),
    (b"BAM\x01", "a BAM file", _SAM[1]),
    (b"CRAM\x02", *_CRAM),
    (b"CRAM\x03", *_CRAM),
    (b"\xeb\xf2\x89\x87", *_BIGBED),
    (b"\x87\x89\xf2\xeb", *_BIGBED),
    (b"\x26\xfc\x8f\x88", *_BIGWIG),
    (b"\x88\x8f\xfc\x26", *_BIGWIG),
    (b"\xff\xfe", *_UTF16),
    (b"\xfe\xff", *_UTF16),
    (b"PAR1\x15", "a parquet file", "read it into a data frame and pass that"),
    (b"\x89HDF", "an HDF5 file", "write its regions as BED"),
    (b"PK\x03\x04", "a zip archive", _UNPACK),
    *((b"BZh%d1AY&SY" % level, "a bzip2 file", _UNPACK) for level in range(1, 10)),
    (b"\xfd7zXZ", "an xz file", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd file", _UNPACK),
    (b"\x1f\x8b", "a gzip file within another", "unpack it once"),
]


# Where files of peaks keep what a program says about each, by ENCODE's names, from 1.
_PEAK_COLUMNS = {"score": 5, "signalValue": 7, "pValue": 8, "qValue": 9}
_GAPPED_PEAK_COLUMNS = {"score": 5, "signalValue": 13, "pValue": 14, "qValue": 15}


class TextColumn:
    """One text per region, in one piece of memory.

    Parameters
    ----------
    data : bytes
        The texts, one after the other.
    lengths : int32[n]
        Their lengths in bytes.
    """

    def __init__(self, data: bytes, lengths: NDArray[np.int32]) -> None:
        self.data = data
        self.lengths = lengths

    @classmethod
    def from_list(cls, texts: list[str]) -> TextColumn:
        """Take the texts as they are."""
        encoded = [text.encode() for text in texts]
        return cls(b"".join(encoded), np.array([len(text) for text in encoded], dtype=np.int32))

    def to_list(self) -> list[str]:
        """The texts as strings; bytes that are no UTF-8 become replacement characters."""
        ends = np.cumsum(self.lengths, dtype=np.int64)
        return [
            self.data[start:end].decode(errors="replace")
            for start, end in zip((ends - self.lengths).tolist(), ends.tolist(), strict=True)
        ]

    def to_floats(self) -> NDArray[np.float64] | None:
        """The texts as numbers, ``.`` and nothing as NaN; None where one, or each, is no number."""
        numbers, bad = to_numbers(self.data, self.lengths, True)
        return None if bad >= 0 or (len(numbers) and np.isnan(numbers).all()) else numbers

    def take(self, rows: NDArray[np.int64]) -> TextColumn:
        """The texts of these rows."""
        texts = self.to_list()
        return TextColumn.from_list([texts[row] for row in rows.tolist()])


class Source(NamedTuple):
    """Where regions came from: says on which line each row stands."""

    name: str
    skipped: list[tuple[int, int]]  # rows from [0] on have [1] lines before them that are no rows

    def line(self, row: int) -> int:
        """The number, from 1, of the line of a row."""
        skipped = 0
        for first, n in self.skipped:
            if first > row:
                break
            skipped = n
        return row + skipped + 1


class BedColumns(NamedTuple):
    """The columns of a BED file."""

    codes: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    chrom_names: tuple[str, ...]
    texts: list[TextColumn | None]
    source: Source


def read_bed(
    path: str | os.PathLike[str], keep: tuple[int, ...] = (), max_line: int = MAX_LINE
) -> BedColumns:
    """Read a BED file: plain, gzip or bgzip, ``-`` being standard input.

    Parameters
    ----------
    path : str or path
        The file.
    keep : tuple of int
        Numbers of further fields to keep as text, from 0: 3 is the name, 4 the score.
    max_line : int
        The longest line accepted, in bytes.

    Raises
    ------
    BedError
        Naming the file, the line and what was found, if the file is not BED.
    """
    parser = BedParser(keep, max_line)
    name = display_name(path)
    for line, content in feed_file(parser, path):
        raise BedError(f"{name}, line {line}: {explain(content, max_line, line == 1)}")
    source = Source(name, parser.skipped())
    texts: list[TextColumn | None] = []
    names = parser.chrom_names()
    columns = parser.columns()
    for i in range(len(keep)):
        text = parser.text(i)
        texts.append(None if text is None else TextColumn(*text))
    return BedColumns(*columns, tuple(_decode_names(names, 0, columns[0], source)), texts, source)


def read_bed_parts(
    path: str | os.PathLike[str], chrom_names: Sequence[str], take: Callable[[BedColumns], None]
) -> None:
    """Read a BED file a megabyte at a time, and pass on the columns of each part, at least one.

    What lies in a core's cache is worked on there, and a large file needs no more memory than a
    small one.

    Parameters
    ----------
    path : str or path
        The file.
    chrom_names : sequence of str
        Chromosomes that have the first codes, whether they come or not.
    take : callable
        What to do with each part; names and scores are not among its columns.

    Raises
    ------
    BedError
        As `read_bed` does, once the parts before the bad line were passed on.
    """
    parser = BedParser((), MAX_LINE, False, None, [name.encode() for name in chrom_names])
    name = display_name(path)
    names = tuple(chrom_names)
    n_parts = n_rows = n_skipped = 0

    def give() -> None:
        nonlocal names, n_parts, n_rows, n_skipped
        columns = parser.columns()
        skips = [(0, n_rows + n_skipped)]
        for row, n in parser.skipped():
            skips.append((row, n_rows + n))
            n_skipped = n
        source = Source(name, skips)
        if parser.n_chroms > len(names):
            new = parser.chrom_names(len(names))
            names += tuple(_decode_names(new, len(names), columns[0], source))
        n_parts += 1
        n_rows += len(columns[0])
        take(BedColumns(*columns, names, [], source))

    def after_chunk(_: ByteStream) -> None:
        if parser.n_rows >= _PART:
            give()

    for line, content in feed_file(parser, path, after_chunk):
        raise BedError(f"{name}, line {line}: {explain(content, is_first=line == 1)}")
    if parser.n_rows or n_parts == 0:
        give()


def signal_column(signal: str | int, path: str | os.PathLike[str]) -> int:
    """The number, from 1, of the column that a signal is called by, or is the number of.

    Raises
    ------
    GtokError
        If no column of a BED file is called so.
    """
    name = display_name(path)
    known = _PEAK_COLUMNS
    if re.search(r"\.gappedpeak(\.b?gz)?$", name, re.IGNORECASE):
        known = _GAPPED_PEAK_COLUMNS
    if isinstance(signal, str) and signal in known:
        return known[signal]
    if isinstance(signal, (int, np.integer)) and 4 <= signal <= 100:
        return int(signal)
    raise GtokError(
        f"{name}: expected signal {', '.join(map(repr, known))}, or the number of a column from 4, "
        f"found {signal!r}"
    )


def to_signal(
    text: TextColumn | None, column: int, source: Source, n_rows: int
) -> NDArray[np.float64]:
    """The numbers of a column, each finite.

    Raises
    ------
    BedError
        Naming the line, if something else stands there.
    """
    if text is None:
        numbers, bad = np.empty(n_rows), 0 if n_rows else -1
    else:
        numbers, bad = to_numbers(text.data, text.lengths, False)
        if bad < 0 and not np.isfinite(numbers).all():
            bad = int(np.argmin(np.isfinite(numbers)))
    if bad >= 0:
        found = "nothing"
        if text is not None:
            at = int(text.lengths[:bad].sum(dtype=np.int64))
            found = _show(text.data[at : at + text.lengths[bad]]) if text.lengths[bad] else found
        raise BedError(
            f"{source.name}, line {source.line(bad)}: expected a number in column {column}, "
            f"found {found}"
        )
    return numbers


def feed_file(
    parser: BedParser,
    path: str | os.PathLike[str],
    after_chunk: Callable[[ByteStream], None] | None = None,
) -> Iterator[tuple[int, bytes]]:
    """Feed a file to a parser; yield the number and the bytes of each line that is no BED.

    With `after_chunk`, that is called after each chunk, to take what the parser has so far.

    Raises
    ------
    BedError
        If the file is of another format, or its gzip stream is damaged.
    """
    try:
        with open_bytes(path) as stream:
            _refuse_foreign(stream)
            if stream.head.startswith(b"\xef\xbb\xbf"):
                stream.drop(3)
            n_read = 0
            while n := stream.readinto(parser.room(CHUNK)):
                yield from _bad_lines(parser, parser.feed(n))
                if after_chunk is not None:
                    after_chunk(stream)
                elif n_read == 0 and stream.size > n:
                    # And for the most rows that a chunk can have.
                    parser.expect(int(parser.n_rows / n * stream.size * 1.02) + CHUNK // 6)
                n_read += n
            yield from _bad_lines(parser, parser.finish())
            if after_chunk is not None:
                after_chunk(stream)
    except BedError:
        raise
    except GtokError as error:
        after = f" (after line {parser.n_lines})" if parser.n_lines else ""
        raise BedError(f"{error}{after}") from None


def _bad_lines(parser: BedParser, is_good: bool) -> Iterator[tuple[int, bytes]]:
    while not is_good:
        assert parser.bad_line is not None
        yield parser.bad_line
        is_good = parser.resume()


def _refuse_foreign(stream: ByteStream) -> None:
    for magic, what, remedy in _FOREIGN:
        if stream.head.startswith(magic):
            raise BedError(f"{stream.name} is {what}, not BED: {remedy}")


def _decode_names(
    names: list[bytes], first: int, codes: NDArray[np.int32], source: Source
) -> list[str]:
    """The names of chromosomes, whose codes are `first` and the ones behind it, as text."""
    decoded = []
    for code, name in enumerate(names, first):
        try:
            decoded.append(name.decode())
        except UnicodeDecodeError:
            line = source.line(int(np.argmax(codes == code)))
            raise BedError(
                f"{source.name}, line {line}: the chromosome {name!r} is not UTF-8: save it as such"
            ) from None
    return decoded


def write_bed(
    path: str | os.PathLike[str],
    chrom_names: Sequence[str],
    columns: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]],
    names: TextColumn | None = None,
    scores: TextColumn | None = None,
) -> None:
    """Write codes, starts and ends as BED, whole or not at all, gzip'd if the path ends in ``.gz``.

    Raises
    ------
    GtokError
        If a chromosome's name, or a region's, would not be read as what it is.
    """
    for chrom in chrom_names:
        if chrom[0] in "#\ufeff" or chrom.split()[0] in ("track", "browser") or len(chrom) > 16383:
            raise GtokError(f"BED cannot hold a chromosome called {chrom!r:.60}")
    encoded = [chrom.encode() for chrom in chrom_names]
    # A score is the fifth column: where there is one, there is a fourth.
    texts = [names, scores] if scores is not None else [names] if names is not None else []
    fields = [text and _as_fields(text) for text in texts]
    writer = write_gzip if os.fspath(path).endswith(".gz") else write_whole
    with writer(path) as handle:
        for lo in range(0, len(columns[0]), _ROWS_AT_ONCE):
            rows = slice(lo, lo + _ROWS_AT_ONCE)
            codes, starts, ends = (column[rows] for column in columns)
            lines = format_rows(encoded, codes, starts, ends)
            if not fields:
                handle.write(lines)
                continue
            further = [field[rows] if field else [b"."] * len(codes) for field in fields]
            rows_of_fields = zip(lines.splitlines(), *further, strict=True)
            handle.write(b"".join(b"\t".join(row) + b"\n" for row in rows_of_fields))


def _as_fields(text: TextColumn) -> list[bytes]:
    fields = text.to_list()
    for row, field in enumerate(fields):
        if not field.isprintable():
            raise GtokError(f"row {row}: BED cannot hold the name or score {field!r}")
    return [field.encode() or b"." for field in fields]


def explain(line: bytes, max_line: int = MAX_LINE, is_first: bool = False) -> str:
    """Say what is wrong with a line that is no BED."""
    if len(line) > max_line:
        return f"longer than {max_line} bytes; is this text? (the limit is `max_line`)"
    line = line.rstrip(b" \t\r")
    separator = b"\t" if b"\t" in line else b" "
    fields = line.split(b"\t") if separator == b"\t" else re.split(b" +", line)
    found = f", found {_show(line)}"
    if b"\0" in line:
        return f"a NUL byte: this is not text{found}"
    if b"\r" in line:
        return (
            f"a carriage return inside the line; are its ends CR alone? Expected LF or CRLF{found}"
        )
    if len(fields) < 3:
        message = (
            f"expected three fields (chrom, start, end) or more, found {len(fields)}: {_show(line)}"
        )
        return message + (_COMMAS if line.count(b",") >= 2 else "")
    chrom, start, end = fields[:3]
    if not chrom:
        return f"expected a chromosome, found an empty field: {_show(line)}"
    if len(chrom) > 65535:
        return f"expected a chromosome of at most 65535 bytes{found}"
    if chrom != chrom.strip() or any(byte < 32 for byte in chrom):
        return f"expected a chromosome without blanks around it, found {_show(chrom)}"
    for what, field in (("start", start), ("end", end)):
        if not field.isdigit():
            message = f"expected a whole number from 0 as {what}, found {_show(field)}"
            if len(fields) >= 8 and fields[3].isdigit() and fields[4].isdigit():
                message += "; it looks like GFF or GTF: convert it, say with bedops's `gff2bed`"
            elif is_first and not start[:1].isdigit() and not end[:1].isdigit():
                message += "; it looks like a header: prefix it with # or drop it"
            return message
        digits = field.lstrip(b"0")
        if len(digits) > 10 or int(digits or b"0") > MAX_COORDINATE:
            return f"expected {what} of at most {MAX_COORDINATE}, found {_show(field)}"
    first, last = (int(field.lstrip(b"0") or b"0") for field in (start, end))
    if first > last:
        return f"expected start <= end, found {first} > {last}"
    return f"{_NOT_BED}{found}"


def explain_fragment(line: bytes, max_line: int = MAX_LINE, is_first: bool = False) -> str:
    """Say what is wrong with a line that is no fragment."""
    told = explain(line, max_line, is_first)
    if not told.startswith(_NOT_BED):
        return told
    line = line.rstrip(b" \t\r")
    fields = line.split(b"\t") if b"\t" in line else re.split(b" +", line)
    if len(fields) < 4:
        return (
            f"expected four fields (chrom, start, end, barcode) or more, found {len(fields)}: "
            f"{_show(line)}"
        )
    if int(fields[1]) == int(fields[2]):
        return f"expected start < end, found {int(fields[1])}: a fragment has a length"
    if not fields[3]:
        return f"expected a barcode, found an empty field: {_show(line)}"
    if len(fields[3]) > 65535:
        return f"expected a barcode of at most 65535 bytes, found {_show(fields[3])}"
    return f"expected a whole number from 0 as read support (field 5), found {_show(fields[4])}"


def _show(text: bytes) -> str:
    shown = repr(text[:60].decode(errors="backslashreplace"))
    return f"{shown}..." if len(text) > 60 else shown
