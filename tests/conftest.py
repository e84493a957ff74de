"""Fixtures and settings that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    deadline=None,
    max_examples=80,
    # Fixtures that hypothesis sees once per test are read-only here.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True)
settings.register_profile("few", parent=settings.get_profile("default"), max_examples=8)
settings.load_profile("ci" if os.environ.get("CI") else "default")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files, which is not part of the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data are not here: expected ../shared/data beside the repository")
    return SHARED_DATA


@pytest.fixture
def umask() -> Iterator[int]:
    """A umask other than the usual one, for as long as the test runs."""
    mask = 0o027
    before = os.umask(mask)
    yield mask
    os.umask(before)
