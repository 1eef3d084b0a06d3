"""Where a live process takes its chance and its wall clock from."""

from __future__ import annotations

import secrets
import time

from sip.entropy import SeededEntropy


def live_entropy() -> SeededEntropy:
    """An entropy that nobody can predict, seeded by the operating system."""
    return SeededEntropy(secrets.token_bytes(32))


def wall_clock() -> float:
    """The POSIX time at which the monotonic clock (that of the event loop) stood at 0."""
    return time.time() - time.monotonic()
