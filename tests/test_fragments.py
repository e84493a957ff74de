"""Counting fragments of single cells, against plain Python that looks at a line at a time."""

from __future__ import annotations

import bisect
import gzip
import itertools
import math
import os
import random
import re
import struct
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tqdm
from hypothesis import given
from hypothesis import strategies as st

import gtok
from gtok import BedError, GtokError, RegionSet, Universe, count_fragments
from gtok.building import chrom_sizes

COUNTING = ("fragment", "insertion", "paired-insertion")
MITOCHONDRIAL = ("chrM", "chrMT", "MT", "M", "Mt", "mitochondrion_genome")
LARGEST = 2**31 - 1
# The empty block that ends a file of bgzip, as the SAM specification prints it.
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")

may_not_match = pytest.mark.filterwarnings("ignore:no (chromosome|barcode) of")


# --- The oracle


class Expected:
    """What is to be counted: barcodes by row, counts by (row, region), quality by column."""

    def __init__(
        self,
        text,
        regions,
        *,
        barcodes=None,
        min_length=1,
        max_length=LARGEST,
        shift=(0, 0),
        exclude=(),
        tss=None,
    ):
        self.barcodes = list(barcodes or [])
        rows = {barcode: row for row, barcode in enumerate(self.barcodes)}
        self.counts = {counting: Counter() for counting in COUNTING}
        self.lengths = [0] * 1001
        find, left_out = Finder(regions), Finder(exclude)
        stats = [Counter() for _ in self.barcodes]
        has_mito = False
        for line in text.decode(errors="replace").split("\n"):
            line = line.rstrip(" \t\r")
            if not line or line.startswith("#"):
                continue
            fields = line.split("\t") if "\t" in line else line.split()
            chrom, start, end, barcode = fields[0], int(fields[1]), int(fields[2]), fields[3]
            has_mito |= chrom in MITOCHONDRIAL
            if barcode not in rows:
                if barcodes is not None:
                    continue
                rows[barcode] = len(rows)
                self.barcodes.append(barcode)
                stats.append(Counter())
            row = rows[barcode]
            cell = stats[row]
            start, end = (
                min(max(at + by, 0), LARGEST) for at, by in zip((start, end), shift, strict=True)
            )
            if (
                start >= end
                or not min_length <= end - start <= max_length
                or left_out.overlapping(chrom, start, end)
            ):
                cell["excluded"] += 1
                continue
            hits = find.overlapping(chrom, start, end)
            cell["n"] += 1
            if chrom in MITOCHONDRIAL:
                cell["mito"] += 1
            elif hits:
                cell["within"] += 1
            if len(fields) > 4:
                cell["reads"] += int(fields[4])
                cell["repeats"] += int(fields[4]) - 1
            if end - start < 147:
                cell["free"] += 1
            elif end - start < 294:
                cell["mono"] += 1
            self.lengths[min(end - start, 1000)] += 1
            for first, last, region in hits:
                cuts = sum(first <= cut < last for cut in (start, end - 1))
                self.counts["fragment"][row, region] += 1
                self.counts["insertion"][row, region] += cuts
                self.counts["paired-insertion"][row, region] += cuts > 0
            for site_chrom, site in set(tss or ()):
                if site_chrom == chrom:
                    for cut in (start, end - 1):
                        cell["near"] += abs(cut - site) <= 50
                        cell["beside"] += 1900 < abs(cut - site) <= 2000
        self.quality = {
            "n_fragments": [cell["n"] for cell in stats],
            "n_excluded": [cell["excluded"] for cell in stats],
            "frip": [share(cell["within"], cell["n"] - cell["mito"]) for cell in stats],
            "duplicates": [share(cell["repeats"], cell["reads"]) for cell in stats],
            "mitochondrial": [
                share(cell["mito"], cell["n"]) if has_mito else math.nan for cell in stats
            ],
            "nucleosome_signal": [share(cell["mono"], cell["free"]) for cell in stats],
        }
        if tss is not None:
            self.quality["tss_enrichment"] = [
                cell["near"] / 101 / max(cell["beside"] / 200, 0.2) for cell in stats
            ]

    def check(self, cells, counting="paired-insertion"):
        """Everything that a matrix holds is what it should be."""
        assert cells.barcodes == self.barcodes
        assert cells.X.shape == (len(self.barcodes), len(cells.universe))
        assert counts_of(cells) == {key: n for key, n in self.counts[counting].items() if n}
        assert cells.settings["counting"] == counting
        self.check_quality(cells)

    def check_quality(self, cells):
        assert list(cells.quality) == list(self.quality)
        for name, column in self.quality.items():
            np.testing.assert_allclose(cells.quality[name], column, rtol=1e-12, err_msg=name)
        assert cells.lengths.tolist() == self.lengths


class Finder:
    """Regions by chromosome and start, of which a stretch is looked through."""

    def __init__(self, regions):
        self.by_chrom = {}
        for number, (chrom, start, end) in enumerate(regions):
            self.by_chrom.setdefault(chrom, []).append((start, end, number))
        self.starts, self.widest = {}, {}
        for chrom, found in self.by_chrom.items():
            found.sort()
            self.starts[chrom] = [start for start, _, _ in found]
            self.widest[chrom] = max(end - start for start, end, _ in found)

    def overlapping(self, chrom, start, end):
        if chrom not in self.by_chrom:
            return []
        first = bisect.bisect_left(self.starts[chrom], start - self.widest[chrom])
        last = bisect.bisect_left(self.starts[chrom], end)
        return [hit for hit in self.by_chrom[chrom][first:last] if hit[1] > start]


def share(part, whole):
    return part / whole if whole > 0 else math.nan


def counts_of(cells):
    """The counts by (row, region), after a look at how the matrix is kept."""
    matrix = cells.X
    assert matrix.format == "csr"
    assert matrix.dtype == np.uint32
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
    assert (matrix.data > 0).all()
    found = {}
    for row in range(matrix.shape[0]):
        stretch = slice(matrix.indptr[row], matrix.indptr[row + 1])
        columns = matrix.indices[stretch].tolist()
        assert columns == sorted(set(columns))
        found |= {
            (row, column): n
            for column, n in zip(columns, matrix.data[stretch].tolist(), strict=True)
        }
    return found


def universe_of(regions):
    chroms, starts, ends = zip(*regions, strict=True)
    return Universe(RegionSet(list(chroms), list(starts), list(ends)))


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def bgzip(text, size=5000):
    """As bgzip writes: blocks that tell their lengths, an empty one at the end."""
    blocks = []
    for at in range(0, len(text), size):
        piece = text[at : at + size]
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = deflate.compress(piece) + deflate.flush()
        head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0"
        head += struct.pack("<H", len(packed) + 25)
        blocks.append(head + packed + struct.pack("<II", zlib.crc32(piece), len(piece)))
    return b"".join([*blocks, BGZF_END])


def lines(n, seed=1, n_cells=20, chroms=("chr1", "chr2", "chrX", "chrM"), reach=100_000):
    """Fragments of every length in no order."""
    chance = random.Random(seed)
    made = []
    for _ in range(n):
        start = chance.randrange(reach)
        length = int(chance.expovariate(1 / 180)) + 1
        barcode = f"{chance.randrange(n_cells) ** 7 % 100_003:05d}AACCGGTT-1"
        made.append(
            f"{chance.choice(chroms)}\t{start}\t{start + length}\t{barcode}\t"
            f"{chance.randrange(1, 5)}\n"
        )
    return "".join(made).encode()


