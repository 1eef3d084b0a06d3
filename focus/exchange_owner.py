"""Who posts C3P over HTTP for a conference."""

from __future__ import annotations

from typing import Protocol

from c3p import ExchangeOwner


class ConferenceExchangeOwner(ExchangeOwner, Protocol):
    """Who posts an exchange for one conference."""

    @property
    def focus_uri(self) -> str:
        """Conference-URI."""
