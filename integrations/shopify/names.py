"""What a place in Shopify can be called.

shopify.dev, `tagsAdd`: commas separate tags; a tag has at most 255 characters and no blanks around it.
"""

from __future__ import annotations

from integrations.base import MarkKind
from integrations.errors import Rejected

TAG_LENGTH = 255


def check(kind: MarkKind, name: str) -> None:
    """Raises Rejected with what to change when a place of that kind cannot be called so."""
    if kind is not MarkKind.TAG:
        raise Rejected(f"Shopify has no {kind.value} to put people in; choose a customer tag.")
    if not name or name != name.strip() or "," in name or len(name) > TAG_LENGTH:
        raise Rejected(f"'{name[:60]}' cannot be a tag: it needs 1 to {TAG_LENGTH} characters, no comma and no blank at either end.")
