"""The same questions to bedtools, on real files: hits, base pairs, shares, counts, signals.

Regions of no length, which bedtools takes to be a base pair long, are left out beforehand, and so
are repeats in a universe.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest

from gtok import RegionSet, Tokenizer, build_index

BEDTOOLS = shutil.which("bedtools")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BEDTOOLS is None, reason="bedtools is not installed"),
]

# Peaks of one width; few and wide ones; some that lie in no order; regions nested 40 deep. The
# first is asked of whole files too, the rest of it of these chromosomes.
PAIRS = {
    "10x-PEPATAC": (
        "10x_pbmc_3k_peaks_hg38.bed.gz",
        "PEPATAC_tutorial_hg38_consensusPeaks.narrowPeak",
        ["chr1", "chr19"],
    ),
    "10x-ABC": (
        "10x_pbmc_3k_peaks_hg38.bed.gz",
        "ABC_K562_chr22.hg38.narrowPeak.gz",
        ["chr22"],
    ),
    "DNase-H3K4me3": (
        "K562_GM12878_DNase_hg19.bed.gz",
        "intervene_hESC_H3K4me3.hg19.bed.gz",
        ["chr17", "chr22"],
    ),
    "catlas-bedboss": (
        "catlas_cCRE_chr1chr2_198k_hg38.bed.gz",
        "bedboss_test_big_hg38.bed",
        ["chr2"],
    ),
    "nested-H3K27ac": (
        "geniml_universe.bed",
        "intervene_hESC_H3K27ac.hg19.bed.gz",
        ["chr17", "chr18", "chr20"],
    ),
}
SHARES = ["0.1", "0.25", "0.5", "0.9", "1.0"]
# What bedtools calls a share of each, `-a` being the queries and `-b` the universe.
FLAGS = {"query": ["-f"], "region": ["-F"], "both": ["-r", "-f"]}
# In `coverage` and `map` `-a` is the universe.
TURNED = {"query": ["-F"], "region": ["-f"], "both": ["-r", "-f"]}


class Pair(NamedTuple):
    """A universe and a sample, for both tools: rows, and files that number them."""

    universe: list[tuple[str, int, int]]
    sample: list[tuple]  # chrom, start, end, score, signalValue, as text
    a: str  # the sample: chrom, start, end, row, score, strand, signalValue
    b: str  # the universe: chrom, start, end, id
    tokenizer: Tokenizer


def fields_of(path):
    content = path.read_bytes()
    text = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode()
    rows = (line.split("\t") for line in text.splitlines() if line and line[0] != "#")
    return [row for row in rows if int(row[1]) < int(row[2])]


def write(path, rows):
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return str(path)


def pair_of(name, shared_data, folder, whole):
    universe_name, sample_name, chroms = PAIRS[name]
    of_universe, of_sample = (
        [row for row in fields_of(shared_data / path) if whole or row[0] in chroms]
        for path in (f"universes/{universe_name}", f"queries/{sample_name}")
    )
    universe = list(dict.fromkeys((row[0], int(row[1]), int(row[2])) for row in of_universe))
    sample = [(row[0], int(row[1]), int(row[2]), row[4], row[6]) for row in of_sample]
    a = [
        (chrom, start, end, row, score, ".", signal)
        for row, (chrom, start, end, score, signal) in enumerate(sample)
    ]
    b = [(*region, id) for id, region in enumerate(universe)]
    paths = write(folder / "sample.bed", a), write(folder / "universe.bed", b)
    return Pair(universe, sample, *paths, Tokenizer(universe))


@pytest.fixture(scope="module", params=PAIRS)
def pair(request, shared_data, tmp_path_factory):
    return pair_of(request.param, shared_data, tmp_path_factory.mktemp("bedtools"), False)


@pytest.fixture(scope="module")
def sorted_files(pair, tmp_path_factory):
    """Both files by chromosome and start, as `map` needs them."""
    folder = tmp_path_factory.mktemp("sorted")
    files = []
    for name in (pair.a, pair.b):
        rows = [line.split("\t") for line in open_lines(name)]
        rows.sort(key=lambda row: (row[0], int(row[1]), int(row[2])))
        files.append(write(folder / name.rpartition("/")[2], rows))
    return files


def open_lines(path):
    with open(path) as handle:
        return handle.read().splitlines()


def bedtools(*arguments):
    """The rows that it prints."""
    done = subprocess.run(
        [BEDTOOLS, *arguments, "-nonamecheck"], capture_output=True, text=True, check=True,
        env={**os.environ, "LD_PRELOAD": ""},  # sanitizers, where gtok's tests run with these
    )  # fmt: skip
    assert "ERROR" not in done.stderr.upper()
    return [line.split("\t") for line in done.stdout.splitlines()]


def region_set(rows):
    return RegionSet([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


def triples_of(hits):
    return sorted(zip(*(column.tolist() for column in hits), strict=True))


@pytest.mark.parametrize("name", PAIRS)
def test_hits_and_base_pairs(name, shared_data, tmp_path):
    """`intersect -wao`: every row of the sample, with each region and the base pairs in both."""
    pair = pair_of(name, shared_data, tmp_path, True)
    found, missed = [], []
    for row in bedtools("intersect", "-wao", "-a", pair.a, "-b", pair.b):
        if row[7] == ".":
            missed.append(int(row[3]))
        else:
            found.append((int(row[3]), int(row[10]), int(row[11])))
    regions = region_set(pair.sample)
    assert len(found) > 500
    assert triples_of(pair.tokenizer.hits(regions)) == sorted(found)
    for method in ("bits", "ailist"):
        index = build_index(pair.universe, method)
        counts = index.count(regions)
        assert np.flatnonzero(counts == 0).tolist() == sorted(missed)
        offsets, ids = index.overlaps(regions)
        rows = np.repeat(np.arange(len(regions)), np.diff(offsets))
        pairs = sorted(zip(rows.tolist(), ids.tolist(), strict=True))
        assert pairs == sorted((row, id) for row, id, _ in found)
    batch = pair.tokenizer.encode_batch([regions], values="bp", queries=True)
    assert triples_of((batch.queries, batch.ids, batch.values)) == sorted(found)
    assert batch.n_hits[0] == len(pair.sample) - len(missed)


@pytest.mark.parametrize("overlap_of", FLAGS)
def test_shares(pair, overlap_of):
    regions = region_set(pair.sample)
    sizes = []
    for share in SHARES:
        flags = [*FLAGS[overlap_of], share]
        rows = bedtools("intersect", "-wo", *flags, "-a", pair.a, "-b", pair.b)
        expected = sorted((int(row[3]), int(row[10]), int(row[11])) for row in rows)
        tokenizer = Tokenizer(pair.universe, min_overlap=float(share), overlap_of=overlap_of)
        assert triples_of(tokenizer.hits(regions)) == expected
        batch = tokenizer.encode_batch([regions], queries=True)
        assert batch.n_hits[0] == len({row for row, _, _ in expected})
        sizes.append(len(expected))
    # Each share is a question of its own.
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) >= 4


def test_base_pairs_that_are_enough(pair):
    rows = bedtools("intersect", "-wo", "-a", pair.a, "-b", pair.b)
    found = [(int(row[3]), int(row[10]), int(row[11])) for row in rows]
    regions = region_set(pair.sample)
    sizes = []
    for least in (1, 2, 50, 145, 146, 500, 501):
        expected = sorted(hit for hit in found if hit[2] >= least)
        sizes.append(len(expected))
        tokenizer = Tokenizer(pair.universe, min_overlap=least)
        assert triples_of(tokenizer.hits(regions)) == expected
        counts = tokenizer.index.count(regions, min_overlap=least, overlap_of="both")
        per_row = Counter(row for row, _, _ in expected)
        assert counts.tolist() == [per_row[row] for row in range(len(regions))]
    assert sizes[0] == len(found) > sizes[2] > sizes[4] > 0


def test_counts_of_regions(pair):
    """A row of the matrix: `intersect -c` with the universe as `-a`."""
    regions = region_set(pair.sample)
    expected = np.zeros(len(pair.universe), dtype=np.int64)
    for row in bedtools("intersect", "-c", "-a", pair.b, "-b", pair.a):
        expected[int(row[3])] = int(row[4])
    matrix = pair.tokenizer.encode_batch([regions]).to_csr(len(pair.universe))
    assert matrix.dtype == np.int32
    assert np.array_equal(matrix.toarray()[0], expected)
    assert expected.max() > 1


def test_base_pairs_of_regions(pair):
    """Each hit's base pairs, added up: those of `-wo`, by region."""
    expected = np.zeros(len(pair.universe))
    largest = np.zeros(len(pair.universe))
    for row in bedtools("intersect", "-wo", "-a", pair.a, "-b", pair.b):
        expected[int(row[10])] += int(row[11])
        largest[int(row[10])] = max(largest[int(row[10])], int(row[11]))
    batch = pair.tokenizer.encode_batch([region_set(pair.sample)], values="bp")
    matrix = batch.to_csr(len(pair.universe), dtype=np.int64)
    assert np.array_equal(matrix.toarray()[0], expected)
    found = batch.to_csr(len(pair.universe), reduce="max").toarray()[0]
    assert np.array_equal(found, largest)


