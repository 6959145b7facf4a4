"""Whether this process can do its work, for load balancers and people."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 with `{"ok": true}` while the database answers, 503 with `{"ok": false}` otherwise; never says why."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"ok": False, "database": "not answering"}, status=503)
    return JsonResponse({"ok": True, "database": connection.vendor})
