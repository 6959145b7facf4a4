"""One mark that ends our process, or that a platform never answers, does not hold up its neighbours for ever."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import pytest

from integrations.base import Change, Outcome
from integrations.errors import Rejected, UnknownOutcome
from integrations.shopify import client as shopify_client
from integrations.shopify.push import ShopifyDestination
from segsync.diff.models import LedgerEntry
from segsync.leases import Lease
from tests.line import Killed, Line
from tests.push.test_stopping import many

SETTLE = ShopifyDestination.settle.total_seconds() + 1
POISON = "102"


def told_until_rest(line: Line, rounds: int) -> None:
    for _ in range(rounds):
        with suppress(Killed):
            line.push()
        line.wait(SETTLE)


def test_fault_12_a_mark_that_ends_the_process_five_times_is_parked_and_its_neighbours_are_told(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    many(tags, 40)
    monkeypatch.setattr(ShopifyDestination, "batch_size", 64)
    write, deaths = ShopifyDestination.write, []

    def out_of_memory(destination: ShopifyDestination, changes: Sequence[Change]) -> Sequence[Outcome]:
        if any(change.member == POISON for change in changes):
            deaths.append(len(changes))
            patch.setattr(Lease, "release", lambda *_args, **_more: False)  # the dead give nothing back
            raise Killed
        return write(destination, changes)

    for _ in range(12):
        with monkeypatch.context() as patch:
            patch.setattr(ShopifyDestination, "write", out_of_memory)
            with suppress(Killed):
                tags.push()
        tags.wait(SETTLE)
    assert len(deaths) == 5
    assert deaths[-1] == 1
    poison = tags.mark(POISON)
    assert poison.parked_at is not None
    assert "SegSync ended each of the 5 times" in poison.detail
    assert tags.tagged() == {101, 103, 105, *range(1_000, 1_040)}
    LedgerEntry.objects.filter(pk=poison.pk).update(parked_at=None, attempts=0)  # a person has looked into it
    tags.push()
    assert 102 in tags.tagged()


def test_a_mark_that_shopify_never_answers_is_parked_and_its_neighbours_are_told(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    many(tags, 40)
    monkeypatch.setattr(ShopifyDestination, "batch_size", 64)
    batch = shopify_client.ShopifyClient.batch

    def chokes(client: shopify_client.ShopifyClient, calls: Sequence[tuple[str, dict[str, object]]]) -> object:
        if any(str(variables["id"]).endswith(f"/{POISON}") for _, variables in calls):
            raise UnknownOutcome("Shopify failed inside and did not say what became of the call.")
        return batch(client, calls)

    monkeypatch.setattr(shopify_client.ShopifyClient, "batch", chokes)
    told_until_rest(tags, 20)
    assert tags.tagged() == {101, 103, 105, *range(1_000, 1_040)}
    assert tags.mark(POISON).parked_at is None  # for all we know Shopify answers nobody by now
    for _ in range(120):
        others = LedgerEntry.objects.filter(profile__external_id="1000")
        others.update(acked_generation=0, owned_since=None, present=False)  # told again, and answered
        tags.untag(1_000, "segsync:buyers")
        tags.push()
        tags.wait(10)
    poison = tags.mark(POISON)
    assert poison.parked_at is not None
    assert "no answer each of the 8 times" in poison.detail


def test_a_request_refused_as_a_whole_is_halved_until_the_one_that_is_at_fault_stands_alone(tags: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    many(tags, 40)
    batch = shopify_client.ShopifyClient.batch
    asked: list[int] = []

    def refuses(client: shopify_client.ShopifyClient, calls: Sequence[tuple[str, dict[str, object]]]) -> object:
        asked.append(len(calls))
        if any(str(variables["id"]).endswith(f"/{POISON}") for _, variables in calls):
            raise Rejected("Shopify: the query is malformed")
        return batch(client, calls)

    monkeypatch.setattr(shopify_client.ShopifyClient, "batch", refuses)
    tags.push()
    assert tags.tagged() == {101, 103, 105, *range(1_000, 1_040)}
    assert (tags.mark(POISON).outcome, tags.mark(POISON).detail) == ("rejected", "Shopify: the query is malformed")
    assert len(asked) < 15
