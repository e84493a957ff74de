"""Universes made of samples: merging against plain Python and bedtools; splits of a universe."""

from __future__ import annotations

import gzip
import inspect
import math
import os
import re
import shutil
import subprocess
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gtok.building
from gtok import GtokError, RegionSet, SpecialTokens, Universe
from gtok.building import merge_regions

MB = 1_000_000
LARGEST = 2**31 - 1
EXAMPLES = sorted((Path(__file__).parents[1] / "examples" / "data").glob("hESC_*.bed.gz"))
BEDTOOLS = shutil.which("bedtools")

# Not in the order of the alphabet, and one that sorts between numbers.
CHROMS = ["chr2", "chr10", "chr1", "chrX", "2", "HLA-A*01:01"]
of_no_length = pytest.mark.filterwarnings(r"ignore:.*of no length \(start = end\)")

rows = st.lists(
    st.tuples(st.sampled_from(CHROMS[:4]), st.integers(0, 60), st.integers(0, 8)).map(
        lambda drawn: (drawn[0], drawn[1], drawn[1] + drawn[2])
    ),
    max_size=12,
)
samples = st.lists(rows, min_size=1, max_size=6)


def merged(regions, max_gap=0):
    """Sort all, join what is no further apart, one after the other."""
    out = []
    for chrom, start, end in sorted(regions):
        if out and out[-1][0] == chrom and start - out[-1][2] <= max_gap:
            out[-1] = (chrom, out[-1][1], max(out[-1][2], end))
        else:
            out.append((chrom, start, end))
    return out


def holders(region, samples):
    """The numbers of the samples that have any region inside this one."""
    chrom, start, end = region
    return [
        i
        for i, sample in enumerate(samples)
        if any(row[0] == chrom and start <= row[1] and row[2] <= end for row in sample)
    ]


