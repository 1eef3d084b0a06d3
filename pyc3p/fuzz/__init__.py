"""Altered traffic for a server of anybody's, with a valid call as canary: ``pyc3p fuzz``."""

from __future__ import annotations
