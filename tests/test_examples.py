"""The examples run, and tell what they say they tell."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(*arguments):
    command = [sys.executable, "-W", "error", EXAMPLES / "cell_types.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module", autouse=True)
def needs_sklearn():
    pytest.importorskip("sklearn")


def test_cell_types_tells_the_marks_apart():
    done = run()
    assert done.returncode == 0, done.stderr
    assert "40 samples of 5 kinds x 47,548 regions" in done.stdout
    assert len(re.findall("[78] of 8 its own", done.stdout)) == 5
    told, auc = re.search(r"right: (\d+)%.*AUC (0\.\d+)", done.stdout, re.DOTALL).groups()
    assert int(told) > 80
    assert 0.6 < float(auc) < 1


def test_cell_types_of_a_folder(tmp_path):
    rows = {"a": ["chr1\t100\t200", "chr8\t5\t50"], "b": ["chr2\t100\t200", "chr8\t500\t600"]}
    for kind, lines in rows.items():
        for i in range(4):
            path = tmp_path / kind / f"{i}.bed"
            path.parent.mkdir(exist_ok=True)
            path.write_text("\n".join([*lines, f"chr9\t{i * 50}\t{i * 50 + 20}\n"]))
    done = run(tmp_path, "--test", "chr8")
    assert done.returncode == 0, done.stderr
    assert "8 samples of 2 kinds" in done.stdout
    assert done.stdout.count("4 of 4 its own") == 2


def test_cell_types_of_nothing(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 1
    assert "expected two kinds of two files or more, found 0 files" in done.stderr
