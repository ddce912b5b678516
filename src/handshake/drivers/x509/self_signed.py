"""A self-signed certificate, so that a demo or a first start has TLS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from handshake.core.atomic_file import write_atomically
from handshake.core.clock import Clock

_LIFE = timedelta(days=365)
_SLACK = timedelta(hours=1)
"""Clocks of visitors differ."""


def make_self_signed(folder: Path, clock: Clock, *, address: str) -> None:
    """Put a key and its certificate, one PEM file for its owner alone, into a folder that has none yet."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # HAProxy passes over hidden files, such as a draft that a crash left.
    if any(not each.name.startswith(".") for each in folder.iterdir()):
        return
    write_atomically(folder / "self-signed.pem", print_self_signed(clock, address=address), mode=0o600)


def print_self_signed(clock: Clock, *, address: str) -> bytes:
    """Return a new certificate for this machine's names, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address(address))])
    now = datetime.fromtimestamp(clock.now(), UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + _LIFE)
        .add_extension(names, critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM) + private
