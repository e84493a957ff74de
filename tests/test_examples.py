"""The examples run, and tell what they say they tell."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(*arguments, example="cell_types.py"):
    command = [sys.executable, "-W", "error", EXAMPLES / example, *arguments]
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


def test_lsi_finds_the_kinds_of_blood_cells(tmp_path):
    pytest.importorskip("matplotlib")
    done = run("-o", tmp_path / "map.png", example="lsi.py")
    assert done.returncode == 0, done.stderr
    assert "CellMatrix(150 cells x 619,150 regions" in done.stdout
    assert float(re.search(r"adjusted Rand index: (\S+)", done.stdout)[1]) > 0.8
    assert (tmp_path / "map.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_lsi_of_a_heart(shared_data, tmp_path):
    pytest.importorskip("matplotlib")
    fragments = shared_data / "fragments" / "peakqc_heartLV_1M.fragments.tsv.gz"
    peaks = shared_data / "universes" / "catlas_cCRE_chr1chr2_198k_hg38.bed.gz"
    picture = tmp_path / "map.png"
    done = run(fragments, "--universe", peaks, "-o", picture, example="lsi.py")
    assert done.returncode == 0, done.stderr
    assert "1,436 cells of 200 fragments or more" in done.stdout
    assert picture.stat().st_size > 10_000


def test_lsi_of_too_few_cells(tmp_path):
    (tmp_path / "f.tsv").write_text("chr1\t5\t9\tA\t1\n")
    done = run(tmp_path / "f.tsv", example="lsi.py")
    assert done.returncode == 1
    assert "expected 50 cells or more for a map" in done.stderr
