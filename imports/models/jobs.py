"""A job with its pace and its log, the rate limit that its API or portal sets, and the sweeper's
heartbeat.
"""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import JSONField, Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from imports.fields import MessageField, OutsideTextField
from imports.messages import marked
from imports.states import EventCode, JobStatus

# As pages, forms and the log name them.
NAMES = {
    "batch_size": marked("records per batch"),
    "concurrency": marked("batches at once"),
    "delay_seconds": marked("delay between requests (s)"),
    "timeout_seconds": marked("time limit of one attempt (s)"),
    "max_attempts": marked("attempts"),
    "retry_delay_seconds": marked("wait before the next attempt (s)"),
}
LONGEST_SECONDS = 3600.0


class PaceSettings(models.Model):
    """How an API is sent to, and each job."""

    batch_size = models.PositiveIntegerField(
        _(NAMES["batch_size"]),
        default=70,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text=_("How many are sent in one request. If a small batch fails, less is affected."),
    )
    concurrency = models.PositiveIntegerField(
        _(NAMES["concurrency"]),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(200)],
        help_text=_("How many are in flight at once, over all workers."),
    )
    delay_seconds = models.FloatField(
        _(NAMES["delay_seconds"]),
        default=0.5,
        validators=[MinValueValidator(0.0), MaxValueValidator(LONGEST_SECONDS)],
        help_text=_("Between any two requests to this API, over all workers."),
    )
    timeout_seconds = models.FloatField(
        _(NAMES["timeout_seconds"]),
        default=30.0,
        validators=[MinValueValidator(0.1), MaxValueValidator(LONGEST_SECONDS)],
        help_text=_("After this time the answer counts as lost, even if part of it has arrived."),
    )
    max_attempts = models.PositiveIntegerField(
        _(NAMES["max_attempts"]),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Attempts for each batch in total, including the first."),
    )
    retry_delay_seconds = models.FloatField(
        _(NAMES["retry_delay_seconds"]),
        default=2.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(LONGEST_SECONDS)],
        help_text=_("Doubles with each attempt, varied at random so that retries spread out."),
    )

    class Meta:
        abstract = True


class RateLimit(models.Model):
    """One row per API or portal. Claims lock it, so limits hold across workers and hosts."""

    key = models.TextField(unique=True)  # "customer_api:3"
    concurrency = models.PositiveIntegerField(default=5)  # in flight at once, over all its jobs
    next_slot_at = models.DateTimeField(null=True)  # the next try may start then (the delay)
    paused_until = models.DateTimeField(null=True)  # it said "not now"
    paused_reason = MessageField()
    # How often in a row it has said so, and since when: nothing else has come back meanwhile.
    not_now_count = models.PositiveIntegerField(default=0, db_default=0)
    not_now_since = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.key


class Rollout(models.TextChoices):
    """How much of a job goes out at first."""

    ALL = "all", _("Everything at once")
    ONE = "one", _("One batch, then ask me")
    RAMP = "ramp", _("Ramp up: 1, 5, 50, then all")  # stops itself if a whole stage fails


