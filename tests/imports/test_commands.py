"""The commands of the contract: their JSON, their exit codes, their words."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands

from config.dev.sandbox import samples
from imports import commands
from imports.customers.api.auth import basic_value
from imports.engine import queue, runner, sweeper
from imports.ledger import bulk_actions, lifecycle
from imports.ledger.totals import job_totals
from imports.models import BulkAction, CustomerApi, ImportJob
from imports.policy import Verdict
from tests.imports.command_line import command
from tests.imports.customers.scripted_server import Server, reply
from tests.jobs import LOST, OK, REFUSED, answer, keys, mixed

if TYPE_CHECKING:
    from config.dev.sandbox.customer_api import SandboxApi
    from tests.jobs import JobMaker

JOB_FIELDS = [
    "job", "kind", "name", "status", "retry_of", "total", "success", "error", "unknown",
    "excluded", "pending", "batches", "attempts", "retry_directory", "started_at", "finished_at",
    "left_out", "retry_files_error",
]  # fmt: skip
TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def a_worker(monkeypatch: pytest.MonkeyPatch, messages: Any) -> None:
    """Run every started job whenever a command would sleep, as a worker does."""
    monkeypatch.setattr(commands, "time", SimpleNamespace(sleep=lambda _: run_started_jobs()))
    monkeypatch.setattr(queue, "worker_count", lambda: 1)


def run_started_jobs() -> None:
    for pk in list(ImportJob.objects.exclude(status="draft").values_list("pk", flat=True)):
        queue.run_job(pk)


def test_every_command_of_ours_has_a_test() -> None:
    ours = {name for name, app in get_commands().items() if app in ("imports", "bills")}
    tested = "\n".join(
        path.read_text() for path in TESTS.rglob("*.py") if path.name.startswith("test_")
    )
    called = set(re.findall(r"""(?:command\(|"manage\.py",)\s*["']([a-z_]+)["']""", tested))
    assert not ours - called, f"commands without a test: {sorted(ours - called)}"


def test_importing_files_that_all_succeed_exits_0_and_prints_the_job_as_json(
    make_job: JobMaker, a_worker: None, sandbox: SandboxApi
) -> None:
    said = command("import_customers", *make_job.files(7), "--api", "sandbox", "--wait", "--json")
    assert said.code == 0
    assert list(said.job) == JOB_FIELDS
    assert said.job["batches"] == {"total": 3, "done": 3, "failed": 0, "unknown": 0, "pending": 0}
    numbers = {name: said.job[name] for name in ("status", "total", "success", "error", "pending")}
    assert numbers == {"status": "finished", "total": 7, "success": 7, "error": 0, "pending": 0}
    assert not sandbox.account.difference(samples.customer_id(n) for n in range(7))


def test_importing_with_failures_exits_1_and_names_the_retry_directory(
    make_job: JobMaker, a_worker: None, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"customer_id": "50000001001"}, "fault": "result_error"})
    files = make_job.files(6)
    said = command("import_customers", *files, "--api", "sandbox", "--wait", "--json")
    assert (said.code, said.job["error"]) == (1, 1)
    assert (Path(said.job["retry_directory"]) / "retry_summary.json").exists()


def test_the_whole_story_on_the_command_line(
    make_job: JobMaker, a_worker: None, sandbox: SandboxApi
) -> None:
    """Import, three fail, the cause is removed, retry by number and by directory."""
    bad = [samples.customer_id(n) for n in (1, 4, 5)]
    sandbox.order({"match": {"customer_id": bad[:2]}, "fault": "result_error"})
    sandbox.order({"match": {"customer_id": bad[2]}, "fault": "result_conflict"})
    files = make_job.files(9)
    first = command("import_customers", *files, "--api", "sandbox", "--wait", "--json")
    assert first.code == 1
    sandbox.repair()
    retried = command("retry_failed", first.job["job"], "--wait", "--json")
    assert (retried.code, retried.job["retry_of"]) == (0, first.job["job"])
    assert (retried.job["total"], retried.job["success"]) == (3, 3)
    again = command(
        "import_customers", first.job["retry_directory"], "--api", "sandbox", "--wait", "--json"
    )
    assert (again.code, again.job["excluded"], again.job["success"]) == (0, 3, 0)
    assert not sandbox.account.difference(samples.customer_id(n) for n in range(9))
    forced = command(
        "import_customers", first.job["retry_directory"], "--api", "sandbox", "--force",
        "--wait", "--json",
    )  # fmt: skip
    assert forced.job["excluded"] == 0
    assert set(sandbox.account.sent_again) == set(bad)


