"""The page on which a segment is given one more place to be written to: a tag, a list or a property of any connected platform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from integrations import registry
from integrations.base import MarkKind
from integrations.errors import Rejected
from integrations.models import Connection
from segsync import clock
from segsync.console.wording import count, platform
from segsync.diff.models import Target
from segsync.diff.targets import add_target, place_name, settings_of
from segsync.rules.models import Segment

if TYPE_CHECKING:
    from segsync.console.segments import SegmentAdmin

HINTS = {
    MarkKind.TAG: "A tag on each member. A tag that another segment is written to may be named too: people keep it while either has them.",
    MarkKind.LIST: "A static list, made in SegSync’s folder. A list that somebody else made is never touched.",
    MarkKind.PROPERTY: "A checkbox of each contact: ticked for members, empty for everybody else. Its internal name cannot be changed later.",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A kind of place at one connection. `missing` are rights that it would take, `error` why the last try failed."""

    connection: Connection
    kind: MarkKind
    name: str
    missing: str = ""
    error: str = ""

    @property
    def key(self) -> str:
        """What tells it from the other offers of the page."""
        return f"{self.connection.pk}-{self.kind.value}"

    @property
    def title(self) -> str:
        """The platform and the kind, in words."""
        return f"{platform(self.connection.vendor)} {Target.Kind(self.kind.value).label}"

    @property
    def hint(self) -> str:
        """What such a place is."""
        return HINTS[self.kind]


def add_place_page(page: SegmentAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Offer each kind of place that the shop's connected platforms keep; on POST add the one named, or say what to change."""
    segment = page.get_object(request, object_id)
    if segment is None:
        raise Http404
    if not page.has_change_permission(request, segment):
        raise PermissionDenied
    offers = list(_offers(segment))
    if request.method == "POST":
        chosen = next((offer for offer in offers if offer.key == request.POST.get("place")), None)
        if chosen is None:
            raise Http404
        tried = _add(page, request, segment, chosen, request.POST.get("name", "").strip())
        if tried is None:
            return HttpResponseRedirect(reverse("admin:rules_segment_change", args=[segment.pk]))
        offers = [tried if offer.key == tried.key else offer for offer in offers]
    context = {
        **page.admin_site.each_context(request),
        "title": f"Write {segment.name} to one more place",
        "opts": page.opts,
        "original": segment,
        "segment": segment,
        "members": count(segment.size, "person", "people"),
        "offers": offers,
        "segment_address": reverse("admin:rules_segment_change", args=[segment.pk]),
    }
    return TemplateResponse(request, "console/add_place.html", context)


def _offers(segment: Segment) -> Iterator[Offer]:
    settings = settings_of(segment.shop)
    taken = {(target.connection_id, target.kind, target.name) for target in segment.targets.all()}
    for connection in Connection.objects.filter(shop=segment.shop, status=Connection.Status.CONNECTED).order_by("vendor"):
        connector = registry.connector(connection.vendor)
        for kind in sorted(connector.marks):
            name = place_name(kind, segment, settings)
            again = (connection.pk, kind.value, name) in taken
            missing = connector.asks.get(kind, frozenset()) - set(connection.scopes)
            yield Offer(connection, kind, _another(segment, name, taken, connection, kind) if again else name, ", ".join(sorted(missing)))


def _another(segment: Segment, name: str, taken: set[tuple[int, str, str]], connection: Connection, kind: MarkKind) -> str:
    """A name beside the one that is taken."""
    joint = {MarkKind.TAG: "-", MarkKind.LIST: " ", MarkKind.PROPERTY: "_"}[kind]
    return next(tried for number in range(2, len(taken) + 3) if (connection.pk, kind.value, tried := f"{name}{joint}{number}") not in taken)


def _add(page: SegmentAdmin, request: HttpRequest, segment: Segment, chosen: Offer, name: str) -> Offer | None:
    """None once the segment is written there, else the offer with why not."""
    try:
        target = add_target(segment, chosen.connection, chosen.kind, name, clock.now())
    except Rejected as error:
        return Offer(chosen.connection, chosen.kind, name, chosen.missing, str(error))
    others = target.segments.exclude(pk=segment.pk).count()
    shared = f" It is shared with {count(others, 'other segment')}: people keep it while either has them." if others else ""
    page.log_change(request, segment, f"Written to {chosen.title} {target.name}.")
    messages.success(request, f"{segment.name} is written to the {chosen.title} “{target.name}” from now on.{shared}")
    return None
