"""A month's round runs by itself: twenty accounts, a schedule, and people only when needed."""

from __future__ import annotations

import csv
import io
import os
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Value
from django.db.models.functions import Now
from django.urls import reverse
from moto.s3.models import S3Backend

from bills.deliveries import sending
from bills.models import Bill, BillDelivery, CodeRequest, Credential, Schedule
from bills.models.deliveries import DeliveryState
from config.dev.sandbox.portal_accounts import APP_SECRET
from imports.engine import sweeper
from imports.models import Channel, ImportJob, ImportResult, Notification
from tests import remote_servers as servers
from tests.bills import processes
from tests.bills.phones import operator
from tests.bills.runs import attempts_of, full, run
from tests.storage_server import new_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.test import Client

    from bills.models import Portal
    from config.dev.sandbox.portal import PortalSite

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = [f"good{number}" for number in range(1, 17)]
BY_APP, BY_SMS, WRONG = ["totp1", "totp2"], ["sms1"], ["wrongpassword1"]
EVERYBODY = [*GOOD, *BY_APP, *BY_SMS, *WRONG]
WORKS = [*GOOD, *BY_APP, *BY_SMS]
PASSWORD = "s3cret-of-the-round"
FIELDS = {
    "name": "Monthly", "is_active": "on", "repeats": "monthly", "day": 3, "weekday": 0,
    "at": "06:00", "spread_minutes": 0,
}  # fmt: skip


@pytest.fixture
def anna(client: Client) -> Client:
    """Who runs the round: every step that a person takes is taken on her pages."""
    client.force_login(User.objects.create_superuser("anna"))
    return client


@pytest.fixture
def schedule(portal: Portal, messages: Any, anna: Client) -> Schedule:
    portal.keeps_devices, portal.code_wait_seconds = True, 240
    portal.recipe, portal.attempt_timeout_seconds = {"login": {"answer_seconds": 60}}, 240.0
    portal.save()
    Channel.objects.create(name="ops", recipients="ops@example.test")
    _saved(anna, "schedule", FIELDS | {"portal": portal.pk})
    return Schedule.objects.get()


def _saved(anna: Client, what: str, fields: dict[str, Any]) -> None:
    answer = anna.post(reverse(f"admin:bills_{what}_add"), fields)
    assert answer.status_code == 302, answer.context["adminform"].form.errors


def upload(anna: Client, names: list[str]) -> None:
    """The accounts, from a CSV that names their portal."""
    made = io.StringIO()
    rows = csv.writer(made)
    rows.writerow(["portal", "email", "password", "totp_secret"])
    for name in names:
        rows.writerow(
            ["sandbox", full(name), PASSWORD, APP_SECRET if name.startswith("totp") else ""]
        )
    file = SimpleUploadedFile("accounts.csv", made.getvalue().encode())
    answer = anna.post(reverse("admin:bills_accounts_upload"), {"csv": file})
    assert (answer.context["taken"].added, answer.context["taken"].refused) == (len(names), [])


def month(schedule: Schedule) -> ImportJob:
    """The schedule comes due, and is carried out by a browser."""
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=Now() - Value(timedelta(hours=1)))
    before = set(ImportJob.objects.values_list("pk", flat=True))
    sweeper.sweep()
    return run(ImportJob.objects.exclude(pk__in=before).get())


def statuses(job: ImportJob) -> Counter[str]:
    return Counter(ImportResult.objects.filter(job=job).values_list("status", flat=True))


def kinds() -> Counter[str]:
    return Counter(Notification.objects.values_list("what", flat=True))


@dataclass
class Store:
    """An S3 store: what was put there, and one object that it takes and never confirms."""

    url: str
    bucket: str
    puts: Counter[str] = field(default_factory=Counter)
    silent_about: str = ""
    has_taken: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    put = S3Backend.put_object
    with new_bucket() as (url, bucket):
        made = Store(url, bucket)

        def taken(self: Any, bucket_name: str, key_name: str, *args: Any, **rest: Any) -> Any:
            stored = put(self, bucket_name, key_name, *args, **rest)
            made.puts[key_name] += 1
            if key_name == made.silent_about and not made.has_taken.is_set():
                made.has_taken.set()
                made.goes_on.wait(processes.LONGEST_WAIT_SECONDS)
            return stored

        monkeypatch.setattr(S3Backend, "put_object", taken)
        yield made
        made.goes_on.set()


