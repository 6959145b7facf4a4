"""Actions on one row that ask before they act. They act on POST only, so no link or image can set them going."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import unfold.decorators
from django.http import HttpResponse
from unfold.dataclasses import ActionDialog

F = TypeVar("F", bound=Callable[..., Any])


def dialog_action(title: str, *, icon: str, text: str) -> Callable[[F], F]:
    """Make a method an action of a row's page; it asks with `text` first. The page needs `has_operate_permission`."""
    dialog = ActionDialog(title=title, description=text, form_class=None, form_submit_text=title)

    def mark(method: F) -> F:
        marked: F = unfold.decorators.action(description=title, icon=icon, permissions=["operate"], dialog=dialog)(method)
        return marked

    return mark


def done(address: str) -> HttpResponse:
    """Answer the dialog's form so that the browser goes to `address` (htmx.org, HX-Redirect response header)."""
    response = HttpResponse(status=200)
    response.headers["HX-Redirect"] = address
    return response
