"""What adapters are given to write to: the trace of this process, or one that hands all to another process."""

from __future__ import annotations

from typing import Protocol

Address = tuple[str, int]


class ElementSink(Protocol):
    """The sink of one element."""

    def client_side(self) -> ElementSink:
        """The sink of the element's HTTP client."""
        ...

    def add_address(self, *addresses: Address) -> None:
        """The element speaks at ``addresses`` as well."""
        ...

    def record(
        self, *, layer: str, transport: str, source: Address, destination: Address, data: bytes, at: float
    ) -> None:
        """Take one record that the element sent or received."""
        ...


class Sinks(Protocol):
    """Gives each element its sink."""

    def element(self, name: str, *addresses: Address) -> ElementSink:
        """The sink of one element that speaks at ``addresses``."""
        ...
