"""The compiled modules; everything else about the package stands in pyproject.toml.

Environment switches, for development:

GTOK_DEBUG=1
    Bounds checks on, no optimization.
GTOK_TRACE=1
    Lines of Cython are counted by coverage, which is slow; the C files lie beside the sources,
    where it looks for them.
GTOK_CFLAGS="..."
    Further flags for the compiler and the linker (``CFLAGS`` would replace the optimization level).

Each kind has a build folder of its own: neither Cython nor setuptools notices that what was built
before was built otherwise.
"""

import os
import platform
import sysconfig

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("GTOK_DEBUG", "") not in ("", "0")
TRACE = os.environ.get("GTOK_TRACE", "") not in ("", "0")
EXTRA = os.environ.get("GTOK_CFLAGS", "").split()
BUILD = "build/" + ("debug" if DEBUG else "trace" if TRACE else "flags" if EXTRA else "plain")
# What any x86-64 has on which NumPy's wheels run.
X86 = platform.machine() in ("x86_64", "AMD64") and "arm64" not in sysconfig.get_platform()
ARCHITECTURE = ["-msse4.2"] if X86 and os.name != "nt" else []
MODULES = ["_order", "_bits", "_ailist", "_bed", "_hits", "_format", "_counts", "_fragments"]

extensions = [
    Extension(
        f"gtok.{name}",
        [f"gtok/{name}.pyx"],
        extra_compile_args=(["-O0", "-g"] if DEBUG else ["-O3", "-g0"]) + ARCHITECTURE + EXTRA,
        extra_link_args=EXTRA,
        define_macros=[("CYTHON_TRACE_NOGIL", "1")] if TRACE else [],
    )
    for name in MODULES
]

setup(
    ext_modules=cythonize(
        extensions,
        build_dir=None if TRACE else f"{BUILD}/cython",
        language_level=3,
        compiler_directives={
            "boundscheck": DEBUG,
            "wraparound": False,
            "initializedcheck": DEBUG,
            "cdivision": True,
            "linetrace": TRACE,
            "embedsignature": True,
            "autotestdict": False,
            "freethreading_compatible": True,
        },
    ),
    options={"build": {"build_base": BUILD}},
)