def region_set(rows):
    return RegionSet([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


def rows_of(universe):
    return [tuple(region) for region in getattr(universe, "regions", universe)]


def check_universe(samples, expected, **options):
    """What from_samples makes of samples: these rows, or an error where there are none."""
    if expected:
        assert rows_of(Universe.from_samples(samples, **options)) == expected
    else:
        with pytest.raises(GtokError):
            Universe.from_samples(samples, **options)


def write(path, rows):
    text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def bed_rows(path):
    """A file's regions, read without gtok."""
    lines = (line.split("\t") for line in gzip.decompress(path.read_bytes()).decode().splitlines())
    return [(line[0], int(line[1]), int(line[2])) for line in lines]


# --- merging one set


@given(rows, st.integers(0, 12))
def test_merge_regions_against_plain_python(drawn, max_gap):
    regions = region_set(drawn)
    found = merge_regions(regions, max_gap)
    # Chromosomes by their codes, which are in order of first appearance.
    expected = merged(drawn, max_gap)
    names = list(regions.chrom_names)
    assert rows_of(found) == sorted(expected, key=lambda row: (names.index(row[0]), row[1]))
    assert rows_of(regions) == drawn


@pytest.mark.parametrize(
    ("max_gap", "expected"),
    [
        (0, [("chr1", 5, 20), ("chr1", 21, 30), ("chr1", 40, 40)]),
        (1, [("chr1", 5, 30), ("chr1", 40, 40)]),
        (9, [("chr1", 5, 30), ("chr1", 40, 40)]),
        (10, [("chr1", 5, 40)]),
    ],
)
def test_touching_is_joined_and_a_gap_is_counted_from_end_to_start(max_gap, expected):
    drawn = [("chr1", 40, 40), ("chr1", 21, 30), ("chr1", 5, 10), ("chr1", 10, 20)]
    assert rows_of(merge_regions(region_set(drawn), max_gap)) == expected


def test_what_lies_within_a_region_does_not_shorten_it():
    drawn = [("chr1", 0, 100), ("chr1", 10, 20), ("chr1", 60, 70), ("chr1", 99, 110)]
    assert rows_of(merge_regions(region_set(drawn))) == [("chr1", 0, 110)]


@pytest.mark.parametrize(
    "drawn",
    [
        [("chr1", 5, 5), ("chr1", 5, 5)],
        [("chr1", 5, 5), ("chr1", 5, 9)],
        [("chr1", 1, 5), ("chr1", 5, 5)],
        [("chr1", 1, 9), ("chr1", 5, 5)],
    ],
)
def test_regions_of_no_length_are_joined_like_others(drawn):
    start, end = min(row[1] for row in drawn), max(row[2] for row in drawn)
    assert rows_of(merge_regions(region_set(drawn))) == [("chr1", start, end)]
    apart = [*drawn, ("chr1", 11, 11), ("chr2", 5, 5)]
    assert len(merge_regions(region_set(apart))) == 3


@pytest.mark.parametrize("max_gap", [0, 2**31, 2**40])
def test_the_last_coordinates_do_not_overflow(max_gap):
    drawn = [("chr1", 0, 1), ("chr1", LARGEST, LARGEST), ("chr2", LARGEST - 1, LARGEST)]
    expected = merged(drawn, max_gap)
    assert len(expected) == (2 if max_gap else 3)
    assert rows_of(merge_regions(region_set(drawn), max_gap)) == expected


def test_merging_nothing():
    assert len(merge_regions(RegionSet([], [], []))) == 0


def test_merging_is_idempotent():
    once = merge_regions(region_set([("b", 5, 9), ("a", 1, 3), ("b", 7, 20)]), 3)
    assert merge_regions(once, 3) == once


# --- merging samples


@of_no_length
@given(samples, st.integers(0, 12), st.integers(1, 3))
def test_from_samples_against_plain_python(drawn, max_gap, n_threads):
    everything = [row for sample in drawn for row in sample]
    expected = merged(everything, max_gap)  # by (name, start)
    check_universe(drawn, expected, max_gap=max_gap, n_threads=n_threads)


@pytest.mark.slow
@of_no_length
@given(samples, st.randoms(use_true_random=False))
def test_the_order_of_the_samples_does_not_matter(drawn, random):
    expected = merged(row for sample in drawn for row in sample)
    turned = [random.sample(sample, len(sample)) for sample in random.sample(drawn, len(drawn))]
    check_universe(turned, expected, n_threads=random.choice([1, 2, 4]))


def test_chromosomes_stand_in_the_order_of_their_names():
    drawn = [[(name, 5, 9)] for name in CHROMS]
    universe = Universe.from_samples(drawn)
    names = ["2", "HLA-A*01:01", "chr1", "chr10", "chr2", "chrX"]
    assert [region.chrom for region in universe.regions] == names
    assert list(universe.regions.chrom_names) == names


def test_regions_of_a_chromosome_stand_by_their_starts():
    drawn = [[("chr1", 900, 901), ("chr1", 5, 6)], [("chr1", 100, 101), ("chr1", 20, 21)]]
    assert [row[1] for row in rows_of(Universe.from_samples(drawn))] == [5, 20, 100, 900]


def test_names_without_a_region_left_are_none():
    sliced = RegionSet(["chrY", "chr2", "chr1"], [1, 2, 3], [4, 5, 6])[1:]
    universe = Universe.from_samples([sliced, []])
    assert universe.regions.chrom_names == ("chr1", "chr2")
    assert rows_of(universe) == [("chr1", 3, 6), ("chr2", 2, 5)]


def test_samples_of_every_kind(tmp_path):
    columns = {"chrom": ["chr1", "chr2"], "start": [100, 5], "end": [200, 50]}
    drawn = [
        write(tmp_path / "a.bed", [("chr1", 150, 250), ("chr3", 1, 2)]),
        str(write(tmp_path / "b.bed.gz", [("chr1", 250, 260)])),
        pd.DataFrame(columns),
        pl.DataFrame(columns),
        RegionSet(["chr2"], [40], [60]),
        [("chr4", 7, 8)],
        ["chr4:8-9"],
    ]
    expected = ["chr1:100-260", "chr2:5-60", "chr3:1-2", "chr4:7-9"]
    assert Universe.from_samples(drawn).tokens == expected
    assert Universe.from_samples(iter(drawn), min_samples=2, n_threads=3).tokens == [
        *expected[:2],
        expected[3],
    ]
    assert Universe.from_samples(tuple(drawn)).tokens == expected


def test_genome_and_special_tokens_are_the_universes():
    universe = Universe.from_samples([["chr1:1-5"]], genome="hg38", special_tokens={"unk": "[UNK]"})
    assert universe.genome == "hg38"
    assert universe.special_tokens == SpecialTokens(unk="[UNK]")
    assert Universe.from_samples([["chr1:1-5"]]) == Universe(["chr1:1-5"])


@pytest.mark.parametrize(
    "sample",
    [
        "peaks.bed",
        Path("peaks.bed"),
        ["chr1:1-5", "chr1:7-9"],
        [("chr1", 1, 5)],
        ("chr1", 1, 5),
        RegionSet(["chr1"], [1], [5]),
        pd.DataFrame({"chrom": ["chr1"], "start": [1], "end": [5]}),
        pl.DataFrame({"chrom": ["chr1"], "start": [1], "end": [5]}),
    ],
    ids=lambda sample: type(sample).__name__,
)
def test_a_lone_sample_is_no_list_of_them(sample):
    with pytest.raises(TypeError, match="list of samples, found one sample"):
        Universe.from_samples(sample)


def test_a_bad_file_is_named(tmp_path):
    good = write(tmp_path / "good.bed", [("chr1", 1, 5)])
    bad = write(tmp_path / "bad.bed", [("chr1", 1, 5), ("chr1", "x", 5)])
    for n_threads in (1, 2):
        with pytest.raises(GtokError, match=rf"{bad}, line 2"):
            Universe.from_samples([good, bad, good], n_threads=n_threads)
        with pytest.raises(FileNotFoundError, match=r"none\.bed"):
            Universe.from_samples([good, tmp_path / "none.bed"], n_threads=n_threads)


@pytest.mark.parametrize("at_once", [0, 1, 5, 40])
def test_merging_every_now_and_then(monkeypatch, at_once):
    chance = np.random.default_rng(at_once)
    drawn = [
        [
            (CHROMS[code], start, start + width)
            for code, start, width in zip(
                chance.integers(0, 4, 30),
                chance.integers(0, 900, 30),
                chance.integers(1, 9, 30),
                strict=True,
            )
        ]
        for _ in range(25)
    ]
    drawn[3] = []
    expected = merged((row for sample in drawn for row in sample), 2)
    calls = []
    genuine = gtok.building.merge

    def counted(codes, *columns):
        calls.append(len(codes))
        return genuine(codes, *columns)

    monkeypatch.setattr(gtok.building, "merge", counted)
    monkeypatch.setattr(gtok.building, "_AT_ONCE", at_once)
    # Each sample is merged once, and the union at the end: the rest is in between.
    assert rows_of(Universe.from_samples(drawn, max_gap=2)) == expected
    assert len(calls) > len(drawn) + 2
    often = sorted(row for row in expected if len(holders(row, drawn)) >= 3)
    assert 0 < len(often) < len(expected)
    assert rows_of(Universe.from_samples(drawn, max_gap=2, min_samples=3)) == often


# --- how many samples


@pytest.mark.slow
@of_no_length
@given(samples, st.integers(0, 6), st.integers(1, 7), st.integers(1, 3))
def test_at_least_so_many_samples(drawn, max_gap, least, n_threads):
    everything = merged((row for sample in drawn for row in sample), max_gap)
    expected = [row for row in everything if len(holders(row, drawn)) >= least]
    options = {"max_gap": max_gap, "n_threads": n_threads}
    check_universe(drawn, expected, min_samples=least, **options)
    # As a share, it is a share of all samples, those without any region among them.
    if least <= len(drawn):
        check_universe(drawn, expected, min_samples=least / len(drawn), **options)


@pytest.mark.parametrize(
    ("share", "least"),
    [(0.0, 1), (0.2, 1), (0.21, 2), (0.4, 2), (0.5, 3), (0.6, 3), (0.61, 4), (0.81, 5), (1.0, 5)],
)
def test_a_share_is_rounded_up(share, least):
    # Of five samples, "chr3:0-9" is in three of them, and so on.
    drawn = [[(f"chr{k}", 0, 9) for k in range(1, 6) if k > i] for i in range(5)]
    universe = Universe.from_samples(drawn, min_samples=share)
    assert universe.tokens == [f"chr{k}:0-9" for k in range(least, 6)]
    assert Universe.from_samples(drawn, min_samples=np.float64(share)) == universe


@pytest.mark.parametrize(("share", "n"), [(0.5, 20), (0.07, 100), (0.28, 25), (0.29, 100)])
def test_a_share_is_what_it_reads_as(share, n):
    """0.07 of 100 samples is 7 of them, though 0.07 * 100 in floating point is a bit more."""
    exact = Fraction(str(share)) * n
    assert exact == int(exact)
    drawn = [[("chr1", 0, 9)] * (i < exact) + [("chr2", 0, 9)] for i in range(n)]
    assert Universe.from_samples(drawn, min_samples=share).tokens == ["chr1:0-9", "chr2:0-9"]
    drawn = [[("chr1", 0, 9)] * (i < exact - 1) + [("chr2", 0, 9)] for i in range(n)]
    assert Universe.from_samples(drawn, min_samples=share).tokens == ["chr2:0-9"]


def test_many_regions_of_one_sample_are_one_sample():
    drawn = [[("chr1", 0, 9), ("chr1", 3, 5), ("chr1", 3, 5), ("chr2", 1, 2)], [("chr2", 2, 3)]]
    assert Universe.from_samples(drawn, min_samples=2).tokens == ["chr2:1-3"]
    assert Universe.from_samples([drawn[0], drawn[0]], min_samples=2).tokens == [
        "chr1:0-9",
        "chr2:1-2",
    ]


def test_no_region_is_in_so_many_samples():
    drawn = [["chr1:1-5"], ["chr1:4-9", "chr2:1-5"], ["chr3:1-5"]]
    with pytest.raises(GtokError, match=r"at least 3 samples \(min_samples=3\).*more than 2 of 3"):
        Universe.from_samples(drawn, min_samples=3)
    with pytest.raises(GtokError, match=r"min_samples=1\.0"):
        Universe.from_samples(drawn, min_samples=1.0)
    with pytest.raises(GtokError, match=r"at least 4 samples"):
        Universe.from_samples(drawn, min_samples=4)


@pytest.mark.parametrize(
    "min_samples", [0, -1, 1.5, -0.1, math.nan, math.inf, True, False, "2", None, [1]]
)
def test_no_number_of_samples(min_samples):
    with pytest.raises(GtokError, match=r"min_samples as a number of samples from 1.*share"):
        Universe.from_samples([["chr1:1-5"]], min_samples=min_samples)


@pytest.mark.parametrize("max_gap", [-1, 1.0, 0.5, True, "5", None, math.nan, 2**70])
def test_no_number_of_base_pairs(max_gap):
    with pytest.raises(GtokError, match=rf"max_gap in base pairs, .* found {max_gap!r}"):
        Universe.from_samples([["chr1:1-5"]], max_gap=max_gap)


def test_bad_numbers_are_told_before_anything_is_read():
    with pytest.raises(GtokError, match="max_gap"):
        Universe.from_samples(["/no/such/file.bed"], max_gap=-1)
    with pytest.raises(GtokError, match="min_samples"):
        Universe.from_samples(["/no/such/file.bed"], min_samples=0)


def test_numbers_of_numpy():
    drawn = [["chr1:1-5"], ["chr1:8-9"]]
    options = {"max_gap": np.int64(3), "min_samples": np.int8(2)}
    assert Universe.from_samples(drawn, **options).tokens == ["chr1:1-9"]


@pytest.mark.parametrize("n_threads", [0, -1])
def test_at_least_one_thread(n_threads):
    with pytest.raises(GtokError, match=rf"found n_threads={n_threads}"):
        Universe.from_samples([["chr1:1-5"]], n_threads=n_threads)


@pytest.mark.parametrize("options", [{}, {"min_samples": 2}, {"min_samples": 0.5}])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_samples_without_any_region(n, options):
    empty = [[], RegionSet([], [], []), pd.DataFrame(columns=["chrom", "start", "end"])]
    nothing = (empty * 2)[:n]
    with pytest.raises(GtokError, match="region"):
        Universe.from_samples(nothing, **options)


def test_files_without_any_region(tmp_path):
    with pytest.raises(GtokError, match="at least one region, found none"):
        Universe.from_samples([write(tmp_path / "empty.bed", []), []])


@pytest.mark.parametrize("nothing", [list, tuple, lambda: iter([])])
def test_no_samples_at_all(nothing):
    with pytest.raises(GtokError):
        Universe.from_samples(nothing())


# --- what is left out


BLACK = [("chr1", 100, 200), ("chr3", 0, 5)]


def test_excluded_regions_are_left_out_beforehand():
    # The one in the middle would join the others, and is gone whole.
    drawn = [[("chr1", 0, 100), ("chr1", 90, 101)], [("chr1", 101, 300), ("chr1", 200, 400)]]
    assert Universe.from_samples(drawn).tokens == ["chr1:0-400"]
    universe = Universe.from_samples(drawn, exclude=BLACK)
    assert universe.tokens == ["chr1:0-100", "chr1:200-400"]


@of_no_length
@given(samples, rows, st.integers(1, 2), st.integers(0, 4))
def test_excluding_against_plain_python(drawn, black, least, max_gap):
    kept = [
        [
            row
            for row in sample
            if not any(row[0] == b[0] and row[1] < b[2] and b[1] < row[2] for b in black)
        ]
        for sample in drawn
    ]
    everything = merged((row for sample in kept for row in sample), max_gap)
    expected = [row for row in everything if len(holders(row, kept)) >= least]
    options = {"exclude": black, "min_samples": least, "max_gap": max_gap}
    check_universe(drawn, expected, **options)


def test_what_may_be_excluded(tmp_path):
    drawn = [[("chr1", 0, 100), ("chr1", 150, 160)], [("chr3", 1, 2), ("chrM", 5, 9)]]
    path = write(tmp_path / "black.bed.gz", BLACK)
    expected = ["chr1:0-100", "chrM:5-9"]
    for exclude in (BLACK, path, str(path), region_set(BLACK), region_set(BLACK).to_frame()):
        assert Universe.from_samples(drawn, exclude=exclude).tokens == expected
    assert Universe.from_samples(drawn, exclude=["chrM", "chr1:50-51"]).tokens == [
        "chr1:150-160",
        "chr3:1-2",
    ]
    assert Universe.from_samples(drawn, exclude=[]).tokens == Universe.from_samples(drawn).tokens


def test_nothing_is_left():
    with pytest.raises(GtokError, match="at least one region, found none"):
        Universe.from_samples([["chr1:1-5"], ["chr2:1-5"]], exclude=["chr1", "chr2"])


def test_an_excluded_region_does_not_run_away():
    drawn = [[("chr1", 0, 3 * MB), ("chr1", 10, 20)], [("chr1", 4 * MB, 4 * MB + 5)]]
    assert Universe.from_samples(drawn, exclude=[("chr1", MB, MB + 1)]).tokens == [
        "chr1:10-20",
        "chr1:4000000-4000005",
    ]


# --- bedtools


def real_files(shared_data):
    files = sorted((shared_data / "queries").glob("intervene_hESC_*.bed.gz"))
    assert len(files) == 5
    return files


@pytest.fixture(scope="module")
def all_in_one(shared_data, tmp_path_factory):
    """All five in one file, sorted as bedtools wants it, the number of the sample in column 4."""
    if BEDTOOLS is None:
        pytest.skip("bedtools is not installed")
    folder = tmp_path_factory.mktemp("bedtools")
    with open(folder / "all.bed", "w") as out:
        for i, path in enumerate(real_files(shared_data)):
            for chrom, start, end in bed_rows(path):
                assert start < end  # bedtools takes those of no length for a base pair
                out.write(f"{chrom}\t{start}\t{end}\t{i}\n")
    command = ["sort", "-k1,1", "-k2,2n", "-o", folder / "sorted.bed", folder / "all.bed"]
    subprocess.run(command, check=True, env={**os.environ, "LC_ALL": "C"})
    return folder / "sorted.bed"


def bedtools_merge(path, *options):
    command = [BEDTOOLS, "merge", "-i", path, *options]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
    )
    fields = (line.split("\t") for line in done.stdout.splitlines())
    return [(row[0], *map(int, row[1:])) for row in fields]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:merging has run away")
@pytest.mark.parametrize("gap", [0, 1, 150, 5000])
def test_as_bedtools_merge_has_it(all_in_one, shared_data, gap):
    theirs = bedtools_merge(all_in_one, "-d", str(gap))
    universe = Universe.from_samples(real_files(shared_data), max_gap=gap, n_threads=2)
    assert len(theirs) > 50_000
    assert rows_of(universe) == theirs


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:merging has run away")
@pytest.mark.parametrize("gap", [0, 500])
def test_the_number_of_samples_as_bedtools_counts_it(all_in_one, shared_data, gap):
    theirs = bedtools_merge(all_in_one, "-d", str(gap), "-c", "4", "-o", "count_distinct")
    files = real_files(shared_data)
    for least in (2, 3, 5):
        expected = [row[:3] for row in theirs if row[3] >= least]
        assert 0 < len(expected) < len(theirs)
        for min_samples in (least, least / 5):
            universe = Universe.from_samples(files, max_gap=gap, min_samples=min_samples)
            assert rows_of(universe) == expected


# --- merging that has run away


def warned(samples, **options):
    """The one warning, and where it points."""
    with pytest.warns(UserWarning, match="merging has run away") as caught:
        Universe.from_samples(samples, **options)
    assert len(caught) == 1
    assert caught[0].category is UserWarning
    return str(caught[0].message)


def tiles(chrom, start, end, step, width):
    return [(chrom, at, at + width) for at in range(start, end, step)]


@pytest.mark.parametrize("start", [0, 77, LARGEST - MB])
def test_a_megabase_is_no_reason_to_warn(start):
    whole = [("chr1", start, start + MB)]
    assert len(Universe.from_samples([whole, tiles("chr1", start, start + MB, 1000, 1000)])) == 1


def test_a_base_pair_more_is():
    message = warned([[("chr1", 5, 9)], [("chr1", 100, 101 + MB)]])
    assert "1 region is longer than 1 Mb" in message
    assert "chr1:100-1000101 (1,000,001 bp)" in message
    assert "sample 1 covers 1,000,001 bp of chr1 in one stretch" in message
    assert "leave it out" in message
    assert "no sample does it alone" not in message


def test_the_warning_points_at_the_caller():
    line = inspect.currentframe().f_lineno + 2
    with pytest.warns(UserWarning, match="run away") as caught:
        Universe.from_samples([[("chr1", 0, 2 * MB)]])
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)


