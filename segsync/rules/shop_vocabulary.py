"""What names beyond the catalogue mean in one shop, as stored: its sources' property definitions and its segments' handles."""

from __future__ import annotations

from hashlib import sha256

from integrations import registry
from integrations.models import Connection, Shop
from segsync.rules import tree
from segsync.rules.errors import RuleError
from segsync.rules.models import Segment
from segsync.rules.parse import parse_rule
from segsync.rules.vocabulary import FAMILIES, PropertyDefinition, Vocabulary
from segsync.store.models import PropertyDefinitions


def vocabulary_of(shop: Shop, *more_handles: str) -> Vocabulary:
    """The shop's vocabulary, in three queries; `more_handles` are segments about to be made."""
    handles = Segment.objects.filter(shop=shop, version__isnull=False).order_by().values_list("handle", flat=True)
    return Vocabulary(_definitions(shop), frozenset((*handles, *more_handles)), _withheld(shop))


def property_names(rule: tree.Rule) -> frozenset[str]:
    """The properties that a rule asks about, by their names in the language."""
    return frozenset(name for name in tree.attribute_names(rule) if name.startswith(tuple(FAMILIES)))


def meaning(rule: tree.Rule, vocabulary: Vocabulary) -> str:
    """What changes when a property that the rule reads goes, comes, or is defined in another way; "" for a rule without any."""
    names = sorted(property_names(rule))
    known = [(name, vocabulary.properties.get(name)) for name in names]
    said = [(name, found and (found.type, found.options, found.multiple)) for name, found in known]
    return sha256(repr(said).encode()).hexdigest() if said else ""


def want_properties(shop: Shop) -> list[Connection]:
    """Tell the shop's connections which properties its segments ask about, whatever their state; returns those that heard something new.

    Only properties that are defined count, so that one which comes back is read anew.
    """
    asked: set[str] = set()
    for segment in Segment.objects.filter(shop=shop, version__isnull=False).select_related("version"):
        try:
            asked |= property_names(parse_rule(segment.rule))
        except RuleError:
            continue  # its problem is told where it is judged
    defined = {row.source: [one["name"] for one in row.definitions] for row in PropertyDefinitions.objects.filter(shop=shop)}
    told: list[Connection] = []
    for connection in Connection.objects.filter(shop=shop):
        wanted = sorted(name for name in defined.get(connection.vendor, ()) if registry.property_name(connection.vendor, name) in asked)
        if wanted != connection.wanted_properties:
            connection.wanted_properties = wanted
            connection.save(update_fields=["wanted_properties"])
            told.append(connection)
    return told


def vocabulary_to_read(shop: Shop) -> Vocabulary:
    """As much of the shop's vocabulary as it takes to say a rule in English, in one query."""
    return Vocabulary(_definitions(shop))


def _withheld(shop: Shop) -> dict[str, str]:
    """Facts that the connected platforms keep back."""
    told = Connection.objects.filter(shop=shop, status=Connection.Status.CONNECTED).order_by("pk").values_list("withheld", flat=True)
    return {name: takes for streams in told for stream in streams.values() for name, takes in stream.items()}


def _definitions(shop: Shop) -> dict[str, PropertyDefinition]:
    found: dict[str, PropertyDefinition] = {}
    for row in PropertyDefinitions.objects.filter(shop=shop).order_by("source"):
        for one in row.definitions:
            name = registry.property_name(row.source, one["name"])
            found[name] = PropertyDefinition(name, one["type"], tuple(one["options"]), one["multiple"], one["label"])
    return found