def some_regions(n=300, seed=2, chroms=("chr1", "chr2", "chrM", "chr9"), reach=100_000):
    """Regions that overlap one another, short and long."""
    chance = random.Random(seed)
    made = set()
    while len(made) < n:
        start = chance.randrange(reach)
        made.add((chance.choice(chroms), start, start + chance.choice([1, 20, 500, 3000, 20_000])))
    made = sorted(made)
    chance.shuffle(made)
    return made


REGIONS = some_regions()


# --- Counting

# Of the region chr1:1000-2000: by fragment, by insertion, by paired insertion.
WORKED = [
    ((1000, 1500), (1, 2, 1)),
    ((1900, 2100), (1, 1, 1)),
    ((900, 2600), (1, 0, 0)),
    ((500, 1000), (0, 0, 0)),
    ((500, 1001), (1, 1, 1)),
    ((2000, 2200), (0, 0, 0)),
    ((1999, 2200), (1, 1, 1)),
    ((500, 2000), (1, 1, 1)),
    ((1200, 1201), (1, 2, 1)),
    ((999, 1000), (0, 0, 0)),
]


@pytest.mark.parametrize(("bounds", "counts"), WORKED)
@pytest.mark.parametrize("counting", COUNTING)
def test_each_way_of_counting_by_hand(tmp_path, bounds, counts, counting):
    path = write(tmp_path / "f.tsv", f"chr1\t{bounds[0]}\t{bounds[1]}\tAAAC-1\t7\n")
    cells = count_fragments(path, ["chr1:1000-2000"], counting=counting)
    assert cells.X.toarray().tolist() == [[counts[COUNTING.index(counting)]]]
    assert cells.quality["n_fragments"].tolist() == [1]
    assert cells.quality["frip"].tolist() == [counts[0]]


def test_paired_insertion_is_the_way_that_is_not_asked_for(tmp_path):
    path = write(tmp_path / "f.tsv", "chr1\t1000\t1500\tA\nchr1\t900\t2600\tA\n")
    cells = count_fragments(path, ["chr1:1000-2000"])
    assert cells.X.toarray().tolist() == [[1]]
    assert cells.settings["counting"] == "paired-insertion"


def test_cuts_in_different_regions_are_one_count_each(tmp_path):
    path = write(tmp_path / "f.tsv", "chr1\t150\t350\tA\n")
    regions = ["chr1:100-200", "chr1:200-300", "chr1:300-400", "chr1:0-1000"]
    for counting, expected in zip(
        COUNTING, ([1, 1, 1, 1], [1, 0, 1, 2], [1, 0, 1, 1]), strict=True
    ):
        cells = count_fragments(path, regions, counting=counting)
        assert cells.X.toarray().tolist() == [expected]


@pytest.mark.parametrize("counting", COUNTING)
def test_many_fragments_in_no_order(tmp_path, counting):
    text = lines(20_000)
    cells = count_fragments(
        write(tmp_path / "f.tsv", text), universe_of(REGIONS), counting=counting
    )
    Expected(text, REGIONS).check(cells, counting)
    assert 0 < cells.quality["mitochondrial"].min() < cells.quality["mitochondrial"].max() < 1


names = st.sampled_from(["chr1", "chr2", "chr10_KI270706v1_random", "MT", "1"])
bounds = st.tuples(st.integers(0, 80), st.integers(1, 60)).map(lambda x: (x[0], x[0] + x[1]))
barcodes = st.sampled_from(
    ["A", "AC", "AAACCCTG-1", "AAACCCTGTT-1", "AAACCCTGTT-2", "x:y z", "é", "B" * 300]
)
fragments = st.tuples(
    names, st.one_of(bounds, bounds.map(lambda x: (x[0], x[1] + 240))), barcodes, st.integers(0, 9)
)
regions = st.lists(
    st.tuples(names, bounds).map(lambda x: (x[0], *x[1])), min_size=1, max_size=12, unique=True
)
between = st.sampled_from(["", "# a comment\n", "\n", "  \n"])


def as_text(rows, columns, newline, separators):
    made = []
    for (chrom, (start, end), barcode, support), n, before in zip(
        rows, columns, separators, strict=True
    ):
        further = [str(support), "+"][: n - 4]
        line = "\t".join([chrom, str(start), str(end), barcode, *further])
        made.append(before + line + newline)
    return "".join(made).encode()


@st.composite
def files(draw):
    rows = draw(st.lists(fragments, max_size=30))
    n = len(rows)
    columns = draw(
        st.one_of(
            st.sampled_from([4, 5, 6]).map(lambda width: [width] * n),
            st.lists(st.sampled_from([4, 5, 6]), min_size=n, max_size=n),
        )
    )
    befores = draw(st.lists(between, min_size=n, max_size=n))
    text = as_text(rows, columns, draw(st.sampled_from(["\n", "\r\n"])), befores)
    return text.rstrip(b"\r\n") if draw(st.booleans()) else text


@may_not_match
@given(text=files(), regions=regions)
def test_any_file(tmp_path, text, regions):
    path = write(tmp_path / "f.tsv", text)
    expected = Expected(text, regions)
    for counting in COUNTING:
        expected.check(count_fragments(path, universe_of(regions), counting=counting), counting)


@may_not_match
@given(
    text=files(),
    regions=regions,
    exclude=regions,
    shift=st.tuples(st.integers(-30, 30), st.integers(-30, 30)),
    min_length=st.integers(1, 30),
    max_length=st.integers(20, 300),
    tss=st.lists(st.tuples(names, st.integers(0, 2200)), min_size=1, max_size=5),
    whitelist=st.one_of(st.none(), st.lists(barcodes, min_size=1, unique=True)),
    counting=st.sampled_from(COUNTING),
)
def test_any_file_with_all_options(
    tmp_path, text, regions, exclude, shift, min_length, max_length, tss, whitelist, counting
):
    options = {"shift": shift, "min_length": min_length, "max_length": max_length}
    cells = count_fragments(
        write(tmp_path / "f.tsv", text),
        universe_of(regions),
        counting=counting,
        barcodes=whitelist,
        exclude=[f"{chrom}:{start}-{end}" for chrom, start, end in exclude],
        tss=[f"{chrom}:{site}-{site + 1}" for chrom, site in tss],
        **options,
    )
    expected = Expected(text, regions, barcodes=whitelist, exclude=exclude, tss=tss, **options)
    expected.check(cells, counting)


def test_more_counts_than_wait_to_be_sorted(tmp_path):
    chance = np.random.default_rng(5)
    n, width, n_cells = 650_000, 100, 50
    starts = chance.integers(0, 1_900_000, n)
    ends = starts + chance.integers(1, 2000, n)
    cells = chance.integers(0, n_cells, n)
    text = "".join(
        f"chr1\t{start}\t{end}\tCELL{cell:02d}\n"
        for start, end, cell in zip(starts.tolist(), ends.tolist(), cells.tolist(), strict=True)
    )
    tiles = Universe.tiles({"chr1": 2_000_000}, width)
    found = count_fragments(
        write(tmp_path / "f.tsv", text),
        tiles,
        counting="fragment",
        barcodes=[f"CELL{cell:02d}" for cell in range(n_cells)],
    )
    first, last = starts // width, (ends - 1) // width
    reach = last - first + 1
    places = np.repeat(first - np.cumsum(reach) + reach, reach) + np.arange(reach.sum())
    keys, counts = np.unique(np.repeat(cells, reach) * len(tiles) + places, return_counts=True)
    assert reach.sum() > 3 * 2**21
    coo = found.X.tocoo()
    assert np.array_equal(coo.row.astype(np.int64) * len(tiles) + coo.col, keys)
    assert np.array_equal(coo.data, counts)
    assert found.quality["n_fragments"].tolist() == np.bincount(cells).tolist()


