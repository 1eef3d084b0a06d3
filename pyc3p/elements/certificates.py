"""Certificates, keys and authorities from PEM files, each mistake in one line that says what mends it."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from pyc3p.problems import UsageProblem

_LARGEST: Final = 4 * 1024 * 1024  #: octets of a PEM file; the bundle of all public authorities has a tenth of it


@attrs.frozen(kw_only=True)
class Identity:
    """A certificate of ours that was looked at: it is valid now, and its key belongs to it."""

    certificate: Path
    key: Path
    names: tuple[str, ...]  #: DNS names, addresses and SIP domains of its subjectAltName, in lower case


def load_identity(certificate: str, key: str) -> Identity:
    """Look at a certificate and its key; empty ``key``: in the same file. Raises UsageProblem."""
    file = Path(certificate).expanduser()
    key_file = Path(key).expanduser() if key else file
    leaf = _certificates(file)[0]
    now = datetime.datetime.now(datetime.UTC)
    if now > leaf.not_valid_after_utc:
        raise UsageProblem(f"the certificate {file} has expired on {leaf.not_valid_after_utc:%Y-%m-%d}; renew it")
    if now < leaf.not_valid_before_utc:
        begin = f"{leaf.not_valid_before_utc:%Y-%m-%d}"
        raise UsageProblem(f"the certificate {file} is valid from {begin} on; is the clock of this machine right?")
    if _public_key_of(key_file) != leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
        raise UsageProblem(f"the key {key_file} does not belong to the certificate {file}; name the right one")
    return Identity(certificate=file, key=key_file, names=_names(leaf))


def server_context(
    identities: Sequence[Identity], *, ca: str = "", require_client_certificate: bool = False
) -> ssl.SSLContext:
    """For those who connect; the first identity is for who names none of ours. Raises UsageProblem.

    With ``ca``, who has a certificate of it is known by that; one of anybody else's ends the connection.
    """
    contexts = [_server_context(each, ca, require_client_certificate) for each in identities]
    first = contexts[0]
    if len(contexts) > 1:
        first.sni_callback = _by_name(list(zip(identities, contexts, strict=True)))
    return first


def client_context(identity: Identity | None = None, *, ca: str = "", check_hostname: bool = True) -> ssl.SSLContext:
    """For those whom we connect to. Raises UsageProblem."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = check_hostname
    context.verify_mode = ssl.CERT_REQUIRED
    if ca:
        _trust(context, ca)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if identity is not None:
        _show(context, identity)
    return context


def _server_context(identity: Identity, ca: str, required: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _show(context, identity)
    if ca:
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        _trust(context, ca)
    return context


def _by_name(known: Sequence[tuple[Identity, ssl.SSLContext]]) -> Callable[..., None]:
    def choose(tls: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        for identity, its in known:
            if name is not None and stands_for(identity.names, name.lower()):
                tls.context = its
                return

    return choose


def stands_for(names: Sequence[str], name: str) -> bool:
    """Exactly, or by a wildcard for one label: here it only chooses what is shown, and the client judges that."""
    return name in names or f"*.{name.partition('.')[2]}" in names


def _show(context: ssl.SSLContext, identity: Identity) -> None:
    try:
        context.load_cert_chain(identity.certificate, identity.key, password="")
    except (OSError, ValueError) as error:  # changed since it was looked at, or something that OpenSSL alone refuses
        raise UsageProblem(f"the certificate {identity.certificate} cannot be used: {error}") from error


def _trust(context: ssl.SSLContext, ca: str) -> None:
    file = Path(ca).expanduser()
    found = _certificates(file)
    try:
        context.load_verify_locations(cadata="".join(each.public_bytes(Encoding.PEM).decode() for each in found))
    except (OSError, ValueError) as error:
        raise UsageProblem(f"the authorities in {file} cannot be used: {error}") from error


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
    except OSError as error:
        raise UsageProblem(f"{file} cannot be read: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise UsageProblem(f"{file} is too large for a file of certificates")
    return data


def _certificates(file: Path) -> list[x509.Certificate]:
    data = _read(file)
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise UsageProblem(f"{file} has no certificate in PEM, that is, no -----BEGIN CERTIFICATE-----") from error


def _public_key_of(file: Path) -> bytes:
    data = _read(file)
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError as error:
        raise UsageProblem(
            f"the key {file} is encrypted, and nobody is there to type its password; write it out without one: "
            f"`openssl pkey -in {file} -out NEW`"
        ) from error
    except Exception as error:  # ValueError and UnsupportedAlgorithm, and what a broken key makes of the library
        raise UsageProblem(f"{file} has no private key in PEM that can be used; name it as key") from error
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return tuple(str(each.value).lower() for each in common)
    addresses = [str(each) for each in found.get_values_for_type(x509.IPAddress)]
    written = found.get_values_for_type(x509.UniformResourceIdentifier)
    # Of SIP the domain (RFC 5922 section 7.1); with a user it is a person.
    domains = [each[4:] for each in written if each.lower().startswith("sip:") and "@" not in each]
    names = (*found.get_values_for_type(x509.DNSName), *addresses, *domains)
    return tuple(dict.fromkeys(name.lower() for name in names))
