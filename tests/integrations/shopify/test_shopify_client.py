"""What Shopify's answers mean, above all those that come as HTTP 200."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from integrations import throttle
from integrations.errors import IntegrationError, Misconfigured, NeedsReconnect, NotFound, RateLimited, Rejected, Transient, UnknownOutcome
from integrations.models import Connection, Credential
from integrations.sandbox.faults import Fault
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.shopify.tokens import TokenDesk
from integrations.shopify.client import Admin, ShopifyClient
from tests.integrations.loopback import Loopback, answer

Serve = Callable[..., Admin]


def says(status: int = 200, **body: Any) -> bytes:
    return answer(status, json.dumps(body).encode())


def cost(requested: float, available: float, rate: float = 100.0) -> dict[str, Any]:
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": rate}
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}}


def throttled(requested: float, available: float, rate: float = 100.0) -> bytes:
    return says(errors=[{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], extensions=cost(requested, available, rate))


@pytest.fixture
def serve(settings: Settings) -> Iterator[Serve]:
    """A store that answers its calls, one after the other, as given."""
    made: list[Loopback] = []

    def serve(*answers: bytes) -> Admin:
        made.append(Loopback(answers))
        settings.SHOPIFY_SHOP_URL = made[-1].url + "/{shop}"
        return Admin(f"{uuid.uuid4().hex}.myshopify.com", "shpat_test")

    yield serve
    for each in made:
        each.close()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds asked to wait; nobody really sleeps."""
    waits: list[float] = []

    def pause(seconds: float, *_: Any) -> None:
        if seconds > throttle.LONGEST_WAIT:
            raise RateLimited("too long", retry_after=seconds)
        if seconds > 0:
            waits.append(round(seconds, 1))

    monkeypatch.setattr(throttle, "pause", pause)
    return waits


def error_of(admin: Admin, document: str = "shop", **variables: Any) -> IntegrationError:
    with pytest.raises(IntegrationError) as raised:
        admin.execute(document, variables)
    return raised.value


def test_fault_20_throttled_is_no_success_and_waits_as_long_as_the_points_need(serve: Serve, slept: list[float]) -> None:
    admin = serve(throttled(862, 572, 200), says(data={"shop": {"name": "Amber"}}, extensions=cost(862, 1500, 200)))
    assert admin.execute("shop") == {"shop": {"name": "Amber"}}
    assert slept == [pytest.approx(1.45, abs=0.06)]


def test_a_store_that_throttles_for_ever_is_left_alone(serve: Serve, slept: list[float]) -> None:
    error = error_of(serve(throttled(500, 400)))
    assert isinstance(error, RateLimited)
    assert len(slept) == 3


def test_a_wait_too_long_to_sit_out_is_handed_to_the_caller(serve: Serve, slept: list[float]) -> None:
    error = error_of(serve(throttled(900, 0, 10)))
    assert isinstance(error, RateLimited)
    assert error.retry_after == pytest.approx(90)
    assert slept == []


def test_known_points_are_waited_for_before_the_call_is_sent(serve: Serve, slept: list[float]) -> None:
    done = says(data={"call0": {"node": {"id": "1"}, "userErrors": []}}, extensions=cost(10, 3, 1))
    admin = serve(done)
    admin.batch([("add_tags", {"id": "gid://shopify/Customer/1", "tags": ["a"]})])
    admin.batch([("add_tags", {"id": "gid://shopify/Customer/1", "tags": ["a"]})])
    assert slept == [pytest.approx(7, abs=0.2)]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ({"message": "Query cost is 2000", "extensions": {"code": "MAX_COST_EXCEEDED", "cost": 2000, "maxCost": 1000}}, Rejected, "Query cost"),
        (
            {"message": "Access denied for orders field. Required access: `read_orders` access scope.", "extensions": {"code": "ACCESS_DENIED"}},
            Misconfigured,
            "read_orders",
        ),
        ({"message": "This app is not approved to access the Customer object.", "extensions": {"code": "ACCESS_DENIED"}}, Misconfigured, "not approved"),
        ({"message": "Segment does not exist", "extensions": {"code": "NOT_FOUND"}}, NotFound, "does not exist"),
        ({"message": "invalid id", "extensions": {"code": "RESOURCE_NOT_FOUND"}}, NotFound, "invalid id"),
        ({"message": "Field 'x' doesn't exist"}, Rejected, "doesn't exist"),
        ({"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}, Transient, "did not say"),
    ],
)
def test_errors_in_a_200_are_errors(serve: Serve, error: dict[str, Any], kind: type[IntegrationError], words: str) -> None:
    raised = error_of(serve(says(data=None, errors=[error])))
    assert type(raised) is kind
    assert words in str(raised)
    assert type(error_of(serve(says(data={"shop": None}, errors=[error])))) is kind