def test_cells_beyond_what_was_made_room_for(tmp_path):
    n = 5000
    text = "".join(f"chr1\t{i}\t{i + 10}\tcell{i}\n" for i in range(n)).encode()
    path = write(tmp_path / "f.tsv", text)
    other = write(tmp_path / "g.tsv", text)
    cells = count_fragments([path, other], ["chr1:0-100", "chr1:4000-6000"])
    assert cells.barcodes == [f"cell{i}" for i in range(n)] * 2
    assert cells.quality["n_fragments"].tolist() == [1] * 2 * n
    assert cells.X[:n].sum(axis=0).tolist() == cells.X[n:].sum(axis=0).tolist() == [[100, 1009]]


# --- Quality


def quality(tmp_path, text, universe=("chr1:0-1000",), **options):
    cells = count_fragments(write(tmp_path / "f.tsv", text), list(universe), **options)
    return {name: column.tolist() for name, column in cells.quality.items()}


def test_frip_leaves_mitochondrial_fragments_apart(tmp_path):
    text = "chr1\t5\t9\tA\nchr1\t2000\t2009\tA\nchr1\t5\t9\tA\nchr2\t1\t2\tA\n" + (
        "chrM\t10\t20\tA\n" * 4 + "chrM\t10\t20\tB\n"
    )
    found = quality(tmp_path, text, ["chr1:0-1000", "chrM:0-1000"])
    assert found["frip"] == pytest.approx([0.5, math.nan], nan_ok=True)
    assert found["mitochondrial"] == [0.5, 1]


@pytest.mark.parametrize("counting", COUNTING)
def test_frip_is_of_fragments_whatever_is_counted(tmp_path, counting):
    text = "chr1\t5\t2000\tA\nchr1\t900\t1100\tA\nchr1\t10\t20\tA\nchr2\t10\t20\tA\n"
    found = quality(tmp_path, text, ["chr1:0-1000", "chr1:500-1500"], counting=counting)
    assert found["frip"] == [0.75]


@pytest.mark.parametrize("name", MITOCHONDRIAL)
def test_what_a_mitochondrial_contig_is_called(tmp_path, name):
    found = quality(tmp_path, f"chr1\t5\t9\tA\n{name}\t5\t9\tA\nchr1\t5\t9\tB\n")
    assert found["mitochondrial"] == [0.5, 0]


def test_no_mitochondrial_share_without_such_a_contig(tmp_path):
    found = quality(tmp_path, "chr1\t5\t9\tA\nchrMU\t5\t9\tA\nchrUn_M\t1\t2\tA\n")
    assert np.isnan(found["mitochondrial"]).all()


def test_each_file_has_a_mitochondrial_contig_of_its_own(tmp_path):
    with_mito = write(tmp_path / "a.tsv", "chr1\t5\t9\tA\nchrM\t5\t9\tA\n")
    without = write(tmp_path / "b.tsv", "chr1\t5\t9\tA\n")
    cells = count_fragments([without, with_mito], ["chr1:0-9"])
    assert cells.quality["mitochondrial"].tolist() == pytest.approx([math.nan, 0.5], nan_ok=True)


def test_duplicates_are_the_reads_that_repeat(tmp_path):
    found = quality(tmp_path, "chr1\t5\t9\tA\t3\nchr1\t5\t9\tA\t1\nchr1\t5\t9\tB\t1\n")
    assert found["duplicates"] == [0.5, 0]


def test_no_duplicates_without_read_supports(tmp_path):
    assert np.isnan(quality(tmp_path, "chr1\t5\t9\tA\nchr1\t5\t9\tB\t\n")["duplicates"]).all()


def test_nucleosome_signal_and_lengths(tmp_path):
    lengths = [1, 146, 147, 293, 294, 999, 1000, 1001, 5000]
    text = "".join(f"chr1\t7\t{7 + n}\tA\n" for n in lengths) + "chr1\t0\t200\tB\n"
    cells = count_fragments(write(tmp_path / "f.tsv", text), ["chr1:0-10"])
    assert cells.quality["nucleosome_signal"].tolist() == pytest.approx([1, math.nan], nan_ok=True)
    assert len(cells.lengths) == 1001
    once = [1, 146, 147, 200, 293, 294, 999]
    assert np.flatnonzero(cells.lengths).tolist() == [*once, 1000]
    assert cells.lengths[once].tolist() == [1] * 7
    assert cells.lengths[1000] == 3


def test_tss_enrichment_by_hand(tmp_path):
    text = (
        "chr1\t9950\t10051\tA\n"  # both ends within 50 bp
        "chr1\t9949\t10052\tA\n"  # neither
        "chr1\t8000\t8101\tA\n"  # the first end at 2,000 bp, the other at 1,900
        "chr1\t11900\t12001\tA\n"  # the second one
        "chr1\t8099\t12002\tA\n"  # the first one
        "chr2\t9990\t10010\tA\n"  # another chromosome
        + "chr1\t8000\t8100\tB\n" * 60  # both ends beside it
        + "chr1\t10000\t10001\tB\n" * 5  # both ends at the site
        + "chr1\t5\t9\tC\n"
    )
    found = quality(tmp_path, text, tss=["chr1:10000-10500"])
    expected = [2 / 101 / 0.2, 10 / 101 / (120 / 200), 0]
    assert found["tss_enrichment"] == pytest.approx(expected, rel=1e-12)


def test_tss_may_be_a_file_and_stand_at_the_very_start(tmp_path):
    sites = write(tmp_path / "tss.bed", "chr1\t0\t1\nchr1\t0\t90\nchr1\t1500\t1501\nchr7\t5\t6\n")
    text = lines(300, reach=4000, chroms=("chr1", "chr7"))
    cells = count_fragments(write(tmp_path / "f.tsv", text), ["chr1:0-1000"], tss=sites)
    wanted = Expected(text, [("chr1", 0, 1000)], tss=[("chr1", 0), ("chr1", 1500), ("chr7", 5)])
    wanted.check(cells)
    assert cells.quality["tss_enrichment"].max() > 0


def test_sites_close_to_one_another_each_count(tmp_path):
    found = quality(tmp_path, "chr1\t5000\t5001\tA\n", tss=["chr1:4990-4991", "chr1:5010-5011"])
    assert found["tss_enrichment"] == pytest.approx([4 / 101 / 0.2])


def test_tss_near_the_largest_coordinate(tmp_path):
    found = quality(
        tmp_path, "chr1\t2147483600\t2147483601\tA\n", tss=["chr1:2147483600-2147483601"]
    )
    assert found["tss_enrichment"] == pytest.approx([2 / 101 / 0.2])


def test_no_tss_enrichment_without_sites(tmp_path):
    assert list(quality(tmp_path, "chr1\t5\t9\tA\n")) == [
        "n_fragments", "n_excluded", "frip", "duplicates", "mitochondrial", "nucleosome_signal",
    ]  # fmt: skip


# --- What is left out


