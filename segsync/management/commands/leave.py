"""`manage.py leave`: remove everything SegSync wrote for a shop, and see how far that is."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from integrations.models import Shop
from integrations.registry import connector
from segsync import clock
from segsync.diff.leave import GONE_FROM, leave_all
from segsync.diff.models import Target, WritebackSettings
from segsync.management.shops import shop_named
from segsync.push.foresight import everywhere


class Command(BaseCommand):
    """Show what leaving every place of a shop would take away; with --yes, begin. Run it again to see how far it is."""

    help = "Take away every mark that SegSync set for a shop and read it back; marks of others stay. Without --yes it only shows what that would be."

    def add_arguments(self, parser: CommandParser) -> None:
        """The shop, and whether to begin."""
        parser.add_argument("--shop", required=True, metavar="DOMAIN", help="the store's domain")
        parser.add_argument("--yes", action="store_true", help="begin to take the marks away; without it nothing is changed")

    def handle(self, *_: Any, **options: Any) -> None:
        """Raises CommandError when there is no such shop."""
        shop = shop_named(options["shop"])
        begun = leave_all(shop, clock.now()) if options["yes"] else 0
        places = self._places(shop)
        if not places:
            self.stdout.write(f"SegSync writes nothing for {shop.domain}: there is no place to leave.")
        elif options["yes"]:
            self.stdout.write(
                f"{begun} {'place is' if begun == 1 else 'places are'} being left from now on; a running worker does it. Run this again to see how far."
            )
        elif any(target.state not in GONE_FROM for target in places):
            self.stdout.write(f"Nothing was changed. To take these marks away: manage.py leave --shop {shop.domain} --yes")
        elif all(target.state == Target.State.LEFT for target in places):
            self.stdout.write("Every place has been left and read back.")
        if WritebackSettings.objects.filter(shop=shop, stopped_at__isnull=False).exists():
            self.stdout.write("All writing for this shop is stopped: let it go on in the admin, on the shop's page, or nothing is taken away.")

    def _places(self, shop: Shop) -> list[Target]:
        rows = everywhere(shop)
        width = max((len(str(target)) for target, _ in rows), default=0)
        for target, seen in rows:
            vendor = connector(target.connection.vendor).label
            cost = f"{seen.cost.calls:,} calls, {seen.cost.seconds:,.0f} s at the rate limit" if seen.removes else "no calls"
            numbers = f"{seen.removes:,} of ours, {seen.left_alone:,} of others stay, {cost}"
            self.stdout.write(f"{vendor:<8} {target!s:<{width}}  {target.get_state_display()}: {target.reason or numbers}")
        return [target for target, _ in rows]
