"""A shop for each story, with a time of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests.journeys.story import Story
from tests.journeys.world import World, prepare


@pytest.fixture
def world(db: None, story: Story, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> World:
    """The story's shop at its beginning, nobody known and nothing asked."""
    settings.VAR_DIR = tmp_path
    settings.SEGSYNC_COLUMNAR_FROM = 0 if story.columnar else 10_000
    return prepare(monkeypatch, World(story.zone, story.start))
