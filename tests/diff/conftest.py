"""Shops whose ledger is looked at, and shops at work against the sandbox."""

from __future__ import annotations

from tests.line import both, line, other, sandbox

__all__ = ["both", "line", "other", "sandbox"]
