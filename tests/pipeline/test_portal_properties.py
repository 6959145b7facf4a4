"""Rules about the portal's own properties, from the portal to who is in the segment."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from segsync.evaluate.models import Membership
from segsync.evaluate.standing import recheck
from segsync.pull import run
from segsync.pull.models import Run
from segsync.rules.errors import RuleError
from segsync.rules.models import Segment
from segsync.rules.shop_vocabulary import vocabulary_of
from segsync.store.models import PropertyDefinitions
from tests.line import Line, killed


@pytest.fixture
def scored(both: Line) -> Line:
    """A portal with a property of its own, and two contacts who have it since before anybody asked."""
    both.defines("fit_score")
    both.says(both.contact("high@example.com"), fit_score="80")
    both.says(both.contact("low@example.com"), fit_score="20")
    both.contact("none@example.com")
    both.wait(3600)
    both.look_again()
    return both


def _problem(line: Line, handle: str = "buyers") -> str:
    return Segment.objects.get(shop=line.shop, handle=handle).problem


def test_a_property_of_the_portal_decides_who_belongs(scored: Line) -> None:
    scored.segment("hubspot.fit_score > 50")
    scored.settle()
    assert scored.members() == {"high@example.com"}
    assert scored.listed() == {"high@example.com"}
    assert _problem(scored) == ""
    scored.says(102, fit_score="90")
    scored.wait(120)
    scored.look_again()
    assert scored.members() == {"high@example.com", "low@example.com"}


def test_nobody_is_judged_by_values_that_are_not_there_yet_and_others_go_on(scored: Line) -> None:
    scored.segment("hubspot.fit_score IS NULL", "unscored")
    scored.segment()
    scored.decide()
    assert "Waiting for the values of `hubspot.fit_score`" in _problem(scored, "unscored")
    assert scored.members("unscored") == set()
    assert scored.members("buyers")
    scored.settle()
    members = scored.members("unscored")
    assert "none@example.com" in members
    assert not members & {"high@example.com", "low@example.com"}


def test_a_new_name_reads_every_contact_once_and_then_only_what_changes(scored: Line) -> None:
    scored.segment("hubspot.fit_score > 50")
    assert scored.hubspot.wanted_properties == ["fit_score"]
    scored.settle()
    scored.wait(120)
    scored.pull("contacts")
    runs = list(Run.objects.filter(stream__name="contacts").order_by("started_at").values_list("since", flat=True))
    assert [since is None for since in runs].count(True) == 2
    assert runs[-1] is not None
    assert "fit_score" in scored.stream("contacts").asked


def test_a_process_killed_while_everybody_is_read_again_leaves_the_segment_waiting_and_the_next_goes_on(scored: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(150):
        scored.says(scored.contact(f"p{number}@example.com"), fit_score="60")
    scored.wait(120)
    scored.look_again()
    scored.segment("hubspot.fit_score > 50")
    with killed(run, "_store", after=True, monkeypatch=monkeypatch):
        scored.pull("contacts")
    assert "fit_score" in scored.stream("contacts").asking
    assert "fit_score" not in scored.stream("contacts").asked
    scored.decide()
    assert "Waiting" in _problem(scored)
    scored.wait(60)
    scored.settle()
    assert len(scored.members()) == 151


def test_a_paused_segment_keeps_its_properties_pulled(scored: Line) -> None:
    segment = scored.segment("hubspot.fit_score > 50")
    Segment.objects.filter(pk=segment.pk).update(state=Segment.State.PAUSED)
    scored.settle()
    assert scored.hubspot.wanted_properties == ["fit_score"]


def test_a_property_that_is_deleted_leaves_its_segment_as_it_is_and_the_others_are_judged(scored: Line) -> None:
    scored.segment("hubspot.fit_score > 50")
    scored.segment("number_of_orders >= 1", "others")
    scored.settle()
    scored.forgets("fit_score")
    scored.says(101, firstname="Ada")
    scored.wait(3600)
    scored.order(999, next(iter(scored.store.customers)))
    scored.look_again()
    assert "`hubspot.fit_score` is not a property" in _problem(scored)
    assert scored.members() == {"high@example.com"}
    assert _problem(scored, "others") == ""
    assert not Membership.objects.filter(shop=scored.shop, segment__handle="buyers", until__isnull=False).exists()
    with pytest.raises(RuleError, match="is not a property of the connected portal"):
        scored.segment("hubspot.fit_score > 70", "again")


def test_a_property_that_comes_back_is_read_again(scored: Line) -> None:
    scored.segment("hubspot.fit_score > 50")
    scored.settle()
    scored.forgets("fit_score")
    scored.says(101, firstname="Ada")  # read without the property
    scored.wait(3600)
    scored.look_again()
    scored.wait(120)
    scored.look_again()
    scored.defines("fit_score")
    scored.wait(3600)
    scored.look_again()
    scored.settle()
    assert _problem(scored) == ""
    assert scored.members() == {"high@example.com"}


def test_a_change_of_type_judges_everybody_anew(scored: Line) -> None:
    scored.segment("hubspot.fit_score IS NOT NULL")
    scored.settle()
    assert scored.members() == {"high@example.com", "low@example.com"}
    scored.defines("fit_score", "bool")
    scored.wait(3600)
    scored.look_again()
    assert scored.members() == set()  # neither 80 nor 20 is yes or no
    scored.defines("fit_score", "string")
    scored.wait(3600)
    scored.look_again()
    assert scored.members() == {"high@example.com", "low@example.com"}


def test_a_change_of_type_that_the_rule_does_not_fit_is_told(scored: Line) -> None:
    scored.segment("hubspot.fit_score IN TOP 1", "best")
    scored.segment("hubspot.fit_score > 50")
    scored.settle()
    assert scored.members("best") == {"high@example.com"}
    scored.defines("fit_score", "enumeration", ("high", "low"))
    scored.wait(3600)
    scored.look_again()
    assert "no longer checks" in _problem(scored)
    assert "no longer checks" in _problem(scored, "best")
    assert scored.members("best") == scored.members() == {"high@example.com"}


def test_a_portal_with_hundreds_of_properties_is_known_whole_and_read_within_the_limits(both: Line) -> None:
    for number in range(400):
        both.defines(f"quite_a_long_name_of_a_property_for_the_campaign_of_year_{number:03}", "enumeration", ("yes", "no"))
    used = [f"quite_a_long_name_of_a_property_for_the_campaign_of_year_{number:03}" for number in range(200)]
    both.says(both.contact("one@example.com"), **dict.fromkeys(used, "yes"))
    both.wait(3600)
    both.look_again()
    assert len(vocabulary_of(both.shop).properties) > 400
    for place in range(2):
        part = used[place * 100 : place * 100 + 100]
        both.segment(" AND ".join(f"hubspot.{name} = 'yes'" for name in part), f"part-{place}")
    both.settle()
    assert both.members("part-0") == both.members("part-1") == {"one@example.com"}
    both.says(101, **{used[0]: "no"})
    later = both.contact("two@example.com")
    both.says(later, **dict.fromkeys(used[100:], "yes"))
    both.wait(120)
    both.look_again()
    assert both.members("part-0") == set()
    assert both.members("part-1") == {"one@example.com", "two@example.com"}
    assert both.calls("POST /crm/objects/2026-09/contacts/batch/read", account=str(both.hub_id)) > 0


def test_a_rule_about_values_not_pulled_yet_is_refused_by_the_commands_and_not_answered_with_nobody(scored: Line) -> None:
    for words in (("members", "--rule", "hubspot.fit_score > 50"), ("explain", "--rule", "hubspot.fit_score > 50", "--customer", "high@example.com")):
        with pytest.raises(CommandError, match=r"does not pull `hubspot.fit_score` yet; save a segment that uses it"):
            call_command(*words, "--shop", scored.domain, stdout=io.StringIO())
    out = io.StringIO()
    call_command("rules", "check", "--rule", "hubspot.fit_score > 50", "--shop", scored.domain, stdout=out)
    assert "fit score is more than 50" in out.getvalue()


def test_a_customer_is_explained_by_the_portals_properties(scored: Line) -> None:
    scored.segment("hubspot.fit_score > 50")
    scored.settle()
    out = io.StringIO()
    call_command("explain", "--rule", "hubspot.fit_score > 50", "--shop", scored.domain, "--customer", "high@example.com", stdout=out)
    assert "belongs" in out.getvalue()
    assert "80" in out.getvalue()


def test_hour_windows_over_a_time_of_the_portal_move_people_by_the_minute(both: Line) -> None:
    both.defines("trial_ends", "datetime")
    ends = both.now() + timedelta(hours=4)
    both.says(both.contact("trial@example.com"), trial_ends=ends.isoformat())
    both.wait(3600)
    both.look_again()
    both.segment("hubspot.trial_ends BETWEEN now AND +2h")
    both.settle()
    assert both.members() == set()
    both.wait((ends - timedelta(hours=2) - both.now()).total_seconds() + 30)
    both.decide()
    assert both.members() == {"trial@example.com"}
    both.wait(2 * 3600)
    both.decide()
    assert both.members() == set()


def test_definitions_are_stored_whole_with_the_page_that_told_them(both: Line) -> None:
    kept = PropertyDefinitions.objects.get(shop=both.shop, source="hubspot")
    by_name = {one["name"]: one for one in kept.definitions}
    assert by_name["lifecyclestage"]["type"] == "enumeration"
    assert "customer" in by_name["lifecyclestage"]["options"]
    assert by_name["hs_additional_emails"]["multiple"]


def test_another_shops_properties_mean_nothing_here(scored: Line, other: Line) -> None:
    other.pull()
    with pytest.raises(RuleError, match="is not a property"):
        other.segment("hubspot.fit_score > 50")
    recheck(other.shop, other.now())
    assert other.hubspot.wanted_properties == []
