"""`manage.py rules`: check a rule, or print it in its one form."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from segsync.management.rule_text import checked, rule_from, shown_on_error
from segsync.management.shops import shop_named
from segsync.rules.english import explain_rule
from segsync.rules.format import format_rule
from segsync.rules.parse import parse_rule
from segsync.rules.shop_vocabulary import vocabulary_of
from segsync.rules.vocabulary import NO_VOCABULARY


class Command(BaseCommand):
    """For editors, hooks and people: a mistake is shown with its line, column and place, and the exit code is 1."""

    help = "Check a rule, or print it in its canonical form."
    requires_system_checks: list[str] = []  # needs no settings, and a database only with --shop

    def add_arguments(self, parser: CommandParser) -> None:
        """`check` or `format`, of a file, standard input (`-`) or `--rule TEXT`."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb, what in (("check", "say whether a rule can be judged, and what it means"), ("format", "print a rule in its canonical form")):
            one = verbs.add_parser(verb, help=what)
            one.add_argument("file", nargs="?", metavar="FILE", help="a file with one rule; - reads standard input")
            one.add_argument("--rule", metavar="TEXT", help="the rule itself")
            if verb == "check":
                one.add_argument("--shop", metavar="DOMAIN", help="the shop whose properties and segments the rule may name")

    def handle(self, *_: Any, verb: str, file: str | None, rule: str | None, shop: str | None = None, **__: Any) -> None:
        """Print the outcome; raises CommandError (exit code 1) for a mistake in the rule or none or two rules given."""
        if (file is None) == (rule is None):
            raise CommandError("Give one rule: a FILE, - for standard input, or --rule TEXT.")
        text = rule if rule is not None else rule_from(str(file))
        if verb == "check":
            vocabulary = vocabulary_of(shop_named(shop)) if shop is not None else NO_VOCABULARY
            self.stdout.write(f"The rule is in order: {explain_rule(checked(text, vocabulary).rule, vocabulary)}")
        else:
            self.stdout.write(format_rule(shown_on_error(text, parse_rule)))
