"""What the page shows of a world: counts, customers with tags, lists with members, calls per minute. Reads only; hold `world.lock`."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from integrations.sandbox.calls import CallLog
from integrations.sandbox.hubspot.lists import members_of
from integrations.sandbox.hubspot.state import CrmList, Portal
from integrations.sandbox.shopify.state import Customer, Store
from integrations.sandbox.world import World

Shown = dict[str, Any]
CALL_MINUTES = 30


def state(world: World) -> Shown:
    """The clock, and how much each store and portal holds."""
    return {
        "clock": {"now": world.clock.now(), "ahead_seconds": int(world.clock.offset.total_seconds())},
        "stores": [_store(store) for store in world.stores.values()],
        "portals": [_portal(portal) for portal in world.portals.values()],
        "faults": len(world.faults.list()),
    }


def _store(store: Store) -> Shown:
    return {
        "domain": store.domain,
        "name": store.name,
        "currency": store.currency,
        "timezone": store.timezone,
        "plan": store.plan,
        "counts": {
            "customers": len(store.customers),
            "orders": len(store.orders),
            "products": len(store.products),
            "collections": len(store.collections),
            "checkouts": len(store.checkouts),
            "segments": len(store.segments),
            "tagged_customers": sum(bool(customer.tags) for customer in store.customers.values()),
        },
        "last_order_at": next(reversed(store.orders.values())).processed_at if store.orders else None,
    }


def _portal(portal: Portal) -> Shown:
    return {
        "hub_id": portal.hub_id,
        "domain": portal.domain,
        "counts": {
            "contacts": sum(not contact.archived for contact in portal.contacts.values()),
            "lists": sum(one.deleted_at is None for one in portal.lists.values()),
            "campaigns": len(portal.campaigns),
            "email_events": len(portal.email_events),
            "page_views": len(portal.page_views),
            "form_submissions": len(portal.form_submissions),
            "survey_answers": len(portal.feedback),
        },
    }


def _customer(store: Store, customer: Customer) -> Shown:
    orders, spent = store.lifetime(customer)
    return {
        "id": customer.id,
        "email": customer.email,
        "country": customer.country,
        "city": customer.city,
        "tags": list(customer.tags),
        "orders": orders,
        "spent_minor": spent,
        "last_order_at": store.orders[customer.order_ids[-1]].processed_at if customer.order_ids else None,
        "updated_at": customer.updated_at,
    }


def customers(store: Store, offset: int, limit: int, tag: str, query: str) -> Shown:
    """Some of the customers that carry `tag` (case does not count; "" for all) and whose id or address holds `query`."""
    wanted, text = tag.casefold(), query.strip().casefold()
    found = [
        customer
        for customer in store.customers.values()
        if (not wanted or any(one.casefold() == wanted for one in customer.tags))
        and (not text or text in (customer.email or "").casefold() or text in str(customer.id))
    ]
    return {"total": len(found), "offset": offset, "customers": [_customer(store, one) for one in found[offset : offset + limit]]}


def tags(store: Store) -> dict[str, int]:
    """Tag -> number of customers, the most frequent first."""
    counted = Counter(tag for customer in store.customers.values() for tag in customer.tags)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0].casefold())))


def segments(store: Store) -> list[Shown]:
    """The store's native segments with their queries."""
    return [
        {"id": one.id, "name": one.name, "query": one.query, "created_at": one.creation_date, "edited_at": one.last_edit_date}
        for one in store.segments.values()
    ]


def _list(portal: Portal, one: CrmList, members: list[int], with_members: bool) -> Shown:
    folder = portal.folders.get(one.folder_id)
    shown: Shown = {
        "id": one.id,
        "name": one.name,
        "processing_type": one.processing_type,
        "folder": folder.name if folder else "",
        "size": len(members),
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "deleted_at": one.deleted_at,
    }
    return shown | {"members": members} if with_members else shown


def lists(portal: Portal, *, with_members: bool = True) -> Shown:
    """Folders and lists, with the contact ids on each list unless they are not wanted."""
    return {
        "folders": [{"id": one.id, "name": one.name, "parent_id": one.parent_id} for one in portal.folders.values()],
        "lists": [_list(portal, one, sorted(members_of(portal, one)), with_members) for one in portal.lists.values()],
    }


def members(portal: Portal, one: CrmList, offset: int, limit: int) -> Shown:
    """Some of a list's members, in the order they joined."""
    everybody = list(members_of(portal, one).items())
    rows = []
    for contact_id, since in everybody[offset : offset + limit]:
        contact = portal.contacts.get(contact_id)
        rows.append({"id": contact_id, "email": contact.properties.get("email") if contact else None, "since": since})
    return {"total": len(everybody), "offset": offset, "members": rows}


def calls(log: CallLog, now: datetime) -> Shown:
    """Answered calls of the last minutes by minute, platform and operation, and totals since the start."""
    minutes: dict[datetime, dict[str, Shown]] = {}
    start = now.replace(second=0, microsecond=0) - timedelta(minutes=CALL_MINUTES - 1)
    for call in log.recent(start):
        by_platform = minutes.setdefault(call.at.replace(second=0, microsecond=0), {})
        cell = by_platform.setdefault(call.platform, {"calls": 0, "throttled": 0, "failed": 0, "operations": Counter()})
        cell["calls"] += 1
        cell["throttled"] += call.throttled
        cell["failed"] += call.status == 0 or call.status >= 500
        cell["operations"][call.operation] += 1
    totals: dict[tuple[str, str, str], Shown] = {}
    for (platform, account, operation, throttled), number in log.totals().items():
        row = totals.setdefault((platform, account, operation), {"platform": platform, "account": account, "operation": operation, "calls": 0, "throttled": 0})
        row["calls"] += number
        row["throttled"] += number if throttled else 0
    return {
        "minutes": [{"at": at, "platforms": minutes.get(at, {})} for at in (start + timedelta(minutes=n) for n in range(CALL_MINUTES))],
        "totals": sorted(totals.values(), key=lambda row: -row["calls"]),
    }
