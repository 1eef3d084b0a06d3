"""What may help when a server or a phone says no: one sentence for a status, whoever asked for what."""

from __future__ import annotations

from typing import Final

_UNAVAILABLE: Final = "is it the right address, and is anybody registered there?"


def cure_of(status: int | None, *, password: bool, secret: str = "password") -> str:
    """For a refusal; empty where there is nothing to say. ``password``: whether one was given, a ``secret``."""
    if status in (401, 407):
        return f"is the {secret} right?" if password else f"give {secret}=..."
    return {404: _UNAVAILABLE, 480: _UNAVAILABLE, 488: "there is no codec in common"}.get(status or 0, "")
