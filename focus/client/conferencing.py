"""What a client can ask: of the Focus Factory, and of the Focus once it has joined (docs/commands.rst)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from c3p import (
    COMPOSING_TYPE,
    AdmissionPolicy,
    Command,
    Composing,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    DeleteUser,
    GetConference,
    GetConferences,
    GetConferencingCapabilities,
    LobbyAccess,
    McuType,
    MediaType,
    ModifyConferenceAnnouncements,
    ModifyConferenceLock,
    ModifyUserRoles,
    Role,
    SetLobbyAccess,
    Status,
    UserKeys,
    mcu_uri,
)
from focus.client import documents
from focus.client.chat import MAX_MESSAGE, UTF_8, Chat
from focus.client.config import ClientConfig
from focus.client.events import CommandId, InvitationId
from focus.client.invitations import Invitations, invitation_to
from focus.errors import LocalProtocolError
from sip import Call, CallMedia, Entropy, Event, UserAgent


class ConferenceCommands(ABC):
    """Commands about records, and in the Focus dialog. Each returns its number and ends in one event that carries it.

    Those in the dialog end in CommandSucceeded or CommandFailed, and raise LocalProtocolError outside of a conference.
    """

    config: ClientConfig
    untaken: list[Event]
    _entropy: Entropy
    _chat: Chat
    _invitations: Invitations

    @property
    @abstractmethod
    def roster(self) -> ConferenceInfo | None:
        """The conference as the subscription shows it, None before the first document."""

    @property
    @abstractmethod
    def _wall_clock(self) -> float:
        """Wall-clock seconds when monotonic time was 0."""

    @abstractmethod
    def _service(self, command: Command, *, now: float) -> CommandId:
        """Send a command to the Focus Factory."""

    @abstractmethod
    def _joined(self) -> str:
        """The conference that the client is in. Raises LocalProtocolError outside of one."""

    @abstractmethod
    def _info(self, command: Command, *, now: float) -> CommandId:
        """Send a command in the Focus dialog."""

    # The Focus Factory ------------------------------------------------------------------------------------------------

    def get_capabilities(self, *, now: float) -> CommandId:
        """Ask the Focus Factory what it offers; ends in CapabilitiesReceived."""
        return self._service(GetConferencingCapabilities(), now=now)

    def create_conference(
        self,
        *,
        conference_id: str | None = None,
        subject: str | None = None,
        mcu_types: Sequence[str] = (McuType.AUDIO_VIDEO,),
        admission_policy: str = AdmissionPolicy.OPEN_AUTHENTICATED,
        presenters: Sequence[str] = (),
        lobby: bool = False,
        passcode: str | None = None,
        now: float,
    ) -> CommandId:
        """Create a record; ends in ConferenceCreated. `lobby`: others can wait; `passcode`: what guests must know."""
        command = documents.add_conference(
            conference_id=conference_id if conference_id is not None else self._entropy.token(16).upper(),
            subject=subject,
            mcu_types=mcu_types,
            admission_policy=admission_policy,
            expires_at=self._wall_clock + now + self.config.record_lifetime,
            presenters=presenters,
            lobby=lobby,
            passcode=passcode,
        )
        return self._service(command, now=now)

    def get_conferences(self, *, now: float) -> CommandId:
        """Ask for all records of one's own; ends in CommandSucceeded, whose response has them, or CommandFailed."""
        return self._service(GetConferences(), now=now)

    def delete_record(self, conference_id: str, *, now: float) -> CommandId:
        """Remove a record of one's own from the Focus Factory."""
        return self._service(DeleteConference(conference_keys=ConferenceKeys(conference_id=conference_id)), now=now)

    # The Focus --------------------------------------------------------------------------------------------------------

    def add_user(
        self,
        uri: str,
        *,
        endpoint_uri: str | None = None,
        display_name: str | None = None,
        media: Sequence[str] = (MediaType.AUDIO,),
        role: str = Role.ATTENDEE,
        mcu_type: str = McuType.AUDIO_VIDEO,
        muted: bool = False,
        now: float,
    ) -> CommandId:
        """Have an MCU call somebody (dial-out). `endpoint_uri` is what is called when it is not `uri`."""
        command = documents.dial_out(
            self._joined(),
            user=uri,
            endpoint=documents.guid(self._entropy.token(16)),
            endpoint_uri=endpoint_uri,
            display_name=display_name,
            role=role,
            media=media,
            mcu_type=mcu_type,
            muted=muted,
        )
        return self._info(command, now=now)

    def dial_in(self, *, mcu_type: str = McuType.AUDIO_VIDEO, now: float) -> CommandId:
        """Announce a connection of one's own to an MCU; the response has its connection-info."""
        endpoint = documents.guid(self._entropy.token(16))
        command = documents.dial_in(self._joined(), user=self.config.aor, endpoint=endpoint, mcu_type=mcu_type)
        return self._info(command, now=now)

    def call_mcu(self, agent: UserAgent, media: CallMedia, *, mcu_type: str = McuType.AUDIO_VIDEO, now: float) -> Call:
        """Take part with sound of one's own: call the MCU, with a user agent on the endpoint of this client.

        ``agent`` has an account of the same address over the same proxy, and tells what becomes of the call:
        CallAnswered, CallEnded. The MCU's part of the roster shows it. Raises LocalProtocolError.
        """
        return agent.call(mcu_uri(self._joined(), mcu_type), media=media, now=now)

    def delete_user(self, uri: str, *, mcu_type: str | None = None, now: float) -> CommandId:
        """Eject somebody, from everything or from one MCU."""
        conference = self._joined()
        keys = UserKeys(conf_entity=conference, user_entity=uri)
        from_mcu = mcu_uri(conference, mcu_type) if mcu_type is not None else None
        return self._info(DeleteUser(user_keys=keys, mcu_uri=from_mcu), now=now)

    def set_lock(self, locked: bool, *, admission_policy: str | None = None, now: float) -> CommandId:
        """Lock or unlock the conference."""
        keys = ConferenceKeys(conf_entity=self._joined())
        command = ModifyConferenceLock(conference_keys=keys, locked=locked, admission_policy=admission_policy)
        return self._info(command, now=now)

    def modify_user_roles(self, uri: str, role: str, *, now: float) -> CommandId:
        """Make somebody presenter or attendee."""
        keys = UserKeys(conf_entity=self._joined(), user_entity=uri)
        return self._info(ModifyUserRoles(user_keys=keys, roles=(role,)), now=now)

    def mute(
        self,
        uri: str,
        *,
        endpoint: str,
        media_id: str = "1",
        media_type: str = MediaType.AUDIO,
        muted: bool = True,
        mcu_type: str = McuType.AUDIO_VIDEO,
        now: float,
    ) -> CommandId:
        """Mute or unmute one stream; `endpoint` and `media_id` are as the roster has them."""
        command = documents.mute(
            self._joined(),
            user=uri,
            endpoint=endpoint,
            media_id=media_id,
            media_type=media_type,
            muted=muted,
            mcu_type=mcu_type,
        )
        return self._info(command, now=now)

    def mute_all(
        self, muted: bool, *, may_unmute: bool = True, mcu_type: str = McuType.AUDIO_VIDEO, now: float
    ) -> CommandId:
        """Mute the attendees, those who are there and those to come; `may_unmute`: each may undo it for itself."""
        command = documents.mute_all(self._joined(), muted=muted, may_unmute=may_unmute, mcu_type=mcu_type)
        return self._info(command, now=now)

    def set_announcements(self, enabled: bool, *, now: float) -> CommandId:
        """Have everybody hear who comes and goes, or not any more."""
        conference = self._joined()
        command = ModifyConferenceAnnouncements(
            mcu_uri=mcu_uri(conference, McuType.AUDIO_VIDEO),
            conference_keys=ConferenceKeys(conf_entity=conference),
            enabled=enabled,
        )
        return self._info(command, now=now)

    def hold(self, uri: str, *, endpoint: str, holding: bool = True, now: float) -> CommandId:
        """Have the MCU put a phone on hold, or take it back; `endpoint` is as the roster has it."""
        status = Status.ON_HOLD if holding else Status.CONNECTED
        command = documents.modify_endpoint(self._joined(), user=uri, endpoint=endpoint, status=status)
        return self._info(command, now=now)

    def send_dtmf(self, uri: str, digits: str, *, endpoint: str, now: float) -> CommandId:
        """Have the MCU press keys to a phone: ``0`` to ``9``, ``*``, ``#``, ``A`` to ``D``."""
        command = documents.modify_endpoint(self._joined(), user=uri, endpoint=endpoint, digits=digits)
        return self._info(command, now=now)

    def set_gains(
        self, uri: str, *, endpoint: str, input_gain: int | None = None, output_gain: int | None = None, now: float
    ) -> CommandId:
        """What a phone says, and what it hears, louder or less loud: per cent, 0 to 800; None leaves one as it is."""
        command = documents.modify_endpoint(
            self._joined(), user=uri, endpoint=endpoint, input_gain=input_gain, output_gain=output_gain
        )
        return self._info(command, now=now)

    def set_lobby_access(self, uris: Sequence[str], *, granted: bool, now: float) -> CommandId:
        """Let users in from the lobby, or send them away."""
        command = SetLobbyAccess(
            conference_keys=ConferenceKeys(conf_entity=self._joined()),
            user_entities=tuple(uris),
            access=LobbyAccess.GRANTED if granted else LobbyAccess.DENIED,
        )
        return self._info(command, now=now)

    def get_conference(self, *, now: float) -> CommandId:
        """Ask for the whole state; the response has it."""
        return self._info(GetConference(conference_keys=ConferenceKeys(conf_entity=self._joined())), now=now)

    def end_conference(self, *, now: float) -> CommandId:
        """End the conference for everybody. The end of one's own dialog counts as success."""
        return self._info(DeleteConference(conference_keys=ConferenceKeys(conf_entity=self._joined())), now=now)

    # Chat ------------------------------------------------------------------------------------------------------------

    @property
    def in_chat(self) -> bool:
        """Whether something can be said."""
        return self._chat.is_open

    def open_chat(self, *, now: float) -> CommandId:
        """Take part in the chat of the conference; ends in ChatOpened or CommandFailed. ChatClosed ends the stay."""
        return self._chat.open(self._joined(), now=now)

    def say(self, text: str | bytes, *, content_type: str = UTF_8, now: float) -> CommandId:
        """Say something in the chat; ends in CommandSucceeded once the MCU has taken it, or in CommandFailed.

        Text is sent as UTF-8, octets as they are. Raises LocalProtocolError outside of the chat, and for too much.
        """
        body = text.encode() if isinstance(text, str) else text
        if len(body) > MAX_MESSAGE:
            raise LocalProtocolError(f"a message of {len(body)} octets, {MAX_MESSAGE} are allowed")
        return self._chat.say(body, content_type, now=now)

    def show_composing(self, active: bool, *, refresh: int | None = None, now: float) -> CommandId:
        """Show that one is writing, for `refresh` seconds (RFC 3994 has 120), or is not; ends as `say` does."""
        sign = Composing(state="active" if active else "idle", refresh=refresh)
        return self._chat.say(bytes(sign), COMPOSING_TYPE, now=now)

    def close_chat(self, *, now: float) -> None:
        """Leave the chat, but not the conference: ChatClosed follows. Nothing happens outside of it."""
        self.untaken += self._chat.close(now=now)

    # Invitations -----------------------------------------------------------------------------------------------------

    def invite_to_conference(
        self, user: str, *, dial_out: bool = True, mcu_type: str = McuType.AUDIO_VIDEO, now: float
    ) -> CommandId:
        """Ask somebody's client to join; ends in InvitationAccepted, InvitationFailed or CalledInstead.

        The last is for a program that knows no invitations: with `dial_out` the MCU of a type calls it (`add_user`).
        Raises LocalProtocolError outside of a conference, and with too many invitations open.
        """
        conference = self._joined()
        call = (lambda now: self.add_user(user, media=(), mcu_type=mcu_type, now=now)) if dial_out else None
        return self._invitations.send(user, invitation_to(self.roster, conference), call=call, now=now)

    def cancel_invitation(self, command: CommandId, *, now: float) -> None:
        """Withdraw an invitation; InvitationFailed follows. Raises LocalProtocolError when it is not open."""
        self._invitations.cancel(command, now=now)

    def decline_invitation(self, invitation: InvitationId, *, now: float) -> None:
        """Do not come. Raises LocalProtocolError when the invitation is not open."""
        self._invitations.decline(invitation, now=now)
