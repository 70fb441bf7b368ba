"""Records encrypted where they rest: the keys, and the columns of the tables that they seal.

Each job has a data key of its own, itself encrypted (envelope). The table keeps each key as a
token of CREDENTIAL_KEYS: after a change of those, only the tokens are encrypted anew, and no
records. Once a job's row is deleted, nobody can read the job's records, nor any copy of
them.

Bytes are sealed in one way: AES-256-GCM with a fresh nonce for each value, which is nonce,
ciphertext and tag. `about` says what it is of, such as a batch: moved to another place it does not
open. Beside each column, `sealed_with` has the id of the key, or None where the value is plain.
"""

from __future__ import annotations

import base64
import errno
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, transaction

from imports.fields import cipher, credential_keys
from imports.messages import Message, MessageError, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from django.db.models import QuerySet


NONCE_BYTES, TAG_BYTES = 12, 16
OVERHEAD = NONCE_BYTES + TAG_BYTES

ALTERED_RECORDS = sentence(
    "ALTERED_RECORDS",
    _(
        "What is stored encrypted does not open with its own key: it was altered, or moved "
        "({about}). Restore it from a back-up."
    ),
)
MOST_KEPT = 256  # opened keys, in this process

RECORDS_KEY_MISSING = sentence(
    "RECORDS_KEY_MISSING",
    _(
        "No key in CREDENTIAL_KEYS opens the key that these records are encrypted with. Restore "
        "the key that was in use before; nothing is lost."
    ),
)
RECORDS_KEY_GONE = sentence(
    "RECORDS_KEY_GONE",
    _(
        "The key that these records are encrypted with is not in the database: it was erased with "
        "them. A back-up from before has both."
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


class KeyMissing(Unreadable):
    """CREDENTIAL_KEYS opens no data key for these records."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """An opened key, and the id that is kept beside everything it sealed."""

    pk: int
    _cipher: AESGCM

    def seal(self, plain: bytes, about: str) -> bytes:
        """The bytes, sealed."""
        return seal(self._cipher, plain, about)

    def unseal(self, sealed: bytes, about: str) -> bytes:
        """What was sealed. Raises Unreadable."""
        return unseal(self._cipher, sealed, about)


def is_on() -> bool:
    """Whether what is stored from now on is sealed."""
    return bool(settings.ENCRYPT_RECORDS)


def of_job(job_id: int | None) -> DataKey:
    """The key of a job, made where it has none yet. None stands for files that belong to no job.

    Raises KeyMissing.
    """
    row = _rows().filter(job=job_id).order_by("pk").first() or _new(job_id)
    return _opened(row)


def to_seal(job_id: int) -> DataKey | None:
    """The key of a job where records are to be sealed; None where they are not."""
    return of_job(job_id) if is_on() else None


def opened(pk: int) -> DataKey:
    """The key of that id. Raises KeyMissing, also where it was erased."""
    row = _rows().filter(pk=pk).first()
    if row is None:
        raise KeyMissing(RECORDS_KEY_GONE)
    return _opened(row)


class Ring(dict[int, DataKey]):
    """Keys by their ids, for one piece of work: each is read from the table once."""

    def __missing__(self, pk: int) -> DataKey:
        self[pk] = found = opened(pk)
        return found


def check(job_id: int) -> None:
    """Raise KeyMissing where the job has a key that does not open."""
    for row in _rows().filter(job=job_id):
        _opened(row)


def _rows() -> QuerySet[Any]:
    """The table. Its model builds on modules that build on this one."""
    return apps.get_model("imports", "RecordsKey")._default_manager.all()


def _new(job_id: int | None) -> Any:
    made = {"job_id": job_id, "token": cipher().encrypt(new_key())}
    try:
        with transaction.atomic():
            return _rows().create(**made)
    except IntegrityError:  # another process was first
        return _rows().get(job=job_id)


def _opened(row: Any) -> DataKey:
    return _data_key(row.pk, bytes(row.token), credential_keys())


@lru_cache(maxsize=MOST_KEPT)
def _data_key(pk: int, token: bytes, _keys: tuple[str, ...]) -> DataKey:
    """Opened once for each token and for the keys that are set; a failure is not remembered."""
    try:
        return DataKey(pk, AESGCM(cipher().decrypt(token)))
    except InvalidToken:
        raise KeyMissing(RECORDS_KEY_MISSING) from None


def of_batch(batch_id: int) -> str:
    """What a batch's body is sealed as."""
    return f"batch {batch_id}"


def of_refused(position: int) -> str:
    """What the bytes of a record are sealed as that was never sent."""
    return f"record {position}"


def of_row(result_id: int) -> str:
    """What a corrected row is sealed as."""
    return f"row of {result_id}"


def of_answer(batch_id: int) -> str:
    """What an answer is sealed as."""
    return f"answer to {batch_id}"


def plain(
    stored: bytes | memoryview | None, sealed_with: int | None, about: str,
    ring: Ring | None = None,
) -> bytes:  # fmt: skip
    """The bytes as they were stored. Raises Unreadable."""
    found = bytes(stored or b"")
    if sealed_with is None or not found:
        return found
    key = opened(sealed_with) if ring is None else ring[sealed_with]
    return key.unseal(found, about)


def sealed_text(key: DataKey, text: str, about: str) -> str:
    """A text, sealed, for a column of texts; none stays none."""
    return text and base64.b64encode(key.seal(text.encode(), about)).decode()


def plain_text(stored: str, sealed_with: int | None, about: str, ring: Ring | None = None) -> str:
    """The text as it was stored. Raises Unreadable."""
    if sealed_with is None:
        return stored
    return plain(base64.b64decode(stored), sealed_with, about, ring).decode()
