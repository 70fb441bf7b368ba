"""Where bills go once they are fetched, and whether each of them got there."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bills.models.files import Bill
from bills.models.portals import Portal
from imports.fields import EncryptedTextField, MessageField
from imports.states import Status

STANDARD_PATTERN = "{portal}/{account}/{date:%Y-%m}_{number}.pdf"


class DestinationKind(models.TextChoices):
    """How bills are handed over."""

    FOLDER = "folder", _("Folder")  # of the worker's host, often a mounted share
    S3 = "s3", _("S3 bucket")  # or a store that speaks its protocol
    SFTP = "sftp", _("SFTP server")
    EMAIL = "email", _("E-mail")  # a mail for each bill, through EMAIL_URL
    WEBHOOK = "webhook", _("Webhook")  # a signed POST with an address to fetch the file from


# Where one can look at what lies there: then nothing is ever delivered twice, and lists are kept.
KEEPING_FILES = (DestinationKind.FOLDER, DestinationKind.S3, DestinationKind.SFTP)


class ListFormat(models.TextChoices):
    """Whether a list of the month's bills lies beside them."""

    NONE = "", _("No list")
    CSV = "csv", _("CSV")
    JSON = "json", _("JSON")


class DeliveryState(Status):
    """Where one bill stands on its way to one destination."""

    # due at next_attempt_at; also after an attempt that failed
    WAITING = "waiting", "neutral", "schedule", _("Waiting")
    # a worker has it until lease_until
    SENDING = "sending", "info", "sync", _("Being delivered")
    # the destination has it: proven by what it answered, or by what lies there
    DELIVERED = "delivered", "success", "check_circle", _("Delivered")
    # `error` says why; a person may have it tried again
    FAILED = "failed", "danger", "error", _("Not delivered")
    # the worker died while the mail was under way: only a person can find out
    UNKNOWN = "unknown", "warning", "help", _("Unknown")


class Destination(models.Model):
    """A place that every new bill of its portals is delivered to, once."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(
        _("type"), max_length=20, choices=DestinationKind, default=DestinationKind.FOLDER
    )
    portals = models.ManyToManyField(
        Portal, verbose_name=_("portals"), blank=True, help_text=_("None chosen: all portals.")
    )
    # a folder's path · s3://bucket/prefix · sftp://host:22/path · mailboxes, one a line · a URL
    location = models.TextField(_("where to"))
    endpoint = models.CharField(_("S3 endpoint"), max_length=2000, default="", blank=True)
    region = models.CharField(_("region"), max_length=100, default="", blank=True)
    user_name = models.CharField(_("user or access key"), max_length=500, default="", blank=True)
    host_key = models.TextField(_("host key"), default="", blank=True)
    secret = EncryptedTextField(_("password or secret key"), default="", blank=True)
    name_pattern = models.CharField(_("file names"), max_length=300, default=STANDARD_PATTERN)
    list_format = models.CharField(
        _("list of the month’s bills"),
        max_length=10,
        choices=ListFormat,
        default=ListFormat.NONE,
        blank=True,
    )
    next_list_at = models.DateTimeField(db_default=Now())  # later once writing one has failed
    is_active = models.BooleanField(_("active"), default=True)
    # Bills up to this id are none of its business, or have their delivery.
    after_bill = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("destination")
        verbose_name_plural = _("destinations")
        ordering = ["name"]
        default_permissions = ("view",)
        permissions = [("manage_destinations", "Can say where bills are delivered")]

    def __str__(self) -> str:
        return self.name

    @property
    def keeps_files(self) -> bool:
        """Whether what lies there can be looked at."""
        return self.kind in KEEPING_FILES


class BillDelivery(models.Model):
    """One bill on its way to one destination: made once, kept whatever its result."""

    bill = models.ForeignKey(Bill, models.CASCADE, related_name="deliveries")
    destination = models.ForeignKey(Destination, models.CASCADE, related_name="deliveries")
    name = models.CharField(_("file name"), max_length=600)
    status = models.CharField(
        _("status"), max_length=20, choices=DeliveryState, default=DeliveryState.WAITING
    )
    tries = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    is_listed = models.BooleanField(default=False)  # stands in the month's list
    error = MessageField(_("error"))

    class Meta:
        verbose_name = _("delivery of a bill")
        verbose_name_plural = _("deliveries of bills")
        ordering = ["-id"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["destination", "bill"], name="bill_delivered_once"),
            models.UniqueConstraint(fields=["destination", "name"], name="delivery_name_once"),
            models.CheckConstraint(
                condition=Q(status__in=DeliveryState.values), name="bill_delivery_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status=DeliveryState.SENDING) | Q(lease_until=None),
                name="only_a_delivery_under_way_has_a_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status=DeliveryState.WAITING),
                name="bill_delivery_due",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(status=DeliveryState.SENDING),
                name="bill_delivery_lease",
            ),
            models.Index(
                fields=["destination"],
                condition=Q(status=DeliveryState.DELIVERED, is_listed=False),
                name="bill_delivery_unlisted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} → {self.destination}"