def test_without_wait_a_command_returns_at_once_and_says_where_the_job_stands(
    make_job: JobMaker, messages: Any
) -> None:
    said = command("import_customers", *make_job.files(3), "--api", "sandbox", "--json")
    assert (said.code, said.job["status"]) == (0, "queued")


def test_unknown_records_make_the_exit_code_1(
    make_job: JobMaker, a_worker: None, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"request_number": 1}, "fault": "reset_after_effect"})
    said = command("import_customers", *make_job.files(3), "--api", "sandbox", "--wait")
    assert said.code == 1
    assert "3 unknown" in said.out
    assert "Look the unknown ones up" in said.out


def test_a_job_that_pauses_is_reported_and_no_longer_waited_for(
    make_job: JobMaker, a_worker: None
) -> None:
    make_job.api.secret = "wrong"
    make_job.api.save()
    said = command("import_customers", *make_job.files(3), "--api", "sandbox", "--wait")
    assert said.code == 1
    assert "Paused" in said.err
    assert "HTTP 401" in said.out
    assert "Resume it in the admin" in said.err


def test_wait_says_so_when_no_worker_is_listening(
    make_job: JobMaker, a_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "worker_count", lambda: 0)
    said = command("import_customers", *make_job.files(3), "--api", "sandbox", "--wait", "--json")
    assert "No worker is running" in said.err
    assert said.job["success"] == 3


def test_waiting_sweeps_where_nothing_moves(
    make_job: JobMaker, messages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(sweeper, "sweep", run_started_jobs)
    said = command("import_customers", *make_job.files(3), "--api", "sandbox", "--wait", "--json")
    assert said.job["success"] == 3


def test_the_progress_bar_is_on_standard_error(
    make_job: JobMaker, a_worker: None, capfd: pytest.CaptureFixture[str]
) -> None:
    call_command(
        "import_customers", *map(str, make_job.files(3)), "--api", "sandbox", "--wait", "--json"
    )
    out, err = capfd.readouterr()
    assert json.loads(out)["success"] == 3
    assert "records" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["import_customers", "/no/such/file.json", "--api", "sandbox"], "no such file"),
        (["import_customers", "x.json", "--api", "nowhere"], "There is no API 'nowhere'"),
        (["import_customers"], "required"),
        (["retry_failed", "999999"], "There is no job 999999"),
        (["retry_files", "999999"], "There is no job 999999"),
        (["job_status", "999999"], "There is no job 999999"),
        (["customer_api", "new"], "url"),
        (["customer_api", "sandbox", "--url", "file:///etc/passwd"], "url"),
        (["customer_api", "sandbox", "--preset", "nobody"], "preset"),
        (["customer_api", "sandbox", "--auth", "magic"], "auth"),
        (["customer_api", "sandbox", "--secret-env", "NOT_SET"], "NOT_SET is not set"),
        (["customer_api", "sandbox", "--mapping", "/no/such.json"], "cannot be read"),
        (["customer_api", "sandbox", "--header", "no colon"], "Name: value"),
        (["customer_api", "sandbox", "--batch-size", "0"], "batch_size"),
        (["customer_api", "sandbox", "--batch-size", "5000"], "at most 100"),
        (["customer_api", "sandbox", "--header", "Host: x"], "set by Redrive itself"),
        (["customer_api", "sandbox", "--idempotency-header", "Content-Length"], "itself"),
        (["customer_api", "sandbox", "--ca-file", "/no/such.pem"], "cannot be read"),
    ],
)
def test_bad_usage_or_input_exits_2_and_says_what_is_wrong(
    arguments: list[str], complaint: str, api: CustomerApi
) -> None:
    said = command(arguments[0], *arguments[1:])
    assert (said.code, said.out) == (2 if arguments[1:] else 1, "")
    assert complaint.lower() in said.err.lower()


