"""Certificates that an installation or an API trusts besides the public ones, as PEM text."""

from __future__ import annotations

import ssl

from cryptography import x509

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


def context_trusting(pem: str) -> ssl.SSLContext:
    """A TLS context that trusts these; whoever connects adds the public ones."""
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context()
    context.load_verify_locations(cadata=pem)
    return context
