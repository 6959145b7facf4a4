"""`manage.py explain`: a rule as a sentence, and why somebody belongs or not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.models import Shop
from segsync import clock
from segsync.evaluate.cuts import worked_out
from segsync.evaluate.facts import FactsReader
from segsync.management.instants import instant
from segsync.management.rule_text import checked, judgeable
from segsync.management.shops import can_be_asked, shop_named
from segsync.rules import interpret, tree, windows
from segsync.rules.english import explain_rule
from segsync.rules.forecast import forecast
from segsync.rules.moments import Moment
from segsync.rules.near import near_miss
from segsync.rules.shop_vocabulary import vocabulary_of
from segsync.rules.vocabulary import Vocabulary
from segsync.store.identity import normal_email
from segsync.store.models import Customer, Identity


class Command(BaseCommand):
    """Read a rule aloud; with a customer, mark every condition true or false with what makes it so."""

    help = "Say what a rule means, and why a customer belongs to it or not."
    requires_system_checks: list[str] = []  # connecting to platforms is not its business

    def add_arguments(self, parser: CommandParser) -> None:
        """The rule; and whom to judge, when."""
        parser.add_argument("--rule", required=True, metavar="TEXT")
        parser.add_argument("--shop", metavar="DOMAIN", help="the shop whose properties the rule may name; with --customer: the customer's")
        parser.add_argument("--customer", metavar="EMAIL_OR_ID", help="an e-mail address, a platform's id, or SegSync's own number")
        parser.add_argument("--at", metavar="INSTANT", help="with --customer: judge as of then (ISO 8601); default: now")

    def handle(self, *_: Any, rule: str, shop: str | None, customer: str | None, at: str | None, **__: Any) -> None:
        """Print the sentence and the verdict; raises CommandError for a rule, shop, customer or instant that cannot be read."""
        if (shop is None and customer is not None) or (at is not None and customer is None):
            raise CommandError("To judge a customer give both --shop DOMAIN and --customer EMAIL_OR_ID (and, if you like, --at INSTANT).")
        if shop is None:
            self.stdout.write(explain_rule(checked(rule).rule))
            return
        where = shop_named(shop)
        vocabulary = vocabulary_of(where)
        read = (checked(rule, vocabulary) if customer is None else judgeable(rule, where)).rule
        self.stdout.write(explain_rule(read, vocabulary))
        if customer is not None:
            self._judge(where, read, customer, at, vocabulary)

    def _judge(self, shop: Shop, rule: tree.Rule, who: str, at: str | None, vocabulary: Vocabulary) -> None:
        person = _person(shop, who)
        now = clock.now()
        moment = Moment(now if at is None else instant(at, shop.tz), shop.tz)
        found = windows.survey(rule, vocabulary)
        reader = FactsReader(shop, found.needs, found.activity_kinds, as_of=moment.now if moment.now < now else None)
        facts = reader.read([person]).get(person)
        when = f"{moment.now.astimezone(shop.tz):%Y-%m-%d %H:%M} ({shop.timezone})"
        self.stdout.write("")
        if facts is None:
            self.stdout.write(f"Customer {person} was not known yet at {when}: everything known of them is later.")
            return
        context = worked_out(shop, [rule], moment.now, rewind=moment.now < now)
        verdict = interpret.judge(rule, facts, moment, context, vocabulary)
        self.stdout.write(f"Customer {person} {'belongs' if verdict.matched else 'does not belong'} at {when}:")
        for clause in verdict.clauses:
            self.stdout.write(f"  {'true ' if clause.truth else 'false'}  {clause.clause}")
            for evidence in clause.evidence:
                self.stdout.write(f"           {evidence}")
        for phrase in near_miss(rule, facts, moment, context, vocabulary):
            self.stdout.write(f"To enter: {phrase}.")
        if later := forecast(rule, facts, moment, context, vocabulary):
            self.stdout.write(f"By time alone: {later.sentence}.")


def _person(shop: Shop, who: str) -> int:
    """The customer who goes by an address, a platform's id or our number; raises CommandError for nobody or several."""
    if not can_be_asked(who):
        raise _nobody(shop, who)
    address, text = normal_email(who), who.strip()
    names = Identity.objects.filter(shop=shop)
    named = names.filter(kind=Identity.EMAIL, value=address) if address else names.filter(value=text).exclude(kind=Identity.EMAIL)
    found = {owner: f"{owner} ({kind} {value})" for owner, kind, value in named.values_list("customer_id", "kind", "value")}
    if text.isascii() and text.isdigit() and len(text) <= 18:
        for own in Customer.objects.filter(shop=shop, pk=int(text)):
            living = own.merged_into_id or own.pk
            found.setdefault(living, f"{living} (our number)")
    if not found:
        raise _nobody(shop, who)
    if len(found) > 1:
        raise CommandError(f"'{who[:80]}' is the id of several customers: {', '.join(found.values())}; give an e-mail address instead.")
    return next(iter(found))


def _nobody(shop: Shop, who: str) -> CommandError:
    return CommandError(f"{shop.domain} has no customer '{who[:80]}'; give an e-mail address, a platform's id, or a customer_id that members printed.")
