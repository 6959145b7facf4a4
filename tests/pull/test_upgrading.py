"""A newer version beside an older one: rows that the older one still writes, and what it was just reading."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from integrations.models import Connection, Shop
from segsync.heartbeat import TTL
from segsync.leases import claim
from segsync.pull import run
from segsync.pull.models import Run, Stream
from tests.line import Line

FIRST = [("integrations", "0001_initial"), ("pull", "0001_initial")]


def read_to_the_end() -> None:
    migration: Any = import_module("segsync.pull.migrations.0004_read_to_the_end")
    with connection.schema_editor() as editor:
        migration.read_to_the_end(apps, editor)


@pytest.fixture
def asked_again(line: Line, transactional_db: None) -> Line:
    """Everything pulled; an hour later the migration before asked for customers and orders again."""
    line.pull()
    line.wait(3_600)
    asked_for = MigrationRecorder(connection).migration_qs.filter(app="pull", name="0003_read_what_has_grown")
    asked_for.update(applied=line.now())
    line.wait(1)
    return line


@pytest.mark.django_db
def test_the_first_version_writes_rows_after_the_database_is_of_this_one(shop: Shop) -> None:
    before = MigrationLoader(connection).project_state(FIRST).apps
    made = before.get_model("integrations", "Connection").objects.create(shop_id=shop.pk, vendor="shopify", account="a", connected_at=shop.created_at)
    before.get_model("pull", "Stream").objects.create(shop_id=shop.pk, connection_id=made.pk, name="orders")
    assert Connection.objects.get().wanted_properties == []
    stream = Stream.objects.get()
    assert (stream.asking, stream.asked) == ([], [])


def test_what_is_to_be_read_again_is_read_although_an_older_worker_ended_its_window(asked_again: Line) -> None:
    read_to_the_end()
    whole = Run.objects.filter(since__isnull=True)
    assert Stream.objects.get(name="customers").pulled_until is None
    assert Stream.objects.get(name="products").pulled_until is not None
    asked_again.pull()
    assert sorted(whole.filter(started_at__gte=asked_again.now() - timedelta(minutes=10)).values_list("stream__name", flat=True)) == ["customers", "orders"]
    read_to_the_end()
    assert Stream.objects.get(name="customers").pulled_until is not None  # once is enough


def test_an_older_worker_that_still_reads_loses_the_stream(asked_again: Line) -> None:
    stream = asked_again.stream("customers")
    Stream.objects.update(pulled_until=None)
    older = claim(Stream, stream.pk, now=asked_again.now(), ttl=TTL)
    assert older is not None
    read_to_the_end()
    assert older.release(pulled_until=asked_again.now()) is False
    assert run.pull(stream.pk, asked_again.now) is False  # begun at once, nobody waits for the older one
    assert asked_again.stream("customers").window_until is not None
