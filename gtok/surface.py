"""The part of a tokenizer that Hugging Face's users know, without transformers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gtok.batch import TokenBatch
from gtok.encoding import Padding, encode_samples, fillers, frame_of, least_width
from gtok.padding import Encoding, Side, pad_features
from gtok.samples import as_regions, batch_of
from gtok.truncation import Seed, Truncation
from gtok.universe import Universe, as_ids

Values: TypeAlias = Literal["count", "bp", "fraction", "signal"]


class TokenizerSurface(ABC):
    """Calling, padding, and looking tokens up; what is behind it, `Tokenizer` says."""

    universe: Universe
    template: str | None
    padding_side: Side
    order: str
    seed: int

    @abstractmethod
    def encode_batch(
        self,
        xs: Iterable[Any],
        *,
        values: Values | None = None,
        signal: str | int | None = None,
        queries: bool = False,
    ) -> TokenBatch:
        """The token ids of many samples, as arrays."""

    def __call__(
        self,
        x: Any,
        *,
        add_special_tokens: bool = True,
        padding: Padding = False,
        truncation: bool | Truncation = False,
        max_length: int | None = None,
        stride: int = 0,
        pad_to_multiple_of: int | None = None,
        values: Values | None = None,
        signal: str | int | None = None,
        seed: Seed | None = None,
        return_tensors: Literal["np", "pt"] | None = None,
        return_attention_mask: bool = True,
        return_special_tokens_mask: bool = False,
        return_positions: bool = False,
        return_loci: bool = False,
    ) -> Encoding:
        """Encode a sample, or a batch of them, as transformers expect it.

        Parameters
        ----------
        x : sample or list of samples
            A list of regions is one sample; a list of paths, frames, region sets or lists is a
            batch.
        add_special_tokens : bool
            Put the tokens of the template around each sample; there is none by default.
        padding : bool or {"longest", "max_length", "do_not_pad"}
            Fill up to the longest sample (True), or to `max_length`.
        truncation : bool or {"head", "random", "stratified", "top", "windows"}
            Cut to `max_length`, the template's tokens included. True and "head" keep the first
            tokens: of a sorted sample, those of its first chromosomes. "random" keeps any,
            "stratified" any of each chromosome in proportion, "top" those of the largest values,
            all in their order; "windows" cuts into pieces, a row each, and says in
            ``overflow_to_sample_mapping`` which sample each comes from.
        max_length : int, optional
            In tokens.
        stride : int
            Tokens that a window has in common with the one before.
        pad_to_multiple_of : int, optional
            Round the padded length up.
        values, signal
            A weight for each token, ``values``, as of `Tokenizer.encode_batch`.
        seed : int or sequence of int, optional
            Of "random" and "stratified", the tokenizer's unless given; ``(seed, epoch)`` keeps
            another part of each sample in each epoch.
        return_tensors : {None, "np", "pt"}
            Lists, or int64 arrays of NumPy or torch, with one row per sample even for one.
        return_attention_mask, return_special_tokens_mask : bool
            Which masks to return: 1 at tokens and 0 at padding; 1 at special tokens.
        return_positions : bool
            Return where each token lies: ``chrom_ids``, its chromosome's place in
            ``universe.regions.chrom_names``, and ``starts`` and ``ends``, base pairs. Of special
            tokens and padding the first is the number of chromosomes, the others are 0.
        return_loci : bool
            Return ``locus_ids``, the row of the input region that hit each token; -1 where none
            did.

        Returns
        -------
        Encoding
            A dict with ``input_ids`` and what else is asked for, also as attributes.

        Warns
        -----
        UserWarning
            If True cuts a sample at its head, in an order in which that loses chromosomes.
        """
        batch, single = self.encode_call(x, values, signal, return_loci)
        before, behind = self._frame() if add_special_tokens else ([], [])
        return Encoding(
            encode_samples(
                batch,
                self.universe,
                before,
                behind,
                pad_id=self.pad_token_id,
                side=self.padding_side,
                padding=padding,
                truncation=truncation,
                max_length=max_length,
                stride=stride,
                multiple=pad_to_multiple_of,
                seed=self.seed if seed is None else seed,
                return_tensors=return_tensors,
                return_attention_mask=return_attention_mask,
                return_special_tokens_mask=return_special_tokens_mask,
                return_positions=return_positions,
                single=single,
                loses_chroms=self.keeps_genome_order,
            )
        )

    def encode_call(
        self, x: Any, values: Values | None, signal: str | int | None, queries: bool
    ) -> tuple[TokenBatch, bool]:
        """The tokens of what a call was given, and whether that was a sample by itself."""
        samples = batch_of(x)
        single = samples is None
        if samples is None:
            samples = [as_regions(x, signal=signal)]
        batch = self.encode_batch(samples, values=values, signal=signal, queries=queries)
        return batch, single

    @property
    def keeps_genome_order(self) -> bool:
        """Whether the tokens of a sorted sample are in genome order."""
        return self.order in ("input", "genome")

    def pad(
        self,
        features: Any,
        padding: Padding = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool = True,
        return_tensors: Literal["np", "pt"] | None = None,
        **_: Any,
    ) -> Encoding:
        """Fill up samples that are encoded already, as data collators do.

        Parameters
        ----------
        features : dict of lists, or list of dicts
            With ``input_ids``; what a call returns beside them is filled up along, anything else is
            passed on.
        padding, max_length, pad_to_multiple_of, return_attention_mask, return_tensors
            As of a call.
        """
        width = least_width(padding, max_length)
        return pad_features(
            features,
            fillers(self.pad_token_id, self.universe),
            padding=False if width is None else padding,
            max_length=max_length,
            multiple=pad_to_multiple_of,
            side=self.padding_side,
            return_attention_mask=return_attention_mask,
            return_tensors=return_tensors,
        )

    def __len__(self) -> int:
        return self.universe.vocab_size

    @property
    def vocab_size(self) -> int:
        """N + 7: the universe's regions and the special tokens."""
        return self.universe.vocab_size

    def get_vocab(self) -> dict[str, int]:
        """Every token and its id; made anew each time."""
        tokens = self.universe.tokens_of(np.arange(self.vocab_size))
        return {token: id for id, token in enumerate(tokens)}

    def decode(
        self, ids: int | Sequence[int] | NDArray[Any], skip_special_tokens: bool = False
    ) -> list[str]:
        """The tokens of ids.

        Raises
        ------
        IndexError
            If there is no such id.
        """
        wanted = np.atleast_1d(as_ids(ids))
        tokens = self.universe.tokens_of(wanted)
        if skip_special_tokens:
            return [tokens[i] for i in np.flatnonzero(wanted < len(self.universe))]
        return tokens

    def batch_decode(self, batch: Any, skip_special_tokens: bool = False) -> list[list[str]]:
        """The tokens of each sample of a `TokenBatch`, a matrix or a list of lists of ids."""
        return [self.decode(ids, skip_special_tokens) for ids in batch]

    def convert_ids_to_tokens(self, ids: int | Sequence[int] | NDArray[Any]) -> str | list[str]:
        """The token of an id, or the tokens of many."""
        wanted = as_ids(ids)
        if wanted.ndim == 0:
            return self.universe.token(int(wanted))
        return self.universe.tokens_of(wanted)

    def convert_tokens_to_ids(self, tokens: str | Iterable[str]) -> int | list[int]:
        """The id of a token, or the ids of many; that of ``<unk>`` for what is none."""
        if isinstance(tokens, str):
            return self.universe.ids_of([tokens], self.unk_token_id)[0]
        return self.universe.ids_of(tokens, self.unk_token_id)

    def get_special_tokens_mask(
        self, tokens: Iterable[Any], already_has_special_tokens: bool = True
    ) -> list[int]:
        """1 at special tokens, 0 at regions, for tokens or ids."""
        listed = list(tokens)
        specials = {token for _, token in self.universe.special_tokens.items()}
        return [
            int(x in specials if isinstance(x, str) else int(x) >= len(self.universe))
            for x in listed
        ]

    @property
    def special_tokens_map(self) -> dict[str, str]:
        """The special tokens by their names, ``unk_token`` and so on."""
        return {f"{role}_token": token for role, token in self.universe.special_tokens.items()}

    @property
    def all_special_tokens(self) -> list[str]:
        """The special tokens, in the order of their ids."""
        return [token for _, token in self.universe.special_tokens.items()]

    @property
    def all_special_ids(self) -> list[int]:
        """The ids of the special tokens, N to N + 6."""
        return list(range(len(self.universe), self.vocab_size))

    @property
    def unk_token(self) -> str:
        """The unk token."""
        return self.universe.special_tokens.unk

    @property
    def pad_token(self) -> str:
        """The pad token."""
        return self.universe.special_tokens.pad

    @property
    def mask_token(self) -> str:
        """The mask token."""
        return self.universe.special_tokens.mask

    @property
    def cls_token(self) -> str:
        """The cls token."""
        return self.universe.special_tokens.cls

    @property
    def eos_token(self) -> str:
        """The eos token."""
        return self.universe.special_tokens.eos

    @property
    def bos_token(self) -> str:
        """The bos token."""
        return self.universe.special_tokens.bos

    @property
    def sep_token(self) -> str:
        """The sep token."""
        return self.universe.special_tokens.sep

    @property
    def unk_token_id(self) -> int:
        """The id of the unk token."""
        return self.universe.special_id("unk")

    @property
    def pad_token_id(self) -> int:
        """The id of the pad token."""
        return self.universe.special_id("pad")

    @property
    def mask_token_id(self) -> int:
        """The id of the mask token."""
        return self.universe.special_id("mask")

    @property
    def cls_token_id(self) -> int:
        """The id of the cls token."""
        return self.universe.special_id("cls")

    @property
    def eos_token_id(self) -> int:
        """The id of the eos token."""
        return self.universe.special_id("eos")

    @property
    def bos_token_id(self) -> int:
        """The id of the bos token."""
        return self.universe.special_id("bos")

    @property
    def sep_token_id(self) -> int:
        """The id of the sep token."""
        return self.universe.special_id("sep")

    def _frame(self) -> tuple[list[int], list[int]]:
        """The ids that the template puts before and behind each sample."""
        special = self.universe.special_tokens
        ids = {role: self.universe.special_id(role) for role, _ in special.items()}
        return frame_of(self.template, ids)
