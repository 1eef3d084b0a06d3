"""The chat MCU that stands beside an A/V MCU, on its endpoint: no more ports, and no more secrets."""

from __future__ import annotations

from typing import Final

import attrs

import c3p
import mcu
import sip
from pyc3p.element import Element

CHAT_PATH: Final = "/LiveServer/chat"


def chat_config(beside: mcu.McuConfig, url: str, contact: sip.Uri) -> mcu.ChatMcuConfig:
    """Its settings: what is not its own is that of the other. It is ``ID.chat``, of the principal ``ID``."""
    known = attrs.fields_dict(mcu.ConferencingServerConfig)
    common = {name: value for name, value in attrs.asdict(beside, recurse=False).items() if name in known}
    name = f"{c3p.principal_of_worker(beside.mcu_id) or beside.mcu_id}.chat"
    return mcu.ChatMcuConfig(**{**common, "mcu_id": name, "http_url": url, "sip_contact": contact, "owner": "chat"})


def chat_mcu_of(element: Element) -> mcu.ChatMcu | None:
    """The chat MCU in an element, None when there is none."""
    found = element.services.get(CHAT_PATH)
    return found if isinstance(found, mcu.ChatMcu) else None
