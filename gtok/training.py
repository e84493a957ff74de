"""Samples as datasets of torch: one by one, or as a shuffled stream, packed into rows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gtok.batch import TokenBatch
from gtok.cells import CellMatrix, tokens
from gtok.errors import GtokError, check_choice
from gtok.shared import Columns, SharedArrays
from gtok.tokenizer import Tokenizer
from gtok.tokens_io import read_pieces
from gtok.truncation import truncate

try:
    import torch
    import torch.distributed
    from torch.utils.data import Dataset, IterableDataset, get_worker_info
except ModuleNotFoundError:
    raise ImportError("gtok.training needs torch: pip install 'gtok[hf]' torch") from None

Item: TypeAlias = dict[str, torch.Tensor]
Cut: TypeAlias = Literal["random", "stratified", "top"]
CUTS = ("random", "stratified", "top")

# The columns of a batch as those of an item: the name, the type, and what special tokens have.
_ITEM: dict[str, tuple[str, Any, int]] = {
    "ids": ("input_ids", np.int64, 0),
    "values": ("values", np.float32, 0),
    "queries": ("locus_ids", np.int64, -1),
}


class TokenDataset(Dataset[Item]):
    """Samples one by one, as a `torch.utils.data.DataLoader` asks for them.

    The arrays are never copied into a loader's workers, however these are started: workers that
    are forked share them, those that are spawned map a temporary file. It is removed with the
    dataset, and so is what a parquet file is decoded into.

    Parameters
    ----------
    source : TokenBatch, path, list of paths, AnnData, or CellMatrix
        A path is that of a parquet file with the columns of `write_parquet`; of several the
        samples follow each other. An AnnData becomes what `gtok.cells.tokens` makes of it.
    tokenizer : Tokenizer or RegionTokenizer, optional
        Puts the special tokens of its template around each sample. An AnnData needs one.
    max_length : int, optional
        The most tokens of an item, special ones included.
    truncation : {"random", "stratified", "top"}
        What to keep of a longer sample: as of `Tokenizer`'s call.
    seed : int
        Of what is kept, which is another part in each epoch.
    cache_dir : str or path, optional
        Where temporary files go, a folder; the system's usual one unless given.

    Raises
    ------
    GtokError
        If a file is not what `write_parquet` writes, or its ids or a matrix's columns are those
        of another universe than the tokenizer's, or there is no room beside special tokens.

    Notes
    -----
    An item is a dict of tensors of one length: ``input_ids``, int64; ``values``, float32, where
    the samples have values, 0 for special tokens; ``locus_ids``, int64, where a batch has
    `queries`, -1 for special tokens. Of samples longer than a model takes, other tokens are seen
    in each epoch that `set_epoch` tells of.

    A pickle maps the same files, and is of use as long as the dataset that it was made from.

    Examples
    --------
    >>> import gtok
    >>> from gtok.training import TokenDataset
    >>> t = gtok.Tokenizer(["chr1:100-200", "chr1:150-300", "chr2:5-50"], template="cls ...")
    >>> batch = t.encode_batch([["chr1:180-190"], ["chr2:1-10"]], values="bp")
    >>> dataset = TokenDataset(batch, t)
    >>> dataset[0]
    {'input_ids': tensor([6, 0, 1]), 'values': tensor([ 0., 10., 10.])}
    >>> len(dataset), dataset.lengths
    (2, array([3, 2]))
    """

    def __init__(
        self,
        source: Any,
        tokenizer: Any = None,
        *,
        max_length: int | None = None,
        truncation: Cut = "random",
        seed: int = 0,
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        check_choice("truncation", truncation, CUTS)
        before, behind = ([], []) if tokenizer is None else tokenizer._frame()
        tokenizer = getattr(tokenizer, "tokenizer", tokenizer)  # that of a `RegionTokenizer`
        self._how = truncation
        self._room: int | None = None
        self._universe: Any = None
        if max_length is not None:
            self._room = max_length - len(before) - len(behind)
            if self._room < 0:
                raise GtokError(f"max_length={max_length} leaves no room beside the special tokens")
            if truncation == "stratified":
                if tokenizer is None:
                    raise GtokError("truncation='stratified' needs a tokenizer and its regions")
                # Workers that are spawned get a universe only if they need one.
                self._universe = tokenizer.universe
        self._arrays = _arrays_of(source, tokenizer, cache_dir)
        columns = self._arrays.columns
        if self._room is not None and truncation == "top" and "values" not in columns:
            raise GtokError("truncation='top' goes by values, and the samples have none")
        self._around = {
            column: tuple(
                np.array(ids if column == "ids" else [filler] * len(ids), dtype=dtype)
                for ids in (before, behind)
            )
            for column, (_, dtype, filler) in _ITEM.items()
            if column in columns
        }
        self.seed = seed
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def __len__(self) -> int:
        return len(self._arrays.columns["offsets"]) - 1

    def __getitem__(self, i: int) -> Item:
        n = len(self)
        if not -n <= i < n:
            raise IndexError(f"expected a sample from 0 to {n - 1}, found {i}")
        i %= n
        columns = self._arrays.columns
        start, end = columns["offsets"][i : i + 2]
        sample = {name: columns[name][start:end] for name in self._around}
        if self._room is not None and end - start > self._room:
            sample = self._cut(sample, self._room)
        item = {}
        for column, (name, dtype, _) in _ITEM.items():
            if column in sample:
                before, behind = self._around[column]
                parts = (before, sample[column], behind)
                item[name] = torch.from_numpy(np.concatenate(parts, dtype=dtype))
        return item

    def _cut(self, sample: Columns, room: int) -> Columns:
        """Some of a sample's tokens, others in each epoch."""
        whole = TokenBatch(offsets=np.array([0, len(sample["ids"])]), **sample)
        seed = (self.seed, self.epoch)
        cut, _ = truncate(whole, room, self._how, self._universe, seed=seed)
        return {name: getattr(cut, name) for name in sample}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._epoch.share_memory_()  # a pickle that was not made for a worker has a copy

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of tokens of each item, int64[n], as samplers that group by length ask."""
        lengths = np.diff(self._arrays.columns["offsets"])
        if self._room is not None:
            lengths = np.minimum(lengths, self._room)
        around: int = sum(map(len, self._around["ids"]))
        return lengths + around

    @property
    def sample_names(self) -> list[str] | None:
        """The samples' names, of a parquet file's column ``id`` or of cells; made each time."""
        columns = self._arrays.columns
        if "names" not in columns:
            return None
        text = columns["names"].tobytes()
        ends = columns["name_offsets"].tolist()
        return [text[lo:hi].decode(errors="surrogateescape") for lo, hi in pairwise(ends)]

    @property
    def epoch(self) -> int:
        """The epoch that `set_epoch` told."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Tell which epoch it is, to workers that run already too."""
        self._epoch.fill_(epoch)