def test_lengths_have_limits(tmp_path):
    text = "".join(f"chr1\t10\t{10 + n}\tA\n" for n in (99, 100, 101, 199, 200, 201))
    path = write(tmp_path / "f.tsv", text)
    for options, kept in (
        ({"min_length": 100}, 5),
        ({"max_length": 200}, 5),
        ({"min_length": 100, "max_length": 200}, 4),
        ({"min_length": 150, "max_length": 150}, 0),
    ):
        cells = count_fragments(path, ["chr1:0-50"], **options)
        assert cells.X.sum() == kept
        assert cells.lengths.sum() == kept
        assert cells.quality["n_fragments"].tolist() == [kept]
        assert cells.quality["n_excluded"].tolist() == [6 - kept]
        assert cells.barcodes == ["A"]


def test_shift_moves_both_ends(tmp_path):
    path = write(tmp_path / "f.tsv", "chr1\t96\t205\tA\n")
    for regions, expected in (
        (["chr1:99-100", "chr1:100-101"], [0, 1]),
        (["chr1:199-200", "chr1:200-201", "chr1:204-205"], [1, 0, 0]),
    ):
        assert count_fragments(path, regions, shift=(4, -5)).X.toarray().tolist() == [expected]
    cells = count_fragments(path, ["chr1:0-1000"], shift=(4, -5))
    assert np.flatnonzero(cells.lengths).tolist() == [100]
    assert cells.settings["shift"] == [4, -5]


@pytest.mark.parametrize("length", [1, 8, 9, 10, 11])
def test_a_fragment_of_which_a_shift_leaves_nothing_is_left_out(tmp_path, length):
    text = f"chr1\t500\t{500 + length}\tA\t2\nchr1\t100\t300\tA\t4\n"
    cells = count_fragments(write(tmp_path / "f.tsv", text), ["chr1:0-1000"], shift=(4, -5))
    gone = length <= 9
    assert cells.quality["n_excluded"].tolist() == [int(gone)]
    assert cells.X.toarray().tolist() == [[2 - gone]]
    assert cells.quality["duplicates"].tolist() == [3 / 4 if gone else 4 / 6]
    Expected(text.encode(), [("chr1", 0, 1000)], shift=(4, -5)).check(cells)


def test_a_shift_stops_at_the_ends_of_what_coordinates_there_are(tmp_path):
    text = f"chr1\t2\t20\tA\nchr1\t{LARGEST - 10}\t{LARGEST - 2}\tA\nchr1\t0\t3\tA\n"
    path = write(tmp_path / "f.tsv", text)
    cells = count_fragments(path, ["chr1:0-1"], shift=(-5, 0), counting="insertion")
    assert cells.X.toarray().tolist() == [[2]]
    cells = count_fragments(path, [f"chr1:{LARGEST - 1}-{LARGEST}"], shift=(0, 5))
    assert cells.X.toarray().tolist() == [[1]]
    cells = count_fragments(path, ["chr1:0-1"], shift=(0, -5))
    assert cells.quality["n_excluded"].tolist() == [1]


@pytest.mark.parametrize("options", [{}, {"shift": (4, -5)}, {"min_length": 50}])
def test_exclusions_are_chromosomes_regions_or_a_bed_file(tmp_path, options):
    text = lines(3000)
    path = write(tmp_path / "f.tsv", text)
    excluded = [("chr2", 0, LARGEST), ("chr1", 20_000, 60_000), ("chrM", 5, 6)]
    bed = write(tmp_path / "e.bed", "".join(f"{chrom}\t{lo}\t{hi}\n" for chrom, lo, hi in excluded))
    wanted = Expected(text, REGIONS, exclude=excluded, **options)
    for exclude in (bed, str(bed), ["chr2", "chr1:20000-60000", "chrM:5-6"]):
        wanted.check(count_fragments(path, universe_of(REGIONS), exclude=exclude, **options))
    assert sum(wanted.quality["n_excluded"]) > 500


def test_touching_an_exclusion_is_not_overlapping_it(tmp_path):
    text = "chr1\t10\t20\tA\nchr1\t9\t11\tB\nchr1\t29\t40\tC\nchr1\t30\t40\tD\n"
    found = quality(tmp_path, text, exclude=["chr1:20-30", "chr1:0-10"])
    assert found["n_excluded"] == [0, 1, 1, 0]
    assert found["n_fragments"] == [1, 0, 0, 1]


def test_a_cell_of_nothing_but_exclusions_keeps_its_row(tmp_path):
    text = "chrM\t10\t20\tA\t1\nchr1\t9\t11\tB\t1\n"
    found = quality(tmp_path, text, exclude=["chrM"])
    assert found["n_fragments"] == [0, 1]
    assert found["n_excluded"] == [1, 0]
    assert np.isnan([found["frip"][0], found["duplicates"][0], found["mitochondrial"][0]]).all()
    assert found["mitochondrial"][1] == 0


# --- Whitelists


def test_a_whitelist_says_which_rows_there_are_and_in_which_order(tmp_path):
    text = lines(4000)
    path = write(tmp_path / "f.tsv", text)
    present = count_fragments(path, ["chr1:0-9"]).barcodes
    assert len(present) == 20
    whitelist = [*present[7:2:-1], "NOT-THERE", present[12], "NOR-THIS"]
    expected = Expected(text, REGIONS, barcodes=whitelist)
    assert [n == 0 for n in expected.quality["n_fragments"]] == [False] * 5 + [True, False, True]
    as_file = write(tmp_path / "w.txt", "\n".join(whitelist))
    crlf = write(tmp_path / "c.txt", "\r\n".join(["", *whitelist, "", ""]))
    zipped = write(tmp_path / "w.txt.gz", gzip.compress("\n".join(whitelist).encode()))
    for given_as in (whitelist, tuple(whitelist), as_file, str(as_file), crlf, zipped):
        cells = count_fragments(path, universe_of(REGIONS), barcodes=given_as)
        expected.check(cells)
    assert cells.X[5].nnz == cells.X[7].nnz == 0
    assert np.isnan(cells.quality["frip"][[5, 7]]).all()


def test_a_whitelist_is_that_of_each_file(tmp_path):
    write(tmp_path / "a.tsv", "chr1\t5\t9\tA\nchr1\t5\t9\tX\n")
    write(tmp_path / "b.tsv", "chr1\t5\t9\tB\nchr1\t5\t9\tB\n")
    cells = count_fragments(
        [tmp_path / "a.tsv", tmp_path / "b.tsv"], ["chr1:0-9"], barcodes=["B", "A"]
    )
    assert cells.names == ["a:B", "a:A", "b:B", "b:A"]
    assert cells.X.toarray().ravel().tolist() == [0, 1, 2, 0]


def test_a_large_whitelist(tmp_path):
    whitelist = [f"{i:07d}-1" for i in range(30_000)]
    rows = random.Random(3).choices(range(30_000), k=5000)
    text = "".join(f"chr1\t5\t9\t{whitelist[row]}\n" for row in rows)
    path = write(tmp_path / "f.tsv", text)
    cells = count_fragments(
        path, ["chr1:0-9"], barcodes=write(tmp_path / "w", "\n".join(whitelist))
    )
    assert cells.barcodes == whitelist
    expected = np.bincount(rows, minlength=30_000)
    assert np.array_equal(cells.X.toarray()[:, 0], expected)


@pytest.mark.parametrize(
    ("listed", "pattern"),
    [
        (["A", "B", "A"], "expected each barcode once, found 'A' twice"),
        ([], "expected barcodes, found none"),
        (["A", ""], "expected barcodes, found an empty one"),
    ],
)
def test_whitelists_that_are_none(tmp_path, listed, pattern):
    path = write(tmp_path / "f.tsv", "chr1\t5\t9\tA\n")
    with pytest.raises(GtokError, match=pattern):
        count_fragments(path, ["chr1:0-9"], barcodes=listed)


