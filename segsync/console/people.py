"""Customers in the admin, to read: found by e-mail address or a platform's id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from segsync.console.customer_panels import amount, customer_panels
from segsync.console.pages import GOOD, IDLE, Panel, ReadOnlyAdmin, badges, column, link
from segsync.console.wording import at, platform, when
from segsync.evaluate.models import Membership
from segsync.rules.models import Segment
from segsync.store.models import Customer, Identity, Profile


class InSegment(admin.SimpleListFilter):
    """Customers by the segment they are in now."""

    title = "segment"
    parameter_name = "segment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer every segment, with its shop where there are several."""
        segments = list(Segment.objects.select_related("shop").order_by("shop__domain", "name"))
        several = len({segment.shop_id for segment in segments}) > 1
        return [(str(segment.pk), f"{segment.name} ({segment.shop})" if several else segment.name) for segment in segments]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Customer]) -> QuerySet[Customer]:
        """Keep the members of the chosen segment."""
        value = self.value()
        if not value or not value.isdigit():
            return queryset
        return queryset.filter(Exists(Membership.objects.filter(customer=OuterRef("pk"), segment=int(value), until__isnull=True)))


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin[Customer]):
    """Customers: who they are, where they belong and why."""

    list_display = ("title", "shop", "platforms", "orders_text", "spent", "in_segments", "changed")
    list_filter = (InSegment, "shop")
    list_select_related = ("shop",)
    search_fields = ("pk",)  # makes the search box; `get_search_results` searches
    search_help_text = "E-mail address or a platform's id"
    ordering = ("-pk",)
    fields = ("title", "shop", "known_since", "changed", "state", "merged")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        """Customers with what the list shows, in a fixed number of queries; the list leaves out merged ones."""
        stays = Membership.objects.filter(until__isnull=True).select_related("segment").order_by("segment__name")
        customers = (
            super()
            .get_queryset(request)
            .prefetch_related(
                Prefetch("identities", Identity.objects.filter(kind=Identity.EMAIL).order_by("pk"), to_attr="addresses"),
                Prefetch("profiles", Profile.objects.filter(gone_at__isnull=True).order_by("source", "pk"), to_attr="records"),
                Prefetch("memberships", stays, to_attr="open_stays"),
            )
        )
        match = request.resolver_match
        return customers.filter(merged_into__isnull=True) if match and match.url_name == "store_customer_changelist" else customers

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Customer], search_term: str) -> tuple[QuerySet[Customer], bool]:
        """Find by the whole e-mail address or id first; only when nobody has it, by a part of it."""
        term = search_term.strip().lower()
        if not term:
            return queryset, False
        whole = Q(value=term) | Q(value=search_term.strip())
        names = Identity.objects.filter(whole)
        if not names.exists():
            names = Identity.objects.filter(value__icontains=term)
        return queryset.filter(pk__in=names.values("customer")), False

    def panels(self, request: HttpRequest, row: Customer) -> Sequence[Panel]:
        """Return segments, names, records, marks, orders and activities."""
        return customer_panels(row)

    @column("customer")
    def title(self, customer: Customer) -> str:
        """The first e-mail address, else the number."""
        emails = [identity.value for identity in getattr(customer, "addresses", ())]
        return emails[0] if emails else str(customer)

    @column("platforms")
    def platforms(self, customer: Customer) -> SafeString:
        """Where there is a record of the person."""
        return badges((source, IDLE) for source in sorted({platform(profile.source) for profile in getattr(customer, "records", ())}))

    @column("orders")
    def orders_text(self, customer: Customer) -> str:
        """How many orders the store says there are."""
        counts = [profile.order_count for profile in getattr(customer, "records", ()) if profile.order_count is not None]
        return f"{sum(counts):,}" if counts else "–"

    @column("spent")
    def spent(self, customer: Customer) -> str:
        """What the store says was spent."""
        sums = [profile.amount_spent_minor for profile in getattr(customer, "records", ()) if profile.amount_spent_minor is not None]
        return amount(sum(sums) if sums else None, customer.shop.currency)

    @column("segments now")
    def in_segments(self, customer: Customer) -> SafeString:
        """Where the person belongs."""
        return badges((stay.segment.name, GOOD) for stay in getattr(customer, "open_stays", ()))

    @column("last change", ordering="changed_at")
    def changed(self, customer: Customer) -> str | SafeString:
        """When the newest fact was stored."""
        return when(customer.changed_at, customer.shop.tz)

    @column("known since")
    def known_since(self, customer: Customer) -> str | SafeString:
        """When the person was first seen."""
        return at(customer.created_at, customer.shop.tz)

    @column("state")
    def state(self, customer: Customer) -> str:
        """Whether what is known has been acted upon."""
        if customer.facts_version > customer.judged_version:
            return "Something changed; segments are judged again within moments."
        if customer.outcome_version > customer.routed_version:
            return "Judged; what follows from it is being written."
        return "Up to date."

    @column("merged into")
    def merged(self, customer: Customer) -> str | SafeString:
        """The person this record became part of."""
        return link(customer.merged_into) if customer.merged_into else "–"
