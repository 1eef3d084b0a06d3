"""Who a part is over HTTP, whose secrets and certificates it knows, and where the others may be."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import attrs

import sip
from c3p import pair_secret, principal_of_worker
from pyc3p.commands.addresses import is_loopback, names_of_host
from pyc3p.problems import UsageProblem
from pyc3p.settings.c3p import C3pPeerSettings, check_workers
from pyc3p.settings.serve import SERVER_PRINCIPALS, ServeConfig

#: Characters of a root secret: fewer can be tried out by whoever knows a secret that was derived from it.
SHORTEST_ROOT: Final = 16
#: Which part of a process it is called after, when nothing names it.
_CALLED_AFTER = ("focus", "mcu-factory", "focus-factory")


def server_principal(config: ServeConfig) -> str:
    """Principal of the process part that is not an MCU."""
    if config.c3p.name:
        return config.c3p.name
    return next((part for part in _CALLED_AFTER if part in config.parts), "focus")


@attrs.frozen(kw_only=True)
class Acquaintance:
    """What one part knows of the others."""

    principal: str
    shown: Mapping[str, str] = attrs.field(repr=False)  #: by principal: the secret that it is shown
    known: Mapping[str, str] = attrs.field(repr=False)  #: by secret: who has it
    certificate_names: Mapping[str, str]  #: by principal: the name in its certificate
    here: frozenset[str] = frozenset()  #: principals and roles of this process

    def secret_for(self, peer: str) -> str | None:
        """The secret that a principal, or a worker of it, is shown."""
        return _of_principal(self.shown, peer)

    def certificate_name_of(self, peer: str) -> str | None:
        """The name that the certificate of a principal, or of a worker of it, has to have."""
        return _of_principal(self.certificate_names, peer)

    def is_here(self, peer: str) -> bool:
        """Whether a principal is of this process, or a worker that it has started."""
        return peer in self.here or principal_of_worker(peer) in self.here

    @property
    def by_certificate(self) -> Mapping[str, str]:
        """Who is certified under which name."""
        return {name: principal for principal, name in self.certificate_names.items()}


def _of_principal(by_name: Mapping[str, str], peer: str) -> str | None:
    return by_name.get(peer) or by_name.get(principal_of_worker(peer) or "")


class MutualSecrets:
    """The secrets of the pairs within one process, made up when it starts: nobody else needs to know them."""

    def __init__(self) -> None:
        self._root = secrets.token_hex(32)

    def of(self, one: str, other: str) -> str:
        """The secret of a pair; a part asks itself too, a Focus the factory beside it."""
        return pair_secret(self._root, f"from {one}", f"to {other}")


def check_root(config: ServeConfig, root: str) -> None:
    """Raise UsageProblem where a root secret must not be, or can be guessed; on loopback it may be anywhere.

    Who knows one pair's secret can try roots until one of them gives it.
    """
    if is_loopback(config.public_host):
        return
    if "focus" not in config.parts:
        name = server_principal(config) if set(config.parts) - {"mcu"} else config.mcu_id
        raise UsageProblem(
            f"the root secret belongs to the Focus alone; give {name} its own: `pyc3p pair-secrets {name}` where the "
            "root is prints what goes into its settings"
        )
    if len(root) < SHORTEST_ROOT:
        raise UsageProblem(
            f"the root secret has fewer than {SHORTEST_ROOT} characters and can be guessed; `openssl rand -hex 32` "
            "makes a good one"
        )


def acquaintances(config: ServeConfig) -> dict[str, Acquaintance]:
    """What the parts of this process know of the others, by principal.

    Raises UsageProblem when one of them lacks what it needs.
    """
    root = config.root
    _check(config, root)
    mutual = MutualSecrets()
    principals = [server_principal(config)] * bool(set(config.parts) - {"mcu"})
    principals += [config.mcu_id] * ("mcu" in config.parts)
    return {name: acquaint(config, name, root=root, mutual=mutual) for name in principals}


def _check(config: ServeConfig, root: str | None) -> None:
    have = set(config.parts)
    if config.only_rooms:
        return  # nobody commands it, and it reports to nobody
    here = {server_principal(config) if have - {"mcu"} else "", config.mcu_id if "mcu" in have else ""}
    for peer in config.c3p.peers:
        if peer.name in here:
            raise UsageProblem(f"[[c3p.peers]] names {peer.name}, which is a part of this very process; leave it out")
    alone = config.whole and not config.mcus
    if not (alone or root or config.c3p.peers) and have & {"focus", "mcu", "mcu-factory"}:
        raise UsageProblem(
            "parts in several processes need secrets: on one machine set PYC3P_SECRET, or secret in the TOML file, to "
            "one for all; else give each what `pyc3p pair-secrets` prints for it"
        )
    if root is not None:
        check_root(config, root)
    if have & {"focus", "mcu"} and "mcu-factory" not in have and not config.mcu_factory_url:
        raise UsageProblem("where is the MCU Factory? Serve the part mcu-factory as well, or say --mcu-factory-url")
    if "focus" in have and "focus-factory" not in have and not config.records_url:
        raise UsageProblem("where are the conference records? Serve focus-factory as well, or say --records-url")
    urls = (config.mcu_factory_url, config.records_url)
    if config.c3p.secure and any(url.startswith("http:") for url in urls):
        raise UsageProblem("with a certificate in [c3p] the other parts are at https:// URLs, not at http:// ones")


def acquaint(config: ServeConfig, principal: str, *, root: str | None, mutual: MutualSecrets) -> Acquaintance:
    """What the part called ``principal`` of this process knows. Raises UsageProblem."""
    mcu = "mcu" in config.parts
    server = server_principal(config) if set(config.parts) - {"mcu"} else None
    here = [name for name in (server, config.mcu_id if mcu else None) if name]
    roles = [part for part in config.parts if part in SERVER_PRINCIPALS and part not in here]
    shown = {name: mutual.of(principal, name) for name in here}
    if server is not None:
        shown |= {role: mutual.of(principal, server) for role in roles}
    known = {mutual.of(name, principal): name for name in here}
    others = _others(config, here, roles, root)
    check_workers((*here, *(peer.name for peer in others)))
    for peer in others:
        secret = peer.secret or (pair_secret(root, principal, peer.name) if root else "")
        if secret in known:
            raise UsageProblem(f"{peer.name} has the secret of {known[secret]} too; each pair has one of its own")
        if secret:
            shown[peer.name] = secret
            known[secret] = peer.name
        if root and principal == server:  # who does not know which process has a factory, asks the factory itself
            known |= {pair_secret(root, role, peer.name): peer.name for role in roles}
        if not secret and not config.c3p.secure:
            raise UsageProblem(
                f"[[c3p.peers]] {peer.name} has no secret; have one made by `pyc3p pair-secrets {peer.name}` where "
                "the root secret is"
            )
    names = {peer.name: peer.certificate_name or peer.name for peer in config.c3p.peers}
    return Acquaintance(
        principal=principal, shown=shown, known=known, certificate_names=names, here=frozenset((*here, *roles))
    )


def _others(config: ServeConfig, here: list[str], roles: list[str], root: str | None) -> list[C3pPeerSettings]:
    """The parts outside of this process: those of ``[[c3p.peers]]``, and with a root those that have a usual name."""
    named = {peer.name: peer for peer in config.c3p.peers}
    if root is not None:
        usual = (*SERVER_PRINCIPALS, config.mcu_id, *config.mcu_hosts, *config.c3p.foci)
        named |= {name: C3pPeerSettings(name=name) for name in usual if name not in named}
    elif missing := [name for name in config.mcu_hosts if name not in named]:
        raise UsageProblem(f"MCU {missing[0]} has no secret here; name it in [[c3p.peers]], or set PYC3P_SECRET")
    return [peer for name, peer in named.items() if name not in (*here, *roles)]


def role_of(config: ServeConfig, role: str, known: Acquaintance) -> str:
    """Principal of a factory: its own name where that is known, else the Focus has it in its process."""
    reachable = {*known.shown, *(known.certificate_names if config.c3p.secure else ())}
    if role in reachable:
        return role
    return next((name for name in config.c3p.foci if name in reachable), role)


def hosts_of(config: ServeConfig, is_wanted: Callable[[str], bool]) -> dict[str, frozenset[str]]:
    """Where principals may be, those of the configuration and ours: in lower case, as in URLs."""
    ours = {_folded(name) for name in (config.public_host, config.host, *names_of_host(config.host)) if name}
    servers = {
        _folded(host) for url in (config.mcu_factory_url, config.records_url) if (host := urlsplit(url).hostname)
    }
    usual = {config.mcu_id: frozenset(ours)}
    usual |= {name: frozenset({_folded(host)} if host else ours) for name, host in config.mcu_hosts.items()}
    usual |= {name: frozenset(ours | servers) for name in (server_principal(config), *config.c3p.foci)}
    named = {peer.name: frozenset(map(_folded, peer.hosts)) for peer in config.c3p.peers if peer.hosts}
    unplaced = {peer.name: frozenset(ours) for peer in config.c3p.peers if not peer.hosts and peer.name not in usual}
    return {name: where for name, where in (usual | unplaced | named).items() if is_wanted(name)}


def addresses_of_nodes(config: ServeConfig) -> tuple[str, ...]:
    """Where the other nodes of a group are, by the settings: many come by one connection from there, as by a proxy."""
    if not config.nodes.store:
        return ()
    found = {host for hosts in hosts_of(config, lambda name: name in config.c3p.foci).values() for host in hosts}
    return tuple(sorted(filter(sip.is_numeric, found)))


def _folded(host: str) -> str:
    return host.lower().strip("[]")
