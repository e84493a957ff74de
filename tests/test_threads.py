"""Working on several things at once: in order, no further ahead than said, and over when it is."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
import traceback

import pytest

from gtok.errors import GtokError
from gtok.threads import Stop, in_background, in_threads

linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc")


def n_threads_now():
    return len(os.listdir("/proc/self/task"))


def expect_threads(n):
    """A thread is still seen for a moment when it has said its last."""
    limit = time.monotonic() + 10
    while n_threads_now() != n and time.monotonic() < limit:
        time.sleep(0.01)
    assert n_threads_now() == n


@pytest.mark.parametrize("n_threads", [1, 2, 5, 50])
def test_results_are_in_order(n_threads):
    def work(item):
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(in_threads(work, range(20), n_threads)) == [i * i for i in range(20)]
    assert list(in_threads(work, [], n_threads)) == []


def test_one_thread_and_one_item_stay_in_the_calling_thread():
    here = threading.get_ident()
    assert set(in_threads(lambda _: threading.get_ident(), range(5), 1)) == {here}
    assert set(in_threads(lambda _: threading.get_ident(), [0], 5)) == {here}
    assert here not in set(in_threads(lambda _: threading.get_ident(), range(5), 2))
    assert here not in set(in_background(lambda _: threading.get_ident(), [0]))


def test_it_takes_at_least_one_thread():
    with pytest.raises(GtokError, match="at least one thread, found n_threads=0"):
        in_threads(abs, [1, 2], 0)


def test_all_work_at_the_same_time():
    meeting = threading.Barrier(3)
    places = in_threads(lambda _: meeting.wait(timeout=30), range(3), 3)
    assert sorted(places) == [0, 1, 2]


def test_only_a_few_are_taken_ahead():
    taken = []
    endless = (taken.append(i) or i for i in itertools.count())
    made = in_background(abs, endless, 2)
    assert taken == []
    assert [next(made) for _ in range(10)] == list(range(10))
    assert len(taken) == 14
    made.close()


@linux
@pytest.mark.parametrize("n_threads", [2, 3])
def test_an_error_comes_in_its_turn_and_ends_all(n_threads):
    before = n_threads_now()

    def work(item):
        return 60 // (7 - item)

    made = in_threads(work, range(100), n_threads)
    found = []
    with pytest.raises(ZeroDivisionError) as error:
        found.extend(made)
    assert found == [60 // (7 - i) for i in range(7)]
    assert traceback.extract_tb(error.tb)[-1].line == "return 60 // (7 - item)"
    expect_threads(before)


@linux
def test_what_is_not_taken_to_its_end():
    before = n_threads_now()
    stop = Stop()
    n_begun = itertools.count()

    def work(item):
        next(n_begun)
        while item > 2 and not stop.is_set():
            time.sleep(0.001)
        return item

    made = in_threads(work, range(100), 2, stop)
    assert next(made) == 0
    assert not stop.is_set()
    del made
    assert stop.is_set()
    expect_threads(before)
    assert next(n_begun) <= 6


def run(program):
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    ).stdout


HALF_TAKEN = """
import os, time
from gtok.threads import in_threads
def work(item):
    time.sleep(0.05)
    return item
made = in_threads(work, range(1000), 3)
print(next(made), flush=True)
"""


def test_python_ends_while_there_is_work():
    assert run(HALF_TAKEN + "kept = made") == "0\n"


@linux
def test_a_process_forked_meanwhile_does_not_wait_for_threads_that_it_has_not():
    program = """
child = os.fork()
if not child:
    made.close()
    print("closed", flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(next(made))
"""
    assert run(HALF_TAKEN + program) == "0\nclosed\n1\n"
