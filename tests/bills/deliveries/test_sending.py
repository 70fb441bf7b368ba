"""Each bill reaches each destination once: through refusals, kills and names that are taken."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
import pytest
from django.core import mail
from django.db.models.functions import Now

from bills.deliveries import lists, planning, sending
from bills.deliveries.destinations import Folder
from bills.models import BillDelivery, Destination, Portal
from tests import remote_servers as servers
from tests.storage_server import client_of, new_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client
    from pytest_django.fixtures import Settings

    from tests.bills.deliveries.conftest import BillMaker

pytestmark = pytest.mark.django_db


def deliver() -> None:
    planning.plan_all()
    sending.deliver_due()


def states() -> list[str]:
    return list(BillDelivery.objects.order_by("pk").values_list("status", flat=True))


def error_codes() -> list[str]:
    found = BillDelivery.objects.exclude(error=None).order_by("pk")
    return [each.error.code for each in found]


def files(folder: Destination) -> dict[str, bytes]:
    root = Path(folder.location)
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def again(**_: object) -> None:
    """Let what waits for its next attempt be due."""
    BillDelivery.objects.update(next_attempt_at=Now())


def test_every_bill_appears_once_under_its_name(store: BillMaker, folder: Destination) -> None:
    bills = [store("F1"), store("F2"), store("F1", content="corrected")]
    deliver()
    deliver()
    names = [f"Power & Co/anna@example.test/2026-11_{each}.pdf" for each in ("F1", "F1_2", "F2")]
    assert list(files(folder)) == names
    assert states() == ["delivered"] * 3
    assert sorted(files(folder).values()) == sorted(each.file.read() for each in bills)


def test_only_bills_of_the_chosen_portals_are_delivered(
    store: BillMaker, folder: Destination
) -> None:
    other = Portal.objects.create(name="Water", login_url="https://w.example/", billing_url="")
    folder.portals.add(other)
    store("F1")
    mine = store("W1", portal=other)
    deliver()
    assert BillDelivery.objects.get().bill == mine


def test_a_new_destination_gets_earlier_bills_only_when_asked(
    store: BillMaker, folder: Destination
) -> None:
    store("F1")
    planning.start_from_now(folder)
    folder.save()
    store("F2")
    deliver()
    assert BillDelivery.objects.count() == 1
    planning.include_earlier(folder)
    deliver()
    assert len(files(folder)) == 2


def test_a_bill_stored_late_under_a_lower_id_is_delivered(
    store: BillMaker, folder: Destination
) -> None:
    first, second = store("F1"), store("F2")
    number, _ = first.pk, first.delete()
    deliver()
    assert BillDelivery.objects.get().bill == second
    store("F1", pk=number)
    deliver()
    assert states() == ["delivered"] * 2


def test_a_worker_killed_after_the_file_appeared_delivers_nothing_twice(
    store: BillMaker, folder: Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    store("F1")
    planning.plan_all()
    put = Folder.put

    def killed(self: Folder, file: object) -> None:
        put(self, file)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            sending.deliver_due()
    assert states() == ["sending"]
    there = files(folder)
    assert sending.expire() == 0
    BillDelivery.objects.update(lease_until="2026-01-01T00:00Z")
    assert sending.expire() == 1
    sending.deliver_due()
    assert states() == ["delivered"]
    assert files(folder) == there


def test_another_file_under_the_name_is_never_written_over(
    store: BillMaker, folder: Destination
) -> None:
    store("F1")
    target = Path(folder.location, "Power & Co/anna@example.test/2026-11_F1.pdf")
    target.parent.mkdir(parents=True)
    target.write_bytes(b"somebody's own")
    deliver()
    assert (states(), error_codes()) == (["failed"], ["DESTINATION_NAME_TAKEN"])
    assert target.read_bytes() == b"somebody's own"
    target.unlink()
    assert sending.try_again(BillDelivery.objects.all()) == 1
    sending.deliver_due()
    assert states() == ["delivered"]


def test_a_folder_that_is_not_mounted_is_waited_for(store: BillMaker, folder: Destination) -> None:
    store("F1")
    place = Path(folder.location)
    place.rmdir()
    deliver()
    assert (states(), error_codes()) == (["waiting"], ["DESTINATION_NO_FOLDER"])
    place.mkdir()
    again()
    sending.deliver_due()
    assert states() == ["delivered"]
    assert BillDelivery.objects.get().error is None


def test_a_bill_whose_file_is_gone_says_so(store: BillMaker, folder: Destination) -> None:
    bill = store("F1")
    bill.file.storage.delete(str(bill.file.name))
    deliver()
    assert (states(), error_codes()) == (["waiting"], ["BILL_FILE_GONE"])


@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_list_of_the_month_names_every_delivered_bill(
    store: BillMaker, folder: Destination, form: str
) -> None:
    Destination.objects.update(list_format=form)
    bills = [store("F1"), store("=1+1", contract="C-1")]
    deliver()
    bills.append(store("F3"))
    deliver()
    month = f"bills_{bills[0].fetched_at:%Y-%m}.{form}"
    text = files(folder)[month].decode("utf-8-sig")
    rows = json.loads(text) if form == "json" else list(csv.DictReader(text.splitlines()))
    shown = [row["number"].lstrip("'") for row in rows]
    assert shown == ["F1", "=1+1", "F3"]
    assert [Decimal(row["amount"]) for row in rows] == [Decimal("120.5")] * 3
    assert all(row["file"] in files(folder) for row in rows)
    assert form == "json" or rows[1]["number"] == "'=1+1"  # no spreadsheet runs it


def test_a_list_that_cannot_be_written_is_tried_again_later(
    store: BillMaker, folder: Destination
) -> None:
    bill = store("F1")
    deliver()
    Destination.objects.update(list_format="csv")
    assert sending.needs_a_worker()
    (Path(folder.location) / f"bills_{bill.fetched_at:%Y-%m}.csv").mkdir()
    sending.deliver_due()
    assert not sending.needs_a_worker()
    assert BillDelivery.objects.get().is_listed is False


def test_where_no_list_can_lie_none_is_waited_for(store: BillMaker, folder: Destination) -> None:
    Destination.objects.update(kind="email", location="a@example.test", list_format="csv")
    store("F1")
    deliver()
    assert (states(), sending.needs_a_worker()) == (["delivered"], False)


@pytest.fixture
def bucket(store: BillMaker) -> Iterator[tuple[str, str]]:
    """The server's address, and the name of a bucket that bills are delivered to."""
    with new_bucket() as (url, name):
        Destination.objects.create(
            name="bucket", kind="s3", location=f"s3://{name}/in", endpoint=url, user_name="a",
            secret="b", list_format="csv",
        )  # fmt: skip
        yield url, name


