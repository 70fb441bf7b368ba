"""The Settings tab: how hard the API is pressed, and how often a batch is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.forms import TypedChoiceField
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports.admin import permissions
from imports.admin.forms import JobSettingsForm
from imports.admin.job import files, page, progress
from imports.admin.job.page import to_tab
from imports.customers import drafts
from imports.customers.api.presets import SPEEDS
from imports.ledger import known_before
from imports.ledger.lifecycle import NotAllowed, note
from imports.messages import Message, sentence
from imports.messages import marked as gettext_noop
from imports.models.jobs import NAMES
from imports.states import EventCode, JobStatus

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from imports.models import ImportJob

SET = sentence("SETTINGS_SET", "{changes}")
FIELD_SET = sentence("SETTING_SET", "{field}: {setting}")
# As the log names them: the same words as the form's.
SETTING_NAMES = {
    **{name: sentence(f"SETTING_{name.upper()}", text) for name, text in NAMES.items()},
    "api": sentence("SETTING_API", gettext_noop("API")),
    "rollout": sentence("SETTING_ROLLOUT", gettext_noop("rollout")),
    "force": sentence("SETTING_FORCE", gettext_noop("send records that were already imported")),
    "leave_earlier_copies_out": sentence("SETTING_COPIES", gettext_noop("leave duplicates out")),
}
EDITABLE = (JobStatus.DRAFT, JobStatus.PAUSED)


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """The form, filled in, and the speeds to choose from."""
    return _context(request, job, JobSettingsForm(instance=job))


def _context(request: HttpRequest, job: ImportJob, form: JobSettingsForm) -> dict[str, Any]:
    words = page.of(job.kind)
    _call_by(words, form)
    return {
        "form": form,
        "speeds": SPEEDS,
        "is_cut": job.batches.exists(),
        "can_edit": job.status in EDITABLE and permissions.may(request, permissions.CHANGE),
        "can_start": job.status == JobStatus.DRAFT
        and (job.batches.exists() or job.files.exists())
        and permissions.may(request, permissions.START),
        "workload": words.workload(job),
        "known_before": known_before.of_files(files.notes_of(job)),
    }


def _call_by(words: page.JobPage, form: JobSettingsForm) -> None:
    """Let the fields be called what the job's kind calls them."""
    for name, field in words.field_words.items():
        if (shown := form.fields.get(name)) is None:
            continue
        shown.label = field.label or shown.label
        shown.help_text = field.help_text or shown.help_text
        if isinstance(shown, TypedChoiceField):
            choices: Any = shown.choices
            shown.choices = [(key, field.choices.get(key, text)) for key, text in choices]


def save(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Keep the settings of a draft, or the pace of a paused job."""
    refused = _save(request, job)
    if refused:
        return refused
    messages.success(request, _("The settings are saved."))
    return to_tab(job, "settings")


def start(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Start a draft with what is written in the form, saved or not."""
    permissions.require(request, permissions.CHANGE)
    return _save(request, job) or progress.start(request, job)


def _save(request: HttpRequest, job: ImportJob) -> HttpResponse | None:
    """Keep what is written; the page with what is wrong where it cannot be kept."""
    if job.status not in EDITABLE:
        raise NotAllowed(
            _("Settings can be changed while a job is a draft or paused. Pause it first.")
        )
    form = JobSettingsForm(_data(request), instance=job)
    if form.is_valid():
        _keep(job, form, permissions.actor(request))
        return None
    job.refresh_from_db(fields=list(form.fields))
    shown = page.page_context(request, job, TAB) | _context(request, job, form)
    return render(request, TAB.template, shown, status=422)


def _data(request: HttpRequest) -> Any:
    """What was filled in; a speed's button says more than the fields."""
    data = request.POST.copy()
    speed = SPEEDS.get(data.get("speed", ""))
    if speed:
        for name in ("batch_size", "concurrency", "delay_seconds", "max_attempts"):
            data[name] = str(getattr(speed, name))
    return data


def _keep(job: ImportJob, form: JobSettingsForm, actor: str) -> None:
    changed = [name for name in form.changed_data if name in form.fields]
    job = form.save(commit=False)
    if "api" in changed and job.api is not None:
        drafts.use_api(job, job.api)
    job.save(update_fields=[*form.fields, "rate_limit", "repeatable"])
    if "api" in changed:
        drafts.recognise_files(job)
    if changed:
        note(job, EventCode.SETTINGS_CHANGED, _changes(form, changed), actor)


def _changes(form: JobSettingsForm, changed: list[str]) -> Message:
    """Each field's new value, as the log keeps it."""
    changes = []
    for name in changed:
        value = form.cleaned_data[name]
        plain = value if isinstance(value, int | float) else str(value)
        changes.append(FIELD_SET.format(field=SETTING_NAMES[name], setting=plain))
    return SET.format(changes=tuple(changes))


TAB = page.Tab(
    slug="settings",
    label=gettext_lazy("Settings"),
    icon="tune",
    template="imports/job/settings.html",
    context=context,
    acts={
        "save": page.Action(save, permissions.CHANGE),
        "start": page.Action(start, permissions.START),
    },
)
