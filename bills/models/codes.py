"""One-time codes: which time windows are used up, and which code people are asked for."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bills.models.credentials import Credential
from imports.fields import EncryptedTextField
from imports.models import ImportBatch


class CodeWindow(models.Model):
    """A time window whose TOTP code was typed: no other attempt may type it again.

    `secret_mark` tells one secret from another, and nothing of it.
    """

    secret_mark = models.CharField(max_length=64)
    window = models.BigIntegerField()
    used_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["secret_mark", "window"], name="code_window_once"),
        ]

    def __str__(self) -> str:
        return f"window {self.window}"


class CodeRequest(models.Model):
    """A running attempt that waits for a code, which an operator types.

    The code is there from the moment it is typed to that in which the attempt takes it.
    """

    batch = models.ForeignKey(ImportBatch, models.CASCADE, related_name="code_requests")
    attempt_number = models.PositiveIntegerField()
    credential = models.ForeignKey(Credential, models.CASCADE, related_name="code_requests")
    hint = models.CharField(max_length=300, default="", blank=True)  # what the page says of it
    asked_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    code = EncryptedTextField(_("code"), default="", blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=150, default="", blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)  # the attempt asks no more

    class Meta:
        verbose_name = _("request for a code")
        verbose_name_plural = _("requests for codes")
        ordering = ["id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(ended_at=None), name="code_wanted"),
        ]

    def __str__(self) -> str:
        return f"a code for {self.credential_id}"
