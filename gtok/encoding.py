"""From a `TokenBatch` to what a model is fed: cutting, special tokens, filling up, positions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gtok.batch import TokenBatch
from gtok.errors import GtokError
from gtok.padding import Side, fill_rows, padded_width, rows_inside, to_tensor
from gtok.truncation import Seed, Truncation, chroms_of, truncate
from gtok.universe import Universe

Padding: TypeAlias = bool | Literal["longest", "max_length", "do_not_pad"]


def frame_of(template: Any, ids: Mapping[str, int]) -> tuple[list[int], list[int]]:
    """The ids that a template puts before and behind each sample.

    Raises
    ------
    GtokError
        If it names something else than `ids` does.
    """
    if template is None:
        return [], []
    words = template.split() if isinstance(template, str) else []
    if words.count("...") != 1 or not set(words) <= {"...", *ids}:
        raise GtokError(
            f"expected template as names of special tokens ({', '.join(ids)}) around '...', "
            f"such as 'cls ... sep', found {template!r}"
        )
    at = words.index("...")
    return [ids[word] for word in words[:at]], [ids[word] for word in words[at + 1 :]]


def encode_samples(
    batch: TokenBatch,
    universe: Universe,
    before: ArrayLike,
    behind: ArrayLike,
    *,
    pad_id: int,
    side: Side,
    padding: Padding,
    truncation: bool | Truncation,
    max_length: int | None,
    stride: int,
    multiple: int | None,
    seed: Seed,
    return_tensors: str | None,
    return_attention_mask: bool,
    return_special_tokens_mask: bool,
    return_positions: bool,
    return_length: bool = False,
    single: bool,
    loses_chroms: bool,
    truncation_side: Side = "right",
) -> dict[str, Any]:
    """Cut samples, frame them with ids, and fill them up: what a tokenizer's call documents.

    With `single`, the one sample that there is stands by itself in lists; with `loses_chroms`, a
    cut at the head is worth a warning.
    """
    origin = None
    if truncation:
        how = "head" if truncation is True else truncation
        if max_length is None:
            raise GtokError("truncation needs a max_length")
        room = max_length - np.shape(before)[-1] - np.shape(behind)[-1]
        if room < 0 or (room == 0 and how == "windows"):
            raise GtokError(f"max_length={max_length} leaves no room beside the special tokens")
        if truncation is True and loses_chroms:
            _warn_of_heads(batch, room, universe)
        batch, origin = truncate(
            batch, room, how, universe, seed=seed, stride=stride, side=truncation_side
        )
        before, behind = (
            ids if np.ndim(ids) == 1 else np.asarray(ids)[origin] for ids in (before, behind)
        )
    batch = batch.framed(before, behind)
    columns: dict[str, NDArray[Any]] = {"input_ids": batch.ids}
    if return_special_tokens_mask:
        columns["special_tokens_mask"] = batch.ids >= len(universe)
    if return_positions:
        columns |= positions_of(batch.ids, universe)
    if batch.queries is not None:
        columns["locus_ids"] = batch.queries
    if batch.values is not None:
        columns["values"] = batch.values
    width = least_width(padding, max_length)
    rows: dict[str, Any]
    if width is None and return_tensors is None:
        rows = {name: _split(column, batch.offsets) for name, column in columns.items()}
        mask: Any = [[1] * n for n in batch.lengths.tolist()]
    else:
        lengths = batch.lengths
        if width is None and len(set(lengths.tolist())) > 1:
            raise GtokError(
                f"expected samples of one length for a tensor: ask for padding or truncation; "
                f"found lengths {lengths.min()} to {lengths.max()}"
            )
        multiple = multiple if width is not None else None
        filling = fillers(pad_id, universe)
        wide = padded_width(int(lengths.max(initial=0)), width, multiple)
        inside = rows_inside(batch.offsets, wide, side)
        rows = {name: fill_rows(column, inside, filling[name]) for name, column in columns.items()}
        mask = inside.astype(np.int64)
        if return_tensors is None:
            mask = mask.tolist()
            rows = {name: matrix.tolist() for name, matrix in rows.items()}
    if return_attention_mask:
        rows = {"input_ids": rows["input_ids"], "attention_mask": mask} | rows
    if return_length:
        rows["length"] = batch.lengths if return_tensors else batch.lengths.tolist()
    if origin is not None and truncation == "windows":
        rows["overflow_to_sample_mapping"] = origin if return_tensors else origin.tolist()
    if return_tensors is not None:
        return {name: to_tensor(array, return_tensors) for name, array in rows.items()}
    if single and truncation != "windows":
        return {name: lists[0] for name, lists in rows.items()}
    return rows


def positions_of(ids: NDArray[np.int32], universe: Universe) -> dict[str, NDArray[Any]]:
    """Where tokens lie: ``chrom_ids``, ``starts`` and ``ends``."""
    is_region = ids < len(universe)
    rows = np.where(is_region, ids, 0)
    regions = universe.regions
    return {
        "chrom_ids": np.where(is_region, regions.codes[rows], len(regions.chrom_names)),
        "starts": np.where(is_region, regions.starts[rows], 0),
        "ends": np.where(is_region, regions.ends[rows], 0),
    }


def fillers(pad_id: int, universe: Universe) -> dict[str, float]:
    """What each column of an encoding is filled up with."""
    return {
        "input_ids": pad_id, "attention_mask": 0, "special_tokens_mask": 1,
        "chrom_ids": len(universe.regions.chrom_names), "starts": 0, "ends": 0,
        "locus_ids": -1, "values": 0.0,
    }  # fmt: skip


def least_width(padding: Padding, max_length: int | None) -> int | None:
    """The least padded length, None where nothing is to be padded."""
    if padding in (False, "do_not_pad"):
        return None
    if padding in (True, "longest"):
        return 0
    if padding != "max_length":
        raise GtokError(
            f"expected padding True, False, 'longest', 'max_length' or 'do_not_pad', "
            f"found {padding!r}"
        )
    if max_length is None:
        raise GtokError("padding='max_length' needs a max_length")
    return max_length


def _split(column: NDArray[Any], offsets: NDArray[np.int64]) -> list[list[float]]:
    """A column as a list per sample."""
    listed = (column.astype(np.int64) if column.dtype.kind == "b" else column).tolist()
    return [listed[lo:hi] for lo, hi in pairwise(offsets.tolist())]


def _warn_of_heads(batch: TokenBatch, room: int, universe: Universe) -> None:
    """Warn if a sample goes on to another chromosome behind its head."""
    long = batch.lengths > room
    ends = batch.offsets[1:][long]
    last = batch.ids[np.maximum(batch.offsets[:-1][long] + room - 1, 0)]
    if (chroms_of(last, universe) != chroms_of(batch.ids[ends - 1], universe)).any():
        # The same words each time: Python shows them once.
        warnings.warn(
            "truncation=True keeps a sample's first tokens, which in genome order are those of its "
            "first chromosomes: 'stratified', 'random', 'top' or 'windows' keep others, 'head' "
            "says that this is meant",
            stacklevel=4,
        )
