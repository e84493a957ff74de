"""Opening and inflating whatever a path holds; writing whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import IO, Any, Protocol

from gtok.errors import GtokError
from gtok.threads import in_background

CHUNK = 1 << 20  # bytes asked for at a time: as many as a core's own cache holds
_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)  # what only writing meets, and names no file
THREADED_FROM = 1 << 20  # compressed bytes from which inflating deserves a thread of its own
MAX_LINE = 1 << 26  # bytes


class Readable(Protocol):
    """Anything that fills a buffer."""

    def readinto(self, buffer: Any, /) -> int | None:
        """Fill the buffer's beginning; the number of bytes, 0 at the end."""


class Writable(Protocol):
    """Anything that bytes can be written to."""

    def write(self, data: Any, /) -> int:
        """Write the bytes; their number."""


class ByteStream:
    """The inflated bytes of a file, its first ones already known.

    Parameters
    ----------
    name : str
        What to call the file in messages.
    stack : contextlib.ExitStack
        Closes whatever lies below.
    head : bytes
        The first bytes, up to `HEAD` of them.
    rest : Readable
        What follows them.
    size : int
        How many bytes there are in all, 0 where that is not known.
    position : callable, optional
        How many bytes of the file itself have been read, inflated or not.
    """

    HEAD = 512

    def __init__(
        self,
        name: str,
        stack: contextlib.ExitStack,
        head: bytes,
        rest: Readable,
        size: int = 0,
        position: Callable[[], int] = int,
    ) -> None:
        self.name = name
        self.position = position
        self.head = head
        self.size = size
        self._stack = stack
        self._pending = head
        self._rest = rest

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer's beginning; the number of bytes, 0 at the end.

        Raises
        ------
        GtokError
            If a gzip stream is damaged or breaks off.
        """
        if self._pending:
            n = min(len(self._pending), len(buffer))
            buffer[:n] = self._pending[:n]
            self._pending = self._pending[n:]
            return n
        with _readable_errors(self.name):
            return self._rest.readinto(buffer) or 0

    def drop(self, n: int) -> None:
        """Leave out the first n bytes, before any was read."""
        self._pending = self._pending[n:]

    def __enter__(self) -> ByteStream:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()


@contextlib.contextmanager
def _readable_errors(name: str) -> Iterator[None]:
    import zlib

    try:
        yield
    except EOFError:
        raise GtokError(
            f"{name}: the gzip stream breaks off before its end: the file is truncated, "
            f"or something that is not gzip stands behind it"
        ) from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's, not the stream's
        if not isinstance(error, (OSError, zlib.error)) and type(error).__name__ != "IsalError":
            raise  # isal has an exception of its own, in a module without types
        raise GtokError(f"{name}: the gzip stream is damaged: {error}") from None


def display_name(path: str | os.PathLike[str]) -> str:
    """What messages call a path."""
    return "standard input" if os.fspath(path) == "-" else os.fspath(path)


def open_bytes(path: str | os.PathLike[str]) -> ByteStream:
    """Open a file for reading, ``-`` being standard input, and inflate it if it is gzip or bgzip.

    gzip is recognised by its first two bytes, not by the file's name; a file of several members,
    as bgzip writes them, is read to its end. A large one is inflated in a thread of its own
    unless it comes from a pipe.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        As `open` raises them.
    GtokError
        If a gzip stream is damaged or breaks off.
    """
    name = display_name(path)
    if "\0" in name:
        raise GtokError(f"expected the path of a file, found {name!r}")
    stack = contextlib.ExitStack()
    with contextlib.ExitStack() as failing:
        failing.push(stack)
        raw: Any
        if os.fspath(path) == "-":
            # Its buffer reads on until it is full, and hears no Ctrl-C meanwhile.
            raw = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
        else:
            raw = stack.enter_context(open(path, "rb", buffering=0))
        head = _read_head(raw)
        rest: Readable = raw
        size = os.fstat(raw.fileno()).st_size if os.fspath(path) != "-" else 0
        if head[:2] == b"\x1f\x8b":
            rest = stack.enter_context(_inflate(raw, head))
            size = 0
            with _readable_errors(name):
                head = _read_head(rest)
        failing.pop_all()
    return ByteStream(name, stack, head, rest, size, raw.tell if raw.seekable() else int)


def read_lines(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The lines of a file, inflated, without their ends.

    Raises
    ------
    GtokError
        If a line is longer than `MAX_LINE`: a stream without line ends may be one without an end.
    """
    chunk = bytearray(CHUNK)
    rest = bytearray()
    number = 1
    with open_bytes(path) as stream:
        while n := stream.readinto(memoryview(chunk)):
            whole: list[bytearray] = []
            rest += chunk[:n]
            if chunk.find(b"\n", 0, n) >= 0:
                *whole, rest = rest.split(b"\n")
            number += len(whole)
            if len(rest) > MAX_LINE:
                raise GtokError(
                    f"{stream.name}, line {number}: expected a line of at most {MAX_LINE} bytes, "
                    f"found a longer one: is this text?"
                )
            for line in whole:
                yield bytes(line).removesuffix(b"\r")
    if rest:
        yield bytes(rest).removesuffix(b"\r")


