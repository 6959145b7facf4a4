"""What is logged never holds a token, a password or an address, wherever in an event it stands."""

from __future__ import annotations

import io
import logging
import logging.config
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog
from django.test import RequestFactory

from config.logging import logging_config

CANARIES = {
    "Shopify's token": "shpat_5f3a9c0CANARY7",
    "Shopify's refresh token": "shprt_77CANARY7-88",
    "an app's secret": "shpss_00CANARY7",
    "HubSpot's private token": "pat-eu1-0000CANARY7-1111",
    "an address": "anna.CANARY7@example.com",
    "an address with an apostrophe": "o'CANARY7+x@shop.example.co.uk",
    "an address in a query": "CANARY7%40example.com",
}
SENTENCES = {
    "a header": "sent Authorization: Bearer CANARY7 to the portal",
    "a header as Python shows it": "{'X-Shopify-Access-Token': 'CANARY7'}",
    "an answer in JSON": '{"access_token":"CANARY7","refresh_token": "CANARY7"}',
    "a form": "grant_type=refresh_token&refresh_token=CANARY7&client_secret=CANARY7",
    "a way back": "GET /shopify/callback?code=CANARY7&hmac=CANARY7&state=CANARY7",
    "a database": "cannot reach postgres://segsync:CANARY7@db.internal:5432/segsync",
    "a broker without a user": "cannot reach redis://:CANARY7@redis:6379/0",
}


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the process writes, set up as in production."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    config = logging_config("INFO")
    factory = logging.config.DictConfigurator(config)  # type: ignore[attr-defined]
    handler.setFormatter(factory.configure_formatter(config["formatters"]["line"]))
    root.handlers, root.level = [handler], logging.INFO
    try:
        yield written
    finally:
        root.handlers, root.level = before, level


def canary_free(text: str) -> bool:
    return "CANARY7" not in text


@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES.keys())
def test_a_secret_is_taken_out_of_every_part_of_a_structured_event(lines: io.StringIO, canary: str) -> None:
    log = structlog.get_logger("segsync.test")
    log.info(f"said {canary} aloud", detail=f"because of {canary}", deep={"list": [{"of": canary}], "raw": canary.encode()}, error=ValueError(canary))
    try:
        raise RuntimeError(f"refused: {canary}")
    except RuntimeError:
        log.exception("thing.failed", pair=(canary, 7))
    assert lines.getvalue().count("[redacted]") >= 5
    assert canary_free(lines.getvalue())


@pytest.mark.parametrize("sentence", SENTENCES.values(), ids=SENTENCES.keys())
def test_a_secret_is_taken_out_of_what_libraries_log(lines: io.StringIO, sentence: str) -> None:
    log = logging.getLogger("some.library")
    log.warning("%s", sentence)
    log.warning("with more", extra={"detail": sentence})
    assert lines.getvalue().count("[redacted]") >= 2
    assert canary_free(lines.getvalue())


@pytest.mark.parametrize("field", ["email", "access_token", "client_secret", "Authorization", "body", "customer_email"])
def test_fields_named_for_a_secret_are_never_written(lines: io.StringIO, field: str) -> None:
    structlog.get_logger("segsync.test").info("thing.done", **{field: "CANARY7"}, headers={field: "CANARY7"})
    assert canary_free(lines.getvalue())


def test_djangos_record_of_a_failed_request_does_not_show_its_query(lines: io.StringIO) -> None:
    request = RequestFactory().get("/shopify/callback", {"code": "CANARY7", "hmac": "CANARY7", "shop": "corner-shop.myshopify.com"})
    logging.getLogger("django.request").error("Internal Server Error: %s", request.path, extra={"request": request, "status_code": 500})
    told = lines.getvalue()
    assert canary_free(told)
    assert "status_code=500" in told
    assert "corner-shop.myshopify.com" in told


def test_ordinary_words_stay_as_they_are(lines: io.StringIO) -> None:
    at = datetime(2026, 9, 15, 12, tzinfo=UTC)
    structlog.get_logger("segsync.test").info("stream.pulled", shop__id=7, domain="corner-shop.myshopify.com", rows=1200, at=at, share=0.5, late=False)
    told = lines.getvalue()
    assert "[redacted]" not in told
    for part in ("event='stream.pulled'", "shop__id=7", "domain='corner-shop.myshopify.com'", "rows=1200", "2026-09-15 12:00:00+00:00", "late=False"):
        assert part in told
