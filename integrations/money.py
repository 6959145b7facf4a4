"""Money as integers: how many decimals a currency has, and reading a platform's decimal text exactly."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

# ISO 4217 currencies whose minor unit is not a hundredth (six-group.com, ISO 4217 list one).
_EXPONENTS = {
    **dict.fromkeys(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}


def exponent(currency: str) -> int:
    """How many decimals amounts of this currency (ISO 4217) have."""
    return _EXPONENTS.get(currency.upper(), 2)


def minor(amount: str, currency: str) -> int:
    """A decimal text in minor units, halves away from zero; raises decimal.InvalidOperation for text that is no number."""
    return int(Decimal(amount).scaleb(exponent(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))
