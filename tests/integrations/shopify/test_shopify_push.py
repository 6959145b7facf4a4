"""Writing to a store: judged by the tags its customers have afterwards, and by what each change was said to have come to."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from integrations.base import Change, MarkKind, NewMember, Outcome, Place, Result
from integrations.errors import Misconfigured, NotFound, RateLimited, Rejected, Transient
from integrations.models import Connection
from integrations.registry import DestinationSettings
from integrations.sandbox.faults import Fault
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.shopify.state import Store
from integrations.shopify import push, tag_calls, tag_jobs
from integrations.shopify.push import ShopifyDestination

VIP = Place(MarkKind.TAG, "segsync:vip")
LAPSED = Place(MarkKind.TAG, "segsync:lapsed")
NOBODY = "999999"


@pytest.fixture
def destination(connection: Connection) -> ShopifyDestination:
    return ShopifyDestination(connection, DestinationSettings())


@pytest.fixture(params=["one by one", "in bulk"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of writing promise the same."""
    if request.param == "in bulk":
        monkeypatch.setattr(push, "bulk_from", lambda *_: 1)
    return str(request.param)


def ids(store: Store, count: int) -> list[str]:
    return [str(key) for key in list(store.customers)[:count]]


def add(members: list[str], place: Place = VIP, *, start: int = 0) -> list[Change]:
    return [Change(key, place, member, True) for key, member in enumerate(members, start=start)]


def results(outcomes: list[Outcome]) -> dict[int, Result]:
    assert len({outcome.key for outcome in outcomes}) == len(outcomes)
    return {outcome.key: outcome.result for outcome in outcomes}


def tagged(store: Store, tag: str) -> set[str]:
    return {str(each.id) for each in store.customers.values() if tag in each.tags}


def test_tags_come_and_go_and_every_other_tag_stays(destination: ShopifyDestination, store: Store, way: str) -> None:
    members = ids(store, 60)
    before = {key: list(each.tags) for key, each in store.customers.items()}
    assert set(results(destination.write(add(members))).values()) == {Result.DONE}
    assert tagged(store, "segsync:vip") == set(members)
    both = [Change(1, VIP, members[0], False), Change(2, LAPSED, members[0], True), Change(3, LAPSED, members[1], True)]
    assert results(destination.write(both)) == {1: Result.DONE, 2: Result.DONE, 3: Result.DONE}
    assert tagged(store, "segsync:vip") == set(members[1:])
    destination.write([Change(key, place, member, False) for key, (place, member) in enumerate((p, m) for p in (VIP, LAPSED) for m in members)])
    assert {key: each.tags for key, each in store.customers.items()} == before


def test_fault_26_and_31_each_change_has_an_outcome_of_its_own(destination: ShopifyDestination, store: Store, way: str) -> None:
    fine, full = ids(store, 2)
    store.customers[int(full)].tags = sorted(f"tag-{number:03}" for number in range(250))
    changes = [*add([fine, NOBODY, full, "gid://evil"]), Change(9, Place(MarkKind.TAG, "a,b"), fine, True)]
    outcomes = destination.write(changes)
    assert results(outcomes) == {0: Result.DONE, 1: Result.GONE, 2: Result.REJECTED, 3: Result.REJECTED, 9: Result.REJECTED}
    assert "250" in next(outcome.detail for outcome in outcomes if outcome.key == 2)
    assert tagged(store, "segsync:vip") == {fine}


def test_all_tags_of_one_customer_go_in_one_call(destination: ShopifyDestination, store: Store, sandbox: SandboxServer) -> None:
    changes = [Change(key, Place(MarkKind.TAG, f"segsync:{key}"), member, True) for key, member in enumerate(ids(store, 2) * 20)]
    calls, refused = tag_calls.calls_for(changes)
    assert (len(calls), refused) == (2, [])
    begun = datetime.now(UTC)
    destination.write(changes)
    assert [call.operation for call in sandbox.world.calls.recent(begun + sandbox.world.clock.offset)] == ["Batch"]


def test_many_changes_take_a_handful_of_requests(
    destination: ShopifyDestination, store: Store, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "bulk_from", lambda *_: 100)
    begun = datetime.now(UTC)
    assert set(results(destination.write(add(ids(store, 120)))).values()) == {Result.DONE}
    made = Counter(call.operation for call in sandbox.world.calls.recent(begun + sandbox.world.clock.offset))
    assert made["StartBulkMutation"] == 1
    assert made["Batch"] == 0
    assert made.total() < 15


