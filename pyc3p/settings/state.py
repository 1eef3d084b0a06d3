"""Settings of what ``pyc3p serve`` keeps over a restart: ``[state]``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import attrs

from pyc3p.problems import UsageProblem

#: In place of a file: nothing is kept.
NOTHING: Final = "none"
#: How it is written. ``full`` waits for the disk and outlasts a loss of power; ``normal`` outlasts one of the process.
SYNCHRONOUS: Final = ("full", "normal")
#: Where the state of services is (FHS); used where it may be written.
_OF_SERVICES: Final = Path("/var/lib/pyc3p")


@attrs.frozen(kw_only=True)
class StateSettings:
    """Where calls, conferences, records and registrations are kept."""

    file: str = ""  #: SQLite file; empty: `state_file` chooses one; ``none``: nothing is kept
    synchronous: str = "full"

    def __attrs_post_init__(self) -> None:
        if self.synchronous not in SYNCHRONOUS:
            wanted = " or ".join(SYNCHRONOUS)
            raise UsageProblem(f"state.synchronous must be {wanted}, not {self.synchronous!r}")


def state_file(settings: StateSettings, host: str, port: int) -> Path | None:
    """The file of a server that listens at ``host`` and ``port``; None where nothing is to be kept.

    Without a name of its own it is called after where the server listens, so that several do not meet there, and lies
    in the folder that systemd gives (``StateDirectory=``), in ``/var/lib/pyc3p`` where that may be written, else with
    the user (``XDG_STATE_HOME``).
    """
    if settings.file == NOTHING:
        return None
    if settings.file:
        return Path(settings.file).expanduser()
    return _folder() / f"{host.strip('[]').replace(':', '_')}-{port}.sqlite"


def _folder() -> Path:
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    if os.access(_OF_SERVICES, os.W_OK):
        return _OF_SERVICES
    home = os.environ.get("XDG_STATE_HOME", "")
    return (Path(home) if home.startswith("/") else Path("~/.local/state").expanduser()) / "pyc3p"
