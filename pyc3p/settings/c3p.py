"""``[c3p]``: C3P between the parts, who is who and who may be where."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import attrs

from c3p import principal_of_worker
from pyc3p.commands.addresses import check_host
from pyc3p.problems import UsageProblem

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,63}")


def check_principal(name: str, *, what: str) -> None:
    """Raise UsageProblem for a name that stands in no certificate, or could be mistaken for another's worker."""
    if _NAME.fullmatch(name) is None:
        raise UsageProblem(f"{what} {name!r} must be letters, digits, dots, hyphens and underscores, such as mcu-2")


@attrs.frozen(kw_only=True)
class C3pPeerSettings:
    """Another part, ``[[c3p.peers]]``."""

    name: str  #: its principal: the id of an MCU, ``[c3p] name`` of others
    hosts: tuple[str, ...] = ()  #: where it is: hosts of its URL and SIP address; empty: the host of this server
    secret: str = attrs.field(default="", repr=False)  #: of this part and that one; ``pyc3p pair-secrets`` prints it
    certificate_name: str = ""  #: the name in its certificate; empty: its principal

    def __attrs_post_init__(self) -> None:
        check_principal(self.name, what="c3p.peers.name")
        for host in self.hosts:
            check_host(host, option=f"hosts of [[c3p.peers]] {self.name}")


@attrs.frozen(kw_only=True)
class C3pSettings:
    """C3P over HTTP, or with a certificate over HTTPS."""

    #: Principal of the process with the Focus or a factory; empty: focus, mcu-factory or focus-factory, the first of
    #: these that is served here. That of an MCU is its ``mcu_id``.
    name: str = ""
    foci: tuple[str, ...] = ("focus",)  #: principals that may ask for MCUs and command them
    certificate: str = ""  #: PEM file, with the intermediates after it; it makes C3P go over HTTPS
    key: str = ""  #: PEM file; empty: the key is in the file of the certificate
    ca: str = ""  #: PEM file with those who may certify the other parts
    peers: tuple[C3pPeerSettings, ...] = ()

    def __attrs_post_init__(self) -> None:
        if self.name:
            check_principal(self.name, what="c3p.name")
        for name in self.foci:
            check_principal(name, what="c3p.foci")
        if not self.foci:
            raise UsageProblem("[c3p] foci names nobody; leave it out for the one called focus")
        if bool(self.certificate) != bool(self.ca):
            raise UsageProblem("[c3p] needs certificate and ca, or neither: each side has to prove itself to the other")
        if self.key and not self.certificate:
            raise UsageProblem("[c3p] has a key and no certificate; name the certificate that belongs to it")
        names = [peer.name for peer in self.peers]
        if len(set(names)) < len(names):
            raise UsageProblem("[[c3p.peers]] names one part twice")
        check_workers(names)
        certified = [(peer.certificate_name or peer.name).lower() for peer in self.peers]
        if self.certificate and len(set(certified)) < len(certified):
            raise UsageProblem("two of [[c3p.peers]] have one name in their certificates; each needs one of its own")

    @property
    def secure(self) -> bool:
        """Whether C3P goes over HTTPS."""
        return bool(self.certificate)

    def peer(self, name: str) -> C3pPeerSettings | None:
        """The other part of that name."""
        return next((peer for peer in self.peers if peer.name == name), None)


def check_workers(names: Iterable[str]) -> None:
    """Raise UsageProblem when one principal could announce itself as another's: ``ID.n`` are the workers of ``ID``."""
    known = set(names)
    for name in known:
        if principal_of_worker(name) in known:
            raise UsageProblem(f"{name} is what a worker of {principal_of_worker(name)} is called; choose another name")
