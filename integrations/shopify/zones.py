"""Shopify's codes of provinces as ISO 3166-2 has them, which is how rules name regions.

Most are the same. Where they are not, Shopify's own data has an `iso_code` beside the `code` that addresses hold:
github.com/Shopify/worldwide, db/data/regions/CN.yml, GT.yml, MX.yml, MY.yml and ZA.yml. India's are left as they are: ISO took CG, TS and
UK itself in 2023, and IN.yml still has the ones before.
"""

from __future__ import annotations

from collections.abc import Mapping

_MEXICO = (
    "AGS AGU, BC BCN, CAMP CAM, CDMX CMX, CHIS CHP, CHIH CHH, DF CMX, COAH COA, DGO DUR, GTO GUA, HGO HID, MICH MIC, NL NLE, QRO QUE, Q ROO ROO, "
    "TAMPS TAM, TLAX TLA"
)
_MALAYSIA = "JHR 01, KDH 02, KTN 03, KUL 14, LBN 15, MLK 04, NSN 05, PHG 06, PNG 07, PRK 08, PLS 09, PJY 16, SBH 12, SWK 13, SGR 10, TRG 11"
_GUATEMALA = (
    "AVE AV, BVE BV, CMT CM, CQM CQ, EPR PR, ESC ES, GUA GU, HUE HU, IZA IZ, JAL JA, JUT JU, PET PE, QUE QZ, QUI QC, RET RE, SAC SA, SMA SM, "
    "SRO SR, SOL SO, SUC SU, TOT TO, ZAC ZA"
)


def _pairs(text: str) -> Mapping[str, str]:
    """ISO's code by Shopify's, which may hold a blank."""
    return dict(pair.rsplit(" ", 1) for pair in text.split(", "))


_OTHERWISE: Mapping[str, Mapping[str, str]] = {
    "CN": _pairs("YZ XZ"),
    "GT": _pairs(_GUATEMALA),
    "MX": _pairs(_MEXICO),
    "MY": _pairs(_MALAYSIA),
    "ZA": _pairs("GT GP, NL KZN"),
}


def iso_region(country: str, province: str) -> str:
    """The province's code in ISO 3166-2, without the country before it, unless Shopify's has that ("PE-AMA")."""
    return _OTHERWISE.get(country, {}).get(province.strip().upper(), province)
