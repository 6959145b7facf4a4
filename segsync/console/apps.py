"""The console as a Django app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Registers the admin pages when Django discovers `admin`."""

    name = "segsync.console"
    label = "console"
    verbose_name = "Console"
