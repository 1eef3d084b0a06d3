"""The section ``[identity]``: who may use a server, and how one proves who one is."""

from __future__ import annotations

import ipaddress
from typing import Final

import attrs

from pyc3p.commands.addresses import check_host, is_loopback, numeric_host
from pyc3p.problems import Problem, UsageProblem
from sip import WrongPasswordLimits, are_everybody, is_numeric

#: What the users file has hashes of.
_ALGORITHMS: Final = ("MD5", "SHA-256")
_LIMITS: Final = WrongPasswordLimits()


@attrs.frozen(kw_only=True)
class IdentitySettings:
    """Who is believed. With nothing set, on loopback, everybody is."""

    users: str = ""  #: file of names and hashes, as ``pyc3p user add`` writes it
    trust: tuple[str, ...] = ()  #: networks whose requests are believed as they come, P-Asserted-Identity included
    trusted_peers: tuple[str, ...] = ()  #: names proved by a TLS certificate that are believed in the same way
    certificate_domains: tuple[str, ...] = ()  #: domains whose servers vouch for their users by their certificate
    user_certificates: bool = False  #: whether a certificate for ``sip:user@domain`` stands for that user
    #: Of the challenges, best first. Phones in use give up on a challenge that names another one than MD5 (see
    #: `sip.DigestConfig`): add SHA-256 in front of it where all clients know it.
    algorithms: tuple[str, ...] = ("MD5",)
    insecure: bool = False  #: believe everybody on a network, too
    #: That are heard before it is 503 for a while; after that as many again in ten minutes. No limit holds for the
    #: trusted networks of ``[limits]``, but for those behind a proxy there, nor for users where they proved themselves.
    wrong_passwords_per_source: int = _LIMITS.per_source
    wrong_passwords_per_user: int = _LIMITS.per_user  #: from all sources together

    def __attrs_post_init__(self) -> None:
        for each in self.trust:
            _check_network(each)
        if are_everybody(self.trust):
            raise UsageProblem(
                f"--trust {' '.join(self.trust)} together are everybody; say --insecure if that is meant"
            )
        for setting in ("trusted_peers", "certificate_domains"):
            for name in getattr(self, setting):
                check_host(name, option=f"identity.{setting}")
        unknown = [each for each in self.algorithms if each not in _ALGORITHMS]
        if unknown or not self.algorithms:
            raise UsageProblem(f"identity.algorithms are some of {', '.join(_ALGORITHMS)}, not {', '.join(unknown)}")
        for name in ("wrong_passwords_per_source", "wrong_passwords_per_user"):
            if getattr(self, name) < 1:
                raise UsageProblem(f"identity.{name} must be above 0, not {getattr(self, name)}")
        if self.insecure and self.asks:
            raise UsageProblem("insecure lets everybody in; leave it out, or users, trust and certificates")

    @property
    def asks(self) -> bool:
        """Whether it matters who somebody is."""
        by_certificate = self.trusted_peers or self.certificate_domains or self.user_certificates
        return bool(self.users or self.trust or by_certificate)

    def check_open(self, host: str) -> None:
        """Raise UsageProblem when a server at this address would let everybody in without having been told to.

        Raises Problem for the name of no host.
        """
        if not is_numeric(numeric_host(host)):
            raise Problem(f"there is no host {host}; choose an address of this machine with --host")
        if not (self.asks or self.insecure or is_loopback(host)):
            raise UsageProblem(
                f"{host} can be reached by others: say who may use the server with --users FILE (`pyc3p user add` "
                "makes it) or --trust NETWORK, or let everybody in with --insecure"
            )


def _check_network(text: str) -> None:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise UsageProblem(f"--trust wants a network such as 192.0.2.0/24, not {text!r}") from None
    if network.prefixlen == 0:
        raise UsageProblem(f"--trust {text} is everybody; say --insecure if that is meant")
    if "/" in text and ipaddress.ip_address(text.partition("/")[0]) != network.network_address:
        raise UsageProblem(f"--trust {text} is one address and a whole network; write {network} for the network")
