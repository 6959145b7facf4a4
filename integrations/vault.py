"""Tokens at rest: encrypted with the newest key, readable with every key still listed, never with SECRET_KEY."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from integrations.errors import Misconfigured
from integrations.models import Credential

log = structlog.get_logger(__name__)


def encrypt(text: str) -> bytes:
    """Return `text` encrypted with the newest key. Raises Misconfigured when there is no key."""
    return _fernet().encrypt(text.encode())


def decrypt(sealed: bytes | memoryview) -> str:
    """Return what `encrypt` was given. Raises Misconfigured when none of the keys opens it; nothing is changed then."""
    try:
        return _fernet().decrypt(bytes(sealed)).decode()
    except InvalidToken:
        raise Misconfigured(
            "A stored token cannot be opened with any key in SEGSYNC_ENCRYPTION_KEYS; put the key it was written with back into the list."
        ) from None


def rotate_all(now: datetime) -> int:
    """Re-encrypt every stored token with the newest key and return how many rows were written.

    A row that somebody writes meanwhile is read again, so no newer token is ever replaced by an older one. `version` stays:
    the tokens are the same. Raises Misconfigured at the first token that no key opens; rows done before stay done.
    """
    fernet, written = _fernet(), 0
    for pk in Credential.objects.order_by("pk").values_list("pk", flat=True):
        while (row := Credential.objects.filter(pk=pk).first()) is not None:
            access = fernet.encrypt(decrypt(row.access_token).encode())
            refresh = fernet.encrypt(decrypt(row.refresh_token).encode()) if row.refresh_token is not None else None
            same = Credential.objects.filter(pk=pk, version=row.version)
            if same.update(access_token=access, refresh_token=refresh, updated_at=now):
                written += 1
                break
    log.info("vault.rotated", rows=written)
    return written


def _fernet() -> MultiFernet:
    keys = list(settings.SEGSYNC_ENCRYPTION_KEYS)
    if not keys:
        if not settings.DEBUG:
            raise Misconfigured("SEGSYNC_ENCRYPTION_KEYS is empty; make a key with `python manage.py make_key` and set it.")
        keys = [_development_key(Path(settings.VAR_DIR) / "encryption.key")]
    return MultiFernet([Fernet(key) for key in keys])


def _development_key(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(Fernet.generate_key())
        try:
            os.link(mine, path)  # fails when another process was faster, whose key is then everybody's
        except FileExistsError:
            pass
        finally:
            mine.unlink()
    return path.read_text().strip()
