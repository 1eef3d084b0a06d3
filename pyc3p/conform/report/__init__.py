"""A report, written down: for people, for machines, for CI."""

from __future__ import annotations