def test_the_warning_counts_regions_and_tells_the_longest():
    drawn = [[("chr1", 0, 2 * MB), ("chr2", 0, 3 * MB), ("chr3", 0, MB)], [("chr2", 5, 4 * MB)]]
    message = warned(drawn)
    assert "2 regions are longer than 1 Mb, the longest chr2:0-4000000 (4,000,000 bp)" in message
    # 3,999,995 are more than 3,000,000.
    assert "sample 1 covers 3,999,995 bp of chr2" in message


def test_the_warning_names_a_file(tmp_path):
    paths = [
        write(tmp_path / "narrow.bed", [("chr1", 5, 9)]),
        write(tmp_path / "tiled.bed.gz", tiles("chr1", 0, 2 * MB, 200, 200)),
        write(tmp_path / "broad.bed", [("chr1", 0, 20_000)]),
    ]
    for n_threads in (1, 3):
        for files in (paths, list(map(str, paths)), paths[::-1]):
            message = warned(files, n_threads=n_threads)
            assert f"{paths[1]} covers 2,000,000 bp of chr1 in one stretch; leave it out" in message


def test_the_number_of_a_sample_counts_those_without_regions():
    tiled = tiles("chr1", 0, 2 * MB, 200, 200)
    message = warned([[], RegionSet([], [], []), region_set(tiled), [("chr1", 5, 9)]])
    assert "sample 2 covers 2,000,000 bp" in message
    message = warned([[], tiled, [("chr1", 5, 9)]], min_samples=2)
    assert "sample 1 covers 2,000,000 bp" in message


