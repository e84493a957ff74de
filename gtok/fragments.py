"""Fragments of single cells to a `CellMatrix`."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from gtok._bed import BedParser
from gtok._fragments import FragmentCounter
from gtok.bed import MAX_COORDINATE, explain_fragment, feed_file
from gtok.cells import CellMatrix
from gtok.errors import BedError, GtokError, check_base_pairs, check_choice
from gtok.files import MAX_LINE, ByteStream, display_name, read_lines
from gtok.index import RegionIndex, build_index
from gtok.quality import quality_columns, site_windows, start_sites
from gtok.samples import Sample, as_exclusions
from gtok.threads import Stop, in_threads
from gtok.tokenizer import n_cores
from gtok.universe import Universe

Counting: TypeAlias = Literal["fragment", "insertion", "paired-insertion"]
Paths: TypeAlias = (
    str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | Mapping[str, str | os.PathLike[str]]
)
COUNTING = ("fragment", "insertion", "paired-insertion")

# What mitochondrial contigs are called.
_MITOCHONDRIAL = {"chrM", "chrMT", "MT", "M", "Mt", "mitochondrion_genome"}


def count_fragments(
    paths: Paths,
    universe: Universe | Sample,
    *,
    barcodes: str | os.PathLike[str] | Sequence[str] | None = None,
    counting: Counting = "paired-insertion",
    exclude: Sample | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    shift: tuple[int, int] | None = None,
    tss: Sample | None = None,
    max_line: int = MAX_LINE,
    n_threads: int | None = None,
    progress: bool = False,
) -> CellMatrix:
    r"""Count the fragments of each cell in each region.

    One pass over the file, whatever the order of its lines. It is inflated in one thread while
    another parses and counts; memory grows with cells and nonzeros, not with fragments.

    Parameters
    ----------
    paths : path, list of paths, or dict of sample to path
        Fragment files as 10x writes them: plain, gzip or bgzip, with fields chrom, start, end,
        barcode and perhaps read support. Cells of several files are never merged: each has its
        sample, the file's name without folder and endings unless a dict says it.
    universe : Universe, path, or sample
        The regions.
    barcodes : path, or list of str, optional
        A whitelist, a barcode a line: its order is that of the rows, and a barcode without
        fragments is an empty row. Fragments of others are passed over. Of several files each has
        all of them.
    counting : {"paired-insertion", "insertion", "fragment"}
        What counts for a region: a fragment with one end in it or both, once; each end in it,
        which are the places where the transposase cut, start and end - 1; or a fragment that
        overlaps it. As SnapATAC2 has it.
    exclude : sample, or list of str, optional
        Leave out fragments that overlap any of these regions, or lie on these chromosomes.
    min_length, max_length : int, optional
        Leave out fragments that are shorter, or longer.
    shift : (int, int), optional
        What to add to starts and ends before anything else. Files of 10x are shifted by
        (4, -5) already. A fragment of which nothing is left is left out.
    tss : sample, optional
        Transcription start sites, for ``tss_enrichment``, as `gtok.quality.start_sites` reads
        them: a GTF file, or a BED file with strands.
    max_line : int
        The longest line accepted, in bytes.
    n_threads : int, optional
        Of several files, how many to count at a time; all cores unless given.
    progress : bool
        Show a progress bar, by bytes read.

    Returns
    -------
    CellMatrix
        Rows in order of first appearance. What was left out is counted in ``n_excluded``.

    Raises
    ------
    BedError
        Naming the file and the line, if a line is no fragment.
    GtokError
        If samples have one name, or a setting makes no sense.

    Warns
    -----
    UserWarning
        If no chromosome of a file is in the universe, or none of its barcodes in the whitelist.

    Notes
    -----
    Read support (field 5) is not multiplied in: a line is one fragment.

    Examples
    --------
    >>> import pathlib, tempfile, gtok
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "fragments.tsv")
    >>> _ = path.write_text("chr1\t90\t180\tAAAC-1\t1\nchr1\t120\t160\tAAAG-1\t2\n")
    >>> cells = gtok.count_fragments(path, ["chr1:100-200", "chr2:5-50"])
    >>> cells
    CellMatrix(2 cells x 2 regions, 2 nonzeros, counting='paired-insertion')
    >>> cells.barcodes, cells.X.toarray()
    (['AAAC-1', 'AAAG-1'], array([[1, 0],
           [1, 0]], dtype=uint32))
    >>> folder.cleanup()
    """
    parts = list(
        count_each(
            paths,
            universe,
            barcodes=barcodes,
            counting=counting,
            exclude=exclude,
            min_length=min_length,
            max_length=max_length,
            shift=shift,
            tss=tss,
            max_line=max_line,
            n_threads=n_threads,
            progress=progress,
        )
    )
    return parts[0] if len(parts) == 1 else CellMatrix.concatenate(parts)


def count_each(
    paths: Paths,
    universe: Universe | Sample,
    *,
    barcodes: str | os.PathLike[str] | Sequence[str] | None = None,
    n_threads: int | None = None,
    progress: bool = False,
    **options: Any,
) -> Iterator[CellMatrix]:
    """Count file by file: `count_fragments` for more than fits into memory.

    Parameters
    ----------
    paths, universe, barcodes, n_threads, progress, **options
        As of `count_fragments`.

    Yields
    ------
    CellMatrix
        Of each file, in their order; what `gtok.cells.write_h5ad` takes.
    """
    files = files_of(paths)
    whitelist = None if barcodes is None else _whitelist_of(barcodes)
    run = _Run(universe, whitelist, **options)
    with progress_by_bytes([path for _, path in files], progress) as advance:

        def count(file: tuple[str | None, Any]) -> CellMatrix:
            return run.count(file[1], file[0], advance)

        threads = n_cores() if n_threads is None else n_threads
        yield from in_threads(count, files, threads, run.stop)


class _Run:
    """What is asked of each fragment, of all files."""

    def __init__(
        self,
        universe: Universe | Sample,
        whitelist: list[bytes] | None,
        counting: Counting = "paired-insertion",
        exclude: Sample | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        shift: tuple[int, int] | None = None,
        tss: Sample | None = None,
        max_line: int = MAX_LINE,
    ) -> None:
        check_choice("counting", counting, COUNTING)
        self.stop = Stop()
        self.whitelist = whitelist
        self.counting = COUNTING.index(counting)
        self.min_length, self.max_length = 0, MAX_COORDINATE
        if min_length is not None:
            self.min_length = check_base_pairs("min_length", min_length, 1)
        if max_length is not None:
            self.max_length = check_base_pairs("max_length", max_length, 1)
        self.shift = _shift_of(shift)
        self.max_line = max_line
        self.universe = universe if isinstance(universe, Universe) else Universe(universe)
        self.index = build_index(self.universe.regions)
        self.exclude = None if exclude is None else build_index(as_exclusions(exclude))
        windows = [] if tss is None else site_windows(start_sites(tss))
        self.sites = [build_index(window) for window in windows]
        self.settings = {
            "counting": counting, "min_length": min_length and self.min_length,
            "max_length": max_length and self.max_length,
            "shift": None if shift is None else list(self.shift),
        }  # fmt: skip

    def count(self, path: Any, sample: str | None, advance: Callable[[int], None]) -> CellMatrix:
        """Count a file."""
        regions = self.universe.regions
        # The universe's chromosomes have the same numbers here.
        given = [name.encode() for name in regions.chrom_names]
        parser = BedParser((), self.max_line, True, self.whitelist, given)
        counter = FragmentCounter(self.counting, regions.starts, regions.ends, self.stop)
        chroms = _Chroms(parser)

        def take() -> None:
            if self.stop.is_set():
                raise KeyboardInterrupt
            self._add(parser, chroms, counter)

        feed_fragments(parser, path, take, advance, self.max_line)
        counter.expect(parser.n_barcodes, parser.n_chroms)
        indptr, indices, data = counter.matrix()
        if len(data) < 2**31:
            indptr = indptr.astype(np.int32)
        names = _decoded(parser.barcode_names())
        shape = (len(names), len(regions))
        matrix = scipy.sparse.csr_matrix((data, indices, indptr), shape=shape)
        matrix.has_canonical_format = True
        table, sites, lengths = counter.statistics()
        chroms.update()
        met = counter.chroms_met().astype(bool)
        self._warn(display_name(path), chroms, met, table)
        has_mitochondria = bool(chroms.mitochondrial[met].any())
        quality = quality_columns(table, has_mitochondria, sites if self.sites else None)
        samples = None if sample is None else [sample] * len(names)
        return CellMatrix(matrix, names, samples, self.universe, quality, lengths, self.settings)

    def _warn(
        self, name: str, chroms: _Chroms, met: NDArray[np.bool_], table: NDArray[np.int64]
    ) -> None:
        """Warn of what can hardly be meant."""
        if not met.any():
            return
        known = [("universe", self.index), *(("start sites", site) for site in self.sites[:1])]
        for what, index in known:
            if (chroms.codes_in(index)[met] >= 0).any():
                continue
            warnings.warn(
                f"no chromosome of {name} is in the {what}: expected names like "
                f"{index.regions.chrom_names[0]!r}, found names like "
                f"{chroms.names[met.argmax()]!r}",
                stacklevel=5,
            )
        if self.whitelist is not None and not table.any():
            warnings.warn(
                f"no barcode of {name} is in the whitelist, whose first is "
                f"{self.whitelist[0].decode(errors='replace')!r}",
                stacklevel=5,
            )

    def _add(self, parser: BedParser, chroms: _Chroms, counter: FragmentCounter) -> None:
        """Count what the parser has."""
        codes, starts, ends = parser.columns()
        cells, supports = parser.fragment_columns()
        chroms.update()
        excluded: NDArray[np.uint8] | None = None

        def leave_out(which: NDArray[np.bool_]) -> None:
            nonlocal excluded
            excluded = which.view(np.uint8) if excluded is None else excluded | which

        if self.shift != (0, 0):
            starts, ends = (
                np.clip(column.astype(np.int64) + by, 0, MAX_COORDINATE).astype(np.int32)
                for column, by in zip((starts, ends), self.shift, strict=True)
            )
            gone = starts >= ends
            leave_out(gone)
            # Whatever is left of it is not looked at, but has to be a region.
            starts, ends = np.where(gone, 0, starts), np.where(gone, 1, ends)
        if self.min_length or self.max_length != MAX_COORDINATE:
            lengths = ends - starts
            leave_out((lengths < self.min_length) | (lengths > self.max_length))
        if self.exclude is not None:
            codes_there = chroms.codes_in(self.exclude)[codes]
            leave_out(self.exclude.kernel.count(codes_there, starts, ends) > 0)
        counter.expect(parser.n_barcodes, parser.n_chroms)
        # A chromosome that the universe has not is one behind all that it has.
        offsets, ids = self.index.kernel.overlaps(codes, starts, ends)
        counter.add(
            codes, starts, ends, cells, supports, offsets, ids, chroms.mitochondrial, excluded
        )
        if self.sites:
            near, beside = (
                site.kernel.count(chroms.codes_in(site)[codes], starts, starts + 1)
                + site.kernel.count(chroms.codes_in(site)[codes], ends - 1, ends)
                for site in self.sites
            )
            counter.count_sites(cells, near, beside, excluded)


def feed_fragments(
    parser: BedParser,
    path: Any,
    take: Callable[[], None],
    advance: Callable[[int], None],
    max_line: int = MAX_LINE,
) -> None:
    """Feed a file to a parser; after each chunk, take what the parser has and tell the bytes read.

    Raises
    ------
    BedError
        Naming the file and the line, if a line is no fragment.
    """
    read = 0

    def after_chunk(stream: ByteStream) -> None:
        nonlocal read
        take()
        now = stream.position()
        advance(now - read)
        read = now

    for line, content in feed_file(parser, path, after_chunk):
        told = explain_fragment(content, max_line, line == 1)
        raise BedError(f"{display_name(path)}, line {line}: {told}")


class _Chroms:
    """The chromosomes that a parser has met, in the numbers of each index."""

    def __init__(self, parser: BedParser) -> None:
        self.parser = parser
        self.names: list[str] = []
        self.mitochondrial: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)
        self.tables: dict[int, NDArray[np.int32]] = {}

    def update(self) -> None:
        if self.parser.n_chroms > len(self.names):
            self.names = [name.decode(errors="replace") for name in self.parser.chrom_names()]
            self.mitochondrial = np.isin(self.names, list(_MITOCHONDRIAL)).view(np.uint8)
            self.tables = {}

    def codes_in(self, index: RegionIndex) -> NDArray[np.int32]:
        """The number of each chromosome in an index, -1 where it has none."""
        if id(index) not in self.tables:
            numbers = {name: code for code, name in enumerate(index.regions.chrom_names)}
            codes = [numbers.get(name, -1) for name in self.names]
            self.tables[id(index)] = np.array(codes, dtype=np.int32)
        return self.tables[id(index)]


def _decoded(barcodes: list[bytes]) -> list[str]:
    try:
        return b"\n".join(barcodes).decode().split("\n") if barcodes else []
    except UnicodeDecodeError:
        return [barcode.decode(errors="backslashreplace") for barcode in barcodes]


def files_of(paths: Paths) -> list[tuple[str | None, Any]]:
    """Samples and their files, each sample once; a file by itself is of none."""
    if isinstance(paths, Mapping):
        named = [(str(sample), path) for sample, path in paths.items()]
    else:
        listed = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
        if len(listed) == 1:
            return [(None, listed[0])]
        named = [(_stem(path), path) for path in listed]
    if not named:
        raise GtokError("expected a file of fragments or more, found none")
    counts = Counter(sample for sample, _ in named)
    for sample, path in named:
        if counts[sample] > 1:
            raise GtokError(
                f"expected a name for each sample, found {sample!r} twice, {os.fspath(path)!r} "
                f"being one: pass a dict of sample to path"
            )
        if ":" in sample or not sample:
            raise GtokError(
                f"expected a sample's name without a colon, which stands before barcodes, "
                f"found {sample!r}"
            )
    return list(named)


def _stem(path: str | os.PathLike[str]) -> str:
    name = os.path.basename(os.fspath(path))
    for ending in (".gz", ".bgz", ".tsv", ".bed", ".txt", ".fragments", "_fragments"):
        name = name.removesuffix(ending)
    return name


def _whitelist_of(barcodes: str | os.PathLike[str] | Sequence[str]) -> list[bytes]:
    """The barcodes of a whitelist, each once."""
    if isinstance(barcodes, (str, os.PathLike)):
        where = f"{display_name(barcodes)}: "
        listed = [line.strip() for line in read_lines(barcodes) if line.strip()]
    else:
        where = ""
        listed = [str(barcode).encode() for barcode in barcodes]
    if len(set(listed)) != len(listed):
        twice = max(listed, key=Counter(listed).__getitem__).decode(errors="replace")
        raise GtokError(f"{where}expected each barcode once, found {twice!r} twice")
    if not listed or b"" in listed:
        raise GtokError(f"{where}expected barcodes, found {'an empty one' if listed else 'none'}")
    return listed


def _shift_of(shift: tuple[int, int] | None) -> tuple[int, int]:
    if shift is None:
        return 0, 0
    if isinstance(shift, Sequence) and len(shift) == 2:
        start, end = shift
        if all(isinstance(by, (int, np.integer)) and abs(by) < 2**31 for by in (start, end)):
            return int(start), int(end)
    raise GtokError(f"expected shift as two whole numbers, (4, -5) say, found {shift!r}")


@contextlib.contextmanager
def progress_by_bytes(paths: list[Any], shown: bool) -> Iterator[Callable[[int], None]]:
    """What to tell how many bytes further a file has been read."""
    if not shown:
        yield lambda n: None
        return
    from tqdm import tqdm

    size = sum(os.path.getsize(path) for path in paths if os.path.isfile(path))
    lock = threading.Lock()
    with tqdm(total=size or None, unit="B", unit_scale=True, leave=False) as bar:

        def advance(n: int) -> None:
            with lock:
                bar.update(n)

        yield advance
