"""Masked language models of regions: masking by locus, so that a neighbour does not tell.

Regions of a universe overlap, and one input region often hits several of them: with one masked and
the other left, the answer stands beside the question. So what lies at one place is masked together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
from numpy.typing import NDArray

from gtok.errors import GtokError, check_base_pairs
from gtok.padding import to_tensor


class RegionMasking:
    """A data collator that fills samples up, and masks whole loci of them.

    Each locus of a sample is chosen with `probability`. Of those chosen, most are masked, some are
    replaced by regions drawn from the universe, the rest stay as they are, all their tokens alike;
    ``labels`` has the tokens that were there, -100 elsewhere. A special token is never chosen and
    never drawn. If chance chooses nothing in a whole batch, one locus is chosen all the same: the
    loss of nothing is not a number.

    Parameters
    ----------
    tokenizer : gtok.hf.RegionTokenizer or Tokenizer
        Says what is a region, and fills up.
    probability : float
        Of a locus to be chosen.
    block : int, optional
        A locus is a stretch of so many base pairs, where a token's middle lies in it. Without it,
        a locus is what one input region hit, which ``return_loci=True`` of the tokenizer's call
        tells; loci that share a token are one.
    mask_share, random_share : float
        The shares of chosen loci that are masked, and replaced.
    max_length, pad_to_multiple_of : int, optional
        Fill up to a length, and to a multiple.
    return_tensors : {"pt", "np"}
        What to return.

    Notes
    -----
    Chance comes from NumPy's global generator, which ``transformers.set_seed``, `Trainer` and, in
    each worker by itself, ``torch.utils.data.DataLoader`` seed.

    The shares of 80 and 10 % are BERT's (Devlin et al. 2019), there by token.

    Examples
    --------
    >>> import gtok
    >>> from gtok.masking import RegionMasking
    >>> t = gtok.Tokenizer(["chr1:100-200", "chr1:150-300", "chr2:5-50"])
    >>> collate = RegionMasking(t, probability=1, mask_share=1, random_share=0, return_tensors="np")
    >>> batch = collate([t(["chr1:180-190"], return_loci=True), t(["chr2:7-8"], return_loci=True)])
    >>> batch["input_ids"], batch["labels"]
    (array([[5, 5],
           [5, 4]]), array([[   0,    1],
           [   2, -100]]))
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        probability: float = 0.15,
        block: int | None = None,
        mask_share: float = 0.8,
        random_share: float = 0.1,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        return_tensors: str = "pt",
    ) -> None:
        shares = {
            "probability": probability, "mask_share": mask_share, "random_share": random_share,
            "mask_share + random_share": mask_share + random_share,
        }  # fmt: skip
        for name, share in shares.items():
            if not 0 <= share <= 1 + 1e-12:
                raise GtokError(f"expected {name} from 0 to 1, found {share}")
        self.tokenizer = tokenizer
        self.universe = getattr(tokenizer, "tokenizer", tokenizer).universe
        self.probability = probability
        self.block = None if block is None else check_base_pairs("block", block, 1)
        self.mask_share = mask_share
        self.random_share = random_share
        self.max_length = max_length
        self.pad_to_multiple_of = pad_to_multiple_of
        self.return_tensors = return_tensors

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """Fill up and mask samples, dicts with ``input_ids`` and perhaps ``locus_ids``."""
        batch = dict(
            self.tokenizer.pad(
                features,
                padding=True if self.max_length is None else "max_length",
                max_length=self.max_length,
                pad_to_multiple_of=self.pad_to_multiple_of,
                return_tensors="np",
            )
        )
        loci = batch.pop("locus_ids", None)
        batch.pop("special_tokens_mask", None)
        if loci is None and self.block is None:
            raise GtokError(
                "expected samples with locus_ids, to mask what an input region hit: encode with "
                "return_loci=True, or pass block="
            )
        batch["input_ids"], batch["labels"] = self.mask(batch["input_ids"], loci)
        return {name: to_tensor(array, self.return_tensors) for name, array in batch.items()}

    def mask(
        self, ids: NDArray[np.int64], loci: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ids as the model sees them, and the labels, both int64[n, width]."""
        # The global generator is the one that trainers and workers seed.
        words = np.random.randint(2**32, size=4, dtype=np.uint64)  # noqa: NPY002
        chance = np.random.default_rng(words)
        labels = np.full(ids.shape, -100, dtype=np.int64)
        shown = ids.copy()
        is_region = ids < len(self.universe)
        if not is_region.any():
            return shown, labels
        locus = self._loci(ids, is_region, loci)
        n_loci = int(locus.max()) + 1
        chosen = chance.random(n_loci) < self.probability
        if self.probability > 0 and not chosen.any():
            chosen[chance.integers(n_loci)] = True
        how = chance.random(n_loci)
        masked = chosen & (how < self.mask_share)
        drawn = chosen & ~masked & (how < self.mask_share + self.random_share)
        regions = ids[is_region]
        labels[is_region] = np.where(chosen[locus], regions, -100)
        regions = np.where(masked[locus], self.tokenizer.mask_token_id, regions)
        random = chance.integers(len(self.universe), size=len(regions))
        shown[is_region] = np.where(drawn[locus], random, regions)
        return shown, labels

    def _loci(
        self, ids: NDArray[np.int64], is_region: NDArray[np.bool_], loci: NDArray[np.int64] | None
    ) -> NDArray[np.int64]:
        """The locus of each region token of a batch, numbered from 0."""
        rows, _ = np.nonzero(is_region)
        regions = ids[is_region]
        if self.block is not None:
            where = self.universe.regions
            middle = where.starts[regions] // 2 + where.ends[regions] // 2
            return _numbered(_numbered(rows, where.codes[regions]), middle // self.block)
        assert loci is not None
        if (loci[is_region] < 0).any():
            raise GtokError("expected a locus for each region, found locus_ids of -1")
        hit = _numbered(rows, loci[is_region])
        same = _numbered(rows, regions)
        # Tokens join the input region and the region of the universe that they stand for.
        n_hit, n_same = int(hit.max()) + 1, int(same.max()) + 1
        edges = scipy.sparse.coo_matrix(
            (np.ones(len(hit), dtype=np.int8), (hit, n_hit + same)), shape=(n_hit + n_same,) * 2
        )
        # Nothing stands alone, so every group has a token.
        groups: NDArray[np.int32] = scipy.sparse.csgraph.connected_components(edges, False)[1]
        return groups[hit].astype(np.int64)


def _numbered(rows: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
    """The pairs of a row and a value from 0 on, numbered from 0."""
    pairs = rows * (int(values.max()) + 1) + values
    return np.unique(pairs, return_inverse=True)[1].ravel()
