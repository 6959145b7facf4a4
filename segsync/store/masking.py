"""Names of people as reports show them: enough to recognise somebody by, too little to write to them."""

from __future__ import annotations

from collections.abc import Iterable

from segsync.store.models import Identity


def masked(address: str) -> str:
    """An e-mail address without what tells who it is: "ann@example.com" becomes "a…@example.com"; "" stays so."""
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}…{at}{domain}" if at else ""


def known_as(shop_id: int, customers: Iterable[int]) -> dict[int, str]:
    """The oldest address of each of these customers, masked; whoever has none is left out."""
    rows = Identity.objects.filter(shop_id=shop_id, customer_id__in=list(customers), kind=Identity.EMAIL).order_by("-pk")
    return {customer: masked(address) for customer, address in rows.values_list("customer_id", "value")}
