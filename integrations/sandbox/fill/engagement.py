"""What contacts did with e-mails and on the web shop. HubSpot's counters of it are worked out where they are served."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from integrations.sandbox.fill import ids
from integrations.sandbox.fill.catalogue import Catalogue
from integrations.sandbox.fill.contacts import Reader
from integrations.sandbox.fill.moments import EVENING, days_before, keep_clear, local_instant
from integrations.sandbox.fill.rhythms import HISTORY_DAYS
from integrations.sandbox.hubspot.state import Campaign, EmailEvent, PageView, Portal

CAMPAIGNS = 60
_RECENT_CAMPAIGNS = 14  # of them in the last twelve weeks, so that somebody can open three in thirty days
_TOPICS = ("New in", "Weekend picks", "Back in stock", "Stories", "Last chance", "Members' preview", "Gift guide", "Care tips")


def event_id(rng: random.Random) -> str:
    """An id in the form HubSpot gives e-mail events."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def fill_campaigns(rng: random.Random, portal: Portal, now: datetime, zone: ZoneInfo, campaigns: int = CAMPAIGNS) -> None:
    """Add campaigns to `portal`: sparse at first, weekly or more of late, each sent in the morning."""
    recent = min(_RECENT_CAMPAIGNS, campaigns)
    days = sorted(rng.sample(range(90, HISTORY_DAYS), campaigns - recent), reverse=True)
    days += [2 + round(step * 84 / recent) for step in reversed(range(recent))]
    for number, back in enumerate(days, ids.CAMPAIGN):
        sent = local_instant(rng, days_before(now, zone, back), (0,) * 9 + (1,) + (0,) * 14, zone, now)
        portal.campaigns[number] = Campaign(number, f"{rng.choice(_TOPICS)} {sent:%d %b %Y}", sent)


def _reactions(rng: random.Random, event: EmailEvent, keenness: float, shop: str, now: datetime) -> list[EmailEvent]:
    drawn: list[EmailEvent] = []

    def add(kind: str, after: timedelta, *, url: str | None = None, filtered: bool = False) -> None:
        at = keep_clear(event.created + after, now)
        if at < now:
            drawn.append(EmailEvent(event_id(rng), at, kind, event.recipient, event.campaign_id, url, filtered))

    add("DELIVERED", timedelta(seconds=rng.randrange(2, 90)))
    if rng.random() < 0.08:  # a mail gateway fetches the picture before anybody reads
        add("OPEN", timedelta(seconds=rng.randrange(91, 140)), filtered=True)
    if rng.random() < keenness:
        opened = timedelta(minutes=rng.randrange(3, 30 * 60))
        add("OPEN", opened)
        if rng.random() < 0.15 * keenness:
            add("OPEN", opened + timedelta(minutes=rng.randrange(10, 1500)))
        if rng.random() < 0.22:
            add("CLICK", opened + timedelta(seconds=rng.randrange(5, 200)), url=shop)
    return drawn


def fill_email_events(rng: random.Random, portal: Portal, readers: Sequence[Reader], shop: str, now: datetime) -> None:
    """Send every campaign to the contacts of its time and let them react; nobody is written to after opting out.

    Events are filtered (bots), bounced and repeated in believable shares, and end up in order of time.
    """
    events: list[EmailEvent] = []
    silent: set[int] = set()
    for campaign in portal.campaigns.values():
        reach = 0.85 if campaign.sent_at > now - timedelta(days=45) else rng.choice((0.2, 0.35, 0.6))
        for reader in readers:
            contact = reader.contact
            if contact.created_at > campaign.sent_at or contact.id in silent or rng.random() > reach:
                continue
            recipient = contact.properties["email"].strip()
            sent = EmailEvent(event_id(rng), campaign.sent_at + timedelta(seconds=rng.randrange(600)), "SENT", recipient, campaign.id)
            events.append(sent)
            if rng.random() < 0.006:
                events.append(EmailEvent(event_id(rng), sent.created + timedelta(seconds=30), "BOUNCE", recipient, campaign.id))
                continue
            events += _reactions(rng, sent, reader.keenness, shop, now)
            if rng.random() < 0.0015:
                left = sent.created + timedelta(hours=rng.randrange(1, 30))
                if left < now:
                    events.append(EmailEvent(event_id(rng), keep_clear(left, now), "STATUSCHANGE", recipient, campaign.id))
                    contact.properties["hs_email_optout"] = "true"
                    silent.add(contact.id)
    events.sort(key=lambda event: (event.created, event.id))
    portal.email_events.extend(events)


def fill_page_views(rng: random.Random, portal: Portal, readers: Sequence[Reader], catalogue: Catalogue, shop: str, now: datetime, zone: ZoneInfo) -> None:
    """Let about half of the contacts look around the shop over the last half year, mostly at products they care for."""
    views: list[PageView] = []
    for reader in readers:
        if rng.random() < 0.5:
            continue
        hours = reader.person.hours if reader.person else EVENING
        for _ in range(rng.choice((1, 2, 3, 5, 9, 16))):
            at = local_instant(rng, days_before(now, zone, int(rng.triangular(0, 180, 5))), hours, zone, now)
            if rng.random() < 0.7:
                tastes = reader.person.favourites if reader.person else ()
                product = catalogue.pick(rng, tastes, 0.7)
                url, title = f"{shop}/products/{product.handle}", product.title
            else:
                url, title = rng.choice(((f"{shop}/", "Home"), (f"{shop}/collections/new-in", "New in"), (f"{shop}/pages/about", "About us")))
            views.append(PageView(event_id(rng), reader.contact.id, at, url, title))
    views.sort(key=lambda view: (view.occurred_at, view.id))
    portal.page_views.extend(views)


def touch_contacts(portal: Portal, readers: Sequence[Reader]) -> None:
    """Let contacts count as changed when HubSpot last recounted them: at the latest e-mail event or page view of theirs."""
    last: dict[str, datetime] = {event.recipient: event.created for event in portal.email_events if not event.filtered}
    viewed: dict[int, datetime] = {view.contact_id: view.occurred_at for view in portal.page_views}
    for reader in readers:
        contact = reader.contact
        for at in (last.get(contact.properties["email"].strip()), viewed.get(contact.id)):
            if at is not None:
                contact.updated_at = max(contact.updated_at, at)
