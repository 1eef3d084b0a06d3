"""A registrar of ours, as the conformance machine wants it."""

from __future__ import annotations

from sip import Endpoint, EndpointConfig, Listen, PasswordStore, Registrar, RegistrarConfig, SeededEntropy
from sip.testing import EndpointElement


def own_registrar() -> EndpointElement:
    """It knows alice."""
    config = EndpointConfig(listen=(Listen("UDP", "192.0.2.1", 5060),), trusted_networks=("192.0.2.0/24",))
    endpoint = Endpoint(config, entropy=SeededEntropy(b"element"))
    registrar = Registrar(
        endpoint,
        RegistrarConfig(domains=("example.com",)),
        entropy=SeededEntropy(b"registrar"),
        credentials=PasswordStore({"alice": "secret"}),
    )
    return EndpointElement(endpoint, [registrar])
