"""``[tls]``: SIP over TLS, with which certificates and whom it trusts."""

from __future__ import annotations

import attrs

from pyc3p.problems import UsageProblem


@attrs.frozen(kw_only=True)
class CertificateSettings:
    """A certificate of ours, ``[[tls.more]]``: shown to clients that ask for a name in it (SNI)."""

    certificate: str  #: PEM file, with the intermediates after it
    key: str = ""  #: PEM file; empty: the key is in the file of the certificate


@attrs.frozen(kw_only=True)
class TlsSettings:
    """SIP over TLS. Without a certificate nothing listens for it."""

    certificate: str = ""  #: PEM file, with the intermediates after it
    key: str = ""  #: PEM file; empty: the key is in the file of the certificate
    ca: str = ""  #: PEM file with those who may certify others; empty: those whom this system trusts
    #: Whether who connects must have a certificate of ``ca``. If not, it may: a server that has one is known by it.
    require_client_certificate: bool = False
    port: int = 5061  #: SIP over TLS, of everything but the MCU
    mcu_port: int = 5071  #: SIP over TLS, of the MCU
    more: tuple[CertificateSettings, ...] = ()  #: certificates for other names of this server

    def __attrs_post_init__(self) -> None:
        if self.more and not self.certificate:
            raise UsageProblem("[[tls.more]] are beside the certificate of [tls]; name that one as tls.certificate")
        if self.key and not self.certificate:
            raise UsageProblem("[tls] has a key and no certificate; name the certificate that belongs to it")
        if self.require_client_certificate and not self.ca:
            raise UsageProblem("[tls] require_client_certificate needs ca, a file with those who may certify clients")
        for name in ("port", "mcu_port"):
            if not 0 < getattr(self, name) < 65536:
                raise UsageProblem(f"tls.{name} must be a port number from 1 to 65535, not {getattr(self, name)}")

    @property
    def identities(self) -> tuple[CertificateSettings, ...]:
        """Our certificates; the first is for who asks for no name, or for one that none of them has."""
        if not self.certificate:
            return ()
        return (CertificateSettings(certificate=self.certificate, key=self.key), *self.more)
