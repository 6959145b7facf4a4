"""Shops whose segments are decided and not told yet."""

from __future__ import annotations

import pytest

from tests.line import Line, both, line, other, sandbox


@pytest.fixture
def tags(line: Line) -> Line:
    """Only the store is connected; its four buyers are to be tagged."""
    line.pull()
    line.segment()
    line.decide()
    return line


@pytest.fixture
def lists(both: Line) -> Line:
    """The portal has a contact for one of the three buyers who have an address."""
    both.contact("ann@example.test")
    both.wait(61)
    both.pull("contacts")
    both.segment()
    both.decide()
    return both


__all__ = ["both", "line", "lists", "other", "sandbox", "tags"]
