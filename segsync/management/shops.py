"""Which shop a command is about."""

from __future__ import annotations

from django.core.management.base import CommandError

from integrations.models import Shop


def can_be_asked(text: str) -> bool:
    """Whether a database can be asked for the text: what a terminal hands over may hold bytes that are no text."""
    return text.isprintable()


def shop_named(domain: str) -> Shop:
    """The shop with this domain; raises CommandError that names the shops there are."""
    shop = Shop.objects.filter(domain=domain.strip().casefold()).first() if can_be_asked(domain) else None
    if shop is not None:
        return shop
    known = list(Shop.objects.values_list("domain", flat=True)[:6])
    there = f"the shops there are: {', '.join(known[:5])}{' and more' if len(known) > 5 else ''}" if known else "there is none yet"
    raise CommandError(f"There is no shop '{domain[:80]}'; {there}. Add one with: manage.py shop add DOMAIN --timezone ZONE --currency CODE")
