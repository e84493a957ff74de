"""Working on several things at once, for Ctrl-C to come at whatever moment.

`threading`, `queue.Queue` and `concurrent.futures` take their locks in Python code. An exception
that a signal raises there leaves a lock taken, and whoever wants it next waits for ever. So threads
are started and spoken to by what is a single step to Python: `_thread.start_new_thread` and
`SimpleQueue`.
"""

from __future__ import annotations

import _thread
import atexit
import os
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from gtok.errors import GtokError

if TYPE_CHECKING:
    from queue import SimpleQueue

T = TypeVar("T")

_at_exit: set[Callable[[], None]] = set()  # end what nobody took to its end


class Stop:
    """Says to other threads that nobody waits for them any more.

    As `threading.Event`, whose `set` takes a lock.
    """

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        """Say it, for good."""
        self._is_set = True

    def is_set(self) -> bool:
        """Whether it was said."""
        return self._is_set


def in_threads(
    work: Callable[[Any], T],
    items: Collection[Any],
    n_threads: int,
    stop: Stop | None = None,
) -> Iterator[T]:
    """What `work` makes of each item, in order, while the next ones are being worked on.

    Only a few results wait to be taken, however many items there are. One thread, or one item,
    is worked on in the calling thread. `stop` is set when no more results will be taken, Ctrl-C
    say, for work that takes long to look at.
    """
    if n_threads < 1:
        raise GtokError(f"expected at least one thread, found n_threads={n_threads}")
    if n_threads == 1 or len(items) < 2:
        return map(work, items)
    return in_background(work, items, min(n_threads, len(items)), stop)


def in_background(
    work: Callable[[Any], T], items: Iterable[Any], n_threads: int = 1, stop: Stop | None = None
) -> Generator[T]:
    """As `in_threads`, of any number of items, and never in the calling thread.

    Work begins when the first result is asked for. Once the generator is closed, no thread of its
    own is left.
    """
    from queue import Empty, SimpleQueue

    tasks: SimpleQueue[Any] = SimpleQueue()
    running: list[_thread.LockType] = []  # one of each thread's, which it holds to its end
    process = os.getpid()

    def begin() -> None:
        for _ in range(n_threads):
            lock = _thread.allocate_lock()
            lock.acquire()
            _thread.start_new_thread(_work_on, (work, tasks, lock))
            running.append(lock)

    def results() -> Generator[T]:
        waiting: deque[SimpleQueue[Any]] = deque()
        for item in items:
            waiting.append(SimpleQueue())
            tasks.put((item, waiting[-1]))
            if len(waiting) > 2 * n_threads:
                yield _taken(waiting.popleft())
        while waiting:
            yield _taken(waiting.popleft())

    def end() -> None:
        if stop is not None:
            stop.set()
        with suppress(Empty):
            while True:
                tasks.get_nowait()
        for _ in range(n_threads):
            tasks.put(None)
        if os.getpid() == process:  # not one that was forked meanwhile, without these threads
            for lock in running:
                with lock:
                    pass

    # No loop in here: an exception at a jump back from an `if` passes `finally` by in CPython 3.13.
    try:
        _at_exit.add(end)
        begin()
        yield from results()
    finally:
        try:
            end()
        except BaseException:  # Ctrl-C came in the middle of it
            end()
            raise
        finally:
            _at_exit.discard(end)


def _work_on(work: Callable[[Any], Any], tasks: SimpleQueue[Any], lock: _thread.LockType) -> None:
    try:
        while (task := tasks.get()) is not None:
            item, answer = task
            made = error = None
            try:
                made = work(item)
            except BaseException as raised:
                error = raised
            answer.put((made, error))
            del task, item, answer, made, error  # nothing is kept while there is nothing to do
    finally:
        lock.release()


def _taken(answer: SimpleQueue[tuple[T, BaseException | None]]) -> T:
    made, error = answer.get()
    if error is None:
        return made
    try:
        raise error
    finally:
        del error  # it knows this frame


@atexit.register
def _end_all() -> None:
    """Threads that work on while Python takes itself apart may crash it."""
    for end in list(_at_exit):
        end()
