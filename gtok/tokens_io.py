"""Token files: `.gtok`, parquet, jsonl and tsv.

Each writer takes samples piece by piece, as pairs of their names and a `TokenBatch`, so that a
corpus need not be in memory at once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gtok._format import format_rows
from gtok.batch import TokenBatch
from gtok.errors import GtokError
from gtok.files import write_whole
from gtok.tokenizer import Tokenizer

Pieces: TypeAlias = Iterable[tuple[list[str], TokenBatch]]

_MAGIC = b"GTOK"
_WIDTHS: dict[int, np.dtype[Any]] = {1: np.dtype("<u2"), 2: np.dtype("<u4")}
_ROWS_AT_ONCE = 1 << 16
_SAMPLES_AT_ONCE = 256  # each may have a million tokens
_DIGEST = "gtok.digest"  # where the digest of the content stands in parquet's metadata
_COUNTS = ("n_regions", "n_hits", "n_excluded")  # of a TokenBatch, one number per sample


def write_gtok(path: str | os.PathLike[str], ids: ArrayLike) -> None:
    """Write the ids of one sample in gtars's binary format.

    The bytes ``GTOK``, one byte for the width (1: 16 bits, if every id fits; 2: 32 bits), and the
    ids, little-endian.

    Parameters
    ----------
    path : str or path
        The file, written whole or not at all.
    ids : array-like of int
        Token ids of one sample.

    Raises
    ------
    GtokError
        If an id is negative or needs more than 32 bits.
    """
    found = np.asarray(ids)
    if found.size == 0:
        found = np.empty(0, dtype=np.int64)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise GtokError(f"expected the ids of one sample, found {found.dtype}, {found.ndim}-d")
    if len(found) and not 0 <= found.min() <= found.max() < 2**32:
        raise GtokError(f"expected ids from 0 to 2**32 - 1, found {found.min()} to {found.max()}")
    width = 1 if found.max(initial=0) < 2**16 else 2
    with write_whole(path) as handle:
        handle.write(_MAGIC + bytes([width]))
        handle.write(found.astype(_WIDTHS[width]).data)


def read_gtok(path: str | os.PathLike[str]) -> NDArray[np.int64]:
    """Read the ids of one sample from gtars's binary format.

    Returns
    -------
    int64[n]

    Raises
    ------
    GtokError
        If the file is none, or breaks off within an id.
    """
    with open(path, "rb") as handle:
        head = handle.read(5)
        if head[:4] != _MAGIC or len(head) < 5:
            raise GtokError(
                f"{path}: not a .gtok file: expected it to begin with {_MAGIC!r} and the ids' "
                f"width, found {head!r}"
            )
        if head[4] not in _WIDTHS:
            raise GtokError(
                f"{path}: expected 1 (16 bits) or 2 (32 bits) as byte 5, found {head[4]}"
            )
        content = handle.read()
    width = _WIDTHS[head[4]]
    if len(content) % width.itemsize:
        raise GtokError(
            f"{path}: expected ids of {width.itemsize} bytes each, found {len(content)} bytes: "
            f"the file is truncated"
        )
    return np.frombuffer(content, dtype=width).astype(np.int64)


def write_parquet(
    path: str | os.PathLike[str], pieces: Pieces, tokenizer: Tokenizer | None = None
) -> None:
    """Write samples as a parquet table, one row each.

    Columns: ``id``, the sample's name; ``input_ids``, a list of int32; ``n_regions`` and
    ``n_hits``, its regions and those with a token; ``n_excluded``, those left out, where the
    tokenizer leaves any out.

    Parameters
    ----------
    path : str or path
        The file, written whole or not at all.
    pieces : iterable of (names, TokenBatch)
        The samples.
    tokenizer : Tokenizer, optional
        Its universe's digest and size go into the file's metadata. A digest of the content does in
        any case, and is verified when the file is read.
    """
    pa, pq = _pyarrow()
    counts = list(_COUNTS)
    if tokenizer is None or tokenizer.exclude is None:
        counts.remove("n_excluded")
    metadata = {"gtok": _version()}
    if tokenizer is not None:
        metadata["gtok.universe"] = tokenizer.universe.digest
        metadata["gtok.vocab_size"] = str(tokenizer.vocab_size)
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("input_ids", pa.list_(pa.int32())),
            *((name, pa.int64()) for name in counts),
        ],
        metadata=metadata,
    )
    content = _Content(counts)
    with write_whole(path) as handle, pq.ParquetWriter(handle, schema) as writer:
        for names, batch in pieces:
            if len(batch.ids) >= 2**31:
                raise GtokError(f"expected fewer than 2**31 tokens in a piece, found {batch}")
            lists = pa.ListArray.from_arrays(
                pa.array(batch.offsets.astype(np.int32)), pa.array(batch.ids)
            )
            missing = pa.nulls(len(batch), pa.int64())
            columns = [pa.array(names, pa.string()), lists]
            for name in counts:
                column = getattr(batch, name)
                columns.append(missing if column is None else pa.array(column))
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            content.add(names, batch.ids, batch.lengths, [getattr(batch, name) for name in counts])
        writer.add_key_value_metadata({_DIGEST: content.digest})


def read_parquet(path: str | os.PathLike[str]) -> tuple[list[str], TokenBatch]:
    """Read what `write_parquet` wrote.

    Returns
    -------
    names : list of str
    batch : TokenBatch

    Raises
    ------
    GtokError
        If it is no such table, or not what was written.
    """
    pieces = list(read_pieces(path))
    names = [name for names, _ in pieces for name in names]
    return names, TokenBatch.concatenate([batch for _, batch in pieces])


def read_pieces(
    path: str | os.PathLike[str], tokenizer: Tokenizer | None = None
) -> Iterator[tuple[list[str], TokenBatch]]:
    """Read what `write_parquet` wrote, a few samples at a time.

    Parameters
    ----------
    path : str or path
        The file.
    tokenizer : Tokenizer, optional
        Refuse ids of another universe than its own, where the file says of which they are.

    Yields
    ------
    names : list of str
    batch : TokenBatch

    Raises
    ------
    GtokError
        If it is no such table; or, after the last samples, if these are not what was written.
    """
    pa, pq = _pyarrow()
    try:
        # Read ahead, all of the file would be in memory in the end.
        with pq.ParquetFile(os.fspath(path), pre_buffer=False) as file:
            _check_schema(path, file.schema_arrow, tokenizer)
            counted = [name for name in _COUNTS if name in file.schema_arrow.names]
            digest = (file.metadata.metadata or {}).get(_DIGEST.encode())
            content = _Content(counted)
            row = 0
            for part in file.iter_batches(_SAMPLES_AT_ONCE, columns=["id", "input_ids", *counted]):
                lists = part["input_ids"]
                missing = lists.is_null().to_numpy(zero_copy_only=False)
                if missing.any():
                    raise GtokError(
                        f"{path}: expected input_ids in every row, found none in row "
                        f"{row + int(missing.argmax()) + 1}"
                    )
                ids = lists.flatten()
                if ids.null_count:
                    raise GtokError(f"{path}: expected numbers as input_ids, found one missing")
                starts = lists.offsets.to_numpy()
                counts = {
                    name: part[name].to_numpy() for name in counted if part[name].null_count == 0
                }
                row += len(part)
                names = part["id"].to_pylist()
                try:
                    batch = TokenBatch(ids.to_numpy(), starts - starts[0], **counts)
                except GtokError as error:
                    raise GtokError(f"{path}: {error}") from None
                if digest is not None:
                    content.add(names, batch.ids, batch.lengths, list(map(counts.get, counted)))
                yield names, batch
    except Exception as error:
        # Bytes that are none of parquet become any of these, and OSErrors without a number.
        is_arrows = isinstance(error, (pa.ArrowException, UnicodeDecodeError, OSError))
        if isinstance(error, GtokError) or not is_arrows or getattr(error, "errno", None):
            raise
        found = str(error).partition("\n")[0]
        raise GtokError(f"{path}: not a parquet file, or a damaged one: {found}") from None
    if digest is not None and digest != content.digest.encode():
        raise GtokError(
            f"{path}: not what was written: expected content of digest "
            f"{digest.decode(errors='replace')}, found {content.digest}"
        )


class _Content:
    """A SHA-256 of samples, whatever the pieces that they come in."""

    def __init__(self, counts: list[str]) -> None:
        self.columns = [hashlib.sha256(name.encode()) for name in ("id", "ids", "length", *counts)]

    def add(
        self,
        names: Sequence[str | None],
        ids: NDArray[np.int32],
        lengths: NDArray[np.int64],
        counts: Sequence[NDArray[np.int64] | None],
    ) -> None:
        """Add samples; counts that are missing are told as -1."""
        texts = [json.dumps(name) for name in names]
        self.columns[0].update("".join(texts).encode())
        given = [np.full(len(names), -1) if column is None else column for column in counts]
        for sha, column in zip(self.columns[1:], (ids, lengths, *given), strict=True):
            dtype = "<i4" if column is ids else "<i8"
            sha.update(np.ascontiguousarray(column, dtype=dtype).data)

    @property
    def digest(self) -> str:
        return hashlib.sha256(b"".join(sha.digest() for sha in self.columns)).hexdigest()


def _check_schema(path: str | os.PathLike[str], schema: Any, tokenizer: Tokenizer | None) -> None:
    """Refuse a table that has no samples, or those of another universe than the tokenizer's."""
    pa, _ = _pyarrow()
    if not {"id", "input_ids"} <= set(schema.names):
        raise GtokError(
            f"{path}: expected columns id and input_ids, found {', '.join(schema.names)}"
        )
    for name in ("id", "input_ids", *_COUNTS):
        if schema.names.count(name) > 1:
            raise GtokError(f"{path}: expected each column once, found {name!r} twice")
    names = schema.field("id").type
    texts = names.value_type if pa.types.is_dictionary(names) else names
    if not pa.types.is_string(texts) and not pa.types.is_large_string(texts):
        raise GtokError(f"{path}: expected id as text, found {names}")
    lists = schema.field("input_ids").type
    is_list = pa.types.is_list(lists) or pa.types.is_large_list(lists)
    if not is_list or not pa.types.is_integer(lists.value_type):
        raise GtokError(f"{path}: expected input_ids as lists of whole numbers, found {lists}")
    for name in _COUNTS:
        if name in schema.names and not pa.types.is_integer(schema.field(name).type):
            found = schema.field(name).type
            raise GtokError(f"{path}: expected {name} as whole numbers, found {found}")
    digest = (schema.metadata or {}).get(b"gtok.universe", b"")
    digest = digest.decode(errors="replace")
    if tokenizer is not None and digest not in ("", tokenizer.universe.digest):
        raise GtokError(
            f"{path}: expected ids of the tokenizer's universe, {tokenizer.universe.digest}, "
            f"found those of {digest}"
        )


