"""How a pair of rivals is measured: the same answer first, then in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import data


@dataclass
class Row:
    """One line of the table: what gtok and its rival spent, turn by turn."""

    work: str
    rival: str
    ours: list[float]
    theirs: list[float]
    unit: str
    target: float  # the least ratio of theirs to ours; 0: none was set

    @property
    def ratio(self) -> float:
        return statistics.median(b / a for a, b in zip(self.ours, self.theirs, strict=True))


def clock(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def in_turn(
    rounds: int, ours: Callable[[], float], theirs: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Measure both, one after the other, so many times."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def process(command: list[str]) -> float:
    """Seconds of a whole process whose output is thrown away."""
    return clock(
        lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True, cwd=data.WORK)
    )


def peak(code: str, path: str) -> float:
    """Peak memory, MiB, of a Python process of its own that runs this code."""
    # The kernel's own figure for a child begins with its parent's memory; this one does not.
    code += "; print(next(x for x in open('/proc/self/status') if x.startswith('VmHWM')))"
    done = subprocess.run(
        [sys.executable, "-c", code, path],
        capture_output=True,
        check=True,
        text=True,
        cwd=data.WORK,
    )
    return int(done.stdout.split()[1]) / 1024


def same(what: str, ours: object, theirs: object) -> None:
    if ours != theirs:
        raise SystemExit(f"{what}: the answers differ; nothing was timed")
