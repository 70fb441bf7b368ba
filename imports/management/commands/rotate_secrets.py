"""Encrypt every stored secret again, with the newest key."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import models, transaction

from imports.fields import EncryptedTextField, cipher


class Command(BaseCommand):
    """Put the new key first in CREDENTIAL_KEYS, run this, then take the old key out."""

    help = "Encrypt every stored secret again with the first of CREDENTIAL_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            count = sum(_rotate(model) for model in apps.get_models())
        self.stdout.write(f"{count} rows hold secrets; all are encrypted with the newest key now.")


def _rotate(model: type[models.Model]) -> int:
    """The model's rows that hold secrets: texts in our own field, bytes named in FERNET_TOKENS."""
    texts = [field.name for field in model._meta.fields if isinstance(field, EncryptedTextField)]
    tokens: tuple[str, ...] = getattr(model, "FERNET_TOKENS", ())
    names = [*texts, *tokens]
    if not names:
        return 0
    count = 0
    for row in model._default_manager.select_for_update().only("pk", *names).iterator():
        for name in tokens:
            setattr(row, name, cipher().rotate(bytes(getattr(row, name))))
        row.save(update_fields=names)
        count += 1
    return count
