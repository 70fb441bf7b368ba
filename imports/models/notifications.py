"""Who is notified of what about jobs, and whether it reached them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from imports.fields import EncryptedTextField, MessageField
from imports.models.jobs import ImportJob
from imports.states import DeliveryStatus


class ChannelKind(models.TextChoices):
    """How a notification is delivered."""

    EMAIL = "email", _("E-mail")  # to mailboxes, through EMAIL_URL
    WEBHOOK = "webhook", _("Webhook")  # a signed POST to a program


class Wanted(models.TextChoices):
    """Which notifications a channel wants."""

    ALL = "all", _("Every job that ends or needs attention")
    TROUBLE = (
        "trouble",
        _("Only jobs that need attention: paused, refused, or ended with failures"),
    )


class Channel(models.Model):
    """A recipient of notifications: mailboxes, or the address of a webhook."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(
        _("type"), max_length=20, choices=ChannelKind, default=ChannelKind.EMAIL
    )
    wanted = models.CharField(_("about"), max_length=20, choices=Wanted, default=Wanted.ALL)
    recipients = models.TextField(_("recipients"), default="", blank=True)  # one a line
    url = models.CharField(_("URL"), max_length=2000, default="", blank=True)
    secret = EncryptedTextField(_("signing secret"), default="", blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("notification channel")
        verbose_name_plural = _("notification channels")
        ordering = ["name"]
        default_permissions = ()
        permissions = [("manage_notifications", "Can say who is notified of what")]

    def __str__(self) -> str:
        return self.name

    @property
    def addresses(self) -> list[str]:
        """The mailboxes of the channel."""
        return self.recipients.split()


class What(models.TextChoices):
    """What happened to a job."""

    FINISHED = "finished", _("Finished")
    CANCELLED = "cancelled", _("Cancelled")
    PAUSED = "paused", _("Paused, needs attention")  # `cause` says why
    REFUSED = "refused", _("Refused: its input cannot be read")
    NOT_WRITTEN = "files_not_written", _("Its retry files could not be written")  # `cause`: why
    CODE_WANTED = "code_wanted", _("A one-time code is wanted")  # `message` says for whom
    ACCOUNT_STOPPED = "account_stopped", _("An account needs you")  # `message` says why
    PORTAL_TROUBLE = "portal_trouble", _("A portal needs you")  # `message` says why


class Notification(models.Model):
    """One thing to report about a job, once for each cause.

    `go` counts the starts and resumes of the job: after a Resume the same thing is reported again.
    """

    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="notifications")
    what = models.CharField(max_length=20, choices=What)
    cause = models.CharField(max_length=60, default="", blank=True)  # the code of a pause
    go = models.PositiveIntegerField(default=1)
    message = MessageField()  # what the kind and the cause do not say
    path = models.CharField(max_length=300, default="", blank=True)  # of the page to act on
    job_totals = models.JSONField()  # the equation as it was: {"total": 12, "success": 9, …}
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["job", "what", "cause", "go"], name="notification_once_for_each_cause"
            )
        ]

    def __str__(self) -> str:
        return f"{self.job}: {self.get_what_display()}"


class NotificationDelivery(models.Model):
    """One notification to one channel, kept whatever its result."""

    notification = models.ForeignKey(Notification, models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="deliveries")
    status = models.CharField(
        _("status"), max_length=20, choices=DeliveryStatus, default=DeliveryStatus.WAITING
    )
    tries = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    error = MessageField(_("error"))

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["notification", "channel"], name="delivery_once"),
            models.CheckConstraint(
                condition=Q(status__in=DeliveryStatus.values), name="delivery_status_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status=DeliveryStatus.WAITING),
                name="delivery_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.notification} → {self.channel}"
