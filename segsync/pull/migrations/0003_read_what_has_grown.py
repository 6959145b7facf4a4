from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# What is told of these has grown: addresses and companies, and an order's location, app and shipping method.
_GROWN = ("customers", "orders")


def read_again(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Everything is asked for again, as at the first connecting: what was stored before lacks the new facts."""
    apps.get_model("pull", "Stream").objects.filter(name__in=_GROWN, due_at__isnull=False).update(
        pulled_until=None, cursor="", window_since=None, window_until=None
    )


class Migration(migrations.Migration):
    dependencies = [("pull", "0002_stream_properties")]

    operations = [migrations.RunPython(read_again, migrations.RunPython.noop)]
