"""The versions of a segment's rule: what each changed and moved, and the way back to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from segsync import clock, pipeline
from segsync.console.pages import GOOD, Cell, Panel, badge, code
from segsync.console.preview_sections import shown
from segsync.console.wording import at
from segsync.evaluate.models import Cause, Membership
from segsync.rules.edit import VersionConflict, canonical_rule, roll_back
from segsync.rules.english import explain_rule
from segsync.rules.errors import RuleError
from segsync.rules.models import Segment, SegmentVersion
from segsync.rules.parse import parse_rule
from segsync.rules.rewording import rewording

if TYPE_CHECKING:
    from segsync.console.segments import SegmentAdmin

VERSIONS = 20
_TAGS = {"gone": ("del", "taken out: "), "new": ("ins", "put in: ")}


def change(old: str, new: str) -> SafeString:
    """Both wordings in one text: what was taken out struck through, what was put in underlined, and told as such to those who listen."""
    pieces = rewording(old, new)
    if all(piece.kind == "same" for piece in pieces):
        return format_html('{}<p class="sg-note">The same rule.</p>', code(new))
    return format_html('<code class="sg-code sg-change">{}</code>', format_html_join("", "{}", ((_piece(piece.kind, piece.text),) for piece in pieces)))


def _piece(kind: str, text: str) -> SafeString | str:
    if kind == "same":
        return text
    tag, told = _TAGS[kind]
    words = text.strip()
    before, _, after = text.partition(words) if words else (text, "", "")
    if kind == "gone":  # lines that are no more break nothing
        before, after = " " if before else "", " " if after else ""
    marked = format_html('<{tag}><span class="sg-heard">{told}</span>{words}</{tag}>', tag=SafeString(tag), told=told, words=words) if words else ""
    return format_html("{}{}{}", before, marked, after)


def versions_panel(segment: Segment) -> Panel:
    """Return the newest versions with what each changed and moved."""
    newest = list(segment.versions.select_related("author")[: VERSIONS + 1])
    earlier = {version.number: version.rule for version in newest}
    moves = moved(segment, newest[:VERSIONS])
    rows = [_row(segment, version, earlier.get(version.number - 1), moves) for version in newest[:VERSIONS]]
    note = f"The newest {VERSIONS} of {segment.versions.count():,}." if len(newest) > VERSIONS else ""
    return Panel("Versions of the rule", ("Version", "Saved", "By", "Reason", "Changed", "Moved by it"), rows, "No version yet.", note)


def _row(segment: Segment, version: SegmentVersion, before: str | None, moves: Mapping[int, tuple[int, int]]) -> list[Cell]:
    address = reverse("admin:rules_segment_version", args=[segment.pk, version.number])
    in_force = badge("in force", GOOD) if version.pk == segment.version_id else ""
    return [
        format_html('<a class="sg-link" href="{}">Version {}</a> {}', address, version.number, in_force),
        at(version.created_at, segment.shop.tz),
        author_of(version),
        version.reason or "–",
        code(version.rule) if before is None else change(before, version.rule),
        moved_text(moves, version),
    ]


def author_of(version: SegmentVersion) -> str:
    """Return who wrote a version."""
    return version.author.get_username() if version.author else "SegSync"


def moved(segment: Segment, versions: Sequence[SegmentVersion]) -> dict[int, tuple[int, int]]:
    """Return how many entered and left because of each of these versions, by its key."""
    stays = Membership.objects.filter(segment=segment)
    came = dict(stays.filter(cause=Cause.RULE, version__in=versions).values_list("version").annotate(n=Count("pk")))
    left = dict(stays.filter(left_cause=Cause.RULE, left_version__in=versions).values_list("left_version").annotate(n=Count("pk")))
    return {version.pk: (came.get(version.pk, 0), left.get(version.pk, 0)) for version in versions}


def moved_text(moves: Mapping[int, tuple[int, int]], version: SegmentVersion) -> str:
    """Return "+12 / −3"."""
    came, left = moves[version.pk]
    return f"+{came:,} / −{left:,}"


def version_page(page: SegmentAdmin, request: HttpRequest, object_id: str, number: int) -> HttpResponse:
    """Show one version: who, when, why, what it changed and whom it moved."""
    segment, version = _found(page, request, object_id, number)
    before = segment.versions.filter(number=number - 1).first()
    may_go_back = page.has_change_permission(request, segment) and version.pk != segment.version_id
    told = {
        "facts": _facts(segment, version),
        "compared": f"What changed since version {before.number}" if before else "The rule",
        "change": change(before.rule, version.rule) if before else code(version.rule),
        "roll_back_address": reverse("admin:rules_segment_roll_back", args=[segment.pk, number]) if may_go_back else "",
    }
    return _answer(page, request, segment, version, f"Version {number} of {segment.name}", told)


def roll_back_page(page: SegmentAdmin, request: HttpRequest, object_id: str, number: int) -> HttpResponse:
    """Ask whether to go back to a version, with what that would do; on POST, do it and keep author and reason."""
    segment, version = _found(page, request, object_id, number)
    if not page.has_change_permission(request, segment):
        raise PermissionDenied
    error = _go_back(page, request, segment, version) if request.method == "POST" else ""
    if error is None:
        return HttpResponseRedirect(reverse("admin:rules_segment_change", args=[segment.pk]))
    in_force = segment.version
    told: dict[str, Any] = {
        "confirm": True,
        "error": error,
        "reason": request.POST.get("reason", ""),
        "seen_version": in_force.number if in_force else "",
        "facts": _facts(segment, version),
        "compared": f"From version {in_force.number}, in force now, to version {number}" if in_force else "The rule",
        "change": change(segment.rule, version.rule),
        "preview": None,
    }
    try:
        canonical_rule(segment.shop, segment.handle, version.rule)
        told["preview"] = shown(request, segment, version.rule, clock.now(), segment)
    except RuleError as mistake:
        told["error"] = error or f"This rule cannot be put in force any more: {mistake}"
    return _answer(page, request, segment, version, f"Roll back {segment.name} to version {number}?", told)


def _go_back(page: SegmentAdmin, request: HttpRequest, segment: Segment, version: SegmentVersion) -> str | None:
    """None once done, else why not."""
    seen, now = request.POST.get("seen_version", ""), clock.now()
    author, reason = request.user if isinstance(request.user, User) else None, request.POST.get("reason", "").strip()[:300]
    try:
        with transaction.atomic():
            made = roll_back(segment, version.number, author, reason, now, seen=int(seen) if seen.isdecimal() else -1)
            if made is not None:
                pipeline.rule_changed(segment, now)
    except (VersionConflict, RuleError) as error:
        return str(error)
    if made is None:
        messages.info(request, f"Version {version.number} says what is in force already; nothing was changed.")
        return None
    page.log_change(request, segment, f"Rolled back to version {version.number}.")
    messages.success(request, f"Version {made.number} has the rule of version {version.number}; members, tags and lists follow within moments.")
    return None


def _found(page: SegmentAdmin, request: HttpRequest, object_id: str, number: int) -> tuple[Segment, SegmentVersion]:
    segment = page.get_object(request, object_id)
    if segment is None:
        raise Http404
    if not page.has_view_or_change_permission(request, segment):
        raise PermissionDenied
    version = segment.versions.filter(number=number).select_related("author").first()
    if version is None:
        raise Http404
    return segment, version


def _facts(segment: Segment, version: SegmentVersion) -> list[tuple[str, Cell]]:
    try:
        reading = explain_rule(parse_rule(version.rule))
    except RuleError as error:
        reading = f"This rule no longer checks: {error}"
    return [
        ("Saved", at(version.created_at, segment.shop.tz)),
        ("By", author_of(version)),
        ("Reason", version.reason or "–"),
        ("State", badge("in force", GOOD) if version.pk == segment.version_id else "an earlier wording"),
        ("Moved by it", moved_text(moved(segment, [version]), version)),
        ("In plain English", reading),
    ]


def _answer(page: SegmentAdmin, request: HttpRequest, segment: Segment, version: SegmentVersion, title: str, told: dict[str, Any]) -> HttpResponse:
    context = {
        **page.admin_site.each_context(request),
        "title": title,
        "opts": page.opts,
        "original": segment,
        "segment": segment,
        "version": version,
        "segment_address": reverse("admin:rules_segment_change", args=[segment.pk]),
        **told,
    }
    return TemplateResponse(request, "console/version.html", context)
