"""The chat MCU that an element may have beside its A/V MCU."""

from __future__ import annotations

from typing import Final

import attrs

import c3p
import mcu
import sip
from pyc3p.element import Element

CHAT_PATH: Final = "/LiveServer/chat"


def chat_config(beside: mcu.McuConfig, *, name: str, http_url: str, sip_contact: sip.Uri) -> mcu.ChatMcuConfig:
    """The chat MCU of the element ``name``: all that it has to know is the same, but for where it is."""
    known = attrs.fields_dict(mcu.ConferencingServerConfig)
    common = {field: value for field, value in attrs.asdict(beside, recurse=False).items() if field in known}
    common |= {
        "mcu_id": f"{c3p.principal_of_worker(name) or name}.chat",
        "http_url": http_url,
        "sip_contact": sip_contact,
        "owner": "chat",
    }
    return mcu.ChatMcuConfig(**common)


def chat_mcu_of(element: Element) -> mcu.ChatMcu | None:
    """The chat MCU in an element, None when there is none."""
    found = element.services.get(CHAT_PATH)
    return found if isinstance(found, mcu.ChatMcu) else None
