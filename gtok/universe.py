"""`Universe` and `SpecialTokens`: the vocabulary."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gtok._order import repeats
from gtok.building import chrom_sizes, merge_samples, tile_genome
from gtok.errors import GtokError, check_choice
from gtok.index import build_index
from gtok.regions import Region, RegionSet, is_region_text
from gtok.samples import Sample, as_batch, as_exclusions, as_regions


@dataclass(frozen=True)
class SpecialTokens:
    """The tokens that are no regions, in the order of their ids, which follow those of the regions.

    Raises
    ------
    GtokError
        If two are the same, or one is empty.

    Examples
    --------
    >>> from gtok import SpecialTokens
    >>> SpecialTokens(unk="[UNK]").unk
    '[UNK]'
    """

    unk: str = "<unk>"
    pad: str = "<pad>"
    mask: str = "<mask>"
    cls: str = "<cls>"
    eos: str = "<eos>"
    bos: str = "<bos>"
    sep: str = "<sep>"

    def __post_init__(self) -> None:
        seen: dict[str, str] = {}
        for role, token in self.items():
            if not isinstance(token, str) or not token:
                raise GtokError(f"expected the {role} token to be a text, found {token!r}")
            if token in seen:
                raise GtokError(
                    f"expected seven different special tokens, found {token!r} "
                    f"as {seen[token]} and as {role}"
                )
            seen[token] = role

    @classmethod
    def of(cls, tokens: SpecialTokens | Mapping[str, str] | None) -> SpecialTokens:
        """Take special tokens as such, as a mapping from role to token, or the usual ones."""
        if isinstance(tokens, SpecialTokens):
            return tokens
        try:
            return cls(**(tokens or {}))
        except TypeError:
            raise GtokError(
                f"expected special tokens called {', '.join(cls.__dataclass_fields__)}, "
                f"found {', '.join(map(str, tokens or {}))}"
            ) from None

    def items(self) -> list[tuple[str, str]]:
        """Role and token of each, in the order of their ids."""
        return list(asdict(self).items())

    def __len__(self) -> int:
        return len(self.__dataclass_fields__)


class Split(NamedTuple):
    """Which regions of a universe are for training and which for testing, bool[N] each."""

    train: NDArray[np.bool_]
    test: NDArray[np.bool_]


class Universe:
    """A fixed, ordered list of regions: the vocabulary that samples are told in.

    The id of a region is the number of its row, from 0 to N - 1, in the order of the file; the
    special tokens follow, from N to N + 6. Immutable.

    Parameters
    ----------
    sample : sample
        The regions: whatever `as_regions` takes. Names (BED column 4) and scores (5) are kept.
    duplicates : {"error", "drop"}
        What to do where a region stands twice: refuse, or keep the first.
    genome : str, optional
        The assembly, say "hg38": saved with the universe and with what is made from it.
    special_tokens : SpecialTokens or dict, optional
        Tokens by role: unk, pad, mask, cls, eos, bos, sep.

    Attributes
    ----------
    regions : RegionSet
    special_tokens : SpecialTokens
    genome : str or None

    Raises
    ------
    GtokError
        If there is no region, a region stands twice, or a special token is also a region.

    Warns
    -----
    UserWarning
        If regions are of no length: such a one overlaps only what reaches over it.

    Examples
    --------
    >>> import gtok
    >>> u = gtok.Universe(["chr1:100-200", "chr1:300-400", "chr2:5-50"])
    >>> u
    Universe(3 regions on 2 chromosomes, 245 bp)
    >>> len(u), u.token(2), u.id("chr1:300-400"), u.id("<pad>")
    (3, 'chr2:5-50', 1, 4)
    """

    regions: RegionSet
    special_tokens: SpecialTokens
    genome: str | None

    def __init__(
        self,
        sample: Sample,
        *,
        duplicates: Literal["error", "drop"] = "error",
        genome: str | None = None,
        special_tokens: SpecialTokens | Mapping[str, str] | None = None,
    ) -> None:
        check_choice("duplicates", duplicates, ("error", "drop"))
        if genome is not None and not isinstance(genome, str):
            raise TypeError(f"expected genome as a string such as 'hg38', found {genome!r}")
        regions = as_regions(sample, extra=True)
        where = "" if regions.source is None else f"{regions.source.name}: "
        if len(regions) == 0:
            raise GtokError(f"{where}a universe needs at least one region, found none")
        repeats = repeated_rows(regions)
        if len(repeats) and duplicates == "error":
            first, again = repeats[np.argmin(repeats[:, 1])].tolist()
            raise GtokError(
                f"{regions.where(again)}: {regions[again]} stands already in "
                f"{regions.where(first)}; a region is one token. duplicates='drop' keeps the "
                f"first of each ({len(repeats):,} row{'s' * (len(repeats) != 1)} would go)"
            )
        if len(repeats):
            keep = np.ones(len(regions), dtype=bool)
            keep[repeats[:, 1]] = False
            regions = regions[keep]
        n_empty = int((regions.starts == regions.ends).sum())
        if n_empty:
            warnings.warn(
                f"{where}{n_empty:,} region{'s' * (n_empty != 1)} of no length (start = end): "
                f"overlapped only by what reaches over them on both sides",
                stacklevel=2,
            )
        self.regions = regions
        self.special_tokens = SpecialTokens.of(special_tokens)
        self.genome = genome
        for role, token in self.special_tokens.items():
            if self._row(token) is not None:
                raise GtokError(f"the {role} token {token!r} is also a region of the universe")

    @classmethod
    def from_bed(
        cls,
        path: str | os.PathLike[str],
        *,
        duplicates: Literal["error", "drop"] = "error",
        genome: str | None = None,
        special_tokens: SpecialTokens | Mapping[str, str] | None = None,
    ) -> Universe:
        """Read a universe from a BED file; ids are row numbers, in the order of the file."""
        regions = RegionSet.from_bed(path, extra=True)
        return cls(regions, duplicates=duplicates, genome=genome, special_tokens=special_tokens)

    @classmethod
    def from_samples(
        cls,
        samples: Iterable[Sample],
        *,
        max_gap: int = 0,
        min_samples: float = 1,
        exclude: Sample | None = None,
        genome: str | None = None,
        special_tokens: SpecialTokens | Mapping[str, str] | None = None,
        n_threads: int = 1,
    ) -> Universe:
        """Merge samples into a universe, as ``bedtools merge`` does with all of them in one file.

        Parameters
        ----------
        samples : list of samples
            Each of them whatever `as_regions` takes.
        max_gap : int
            Regions that are no more base pairs apart are joined; with 0 those that overlap or
            touch.
        min_samples : int or float
            Keep the merged regions that this many samples have a part in; a float is a share of
            the samples.
        exclude : sample, or list of str, optional
            Regions that overlap any of these are left out beforehand, as of `Tokenizer`.
        genome, special_tokens
            As of the constructor.
        n_threads : int
            Files to read at a time.

        Returns
        -------
        Universe
            Chromosomes in the order of their names, regions by their starts.

        Raises
        ------
        GtokError
            If nothing is left.

        Warns
        -----
        UserWarning
            If a merged region is longer than 1 Mb, with the sample to blame: one that tiles the
            genome merges into a region per chromosome.

        Examples
        --------
        >>> import gtok
        >>> u = gtok.Universe.from_samples([["chr1:100-200", "chr2:5-50"], ["chr1:200-300"]])
        >>> u.tokens
        ['chr1:100-300', 'chr2:5-50']
        >>> gtok.Universe.from_samples(
        ...     [["chr1:100-200", "chr2:5-50"], ["chr1:200-300"]], min_samples=2
        ... ).tokens
        ['chr1:100-300']
        """
        left_out = None if exclude is None else build_index(as_exclusions(exclude))
        regions = merge_samples(
            as_batch(samples),
            max_gap=max_gap,
            min_samples=min_samples,
            exclude=left_out,
            n_threads=n_threads,
        )
        return cls(regions, genome=genome, special_tokens=special_tokens)

    @classmethod
    def tiles(
        cls,
        genome: str | os.PathLike[str] | Mapping[str, int],
        width: int,
        *,
        special_tokens: SpecialTokens | Mapping[str, str] | None = None,
    ) -> Universe:
        """Tile a genome with windows side by side.

        Parameters
        ----------
        genome : str, path, or dict
            hg38, hg19, hs1 (T2T-CHM13), mm10 or mm39, of which the assembled chromosomes are
            known; a file of chromosomes and lengths, as UCSC's ``chrom.sizes``; or the lengths.
        width : int
            Of a window, base pairs; the last one of a chromosome is as short as it must.
        special_tokens
            As of the constructor.

        Examples
        --------
        >>> import gtok
        >>> gtok.Universe.tiles({"chr1": 1200}, 500).tokens
        ['chr1:0-500', 'chr1:500-1000', 'chr1:1000-1200']
        >>> gtok.Universe.tiles("hg38", 5000)
        Universe(617,669 regions on 25 chromosomes, 3,088,286,401 bp, hg38)
        """
        name = genome if isinstance(genome, str) and not os.path.exists(genome) else None
        tiles = tile_genome(chrom_sizes(genome), width)
        return cls(tiles, genome=name, special_tokens=special_tokens)

    def __len__(self) -> int:
        return len(self.regions)

    def __repr__(self) -> str:
        return f"Universe({self.regions.summary}{f', {self.genome}' if self.genome else ''})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Universe):
            return NotImplemented
        return (
            self.regions == other.regions
            and self.special_tokens == other.special_tokens
            and self.genome == other.genome
        )

    def __hash__(self) -> int:
        return hash(self.digest)

    def __contains__(self, token: object) -> bool:
        return isinstance(token, str) and self._find(token) is not None

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (self.regions, self.special_tokens, self.genome)

    def __copy__(self) -> Universe:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Universe:
        return self

    @property
    def names(self) -> list[str] | None:
        """The name of each region (BED column 4), where the file had any."""
        return self.regions.names

    @property
    def scores(self) -> NDArray[np.float64] | None:
        """The score of each region (BED column 5), NaN for ``.``, where they are numbers."""
        return self.regions.scores

    @property
    def tokens(self) -> list[str]:
        """The tokens of the N regions, by id. Made anew each time: a million take half a second."""
        return self.tokens_of(np.arange(len(self)))

    @property
    def vocab_size(self) -> int:
        """N + 7: the regions and the special tokens."""
        return len(self) + len(self.special_tokens)

    @property
    def digest(self) -> str:
        """A SHA-256 of the regions in their order; the same wherever and however they were read."""
        if not hasattr(self, "_digest"):
            self._digest = digest_of(self.regions)
        return self._digest

    def token(self, id: int) -> str:
        """The token of an id, special ones included.

        Raises
        ------
        IndexError
            If there is no such id.
        """
        return self.tokens_of([id])[0]

    def tokens_of(self, ids: ArrayLike) -> list[str]:
        """The tokens of many ids, special ones included.

        Raises
        ------
        IndexError
            If there is no such id.
        """
        wanted = as_ids(ids)
        bad = (wanted < 0) | (wanted >= self.vocab_size)
        if bad.any():
            raise IndexError(
                f"expected ids from 0 to {self.vocab_size - 1}, found {wanted[np.argmax(bad)]}"
            )
        special = wanted >= len(self)
        rows = np.where(special, 0, wanted)
        columns = (self.regions.codes[rows], self.regions.starts[rows], self.regions.ends[rows])
        names = self.regions.chrom_names
        tokens = [
            f"{names[code]}:{start}-{end}"
            for code, start, end in zip(*(column.tolist() for column in columns), strict=True)
        ]
        if special.any():
            specials = [token for _, token in self.special_tokens.items()]
            for at in np.flatnonzero(special).tolist():
                tokens[at] = specials[wanted[at] - len(self)]
        return tokens

    def special_id(self, role: str) -> int:
        """The id of the special token of this role: unk, pad, mask, cls, eos, bos or sep."""
        return len(self) + list(SpecialTokens.__dataclass_fields__).index(role)

    def id(self, token: str) -> int:
        """The id of a token, special ones included.

        Raises
        ------
        KeyError
            If the universe has no such token.
        """
        found = self._find(token)
        if found is None:
            raise KeyError(token)
        return found

    def ids_of(self, tokens: Iterable[str], default: int) -> list[int]:
        """The ids of many tokens, `default` for those that the universe lacks."""
        found = (self._find(token) for token in tokens)
        return [default if id is None else id for id in found]

    def split(self, test: str | Iterable[str]) -> Split:
        """Split the regions by chromosome, so that nothing near a test region is trained on.

        Parameters
        ----------
        test : list of str
            The chromosomes to test on.

        Returns
        -------
        Split
            Masks ``train`` and ``test`` over the regions, which are the columns of a matrix.

        Raises
        ------
        GtokError
            If no region is on one of the chromosomes.

        Examples
        --------
        >>> import gtok
        >>> u = gtok.Universe(["chr1:100-200", "chr8:300-400", "chr9:5-50"])
        >>> train, test = u.split(test=["chr8", "chr9"])
        >>> test
        array([False,  True,  True])
        """
        wanted = [test] if isinstance(test, str) else list(test)
        present = {self.regions.chrom_names[code] for code in np.unique(self.regions.codes)}
        if missing := sorted(set(wanted) - present):
            raise GtokError(
                f"expected chromosomes of the universe to test on, found {missing[0]!r}; it has "
                f"names like {self.regions.chrom_names[self.regions.codes[0]]!r}"
            )
        numbers = [code for code, name in enumerate(self.regions.chrom_names) if name in wanted]
        held_out = np.isin(self.regions.codes, numbers)
        return Split(~held_out, held_out)

    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """The regions as a data frame with columns chrom, start, end and, if any, name, score.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}
            Whose frame.
        """
        return self.regions.to_frame(backend)

    def _find(self, token: str) -> int | None:
        for at, (_, special) in enumerate(self.special_tokens.items()):
            if token == special:
                return len(self) + at
        return self._row(token)

    def _row(self, token: str) -> int | None:
        """The row of a region's token: a search by halves, without the strings of the others."""
        if not is_region_text(token):
            return None
        region = Region.parse(token)
        if str(region) != token or region.chrom not in self._numbers or region.end >= 2**31:
            return None
        keys, order = self._sorted
        key = (self._numbers[region.chrom] << 32) | min(region.start, 2**31)
        lo, hi = np.searchsorted(keys, [key, key + 1])
        rows = np.arange(lo, hi) if order is None else order[lo:hi]
        found = rows[self.regions.ends[rows] == region.end]
        return int(found[0]) if len(found) else None

    @property
    def _numbers(self) -> dict[str, int]:
        if not hasattr(self, "_chrom_numbers"):
            self._chrom_numbers = {name: i for i, name in enumerate(self.regions.chrom_names)}
        return self._chrom_numbers

    @property
    def _sorted(self) -> tuple[NDArray[np.int64], NDArray[np.int32] | None]:
        """The regions' chromosomes and starts as one ascending number each, and their rows."""
        if not hasattr(self, "_lookup"):
            order = self.regions.genome_order()
            keys = (self.regions.codes.astype(np.int64) << 32) | self.regions.starts
            self._lookup = (keys if order is None else keys[order], order)
        return self._lookup


