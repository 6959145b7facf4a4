"""Audits: what each connection really held, compared with the ledger, and everything that was found otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.models import Connection
from segsync import clock
from segsync.console.dialogs import dialog_action, done
from segsync.console.operations import audit_now
from segsync.console.pages import BAD, GOOD, IDLE, INFO, WARN, Cell, Panel, ReadOnlyAdmin, badge, badges, column, instant, link
from segsync.console.wording import count, platform, when
from segsync.push.models import Audit, Finding
from segsync.push.report import counts, findings_csv, share
from segsync.store.masking import known_as
from segsync.store.models import Customer

SHOWN = 25
LATEST = 20
TONES = {"planned": IDLE, "running": INFO, "done": GOOD, "failed": BAD}
KINDS = {
    Finding.Kind.MISSING: ("Taken away by somebody else", WARN),
    Finding.Kind.EXTRA: ("Ours and not wanted", WARN),
    Finding.Kind.DELETED: ("Deleted, or closed to members", BAD),
    Finding.Kind.LIMIT: ("At the platform's limit", WARN),
    Finding.Kind.RENAMED: ("Renamed", INFO),
    Finding.Kind.GONE: ("Person no longer there", IDLE),
    Finding.Kind.FOREIGN: ("Not ours, never touched", IDLE),
}
_BESIDE = {"respected": "left away as respected", "waiting": "just told or about to be"}
ASKED = "Everything there is read back and compared with what SegSync wrote. What differs is put right or only told, as the shop's settings say."


@admin.register(Audit)
class AuditAdmin(ReadOnlyAdmin[Audit]):
    """Audits, newest first."""

    list_display = ("started", "platform", "shop", "status_badge", "found", "drift", "mode", "took", "problem")
    list_filter = ("status", "cause", "connection__vendor", "shop")
    list_select_related = ("shop", "connection", "asked_by")
    ordering = ("-pk",)
    fields = ("shop", "connection", "status_badge", "because", "mode", "due", "began", "ended", "took", "found", "drift", "problem", "download")
    readonly_fields = fields
    actions_detail = ("audit_again",)

    began = instant("started_at", "started", "not yet")
    ended = instant("finished_at", "finished", "not yet")
    due = instant("due_at", "due", "–")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Audit]:
        """Audits with what they found in all their places."""
        sums = {f"n_{kind}": Sum(f"targets__{kind}", default=0) for kind in ("right", *Finding.Kind.values)}
        return super().get_queryset(request).annotate(**sums)

    def get_urls(self) -> list[Any]:
        """Add the download."""
        address = path("<int:object_id>/findings.csv", self.admin_site.admin_view(self.findings), name="push_audit_findings")
        return [address, *super().get_urls()]

    def findings(self, request: HttpRequest, object_id: int) -> StreamingHttpResponse:
        """Send everything that was found as CSV."""
        audit = self.get_object(request, str(object_id))
        if audit is None:
            raise Http404
        if not self.has_view_permission(request, audit):
            raise PermissionDenied
        answer = StreamingHttpResponse(findings_csv(audit), content_type="text/csv; charset=utf-8")
        answer.headers["Content-Disposition"] = f'attachment; filename="audit-{audit.pk}.csv"'
        return answer

    @dialog_action("Audit again now", icon="fact_check", text=ASKED)
    def audit_again(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        """Have the same connection audited at once."""
        connection = Connection.objects.get(audits=int(object_id))
        return done(asked(request, connection))

    def panels(self, request: HttpRequest, row: Audit) -> Sequence[Panel]:
        """Return the places in numbers, then what was found, by kind."""
        return [_places(row), *(_kind(row, kind) for kind in KINDS if _total(row, kind))]

    @column("started", ordering="started_at")
    def started(self, audit: Audit) -> str | SafeString:
        """How long ago, or when it is due."""
        return when(audit.started_at or audit.due_at, audit.shop.tz)

    @column("platform", ordering="connection__vendor")
    def platform(self, audit: Audit) -> str:
        """Platform and account."""
        return f"{platform(audit.connection.vendor)} {audit.connection.account}"

    @column("state", ordering="status", label=TONES)
    def status_badge(self, audit: Audit) -> str:
        """Planned, running, done or failed."""
        return audit.get_status_display()

    @column("because")
    def because(self, audit: Audit) -> str:
        """The night, or who asked."""
        return f"{audit.asked_by} asked" if audit.asked_by else audit.get_cause_display()

    @column("repairs")
    def mode(self, audit: Audit) -> str:
        """Whether what it finds is put right."""
        if audit.started_at is None:
            return "report only" if audit.only_report else "as the settings say"
        return "puts right" if audit.repairs else "report only"

    @column("found")
    def found(self, audit: Audit) -> SafeString | str:
        """How many of each kind."""
        if audit.started_at is None:
            return "–"
        right = (f"{getattr(audit, 'n_right', 0):,} right", GOOD)
        return badges([right, *((f"{number:,} {kind}", tone) for kind, (_, tone) in KINDS.items() if (number := getattr(audit, f"n_{kind}", 0)))])

    @column("drift")
    def drift(self, audit: Audit) -> str | SafeString:
        """Which part of the marks was not as the ledger says."""
        lost = getattr(audit, "n_missing", 0) + getattr(audit, "n_extra", 0)
        members = getattr(audit, "n_right", 0) + lost
        return badge(f"{100 * lost / members:.2f} %", WARN if lost else GOOD) if members else "–"

    @column("took")
    def took(self, audit: Audit) -> str:
        """How long it took."""
        if audit.started_at is None:
            return "–"
        return "under way" if audit.finished_at is None else f"{(audit.finished_at - audit.started_at).total_seconds():,.1f} s"

    @column("download")
    def download(self, audit: Audit) -> SafeString:
        """Where everything that was found can be had."""
        return format_html('<a class="sg-link" href="{}">All findings as CSV</a>', reverse("admin:push_audit_findings", args=[audit.pk]))


class InAudit(admin.SimpleListFilter):
    """Findings by their audit, of the latest ones."""

    title = "audit"
    parameter_name = "in_audit"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the latest audits that have found something."""
        latest = Audit.objects.filter(started_at__isnull=False).select_related("connection", "shop").order_by("-pk")[:LATEST]
        return [(str(one.pk), f"{platform(one.connection.vendor)} {one.started_at.astimezone(one.shop.tz):%d %b %H:%M}") for one in latest if one.started_at]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Finding]) -> QuerySet[Finding]:
        """Keep the findings of the chosen audit."""
        value = self.value()
        return queryset.filter(audit=int(value)) if value and value.isdigit() else queryset


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin[Finding]):
    """Findings of audits: one thing each that was not as the ledger says."""

    list_display = ("kind_badge", "where", "person", "shop", "done_text", "detail", "seen")
    list_filter = ("kind", "done", InAudit, "target", "shop")
    list_select_related = ("shop", "target__connection", "profile", "audit__connection")
    search_fields = ("=external_id",)
    search_help_text = "The platform's id of the record"
    ordering = ("-pk",)
    fields = ("shop", "audit", "target", "kind_badge", "person", "done_text", "detail", "at")
    readonly_fields = fields

    at = instant("found_at", "found")

    @column("found", ordering="kind")
    def kind_badge(self, finding: Finding) -> SafeString:
        """What is not as it should be."""
        return badge(*KINDS[Finding.Kind(finding.kind)])

    @column("where", ordering="target__name")
    def where(self, finding: Finding) -> str:
        """Platform and place."""
        return f"{platform(finding.target.connection.vendor)} {finding.target}"

    @column("record")
    def person(self, finding: Finding) -> Cell:
        """The platform's record, and the person behind it where one is known."""
        return _person(finding, {})

    @column("what was done", ordering="done")
    def done_text(self, finding: Finding) -> str:
        """What became of it."""
        return finding.get_done_display()

    @column("when", ordering="found_at")
    def seen(self, finding: Finding) -> str | SafeString:
        """How long ago."""
        return when(finding.found_at, finding.shop.tz)