def test_what_gaps_join_is_a_stretch_too():
    sparse = tiles("chr1", 0, 2 * MB, 1000, 10)
    assert len(Universe.from_samples([sparse, []], max_gap=989)) == 2000
    message = warned([[("chr1", 0, 3000)], sparse], max_gap=990)
    assert "sample 1 covers 1,999,010 bp of chr1 in one stretch; leave it out" in message


def staggered():
    """Regions of 20 kb that reach into one another, but never within a sample."""
    return [tiles("chr1", 15_000 * i, 3 * MB, 45_000, 20_000) for i in range(3)]


@pytest.mark.parametrize("broadest", [None, 0, 1, 2])
def test_no_sample_does_it_alone(broadest):
    drawn = staggered()
    if broadest is not None:
        chrom, start, end = drawn[broadest][4]
        drawn[broadest][4] = (chrom, start, end + 10_000)
    message = warned(drawn)
    assert "1 region is longer than 1 Mb, the longest chr1:0-30" in message
    assert "no sample does it alone" in message
    assert "leave it out" not in message
    if broadest is not None:
        assert f"sample {broadest} covers 30,000 bp of chr1 in one stretch" in message


def test_the_sample_to_blame_is_looked_for_there():
    """Where the region is that grew longest; that another stretch is elsewhere is no matter."""
    drawn = [[("chr1", 0, 4 * MB)], [("chr1", 4 * MB, 6 * MB)], [("chr2", 0, 5 * MB)]]
    message = warned(drawn)
    assert "longest chr1:0-6000000" in message
    assert "sample 0 covers 4,000,000 bp of chr1" in message


