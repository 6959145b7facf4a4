"""`manage.py shop`: shops made by hand, without installing SegSync into a store."""

from __future__ import annotations

import difflib
from typing import Any
from zoneinfo import available_timezones

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from integrations.errors import Rejected
from integrations.models import Shop
from integrations.money import is_currency
from integrations.shopify.oauth import clean_domain
from segsync import clock
from segsync.evaluate.due import make_schedule


class Command(BaseCommand):
    """Add a shop (to import history into it, or to try rules), or list the shops."""

    help = "Add a shop without installing it, or list the shops there are."
    requires_system_checks: list[str] = []  # connecting to platforms is not its business

    def add_arguments(self, parser: CommandParser) -> None:
        """`add DOMAIN --timezone Z --currency C [--name N]`, or `list`."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="make a shop; adding it again changes nothing")
        add.add_argument("domain", help="the store's address, like your-store.myshopify.com")
        add.add_argument("--timezone", required=True, help="IANA name such as Europe/London: days in rules are local days there")
        add.add_argument("--currency", required=True, help="ISO 4217 code such as GBP: all amounts are in it")
        add.add_argument("--name", default="", help="what people call it")
        verbs.add_parser("list", help="print every shop with its time zone, currency and state")

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        """Do what the verb says; raises CommandError for a domain, zone or currency that does not exist."""
        if verb == "list":
            self._list()
        else:
            self._add(options["domain"], options["timezone"], options["currency"], options["name"])

    def _add(self, domain: str, timezone: str, currency: str, name: str) -> None:
        try:
            domain = clean_domain(domain)
        except Rejected as error:
            raise CommandError(str(error)) from error
        _require_zone(timezone)
        code = currency.strip().upper()
        if not is_currency(code):
            raise CommandError(f"'{currency[:20]}' is not a currency of ISO 4217; give its three letters, such as EUR, GBP or USD.")
        if len(name) > 255 or not name.isprintable():
            raise CommandError("The name is longer than 255 characters or holds some that cannot be printed; give a shorter, plain one.")
        with transaction.atomic():
            shop, made = Shop.objects.get_or_create(domain=domain, defaults={"timezone": timezone, "currency": code, "name": name})
            make_schedule(shop, clock.now())  # a shop made before shops were scheduled gets one by being added again
        if made:
            self.stdout.write(f"Added {domain} ({timezone}, {code}). Its orders can be read with: manage.py import_orders --shop {domain} FILE.csv")
            return
        if (shop.timezone, shop.currency) != (timezone, code):
            raise CommandError(f"{domain} is there already, with {shop.timezone} and {shop.currency}; what is stored of it counts in these, so they stay.")
        self.stdout.write(f"{domain} is there already ({timezone}, {code}, {shop.get_status_display()}); nothing was changed.")

    def _list(self) -> None:
        shops = list(Shop.objects.all())
        if not shops:
            self.stdout.write("There is no shop yet. Add one with: manage.py shop add DOMAIN --timezone ZONE --currency CODE")
        width = max((len(shop.domain) for shop in shops), default=0)
        for shop in shops:
            self.stdout.write(f"{shop.domain:<{width}}  {shop.timezone}  {shop.currency}  {shop.get_status_display()}{f'  {shop.name}' if shop.name else ''}")


def _require_zone(name: str) -> None:
    known = available_timezones()
    if name in known:
        return
    near = difflib.get_close_matches(name[:64], known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise CommandError(f"'{name[:64]}' is not a time zone; give an IANA name such as Europe/London or America/New_York.{hint}")
