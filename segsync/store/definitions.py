"""Storing what properties a source has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from integrations import records
from segsync.store.models import PropertyDefinitions
from segsync.store.touched import Touched


def store_definitions(shop_id: int, source: str, rows: Sequence[records.PropertyDefinitions], now: datetime, touched: Touched) -> None:
    """Keep the last of these sets in place of what the source told before."""
    told = [{**asdict(one), "options": list(one.options)} for one in rows[-1].definitions]
    kept = PropertyDefinitions.objects.filter(shop_id=shop_id, source=source).first()
    if kept is None or kept.definitions != told:
        touched.stored += len(told)
    PropertyDefinitions.objects.update_or_create(shop_id=shop_id, source=source, defaults={"definitions": told, "told_at": now})
