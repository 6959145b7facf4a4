#!/usr/bin/env python
"""Django's command line for SegSync."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit("Django is not installed in this environment: run `make setup`, or activate .venv first.") from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
