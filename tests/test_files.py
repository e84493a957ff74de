"""Reading whatever a path holds, writing whole or not at all."""

from __future__ import annotations

import gzip
import os
import random
import re
import signal
import stat
import subprocess
import sys
import threading
import zlib

import pytest

from gtok import files
from gtok.bed import read_bed
from gtok.errors import BedError, GtokError
from gtok.files import open_bytes, write_gzip, write_whole

SMALL = b"chr1\t5\t10\tname\n" * 300
needs_symlinks = pytest.mark.skipif(sys.platform == "win32", reason="symbolic links and umask")


def noise(n, seed=1):
    """Lines that gzip cannot make much smaller."""
    chance = random.Random(seed)
    lines = []
    size = 0
    while size < n:
        line = b"chr1\t%d\t%d\t%s\n" % (size, size + 9, chance.randbytes(60).hex().encode())
        lines.append(line)
        size += len(line)
    return b"".join(lines)


@pytest.fixture(scope="module")
def large():
    """Text whose compressed form takes the way of large files."""
    text = noise(6_000_000)
    assert len(gzip.compress(text, 1)) > 2 * files.THREADED_FROM
    return text


def in_members(text, size):
    """As bgzip writes: many small members, an empty one at the end."""
    blocks = [text[at : at + size] for at in range(0, len(text), size)]
    return b"".join(gzip.compress(block, 1) for block in [*blocks, b""])


def read_all(path, buffer_size=1 << 16):
    pieces = []
    buffer = bytearray(buffer_size)
    with open_bytes(path) as stream:
        while n := stream.readinto(memoryview(buffer)):
            pieces.append(bytes(buffer[:n]))
    return b"".join(pieces)


