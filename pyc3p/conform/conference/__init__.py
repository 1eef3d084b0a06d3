"""A Focus as it is tried: who joins, who follows, whom it has called."""

from __future__ import annotations