def test_a_sample_to_blame_that_has_a_longer_stretch_elsewhere():
    drawn = [[("chr1", 0, 4 * MB)], [("chr1", 4 * MB, 10_100_000), ("chr2", 0, 7 * MB)]]
    message = warned(drawn)
    assert "longest chr1:0-10100000" in message
    assert "sample 1 covers 6,100,000 bp of chr1 in one stretch; leave it out" in message


def test_no_sample_does_it_alone_though_all_have_longer_stretches_elsewhere():
    drawn = [[*sample, ("chr2", 0, 900_000)] for sample in staggered()]
    message = warned(drawn)
    assert "longest chr1:0-30" in message
    assert "chr2" not in message
    assert "covers 20,000 bp of chr1 in one stretch; no sample does it alone" in message


def longest_stretch_within(region, rows):
    chrom, start, end = region
    inside = [row for row in merged(rows) if row[0] == chrom and start <= row[1] < end]
    return max((row[2] - row[1] for row in inside), default=0)


def check_blame(message, contents):
    """The message against plain Python; contents are the rows of each sample by its name."""
    regions = merged(row for rows in contents.values() for row in rows)
    lengths = [end - start for _, start, end in regions]
    longest = regions[int(np.argmax(lengths))]
    stretches = {name: longest_stretch_within(longest, rows) for name, rows in contents.items()}
    worst = max(stretches, key=stretches.get)
    found = re.search(
        r"away: ([\d,]+) regions? (?:is|are) longer than 1 Mb, the longest (\S+):(\d+)-(\d+) "
        r"\(([\d,]+) bp\)\. (.+) covers ([\d,]+) bp of (\S+) in one stretch; ",
        message,
    ).groups()
    assert found == (
        f"{sum(length > MB for length in lengths):,}",
        *map(str, longest),
        f"{max(lengths):,}",
        str(worst),
        f"{stretches[worst]:,}",
        longest[0],
    )
    return worst


