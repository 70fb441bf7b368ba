"""A bill that was fetched, and the file it lies in."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bills.browser.plan import BillKey
from bills.models.portals import Portal
from bills.storage import bill_storage
from imports.fields import OutsideTextField
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
