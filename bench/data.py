"""Data for the benchmarks, made once from seeds: BED files of hg38's size, in bench/work."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gtok._format import format_rows
from gtok.regions import RegionSet

HERE = Path(__file__).resolve().parent
WORK = HERE / "work"
SHARED = HERE.parents[1] / "shared" / "data"  # real files, where they are there

# hg38's assembled chromosomes, base pairs (UCSC hg38.chrom.sizes).
HG38 = {
    "chr1": 248956422, "chr2": 242193529, "chr3": 198295559, "chr4": 190214555,
    "chr5": 181538259, "chr6": 170805979, "chr7": 159345973, "chr8": 145138636,
    "chr9": 138394717, "chr10": 133797422, "chr11": 135086622, "chr12": 133275309,
    "chr13": 114364328, "chr14": 107043718, "chr15": 101991189, "chr16": 90338345,
    "chr17": 83257441, "chr18": 80373285, "chr19": 58617616, "chr20": 64444167,
    "chr21": 46709983, "chr22": 50818468, "chrX": 156040895, "chrY": 57227415,
}  # fmt: skip


def regions(
    n: int, widths: tuple[float, float], seed: int, sizes: dict[str, int] = HG38
) -> RegionSet:
    """Sorted regions, placed evenly at random, with widths drawn from a range."""
    random = np.random.default_rng(seed)
    spans = np.array(list(sizes.values()))
    codes = random.choice(len(spans), size=n, p=spans / spans.sum()).astype(np.int32)
    lengths = random.integers(int(widths[0]), int(widths[1]), size=n, endpoint=True)
    starts = (random.random(n) * (spans[codes] - lengths)).astype(np.int64)
    return ordered(codes, starts, starts + lengths, list(sizes))


def ordered(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray, names: list[str]) -> RegionSet:
    """Columns as regions in genome order."""
    order = np.lexsort((ends, starts, codes))
    columns = (column[order].astype(np.int32) for column in (codes, starts, ends))
    codes, starts, ends = columns
    return RegionSet.from_codes(codes, names, starts, ends)


def distinct(made: RegionSet) -> RegionSet:
    """No row twice: gtars gives other ids then. The rows are in genome order."""
    key = np.column_stack([made.codes, made.starts, made.ends])
    return made[np.flatnonzero(np.r_[True, (key[1:] != key[:-1]).any(axis=1)])]


def universe(n: int, sizes: dict[str, int] = HG38) -> RegionSet:
    """Widths 150-350 at 1M regions, and so that a query has as many hits at any number of them."""
    scale = 1_000_000 / n
    made = distinct(regions(n + n // 20 + 10, (150 * scale, 350 * scale), 1, sizes))
    return made[np.sort(np.random.default_rng(4).choice(len(made), n, replace=False))]


def queries(n: int, of: int = 1_000_000, sizes: dict[str, int] = HG38) -> RegionSet:
    """Queries of a universe of so many regions, widths 200-600 at 1M."""
    return regions(n, (200 * 1_000_000 / of, 600 * 1_000_000 / of), 2, sizes)


def exons(n: int) -> RegionSet:
    """Like GENCODE's: transcripts of one gene share their exons, but for a few base pairs.

    Some genes have hundreds of transcripts, which makes regions over a hundred deep.
    """
    random = np.random.default_rng(5)
    n, n_genes = n + n // 10, max(n // 50, 20)
    sizes = np.array(list(HG38.values()))
    share = random.gamma(0.2, 1, n_genes)
    gene = random.choice(n_genes, n, p=share / share.sum())
    chrom = random.choice(len(sizes), n_genes, p=sizes / sizes.sum())
    number = random.integers(0, 8, n)  # of the exon in its gene
    begin = (random.random(n_genes) * (sizes[chrom] - 100_000)).astype(np.int64)
    intron = random.integers(500, 10_000, n_genes)
    length = random.integers(60, 300, (n_genes, 8))
    starts = begin[gene] + number * intron[gene] + random.integers(-20, 20, n) + 100
    ends = starts + length[gene, number] + random.integers(-20, 20, n)
    return distinct(ordered(chrom[gene], starts, ends, list(HG38)))


def dolls(n: int, depth: int) -> RegionSet:
    """Regions within regions, so many deep; their mean width is the same at any depth."""
    random = np.random.default_rng(6)
    sizes = np.array(list(HG38.values()))
    n_sets = n // depth
    chrom = random.choice(len(sizes), n_sets, p=sizes / sizes.sum())
    middle = 3_000 + (random.random(n_sets) * (sizes[chrom] - 6_000)).astype(np.int64)
    half = 3_000 * np.arange(1, depth + 1) // (depth + 1)
    starts, ends = (middle[:, None] - half).ravel(), (middle[:, None] + half).ravel()
    return distinct(ordered(np.repeat(chrom, depth), starts, ends, list(HG38)))


def with_long(made: RegionSet) -> RegionSet:
    """The same, and a region of 170 Mb over nearly all of chr4."""
    code = made.chrom_names.index("chr4")
    columns = zip((made.codes, made.starts, made.ends), (code, 10**7, 18 * 10**7), strict=True)
    return ordered(*(np.append(column, value) for column, value in columns), list(made.chrom_names))


def near(made: RegionSet, n: int) -> RegionSet:
    """Queries that lie near a universe's regions, sorted."""
    random = np.random.default_rng(7)
    rows = random.integers(0, len(made), n)
    starts = np.maximum(made.starts[rows] + random.integers(-500, 500, n), 0)
    widths = random.integers(200, 600, n, endpoint=True)
    return ordered(made.codes[rows], starts, starts + widths, list(made.chrom_names))


