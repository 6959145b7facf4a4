"""Having workers look at once: from a thread of its own, and never at the cost of whoever asks."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from config.celery import app
from segsync import wake


@pytest.fixture
def broker() -> Iterator[list[str]]:
    """Another broker than the one in memory; what is sent to it is written down."""
    before, sent = app.conf.broker_url, list[str]()
    app.conf.broker_url = "redis://127.0.0.1:9/0"
    forget_connections()
    yield sent
    app.conf.broker_url = before
    forget_connections()


def forget_connections() -> None:
    """Celery keeps its first connections to the broker, whatever the settings say afterwards."""
    app._pool = app.amqp._producer_pool = None


def wait_for(sent: list[str], number: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and len(sent) < number:
        time.sleep(0.01)
    return len(sent) >= number


def test_a_burst_is_one_look_and_later_ones_are_not_lost(broker: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "_caller", None)
    monkeypatch.setattr(app, "send_task", lambda name, **_: broker.append(name))
    for _ in range(50):
        wake.look_soon()
    assert wait_for(broker, 1)
    time.sleep(0.2)
    assert len(broker) < 5
    before = len(broker)
    wake.look_soon()
    assert wait_for(broker, before + 1)
    assert set(broker) == {"segsync.pipeline.tick"}


def test_fault_8_a_broker_that_does_not_answer_holds_nobody_up(broker: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "_caller", None)
    began = time.monotonic()
    for _ in range(100):
        wake.look_soon()
    assert time.monotonic() - began < 0.1


def test_nothing_is_sent_where_messages_reach_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "_caller", None)
    wake.look_soon()
    assert wake._caller is None