class TokenStream(IterableDataset[Item]):
    """Samples as a stream, each to one worker of one process, packed into rows if asked to.

    The order is a shuffle of all samples, by the seed and the epoch. Processes that
    ``torch.distributed`` joins share the samples out evenly, and each one's workers again; nobody
    gets a sample twice, so one process may have one more than another.

    Parameters
    ----------
    source : TokenDataset, or what it is made of
        The samples.
    shuffle : bool
        In an order by chance, not as they stand.
    seed : int
        Of the order.
    pack : int, optional
        Put samples into rows of this many tokens, one behind the other, and split those that do
        not fit over several rows. Only the last row of each worker is filled up.
    pad_id : int, optional
        What to fill it up with; `pack` needs it.

    Raises
    ------
    GtokError
        If `pack` comes without `pad_id`, or is not positive; or as of `TokenDataset`.

    Notes
    -----
    Items are those of a `TokenDataset`; packed ones have more columns, all int64. At filling,
    ``attention_mask`` and ``position_ids`` are 0 and ``document_ids`` are -1; elsewhere these are
    1; places counted from 0 in each sample of a row; and the sample's number, for
    `document_mask`. Both pieces of a sample that is split count from 0.

    transformers's Trainer and accelerate share out an iterable themselves: across processes, give
    them a `TokenDataset`.

    Examples
    --------
    >>> import gtok
    >>> from gtok.training import TokenStream
    >>> batch = gtok.TokenBatch([5, 6, 7, 8, 9], [0, 2, 5])
    >>> for row in TokenStream(batch, shuffle=False, pack=4, pad_id=99):
    ...     print(row["input_ids"], row["document_ids"])
    tensor([5, 6, 7, 8]) tensor([0, 0, 1, 1])
    tensor([ 9, 99, 99, 99]) tensor([ 1, -1, -1, -1])
    """

    def __init__(
        self,
        source: Any,
        *,
        shuffle: bool = True,
        seed: int = 0,
        pack: int | None = None,
        pad_id: int | None = None,
    ) -> None:
        if pack is not None and pad_id is None:
            raise GtokError("expected a pad_id to fill packed rows up with, found none")
        if pack is not None and pack < 1:
            raise GtokError(f"expected rows of a token or more, found pack={pack}")
        self.dataset = source if isinstance(source, TokenDataset) else TokenDataset(source)
        self.shuffle = shuffle
        self.seed = seed
        self.pack = pack
        self.pad_id = pad_id
        self._place = (0, 1)

    def __iter__(self) -> Iterator[Item]:
        samples = ((i, self.dataset[i]) for i in self._share().tolist())
        if self.pack is None:
            return (item for _, item in samples)
        return _packed(samples, self.pack, self.pad_id)

    def _share(self) -> NDArray[np.int64]:
        """The samples that this worker of this process gets, in order."""
        order = np.arange(len(self.dataset))
        if self.shuffle:
            np.random.default_rng([self.seed, self.dataset.epoch]).shuffle(order)
        rank, n_ranks = self._find_place()
        worker = get_worker_info()
        first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        return order[rank::n_ranks][first::step].copy()  # not the whole order, for an epoch

    def _find_place(self) -> tuple[int, int]:
        """The number of this process, and of how many."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank(), torch.distributed.get_world_size()
        return self._place

    def __getstate__(self) -> dict[str, Any]:
        # A worker that is spawned has not joined the others: it is told where it belongs.
        return {**self.__dict__, "_place": self._find_place()}

    def set_epoch(self, epoch: int) -> None:
        """Tell which epoch it is, to workers that run already too."""
        self.dataset.set_epoch(epoch)


def document_mask(document_ids: torch.Tensor) -> torch.Tensor:
    """Which tokens of packed rows may attend to which: those of one document to each other.

    Parameters
    ----------
    document_ids : int64[b, l]
        Of a `TokenStream` that packs.

    Returns
    -------
    bool[b, 1, l, l]
        As ``torch.nn.functional.scaled_dot_product_attention`` takes it, and models of
        transformers do as their ``attention_mask``. Filling attends to filling, since a softmax
        over nothing is NaN. For a causal model, take the lower triangle (``.tril()``).

    Examples
    --------
    >>> import torch
    >>> from gtok.training import document_mask
    >>> document_mask(torch.tensor([[0, 0, 1, -1]])).int()
    tensor([[[[1, 1, 0, 0],
              [1, 1, 0, 0],
              [0, 0, 1, 0],
              [0, 0, 0, 1]]]], dtype=torch.int32)
    """
    return document_ids[:, None, :, None] == document_ids[:, None, None, :]


def _packed(samples: Iterable[tuple[int, Item]], length: int, pad_id: Any) -> Iterator[Item]:
    """Rows of `length` tokens, samples one behind the other."""
    filling = {"input_ids": pad_id, "document_ids": -1, "locus_ids": -1}
    row: list[Item] = []
    room = length
    for number, item in samples:
        done, n = 0, len(item["input_ids"])
        while done < n:
            taken = min(room, n - done)
            row.append(
                {
                    **{name: column[done : done + taken] for name, column in item.items()},
                    "attention_mask": torch.ones(taken, dtype=torch.int64),
                    "position_ids": torch.arange(taken),
                    "document_ids": torch.full((taken,), number),
                }
            )
            done, room = done + taken, room - taken
            if room == 0:
                yield _joined(row)
                row, room = [], length
    if row:
        row.append(
            {
                name: torch.full((room,), filling.get(name, 0), dtype=column.dtype)
                for name, column in row[0].items()
            }
        )
        yield _joined(row)


def _joined(pieces: list[Item]) -> Item:
    return {name: torch.cat([piece[name] for piece in pieces]) for name in pieces[0]}


# What a dataset is made of.


def _arrays_of(source: Any, tokenizer: Tokenizer | None, cache_dir: Any) -> SharedArrays:
    """The columns of whatever a dataset may be made of."""
    names: list[str] | None = None
    if isinstance(source, CellMatrix):
        if tokenizer is not None and tokenizer.universe != source.universe:
            raise GtokError("expected a matrix over the tokenizer's universe, found another one")
        names, source = source.names, source.tokens()
    elif hasattr(source, "obs_names"):
        if tokenizer is None:
            raise GtokError("an AnnData needs a tokenizer, whose regions its own ones overlap")
        names, source = list(source.obs_names), tokens(source, tokenizer)
    if isinstance(source, TokenBatch):
        columns: Columns = {"offsets": source.offsets}
        for name in _ITEM:
            if (column := getattr(source, name)) is not None:
                columns[name] = column
        return SharedArrays(columns | ({} if names is None else _texts(names)), cache_dir)
    paths = [source] if isinstance(source, (str, os.PathLike)) else source
    if not isinstance(paths, (list, tuple)) or not paths:
        raise TypeError(
            f"expected a TokenBatch, an AnnData, a CellMatrix, or the path of a parquet file or "
            f"several, found {source!r}"
        )
    return SharedArrays.written(_pieces(paths, tokenizer), cache_dir)


def _pieces(paths: Iterable[Any], tokenizer: Tokenizer | None) -> Iterator[Columns]:
    """The columns of parquet files, a few samples at a time."""
    yield {"ids": np.empty(0, dtype=np.int32), "offsets": np.zeros(1, dtype=np.int64), **_texts([])}
    n_ids = n_bytes = 0
    for path in paths:
        for names, batch in read_pieces(path, tokenizer):
            texts = _texts(names)
            yield {
                "ids": batch.ids,
                "offsets": batch.offsets[1:] + n_ids,
                "names": texts["names"],
                "name_offsets": texts["name_offsets"][1:] + n_bytes,
            }
            n_ids += len(batch.ids)
            n_bytes += len(texts["names"])


def _texts(names: list[str]) -> Columns:
    """Names as bytes and where each begins."""
    encoded = [(name or "").encode(errors="surrogateescape") for name in names]
    return {
        "names": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        "name_offsets": np.cumsum([0, *map(len, encoded)], dtype=np.int64),
    }
