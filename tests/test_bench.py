"""The benchmarks work: data, answers, rows, the page. Nothing is held to a time."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from oracle import BruteForce

import gtok

BENCH = Path(__file__).resolve().parents[1] / "bench"
N = 2000
PEERS = ["Ncls", "SuperIntervals", "AIList", "Bioframe", "PyRanges", "PolarsBio", "Gtars"]


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """What imports a module of the benchmarks; they write into a folder of the test."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(BENCH)
    monkeypatch.setenv("POLARS_MAX_THREADS", "1")  # they set it; this takes it back
    importlib.import_module("data").WORK = tmp_path
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(BENCH) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def rows(regions):
    names = [regions.chrom_names[code] for code in regions.codes]
    return list(zip(names, regions.starts.tolist(), regions.ends.tolist(), strict=True))


@pytest.mark.parametrize("kind", ["universe", "exons", "long"])
def test_universes_are_sorted_and_distinct(bench, kind):
    data = bench("data")
    makers = {"universe": data.universe, "exons": data.exons}
    made = data.with_long(data.universe(N)) if kind == "long" else makers[kind](N)
    key = np.column_stack([made.codes, made.starts, made.ends])
    assert len(made) >= N
    assert (made.starts < made.ends).all()
    assert len(np.unique(key, axis=0)) == len(made)
    assert made.genome_order() is None


def test_dolls_are_as_deep_as_they_say(bench):
    data = bench("data")
    for depth in (1, 10, 100):
        made = data.dolls(N, depth)
        middle = (made.starts + made.ends) // 2
        points = gtok.RegionSet.from_codes(made.codes, made.chrom_names, middle, middle + 1)
        assert np.median(gtok.build_index(made).count(points)) == depth
        assert (made.ends - made.starts).mean() == pytest.approx(3000, rel=0.02)


def test_exons_are_over_a_hundred_deep(bench):
    made = bench("data").exons(20_000)
    assert gtok.build_index(made).count(made).max() > 100


def test_a_query_has_as_many_hits_at_any_size(bench):
    data = bench("data")
    hits = [
        gtok.build_index(data.universe(n)).count(data.queries(n, n)).mean() for n in (N, 20_000)
    ]
    assert hits[0] == pytest.approx(hits[1], rel=0.2)


def test_gtok_answers_as_brute_force_does(bench):
    data, rivals = bench("data"), bench("rivals")
    universe, queries = data.exons(N), data.shuffled(data.near(data.exons(N), 200))
    brute = BruteForce(rows(universe))
    expected = [(i, id) for i, row in enumerate(rows(queries)) for id in sorted(brute.hits(row))]
    for kind in (rivals.Gtok, rivals.GtokBits, rivals.GtokAIList):
        index = kind(universe)
        assert [tuple(pair) for pair in index.answer("overlaps", queries).tolist()] == expected
        assert index.answer("count", queries).sum() == len(expected) > 1000


@pytest.mark.filterwarnings("ignore:pkg_resources is deprecated")
@pytest.mark.parametrize("name", PEERS)
def test_rivals_are_asked_rightly(bench, name):
    data, rivals, kernels = bench("data"), bench("rivals"), bench("kernels")
    kind = getattr(rivals, name)
    if not kind.installed():
        pytest.skip(f"{kind.name} is not installed")
    universe = data.with_long(data.universe(N))
    queries = data.shuffled(data.near(universe, N))
    for work in kind.calls:
        row = kernels.pair(rivals.Gtok(universe), kind(universe), work, queries, 2)
        assert row is not None
        assert len(row.ours) == len(row.theirs) == 2
        assert min(row.ours + row.theirs) > 0


def test_every_rival_is_tried(bench):
    assert [kind.__name__ for kind in bench("rivals").PEERS] == PEERS


def test_wrong_answers_are_told_and_not_timed(bench, capsys):
    data, rivals, kernels = bench("data"), bench("rivals"), bench("kernels")

    class Forgetful(rivals.Gtok):
        name = "forgetful"

        def count(self, queries):
            return super().count(queries) * 0

        def seconds(self, work, queries):
            raise AssertionError("timed")

    universe = data.universe(N)
    ours, wrong = rivals.Gtok(universe), Forgetful(universe)
    assert kernels.pair(ours, wrong, "count", universe, 1) is None
    assert "forgetful `index.count` answers otherwise: not timed" in capsys.readouterr().err
    assert list(bench("measure").LEFT_OUT) == [
        "forgetful `index.count` answers otherwise: not timed"
    ]


def test_ratios_have_a_direction(bench):
    row = bench("measure").Row
    faster = row("work", "rival", [1, 2, 4], [4, 4, 4], "ms", 2)
    assert faster.ratios == [4, 2, 1]
    assert not faster.short
    less = row("work", "rival", [1, 2, 4], [4, 4, 4], "ms", 0.4, at_most=True)
    assert less.ratios == [0.25, 0.5, 1]
    assert less.short
    alone = row("work", "", [0.1, 0.3, 0.2], [], "ms", 0.15, at_most=True)
    assert alone.ratio == 0.2
    assert alone.short


def test_the_page(bench, tmp_path):
    pytest.importorskip("matplotlib")
    page, curves, kernels = bench("page"), bench("curves"), bench("kernels")
    measure = bench("measure")
    scale = measure.Scale(N, 10 * N, 1, quick=True)
    rows = kernels.of_threads(scale)
    rows[0].bound, rows[1].bound = 1e9, None
    curve = curves.Curve("size", "queries", "regions", {"gtok": {10: (2.5, 30), 100: (3, 40)}})
    sections = [page.Section("Threads", "Of gtok.", rows, []), page.Section("C", "", [], [curve])]
    path = tmp_path / "benchmarks.md"
    page.write(path, sections, scale)
    text = path.read_text()
    assert "| `count`, 20k queries, two threads | one thread |" in text
    short = text.split("## What falls short")[1].split("##")[0]
    assert short.count("\n- ") == 1
    assert "not 1e+09x" in short
    assert "| 10 | 2.5 ns, 30 MiB |" in text
    for mode in ("light", "dark"):
        assert f'"img/size-{mode}.png"' in text
        assert (tmp_path / "img" / f"size-{mode}.png").read_bytes()[:4] == b"\x89PNG"
