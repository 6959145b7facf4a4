"""Contacts and e-mail events, read over HTTP and compared with what the portal holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.base import Page, Window
from integrations.errors import Misconfigured, Restart, Transient
from integrations.hubspot import transport
from integrations.hubspot.mapping import WANTED
from integrations.hubspot.search import BODY, question
from integrations.records import Activity, Customer
from integrations.sandbox.hubspot import contact_search
from integrations.sandbox.hubspot.contacts import merge_contacts, update_contact
from integrations.sandbox.hubspot.emails import record_event
from integrations.sandbox.hubspot.state import Campaign, EmailEvent, Portal
from integrations.sandbox.server import SandboxServer
from tests.integrations.hubspot.desk import Desk, connect

SECOND = timedelta(seconds=1)


def _now() -> datetime:
    return datetime.now(UTC)


def _everything() -> Window:
    return Window(None, _now() + SECOND)


def _read(desk: Desk, stream: str, window: Window, cursor: str = "") -> list[Page]:
    return list(desk.source.pages(stream, window, cursor))


def _ids(pages: list[Page]) -> list[str]:
    return [record.external_id for page in pages for record in page.records if isinstance(record, Customer)]


def _kinds(pages: list[Page]) -> list[str]:
    return [record.kind for page in pages for record in page.records if isinstance(record, Activity)]


def test_every_contact_is_read_with_its_addresses_and_consent(desk: Desk) -> None:
    made = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    one = desk.contact("Ada@Example.com", made, hs_additional_emails="ada@work.example; ada@example.com", hs_email_optout="true", lifecyclestage="lead")
    two = desk.contact("bo@example.com", made)
    (page,) = _read(desk, "contacts", _everything())
    ada, bo = page.records
    assert isinstance(ada, Customer)
    assert isinstance(bo, Customer)
    assert (ada.external_id, bo.external_id) == (one, two)
    assert ada.emails == ("Ada@Example.com", "ada@work.example")
    assert ada.email_subscription == "UNSUBSCRIBED"
    assert bo.email_subscription is None
    assert ada.created_at == ada.version == made
    assert ada.properties is not None
    assert ada.properties["lifecyclestage"] == "lead"
    assert not {"email", "hs_additional_emails", "lastmodifieddate"} & set(ada.properties)


def test_an_empty_portal_gives_one_empty_page(desk: Desk) -> None:
    assert [list(page.records) for page in _read(desk, "contacts", _everything())] == [[]]


def test_reading_goes_on_from_the_cursor_of_the_last_page_kept(desk: Desk) -> None:
    made = [desk.contact(f"p{n}@example.com") for n in range(250)]
    pages = _read(desk, "contacts", _everything())
    assert _ids(pages) == made
    assert len(pages) == 3
    for kept in range(3):
        rest = _read(desk, "contacts", _everything(), pages[kept].cursor)
        assert _ids(pages[: kept + 1]) + _ids(rest) == made


def test_what_changed_is_told_once_from_since_up_to_but_not_at_until(desk: Desk) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    desk.contact("before@example.com", start - SECOND)
    at_since, inside = desk.contact("a@example.com", start), desk.contact("b@example.com", start + SECOND)
    desk.contact("at-until@example.com", start + 2 * SECOND)
    pages = _read(desk, "contacts", Window(start, start + 2 * SECOND))
    assert _ids(pages) == [at_since, inside]
    assert pages[0].expected == 2


def test_an_older_contact_that_changes_is_told_again(desk: Desk) -> None:
    old = desk.contact("old@example.com", datetime(2025, 1, 1, tzinfo=UTC))
    update_contact(desk.portal, desk.portal.contacts[int(old)], {"lifecyclestage": "customer"}, _now() - timedelta(minutes=1))
    (page,) = _read(desk, "contacts", Window(_now() - timedelta(minutes=5), _now()))
    (told,) = page.records
    assert isinstance(told, Customer)
    assert told.properties is not None
    assert told.properties["lifecyclestage"] == "customer"


def test_a_merged_contact_names_those_it_swallowed(desk: Desk) -> None:
    kept, gone = desk.contact("kept@example.com"), desk.contact("gone@example.com")
    merge_contacts(desk.portal, desk.portal.contacts[int(kept)], desk.portal.contacts[int(gone)], _now())
    (told,) = [one for page in _read(desk, "contacts", _everything()) for one in page.records]
    assert isinstance(told, Customer)
    assert told.merged_ids == (gone,)
    assert set(told.emails) == {"kept@example.com", "gone@example.com"}


def test_fault_45_more_contacts_of_one_instant_than_a_search_can_give_are_all_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_search, "CAP", 1_000)  # HubSpot's is 10,000; a tenth keeps the test quick
    monkeypatch.setattr(transport, "_SEARCHES", (1000, 1.0))
    desk.portal.limits_scale = 1000.0
    instant = datetime(2026, 11, 1, tzinfo=UTC)
    made = [desk.contact(f"n{n}@example.com", instant) for n in range(2_150)]
    window = Window(instant, instant + SECOND)
    pages = _read(desk, "contacts", window)
    assert _ids(pages) == made
    assert pages[0].expected == 2_150
    assert _ids(_read(desk, "contacts", window, pages[6].cursor)) == made[7 * 200 :]


def test_a_search_with_every_property_stays_within_the_size_of_a_body() -> None:
    import json

    window = Window(_now() - timedelta(days=1), _now())
    assert len(json.dumps(question(WANTED, window, 10**17))) < BODY - 300


def test_events_are_asked_for_only_where_the_scope_was_granted(db: None, sandbox: SandboxServer, portal: Portal) -> None:
    desk = connect(sandbox, portal, ())
    assert [spec.name for spec in desk.source.streams] == ["properties", "contacts"]
    with pytest.raises(Misconfigured, match="connect HubSpot again"):
        desk.source.pages("email_events", _everything(), "")


def _event(desk: Desk, kind: str, at: datetime, *, recipient: str = "a@example.com", filtered: bool = False, url: str | None = None) -> EmailEvent:
    number = len(desk.portal.email_events)
    event = EmailEvent(f"e{number:06d}", at, kind, recipient, 55, url, filtered)
    record_event(desk.portal, event)
    return event


def test_events_are_told_with_their_campaign_and_without_bots(desk: Desk) -> None:
    at = datetime(2026, 11, 10, 9, 30, 0, 123_000, tzinfo=UTC)
    desk.portal.campaigns[55] = Campaign(55, "November news", at)
    for kind in ("SENT", "PROCESSED", "DELIVERED", "OPEN", "BOUNCE", "SPAMREPORT", "STATUSCHANGE"):
        _event(desk, kind, at)
    click = _event(desk, "CLICK", at + SECOND, recipient="B@Example.com", url="https://shop.example/p/1")
    _event(desk, "OPEN", at, filtered=True)
    pages = _read(desk, "email_events", Window(at - timedelta(days=1), _now()))
    assert sorted(_kinds(pages)) == sorted(
        ["emails.sent", "emails.delivered", "emails.opened", "emails.bounced", "emails.marked_as_spam", "emails.unsubscribed", "emails.clicked"]
    )
    told = pages[0].records[0]
    assert told == Activity(
        external_id=f"{click.id}:{int(click.created.timestamp() * 1000)}",
        kind="emails.clicked",
        at=at + SECOND,
        subject="B@Example.com",
        campaign_id="55",
        campaign="November news",
        url="https://shop.example/p/1",
    )
    assert desk.calls("GET /email/public/v1/campaigns/{id}") == 1


def test_two_years_of_events_are_read_back_and_go_on_from_any_page(desk: Desk) -> None:
    now = _now().replace(microsecond=0)
    old = [_event(desk, "OPEN", now - timedelta(days=days)) for days in (740, 700, 365, 61, 60, 31, 30, 29, 1)]
    many = [_event(desk, "SENT", now - timedelta(days=40)) for _ in range(2_300)]
    window = Window(None, now)
    pages = _read(desk, "email_events", window)
    read = [record.external_id.partition(":")[0] for page in pages for record in page.records if isinstance(record, Activity)]
    assert set(read) == {event.id for event in [*old[1:], *many]}  # the first is older than 24 months
    assert len(read) == len(set(read))
    for kept in (0, 2, len(pages) - 1):
        rest = [record.external_id.partition(":")[0] for page in _read(desk, "email_events", window, pages[kept].cursor) for record in page.records]
        before = [record.external_id.partition(":")[0] for page in pages[: kept + 1] for record in page.records]
        assert sorted(before + rest) == sorted(read)


def test_an_offset_that_hubspot_forgot_begins_the_window_again(desk: Desk) -> None:
    with pytest.raises(Restart):
        _read(desk, "email_events", _everything(), f"{int(_now().timestamp() * 1000)}:forgotten")


def test_a_cursor_of_the_other_way_of_reading_begins_the_window_again(desk: Desk) -> None:
    with pytest.raises(Restart):
        _read(desk, "contacts", _everything(), "id:12")


@pytest.mark.parametrize("kind", ["500", "502", "reset", "cut_body"])
def test_a_page_that_fails_never_ends_the_reading_quietly(desk: Desk, kind: str) -> None:
    for n in range(150):
        desk.contact(f"p{n}@example.com")
    pages = desk.source.pages("contacts", _everything(), "")
    first = next(pages)
    desk.fault(kind, "GET /crm/objects/*/contacts")
    with pytest.raises(Transient):
        next(pages)
    assert len(_ids([first, *_read(desk, "contacts", _everything(), first.cursor)])) == 150
