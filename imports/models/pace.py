"""The six settings of how fast batches are sent and how often they are tried.

An API has them, and each of its jobs has its own copy.
"""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from imports.messages import marked

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
