"""Registers every page of the admin. Credentials and consents in progress are never registered."""

from django.contrib import admin

from segsync.console import access, attempts, audits, connections, evaluations, holds, ledger, people, privacy, pulls, segments, shops, targets, whole_runs

__all__ = [
    "access",
    "attempts",
    "audits",
    "connections",
    "evaluations",
    "holds",
    "ledger",
    "people",
    "privacy",
    "pulls",
    "segments",
    "shops",
    "targets",
    "whole_runs",
]

admin.site.index_title = "Overview"
admin.site.index_template = "console/index.html"
