"""Compiles gtok for Pyodide, and lays out a folder that any web server can serve.

usage: python web/build.py

Writes the wheel to build/wasm, and the page with all it needs to build/web. The compiler is
Debian's clang, the headers are those of a CPython 3.12 that is found on this machine; what Pyodide
is (its version, its pyconfig.h, its libraries) is read from the npm package in web/node_modules.
"""

import ast
import base64
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import setuptools

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "web"
PYODIDE = WEB / "node_modules" / "pyodide"
OUT = ROOT / "build" / "wasm"
SITE = ROOT / "build" / "web"
PYTHON = "3.12"
TAG = "cp312-cp312-pyodide_2024_0_wasm32"
SUFFIX = ".cpython-312-wasm32-emscripten.so"
PAGE = [*(p.name for p in WEB.iterdir() if p.suffix in (".html", ".css", ".mjs")), "page.py"]

COMPILE = [
    *("--target=wasm32-wasi", "-D__EMSCRIPTEN__=1", "-O3", "-DNDEBUG"),
    *("-fPIC", "-fvisibility=hidden", "-nostdlibinc", "-isystem", "/usr/include/wasm32-wasi"),
    *("-Wno-unused", "-Wno-unreachable-code-fallthrough"),  # of what Cython writes
]
LINK = [
    *("-shared", "--experimental-pic", "--unresolved-symbols=import-dynamic", "--no-entry"),
    *("--strip-debug", "--export=__wasm_call_ctors"),
    "--export-if-defined=__wasm_apply_data_relocs",
]


def tool(name: str) -> str:
    """A program of LLVM, of Debian's version 19 or the one that is there."""
    for candidate in (f"{name}-19", name):
        if found := shutil.which(candidate):
            return found
    sys.exit(f"expected {name}-19: apt-get install clang-19 lld-19 wasi-libc")


def python_headers() -> Path:
    """The folder of a CPython of Pyodide's version that has its headers."""
    candidates = [os.environ.get("PYTHON312_INCLUDE", "")]
    if sysconfig.get_python_version() == PYTHON:
        candidates.append(sysconfig.get_path("include"))
    if python := shutil.which(f"python{PYTHON}"):
        code = "import sysconfig; print(sysconfig.get_path('include'))"
        asked = subprocess.run([python, "-c", code], capture_output=True, text=True)
        candidates.append(asked.stdout.strip())
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    candidates += sorted(glob.glob(f"{pyenv}/versions/{PYTHON}.*/include/python{PYTHON}"))
    for folder in candidates:
        if folder and os.path.exists(f"{folder}/Python.h"):
            return Path(folder)
    sys.exit(
        f"expected the headers of CPython {PYTHON}: install it, or say where its Python.h is with "
        f"PYTHON312_INCLUDE"
    )


def write_pyconfig(native: Path, target: Path) -> None:
    """Make Pyodide's pyconfig.h of what its sysconfig knows of its build."""
    with zipfile.ZipFile(PYODIDE / "python_stdlib.zip") as archive:
        name = next(n for n in archive.namelist() if n.startswith("_sysconfigdata"))
        values = {}
        exec(archive.read(name), values)
    known = re.findall(r"#\s*(?:undef|define)\s+(\w+)", native.read_text())
    lines = []
    for name in sorted(set(known) - {"PLATLIBDIR"}):
        value = values["build_time_vars"].get(name)
        if name == "HAVE_PTHREAD_H":  # which wasi-libc has not: CPython's own stubs serve
            name = "HAVE_PTHREAD_STUBS"
        if value not in (None, 0, ""):
            lines.append(f"#define {name} {value}")
    guard = ["#ifndef Py_PYCONFIG_H", "#define Py_PYCONFIG_H"]
    target.write_text("\n".join([*guard, *lines, "#endif\n"]))


