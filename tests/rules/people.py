"""Customers for the tests, made of plain facts, and one way to ask whether a rule holds for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from segsync.rules.check import check_rule
from segsync.rules.facts import ActivityFacts, CheckoutFacts, CustomerFacts, LineFacts, OrderFacts, RefundFacts
from segsync.rules.interpret import matches
from segsync.rules.moments import Moment

LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def utc(text: str) -> datetime:
    """An instant written without its zone, which is UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ago(**length: float) -> datetime:
    """An instant before NOW."""
    return NOW - timedelta(**length)


def order(at: datetime, amount: int = 5000, *lines: LineFacts, number: int = 1001, **more: object) -> OrderFacts:
    """An order of `amount` minor units."""
    facts = {"id": str(number), "name": f"#{number}", "number": number, "amount_minor": amount, "gross_minor": amount, "lines": lines}
    return OrderFacts(placed_at=at, **(facts | more))  # type: ignore[arg-type]


def opened(at: datetime, campaign: str = "News", campaign_id: str = "1") -> ActivityFacts:
    """An e-mail opened."""
    return ActivityFacts("emails.opened", at, campaign=campaign, campaign_id=campaign_id)


def holds(rule: str, facts: CustomerFacts, now: datetime = NOW, tz: ZoneInfo = LONDON) -> bool:
    """Whether the customer belongs."""
    return matches(check_rule(rule).rule, facts, Moment(now, tz))


BOOTS = LineFacts(
    product_id="11",
    variant_id="111",
    sku="BOOT-42",
    title="Walking Boots",
    product_type="Footwear",
    vendor="Northfell",
    tags=("Outdoor", "Sports wear"),
    collections=("Winter",),
    category="Apparel & Accessories > Shoes > Boots",
    price_minor=9000,
    quantity=2,
    amount_minor=16000,
    discounted=True,
)
MUG = LineFacts(product_id="12", sku="MUG", title="Mug", vendor="Kiln", category="Home > Mugs", price_minor=1200, amount_minor=1200)

# Three orders, a refund, a cancelled order, an open and a recovered checkout, and four opened e-mails.
REGULAR = CustomerFacts(
    customer_id="7001",
    emails=("Ann@Example.com", "ann.work@acme.test"),
    added_at=ago(days=400),
    order_count=4,
    amount_spent_minor=60000,
    tags=("VIP", "Wholesale"),
    countries=("GB", "CA"),
    regions=("GB-ENG", "CA-ON"),
    cities=("GB-ENG-Leeds", "CA-ON-NorthBay", "SG-Singapore"),
    companies=("31", "4007"),
    language="en-GB",
    account_status="ENABLED",
    email_subscription="SUBSCRIBED",
    rfm_group="LOYAL",
    predicted_spend_tier="HIGH",
    product_subscription="NEVER_SUBSCRIBED",
    orders=(
        order(
            ago(days=300),
            16000,
            BOOTS,
            number=1001,
            item_count=2,
            channel="web",
            country="GB",
            tags=("gift",),
            discounted=True,
            discount_codes=("SPRING10",),
            refunds=(RefundFacts(ago(days=290), 2000),),
            refunded_minor=2000,
        ),
        order(ago(days=100), 1200, MUG, number=1042, item_count=1, channel="pos", country="GB", location_id="66", app_id="129785"),
        order(ago(days=10), 17200, BOOTS, MUG, number=1077, item_count=3, channel="web", country="CA"),
        order(ago(days=5), 99900, BOOTS, number=1080, counted=False, refunds=(RefundFacts(ago(days=4), 99900),)),
    ),
    checkouts=(
        CheckoutFacts("c1", ago(hours=5), None, 8000, (BOOTS,)),
        CheckoutFacts("c2", ago(days=20), ago(days=19), 2400, (MUG,)),
    ),
    activities=(
        opened(ago(days=1)),
        opened(ago(days=3), "Sale", "2"),
        opened(ago(days=29)),
        opened(ago(days=60)),
        ActivityFacts("emails.clicked", ago(days=3), campaign="Sale", campaign_id="2", url="https://shop.test/sale"),
        ActivityFacts("storefront.page_viewed", ago(hours=2), id="p1", title="Boots", url="https://shop.test/boots"),
    ),
)
STRANGER = CustomerFacts(customer_id="7002")
