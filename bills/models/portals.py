"""Portals and their recordings.

A portal: where to log in, how to get to the bills, how often and how fast; and what is wrong with
it. A recording: somebody goes through a portal once, and a recipe is made of what was done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bills.portals.recipe_schema import RecipeError, load_recipe
from imports.fields import EncryptedTextField, MessageField
from imports.http.addresses import BadAddress, check_url
from imports.models import RateLimit

if TYPE_CHECKING:
    from bills.portals.recipe_schema import Recipe


LONGEST_URL = 2000
CODE_WAIT_SECONDS = 300  # where a portal says nothing
REFUSED_PASSWORD_LIMIT = 2  # submissions of one refused password, where a portal says nothing


class Portal(models.Model):
    """One site that bills are fetched from. A job copies its settings when it is made."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    login_url = models.CharField(
        _("login URL"),
        max_length=LONGEST_URL,
        help_text=_("The page that asks for the password. It is typed on this site and no other."),
    )
    billing_url = models.CharField(
        _("billing URL"),
        max_length=LONGEST_URL,
        help_text=_("The page that lists the bills, once logged in."),
    )
    recipe = models.JSONField(
        _("recipe"),
        default=dict,
        blank=True,
        help_text=_(
            "What is not said here is guessed, as most portals look alike. See the README."
        ),
    )
    script = models.CharField(
        _("script"),
        max_length=100,
        default="",
        blank=True,
        help_text=_("The name of a hand-written portal in bills/portals, in place of a recipe."),
    )

    max_attempts = models.PositiveIntegerField(
        _("attempts"),
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Tries of each credential in all, the first included."),
    )
    retry_delay_seconds = models.FloatField(
        _("wait before the next attempt (s)"),
        default=10.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(3600.0)],
    )
    attempt_timeout_seconds = models.FloatField(
        _("time limit of one attempt (s)"),
        default=300.0,
        validators=[MinValueValidator(1.0), MaxValueValidator(3600.0)],
        help_text=_("From the login page to the last bill; after that the attempt is ended."),
    )
    concurrency = models.PositiveIntegerField(
        _("logins at once"),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text=_(
            "Over all workers and jobs. Each further one takes about 30 MB of memory while it "
            "runs; 80 MB where only the full Chromium is installed, without its headless shell."
        ),
    )
    refused_password_limit = models.PositiveIntegerField(
        _("times one refused password is submitted"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_(
            "Empty: twice. Most portals lock an account after 3 to 5 refused passwords, and some "
            "block our address after 10. Counted over attempts, jobs and retries, until the "
            "password is changed."
        ),
    )

    code_wait_seconds = models.PositiveIntegerField(
        _("wait for a one-time code (s)"),
        default=CODE_WAIT_SECONDS,
        db_default=CODE_WAIT_SECONDS,
        validators=[MaxValueValidator(900)],
        help_text=_(
            "How long an attempt waits at the page that asks for a code (by SMS, by e-mail), "
            "while the job's page and a notification ask you for it. 0: nobody is asked."
        ),
    )
    keeps_devices = models.BooleanField(
        _("stay a known device"),
        default=False,
        db_default=False,
        help_text=_(
            "What the browser remembers after a login (session and device cookies) is kept, "
            "encrypted, for each account and tried first. Fewer logins, and fewer codes. Only "
            "where the portal's terms allow it."
        ),
    )

    class Meta:
        verbose_name = _("portal")
        verbose_name_plural = _("portals")
        ordering = ["name"]
        default_permissions = ("view",)
        permissions = [("manage_portals", "Can add, change, test and delete portals")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and apply the concurrency to the portal's rate limit, also for running jobs."""
        super().save(*args, **kwargs)
        RateLimit.objects.filter(key=self.rate_limit_key).update(concurrency=self.concurrency)

    @property
    def password_limit(self) -> int:
        """How often a refused password may be submitted, over all attempts and jobs."""
        return self.refused_password_limit or REFUSED_PASSWORD_LIMIT

    @property
    def rate_limit_key(self) -> str:
        """The name of the row at which this portal's limits hold."""
        return f"portal:{self.pk}"

    def clean(self) -> None:
        """Raises ValidationError that names the field, for a recipe the part of it as well."""
        errors: dict[str, list[str]] = {}
        for field in ("login_url", "billing_url"):
            errors[field] = _faults_of_url(getattr(self, field))
        errors["recipe"] = _faults_of_recipe(self.recipe)
        errors["script"] = _faults_of_script(self.script)
        found = {field: texts for field, texts in errors.items() if texts}
        if found:
            raise ValidationError(found)

    def read_recipe(self) -> Recipe:
        """The recipe as the browser side wants it. Raises RecipeError."""
        return load_recipe(self.recipe)


def _faults_of_url(url: str) -> list[str]:
    try:
        check_url(url, allow_private=settings.ALLOW_PRIVATE_ADDRESSES)
    except BadAddress as refusal:
        return [str(refusal)]
    return []


def _faults_of_recipe(recipe: object) -> list[str]:
    if recipe in (None, "", {}):
        return []
    if not isinstance(recipe, dict):
        return [str(_("The recipe is a JSON object: { … }."))]
    try:
        load_recipe(recipe)
    except RecipeError as refusal:
        return [f"{field}: {sentence}" for field, sentence in refusal.errors]
    return []


def _faults_of_script(name: str) -> list[str]:
    if not name:
        return []
    from bills.portals.scripts import portal_names

    known = portal_names()
    if name in known:
        return []
    names = ", ".join(known) or str(_("there is none yet"))
    return [str(_("There is no script of this name. Known: %(known)s.") % {"known": names})]


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


class Recording(models.Model):
    """One recording of a portal: a script that was pasted, or a worker's browser that is driven.

    A pasted script has no `credential` and has ended when it is stored. A browser stays open until
    somebody ends the recording, nobody has looked at it for a while (`seen_at`), or nobody has
    done anything in time (`until`). `view` is what its page shows now, without the picture.
    `recipe`, `login_url`, `billing_url` and `notes` are the result; the portal's form opens with
    it.
    """

    portal = models.ForeignKey(Portal, models.CASCADE, null=True, related_name="recordings")
    credential = models.ForeignKey("bills.Credential", models.CASCADE, null=True)
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
