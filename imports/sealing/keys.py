"""The data keys that records are sealed with: one for each job, itself encrypted (envelope).

The table keeps each key as a token of CREDENTIAL_KEYS: after a change of those, only the tokens
are encrypted anew, and no records. Once a job's row is deleted, nobody can read the job's records,
nor any copy of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, transaction

from imports.fields import cipher, credential_keys
from imports.messages import marked as _
from imports.messages import sentence
from imports.sealing.codec import Unreadable, new_key, seal, unseal

if TYPE_CHECKING:
    from django.db.models import QuerySet

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
