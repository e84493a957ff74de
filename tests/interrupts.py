"""Ctrl-C, after so many seconds."""

from __future__ import annotations

import contextlib
import os
import signal
import time

# How much longer code may take that is compiled without optimization, and checks what it does.
SLOWER = 10 if "libasan" in os.environ.get("LD_PRELOAD", "") else 1


@contextlib.contextmanager
def pressed_after(seconds):
    """Ctrl-C, when this process has computed for so long; whoever else computes does not matter.

    Yields what says how many seconds later it was heard, None where all was done before.
    """

    def press(*_):
        raise KeyboardInterrupt

    late = None
    before = signal.signal(signal.SIGPROF, press)
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield lambda: late
    except KeyboardInterrupt:
        late = time.process_time() - began - seconds
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