def real() -> dict[str, Path]:
    """Real universes that are nested, where they are there: distinct rows of a positive length."""
    found = {}
    for name, path in {
        "RefSeq exons": "universes/RefSeqExon.hg38.bed.gz",
        "bedtk's annotation": "universes/bedtk_test-anno.bed.gz",
        "bedshift's, 4,841 deep": "odd/geniml_add_valid_test.bed",
    }.items():
        if not (SHARED / path).exists():
            continue

        def read(path: Path = SHARED / path) -> RegionSet:
            text = path.read_bytes()
            text = gzip.decompress(text) if path.suffix == ".gz" else text
            rows = [line.split("\t")[:3] for line in text.decode().split("\n")]
            rows = [row for row in rows if row[0] and row[0][0] != "#"]
            chroms, *sides = zip(*rows, strict=True)
            names, codes = np.unique(chroms, return_inverse=True)
            starts, ends = (np.array(side, dtype=np.int64) for side in sides)
            keep = starts < ends
            return distinct(ordered(codes[keep], starts[keep], ends[keep], names.tolist()))

        found[name] = bed(f"real-{Path(path).name.split('.')[0]}.bed", read)
    return found


def samples(n_files: int, n: int, words: Path) -> list[Path]:
    """Files of regions that each lie near one of a universe, 100 bp off at most."""
    folder = WORK / f"samples-{words.stem}-{n_files}-{n}"
    paths = [folder / f"sample{i:04}.bed" for i in range(n_files)]
    if not paths[-1].exists():
        folder.mkdir(parents=True, exist_ok=True)
        words = RegionSet.from_bed(words)
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
        part = path.with_suffix(".part")  # a run that is stopped leaves no half of a file
        make().to_bed(part)
        part.rename(path)
    return path


def files(n: int) -> dict[str, Path]:
    """A universe of so many regions, and as many queries, in two orders."""
    name = amount(n)
    return {
        "universe": bed(f"universe-{name}.bed", lambda: universe(n)),
        "sorted": bed(f"queries-{name}.bed", lambda: queries(n, n)),
        "shuffled": bed(f"queries-{name}-shuffled.bed", lambda: shuffled(queries(n, n))),
    }


def many_queries(n: int, of: int) -> Path:
    """Shuffled queries, another number of them than the universe has regions."""
    name = f"queries-{amount(n)}-of-{amount(of)}-shuffled.bed"
    return bed(name, lambda: shuffled(queries(n, of)))


def by_name(path: Path, name: str) -> Path:
    """The same rows with chromosomes in the order of their names, as `sort` and bedops have it."""

    def sort() -> RegionSet:
        made = RegionSet.from_bed(path)
        place = np.argsort(np.argsort(np.array(made.chrom_names, dtype=bytes)))
        return made[np.lexsort((made.ends, made.starts, place[made.codes]))]

    return bed(name, sort)


def amount(n: int) -> str:
    """1000000 as 1M."""
    for unit, size in (("M", 1_000_000), ("k", 1000)):
        if n >= size and n % (size // 10) == 0:
            return f"{n / size:g}{unit}"
    return str(n)


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
