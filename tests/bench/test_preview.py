"""The benchmark of previews leaves nothing behind."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from integrations.models import Shop
from segsync.evaluate.models import Membership, Snapshot
from segsync.store.models import Customer
from tests.factories import customer, tell


def test_previews_are_measured_by_columns_and_nothing_is_kept(shop: Shop, tmp_path: Path, settings: Settings) -> None:
    settings.VAR_DIR, settings.SEGSYNC_COLUMNAR_FROM = tmp_path, 1
    tell(shop, "shopify", customer("1"))
    out = StringIO()
    call_command("bench", "preview", "--customers", "300", "--orders", "2000", "--activities", "3000", "--previews", "12", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told["customers"], told["previews"]) == (300, 12)
    assert 0 < told["p50"] <= told["p95"] <= told["slowest"]
    assert (Shop.objects.count(), Customer.objects.count(), Membership.objects.count(), Snapshot.objects.count()) == (1, 1, 0, 0)
    assert list((tmp_path / "snapshots").iterdir()) == []


def test_a_size_that_means_nothing_is_refused() -> None:
    with pytest.raises(CommandError, match="--previews must be 1 or more"):
        call_command("bench", "preview", "--previews", "0")
