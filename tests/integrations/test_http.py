"""What became of a call is told by the class of the error, whatever happened on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from integrations import http
from integrations.errors import IntegrationError, Misconfigured, NotFound, RateLimited, Rejected, Transient, UnknownOutcome
from tests.integrations.loopback import Loopback, answer

Serve = Callable[..., Loopback]


@pytest.fixture
def serve() -> Iterator[Serve]:
    made: list[Loopback] = []

    def serve(*answers: bytes | float | None) -> Loopback:
        made.append(Loopback(answers))
        return made[-1]

    yield serve
    for each in made:
        each.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT", (0.5, 0.5))


def error_of(server: Loopback, *, safe: bool) -> IntegrationError:
    with pytest.raises(IntegrationError) as raised:
        http.send_json("POST", server.url, safe=safe, json={"a": 1})
    return raised.value


def test_an_answer_is_handed_on_parsed(serve: Serve) -> None:
    assert http.send_json("POST", serve(answer(200, b'{"ok": true}')).url, safe=False, json={"a": 1}) == {"ok": True}
    assert http.send_json("DELETE", serve(answer(204)).url, safe=False) is None


@pytest.mark.parametrize(
    "broken",
    [answer(500), answer(502, b"<html>Bad gateway</html>"), None, answer(200, b'{"ok": tr', length=100), answer(200, b'{"ok": tr'), 2.0],
    ids=["500", "502 with a page", "reset", "cut body", "cut JSON", "fault 49: no byte in time"],
)
def test_without_a_whole_answer_a_change_may_have_been_carried_out(serve: Serve, broken: bytes | float | None) -> None:
    assert type(error_of(serve(broken), safe=False)) is UnknownOutcome
    assert type(error_of(serve(broken), safe=True)) is Transient


def test_a_platform_that_cannot_be_reached_was_told_nothing() -> None:
    closed = Loopback([answer(200)])
    closed.close()
    assert type(error_of(closed, safe=False)) is Transient


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, http.Unauthorized), (402, Misconfigured), (403, Misconfigured), (423, Misconfigured), (404, NotFound), (400, Rejected), (422, Rejected)],
)
def test_refusals_say_what_to_do_by_their_class(serve: Serve, status: int, kind: type[IntegrationError]) -> None:
    error = error_of(serve(answer(status, b'{"message": "No such plan"}')), safe=False)
    assert type(error) is kind or (kind is Rejected and isinstance(error, http.Refused))
    assert str(error) == f"The platform answered {status}: No such plan"


@pytest.mark.parametrize(("header", "seconds"), [("Retry-After: 4.0", 4.0), ("Retry-After: 30", 30.0), ("X-None: 1", None), ("Retry-After: soon", None)])
def test_a_rate_limit_tells_how_long_to_wait_when_it_knows(serve: Serve, header: str, seconds: float | None) -> None:
    error = error_of(serve(answer(429, b"{}", header)), safe=False)
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_a_retry_after_in_the_past_is_no_wait(serve: Serve) -> None:
    error = error_of(serve(answer(429, b"{}", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT")), safe=True)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 0


def test_the_platforms_words_are_cut_and_rid_of_personal_data(serve: Serve) -> None:
    words = "jane.doe@example.com, +44 20 7946 0958 is taken " + "x" * 500
    error = error_of(serve(answer(422, f'{{"errors": [{{"message": "{words}"}}]}}'.encode())), safe=False)
    assert "example.com" not in str(error)
    assert "7946" not in str(error)
    assert len(str(error)) < 340


def test_a_redirect_is_never_followed(serve: Serve) -> None:
    trap = serve(answer(200, b"{}"))
    error = error_of(serve(answer(302, b"", f"Location: {trap.url}")), safe=True)
    assert isinstance(error, Rejected)
    assert trap.requests == []


def test_no_cookie_of_one_account_goes_along_to_another(serve: Serve) -> None:
    server = serve(answer(200, b"{}", "Set-Cookie: account=1; Path=/"))
    http.send("GET", server.url, safe=True)
    http.send("GET", server.url, safe=True)
    assert b"cookie" not in server.requests[1].lower()


def test_addresses_with_secrets_do_not_show_in_errors(serve: Serve) -> None:
    server = serve(None)
    with pytest.raises(UnknownOutcome) as raised:
        http.send("POST", f"{server.url}/?code=secret", safe=False)
    assert "secret" not in str(raised.value)
    assert raised.value.__suppress_context__
