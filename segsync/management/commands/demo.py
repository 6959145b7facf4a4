"""`manage.py demo`: the whole of SegSync on one machine, against the sandbox."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from config.processes import Family, free_port, port_is_free, port_number, segsync_children
from segsync.demo.surroundings import LOGIN, MARK, PASSWORD, FolderInUse, Surroundings, broker_trouble, fresh_folder


class Command(BaseCommand):
    """Start a sandbox store and SegSync, install, pull, evaluate, write back, compare with an independent computation."""

    help = "Run the whole of SegSync against a sandbox store, and check the outcome."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """What to run on, and when to stop."""
        parser.add_argument("--once", action="store_true", help="exit when done instead of keeping everything running")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there")
        parser.add_argument("--data", default="", metavar="FILE", help="real transactions instead of the made-up store (Online Retail II, Parquet)")
        parser.add_argument("--customers", type=int, default=2000, help="size of the made-up store (default 2000)")
        parser.add_argument("--seed", type=int, default=7, help="seed of the made-up store (default 7)")
        parser.add_argument("--plan", default="standard", choices=["standard", "advanced", "plus", "enterprise"], help="Shopify plan: decides the rate limit")
        parser.add_argument("--port", type=port_number, default=8000, help="port of SegSync; 0 takes a free one (default 8000)")
        parser.add_argument("--sandbox-port", type=port_number, default=9292, help="port of the sandbox; 0 takes a free one (default 9292)")
        parser.add_argument("--database", default="", metavar="URL", help="an empty database to use instead of a fresh SQLite file")
        parser.add_argument("--broker", default="", metavar="URL", help="Redis or RabbitMQ to use instead of messages in memory")
        parser.add_argument("--kill-worker", type=int, default=0, metavar="N", help="kill -9 the worker N times on the way")
        parser.add_argument("--timeout", type=float, default=900, help="seconds each pass may take (default 900)")

    def handle(self, *_: Any, **options: Any) -> None:
        """Exit code 0 only when every mark on the other side is as the rules say; 130 when interrupted before that is known."""
        from segsync.demo.passes import FAILURES

        if os.environ.get(MARK) != "1":
            self._begin_anew(options)
        try:
            self._demo(options)
        except KeyboardInterrupt:
            self.stdout.write("\nEnded; every process that the demo started has ended too.")
            sys.exit(130)
        except FAILURES as error:
            raise CommandError(f"{error} The logs are in {Path(os.environ['SEGSYNC_VAR_DIR']) / 'logs'}.") from error

    def _begin_anew(self, options: dict[str, Any]) -> None:
        """Replace this process by one with the demo's own environment (settings are read at start)."""
        if options["data"] and not Path(options["data"]).is_file():
            raise CommandError(f"There is no file at {options['data']}: give the path of a Parquet file with Online Retail II's columns.")
        if options["json"] and not options["json"].absolute().parent.is_dir():
            raise CommandError(f"There is no folder {options['json'].absolute().parent} to write {options['json'].name} into: make it first.")
        if options["broker"] and (trouble := broker_trouble(options["broker"])):
            raise CommandError(trouble)
        ports: dict[str, int] = {}
        for name, port in (("--port", options["port"]), ("--sandbox-port", options["sandbox_port"])):
            ports[name] = port or free_port(ports.values())
            if not port_is_free(ports[name]) or list(ports.values()).count(port) > 1:
                raise CommandError(f"Port {port} is in use: end the program that listens there, or choose another with {name} (0 takes a free one).")
        try:
            folder = fresh_folder()
        except FolderInUse as error:
            raise CommandError(str(error)) from error
        surroundings = Surroundings(ports["--port"], ports["--sandbox-port"], folder, options["database"], options["broker"])
        argv = [sys.executable, sys.argv[0], *sys.argv[1:], "--port", str(surroundings.port), "--sandbox-port", str(surroundings.sandbox_port)]
        sys.stdout.flush()
        os.execve(sys.executable, argv, surroundings.environment())  # noqa: S606 (ourselves again)

    def _demo(self, options: dict[str, Any]) -> None:
        from segsync.demo.passes import Demo, Pass, connections
        from segsync.demo.report import memory, table
        from segsync.demo.starting import sandbox, wait_for, wait_for_sandbox

        place = Surroundings(options["port"], options["sandbox_port"], Path(os.environ["SEGSYNC_VAR_DIR"]), options["database"], options["broker"])
        out = self.stdout
        began = time.monotonic()
        out.write("SegSync demo. Nothing leaves this machine.\n1. Database and demo login")
        _make_database()
        _make_login()
        with Family() as family:
            out.write(f"2. Sandbox (a Shopify and a HubSpot) at {place.sandbox_url}")
            data = str(Path(options["data"]).resolve()) if options["data"] else ""
            family.add(sandbox(place, customers=options["customers"], seed=options["seed"], plan=options["plan"], data=data))
            store = wait_for_sandbox(family, place, options["timeout"])
            out.write(f"   {store['told']}")
            children = segsync_children(place.port, env={}, logs=place.var / "logs")
            out.write(f"3. SegSync: {', '.join(child.name for child in children)} at {place.app_url}")
            for child in children:
                family.add(child)
            wait_for(f"{place.app_url}/health", family, 60)
            demo = Demo(place.app_url, place.sandbox_url, store["domain"], store["hub_id"], family, out, options["timeout"])
            out.write("4. Installing the app into the store by OAuth, then connecting HubSpot")
            demo.connect()
            out.write(f"   {connections(store['domain'])}")
            out.write("5. Pull, evaluate, write back")
            passes: list[Pass] = [demo.first_pass(options["kill_worker"], options["seed"])]
            out.write(table(passes[0]))
            out.write("6. New orders, refunds and abandoned checkouts happen in the store; webhooks tell of them")
            passes.append(demo.second_pass(options["seed"] + 1, 60))
            out.write(table(passes[1]))
            usage = memory(family)
            out.write(f"Peak memory: {', '.join(f'{name} {mib:,} MiB' for name, mib in usage.items())}. Took {time.monotonic() - began:.0f} s.")
            mismatches = sum(each.mismatches for each in passes)
            if options["json"]:
                self._write(options["json"], passes, usage, time.monotonic() - began)
            if mismatches:
                raise CommandError(f"{mismatches} marks are not as the rules say; the logs are in {place.var / 'logs'}.")
            out.write("Every tag and every list member is as the rules say (computed apart from SegSync): 0 mismatches.")
            out.write(f"\nLook:  admin    {place.app_url}/admin/   (login {LOGIN}, password {PASSWORD})\n       sandbox  {place.sandbox_url}/")
            if not options["once"]:
                _stay(family, self)
                out.write("\nEnded; every process that the demo started has ended too.")

    def _write(self, path: Path, passes: list[Any], usage: dict[str, int], seconds: float) -> None:
        last = passes[-1].as_json()
        outcome = {
            "segments": passes[0].as_json()["segments"],
            "after_new_orders": last["segments"],
            "mismatches": sum(each.mismatches for each in passes),
            "seconds": round(seconds, 1),
            "peak_memory_mib": usage,
        }
        path.write_text(json.dumps(outcome, indent=2) + "\n")


def _make_database() -> None:
    from integrations.models import Shop

    try:
        call_command("migrate", verbosity=0, interactive=False)
        used = Shop.objects.exists()
    except DatabaseError as error:
        said = " ".join(str(error).split())
        raise CommandError(f"The database cannot be used: {said} Give --database the address of an empty one, or leave it out.") from error
    if used:
        raise CommandError("The database given with --database holds shops already: give an empty one.")


def _make_login() -> None:
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    if not users.filter(username=LOGIN).exists():
        users.create_superuser(LOGIN, "demo@example.com", PASSWORD)


def _stay(family: Family, command: BaseCommand) -> None:
    command.stdout.write("Everything keeps running. Ctrl-C ends it.")
    command.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(1)
            for news in family.tend():
                command.stderr.write(news)