def write_jsonl(handle: IO[bytes], pieces: Pieces) -> None:
    """Write one JSON object per sample and line: id, input_ids, and its counts of regions."""
    for names, batch in pieces:
        for i, (name, ids) in enumerate(zip(names, batch, strict=True)):
            row: dict[str, Any] = {"id": name, "input_ids": ids.tolist()}
            for column in _COUNTS:
                if (counts := getattr(batch, column)) is not None:
                    row[column] = int(counts[i])
            handle.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def write_tsv(
    handle: IO[bytes], pieces: Pieces, tokenizer: Tokenizer, *, with_sample: bool
) -> None:
    """Write one line per token: its region's chrom, start and end, its id[, the sample's name].

    Special tokens have no region and no line.
    """
    regions = tokenizer.universe.regions
    chroms = [name.encode() for name in regions.chrom_names]
    for names, batch in pieces:
        for name, tokens in zip(names, batch, strict=True):
            if not name.isprintable():
                raise GtokError(f"a tsv cannot hold the sample's name {name!r}: write .parquet")
            ids = tokens[tokens < len(regions)]
            suffix = b"\t" + name.encode() + b"\n" if with_sample else b"\n"
            for lo in range(0, len(ids), _ROWS_AT_ONCE):
                rows = ids[lo : lo + _ROWS_AT_ONCE]
                columns = (regions.codes[rows], regions.starts[rows], regions.ends[rows])
                handle.write(format_rows(chroms, *columns, rows, suffix))


