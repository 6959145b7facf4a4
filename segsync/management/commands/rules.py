"""`manage.py rules`: check a rule, print it in its one form, or print the reference page of the language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from segsync.management.rule_text import checked, rule_from, shown_on_error
from segsync.management.shops import shop_named
from segsync.rules.english import explain_rule
from segsync.rules.format import format_rule
from segsync.rules.parse import parse_rule
from segsync.rules.reference import reference
from segsync.rules.shop_vocabulary import vocabulary_of
from segsync.rules.vocabulary import NO_VOCABULARY


class Command(BaseCommand):
    """For editors, hooks and people: a mistake is shown with its line, column and place, and the exit code is 1."""

    help = "Check a rule, print it in its canonical form, or print the language's reference page."
    requires_system_checks: list[str] = []  # needs no settings, and a database only with --shop

    def add_arguments(self, parser: CommandParser) -> None:
        """`check` or `format`, of a file, standard input (`-`) or `--rule TEXT`; `reference`, printed or compared with a file."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb, what in (("check", "say whether a rule can be judged, and what it means"), ("format", "print a rule in its canonical form")):
            one = verbs.add_parser(verb, help=what)
            one.add_argument("file", nargs="?", metavar="FILE", help="a file with one rule; - reads standard input")
            one.add_argument("--rule", metavar="TEXT", help="the rule itself")
            if verb == "check":
                one.add_argument("--shop", metavar="DOMAIN", help="the shop whose properties and segments the rule may name")
        page = verbs.add_parser("reference", help="print the reference page, or say whether a file holds it")
        page.add_argument("--check", dest="page", type=Path, metavar="FILE", help="print nothing of it; fail when FILE is not this page")

    def handle(
        self, *_: Any, verb: str, file: str | None = None, rule: str | None = None, shop: str | None = None, page: Path | None = None, **__: Any
    ) -> None:
        """Print the outcome; raises CommandError (exit code 1) for a mistake in the rule, none or two rules given, or a stale page."""
        if verb == "reference":
            self._reference(page)
            return
        if (file is None) == (rule is None):
            raise CommandError("Give one rule: a FILE, - for standard input, or --rule TEXT.")
        text = rule if rule is not None else rule_from(str(file))
        if verb == "check":
            vocabulary = vocabulary_of(shop_named(shop)) if shop is not None else NO_VOCABULARY
            self.stdout.write(f"The rule is in order: {explain_rule(checked(text, vocabulary).rule, vocabulary)}")
        else:
            self.stdout.write(format_rule(shown_on_error(text, parse_rule)))

    def _reference(self, page: Path | None) -> None:
        if page is None:
            self.stdout.write(reference(), ending="")
            return
        try:
            told = page.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{page} cannot be read as text ({type(error).__name__}).") from error
        if told != reference():
            raise CommandError(f"{page} is not what the catalogue says; write it anew with: manage.py rules reference > {page}")
        self.stdout.write(f"{page} is what the catalogue says.")
