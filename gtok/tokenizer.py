"""`Tokenizer`: a universe and its index make batches of tokens."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtok._hits import newly_covered, shared
from gtok._order import genome_order
from gtok.batch import TokenBatch
from gtok.columns import repeated
from gtok.config import OPTIONS, Config, find_config, read_config, save_folder
from gtok.encoding import frame_of
from gtok.errors import ConfigError, GtokError, check_choice
from gtok.hub import fetch
from gtok.index import Limits, Method, OverlapOf, build_index
from gtok.padding import Side
from gtok.regions import RegionSet, parts_of_bed
from gtok.samples import Sample, as_batch, as_exclusions, as_regions, path_of
from gtok.surface import TokenizerSurface, Values
from gtok.threads import Stop, in_threads
from gtok.universe import SpecialTokens, Universe, repeated_rows

_CHOICES: dict[str, tuple[Any, ...]] = {
    "unknown": ("sample", "region", "drop"),
    "order": ("input", "genome", "random", "value"),
    "unique": (None, "query", "token"),
    "padding_side": ("right", "left"),
}
_ROLES = dict.fromkeys(SpecialTokens.__dataclass_fields__, 0)
VALUES = ("count", "bp", "fraction", "signal")


class Hits(NamedTuple):
    """Every overlap of a sample with the universe, as columns."""

    queries: NDArray[np.int32]  # the row of the input region
    ids: NDArray[np.int32]  # the universe's region
    overlap: NDArray[np.int32]  # base pairs in both


class Tokenizer(TokenizerSurface):
    """Maps samples onto a universe: every region of it that a sample overlaps is a token.

    Regions are 0-based and half-open; two overlap if each starts before the other ends, so that
    touching ones do not, and a region of no length overlaps what reaches over it on both sides.
    Strand is ignored. Any number of threads may use one tokenizer at once; a call changes nothing.

    Parameters
    ----------
    universe : Universe, path, or sample
        A universe, a BED file, a TOML config, a folder that `save_pretrained` wrote, or any other
        sample.
    method : {"auto", "bits", "ailist"}
        The overlap index; all give the same answers (see `build_index`).
    unknown : {"sample", "region", "drop"}
        What becomes ``<unk>``: a sample without a single hit (one token in all), every region
        without one, or nothing.
    order : {"input", "genome", "random", "value"}
        The order of a sample's tokens: of its regions as they came, by position, shuffled, or by
        the tokens' values, the largest first (without `values`, the base pairs of the overlap).
        The tokens of one region otherwise come by (start, end, id).
    unique : {None, "query", "token"}
        Keep repeats; or count a repeated input region once; or keep a token's first appearance.
    seed : int
        Of ``order="random"``.
    template : str, optional
        Special tokens around each sample, by role: ``"cls ... sep"``, ``"bos ... eos"``.
    padding_side : {"right", "left"}
        Where padding goes.
    min_overlap : int or float, optional
        How much an input region has to have in common with one of the universe: base pairs, or
        a share of a length, as in `RegionIndex.overlaps`.
    overlap_of : {"query", "region", "both"}
        The length that the share is of: the input region's, the universe's, or each of the two.
    exclude : sample, or list of str, optional
        What to leave out of samples, a blacklist say: an input region that overlaps any of it,
        be it by a base pair, is passed over and counted in `TokenBatch.n_excluded`. In a list,
        names of chromosomes stand for all of them: ``["chrM", "chr1:100-200"]``.
    duplicates : {"error", "drop"}
        What to do where a region stands twice in the universe: refuse, or keep the first.

    Attributes
    ----------
    universe : Universe
    index : RegionIndex
    exclude : RegionSet or None

    Examples
    --------
    >>> import gtok
    >>> t = gtok.Tokenizer(["chr1:100-200", "chr1:150-300", "chr2:5-50"])
    >>> t
    Tokenizer(3 regions + 7 special tokens, method='bits')
    >>> t.tokenize([("chr1", 180, 190), ("chr2", 40, 60)])
    ['chr1:100-200', 'chr1:150-300', 'chr2:5-50']
    >>> t.encode("chr1:180-190")
    [0, 1]
    >>> t(["chr1:180-190"]).input_ids, t.decode([2, 3])
    ([0, 1], ['chr2:5-50', '<unk>'])
    """

    def __init__(
        self,
        universe: Universe | Sample,
        *,
        method: Method | None = None,
        unknown: Literal["sample", "region", "drop"] | None = None,
        order: Literal["input", "genome", "random", "value"] | None = None,
        unique: Literal["query", "token"] | None = None,
        seed: int | None = None,
        template: str | None = None,
        padding_side: Side | None = None,
        min_overlap: float | None = None,
        overlap_of: OverlapOf | None = None,
        exclude: Sample | None = None,
        duplicates: Literal["error", "drop"] = "error",
    ) -> None:
        given = {
            "method": method, "unknown": unknown, "order": order, "unique": unique,
            "seed": seed, "template": template, "padding_side": padding_side,
            "min_overlap": min_overlap, "overlap_of": overlap_of, "exclude": exclude,
        }  # fmt: skip
        saved: dict[str, Any] = {}
        if not isinstance(universe, Universe):
            path = path_of(universe)
            if path is not None and (os.path.isdir(path) or path.endswith(".toml")):
                config = find_config(path) if os.path.isdir(path) else read_config(path)
                universe, saved = config.load_universe(duplicates), _options_of(config)
            else:
                universe = Universe(universe, duplicates=duplicates)
        self._set_up(universe, {**saved, **{k: v for k, v in given.items() if v is not None}})

    def _set_up(self, universe: Universe, options: dict[str, Any]) -> None:
        self.universe = universe
        self.method = options.get("method", "auto")
        self.unknown = options.get("unknown", "sample")
        self.order = options.get("order", "input")
        self.unique = options.get("unique")
        self.seed = options.get("seed", 0)
        self.template = options.get("template")
        self.padding_side: Side = options.get("padding_side", "right")
        self.min_overlap = options.get("min_overlap")
        self.overlap_of = options.get("overlap_of", "query")
        _check_options(self._options)
        if isinstance(self.min_overlap, np.number):
            self.min_overlap = self.min_overlap.item()  # a plain number can be saved
        self.index = build_index(universe.regions, self.method)
        exclude = options.get("exclude")
        self.exclude = None if exclude is None else as_exclusions(exclude)
        self._excluded = None if self.exclude is None else build_index(self.exclude)

    @property
    def _options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in OPTIONS}

    # Making and saving.

    @classmethod
    def from_bed(cls, path: str | os.PathLike[str], **options: Any) -> Tokenizer:
        """Make a tokenizer from a universe in a BED file; options as of the constructor."""
        return cls(Universe.from_bed(path), **options)

    @classmethod
    def from_config(cls, path: str | os.PathLike[str], **options: Any) -> Tokenizer:
        """Make a tokenizer from a TOML config, gtok's or gtars's; options given here win."""
        config = read_config(path)
        return cls(config.load_universe(), **{**_options_of(config), **options})

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike[str],
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        **options: Any,
    ) -> Tokenizer:
        """Read a saved tokenizer: a folder, or ``owner/name`` on a Hugging Face hub.

        It holds what `save_pretrained` wrote, or a universe alone: ``universe.bed.gz``, as
        gtars has it, or ``universe.bed``, as geniml has it.

        Parameters
        ----------
        name : str or path
            A folder; a str that is none is taken for a repository of the hub.
        revision, token, cache_dir, local_files_only, force_download
            How to fetch from the hub, as of `gtok.hub.fetch`; a folder needs none of it.
        **options
            As of the constructor; what is given here wins over what was saved.

        Raises
        ------
        FileNotFoundError
            If there is neither such a folder nor such a repository.
        PermissionError, ConnectionError, ImportError
            If it cannot be fetched: see `gtok.hub.fetch`.
        ConfigError
            If it holds no tokenizer, or names files outside its folder, or the universe is not
            the one that was saved.

        Examples
        --------
        >>> import gtok, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> files = gtok.Tokenizer(["chr1:100-200", "chr2:5-50"]).save_pretrained(folder)
        >>> gtok.Tokenizer.from_pretrained(folder).encode("chr2:10-20")
        [1]
        >>> t = gtok.Tokenizer.from_pretrained("owner/name", revision="v1")  # doctest: +SKIP
        """
        if not os.path.isdir(name):
            name = fetch(
                name,
                revision=revision,
                token=token,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
                force_download=force_download,
            )
        config = find_config(name)
        return cls(config.load_universe(), **{**_options_of(config), **options})

    def save_pretrained(self, folder: str | os.PathLike[str]) -> list[str]:
        """Write ``universe.bed.gz`` and ``tokenizer.toml`` into a folder, made if it is not there.

        `from_pretrained` reads it back, with the universe verified by its digest; gtars reads it
        too.

        Returns
        -------
        list of str
            The files written.
        """
        return save_folder(folder, self.universe, self.exclude, self.index.method, self._options)

    def __repr__(self) -> str:
        settings = {
            "unknown": "sample", "order": "input", "unique": None, "template": None,
            "min_overlap": None, "overlap_of": "query", "exclude": None,
        }  # fmt: skip
        changed = "".join(
            f", {name}={getattr(self, name)!r}"
            for name, usual in settings.items()
            if getattr(self, name) is not usual and getattr(self, name) != usual
        )
        return (
            f"Tokenizer({len(self.universe):,} regions + {len(self.universe.special_tokens)} "
            f"special tokens, method={self.index.method!r}{changed})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (
            type(self), self.universe, {**self._options, "exclude": self.exclude},
        )  # fmt: skip

    def __deepcopy__(self, memo: dict[int, Any]) -> Tokenizer:
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__dict__)  # the universe and the index never change
        return copy

    # Encoding.

    def tokenize(self, x: Sample) -> list[str]:
        """The tokens of one sample, as strings.

        Parameters
        ----------
        x : sample
            Whatever `as_regions` takes.

        Returns
        -------
        list of str
            ``chrom:start-end``, 0-based half-open.
        """
        return self.universe.tokens_of(self._encode_one(x).ids)

    def encode(self, x: Sample) -> list[int]:
        """The token ids of one sample.

        Parameters
        ----------
        x : sample
            Whatever `as_regions` takes: regions, not tokens; `convert_tokens_to_ids` looks
            tokens up.
        """
        ids: list[int] = self._encode_one(x).ids.tolist()
        return ids

    def encode_batch(
        self,
        xs: Iterable[Sample],
        *,
        values: Values | None = None,
        signal: str | int | None = None,
        queries: bool = False,
        n_threads: int | None = None,
    ) -> TokenBatch:
        """The token ids of many samples, as arrays.

        Parameters
        ----------
        xs : list of samples
            Each of them whatever `as_regions` takes.
        values : {None, "count", "bp", "fraction", "signal"}
            A weight for each token, float32: 1; the base pairs of the overlap; the share of the
            universe's region that this overlap covers and none before it in genome order, so
            that the sum over a sample is what their union covers, as ``bedtools coverage``
            tells; or the input region's signal. 0 for ``<unk>``.
        signal : str or int, optional
            The column of "signal": "score", "signalValue", "pValue", "qValue" or the number of a
            column for BED files, a column's name for frames.
        queries : bool
            Keep which row of its sample each token comes from.
        n_threads : int, optional
            Threads to use; without it, one per core if the samples are files, else one.

        Returns
        -------
        TokenBatch

        Examples
        --------
        >>> import gtok
        >>> t = gtok.Tokenizer(["chr1:100-200", "chr1:150-300", "chr2:5-50"])
        >>> b = t.encode_batch([["chr1:180-190"], [("chr2", 40, 60)]], values="bp")
        >>> b.ids, b.offsets, b.values
        (array([0, 1, 2], dtype=int32), array([0, 2, 3]), array([10., 10., 10.], dtype=float32))
        """
        check_values(values, signal)
        samples = as_batch(xs)
        if not samples:
            none: NDArray[Any] = np.empty(0, dtype=np.int64)
            weights, origin = none if values else None, none if queries else None
            excluded = None if self.exclude is None else none
            starts = np.zeros(1, dtype=np.int64)
            return TokenBatch(none, starts, weights, origin, none, none, excluded)
        if n_threads is None:
            n_threads = n_cores() if any(path_of(x) is not None for x in samples) else 1

        stop = Stop()

        def encode(x: Sample) -> TokenBatch:
            return self._encode_one(x, values, signal, queries, stop)

        return TokenBatch.concatenate(list(in_threads(encode, samples, n_threads, stop)))

    def _encode_one(
        self,
        x: Sample,
        values: Values | None = None,
        signal: str | int | None = None,
        queries: bool = False,
        stop: Stop | None = None,
    ) -> TokenBatch:
        """One sample's tokens, in the order and with the columns asked for.

        A file is read no further once `stop` is set.
        """
        names = self.universe.regions.chrom_names
        parts: list[TokenBatch] = []
        strangers: RegionSet | None = None  # where no chromosome was known so far, the first part

        def encode(regions: RegionSet) -> None:
            nonlocal strangers
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
            if (not parts or strangers is not None) and len(regions):
                known = (regions.codes_for(names) >= 0).any()
                strangers = None if known else strangers or regions
            parts.append(self._encode_part(regions, values, queries))

        # Where the tokens of a region depend on it alone, a file need not be read as a whole.
        alone = (
            self.order == "input" and self.unique is None and values not in ("fraction", "signal")
        )
        if alone and path_of(x) is not None:
            parts_of_bed(x, names, encode)
        else:
            encode(as_regions(x, signal=signal))
        if strangers is not None:
            self._warn_of_names(strangers)
        batch = _joined(parts)
        if len(batch.ids) == 0 and self.unknown == "sample":
            batch.ids = np.array([self.unk_token_id], dtype=np.int32)
            batch.offsets = np.array([0, 1])
            batch.values = None if batch.values is None else np.zeros(1, dtype=np.float32)
            batch.queries = None if batch.queries is None else np.array([-1], dtype=np.int32)
        return batch

    def _encode_part(self, regions: RegionSet, values: Values | None, queries: bool) -> TokenBatch:
        """The tokens of a sample, or of a part of it, nothing where there are none."""
        touched = self._touched(regions)
        rows = self._arrange(regions, touched)
        if rows is not None:
            regions = regions[rows]
        offsets, ids = self._overlaps(regions)
        hit = offsets[1:] > offsets[:-1]
        n_hits = int(np.count_nonzero(hit))
        weights = self._weigh(regions, offsets, ids, values)
        origin = _rows_of(offsets) if queries else None
        if self.unknown == "region" and n_hits < len(regions):
            at = offsets[1:][~hit]
            ids = np.insert(ids, at, self.unk_token_id)
            weights = None if weights is None else np.insert(weights, at, 0)
            if origin is not None:
                origin = np.insert(origin, at, np.flatnonzero(~hit).astype(np.int32))
        keep = self._rank(ids, weights)
        if keep is not None:
            ids = ids[keep]
            weights = None if weights is None else weights[keep]
            origin = None if origin is None else origin[keep]
        if origin is not None and rows is not None:
            origin = rows.astype(np.int32)[origin]
        return TokenBatch(
            ids,
            np.array([0, len(ids)]),
            weights if values else None,
            origin,
            np.array([len(regions)]),
            np.array([n_hits]),
            None if touched is None else np.array([np.count_nonzero(touched)]),
        )

    def _overlaps(self, regions: RegionSet) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        return self.index.overlaps(
            regions, min_overlap=self.min_overlap, overlap_of=self.overlap_of
        )

    def _weigh(
        self,
        regions: RegionSet,
        offsets: NDArray[np.int64],
        ids: NDArray[np.int32],
        values: Values | None,
    ) -> NDArray[np.float32] | None:
        """What each token weighs; base pairs where only its rank is asked for."""
        if values is None and self.order != "value":
            return None
        if values == "count":
            return np.ones(len(ids), dtype=np.float32)
        if values == "signal":
            return repeated(_as_float32(regions), np.diff(offsets))
        columns = (offsets, ids, regions.starts, regions.ends, *self._spans)
        if values == "fraction":
            covered = newly_covered(*columns, regions.genome_order())
            starts, ends = self._spans
            lengths = np.maximum(ends[ids] - starts[ids], 1)  # of no length nothing is covered
            share: NDArray[np.float32] = (covered / lengths).astype(np.float32)
            return share
        return shared(*columns).astype(np.float32)

    @property
    def _spans(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        return self.universe.regions.starts, self.universe.regions.ends

    def _rank(
        self, ids: NDArray[np.int32], weights: NDArray[np.float32] | None
    ) -> NDArray[np.int64] | None:
        """The tokens to keep, in order; None where all are, as they came."""
        keep: NDArray[np.int64] | None = None
        if self.order == "value" and weights is not None:
            keep = np.argsort(-weights, kind="stable")
        if self.unique == "token":
            ranked = ids if keep is None else ids[keep]
            first = np.sort(np.unique(ranked, return_index=True)[1])
            keep = first if keep is None else keep[first]
        return keep

    def _touched(self, regions: RegionSet) -> NDArray[np.bool_] | None:
        """Which regions are to be left out; None where the tokenizer leaves none out."""
        return None if self._excluded is None else self._excluded.count(regions) > 0

    def _arrange(
        self, regions: RegionSet, touched: NDArray[np.bool_] | None
    ) -> NDArray[np.int64] | None:
        """The rows to ask for, in order; None where all are, as they came."""
        rows: NDArray[np.int64] | None = None
        if touched is not None and touched.any():
            rows = np.flatnonzero(~touched)
            regions = regions[rows]
        if self.unique == "query":
            again = repeated_rows(regions)[:, 1]
            if len(again):
                first = np.delete(np.arange(len(regions)), again)
                rows = first if rows is None else rows[first]
                regions = regions[first]
        order: NDArray[np.int32] | NDArray[np.int64] | None = None
        if self.order == "genome":
            names = self.universe.regions.chrom_names
            codes = regions.codes_for(names)
            # What the universe lacks comes last.
            codes = np.where(codes < 0, np.int32(len(names)), codes)
            order = genome_order(codes, regions.starts, regions.ends)
        elif self.order == "random":
            order = np.random.default_rng(self.seed).permutation(len(regions))
        if order is None:
            return rows
        return order.astype(np.int64) if rows is None else rows[order]

    def _warn_of_names(self, regions: RegionSet) -> None:
        """Warn that no chromosome of a sample, of which these are regions, is the universe's."""
        names = self.universe.regions.chrom_names
        where = "the sample" if regions.source is None else regions.source.name
        found = regions.chrom_names[regions.codes[0]]
        warnings.warn(
            f"no chromosome of {where} is in the universe: expected names like {names[0]!r}, "
            f"found names like {found!r}",
            stacklevel=4,
        )

    def hits(self, x: Sample) -> Hits:
        """Every overlap of a sample with the universe, in the sample's order.

        Parameters
        ----------
        x : sample
            Whatever `as_regions` takes.

        Returns
        -------
        Hits
            Columns ``queries`` (the row of the input region), ``ids`` (the universe's region) and
            ``overlap`` (base pairs in both), int32[m] each. Misses, and what `min_overlap` and
            `exclude` leave out, are not among them.

        Examples
        --------
        >>> import gtok
        >>> t = gtok.Tokenizer(["chr1:100-200", "chr1:150-300"])
        >>> t.hits(["chr1:1-2", "chr1:190-250"]).overlap
        array([10, 60], dtype=int32)
        """
        regions = as_regions(x)
        if len(regions) and not (regions.codes_for(self.universe.regions.chrom_names) >= 0).any():
            self._warn_of_names(regions)
        touched = self._touched(regions)
        rows = None
        if touched is not None and touched.any():
            rows = np.flatnonzero(~touched).astype(np.int32)
            regions = regions[rows]
        offsets, ids = self._overlaps(regions)
        queries = _rows_of(offsets)
        overlap = shared(offsets, ids, regions.starts, regions.ends, *self._spans)
        return Hits(queries if rows is None else rows[queries], ids, overlap)


