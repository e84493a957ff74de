"""A tokenizer that transformers takes for one of its own.

After ``import gtok.hf``, ``AutoTokenizer.from_pretrained`` returns a `RegionTokenizer` for a folder
or a repository that one was saved in.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gtok.encoding import Padding, encode_samples, fillers, frame_of, least_width
from gtok.errors import GtokError
from gtok.files import write_whole
from gtok.hub import fetch, upload
from gtok.padding import Encoding, pad_features
from gtok.surface import Values
from gtok.tokenizer import Tokenizer
from gtok.truncation import Seed, Truncation

try:
    from transformers import (
        AddedToken,
        AutoConfig,
        AutoTokenizer,
        BatchEncoding,
        PreTrainedConfig,
        PreTrainedTokenizerBase,
    )
except ModuleNotFoundError:
    raise ImportError("gtok.hf needs transformers: pip install 'gtok[hf]'") from None

# What transformers puts into a config of its own accord.
_PASSING = ("is_local", "local_files_only", "tokenizer_class", "tokenizer_file", "backend")
_UNLIMITED = 10**20  # transformers's model_max_length where there is none is larger

_CARD = """\
---
library_name: gtok
tags:
- genomics
- gtok
---

# A tokenizer of genomic regions

A vocabulary of {n:,} regions{genome}, made with [gtok](https://pypi.org/project/gtok/) {version}.

```python
import gtok.hf  # pip install 'gtok[hf]'; tells transformers of the class
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{name}")
tokenizer("peaks.bed")
```

No code is loaded from here: `trust_remote_code` is not needed. Without transformers,
`gtok.Tokenizer.from_pretrained` reads the same files.
"""


class RegionConfig(PreTrainedConfig):
    """The config of no model: by it AutoTokenizer knows `RegionTokenizer`."""

    model_type = "gtok"


class RegionTokenizer(PreTrainedTokenizerBase):
    """`gtok.Tokenizer` for transformers: its models, collators and `Trainer`.

    Parameters
    ----------
    tokenizer : Tokenizer, or whatever it takes
        A universe, a path.
    template : str, optional
        The special tokens around each sample, by their names, ``"cls ... sep"`` say, or by their
        own texts; that of `tokenizer` unless given.
    extra_special_tokens : list of str, optional
        Further tokens, an assay or a class say, with the ids after N + 6.
    **kwargs
        As of any tokenizer: ``padding_side``, ``truncation_side``, ``model_max_length``.

    Examples
    --------
    >>> from gtok.hf import RegionTokenizer
    >>> tok = RegionTokenizer(
    ...     ["chr1:100-200", "chr1:150-300", "chr2:5-50"],
    ...     template="cls <atac> ... sep", extra_special_tokens=["<atac>"],
    ... )
    >>> tok(["chr1:180-190"])["input_ids"]
    [6, 10, 0, 1, 9]
    >>> tok.decode([6, 10, 0, 1, 9])
    '<cls> <atac> chr1:100-200 chr1:150-300 <sep>'
    """

    tokenizer: Tokenizer

    def __init__(
        self,
        tokenizer: Any,
        *,
        added_tokens_decoder: dict[int, AddedToken] | None = None,
        **kwargs: Any,
    ) -> None:
        self.tokenizer = tokenizer if isinstance(tokenizer, Tokenizer) else Tokenizer(tokenizer)
        self._added: dict[str, AddedToken] = {}
        for name in _PASSING:
            kwargs.pop(name, None)
        settings = {
            **self.tokenizer.special_tokens_map,
            "padding_side": self.tokenizer.padding_side,
            "truncation_side": self.truncation_side,  # a setting that is named is saved
            "template": self.tokenizer.template,
            **kwargs,
        }
        super().__init__(**settings)
        saved = added_tokens_decoder or {}
        if sorted(saved) != list(range(self.vocab_size, self.vocab_size + len(saved))):
            raise GtokError(
                f"expected added tokens with ids from {self.vocab_size} on, found "
                f"{', '.join(map(str, sorted(saved)))}: they were saved with another universe"
            )
        self._add_tokens([saved[id] for id in sorted(saved)])
        named = [token for token in self._special_tokens_map.values() if token is not None]
        self._add_tokens([*named, *self._extra_special_tokens], special_tokens=True)
        self.template = settings["template"]
        self._frame()

    # The vocabulary.

    @property
    def is_fast(self) -> bool:
        """False: it has no backend of the library tokenizers."""
        return False

    @property
    def vocab_size(self) -> int:
        """N + 7: without the tokens that were added."""
        return self.tokenizer.vocab_size

    def __len__(self) -> int:
        return self.vocab_size + len(self._added)

    def get_vocab(self) -> dict[str, int]:
        """Every token and its id; made anew each time."""
        return self.tokenizer.get_vocab() | self.added_tokens_encoder

    @property
    def added_tokens_encoder(self) -> dict[str, int]:
        """The tokens after N + 6, and their ids."""
        return {token: self.vocab_size + at for at, token in enumerate(self._added)}

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        """The tokens after N + 6 by their ids."""
        return {self.vocab_size + at: token for at, token in enumerate(self._added.values())}

    def get_added_vocab(self) -> dict[str, int]:
        """The tokens after N + 6, and their ids."""
        return self.added_tokens_encoder

    def _add_tokens(
        self, new_tokens: Sequence[str | AddedToken], special_tokens: bool = False
    ) -> int:
        before = len(self)
        for token in new_tokens:
            text = str(token)
            if text not in self._added and text not in self.tokenizer.universe:
                if isinstance(token, str):
                    token = AddedToken(text, normalized=False, special=special_tokens)
                self._added[text] = token
        return len(self) - before

    def convert_tokens_to_ids(self, tokens: str | Iterable[str]) -> Any:
        """The id of a token, or the ids of many; that of ``<unk>`` for what is none."""
        if not isinstance(tokens, str):
            return [self.convert_tokens_to_ids(token) for token in tokens]
        if tokens in self._added:
            return self.added_tokens_encoder[tokens]
        return self.tokenizer.convert_tokens_to_ids(tokens)

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """The token of an id, or the tokens of many.

        Raises
        ------
        IndexError
            If there is no such id.
        """
        wanted = np.asarray(ids)
        if wanted.ndim == 0:
            return self.convert_ids_to_tokens(wanted[None])[0]
        wanted = wanted.astype(np.int64)
        added = (wanted >= self.vocab_size) & (wanted < len(self))
        tokens = self.tokenizer.universe.tokens_of(np.where(added, 0, wanted))
        names = list(self._added)
        for at in np.flatnonzero(added).tolist():
            tokens[at] = names[wanted[at] - self.vocab_size]
        if not skip_special_tokens:
            return tokens
        special = set(self.all_special_ids)
        return [
            token for token, id in zip(tokens, wanted.tolist(), strict=True) if id not in special
        ]

    def _decode(self, token_ids: Any, skip_special_tokens: bool = False, **_: Any) -> str:
        ids = np.atleast_1d(np.asarray(token_ids))
        return self.convert_tokens_to_string(
            self.convert_ids_to_tokens(ids, skip_special_tokens=skip_special_tokens)
        )

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Tokens with a space between any two."""
        return " ".join(tokens)

    # Encoding.

    def __call__(
        self,
        x: Any,
        *,
        prefix: str | Sequence[str] | Sequence[Sequence[str]] | None = None,
        add_special_tokens: bool = True,
        padding: Padding = False,
        truncation: bool | Truncation | None = False,
        max_length: int | None = None,
        stride: int = 0,
        pad_to_multiple_of: int | None = None,
        padding_side: Literal["right", "left"] | None = None,
        values: Values | None = None,
        signal: str | int | None = None,
        seed: Seed | None = None,
        return_tensors: Any = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_length: bool = False,
        return_positions: bool = False,
        return_loci: bool = False,
    ) -> BatchEncoding:
        """Encode a sample of regions, or a batch of them.

        Parameters
        ----------
        x : sample or list of samples
            Paths, region sets, data frames, lists of regions: whatever `gtok.Tokenizer` takes.
        prefix : str, list of str, or list of lists of str, optional
            Tokens behind the template's first ones: one for all samples, or one or as many for
            each, the assay say.
        truncation
            As of `gtok.Tokenizer`.
        max_length : int, optional
            In tokens; ``model_max_length`` unless given.
        padding_side : {"right", "left"}, optional
            The tokenizer's unless given.
        return_overflowing_tokens : bool
            Truncate into windows, as ``truncation="windows"`` does.
        return_length : bool
            Return ``length``, the tokens of each sample before it is filled up.
        add_special_tokens, padding, stride, pad_to_multiple_of
            As of `gtok.Tokenizer`.
        values, signal, seed, return_tensors
            As of `gtok.Tokenizer`.
        return_attention_mask, return_special_tokens_mask, return_positions, return_loci
            As of `gtok.Tokenizer`.

        Returns
        -------
        BatchEncoding
            With ``input_ids`` and what else is asked for.
        """
        batch, single = self.tokenizer.encode_call(x, values, signal, return_loci)
        before, behind = self._frame() if add_special_tokens else ([], [])
        ahead: Any = before if prefix is None else self._with_prefix(before, prefix, len(batch))
        if max_length is None and self.model_max_length < _UNLIMITED:
            max_length = self.model_max_length if truncation or padding == "max_length" else None
        if return_overflowing_tokens and truncation:
            truncation = "windows"
        columns = encode_samples(
            batch,
            self.tokenizer.universe,
            ahead,
            behind,
            pad_id=self.pad_token_id,
            side=padding_side or self.padding_side,
            padding=padding,
            truncation=truncation or False,
            max_length=max_length,
            stride=stride,
            multiple=pad_to_multiple_of,
            seed=self.tokenizer.seed if seed is None else seed,
            return_tensors=return_tensors and str(getattr(return_tensors, "value", return_tensors)),
            return_attention_mask=return_attention_mask is not False,
            return_special_tokens_mask=return_special_tokens_mask,
            return_positions=return_positions,
            return_length=return_length,
            single=single,
            loses_chroms=self.tokenizer.keeps_genome_order,
            truncation_side=self.truncation_side,
        )
        return BatchEncoding(columns)

    def encode(self, x: Any, **kwargs: Any) -> list[int]:
        """The ids of one sample, those of the template with them; options as of a call."""
        ids: list[int] = self(x, **kwargs)["input_ids"]
        return ids

    def tokenize(self, x: Any, **_: Any) -> list[str]:
        """The tokens of one sample, as strings."""
        return self.tokenizer.tokenize(x)

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """How many tokens the template adds."""
        return sum(map(len, self._frame()))

    def build_inputs_with_special_tokens(self, token_ids: list[int]) -> list[int]:
        """The ids with those of the template around them."""
        before, behind = self._frame()
        return [*before, *token_ids, *behind]

    def get_special_tokens_mask(
        self,
        token_ids_0: Any,
        token_ids_1: None = None,
        already_has_special_tokens: bool = False,
    ) -> list[int]:
        """1 at tokens that are no regions, 0 at regions."""
        ids = token_ids_0
        if not already_has_special_tokens:
            ids = self.build_inputs_with_special_tokens(list(ids))
        mask: list[int] = (np.asarray(ids) >= len(self.tokenizer.universe)).astype(int).tolist()
        return mask

    def pad(
        self,
        encoded_inputs: Any,
        padding: Padding = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: Literal["right", "left"] | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: Any = None,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Fill up samples that are encoded already, as data collators ask for it.

        What a call returns beside the ids is filled up along; anything else is passed on.
        """
        if padding == "max_length" and max_length is None:
            max_length = self.model_max_length if self.model_max_length < _UNLIMITED else None
        padded: Encoding = pad_features(
            encoded_inputs,
            fillers(self.pad_token_id, self.tokenizer.universe),
            padding=False if least_width(padding, max_length) is None else padding,
            max_length=max_length,
            multiple=pad_to_multiple_of,
            side=padding_side or self.padding_side,
            return_attention_mask=return_attention_mask is not False,
            return_tensors=return_tensors and str(getattr(return_tensors, "value", return_tensors)),
        )
        return BatchEncoding(dict(padded))

    def _frame(self) -> tuple[list[int], list[int]]:
        names = {
            role.removesuffix("_token"): token for role, token in self.special_tokens_map.items()
        }
        names |= {token: token for token in [*names.values(), *self._added]}
        ids = {name: self.convert_tokens_to_ids(token) for name, token in names.items()}
        return frame_of(self.template, ids)

    def _with_prefix(self, before: list[int], prefix: Any, n: int) -> NDArray[np.int32]:
        """The template's first ids and a prefix, for each of n samples."""
        rows = [[prefix]] * n if isinstance(prefix, str) else list(prefix)
        rows = [[row] if isinstance(row, str) else list(row) for row in rows]
        if len(rows) != n or len({len(row) for row in rows}) > 1:
            raise GtokError(
                f"expected a prefix for each of the {n} samples, of equal lengths, found "
                f"{len(rows)} of {sorted({len(row) for row in rows})} tokens"
            )
        for token in dict.fromkeys(token for row in rows for token in row):
            if token not in self._added and token not in self.all_special_tokens:
                raise GtokError(
                    f"expected a prefix of special tokens, found {token!r}: add it as one of "
                    f"extra_special_tokens"
                )
        ids = [[*before, *self.convert_tokens_to_ids(row)] for row in rows]
        return np.array(ids, dtype=np.int32).reshape(n, -1)

    # Saving and loading.

    def save_vocabulary(
        self, save_directory: str, filename_prefix: str | None = None
    ) -> tuple[str, ...]:
        """Write what `gtok.Tokenizer.save_pretrained` does, and a README where there is none."""
        if filename_prefix is not None:
            raise GtokError(f"expected no filename_prefix, found {filename_prefix!r}")
        written = self.tokenizer.save_pretrained(save_directory)
        card = os.path.join(save_directory, "README.md")
        if not os.path.exists(card):
            self._write_card(card, os.path.basename(os.path.abspath(save_directory)))
            written.append(card)
        return tuple(written)

    def _write_card(self, path: str, name: str) -> None:
        import gtok

        universe = self.tokenizer.universe
        text = _CARD.format(
            n=len(universe),
            genome=f" on {universe.genome}" if universe.genome else "",
            version=gtok.__version__,
            name=name,
        )
        with write_whole(path) as handle:
            handle.write(text.encode())

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *init_inputs: Any,
        cache_dir: str | os.PathLike[str] | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
        token: str | bool | None = None,
        revision: str | None = None,
        **kwargs: Any,
    ) -> RegionTokenizer:
        """Read a folder or a repository of a hub: what `save_pretrained` wrote, or a universe.

        Raises
        ------
        FileNotFoundError, ConfigError, GtokError
            As `gtok.Tokenizer.from_pretrained`.
        """
        name = os.fspath(pretrained_model_name_or_path)
        folder = name
        if not os.path.isdir(folder):
            folder = fetch(
                pretrained_model_name_or_path,
                revision=revision,
                token=token,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
                force_download=force_download,
            )
        tokenizer = Tokenizer.from_pretrained(folder)
        loaded: RegionTokenizer = super().from_pretrained(folder, tokenizer=tokenizer, **kwargs)
        loaded.name_or_path = name
        return loaded

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str | None = None,
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
    ) -> Any:
        """Upload what `save_pretrained` writes to a repository of a hub, made if it is not there.

        A README that the repository has is left alone.

        Returns
        -------
        huggingface_hub.CommitInfo
        """
        with tempfile.TemporaryDirectory() as folder:
            card = os.path.join(folder, "README.md")
            self._write_card(card, repo_id)
            self.save_pretrained(folder)
            return upload(
                folder,
                repo_id,
                message=commit_message or "A tokenizer of genomic regions",
                private=private,
                token=token,
                revision=revision,
                create_pr=create_pr,
            )


AutoConfig.register(RegionConfig.model_type, RegionConfig, exist_ok=True)
AutoTokenizer.register(RegionConfig, RegionTokenizer, exist_ok=True)
