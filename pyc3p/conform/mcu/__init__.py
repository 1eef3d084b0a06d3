"""An MCU as it is tried: the kit is its Focus, and its phones."""

from __future__ import annotations
