"""Actions on one row that ask before they act: in a dialog, or on a page of their own where there is much to see first.

They act on POST only, so no link or image can set them going.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import unfold.decorators
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.dataclasses import ActionDialog

from segsync.console.pages import Panel

F = TypeVar("F", bound=Callable[..., Any])


def dialog_action(title: str, *, icon: str, text: str) -> Callable[[F], F]:
    """Make a method an action of a row's page; it asks with `text` first. The page needs `has_operate_permission`."""
    dialog = ActionDialog(title=title, description=text, form_class=None, form_submit_text=title)

    def mark(method: F) -> F:
        marked: F = unfold.decorators.action(description=title, icon=icon, permissions=["operate"], dialog=dialog)(method)
        return marked

    return mark


def page_action(title: str, *, icon: str) -> Callable[[F], F]:
    """Make a method an action of a row's page that asks on a page of its own (`asking`). The page needs `has_operate_permission`."""

    def mark(method: F) -> F:
        marked: F = unfold.decorators.action(description=title, icon=icon, permissions=["operate"])(method)
        return marked

    return mark


def asking(
    page: ModelAdmin[Any],
    request: HttpRequest,
    *,
    title: str,
    text: str,
    button: str,
    back: str,
    panels: Sequence[Panel] = (),
    hidden: Mapping[str, object] | None = None,
    error: str = "",
) -> HttpResponse:
    """Ask whether to go on, with what there is to see first. The form works without scripts; `hidden` comes back with it."""
    context = {
        **page.admin_site.each_context(request),
        "title": title,
        "opts": page.opts,
        "text": text,
        "button": button,
        "back": back,
        "panels": panels,
        "hidden": dict(hidden or {}),
        "error": error,
    }
    return TemplateResponse(request, "console/asking.html", context)


def done(address: str) -> HttpResponse:
    """Answer the dialog's form so that the browser goes to `address` (htmx.org, HX-Redirect response header)."""
    response = HttpResponse(status=200)
    response.headers["HX-Redirect"] = address
    return response
