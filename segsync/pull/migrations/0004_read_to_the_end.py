from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Exists, OuterRef, Q

_GROWN = ("customers", "orders")  # as in 0003, which asked for everything again
_ASKED_FOR = ("pull", "0003_read_what_has_grown")


def read_to_the_end(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """What 0003 asked for is asked for again where a worker of the version before undid it: its window, begun earlier, ended afterwards.

    Whoever still reads such a stream loses it: what it was about to store is dropped.
    """
    asked_for = MigrationRecorder(editor.connection).applied_migrations().get(_ASKED_FOR)
    if asked_for is None:
        return
    whole = apps.get_model("pull", "Run").objects.filter(stream=OuterRef("pk"), since__isnull=True, status="done", started_at__gte=asked_for.applied)
    streams = apps.get_model("pull", "Stream").objects.filter(name__in=_GROWN, due_at__isnull=False)
    lacking = streams.filter(~Exists(whole), Q(pulled_until__isnull=False) | ~Q(lease_token=""))
    lacking.update(pulled_until=None, cursor="", window_since=None, window_until=None, lease_until=None, lease_token="")


class Migration(migrations.Migration):
    dependencies = [("pull", "0003_read_what_has_grown")]

    operations = [
        # the version before, which writes rows until it is stopped, does not name these columns
        migrations.AlterField(
            model_name="stream",
            name="asked",
            field=models.JSONField(db_default=[], default=list, editable=False, help_text="Properties whose values have been read for everybody."),
        ),
        migrations.AlterField(
            model_name="stream",
            name="asking",
            field=models.JSONField(db_default=[], default=list, editable=False, help_text="Properties that the window in progress asks for."),
        ),
        migrations.RunPython(read_to_the_end, migrations.RunPython.noop),
    ]
