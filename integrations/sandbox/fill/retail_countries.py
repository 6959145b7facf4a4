"""The data set's country names as ISO 3166-1 alpha-2 codes, which is what Shopify keeps."""

from __future__ import annotations

_CODES = {
    "australia": "AU", "austria": "AT", "bahrain": "BH", "belgium": "BE", "bermuda": "BM", "brazil": "BR", "canada": "CA", "channel islands": "JE",
    "cyprus": "CY", "czech republic": "CZ", "denmark": "DK", "eire": "IE", "finland": "FI", "france": "FR", "germany": "DE", "greece": "GR",
    "hong kong": "HK", "iceland": "IS", "israel": "IL", "italy": "IT", "japan": "JP", "korea": "KR", "lebanon": "LB", "lithuania": "LT",
    "malta": "MT", "netherlands": "NL", "nigeria": "NG", "norway": "NO", "poland": "PL", "portugal": "PT", "rsa": "ZA", "saudi arabia": "SA",
    "singapore": "SG", "spain": "ES", "sweden": "SE", "switzerland": "CH", "thailand": "TH", "usa": "US", "united arab emirates": "AE",
    "united kingdom": "GB",
}  # fmt: skip


def country_code(name: str | None) -> str:
    """The two-letter code, or "" for names that are no country ("Unspecified", "European Community", "West Indies")."""
    return _CODES.get((name or "").strip().casefold(), "")
