"""The commands that a client sends, as C3P documents (docs/commands.rst)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from c3p import (
    AddConference,
    AddUser,
    AdmissionPolicy,
    ClientInfo,
    ConferenceDescription,
    ConferenceInfo,
    ConferenceKeys,
    ConferenceView,
    Endpoint,
    EndpointKeys,
    EntityState,
    EntityView,
    Filter,
    InitialFilters,
    JoiningMethod,
    MayModifyOwnFilters,
    McuType,
    Media,
    MediaFiltersRules,
    MediaKeys,
    MediaLabel,
    MediaStatus,
    MediaType,
    ModifyConference,
    ModifyEndpoint,
    ModifyEndpointMedia,
    Role,
    State,
    User,
    Users,
    format_timestamp,
    mcu_uri,
)
from focus.errors import LocalProtocolError

_LABELS: Final = {
    MediaType.AUDIO.value: MediaLabel.MAIN_AUDIO,
    MediaType.VIDEO.value: MediaLabel.MAIN_VIDEO,
    MediaType.PANORAMIC_VIDEO.value: MediaLabel.PANORAMIC_VIDEO,
}


def known(name: str, value: str, words: type[StrEnum]) -> None:
    """Raises LocalProtocolError for what is none of the words of the protocol, as a server would refuse it."""
    if value not in list(words):
        raise LocalProtocolError(f"{name} must be one of {', '.join(map(repr, map(str, words)))}, not {value!r}")


def guid(token: str) -> str:
    """A GUID in braces and upper case, from 32 hexadecimal digits."""
    digits = token.upper()
    return f"{{{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}}}"


def add_conference(
    *,
    conference_id: str,
    subject: str | None,
    mcu_types: Sequence[str],
    admission_policy: str,
    expires_at: float,
    presenters: Sequence[str],
    lobby: bool,
    passcode: str | None,
) -> AddConference:
    """A record for the Focus Factory; `expires_at` is wall-clock seconds. Raises LocalProtocolError."""
    known("admission_policy", admission_policy, AdmissionPolicy)
    description = ConferenceDescription(
        subject=subject or "",
        conference_id=conference_id,
        expiry_time=format_timestamp(expires_at),
        admission_policy=admission_policy,
        lobby_capable=lobby or None,
        passcode=passcode,
    )
    views = tuple(EntityView(entity=kind, state=State.FULL) for kind in mcu_types)
    users = tuple(User(entity=uri, state=State.FULL, roles=(Role.PRESENTER,)) for uri in presenters)
    info = ConferenceInfo(
        entity="",
        description=description,
        users=Users(state=State.FULL, users=users) if users else None,
        conference_view=ConferenceView(state=State.FULL, views=views),
    )
    return AddConference(conference_info=info)


def join(
    conference_uri: str, *, user: str, display_name: str | None, role: str, endpoint: str, lobby_capable: bool
) -> AddUser:
    """The addUser of a joining INVITE."""
    return AddUser(
        conference_keys=ConferenceKeys(conf_entity=conference_uri),
        user=User(
            entity=user,
            display_text=display_name,
            roles=(role,),
            endpoints=(Endpoint(entity=endpoint, client_info=ClientInfo(lobby_capable=lobby_capable)),),
        ),
    )


def dial_out(
    conference_uri: str,
    *,
    user: str,
    endpoint: str,
    endpoint_uri: str | None,
    display_name: str | None,
    role: str,
    media: Sequence[str],
    mcu_type: str,
    muted: bool,
) -> AddUser:
    """Have the MCU call somebody."""
    return AddUser(
        mcu_uri=mcu_uri(conference_uri, mcu_type),
        conference_keys=ConferenceKeys(conf_entity=conference_uri),
        user=User(
            entity=user,
            display_text=display_name,
            roles=(role,),
            endpoints=(
                Endpoint(
                    entity=endpoint,
                    endpoint_uri=endpoint_uri,
                    joining_method=JoiningMethod.DIALED_OUT,
                    media=tuple(_offered(number, kind, muted) for number, kind in enumerate(media, start=1)),
                ),
            ),
        ),
    )


def dial_in(conference_uri: str, *, user: str, endpoint: str, mcu_type: str) -> AddUser:
    """Ask an MCU how to connect."""
    return AddUser(
        mcu_uri=mcu_uri(conference_uri, mcu_type),
        conference_keys=ConferenceKeys(conf_entity=conference_uri),
        user=User(entity=user, endpoints=(Endpoint(entity=endpoint, joining_method=JoiningMethod.DIALED_IN),)),
    )


def mute(
    conference_uri: str, *, user: str, endpoint: str, media_id: str, media_type: str, muted: bool, mcu_type: str
) -> ModifyEndpointMedia:
    """Stop, or let through, what an endpoint sends."""
    return ModifyEndpointMedia(
        mcu_uri=mcu_uri(conference_uri, mcu_type),
        media_keys=MediaKeys(conf_entity=conference_uri, user_entity=user, endpoint_entity=endpoint, media_id=media_id),
        media=Media(
            id=media_id,
            type=media_type,
            status=MediaStatus.RECVONLY if muted else MediaStatus.SENDRECV,
            ingress_filter=Filter.BLOCK if muted else Filter.UNBLOCK,
        ),
    )


def modify_endpoint(
    conference_uri: str,
    *,
    user: str,
    endpoint: str,
    status: str | None = None,
    digits: str | None = None,
    input_gain: int | None = None,
    output_gain: int | None = None,
) -> ModifyEndpoint:
    """Hold, keys or gains of one endpoint of the A/V MCU."""
    return ModifyEndpoint(
        mcu_uri=mcu_uri(conference_uri, McuType.AUDIO_VIDEO),
        endpoint_keys=EndpointKeys(conf_entity=conference_uri, user_entity=user, endpoint_entity=endpoint),
        endpoint=None if status is None else Endpoint(entity=endpoint, state=State.PARTIAL, status=status),
        digits=digits,
        input_gain=input_gain,
        output_gain=output_gain,
    )


def mute_all(conference_uri: str, *, muted: bool, may_unmute: bool, mcu_type: str) -> ModifyConference:
    """Mute the attendees who are there and those to come."""
    uri = mcu_uri(conference_uri, mcu_type)
    rules = MediaFiltersRules(
        may_modify_own_filters=(MayModifyOwnFilters(role=Role.DEFAULT, value=may_unmute),),
        initial_filters=(InitialFilters(role=Role.DEFAULT, ingress_filter=Filter.BLOCK if muted else Filter.UNBLOCK),),
        type=MediaType.AUDIO,
    )
    view = EntityView(entity=uri, state=State.PARTIAL, entity_state=EntityState(media_filters_rules=rules))
    info = ConferenceInfo(
        entity=conference_uri,
        state=State.PARTIAL,
        conference_view=ConferenceView(state=State.PARTIAL, views=(view,)),
    )
    return ModifyConference(mcu_uri=uri, conference_info=info)


def _offered(number: int, kind: str, muted: bool) -> Media:
    return Media(
        id=str(number),
        type=kind,
        label=_LABELS.get(kind, kind),
        status=MediaStatus.SENDRECV,
        ingress_filter=Filter.BLOCK if muted else None,
    )
