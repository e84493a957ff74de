"""What is loaded is data: no code of it is run, and nothing is unpickled."""

from __future__ import annotations

import ast
import gzip
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gtok

PACKAGE = Path(gtok.__file__).parent
GOOD = b"chr1\t100\t200\nchr2\t5\t50\n"
MARK = "somebody-was-here"


class Trap:
    """Leaves a mark when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (MARK,)


CODE = f"import os\nos.mkdir({MARK!r})\n".encode()
PICKLE = pickle.dumps(Trap())


def array_of_objects():
    sink = io.BytesIO()
    np.save(sink, np.array([Trap()], dtype=object), allow_pickle=True)
    return sink.getvalue()


def archive_of_objects():
    sink = io.BytesIO()
    np.savez(sink, data=np.array([Trap()], dtype=object), allow_pickle=True)
    return sink.getvalue()


TRAPS = {"pickle": PICKLE, "code": CODE, "npy": array_of_objects(), "npz": archive_of_objects()}
TRAPS |= {f"{name}, zipped": gzip.compress(content) for name, content in TRAPS.items()}

# Loads, and says what was done meanwhile that an audit hook hears of: what runs code, unpickles or
# calls out.
CHILD = """
import os, sys
import gtok

exec(f"def load(): return {sys.argv[3]}")

def kind():
    try:
        return type(load()).__name__
    except (gtok.GtokError, OSError) as error:
        return type(error).__name__

os.chdir(sys.argv[1])
kind()  # what is imported late is there now
os.chdir(sys.argv[2])
heard = set()
is_on = True
watched = ("exec", "compile", "import", "marshal.", "pickle.", "os.system", "os.exec", "os.fork",
           "os.posix_spawn", "subprocess.", "socket.", "ctypes.", "urllib.")
sys.addaudithook(lambda event, _: is_on and event.startswith(watched) and heard.add(event))
found = kind()
is_on = False
print(found, *sorted(heard))
"""


def loaded(tmp_path, call, **files):
    """What comes of a call in a folder of these files, after the same of good ones."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    for folder in (good, bad):
        folder.mkdir(parents=True)
        gtok.Tokenizer(["chr1:100-200"], exclude=["chr1:1-2"]).save_pretrained(folder / "saved")
        gtok.write_gtok(folder / "x.gtok", [5])
    for name, content in files.items():
        path = bad / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, good, bad, call], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob(MARK)) == []
    return done.stdout.split()


def test_the_trap_works(tmp_path, monkeypatch):
    """What is set up here does leave its mark where it is fallen into."""
    monkeypatch.chdir(tmp_path)
    for load in (pickle.loads, lambda content: np.load(io.BytesIO(content), allow_pickle=True)):
        load(PICKLE if load is pickle.loads else array_of_objects())
        assert (tmp_path / MARK).exists()
        (tmp_path / MARK).rmdir()


def test_the_hook_hears(tmp_path):
    call = "__import__('pickle').loads(open('x.gtok', 'rb').read()[5:])"
    files = {"x.gtok": b"GTOK\x01" + pickle.dumps(Path)}
    call = f"{call} if os.path.exists('bad') else 5"
    found, *heard = loaded(tmp_path, call, **files, bad=b"")
    assert found == "type"
    assert "pickle.find_class" in heard


@pytest.mark.parametrize("kind", TRAPS)
@pytest.mark.parametrize("name", ["universe.bed.gz", "tokenizer.toml", "exclude.bed.gz"])
def test_traps_instead_of_the_files_of_a_folder(tmp_path, name, kind):
    found, *heard = loaded(tmp_path, "gtok.Tokenizer('saved')", **{f"saved/{name}": TRAPS[kind]})
    assert found in ("BedError", "ConfigError")
    assert heard == []


