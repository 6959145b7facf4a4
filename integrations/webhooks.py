"""The webhook inbox: verified, stored once, answered. What a webhook names is fetched again elsewhere; it is only a hint."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from integrations.models import Delivery
from integrations.registry import connector

log = structlog.get_logger(__name__)


class BadSignature(Exception):
    """The request was not signed by the platform with one of our secrets (or is too old to tell)."""


@csrf_exempt
@require_POST
def receive(request: HttpRequest, vendor: str) -> HttpResponse:
    """Store what a platform sent and answer 200 once it is committed; the same delivery again is stored once.

    Whoever is named in WEBHOOKS_STORED is told at once; that must not wait for anything, and nothing depends on it.
    401 for a bad signature, 413 for a body over the limit, 503 while the database does not answer: the platform sends again.
    """
    verify = connector(vendor).receive
    if verify is None:
        return HttpResponse(status=404)
    try:
        deliveries = verify(request, timezone.now())
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)
        if deliveries:
            import_string(settings.WEBHOOKS_STORED)()
    except BadSignature:
        log.warning("webhook.refused", vendor=vendor)
        return HttpResponse(status=401)
    except RequestDataTooBig:
        log.warning("webhook.too_big", vendor=vendor)
        return HttpResponse(status=413)
    except DatabaseError as error:
        log.error("webhook.not_stored", vendor=vendor, error=type(error).__name__)
        return HttpResponse(status=503, headers={"Retry-After": "30"})
    return HttpResponse(status=200)
