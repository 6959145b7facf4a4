"""Ledger entries: each mark on each record, wanted and acknowledged."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from segsync import clock
from segsync.console.operations import try_again
from segsync.console.pages import BAD, GOOD, WARN, ReadOnlyAdmin, column, instant, link
from segsync.console.wording import count, platform, when
from segsync.diff.models import LedgerEntry
from segsync.store.models import Customer

UNTOLD = Q(generation__gt=F("acked_generation"))


class Telling(admin.SimpleListFilter):
    """Ledger entries by what is left to do."""

    title = "left to do"
    parameter_name = "left"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        """Offer the three conditions."""
        return [("waiting", "waiting"), ("parked", "parked"), ("told", "nothing left")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
        """Keep the entries in the chosen condition."""
        match self.value():
            case "waiting":
                return queryset.filter(UNTOLD, parked_at__isnull=True)
            case "parked":
                return queryset.filter(UNTOLD, parked_at__isnull=False)
            case "told":
                return queryset.exclude(UNTOLD)
        return queryset


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin[LedgerEntry]):
    """Ledger entries: each mark on each record, wanted and acknowledged."""

    list_display = ("title", "record", "shop", "left_badge", "there", "outcome_text", "detail", "attempts", "acknowledged")
    list_filter = (Telling, "wanted", "outcome", "connection__vendor", "target", "shop")
    list_select_related = ("shop", "target", "profile")
    search_fields = ("=profile__external_id",)
    search_help_text = "The platform's id of the record"
    ordering = ("-pk",)
    actions = ("try_selected",)
    fields = (
        "shop",
        "target",
        "record",
        "wanted",
        "wanted_since",
        "left_badge",
        "there",
        "ours_since",
        "outcome_text",
        "detail",
        "attempts",
        "told_at",
        "next_try",
        "given_up",
        "acknowledged",
    )
    readonly_fields = fields

    wanted_since = instant("wanted_at", "wanted so since")
    ours_since = instant("owned_since", "put there by SegSync", "no")
    told_at = instant("sent_at", "call with unknown outcome", "none")
    next_try = instant("next_attempt_at", "next try")
    given_up = instant("parked_at", "parked", "no")

    @admin.action(description="Try again", permissions=["operate"])
    def try_selected(self, request: HttpRequest, queryset: QuerySet[LedgerEntry]) -> None:
        """Tell the chosen parked entries again."""
        tried = try_again(LedgerEntry.objects.filter(pk__in=queryset.values("pk")), clock.now())
        if tried:
            messages.success(request, f"{count(tried, 'parked entry', 'parked entries')} will be told again within moments.")
        else:
            messages.warning(request, "None of these is parked: choose parked entries.")

    @column("mark", ordering="target__label")
    def title(self, entry: LedgerEntry) -> str:
        """What is wanted where."""
        return f"{'set' if entry.wanted else 'take away'}: {entry.target.label or entry.target.name}"

    @column("record")
    def record(self, entry: LedgerEntry) -> SafeString:
        """The platform's record, and the person behind it."""
        profile = entry.profile
        return link(Customer(pk=profile.customer_id), f"{platform(profile.source)} {'(to be created)' if profile.pending else profile.external_id}")

    @column("left to do", label={"nothing": GOOD, "waiting": WARN, "parked": BAD})
    def left_badge(self, entry: LedgerEntry) -> str:
        """Nothing, waiting or parked."""
        if entry.generation <= entry.acked_generation:
            return "nothing"
        return "parked" if entry.parked_at else "waiting"

    @column("there")
    def there(self, entry: LedgerEntry) -> str:
        """What the platform last acknowledged."""
        return {True: "yes", False: "no", None: "never heard"}[entry.present]

    @column("last outcome", ordering="outcome")
    def outcome_text(self, entry: LedgerEntry) -> str:
        """What became of the last try."""
        return entry.get_outcome_display()

    @column("acknowledged", ordering="acked_at")
    def acknowledged(self, entry: LedgerEntry) -> str | SafeString:
        """How long ago the platform confirmed."""
        return when(entry.acked_at, entry.shop.tz)