@pytest.fixture
def written(tmp_path):
    """Write bytes to a file and give its path."""

    def write(content, name="x"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


# --- reading


@pytest.mark.parametrize("name", ["x.bed", "x.bed.gz", "x", "x.txt"])
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_gzip_is_known_by_its_bytes(written, name, zipped):
    assert read_all(written(gzip.compress(SMALL) if zipped else SMALL, name)) == SMALL


@pytest.mark.parametrize(
    "text", [b"", b"x", b"\x1f", b"\x1f\x8a", SMALL[:511], SMALL[:512], SMALL[:513], SMALL]
)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("buffer_size", [1, 511, 512, 513, 1 << 16])
def test_every_size_is_read_whole(written, text, zipped, buffer_size):
    assert read_all(written(gzip.compress(text) if zipped else text), buffer_size) == text


def test_the_head_is_known_before_anything_is_read(written):
    for content in (SMALL, gzip.compress(SMALL), in_members(SMALL, 10)):
        with open_bytes(written(content)) as stream:
            assert stream.head == SMALL[: stream.HEAD]


def test_first_bytes_can_be_left_out(written):
    buffer = bytearray(100)
    with open_bytes(written(b"abcdef")) as stream:
        stream.drop(2)
        assert stream.readinto(buffer) == 4
        assert buffer[:4] == b"cdef"


@pytest.mark.parametrize("size", [1, 100, 5000])
def test_many_members(written, size):
    assert read_all(written(in_members(SMALL, size))) == SMALL


def test_members_of_other_levels_and_header_fields(written):
    path = written(b"")
    with path.open("wb") as raw, gzip.GzipFile("a name", "wb", 9, raw, mtime=12345) as handle:
        handle.write(SMALL)
    assert read_all(path) == SMALL
    path.write_bytes(gzip.compress(SMALL, 0) + path.read_bytes() + gzip.compress(SMALL, 6))
    assert read_all(path) == SMALL * 3


def test_large_plain_files(written, large):
    assert read_all(written(large)) == large


def test_large_gzip_files(written, large):
    assert read_all(written(gzip.compress(large, 1))) == large


def test_large_files_of_many_members(written, large):
    assert read_all(written(in_members(large, 65280))) == large


def test_the_threaded_way_gives_the_same_columns(written, large):
    plain = read_bed(written(large))
    zipped = read_bed(written(in_members(large, 65280), "y"))
    assert plain.starts.tobytes() == zipped.starts.tobytes()
    assert len(plain.starts) == large.count(b"\n")


DAMAGES = {
    "cut in the middle": lambda z: z[: len(z) // 2],
    "cut in the last bytes": lambda z: z[:-5],
    "cut by one byte": lambda z: z[:-1],
    "cut behind the checksum": lambda z: z[:-4],
    "garbage behind": lambda z: z + b"garbage behind it",
    "one byte behind": lambda z: z + b"x",
    "a BED line behind": lambda z: z + b"chr1\t1\t2\n",
    "a second one cut": lambda z: z + z[:-20],
    "a second one's header cut": lambda z: z + z[:6],
    "a wrong checksum": lambda z: z[:-8] + bytes([z[-8] ^ 1]) + z[-7:],
    "a wrong length": lambda z: z[:-4] + bytes([z[-4] ^ 1]) + z[-3:],
    "a block of no kind": lambda z: z[:10] + b"\xff" * 50 + z[60:],
}


@pytest.mark.parametrize("way", ["small", "large", "stdin"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_gzip(written, large, damage, way, monkeypatch):
    text = SMALL if way == "small" else large
    path = written(damage(gzip.compress(text, 1)), "damaged.bed.gz")
    expected = "damaged.bed.gz"
    with open(path) as stdin:
        if way == "stdin":
            monkeypatch.setattr(sys, "stdin", stdin)
            path, expected = "-", "standard input"
        with pytest.raises(
            GtokError, match=rf"{expected}: the gzip stream (breaks off|is damaged)"
        ):
            read_all(path)


@pytest.mark.parametrize("size", [2, 3, 9, 10, 17])
def test_gzip_that_ends_with_its_header(written, size):
    with pytest.raises(GtokError, match="gzip stream"):
        read_all(written(gzip.compress(SMALL)[:size]))


@pytest.mark.parametrize("way", ["small", "large"])
def test_damaged_gzip_as_bed(written, large, way):
    """The good lines before the damage are no sample."""
    zipped = gzip.compress(SMALL if way == "small" else large, 1)
    where = r" \(after line \d+\)" if way == "large" else r"behind it( \(after line \d+\))?"
    with pytest.raises(BedError, match=rf"x: the gzip stream breaks off.*{where}$"):
        read_bed(written(zipped[:-10]))


def test_a_bad_line_ends_the_threaded_way_at_once(written, large):
    before = threading.active_count()
    for text in (b"chr1\tx\n" + large, large[: len(large) // 2] + b"\nchr1\tx\n" + large):
        with pytest.raises(BedError, match=r"line \d+: "):
            read_bed(written(gzip.compress(text, 1)))
    assert threading.active_count() == before


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.bed"):
        open_bytes(tmp_path / "nowhere.bed")


def test_a_folder(tmp_path):
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        open_bytes(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes")
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_named_pipes(tmp_path, large, zipped):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    content = gzip.compress(large, 1) if zipped else large
    writer = threading.Thread(target=path.write_bytes, args=[content])
    writer.start()
    assert read_all(path) == large
    writer.join()


def test_open_files_are_closed(written):
    """A file left open would be a ResourceWarning, which is an error here."""
    for content in (b"chr1\tx\n", gzip.compress(b"chr1\tx\n"), gzip.compress(SMALL)[:-9]):
        with pytest.raises(GtokError):
            read_bed(written(content))


@pytest.mark.slow
def test_without_isal_everything_here_holds_as_well():
    """As in WebAssembly, which has none."""
    program = """
import sys
import pytest
sys.modules["isal"] = None
sys.exit(pytest.main(sys.argv[1:]))
"""
    options = ["-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-m", "not slow"]
    done = subprocess.run(
        [sys.executable, "-c", program, *options, __file__],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^[1-9]\d+ passed", done.stdout, re.MULTILINE)


# --- standard input

READ_STDIN = """
import sys
from gtok.bed import read_bed
bed = read_bed("-")
print(len(bed.starts), int(bed.ends.sum()), bed.source.name)
"""


def run(program, stdin):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=files.__file__.rpartition("gtok")[0],
        check=True,
        capture_output=True,
        text=True,
        stdin=stdin,
    ).stdout


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("way", ["pipe", "file"])
def test_standard_input(written, zipped, way):
    path = written(in_members(SMALL, 1000) if zipped else SMALL)
    expected = "300 3000 standard input\n"
    if way == "file":
        with open(path, "rb") as stdin:
            assert run(READ_STDIN, stdin) == expected
    else:
        with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat:
            assert run(READ_STDIN, cat.stdout) == expected


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_standard_input_is_read_from_where_it_stands(written, zipped):
    with open(written(b"123456" + (gzip.compress(SMALL) if zipped else SMALL)), "rb") as stdin:
        os.lseek(stdin.fileno(), 6, os.SEEK_SET)
        assert run(READ_STDIN, stdin) == "300 3000 standard input\n"


@pytest.mark.alone  # under coverage its plugin swallows Ctrl-C
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_ctrl_c_while_standard_input_gives_nothing(large, zipped):
    content = gzip.compress(large, 1) if zipped else large
    with subprocess.Popen(
        [sys.executable, "-c", READ_STDIN],
        cwd=files.__file__.rpartition("gtok")[0],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as reader:
        reader.stdin.write(content[:-100])  # more than a pipe holds: reading has begun
        reader.stdin.flush()
        reader.send_signal(signal.SIGINT)
        try:
            reader.wait(timeout=60)
        finally:
            reader.kill()
        assert reader.stderr.read().endswith(b"KeyboardInterrupt\n")


def test_standard_input_that_comes_in_drops(monkeypatch):
    reader, writer = os.pipe()
    zipped = in_members(SMALL, 500)

    def drip():
        with open(writer, "wb", buffering=0) as handle:
            for at in range(0, len(zipped), 37):
                handle.write(zipped[at : at + 37])

    thread = threading.Thread(target=drip)
    with open(reader) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        thread.start()
        assert read_all("-") == SMALL
    thread.join()


def test_empty_standard_input():
    assert run(READ_STDIN, subprocess.DEVNULL) == "0 0 standard input\n"


def test_standard_input_stays_open(written, monkeypatch):
    with open(written(SMALL)) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert read_all("-") == SMALL
        assert not stdin.closed


# --- writing


class Stop(BaseException):
    """As KeyboardInterrupt is: no Exception."""


@pytest.fixture(params=[write_whole, write_gzip])
def write(request):
    return request.param


def content_of(path):
    content = path.read_bytes()
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def test_writing(write, tmp_path):
    path = tmp_path / "out"
    with write(path) as handle:
        handle.write(b"one")
        handle.write(bytearray(b"two"))
        assert not path.exists()
    assert content_of(path) == b"onetwo"
    assert os.listdir(tmp_path) == ["out"]


def test_writing_to_a_string(write, tmp_path):
    with write(str(tmp_path / "out")) as handle:
        handle.write(b"one")
    assert content_of(tmp_path / "out") == b"one"


def test_writing_nothing(write, tmp_path):
    with write(tmp_path / "out"):
        pass
    assert content_of(tmp_path / "out") == b""


def write_and_raise(write, path, error):
    with write(path) as handle:
        handle.write(b"new" * 1_000_000)
        raise error


@pytest.mark.parametrize("error", [RuntimeError, Stop])
def test_an_exception_leaves_the_old_file_and_nothing_else(write, error, tmp_path):
    path = tmp_path / "out"
    for before in (None, b"old"):
        if before is not None:
            path.write_bytes(before)
        with pytest.raises(error):
            write_and_raise(write, path, error)
        assert (path.read_bytes() if path.exists() else None) == before
        assert os.listdir(tmp_path) == ([] if before is None else ["out"])


def test_the_old_file_is_there_until_the_new_one_is(write, tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with write(path) as handle:
        handle.write(b"new")
        assert path.read_bytes() == b"old"
    assert content_of(path) == b"new"


def test_a_missing_folder_is_named(write, tmp_path):
    path = tmp_path / "nowhere" / "out.bed"
    with pytest.raises(FileNotFoundError) as caught, write(path):
        pass
    assert str(path) in str(caught.value)


def test_a_folder_is_no_target(write, tmp_path):
    with pytest.raises(IsADirectoryError, match=tmp_path.name), write(tmp_path):
        pass


@needs_symlinks
def test_permissions_follow_the_umask(write, tmp_path, umask):
    with write(tmp_path / "out") as handle:
        handle.write(b"x")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o666 & ~umask


@needs_symlinks
@pytest.mark.parametrize("exists", [True, False], ids=["to a file", "to nothing yet"])
def test_symbolic_links_are_followed(write, tmp_path, exists):
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "target"
    if exists:
        target.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to(os.path.join("there", "target"))
    with write(link) as handle:
        handle.write(b"new")
    assert link.is_symlink()
    assert not target.is_symlink()
    assert content_of(target) == b"new"
    assert os.listdir(tmp_path / "there") == ["target"]


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="/dev/null")
def test_devices_are_written_directly(write):
    with write("/dev/null") as handle:
        handle.write(b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes")
def test_named_pipes_are_written_directly(write, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()))
    reader.start()
    with write(path) as handle:
        handle.write(b"x" * 5)
    reader.join()
    assert found[0].startswith((b"xxxxx", b"\x1f\x8b"))
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_standard_output(tmp_path):
    program = """
import sys
from gtok.files import write_whole
with write_whole("-") as handle:
    handle.write(b"chr1")
assert not sys.stdout.closed
"""
    assert run(program, subprocess.DEVNULL) == "chr1"


def test_gzip_is_the_same_every_time(tmp_path):
    contents = []
    for name in ("one.gz", "another.bed.gz"):
        with write_gzip(tmp_path / name) as handle:
            handle.write(SMALL)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    assert zlib.decompress(contents[0], 31) == SMALL
    assert contents[0][4:8] == bytes(4)  # no time


def test_two_writers_do_not_meet(write, tmp_path):
    path = tmp_path / "out"
    with write(path) as one:
        with write(path) as other:
            other.write(b"other")
        one.write(b"one")
    assert content_of(path) == b"one"
    assert os.listdir(tmp_path) == ["out"]
