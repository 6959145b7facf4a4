"""One logging set-up for every process: structured lines through structlog, secrets and addresses taken out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import structlog

# Token prefixes: shopify.dev, Access tokens (shpat_, shprt_, shpss_ …); HubSpot private tokens (pat-…). E-mails by shape, also
# percent-encoded. OAuth answers come back as query parameters; addresses of databases and brokers hold passwords.
_SECRET = re.compile(
    r"""
      shp[a-z]{2,3}_[\w\-]+ | pat-[a-z0-9]+-[\w\-]+
    | (?:Bearer|Basic)\s+[^\s'"]+
    | (?:access_token|refresh_token|id_token|client_secret|password|X-Shopify-Access-Token)\b['"]?\s*[=:]\s*b?['"]?[^\s'",}&]+
    | (?<=[?&])(?:code|hmac|state|session|token)=[^&\s'"]+
    | (?<=://)[^\s/@'"]{1,256}@
    | [^\s<>"\[\](){},;:=@%/&?]{1,64}(?:@|%40)[\w\-]+(?:\.[\w\-]+)+
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SECRET_WORDS = frozenset({"authorization", "token", "secret", "email", "emails", "body", "password", "code", "hmac", "cookie"})
_REDACTED = "[redacted]"


def redact(_: object, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """Replace tokens, passwords and e-mail addresses in every field of a log event, however deep, by `[redacted]`."""
    return {key: _clean(str(key), value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_WORDS & set(key.lower().replace("-", "_").split("_")):
        return _REDACTED
    if isinstance(value, Mapping):
        return {name: _clean(str(name), one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", one) for one in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return _SECRET.sub(_REDACTED, str(value))


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def logging_config(level: str | int) -> dict[str, Any]:
    """Return Django's LOGGING and configure structlog to end in the same handlers."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "logger", "event"], drop_missing=True),
        ],
        "foreign_pre_chain": [*_SHARED, structlog.stdlib.ExtraAdder()],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
            "hubspot": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "celery": {"level": "WARNING"},
        },
    }
