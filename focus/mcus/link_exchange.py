"""What a link posts: one document at a time (docs/c3p-over-http.rst), to the MCU Factory or to its MCU."""

from __future__ import annotations

from c3p import (
    AddConference,
    Command,
    ConferenceInfo,
    ConferenceKeys,
    Exchanges,
    GetConference,
    Request,
)
from focus.config import FocusConfig
from focus.exchange_owner import ConferenceExchangeOwner
from focus.mcus.address import McuAddress
from focus.mcus.claim import Claim
from focus.mcus.farewells import Assignment
from focus.mcus.link_state import Purpose
from focus.mcus.relay import Relay


class LinkExchange:
    """The exchange of a link that is open, if one is, and what each of them carries; ``owner`` is told how it ends."""

    def __init__(
        self,
        exchanges: Exchanges[ConferenceExchangeOwner],
        owner: ConferenceExchangeOwner,
        *,
        mcu_uri: str,
        claim: Claim,
        config: FocusConfig,
    ) -> None:
        self._exchanges = exchanges
        self._owner = owner
        self._mcu_uri = mcu_uri
        self._claim = claim
        self._config = config
        self._open: tuple[int, Purpose] | None = None

    @property
    def busy(self) -> bool:
        """Whether one is open."""
        return self._open is not None

    def settle(self) -> Purpose:
        """The one that is open has ended: what it was for."""
        # Only the latest exchange is waited for: others are forgotten when it is posted.
        assert self._open is not None
        purpose, self._open = self._open[1], None
        return purpose

    def forget(self) -> None:
        """Wait no longer for the one that is open."""
        if self._open is not None:
            self._exchanges.forget(self._open[0])
            self._open = None

    def allocate(self, url: str, mcu_type: str, exclude: tuple[str, ...]) -> None:
        """Ask the MCU Factory for an MCU."""
        command = AddConference(conference_keys=self._keys, mcu_type=mcu_type, exclude=exclude)
        self._post(url, self._request(command, to=url), Purpose.ALLOCATE, peer=self._config.mcu_factory_principal)

    def initialise(self, address: McuAddress, info: ConferenceInfo) -> Assignment:
        """Tell an MCU of the conference. What it has, or may have, from then on is returned."""
        command = AddConference(conference_info=info, callback_uri=self._config.callback_url)
        document = self._request(command, to=self._mcu_uri)
        self._post(address.http_url, document, Purpose.INITIALISE, peer=address.mcu_id)
        return Assignment(self._owner.focus_uri, self._mcu_uri, address, document.request_id, self._claim.epoch)

    def clear(self, owed: Assignment) -> None:
        """Have an MCU drop what it had of the conference, before it gets it anew."""
        document = owed.end(self._exchanges.new_request_id(), epoch=self._claim.epoch)
        self._post(owed.address.http_url, document, Purpose.CLEAR, peer=owed.address.mcu_id)

    def resynchronise(self, address: McuAddress) -> None:
        """Ask an MCU for its whole part."""
        self._post_to(address, GetConference(conference_keys=self._keys), Purpose.RESYNCHRONISE)

    def send(self, address: McuAddress, relay: Relay) -> None:
        """Send a command that is relayed."""
        self._post_to(address, relay.command, Purpose.COMMAND, relay)

    @property
    def _keys(self) -> ConferenceKeys:
        return ConferenceKeys(conf_entity=self._owner.focus_uri)

    def _post_to(self, address: McuAddress, command: Command, purpose: Purpose, relay: Relay | None = None) -> None:
        document = self._request(command, to=self._mcu_uri, relay=relay)
        self._post(address.http_url, document, purpose, peer=address.mcu_id)

    def _post(self, url: str, document: Request, purpose: Purpose, *, peer: str) -> None:
        timeout = self._config.http_timeout
        number = self._exchanges.post(url, document, owner=self._owner, timeout=timeout, peer=peer)
        self._open = (number, purpose)

    def _request(self, command: Command, *, to: str, relay: Relay | None = None) -> Request:
        return Request(
            request_id=self._exchanges.new_request_id() if relay is None else relay.request_id,
            from_=self._owner.focus_uri,
            to=to,
            command=command,
            originator=relay.originator if relay is not None else None,
            originator_role=relay.originator_role if relay is not None else None,
            correlation_id=relay.correlation if relay is not None else None,
            epoch=self._claim.epoch or None,
        )