def compile_modules(extensions: list) -> dict[str, Path]:
    """Compile what Cython made, as setup.py lists it; a file for each module's name."""
    include = OUT / "include"
    shutil.copytree(python_headers(), include, dirs_exist_ok=True)
    write_pyconfig(include / "pyconfig.h", include / "pyconfig.h")
    modules = {}
    for extension in extensions:
        stem = extension.name.rpartition(".")[2]
        made = OUT / f"{stem}.o", OUT / f"{stem}{SUFFIX}"
        modules[extension.name] = made[1]
        if is_newer(made[1], *extension.sources, __file__):
            continue
        subprocess.check_call(
            [tool("clang"), *COMPILE, "-I", include, "-c", *extension.sources, "-o", made[0]]
        )
        subprocess.check_call(
            [tool("wasm-ld"), *LINK, f"--export-if-defined=PyInit_{stem}", made[0], "-o", made[1]]
        )
    return modules


def is_newer(made: Path, *sources: str) -> bool:
    """Whether a file was made since its sources changed."""
    return made.exists() and made.stat().st_mtime > max(map(os.path.getmtime, sources))


def absent_rooms() -> set[str]:
    """The rooms whose libraries Pyodide has not."""
    lock = json.loads((PYODIDE / "pyodide-lock.json").read_text())
    there = {name for package in lock["packages"].values() for name in package["imports"]}
    there |= {"gtok", *sys.stdlib_module_names}
    absent = set()
    for path in (ROOT / "gtok").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            if any(name.split(".")[0] not in there for name in names):
                absent.add(path.stem)
    return absent


def package_files(packages: list[str], modules: dict[str, Path]) -> dict[str, bytes]:
    """What the wheel holds, by its name there."""
    absent = absent_rooms()
    files = {}
    for package in packages:
        if package == "gtok.demo_data":
            continue  # the page has it beside the wheel
        folder = ROOT / package.replace(".", "/")
        for path in sorted(folder.iterdir()):
            is_wanted = path.suffix in (".py", ".sizes") or path.name == "py.typed"
            if is_wanted and not (package == "gtok" and path.stem in absent):
                files[path.relative_to(ROOT).as_posix()] = path.read_bytes()
    for name, path in modules.items():
        files[name.replace(".", "/") + SUFFIX] = path.read_bytes()
    return files


def write_wheel(version: str, summary: str, files: dict[str, bytes]) -> Path:
    """Write a wheel, the same bytes for the same content every time."""
    info = f"gtok-{version}.dist-info"
    files[f"{info}/licenses/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    files[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.4\nName: gtok\nVersion: {version}\nSummary: {summary}\n"
        f"License-Expression: MIT\nLicense-File: LICENSE\nRequires-Python: >={PYTHON}\n"
        f"Requires-Dist: numpy>=2.0\n"
    ).encode()
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: web/build.py\nRoot-Is-Purelib: false\nTag: {TAG}\n"
    ).encode()
    record = "".join(
        f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items()
    )
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = OUT / f"gtok-{version}-{TAG}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)  # of 1980
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    return wheel


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def write_site(wheel: Path) -> None:
    """Lay out what a server has to serve."""
    shutil.rmtree(SITE, ignore_errors=True)
    (SITE / "example").mkdir(parents=True)
    for name in PAGE:
        shutil.copy(WEB / name, SITE)
    shutil.copy(wheel, SITE)
    for path in (ROOT / "examples" / "data").glob("*.bed.gz"):
        shutil.copy(path, SITE / "example")
    if wheel.name not in (WEB / "gtok.mjs").read_text():
        sys.exit(f"expected web/gtok.mjs to name the wheel {wheel.name}")


def main() -> None:
    """Compile, and write the wheel and the page."""
    os.chdir(ROOT)
    if not PYODIDE.exists():
        sys.exit("expected Pyodide in web/node_modules: npm ci --prefix web")
    OUT.mkdir(parents=True, exist_ok=True)
    # Cython runs while setup.py does: what comes back has the C files that it made.
    project = setuptools.distutils.core.run_setup("setup.py", ["-q"], stop_after="init")
    project.parse_config_files()
    modules = compile_modules(project.ext_modules)
    metadata = project.metadata
    files = package_files(project.packages, modules)
    wheel = write_wheel(metadata.version, metadata.description, files)
    write_site(wheel)
    print(f"{wheel.relative_to(ROOT)}: {wheel.stat().st_size:,} bytes, {len(modules)} modules")
    print(f"{SITE.relative_to(ROOT)}: python -m http.server -d {SITE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
