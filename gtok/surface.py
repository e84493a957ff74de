"""The part of a tokenizer that Hugging Face's users know, without transformers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gtok.batch import Encoding, Side, TokenBatch, pad_features, to_tensor
from gtok.errors import GtokError
from gtok.samples import as_regions, batch_of
from gtok.universe import Universe, as_ids


class TokenizerSurface(ABC):
    """Calling, padding, and looking tokens up; what is behind it, `Tokenizer` says."""

    universe: Universe
    template: str | None
    padding_side: Side

    @abstractmethod
    def encode_batch(self, xs: Iterable[Any]) -> TokenBatch:
        """The token ids of many samples, as arrays."""

    def __call__(
        self,
        x: Any,
        *,
        add_special_tokens: bool = True,
        padding: bool | Literal["longest", "max_length", "do_not_pad"] = False,
        truncation: bool = False,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        return_tensors: Literal["np", "pt"] | None = None,
        return_attention_mask: bool = True,
        return_special_tokens_mask: bool = False,
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
        truncation : bool
            Cut to `max_length`, the template's tokens included. The first tokens stay: of a
            sorted sample, those of its first chromosome.
        max_length : int, optional
            In tokens.
        pad_to_multiple_of : int, optional
            Round the padded length up.
        return_tensors : {None, "np", "pt"}
            Lists, or int64 arrays of NumPy or torch, with one row per sample even for one.
        return_attention_mask, return_special_tokens_mask : bool
            Which masks to return: 1 at tokens and 0 at padding; 1 at special tokens.

        Returns
        -------
        Encoding
            A dict with ``input_ids`` and the masks, also as attributes.
        """
        samples = batch_of(x)
        batch = self.encode_batch([as_regions(x)] if samples is None else samples)
        before, behind = self._frame() if add_special_tokens else ([], [])
        if truncation:
            if max_length is None:
                raise GtokError("truncation needs a max_length")
            room = max_length - len(before) - len(behind)
            if room < 0:
                raise GtokError(f"max_length={max_length} leaves no room for {self.template!r}")
            batch = batch.head(room)
        batch = batch.framed(before, behind)
        width = self._width(padding, max_length)
        columns: dict[str, Any]
        if width is not None or return_tensors is not None:
            if width is None and len(set(batch.lengths.tolist())) > 1:
                raise GtokError(
                    f"expected samples of one length for a tensor: ask for padding or truncation; "
                    f"found lengths {batch.lengths.min()} to {batch.lengths.max()}"
                )
            ids, mask = batch.pad(
                self.pad_token_id,
                length=width,
                multiple=pad_to_multiple_of if width is not None else None,
                side=self.padding_side,
            )
            columns = {"input_ids": ids, "attention_mask": mask}
            columns["special_tokens_mask"] = self._is_special(ids)
        else:
            columns = {
                "input_ids": list(batch),
                "attention_mask": [np.ones(len(ids), dtype=np.int64) for ids in batch],
                "special_tokens_mask": [
                    (ids >= len(self.universe)).astype(np.int64) for ids in batch
                ],
            }
        if not return_attention_mask:
            del columns["attention_mask"]
        if not return_special_tokens_mask:
            del columns["special_tokens_mask"]
        if return_tensors is not None:
            return Encoding({k: to_tensor(v, return_tensors) for k, v in columns.items()})
        if samples is None:
            return Encoding({name: rows[0].tolist() for name, rows in columns.items()})
        return Encoding({name: [row.tolist() for row in rows] for name, rows in columns.items()})

    def _is_special(self, ids: NDArray[Any]) -> NDArray[np.int64]:
        return (ids >= len(self.universe)).astype(np.int64)

    def _width(self, padding: bool | str, max_length: int | None) -> int | None:
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

    def pad(
        self,
        features: Any,
        padding: bool | Literal["longest", "max_length", "do_not_pad"] = True,
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
            With ``input_ids``; masks are filled up along, anything else is passed on.
        padding, max_length, pad_to_multiple_of, return_attention_mask, return_tensors
            As of a call.
        """
        width = self._width(padding, max_length)
        fillers = {"input_ids": self.pad_token_id, "attention_mask": 0, "special_tokens_mask": 1}
        return pad_features(
            features,
            fillers,
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
        if self.template is None:
            return [], []
        roles = [role for role, _ in self.universe.special_tokens.items()]
        words = self.template.split() if isinstance(self.template, str) else []
        if words.count("...") != 1 or not set(words) <= {"...", *roles}:
            raise GtokError(
                f"expected template as names of special tokens ({', '.join(roles)}) around '...', "
                f"such as 'cls ... sep', found {self.template!r}"
            )
        at = words.index("...")
        before, behind = words[:at], words[at + 1 :]
        return [self.universe.special_id(word) for word in before], [
            self.universe.special_id(word) for word in behind
        ]
