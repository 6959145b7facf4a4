"""The Django app of the connectors."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class IntegrationsConfig(AppConfig):
    """Registers the system checks of the connectors' settings."""

    name = "integrations"
    label = "integrations"

    def ready(self) -> None:
        """Have `manage.py check` tell what is not set up."""
        from integrations.checks import check_credentials, check_deployment

        checks.register(check_credentials, checks.Tags.security)
        checks.register(check_deployment, checks.Tags.security, deploy=True)
