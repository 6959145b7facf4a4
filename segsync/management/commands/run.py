"""`manage.py run`: the whole service in one command."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.processes import Family, ProcessError, port_is_free, port_number, segsync_children


class Command(BaseCommand):
    """Migrate, then run web, worker and beat until Ctrl-C; whoever dies is started again."""

    help = "Run web, worker and beat until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen, and how many tasks at a time."""
        parser.add_argument("--port", type=port_number, default=8000, help="port of the web process on 127.0.0.1 (default 8000)")
        parser.add_argument("--threads", type=int, default=4, help="tasks the worker runs at a time (default 4)")

    def handle(self, *_: Any, port: int, threads: int, **__: Any) -> None:
        """Run until interrupted; raises CommandError when the port is taken or a process cannot be kept alive."""
        if not port_is_free(port):
            raise CommandError(f"Port {port} is in use: end the program that listens there, or choose another with --port.")
        call_command("migrate", verbosity=0, interactive=False)
        with Family() as family:
            for child in segsync_children(port, env={}, logs=None, threads=threads):
                family.add(child)
            self.stdout.write(f"SegSync runs at {settings.PUBLIC_URL} (listening on 127.0.0.1:{port}). Ctrl-C ends it.")
            try:
                while True:
                    time.sleep(1)
                    for news in family.tend():
                        self.stderr.write(news)
            except KeyboardInterrupt:
                self.stdout.write("Ending.")
            except ProcessError as error:
                raise CommandError(str(error)) from error
