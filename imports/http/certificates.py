"""Certificates that an installation or an API trusts besides the public ones, as PEM text."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from imports.messages import MessageError, sentence
from imports.messages import marked as _

LARGEST_PEM = 1_000_000
PRIVATE_KEY_IN_IT = sentence(
    "PRIVATE_KEY_IN_IT", _("There is a private key in it. Enter certificates only.")
)
NO_CERTIFICATES = sentence(
    "NO_CERTIFICATES",
    _("These are not certificates in PEM: each begins with -----BEGIN CERTIFICATE-----."),
)


NO_CLIENT_CERTIFICATE = sentence(
    "NO_CLIENT_CERTIFICATE",
    _(
        "This is not a certificate with its own private key in PEM. The key must not be "
        "encrypted: it is kept encrypted here."
    ),
)


class BadCertificates(MessageError, ValueError):
    """The text is not certificates in PEM. The message says what to enter instead."""


def check_certificates(pem: str) -> None:
    """Raise BadCertificates unless this is one certificate or more, and nothing secret."""
    if "PRIVATE KEY" in pem:
        raise BadCertificates(PRIVATE_KEY_IN_IT)
    try:
        if len(pem) > LARGEST_PEM or not x509.load_pem_x509_certificates(pem.encode()):
            raise ValueError
        context_trusting(pem)
    except (ValueError, ssl.SSLError):
        raise BadCertificates(NO_CERTIFICATES) from None


def check_client_certificate(pem: str) -> None:
    """Raise BadCertificates unless this is a certificate with its private key, not encrypted."""
    try:
        if len(pem) > LARGEST_PEM or not x509.load_pem_x509_certificates(pem.encode()):
            raise ValueError
        load_pem_private_key(pem.encode(), password=None)
        context_of("", pem)
    except (ValueError, TypeError, ssl.SSLError, UnsupportedAlgorithm):
        raise BadCertificates(NO_CLIENT_CERTIFICATE) from None


def context_trusting(pem: str) -> ssl.SSLContext:
    """A TLS context that trusts these; whoever connects adds the public ones."""
    return context_of(pem, "")


def context_of(trusted: str, client_certificate: str) -> ssl.SSLContext:
    """A TLS context that trusts the first besides the public ones, and shows the second."""
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context()
    if trusted:
        context.load_verify_locations(cadata=trusted)
    if client_certificate:
        # OpenSSL reads it from a file only: one that nobody else can open, gone at once.
        with tempfile.TemporaryDirectory(prefix="redrive-") as folder:
            file = Path(folder) / "client.pem"
            file.touch(mode=0o600)
            file.write_text(client_certificate, encoding="ascii")
            context.load_cert_chain(file)
    return context
