"""What a place in HubSpot can be called (developers.hubspot.com, "Lists" and "Properties")."""

from __future__ import annotations

import re

from integrations.base import MarkKind
from integrations.errors import Rejected

LIST_LENGTH = 200
_PROPERTY = re.compile(r"[a-z][a-z0-9_]{0,99}")
_RESERVED = "hs_"  # HubSpot's own properties begin so


def check(kind: MarkKind, name: str) -> None:
    """Raises Rejected with what to change when a place of that kind cannot be called so."""
    if kind is MarkKind.PROPERTY and (not _PROPERTY.fullmatch(name) or name.startswith(_RESERVED)):
        raise Rejected(
            f"“{name[:60]}” cannot name a contact property: use only lower-case letters, digits and underscores, 100 at most, "
            f"begin with a letter, and not with “{_RESERVED}”."
        )
    if kind is MarkKind.LIST and (not name or name != name.strip() or len(name) > LIST_LENGTH):
        raise Rejected(f"“{name[:60]}” cannot name a list: it needs 1 to {LIST_LENGTH} characters and no blank at either end.")
    if kind is MarkKind.TAG:
        raise Rejected("HubSpot has no tags; choose a contact list or a contact property.")
