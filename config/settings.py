"""Django settings, all from the environment (`config.environment`)."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from config.environment import ROOT, Environment
from config.logging import logging_config
from segsync.console.navigation import UNFOLD as UNFOLD

ENV = Environment()
BASE_DIR = ROOT
VAR_DIR = ENV.var_dir

DEBUG = ENV.debug
SECRET_KEY = ENV.secret_key or "development-only-and-refused-outside-DEBUG"
PUBLIC_URL = ENV.public_url.rstrip("/")
ALLOWED_HOSTS = ENV.allowed_hosts or (["127.0.0.1", "localhost", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "config",
    "integrations",
    "segsync.store",
    "segsync.pull",
    "segsync.rules",
    "segsync.evaluate",
    "segsync.diff",
    "segsync.push",
    "segsync.console",
    "segsync.merchant",
    "segsync",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": ENV.database}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # One writer at a time: begin immediately and wait, instead of failing half-way (sqlite.org, Write-Ahead Logging).
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 60,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536;",
    }
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}  # a file, so that several threads may use it
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG

LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_AGE = int(timedelta(hours=8).total_seconds())
_HTTPS = urlsplit(PUBLIC_URL).scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SECURE_SSL_REDIRECT = _HTTPS and not DEBUG
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _HTTPS
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # preloading cannot be taken back: the domain's owner decides about it
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if ENV.behind_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

LOGGING = logging_config(ENV.log_level)

# --- SegSync -----------------------------------------------------------------------------------------------------------
SEGSYNC_ENCRYPTION_KEYS = ENV.encryption_keys  # newest first; the vault makes one of its own in DEBUG
SHOPIFY_CLIENT_ID = ENV.shopify_client_id
SHOPIFY_CLIENT_SECRETS = ENV.shopify_client_secrets  # the one in force first; webhooks may still be signed with an older one
SHOPIFY_SHOP_URL = ENV.shopify_shop_url.rstrip("/")  # "{shop}" is replaced by the myshopify domain
SHOPIFY_FILE_HOSTS = ENV.shopify_file_hosts  # where bulk results may be fetched from: host or host:port
SHOPIFY_API_VERSION = "2026-10"
SHOPIFY_SCOPES = ["read_customers", "write_customers", "read_orders", "read_products"]
if ENV.shopify_read_all_orders:  # without it Shopify shows the orders of the last 60 days (shopify.dev, Access scopes: orders permissions)
    SHOPIFY_SCOPES.append("read_all_orders")
if ENV.shopify_read_locations:  # without it an order's retail location stays unknown
    SHOPIFY_SCOPES.append("read_locations")
HUBSPOT_CLIENT_ID = ENV.hubspot_client_id
HUBSPOT_CLIENT_SECRET = ENV.hubspot_client_secret
HUBSPOT_API_URL = ENV.hubspot_api_url.rstrip("/")
HUBSPOT_APP_URL = ENV.hubspot_app_url.rstrip("/")
HUBSPOT_API_VERSION = "2026-09"

SEGSYNC_MEMORY_LIMIT = ENV.memory_limit  # of one evaluation of everybody; beyond it, files under VAR_DIR
SEGSYNC_COLUMNAR_FROM = ENV.columnar_from  # shops with so many customers are evaluated by columns instead of one by one
SEGSYNC_WHOLE_SHARE = ENV.whole_share  # percent of such a shop's customers changed from which everybody is judged anew
SEGSYNC_SELF_CHECK = ENV.self_check  # customers judged a second time after each whole evaluation
SEGSYNC_MIDNIGHT_SPREAD = ENV.midnight_spread  # seconds over which the shops of one midnight are spread

# --- Celery: nudges only (docs/decisions/0001) -----------------------------------------------------------------------------
CELERY_BROKER_URL = ENV.broker_url or "memory://localhost"  # in memory: the worker ticks by itself (config.celery), and nothing needs installing
IN_MEMORY = CELERY_BROKER_URL.startswith("memory:")
if IN_MEMORY:
    CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.02}  # seconds between two looks at the messages; the default of 1 is paid at each step
WEBHOOKS_STORED = "segsync.wake.look_soon"
CELERY_TASK_DEFAULT_QUEUE = ENV.queue  # others may use the same broker
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TASK_DEFAULT_DELIVERY_MODE = "transient"
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {"tick": {"task": "segsync.pipeline.tick", "schedule": 0.25 if IN_MEMORY else 1.0, "options": {"expires": 5}}}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