@pytest.mark.parametrize(
    ("overlap_of", "share"),
    [(None, None), ("query", "0.5"), ("region", "0.25"), ("both", "0.25")],
)
def test_fractions_of_regions(pair, overlap_of, share):
    """`coverage`: the number of hits of each region, and the share that their union covers."""
    flags = [] if share is None else [*TURNED[overlap_of], share]
    counts, covered = np.zeros((2, len(pair.universe)))
    lengths = np.array([end - start for _, start, end in pair.universe])
    for row in bedtools("coverage", *flags, "-a", pair.b, "-b", pair.a):
        counts[int(row[3])] = int(row[4])
        covered[int(row[3])] = int(row[5])  # the last column, its share, has seven places
        assert int(row[6]) == lengths[int(row[3])]
        assert float(row[7]) == pytest.approx(int(row[5]) / int(row[6]), abs=1e-6)
    assert np.count_nonzero(covered) > 10
    limits = {} if share is None else {"min_overlap": float(share), "overlap_of": overlap_of}
    tokenizer = Tokenizer(pair.universe, **limits)
    batch = tokenizer.encode_batch([region_set(pair.sample)], values="fraction")
    found = batch.to_csr(len(pair.universe)).toarray()[0]
    np.testing.assert_allclose(found, covered / lengths, rtol=1e-6, atol=1e-6)
    assert found.max() <= 1 + 1e-6
    ones = tokenizer.encode_batch([region_set(pair.sample)]).to_csr(len(pair.universe))
    assert np.array_equal(ones.toarray()[0], counts)


