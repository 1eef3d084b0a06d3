"""The commands of a conference, as a case gives them to a Focus, or a Focus of ours to an MCU."""

from __future__ import annotations

from typing import Final

from c3p import (
    AddUser,
    ConferenceKeys,
    DeleteUser,
    Endpoint,
    Filter,
    JoiningMethod,
    McuType,
    Media,
    MediaKeys,
    MediaLabel,
    MediaStatus,
    MediaType,
    ModifyConferenceLock,
    ModifyEndpointMedia,
    ModifyUserRoles,
    User,
    UserKeys,
    mcu_uri,
)

#: The stream that a phone of ours is called for.
AUDIO_ID: Final = "1"

#: What a phone that is called refuses with, and what a Focus or an MCU of ours says of it: reason and specific reason.
REFUSALS: Final[dict[str, tuple[str, int, tuple[str, str]]]] = {
    "busy": ("is busy", 486, ("otherFailure", "dialOutBusy")),
    "busy-everywhere": ("is busy everywhere", 600, ("otherFailure", "dialOutBusy")),
    "declined": ("declines", 603, ("otherFailure", "dialOutDeclined")),
    "forbidden": ("forbids it", 403, ("otherFailure", "dialOutDeclined")),
    "not-found": ("is not there", 404, ("otherFailure", "dialOutNotFound")),
    "no-common-media": ("knows none of the codecs", 488, ("otherFailure", "dialOutMedia")),
    "unavailable": ("is not available", 480, ("timeout", "dialOutTimeout")),
    "broken": ("has a fault", 500, ("otherFailure", "dialOutFailed")),
}


def dial_out(
    conference: str,
    address: str,
    *,
    endpoint: str,
    method: str = JoiningMethod.DIALED_OUT,
    role: str = "attendee",
    kind: str = McuType.AUDIO_VIDEO,
    endpoint_uri: str | None = None,
    muted: bool = False,
) -> AddUser:
    """addUser that has somebody called with audio."""
    stream = Media(
        id=AUDIO_ID,
        type=MediaType.AUDIO,
        label=MediaLabel.MAIN_AUDIO,
        status=MediaStatus.SENDRECV,
        ingress_filter=Filter.BLOCK if muted else None,
    )
    return AddUser(
        mcu_uri=mcu_uri(conference, kind),
        conference_keys=ConferenceKeys(conf_entity=conference),
        user=User(
            entity=address,
            display_text="Phone",
            roles=(role,),
            endpoints=(Endpoint(entity=endpoint, endpoint_uri=endpoint_uri, joining_method=method, media=(stream,)),),
        ),
    )


def eject(conference: str, user: str, *, mcu: str | None = None) -> DeleteUser:
    """deleteUser."""
    return DeleteUser(user_keys=UserKeys(conf_entity=conference, user_entity=user), mcu_uri=mcu)


def lock(conference: str, locked: bool) -> ModifyConferenceLock:
    """modifyConferenceLock."""
    return ModifyConferenceLock(conference_keys=ConferenceKeys(conf_entity=conference), locked=locked)


def give_role(conference: str, user: str, role: str) -> ModifyUserRoles:
    """modifyUserRoles."""
    return ModifyUserRoles(user_keys=UserKeys(conf_entity=conference, user_entity=user), roles=(role,))


def mute(
    conference: str,
    user: str,
    *,
    endpoint: str,
    muted: bool,
    media_id: str = AUDIO_ID,
    kind: str = McuType.AUDIO_VIDEO,
    ingress: str | None = None,
) -> ModifyEndpointMedia:
    """modifyEndpointMedia that mutes, or not; ``ingress`` is another word for the filter."""
    return ModifyEndpointMedia(
        mcu_uri=mcu_uri(conference, kind),
        media_keys=MediaKeys(conf_entity=conference, user_entity=user, endpoint_entity=endpoint, media_id=media_id),
        media=Media(
            id=media_id,
            type=MediaType.AUDIO,
            status=MediaStatus.RECVONLY if muted else MediaStatus.SENDRECV,
            ingress_filter=ingress or (Filter.BLOCK if muted else Filter.UNBLOCK),
        ),
    )
