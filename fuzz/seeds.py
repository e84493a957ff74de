"""What fuzzing begins with: small pieces of real files where they are, and lines made here."""

from __future__ import annotations

import gzip
import io
import itertools
from pathlib import Path

SHARED = Path(__file__).parents[2] / "shared" / "data"
PIECE = 600  # bytes
PIECES = 60  # of real files

BED = [
    b"chr1\t100\t200\nchr1\t150\t300\nchr2\t5\t50\n",
    b"#comment\n\ntrack name=x\nbrowser position chr1\nchr1 1 2\n  \nchr1\t007\t08\tname\t5.5\n",
    b"chrUn_KI270302v1\t2147483646\t2147483647\r\nchrUn_KI270302v1\t0\t0\r\n",
    b"chr1\t1\t2\t\t\nchr1\t1\t3\tname\t\n",
    b"chr1\t12345678\t123456789\nchr1\t12345679\t123456780\nchr1\t1\t2147483648\n",
    b"\xef\xbb\xbfchr1\t1\t2\nchr\xff\t3\t4",
]
FRAGMENTS = [
    b"# header\nchr1\t100\t200\tAAACGAAAGAGCGAAA-1\t2\nchr1\t150\t300\tAAACGAAAGAGCGAAA-1\t1\n",
    b"chr1\t5\t9\tb\nchrM\t1 2\nchr2\t1\t2\tc\t0\t+\nchr2 1 2 c 12345678\n",
]
TOML = [
    b'universe = "universe.bed"\ntokenizer_type = "bits"\n',
    b'universe = "universe.bed"\nspecial_tokens = [{name = "unk", token = "<unk>"}]\n[gtok]\n',
    b'universe = "../../etc/passwd"\nother = 1979-05-27T07:32:00Z\nx = [[1, 2], {a = "\\u00e9"}]\n',
]
REGIONS = [b"chr1:1-2", b"HLA-A*01:01:01:01:5-20", b"chr1:00-99999999999", b"a:b", b""]


def real(folder: str) -> list[bytes]:
    """The beginnings of real files."""
    pieces = []
    for path in sorted((SHARED / folder).rglob("*")):
        if path.is_file() and len(pieces) < PIECES:
            with open(path, "rb") as handle:
                raw = handle.read(4 * PIECE)
            if raw[:2] == b"\x1f\x8b":
                with gzip.open(path) as zipped:
                    raw = zipped.read(PIECE)
            pieces.append(raw[:PIECE])
    return pieces


def parquet() -> list[bytes]:
    """Small files of tokens, written by gtok."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return []
    from targets import FOLDER

    import gtok
    from gtok.tokens_io import write_parquet

    made = []
    for options in ({}, {"exclude": ["chr2"]}):
        tokenizer = gtok.Tokenizer(["chr1:1-2", "chr2:5-9"], **options)
        batch = tokenizer.encode_batch([["chr1:1-2"], ["chr2:5-6", "chr1:0-5"]])
        path = FOLDER / "seed.parquet"
        write_parquet(path, [(["a", "b"], batch)], tokenizer)
        made.append(path.read_bytes())
    return made


def seeds(target: str) -> list[bytes]:
    """The seeds of a target, bytes each."""
    texts = {
        "bed": lambda: [
            b"\x40" + t for t in BED + real("queries") + real("universes") + real("odd")
        ],
        "fragments": lambda: [b"\x40" + t for t in FRAGMENTS + BED + real("fragments")],
        "gzip": lambda: [zipped(text)[2:] for text in BED] + [b"".join(map(zipped, BED))[2:]],
        "tokens": lambda: [
            b"\x01\x05\x00\x00\x01",
            b"\x02\x05\x00\x00\x01",
            b"\x01\x05",
            b"\x03",
            b"",
        ],
        "parquet": parquet,
        "region": lambda: REGIONS,
        "config": lambda: TOML,
        "folder": lambda: [
            config + b"\0" + bed for config, bed in itertools.product(TOML, BED[:2])
        ],
        "overlaps": lambda: (
            [bytes(range(i, i + 96)) for i in range(0, 160, 16)] + [bytes(64), b"\xff" * 64]
        ),
    }
    return texts[target]()


def zipped(text: bytes) -> bytes:
    """The text as gzip."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as handle:
        handle.write(text)
    return out.getvalue()
