"""A PBX that asks everybody for a password: Kamailio with digest authentication."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

import sip
from pyc3p.commands.credentials import Wallet
from pyc3p.elements import parts
from pyc3p.elements.loopback import reserved_ports
from pyc3p.elements.node import Node
from pyc3p.elements.server import Server
from pyc3p.phone import PhoneConfig, PhoneNotRegistered, PhoneRegistered
from pyc3p.settings.calls import CallSettings
from rtp.aio import MediaPortsConfig
from sip.aio import live_entropy
from tests.interop.programs import HOST, kamailio, require
from tests.pyc3p.test_serve import Kept, call_and_end, invite_options, serve_config, with_server

REALM = "example.com"
PASSWORD = "geheim"


def phone_of(pbx: int, password: str) -> tuple[Node, parts.Phone]:
    """Bob's phone, which knows a password."""
    with reserved_ports(1) as (port,):
        place = parts.Place(name="bob", host=HOST, sip_port=port)
    config = PhoneConfig(
        aor="sip:bob@example.com",
        contact=place.sip_uri("bob"),
        registrar=sip.Uri("sip", REALM),
        outbound_proxy=sip.Uri("sip", HOST, port=pbx),
        ring_time=0.1,
    )
    wallet = Wallet({REALM: sip.Credentials("bob", password)})
    element, phone = parts.phone(place, config, entropy=live_entropy(), credentials=wallet.find)
    return Node(element, media=MediaPortsConfig(host=HOST, port_range=(43_600, 43_699))), phone


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_the_mcu_calls_through_a_pbx_that_asks_for_a_password(password: str, tmp_path: Path) -> None:
    require("kamailio")
    told = Kept()
    file = tmp_path / "passwords.toml"
    file.write_text(f'["{REALM}"]\nusername = "trunk"\npassword = "{password}"\n')
    file.chmod(0o600)
    with kamailio(tmp_path, domain=REALM, password=PASSWORD) as pbx:
        config = serve_config(
            outbound_proxy=f"sip:{HOST}:{pbx}", credentials=str(file), calls=CallSettings(domains=(REALM,))
        )

        async def scenario(server: Server, output: Kept) -> None:
            node, phone = phone_of(pbx, PASSWORD)
            await node.start()
            phone.register(now=node.now)
            node.kick()
            await node.wait_for(lambda: bool(node.of(PhoneRegistered)), 8.0, "the registration")
            options = attrs.evolve(invite_options(config, "sip:bob@example.com"))
            assert await call_and_end(options, told) == (0 if password == PASSWORD else 1)
            await node.stop()

        output = with_server(config, scenario)
    if password == PASSWORD:
        assert any("bob@example.com connected" in text for text in output.texts)
    else:
        assert sum("407" in text and "wants a password" in text for text in output.texts) == 1


def test_a_phone_with_a_wrong_password_is_refused_by_a_pbx_once_for_each_try(tmp_path: Path) -> None:
    require("kamailio")

    async def scenario(server: Server, output: Kept) -> None:
        node, phone = phone_of(pbx, "wrong")
        await node.start()
        phone.register(now=node.now)
        node.kick()
        await node.wait_for(lambda: bool(node.of(PhoneNotRegistered)), 8.0, "the refusal")
        assert [event.status for event in node.of(PhoneNotRegistered)] == [401]
        await node.stop()

    with kamailio(tmp_path, domain=REALM, password=PASSWORD) as pbx:
        with_server(serve_config(), scenario)
