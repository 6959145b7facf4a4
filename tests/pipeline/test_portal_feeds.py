"""Forms and surveys of the portal, from the portal to who is in a segment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.sandbox.hubspot.feedback import record_feedback
from integrations.sandbox.hubspot.forms import record_submission
from integrations.sandbox.hubspot.state import Feedback, Form, FormSubmission
from segsync import pipeline
from segsync.pull.models import Stream
from segsync.store.models import Activity
from tests.line import Line

SURVEYS = "crm.objects.feedback_submissions.read"


@pytest.fixture
def asked(line: Line) -> Line:
    """A portal with a form and three contacts, connected with forms and surveys allowed."""
    line.portal.forms["guid"] = Form("guid", "Gift guide", line.now())
    for name in ("ada", "bo", "cy"):
        line.contact(f"{name}@example.com")
    line.connect_portal("forms", SURVEYS)
    return line


def _sent_in(line: Line, email: str) -> None:
    at = line.now()
    record_submission(line.portal, FormSubmission(f"{email}-{at:%H%M%S}", "guid", at, {"email": email}, "https://shop.example/pages/gifts"))


def _answered(line: Line, contact: int, kind: str, rating: int) -> None:
    number = len(line.portal.feedback) + 1
    record_feedback(line.portal, Feedback(number, contact, kind, str(rating), "PROMOTER" if rating > 8 else "DETRACTOR", line.now()))


def test_who_sent_a_form_in_belongs_until_the_window_passes(asked: Line) -> None:
    _sent_in(asked, "Ada@Example.com ")
    asked.wait(60)
    asked.pull()
    asked.segment("forms.submitted MATCHES (form = 'gift guide', page CONTAINS '/gifts', date >= -24h)")
    asked.settle()
    assert asked.members() == {"ada@example.com"}
    _sent_in(asked, "bo@example.com")
    asked.wait(900)
    asked.look_again()
    assert asked.members() == {"ada@example.com", "bo@example.com"}
    asked.wait(86_400)
    asked.decide()
    assert asked.members() == set()


def test_survey_answers_give_the_nps_group_and_the_last_rating(asked: Line) -> None:
    _answered(asked, 101, "NPS", 10)
    _answered(asked, 102, "NPS", 3)
    asked.wait(60)
    asked.pull()
    for handle, rule in (
        ("promoters", "nps_group = 'PROMOTER'"),
        ("detractors", "nps_rating <= 6"),
        ("content", "last_survey_rating >= 4"),
        ("csat", "surveys.answered MATCHES (kind = 'CSAT', rating >= 4, sentiment = 'detractor')"),
    ):
        asked.segment(rule, handle)
    asked.settle()
    assert asked.members("promoters") == {"ada@example.com"}
    assert asked.members("detractors") == {"bo@example.com"}
    assert asked.members("content") == {"ada@example.com"}
    _answered(asked, 102, "CSAT", 5)
    asked.wait(600)
    asked.look_again()
    assert asked.members("detractors") == {"bo@example.com"}
    assert asked.members("content") == {"ada@example.com", "bo@example.com"}
    assert asked.members("csat") == {"bo@example.com"}


def test_an_answer_told_before_its_contact_is_theirs_once_they_are_known(asked: Line) -> None:
    _answered(asked, 103, "NPS", 9)
    asked.wait(60)
    asked.pull("properties", "survey_answers")
    assert Activity.objects.get().customer is None
    asked.pull()
    asked.segment("nps_group = 'PROMOTER'")
    asked.settle()
    assert asked.members() == {"cy@example.com"}


def test_a_portal_without_surveys_refuses_them_with_its_reason_and_the_rest_goes_on(asked: Line) -> None:
    asked.portal.service_hub = False
    _sent_in(asked, "ada@example.com")
    asked.wait(60)
    for name in set(Stream.objects.values_list("name", flat=True)) - {"survey_answers"}:
        asked.pull(name)
    asked.tick()
    refused = asked.stream("survey_answers")
    assert "Service Hub" in refused.problem
    assert refused.refused_at is not None
    assert pipeline.ready_to_decide(asked.shop)
    asked.segment("forms.submitted MATCHES (count >= 1) AND nps_rating IS NULL")
    asked.settle()
    assert asked.members() == {"ada@example.com"}
    asked.portal.service_hub = True
    _answered(asked, 101, "NPS", 9)
    asked.wait(timedelta(hours=2).total_seconds())
    asked.look_again()
    assert asked.stream("survey_answers").problem == ""
    assert asked.members() == set()


def test_a_portal_connected_with_less_has_no_such_streams(line: Line) -> None:
    line.connect_portal()
    assert not Stream.objects.filter(name__in=["form_submissions", "survey_answers"]).exists()