def test_a_whitelist_file_is_named_where_it_is_wrong(tmp_path):
    path = write(tmp_path / "f.tsv", "chr1\t5\t9\tA\n")
    twice = write(tmp_path / "twice.txt", "A\nB\nB\n")
    with pytest.raises(GtokError, match=r"twice\.txt: .*'B' twice"):
        count_fragments(path, ["chr1:0-9"], barcodes=twice)
    empty = write(tmp_path / "empty.txt", "\n\n")
    with pytest.raises(GtokError, match=r"empty\.txt: .*found none"):
        count_fragments(path, ["chr1:0-9"], barcodes=empty)
    with pytest.raises(FileNotFoundError):
        count_fragments(path, ["chr1:0-9"], barcodes=tmp_path / "nowhere.txt")


# --- Several files


def test_cells_of_several_files_stay_apart(tmp_path):
    texts = [
        lines(500, seed=seed, chroms=chroms)
        for seed, chroms in enumerate([("chr1", "chr2"), ("chrM", "chr2", "chr1"), ("chr9",)])
    ]
    paths = [
        write(tmp_path / name, gzip.compress(text))
        for name, text in zip(
            ["pbmc_fragments.tsv.gz", "liver.fragments.tsv.bgz", "x.bed"], texts, strict=True
        )
    ]
    each = [Expected(text, REGIONS) for text in texts]
    samples = np.repeat(["pbmc", "liver", "x"], [len(one.barcodes) for one in each]).tolist()
    as_dict = dict(zip(["pbmc", "liver", "x"], map(str, paths), strict=True))
    for given_as, n_threads in (
        (paths, 1),
        (tuple(map(str, paths)), 2),
        (iter(paths), None),
        (as_dict, 3),
    ):
        cells = count_fragments(given_as, universe_of(REGIONS), n_threads=n_threads)
        assert cells.samples == samples
        assert cells.barcodes == [barcode for one in each for barcode in one.barcodes]
        assert cells.names == [f"{a}:{b}" for a, b in zip(samples, cells.barcodes, strict=True)]
        for sample, one in zip(as_dict, each, strict=True):
            part = cells[np.array(cells.samples) == sample]
            assert part.barcodes == one.barcodes
            assert counts_of(part) == {
                key: n for key, n in one.counts["paired-insertion"].items() if n
            }
            for name, column in one.quality.items():
                np.testing.assert_allclose(part.quality[name], column, rtol=1e-12)
        assert cells.lengths.tolist() == np.sum([one.lengths for one in each], axis=0).tolist()


def test_a_dict_names_its_samples(tmp_path):
    path = write(tmp_path / "fragments.tsv", "chr1\t5\t9\tA\n")
    cells = count_fragments({"x": path, "y": path}, ["chr1:0-9"])
    assert cells.names == ["x:A", "y:A"]
    assert cells.X.toarray().tolist() == [[1], [1]]
    assert cells.stats["sample"].tolist() == ["x", "y"]


def test_a_single_file_has_no_sample(tmp_path):
    path = write(tmp_path / "fragments.tsv", "chr1\t5\t9\tA\n")
    for given_as in (path, str(path), [path]):
        cells = count_fragments(given_as, ["chr1:0-9"])
        assert cells.samples is None
        assert cells.names == ["A"]


def test_files_of_one_name_are_refused(tmp_path):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(write(tmp_path / folder / "fragments.tsv", "chr1\t5\t9\tA\n"))
    with pytest.raises(GtokError, match=r"'fragments' twice.*pass a dict"):
        count_fragments(paths, ["chr1:0-9"])


@pytest.mark.parametrize("paths", [[], {}, ()])
def test_no_file_is_refused(paths):
    with pytest.raises(GtokError, match="found none"):
        count_fragments(paths, ["chr1:0-9"])


def test_a_sample_with_a_colon_is_refused(tmp_path):
    path = write(tmp_path / "f.tsv", "chr1\t5\t9\tA\n")
    with pytest.raises(GtokError, match=r"without a colon.*'a:b'"):
        count_fragments({"a:b": path, "c": path}, ["chr1:0-9"])


# --- What can hardly be meant


def test_a_file_of_other_chromosomes_is_warned_of(tmp_path):
    path = write(tmp_path / "f.tsv", "1\t5\t9\tA\n2\t5\t9\tA\n")
    with pytest.warns(UserWarning, match=r"no chromosome of .*f\.tsv is in the universe") as told:
        cells = count_fragments(path, ["chr1:0-9"])
    assert len(told) == 1
    assert "'chr1'" in str(told[0].message)
    assert "'1'" in str(told[0].message)
    assert cells.X.toarray().tolist() == [[0]]
    assert cells.quality["frip"].tolist() == [0]


def test_one_chromosome_in_common_is_enough(tmp_path):
    path = write(tmp_path / "f.tsv", "1\t5\t9\tA\nchr1\t5\t9\tA\n")
    assert count_fragments(path, ["chr1:0-9", "chr7:0-9"]).X.toarray().tolist() == [[1, 0]]


def test_a_whitelist_of_other_barcodes_is_warned_of(tmp_path):
    path = write(tmp_path / "f.tsv", "chr1\t5\t9\tA-1\n")
    with pytest.warns(UserWarning, match=r"no barcode of .*f\.tsv is in the whitelist.*'A'"):
        cells = count_fragments(path, ["chr1:0-9"], barcodes=["A", "B"])
    assert cells.X.toarray().tolist() == [[0], [0]]


# --- Forms of files


