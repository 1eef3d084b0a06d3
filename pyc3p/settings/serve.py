"""Settings of one ``pyc3p serve`` process. Those of one concern are a section of their own, in its own module."""

from __future__ import annotations

import math
import os
from typing import Final

import attrs

from pyc3p.commands.addresses import EVERYWHERE, check_host, is_loopback, names_of_host, numeric_host, parse_port_range
from pyc3p.problems import UsageProblem
from pyc3p.settings.c3p import C3pSettings, check_principal
from pyc3p.settings.calls import CallSettings
from pyc3p.settings.dial_in import DialInSettings
from pyc3p.settings.gateways import GatewaySettings
from pyc3p.settings.identity import IdentitySettings
from pyc3p.settings.limits import LimitsSection
from pyc3p.settings.log import LogSettings
from pyc3p.settings.media import MediaSettings
from pyc3p.settings.nodes import NodesSettings
from pyc3p.settings.ops import OpsSettings
from pyc3p.settings.recording import RecordingSettings
from pyc3p.settings.sound import SoundSettings
from pyc3p.settings.state import StateSettings
from pyc3p.settings.tls import TlsSettings

#: The parts that can be served, in the order in which they start.
PARTS: Final = ("registrar", "proxy", "focus-factory", "focus", "mcu-factory", "mcu")
#: Names that the other parts have over HTTP.
SERVER_PRINCIPALS: Final = ("focus", "focus-factory", "mcu-factory")

#: More processes than any machine has cores for are a slip of the pen.
MOST_WORKERS: Final = 64


