"""What goes wrong on our own side: misuse by the application, and limits of the store.

FocusError(ValueError)
├── LocalProtocolError   a command that the state does not allow; nothing was changed
└── StoreError
    ├── RecordExists     the conference id is taken
    └── StoreFull        a limit of the store is reached
"""

from __future__ import annotations


class FocusError(ValueError):
    """Base of everything that this package raises."""


class LocalProtocolError(FocusError):
    """The application asked for something that the state does not allow. The state is as before."""


class StoreError(FocusError):
    """A record could not be stored."""

    def __init__(self, conference_id: str) -> None:
        super().__init__(f"conference {conference_id!r}: {self.__doc__}")
        self.conference_id = conference_id


class RecordExists(StoreError):
    """The conference id is already used by this organizer."""


class StoreFull(StoreError):
    """The limit of stored conferences is reached."""