@pytest.mark.parametrize("size", [30, 60_000])
def test_plain_gzip_and_bgzip_are_the_same(tmp_path, size):
    text = b"# id=x\n" + lines(size)
    wanted = count_fragments(write(tmp_path / "f.tsv", text), universe_of(REGIONS))
    assert wanted.quality["n_fragments"].sum() == size
    half = text.index(b"\n", len(text) // 2) + 1
    for name, content in {
        "f.tsv.gz": gzip.compress(text, 1),
        "g.tsv": gzip.compress(text, 9),
        "f.tsv.bgz": bgzip(text),
        "whole.gz": bgzip(text, 65280),
        "two.gz": gzip.compress(text[:half]) + gzip.compress(text[half:]),
    }.items():
        cells = count_fragments(write(tmp_path / name, content), universe_of(REGIONS))
        assert (cells.X != wanted.X).nnz == 0
        assert cells.barcodes == wanted.barcodes
        for column in wanted.quality:
            np.testing.assert_array_equal(cells.quality[column], wanted.quality[column])


FORMS = {
    "as it is": lambda text: text,
    "CRLF": lambda text: text.replace(b"\n", b"\r\n"),
    "no final newline": lambda text: text[:-1],
    "CRLF and no final newline": lambda text: text.replace(b"\n", b"\r\n")[:-2],
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + text,
    "headers": lambda text: b"# id=x\n# primary_contig=chr1\n" * 30 + text,
    "a header at the end": lambda text: text + b"# the end",
    "blank lines": lambda text: b"\n\r\n" + text.replace(b"\n", b"\n\n") + b"\n\n",
    "spaces": lambda text: text.replace(b"\t", b" "),
    "six columns": lambda text: text.replace(b"\n", b"\t+\n"),
    "sixteen columns": lambda text: text.replace(b"\n", b"\tx\ty y\t\t" + b"\tz" * 8 + b"\n"),
    "blanks at the ends": lambda text: text.replace(b"\n", b" \t \n"),
    "leading zeros": lambda text: re.sub(rb"\t(\d+)\t(\d+)\t", rb"\t000\1\t00\2\t", text),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_lines(tmp_path, form):
    text = lines(2000)
    cells = count_fragments(write(tmp_path / "f.tsv", FORMS[form](text)), universe_of(REGIONS))
    Expected(text, REGIONS).check(cells)


def test_five_columns_with_a_barcode_alike_to_others(tmp_path):
    """Barcodes that share their first 8 bytes, or their last, or are parts of others."""
    chance = random.Random(9)
    stems = ["AAACCCGGG", "AAACCCGG", "AAACCCG", "ACCCGGGTT", "A", "A" * 8, "A" * 9, "A" * 16]
    found = [f"{stem}{chance.choice(['', '-1', '-2', 'A', ':x'])}" for stem in stems * 40]
    text = "".join(f"chr1\t5\t9\t{barcode}\t1\n" for barcode in found).encode()
    cells = count_fragments(write(tmp_path / "f.tsv", text), ["chr1:0-9"])
    assert cells.barcodes == list(dict.fromkeys(found))
    counts = Counter(found)
    assert cells.X.toarray()[:, 0].tolist() == [counts[barcode] for barcode in cells.barcodes]


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"# id=x\n#\n", gzip.compress(b"", mtime=0), BGZF_END]
)
def test_a_file_of_no_fragments(tmp_path, content):
    cells = count_fragments(
        write(tmp_path / "f.tsv", content), ["chr1:0-9", "chr2:0-9"], tss=["chr1:5-6"]
    )
    assert cells.X.shape == (0, 2)
    assert cells.barcodes == []
    assert cells.lengths.sum() == 0
    assert all(len(column) == 0 for column in cells.quality.values())
    listed = count_fragments(tmp_path / "f.tsv", ["chr1:0-9"], barcodes=["A", "B"])
    assert listed.X.toarray().tolist() == [[0], [0]]


def test_an_empty_file_beside_others(tmp_path):
    write(tmp_path / "a.tsv", "")
    write(tmp_path / "b.tsv", "chr1\t5\t9\tA\n")
    cells = count_fragments([tmp_path / "a.tsv", tmp_path / "b.tsv"], ["chr1:0-9"])
    assert cells.names == ["b:A"]
    assert cells.X.toarray().tolist() == [[1]]


def test_universes_of_all_kinds(tmp_path):
    path = write(tmp_path / "f.tsv", "chr1\t5\t9\tA\n")
    bed = write(tmp_path / "u.bed", "chr2\t1\t2\nchr1\t0\t9\n")
    for universe in (bed, str(bed), Universe(bed), ["chr2:1-2", "chr1:0-9"]):
        assert count_fragments(path, universe).X.toarray().tolist() == [[0, 1]]


# --- Progress


def test_the_progress_bar_goes_by_bytes_and_to_standard_error(tmp_path, capsys, monkeypatch):
    paths = [
        write(tmp_path / "a.tsv", lines(40_000)),
        write(tmp_path / "b.tsv.gz", gzip.compress(lines(100_000, seed=2), 1)),
    ]
    sizes = [path.stat().st_size for path in paths]
    bars = []

    class Bar(tqdm.tqdm):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.steps = []
            bars.append(self)

        def update(self, n=1):
            self.steps.append(n)
            return super().update(n)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    cells = count_fragments(paths, universe_of(REGIONS), progress=True)
    assert cells.quality["n_fragments"].sum() == 140_000
    (bar,) = bars
    assert bar.total == sum(sizes)
    assert sum(bar.steps) == sum(sizes)
    assert min(bar.steps) >= 0
    assert len(bar.steps) > 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "0%" in told.err
    assert "B/s" in told.err


def test_no_progress_bar_unless_asked_for(tmp_path, capsys):
    count_fragments(write(tmp_path / "a.tsv", lines(100)), universe_of(REGIONS))
    assert capsys.readouterr() == ("", "")


# --- Errors

BAD_LINES = {
    "chr1\t10": r"three fields .* found 2",
    "chr1\t10\t20": r"four fields \(chrom, start, end, barcode\) or more, found 3",
    "chr1\t10\t20\t": r"four fields .* found 3",
    "chr1 10 20": r"four fields .* found 3",
    "chr1\t10\t20\t\t1": r"expected a barcode, found an empty field",
    "\t10\t20\tA\t1": r"expected a chromosome, found an empty field",
    "chr1\tx\t20\tA\t1": r"whole number from 0 as start, found 'x'",
    "chr1\t10\t2e3\tA\t1": r"whole number from 0 as end, found '2e3'",
    "chr1\t-1\t20\tA\t1": r"whole number from 0 as start, found '-1'",
    "chr1\t1.0\t20\tA\t1": r"whole number from 0 as start, found '1.0'",
    "chr1\t\t20\tA\t1": r"whole number from 0 as start, found ''",
    "chr1\t30\t20\tA\t1": r"expected start <= end, found 30 > 20",
    "chr1\t20\t20\tA\t1": r"expected start < end, found 20",
    "chr1\t0\t0\tA": r"expected start < end, found 0",
    "chr1\t10\t2147483648\tA\t1": r"end of at most 2147483647",
    "chr1\t10\t20\tA\t-1": r"whole number from 0 as read support \(field 5\), found '-1'",
    "chr1\t10\t20\tA\tx": r"read support \(field 5\), found 'x'",
    "chr1\t10\t20\tA\t1.5": r"read support \(field 5\), found '1.5'",
    "chr1\t10\t20\tA\t\t+": r"read support \(field 5\), found ''",
    "chr1\t10\t20\tA\t+": r"read support \(field 5\), found '\+'",
    "chr1\t10\t20\tA\t2147483648": r"read support \(field 5\), found '2147483648'",
    "chr1\t10\t20\tA\r\t1": r"carriage return",
    "chr\x001\t10\t20\tA\t1": r"NUL",
    "chr1\t10\t20\t" + "A" * 65536 + "\t1": r"a barcode of at most 65535 bytes",
}


@pytest.mark.parametrize("bad", BAD_LINES)
@pytest.mark.parametrize("ending", ["\n", "\r\n", ""], ids=["LF", "CRLF", "at the end"])
def test_a_bad_line_is_named(tmp_path, bad, ending):
    before = "# id=x\n" + "chr1\t5\t9\tAAAC-1\t1\n" * 40 + "\n"
    after = "chr1\t7\t9\tAAAC-1\t1\n" * 3 if ending else ""
    path = write(tmp_path / "f.tsv", before + bad + ending + after)
    with pytest.raises(BedError) as caught:
        count_fragments(path, ["chr1:0-9"])
    message = str(caught.value)
    assert message.startswith(f"{path}, line 43: ")
    assert len(message) < 400
    assert re.search(BAD_LINES[bad], message), message


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bgzip], ids=["plain", "gzip", "bgzip"])
def test_a_bad_line_deep_in_a_file_is_named(tmp_path, pack):
    good = lines(150_000)
    assert len(good) > 4 << 20
    path = write(tmp_path / "f.tsv.gz", pack(good + b"chr1\t9\t5\tA\t1\n" + good[:1000]))
    with pytest.raises(BedError, match=r"f\.tsv\.gz, line 150001: expected start <= end"):
        count_fragments(path, ["chr1:0-9"])


