"""What is done to somebody who is in a conference: ejected, muted, given a role; and the end of all."""

from __future__ import annotations

from c3p import (
    ConferenceInfo,
    ConferenceView,
    Endpoint,
    EndpointKeys,
    EntityState,
    EntityView,
    Filter,
    InitialFilters,
    MediaFiltersRules,
    ModifyConference,
    ModifyEndpoint,
)
from pyc3p.conform.cases.mcu.calls import in_call, ringing
from pyc3p.conform.cases.mcu.sources import CALLS, CONFBAS, OURS, mcu_case
from pyc3p.conform.conference.commands import eject, give_role, mute
from pyc3p.conform.mcu.bench import McuBench
from pyc3p.conform.mcu.replies import Replied
from pyc3p.conform.phone import Manner, Phone
from sip.testing import Force


def _muted(bench: McuBench, phone: Phone) -> bool | None:
    endpoint = bench.callback.endpoint_of(phone.address)
    if endpoint is None or not endpoint.media:
        return None
    return any(each.status in ("recvonly", "inactive") or each.ingress_filter == "block" for each in endpoint.media)


def _is_muted(bench: McuBench, phone: Phone, muted: bool) -> None:
    if not bench.until(lambda: _muted(bench, phone) is muted):
        bench.blame(f"muted: {_muted(bench, phone)} is reported, not {muted}")


def _mute(
    bench: McuBench, phone: Phone, *, muted: bool, ingress: str | None = None, stream: str | None = None
) -> Replied:
    endpoint = bench.sees(phone.address)
    return bench.command(
        mute(
            bench.conference,
            str(phone.address),
            endpoint=endpoint.entity,
            muted=muted,
            media_id=stream or (endpoint.media[0].id if endpoint.media else "1"),
            kind=bench.mcu.kind,
            ingress=ingress,
        )
    )


@mcu_case(CONFBAS, Force.SHOULD, applies=CALLS)
def ejected(bench: McuBench) -> None:
    """deleteUser hangs up the phone, reports it as gone, and is a success."""
    bench.stand()
    phone, call = in_call(bench)
    replied = bench.command(eject(bench.conference, str(phone.address)))
    if not phone.until(lambda: call.ended):
        bench.blame(f"deleteUser is answered {replied.told}, and the phone hears no BYE")
    if not replied.succeeded:
        bench.blame(replied.told)
    bench.sees_gone(phone.address)


@mcu_case(CONFBAS, Force.SHOULD, applies=CALLS)
def ejected_while_ringing(bench: McuBench) -> None:
    """deleteUser while the phone rings cancels the call, and the addUser fails."""
    bench.stand()
    phone, call, opened = ringing(bench)
    bench.command(eject(bench.conference, str(phone.address)))
    if not phone.until(lambda: call.cancelled):
        bench.blame("the phone hears no CANCEL")
    done = bench.ended(opened)
    if not done.refused:
        bench.blame(f"addUser is answered {done.told}")
    bench.sees_gone(phone.address)


@mcu_case(OURS, Force.OURS, applies=CALLS)
def ejected_while_ringing_reason(bench: McuBench) -> None:
    """The reason of an addUser that is ended so is requestCancelled."""
    bench.stand()
    phone, _, opened = ringing(bench)
    bench.command(eject(bench.conference, str(phone.address)))
    done = bench.ended(opened)
    if done.reason != "requestCancelled":
        bench.blame(done.told)


@mcu_case(OURS, Force.OURS, applies=CALLS)
def booted(bench: McuBench) -> None:
    """Who is ejected is reported as disconnected and booted."""
    bench.stand()
    phone, _ = in_call(bench)
    bench.command(eject(bench.conference, str(phone.address)))
    bench.sees_gone(phone.address)
    told = [
        (endpoint.status, endpoint.disconnection_method)
        for each in bench.callback.notified
        for user in (each.conference_info.users.users if each.conference_info.users is not None else ())
        for endpoint in user.endpoints
    ]
    if ("disconnected", "booted") not in told:
        bench.blame(", ".join(f"{status} {method or ''}".strip() for status, method in told if status))


@mcu_case("RFC 3261 section 13.2.2.4", Force.MUST, applies=CALLS)
def answer_after_cancel(bench: McuBench) -> None:
    """A 200 that crosses the CANCEL gets an ACK, and the call is ended with BYE."""
    bench.stand()
    phone, call, _ = ringing(bench, manner=Manner.TAKES_LATE)
    bench.ask(eject(bench.conference, str(phone.address)))
    if not phone.until(lambda: call.cancelled):
        bench.skip("the phone hears no CANCEL")
    if not phone.until(lambda: call.acknowledged is not None and call.ended):
        bench.blame(f"ACK: {call.acknowledged is not None}, BYE: {call.ended}")


@mcu_case(CONFBAS, Force.SHOULD, applies=CALLS)
def mutes(bench: McuBench) -> None:
    """modifyEndpointMedia mutes and unmutes, and it is reported."""
    bench.stand()
    phone, _ = in_call(bench)
    for muted in (True, False):
        replied = _mute(bench, phone, muted=muted)
        if not replied.succeeded:
            bench.blame(f"muted: {muted} is answered {replied.told}")
        _is_muted(bench, phone, muted)


