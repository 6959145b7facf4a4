"""One logging set-up for every process: structured lines through structlog, secrets and addresses taken out."""

from __future__ import annotations

import re
from typing import Any

import structlog

# Token prefixes: shopify.dev, Access tokens (shpat_, shprt_, shpss_ …); HubSpot private tokens (pat-…). E-mails by shape.
_SECRET = re.compile(
    r"(shp[a-z]{2,3}_[A-Za-z0-9_\-]+|pat-[a-z0-9]+-[A-Za-z0-9\-]+|Bearer\s+\S+|(?:access|refresh)_token['\"=: ]+[^\s'\",}]+|[\w.+\-]+@[\w\-]+\.[\w.\-]+)",
    re.IGNORECASE,
)
_SECRET_KEYS = frozenset({"authorization", "access_token", "refresh_token", "client_secret", "email", "body", "password", "code", "hmac"})


def redact(_: object, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """Replace tokens and e-mail addresses in every field of a log event by `[redacted]`."""
    for key, value in event.items():
        if key.lower() in _SECRET_KEYS:
            event[key] = "[redacted]"
        elif isinstance(value, str):
            event[key] = _SECRET.sub("[redacted]", value)
        elif isinstance(value, BaseException):
            event[key] = _SECRET.sub("[redacted]", str(value))
    return event


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
