"""The cases, a package for each kind of target."""

from __future__ import annotations
