"""The package as a whole: which room may import which, what is public, what the docs show."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.metadata
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gtok

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "gtok"

# From the first to the last; a room imports only rooms above it. Those that are not there yet
# have their places already.
ROOMS = [
    "errors", "threads",
    "files", "shared", "bed", "columns", "frames", "regions", "samples", "index", "building",
    "universe", "config", "hub",
    "padding", "batch", "truncation", "encoding", "sparse", "surface", "tokenizer", "tokens_io",
    "matrix_io", "checking", "comparing", "vectorizer", "quality", "cells", "fragments",
    "pseudobulk", "masking", "training", "hf", "distributed", "plot", "cli", "__main__",
]  # fmt: skip
# What a conversion method of a value imports inside itself.
CONVERSIONS = {("batch", "TokenBatch.to_csr"): {"sparse"}}
# What stands at a room's top besides the standard library and NumPy.
AT_THE_TOP = {
    "cli": {"click"}, "sparse": {"scipy"}, "comparing": {"scipy"}, "cells": {"scipy"},
    "fragments": {"scipy"},
    "vectorizer": {"sklearn", "joblib"}, "masking": {"scipy"}, "hf": {"transformers"},
    "training": {"torch"},
}  # fmt: skip
# Libraries that not every installation has, and where alone they may be imported.
OPTIONAL = {
    "pyarrow": {"tokens_io"}, "matplotlib": {"plot"}, "torch": {"batch", "padding", "training"},
    "tensorflow": {"batch"},
    "pandas": {"matrix_io", "cells"}, "h5py": {"cells", "matrix_io"}, "pysam": {"pseudobulk"},
    "sklearn": {"vectorizer"}, "anndata": {"matrix_io", "cells"}, "transformers": {"hf"},
    "huggingface_hub": {"hub"}, "dask": {"distributed"}, "polars": set(),
}  # fmt: skip

PYTHON = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" or p.parent != PACKAGE)
COMPILED = sorted(PACKAGE.rglob("*.pyx"))


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def is_compiled(name):
    return name.startswith("_") and name != "__main__"


def rank_of(name):
    """A room's place; the compiled ones, which import none, stand above all others."""
    return -1 if is_compiled(name) else ROOMS.index(name)