def test_traps_beside_the_files_of_a_folder(tmp_path):
    names = [
        "__init__.py", "tokenizer.py", "gtok.py", "setup.py", "conftest.py", "sitecustomize.py",
        "universe.py", "universe.bed.gz.py", "tokenizer.pkl", "universe.npy", "universe.npz",
        "pytorch_model.bin", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
        "tokenizer.toml.pkl",
    ]  # fmt: skip
    files = {f"saved/{name}": CODE if name.endswith(".py") else PICKLE for name in names}
    for call in ("gtok.Tokenizer('saved')", "gtok.Tokenizer.from_pretrained('saved')"):
        assert loaded(tmp_path / str(len(call)), call, **files) == ["Tokenizer"]


def test_code_in_a_config(tmp_path):
    """Texts of a config are texts."""
    text = f"""
        universe = "universe.bed.gz"
        special_tokens = [{{name = "unk", token = "__import__('os').mkdir('{MARK}')"}}]
        auto_map = {{AutoTokenizer = "tokenizer.Trap"}}
        [gtok]
        genome = "{{0.__class__}}$(touch {MARK})"
    """
    files = {"saved/tokenizer.toml": text.encode(), "saved/tokenizer.py": CODE}
    assert loaded(tmp_path, "gtok.Tokenizer('saved')", **files) == ["Tokenizer"]


@pytest.mark.parametrize("kind", TRAPS)
def test_traps_instead_of_token_files(tmp_path, kind):
    found, *heard = loaded(tmp_path, "gtok.read_gtok('x.gtok')", **{"x.gtok": TRAPS[kind]})
    assert (found, heard) == ("GtokError", [])


def parquet(with_type):
    """Samples whose metadata have a pickle wherever some reader might look for one."""
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    trap = {"pandas": PICKLE, "gtok.universe": PICKLE, "gtok.digest.py": CODE}
    known = {
        "ARROW:extension:name": b"arrow.py_extension_type", "ARROW:extension:metadata": PICKLE
    }  # fmt: skip
    fields = [
        pa.field("id", pa.string(), metadata=known if with_type else None),
        pa.field("input_ids", pa.list_(pa.int32())),
    ]
    table = pa.table([["a"], [[5]]], pa.schema(fields, metadata=trap))
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


@pytest.mark.parametrize("with_type", [False, True], ids=["metadata", "a type of Python's"])
def test_metadata_of_parquet(tmp_path, with_type):
    content = parquet(with_type)
    found, *heard = loaded(tmp_path, "gtok.read_parquet('x.parquet')[1]", **{"x.parquet": content})
    assert found in ("TokenBatch", "GtokError")
    assert [event for event in heard if event.startswith(("pickle.", "os.", "subprocess."))] == []


def test_a_universe_whose_name_is_a_number(tmp_path):
    """Names of files that mean something else to some readers: here they are files."""
    (tmp_path / "x.bed").write_bytes(GOOD)
    for name in ("http://127.0.0.1:9/x.bed", "|touch x", "s3://x/x.bed", "1"):
        config = tmp_path / "t.toml"
        config.write_text(f"universe = {name!r}\n")
        with pytest.raises(FileNotFoundError):
            gtok.Tokenizer(config)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.toml", "x.bed"]


# --- the sources

# What runs or unpickles what it is given.
REFUSED = {
    "eval", "exec", "compile", "__import__", "load_module", "Unpickler", "read_pickle", "system",
    "popen", "Popen",
}  # fmt: skip
READERS = {"load", "loads", "load_npz", "fromfile", "safe_load"}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_nothing_that_runs_or_unpickles_is_called(path):
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            found += names & {"pickle", "marshal", "shelve", "dill", "cloudpickle", "subprocess"}
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        name = called.rpartition(".")[2]
        # `re.compile` makes a pattern, TOML and JSON are data.
        if name in REFUSED and called != "re.compile":
            found.append(called)
        if name in READERS and called not in ("tomllib.loads", "json.loads", "json.load"):
            found.append(called)
    assert found == []
