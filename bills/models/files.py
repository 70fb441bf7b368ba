"""What attempts bring home: bills with their files, evidence of failures, and tests of a portal.

Evidence is encrypted, and expires.
"""

from __future__ import annotations

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bills.browser.plan import BillKey
from bills.models.credentials import Credential
from bills.models.portals import Portal
from bills.storage import bill_storage
from imports.fields import EncryptedTextField, MessageField, OutsideTextField, WrongKey, cipher
from imports.messages import marked as gettext_noop
from imports.messages import sentence
from imports.models import ImportBatch

# What tells a bill from others, beside what it holds. The date's words count where no day does.
IDENTITY = ("portal", "account", "number", "date", "amount", "contract", "date_text")


class Bill(models.Model):
    """One PDF. Its identity is what the portal's list shows of it, and what it holds.

    A corrected bill under the same number, and a credit note, are bills of their own beside it.
    """

    portal = models.ForeignKey(Portal, models.PROTECT, related_name="bills")
    account = models.CharField(max_length=320)  # see `bills.csv.credentials.account_of`
    email = models.CharField(_("e-mail"), max_length=320)
    number = models.CharField(_("number"), max_length=200, default="", blank=True)
    date = models.DateField(_("date"), null=True, blank=True)
    amount = models.DecimalField(
        _("amount"), max_digits=18, decimal_places=4, null=True, blank=True
    )
    contract = models.CharField(_("contract"), max_length=200, default="", blank=True)
    # How the list writes the date, also where it names only a month; the document's address.
    date_text = models.CharField(max_length=200, default="", blank=True)
    document = OutsideTextField(default="", blank=True)
    currency = models.CharField(_("currency"), max_length=20, default="", blank=True)
    file = models.FileField(storage=bill_storage, max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(_("size"))  # bytes
    # The portal has no file of it, only a page: this is the page, printed.
    # What its document says: when it is to be paid, and what it shows otherwise than the list
    # ("number", "date", "amount").
    due_date = models.DateField(_("due"), null=True, blank=True)
    differs = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    is_printed = models.BooleanField(_("printed from a page"), default=False)
    # The attempt that fetched it is that of this batch and number.
    batch = models.ForeignKey(ImportBatch, models.SET_NULL, null=True, related_name="bills")
    attempt_number = models.PositiveIntegerField()
    # Its file was removed because its time was over, or its person was erased.
    removed_at = models.DateTimeField(null=True, blank=True)
    fetched_at = models.DateTimeField(_("fetched"), db_default=Now())

    class Meta:
        verbose_name = _("bill")
        verbose_name_plural = _("bills")
        ordering = ["-id"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=[*IDENTITY, "sha256"], nulls_distinct=False, name="bill_once"
            ),
            models.CheckConstraint(condition=~Q(sha256=""), name="bill_has_a_document"),
        ]
        indexes = [models.Index(fields=["account"], name="bill_account")]

    def __str__(self) -> str:
        return self.number or f"{self.date or self.date_text} {self.amount}"

    @property
    def key(self) -> BillKey:
        """Its identity as the browser side knows it."""
        return BillKey.of(
            self.number, self.date, self.amount, self.contract, self.date_text, self.document
        )


NO_KEY_OPENS = sentence(
    "NO_KEY_OPENS_EVIDENCE", gettext_noop("No key in CREDENTIAL_KEYS opens this evidence.")
)


class PortalTest(models.Model):
    """One run of "Test this portal": one account, a picture of each stage, no bill kept.

    Of a portal as it is saved, with a stored account; or of settings that are not saved yet: then
    `trial` holds them and what was typed, until the test begins.

    While the browser waits for a one-time code, `code_until` says how long, and `code` holds it
    from the moment it is typed to that in which the test takes it.
    """

    portal = models.ForeignKey(Portal, models.CASCADE, null=True, related_name="tests")
    credential = models.ForeignKey(Credential, models.CASCADE, null=True, related_name="tests")
    account = models.CharField(max_length=320, default="", blank=True)  # of a trial
    trial = EncryptedTextField(default="", blank=True)  # {"portal": {…}, "password": "…"}
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    asked_at = models.DateTimeField(db_default=Now())
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    stage = models.CharField(max_length=20, default="", blank=True)
    code = EncryptedTextField(default="", blank=True)
    code_hint = models.CharField(max_length=300, default="", blank=True)
    code_until = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=60, default="", blank=True)
    message = MessageField()
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.portal or self.account} #{self.pk}"

    @property
    def email(self) -> str:
        """Whom it logs in as."""
        return self.credential.email if self.credential else self.account


class EvidenceKind(models.TextChoices):
    """What a piece of evidence is."""

    SCREENSHOT = "screenshot", _("Screenshot")  # PNG
    PAGE = "page", _("Page")  # HTML without scripts
    TRACE = "trace", _("Trace")  # a ZIP for Playwright's trace viewer


class Evidence(models.Model):
    """One piece, of the attempt with this batch and number, or of a portal's test."""

    FERNET_TOKENS = ("token",)  # for rotate_secrets

    batch = models.ForeignKey(ImportBatch, models.CASCADE, null=True, related_name="evidence")
    attempt_number = models.PositiveIntegerField(default=0)
    test = models.ForeignKey(PortalTest, models.CASCADE, null=True, related_name="evidence")
    stage = models.CharField(max_length=20, default="", blank=True)
    kind = models.CharField(max_length=20, choices=EvidenceKind)
    token = models.BinaryField()  # a Fernet token of the bytes
    url = OutsideTextField(default="", blank=True)  # where the page was
    note = OutsideTextField(default="", blank=True)  # what is missing, and why
    made_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(batch__isnull=False) | Q(test__isnull=False),
                name="evidence_is_of_something",
            )
        ]
        indexes = [models.Index(fields=["batch", "attempt_number"], name="evidence_of_attempt")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    def opened(self) -> bytes:
        """What it shows. Raises WrongKey where no key of CREDENTIAL_KEYS opens it."""
        try:
            return cipher().decrypt(bytes(self.token))
        except InvalidToken as error:
            raise WrongKey(NO_KEY_OPENS) from error