@pytest.mark.parametrize(
    ("mapping", "preset"),
    [
        ({"record": {"id": ["id"]}, "proof": "status", "results": []}, "plain"),
        ({"request": {"max_records": 10}}, "gk"),
    ],
)
def test_a_mapping_that_says_all_by_itself_inherits_nothing_of_gk(
    mapping: dict[str, Any], preset: str, db: None, tmp_path: Path
) -> None:
    file = tmp_path / "mapping.json"
    file.write_text(json.dumps(mapping))
    given = ("--url", "http://127.0.0.1:9/", "--auth", "none", "--batch-size", "10")
    said = command("customer_api", "own", *given, "--mapping", file)
    assert said.code == 0
    assert CustomerApi.objects.get(name="own").preset == preset
    is_warned = "refusal_stored_nothing" in said.err
    assert is_warned is (preset == "plain")


def test_one_bad_file_and_nothing_is_imported(make_job: JobMaker, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"data": [{]}')
    said = command("import_customers", *make_job.files(3), bad, "--api", "sandbox", "--json")
    assert (said.code, said.out) == (2, "")
    assert "bad.json" in said.err
    assert "Nothing was imported" in said.err
    assert ImportJob.objects.count() == 0


def test_records_that_cannot_be_sent_are_named_and_the_others_imported(
    make_job: JobMaker, a_worker: None, tmp_path: Path
) -> None:
    path = tmp_path / "one_bad.json"
    path.write_text(
        json.dumps({"data": [samples.customer(0), {"person": {}}, samples.customer(1)]})
    )
    said = command("import_customers", path, "--api", "sandbox", "--wait", "--json")
    assert (said.code, said.job["excluded"], said.job["success"]) == (1, 1, 2)
    assert "one_bad.json, record 2" in said.err
    (left_out,) = Path(said.job["retry_directory"]).glob("left_out_batch_*.json")
    assert json.loads(left_out.read_bytes()) == {"data": [{"person": {}}]}


def test_a_job_of_which_nothing_could_be_sent_has_not_succeeded(
    make_job: JobMaker, a_worker: None, tmp_path: Path
) -> None:
    path = tmp_path / "all_bad.json"
    path.write_text(json.dumps({"data": [{"person": {}}, {"person": {}}]}))
    said = command("import_customers", path, "--api", "sandbox", "--wait", "--json")
    assert (said.code, said.job["left_out"], said.job["status"]) == (1, 2, "finished")
    assert command("job_status", said.job["job"]).code == 1


def test_records_that_were_imported_meanwhile_are_no_failure(
    make_job: JobMaker, a_worker: None, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"request_number": 1}, "fault": "result_error"})
    (path,) = make_job.files(3)
    first = command("import_customers", path, "--api", "sandbox", "--wait", "--json").job
    directory = first["retry_directory"]
    assert command("import_customers", directory, "--api", "sandbox", "--wait").code == 0
    again = command("import_customers", directory, "--api", "sandbox", "--wait", "--json")
    assert (again.code, again.job["excluded"], again.job["left_out"]) == (0, 3, 0)


def test_records_that_were_left_out_and_may_not_be_imported_have_not_succeeded(
    make_job: JobMaker, a_worker: None, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"request_number": 1}, "fault": "reset_after_effect"})
    (path,) = make_job.files(3)
    first = command("import_customers", path, "--api", "sandbox", "--wait", "--json")
    assert (first.code, first.job["unknown"]) == (1, 3)
    again = command("import_customers", path, "--api", "sandbox", "--wait", "--json")
    assert (again.code, again.job["excluded"], again.job["left_out"]) == (1, 3, 0)
    assert command("job_status", again.job["job"]).code == 1


