"""Connections and the webhook inbox. Tokens and bodies are never shown."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.models import Connection, Delivery
from segsync import clock
from segsync.console.audits import ASKED, asked
from segsync.console.dialogs import dialog_action, done
from segsync.console.operations import pull_again
from segsync.console.pages import BAD, GOOD, IDLE, WARN, Panel, ReadOnlyAdmin, badge, column, instant, link
from segsync.console.wording import count, plain, platform, when
from segsync.store.models import PropertyDefinitions

TONES = {"connected": GOOD, "needs reconnecting": BAD, "paused": WARN, "disconnected": IDLE}


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin[Connection]):
    """Connections: which account, since when, what was granted, and whether it still works."""

    list_display = ("title", "shop", "status_badge", "reason", "streams_text", "connected")
    list_filter = ("status", "vendor", "shop")
    list_select_related = ("shop",)
    search_fields = ("account", "shop__domain")
    search_help_text = "Account or shop"
    fields = ("title", "shop", "status_badge", "reason", "hint", "granted", "properties", "waiting", "connected")
    readonly_fields = fields
    actions = ("pull_selected",)
    actions_detail = ("pull_now", "audit_now")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        """Connections with the number of their streams."""
        streams = Count("streams"), Count("streams", filter=~Q(streams__problem=""))
        return super().get_queryset(request).annotate(stream_count=streams[0], stream_problems=streams[1])

    @admin.action(description="Pull again now", permissions=["operate"])
    def pull_selected(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """Ask for what changed on the chosen connections."""
        self._pull(request, Connection.objects.filter(pk__in=queryset.values("pk")))

    @dialog_action("Pull again now", icon="sync", text="Everything that changed since the last pull is asked for at once.")
    def pull_now(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        """Ask for what changed on this connection."""
        self._pull(request, Connection.objects.filter(pk=object_id))
        return done(reverse("admin:integrations_connection_change", args=[object_id]))

    @dialog_action("Audit now", icon="fact_check", text=ASKED)
    def audit_now(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        """Compare everything that this connection holds with the ledger."""
        return done(asked(request, Connection.objects.get(pk=object_id)))

    def _pull(self, request: HttpRequest, connections: QuerySet[Connection]) -> None:
        asked = pull_again(connections, clock.now())
        if asked:
            messages.success(request, f"{count(asked, 'stream')} asked for; the runs show how far they are.")
        else:
            messages.warning(request, "Nothing to pull: the account is not connected; connect it again first.")

    def panels(self, request: HttpRequest, row: Connection) -> Sequence[Panel]:
        """Return the streams of one connection."""
        rows = [
            (
                link(stream, plain(stream.name)),
                when(stream.pulled_until, row.shop.tz),
                when(stream.due_at, row.shop.tz, never="when asked for"),
                badge("failing", BAD) if stream.problem else badge("fine", GOOD),
                stream.problem or "–",
            )
            for stream in row.streams.order_by("name")
        ]
        return [Panel("Streams", ("Stream", "As of", "Asked next", "State", "Problem"), rows, "No stream yet.")]

    @column("connection", ordering="vendor")
    def title(self, connection: Connection) -> str:
        """Platform and account."""
        return f"{platform(connection.vendor)} {connection.account}"

    @column("status", ordering="status", label=TONES)
    def status_badge(self, connection: Connection) -> str:
        """Whether it works."""
        return connection.get_status_display()

    @column("streams", ordering="stream_count")
    def streams_text(self, connection: Connection) -> str | SafeString:
        """How many streams, and how many fail."""
        total, failing = getattr(connection, "stream_count", 0), getattr(connection, "stream_problems", 0)
        return badge(f"{failing} of {total} failing", BAD) if failing else count(total, "stream")

    @column("connected", ordering="connected_at")
    def connected(self, connection: Connection) -> str | SafeString:
        """Since when."""
        return when(connection.connected_at, connection.shop.tz)

    @column("granted")
    def granted(self, connection: Connection) -> str:
        """The scopes the platform granted."""
        return ", ".join(sorted(map(str, connection.scopes))) or "nothing told"

    @column("properties in rules")
    def properties(self, connection: Connection) -> str:
        """How many properties rules may name, and which of them segments ask about."""
        told = PropertyDefinitions.objects.filter(shop=connection.shop, source=connection.vendor).first()
        asked = ", ".join(connection.wanted_properties)
        return f"{len(told.definitions):,} known{f'; segments ask about {asked}' if asked else ''}" if told else "–"

    @column("slowed down")
    def waiting(self, connection: Connection) -> str | SafeString:
        """Until when the platform asked not to be called."""
        if connection.wait_until is None or connection.wait_until <= clock.now():
            return "no"
        return format_html("calls go on {}", when(connection.wait_until, connection.shop.tz))

    @column("what to do")
    def hint(self, connection: Connection) -> str | SafeString:
        """Where to connect again, when that is needed."""
        if connection.status not in (Connection.Status.NEEDS_RECONNECT, Connection.Status.DISCONNECTED):
            return "Nothing."
        page = "merchant:shopify-install" if connection.vendor == "shopify" else "merchant:hubspot-connect"
        address = f"{reverse(page)}?{urlencode({'shop': connection.shop.domain})}"
        return format_html('<a class="sg-link" href="{}">Connect {} again</a>; nothing is lost meanwhile.', address, connection.account)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin[Delivery]):
    """Webhooks as they came in. Their bodies hold people's data and are not shown."""

    list_display = ("topic", "platform_name", "shop", "outcome_badge", "received", "handled")
    list_filter = ("outcome", "vendor", "topic", "shop")
    list_select_related = ("shop",)
    search_fields = ("delivery_id",)
    search_help_text = "The platform's delivery id"
    ordering = ("-pk",)
    fields = ("shop", "platform_name", "topic", "delivery_id", "outcome_badge", "happened_at", "came_at", "dealt_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """Deliveries without their bodies."""
        return super().get_queryset(request).defer("body")

    happened_at = instant("triggered_at", "happened there")
    came_at = instant("received_at", "received")
    dealt_at = instant("handled_at", "handled", "not yet")

    @column("outcome", ordering="outcome", label={"waiting": WARN, "done": GOOD, "ignored": IDLE})
    def outcome_badge(self, delivery: Delivery) -> str:
        """What became of it."""
        return delivery.outcome

    @column("platform", ordering="vendor")
    def platform_name(self, delivery: Delivery) -> str:
        """Who sent it."""
        return platform(delivery.vendor)

    @column("received", ordering="received_at")
    def received(self, delivery: Delivery) -> str | SafeString:
        """How long ago it came."""
        return when(delivery.received_at, delivery.shop.tz)

    @column("handled", ordering="handled_at")
    def handled(self, delivery: Delivery) -> str | SafeString:
        """How long ago it was acted upon."""
        return when(delivery.handled_at, delivery.shop.tz, never="not yet")