def _joined(parts: list[TokenBatch]) -> TokenBatch:
    """The parts of one sample as one."""
    if len(parts) == 1:
        return parts[0]
    columns: dict[str, Any] = {}
    for name in ("n_regions", "n_hits", "n_excluded"):
        counts = [getattr(part, name) for part in parts]
        columns[name] = None if counts[0] is None else np.sum(counts, axis=0)
    first = 0
    for part in parts:
        if part.queries is not None:
            part.queries += np.int32(first)
            first += sum(int(n[0]) for n in (part.n_regions, part.n_excluded) if n is not None)
    for name in ("values", "queries"):
        if getattr(parts[0], name) is not None:
            columns[name] = np.concatenate([getattr(part, name) for part in parts])
    ids = np.concatenate([part.ids for part in parts])
    return TokenBatch(ids, np.array([0, len(ids)]), **columns)


def _rows_of(offsets: NDArray[np.int64]) -> NDArray[np.int32]:
    """The query that each hit belongs to."""
    return repeated(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))


def _as_float32(regions: RegionSet) -> NDArray[np.float32]:
    """The signal of regions, nothing where there are no regions."""
    if regions.signal is None:
        return np.empty(0, dtype=np.float32)
    with np.errstate(over="ignore"):
        signal = regions.signal.astype(np.float32)
    if not np.isfinite(signal).all():
        row = int(np.argmin(np.isfinite(signal)))
        raise GtokError(
            f"{regions.where(row)}: expected a signal that float32 holds, up to 3.4e38, "
            f"found {regions.signal[row]:g}"
        )
    return signal


