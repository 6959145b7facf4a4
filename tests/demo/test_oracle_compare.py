"""The marks that a sandbox holds against those that it must hold, and facts that cannot be had."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from segsync.demo import oracle
from tests.demo.exports import DOMAIN, HUB, NOW, Facts, Sandbox, days, url

LISTS = {handle: f"SegSync: {handle}" for handle in oracle.SEGMENTS}


def check(server: Sandbox, workdir: Path, foreign: dict[str, set[int]] | None = None) -> tuple[oracle.SegmentResult, ...]:
    expected = oracle.expected(url(server), DOMAIN, HUB, "Europe/London", NOW, workdir)
    return oracle.compare(expected, url(server), DOMAIN, HUB, list_names=LISTS, foreign=foreign)


def test_everything_as_it_must_be_is_no_mismatch(facts: Facts, sandbox: Sandbox, tmp_path: Path) -> None:
    facts.customer(1, "ann@example.com", orders=2, tags=("SegSync:Repeat-Buyers", "VIP"))
    facts.customer(2, None, orders=2, tags=("segsync:repeat-buyers",))
    facts.contact(11, "ann@example.com")
    facts.contact(12, "ben@example.com")
    facts.listed("repeat-buyers", 11)
    facts.listed("repeat-buyers", 12, deleted=days(1))
    results = check(sandbox, tmp_path)
    assert oracle.mismatches(results) == 0
    [row] = [row for row in results if row.members]
    assert (row.handle, row.members, row.tagged, row.listed) == ("repeat-buyers", 2, 2, 1)


def test_every_kind_of_wrong_mark_is_named_and_counted(facts: Facts, sandbox: Sandbox, tmp_path: Path) -> None:
    facts.customer(1, "ann@example.com", orders=2)
    facts.customer(2, "ben@example.com", tags=("segsync:repeat-buyers",))
    facts.customer(3, "cas@example.com", orders=2, tags=("segsync:repeat-buyers",))
    facts.contact(11, "ann@example.com")
    facts.contact(12, "ben@example.com")
    facts.listed("repeat-buyers", 12)
    results = check(sandbox, tmp_path)
    [row] = [row for row in results if row.wrong]
    assert row.missing_tags == {1}
    assert row.extra_tags == {2}
    assert row.missing_in_list == {11}
    assert row.extra_in_list == {12}
    assert row.missing_contacts == {3}
    assert oracle.mismatches(results) == 5


def test_a_segment_without_a_list_counts_everybody_as_not_listed(facts: Facts, sandbox: Sandbox, tmp_path: Path) -> None:
    facts.customer(1, "ann@example.com", orders=2, tags=("segsync:repeat-buyers",))
    facts.contact(11, "ann@example.com")
    expected = oracle.expected(url(sandbox), DOMAIN, HUB, "Europe/London", NOW, tmp_path)
    results = oracle.compare(expected, url(sandbox), DOMAIN, HUB, list_names={})
    assert [row.missing_in_list for row in results if row.wrong] == [{11}]


def test_tags_set_by_hand_before_are_neither_too_many_nor_may_they_go(facts: Facts, sandbox: Sandbox, tmp_path: Path) -> None:
    facts.customer(1, None, tags=("Segsync:champions",))
    facts.customer(2, None, tags=("segsync:CHAMPIONS", "VIP"))
    foreign = oracle.snapshot_foreign(url(sandbox), DOMAIN)
    assert foreign == {"segsync:champions": {1, 2}, "vip": {2}}
    assert oracle.mismatches(check(sandbox, tmp_path, foreign)) == 0
    assert oracle.mismatches(check(sandbox, tmp_path)) == 2
    facts.rows["customers"][1]["tags"] = ["VIP"]
    assert [row.missing_tags for row in check(sandbox, tmp_path, foreign) if row.wrong] == [{2}]
    del facts.rows["customers"][1]
    assert oracle.mismatches(check(sandbox, tmp_path, foreign)) == 0


def test_another_prefix_is_another_tag(facts: Facts, sandbox: Sandbox, tmp_path: Path) -> None:
    facts.customer(1, None, orders=2, tags=("crm/repeat-buyers",))
    expected = oracle.expected(url(sandbox), DOMAIN, HUB, "Europe/London", NOW, tmp_path)
    assert oracle.mismatches(oracle.compare(expected, url(sandbox), DOMAIN, HUB, "crm/", list_names=LISTS)) == 0


def test_an_unknown_store_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(oracle.ExportUnreadable, match=r"nobody\.myshopify\.com.*HTTP 404; check the store's domain"):
        oracle.expected(url(sandbox), "nobody.myshopify.com", HUB, "Europe/London", NOW, tmp_path)


def test_a_body_that_ends_early_is_never_taken_for_the_whole(facts: Facts, sandbox: Sandbox, tmp_path: Path) -> None:
    facts.customer(1, None)
    sandbox.cut = "customers"
    with pytest.raises(oracle.ExportUnreadable, match=r"customers.*could not be read to its end"):
        oracle.expected(url(sandbox), DOMAIN, HUB, "Europe/London", NOW, tmp_path)
    with pytest.raises(oracle.ExportUnreadable, match="could not be read to its end"):
        oracle.snapshot_foreign(url(sandbox), DOMAIN)


def test_a_sandbox_that_does_not_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(oracle.ExportUnreadable, match="check that the sandbox runs"):
        oracle.expected("http://127.0.0.1:9", DOMAIN, HUB, "Europe/London", NOW, tmp_path)


def test_facts_that_are_missing_or_garbled_are_refused(facts: Facts, judged: Any, tmp_path: Path) -> None:
    with pytest.raises(oracle.ExportUnreadable, match="cannot be read"):
        oracle.expected_from(tmp_path, "Europe/London", NOW)
    judged()
    (tmp_path / "orders.jsonl").write_text('{"id": "no number"}\n')
    with pytest.raises(oracle.ExportUnreadable, match="cannot be read"):
        oracle.expected_from(tmp_path, "Europe/London", NOW)


@pytest.mark.parametrize(("timezone", "as_of", "told"), [("Europe/London", NOW.replace(tzinfo=None), "aware"), ("Mars/Olympus", NOW, "time zone 'Mars")])
def test_an_instant_or_a_zone_that_means_nothing_is_refused(timezone: str, as_of: datetime, told: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told):
        oracle.expected_from(tmp_path, timezone, as_of)
