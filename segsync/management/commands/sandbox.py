"""`manage.py sandbox`: a Shopify and a HubSpot on your own machine."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.sandbox.main import PLANS, Options, run
from integrations.sandbox.server import PortInUse


class Command(BaseCommand):
    """Serves until Ctrl-C or SIGTERM. Needs no database and no settings of its own."""

    help = "Serve a Shopify store and a HubSpot portal on this machine, filled with a made-up shop or with your transactions."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of `integrations.sandbox.main.Options`."""
        parser.add_argument("--port", type=int, default=Options.port, help="Where to answer on 127.0.0.1 (default %(default)s).")
        parser.add_argument("--seed", type=int, default=Options.seed, help="Which made-up shop (default %(default)s).")
        parser.add_argument("--customers", type=int, default=Options.customers, help="How many customers it has (default %(default)s).")
        parser.add_argument("--data", default="", metavar="FILE", help="A Parquet file of invoice lines (Online Retail II) instead of a made-up shop.")
        parser.add_argument("--plan", choices=PLANS, default=Options.plan, help="The store's plan; it decides the rate limit (default %(default)s).")
        parser.add_argument("--shopify-webhook-url", default="", metavar="URL", help="Where Shopify's webhooks go (default: nowhere).")
        parser.add_argument("--hubspot-webhook-url", default="", metavar="URL", help="Where HubSpot's webhooks go (default: nowhere).")
        parser.add_argument("--quiet", action="store_true", help="Print nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve; a taken port, an unreadable file or an impossible number ends with one sentence and a non-zero exit code."""
        try:
            run(
                Options(
                    port=options["port"],
                    seed=options["seed"],
                    customers=options["customers"],
                    data=options["data"],
                    plan=options["plan"],
                    shopify_webhook_url=options["shopify_webhook_url"],
                    hubspot_webhook_url=options["hubspot_webhook_url"],
                    announce=None if options["quiet"] else self._say,
                )
            )
        except PortInUse as error:
            raise CommandError(error.strerror or str(error)) from error
        except ValueError as error:
            raise CommandError(str(error)) from error

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()  # a reader of the pipe waits for the address
