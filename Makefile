# Every target makes what it needs: a virtual environment in .venv, and in it gtok and its friends.

PYTHON ?= python3
BIN := .venv/bin
SOURCES := pyproject.toml setup.py $(wildcard gtok/*.pyx gtok/*.pxd)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-slow test-hf test-tensorflow test-scverse test-r wasm test-wasm lint types doctest sdist bench bench-quick perf-check sanitize fuzz fuzz-quick coverage audit clean

help:
	@echo "make demo     run the main job on real data"
	@echo "make test     run the tests"
	@echo "make test-slow"
	@echo "              run the tests that take longer, a comparison with bedtools among them"
	@echo "make test-hf  run the tests that need transformers and torch, a training among them"
	@echo "make test-tensorflow"
	@echo "              run the tests that need TensorFlow"
	@echo "make test-scverse"
	@echo "              compare with snapatac2, and have it and scanpy read what gtok writes"
	@echo "make test-r   check the R package, its tests among it"
	@echo "make wasm     compile gtok for browsers, and lay out the page in build/web"
	@echo "make test-wasm"
	@echo "              test both, in Node and in Chromium, against native gtok"
	@echo "make lint     ruff and cython-lint"
	@echo "make types    mypy and stubtest"
	@echo "make doctest  build the sdist, a wheel from it, and run the examples in the docstrings"
	@echo "make bench    measure gtok against its rivals and write docs/benchmarks.md"
	@echo "make bench-quick"
	@echo "              the same on less, in two minutes; nothing is written"
	@echo "make perf-check"
	@echo "              count the instructions of fixed workloads, and compare with those kept"
	@echo "make sanitize"
	@echo "              run the tests with address and undefined-behaviour sanitizers"
	@echo "make fuzz     give the readers bytes that nobody would write, SECONDS=600 for each target"
	@echo "make coverage"
	@echo "              count the lines that the tests run, of Python and Cython"
	@echo "make audit    ask an advisory service of known faults in the dependencies"
	@echo "make clean    remove what the others made"

demo: .venv/demo
	$(BIN)/gtok demo

test: .venv/test
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

# The tests compare with bedtools where it is; without it, they say what they skip.
test-slow: .venv/test
	command -v bedtools > /dev/null || apt-get install -y -q bedtools || echo "no bedtools"
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow

# The tests that `make test` skips for want of transformers and torch.
test-hf: .venv-hf/built
	.venv-hf/bin/python -c "import accelerate, datasets, torch, transformers"
	.venv-hf/bin/python -m pytest -n auto --dist worksteal tests/test_hf.py tests/test_hub.py \
		tests/test_training.py tests/test_surface.py
	.venv-hf/bin/python -m pytest tests/test_package.py -k "README or huggingface"
	.venv-hf/bin/python -m pytest --doctest-modules gtok/hf.py gtok/training.py

test-tensorflow: .venv-tensorflow/built
	.venv-tensorflow/bin/python -c "import tensorflow"
	.venv-tensorflow/bin/python -m pytest tests/test_tensorflow.py

test-scverse: .venv-scverse/built
	.venv-scverse/bin/python -c "import scanpy, snapatac2"
	.venv-scverse/bin/python -m pytest tests/test_scverse.py

# R CMD check on what R CMD build makes, with the Python that install_gtok() made. Its tests fail where
# there is no Python, rather than skip.
test-r: .venv-r/built
	cd build/r && R_LIBS=$(CURDIR)/build/r/lib RETICULATE_PYTHON=$(CURDIR)/.venv-r/bin/python \
		GTOK_REQUIRED=1 GTOK_SHARED=$(CURDIR)/../shared/data \
		sh -ec 'R CMD build --quiet $(CURDIR)/r/gtok && R CMD check --no-manual gtok_*.tar.gz'
	tail -n 20 build/r/gtok.Rcheck/tests/testthat.Rout
	grep -x "Status: OK" build/r/gtok.Rcheck/00check.log

# The wheel for Pyodide and the page: `python -m http.server -d build/web` shows it.
wasm: .venv-wasm/built web/node_modules/built
	.venv-wasm/bin/python web/build.py

# In Node and in Chromium. Answers are compared with those of the gtok in .venv.
test-wasm: wasm .venv/test
	@command -v chromium > /dev/null || command -v chromium-browser > /dev/null \
		|| { echo "installing Chromium with apt-get"; \
			apt-get update -q && apt-get install -y -q --no-install-recommends chromium; }
	cd web && node --test --test-timeout=900000 --test-concurrency=1 --test-reporter=spec \
		test/gtok.test.mjs test/page.test.mjs

lint: .venv/lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	PATH=$(CURDIR)/$(BIN):$$PATH cython-lint gtok/*.pyx gtok/*.pxd

types: .venv/lint .venv/test
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml gtok._order gtok._bits gtok._ailist gtok._bed gtok._hits gtok._format gtok._counts gtok._fragments

# The distributions as users get them: no file of this folder is used but those in the sdist.
sdist: .venv/lint
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

doctest: sdist
	rm -rf .venv-sdist
	$(PYTHON) -m venv .venv-sdist
	.venv-sdist/bin/pip install -q "$$(ls $(CURDIR)/dist/*.whl)[parquet,plot,sklearn,cells,hf]" pytest
	cd .venv-sdist && bin/gtok demo --output demo
	cd .venv-sdist && bin/python -m pytest --doctest-modules --pyargs gtok \
		--ignore-glob="*/gtok/training.py"

bench: .venv-bench/built
	.venv-bench/bin/python bench/compare.py --write docs/benchmarks.md

bench-quick: .venv-bench/built
	.venv-bench/bin/python bench/compare.py --quick

perf-check: .venv/test
	command -v valgrind > /dev/null || apt-get install -y -q valgrind
	$(BIN)/python bench/instructions.py

# The extensions with the sanitizers of addresses and of undefined behaviour, and bounds checked; in
# a venv of their own, without touching those that are compiled here.
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
PRELOADED = $(shell for name in asan ubsan stdc++; do $(CC) -print-file-name=lib$$name.so; done)

sanitize: .venv-sanitize/built
	cd .venv-sanitize && LD_PRELOAD="$(PRELOADED)" PYTHONMALLOC=malloc \
		ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
		UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		bin/python -m pytest -c ../pyproject.toml --rootdir .. -n auto --dist worksteal ../tests

# Compiled by clang, so that the fuzzer sees which lines of C an input reaches, and addresses are
# checked. SECONDS is for each target, of which there are nine.
SECONDS ?= 600
FUZZER = $(CURDIR)/$(shell ls .venv-fuzz/lib/python*/site-packages/asan_with_fuzzer.so)

fuzz: .venv-fuzz/built
	LD_PRELOAD=$(FUZZER) ASAN_OPTIONS=detect_leaks=0 .venv-fuzz/bin/python fuzz/run.py \
		--seconds $(SECONDS) $(TARGETS)

fuzz-quick:
	$(MAKE) fuzz SECONDS=10

# The share of lines that the tests run, of Python and of Cython, whose lines are traced: that takes
# a hundred times as long, so slow tests are left out, and fewer examples are made.
coverage: .venv-coverage/built
	rm -rf build/coverage
	mkdir -p build/coverage
	cp -r gtok tests fuzz bench docs examples *.md Makefile LICENSE pyproject.toml setup.py build/coverage
	rm -f build/coverage/gtok/*.so
	cd build/coverage && GTOK_TRACE=1 $(CURDIR)/.venv-coverage/bin/pip install -q \
		--no-build-isolation -e ".[parquet,plot,cells,hf]"
	cd build/coverage && $(CURDIR)/.venv-coverage/bin/python -m pytest \
		-n auto --dist worksteal -m "not slow and not alone" --hypothesis-profile few \
		--cov --cov-report=
	@# Of a pxd Cython's plugin knows only behind a module that includes it; coverage asks in a set's order.
	cd build/coverage && for seed in 0 1 2 3 4 5 6 7; do \
		PYTHONHASHSEED=$$seed $(CURDIR)/.venv-coverage/bin/python -m coverage report \
			--show-missing --skip-covered && exit; done; exit 1

# Not a part of .ci/run: it needs a service of the network. What cannot be asked about is an error.
audit:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/pip install -q pip-audit
	.venv-audit/bin/pip-audit --strict .

clean:
	rm -rf .venv .venv-* build dist gtok-demo bench/work web/node_modules gtok/*.so *.egg-info

.venv/base:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "gtok needs Python 3.11 or newer; say which: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --upgrade pip
	touch $@

.venv/demo: .venv/base $(SOURCES)
	$(BIN)/pip install -q -e ".[parquet,plot]"
	touch $@

.venv/test: .venv/demo
	$(BIN)/pip install -q --group test
	touch $@

.venv/lint: .venv/base pyproject.toml
	$(BIN)/pip install -q --group lint
	touch $@

# torch first, and this one: the newest brings gigabytes for graphics cards.
.venv-hf/built: $(SOURCES)
	$(PYTHON) -m venv .venv-hf
	.venv-hf/bin/pip install -q --upgrade pip
	.venv-hf/bin/pip install -q torch==2.13.0
	.venv-hf/bin/pip install -q --group hf -e ".[parquet,cells,hf]"
	touch $@

.venv-coverage/built: pyproject.toml
	$(PYTHON) -m venv .venv-coverage
	.venv-coverage/bin/pip install -q --upgrade pip
	.venv-coverage/bin/pip install -q torch==2.13.0
	.venv-coverage/bin/pip install -q --group test --group hf --group coverage
	touch $@

.venv-tensorflow/built: $(SOURCES)
	$(PYTHON) -m venv .venv-tensorflow
	.venv-tensorflow/bin/pip install -q --upgrade pip
	.venv-tensorflow/bin/pip install -q --group tensorflow -e .
	touch $@

# snapatac2 needs macs3 for calling peaks only, which has no wheels and compiles for minutes.
.venv-scverse/built: $(SOURCES)
	$(PYTHON) -m venv .venv-scverse
	.venv-scverse/bin/pip install -q --upgrade pip
	.venv-scverse/bin/pip install -q --group scverse -e ".[cells]"
	.venv-scverse/bin/pip install -q --no-deps snapatac2==2.9.0
	touch $@

# reticulate 1.28, which Debian 12 has, knows no Python from 3.12 on.
R_PYTHON ?= $(shell command -v python3.11 || command -v $(PYTHON))
R_LIBRARIES := reticulate Matrix GenomicRanges SummarizedExperiment testthat knitr rmarkdown

.venv-r/built: $(SOURCES) $(wildcard gtok/*.py r/gtok/R/*.R r/gtok/DESCRIPTION)
	@Rscript -e 'for (name in commandArgs(TRUE)) loadNamespace(name)' $(R_LIBRARIES) 2> /dev/null \
		&& command -v pandoc > /dev/null \
		|| { echo "installing R and its packages with apt-get"; \
			apt-get update -q && apt-get install -y -q --no-install-recommends r-base-core r-cran-reticulate \
			r-cran-matrix r-bioc-genomicranges r-bioc-summarizedexperiment r-cran-testthat \
			r-cran-knitr r-cran-rmarkdown pandoc; }
	mkdir -p build/r/lib
	R CMD INSTALL -l build/r/lib r/gtok
	R_LIBS=build/r/lib Rscript -e 'gtok::install_gtok(".", "$(CURDIR)/.venv-r", "$(R_PYTHON)")'
	touch $@

.venv-wasm/built: pyproject.toml
	@command -v clang-19 > /dev/null && command -v wasm-ld-19 > /dev/null \
		&& test -d /usr/include/wasm32-wasi \
		|| { echo "installing a compiler for WebAssembly with apt-get"; \
			apt-get update -q && apt-get install -y -q --no-install-recommends clang-19 lld-19 wasi-libc; }
	$(PYTHON) -m venv .venv-wasm
	.venv-wasm/bin/pip install -q --upgrade pip
	.venv-wasm/bin/pip install -q --group wasm
	touch $@

web/node_modules/built: web/package.json web/package-lock.json
	npm ci --silent --prefix web
	touch $@

# A rival that cannot be installed is left out. scverse is what snapatac2 imports.
EACH := import subprocess, sys, tomllib; \
	groups = tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]; \
	[subprocess.call([sys.executable, "-m", "pip", "install", "-q", name]) for name in groups["bench"]]

.venv-sanitize/built: $(SOURCES) $(wildcard gtok/*.py gtok/cli/*.py)
	$(PYTHON) -m venv .venv-sanitize
	.venv-sanitize/bin/pip install -q --upgrade pip
	.venv-sanitize/bin/pip install -q --group test
	GTOK_DEBUG=1 GTOK_CFLAGS="$(SANITIZERS)" .venv-sanitize/bin/pip install -q ".[parquet,plot]"
	touch $@

.venv-fuzz/built: $(SOURCES) $(wildcard gtok/*.py)
	command -v clang > /dev/null || apt-get install -y -q clang
	clang -fsanitize=address -shared -x c /dev/null -o /dev/null 2> /dev/null \
		|| apt-get install -y -q libclang-rt-dev
	$(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/pip install -q --upgrade pip
	.venv-fuzz/bin/pip install -q --group fuzz
	CC=clang LDSHARED="clang -shared" GTOK_CFLAGS="-fsanitize=fuzzer-no-link,address" \
		.venv-fuzz/bin/pip install -q .
	touch $@

.venv-bench/built: $(SOURCES) $(wildcard gtok/*.py gtok/cli/*.py)
	for tool in bedtools bedops; do \
		command -v $$tool > /dev/null || apt-get install -y -q $$tool || echo "no $$tool"; \
	done
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install -q --upgrade pip
	.venv-bench/bin/pip install -q --group bench --group scverse \
		|| .venv-bench/bin/python -c '$(EACH)'
	.venv-bench/bin/pip install -q --no-deps snapatac2==2.9.0 || echo "no snapatac2"
	.venv-bench/bin/pip install -q --force-reinstall --no-deps .
	.venv-bench/bin/pip install -q .
	touch $@
