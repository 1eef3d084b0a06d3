"""Settings of an MCU and of an MCU Factory, each with its unit and its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs
from attrs.validators import ge, optional

from c3p import McuType
from mcu.audio.active_speaker import SpeakerSettings
from mcu.audio.mixer_settings import MixerSettings
from mcu.audio.prompts import Prompts, whole_samples
from mcu.errors import LocalError
from mcu.gateway import GatewayTable
from mcu.media_policy import MediaPolicy, MediaRules
from rtp import CODINGS, Capabilities, Codec, Encryption
from sip import Shown, TrustedPeers, Uri, checks_types, must_be_uri, must_be_url

SDP: Final = "application/sdp"


def _has_coding(codec: Codec) -> bool:
    coding = CODINGS.get(codec.encoding.upper())
    return coding is not None and coding.clock_rate == codec.clock_rate


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class RoomSettings(Shown):
    """Rooms: conferences without a Focus, made by the first call to ``sip:ROOM@host`` and over with the last.

    Everybody who can reach the MCU may make one.
    """

    domains: frozenset[str] = frozenset()  #: names of the host, in lower case, beside that of ``sip_contact``
    max_rooms: int = 100  #: at once; each holds a mixer and a roster, some 100 KiB
    #: Calls of one source (an address, of IPv6 a /64) at once, in all rooms: a household, or an office. The trusted
    #: networks of the endpoint, loopback among them, have no such limit.
    max_calls_per_source: int = 20


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class ConferencingServerConfig(Shown):
    """What MCUs of every kind have to know."""

    mcu_id: str  #: name under which the Factory knows it; unique there
    http_url: str = attrs.field(validator=must_be_url)  #: where a Focus posts commands
    sip_contact: Uri  #: own SIP address, never a conference URI: Contact of its calls (docs/design-decisions.rst)
    owner: str = "mcu"  #: name of this core at its endpoint
    #: Preloaded Route of every dial-out; ``None`` calls the target directly.
    outbound_proxy: Uri | None = attrs.field(default=None, validator=must_be_uri)
    #: The same for targets that are sips, if it is another address.
    secure_outbound_proxy: Uri | None = attrs.field(default=None, validator=must_be_uri)
    #: where it announces itself; ``None`` when the Factory has it in a list
    factory_url: str | None = attrs.field(default=None, validator=must_be_url)
    factory_principal: str = "mcu-factory"  #: who that Factory is
    #: Further Factories, each with its URL and who it is: every node of several has one, and all are to know.
    more_factories: tuple[tuple[str, str], ...] = ()
    #: Principals whose commands are taken; ``None`` takes those of every authenticated peer.
    focus_peers: frozenset[str] | None = None
    #: Hosts on which each of them may have its callback URL; ``None`` takes any. Host names and addresses as in URLs,
    #: in lower case. What is posted there says who is in a conference.
    callback_hosts: Mapping[str, frozenset[str]] | None = None
    #: ``isfocus`` on the Contact of a dial-out. Off, which RFC 4579 section 4.2 allows, because deployed phones crash
    #: on it or write it into the Request-URI of their BYE.
    isfocus: bool = False
    dial_in_isfocus: bool = True  #: the same in the answer to a dial-in: whoever calls a conference can expect it
    display_name: str = "Conference"  #: caller name shown by phones
    gateways: GatewayTable = GatewayTable()

    ring_timeout: float = 60.0  #: seconds from INVITE to 2xx; below the 180 s that a requester waits
    #: Seconds that a policy which decides later has for one address; below the time that a phone is let ring, because
    #: the redirected wait with it. Then it is a refusal.
    policy_timeout: float = 20.0
    max_undecided: int = 500  #: addresses that wait for it; with more of them nobody decides, and calls are refused
    max_undecided_share: int = 50  #: of those, for one conference and for one originator; as many as may ring at once
    #: Peers that are believed about who calls (RFC 3325 section 2.3): what they assert to be the call of an announced
    #: participant needs no secret. A proxy belongs here that sends on what clients call at the MCU-Conference-URI.
    trusted_peers: TrustedPeers = TrustedPeers()
    reservation_timeout: float = 60.0  #: seconds in which a dial-in that was announced must come
    #: Announced calls of one user in one conference that have not come: as many endpoints as a Focus shows of one user.
    max_reservations_of_user: int = 16
    passcode_timeout: float = 30.0  #: seconds for the first key of a passcode, at each try
    key_timeout: float = 5.0  #: seconds from a key to the next; a longer pause ends the passcode, as ``#`` does
    #: Passcodes that a caller may try in one call, whatever its Focus allows: people misremember once or twice.
    passcode_tries: int = 3
    #: Wrong passcodes in ``wrong_passcodes_window`` that are heard of one source, which the Focus names, in all calls.
    #: Beyond it right ones are not heard either. Where the Focus allows fewer, as many as it does.
    wrong_passcodes_per_source: int = 10
    wrong_passcodes_per_conference: int = 100  #: the same of one conference
    wrong_passcodes_window: float = 600.0  #: seconds in which as many come again
    lobby_timeout: float = 600.0  #: seconds that a caller waits to be let in; then it is turned away
    rooms: RoomSettings | None = None  #: whether whoever calls a free name makes a conference; ``None``: nobody does
    focus_timeout: float = 60.0  #: seconds without an answering Focus after which its conference closes
    #: Seconds without an exchange after which a conference asks whether its Focus is still there and wants it. One
    #: without legs too: the Focus that ended it may not have got its word through.
    focus_probe: float = 30.0
    #: Seconds without legs and without a command of its Focus after which a conference ends, however often that answers
    #: when it is asked. The Focus asks every 120 s for what it wants to keep; what it does not know of would fill this
    #: MCU for ever.
    orphan_timeout: float = 300.0
    session_expires: int | None = 1800  #: seconds, interval offered to phones (RFC 4028 section 4)
    register_interval: float = 10.0  #: seconds between two announcements; the Factory forgets after 35
    retry_first: float = 1.0  #: seconds before the first retry of a notification; doubles
    retry_longest: float = 30.0  #: seconds, upper end of that doubling
    drain_retry_after: int = 30  #: seconds told to a Focus while this MCU drains

    max_conferences: int = 1000  #: each holds a mixer and a roster, some 100 KiB
    max_legs: int = 1000  #: all conferences together: media of more does not fit into one process
    max_conference_legs: int = 250  #: one conference; what one core mixes with room to spare
    max_redirects: int = 5  #: addresses tried after a 3xx (docs/design-decisions.rst)
    max_queued_documents: int = 256  #: notifications waiting for one Focus; beyond it they become one full document
    max_queued_responses: int = 512  #: late responses waiting for one Focus; as many as commands may be open


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class McuConfig(ConferencingServerConfig):
    """One A/V MCU."""

    #: What phones are offered; codecs that can be mixed are mu-law and A-law. Raises ``LocalError`` for others. Of
    #: ``crypto`` only the suites count: each leg has keys of its own. Whether it uses them says ``media_policy``.
    capabilities: Capabilities = attrs.field(default=Capabilities())
    #: Whether media are encrypted, and whom sound is sent to before anything comes from there, for each leg.
    media_policy: MediaPolicy = MediaRules()

    #: Whether the application gives all legs the same ports, and tells them apart by the addresses of `MediaPeerKnown`.
    #: For trunks and others that send from where they say they receive: a call whose address another one has is
    #: refused, and phones behind a NAT are not heard.
    single_port: bool = False
    media_timeout: float = 5.0  #: seconds in which the application must open a port
    #: Seconds without RTP and RTCP after which the dialog of a leg is asked whether the far end is there, and again
    #: after as many; ``None`` never asks. Twelve reports of a phone that is alive fit into it.
    dead_media: float | None = 60.0
    #: Seconds for all answers to that. A transaction gives up after 32, a proxy on the way says 408 a little later;
    #: with ``dead_media`` it makes less than 100, after which nobody waits for a phone that was switched off.
    dead_media_answer: float = 36.0
    #: Seconds until it is asked again, when the answer may be one that a proxy made of a hop that failed. Three times
    #: that is enough for a proxy to start anew, or for a phone to open another connection.
    dead_media_again: float = 8.0
    #: How often it is asked in all before such answers count as none. With the wait between them it comes to an end
    #: within ``dead_media_answer``.
    dead_media_questions: int = 4
    max_catch_up: int = 5  #: frames a late tick makes up for; after more than 100 ms the rest is skipped

    mixer: MixerSettings = MixerSettings()
    speaker: SpeakerSettings = SpeakerSettings()
    #: Whether the roster names who speaks, too. Each change is a document to everybody who follows, at most one in
    #: ``SpeakerSettings.report_interval``; of large conferences that is much traffic for little.
    speaker_in_roster: bool = False
    #: Seconds between two `AudioLevels` of a conference; ``None`` reports none. A display wants some 0.1 s.
    level_interval: float | None = attrs.field(default=None, validator=optional(ge(0.02)))
    prompts: Prompts = Prompts()  #: sounds of our own that callers hear
    #: What somebody hears whom the MCU put on hold, over and over: 8 kHz, mono, 16-bit; empty: silence.
    hold_music: bytes = attrs.field(default=b"", repr=False, validator=whole_samples)
    announcements_enabled: bool = False  #: whether everybody hears who comes and goes, until somebody changes it
    announcements_modifiable: bool = True  #: whether presenters may change that
    max_taps: int = 500  #: on one conference: each leg and the mix, twice

    @capabilities.validator
    def _can_be_mixed(self, attribute: object, value: Capabilities) -> None:
        unknown = [codec.rtpmap.partition(" ")[2] for codec in value.codecs if not _has_coding(codec)]
        if unknown:
            raise LocalError(f"codecs that cannot be mixed: {', '.join(unknown)}")
        if value.encryption is not Encryption.REJECTED:
            raise LocalError("whether media are encrypted is said by media_policy, not by capabilities")
        suites = [line.suite for line in value.crypto if line.profile is None]
        if suites:
            raise LocalError(f"crypto suites that are unknown: {', '.join(suites)}")


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class ChatMcuConfig(ConferencingServerConfig):
    """One chat MCU."""

    max_message: int = 32_768  #: octets of one message; a page of formatted text has some thousand
    max_waiting: int = 200  #: messages that wait for one member; who reads none for that long reads none at all
    max_waiting_octets: int = 1 << 20  #: of their bodies, for one member
    messages_a_second: float = 2.0  #: of one member, in the long run: faster than anybody types
    messages_at_once: float = 20.0  #: of one member: a text that is pasted line by line
    typing: bool = True  #: whether signs that somebody is writing are passed on to those whose clients show them
    signs_a_second: float = 0.5  #: such signs of one member that are passed on; RFC 3994 has them 60 s apart
    signs_at_once: float = 6.0  #: in a lively conversation each message has two
    #: Messages of each conference that are kept for those who come later; 0: none, and who was not there hears nothing.
    history: int = 0


@attrs.frozen(kw_only=True)
class StaticMcu:
    """An MCU that does not announce itself."""

    mcu_id: str
    http_url: str
    sip_uri: str
    mcu_types: tuple[str, ...] = (McuType.AUDIO_VIDEO.value,)
    capacity: int = 250  #: legs


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class FactoryConfig(Shown):
    """One MCU Factory."""

    uri: str = "mcu-factory"  #: ``from`` of its probes
    #: Principals that may ask for an MCU; ``None`` takes every authenticated peer.
    focus_peers: frozenset[str] | None = None
    #: Principals that may announce an MCU; ``None`` takes every authenticated peer.
    mcu_peers: frozenset[str] | None = None
    #: Hosts on which the MCUs of each principal may be, by URL and by SIP address; ``None`` takes any. Host names and
    #: addresses as in URLs, in lower case.
    mcu_hosts: Mapping[str, frozenset[str]] | None = None
    #: Whether an MCU may have only the id that is its principal, and ``ID.n`` for workers; else any id that is free.
    id_is_principal: bool = True
    mcus: tuple[StaticMcu, ...] = ()
    forget_after: float = 35.0  #: seconds of silence; three announcements every 10 s may be lost
    probe_interval: float | None = None  #: seconds between ``getMcuHealth`` to MCUs of the list; ``None``: no probes
    probe_timeout: float = 5.0  #: seconds to wait for the answer of a probe
    probe_misses: int = 3  #: probes in a row that must fail before an MCU counts as dead
    #: Legs expected from a conference that was just given to an MCU, until it reports its own number.
    expected_legs: int = 3
    max_mcus: int = 1000  #: registered; a farm is smaller
    max_conferences: int = 100_000  #: whose MCU is remembered; beyond it the one asked for longest ago is forgotten
    retry_after: int = 10  #: seconds told to a Focus when there is no MCU
