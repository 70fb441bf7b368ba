"""Credentials to portals, which job uses which, and a CSV between its preview and its draft."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bills.models.portals import Portal
from imports.fields import EncryptedTextField
from imports.models import ImportBatch, ImportJob


def account_of(email: str) -> str:
    """What tells one account from another: mail addresses differ by case only by mistake."""
    return email.casefold() if "@" in email else email


class Credential(models.Model):
    """One account at one portal, and its password as it was entered last.

    `refused_count` counts how often the portal has refused this very password, over all jobs;
    `unproven_count` how often it was sent and nobody could tell what the portal made of it. Both
    begin anew when the password is changed or accepted.
    """

    portal = models.ForeignKey(Portal, models.PROTECT, related_name="credentials")
    email = models.CharField(_("e-mail"), max_length=320)
    account = models.CharField(max_length=320, editable=False)
    password = EncryptedTextField(_("password"))
    extra = models.JSONField(_("further columns"), default=dict, blank=True)
    password_changed_at = models.DateTimeField(_("password entered"), db_default=Now())
    refused_count = models.PositiveIntegerField(_("refused"), default=0, db_default=0)
    unproven_count = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        ordering = ["portal_id", "account"]
        default_permissions = ()
        permissions = [("manage_credentials", "Can upload credentials and enter passwords")]
        constraints = [
            models.UniqueConstraint(fields=["portal", "account"], name="credential_account_once"),
        ]

    def __str__(self) -> str:
        return self.email


class BillRun(models.Model):
    """What a job of bills has besides the ledger's columns."""

    job = models.OneToOneField(
        ImportJob, models.CASCADE, primary_key=True, related_name="bill_run"
    )
    portal = models.ForeignKey(Portal, models.PROTECT, related_name="runs")
    csv_name = models.CharField(_("file"), max_length=500)  # as the operator knows it; only shown
    extra_columns = models.JSONField(default=list)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.portal}: {self.csv_name}"


class CredentialUse(models.Model):
    """One job's use of a credential: its batch of one. The stage is what is seen while it runs."""

    batch = models.OneToOneField(
        ImportBatch, models.CASCADE, primary_key=True, related_name="credential_use"
    )
    credential = models.ForeignKey(Credential, models.PROTECT, related_name="uses")
    stage = models.CharField(max_length=20, default="", db_default="", blank=True)
    stage_done = models.PositiveIntegerField(default=0, db_default=0)
    stage_total = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.credential} in batch {self.batch_id}"


class CsvUpload(models.Model):
    """A CSV that was uploaded and is being previewed: encrypted, and gone when it is confirmed."""

    FERNET_TOKENS = ("content",)  # for rotate_secrets

    portal = models.ForeignKey(Portal, models.CASCADE)
    name = models.CharField(max_length=500)
    content = models.BinaryField()  # a Fernet token
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    uploaded_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