class ImportJob(PaceSettings):
    """One piece of bulk work that a person started.

    Its settings are copied from the API or portal; the operator may change them before it starts.
    """

    kind = models.CharField(max_length=20)
    name = models.CharField(_("name"), max_length=200)
    status = models.CharField(
        _("status"),
        max_length=20,
        choices=JobStatus,
        default=JobStatus.DRAFT,
        db_default=JobStatus.DRAFT,
    )
    rate_limit = models.ForeignKey(RateLimit, models.PROTECT, related_name="jobs")
    api = models.ForeignKey(
        "imports.CustomerApi",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="jobs",
        verbose_name=_("API"),
    )

    rollout = models.CharField(
        _("rollout"), max_length=10, choices=Rollout, default=Rollout.ALL, db_default=Rollout.ALL
    )

    # Rollout: batches up to `stage_limit` may be sent; the others wait for a later stage.
    stage = models.PositiveIntegerField(default=0, db_default=0)  # the one that is out, from 1
    stage_limit = models.PositiveIntegerField(null=True, blank=True)  # None: all may leave

    # Retries: a retry is a job of its own, of just the failed records of `retry_of`.
    retry_of = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="retries",
        verbose_name=_("retry of"),
    )
    root = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="family_jobs"
    )
    # Of the retries of the first job: 1 is the first one, 0 the first job itself.
    retry_number = models.PositiveIntegerField(_("retry number"), default=0)
    reason = OutsideTextField(_("reason"), default="", blank=True)
    force = models.BooleanField(_("send records that were already imported"), default=False)

    leave_earlier_copies_out = models.BooleanField(
        _("leave duplicates out"), default=False, db_default=False
    )

    # A try whose end nobody saw may be made again: an idempotency key, or a mere log-in.
    repeatable = models.BooleanField(default=False)
    # Records of its checked files that are still to be cut into batches, while it runs already;
    # and how far it is: [which file, record, batch number]. Nothing, as a rule.
    uncut_count = models.PositiveIntegerField(default=0, db_default=0)
    cut_through = models.JSONField(null=True, blank=True)
    unsendable_count = models.PositiveIntegerField(default=0, db_default=0)  # excluded when read
    pause_code = models.CharField(max_length=60, default="", blank=True)
    pause_message = MessageField()
    # The failures in a row that have one cause (see ledger/stops.py); {} after a success.
    failing = models.JSONField(default=dict, db_default=Value({}, JSONField()), blank=True)
    halved_through = models.PositiveIntegerField(default=0, db_default=0)  # batch number
    retry_directory = models.TextField(default="", blank=True)
    # Its retry files could not be written: the system's name for why ("ENOSPC"), how many times,
    # and when it is tried again.
    retry_files_error = models.CharField(max_length=30, default="", db_default="", blank=True)
    retry_files_tries = models.PositiveIntegerField(default=0, db_default=0)
    retry_files_due_at = models.DateTimeField(null=True, blank=True)

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)  # its retry files are written

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=JobStatus.values), name="job_status_known"
            )
        ]
        indexes = [
            models.Index(
                fields=["status"],
                condition=Q(status__in=[JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.PAUSED]),
                name="job_active",
            ),
            models.Index(fields=["root"], name="job_root"),
            models.Index(
                fields=["retry_files_due_at"],
                condition=Q(retry_files_due_at__isnull=False),
                name="job_retry_files_due",
            ),
        ]
        permissions = [
            ("start_job", "Can start, pause, resume and cancel jobs"),
            ("retry_job", "Can retry failed records"),
            ("resolve_unknown", "Can decide what became of unknown records"),
            ("exclude_records", "Can exclude failed records"),
            ("see_evidence", "Can see answers and evidence of attempts"),
            ("export_records", "Can take records out: retry files, exports, ZIPs"),
            ("erase_person", "Can erase what is kept of a person"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def first(self) -> ImportJob:
        """The first job of the chain of retries that this one belongs to."""
        return self.root or self


class JobEvent(models.Model):
    """Something that happened to a job: who did what, when and why. Only ever added."""

    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="events")
    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=150, default="", blank=True)  # "" is Redrive itself
    code = models.CharField(_("event"), max_length=40, choices=EventCode)
    message = MessageField()
    reason = OutsideTextField(default="", blank=True)  # in the actor's own words

    class Meta:
        verbose_name = _("audit log entry")
        verbose_name_plural = _("audit log entries")
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.code} {self.message or ''} {self.reason}".strip()


class DryRun(models.Model):
    """The latest dry run of a draft. A new one replaces it."""

    job = models.OneToOneField(ImportJob, models.CASCADE, related_name="dry_run")
    actor = models.CharField(max_length=150, default="", blank=True)
    draft = models.CharField(max_length=64)  # a digest of what was checked: files and settings
    asked_at = models.DateTimeField(db_default=Now())
    token = models.UUIDField(null=True)  # whose it is
    alive_at = models.DateTimeField(null=True)  # whoever makes it gave its last sign of life then
    records = models.PositiveIntegerField(default=0)  # read so far
    finished_at = models.DateTimeField(null=True)
    trouble = MessageField()  # why it could not be made
    forecast = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"dry run of job {self.job_id}"


class Heartbeat(models.Model):
    """When a process last did its work, by the database's clock. One row for each name."""

    name = models.CharField(max_length=40, primary_key=True)  # "sweeper"
    at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
