"""Form submissions and survey answers, read over HTTP and compared with what the portal holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.base import Page, Window
from integrations.errors import Misconfigured, Restart, Transient
from integrations.hubspot import transport
from integrations.hubspot.definitions import definitions
from integrations.records import Activity, PropertyDefinition
from integrations.sandbox.hubspot import feedback as feedback_api
from integrations.sandbox.hubspot.state import Feedback, Form, FormSubmission, Portal
from integrations.sandbox.server import SandboxServer
from tests.integrations.hubspot.desk import Desk, connect

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(db: None, sandbox: SandboxServer, portal: Portal) -> Desk:
    """The portal, connected with forms and surveys allowed."""
    return connect(sandbox, portal, ("forms", "crm.objects.feedback_submissions.read"))


def _form(desk: Desk, guid: str, name: str, sent: int) -> list[str]:
    """A form and its submissions, one an hour; newest first."""
    desk.portal.forms[guid] = Form(guid, name, AT)
    made = [
        FormSubmission(f"{guid}-{n}", guid, AT + n * HOUR, {"email": f"p{n}@example.com", "message": "hi"}, f"https://shop.example/{guid}") for n in range(sent)
    ]
    desk.portal.form_submissions.extend(made)
    return [f"form:{one.id}" for one in reversed(made)]


def _answers(desk: Desk, count: int) -> list[str]:
    for number in range(1, count + 1):
        desk.portal.feedback[number] = Feedback(number, 101, "nps", "9", "PROMOTER", AT + timedelta(minutes=number))
    return [f"feedback:{number}" for number in range(1, count + 1)]


def _ids(pages: list[Page]) -> list[str]:
    return [record.external_id for page in pages for record in page.records if isinstance(record, Activity)]


def _read(desk: Desk, stream: str, window: Window, cursor: str = "") -> list[Page]:
    return list(desk.source.pages(stream, window, cursor))


def test_each_stream_is_there_only_with_its_scope(sandbox: SandboxServer, desk: Desk, portal: Portal) -> None:
    assert [spec.name for spec in desk.source.streams] == ["properties", "contacts", "form_submissions", "survey_answers"]
    desk.connection.scopes = ["forms"]
    assert [spec.name for spec in type(desk.source)(desk.connection, desk.client).streams] == ["properties", "contacts", "form_submissions"]


def test_submissions_of_every_form_are_told_with_the_forms_name_and_page(desk: Desk) -> None:
    one, two = _form(desk, "a1", "Welcome", 1), _form(desk, "b2", "Contact us", 1)
    desk.portal.form_submissions.append(FormSubmission("nobody", "b2", AT, {"message": "no address"}, ""))
    pages = _read(desk, "form_submissions", Window(None, AT + 100 * HOUR))
    assert _ids(pages) == [*one, *two]
    assert pages[0].records[0] == Activity(one[0], "forms.submitted", AT, "p0@example.com", form="Welcome", page="https://shop.example/a1")


def test_submissions_go_on_from_any_page_and_end(desk: Desk) -> None:
    made = [*_form(desk, "a1", "Welcome", 120), *_form(desk, "b2", "Empty", 0), *_form(desk, "c3", "Gift guide", 51)]
    window = Window(None, AT + 1000 * HOUR)
    pages = _read(desk, "form_submissions", window)
    assert _ids(pages) == made
    for kept in range(len(pages)):
        assert _ids(pages[: kept + 1]) + _ids(_read(desk, "form_submissions", window, pages[kept].cursor)) == made
    with pytest.raises(Restart):
        _read(desk, "form_submissions", window, "a1:forgotten")


def test_later_windows_stop_where_the_last_one_ended(desk: Desk) -> None:
    made = _form(desk, "a1", "Welcome", 200)
    before = desk.calls("GET /form-integrations/v1/submissions/forms/{id}")
    read = _ids(_read(desk, "form_submissions", Window(AT + 190 * HOUR, AT + 195 * HOUR)))
    assert read == made[5:10]
    assert desk.calls("GET /form-integrations/v1/submissions/forms/{id}") - before == 1


def test_a_form_deleted_while_it_is_read_does_not_stop_the_others(desk: Desk) -> None:
    _form(desk, "a1", "Welcome", 60)
    other = _form(desk, "b2", "Contact us", 1)
    pages = desk.source.pages("form_submissions", Window(None, AT + 1000 * HOUR), "")
    next(pages)
    del desk.portal.forms["a1"]
    assert _ids(list(pages)) == other


def test_a_portal_without_forms_has_one_empty_page(desk: Desk) -> None:
    assert [list(page.records) for page in _read(desk, "form_submissions", Window(None, AT))] == [[]]


def test_answers_are_told_whole_and_go_on_from_any_page(desk: Desk) -> None:
    made = _answers(desk, 250)
    window = Window(None, AT + 1000 * HOUR)
    pages = _read(desk, "survey_answers", window)
    assert _ids(pages) == made
    assert pages[0].records[0] == Activity(
        "feedback:1", "surveys.answered", AT + timedelta(minutes=1), "", contact_id="101", survey="NPS", rating=9, sentiment="PROMOTER"
    )
    for kept in range(len(pages)):
        assert _ids(pages[: kept + 1]) + _ids(_read(desk, "survey_answers", window, pages[kept].cursor)) == made
    with pytest.raises(Restart):
        _read(desk, "survey_answers", window, "id:12")


def test_changed_answers_beyond_the_cap_of_a_search_are_all_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback_api, "CAP", 300)
    monkeypatch.setattr(transport, "_SEARCHES", (1000, 1.0))
    desk.portal.limits_scale = 1000.0
    made = _answers(desk, 900)
    pages = _read(desk, "survey_answers", Window(AT, AT + 2000 * HOUR))
    assert _ids(pages) == made
    assert pages[0].expected == 900
    assert _ids(_read(desk, "survey_answers", Window(AT, AT + 2000 * HOUR), pages[1].cursor)) == made[400:]


def test_odd_answers_are_kept_as_far_as_they_say_something(desk: Desk) -> None:
    for number, (kind, value, contact) in enumerate((("KNOWLEDGE", "1.0", 101), ("CES", "very easy", 101), ("CSAT", "4", 0)), 1):
        desk.portal.feedback[number] = Feedback(number, contact, kind, value, "", AT)
    told = [record for page in _read(desk, "survey_answers", Window(None, AT + HOUR)) for record in page.records]
    assert [(one.survey, one.rating) for one in told if isinstance(one, Activity)][:2] == [("CUSTOM", 1), ("CES", None)]


def test_a_plan_without_surveys_refuses_that_stream_alone(desk: Desk) -> None:
    desk.portal.service_hub = False
    with pytest.raises(Misconfigured, match="Service Hub"):
        _read(desk, "survey_answers", Window(None, AT))
    assert _read(desk, "form_submissions", Window(None, AT))


@pytest.mark.parametrize(
    ("stream", "operation"), [("form_submissions", "GET /form-integrations/*"), ("survey_answers", "GET /crm/objects/*/feedback_submissions")]
)
@pytest.mark.parametrize("kind", ["500", "reset", "cut_body"])
def test_a_page_that_fails_never_ends_the_reading_quietly(desk: Desk, stream: str, operation: str, kind: str) -> None:
    _form(desk, "a1", "Welcome", 120)
    _answers(desk, 120)
    window = Window(None, AT + 1000 * HOUR)
    pages = desk.source.pages(stream, window, "")
    first = next(pages)
    desk.fault(kind, operation)
    with pytest.raises(Transient):
        next(pages)
    assert len(_ids([first, *_read(desk, stream, window, first.cursor)])) == 120


def test_definitions_keep_what_rules_can_ask_about() -> None:
    told = definitions(
        [
            {"name": "b", "type": "enumeration", "fieldType": "checkbox", "label": "B", "options": [{"value": "x"}, {"value": ""}, {}]},
            {"name": "a", "type": "phone_number", "fieldType": "phonenumber"},
            {"name": "place", "type": "object_coordinates"},
            {"name": "old", "type": "string", "archived": True},
            {"type": "string"},
        ]
    )
    assert told.definitions == (PropertyDefinition("a", "string"), PropertyDefinition("b", "enumeration", ("x",), True, "B"))
