"""A stream goes on where it was, whatever happened to the process or the platform in between."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.models import Connection
from integrations.sandbox.server import SandboxServer
from integrations.shopify import pull as shopify_pull
from segsync.heartbeat import TTL
from segsync.leases import Lease, claim
from segsync.pull import run
from segsync.pull.models import Run, Stream
from segsync.store.models import Checkout, Customer, Order, OrderLine, Product, Profile
from tests.line import Line, killed

COUNTED = (Profile, Product, Order, OrderLine, Checkout)


def kept() -> list[int]:
    """How many rows of each kind are stored."""
    return [model._default_manager.count() for model in COUNTED]


def everything(line: Line) -> list[int]:
    """How many there are in the store."""
    store = line.store
    lines = sum(len(order.lines) for order in store.orders.values())
    return [len(store.customers), len(store.products), len(store.orders), lines, len(store.checkouts)]


def ask(line: Line, name: str) -> bool:
    """Have the stream pulled once, now, however long it was to wait."""
    Stream.objects.filter(shop=line.shop, name=name).update(due_at=line.now())
    return run.pull(line.stream(name).pk, line.now)


def test_a_first_pull_stores_everything_there_is_once(line: Line) -> None:
    line.pull()
    assert kept() == everything(line)
    assert set(Run.objects.values_list("status", flat=True)) == {"done"}


@pytest.mark.parametrize(("step", "after", "times"), [("store_page", False, 2), ("store_page", True, 2), ("_close_window", False, 1)])
def test_invariant_1_a_cursor_moves_only_with_its_rows_in_a_bulk_file(line: Line, monkeypatch: pytest.MonkeyPatch, step: str, after: bool, times: int) -> None:
    monkeypatch.setattr(shopify_pull, "PAGE", 5)
    with killed(run, step, after=after, monkeypatch=monkeypatch, times=times):
        line.pull("orders")
    half = line.stream("orders")
    assert half.window_until is not None
    assert half.pulled_until is None
    line.wait(TTL.total_seconds() + 1)
    line.pull("orders")
    assert kept()[2:4] == everything(line)[2:4]
    done = Run.objects.get(stream=half)  # one run: it went on, it did not begin again
    assert (done.records, done.expected, done.until) == (sum(everything(line)[2:4]), sum(everything(line)[2:4]), half.window_until)


def test_invariant_1_a_cursor_moves_only_with_its_rows_in_a_page_of_changes(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.pull()
    line.order(2001, 104)
    line.wait(61)
    before = line.stream("orders")
    with killed(run, "store_page", after=True, monkeypatch=monkeypatch):
        ask(line, "orders")
    assert not Order.objects.filter(external_id="2001").exists()
    assert line.stream("orders").cursor == before.cursor
    line.wait(TTL.total_seconds() + 1)
    line.pull("orders")
    assert Order.objects.filter(external_id="2001").count() == 1


def test_invariant_2_windows_have_a_fixed_upper_end_and_overlap_the_last(line: Line) -> None:
    line.pull("customers")
    line.wait(61)
    line.pull("customers")
    first, second = Run.objects.filter(stream=line.stream("customers")).order_by("pk")
    assert first.since is None
    assert second.since == first.until - timedelta(minutes=3)
    assert line.stream("customers").pulled_until == second.until


def test_a_dead_workers_stream_is_left_alone_until_its_lease_ends_and_its_late_page_is_dropped(line: Line) -> None:
    stream = line.stream("customers")
    dead = claim(Stream, stream.pk, now=line.now(), ttl=TTL)
    assert dead is not None
    assert ask(line, "customers") is False
    assert line.calls("StartBulkQuery") == 0
    line.wait(TTL.total_seconds() + 1)
    line.pull("customers")
    late = shopify_pull.Page((), "bulk:somewhere:0:0")
    with pytest.raises(run.LeaseLost):
        run._store(stream, late, dead, line.now())
    with pytest.raises(run.LeaseLost):
        run._open_window(stream, next(iter(shopify_pull.STREAMS)), dead, line.now())
    assert line.stream("customers").cursor == ""


def test_fault_9_a_doubled_task_finds_nothing_due(line: Line) -> None:
    line.pull("customers")
    asked = line.calls()
    assert run.pull(line.stream("customers").pk, line.now) is False
    assert line.calls() == asked
    assert Run.objects.filter(stream=line.stream("customers")).count() == 1


def test_a_worker_told_to_stop_gives_the_stream_back_at_once(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> int:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(run, "store_page", stop)
        with pytest.raises(SystemExit):
            line.pull("customers")
    assert line.stream("customers").lease_until is None
    line.pull("customers")
    assert Profile.objects.count() == 5


def test_a_defect_of_our_own_is_shown_and_tried_less_and_less_often(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise KeyError("someone@example.com")

    with monkeypatch.context() as patch:
        patch.setattr(run, "store_page", fail)
        with pytest.raises(KeyError):
            line.pull("customers")
    stream = line.stream("customers")
    assert (stream.failures, stream.problem) == (1, "SegSync itself failed on it (KeyError); its log says why.")
    assert stream.due_at is not None
    assert stream.due_at > line.now()
    line.pull("customers")
    assert (line.stream("customers").failures, line.stream("customers").problem) == (0, "")


@pytest.mark.parametrize("kind", ["bulk_failed", "bulk_canceled"])
def test_fault_32_a_failed_bulk_operation_begins_again_and_is_no_empty_store(line: Line, kind: str) -> None:
    line.fault(kind, platform="shopify")
    stream = line.stream("customers")
    while not line.stream("customers").failures:
        ask(line, "customers")
    stream = line.stream("customers")
    assert (stream.window_until, stream.cursor, stream.pulled_until) == (None, "", None)
    failed = Run.objects.get(stream=stream)
    assert failed.status == Run.Status.FAILED
    assert failed.problem == stream.problem != ""
    line.pull("customers")
    assert Profile.objects.count() == 5


def test_fault_33_a_cut_file_never_counts_as_the_whole(line: Line) -> None:
    line.fault("bulk_cut", platform="shopify")
    while not line.stream("orders").failures:
        ask(line, "orders")
    assert line.stream("orders").pulled_until is None
    line.pull("orders")
    assert kept()[2:4] == everything(line)[2:4]
    assert Customer.objects.count() == Profile.objects.count() + len({101, 102, 103, 105})  # those of the orders, not told of yet


def test_a_transient_failure_keeps_window_and_cursor(line: Line) -> None:
    line.pull()
    line.wait(61)
    line.fault("503", "CustomersPage", platform="shopify")
    assert ask(line, "customers") is False
    kept_open = line.stream("customers")
    assert kept_open.failures == 1
    assert kept_open.window_until is not None
    line.wait(30)
    line.pull("customers")
    assert line.stream("customers").pulled_until == kept_open.window_until


def test_fault_49_a_platform_that_hangs_frees_the_worker(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.pull()
    monkeypatch.setattr("integrations.http.TIMEOUT", (0.2, 0.2))
    line.fault("hang", "CustomersPage", platform="shopify", seconds=0.6)
    assert ask(line, "customers") is False
    assert line.stream("customers").problem == "The platform did not answer in time."


def test_fault_22_a_platform_that_asks_to_wait_is_not_called_by_anybody_before(line: Line, other: Line) -> None:
    line.pull()
    other.pull()
    line.fault("429", "CustomersPage", platform="shopify", retry_after=30)
    ask(line, "customers")
    asked = line.calls(account=line.domain)
    assert line.shopify.wait_until is not None
    line.wait(25)
    assert ask(line, "orders") is False
    assert line.calls(account=line.domain) == asked
    assert ask(other, "orders") is True
    line.wait(6)
    assert ask(line, "orders") is True
    assert ask(line, "customers") is True


def test_fault_23_an_expired_token_is_renewed_once_and_the_pull_goes_on(line: Line) -> None:
    line.pull()
    line.wait(3_700)
    renewals = line.calls("POST /admin/oauth/access_token")
    assert ask(line, "customers") is True
    assert line.calls("POST /admin/oauth/access_token") == renewals + 1


def test_fault_25_a_scope_taken_away_waits_an_hour_and_goes_on_by_itself(line: Line) -> None:
    line.pull()
    line.allow("read_orders", given=False)
    ask(line, "orders")
    stream = line.stream("orders")
    assert stream.refused_at is not None
    assert stream.due_at is not None
    assert stream.due_at - line.now() > timedelta(minutes=59)
    assert "read_orders" in stream.problem
    assert ask(line, "customers") is True  # the others go on
    line.allow("read_orders", given=True)
    line.pull("orders")
    assert (line.stream("orders").refused_at, line.stream("orders").problem) == (None, "")


def test_a_grant_that_is_gone_stops_the_calls_until_somebody_connects_again(line: Line) -> None:
    line.pull()
    line.server.shopify.tokens.revoke(line.domain)
    assert ask(line, "customers") is False
    assert line.shopify.status == Connection.Status.NEEDS_RECONNECT
    asked = line.calls()
    line.wait(7_200)
    assert ask(line, "customers") is False
    assert line.calls() == asked
    line.connect_store()
    assert run.pull(line.stream("customers").pk, line.now) is True
    assert Run.objects.filter(stream=line.stream("customers")).first().since is not None  # type: ignore[union-attr]


def test_fault_42_connecting_again_drops_what_an_older_grant_was_about_to_store(line: Line) -> None:
    stream = line.stream("customers")
    older = claim(Stream, stream.pk, now=line.now(), ttl=TTL)
    assert older is not None
    line.connect_store()
    with pytest.raises(run.LeaseLost):
        run._store(stream, shopify_pull.Page((), "bulk:somewhere:0:0"), older, line.now())
    line.pull("customers")  # at once: nobody waits for the older one's lease
    assert Profile.objects.count() == 5


def test_leases_are_kept_while_a_long_call_runs(line: Line) -> None:
    lease = claim(Stream, line.stream("customers").pk, now=line.now(), ttl=TTL)
    assert isinstance(lease, Lease)
    line.wait(TTL.total_seconds() - 1)
    assert lease.renew(now=line.now(), ttl=TTL) is True
    line.wait(TTL.total_seconds() - 1)
    assert ask(line, "customers") is False
    assert lease.release(due_at=line.now()) is True


def test_once_all_orders_may_be_seen_the_older_ones_are_read_too(sandbox: SandboxServer, db: None) -> None:
    everything_granted = sandbox.shopify.managed_scopes
    sandbox.shopify.managed_scopes = tuple(scope for scope in everything_granted if scope != "read_all_orders")
    line = Line(sandbox)
    old = line.store.orders[min(line.store.orders)]
    old.created_at = old.processed_at = line.now() - timedelta(days=100)
    line.connect_store()
    line.pull()
    assert not Order.objects.filter(external_id=str(old.id)).exists()
    sandbox.shopify.uninstall(line.domain)
    sandbox.shopify.managed_scopes = everything_granted
    line.connect_store()
    line.pull()
    assert Order.objects.filter(external_id=str(old.id)).exists()
    assert Run.objects.filter(stream=line.stream("customers")).first().since is not None  # type: ignore[union-attr]
