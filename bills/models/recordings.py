"""Recordings: somebody goes through a portal once, and a recipe is made of what was done."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from bills.models.credentials import Credential
from bills.models.portals import LONGEST_URL, Portal
from imports.fields import EncryptedTextField, MessageField


class Recording(models.Model):
    """One recording of a portal: a script that was pasted, or a worker's browser that is driven.

    A pasted script has no `credential` and has ended when it is stored. A browser stays open until
    somebody ends the recording, nobody has looked at it for a while (`seen_at`), or nobody has
    done anything in time (`until`). `view` is what its page shows now, without the picture.
    `recipe`, `login_url`, `billing_url` and `notes` are the result; the portal's form opens with
    it.
    """

    portal = models.ForeignKey(Portal, models.CASCADE, null=True, related_name="recordings")
    credential = models.ForeignKey(Credential, models.CASCADE, null=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    made_at = models.DateTimeField(db_default=Now())
    began_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(db_default=Now())
    until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    view = models.JSONField(default=dict)
    error_code = models.CharField(max_length=60, default="", blank=True)
    message = MessageField()
    recipe = models.JSONField(default=dict)
    login_url = models.CharField(max_length=LONGEST_URL, default="", blank=True)
    billing_url = models.CharField(max_length=LONGEST_URL, default="", blank=True)
    notes = models.JSONField(default=list)  # messages as JSON

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["portal"], condition=Q(ended_at=None), name="recording_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.portal or ''} #{self.pk}"


class RecordedAct(models.Model):
    """One thing that somebody asked a recording's browser to do, and what came of it.

    `text` is what the browser is to type; it is erased when the browser takes it. `act` is the
    step that the recipe is made of; it is empty where a recipe needs no such step.
    """

    recording = models.ForeignKey(Recording, models.CASCADE, related_name="acts")
    do = models.CharField(max_length=20)
    x = models.PositiveIntegerField(default=0)
    y = models.PositiveIntegerField(default=0)
    text = EncryptedTextField(default="", blank=True)
    asked_at = models.DateTimeField(db_default=Now())
    taken_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    act = models.JSONField(default=dict, blank=True)
    message = MessageField()
    went_wrong = models.BooleanField(default=False)
    is_undone = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.do} #{self.pk}"
