"""A model field that keeps its text encrypted at rest, and never guesses when a key is wrong."""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from imports.messages import Message, MessageError, from_json, sentence, storable, to_json
from imports.messages import marked as _

if TYPE_CHECKING:
    from pathlib import Path

    Text = models.TextField[str, str]
else:
    Text = models.TextField


NO_KEY_OPENS = sentence(
    "NO_KEY_OPENS",
    _(
        "{field}: no key in CREDENTIAL_KEYS opens the stored value. Restore the key that it "
        "was stored with, or enter the credential again."
    ),
)


class WrongKey(MessageError):
    """None of CREDENTIAL_KEYS opens this value. Nothing is returned in its place."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "CREDENTIAL_KEYS: each key is 32 bytes in URL-safe base64, as made by "
            "cryptography.fernet.Fernet.generate_key()"
        ) from error


def cipher() -> MultiFernet:
    """The cipher of this installation: encrypts with the first key, opens with any.

    Raises ImproperlyConfigured in production when no key is set.
    """
    return _fernet(credential_keys())


def credential_keys() -> tuple[str, ...]:
    """The keys of this installation, newest first. Raises ImproperlyConfigured for none."""
    return tuple(settings.CREDENTIAL_KEYS) or (_development_key(),)


def _development_key() -> str:
    path = settings.CREDENTIAL_KEY_FILE
    if path is None:
        raise ImproperlyConfigured("Set CREDENTIAL_KEYS: without it no credential can be stored.")
    if not path.exists():
        _keep_new_key(path)
    return path.read_text().strip()


def _keep_new_key(path: Path) -> None:
    """Create the file whole: another process may read it the moment it is there."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(Fernet.generate_key())
    try:
        path.hardlink_to(fresh)  # fails where another process was first: then its key holds
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


class EncryptedTextField(Text):
    """Text that is a Fernet token in the database. An empty text stays empty."""

    description = "Encrypted text"

    def get_prep_value(self, value: Any) -> Any:
        plain = super().get_prep_value(value)
        return cipher().encrypt(plain.encode()).decode() if plain else plain

    def from_db_value(
        self, value: str | None, expression: object, connection: object
    ) -> str | None:
        if not value:
            return value
        try:
            return cipher().decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise WrongKey(
                NO_KEY_OPENS.format(field=f"{self.model._meta.label}.{self.name}")
            ) from error


if TYPE_CHECKING:
    OutsideTextField = models.TextField
else:

    class OutsideTextField(Text):
        """A text from outside, cut before it is stored. In migrations it is a plain text."""

        description = "Text from outside"

        def deconstruct(self) -> Any:
            name, _path, args, kwargs = super().deconstruct()
            return name, "django.db.models.TextField", args, kwargs

        def get_prep_value(self, value: Any) -> Any:
            plain = super().get_prep_value(value)
            return storable(plain) if isinstance(plain, str) else plain


class MessageField(models.JSONField):
    """A message as a code and parameters: a `Message`, somebody's own words, or None."""

    description = "Message"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"null": True, "blank": True}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["null"], kwargs["blank"]
        return name, path, args, kwargs

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """A `Message`, or the words."""
        stored = super().from_db_value(value, expression, connection)
        return None if stored is None else from_json(stored)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """As JSON; NULL for nothing at all."""
        if value is None or value == "":
            return None
        plain = to_json(value) if isinstance(value, Message | str) else value
        return super().get_db_prep_value(plain, connection, prepared)
