"""gtok: genomic intervals to tokens, exact and fast.

A *universe* is a fixed, ordered list of regions, one word of the vocabulary each. Tokenizing a
sample, say a BED file of peaks, means finding every region of the universe that it overlaps.

>>> import gtok
>>> t = gtok.Tokenizer(["chr1:100-200", "chr1:150-300", "chr2:5-50"])
>>> t.tokenize(["chr1:180-190"])
['chr1:100-200', 'chr1:150-300']

All coordinates are base pairs, 0-based and half-open, as in BED.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Each name is imported when it is first asked for: `import gtok` itself costs next to nothing.
_HOMES = {
    "BedError": "errors",
    "CellMatrix": "cells",
    "ConfigError": "errors",
    "GtokError": "errors",
    "Region": "regions",
    "RegionSet": "regions",
    "RegionVectorizer": "vectorizer",
    "SpecialTokens": "universe",
    "TokenBatch": "batch",
    "Tokenizer": "tokenizer",
    "Universe": "universe",
    "as_regions": "samples",
    "build_index": "index",
    "count_fragments": "fragments",
    "read_gtok": "tokens_io",
    "read_parquet": "tokens_io",
    "retokenize": "cells",
    "similarity": "comparing",
    "write_gtok": "tokens_io",
    "write_parquet": "tokens_io",
}

if TYPE_CHECKING:
    from gtok.batch import TokenBatch as TokenBatch
    from gtok.cells import CellMatrix as CellMatrix
    from gtok.cells import retokenize as retokenize
    from gtok.comparing import similarity as similarity
    from gtok.errors import BedError as BedError
    from gtok.errors import ConfigError as ConfigError
    from gtok.errors import GtokError as GtokError
    from gtok.fragments import count_fragments as count_fragments
    from gtok.index import build_index as build_index
    from gtok.regions import Region as Region
    from gtok.regions import RegionSet as RegionSet
    from gtok.samples import as_regions as as_regions
    from gtok.tokenizer import Tokenizer as Tokenizer
    from gtok.tokens_io import read_gtok as read_gtok
    from gtok.tokens_io import read_parquet as read_parquet
    from gtok.tokens_io import write_gtok as write_gtok
    from gtok.tokens_io import write_parquet as write_parquet
    from gtok.universe import SpecialTokens as SpecialTokens
    from gtok.universe import Universe as Universe
    from gtok.vectorizer import RegionVectorizer as RegionVectorizer

# A star import does without what needs another library.
__all__ = [*(name for name in _HOMES if name != "RegionVectorizer"), "__version__"]


def __getattr__(name: str) -> Any:
    if name in ("cells", "fragments"):  # rooms that users enter by their names
        return import_module(f"gtok.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'gtok' has no attribute {name!r}")
    value = getattr(import_module(f"gtok.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