@contextmanager
def never_read_to_its_end(bill: Bill) -> Iterator[None]:
    """While the block runs, whoever reads the bill's file gets its first half and waits."""
    path = Path(bill.file.path)
    content = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    found: list[int] = []

    def is_read() -> bool:
        try:
            found.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # nobody reads it yet
            return False
        return True

    def write_half() -> None:
        processes.wait_until(is_read, "a reader of the bill")
        os.write(found[0], content[: len(content) // 2])

    half = threading.Thread(target=write_half)
    half.start()
    try:
        yield
    finally:
        half.join(processes.LONGEST_WAIT_SECONDS)
        for each in found:
            os.close(each)
        path.unlink()
        path.write_bytes(content)


def deliver_and_kill(installation: Path, in_the_middle: Callable[[], bool]) -> None:
    """Two workers deliver at once, until each is in the middle of a file; then both are killed."""
    code = "import django; django.setup(); from bills.deliveries import sending; sending.deliver()"
    started = [
        processes.start(installation / "home", installation / f"{each}.log", "-c", code)
        for each in range(2)
    ]
    try:
        processes.wait_until(in_the_middle, "both in the middle of a file")
    finally:
        for each in started:
            processes.kill(each)


def test_the_second_month_needs_nobody_and_its_bills_arrive_once(
    portal: Portal,
    site: PortalSite,
    schedule: Schedule,
    anna: Client,
    store: Store,
    installation: Path,
    settings: Any,
) -> None:
    settings.MEDIA_ROOT = installation / "home" / "media"
    settings.ALLOW_PRIVATE_ADDRESSES = True
    upload(anna, EVERYBODY)
    with operator(site, anna) as asked:
        first = month(schedule)
    assert statuses(first) == {"success": 19, "error": 1}
    assert asked == [full(name) for name in BY_SMS]
    assert site.codes.typed == {full(name): 1 for name in [*BY_APP, *BY_SMS]}
    assert len({code for _, code in site.codes.used}) == 3  # two accounts have one secret
    refused = Credential.objects.get(email=full(*WRONG))
    assert (refused.stop_code, refused.last_success_at) == ("LOGIN_FAILED", None)
    assert kinds() == {"code_wanted": 1, "account_stopped": 1, "finished": 1}

    folder = installation / "accounting"
    folder.mkdir()
    pattern = "{portal}/{account}_{number}.pdf"
    by_folder = {"name": "accounting", "kind": "folder", "location": str(folder)}
    by_s3 = {
        "name": "archive", "kind": "s3", "location": f"s3://{store.bucket}/in",
        "endpoint": store.url, "user_name": "a", "secret": "b", "list_format": "csv",
    }  # fmt: skip
    for fields in (by_folder, by_s3):
        _saved(anna, "destination", {"is_active": "on", "name_pattern": pattern, **fields})

    logins = dict(site.accounts.counts.logins)
    for name in EVERYBODY:
        site.accounts.add_bills(full(name))
    second = month(schedule)
    assert statuses(second) == {"success": 19}
    assert site.accounts.counts.logins == logins
    assert CodeRequest.objects.count() == 1
    assert kinds()["account_stopped"] == 1
    bills = Counter(Bill.objects.values_list("email", flat=True))
    assert bills == {full(name): 4 for name in WORKS}

    new = list(Bill.objects.filter(batch__job=second).order_by("pk"))
    sweeper.sweep()  # plans the deliveries
    in_folder = BillDelivery.objects.get(bill=new[7], destination__name="accounting")
    in_store = BillDelivery.objects.get(bill=new[3], destination__name="archive")
    store.silent_about = f"in/{in_store.name}"

    def in_the_middle() -> bool:
        under_way = BillDelivery.objects.filter(status=DeliveryState.SENDING)
        return (
            set(under_way.values_list("pk", flat=True)) == {in_folder.pk, in_store.pk}
            and store.has_taken.is_set()
            and bool(list(folder.rglob(".redrive-*")))
        )

    with never_read_to_its_end(new[7]):
        deliver_and_kill(installation, in_the_middle)
    store.goes_on.set()
    BillDelivery.objects.exclude(lease_until=None).update(lease_until="2026-01-01T00:00Z")
    sweeper.sweep()
    sending.deliver()

    expected = {f"sandbox/{bill.email}_{bill.number}.pdf": bill.file.read() for bill in new}
    assert len(expected) == 19
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert {str(path.relative_to(folder)): path.read_bytes() for path in found} == expected
    stored = servers.objects(store.url, store.bucket)
    (listed,) = [name for name in stored if not name.endswith(".pdf")]
    rows = list(csv.DictReader(stored.pop(listed).decode("utf-8-sig").splitlines()))
    assert stored == {f"in/{name}": content for name, content in expected.items()}
    assert sorted(row["file"] for row in rows) == sorted(expected)
    assert {name: store.puts[name] for name in stored} == dict.fromkeys(stored, 1)
    assert set(BillDelivery.objects.values_list("status", flat=True)) == {"delivered"}


def test_a_known_device_needs_a_password_and_no_code(
    anna: Client, site: PortalSite, schedule: Schedule
) -> None:
    names = ["totp1", "sms1"]
    upload(anna, names)
    with operator(site, anna):
        month(schedule)
    site.accounts.end_sessions()
    second = month(schedule)
    assert statuses(second) == {"success": 2}
    assert site.codes.typed == {full(name): 1 for name in names}
    assert site.accounts.counts.logins == {full(name): 2 for name in names}


def test_nobody_answers_and_no_attempt_is_used_up(
    portal: Portal, anna: Client, schedule: Schedule
) -> None:
    portal.code_wait_seconds = 1
    portal.save()
    upload(anna, BY_SMS)
    job = month(schedule)
    result = ImportResult.objects.get(job=job)
    assert (result.status, result.error_code, result.retry_attempts) == ("error", "OTP_NEEDED", 0)
    assert [attempt.counted for attempt in attempts_of(job, "sms1")] == [False]
    assert Credential.objects.get().stop_code == ""  # the next month asks again
