"""What the page of a customer shows: who they are, where they belong and why, what they did, and what was written."""

from __future__ import annotations

from datetime import tzinfo

from django.utils.html import format_html, format_html_join

from integrations.money import exponent
from segsync.console.pages import BAD, GOOD, IDLE, WARN, Cell, Panel, badge, code, link
from segsync.console.wording import at, plain, platform, when
from segsync.diff.models import LedgerEntry
from segsync.evaluate.models import Membership
from segsync.store.models import Customer, Profile

LATEST = 50


def amount(minor: int | None, currency: str) -> str:
    """Return "1,234.50 EUR" for minor units; a dash when the amount is not known."""
    if minor is None:
        return "–"
    places = exponent(currency)
    return f"{minor / 10**places:,.{places}f} {currency}"


def customer_panels(customer: Customer) -> list[Panel]:
    """Return every panel of one customer's page."""
    zone, currency = customer.shop.tz, customer.shop.currency
    return [
        _segments(customer, zone),
        _identities(customer),
        _profiles(customer, zone, currency),
        _marks(customer, zone),
        _orders(customer, zone),
        _activities(customer, zone),
    ]


def _segments(customer: Customer, zone: tzinfo) -> Panel:
    stays = customer.memberships.select_related("segment", "version", "left_version").order_by("until", "-since")
    ordered = sorted(stays, key=lambda stay: (stay.until is not None, -(stay.until or stay.since).timestamp()))
    rows = [
        (
            link(stay.segment),
            badge("member", GOOD) if stay.until is None else badge("left", IDLE),
            at(stay.since, zone),
            _with_evidence(f"{stay.get_cause_display()}, rule version {stay.version.number}", stay.evidence),
            at(stay.until, zone, never="–"),
            _left_because(stay),
        )
        for stay in ordered[:LATEST]
    ]
    note = f"The latest {LATEST} of {len(ordered):,} stays." if len(ordered) > LATEST else ""
    return Panel("Segments", ("Segment", "Now", "Since", "Entered because of", "Until", "Left because of"), rows, "In no segment so far.", note)


def _with_evidence(because: str, evidence: list[list[str]]) -> Cell:
    """The cause, and below it the conditions that decided with what made them so."""
    if not evidence:
        return because
    lines = format_html_join("", "<li>{}{}</li>", ((code(clause), f": {', '.join(told)}" if told else "") for clause, *told in evidence))
    return format_html('{}<ul class="sg-evidence">{}</ul>', because, lines)


def _left_because(stay: Membership) -> Cell:
    if stay.until is None:
        return "–"
    version = f", rule version {stay.left_version.number}" if stay.left_version else ""
    cause = dict(Membership._meta.get_field("cause").flatchoices).get(stay.left_cause, stay.left_cause or "not known")
    return _with_evidence(f"{cause}{version}", stay.left_evidence)


def _identities(customer: Customer) -> Panel:
    rows = [
        ("e-mail address" if identity.kind == "email" else f"{platform(identity.kind)} id", identity.value)
        for identity in customer.identities.order_by("kind", "value")
    ]
    return Panel("Known as", ("Kind", "Value"), rows, "No name is known for this person.")


def _profiles(customer: Customer, zone: tzinfo, currency: str) -> Panel:
    rows = [_profile(profile, zone, currency) for profile in customer.profiles.order_by("source", "external_id")]
    headers = ("Platform", "Record", "E-mail", "Orders", "Spent", "Countries", "Subscription", "Tags", "Last change there")
    return Panel("Records on the platforms", headers, rows, "No platform has a record of this person.")


def _profile(profile: Profile, zone: tzinfo, currency: str) -> list[Cell]:
    record: Cell = badge("to be created", WARN) if profile.pending else profile.external_id
    return [
        platform(profile.source),
        badge(f"{profile.external_id} gone", BAD) if profile.gone_at else record,
        ", ".join(profile.emails) or "–",
        "–" if profile.order_count is None else f"{profile.order_count:,}",
        amount(profile.amount_spent_minor, currency),
        ", ".join(profile.countries or []) or "–",
        (profile.email_subscription or "–").replace("_", " ").lower(),
        ", ".join(profile.tags or []) or "–",
        at(profile.version, zone),
    ]


def _marks(customer: Customer, zone: tzinfo) -> Panel:
    entries = (
        LedgerEntry.objects.filter(profile__customer=customer)
        .select_related("target__connection", "profile")
        .order_by("target__connection__vendor", "target__name")
    )
    rows: list[list[Cell]] = []
    for entry in entries[:LATEST]:
        told = entry.generation <= entry.acked_generation
        state = badge("done", GOOD) if told else badge("parked", BAD) if entry.parked_at else badge("waiting", WARN)
        rows.append(
            [
                link(entry.target, f"{platform(entry.target.connection.vendor)} {entry.target}"),
                entry.profile.external_id,
                "yes" if entry.wanted else "no",
                {True: "yes", False: "no", None: "never heard"}[entry.present],
                state,
                entry.detail or entry.get_outcome_display(),
                when(entry.acked_at, zone),
            ]
        )
    return Panel("Marks written", ("Target", "Record", "Wanted", "There", "State", "Last outcome", "Acknowledged"), rows, "Nothing is written for this person.")


def _orders(customer: Customer, zone: tzinfo) -> Panel:
    orders = list(customer.orders.order_by("-placed_at", "-pk")[: LATEST + 1])
    rows = [
        (
            order.name,
            at(order.placed_at, zone),
            amount(order.total_minor, order.currency),
            amount(order.refunded_minor, order.currency) if order.refunded_minor else "–",
            order.channel or "–",
            order.country or "–",
            badge("counts", GOOD) if order.counted else badge(_why_not(order.test, order.cancelled_at is not None, order.deleted_at is not None), IDLE),
        )
        for order in orders[:LATEST]
    ]
    note = f"The latest {LATEST}." if len(orders) > LATEST else ""
    return Panel("Orders", ("Order", "Placed", "Total now", "Refunded", "Channel", "Country", "In rules"), rows, "No order.", note)


def _why_not(test: bool, cancelled: bool, deleted: bool) -> str:
    if test:
        return "test order"
    return "deleted" if deleted else "cancelled" if cancelled else "voided"


def _activities(customer: Customer, zone: tzinfo) -> Panel:
    found = list(customer.activities.order_by("-at", "-pk")[: LATEST + 1])
    rows = [
        (plain(activity.kind), at(activity.at, zone), activity.campaign or activity.title or activity.url or "–", platform(activity.source))
        for activity in found[:LATEST]
    ]
    note = f"The latest {LATEST}." if len(found) > LATEST else ""
    return Panel("Activities", ("What", "When", "Of", "Told by"), rows, "No activity.", note)