@mcu_case(OURS, Force.OURS, applies=CALLS)
def mutes_with_no_word(bench: McuBench) -> None:
    """A filter that is no word of the protocol is refused, and changes nothing."""
    bench.stand()
    phone, _ = in_call(bench)
    replied = _mute(bench, phone, muted=True, ingress="Block")
    if not replied.refused or _muted(bench, phone):
        bench.blame(f"{replied.told}; muted: {_muted(bench, phone)}")


@mcu_case(CONFBAS, Force.SHOULD, applies=CALLS)
def mutes_no_stream(bench: McuBench) -> None:
    """A stream that the endpoint does not have cannot be muted."""
    bench.stand()
    phone, _ = in_call(bench)
    replied = _mute(bench, phone, muted=True, stream="77")
    if not replied.refused:
        bench.blame(replied.told)


@mcu_case(OURS, Force.OURS, applies=CALLS)
def comes_in_muted(bench: McuBench) -> None:
    """Who is called with the ingress filter closed comes in muted."""
    bench.stand()
    phone = bench.phone("phone")
    if not bench.command(bench.dial(phone, muted=True), within=bench.ring_patience).succeeded:
        bench.skip("the phone does not come into the conference")
    bench.sees(phone.address)
    _is_muted(bench, phone, True)


def _mute_all(bench: McuBench, word: str) -> ModifyConference:
    rules = MediaFiltersRules(initial_filters=(InitialFilters(role="default", ingress_filter=word),), type="audio")
    view = EntityView(entity=bench.own_uri, state="partial", entity_state=EntityState(media_filters_rules=rules))
    info = ConferenceInfo(
        entity=bench.conference, state="partial", conference_view=ConferenceView(state="partial", views=(view,))
    )
    return ModifyConference(mcu_uri=bench.own_uri, conference_info=info)


@mcu_case(CONFBAS, Force.SHOULD, applies=CALLS)
def mutes_all(bench: McuBench) -> None:
    """modifyConference with an initial filter that blocks mutes the attendees who are there."""
    bench.stand()
    phone, _ = in_call(bench)
    replied = bench.command(_mute_all(bench, Filter.BLOCK))
    if not replied.succeeded:
        bench.blame(replied.told)
    _is_muted(bench, phone, True)


@mcu_case(OURS, Force.OURS, applies=CALLS)
def holds(bench: McuBench) -> None:
    """modifyEndpoint puts a phone on hold and takes it back, by a re-INVITE, and it is reported."""
    bench.stand()
    phone, _ = in_call(bench)
    name = bench.sees(phone.address).entity
    keys = EndpointKeys(conf_entity=bench.conference, user_entity=str(phone.address), endpoint_entity=name)
    for status in ("on-hold", "connected"):
        endpoint = Endpoint(entity=name, state="partial", status=status)
        replied = bench.command(ModifyEndpoint(mcu_uri=bench.own_uri, endpoint_keys=keys, endpoint=endpoint))
        if not replied.succeeded:
            bench.blame(f"{status} is answered {replied.told}")
        bench.sees(phone.address, status=status)


@mcu_case(OURS, Force.OURS, applies=CALLS)
def roles(bench: McuBench) -> None:
    """modifyUserRoles gives a role, which is reported."""
    bench.stand()
    phone, _ = in_call(bench)
    replied = bench.command(give_role(bench.conference, str(phone.address), "presenter"))
    if not replied.succeeded:
        bench.blame(replied.told)

    def reported() -> bool:
        endpoint = bench.callback.endpoint_of(phone.address)
        return endpoint is not None and endpoint.roles == ("presenter",)

    if not bench.until(reported):
        endpoint = bench.callback.endpoint_of(phone.address)
        bench.blame(f"{None if endpoint is None else endpoint.roles} is reported")


@mcu_case(CONFBAS, Force.SHOULD, applies=CALLS)
def conference_ends(bench: McuBench) -> None:
    """deleteConference hangs up every phone, and cancels what rings."""
    bench.stand()
    talking, call = in_call(bench)
    other, waiting, opened = ringing(bench, "other")
    replied = bench.drop()
    if not replied.succeeded:
        bench.blame(replied.told)
    if not talking.until(lambda: call.ended):
        bench.blame("the phone that talks hears no BYE")
    if not other.until(lambda: waiting.cancelled):
        bench.blame("the phone that rings hears no CANCEL")
    done = bench.ended(opened)
    if not done.refused:
        bench.blame(f"addUser is answered {done.told}")


@mcu_case(CONFBAS, Force.SHOULD, applies=CALLS)
def whole_state(bench: McuBench) -> None:
    """getConference shows what the reports have made."""
    bench.stand()
    in_call(bench)
    in_call(bench, "other")
    replied = bench.get()
    command = replied.final.command if replied.final is not None else None
    info = getattr(command, "conference_info", None)
    if not isinstance(info, ConferenceInfo):
        bench.blame(replied.told)

    def seen(one: ConferenceInfo | None) -> set[tuple[str, str | None]]:
        users = one.users.users if one is not None and one.users is not None else ()
        return {(each.entity.lower(), each.status) for user in users for each in user.endpoints}

    if seen(info) != seen(bench.callback.roster):
        bench.blame(f"{sorted(map(str, seen(info)))}, and the reports {sorted(map(str, seen(bench.callback.roster)))}")
