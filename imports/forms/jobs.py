"""Forms of a job: a new one, and its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from imports.models import CustomerApi, ImportJob
from imports.states import JobStatus

if TYPE_CHECKING:
    from django.db.models import QuerySet

    JobModelForm = forms.ModelForm[ImportJob]
else:
    JobModelForm = forms.ModelForm

SECRETS = ("secret", "client_secret", "extra_headers")  # never read where they are not used
PACE = ("concurrency", "delay_seconds", "max_attempts")  # what a paused job may change


def apis() -> QuerySet[CustomerApi]:
    """The APIs to choose from, with their secrets left where they are."""
    return CustomerApi.objects.defer(*SECRETS)


class NewImportForm(forms.Form):
    """A draft needs a name and an API; all else is chosen on its own tabs."""

    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("What you will look for later. Left empty, it is named after today."),
    )
    api = forms.ModelChoiceField(
        label=_("API"),
        queryset=CustomerApi.objects.none(),
        empty_label=None,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Where the customers are sent, and how fast unless you change it."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["api"].queryset = apis()  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        today = timezone.localdate().isoformat()
        return name or str(_("Customers of %(day)s") % {"day": today})


class JobSettingsForm(JobModelForm):
    """The operator's settings of one job. Only those that still change something are in it."""

    class Meta:
        model = ImportJob
        fields = (
            "api", "batch_size", "concurrency", "delay_seconds", "timeout_seconds", "max_attempts",
            "retry_delay_seconds", "beginning", "insists", "leave_earlier_copies_out",
        )  # fmt: skip
        widgets = {
            "api": UnfoldAdminSelectWidget,
            "batch_size": UnfoldAdminIntegerFieldWidget,
            "concurrency": UnfoldAdminIntegerFieldWidget,
            "delay_seconds": UnfoldAdminDecimalFieldWidget,
            "timeout_seconds": UnfoldAdminDecimalFieldWidget,
            "max_attempts": UnfoldAdminIntegerFieldWidget,
            "retry_delay_seconds": UnfoldAdminDecimalFieldWidget,
            "beginning": UnfoldAdminSelectWidget,
            "insists": UnfoldBooleanWidget,
            "leave_earlier_copies_out": UnfoldBooleanWidget,
        }
        help_texts = {
            "api": _("Where it is sent, and as whom. Another credential is another API here."),
            "batch_size": _("How many go out in one request. A small one loses less if it fails."),
            "timeout_seconds": _("After that the answer counts as lost, whatever still drips in."),
            "retry_delay_seconds": _("Doubles with each attempt, with some chance in it."),
            "beginning": _(
                "One batch: it goes out, then the job waits until you have looked. Ramp up: each "
                "wave waits for the one before, and the job stops where a whole wave fails."
            ),
            "leave_earlier_copies_out": _(
                "Off: where the files name a customer several times, each copy goes out after the "
                "one before it has ended. On: only the last copy goes out; the others are left "
                "out, each with its reason."
            ),
            "insists": _(
                "Off: customers that were imported already, or in a newer version, are left out, "
                "each with its reason. On: they are sent once more."
            ),
        }  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "api" in self.fields:
            self.fields["api"].queryset = apis()  # type: ignore[attr-defined]
            self.fields["api"].empty_label = None  # type: ignore[attr-defined]
            self.fields["api"].required = True
        for name in self._settled():
            self.fields.pop(name, None)

    def _settled(self) -> set[str]:
        """What cannot be changed any more, or means nothing for this job."""
        job = self.instance
        settled = set()
        if job.status == JobStatus.PAUSED:
            settled |= set(self.fields) - set(PACE)
        if job.batches.exists():
            # The batches are cut, as the retry of what failed at this API.
            settled |= {"batch_size", "leave_earlier_copies_out", "api"}
        if not job.files.filter(Q(retry_file__isnull=False) | ~Q(known_before=[])).exists():
            settled.add("insists")
        if job.api_id is None:
            settled |= {"api", "leave_earlier_copies_out"}
        return settled
