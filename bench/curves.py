"""Time and memory against the universe's size, the number of queries, nesting, and threads."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import data
import numpy as np
import rivals
from data import amount
from measure import Scale, leave_out, peak, python, tell
from rivals import Gtok, GtokAIList, GtokBits, Rival

from gtok import RegionSet

COLOURS = ("#d1495b", "#3d8eb9", "#5fa052", "#d08c2c", "#9a77c9")
INK = {"light": "#30363d", "dark": "#d0d7de"}


@dataclass
class Curve:
    """One picture: of each line, nanoseconds a query and MiB of a whole process at each x."""

    name: str
    title: str
    x: str
    lines: dict[str, dict[int, tuple[float, float]]] = field(default_factory=dict)

    @property
    def points(self) -> list[int]:
        return sorted({x for line in self.lines.values() for x in line})


def measured(
    curve: Curve, at: int, kinds: Iterable[type[Rival]], universe: Path, queries: Path
) -> None:
    """One point of each line: the times in turn, the memory each in a process of its own."""
    tell(f"curves: {curve.x}, {at:,}")
    regions, asked = RegionSet.from_bed(universe), RegionSet.from_bed(queries)
    entered = []
    expected = None
    for kind in kinds:
        rival = kind(regions)
        taken = rival.queries(asked)
        answer = rival.answer("overlaps", taken)
        expected = answer if expected is None else expected
        if np.array_equal(answer, expected):
            entered.append((rival, taken, []))
        else:
            leave_out(f"{kind.name} answers otherwise: no point")
    del expected, answer
    for _ in range(3):
        for rival, taken, times in entered:
            times.append(rival.seconds("overlaps", taken) / len(asked) * 1e9)
    for rival, _, times in entered:
        memory = peak(python(ALONE, rival.name, universe, queries))
        curve.lines.setdefault(rival.name, {})[at] = (statistics.median(times), memory)


ALONE = "import rivals; rivals.alone(*sys.argv[1:])"


def universe_of(n: int) -> Path:
    return data.bed(f"universe-{amount(n)}.bed", lambda: data.universe(n))


def curves(scale: Scale) -> list[Curve]:
    """All of them, the answers compared at each point."""
    few = (rivals.Ncls, rivals.SuperIntervals, rivals.AIList)
    kinds = [Gtok, *(kind for kind in few if kind.installed())]
    n, large = scale.n, scale.large
    sizes = Curve("universe", f"{amount(n)} random queries, as many hits each", "regions")
    for size in (large // 1000, large // 100, large // 10, large):
        measured(sizes, size, kinds, universe_of(size), data.many_queries(n, size))
    numbers = Curve("queries", f"random queries on {amount(n)} regions", "queries")
    for number in (large // 1000, large // 100, large // 10, large):
        measured(numbers, number, kinds, universe_of(n), data.many_queries(number, n))
    nested = Curve(
        "nesting", f"{amount(n)} random queries on {amount(n)} regions, nested", "regions deep"
    )
    for depth in (1, 10, 100, 1000):
        path = data.bed(f"dolls-{amount(n)}-{depth}.bed", lambda depth=depth: data.dolls(n, depth))
        measured(
            nested, depth, [GtokBits, GtokAIList, *kinds[1:]], path, data.many_queries(n, 1_000_000)
        )
    return [sizes, numbers, nested, of_threads(scale)]


def of_threads(scale: Scale) -> Curve:
    """Of gtok alone."""
    curve = Curve("threads", f"{amount(scale.large)} random queries", "threads")
    paths = universe_of(scale.n), data.many_queries(scale.large, scale.n)
    tell("curves: threads")
    index, queries = Gtok(RegionSet.from_bed(paths[0])), RegionSet.from_bed(paths[1])
    for work in ("overlaps", "count"):
        line = curve.lines[f"gtok, {work}"] = {}
        for n_threads in (1, 2):
            index.n_threads = n_threads
            took = statistics.median(index.seconds(work, queries) for _ in range(3))
            memory = peak(python(ALONE, "gtok", *paths, n_threads, work))
            line[n_threads] = (took / len(queries) * 1e9, memory)
    return curve


def draw(curve: Curve, folder: Path) -> None:
    """Two pictures, of dark lines' ink for light pages and of light ink for dark ones."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter, NullLocator

    folder.mkdir(exist_ok=True)
    for mode, ink in INK.items():
        keys = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
        style = dict.fromkeys(keys, ink) | {"font.size": 9, "axes.titlesize": 10}
        with plt.rc_context(style):
            figure, panels = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
            labels = ("nanoseconds per query", "peak memory of the process, MiB")
            for which, (panel, label) in enumerate(zip(panels, labels, strict=True)):
                for colour, (name, line) in zip(COLOURS, curve.lines.items(), strict=False):
                    values = [line[x][which] for x in line]
                    panel.plot(list(line), values, "o-", color=colour, label=name, linewidth=1.8)
                panel.set(xscale="log", yscale="log", xlabel=curve.x, ylabel=label)
                if len(curve.points) == 2:
                    panel.set(xscale="linear", yscale="linear", xticks=curve.points)
                    panel.set_ylim(bottom=0)
                else:
                    panel.set_xticks(curve.points, [amount(x) for x in curve.points])
                    plain = FuncFormatter(lambda y, _: f"{y:,.0f}" if f"{y:e}"[0] in "125" else "")
                    panel.yaxis.set_major_formatter(plain)
                    panel.yaxis.set_minor_formatter(plain)
                panel.xaxis.set_minor_locator(NullLocator())
                panel.spines[["top", "right"]].set_visible(False)
                panel.grid(color=ink, alpha=0.15)
            handles = panels[0].get_lines()
            figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False)
            figure.suptitle(curve.title)
            figure.savefig(folder / f"{curve.name}-{mode}.png", dpi=130, transparent=True)
            plt.close(figure)


def told(curve: Curve) -> list[str]:
    """The numbers as a table."""
    names = list(curve.lines)
    lines = [
        f"| {curve.x} | " + " | ".join(names) + " |",
        "|---:|" + "---:|" * len(names),
    ]
    for x in curve.points:
        cells = [curve.lines[name].get(x) for name in names]
        shown = [f"{c[0]:,.1f} ns, {c[1]:,.0f} MiB" if c else "" for c in cells]
        lines.append(f"| {amount(x)} | " + " | ".join(shown) + " |")
    return lines
