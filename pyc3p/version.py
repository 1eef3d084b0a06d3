"""The version of this distribution: the one place in which it stands."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
