"""The pages of accounts: listed, corrected, paused, deleted, run, taken out; never a secret."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from bills import schedules
from bills.accounts import codes, states
from bills.admin.account_forms import clock
from bills.drafts import new_draft
from bills.models import Bill, CodeRequest, Credential, Schedule
from bills.portals.logins.totp import read_totp
from imports.admin.job.page import act_url, tab_url
from imports.ledger import lifecycle
from imports.models import ImportBatch, ImportJob
from tests.bills.accounts.test_qr import URI, picture
from tests.bills.runs import full

if TYPE_CHECKING:
    from django.test import Client

    from bills.models import Portal
    from tests.bills.runs import BillMaker

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "admin:bills_credential_changelist"
ADD = "admin:bills_credential_add"
SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ann"))
    return client


@pytest.fixture
def account(portal: Portal, messages: Any) -> Credential:
    return Credential.objects.create(
        portal=portal, email=full("good1"), account=full("good1"), password="pw4me",
        totp_secret=read_totp(SECRET).uri, session="s3ss10n", customer="Anna AB", group="north",
    )  # fmt: skip


def page(client: Client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status, response.content.decode()[:3000]
    return str(response.content.decode())


def act(client: Client, action: str, *accounts: Credential) -> Any:
    chosen = [each.pk for each in accounts]
    return client.post(reverse(LIST), {"action": action, "_selected_action": chosen}, follow=True)


def change(account: Credential) -> str:
    return reverse("admin:bills_credential_change", args=[account.pk])


def test_the_list_says_how_each_account_is(
    operator: Client, account: Credential, portal: Portal
) -> None:
    Bill.objects.create(
        portal=portal, account=account.account, email=account.email, number="1",
        contract="K-17", file="x.pdf", sha256="a" * 64, size=1, attempt_number=1,
    )  # fmt: skip
    schedule = Schedule.objects.create(name="Monthly", group="north", day=3)
    schedules.plan(schedule)
    Credential.objects.update(stop_code="LOGIN_FAILED", last_code="LOGIN_FAILED")
    shown = page(operator, reverse(LIST))
    for text in ("Needs a new password", "Anna AB", "K-17", "north", portal.name):
        assert text in shown
    states.resume([account.pk])
    Credential.objects.update(stop_code="", last_code="")
    row = operator.get(reverse(LIST)).context["cl"].result_list[0]
    assert row.next_run == schedule.next_run_at
    assert list(row.contracts) == ["K-17"]


@pytest.mark.parametrize("state", ["needs_you", "failed", "works", "new", "paused"])
def test_accounts_are_found_by_their_state(
    operator: Client, account: Credential, state: str
) -> None:
    found = operator.get(reverse(LIST), {"state": state}).context["cl"].result_list
    assert [row.pk for row in found] == ([account.pk] if state == "new" else [])


def test_an_account_is_added_by_hand(operator: Client, portal: Portal) -> None:
    fields = {"portal": portal.pk, "email": full("Good2"), "password": "one", "totp": SECRET}
    assert operator.post(reverse(ADD), fields).status_code == 302
    made = Credential.objects.get()
    assert (made.account, made.password) == (full("good2"), "one")
    assert read_totp(made.totp_secret) == read_totp(SECRET)
    again = operator.post(reverse(ADD), fields)
    assert (again.status_code, Credential.objects.count()) == (200, 1)
    states.delete([made.pk])
    assert operator.post(reverse(ADD), fields | {"password": "two"}).status_code == 302
    assert Credential.objects.in_use().get().password == "two"


@pytest.mark.parametrize("wrong", [{"password": ""}, {"totp": "nonsense"}, {"email": ""}])
def test_a_wrong_field_is_named_and_nothing_is_stored(
    operator: Client, portal: Portal, wrong: dict[str, str]
) -> None:
    fields = {"portal": portal.pk, "email": full("good2"), "password": "pw4me", "totp": SECRET}
    answer = operator.post(reverse(ADD), fields | wrong)
    assert answer.status_code == 200
    assert "pw4me" not in answer.content.decode()
    assert SECRET not in answer.content.decode()
    assert not Credential.objects.exists()


def test_an_empty_secret_keeps_what_is_stored(operator: Client, account: Credential) -> None:
    shown = page(operator, change(account))
    for secret in ("pw4me", SECRET, "s3ss10n"):
        assert secret not in shown
    answer = operator.post(change(account), {"customer": "Bo AB", "group": "south"})
    assert answer.status_code == 302
    account.refresh_from_db()
    assert (account.customer, account.group, account.password) == ("Bo AB", "south", "pw4me")
    assert account.totp_secret


def test_a_new_password_lets_a_stopped_account_run_again(
    operator: Client, account: Credential
) -> None:
    Credential.objects.update(stop_code="LOGIN_FAILED", refused_count=2)
    operator.post(change(account), {"password": "another", "forget_totp": "on"})
    account.refresh_from_db()
    assert (account.stop_code, account.refused_count, account.password) == ("", 0, "another")
    assert account.totp_secret == ""


def test_a_picture_of_a_qr_code_gives_the_secret(operator: Client, account: Credential) -> None:
    upload = io.BytesIO(picture(URI))
    upload.name = "qr.png"
    assert operator.post(change(account), {"qr_picture": upload}).status_code == 302
    account.refresh_from_db()
    assert read_totp(account.totp_secret) == read_totp(URI)


def test_accounts_are_paused_resumed_and_forgotten(operator: Client, account: Credential) -> None:
    act(operator, "pause", account)
    account.refresh_from_db()
    assert account.is_paused
    act(operator, "forget_device", account)
    act(operator, "resume", account)
    account.refresh_from_db()
    assert (account.is_paused, account.session) == (False, "")


def test_a_deleted_account_keeps_no_secret_and_is_run_no_more(
    operator: Client, account: Credential, make_bills: BillMaker, portal: Portal
) -> None:
    job = make_bills("good1")
    url = reverse("admin:bills_credential_delete", args=[account.pk])
    assert page(operator, url)
    operator.post(url, {"post": "yes"})
    account.refresh_from_db()
    assert account.deleted_at is not None
    assert (account.password, account.totp_secret, account.session) == ("", "", "")
    assert change(account) not in page(operator, reverse(LIST))
    assert page(operator, tab_url(job.pk, "credentials"))
    unused = Credential.objects.create(portal=portal, email="a", account="a", password="b")
    act(operator, "delete_selected", unused)
    operator.post(
        reverse(LIST),
        {"action": "delete_selected", "_selected_action": [unused.pk], "post": "yes"},
    )
    assert not Credential.objects.filter(pk=unused.pk).exists()


def test_run_again_makes_a_job_of_what_is_free(
    operator: Client, account: Credential, portal: Portal
) -> None:
    paused = Credential.objects.create(
        portal=portal, email="b", account="b", password="b", is_paused=True
    )
    act(operator, "run_again", account, paused)
    job = ImportJob.objects.get()
    assert (job.status, job.results.count()) == ("queued", 1)
    operator.post(reverse("admin:bills_account_run", args=[account.pk]))
    assert ImportJob.objects.count() == 1  # the first is still at it
    lifecycle.cancel(job)
    operator.post(act_url(job.pk, "credentials", "run-again"))
    assert ImportJob.objects.count() == 2


def test_accounts_are_taken_out_and_in_again_without_any_secret(
    operator: Client, account: Credential, portal: Portal
) -> None:
    content = b"".join(operator.get(reverse("admin:bills_accounts_export"))).decode("utf-8-sig")
    for secret in ("pw4me", SECRET, "s3ss10n"):
        assert secret not in content
    corrected = content.replace("Anna AB", "Bo AB")
    upload = SimpleUploadedFile("accounts.csv", corrected.encode())
    answer = operator.post(reverse("admin:bills_accounts_upload"), {"csv": upload})
    assert answer.context["taken"].changed == 1
    account.refresh_from_db()
    assert (account.customer, account.password) == ("Bo AB", "pw4me")
    assert "state" not in account.extra
    broken = SimpleUploadedFile("accounts.csv", b"nothing")
    answer = operator.post(reverse("admin:bills_accounts_upload"), {"csv": broken})
    assert answer.status_code == 422


def waiting(portal: Portal, make_bills: BillMaker) -> CodeRequest:
    job = new_draft(portal, make_bills.csv("sms1"), "sms.csv").job
    lifecycle.start(job)
    return CodeRequest.objects.create(
        batch=ImportBatch.objects.get(job=job), attempt_number=1, hint="to +46 12",
        credential=Credential.objects.get(email=full("sms1")), expires_at="2126-11-27T12:00Z",
    )  # fmt: skip


def test_a_code_that_is_wanted_is_shown_and_typed(
    operator: Client, portal: Portal, make_bills: BillMaker
) -> None:
    asked = waiting(portal, make_bills)
    url = reverse("admin:bills_code", args=[asked.pk])
    for shown in (reverse(LIST), tab_url(asked.batch.job_id, "credentials")):
        assert url in page(operator, shown)
    assert "to +46 12" in page(operator, url)
    assert operator.post(url, {"code": "no"}).status_code == 422
    answer = operator.post(url, {"code": "493 021"})
    assert answer["Location"] == tab_url(asked.batch.job_id, "credentials")
    asked.refresh_from_db()
    assert (asked.code, asked.answered_by) == ("493021", "ann")
    assert "493021" not in page(operator, url)
    assert not codes.wanted().exists()


def test_only_who_manages_accounts_sees_them_and_types_codes(
    client: Client, portal: Portal, make_bills: BillMaker
) -> None:
    asked = waiting(portal, make_bills)
    user = User.objects.create_user("vera", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_importjob"))
    client.force_login(user)
    url = reverse("admin:bills_code", args=[asked.pk])
    for closed in (
        url, reverse(LIST), change(asked.credential), reverse("admin:bills_accounts_upload"),
        reverse("admin:bills_accounts_export"),
    ):  # fmt: skip
        assert client.get(closed).status_code == 403, closed
    assert client.post(url, {"code": "493021"}).status_code == 403
    assert url not in page(client, tab_url(asked.batch.job_id, "credentials"))


@pytest.mark.parametrize(("seconds", "shown"), [(252, "4:12"), (59.9, "0:59"), (-3, "0:00")])
def test_the_time_that_is_left_is_a_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