def test_the_shipped_examples_run_away():
    contents = {path: bed_rows(path) for path in EXAMPLES}
    assert len(contents) == 5
    worst = check_blame(warned(EXAMPLES), contents)
    assert worst.name == "hESC_H3K27me3.bed.gz"
    # It is not the only one: without it, another is to blame.
    del contents[worst]
    worst = check_blame(warned(list(contents)), contents)
    assert worst.name == "hESC_H3K4me1.bed.gz"


def test_narrow_marks_of_the_shipped_examples_do_not_run_away():
    narrow = [path for path in EXAMPLES if "H3K4me2" in path.name or "H3K4me3" in path.name]
    universe = Universe.from_samples(narrow)
    assert rows_of(universe) == merged(row for path in narrow for row in bed_rows(path))
    assert max(row[2] - row[1] for row in rows_of(universe)) <= MB


def test_real_files_that_run_away(shared_data):
    contents = {path: bed_rows(path) for path in real_files(shared_data)}
    check_blame(warned(list(contents)), contents)


def test_leaving_out_what_runs_away_ends_the_warning():
    long = [
        row
        for row in merged(row for path in EXAMPLES for row in bed_rows(path))
        if row[2] - row[1] > MB
    ]
    assert len(long) == 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        universe = Universe.from_samples(EXAMPLES, exclude=long)
    assert len(universe) > 10_000