def asked(request: HttpRequest, connection: Connection) -> str:
    """Have the connection audited, say so, and return the address of its audit."""
    by = request.user if isinstance(request.user, User) else None
    audit = audit_now(connection, clock.now(), by)
    if connection.status != Connection.Status.CONNECTED:
        messages.warning(request, "The account is not connected; it is audited once it is connected again.")
    else:
        messages.success(request, "The audit begins within moments; this page shows what it finds.")
    return reverse("admin:push_audit_change", args=[audit.pk])


def _places(audit: Audit) -> Panel:
    rows: list[list[Cell]] = []
    for row in audit.targets.select_related("target").order_by("target__name"):
        numbers = counts(row)
        state = badge("not compared", BAD) if row.problem else badge("compared", GOOD) if row.finished_at else badge("under way", INFO)
        told = [(f"{numbers['right']:,} right", GOOD)]
        told += [(f"{numbers[kind]:,} {kind}", tone) for kind, (_, tone) in KINDS.items() if numbers[kind]]
        told += [(f"{numbers[name]:,} {words}", IDLE) for name, words in _BESIDE.items() if numbers[name]]
        rows.append([link(row.target), state, badges(told), f"{numbers['repaired']:,}", f"{100 * share([row]):.2f} %", row.problem or "–"])
    headers = ("Place", "State", "Found", "Put right", "Drift", "Problem")
    return Panel("Places", headers, rows, "No place there is written to yet.")


def _total(audit: Audit, kind: str) -> int:
    return int(audit.targets.aggregate(n=Sum(F(kind), default=0))["n"])


def _kind(audit: Audit, kind: Finding.Kind) -> Panel:
    found = Finding.objects.filter(audit=audit, kind=kind)
    some = list(found.select_related("target", "profile", "shop").order_by("pk")[:SHOWN])
    names = known_as(audit.shop_id, [one.profile.customer_id for one in some if one.profile])
    rows = [(link(one.target), _person(one, names), one.get_done_display(), one.detail or "–", when(one.found_at, audit.shop.tz)) for one in some]
    total = _total(audit, kind)
    note: str | SafeString = ""
    if total > len(rows):
        address = f"{reverse('admin:push_finding_changelist')}?in_audit={audit.pk}&kind__exact={kind}"
        note = format_html('The first {} of {}. <a class="sg-link" href="{}">See those kept</a>', len(rows), count(total, "finding"), address)
    return Panel(KINDS[kind][0], ("Place", "Record", "Done", "Detail", "Found"), rows, "Counted, but not kept one by one.", note)


def _person(finding: Finding, names: dict[int, str]) -> Cell:
    if finding.profile is None:
        return finding.external_id or "the place itself"
    customer = finding.profile.customer_id
    return format_html("{} {}", link(Customer(pk=customer), finding.external_id), names.get(customer, ""))
