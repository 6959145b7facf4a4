"""Everything that is stored about one person, as a person can be handed it."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet

from segsync.diff.models import LedgerEntry
from segsync.evaluate.models import Membership
from segsync.privacy import people_of
from segsync.store.models import Activity, Checkout, Customer, Identity, Order, OrderLine, PrivacyRequest, Profile

_OURS = frozenset({"shop", "customer", "id", "order"})  # numbers of ours that tell nobody anything


def stored_about(request: PrivacyRequest) -> dict[str, Any]:
    """What is stored about whom the request names, by kind, as JSON can hold it; every list is empty for somebody who is not known."""
    people = people_of(request)
    theirs = {"shop": request.shop, "customer_id__in": people}
    stays = Membership.objects.filter(**theirs).select_related("segment").order_by("since")
    marks = LedgerEntry.objects.filter(shop=request.shop, profile__customer_id__in=people).select_related("target__connection")
    return {
        "shop": request.shop.domain,
        "asked_at": request.received_at,
        "known_since": list(Customer.objects.filter(shop=request.shop, pk__in=people).values_list("created_at", flat=True)),
        "names": _rows(Identity.objects.filter(**theirs)),
        "records": _rows(Profile.objects.filter(**theirs)),
        "orders": _rows(Order.objects.filter(**theirs)),
        "order_lines": _rows(OrderLine.objects.filter(shop=request.shop, order__customer_id__in=people)),
        "checkouts": _rows(Checkout.objects.filter(**theirs)),
        "activities": _rows(Activity.objects.filter(**theirs)),
        "segments": [
            {"segment": stay.segment.name, "since": stay.since, "until": stay.until, "because": stay.cause, "evidence": stay.evidence} for stay in stays
        ],
        "marks": [
            {"platform": mark.target.connection.vendor, "place": mark.target.name, "there": mark.present, "written_at": mark.owned_since} for mark in marks
        ],
    }


def _rows(rows: QuerySet[Any, Any]) -> list[dict[str, Any]]:
    model: type[Model] = rows.model
    columns = [field.attname for field in model._meta.concrete_fields if field.name not in _OURS]
    return list(rows.order_by("pk").values(*columns))
