"""Passwords and the signing key of the rehearsal: made once, readable by their owner alone."""

import datetime
import os
import secrets
from pathlib import Path

from rehearsal.layout import READER, WRITER, Layout

ISSUER = "rehearsal"
VALID_DAYS = 3650


def ensure_secrets(layout: Layout) -> None:
    """Make what is missing of the passwords and the signing key."""
    layout.state.mkdir(parents=True, exist_ok=True)
    for user in (WRITER, READER):
        _write_once(layout.token_file(user), secrets.token_urlsafe(24).encode())
    if not (key_file(layout).exists() and certificate_file(layout).exists()):
        _make_key(layout)


def key_file(layout: Layout) -> Path:
    """The key that signs the registry's tokens."""
    return layout.state / "signing.key"


def certificate_file(layout: Layout) -> Path:
    """The certificate of that key, which the registry trusts."""
    return layout.state / "signing.crt"


def _make_key(layout: Layout) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, ISSUER)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        # Registry 2.8 checks the token's certificate against itself as the root.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_file(layout).unlink(missing_ok=True)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write_once(key_file(layout), pem)
    certificate_file(layout).write_bytes(certificate.public_bytes(Encoding.PEM))


def _write_once(path: Path, content: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