def _check_options(options: Mapping[str, Any]) -> None:
    """Refuse settings that are none; those that are not there are not looked at."""
    for name, choices in _CHOICES.items():
        if name in options:
            check_choice(name, options[name], choices)
    seed = options.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise GtokError(f"expected seed as a whole number from 0, found {seed!r}")
    Limits.of(options.get("min_overlap"), options.get("overlap_of", "query"))
    frame_of(options.get("template"), _ROLES)


def _options_of(config: Config) -> dict[str, Any]:
    """The settings that a config has, its path being told where one is none."""
    try:
        _check_options(config.options)
    except GtokError as error:
        raise ConfigError(f"{config.path}: {error}") from None
    return config.options


def _unpickle(cls: type[Tokenizer], universe: Universe, options: Mapping[str, Any]) -> Tokenizer:
    tokenizer = cls.__new__(cls)
    tokenizer._set_up(universe, dict(options))
    return tokenizer


def check_values(values: str | None, signal: str | int | None) -> None:
    """Refuse what is no weight of a token, or a signal without the column to take it from."""
    check_choice("values", values, (None, *VALUES))
    if (values == "signal") != (signal is not None):
        raise GtokError(
            "values='signal' goes with signal=, the column to take, 'signalValue' say: "
            f"found values={values!r}, signal={signal!r}"
        )


def n_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