@pytest.mark.parametrize(("signal", "column"), [("signalValue", 7), ("score", 5)])
def test_signals_of_regions(pair, sorted_files, signal, column):
    """`map`: the sum and the largest of the signals of the rows that overlap each region."""
    a, b = sorted_files
    rows = bedtools(
        "map", "-a", b, "-b", a, "-c", f"{column},{column}", "-o", "sum,max", "-prec", "15"
    )
    sums, largest = np.zeros((2, len(pair.universe)))
    is_hit = np.zeros(len(pair.universe), dtype=bool)
    for row in rows:
        if row[4] != ".":
            id = int(row[3])
            is_hit[id] = True
            sums[id], largest[id] = float(row[4]), float(row[5])
    assert is_hit.sum() > 200
    assert (sums != largest).sum() > 10
    for path in (pair.a, a):
        batch = pair.tokenizer.encode_batch([path], values="signal", signal=signal)
        for reduce, expected in (("sum", sums), ("max", largest)):
            matrix = batch.to_csr(len(pair.universe), reduce=reduce)
            found = matrix.toarray()[0]
            assert matrix.indices.tolist() == np.flatnonzero(is_hit).tolist()
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("overlap_of", TURNED)
def test_signals_of_what_is_enough(pair, sorted_files, overlap_of):
    a, b = sorted_files
    flags = [*TURNED[overlap_of], "0.5"]
    rows = bedtools("map", *flags, "-a", b, "-b", a, "-c", "7", "-o", "max", "-prec", "15")
    expected = np.zeros(len(pair.universe))
    for row in rows:
        expected[int(row[3])] = 0 if row[4] == "." else float(row[4])
    tokenizer = Tokenizer(pair.universe, min_overlap=0.5, overlap_of=overlap_of)
    batch = tokenizer.encode_batch([pair.a], values="signal", signal=7)
    found = batch.to_csr(len(pair.universe), reduce="max").toarray()[0]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert np.count_nonzero(found) > 10


def test_what_is_left_out(pair):
    """`intersect -v`: what is left of the sample without a blacklist."""
    black = pair.universe[:: max(len(pair.universe) // 500, 1)]
    path = write_beside(pair.b, "black.bed", black)
    left = bedtools("intersect", "-v", "-a", pair.a, "-b", path)
    tokenizer = Tokenizer(pair.universe, exclude=path, unknown="region")
    batch = tokenizer.encode_batch([pair.a], queries=True)
    kept = sorted(int(row[3]) for row in left)
    assert sorted(set(batch.queries.tolist())) == kept
    assert batch.n_regions.tolist() == [len(kept)]
    assert batch.n_excluded.tolist() == [len(pair.sample) - len(kept)]
    assert batch.n_excluded[0] > 3


def write_beside(path, name, rows):
    folder = path.rpartition("/")[0]
    with open(f"{folder}/{name}", "w") as handle:
        handle.writelines("\t".join(map(str, row)) + "\n" for row in rows)
    return f"{folder}/{name}"
