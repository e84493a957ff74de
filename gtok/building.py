"""Making regions to be a universe: merging samples, tiling genomes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gtok._order import genome_order, merge
from gtok.columns import repeated
from gtok.errors import GtokError, check_base_pairs
from gtok.files import read_lines
from gtok.index import RegionIndex
from gtok.regions import RegionSet
from gtok.samples import Sample, as_regions, path_of
from gtok.threads import in_threads

LONG = 1_000_000  # base pairs from which a merged region is hardly one region any more

_AT_ONCE = 1 << 21  # regions that wait before they are merged into those of earlier samples

_Columns: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]


def merge_regions(regions: RegionSet, max_gap: int = 0) -> RegionSet:
    """Join regions that overlap, touch, or are no more than `max_gap` base pairs apart.

    What ``bedtools merge -d`` does; the result stands in genome order.

    Examples
    --------
    >>> from gtok import RegionSet
    >>> from gtok.building import merge_regions
    >>> regions = RegionSet(["chr1"] * 3, [100, 200, 250], [200, 220, 300])
    >>> list(merge_regions(regions))
    [Region(chrom='chr1', start=100, end=220), Region(chrom='chr1', start=250, end=300)]
    """
    columns = (regions.codes, regions.starts, regions.ends)
    codes, starts, ends = merge(*columns, regions.genome_order(), max_gap)
    return RegionSet.from_codes(codes, regions.chrom_names, starts, ends)


def merge_samples(
    samples: Sequence[Sample],
    *,
    max_gap: int = 0,
    min_samples: float = 1,
    exclude: RegionIndex | None = None,
    n_threads: int = 1,
) -> RegionSet:
    """The regions that samples amount to; what `Universe.from_samples` documents.

    Samples are read one after the other, twice if `min_samples` asks for more than one: memory
    grows with the merged regions, not with the samples.
    """
    max_gap = check_base_pairs("max_gap", max_gap, 0)
    least = _least(min_samples, len(samples))

    def read(i: int) -> RegionSet:
        regions = as_regions(samples[i])
        return regions if exclude is None else regions[exclude.count(regions) == 0]

    def merged_alone(i: int) -> RegionSet:
        return merge_regions(read(i), max_gap)

    union = _Union(max_gap)
    numbers = range(len(samples))
    for alone in in_threads(merged_alone, numbers, n_threads):
        union.add(alone)
    regions = union.regions()
    if (regions.ends - regions.starts > LONG).any():
        # Whose doing that is takes another look; it is worth the time.
        names = [path_of(sample) or f"sample {i}" for i, sample in enumerate(samples)]
        alone_again = in_threads(merged_alone, numbers, n_threads)
        _warn_of_long(regions, zip(names, alone_again, strict=True))
    if least <= 1:
        return regions
    found = np.zeros(len(regions), dtype=np.int64)
    keys = _keys(regions.codes, regions.starts)

    def places(i: int) -> NDArray[np.int64]:
        """The merged regions that a sample's regions went into."""
        sample = read(i)
        codes = sample.codes_for(regions.chrom_names)
        return np.unique(np.searchsorted(keys, _keys(codes, sample.starts), side="right") - 1)

    for rows in in_threads(places, numbers, n_threads):
        found[rows] += 1
    if len(regions) and found.max() < least:
        raise GtokError(
            f"expected regions of at least {least} samples (min_samples={min_samples!r}), found "
            f"none in more than {found.max()} of {len(samples)}"
        )
    kept: RegionSet = regions[found >= least]
    return kept


def _least(min_samples: float, n: int) -> int:
    """The number of samples that a region has to be in."""
    if isinstance(min_samples, (int, np.integer)) and not isinstance(min_samples, bool):
        if min_samples >= 1:
            return int(min_samples)
    elif isinstance(min_samples, (float, np.floating)) and 0 <= min_samples <= 1:
        least = int(min_samples * n)
        return least + (least < n and least / n < min_samples)  # 7 of 100 are 0.07 as it is typed
    raise GtokError(
        "expected min_samples as a number of samples from 1, or as a share of them from 0.0 to "
        f"1.0, found {min_samples!r}"
    )


def _keys(codes: NDArray[np.int32], starts: NDArray[np.int32]) -> NDArray[np.int64]:
    return (codes.astype(np.int64) << 32) | starts