def test_a_bad_line_of_a_barcode_that_is_passed_over_is_named_too(tmp_path):
    path = write(tmp_path / "f.tsv", "chr1\t5\t9\tA\nchr1\t5\t9\tB\tx\n")
    with pytest.raises(BedError, match=r"line 2: .*read support"):
        count_fragments(path, ["chr1:0-9"], barcodes=["A"])


def test_the_file_of_several_that_is_bad_is_named(tmp_path):
    good = write(tmp_path / "good.tsv", "chr1\t5\t9\tA\n")
    bad = write(tmp_path / "bad.tsv", "chr1\t5\t9\tA\nchr1\t5\n")
    with pytest.raises(BedError, match=r"bad\.tsv, line 2: "):
        count_fragments([good, bad], ["chr1:0-9"])


@pytest.mark.parametrize("n", [500, 120_000], ids=["small", "large"])
def test_a_truncated_gzip_is_an_error(tmp_path, n):
    packed = gzip.compress(lines(n), 1)
    assert (len(packed) > 1 << 20) == (n > 1000)
    for cut in (len(packed) // 2, len(packed) - 4):
        path = write(tmp_path / "f.tsv.gz", packed[:cut])
        with pytest.raises(BedError, match=r"f\.tsv\.gz: the gzip stream breaks off") as caught:
            count_fragments(path, ["chr1:0-9"])
        assert "(after line " in str(caught.value)


@pytest.mark.parametrize("n", [500, 120_000], ids=["small", "large"])
def test_a_damaged_gzip_is_an_error(tmp_path, n):
    text = lines(n)
    packed = bytearray(gzip.compress(text, 1))
    packed[-8] ^= 0xFF  # of the checksum
    path = write(tmp_path / "f.tsv.gz", bytes(packed))
    with pytest.raises(BedError, match=r"f\.tsv\.gz: the gzip stream is damaged"):
        count_fragments(path, ["chr1:0-9"])


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        count_fragments(tmp_path / "nowhere.tsv.gz", ["chr1:0-9"])
    assert caught.value.filename == str(tmp_path / "nowhere.tsv.gz") or caught.value.filename == (
        tmp_path / "nowhere.tsv.gz"
    )
    with pytest.raises(FileNotFoundError):
        count_fragments({"a": tmp_path / "nowhere"}, ["chr1:0-9"], progress=True)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises((IsADirectoryError, PermissionError)):
        count_fragments(tmp_path, ["chr1:0-9"])


def test_a_file_of_another_format_is_told(tmp_path):
    path = write(tmp_path / "x.bam", gzip.compress(b"BAM\x01" + bytes(100)))
    with pytest.raises(BedError, match="BAM"):
        count_fragments(path, ["chr1:0-9"])


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        ({"counting": "fragments"}, "expected counting 'fragment', .* found 'fragments'"),
        ({"counting": None}, "expected counting .* found None"),
        ({"min_length": 0}, "expected min_length .* found 0"),
        ({"min_length": 1.5}, "expected min_length .* found 1.5"),
        ({"min_length": True}, "expected min_length .* found True"),
        ({"max_length": -3}, "expected max_length .* found -3"),
        ({"max_length": "9"}, "expected max_length .* found '9'"),
        ({"shift": (4,)}, r"expected shift .* found \(4,\)"),
        ({"shift": (4, -5, 6)}, "expected shift as two whole numbers"),
        ({"shift": 4}, "expected shift as two whole numbers"),
        ({"shift": ("a", "b")}, "expected shift as two whole numbers"),
        ({"shift": (None, 1)}, "expected shift as two whole numbers"),
        ({"shift": (4.7, -5)}, "expected shift as two whole numbers"),
        ({"shift": "45"}, "expected shift as two whole numbers"),
    ],
)
def test_settings_that_make_no_sense(tmp_path, options, pattern):
    path = write(tmp_path / "f.tsv", "chr1\t5\t9\tA\n")
    with pytest.raises(GtokError, match=pattern):
        count_fragments(path, ["chr1:0-9"], **options)


def test_numbers_of_numpy_are_numbers(tmp_path):
    path = write(tmp_path / "f.tsv", "chr1\t50\t90\tA\nchr1\t50\t52\tA\n")
    cells = count_fragments(
        path,
        ["chr1:0-90"],
        min_length=np.int64(10),
        max_length=np.int32(100),
        shift=tuple(np.array([4, -5])),
    )
    assert cells.X.toarray().tolist() == [[1]]
    assert cells.quality["n_excluded"].tolist() == [1]


def test_an_error_leaves_the_next_call_alone(tmp_path):
    text = lines(500)
    bad = write(tmp_path / "bad.tsv", text + b"chr1\t5\n")
    good = write(tmp_path / "good.tsv", text)
    with pytest.raises(BedError):
        count_fragments(bad, universe_of(REGIONS))
    Expected(text, REGIONS).check(count_fragments(good, universe_of(REGIONS)))


# --- Real files


def real_files():
    """Their names, known before anything is read, so that each is a test of its own."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data" / "fragments"
    return sorted(path.name for path in folder.glob("*.*gz"))


def peaks_around(text, n=400, seed=4):
    """Regions around some of a file's fragments, and some that lie within others."""
    chance = random.Random(seed)
    rows = [line.split(b"\t") for line in text.splitlines() if line[:1] != b"#"]
    made = set()
    for row in chance.sample(rows, min(n, len(rows))):
        start = max(int(row[1]) - chance.randrange(400), 0)
        end = int(row[2]) + chance.choice([0, 5, 300, 5000])
        made |= {(row[0].decode(), start, end), (row[0].decode(), start, start + 100)}
    made = sorted(made)
    chance.shuffle(made)
    return made


@pytest.mark.parametrize("name", real_files())
def test_real_files(shared_data, tmp_path, name):
    path = shared_data / "fragments" / name
    text = gzip.decompress(path.read_bytes())
    kept = text.splitlines(keepends=True)[:50_000]
    if len(kept) == 50_000:
        text = b"".join(kept)
        path = write(tmp_path / name, gzip.compress(text, 1))
    peaks = peaks_around(text)
    expected = Expected(text, peaks)
    assert expected.counts["fragment"].total() >= 100
    for counting in COUNTING:
        expected.check(count_fragments(path, universe_of(peaks), counting=counting), counting)


@pytest.mark.slow
def test_a_large_real_file_over_real_peaks(shared_data):
    path = shared_data / "fragments" / "peakqc_heartLV_1M.fragments.tsv.gz"
    bed = shared_data / "universes" / "10x_pbmc_3k_peaks_hg38.bed.gz"
    peaks = [
        (fields[0].decode(), int(fields[1]), int(fields[2]))
        for fields in (line.split() for line in gzip.decompress(bed.read_bytes()).splitlines())
        if fields and not fields[0].startswith(b"#")
    ]
    # Peaks apart from one another: an end lies in the one that starts last before it, if in any.
    by_chrom, starts = Finder(peaks).by_chrom, Finder(peaks).starts
    assert all(
        first[1] <= second[0]
        for found in by_chrom.values()
        for first, second in itertools.pairwise(found)
    )
    rows, counts, n_fragments = {}, Counter(), Counter()
    with gzip.open(path, "rt") as handle:
        for line in handle:
            chrom, start, end, barcode, _ = line.split("\t")
            row = rows.setdefault(barcode, len(rows))
            n_fragments[row] += 1
            if chrom in by_chrom:
                found = by_chrom[chrom]
                cuts = (int(start), int(end) - 1)
                hits = [found[bisect.bisect_right(starts[chrom], cut) - 1] for cut in cuts]
                for region in {
                    hit[2] for hit, cut in zip(hits, cuts, strict=True) if hit[0] <= cut < hit[1]
                }:
                    counts[row, region] += 1
    cells = count_fragments(path, bed)
    assert cells.barcodes == list(rows)
    assert counts_of(cells) == counts
    assert cells.quality["n_fragments"].tolist() == [n_fragments[row] for row in range(len(rows))]
    assert cells.quality["n_fragments"].sum() == 1_000_000


