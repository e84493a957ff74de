"""The exceptions that gtok raises about its inputs."""

from __future__ import annotations

import numbers
from collections.abc import Sequence


class GtokError(ValueError):
    """Something that was given cannot be what it was given as; the message says what and where."""


class BedError(GtokError):
    """A line or a byte stream that is not BED."""


class ConfigError(GtokError):
    """A configuration or a saved tokenizer that cannot be understood or does not fit together."""


def check_choice(name: str, value: object, choices: Sequence[object]) -> None:
    """Refuse a setting that is none of its choices.

    Raises
    ------
    GtokError
        Naming the choices.
    """
    if not any(isinstance(value, type(choice)) and value == choice for choice in choices):
        *others, last = map(repr, choices)
        raise GtokError(f"expected {name} {', '.join(others)} or {last}, found {value!r}")


def check_base_pairs(name: str, value: object, least: int) -> int:
    """Refuse a setting that is no number of base pairs.

    Raises
    ------
    GtokError
        Naming the range.
    """
    # numpy's whole numbers are Integral, and so is bool.
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        number = int(value)
        if least <= number < 2**31:
            return number
    raise GtokError(f"expected {name} in base pairs, from {least} to 2**31 - 1, found {value!r}")
