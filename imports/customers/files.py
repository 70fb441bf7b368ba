"""Customer files and the ledger: checked when added, cut into batches when the job is started."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from django.db.models import Count

from imports.customers.already import is_at_home
from imports.customers.cutting import Reader
from imports.customers.id_register import IdRegister
from imports.customers.reading import FileVerdict, check_file, read_records
from imports.customers.remarks import MOST_SENTENCES
from imports.customers.setup import checks_of
from imports.customers.unreadable import UnreadableFile
from imports.event_codes import EventCode
from imports.ledger.intake import Intake, one_at_a_time
from imports.ledger.moves import note
from imports.ledger.rounds import GO_OUT
from imports.messages import marked as gettext_noop
from imports.messages import sentence, to_json
from imports.models import ImportJob, ImportResult
from imports.models.files import FileStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imports.customers.checks import Checks
    from imports.models import ImportFile

# Files up to this size are read again to find ids they share with a new one.
REREAD_BYTES = 64 << 20
TWICE = sentence(
    "NAMED_TWICE",
    gettext_noop(
        "{n} customers are named more than once. Each copy goes out after the one before it has "
        "ended."
    ),
)
COPIES_OUT = sentence(
    "COPIES_LEFT_OUT",
    gettext_noop("{n} earlier copies of customers are left out, as was chosen."),
)
ELSEWHERE = sentence(
    "GO_ELSEWHERE",
    gettext_noop(
        "{n} records go to another API, {api}, in job {job}. Here they still count as failed."
    ),
)


def check(file: ImportFile, register: IdRegister | None = None) -> None:
    """Read a file of a draft through once and set its verdict. The caller saves it.

    `register` knows the ids of the files before; without one the draft's own are read again.
    """
    job = file.job
    if job.api is None:
        raise TypeError("only customer imports have customer files")
    checks = checks_of(job.api)
    if register is None:
        register = _register(job, checks)
    try:
        verdict = check_file(file.location, file.name, checks, register)
    except UnreadableFile as error:
        file.status, file.message = FileStatus.INVALID, error.message
        file.size = file.location.stat().st_size if file.location.is_file() else 0
        return
    _set(file, verdict)


def _set(file: ImportFile, verdict: FileVerdict) -> None:
    file.status, file.message = FileStatus.VALID, verdict.summary()
    file.size, file.sha256 = verdict.size, verdict.sha256
    file.record_count, file.excluded_count = verdict.records, verdict.refused
    file.duplicate_count = verdict.duplicated
    file.warnings = list(map(to_json, [*verdict.warnings, *verdict.duplicates][:MOST_SENTENCES]))
    file.refusals = [
        {"code": each.code, "message": to_json(each.message)} for each in verdict.refusals
    ]


def _register(job: ImportJob, checks: Checks) -> IdRegister:
    """The ids of the draft's other files, where they are small enough to read again."""
    register = IdRegister()
    others = list(job.files.filter(status=FileStatus.VALID))
    if sum(file.size for file in others) <= REREAD_BYTES:
        for file in others:
            try:
                for record in read_records(file.location, file.name, checks):
                    if record.key and not record.refusal:
                        register.add(record.key, file.name, record.position)
            except UnreadableFile:
                continue  # it has changed or gone since: starting the job says so
    return register


def read(job: ImportJob) -> None:
    """Cut all files of a queued job into batches. Raises UnreadableInput, and nothing is kept."""
    if job.api is None:
        raise TypeError("only customer imports have customer files")
    intake = Intake(job)
    reader = Reader(job, checks_of(job.api), intake)
    files = list(job.files.select_related("retry_file__job").order_by("pk"))
    one_at_a_time(f"{job.api_id} {file.sha256}" for file in files)
    reader.read(files, lambda file: None)
    intake.finish()
    _tell_sources(job, files)
    twice = reader.remarks.duplicated
    if twice:
        note(job, EventCode.DUPLICATES, TWICE.format(n=twice))
    if reader.remarks.left_out_copies:
        note(job, EventCode.DUPLICATES, COPIES_OUT.format(n=reader.remarks.left_out_copies))


def _tell_sources(job: ImportJob, files: Sequence[ImportFile]) -> None:
    """Let the logs of the jobs that retry files came from tell where their records went."""
    loaded = [file for file in files if file.retry_file]
    if not loaded or job.api is None:
        return
    taken = ImportResult.objects.filter(job=job, retry_of__isnull=False).order_by()
    for source, count in taken.values_list("retry_of__job").annotate(n=Count("pk")):
        out = GO_OUT.format(n=count, job=job.pk)
        note(ImportJob.objects.get(pk=source), EventCode.RETRIED, out)
    elsewhere: Counter[int] = Counter()
    for file in loaded:
        if file.retry_file and not is_at_home(file, job):
            elsewhere[file.retry_file.job_id] += file.record_count
    for source, count in elsewhere.items():
        said = ELSEWHERE.format(n=count, api=job.api.name, job=job.pk)
        note(ImportJob.objects.get(pk=source), EventCode.SENT_ELSEWHERE, said)
