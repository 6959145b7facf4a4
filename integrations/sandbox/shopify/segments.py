"""Native segments: created, changed and deleted as in Shopify (shopify.dev, segmentCreate; limits as recorded from live stores)."""

from __future__ import annotations

from integrations.sandbox.shopify.access import Access
from integrations.sandbox.shopify.segment_query import QueryError, check
from integrations.sandbox.shopify.state import NativeSegment

NAME_LIMIT = 255
QUERY_LIMIT = 5_000
SEGMENT_LIMIT = 6_000

UserError = dict[str, object]


def create(access: Access, name: str, query: str) -> tuple[NativeSegment | None, list[UserError]]:
    """A new segment, its name made unique by a suffix ` (2)`, ` (3)`, … and its query kept as given; or what is wrong."""
    errors = _faults(name, query)
    if len(access.store.segments) >= SEGMENT_LIMIT:
        errors.append({"field": None, "message": f"Segment limit reached. Delete an existing segment to create more (limit {SEGMENT_LIMIT})."})
    if errors:
        return None, errors
    number = max(max(access.store.segments, default=0) + 1, next(access.shop.serial))
    segment = NativeSegment(number, _unique(access, name.strip()), query, access.now, access.now)
    access.store.segments[number] = segment
    access.webhooks.emit(access.store, "segments/create", number)
    return segment, []


def update(access: Access, number: int, name: str | None, query: str | None) -> tuple[NativeSegment | None, list[UserError]]:
    """The segment with a new name, a new query or both; or what is wrong."""
    segment = access.store.segments.get(number)
    if segment is None:
        return None, [{"field": ["id"], "message": "Segment does not exist"}]
    errors = _faults(segment.name if name is None else name, segment.query if query is None else query)
    if errors:
        return None, errors
    if name is not None and name.strip() != segment.name:
        segment.name = _unique(access, name.strip())
    if query is not None:
        segment.query = query
    segment.last_edit_date = access.now
    access.webhooks.emit(access.store, "segments/update", number)
    return segment, []


def delete(access: Access, number: int) -> list[UserError]:
    """Delete the segment; or what is wrong."""
    if access.store.segments.pop(number, None) is None:
        return [{"field": ["id"], "message": "Segment does not exist"}]
    access.webhooks.emit(access.store, "segments/delete", number)
    return []


def _faults(name: str, query: str) -> list[UserError]:
    errors: list[UserError] = []
    if not name.strip():
        errors.append({"field": ["name"], "message": "Name can't be blank"})
    elif len(name) > NAME_LIMIT:
        errors.append({"field": ["name"], "message": f"Name is too long (maximum is {NAME_LIMIT} characters)"})
    if not query.strip():
        errors.append({"field": ["query"], "message": "Query can't be blank"})
    elif len(query) > QUERY_LIMIT:
        errors.append({"field": ["query"], "message": f"Query is too long (maximum is {QUERY_LIMIT} characters)"})
    else:
        try:
            check(query)
        except QueryError as error:
            errors.append({"field": ["query"], "message": str(error)})
    return errors


def _unique(access: Access, name: str) -> str:
    taken = {segment.name for segment in access.store.segments.values()}
    if name not in taken:
        return name
    count = 2
    while f"{name} ({count})" in taken:
        count += 1
    return f"{name} ({count})"
