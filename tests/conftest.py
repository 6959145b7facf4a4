"""Fixtures that every part of the suite uses."""

from __future__ import annotations

import os

import pytest
from django.db import connection

from integrations.models import Connection, Shop
from tests.factories import NOON

DATABASE = {"db", "transactional_db", "django_db_setup", "live_server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="only the tests that touch a database: the rest is the same on every one")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here, elsewhere = [], []
    for item in items:
        (elsewhere if item.get_closest_marker("postgresql") and connection.vendor != "postgresql" else here).append(item)
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = here
    if not config.getoption("--database-only"):
        return
    chosen, rest = [], []
    for item in items:
        touches = item.get_closest_marker("django_db") or DATABASE & set(getattr(item, "fixturenames", ()))
        (chosen if touches else rest).append(item)
    config.hook.pytest_deselected(items=rest)
    items[:] = chosen


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter else 0


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With CI set nothing may be left out unseen: a skipped test fails the run."""
    if os.environ.get("CI") and _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if os.environ.get("CI") and (count := _skipped(config)):
        terminalreporter.line(f"CI is set, so these {count} skipped tests fail the run: install or start what they need.", red=True)


@pytest.fixture
def shop(db: None) -> Shop:
    return Shop.objects.create(domain="corner-shop.myshopify.com", name="Corner Shop", timezone="Europe/London", currency="GBP", status=Shop.Status.INSTALLED)


@pytest.fixture
def store(shop: Shop) -> Connection:
    """The shop's connection to its store."""
    return Connection.objects.create(shop=shop, vendor="shopify", account=shop.domain, connected_at=NOON)


@pytest.fixture
def crm(shop: Shop) -> Connection:
    """The shop's connection to its portal."""
    return Connection.objects.create(shop=shop, vendor="hubspot", account="4242", connected_at=NOON)
