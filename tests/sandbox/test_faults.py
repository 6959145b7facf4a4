from __future__ import annotations

import socket
import threading
import time

import pytest
import requests

from integrations.sandbox.faults import Fault, FaultPlan
from integrations.sandbox.server import PortInUse, SandboxServer
from integrations.sandbox.world import SandboxConfig, World
from tests.sandbox.shopify_store import SHOP, Shopify, until

TAG = 'mutation Tag { tagsAdd(id: "gid://shopify/Customer/101", tags: ["x"]) { userErrors { message } } }'


def tagged(shopify: Shopify) -> bool:
    return shopify.store.customers[101].tags == ["x"]


def test_a_fault_strikes_as_often_as_it_says_and_then_is_gone() -> None:
    plan = FaultPlan()
    plan.add(Fault("500", remaining=2))
    assert [plan.take("shopify", "a", "x") is not None for _ in range(3)] == [True, True, False]
    assert plan.list() == ()


def test_a_fault_strikes_only_what_it_is_aimed_at() -> None:
    plan = FaultPlan()
    plan.add(Fault("500", platform="hubspot", account="12*", operation="POST /crm/v3/*"))
    assert plan.take("shopify", "123", "POST /crm/v3/lists") is None
    assert plan.take("hubspot", "999", "POST /crm/v3/lists") is None
    assert plan.take("hubspot", "123", "GET /crm/v3/lists") is None
    assert plan.take("hubspot", "123", "POST /crm/v3/lists") is not None


def test_the_same_seed_draws_the_same_faults() -> None:
    def drawn(seed: int) -> list[bool]:
        plan = FaultPlan(seed)
        plan.add(Fault("500", probability=0.5))
        return [plan.take("shopify", "a", "x") is not None for _ in range(50)]

    assert drawn(1) == drawn(1) != drawn(3)
    assert 10 < sum(drawn(1)) < 40


def test_request_faults_leave_deliveries_and_bulk_operations_alone() -> None:
    plan = FaultPlan()
    plan.add(Fault("duplicate"))
    plan.add(Fault("bulk_failed"))
    assert plan.take("shopify", "a", "x") is None
    plan.clear()
    assert plan.list() == ()


@pytest.mark.parametrize("wrong", [{"kind": "earthquake"}, {"probability": 2.0}, {"remaining": 0}, {"seconds": -1.0}])
def test_a_fault_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Fault(**({"kind": "500"} | wrong))  # type: ignore[arg-type]


def test_429_says_when_to_come_back_and_counts_as_throttled(shopify: Shopify) -> None:
    shopify.world.faults.add(Fault("429", retry_after=4, remaining=1))
    answer = shopify.post(TAG)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "4.0")
    assert not tagged(shopify)
    assert list(shopify.world.calls.totals())[-1] == ("shopify", SHOP, "Tag", True)


@pytest.mark.parametrize("kind", ["500", "502", "503"])
def test_5xx_do_not_act(shopify: Shopify, kind: str) -> None:
    shopify.world.faults.add(Fault(kind, remaining=1))
    assert shopify.post(TAG).status_code == int(kind)
    assert not tagged(shopify)


def test_apply_then_500_acts(shopify: Shopify) -> None:
    shopify.world.faults.add(Fault("apply_then_500", remaining=1))
    assert shopify.post(TAG).status_code == 500
    assert tagged(shopify)


@pytest.mark.parametrize(("kind", "acts"), [("reset", False), ("apply_then_reset", True)])
def test_resets_break_the_connection(shopify: Shopify, kind: str, acts: bool) -> None:
    shopify.world.faults.add(Fault(kind, remaining=1))
    with pytest.raises(requests.ConnectionError) as caught:
        shopify.post(TAG)
    assert "reset" in str(caught.value).lower()
    assert tagged(shopify) is acts
    assert shopify.post("{ shop { name } }").status_code == 200


def test_a_cut_body_is_shorter_than_promised_and_the_call_has_acted(shopify: Shopify) -> None:
    shopify.world.faults.add(Fault("cut_body", remaining=1))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        shopify.post(TAG)
    assert tagged(shopify)
    assert shopify.post("{ shop { name } }").status_code == 200


def test_a_result_file_can_be_cut_in_transit(shopify: Shopify) -> None:
    operation, _ = shopify.bulk("{ customers { edges { node { id } } } }")
    shopify.world.faults.add(Fault("cut_body", operation="GET /shopify-files", remaining=1))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.get(operation["url"], timeout=5)
    assert len(requests.get(operation["url"], timeout=5).text.splitlines()) == 5


def test_a_hanging_call_acts_after_its_client_has_given_up(shopify: Shopify) -> None:
    shopify.world.faults.add(Fault("hang", seconds=0.4, remaining=1))
    url = f"{shopify.base}/admin/api/2026-10/graphql.json"
    with pytest.raises(requests.Timeout):
        requests.post(url, json={"query": TAG}, headers={"X-Shopify-Access-Token": shopify.token}, timeout=0.1)
    assert not tagged(shopify)
    until(lambda: tagged(shopify))


def test_stopping_does_not_wait_for_hanging_calls_and_hangs_up(shopify: Shopify) -> None:
    shopify.world.faults.add(Fault("hang", seconds=60))
    broken: list[BaseException] = []

    def call() -> None:
        try:
            shopify.post(TAG)
        except requests.ConnectionError as error:
            broken.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    time.sleep(0.1)
    began = time.monotonic()
    shopify.server.stop()
    caller.join(5)
    assert time.monotonic() - began < 5
    assert not caller.is_alive()


def test_a_port_in_use_is_one_clear_sentence(sandbox: SandboxServer) -> None:
    other = SandboxServer(World(SandboxConfig(port=sandbox.world.config.port)))
    with pytest.raises(PortInUse, match=f"Port {sandbox.world.config.port} .* is in use; stop the program"):
        other.start()
    other.stop()


def test_a_body_over_the_limit_is_refused(sandbox: SandboxServer) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.world.config.port)) as raw:
        raw.sendall(b"POST /shopify/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert b" 413 " in raw.recv(100)
