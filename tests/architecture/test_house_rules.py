"""The layout keeps its promises: small files, plain names, one place for admin code, every row carries its shop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import models

from integrations.models import OAuthState, Shop

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("config", "integrations", "segsync")
MOST_LINES = 400
VAGUE = {"utils", "util", "helpers", "helper", "services", "managers", "signals", "misc", "common"}
WITHOUT_SHOP = {Shop, OAuthState}  # the shop itself; a consent that may be for a store nobody knows yet


def sources(*packages: str) -> Iterator[Path]:
    """Every Python file of ours but migrations, which Django writes."""
    for package in packages:
        yield from (path for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts)


def test_there_is_something_to_look_at() -> None:
    assert len(list(sources(*PACKAGES))) > 100


def test_no_file_is_too_long_to_read() -> None:
    long = {str(path.relative_to(ROOT)): count for path in sources(*PACKAGES) if (count := len(path.read_text().splitlines())) > MOST_LINES}
    assert long == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    vague = [str(path.relative_to(ROOT)) for path in sources(*PACKAGES, "tests") if path.stem in VAGUE or path.parent.name in VAGUE]
    assert vague == []


def test_admin_code_is_in_the_console_alone() -> None:
    console = ROOT / "segsync" / "console"
    outside = [
        str(path.relative_to(ROOT))
        for path in sources(*PACKAGES)
        if console not in path.parents and (path.name == "admin.py" or "ModelAdmin" in path.read_text() or "admin.register" in path.read_text())
    ]
    assert outside == []


def ours() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.split(".")[0] in PACKAGES]


def required_parents(model: type[models.Model]) -> Iterator[type[models.Model]]:
    """The models that a row cannot be without."""
    for field in model._meta.get_fields():
        if isinstance(field, models.ForeignKey) and not field.null and isinstance(field.related_model, type):
            yield field.related_model


def carries_its_shop(model: type[models.Model], seen: frozenset[type[models.Model]] = frozenset()) -> bool:
    """Whether each row has a shop of its own, or cannot be without another row that has one."""
    parents = set(required_parents(model)) - seen
    return Shop in parents or any(carries_its_shop(parent, seen | {model}) for parent in parents)


def test_invariant_11_every_row_carries_its_shop() -> None:
    assert {model for model in ours() if not carries_its_shop(model)} == WITHOUT_SHOP


def test_every_package_of_tests_can_be_found_by_the_name_of_what_it_tests() -> None:
    rooms = {path.name for path in (ROOT / "segsync").iterdir() if (path / "apps.py").exists()}
    assert {"pull", "push", "diff", "evaluate", "store", "rules"} <= rooms
    tested = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert {"pull", "push", "diff", "evaluate", "store", "rules"} <= tested
