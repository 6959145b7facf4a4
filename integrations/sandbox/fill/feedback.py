"""Forms that visitors sent in and surveys that customers answered."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from integrations.sandbox.fill.contacts import Reader
from integrations.sandbox.fill.engagement import event_id
from integrations.sandbox.fill.moments import EVENING, days_before, local_instant
from integrations.sandbox.fill.rhythms import HISTORY_DAYS
from integrations.sandbox.hubspot.state import Feedback, Form, FormSubmission, Portal

FIRST_FEEDBACK = 60_001
_FORMS = (("Welcome form", "/pages/welcome", 0.12), ("Contact us", "/pages/contact", 0.05), ("Gift guide", "/pages/gift-guide", 0.08))
_SHARE_ANSWERED = 0.2


def fill_forms(rng: random.Random, portal: Portal, readers: Sequence[Reader], shop: str, now: datetime, zone: ZoneInfo) -> None:
    """Add three forms, and let some contacts send them in over the last half year, a few of them twice."""
    opened = days_before(now, zone, HISTORY_DAYS - 1)
    for name, path, share in _FORMS:
        form = Form(event_id(rng), name, local_instant(rng, opened, EVENING, zone, now))
        portal.forms[form.id] = form
        for reader in readers:
            for _ in range(rng.choice((1, 1, 1, 2)) if rng.random() < share else 0):
                at = local_instant(rng, days_before(now, zone, int(rng.triangular(0, 180, 30))), EVENING, zone, now)
                email = reader.contact.properties["email"].strip()
                portal.form_submissions.append(FormSubmission(event_id(rng), form.id, at, {"email": email}, f"{shop}{path}"))
    portal.form_submissions.sort(key=lambda one: (one.submitted_at, one.id))


def fill_feedback(rng: random.Random, portal: Portal, readers: Sequence[Reader], now: datetime, zone: ZoneInfo) -> None:
    """Let a fifth of the buyers among the contacts answer how likely they are to recommend the shop, and some of them how content they were."""
    answers: list[tuple[datetime, int, str, str, str]] = []
    for reader in readers:
        if reader.person is None or not reader.person.customer.order_ids or rng.random() > _SHARE_ANSWERED:
            continue
        rating = rng.choices(range(11), weights=(2, 1, 1, 1, 2, 4, 6, 12, 20, 24, 27))[0]
        group = "PROMOTER" if rating >= 9 else "PASSIVE" if rating >= 7 else "DETRACTOR"
        at = local_instant(rng, days_before(now, zone, int(rng.triangular(0, 360, 60))), EVENING, zone, now)
        answers.append((at, reader.contact.id, "NPS", str(rating), group))
        if rng.random() < 0.3:
            again = local_instant(rng, days_before(now, zone, int(rng.triangular(0, 120, 20))), EVENING, zone, now)
            content = rng.choice(("1", "4", "4", "5", "5"))
            answers.append((again, reader.contact.id, "CSAT", content, "POSITIVE" if content > "3" else "NEGATIVE"))
    answers.sort()
    for number, (at, contact, kind, value, sentiment) in enumerate(answers, FIRST_FEEDBACK):
        portal.feedback[number] = Feedback(number, contact, kind, value, sentiment, at)
