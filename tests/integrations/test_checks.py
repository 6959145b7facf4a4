"""What `manage.py check` tells before anything goes wrong, and what the registry says of an unknown connector."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from integrations import registry
from integrations.checks import check_credentials, check_deployment
from integrations.errors import Misconfigured


@pytest.fixture
def ready(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A production that is set up."""
    settings.DEBUG = False
    settings.SHOPIFY_CLIENT_ID, settings.SHOPIFY_CLIENT_SECRETS = "id", ["secret"]
    settings.HUBSPOT_CLIENT_ID, settings.HUBSPOT_CLIENT_SECRET = "id", "secret"
    settings.PUBLIC_URL, settings.SHOPIFY_SHOP_URL = "https://segsync.example.com", "https://{shop}"
    settings.HUBSPOT_API_URL, settings.HUBSPOT_APP_URL = "https://api.hubapi.com", "https://app.hubspot.com"
    settings.SHOPIFY_FILE_HOSTS = ["storage.googleapis.com"]
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    return settings


def ids(settings: Settings) -> list[str]:
    return [found.id for found in (*check_credentials(), *check_deployment())]


def test_a_production_that_is_set_up_has_nothing_to_tell(ready: Settings) -> None:
    assert ids(ready) == []


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("SHOPIFY_CLIENT_ID", "", "segsync.E001"),
        ("SHOPIFY_CLIENT_SECRETS", [], "segsync.E002"),
        ("HUBSPOT_CLIENT_ID", "", "segsync.E003"),
        ("HUBSPOT_CLIENT_SECRET", "", "segsync.E004"),
        ("HUBSPOT_API_URL", "http://127.0.0.1:9292/hubspot", "segsync.E010"),
        ("PUBLIC_URL", "http://segsync.example.com", "segsync.E010"),
        ("SHOPIFY_FILE_HOSTS", ["storage.googleapis.com", "127.0.0.1:9292"], "segsync.E011"),
        ("SHOPIFY_FILE_HOSTS", ["localhost"], "segsync.E011"),
        ("SHOPIFY_FILE_HOSTS", ["10.0.0.8"], "segsync.E011"),
        ("SHOPIFY_FILE_HOSTS", ["[::1]:80"], "segsync.E011"),
    ],
)
def test_each_thing_missing_or_unsafe_is_told_by_its_id(ready: Settings, name: str, value: object, found: str) -> None:
    setattr(ready, name, value)
    assert ids(ready) == [found]


def test_sqlite_in_production_is_warned_of(ready: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ready.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    assert ids(ready) == ["segsync.W012"]


def test_on_a_development_machine_a_missing_secret_is_only_a_warning(ready: Settings) -> None:
    ready.DEBUG, ready.SHOPIFY_CLIENT_ID = True, ""
    assert [found.id for found in check_credentials()] == ["segsync.W001"]


def test_an_unknown_connector_is_told_with_the_ones_there_are() -> None:
    with pytest.raises(Misconfigured, match="'carrier-pigeon'; the ones there are: hubspot, shopify"):
        registry.connector("carrier-pigeon")
