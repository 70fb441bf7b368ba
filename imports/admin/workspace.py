"""What a job's page is made of: its tabs, what may be done on each, and the words of its kind.

A kind of work registers one `Workspace`; the addresses follow from it: `…/importjob/ID/TAB/` for
a tab and `…/importjob/ID/TAB/ACT/` for what is done on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imports.admin.permissions import may

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from django.utils.functional import _StrOrPromise

    from imports.admin.sheets import Sheet
    from imports.ledger.sums import Sums
    from imports.models import ImportJob, ImportResult


@dataclass(frozen=True, slots=True)
class Act:
    """Something that is done on a tab. The permission is checked before `run` is called.

    Where `run` raises NotAllowed, the operator is told its text and sees the tab again.
    """

    run: Callable[[HttpRequest, ImportJob], HttpResponseBase]
    permission: str  # "imports.retry_job"
    methods: tuple[str, ...] = ("POST",)


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: what its template is given besides what every tab gets, and its acts by name.

    `count` is the small number beside its name; None shows none. `shown` hides a tab from jobs
    that it says nothing about.
    """

    slug: str
    label: _StrOrPromise
    icon: str  # a Material Symbol
    template: str  # extends "imports/job/page.html"
    context: Callable[[HttpRequest, ImportJob], dict[str, Any]]
    acts: Mapping[str, Act] = field(default_factory=dict)
    count: Callable[[ImportJob, Sums], int | None] = lambda job, sums: None
    shown: Callable[[ImportJob], bool] = lambda job: True


@dataclass(frozen=True, slots=True)
class FieldWords:
    """What a kind calls one of a job's settings, where that is not what the model calls it."""

    label: _StrOrPromise = ""
    help_text: _StrOrPromise = ""
    choices: Mapping[str, _StrOrPromise] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fix:
    """How a failed record is put right: what the button says, and where it leads, if anywhere."""

    label: _StrOrPromise
    permission: str
    url: Callable[[ImportResult], str | None]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A kind of work as the operator sees it.

    `records(n)` says "1,000 customers"; `done` what became of them ("imported"); `plan(job)` what
    Start will do, in one sentence. `add_url` names the address that makes a new draft, for those
    who have all of `add_permissions`. `sheet` is what an export says of some of a job's results.
    `subject` and `became` begin and end the sentence about one record: "Customer %(name)s", "was
    imported on %(day)s at %(time)s".
    """

    kind: str
    label: _StrOrPromise
    records: Callable[[int], str]
    done: _StrOrPromise
    subject: _StrOrPromise
    became: _StrOrPromise
    new_label: _StrOrPromise
    add_url: str
    add_permissions: tuple[str, ...]
    plan: Callable[[ImportJob], str]
    sheet: Callable[[ImportJob, QuerySet[ImportResult]], Sheet]
    tabs: tuple[Tab, ...]
    fix: Fix
    pace_title: _StrOrPromise  # above the settings
    retry_files_hold: _StrOrPromise  # what is in them, and what they are for
    field_words: Mapping[str, FieldWords] = field(default_factory=dict)
    # Each result's own additions to the JSON views, by its id.
    json_of: Callable[[list[ImportResult]], dict[int, dict[str, object]]] = lambda results: {}

    def tab(self, slug: str) -> Tab | None:
        """The tab of that name, if this kind has it."""
        return next((tab for tab in self.tabs if tab.slug == slug), None)


_workspaces: dict[str, Workspace] = {}


def way_to_fix(request: HttpRequest, result: ImportResult) -> dict[str, Any] | None:
    """The button that puts this record right: its label and address; None where there is none."""
    fix = of(result.job.kind).fix
    url = fix.url(result) if may(request, fix.permission) else None
    return {"label": fix.label, "url": url} if url else None


def register(workspace: Workspace) -> None:
    """Called when an app's admin is imported: before addresses are made."""
    _workspaces[workspace.kind] = workspace


def of(kind: str) -> Workspace:
    """A kind's workspace. Raises KeyError for a kind without one."""
    return _workspaces[kind]


def every() -> list[Workspace]:
    """All workspaces, as they were registered."""
    return list(_workspaces.values())


def slugs() -> list[str]:
    """The names of all kinds' tabs, each once."""
    return sorted({tab.slug for workspace in every() for tab in workspace.tabs})
