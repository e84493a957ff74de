"""How a pair of rivals is measured: the same answer first, then in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import data

LONG = 15.0  # seconds after which three turns are enough


@dataclass(frozen=True)
class Scale:
    """How much is done."""

    n: int = 1_000_000  # regions, and queries
    large: int = 10_000_000
    rounds: int = 5
    quick: bool = False


@dataclass
class Row:
    """One line of a table: what gtok and its rival spent, turn by turn.

    Without a rival, `ours` are what the bound is for. With one, it is for the ratio: the rival's
    to gtok's, which should be at least so much; or gtok's to the rival's, at most so much.
    """

    work: str
    rival: str
    ours: list[float]
    theirs: list[float]
    unit: str  # "ms", of seconds; or what the numbers are
    bound: float | None = None
    at_most: bool = False

    @property
    def ratios(self) -> list[float]:
        if not self.theirs:
            return self.ours
        pairs = zip(self.ours, self.theirs, strict=True)
        return [a / b if self.at_most else b / a for a, b in pairs]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def short(self) -> bool:
        """Whether the bound is not kept."""
        if self.bound is None:
            return False
        return self.ratio > self.bound if self.at_most else self.ratio < self.bound


LEFT_OUT: dict[str, None] = {}  # lines, each once, in order


def tell(line: str) -> None:
    """Progress."""
    print(line, file=sys.stderr, flush=True)


def leave_out(line: str) -> None:
    """Told, and on the page."""
    if line not in LEFT_OUT:
        LEFT_OUT[line] = None
        tell(line)


def clock(call: Callable[[], object]) -> float:
    """Seconds that a call takes; its answer is kept until the clock has stopped."""
    began = time.perf_counter()
    answer = call()
    took = time.perf_counter() - began
    del answer
    return took


def in_turn(
    rounds: int, ours: Callable[[], float], theirs: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Measure both, one after the other, so many times; three times where it takes long."""
    began = time.perf_counter()
    pairs: list[tuple[float, float]] = []
    while len(pairs) < min(rounds, 3) or (
        len(pairs) < rounds and time.perf_counter() - began < LONG
    ):
        pairs.append((ours(), theirs()))
    return [a for a, _ in pairs], [b for _, b in pairs]


def process(command: list[str]) -> float:
    """Seconds of a whole process whose output is thrown away."""
    return clock(
        lambda: subprocess.run(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=True,
            cwd=data.WORK,
        )
    )


def peak(command: list[str]) -> float:
    """Peak memory, MiB, of a process whose output is thrown away."""
    # The kernel's figure for a child begins with its parent's memory, so the parent is a small one.
    small = (
        "import resource, subprocess, sys; "
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", small, *command],
        capture_output=True,
        check=True,
        text=True,
        cwd=data.WORK,
    )
    return int(done.stdout.split()[-1]) / (2**20 if sys.platform == "darwin" else 2**10)


def python(code: str, *arguments: object) -> list[str]:
    """The command that runs this code; modules of this folder can be imported in it."""
    here = f"import sys; sys.path.insert(0, {str(data.HERE)!r}); "
    return [sys.executable, "-c", here + code, *map(str, arguments)]


def gtok_command() -> list[str]:
    """`gtok` as it is installed beside this Python, or else its module."""
    script = Path(sys.executable).with_name("gtok")
    return [str(script)] if script.exists() else [sys.executable, "-m", "gtok"]


def same(what: str, ours: object, theirs: object) -> None:
    if ours != theirs:
        raise SystemExit(f"{what}: the answers differ; nothing was timed")