@attrs.frozen(kw_only=True)
class ServeConfig:
    """One server process."""

    parts: tuple[str, ...] = PARTS
    host: str = "127.0.0.1"  #: address to listen on
    advertise: str = ""  #: address that peers are told; empty: ``host``
    domain: str = ""  #: SIP domain of phones and conferences; empty: ``advertise``
    sip_port: int = 5060  #: UDP and TCP, of everything but the MCU
    mcu_sip_port: int = 5070  #: UDP and TCP, of the MCU
    http_port: int = 8444  #: C3P of Focus, Focus Factory and MCU Factory
    mcu_http_port: int = 8445  #: C3P of the MCU
    media_ports: str = "30000-31999"  #: RTP and RTCP of the MCU
    secret: str = attrs.field(default="", repr=False)  #: shared by the parts; empty: made up, if all are in one process
    mcu_factory_url: str = ""  #: of an MCU Factory elsewhere
    #: Further MCU Factories that the MCU reports to, ``PRINCIPAL=URL``: each of several nodes has one
    mcu_factories: tuple[str, ...] = ()
    records_url: str = ""  #: of a Focus Factory elsewhere
    outbound_proxy: str = ""  #: SIP proxy through which the MCU dials out; empty: our own, else directly
    mcu_id: str = "mcu-1"  #: of the MCU served here; its principal over HTTP
    credentials: str = ""  #: TOML file with name and password by realm, for proxies and PBXs that challenge the MCU
    #: MCUs in other processes that may report here: ``ID@HOST``, or the id of one on the host of this server.
    mcus: tuple[str, ...] = ()
    workers: int = 1  #: processes of the MCU, ``ID.1`` and so on when there are several; 0: in that of the others
    max_legs: int = 250  #: of the MCU, each process of it
    chat: bool = True  #: whether conferences have chat: the MCU passes messages on, and the Focus Factory offers it
    ring_timeout: float = 60.0  #: seconds the MCU lets a phone ring
    dead_media: float = 60.0  #: seconds without media after which the MCU asks whether a phone is there; 0: never
    drain_timeout: float = 10.0  #: seconds that conferences get to end after SIGTERM
    tls: TlsSettings = TlsSettings()
    c3p: C3pSettings = C3pSettings()
    calls: CallSettings = CallSettings()
    gateways: tuple[GatewaySettings, ...] = ()
    capture: str = ""  #: pcap file with everything, empty: none
    unsafe_capture: bool = False  #: leave secrets in the capture
    log: LogSettings = LogSettings()
    ops: OpsSettings = OpsSettings()
    state: StateSettings = StateSettings()  #: what outlasts a restart
    identity: IdentitySettings = IdentitySettings()  #: who may use the server
    media: MediaSettings = MediaSettings()
    sound: SoundSettings = SoundSettings()  #: hold music, tones, who speaks
    recording: RecordingSettings = RecordingSettings()  #: conferences as WAV files
    dial_in: DialInSettings = DialInSettings()  #: plain phones, and rooms
    nodes: NodesSettings = NodesSettings()  #: other nodes, with which this one shares its conferences
    limits: LimitsSection = LimitsSection()  #: what one source, and one user, may take

    def __attrs_post_init__(self) -> None:
        unknown = [part for part in self.parts if part not in PARTS]
        if unknown or not self.parts:
            raise UsageProblem(f"there is no part {', '.join(unknown) or 'at all'}; parts are {', '.join(PARTS)}")
        object.__setattr__(self, "parts", tuple(part for part in PARTS if part in self.parts))
        if self.host in EVERYWHERE and not self.advertise:
            raise UsageProblem(f"--host {self.host} needs --advertise ADDRESS, the address that phones reach")
        parse_port_range(self.media_ports, option="--media-ports")
        for name in ("sip_port", "mcu_sip_port", "http_port", "mcu_http_port"):
            if not 0 < getattr(self, name) < 65536:
                raise UsageProblem(f"{name} must be a port number from 1 to 65535, not {getattr(self, name)}")
        for name in ("host", "advertise", "domain"):
            if getattr(self, name) or name == "host":
                check_host(getattr(self, name), option=name)
        for name, host in self.mcu_hosts.items():
            if host:
                check_host(host, option=f"--mcu {name}@HOST")
        for name in (self.mcu_id, *self.mcu_hosts):
            if not name.strip() or name in (*SERVER_PRINCIPALS, self.c3p.name, *self.c3p.foci):
                raise UsageProblem(f"an MCU needs a name of its own, such as mcu-2, not {name!r}")
            check_principal(name, what="the name of the MCU")
        for name in ("ring_timeout", "dead_media", "drain_timeout"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise UsageProblem(f"{name} must be some seconds, not {getattr(self, name):g}")
        if not 0 <= self.workers <= MOST_WORKERS:
            raise UsageProblem(f"workers must be from 0 to {MOST_WORKERS}, not {self.workers}")
        if self.max_legs < 1:
            raise UsageProblem(f"max_legs must be at least 1, not {self.max_legs}")
        for name in ("mcu_factory_url", "records_url"):
            url = getattr(self, name)
            if url and not url.startswith(("http://", "https://")):
                raise UsageProblem(f"{name} must begin with http:// or https://, not {url!r}")

        for url, principal in self.factories:
            check_principal(principal, what="the principal in mcu_factories")
            if not url.startswith(("http://", "https://")):
                raise UsageProblem(f"mcu_factories must be PRINCIPAL=URL, not {principal}={url}")
        self.calls.check(self.gateways)
        if self.dial_in.open_rooms and "mcu" not in self.parts:
            raise UsageProblem("--open-rooms is for the MCU: serve the part mcu")
        if self.dial_in.open_rooms and self.workers > 1:
            raise UsageProblem("rooms are in one process: --open-rooms goes with one worker at most")
        if self.dial_in.open_rooms and not (self.identity.insecure or is_loopback(self.public_host)):
            raise UsageProblem(
                f"{self.public_host} can be reached by others, and rooms are open to everybody; say --insecure as well "
                "if that is meant"
            )

    @property
    def only_rooms(self) -> bool:
        """Whether this is an MCU by itself, whose conferences are those that callers make."""
        return self.parts == ("mcu",) and self.dial_in.open_rooms and not (self.mcu_factory_url or self.mcu_factories)

    @property
    def factories(self) -> tuple[tuple[str, str], ...]:
        """The further MCU Factories: URL and principal of each."""
        return tuple((url, principal) for principal, _, url in (each.partition("=") for each in self.mcu_factories))

    @property
    def mcu_hosts(self) -> dict[str, str]:
        """Of the MCUs in other processes: id to host, empty for the host of this server."""
        return {name: host for name, _, host in (each.partition("@") for each in self.mcus)}

    @property
    def root(self) -> str | None:
        """The secret from which those of all pairs come, None in a process that has none."""
        return self.secret or os.environ.get("PYC3P_SECRET") or None

    @property
    def holds_secrets(self) -> bool:
        """Whether this process knows secrets of others than its MCU, which a copy of it would know as well."""
        return self.root is not None or any(peer.secret for peer in self.c3p.peers)

    @property
    def public_host(self) -> str:
        """Address that peers reach."""
        return self.advertise or self.host

    @property
    def sip_domain(self) -> str:
        """Domain of phones and conferences."""
        return self.domain or self.public_host

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names of the domain: the address of this server, and what that is also called on this machine."""
        names = dict.fromkeys((self.public_host, *names_of_host(self.host)))
        return tuple(name for name in names if name.lower() != self.sip_domain.lower())

    def settled(self) -> ServeConfig:
        """The same with an address in place of a host name to listen on; the name is the domain, unless one is set."""
        return attrs.evolve(
            self, host=numeric_host(self.host), domain=self.domain or self.advertise or self.host.strip("[]")
        )

    @property
    def whole(self) -> bool:
        """Whether all parts that speak C3P over HTTP with each other are in this process."""
        return {"focus", "mcu-factory", "mcu"} <= set(self.parts)
