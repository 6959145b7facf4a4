#!/usr/bin/env python
"""Django's command line for SegSync."""

import os
import sys

NEED_NO_SETTINGS = ("demo", "sandbox", "make_key")  # they bring their own, or need none: nobody sets variables to try SegSync out


def main() -> None:
    """Run one management command. A wrong environment ends it with what to set, and exit code 1."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if len(sys.argv) > 1 and sys.argv[1] in NEED_NO_SETTINGS:
        os.environ["DEBUG"] = "1"
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit("Django is not installed in this environment: run `make setup`, or activate .venv first.") from error
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