class _Union:
    """What samples cover together, merged every now and then."""

    def __init__(self, max_gap: int) -> None:
        self.max_gap = max_gap
        self.numbers: dict[str, int] = {}
        self.parts: list[_Columns] = []
        self.n_waiting = 0

    def add(self, sample: RegionSet) -> None:
        names = [self.numbers.setdefault(name, len(self.numbers)) for name in sample.chrom_names]
        codes = np.array(names, dtype=np.int32)[sample.codes] if len(sample) else sample.codes
        self.parts.append((codes, sample.starts, sample.ends))
        self.n_waiting += len(sample)
        if self.n_waiting > max(_AT_ONCE, len(self.parts[0][0])):
            self.parts = [self._merged()]
            self.n_waiting = 0

    def _merged(self) -> _Columns:
        if not self.parts:
            return (np.empty(0, dtype=np.int32),) * 3
        codes, starts, ends = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        return merge(codes, starts, ends, genome_order(codes, starts, ends), self.max_gap)

    def regions(self) -> RegionSet:
        """The merged regions, chromosomes by their names, as ``sort -k1,1 -k2,2n`` has them."""
        codes, starts, ends = self._merged()
        present = set(np.unique(codes).tolist())
        names = sorted(name for name, number in self.numbers.items() if number in present)
        rank = np.zeros(len(self.numbers), dtype=np.int32)
        for code, name in enumerate(names):
            rank[self.numbers[name]] = code
        codes = rank[codes]
        order = genome_order(codes, starts, ends)
        if order is not None:
            codes, starts, ends = codes[order], starts[order], ends[order]
        return RegionSet.from_codes(codes, names, starts, ends)


def _warn_of_long(regions: RegionSet, samples: Iterable[tuple[str, RegionSet]]) -> None:
    """Warn that merging has run away, and say which sample does it; each comes merged alone."""
    lengths = regions.ends - regions.starts
    n = int(np.count_nonzero(lengths > LONG))
    longest = regions[int(np.argmax(lengths))]
    covered, worst = 0, ""
    for name, alone in samples:
        within = (
            (alone.codes_for([longest.chrom]) == 0)
            & (alone.starts >= longest.start)
            & (alone.starts < longest.end)
        )
        stretch = int((alone.ends - alone.starts)[within].max(initial=0))
        if stretch > covered:
            covered, worst = stretch, name
    advice = "leave it out, exclude such regions, or give a universe"
    if covered <= LONG:
        advice = "no sample does it alone, they overlap one another: give a universe"
    warnings.warn(
        f"merging has run away: {n:,} region{'s are' if n > 1 else ' is'} longer than 1 Mb, the "
        f"longest {longest} ({longest.end - longest.start:,} bp). {worst} covers {covered:,} bp "
        f"of {longest.chrom} in one stretch; {advice}",
        stacklevel=4,
    )


GENOMES = ("hg38", "hg19", "hs1", "mm10", "mm39")  # whose sizes come along


def chrom_sizes(genome: str | os.PathLike[str] | Mapping[str, int]) -> dict[str, int]:
    """The chromosomes of a genome and their lengths in base pairs.

    Parameters
    ----------
    genome : str, path, or dict
        The name of an assembly (hg38, hg19, hs1, mm10, mm39; "T2T" and "chm13" are hs1), of which
        the assembled chromosomes are known; a file of names and lengths, as UCSC's
        ``chrom.sizes`` or samtools's ``.fai``; or the lengths themselves.

    Raises
    ------
    GtokError
        If the assembly is not known, or a line is no name and length.
    """
    if isinstance(genome, Mapping):
        return {
            name: check_base_pairs(f"the length of {name!r}", length, 1)
            for name, length in genome.items()
        }
    name = os.fspath(genome)
    known = {"t2t": "hs1", "chm13": "hs1", "t2t-chm13": "hs1"}.get(name.lower(), name)
    if known in GENOMES:
        from importlib.resources import files

        text = files("gtok").joinpath("genomes", f"{known}.chrom.sizes").read_bytes()
        lines: Iterable[bytes] = text.splitlines()
    elif os.path.exists(name):
        lines = read_lines(name)
    else:
        raise GtokError(
            f"expected a genome of {', '.join(GENOMES)}, or a file of chromosomes and their "
            f"lengths, found {name!r}"
        )
    sizes: dict[str, int] = {}
    for number, line in enumerate((line.decode(errors="replace") for line in lines), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        is_number = len(fields) > 1 and fields[1].isdecimal() and len(fields[1]) <= 10
        if not is_number or not 0 < int(fields[1]) < 2**31:
            raise GtokError(
                f"{name}, line {number}: expected a chromosome and its length, found {line!r:.60}"
            )
        if fields[0] in sizes:
            raise GtokError(
                f"{name}, line {number}: expected each chromosome once, found {fields[0]!r} twice"
            )
        sizes[fields[0]] = int(fields[1])
    return sizes


def tile_genome(sizes: Mapping[str, int], width: int) -> RegionSet:
    """Windows side by side over each chromosome, the last of each being as short as it must."""
    width = check_base_pairs("the width of tiles", width, 1)
    lengths = np.array(list(sizes.values()), dtype=np.int64)
    numbers = -(-lengths // width)
    if numbers.sum() >= 2**31 - 8:
        raise GtokError(f"expected fewer than 2**31 tiles, found {numbers.sum():,}: widen them")
    codes = repeated(np.arange(len(sizes), dtype=np.int32), numbers)
    first = repeated(np.cumsum(numbers) - numbers, numbers)
    starts = (np.arange(len(codes)) - first) * width
    return RegionSet.from_codes(
        codes, list(sizes), starts, np.minimum(starts + width, lengths[codes])
    )
