"""Staged uploads for bulk mutations (shopify.dev, "Perform bulk operations: imports", stagedUploadsCreate)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrations.sandbox.shopify.access import Access

SIZE_LIMIT = 100 * 1024 * 1024


@dataclass(slots=True)
class StagedFile:
    """A place for an upload; `path` None until somebody uploaded to it."""

    key: str
    mime_type: str
    policy: str
    path: Path | None = None
    size: int = 0


def stage(access: Access, filename: str, mime_type: str) -> dict[str, Any]:
    """Make room for one upload and say where to send it, with which form fields; `key` is the later stagedUploadPath."""
    key = f"tmp/{access.store.id}/bulk/{uuid.uuid4()}/{filename}"
    staged = StagedFile(key, mime_type, uuid.uuid4().hex)
    access.shop.uploads[key] = staged
    fields = {
        "x-goog-credential": "sandbox",
        "x-goog-algorithm": "GOOG4-RSA-SHA256",
        "x-goog-date": access.now.strftime("%Y%m%dT%H%M%SZ"),
        "x-goog-signature": staged.policy,
        "key": key,
        "acl": "private",
        "Content-Type": mime_type,
        "success_action_status": "201",
        "policy": staged.policy,
    }
    url = f"{access.base_url}/shopify-files/{access.shop.domain}/upload"
    parameters = [{"name": name, "value": value} for name, value in fields.items()]
    return {"url": url, "resourceUrl": None, "parameters": parameters}