# --- splitting a universe


SCATTERED = [
    ("chr8", 100, 200),
    ("chr1", 5, 50),
    ("chr8", 1, 2),
    ("chr10", 5, 6),
    ("chr1", 1, 2),
    ("chr8", 300, 400),
]


@pytest.mark.parametrize(
    "test", [[], ["chr8"], ["chr1", "chr10"], ["chr10", "chr1", "chr8"], ["chr8", "chr8"]]
)
def test_a_split_is_by_chromosome(test):
    universe = Universe(SCATTERED)
    split = universe.split(test=test)
    train_mask, test_mask = split
    assert split.train is train_mask
    assert split.test is test_mask
    for mask in split:
        assert mask.dtype == np.bool_
        assert mask.shape == (len(universe),)
    assert test_mask.tolist() == [row[0] in test for row in SCATTERED]
    assert train_mask.tolist() == [row[0] not in test for row in SCATTERED]


def test_a_string_is_one_chromosome():
    universe = Universe([*SCATTERED, ("c", 1, 2), ("1", 1, 2)])
    assert universe.split("chr1").test.tolist() == [row[0] == "chr1" for row in universe.regions]
    assert universe.split(test="c").test.sum() == 1


@pytest.mark.parametrize("kind", [tuple, set, iter, np.array])
def test_chromosomes_in_any_collection(kind):
    split = Universe(SCATTERED).split(test=kind(["chr8", "chr10"]))
    assert split.test.tolist() == [True, False, True, True, False, True]


