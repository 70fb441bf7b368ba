"""Credentials to portals, their one-time codes, which job uses which, and a CSV that is
previewed.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bills.models.portals import Portal
from imports.fields import EncryptedTextField
from imports.models import ImportBatch, ImportJob


class CredentialQuerySet(models.QuerySet["Credential"]):
    """Credentials, most of which are never deleted: jobs refer to them."""

    def in_use(self) -> CredentialQuerySet:
        """Those that nobody has deleted."""
        return self.filter(deleted_at=None)

    def runnable(self) -> CredentialQuerySet:
        """Those that a schedule runs: not paused, and not stopped by a refusal."""
        return self.in_use().filter(is_paused=False, stop_code="")


class Credential(models.Model):
    """One account at one portal, and its password as it was entered last.

    `refused_count` counts how often the portal has refused this very password, over all jobs;
    `unproven_count` how often it was sent and nobody could tell what the portal made of it. Both
    begin anew when the password is changed or accepted.

    `stop_code` is the failure that stops the account's scheduled runs until somebody has acted;
    `last_code` that of its last attempt. A deleted account keeps its row, without any secret.
    """

    portal = models.ForeignKey(Portal, models.PROTECT, related_name="credentials")
    email = models.CharField(_("e-mail"), max_length=320)
    account = models.CharField(max_length=320, editable=False)
    password = EncryptedTextField(_("password"), blank=True)
    totp_secret = EncryptedTextField(_("TOTP secret"), default="", db_default="", blank=True)
    session = EncryptedTextField(default="", db_default="", blank=True)  # see `Login.session`
    session_kept_at = models.DateTimeField(null=True, blank=True)
    customer = models.CharField(
        _("customer"), max_length=200, default="", db_default="", blank=True,
        help_text=_("Whose account it is; only shown, sorted and searched by."),
    )  # fmt: skip
    group = models.CharField(
        _("group"), max_length=100, default="", db_default="", blank=True, db_index=True,
        help_text=_("Accounts with the same word here are run together, by hand or by schedule."),
    )  # fmt: skip
    extra = models.JSONField(_("further columns"), default=dict, blank=True)
    password_changed_at = models.DateTimeField(_("password entered"), db_default=Now())
    refused_count = models.PositiveIntegerField(_("refused"), default=0, db_default=0)
    unproven_count = models.PositiveIntegerField(default=0, db_default=0)
    is_paused = models.BooleanField(_("paused"), default=False, db_default=False)
    stop_code = models.CharField(max_length=60, default="", db_default="", blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    last_code = models.CharField(max_length=60, default="", db_default="", blank=True)
    last_tried_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = CredentialQuerySet.as_manager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["portal_id", "account"]
        default_permissions = ()
        permissions = [("manage_credentials", "Can upload credentials and enter passwords")]
        constraints = [
            models.UniqueConstraint(fields=["portal", "account"], name="credential_account_once")
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
    # What had it made, where no person did.
    schedule = models.ForeignKey(
        "bills.Schedule", models.SET_NULL, null=True, blank=True, related_name="runs"
    )

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
            models.UniqueConstraint(fields=["secret_mark", "window"], name="code_window_once")
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
            models.Index(fields=["expires_at"], condition=Q(ended_at=None), name="code_wanted")
        ]

    def __str__(self) -> str:
        return f"a code for {self.credential_id}"
