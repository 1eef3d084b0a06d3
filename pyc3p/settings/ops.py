"""Settings of the port for operators of ``pyc3p serve``: ``[ops]``."""

from __future__ import annotations

import attrs

from pyc3p.commands.addresses import check_host
from pyc3p.problems import UsageProblem


@attrs.frozen(kw_only=True)
class OpsSettings:
    """Health and metrics over HTTP. Nobody has to prove anything there, so it is on loopback unless told otherwise."""

    port: int = 0  #: 0: there is no such port
    host: str = "127.0.0.1"  #: address to listen on
    scrape_timeout: float = 1.0  #: seconds that workers get to measure themselves; what they said before counts then

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.port < 65536:
            raise UsageProblem(f"ops.port must be a port number, or 0 for none, not {self.port}")
        check_host(self.host, option="ops.host")
        if not 0.0 < self.scrape_timeout <= 10.0:
            raise UsageProblem(f"ops.scrape_timeout must be from 0 to 10 seconds, not {self.scrape_timeout:g}")
