"""Addresses that platforms call: one for each connector that receives webhooks."""

from __future__ import annotations

from django.urls import path

from integrations.registry import connectors
from integrations.webhooks import receive

urlpatterns = [
    path(f"webhooks/{made.name}", receive, {"vendor": made.name}, name=f"webhooks-{made.name}") for made in connectors.values() if made.receive is not None
]
