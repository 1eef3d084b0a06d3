"""Settings of one node among others: ``[nodes]``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import attrs

from pyc3p.problems import UsageProblem
from sip import SipError, Uri

_SCHEMES: Final = ("redis://", "rediss://", "unix://")
_FILE: Final = "sqlite:"


@attrs.frozen(kw_only=True)
class NodesSettings:
    """Which nodes there are is in the store; a node needs to know where that is."""

    #: what all share: the URL of a Redis, or ``sqlite:FILE`` for nodes of one machine; empty: this node is alone
    store: str = attrs.field(default="", repr=False)
    prefix: str = "pyc3p:"  #: of everything there, so that several deployments fit into one Redis
    #: SIP URI at which this node takes what others send on; empty: where it listens, over TCP
    address: str = ""
    #: Seconds for which a node that has handed its conferences over goes on sending requests to the new owners: as long
    #: as the proxy in front needs to see that it is gone.
    linger: float = 5.0

    def __attrs_post_init__(self) -> None:
        if self.store and self.file is None and not self.store.startswith(_SCHEMES):
            wanted = "the URL of a Redis, such as redis://192.0.2.5:6379/0, or sqlite: and the name of a file"
            raise UsageProblem(f"nodes.store must be {wanted}")
        if not 0.0 <= self.linger < math.inf:
            raise UsageProblem(f"nodes.linger must be some seconds, not {self.linger:g}")
        if self.address:
            try:
                Uri.parse(self.address)
            except SipError as error:
                raise UsageProblem(f"nodes.address is no SIP URI: {error}") from error

    @property
    def file(self) -> Path | None:
        """The SQLite file that the nodes of this machine share; None where it is a Redis, or nothing."""
        name = self.store.removeprefix(_FILE) if self.store.startswith(_FILE) else ""
        return Path(name).expanduser() if name else None