def test_a_bucket_holds_each_bill_once_and_its_list(
    store: BillMaker, bucket: tuple[str, str]
) -> None:
    store("F1")
    deliver()
    BillDelivery.objects.update(status="waiting")  # as after a kill before it was recorded
    deliver()
    found = servers.objects(*bucket)
    assert len(found) == 2
    assert "in/Power & Co/anna@example.test/2026-11_F1.pdf" in found
    assert states() == ["delivered"]


def test_an_object_of_somebody_else_is_never_written_over(
    store: BillMaker, bucket: tuple[str, str]
) -> None:
    url, place = bucket
    name = "in/Power & Co/anna@example.test/2026-11_F1.pdf"
    client_of(url).put_object(Bucket=place, Key=name, Body=b"other")
    store("F1")
    deliver()
    assert (states(), error_codes()) == (["failed"], ["DESTINATION_NAME_TAKEN"])
    assert servers.objects(*bucket)[name] == b"other"


def test_a_bucket_that_is_missing_is_said_without_the_secret(
    store: BillMaker, bucket: tuple[str, str]
) -> None:
    Destination.objects.update(location="s3://elsewhere")
    store("F1")
    deliver()
    assert (states(), error_codes()) == (["waiting"], ["DESTINATION_REFUSED"])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[servers.SftpServer]:
    place = tmp_path / "sftp"
    (place / "in").mkdir(parents=True)
    server = servers.SftpServer(place)
    yield server
    server.stop()


