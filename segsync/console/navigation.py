"""How the admin looks and what its sidebar holds, for `settings.UNFOLD`. Imports nothing that needs the app registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _may_view(model: str) -> Callable[[HttpRequest], bool]:
    app, name = model.split(".")
    return lambda request: request.user.has_perm(f"{app}.view_{name}") or request.user.has_perm(f"{app}.change_{name}")


def _page(title: str, icon: str, model: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model.replace('.', '_')}_changelist"), "permission": _may_view(model)}


UNFOLD_SIDEBAR: dict[str, Any] = {
    "show_search": True,
    "show_all_applications": False,
    "navigation": [
        {"title": "", "items": [{"title": "Overview", "icon": "dashboard", "link": reverse_lazy("admin:index")}]},
        {
            "title": "Segments",
            "items": [
                _page("Segments", "group_work", "rules.segment"),
                _page("Targets", "sell", "diff.target"),
                _page("Decisions", "front_hand", "diff.hold"),
                _page("Evaluations", "rule", "evaluate.evaluation"),
                _page("Whole evaluations", "checklist", "evaluate.wholerun"),
            ],
        },
        {
            "title": "People",
            "items": [
                _page("Customers", "person", "store.customer"),
                _page("Ledger entries", "fact_check", "diff.ledgerentry"),
                _page("Privacy requests", "shield_person", "store.privacyrequest"),
            ],
        },
        {"title": "Connections", "items": [_page("Shops", "storefront", "integrations.shop"), _page("Connections", "cable", "integrations.connection")]},
        {
            "title": "Runs",
            "items": [
                _page("Streams", "cloud_download", "pull.stream"),
                _page("Runs", "history", "pull.run"),
                _page("Attempts", "outbox", "push.attempt"),
                _page("Audits", "rule_folder", "push.audit"),
                _page("Findings", "troubleshoot", "push.finding"),
                _page("Webhooks", "webhook", "integrations.delivery"),
            ],
        },
        {"title": "Access", "items": [_page("Users", "badge", "auth.user"), _page("Groups", "groups", "auth.group")]},
    ],
}

_TEAL = {
    "50": "#f0fdfa", "100": "#ccfbf1", "200": "#99f6e4", "300": "#5eead4", "400": "#2dd4bf", "500": "#14b8a6",
    "600": "#0f766e", "700": "#0b5d57", "800": "#115e59", "900": "#134e4a", "950": "#042f2e",
}  # fmt: skip

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "SegSync",
    "SITE_HEADER": "SegSync",
    "SITE_ICON": lambda request: static("merchant/mark.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("merchant/mark.svg")}],
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("console/console.css")],
    "COLORS": {"primary": _TEAL},
    "DASHBOARD_CALLBACK": "segsync.console.dashboard.dashboard_callback",
    "SIDEBAR": UNFOLD_SIDEBAR,
}
