"""Fuzz gtok: give each target bytes that nobody would write, and see what comes of it.

    python fuzz/run.py [--seconds 600] [TARGET ...]
    python fuzz/run.py --replay FILE TARGET

Needs atheris. What breaks a target is kept in fuzz/findings, and the status is 1 then.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
FINDINGS = HERE / "findings"
NAMES = ["bed", "fragments", "overlaps", "gzip", "tokens", "parquet", "region", "config", "folder"]


def fuzz(target: str, arguments: list[str]) -> None:
    """Fuzz one target in this process, until libFuzzer's arguments say stop."""
    import atheris

    with atheris.instrument_imports(include=["gtok"]):
        from targets import TARGETS

    atheris.Setup([sys.argv[0], *arguments], TARGETS[target])
    atheris.Fuzz()


def supervise(target: str, seconds: int) -> tuple[int, bool]:
    """Fuzz a target in a process of its own; how often it ran, and whether it broke."""
    from seeds import seeds

    FINDINGS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        for i, seed in enumerate(seeds(target)):
            Path(corpus, f"seed{i}").write_bytes(seed)
        arguments = [
            f"-max_total_time={seconds}", "-max_len=2000", "-timeout=120", "-print_final_stats=1",
            f"-artifact_prefix={FINDINGS}/{target}-", corpus,
        ]  # fmt: skip
        done = subprocess.run(
            [sys.executable, __file__, "--one", target, "--", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip
    count = re.search(r"stat::number_of_executed_units: (\d+)", done.stdout)
    n = int(count[1]) if count else 0
    print(f"{target:10} {n:12,} executions {n / max(seconds, 1):9,.0f}/s", flush=True)
    if done.returncode:
        print("\n".join(done.stdout.splitlines()[-40:]))
        kept = re.search(r"written to (\S+)", done.stdout)
        if kept:
            print(f"again: python fuzz/run.py --replay {kept[1]} {target}")
    return n, done.returncode != 0


def main() -> None:
    """Fuzz the targets that are asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--replay", type=Path, help="give the target this file, once")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(NAMES))
    options, rest = parser.parse_known_args()
    if options.one:
        fuzz(options.targets[0], [*options.targets[1:], *rest])
        return
    unknown = set(options.targets) - set(NAMES)
    if unknown:
        parser.error(f"expected targets among {', '.join(NAMES)}, found {', '.join(unknown)}")
    if options.replay:
        from targets import TARGETS

        TARGETS[options.targets[0]](options.replay.read_bytes())
        return
    results = [supervise(target, options.seconds) for target in options.targets or NAMES]
    print(f"{sum(n for n, _ in results):,} executions in all")
    sys.exit(any(broke for _, broke in results))


if __name__ == "__main__":
    main()
