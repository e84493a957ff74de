"""Every place of the command line for a file, and what may stand there that is none."""

from __future__ import annotations

import gzip
import random
import socket
import sys

import pytest
from test_errors import Shell

import gtok

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="sockets, loops of links and /proc"),
]

GOOD = {
    "u.bed": "chr1\t100\t200\nchr2\t5\t50\n",
    "f.tsv": "chr1\t90\t180\tAAAC-1\t1\n",
    "groups.txt": "AAAC-1\tB\n",
}
IN = [
    "tokenize {} u.bed", "tokenize u.bed {}", "tokenize u.bed u.bed {}", "tokenize u.bed @{}",
    "tokenize u.bed u.bed --exclude {}", "matrix {} u.bed -o o.npz", "matrix u.bed {} -o o.mtx",
    "matrix u.bed {} -o o.h5ad", "matrix u.bed --sheet {} -o o.npz",
    "matrix u.bed u.bed --exclude {} -o o.npz", "universe build {} -o o.bed",
    "universe build u.bed --exclude {} -o o.bed", "universe check {}",
    "fragments {} f.tsv -o o.h5ad", "fragments u.bed {} -o o", "fragments u.bed {} f.tsv -o o.h5ad",
    "fragments u.bed f.tsv --barcodes {} -o o", "fragments u.bed f.tsv --tss {} -o o",
    "fragments u.bed f.tsv --exclude {} -o o", "pseudobulk {} groups.txt -o o",
    "pseudobulk f.tsv {} -o o",
]  # fmt: skip
OUT = [
    "tokenize u.bed u.bed -o {}", "tokenize u.bed u.bed -o {}.parquet", "matrix u.bed u.bed -o {}",
    "matrix u.bed u.bed -o {}.npz", "matrix u.bed u.bed -o {}.h5ad", "matrix u.bed u.bed -o {}.mtx",
    "universe build u.bed -o {}", "fragments u.bed f.tsv -o {}", "fragments u.bed f.tsv -o {}.h5ad",
    "fragments u.bed f.tsv -o o --report {}.png", "fragments u.bed f.tsv -o o --report {}.html",
    "pseudobulk f.tsv groups.txt -o {}", "{}", "universe {}",
]  # fmt: skip
NUMBERS = [
    "tokenize u.bed u.bed --threads {}", "tokenize u.bed u.bed --min-overlap {}",
    "tokenize u.bed u.bed --seed {}", "fragments u.bed f.tsv -o o --shift {} 5",
    "fragments u.bed f.tsv -o o --max-length {}", "universe build u.bed -o o.bed --min-samples {}",
    "universe build u.bed -o o.bed --max-gap {}",
]  # fmt: skip
NO_NUMBERS = [
    "0", "-1", "1e5", "nan", "inf", "1.0", "1e999.", "9" * 30, "", "0x10", "-0.0", "2147483648",
]  # fmt: skip
CONFIGS = [
    "universe = 'folder'\n", "universe = 'config0.toml'\n",
    "universe = 'u.bed'\n[gtok]\nexclude = 'folder'\n",
    "universe = 'u.bed'\n[gtok]\nmin_overlap = 'a'\n",
    "universe = 'u.bed'\n[gtok]\nmin_overlap = 1979-05-27\n",
    "universe = 'u.bed'\n[gtok]\ntemplate = [1]\n",
    "universe = 'u.bed'\n[gtok]\nunique = {a = 1}\norder = []\n",
    "universe = 'u.bed'\n[gtok]\nseed = 1e400\n",
    f"universe = 'u.bed'\n[gtok]\nseed = {'9' * 40}\n",
    "universe = 'u.bed'\n[gtok]\npadding_side = 5\n", "universe = 'u.bed'\n[gtok]\nunknown = []\n",
    "universe = 'u.bed'\nspecial_tokens = [{name = 'unk', token = 5}]\n",
]  # fmt: skip


def no_files(here):
    """Names of what is no file, or not one that makes sense."""
    chance = random.Random(1)
    names = [
        "", "-", "--", "none.bed", "u.bed/x", "x" * 300, "loop", "socket", "folder", "@none",
        "@folder", "a\nb", "\x1b[31mred", "http://127.0.0.1:9/x.bed", "s3://x", "~nobody/x",
        "\udcff.bed", "none/none", "/proc/self/mem", "/dev/null", "saved",
    ]  # fmt: skip
    (here / "loop").symlink_to("loop")
    (here / "folder").mkdir()
    gtok.Tokenizer(["chr1:5-10"]).save_pretrained(here / "saved")
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("socket")
    endings = [".bed", ".toml", ".gz", ".tsv", "", ".parquet", ".npz", ".h5ad", ".gtf", ".gtok"]
    contents = {f"noise{ending}": chance.randbytes(5000) for ending in endings}
    contents |= {f"config{i}.toml": text.encode() for i, text in enumerate(CONFIGS)}
    contents |= {
        "empty": b"", "lines": b"\n" * 100, "blanks": b" \t \n", "comment": b"#x\n",
        "nul.bed": b"chr1\t1\t2\0\n", "latin.bed": b"chr\xe4\t1\t2\tA\t1\n",
        "wide.bed": "chr1\t1\t2\n".encode("utf-16"),
        "noise.bed.gz": gzip.compress(chance.randbytes(5000)),
        "short.bed.gz": gzip.compress(b"chr1\t1\t2\n" * 9999)[:50], "head.gz": b"\x1f\x8b",
        "flags.gz": b"\x1f\x8b\x08" + chance.randbytes(300),
    }  # fmt: skip
    for name, content in contents.items():
        (here / name).write_bytes(content)
    for name, inside in [("a", "universe.bed.gz"), ("b", "tokenizer.toml")]:
        (here / name / inside).mkdir(parents=True)
    for name, content in [("c", b"universe = '.'\n"), ("d", chance.randbytes(400))]:
        (here / name).mkdir()
        (here / name / "tokenizer.toml").write_bytes(content)
    return [*names, *contents, *"abcd"]


@pytest.fixture(scope="module")
def shell():
    shell = Shell()
    yield shell
    shell.close()


@pytest.mark.parametrize("command", [*IN, *OUT, *NUMBERS])
def test_an_answer_or_one_line_and_no_traceback(command, tmp_path, monkeypatch, shell):
    pytest.importorskip("pysam")
    pytest.importorskip("anndata")
    monkeypatch.chdir(tmp_path)
    for name, text in GOOD.items():
        (tmp_path / name).write_text(text)
    names = NO_NUMBERS if command in NUMBERS else no_files(tmp_path)
    ends = set()
    for name in names:
        if command in OUT and name in ("-", "--", "/dev/null", "/proc/self/mem"):
            continue
        args = [word.replace("{}", name) for word in command.split()]
        status, out, told = shell(tmp_path, *args)
        ends.add(status)
        assert "Traceback" not in out + told, (args, told)
        assert "--debug" not in told, (args, told)  # what nobody thought of
        lines = [line for line in told.splitlines() if not line.startswith("gtok: warning: ")]
        assert status in (0, 1, 2), (args, told)
        if status == 1 and command != "universe check {}":
            assert len(lines) == 1, (args, told)
            assert lines[0].startswith("gtok: error: "), (args, told)
        assert ".gtok-" not in told, (args, told)
    assert ends & {1, 2}
    assert [path for path in tmp_path.rglob(".gtok-*") if path.exists()] == []
