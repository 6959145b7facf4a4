"""A store in the sandbox, for measurements of what it is told."""

from __future__ import annotations

from tests.line import line, sandbox

__all__ = ["line", "sandbox"]
