"""Seeded data for the benchmarks: universes and queries as BED files of hg38's size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from gtok._format import format_rows
from gtok.regions import RegionSet

WORK = Path(__file__).parent / "work"

# hg38's assembled chromosomes, base pairs (UCSC hg38.chrom.sizes).
HG38 = {
    "chr1": 248956422, "chr2": 242193529, "chr3": 198295559, "chr4": 190214555,
    "chr5": 181538259, "chr6": 170805979, "chr7": 159345973, "chr8": 145138636,
    "chr9": 138394717, "chr10": 133797422, "chr11": 135086622, "chr12": 133275309,
    "chr13": 114364328, "chr14": 107043718, "chr15": 101991189, "chr16": 90338345,
    "chr17": 83257441, "chr18": 80373285, "chr19": 58617616, "chr20": 64444167,
    "chr21": 46709983, "chr22": 50818468, "chrX": 156040895, "chrY": 57227415,
}  # fmt: skip


def regions(n: int, widths: tuple[int, int], seed: int) -> RegionSet:
    """Sorted regions of hg38, placed evenly at random, with widths drawn from a range."""
    random = np.random.default_rng(seed)
    sizes = np.array(list(HG38.values()))
    codes = np.sort(random.choice(len(sizes), size=n, p=sizes / sizes.sum())).astype(np.int32)
    lengths = random.integers(*widths, size=n, endpoint=True)
    starts = (random.random(n) * (sizes[codes] - lengths)).astype(np.int64)
    order = np.lexsort((starts + lengths, starts, codes))
    starts, lengths = starts[order], lengths[order]
    return RegionSet.from_codes(codes, list(HG38), starts, starts + lengths)


def universe(n: int) -> RegionSet:
    """A universe, widths 150-350, no row twice."""
    made = regions(n + n // 1000 + 10, (150, 350), seed=1)
    key = np.column_stack([made.codes, made.starts, made.ends])
    distinct = np.r_[True, (key[1:] != key[:-1]).any(axis=1)]
    return made[np.flatnonzero(distinct)[:n]]


def queries(n: int) -> RegionSet:
    """Queries, widths 200-600."""
    return regions(n, (200, 600), seed=2)


def samples(n_files: int, n: int) -> list[Path]:
    """Files of regions that each lie near one of the universe, 100 bp off at most."""
    folder = WORK / f"samples-{n_files}-{n}"
    paths = [folder / f"sample{i:04}.bed" for i in range(n_files)]
    if not paths[-1].exists():
        folder.mkdir(parents=True, exist_ok=True)
        words = universe(1_000_000)
        for i, path in enumerate(paths):
            random = np.random.default_rng(1000 + i)
            rows = np.sort(random.choice(len(words), size=n, replace=False))
            starts = np.maximum(words.starts[rows] + random.integers(-100, 100, size=n), 0)
            ends = starts + random.integers(200, 600, size=n)
            order = np.lexsort((ends, starts, words.codes[rows]))
            columns = (words.codes[rows][order], words.chrom_names, starts[order], ends[order])
            RegionSet.from_codes(*columns).to_bed(path)
    return paths


def shuffled(made: RegionSet) -> RegionSet:
    """The same regions in random order."""
    return made[np.random.default_rng(3).permutation(len(made))]


def bed(name: str, make: Callable[[], RegionSet]) -> Path:
    """The BED file of this name, made once."""
    path = WORK / name
    if not path.exists():
        WORK.mkdir(exist_ok=True)
        make().to_bed(path)
    return path


def fragments(n: int, n_cells: int = 5000) -> tuple[Path, Path]:
    """Peaks, 100k of them, and a bgzip'd file of fragments, 40 % of which lie near a peak.

    Lengths are those of free DNA, of one nucleosome and of two, as ATAC-seq has them.
    """
    peaks = bed("peaks-100k.bed", lambda: regions(100_000, (300, 900), seed=11))
    path = WORK / f"fragments-{n}.tsv.gz"
    if not path.exists():
        random = np.random.default_rng(12)
        words = RegionSet.from_bed(peaks)
        near = random.integers(0, len(words), n * 2 // 5)
        middle = (words.starts[near].astype(np.int64) + words.ends[near]) // 2
        beside = regions(n - len(near), (1, 2), seed=13)
        codes = np.concatenate([words.codes[near], beside.codes])
        starts = np.concatenate([middle + random.integers(-400, 400, len(near)), beside.starts])
        kind = random.random(n)
        lengths = np.where(kind < 0.6, random.gamma(2, 40, n), random.normal(200, 30, n))
        lengths = np.where(kind > 0.9, random.normal(390, 40, n), lengths)
        starts = np.maximum(starts, 0)
        ends = starts + np.clip(lengths, 20, 1500).astype(np.int64)
        order = np.lexsort((ends, starts, codes))
        letters = random.choice(list("ACGT"), (n_cells, 16))
        barcodes = ["".join(row).encode() + b"-1" for row in letters]
        share = random.gamma(1.5, 1, n_cells)
        cells = random.choice(n_cells, n, p=share / share.sum()).astype(np.int32)
        supports = random.geometric(0.5, n).astype(np.int32)
        chroms = [name.encode() for name in words.chrom_names]
        import pysam

        with pysam.BGZFile(str(path), "wb", None) as handle:
            for rows in np.array_split(order, 100):
                columns = (codes[rows], starts[rows], ends[rows])
                lines = format_rows(
                    chroms, *(column.astype(np.int32) for column in columns), supports[rows],
                    labels=barcodes, label_codes=cells[rows],
                )  # fmt: skip
                handle.write(bytes(lines))
    return peaks, path


def repeated(path: Path, n: int) -> Path:
    """A gzip file so many times over: its members, one behind the other."""
    made = path.with_name(f"{n}x-{path.name}")
    if not made.exists():
        with open(made, "wb") as handle:
            for _ in range(n):
                handle.write(path.read_bytes())
    return made
