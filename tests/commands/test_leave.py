"""`manage.py leave`."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from segsync.diff.models import Target
from tests.line import Line
from tests.push.conftest import line, sandbox, tags
from tests.push.test_leave import SETTLE

__all__ = ["line", "sandbox", "tags"]


def said(*words: str) -> str:
    out = io.StringIO()
    call_command("leave", *words, stdout=out)
    return out.getvalue()


def test_it_shows_what_it_would_do_then_does_it_and_says_when_it_is_done(tags: Line) -> None:
    tags.tag(101, "segsync:buyers")
    tags.push()
    shown = said("--shop", tags.domain)
    assert "customer tag segsync:buyers  on: 3 of ours, 1 of others stay, 1 calls" in shown
    assert f"manage.py leave --shop {tags.domain} --yes" in shown
    assert Target.objects.get().state == Target.State.ON
    assert "1 place is being left from now on" in said("--shop", tags.domain, "--yes")
    tags.push()
    assert "being left" in said("--shop", tags.domain)
    tags.wait(SETTLE)
    tags.push()
    shown = said("--shop", tags.domain)
    assert "3 marks taken away, read back: none of ours remains. 1 mark that others had set stays." in shown
    assert "Every place has been left and read back." in shown
    assert tags.tagged() == {101}


def test_a_shop_that_does_not_exist_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="There is no shop"):
        said("--shop", "nobody.myshopify.com")
