"""Ctrl-C, after so many seconds of computing: whoever else computes does not matter."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import time

SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")
# How much longer code may take that is compiled without optimization, and checks what it does.
SLOWER = 10 if SANITIZED else 1

# Watches from another process, which no lock of this one holds up.
WATCHER = """
import os, signal, sys, time
pid, limit = int(sys.argv[1]), float(sys.argv[2])
used = 0
while used < limit:
    time.sleep(0.002)
    with open(f"/proc/{pid}/stat") as handle:
        ticks = handle.read().rpartition(")")[2].split()[11:13]
    used = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
print(used, flush=True)
os.kill(pid, signal.SIGUSR1)
"""


@contextlib.contextmanager
def pressed_after(seconds):
    """Ctrl-C, when this process has computed for so long.

    Yields what says how many seconds of computing later it was heard, None where all was done
    before.
    """

    def press(*_):
        raise KeyboardInterrupt

    late = None
    before = signal.signal(signal.SIGUSR1, press)
    limit = time.process_time() + seconds
    watcher = subprocess.Popen(
        [sys.executable, "-S", "-c", WATCHER, str(os.getpid()), str(limit)], stdout=subprocess.PIPE
    )
    try:
        yield lambda: late
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    except KeyboardInterrupt:
        late = time.process_time() - float(watcher.stdout.readline())
    finally:
        watcher.kill()
        watcher.communicate()
        signal.signal(signal.SIGUSR1, before)


def lateness(work, seconds, limit):
    """How many seconds of computing after Ctrl-C it was heard; None where all was done before.

    The best of three, where it is not within the limit at once: the watcher may be held up between
    its look at the clock and its press, and what is late by itself is so every time.
    """
    best = math.inf
    for _ in range(3):
        with pressed_after(seconds) as late:
            work()
        if late() is None:
            return None
        best = min(best, late())
        if best < limit:
            break
    return best