def imports_of(source):
    """Every import: the full name of what is imported, and the function that it stands in."""
    found = []

    def walk(node, within):
        for child in ast.iter_child_nodes(node):
            inside = within
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                inside = [*within, child]
            elif isinstance(child, ast.Import):
                found.extend((alias.name, within) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, "imports name the package"
                found.extend((f"{child.module}.{alias.name}", within) for alias in child.names)
            walk(child, inside)

    walk(ast.parse(source), [])
    out = []
    for name, within in found:
        late = any(not isinstance(scope, ast.ClassDef) for scope in within)
        out.append((name, ".".join(scope.name for scope in within) if late else None))
    return out


def check_imports(room, source):
    """What is wrong with a room's imports."""
    problems = []
    for name, function in imports_of(source):
        top, *rest = name.split(".")
        if top != "gtok":
            continue
        if not rest or rest == ["__version__"]:
            # The package itself: for the version's sake, and nothing else.
            others = set(re.findall(r"\bgtok\.(\w+)", code_of(source))) - {"__version__"}
            others -= {*ROOMS, *(path.stem for path in COMPILED)}
            if others:
                problems.append(f"{room} uses gtok.{min(others)}")
            continue
        target = rest[0]
        allowed = CONVERSIONS.get((room, function), set()) if function else set()
        if target in allowed or room == target == "cli":
            continue
        if rank_of(target) >= rank_of(room):
            problems.append(f"{room} imports {target}, a room below it")
        elif function is not None and room != "cli":
            problems.append(f"{room} imports {target} inside {function}")
    return problems


def code_of(source):
    """The source without comments and texts."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.unparse(tree)


# --- rooms


def test_every_file_has_its_place():
    assert {room_of(path) for path in PYTHON} <= set(ROOMS)
    assert {path.stem for path in COMPILED} >= {"_bed", "_bits", "_ailist", "_counts"}
    assert all(is_compiled(path.stem) for path in COMPILED)


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_rooms_import_only_rooms_above_them(path):
    assert check_imports(room_of(path), path.read_text()) == []


@pytest.mark.parametrize(
    ("room", "source", "n"),
    [
        ("regions", "from gtok.errors import GtokError", 0),
        ("regions", "from gtok._bed import BedParser", 0),
        ("regions", "import gtok.samples", 1),
        ("regions", "from gtok import samples", 1),
        ("regions", "def f():\n    from gtok.universe import Universe", 1),
        ("regions", "def f():\n    from gtok.errors import GtokError", 1),
        ("regions", "if TYPE_CHECKING:\n    from gtok.universe import Universe", 1),
        ("regions", "class A:\n    from gtok.regions import Region", 1),
        ("batch", "class TokenBatch:\n    def to_csr(self):\n        import gtok.sparse", 0),
        ("batch", "class TokenBatch:\n    def pad(self):\n        import gtok.sparse", 1),
        ("config", "def f():\n    import gtok\n    return gtok.__version__", 0),
        ("config", "def f():\n    import gtok\n    return gtok.Tokenizer", 1),
        ("cli", "def f():\n    from gtok.cli.common import table\n    import gtok.plot", 0),
    ],
)
def test_the_check_of_imports(room, source, n):
    assert len(check_imports(room, source)) == n


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_other_libraries_are_imported_late_and_in_their_rooms(path):
    room = room_of(path)
    at_top = {"gtok", "numpy"} | set(sys.stdlib_module_names) | AT_THE_TOP.get(room, set())
    typing = ast.parse(path.read_text())
    # What only a type checker imports costs nothing.
    typing.body = [
        node
        for node in typing.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    ]
    for name, function in imports_of(ast.unparse(typing)):
        library = name.split(".")[0]
        if function is None:
            assert library in at_top, f"{name} at the top of {room}"
        assert room in OPTIONAL.get(library, {room}), f"{name} in {room}"


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: path.stem)
def test_compiled_modules_share_declarations_and_nothing_else(path):
    ours, others = set(), set()
    for line in path.read_text().splitlines():
        match = re.match(r"\s*(?:from\s+([\w.]+)\s+)?(c?import)\s+([\w.]+)", line)
        if match is None:
            continue
        source = match[1] or match[3]
        if source.split(".")[0] == "gtok":
            assert match[2] == "cimport", f"{path.stem}: {line}"
            ours.add(source)
        else:
            others.add((match[2], source.split(".")[0]))
    assert ours <= {"gtok._kernels", "gtok._names", "gtok._signals", "gtok._typedefs"}
    # NumPy as Python sees it: building needs none of its headers.
    assert others <= {
        ("cimport", "libc"),
        ("cimport", "cpython"),
        ("cimport", "cython"),
        ("import", "numpy"),
    }


def test_shared_declarations_import_only_those_before_them():
    order = ["_typedefs", "_signals", "_kernels", "_names"]
    assert {path.stem for path in PACKAGE.rglob("*.pxd")} == set(order)
    for i, stem in enumerate(order):
        found = re.findall(r"from\s+(gtok[\w.]*)\s+cimport", (PACKAGE / f"{stem}.pxd").read_text())
        assert set(found) <= {f"gtok.{earlier}" for earlier in order[:i]}


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: path.stem)
def test_compiled_modules_have_stubs_and_docstrings(path):
    tree = ast.parse(path.with_suffix(".pyi").read_text())
    stub = {node.name: node for node in tree.body if hasattr(node, "name")}
    module = importlib.import_module(f"gtok.{path.stem}")
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    }
    assert set(stub) == public
    for name in public:
        assert inspect.getdoc(getattr(module, name)), name


def test_files_that_travel_with_the_package():
    assert (PACKAGE / "py.typed").is_file()
    assert len(list((ROOT / "examples" / "data").glob("*.bed.gz"))) == 6
    size = sum(path.stat().st_size for path in (ROOT / "examples" / "data").iterdir())
    assert size < 3_000_000


# --- importing


def loaded_after(code):
    """The modules that code loads in a new interpreter."""
    code += "\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return set(done.stdout.split())


HEAVY = {"scipy", "pandas", "polars", "pyarrow", "narwhals", "matplotlib", "tqdm", "click"}


def test_importing_costs_next_to_nothing():
    assert not (HEAVY | {"concurrent.futures"}) & loaded_after("import gtok")


def test_tokenizing_loads_no_scipy():
    code = (
        "import gtok\n"
        "t = gtok.Tokenizer(['chr1:1-5'])\n"
        "t(['chr1:2-3']); t.encode_batch([['chr1:2-3']]); t.decode([0])\n"
    )
    loaded = loaded_after(code)
    assert not HEAVY & loaded
    assert {"gtok._bits", "numpy"} <= loaded
    assert "scipy.sparse" in loaded_after(code + "t.encode_batch([['chr1:2-3']]).to_csr(1)")


# --- what is public


def test_every_public_name_imports():
    assert len(set(gtok.__all__)) == len(gtok.__all__)
    for name in gtok.__all__:
        assert getattr(gtok, name) is not None
    assert set(gtok.__all__) <= set(dir(gtok))
    names = {}
    exec("from gtok import *", names)
    assert set(gtok.__all__) <= set(names)


def test_no_such_name():
    with pytest.raises(AttributeError, match=r"module 'gtok' has no attribute 'tokenise'"):
        gtok.tokenise  # noqa: B018
    with pytest.raises(ImportError):
        exec("from gtok import tokenise")


def test_type_checkers_see_the_same_names():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    typing = next(
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = {}
    for node in typing.body:
        seen |= {alias.asname: node.module for alias in node.names}
    assert seen == {name: f"gtok.{home}" for name, home in gtok._HOMES.items()}
    assert set(seen) | {"__version__"} == {*gtok.__all__, "RegionVectorizer"}


def public_members():
    """Every public name, and those of its class."""
    for name in (*gtok.__all__, "RegionVectorizer"):
        value = getattr(gtok, name)
        if not callable(value):
            continue
        yield name, value
        if not inspect.isclass(value):
            continue
        for attribute in dir(value):
            member = inspect.getattr_static(value, attribute)
            member = getattr(member, "__func__", member)
            ours = getattr(getattr(member, "fget", member), "__module__", "") or ""
            if not attribute.startswith("_") and ours.startswith("gtok"):
                yield f"{name}.{attribute}", member


MEMBERS = dict(public_members())


@pytest.mark.parametrize("name", MEMBERS)
def test_every_public_name_has_a_docstring(name):
    text = inspect.getdoc(MEMBERS[name])
    assert text
    assert text.splitlines()[0].strip()


def test_members_are_found():
    assert {"Tokenizer.encode_batch", "Tokenizer.pad", "Universe.tokens", "Region.parse"} <= set(
        MEMBERS
    )


def test_errors():
    assert issubclass(gtok.GtokError, ValueError)
    assert issubclass(gtok.BedError, gtok.GtokError)
    assert issubclass(gtok.ConfigError, gtok.GtokError)


def test_version():
    assert gtok.__version__ == importlib.metadata.version("gtok")
    assert re.fullmatch(r"\d+\.\d+\.\d+(?:[-+.]?\w+)*", gtok.__version__)


# --- the docs

DOCS = [page for page in sorted((ROOT / "docs").glob("*.md")) if ">>>" in page.read_text()]
PAGES = [ROOT / "README.md", *DOCS]
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
WITH_TRANSFORMERS = importlib.util.find_spec("transformers") is not None


def blocks_of(text):
    """The Python blocks of a page: the number of the first line of each, and its code."""
    for match in re.finditer(r"^```(?:python|pycon|py)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        yield text.count("\n", 0, match.start(1)), match[1]


def run_blocks(text, name):
    """Run the examples of a page, one after the other as a reader would; what failed."""
    told = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
    names = {}
    for line, code in blocks_of(text):
        if not code.lstrip().startswith(">>>") or ("gtok.hf" in code and not WITH_TRANSFORMERS):
            continue
        example = doctest.DocTestParser().get_doctest(code, names, name, name, line)
        runner.run(example, out=told.append, clear_globs=False)
        names = example.globs
    return runner.summarize(verbose=False).attempted, "".join(told)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_examples_of_a_page(page, tmp_path, monkeypatch):
    if page.stem == "huggingface" and not WITH_TRANSFORMERS:
        pytest.skip("transformers is not installed")
    # The examples may read the data that come along, and write where they are.
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    attempted, told = run_blocks(page.read_text(), page.name)
    assert not told, told
    assert attempted


def test_every_snippet_of_the_readme_is_an_example():
    blocks = list(blocks_of((ROOT / "README.md").read_text()))
    if not blocks:
        pytest.skip("README.md has no Python yet")
    unseen = [line for line, code in blocks if not code.lstrip().startswith(">>>")]
    assert unseen == [], "blocks at these lines are not run"


def test_the_runner_of_examples_sees_failures():
    page = (
        "```python\n>>> x = 1\n>>> x\n1\n```\ntext\n"
        "```python\n>>> x + 1\n{}\n```\n"
        "```sh\n>>> y\n```\n"
    )
    assert run_blocks(page.format(2), "page") == (3, "")
    attempted, told = run_blocks(page.format(3), "page")
    assert attempted == 3
    assert "Expected:\n    3\nGot:\n    2" in told
