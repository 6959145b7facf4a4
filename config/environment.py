"""The process's environment, read once, with every error told at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError, ValidationError, validate

ROOT = Path(__file__).resolve().parent.parent
BROKERS = ("redis", "rediss", "amqp", "amqps", "memory")
_HINTS = {  # what the libraries' own words leave out
    "Not a valid boolean.": "give 1 or 0.",
    "Not a valid database URL.": "give postgres://user:password@host:5432/name, or sqlite:///path/of/a/file.",
}


def fernet_keys(values: list[str]) -> list[str]:
    """Pass on Fernet keys; raises ValidationError naming the first that is none."""
    for place, value in enumerate(values, start=1):
        try:
            Fernet(value)
        except ValueError as error:
            hint = "make one with `python manage.py make_key`"
            raise ValidationError(f"key {place} is not a Fernet key (32 url-safe base64 bytes); {hint}.") from error
    return values


def log_level(value: str) -> str:
    """Pass on the name of a logging level; raises ValidationError for anything else."""
    if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ValidationError(f"'{value}' is no level: choose DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    return value.upper()


def address(value: str) -> str:
    """Pass on an http(s) address without its trailing slash; raises ValidationError for anything else."""
    try:
        parts = urlsplit(value)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise ValidationError(f"'{value}' is not an address: it must begin with https:// (or http:// on your own machine) and name a host.")
    return value.rstrip("/")


def broker(value: str) -> str:
    """Pass on a message broker's address, or "" for the one in memory; raises ValidationError, which never shows it: it may hold a password."""
    if value and urlsplit(value).scheme not in BROKERS:
        raise ValidationError(f"begin it with one of {', '.join(f'{scheme}://' for scheme in BROKERS)}, or leave it empty.")
    return value


def memory(value: str) -> str:
    """Pass on an amount of memory as DuckDB writes it; raises ValidationError for anything else."""
    if not re.fullmatch(r"[1-9][0-9]*(\.[0-9]+)? ?[KMGT]i?B", value):
        raise ValidationError(f"'{value}' is no amount of memory: write it as 512MB or 2GB.")
    return value


class Environment:
    """Every variable SegSync reads, with its default. `.env.example` says what each is for.

    Raises ImproperlyConfigured with one line per wrong or missing variable.
    """

    def __init__(self) -> None:
        env = Env(eager=False)
        env.read_env(str(ROOT / ".env"), recurse=False)
        self.debug: bool = env.bool("DEBUG", False)
        self.var_dir = Path(env.str("SEGSYNC_VAR_DIR", str(ROOT / "var")))
        self.secret_key: str = env.str("SECRET_KEY", "")
        self.encryption_keys: list[str] = env.list("SEGSYNC_ENCRYPTION_KEYS", [], validate=fernet_keys)
        self.allowed_hosts: list[str] = env.list("ALLOWED_HOSTS", [])
        self.public_url: str = env.str("PUBLIC_URL", "http://127.0.0.1:8000")
        self.behind_proxy: bool = env.bool("BEHIND_PROXY", False)
        self.database = env.dj_db_url("DATABASE_URL", f"sqlite:///{self.var_dir / 'segsync.sqlite3'}", conn_max_age=60)
        self.broker_url: str = env.str("CELERY_BROKER_URL", "", validate=broker)
        self.queue: str = env.str("SEGSYNC_QUEUE", "segsync")
        self.log_level: str = (env.str("LOG_LEVEL", "INFO", validate=log_level) or "INFO").upper()
        self.shopify_client_id: str = env.str("SHOPIFY_CLIENT_ID", "")
        self.shopify_client_secrets: list[str] = env.list("SHOPIFY_CLIENT_SECRETS", [])
        self.shopify_read_all_orders: bool = env.bool("SHOPIFY_READ_ALL_ORDERS", False)
        self.shopify_read_locations: bool = env.bool("SHOPIFY_READ_LOCATIONS", False)
        self.shopify_shop_url: str = env.str("SHOPIFY_SHOP_URL", "https://{shop}")
        self.shopify_file_hosts: list[str] = env.list("SHOPIFY_FILE_HOSTS", ["storage.googleapis.com", "shopify-staged-uploads.storage.googleapis.com"])
        self.hubspot_client_id: str = env.str("HUBSPOT_CLIENT_ID", "")
        self.hubspot_client_secret: str = env.str("HUBSPOT_CLIENT_SECRET", "")
        self.hubspot_api_url: str = env.str("HUBSPOT_API_URL", "https://api.hubapi.com")
        self.hubspot_app_url: str = env.str("HUBSPOT_APP_URL", "https://app.hubspot.com")
        self.memory_limit: str = env.str("SEGSYNC_MEMORY_LIMIT", "2GB", validate=memory)
        self.columnar_from: int = env.int("SEGSYNC_COLUMNAR_FROM", 20_000)
        self.whole_share: int = env.int("SEGSYNC_WHOLE_SHARE", 5, validate=validate.Range(min=1, max=100))
        self.self_check: int = env.int("SEGSYNC_SELF_CHECK", 200, validate=validate.Range(min=0))
        self.midnight_spread: int = env.int("SEGSYNC_MIDNIGHT_SPREAD", 60, validate=validate.Range(min=0, max=3600))
        problems: list[str] = []
        wrong: set[str] = set()
        try:
            env.seal()
        except EnvValidationError as error:
            told: Any = error.error_messages
            problems += [f"{name}: {' '.join(_HINTS.get(str(text), str(text)) for text in texts)}" for name, texts in told.items()]
            wrong |= set(told)
        problems += [f"{name}: {problem}" for name, problem in self._missing() if name not in wrong]
        if problems:
            lines = "\n".join(f"  - {problem}" for problem in problems)
            raise ImproperlyConfigured(f"SegSync cannot start; set these variables (see .env.example):\n{lines}")

    def _missing(self) -> list[tuple[str, str]]:
        problems: list[tuple[str, str]] = []
        for name, value in (
            ("PUBLIC_URL", self.public_url),
            ("HUBSPOT_API_URL", self.hubspot_api_url),
            ("HUBSPOT_APP_URL", self.hubspot_app_url),
            ("SHOPIFY_SHOP_URL", self.shopify_shop_url),
        ):
            try:
                address(value)
            except ValidationError as error:
                problems.append((name, str(error)))
        if "{shop}" not in self.shopify_shop_url:
            problems.append(("SHOPIFY_SHOP_URL", "it must hold {shop}, where the shop's domain goes."))
        try:
            (self.var_dir / "static").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problems.append(("SEGSYNC_VAR_DIR", f"'{self.var_dir}' cannot be written ({error.strerror}); name a folder that can."))
        if self.debug:
            return problems
        if not self.secret_key:
            problems.append(("SECRET_KEY", "missing; give a long random text."))
        if not self.encryption_keys:
            problems.append(("SEGSYNC_ENCRYPTION_KEYS", "missing; make a key with `python manage.py make_key` and keep it apart from SECRET_KEY."))
        if not self.allowed_hosts:
            problems.append(("ALLOWED_HOSTS", "missing; name the host of PUBLIC_URL."))
        return problems