def test_a_change_that_failed_inside_may_have_happened(serve: Serve) -> None:
    inside = says(data=None, errors=[{"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}])
    assert type(error_of(serve(inside), "create_segment", name="a", query="b")) is UnknownOutcome
    assert type(error_of(serve(says(data=None)), "create_segment", name="a", query="b")) is UnknownOutcome
    assert type(error_of(serve(answer(200, b"[]")), "create_segment", name="a", query="b")) is UnknownOutcome
    assert type(error_of(serve(answer(500, b"oops")), "create_segment", name="a", query="b")) is UnknownOutcome
    assert type(error_of(serve(says(data=None)))) is Transient


def test_a_filter_that_shopify_would_ignore_is_an_error(serve: Serve) -> None:
    warned = says(
        data={"page": {}}, extensions={"search": [{"path": ["page"], "query": "x", "warnings": [{"field": "updated_at", "message": "Invalid search field"}]}]}
    )
    assert isinstance(error_of(serve(warned), "orders_page", filter="x"), Rejected)


@pytest.mark.parametrize("status", [402, 403, 404, 423])
def test_fault_25_a_closed_store_waits_for_a_person(serve: Serve, status: int) -> None:
    assert isinstance(error_of(serve(says(status, errors="Unavailable Shop"))), Misconfigured)


def test_fault_21_one_bad_call_of_a_batch_is_told_apart(serve: Serve) -> None:
    good = {"node": {"id": "1"}, "userErrors": []}
    admin = serve(
        says(data={"call0": good, "call1": None}, errors=[{"message": "invalid id", "path": ["call1"], "extensions": {"code": "RESOURCE_NOT_FOUND"}}])
    )
    first, second = admin.batch([("add_tags", {"id": "1", "tags": []}), ("remove_tags", {"id": "2", "tags": []})])
    assert first == good
    assert isinstance(second, NotFound)


def test_fault_23_a_401_is_answered_by_one_refresh_and_the_call_goes_on(connection: Connection, sandbox: SandboxServer) -> None:
    sandbox.shopify.tokens.access.clear()
    assert ShopifyClient(connection).execute("shop")["shop"]["myshopifyDomain"] == connection.account
    assert Credential.objects.get().version == 2


def test_fault_23_a_second_401_means_reconnect(connection: Connection, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TokenDesk, "find", lambda *_: None)
    with pytest.raises(NeedsReconnect):
        ShopifyClient(connection).execute("shop")
    connection.refresh_from_db()
    assert connection.status == Connection.Status.NEEDS_RECONNECT
    assert Credential.objects.get().version == 2


def test_a_token_about_to_end_is_renewed_before_the_call(connection: Connection, sandbox: SandboxServer) -> None:
    Credential.objects.update(access_expires_at=timezone.now() + timedelta(minutes=4))
    ShopifyClient(connection).execute("shop")
    assert Credential.objects.get().version == 2


def test_fault_24_a_lost_answer_to_the_refresh_costs_nothing(connection: Connection, sandbox: SandboxServer) -> None:
    sandbox.shopify.tokens.access.clear()
    sandbox.world.faults.add(Fault("apply_then_500", operation="POST /admin/oauth/access_token", remaining=1))
    client = ShopifyClient(connection)
    with pytest.raises(UnknownOutcome):
        client.execute("shop")
    assert client.execute("shop")["shop"]["currencyCode"] == "GBP"


def test_no_token_is_ever_logged(connection: Connection, sandbox: SandboxServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    sandbox.shopify.tokens.access.clear()
    sandbox.world.faults.add(Fault("500", operation="Shop", remaining=1))
    client = ShopifyClient(connection)
    with pytest.raises(Transient):
        client.execute("shop")
    client.execute("shop")
    secrets = [*sandbox.shopify.tokens.access, *sandbox.shopify.tokens.refresh]
    assert "token.refreshed" in caplog.text
    assert secrets
    assert not [secret for secret in secrets if secret in caplog.text]
