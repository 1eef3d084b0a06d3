"""Settings of the Focus and the Focus Factory, each with its unit and its reason."""

from __future__ import annotations

import attrs

from focus.identity import Identify, from_header
from focus.numbers import DialInNumbers
from focus.policy import ConferencePolicy, ConferenceRules
from sip import ABOVE_ZERO, Shown, checks_types, must_be_domain, must_be_url

#: Media types of OCS 2007; a deployment lists here what its MCU Factory can really allocate.
DEFAULT_MCU_TYPES = ("audio-video",)


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class FocusConfig(Shown):
    """One Focus: many conferences of one domain."""

    owner: str = "focus"  #: name of this core at the endpoint
    #: SIP domain of the conferences served here
    domain: str = attrs.field(default="example.com", validator=must_be_domain)
    aliases: tuple[str, ...] = ()  #: other names of that domain, such as the address of the server
    #: where MCUs are allocated; None: no MCU can be had
    mcu_factory_url: str | None = attrs.field(default=None, validator=must_be_url)
    mcu_factory_principal: str = "mcu-factory"  #: who that MCU Factory is
    #: where MCUs post late responses and notifications (docs/design-decisions.rst)
    callback_url: str | None = attrs.field(default=None, validator=must_be_url)
    #: a Focus Factory in another process, asked for records that the store lacks
    records_url: str | None = attrs.field(default=None, validator=must_be_url)
    records_principal: str = "focus-factory"  #: who that Focus Factory is
    server: str = ""  #: `source` of ms-diagnostics; empty: the address that the endpoint tells its peers
    #: Whether there are other Foci, among whom each conference has one owner: it is asked for with `ClaimWanted`.
    placed: bool = False
    policy: ConferencePolicy = ConferenceRules()
    identify: Identify = from_header  #: who sent a request (digest, asserted identity, a trusted network)
    numbers: DialInNumbers | None = None  #: dial-in numbers of conferences, for a `WaysIn`; None: there are none
    #: Passcodes that a phone may try in one call. All count as wrong guesses while it is asked, and are given back when
    #: it knew the passcode: many calls at once guess no more than one.
    phone_passcode_tries: int = 3
    #: seconds for the call of somebody whom an MCU expects: it forgets that after 60, and says so a little later
    arrival_timeout: float = 75.0
    require_session_timer: bool = False  #: refuse a join without ``Supported: timer`` with 421; pidgin-sipe has none
    #: seconds, granted at most; gateways offer 1200
    session_expires: int = attrs.field(default=1200, metadata=ABOVE_ZERO)
    #: seconds, when the subscriber leaves the choice to us, and at most
    subscription_expires: int = attrs.field(default=3600, metadata=ABOVE_ZERO)
    http_timeout: float = 30.0  #: seconds for an answer of an MCU or the MCU Factory
    command_timeout: float = 180.0  #: seconds for an MCU's final answer, again after each `pending`
    fan_out_timeout: float = 30.0  #: seconds that lock and roles wait for slow MCUs (docs/commands.rst)
    #: seconds in which an ejection is answered, whether the MCUs agreed or not; below the 180 s after which a client
    #: gives up by itself, and above the 60 s in which an MCU that does not answer is given up
    eject_timeout: float = 150.0
    #: seconds for which a failed bootstrap is not tried again. The MCU Factory knows which MCUs
    #: are still away, so a search costs one question to it, and people wait for an MCU that is started anew
    failure_cache: float = 2.0
    bootstrap_attempts: int = 3  #: MCUs tried for one need (docs/design-decisions.rst)
    time_outs_to_fail: int = 2  #: time-outs in a row that mark an MCU as failed (docs/design-decisions.rst)
    #: seconds without a word of an MCU that has participants, after which it is asked; they speak every 30 s
    mcu_silence: float = attrs.field(default=45.0, metadata=ABOVE_ZERO)
    #: seconds without a word to an MCU that has nobody, after which it is asked: it gives the conference up after 300
    mcu_keep: float = attrs.field(default=120.0, metadata=ABOVE_ZERO)
    #: seconds in which an MCU is told to drop a conference; it finds out by itself within 90 when nobody answers it
    farewell_timeout: float = 120.0
    unattended_timeout: float = 600.0  #: seconds a conference lives without an authenticated participant
    drain_retry_after: int = 30  #: seconds told to who is refused while this Focus drains
    flow_loss_grace: float = 30.0  #: seconds in which a client whose connection broke may come back
    #: seconds after a restart in which those may join again, in their old place, whose dialogs are gone
    rejoin_grace: float = 60.0
    max_conferences: int = 1_000  #: active at once: each holds a roster and its dialogs
    max_conferences_per_organizer: int = 50  #: active at once: more than anybody attends, a twentieth of all
    max_joins_per_user: int = 100  #: dialogs of one user in all conferences together
    max_farewells: int = 2_000  #: MCUs that are to drop a conference: two of each
    max_users: int = 500  #: in one roster; the reference point for one MCU is 250
    max_endpoints_per_user: int = 16  #: devices and media of one user: a bound on what one name can take
    max_subscriptions: int = 1_000  #: of one conference: each costs a document per change
    max_subscriptions_per_user: int = 16  #: as many as devices
    max_commands: int = 256  #: open in one conference; beyond that 503
    max_commands_per_participant: int = 64  #: open for one participant; beyond that 503
    remembered_answers: int = 64  #: answers kept per participant for a repeated requestId (MS-CONFBAS)
    max_queued_per_mcu: int = 256  #: commands waiting for one MCU
    #: things wanted of one MCU: of each of 500 users a role and that it goes, and half as much again; the oldest roles
    #: that the MCU has are forgotten first, since the roster has them; beyond that 503
    max_intents_per_mcu: int = 1_500
    #: streams of one kind of media that are muted by name, those of who was on an MCU that is lost with them: as many
    #: as users with all their endpoints (`max_users`, `max_endpoints_per_user`); none is forgotten, beyond that 503
    max_muted_per_mcu: int = 8_000
    #: seconds that a request waits for a record, an identity or a decision that comes later; a client gives up after 32
    answer_timeout: float = 10.0
    #: wrong passcodes in `guest_guess_window` from one source: as many as somebody types who misremembers
    guest_guesses_per_source: int = 10
    #: ... and for one conference: guests of many sources guess 100 of a million six-digit passcodes in ten minutes
    guest_guesses_per_conference: int = 100
    guest_guess_window: float = 600.0  #: seconds
    #: Digest algorithms for passcodes, best first; MD5-sess is what clients in use expect
    guest_algorithms: tuple[str, ...] = ("SHA-256", "MD5-sess")
    max_waiting_joins: int = 256  #: joins, and other requests, that wait for such an answer or behind one that does
    #: ... of one address (of IPv6, one /64), so that it takes several to keep the others from being heard; not of
    #: `EndpointConfig.trusted_networks`: everybody comes by the address of a proxy
    max_waiting_per_source: int = 64


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class FactoryConfig(Shown):
    """One Focus Factory: the records of one domain."""

    owner: str = "focus-factory"
    domain: str = attrs.field(default="example.com", validator=must_be_domain)
    aliases: tuple[str, ...] = ()  #: other names of that domain, such as the address of the server
    server: str = ""  #: `source` of ms-diagnostics; empty: the address that the endpoint tells its peers
    mcu_types: tuple[str, ...] = DEFAULT_MCU_TYPES  #: what getConferencingCapabilities lists
    identify: Identify = from_header
    default_lifetime: float | None = 8 * 3600.0  #: seconds, of a record that names no expiry; None: it never expires
    max_lifetime: float = 366 * 86400.0  #: seconds; a record further in the future is cut to this
    default_admission_policy: str = "openAuthenticated"
    numbers: DialInNumbers | None = None  #: where each new conference gets its dial-in number; None: it gets none
    #: Whether phones are let into new conferences although nobody knows who calls: their number is all one needs then
    pstn_lobby_bypass: bool = False
    anonymous_allowed: bool = True  #: whether records may admit anonymous participants
    anonymous_dialout: bool = False  #: whether anonymous participants may dial out
    attendee_dialout: bool = False  #: whether attendees may dial out to third parties
    #: Conferences that one user may create: so many at once, and then so many a minute. A record costs some kilobytes
    #: until it expires, and the store has its limits in all and for each organizer.
    creations_at_once: int = 100
    creations_a_minute: float = 30.0
    #: The same of one source (an address, of IPv6 a /64), where a site behind a NAT is one; trusted networks have none.
    creations_at_once_per_source: int = 500
    creations_a_minute_per_source: float = 150.0
    max_listed: int = 500  #: records in one getConferences answer
    drain_retry_after: int = 30  #: seconds told to who wants a new conference while this Focus Factory drains
    #: seconds that a request waits for a record or an identity that comes later; a client gives up after 32
    answer_timeout: float = 10.0
    max_waiting: int = 256  #: requests that wait for such an answer, or behind one that does
    max_waiting_per_source: int = 64  #: ... of one address (of IPv6, one /64); see `FocusConfig`
    record_readers: frozenset[str] = frozenset()  #: principals that may read records over HTTP: Focuses elsewhere


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class ProvisioningConfig(Shown):
    """What the clients of one domain are told when they log in."""

    owner: str = "provisioning"  #: name of this core at the endpoint
    domain: str = attrs.field(default="example.com", validator=must_be_domain)
    aliases: tuple[str, ...] = ()  #: other names of that domain
    server: str = ""  #: `source` of ms-diagnostics; empty: the address that the endpoint tells its peers
    identify: Identify = from_header  #: who sent a request
    encryption: bool = True  #: whether media may be encrypted
    answer_timeout: float = 10.0  #: seconds that a request waits for an identity; a client gives up after 32
    max_waiting: int = 256  #: requests that wait for one
    max_waiting_per_source: int = 64  #: ... of one address (of IPv6, one /64)
