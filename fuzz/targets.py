"""What is fuzzed: one function per target, which takes bytes and raises where something is wrong.

Whatever is read, the answer or a documented error is all that may come of it. Where there is a
second way to get the answer, a strict and slow one, both have to agree.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import oracle

import gtok
from gtok._ailist import AIList
from gtok._bed import BedParser
from gtok._bits import Bits
from gtok.bed import explain, explain_fragment
from gtok.config import read_config
from gtok.index import RegionIndex
from gtok.regions import Region
from gtok.tokens_io import read_gtok, read_parquet, write_gtok

# In memory, where there is such a place.
FOLDER = Path(tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
LARGEST = 2**31 - 1


def fed(parser: BedParser, text: bytes, size: int) -> BedParser:
    """A parser that has read a text so many bytes at a time."""
    at = 0
    while at < len(text):
        n = min(size, len(text) - at)
        parser.room(n)[:] = text[at : at + n]
        if not parser.feed(n):
            return parser
        at += n
    parser.finish()
    return parser


def bed(data: bytes) -> None:
    """The parser does what the strict one does; a bad line is explained."""
    if not data:
        return
    size, text = 1 + data[0] * 3, data[1:]
    parser = fed(BedParser((3, 4)), text, size)
    try:
        expected = oracle.parse_bed(text)
    except oracle.BadLine as bad:
        assert parser.bad_line is not None, bad
        line, content = parser.bad_line
        assert line == bad.line, (line, bad)
        assert bad.is_explained_by(explain(content, is_first=line == 1)), bad
        return
    assert parser.bad_line is None, parser.bad_line
    names = parser.chrom_names()
    codes, starts, ends = (column.tolist() for column in parser.columns())
    found = list(zip((names[code] for code in codes), starts, ends, strict=True))
    assert found == expected.rows
    for i, field in enumerate((3, 4)):
        column = parser.text(i)
        if column is not None:
            stops = np.cumsum(column[1])
            column = [column[0][stop - n : stop] for stop, n in zip(stops, column[1], strict=True)]
        assert column == expected.column(field)


def fragments(data: bytes) -> None:
    """As `bed`, with barcodes and read supports."""
    if not data:
        return
    size, text = 1 + data[0] * 3, data[1:]
    parser = fed(BedParser((), 1 << 26, True), text, size)
    try:
        expected = oracle.parse_fragments(text)
    except oracle.BadLine as bad:
        assert parser.bad_line is not None, bad
        line, content = parser.bad_line
        assert line == bad.line, (line, bad)
        assert explain_fragment(content, is_first=line == 1)
        return
    assert parser.bad_line is None, parser.bad_line
    names, barcodes = parser.chrom_names(), parser.barcode_names()
    columns = [*parser.columns(), *parser.fragment_columns()]
    found = [
        (names[code], start, end, barcodes[cell], support)
        for code, start, end, cell, support in zip(*(c.tolist() for c in columns), strict=True)
    ]
    assert found == expected


def gzip(data: bytes) -> None:
    """A file of any bytes, inflated if it begins as gzip does, is BED or an error."""
    path = FOLDER / "x.bed.gz"
    path.write_bytes(b"\x1f\x8b" + data)
    try:
        gtok.RegionSet.from_bed(path)
    except gtok.GtokError as error:
        assert "x.bed.gz" in str(error)


def tokens(data: bytes) -> None:
    """A `.gtok` file is read and written back as it was, or refused."""
    path = FOLDER / "x.gtok"
    path.write_bytes(b"GTOK" + data)
    try:
        ids = read_gtok(path)
    except gtok.GtokError as error:
        assert "x.gtok" in str(error)
        return
    write_gtok(path, ids)
    assert np.array_equal(read_gtok(path), ids)


def parquet(data: bytes) -> None:
    """A parquet file of tokens is read, or refused."""
    path = FOLDER / "x.parquet"
    path.write_bytes(data)
    try:
        names, batch = read_parquet(path)
    except gtok.GtokError as error:
        assert "x.parquet" in str(error)
        return
    assert len(names) == len(batch)


def region(data: bytes) -> None:
    """A string is a region, which is written as it was read but for zeros, or an error."""
    text = data.decode(errors="surrogateescape")
    try:
        found = Region.parse(text)
    except gtok.GtokError:
        return
    assert Region.parse(str(found)) == found
    try:
        regions = gtok.as_regions([text])
    except gtok.GtokError:
        return
    assert list(regions) == [found]


def config(data: bytes) -> None:
    """A TOML config is read, or refused."""
    (FOLDER / "universe.bed").write_bytes(b"chr1\t1\t2\n")
    path = FOLDER / "x.toml"
    path.write_bytes(data)
    try:
        found = read_config(path)
    except gtok.GtokError as error:
        assert "x.toml" in str(error)
        return
    try:
        found.load_universe("error")
    except (gtok.GtokError, OSError):
        return


def folder(data: bytes) -> None:
    """A saved folder is loaded, or refused; the file ends with the first NUL byte."""
    config, _, universe = data.partition(b"\0")
    made = FOLDER / "saved"
    made.mkdir(exist_ok=True)
    (made / "tokenizer.toml").write_bytes(config)
    (made / "universe.bed").write_bytes(universe)
    try:
        tokenizer = gtok.Tokenizer.from_pretrained(made)
    except (gtok.GtokError, OSError):
        return
    assert tokenizer.encode_batch([tokenizer.universe.regions]).n_hits is not None


def overlaps(data: bytes) -> None:
    """BITS, AIList and looking at every region agree on what overlaps, and by how much."""
    numbers = np.frombuffer(data[: len(data) // 8 * 8], np.uint32).reshape(-1, 2)
    if len(numbers) < 2:
        return
    # Small coordinates meet more often than large ones; some are as large as there are.
    shift = data[0] % 24
    starts = (numbers[:, 0] & LARGEST).astype(np.int64) >> shift
    ends = np.minimum(starts + (numbers[:, 1] >> (shift + data[1] % 8)), LARGEST)
    codes = (numbers[:, 1] & 1).astype(np.int32)
    n = 1 + data[2] % (len(numbers) - 1)
    universe = gtok.RegionSet.from_codes(codes[:n], ["a", "b"], starts[:n], ends[:n])
    queries = gtok.RegionSet.from_codes(codes[n:], ["a", "b"], starts[n:], ends[n:])
    side = np.s_[:, None]
    hit = (
        (queries.codes[side] == universe.codes)
        & (queries.starts[side] < universe.ends)
        & (queries.ends[side] > universe.starts)
    )
    least = 1 + data[3] % 9
    shared = np.minimum(queries.ends[side], universe.ends).astype(np.int64)
    shared -= np.maximum(queries.starts[side], universe.starts)
    for method in ("bits", "ailist"):
        index = gtok.build_index(universe, method)
        assert isinstance(index, RegionIndex)
        assert isinstance(index.kernel, (Bits, AIList))
        for expected, min_overlap in ((hit, None), (hit & (shared >= least), least)):
            offsets, ids = index.overlaps(queries, min_overlap=min_overlap)
            found = np.zeros_like(hit)
            found[np.repeat(np.arange(len(queries)), np.diff(offsets)), ids] = True
            assert np.array_equal(found, expected), method
            counts = expected.sum(axis=1)
            assert np.array_equal(np.diff(offsets), counts), method
            assert np.array_equal(index.count(queries, min_overlap=min_overlap), counts), method


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (bed, fragments, overlaps, gzip, tokens, parquet, region, config, folder)
}