def test_a_whitelist_of_a_real_file(shared_data, tmp_path):
    path = shared_data / "fragments" / "peakqc_heartLV_1M.fragments.tsv.gz"
    with gzip.open(path) as handle:
        text = b"".join(handle.readline() for _ in range(30_000))
    listed = shared_data / "fragments" / "peakqc_heartLV_barcodes.txt"
    whitelist = listed.read_text().split()
    peaks = peaks_around(text)
    cells = count_fragments(
        write(tmp_path / "f.tsv", text), universe_of(peaks), barcodes=listed, shift=(4, -5)
    )
    Expected(text, peaks, barcodes=whitelist, shift=(4, -5)).check(cells)


# --- Tiles and the lengths of chromosomes


@pytest.mark.parametrize(
    ("genome", "n", "chrom", "length"),
    [
        ("hg38", 25, "chr1", 248956422),
        ("hg19", 25, "chr1", 249250621),
        ("hs1", 25, "chr1", 248387328),
        ("mm10", 22, "chr1", 195471971),
        ("mm39", 22, "chr1", 195154279),
    ],
)
def test_lengths_of_assemblies(genome, n, chrom, length):
    sizes = chrom_sizes(genome)
    assert len(sizes) == n
    assert sizes[chrom] == length
    assert "chrM" in sizes
    assert not any("_" in name for name in sizes)


@pytest.mark.parametrize("alias", ["T2T", "t2t", "chm13", "CHM13", "T2T-CHM13"])
def test_t2t_is_hs1(alias):
    assert chrom_sizes(alias) == chrom_sizes("hs1")
    assert Universe.tiles(alias, 10**7).tokens == Universe.tiles("hs1", 10**7).tokens


@pytest.mark.parametrize(
    "text",
    [
        "chr2\t1000\nchr1\t50\n",
        "# a comment\nchr2\t1000\t7\t60\t61\n\nchr1\t50\t1030\t60\t61\n",  # samtools's .fai
        "chr2 1000\r\nchr1   50",
    ],
)
def test_lengths_of_a_file(tmp_path, text):
    path = write(tmp_path / "x.sizes", text)
    for given_as in (path, str(path)):
        sizes = chrom_sizes(given_as)
        assert list(sizes.items()) == [("chr2", 1000), ("chr1", 50)]
    assert Universe.tiles(path, 600).tokens == ["chr2:0-600", "chr2:600-1000", "chr1:0-50"]


def test_lengths_of_a_dict():
    sizes = chrom_sizes({"chr1": np.int64(5), "chr2": 7})
    assert sizes == {"chr1": 5, "chr2": 7}
    assert all(type(length) is int for length in sizes.values())


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("chr1\t5\nchr2\n", r"line 2: expected a chromosome and its length, found 'chr2'"),
        ("chr1\t5\n\nchr2\tx\n", r"line 3: expected a chromosome and its length"),
        ("chr1\t0\n", r"line 1: expected a chromosome and its length"),
        ("chr1\t-5\n", r"line 1: expected a chromosome and its length"),
        ("chr1\t2147483648\n", r"line 1: expected a chromosome and its length"),
        (
            "chr1\t5\nchr2\t6\nchr1\t7\n",
            r"line 3: .*each chromosome once, found 'chr1' twice",
        ),
    ],
)
def test_lines_that_are_no_length(tmp_path, text, pattern):
    path = write(tmp_path / "x.sizes", text)
    with pytest.raises(GtokError, match=r"x\.sizes, " + pattern):
        chrom_sizes(path)


def test_an_unknown_assembly_is_told_what_is_known():
    with pytest.raises(GtokError, match=r"hg38, hg19, hs1, mm10, mm39, .* found 'hg18'"):
        chrom_sizes("hg18")


@pytest.mark.parametrize(
    ("sizes", "width"),
    [
        ({"chr1": 1000, "chr2": -500}, 100),
        ({"chr1": 1000, "chr2": 2**31}, 10_000_000),
        ({"chr1": 0}, 100),
        ({}, 100),
    ],
)
def test_lengths_of_a_dict_that_are_none(sizes, width):
    with pytest.raises(GtokError):
        Universe.tiles(sizes, width)


def test_a_file_of_lengths_may_be_gzip(tmp_path):
    path = write(tmp_path / "x.sizes.gz", gzip.compress(b"chr1\t1000\n"))
    assert chrom_sizes(path) == {"chr1": 1000}


@pytest.mark.parametrize("width", [0, -5, 1.5, "500", True, None])
def test_widths_that_are_none(width):
    with pytest.raises(GtokError, match="width of tiles"):
        Universe.tiles({"chr1": 1000}, width)


def test_more_tiles_than_there_can_be():
    with pytest.raises(GtokError, match=r"fewer than 2\*\*31 tiles.*widen them"):
        Universe.tiles("hg38", 1)


@pytest.mark.parametrize("width", [1, 7, 499, 500, 999, 1000, 1001, 5000])
def test_tiles_lie_side_by_side_and_the_last_is_short(width):
    sizes = {"chr2": 1000, "chr1": 7, "chrX": 2500}
    expected = [
        f"{chrom}:{start}-{min(start + width, length)}"
        for chrom, length in sizes.items()
        for start in range(0, length, width)
    ]
    assert Universe.tiles(sizes, width).tokens == expected


def test_tiles_of_hg38():
    tiles = Universe.tiles("hg38", 500)
    assert len(tiles) == 6176584 == sum(-(-n // 500) for n in chrom_sizes("hg38").values())
    assert tiles.genome == "hg38"
    lengths = tiles.regions.ends - tiles.regions.starts
    assert np.count_nonzero(lengths != 500) <= 25
    assert lengths.sum(dtype=np.int64) == sum(chrom_sizes("hg38").values())
    assert str(tiles.regions[0]) == "chr1:0-500"


def test_tiles_have_their_special_tokens():
    tiles = Universe.tiles({"chr1": 1000}, 500, special_tokens={"pad": "<PAD>"})
    assert tiles.special_tokens.pad == "<PAD>"
    assert tiles.genome is None


def test_fragments_over_tiles(tmp_path):
    path = write(tmp_path / "f.tsv", "chr1\t499\t1001\tA\nchr1\t1100\t1200\tA\n")
    tiles = Universe.tiles({"chr1": 1200}, 500)
    for counting, expected in zip(COUNTING, ([1, 1, 2], [1, 0, 3], [1, 0, 2]), strict=True):
        cells = count_fragments(path, tiles, counting=counting)
        assert cells.X.toarray().tolist() == [expected]


def test_counting_needs_neither_pandas_nor_anndata(tmp_path):
    path = write(tmp_path / "f.tsv", "chr1\t5\t9\tA\n")
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['pandas', 'anndata', 'tqdm'])); import gtok;"
        f"print(gtok.count_fragments({os.fspath(path)!r}, ['chr1:0-9']).X.toarray().tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[[1]]\n", "")
    assert gtok.count_fragments is count_fragments
