"""What is wrong with a portal as a whole, from when on, and until when."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bills.models.portals import Portal


class TroubleKind(models.TextChoices):
    """What many accounts of one portal have in common."""

    # accounts that worked before fail at the portal's pages; ends by itself when they work again
    CHANGED = "changed", _("Pages have changed")
    # so many refusals in a row that accounts may get locked; ends when a person resumes
    STOPPED = "stopped", _("Scheduled runs stopped")


class PortalTrouble(models.Model):
    """One time that a portal, and not its accounts, was at fault. There is one of a kind at once.

    `failing` of `tried` accounts failed since `since`, most of them with `code`.
    """

    portal = models.ForeignKey(Portal, models.CASCADE, related_name="troubles")
    kind = models.CharField(max_length=20, choices=TroubleKind)
    code = models.CharField(max_length=60)
    since = models.DateTimeField()
    failing = models.PositiveIntegerField()
    tried = models.PositiveIntegerField()
    noticed_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, default="", blank=True)  # "": by itself

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["portal", "kind"],
                condition=Q(ended_at=None),
                name="portal_trouble_noticed_once",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=TroubleKind.values), name="portal_trouble_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.portal}: {self.kind}"
