"""Which address leads where."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from segsync.merchant.health import health

urlpatterns = [
    path("", include("segsync.merchant.urls")),
    path("admin/", admin.site.urls),
    path("", include("integrations.urls")),
    path("health", health, name="health"),
]
