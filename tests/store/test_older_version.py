"""While a new version is put in place, processes of the one before write on: into tables that have more columns than they know."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from integrations.models import Shop
from segsync.rules.models import Segment
from segsync.store.models import Activity
from tests.factories import NOON


def older(app: str, migration: str, model: str) -> Any:
    """The model as it was after that migration."""
    return MigrationLoader(connection).project_state([(app, migration)]).apps.get_model(app, model)


def test_an_older_process_stores_activities(shop: Shop) -> None:
    known = older("store", "0002_places", "Activity")
    known.objects.create(shop_id=shop.pk, source="hubspot", external_id="e1", kind="emails.opened", at=NOON)
    stored = Activity.objects.get()
    assert {stored.about, stored.contact_id_text, stored.form, stored.network, stored.page, stored.sentiment, stored.survey} == {""}


def test_an_older_process_makes_segments(shop: Shop) -> None:
    older("rules", "0001_initial", "Segment").objects.create(shop_id=shop.pk, handle="buyers", name="Buyers")
    made = Segment.objects.get()
    assert (made.problem, made.meaning) == ("", "")
