"""Whatever the text, it is a rule or a precise mistake. `make fuzz` looks for longer, and at the time that each takes."""

from __future__ import annotations

from itertools import islice

from tests.rules.fuzz import run, texts


def test_no_text_crashes_the_parser() -> None:
    found = run(seed=1, seconds=60, most=2_000)
    assert found.crashes == []
    assert found.texts == 2_000
    assert 0 < found.accepted < found.texts


def test_the_texts_are_worth_trying() -> None:
    some = list(islice(texts(2), 500))
    assert len(set(some)) > 450
    assert any("\x00" in text for text in some)
    assert max(map(len, some)) > 20_000