def digest_of(regions: RegionSet) -> str:
    """A SHA-256 of regions in their order."""
    import hashlib

    digest = hashlib.sha256(b"gtok universe 1\n")
    # Codes count chromosomes by first appearance, whatever numbers the set uses.
    used, first, inverse = np.unique(regions.codes, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    for code in used[np.argsort(first)]:
        digest.update(regions.chrom_names[code].encode() + b"\n")
    for column in (rank[inverse], regions.starts, regions.ends):
        digest.update(np.ascontiguousarray(column, dtype="<i4").data)
    return digest.hexdigest()


def _unpickle(regions: RegionSet, special_tokens: SpecialTokens, genome: str | None) -> Universe:
    universe = Universe.__new__(Universe)
    universe.regions = regions
    universe.special_tokens = special_tokens
    universe.genome = genome
    return universe


def repeated_rows(regions: RegionSet) -> NDArray[np.int64]:
    """Pairs (first row, later row) of the same region, int64[n, 2]."""
    columns = (regions.codes, regions.starts, regions.ends)
    return np.column_stack(repeats(*columns, regions.genome_order()))


def as_ids(ids: Any) -> NDArray[np.int64]:
    """Ids as int64.

    Raises
    ------
    TypeError
        If they are no whole numbers.
    """
    found = np.asarray(ids)
    if found.size == 0:
        return np.empty(0, dtype=np.int64)
    if found.dtype.kind not in "iu":
        raise TypeError(f"expected ids as whole numbers, found {found.dtype}")
    return found.astype(np.int64)
