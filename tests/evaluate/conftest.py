"""Files of snapshots go where the test says."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings


@pytest.fixture
def var(tmp_path: Path, settings: Settings) -> Path:
    """The folder of this test's files."""
    settings.VAR_DIR = tmp_path
    return tmp_path


@pytest.fixture
def columnar(var: Path, settings: Settings) -> Path:
    """Every shop is judged by columns."""
    settings.SEGSYNC_COLUMNAR_FROM = 0
    return var