def token_writer(
    path: str | os.PathLike[str], tokenizer: Tokenizer, n_samples: int
) -> Callable[[Pieces], None]:
    """The writer for a path by its suffix; ``-`` and no known one are tsv.

    Raises
    ------
    GtokError
        If the suffix is none of .parquet, .gtok, .jsonl, .tsv, or `.gtok`, which holds one
        sample, is asked to hold several.
    """
    suffix = os.path.splitext(os.fspath(path))[1]

    def into(write: Callable[[IO[bytes], Pieces], None]) -> Callable[[Pieces], None]:
        def writer(pieces: Pieces) -> None:
            with write_whole(path) as handle:
                write(handle, pieces)

        return writer

    if suffix == ".parquet":
        return lambda pieces: write_parquet(path, pieces, tokenizer)
    if suffix == ".gtok":
        if n_samples != 1:
            raise GtokError(
                f"{path}: a .gtok file holds one sample, found {n_samples}: write .parquet"
            )
        return lambda pieces: write_gtok(path, np.concatenate([b.ids for _, b in pieces]))
    if suffix == ".jsonl":
        return into(write_jsonl)
    if suffix in ("", ".tsv"):
        return into(lambda h, pieces: write_tsv(h, pieces, tokenizer, with_sample=n_samples > 1))
    raise GtokError(
        f"{path}: expected a name that ends in .parquet, .gtok, .jsonl or .tsv, found {suffix!r}"
    )


def _version() -> str:
    import gtok

    return gtok.__version__


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise ImportError("parquet needs pyarrow: pip install 'gtok[parquet]'") from None
    return pyarrow, pyarrow.parquet
