"""The TOML config, and the files of a saved tokenizer.

A saved tokenizer is a folder: ``universe.bed.gz``, the regions in the order of their ids,
``exclude.bed.gz``, those that it leaves out of samples, if any, and ``tokenizer.toml``, which names
both. The keys outside the table ``[gtok]`` are those of
gtars, so that a config written for the one is read by the other.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Literal

from gtok.bed import TextColumn
from gtok.errors import ConfigError, GtokError
from gtok.files import whole_folder, write_whole
from gtok.index import METHODS
from gtok.regions import RegionSet
from gtok.universe import SpecialTokens, Universe, digest_of

CONFIG_FILE = "tokenizer.toml"
UNIVERSE_FILE = "universe.bed.gz"
PLAIN_UNIVERSE_FILE = "universe.bed"  # what geniml calls it
EXCLUDE_FILE = "exclude.bed.gz"
_MAX_CONFIG = 1 << 20  # bytes; one of gtok's own has a thousand

# A tokenizer's settings, each an option of its constructor.
OPTIONS = (
    "method", "unknown", "order", "unique", "seed", "template", "padding_side", "min_overlap",
    "overlap_of",
)  # fmt: skip
_OTHERS = ("version", "genome", "digest", "exclude", "exclude_digest")


@dataclass(frozen=True)
class Config:
    """What a config says: where the universe is, and how to tokenize with it."""

    path: str
    universe: str
    special_tokens: SpecialTokens
    genome: str | None = None
    digest: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def load_universe(self, duplicates: Literal["error", "drop"] = "error") -> Universe:
        """Read the universe; of a region that stands twice, refuse it or keep the first.

        Raises
        ------
        ConfigError
            If it is not the one that the config was saved with.
        """
        universe = Universe.from_bed(
            self.universe,
            duplicates=duplicates,
            genome=self.genome,
            special_tokens=self.special_tokens,
        )
        _expect_digest(self.universe, "the universe that was", self.digest, universe.digest)
        return universe


def read_config(path: str | os.PathLike[str], *, confined: bool = False) -> Config:
    """Read a TOML config, gtok's or gtars's.

    Parameters
    ----------
    path : str or path
        The file. Its keys ``universe`` and ``gtok.exclude`` are paths relative to it.
    confined : bool
        Refuse files outside the config's own folder.

    Raises
    ------
    ConfigError
        Naming the file and the key, if something in it cannot be understood.
    """
    import tomllib

    path = os.fspath(path)
    with open(path, "rb") as handle:
        content = handle.read(_MAX_CONFIG + 1)
    if len(content) > _MAX_CONFIG:
        raise ConfigError(f"{path}: expected a config of at most {_MAX_CONFIG} bytes, found more")
    try:
        found = tomllib.loads(content.decode())
    except RecursionError:
        raise ConfigError(f"{path}: not TOML: nested too deep") from None
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError, an int of 5,000 digits
        raise ConfigError(f"{path}: not TOML: {error}") from None
    name = _take(found, "universe", str, path)
    if not name:
        raise ConfigError(f"{path}: expected the key 'universe', the path of a BED file")
    method = _take(found, "tokenizer_type", str, path) or "bits"
    ours = _take(found, "gtok", dict, path) or {}
    options = {key: ours[key] for key in OPTIONS if key in ours}
    exclude = _take(ours, "exclude", str, path, "gtok.")
    exclude_digest = _take(ours, "exclude_digest", str, path, "gtok.")
    if exclude is not None:
        options["exclude"] = _read_exclude(_beside(path, exclude, confined), exclude_digest)
    if unknown := sorted(set(ours) - {*OPTIONS, *_OTHERS}):
        known = ", ".join(sorted({*OPTIONS, *_OTHERS}))
        raise ConfigError(f"{path}: unknown key 'gtok.{unknown[0]}': expected one of {known}")
    if method not in METHODS:
        raise ConfigError(f"{path}: expected tokenizer_type 'bits' or 'ailist', found {method!r}")
    if options.setdefault("method", method) not in METHODS:
        raise ConfigError(
            f"{path}: expected gtok.method 'auto', 'bits' or 'ailist', found {options['method']!r}"
        )
    return Config(
        path=path,
        universe=_beside(path, name, confined),
        special_tokens=_special_tokens(found, path),
        genome=_take(ours, "genome", str, path, "gtok."),
        digest=_take(ours, "digest", str, path, "gtok."),
        options=options,
    )


def _beside(path: str, name: str, confined: bool) -> str:
    """The path of a file that a config names."""
    if "\0" in name or name == "-":
        raise ConfigError(f"{path}: expected the path of a file, found {name!r}")
    if confined:
        # By its name, not by where links lead: a hub's cache is made of links. What is opened is
        # the name that was looked at: "link/../x" is x, wherever the link leads.
        plain = os.path.normpath(name)
        if os.path.isabs(name) or plain.split(os.sep)[0] == "..":
            raise ConfigError(f"{path}: the file {name!r} lies outside the config's folder")
        name = plain
    return os.path.join(os.path.dirname(path), name)


def _read_exclude(path: str, digest: str | None) -> RegionSet:
    regions = RegionSet.from_bed(path)
    _expect_digest(path, "what was", digest, digest_of(regions))
    return regions


def _expect_digest(path: str, what: str, expected: str | None, found: str) -> None:
    if expected not in (None, found):
        raise ConfigError(f"{path}: not {what} saved: expected digest {expected}, found {found}")


def _take(table: dict[str, Any], key: str, kind: type, path: str, within: str = "") -> Any:
    value = table.get(key)
    if value is not None and not isinstance(value, kind):
        raise ConfigError(
            f"{path}: expected the key '{within}{key}' to be a {kind.__name__}, found {value!r}"
        )
    return value


def _special_tokens(found: dict[str, Any], path: str) -> SpecialTokens:
    tokens: dict[str, str] = {}
    for entry in _take(found, "special_tokens", list, path) or []:
        if not isinstance(entry, dict) or not {"name", "token"} <= set(entry):
            raise ConfigError(
                f"{path}: expected special_tokens as a list of tables with name and token, "
                f"found {entry!r}"
            )
        if not isinstance(entry["name"], str):
            raise ConfigError(f"{path}: expected a special token's name, found {entry['name']!r}")
        if entry["name"] in tokens:
            raise ConfigError(
                f"{path}: expected each special token once, found {entry['name']!r} twice"
            )
        tokens[entry["name"]] = entry["token"]
    try:
        return SpecialTokens.of(tokens)
    except GtokError as error:
        raise ConfigError(f"{path}: {error}") from None


def save_folder(
    folder: str | os.PathLike[str],
    universe: Universe,
    exclude: RegionSet | None,
    method: str,
    options: dict[str, Any],
) -> list[str]:
    """Write a universe and its config into a folder, all files or none.

    Parameters
    ----------
    folder : str or path
        Made if it is not there; other files in it stay.
    universe : Universe
        What to save.
    exclude : RegionSet, optional
        What is left out of samples.
    method : {"bits", "ailist"}
        The index in use, told to gtars.
    options : dict
        The tokenizer's settings; None values are left out.

    Returns
    -------
    list of str
        The files written.
    """
    import gtok

    tokens = ",\n".join(
        f"    {{ name = {_quote(role)}, token = {_quote(token)} }}"
        for role, token in universe.special_tokens.items()
    )
    lines = [
        f"universe = {_quote(UNIVERSE_FILE)}",
        f"tokenizer_type = {_quote(method)}",
        f"special_tokens = [\n{tokens},\n]",
        "",
        "[gtok]",
        f"version = {_quote(gtok.__version__)}",
        f"digest = {_quote(universe.digest)}",
    ]
    if universe.genome is not None:
        lines.append(f"genome = {_quote(universe.genome)}")
    names = [UNIVERSE_FILE, CONFIG_FILE]
    if exclude is not None:
        names.append(EXCLUDE_FILE)
        lines.append(f"exclude = {_quote(EXCLUDE_FILE)}")
        lines.append(f"exclude_digest = {_quote(digest_of(exclude))}")
    lines += [f"{key} = {_quote(value)}" for key, value in options.items() if value is not None]
    # All are there before any takes its name: a full disk leaves the tokenizer that was saved.
    with whole_folder(folder) as hidden:
        _for_gtars(universe.regions).to_bed(os.path.join(hidden, UNIVERSE_FILE))
        if exclude is not None:
            exclude.to_bed(os.path.join(hidden, EXCLUDE_FILE))
        with write_whole(os.path.join(hidden, CONFIG_FILE)) as handle:
            handle.write(("\n".join(lines) + "\n").encode())
    return [os.path.join(folder, name) for name in names]


def _for_gtars(regions: RegionSet) -> RegionSet:
    """The same regions with a name and a score each, if any has one.

    gtars takes three columns or five, and every score for a number: what is missing is written as
    ``.`` and as ``nan``.
    """
    names, scores = regions.names, regions.scores
    if names is None and scores is None:
        return regions
    numbers = [float("nan")] * len(regions) if scores is None else scores.tolist()
    return regions.with_texts(
        TextColumn.from_list([name or "." for name in names or [""] * len(regions)]),
        TextColumn.from_list([f"{number:.17g}" for number in numbers]),
    )


def _quote(value: str | float) -> str:
    """A string or a number as TOML writes it, which for these is as JSON does."""
    import json

    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def find_config(folder: str | os.PathLike[str]) -> Config:
    """The config of a saved folder, or what one without a config amounts to.

    gtars's folders hold a ``universe.bed.gz`` and geniml's a ``universe.bed``, with no config.

    Raises
    ------
    ConfigError
        If the folder holds none of them.
    """
    path = os.path.join(folder, CONFIG_FILE)
    if os.path.isfile(path):
        return read_config(path, confined=True)
    for name in (UNIVERSE_FILE, PLAIN_UNIVERSE_FILE):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return Config(path, path, SpecialTokens())
    raise ConfigError(
        f"{os.fspath(folder)}: expected {CONFIG_FILE}, {UNIVERSE_FILE} or {PLAIN_UNIVERSE_FILE} "
        "in it, found none"
    )
