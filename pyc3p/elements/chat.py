"""The chat MCU beside an A/V MCU: the same principal and the same endpoint."""

from __future__ import annotations

from typing import Final

import attrs

import c3p
import mcu
from pyc3p.element import Element

CHAT_PATH: Final = "/LiveServer/chat"


def config_beside(beside: mcu.McuConfig, *, url: str, contact: object) -> mcu.ChatMcuConfig:
    """Settings of a chat MCU at ``url`` and ``contact``; what else it has to know is as for the A/V MCU."""
    known = attrs.fields_dict(mcu.ConferencingServerConfig)
    common = {name: value for name, value in attrs.asdict(beside, recurse=False).items() if name in known}
    common |= {
        "mcu_id": f"{c3p.principal_of_worker(beside.mcu_id) or beside.mcu_id}.chat",
        "http_url": url,
        "sip_contact": contact,
        "owner": "chat",
    }
    return mcu.ChatMcuConfig(**common)


def chat_mcu_of(element: Element) -> mcu.ChatMcu | None:
    """The chat MCU in an element, None when there is none."""
    found = element.services.get(CHAT_PATH)
    return found if isinstance(found, mcu.ChatMcu) else None