@pytest.mark.parametrize("kind", ["apply_then_500", "apply_then_reset", "cut_body", "500", "reset"])
def test_fault_4_a_request_without_an_answer_is_unknown_and_the_rest_is_left_for_later(
    destination: ShopifyDestination, store: Store, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(tag_calls, "AT_ONCE", 10)
    members = ids(store, 30)
    destination.read(VIP, members[:1])  # the connection is open already
    sandbox.world.faults.add(Fault(kind, operation="Batch", remaining=1))
    told = results(destination.write(add(members)))
    assert Counter(told.values()) == {Result.UNKNOWN: 10, Result.UNSENT: 20}
    assert len(tagged(store, "segsync:vip")) == (0 if kind in ("500", "reset") else 10)
    assert destination.read(VIP, members) == {member: member in tagged(store, "segsync:vip") for member in members}


def test_nothing_carried_out_is_raised_so_that_nobody_reads_back_in_vain(
    destination: ShopifyDestination, store: Store, sandbox: SandboxServer, way: str
) -> None:
    sandbox.world.faults.add(Fault("429", retry_after=7, remaining=1, operation="Batch" if way == "one by one" else "StageUpload"))
    with pytest.raises(RateLimited) as raised:
        destination.write(add(ids(store, 5)))
    assert raised.value.retry_after == 7
    assert tagged(store, "segsync:vip") == set()


def test_an_empty_bucket_is_waited_for_and_nothing_is_lost(destination: ShopifyDestination, store: Store, sandbox: SandboxServer) -> None:
    shop = sandbox.shopify.shop(store.domain)
    assert shop is not None
    shop.bucket.drain()
    assert set(results(destination.write(add(ids(store, 40)))).values()) == {Result.DONE}


@pytest.mark.parametrize(("kind", "operation"), [("apply_then_500", "StartBulkMutation"), ("bulk_failed", "bulk"), ("bulk_cut", "bulk")])
def test_a_bulk_job_that_does_not_tell_leaves_what_it_does_not_tell_unknown(
    destination: ShopifyDestination, store: Store, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch, kind: str, operation: str
) -> None:
    monkeypatch.setattr(push, "bulk_from", lambda *_: 1)
    members = ids(store, 40)
    sandbox.world.faults.add(Fault(kind, operation=operation, remaining=1))
    told = results(destination.write(add(members)))
    assert set(told) == set(range(40))
    assert Result.UNKNOWN in told.values()
    assert all(members[key] in tagged(store, "segsync:vip") for key, result in told.items() if result is Result.DONE)


def test_a_look_at_a_bulk_job_that_gets_no_answer_is_not_the_last_one(
    destination: ShopifyDestination, store: Store, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "bulk_from", lambda *_: 1)
    sandbox.world.faults.add(Fault("500", operation="BulkOperation", remaining=2))
    assert set(results(destination.write(add(ids(store, 40)))).values()) == {Result.DONE}


def test_a_bulk_job_nobody_tells_of_until_patience_ends_is_unknown(
    destination: ShopifyDestination, store: Store, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "bulk_from", lambda *_: 1)
    monkeypatch.setattr(tag_jobs, "PATIENCE", 0.3)
    sandbox.world.faults.add(Fault("500", operation="BulkOperation"))
    assert set(results(destination.write(add(ids(store, 40)))).values()) == {Result.UNKNOWN}


@pytest.mark.parametrize("operation", ["StageUpload", "POST /shopify-files"])
def test_an_upload_that_fails_has_changed_nothing(
    destination: ShopifyDestination, store: Store, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    monkeypatch.setattr(push, "bulk_from", lambda *_: 1)
    sandbox.world.faults.add(Fault("500", operation=operation, remaining=1))
    with pytest.raises(Transient):
        destination.write(add(ids(store, 5)))
    assert tagged(store, "segsync:vip") == set()


def test_tags_are_read_without_regard_to_case_and_the_unknown_are_told(destination: ShopifyDestination, store: Store) -> None:
    first, second = ids(store, 2)
    store.customers[int(first)].tags = ["SegSync:VIP"]
    store.customers[int(second)].tags = ["segsync:vip2"]
    assert destination.read(VIP, [first, second, NOBODY, "no id"]) == {first: True, second: False, NOBODY: None, "no id": None}
    assert destination.read(VIP, []) == {}


def test_the_segment_over_a_tag_is_made_once(destination: ShopifyDestination, store: Store) -> None:
    quoted = Place(MarkKind.TAG, "segsync:ann's")
    made = destination.ensure_view(quoted, "Ann's people", "")
    assert destination.ensure_view(quoted, "Ann's people", made) == made
    assert destination.ensure_view(quoted, "Ann's people", "") == made  # an answer that was lost is found again
    assert [(each.name, each.query) for each in store.segments.values()] == [("Ann's people", "customer_tags CONTAINS 'segsync:ann\\'s'")]
    store.segments.clear()
    with pytest.raises(NotFound):
        destination.ensure_view(quoted, "Ann's people", made)


@pytest.mark.parametrize("name", ["", " vip", "a,b", "x" * 256])
def test_fault_31_what_cannot_be_a_tag_is_refused_before_it_is_sent(destination: ShopifyDestination, name: str) -> None:
    with pytest.raises(Rejected, match="cannot be a tag"):
        destination.ensure_place(Place(MarkKind.TAG, name), "")
    assert destination.ensure_place(VIP, "") == VIP


def test_what_shopify_cannot_do_is_said(destination: ShopifyDestination) -> None:
    with pytest.raises(Misconfigured, match="no lists"):
        destination.ensure_place(Place(MarkKind.LIST, "vip"), "")
    with pytest.raises(Misconfigured, match="not created"):
        destination.create([NewMember(1, "ann@example.com")])