@pytest.fixture
def sftp(power: Portal, server: servers.SftpServer) -> Destination:
    return Destination.objects.create(
        name="sftp", kind="sftp", location=f"sftp://127.0.0.1:{server.port}/in",
        user_name=servers.USER, secret=servers.PASSWORD, host_key=f"host {server.host_key}",
        list_format="json",
    )  # fmt: skip


def test_an_sftp_server_holds_each_bill_once_and_its_list(
    store: BillMaker, sftp: Destination, server: servers.SftpServer
) -> None:
    store("F1")
    deliver()
    BillDelivery.objects.update(status="waiting")
    deliver()
    names = [path.name for path in server.folder.rglob("*") if path.is_file()]
    assert len(names) == 2
    assert "2026-11_F1.pdf" in names
    assert states() == ["delivered"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("secret", "wrong", "DESTINATION_REFUSED"),
        ("host_key", paramiko.RSAKey.generate(1024).get_base64(), "SFTP_BAD_HOST_KEY"),
        ("location", "sftp://127.0.0.1:1/in", "DESTINATION_NOT_REACHED"),
    ],
)
def test_an_sftp_server_that_cannot_be_used_says_why(
    store: BillMaker, sftp: Destination, field: str, value: str, code: str
) -> None:
    setattr(sftp, field, value)
    sftp.save()
    store("F1")
    deliver()
    assert error_codes() == [code]
    assert servers.PASSWORD not in str(BillDelivery.objects.get().error)


def test_no_password_goes_to_a_server_with_another_host_key(
    store: BillMaker, sftp: Destination, server: servers.SftpServer
) -> None:
    other = paramiko.RSAKey.generate(2048)
    sftp.host_key = f"{other.get_name()} {other.get_base64()}"
    sftp.save()
    store("F1")
    deliver()
    assert error_codes() == ["SFTP_OTHER_HOST_KEY"]
    assert server.logins == 0


def test_a_mail_carries_the_bill(store: BillMaker, folder: Destination) -> None:
    Destination.objects.update(kind="email", location="a@example.test b@example.test")
    bill = store("F1")
    deliver()
    (sent,) = mail.outbox
    assert sent.to == ["a@example.test", "b@example.test"]
    (attached,) = sent.attachments
    assert attached[0] == "2026-11_F1.pdf"
    assert attached[1] == bill.file.read()
    assert states() == ["delivered"]


def test_a_mail_whose_worker_died_is_unknown_until_somebody_decides(
    store: BillMaker, folder: Destination
) -> None:
    Destination.objects.update(kind="email", location="a@example.test")
    store("F1")
    planning.plan_all()
    BillDelivery.objects.update(status="sending", tries=1, lease_until="2026-01-01T00:00Z")
    assert sending.expire() == 1
    sending.deliver_due()
    assert (states(), mail.outbox) == (["unknown"], [])
    assert sending.mark_delivered(BillDelivery.objects.all()) == 1
    assert states() == ["delivered"]


def test_a_link_opens_the_file_until_it_expires(
    store: BillMaker, client: Client, settings: Settings
) -> None:
    bill = store("F1")
    path = lists.address(bill).removeprefix(settings.SITE_URL)
    answer = client.get(path)
    assert b"".join(answer.streaming_content) == bill.file.read()  # type: ignore[attr-defined]
    assert client.get(path[:-2] + "xx/").status_code == 404
    settings.BILL_LINK_HOURS = 0
    assert client.get(path).status_code == 404
