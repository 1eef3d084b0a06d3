"""The tables ``[[gateways]]``: trunks and gateways to the telephone network, each for the numbers of one prefix."""

from __future__ import annotations

import re
from typing import Final

import attrs

import mcu
import sip
from pyc3p.commands.addresses import parse_proxy, parse_target
from pyc3p.problems import UsageProblem

_PREFIX: Final = re.compile(r"\+?[0-9*#]*", re.ASCII)
_CONTEXT: Final = re.compile(r"\+[0-9]+|[A-Za-z0-9.-]+", re.ASCII)


@attrs.frozen(kw_only=True)
class GatewaySettings:
    """One way to telephone numbers."""

    prefix: str  #: of the numbers, such as ``+1555``, or ``9`` for local ones; the longest that fits is taken
    trunk: str  #: host, or ``host:port``, of the SIP addresses that are called there
    next_hop: str = ""  #: SIP address of the server to send them to; empty: the trunk itself
    strip: int = 0  #: characters taken off the front of the number
    prepend: str = ""  #: put before what is left
    plus: bool = True  #: whether a global number keeps its ``+``
    caller: str = ""  #: SIP address in From, where the trunk wants one of its own; empty: the conference's
    asserted: str = ""  #: SIP address in P-Asserted-Identity; empty: ``caller``, else whoever asked for the call
    context: str = ""  #: ``phone-context`` of local numbers that are called here; empty: those without one
    realm: str = ""  #: for which the trunk asks for a password
    username: str = ""
    password: str = attrs.field(default="", repr=False)

    def __attrs_post_init__(self) -> None:
        where = f"gateways: prefix {self.prefix!r}"
        if not _PREFIX.fullmatch(self.prefix):
            raise UsageProblem(f"{where} must be digits, with + before them for global numbers")
        if not _PREFIX.fullmatch(self.prepend):
            raise UsageProblem(f"{where}: prepend must be digits, not {self.prepend!r}")
        if not 0 <= self.strip <= len(self.prefix):
            raise UsageProblem(
                f"{where}: strip must be from 0 to {len(self.prefix)}, the length of the prefix, not {self.strip}"
            )
        if self.context and not _CONTEXT.fullmatch(self.context):
            raise UsageProblem(f"{where}: context must be a domain, or + and digits, not {self.context!r}")
        try:
            sip.Places([self.trunk])
        except sip.LocalProtocolError as error:
            raise UsageProblem(f"{where}: trunk must be a host or host:port, not {self.trunk!r}") from error
        if self.next_hop:
            parse_proxy(self.next_hop, option=f"{where}: next_hop")
        for name in ("caller", "asserted"):
            if getattr(self, name):
                try:
                    parse_target(getattr(self, name))
                except UsageProblem as problem:
                    raise UsageProblem(f"{where}: {name}: {problem}") from None
        given = [name for name in ("realm", "username", "password") if getattr(self, name)]
        if given and len(given) < 3:
            missing = " and ".join(name for name in ("realm", "username", "password") if name not in given)
            raise UsageProblem(f"{where} has a {given[0]} and no {missing}: a trunk gets its password by its realm")

    @property
    def is_open(self) -> bool:
        """Whether it takes every number, or every global one."""
        return self.prefix in ("", "+")

    @property
    def gateway(self) -> mcu.Gateway:
        """What the MCU is told."""
        hop = parse_proxy(self.next_hop or self.trunk, option="next_hop")
        return mcu.Gateway(
            prefix=self.prefix,
            domain=self.trunk,
            strip=self.strip,
            prepend=self.prepend,
            plus=self.plus,
            next_hop=str(hop),
            caller=str(parse_target(self.caller)) if self.caller else None,
            asserted=str(parse_target(self.asserted)) if self.asserted else None,
            context=self.context or None,
        )