def test_masks_split_the_columns_of_a_matrix():
    universe = Universe(SCATTERED)
    split = universe.split(test=["chr8"])
    counts = gtok.Tokenizer(universe).encode_batch([SCATTERED]).to_csr(len(universe))
    assert counts[:, split.train].shape == (1, 3)
    assert {region.chrom for region in universe.regions[split.test]} == {"chr8"}
    assert "chr8" not in {region.chrom for region in universe.regions[split.train]}


@pytest.mark.parametrize("test", ["chr9", ["chr8", "chr9"], ["chr9", "8"], ["8"], "8", [""], [8]])
def test_no_such_chromosome(test):
    missing = next(
        name
        for name in sorted(map(str, [test] if isinstance(test, str) else test))
        if name not in ("chr8", "chr1", "chr10")
    )
    with pytest.raises(
        GtokError, match=rf"chromosomes of the universe.*found '?{missing}'?;.*chr8"
    ):
        Universe(SCATTERED).split(test=test)


def test_a_name_without_a_region_left_is_no_chromosome():
    sliced = region_set([("chr9", 1, 2), *SCATTERED])[1:]
    assert "chr9" in sliced.chrom_names
    universe = Universe(sliced)
    with pytest.raises(GtokError, match=r"found 'chr9'.*names like 'chr8'"):
        universe.split(test=["chr9"])
    assert universe.split(test=["chr1"]).test.tolist() == [row[0] == "chr1" for row in SCATTERED]


def test_splitting_changes_nothing():
    universe = Universe(SCATTERED)
    first = universe.split(test="chr8")
    first.test[:] = False
    assert universe.split(test="chr8").test.sum() == 3
    assert universe == Universe(SCATTERED)
