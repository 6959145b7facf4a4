"""Where people live, in the forms in which rules name countries, regions and cities.

Regions are ISO 3166-2 codes (`CA-ON`); a city is country, region and city without spaces (`US-NY-NewYorkCity`, the form of Shopify's
own segment templates: github.com/Shopify/ui-extensions, customer segment template examples). What Shopify writes for a country
without regions is not published: it is country and city here (`SG-Singapore`).
"""

from __future__ import annotations

from collections.abc import Iterable

from integrations import records

MOST = 250  # different values kept of one kind and person
LONGEST_CITY = 100


def places(addresses: Iterable[records.Address]) -> dict[str, list[str]]:
    """Countries, regions and cities of these addresses, each value once, in their order."""
    known = list(addresses)
    return {
        "countries": _once(_country(each) for each in known),
        "regions": _once(_region(each) for each in known),
        "cities": _once(_city(each) for each in known),
    }


def joined(old: Iterable[str] | None, new: Iterable[str]) -> list[str]:
    """Both, each value once."""
    return _once([*(old or ()), *new])


def _once(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))[:MOST]


def _country(address: records.Address) -> str:
    return address.country[:2].upper()


def _region(address: records.Address) -> str:
    country, region = _country(address), address.region.strip().upper()
    if not country or not region:
        return ""
    return region if region.startswith(f"{country}-") else f"{country}-{region}"


def _city(address: records.Address) -> str:
    """Where somebody typed a whole name in capitals or without any, its words begin with capitals, as in the form that rules use."""
    written = address.city.strip()[:LONGEST_CITY]
    if not written or not _country(address):
        return ""
    name = written.title() if written.islower() or written.isupper() else written
    return f"{_region(address) or _country(address)}-{''.join(name.split())}"
