"""The one way to seal bytes and to open them: AES-256-GCM with a fresh nonce for each value.

A sealed value is nonce, ciphertext and tag. `about` says what it is of, such as a batch: moved to
another place it does not open.
"""

from __future__ import annotations

import errno
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from imports.messages import Message, MessageError, sentence
from imports.messages import marked as _

NONCE_BYTES, TAG_BYTES = 12, 16
OVERHEAD = NONCE_BYTES + TAG_BYTES

ALTERED_RECORDS = sentence(
    "ALTERED_RECORDS",
    _(
        "What is stored encrypted does not open with its own key: it was altered, or moved "
        "({about}). Restore it from a back-up."
    ),
)


class Unreadable(MessageError, OSError):
    """Sealed bytes cannot be opened. Nothing is returned in their place, and nothing is lost.

    To whoever reads a file, it is a file that cannot be read.
    """

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.errno = getattr(errno, "ENOKEY", errno.EIO)
        self.strerror = str(message)

    def __str__(self) -> str:
        return str(self.message)


def new_key() -> bytes:
    """A random key."""
    return AESGCM.generate_key(256)


def seal(key: AESGCM, plain: bytes, about: str) -> bytes:
    """The bytes, encrypted and authenticated."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, about.encode())


def unseal(key: AESGCM, sealed: bytes, about: str) -> bytes:
    """The bytes that were sealed. Raises Unreadable where one of them was changed."""
    view = memoryview(sealed)
    try:
        return key.decrypt(view[:NONCE_BYTES], view[NONCE_BYTES:], about.encode())
    except (InvalidTag, ValueError):
        raise Unreadable(ALTERED_RECORDS.format(about=about)) from None