def _read_head(stream: Readable) -> bytes:
    """Read the first bytes, however few a pipe gives at a time."""
    buffer = bytearray(ByteStream.HEAD)
    filled = 0
    while filled < len(buffer):
        n = stream.readinto(memoryview(buffer)[filled:])
        if not n:
            break
        filled += n
    return bytes(buffer[:filled])


class _Rejoined(io.RawIOBase):
    """A stream from whose beginning something was read already."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if self._head:
            n = min(len(self._head), len(buffer))
            buffer[:n] = self._head[:n]
            self._head = self._head[n:]
            return n
        return self._rest.readinto(buffer) or 0


class _ReadAhead(io.RawIOBase):
    """What a stream gives, read a few chunks ahead by a thread of its own."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._chunks = in_background(stream.read1, repeat(CHUNK))
        self._chunk = memoryview(b"")

    def readinto(self, buffer: Any, /) -> int:
        if not self._chunk:
            self._chunk = memoryview(next(self._chunks))
        n = min(len(self._chunk), len(buffer))
        buffer[:n] = self._chunk[:n]
        self._chunk = self._chunk[n:]
        return n

    def close(self) -> None:
        self._chunks.close()
        self._stream.close()
        super().close()


def _inflate(raw: Any, head: bytes) -> Any:
    if not raw.seekable():
        # In this thread: another one that waits for a pipe could not be broken off.
        return _gzip_file(_Rejoined(head, raw), "rb")
    raw.seek(-len(head), os.SEEK_CUR)
    inflated = _gzip_file(raw, "rb")
    if os.fstat(raw.fileno()).st_size < THREADED_FROM or sys.platform == "emscripten":
        return inflated
    return _ReadAhead(inflated)


def _gzip_file(raw: Any, mode: str) -> Any:
    """A gzip file of isal's or, where that is not to be had (WebAssembly), of Python's own."""
    try:
        from isal import igzip
    except ModuleNotFoundError:
        import gzip

        return gzip.GzipFile("", mode, fileobj=raw, mtime=0)
    return igzip.IGzipFile("", mode, compresslevel=2, fileobj=raw, mtime=0)


def expect_folder(path: str | os.PathLike[str]) -> None:
    """Refuse a target that cannot be written, before the work that is to go there.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, PermissionError
        If the folder that it is to be in is not there, or not to be written to.
    IsADirectoryError
        If it is a folder.
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    code = 0
    if os.path.isdir(target):
        code = errno.EISDIR
    elif not os.path.isdir(folder):
        code = errno.ENOTDIR if os.path.exists(folder) else errno.ENOENT
    elif not os.access(folder, os.W_OK | os.X_OK):
        code = errno.EACCES
    if code:
        raise OSError(code, os.strerror(code), os.fspath(path))


@contextlib.contextmanager
def whole_path(path: str | os.PathLike[str]) -> Iterator[str]:
    """A hidden name beside a target, for what wants a file's name to write to.

    The file takes the target's name when the block ends without an exception, and is removed when
    one is raised.
    """
    expect_folder(path)
    target = os.path.realpath(path)
    hidden = os.path.join(os.path.dirname(target), f".gtok-{os.urandom(6).hex()}.part")
    try:
        yield hidden
        os.replace(hidden, target)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(hidden)
        if isinstance(error, OSError) and (error.filename == hidden or error.errno in _NO_ROOM):
            # What was asked for, not what it is called meanwhile.
            raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
        raise


@contextlib.contextmanager
def whole_folder(folder: str | os.PathLike[str]) -> Iterator[str]:
    """A hidden folder within a folder, which is made if need be, for files that belong together.

    They go to the folder itself when the block ends without an exception, and are removed when one
    is raised.
    """
    from tempfile import TemporaryDirectory

    is_new = not os.path.isdir(folder)
    os.makedirs(folder, exist_ok=True)
    try:
        with TemporaryDirectory(prefix=".gtok-", dir=folder) as hidden:
            yield hidden
            for name in os.listdir(hidden):
                os.replace(os.path.join(hidden, name), os.path.join(folder, name))
    except BaseException as error:
        if is_new:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        if isinstance(error, OSError) and ".gtok-" in os.fspath(error.filename or ""):
            # Again what was asked for: the file's name, or the folder's where none was begun.
            name = os.path.basename(error.filename)
            path = folder if name.startswith(".gtok-") else os.path.join(folder, name)
            raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
        raise


@contextlib.contextmanager
def write_whole(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Write a file whole or not at all.

    What is written goes to a hidden file beside the target, which takes the target's name when
    the block ends without an exception, and is removed when one is raised. ``-`` is standard
    output; it and whatever else is no regular file (``/dev/null``, a named pipe) is written
    directly.

    Yields
    ------
    IO[bytes]
        A binary file to write to.
    """
    if os.fspath(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = os.path.realpath(path)
    if os.path.exists(target) and not (os.path.isfile(target) or os.path.isdir(target)):
        with open(target, "wb") as handle:
            yield handle
        return
    with whole_path(path) as hidden, open(hidden, "xb") as handle:
        yield handle


@contextlib.contextmanager
def write_gzip(path: str | os.PathLike[str]) -> Iterator[Writable]:
    """Write a gzip file whole or not at all, the same bytes for the same content every time."""
    with write_whole(path) as handle, _gzip_file(handle, "wb") as zipped:
        yield zipped
