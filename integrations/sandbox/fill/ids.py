"""Where numbering starts for each kind of thing a fill makes, and how later additions go on without a clash."""

from __future__ import annotations

from collections.abc import Mapping

STORE = 61_000_000_001
COLLECTION = 410_000_000_001
PRODUCT = 8_200_000_000_001
VARIANT = 44_600_000_000_001
CUSTOMER = 7_300_000_000_001
ORDER = 5_600_000_000_001
LINE = 13_900_000_000_001
REFUND = 910_000_000_001
CHECKOUT = 31_700_000_000_001
CHECKOUT_LINE = 21_500_000_000_001
LOCATION = 66_100_000_001
COMPANY = 4_210_001
ADDRESS = 8_900_000_000_001
METAFIELD_DEFINITION = 71_001
CONTACT = 101
CAMPAIGN = 7_001
LIST = 12
HUB = 1_424_242
FIRST_ORDER_NUMBER = 1001


def next_id(taken: Mapping[int, object], first: int) -> int:
    """The id after the highest one taken, or `first` when nothing is."""
    return max(taken, default=first - 1) + 1
