"""What is fuzzed holds for the seeds, and for some that are changed at random."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parents[1] / "fuzz"
NAMES = ["bed", "fragments", "overlaps", "gzip", "tokens", "parquet", "region", "config", "folder"]
MATTERS = b"\t\n\r 0123456789:#-\x00\xff"


@pytest.fixture
def fuzz(monkeypatch):
    """The modules of the folder, which go again."""
    monkeypatch.syspath_prepend(FUZZ)
    import seeds
    import targets

    yield targets.TARGETS, seeds.seeds
    for name in ("seeds", "targets"):
        del sys.modules[name]


def changed(chance, text):
    """A text with a few bytes changed, taken out or put in."""
    text = bytearray(text or b"a")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        n = chance.randint(0, 2)
        text[at : at + n] = chance.choices(MATTERS, k=chance.randint(0, 2))
    return bytes(text)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_and_what_is_like_them(fuzz, name):
    targets, seeds = fuzz
    assert list(targets) == NAMES
    if name == "parquet":
        pytest.importorskip("pyarrow")
    texts = seeds(name)
    assert texts
    for text in texts:
        targets[name](text)
    chance = random.Random(name)
    for _ in range(300):
        targets[name](changed(chance, chance.choice(texts)))


def test_a_target_that_breaks_is_seen(fuzz, monkeypatch):
    """A parser that lost a row would be found out."""
    import targets

    monkeypatch.setattr(targets.oracle.Bed, "column", lambda self, field: [b"another"])
    with pytest.raises(AssertionError):
        targets.TARGETS["bed"](b"\x40chr1\t1\t2\tname\n")