def test_a_directory_and_a_name(make_job: JobMaker, a_worker: None) -> None:
    folder = make_job.files(3)[0].parent
    said = command(
        "import_customers", folder, "--api", "sandbox", "--name", "March", "--wait", "--json"
    )
    assert (said.code, said.job["name"], said.job["total"]) == (0, "March", 3)
    assert (
        command("import_customers", folder, "--api", "sandbox", "--json").job["name"]
        == folder.name
    )


def test_a_file_that_changed_after_it_was_checked_exits_2(
    make_job: JobMaker, a_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = make_job.files(3)
    real = lifecycle.start

    def change_then_start(job: ImportJob, actor: str = "", rollout: str = "") -> None:
        files[0].write_text('{"data": []}')
        real(job, actor, rollout)

    monkeypatch.setattr("imports.commands.start", change_then_start)
    said = command("import_customers", *files, "--api", "sandbox", "--wait")
    assert said.code == 2
    assert "Refused, and nothing of it is kept" in said.out


def test_a_retry_with_nothing_to_retry_exits_2(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, OK)
    said = command("retry_failed", job.pk)
    assert said.code == 2
    assert "No failed records" in said.err


def test_a_retry_says_how_many_are_being_retried(make_job: JobMaker, messages: Any) -> None:
    job = make_job(6)
    answer(job, REFUSED)
    command("retry_failed", job.pk)
    answer(job, REFUSED)
    said = command("retry_failed", job.pk, "--json")
    assert "3 failed records are already being retried" in said.err
    assert said.job["total"] == 3


def test_retry_files_are_rewritten_on_demand_where_one_says(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    said = command("retry_files", job.pk, "--output", tmp_path / "new", "--json")
    assert (said.code, list(said.job)) == (0, JOB_FIELDS)
    directory = Path(said.job["retry_directory"])
    assert directory.parent == tmp_path / "new"
    assert (directory / "retry_batch_01_failed.json").exists()
    assert (
        command("retry_files", job.pk, "--output", tmp_path).out.strip().startswith(str(tmp_path))
    )


def test_retry_files_of_a_job_without_failures_say_so(make_job: JobMaker, tmp_path: Path) -> None:
    job = make_job(3)
    answer(job, OK)
    said = command("retry_files", job.pk, "--output", tmp_path)
    assert (said.code, "nothing was written" in said.out) == (0, True)
    assert (
        command("retry_files", job.pk, "--output", tmp_path, "--json").job["retry_directory"]
        is None
    )


def test_retry_files_that_cannot_be_written_exit_2(make_job: JobMaker, tmp_path: Path) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    (tmp_path / "file").write_text("")
    said = command("retry_files", job.pk, "--output", tmp_path / "file")
    assert said.code == 2
    assert "--output" in said.err


def test_the_status_of_a_job_is_its_exit_code_once_it_has_ended(make_job: JobMaker) -> None:
    good, bad, unknown = make_job(3), make_job(3), make_job(3)
    assert command("job_status", good.pk).code == 0  # it still runs
    for job, outcome in ((good, OK), (bad, REFUSED), (unknown, LOST)):
        answer(job, outcome)
        lifecycle.finish_if_done([job.pk])
    codes = [command("job_status", job.pk, "--json").code for job in (good, bad, unknown)]
    assert codes == [0, 1, 1]
    assert list(command("job_status", bad.pk, "--json").job) == JOB_FIELDS
    cancelled = make_job(3)
    lifecycle.cancel(cancelled)
    assert command("job_status", cancelled.pk).code == 1


def test_watching_a_job_lasts_until_it_has_ended(make_job: JobMaker, a_worker: None) -> None:
    job = make_job.queued(6)
    said = command("job_status", job.pk, "--watch", "--json")
    assert (said.code, said.job["status"], said.job["success"]) == (0, "finished", 6)


def test_a_person_reads_totals_that_add_up_and_what_to_do_next(make_job: JobMaker) -> None:
    job = make_job(6)
    answer(job, OK, REFUSED)
    lifecycle.finish_if_done([job.pk])
    said = command("job_status", job.pk)
    assert "6 records = 3 succeeded + 3 failed + 0 unknown + 0 excluded + 0 pending" in said.out
    assert f"python manage.py retry_failed {job.pk} --wait" in said.out


def test_an_api_is_created_and_changed_and_its_secret_comes_from_the_environment(
    db: None, installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GK_TOKEN", "canary-token-1")
    url = "http://127.0.0.1:9/customers"
    made = command(
        "customer_api", "gk", "--url", url, "--secret-env", "GK_TOKEN", "--batch-size", 70,
        "--concurrency", 2, "--delay", 0.5, "--timeout", 20, "--max-attempts", 4,
        "--retry-delay", 3,
        "--idempotency-header", "Idempotency-Key", "--header", "GK-Passport: p1",
    )  # fmt: skip
    assert (made.code, made.out.strip()) == (0, "Created the API gk.")
    api = CustomerApi.objects.get(name="gk")
    assert (api.url, api.secret, api.batch_size, api.concurrency) == (url, "canary-token-1", 70, 2)
    assert (api.delay_seconds, api.timeout_seconds) == (0.5, 20.0)
    assert (api.max_attempts, api.retry_delay_seconds) == (4, 3.0)
    assert json.loads(api.extra_headers) == {"GK-Passport": "p1"}
    changed = command("customer_api", "gk", "--concurrency", 5)
    api.refresh_from_db()
    assert (changed.out.strip(), api.concurrency, api.batch_size) == ("Changed the API gk.", 5, 70)
    assert "canary" not in made.out + made.err + changed.out + changed.err


def test_an_api_that_is_refused_is_left_as_it_was(api: CustomerApi) -> None:
    said = command("customer_api", "sandbox", "--concurrency", 9, "--auth", "oauth2-password")
    assert said.code == 2
    assert "token_url" in said.err
    api.refresh_from_db()
    assert (api.concurrency, api.auth) == (4, "bearer")


def test_client_credentials_from_the_command_get_a_token_with_scope_and_audience(
    db: None, installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "s3cret-of-the-client")
    given = reply(200, {"access_token": "token-1", "expires_in": 3600})
    with Server(given) as issuer, Server(reply(201, {"data": []})) as server:
        made = command(
            "customer_api", "cc", "--url", server.url, "--auth", "oauth2-client", "--client-id",
            "cl", "--secret-env", "CC", "--token-url", issuer.url, "--scope", "a b", "--audience",
            "aud", "--test",
        )  # fmt: skip
    assert made.code == 0
    assert issuer.received[0].body == b"grant_type=client_credentials&scope=a+b&audience=aud"
    sent = basic_value("cl", "s3cret-of-the-client")
    assert issuer.received[0].headers["authorization"] == sent
    assert "s3cret" not in made.out + made.err


def test_a_test_that_proves_only_a_part_is_no_success(
    api: CustomerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_TOKEN", "token")
    with Server(reply(204)) as server:
        said = command(
            "customer_api",
            "sandbox",
            "--url",
            server.url,
            "--preset",
            "hubspot",
            "--test",
            "--secret-env",
            "A_TOKEN",
        )
    assert said.code == 1
    assert "not known until the first batch" in said.out
    assert "Connected" not in said.out


def test_an_api_is_shown_with_its_whole_mapping_as_it_was_written_and_no_secret(
    api: CustomerApi, tmp_path: Path
) -> None:
    written = '{\n   "request": {"max_records":   9 }}\n'
    (tmp_path / "own.json").write_text(written)
    changed = command("customer_api", "sandbox", "--mapping", tmp_path / "own.json")
    assert changed.code == 0
    shown = command("customer_api", "sandbox", "--show")
    assert shown.code == 0
    lines = {" ".join(line.split()) for line in shown.out.splitlines()}
    assert lines >= {
        "request.max_records 9 (own mapping)",
        'request.envelope "data" (preset gk)',
        "five_xx_safe false (default)",
        "secret stored",
    }
    assert written in shown.out
    assert "sandbox-token" not in shown.out
    summary = json.loads(command("customer_api", "sandbox", "--show", "--json").out)
    assert summary["mapping"]["request"]["max_records"] == 9
    assert summary["origins"]["request.max_records"] == "own"
    assert summary["own_mapping"] == written
    assert command("customer_api", "nobody", "--show").code == 2


def test_plain_http_that_leaves_the_machine_is_said(api: CustomerApi, settings: Any) -> None:
    CustomerApi.objects.update(auth="none", secret="")
    assert "Plain http" not in command("customer_api", "sandbox", "--url", api.url).err
    assert "Plain http" in command("customer_api", "sandbox", "--url", "http://10.0.0.1/x").err
    settings.ALLOW_PRIVATE_ADDRESSES = False
    public = ("customer_api", "sandbox", "--url", "http://api.example.com/x")
    assert command(*public).code == 2
    allowed = command(*public, "--allow-plain-http")
    assert (allowed.code, "Plain http" in allowed.err) == (0, True)
    assert command("customer_api", "sandbox", "--no-allow-plain-http").code == 2


def test_showing_or_testing_changes_nothing(api: CustomerApi) -> None:
    before = CustomerApi.objects.values().get()
    assert "Changed" not in command("customer_api", "sandbox", "--show").out
    assert "Changed" not in command("customer_api", "sandbox", "--test").out
    assert CustomerApi.objects.values().get() == before


def test_one_sweep_and_out(make_job: JobMaker, messages: Any) -> None:
    job = make_job(3)
    answer(job, OK)
    assert command("sweep", "--once").code == 0
    job.refresh_from_db()
    assert job.status == "finished"


def test_a_first_start_makes_a_login_and_a_sample_and_a_second_one_nothing_more(
    messages: Any, installation: Path, settings: Any
) -> None:
    settings.HOME, settings.EMBEDDED_POSTGRES = installation, True
    for _ in range(2):
        said = command("first_run")
        assert "admin / redrive" in said.out
    draft = ImportJob.objects.get()
    assert (draft.status, sum(file.record_count for file in draft.files.all())) == ("draft", 1000)
    assert get_user_model().objects.get().is_superuser


def test_a_first_start_leaves_a_named_database_alone(db: None, settings: Any) -> None:
    settings.EMBEDDED_POSTGRES = False
    assert command("first_run").out == ""
    assert not get_user_model().objects.exists()


def test_an_older_exit_code_is_not_kept_by_the_next_command(make_job: JobMaker) -> None:
    assert command("retry_failed", 987654).code == 2
    job = make_job(3)
    assert command("job_status", job.pk).code == 0
    assert job_totals(job).pending == len(keys(job, "pending")) == 3
    assert runner.stopping.is_set() is False
    assert sys.exc_info() == (None, None, None)


@pytest.mark.django_db(transaction=True)
def test_the_worker_command_uses_json_and_runs_jobs_in_its_own_process(
    make_job: JobMaker, sandbox: SandboxApi, messages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job.queued(6)
    queue.enqueue(job.pk)
    made: list[str] = []
    from imports.engine.worker import JobWorker

    real = JobWorker.work

    def noted(worker: JobWorker, *args: Any, **options: Any) -> Any:
        made.append(str(worker.serializer))
        return real(worker, *args, **options)

    monkeypatch.setattr(JobWorker, "work", noted)
    assert command("rqworker", "--burst").code == 0
    job.refresh_from_db()
    assert len(made) == 1
    assert "JSONSerializer" in made[0]
    assert job.status == "finished"


def test_an_import_that_begins_with_one_batch_is_waited_for_until_it_asks(
    make_job: JobMaker, a_worker: None, sandbox: SandboxApi
) -> None:
    files = make_job.files(9)
    said = command(
        "import_customers", *files, "--api", "sandbox", "--begin", "one", "--wait", "--json"
    )
    assert (said.code, said.job["status"]) == (1, "paused")
    assert (said.job["success"], said.job["pending"]) == (3, 6)
    assert "The first batch was sent: 3 of 3 imported" in said.err


def test_a_retry_on_the_command_line_ramps_up(
    make_job: JobMaker, a_worker: None, sandbox: SandboxApi
) -> None:
    job = make_job(9)
    answer(job, REFUSED, REFUSED, REFUSED)
    lifecycle.finish_if_done([job.pk])
    said = command("retry_failed", job.pk, "--begin", "ramp", "--wait", "--json")
    assert (said.code, said.job["success"]) == (0, 9)
    assert ImportJob.objects.get(pk=said.job["job"]).stage == 2


# What the API has already


def test_the_same_file_again_is_said_before_it_starts_and_sends_nothing_twice(
    make_job: JobMaker, a_worker: None, sandbox: SandboxApi
) -> None:
    files = make_job.files(6)
    first = command("import_customers", *files, "--api", "sandbox", "--wait", "--json")
    again = command("import_customers", *files, "--api", "sandbox", "--wait", "--json")
    numbers = {name: again.job[name] for name in ("total", "success", "excluded", "error")}
    assert (again.code, numbers) == (0, {"total": 6, "success": 0, "excluded": 6, "error": 0})
    assert f"in job {first.job['job']}" in again.err
    assert not sandbox.account.sent_again
    forced = command("import_customers", *files, "--api", "sandbox", "--force", "--wait", "--json")
    assert (forced.job["excluded"], forced.job["error"]) == (0, 6)  # sent, and refused: they exist


def test_retry_failed_says_what_was_imported_later_and_takes_it_along_only_if_forced(
    make_job: JobMaker, a_worker: None
) -> None:
    job = make_job.of(samples.customer(1), samples.customer(2))
    answer(job, mixed(Verdict.REJECTED, Verdict.REJECTED))
    newer = make_job.of(samples.customer(1))
    answer(newer, OK)
    said = command("retry_failed", job.pk, "--wait", "--json")
    assert (said.code, said.job["total"], said.job["success"]) == (0, 1, 1)
    assert f"job {newer.pk}" in said.err
    refused = command("retry_failed", job.pk, "--json")
    assert (refused.code, refused.out) == (2, "")
    assert f"job {newer.pk}" in refused.err
    forced = command("retry_failed", job.pk, "--force", "--wait", "--json")
    assert (forced.code, forced.job["success"]) == (0, 1)


def test_a_retry_directory_for_another_api_names_both_before_it_starts(
    make_job: JobMaker, a_worker: None, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"customer_id": "50000001001"}, "fault": "result_error"})
    first = command("import_customers", *make_job.files(3), "--api", "sandbox", "--wait", "--json")
    sandbox.repair()
    api = CustomerApi.objects.get(name="sandbox")
    api.pk, api.name = None, "elsewhere"
    api.save()
    directory = first.job["retry_directory"]
    other = command("import_customers", directory, "--api", "elsewhere", "--wait", "--json")
    assert (other.code, other.job["success"], other.job["retry_of"]) == (0, 1, None)
    assert "“sandbox”" in other.err
    assert "“elsewhere”" in other.err
    home = command("import_customers", directory, "--api", "sandbox", "--wait", "--json")
    assert (home.job["excluded"], home.job["retry_of"]) == (0, first.job["job"])
    assert home.job["error"] == 1  # sent, and refused: both names stand for one system here


def test_a_large_retry_is_carried_out_by_the_command_itself_in_chunks(
    make_job: JobMaker, messages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "CHUNK", 2)
    job = make_job(9)
    answer(job, REFUSED, REFUSED, REFUSED)
    said = command("retry_failed", job.pk, "--json")
    assert (said.code, said.job["total"], said.job["status"]) == (0, 9, "queued")
    bulk_action = BulkAction.objects.get()
    assert (bulk_action.in_background, bulk_action.taken, bulk_action.parts.count()) == (
        True,
        9,
        3,
    )
