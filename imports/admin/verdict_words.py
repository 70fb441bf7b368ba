"""What one try came to, in words."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from imports.policy import Verdict

FAILED = "failed"  # told of each record by itself, and each failed
VERDICTS = {
    Verdict.SUCCESS.value: _("Success"),
    Verdict.MIXED.value: _("Some of each"),
    Verdict.RETRY.value: _("Failed, may pass"),
    Verdict.REJECTED.value: _("Refused"),
    Verdict.UNKNOWN.value: _("Unknown"),
    Verdict.REPEATABLE.value: _("Lost, safe to repeat"),
    Verdict.DEFERRED.value: _("Asked to come later"),
    Verdict.PAUSE.value: _("Needs a person"),
    FAILED: _("Failed"),
    Verdict.SPLIT.value: _("Refused as a whole"),
}
