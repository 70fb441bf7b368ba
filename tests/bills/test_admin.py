"""The operator's pages for bills: a new job, the Credentials tab, portals, bills, evidence."""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from bills import portal_tests
from bills.admin.credentials import Way, way_of
from bills.models import Bill, Credential, CsvUpload, Evidence, Portal, PortalTest
from bills.portals.failures import MEANINGS, Code
from config.dev.sandbox.portal_accounts import CORRECT_PASSWORD
from imports.admin.job.page import act_url, tab_url
from imports.models import ImportJob
from tests.bills.processes import wait_until
from tests.bills.runs import PASSWORD, credential_of, full, result_of, run

if TYPE_CHECKING:
    from django.test import Client

    from config.dev.sandbox.portal import PortalSite
    from tests.bills.runs import BillMaker

pytest_plugins = ("tests.bills.browser_fixtures",)
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("warm")]

CSV = (
    "cred_username;cred_password;cred_id\r\n"
    f'{full("good")};"{PASSWORD.replace(chr(34), chr(34) * 2)}";00123\r\n'
    f"{full('otp')};secret;00124\r\n"
    ";nobody;00125\r\n"
)


@pytest.fixture
def operator(client: Client) -> Client:
    """Somebody with every permission, logged in."""
    client.force_login(User.objects.create_superuser("ann"))
    return client


def viewer(client: Client, *names: str) -> Client:
    """Somebody who may see jobs, and what else is named."""
    user = User.objects.create_user("vera", is_staff=True)
    for name in ("view_importjob", *names):
        user.user_permissions.add(Permission.objects.get(codename=name))
    client.force_login(user)
    return client


def page(client: Client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status, response.content.decode()[:3000]
    return str(response.content.decode())


# A new job


def test_a_csv_is_previewed_before_anything_is_stored(operator: Client, portal: Portal) -> None:
    upload = SimpleUploadedFile("may.csv", CSV.encode())
    answer = operator.post(reverse("admin:bills_new"), {"portal": portal.pk, "csv": upload})
    kept = CsvUpload.objects.get()
    assert answer["Location"] == reverse("admin:bills_preview", args=[kept.pk])
    shown = page(operator, answer["Location"])
    assert "cred_username" in shown
    assert "00123" in shown
    assert "the e-mail or user name is empty" in shown
    assert "secret" not in shown
    assert not Credential.objects.exists()
    assert not ImportJob.objects.exists()
    assert b"secret" not in bytes(kept.content)

    answer = operator.post(answer["Location"], {"name": "May"})
    job = ImportJob.objects.get()
    assert answer["Location"] == tab_url(job.pk, "credentials")
    assert (job.name, job.kind, job.status) == ("May", "bills", "draft")
    assert not CsvUpload.objects.exists()
    assert credential_of("good").password == PASSWORD
    assert credential_of("good").extra == {"cred_id": "00123"}
    shown = page(operator, answer["Location"])
    assert "2 accounts at sandbox" in shown
    assert "1 row of the CSV is left out" in shown


def test_a_file_that_is_forgotten_leaves_nothing(operator: Client, portal: Portal) -> None:
    upload = SimpleUploadedFile("may.csv", CSV.encode())
    answer = operator.post(reverse("admin:bills_new"), {"portal": portal.pk, "csv": upload})
    operator.post(answer["Location"], {"forget": "1"})
    assert not CsvUpload.objects.exists()
    assert not Credential.objects.exists()


def test_somebody_elses_upload_cannot_be_opened(operator: Client, portal: Portal) -> None:
    upload = SimpleUploadedFile("may.csv", CSV.encode())
    answer = operator.post(reverse("admin:bills_new"), {"portal": portal.pk, "csv": upload})
    operator.force_login(User.objects.create_superuser("bob"))
    assert operator.get(answer["Location"]).status_code == 404


def test_replacing_a_stored_password_from_a_file_is_reported(
    operator: Client, make_bills: BillMaker
) -> None:
    make_bills.draft("good:another")
    upload = SimpleUploadedFile("may.csv", CSV.encode())
    fields = {"portal": make_bills.portal.pk, "csv": upload}
    answer = operator.post(reverse("admin:bills_new"), fields)
    assert "1 account is stored with another password" in page(operator, answer["Location"])


# The workspace of a job


def test_failures_are_explained_corrected_and_turn_green(
    operator: Client, make_bills: BillMaker, site: PortalSite
) -> None:
    """The whole story: read why, correct the password, one click, green."""
    site.accounts.set_password(full("asa"), CORRECT_PASSWORD)
    job = run(make_bills("asa", "good", max_attempts=2))
    shown = page(operator, tab_url(job.pk, "credentials"))
    assert "2 attempts" in shown
    assert "LOGIN_FAILED" in shown
    assert "Correct the password, then retry." in shown
    assert "1 password was refused and not corrected" in shown

    here = f"{act_url(job.pk, 'credentials', 'one')}?id={result_of(job, 'asa').pk}"
    shown = page(operator, here)
    assert "refused 2 times since" in shown
    assert shown.count("Screenshot") >= 2
    assert PASSWORD not in shown

    fields = {"id": result_of(job, "asa").pk, "password": CORRECT_PASSWORD, "retry": "1"}
    answer = operator.post(act_url(job.pk, "credentials", "password"), fields)
    retry = ImportJob.objects.get(retry_of=job)
    assert answer["Location"] == tab_url(retry.pk, "credentials")
    run(retry)
    shown = page(operator, tab_url(retry.pk, "credentials"))
    assert "1 attempt" in shown
    assert result_of(retry, "asa").status == "success"
    events = list(job.events.filter(code="password_changed").values_list("actor", "message"))
    assert [(actor, str(said)) for actor, said in events] == [("ann", full("asa"))]


def test_a_retry_leaves_refused_passwords_out_without_force(
    operator: Client, make_bills: BillMaker
) -> None:
    job = run(make_bills("wrongpassword", max_attempts=1))
    operator.post(act_url(job.pk, "credentials", "retry"))
    assert not ImportJob.objects.filter(retry_of=job).exists()
    operator.post(act_url(job.pk, "credentials", "retry"), {"force": "1"})
    assert ImportJob.objects.get(retry_of=job).results.count() == 1


def test_one_account_is_retried_alone(operator: Client, make_bills: BillMaker) -> None:
    job = run(make_bills("otp", "captcha"))
    shown = page(operator, tab_url(job.pk, "credentials"))
    assert shown.count("Retry this account") == 2
    one = f"{act_url(job.pk, 'credentials', 'one')}?id={result_of(job, 'otp').pk}"
    assert f"Next failed account: {full('captcha')}" in page(operator, one)
    operator.post(act_url(job.pk, "credentials", "retry"), {"id": result_of(job, "otp").pk})
    made = ImportJob.objects.get(retry_of=job)
    assert [each.email for each in made.results.all()] == [full("otp")]
    shown = page(operator, tab_url(job.pk, "credentials"))
    assert shown.count("Retry this account") == 1
    assert tab_url(made.pk, "credentials") in shown


def test_every_code_offers_the_act_that_its_remedy_names() -> None:
    """Who is told to correct a recipe or a password gets there; nobody else is sent there."""
    for code in Code:
        remedy = MEANINGS[code].remedy
        if "recipe" in remedy or "script" in remedy:
            assert way_of(code) == Way.PORTAL, code
        elif way_of(code) == Way.PASSWORD:
            assert "password" in remedy, code
        else:
            assert way_of(code) in (Way.RETRY, Way.PORTAL), code
        assert "by itself" not in remedy, code  # it is read when nothing happens by itself


def test_the_operator_chooses_columns_that_no_heading_names(
    operator: Client, portal: Portal
) -> None:
    content = CSV.replace("cred_username;cred_password", "Kund;Hemligt")
    upload = SimpleUploadedFile("may.csv", content.encode())
    answer = operator.post(reverse("admin:bills_new"), {"portal": portal.pk, "csv": upload})
    here = answer["Location"]
    assert PASSWORD not in page(operator, here, 422)
    shown = page(operator, f"{here}?login=0&password=1")
    assert full("good") in shown
    assert PASSWORD not in shown
    mistaken = page(operator, f"{here}?login=1&password=0")
    assert PASSWORD not in mistaken
    assert page(operator, f"{here}?login=0&password=9", 422)
    operator.post(here, {"login": "0", "password": "1", "name": "May"})
    assert credential_of("good").password == PASSWORD
    assert ImportJob.objects.get().name == "May"


def test_another_file_is_chosen_for_the_same_portal(operator: Client, portal: Portal) -> None:
    upload = SimpleUploadedFile("may.csv", CSV.encode())
    answer = operator.post(reverse("admin:bills_new"), {"portal": portal.pk, "csv": upload})
    answer = operator.post(answer["Location"], {"another": "1"})
    assert not CsvUpload.objects.exists()
    assert f'value="{portal.pk}" selected' in page(operator, answer["Location"])


def test_one_that_waits_says_which_attempt_is_next_and_when(
    operator: Client, make_bills: BillMaker
) -> None:
    job = run(make_bills("500", max_attempts=5, retry_delay_seconds=3000.0))
    shown = page(operator, act_url(job.pk, "credentials", "panel"))
    assert "Attempt 2 of 5 in" in shown
    assert 'hx-trigger="every 2s' in shown


def test_the_json_views_have_attempts_final_error_and_bills(
    operator: Client, make_bills: BillMaker
) -> None:
    job = run(make_bills("good", "otp"))
    for view in ("details", "realtime"):
        url = reverse(f"admin:imports_importjob_{view}", args=[job.pk])
        response = operator.get(url)
        body = response.getvalue() if response.streaming else response.content
        entries = {each["email"]: each for each in json.loads(body)["results"]}
        good, otp = entries[full("good")], entries[full("otp")]
        assert (good["status"], good["retry_attempts"], good["final_error"]) == (
            "success",
            1,
            None,
        )
        assert len(good["bills"]) == 3
        assert good["rows"] == {"seen": 3, "kept": 3, "known": 0, "others": {}, "missing": 0}
        assert operator.get(good["bills"][0]["url"]).status_code == 200
        assert otp["final_error"] == "The portal asks for a one-time code."
        assert otp["who_must_act"] == "You"


def test_every_tab_answers_and_their_queries_do_not_grow(
    operator: Client, make_bills: BillMaker, django_assert_max_num_queries: Any
) -> None:
    job = make_bills.draft(*(f"good{number}" for number in range(60)))
    for tab in ("credentials", "settings", "progress", "failures", "bills", "retry-files", "log"):
        with django_assert_max_num_queries(40):
            page(operator, tab_url(job.pk, tab))
    assert "page=2" in page(operator, tab_url(job.pk, "credentials"))


def test_the_failed_rows_are_downloaded_without_passwords(
    operator: Client, make_bills: BillMaker
) -> None:
    job = run(make_bills("otp"))
    content = operator.get(act_url(job.pk, "credentials", "csv")).getvalue().decode()
    assert full("otp") in content
    assert "OTP_NEEDED" in content
    assert PASSWORD not in content


# Bills and evidence


def test_a_bill_opens_as_a_pdf_and_a_jobs_bills_as_a_zip(
    operator: Client, make_bills: BillMaker
) -> None:
    job = run(make_bills("good"))
    bill = Bill.objects.order_by("pk")[0]
    answer = operator.get(reverse("admin:bills_bill_pdf", args=[bill.pk]))
    assert answer["Content-Type"] == "application/pdf"
    assert answer.getvalue().startswith(b"%PDF-")
    assert f'"{bill.date}_{bill.number}.pdf"' in answer["Content-Disposition"]
    with zipfile.ZipFile(
        io.BytesIO(operator.get(act_url(job.pk, "bills", "zip")).getvalue())
    ) as z:
        assert sorted(z.namelist()) == sorted(
            f"{each.email}/{each.date}_{each.number}.pdf" for each in Bill.objects.all()
        )
        assert z.testzip() is None
    listed = page(operator, reverse("admin:bills_bill_changelist"))
    assert bill.number in listed


def test_a_bill_whose_file_is_gone_says_so(operator: Client, make_bills: BillMaker) -> None:
    run(make_bills("good"))
    bill = Bill.objects.order_by("pk")[0]
    bill.file.storage.delete(str(bill.file.name))
    assert "The file is missing" in page(
        operator, reverse("admin:bills_bill_pdf", args=[bill.pk]), status=410
    )


def test_evidence_needs_its_permission_and_does_nothing(
    client: Client, make_bills: BillMaker
) -> None:
    job = run(make_bills("otp"))
    pieces = {
        each.kind: reverse("admin:bills_evidence", args=[each.pk])
        for each in Evidence.objects.all()
    }
    viewer(client)
    assert client.get(pieces["screenshot"]).status_code == 403
    one = f"{act_url(job.pk, 'credentials', 'one')}?id={result_of(job, 'otp').pk}"
    assert "the permission to see evidence" in page(client, one)
    client.force_login(User.objects.create_superuser("ann"))
    assert client.get(pieces["screenshot"])["Content-Type"] == "image/png"
    answer = client.get(pieces["page"])
    assert "sandbox; default-src 'none'" in answer["Content-Security-Policy"]
    assert "One-time code" in answer.content.decode()


def test_a_viewer_can_change_and_fetch_nothing(client: Client, make_bills: BillMaker) -> None:
    job = run(make_bills("otp", "good"))
    viewer(client)
    result = result_of(job, "otp").pk
    for act in ("password", "retry"):
        url = act_url(job.pk, "credentials", act)
        assert client.post(url, {"id": result, "password": "x"}).status_code == 403
    assert client.get(act_url(job.pk, "bills", "zip")).status_code == 403
    assert client.get(reverse("admin:bills_new")).status_code == 403
    bill = Bill.objects.all()[0]
    assert client.get(reverse("admin:bills_bill_pdf", args=[bill.pk])).status_code == 403
    shown = page(client, tab_url(job.pk, "credentials"))
    assert "Send them again" not in shown
    assert credential_of("otp").password == PASSWORD


# Portals


def test_an_invalid_recipe_is_explained_beside_its_field(operator: Client, portal: Portal) -> None:
    url = reverse("admin:bills_portal_change", args=[portal.pk])
    fields = {
        "name": "sandbox", "login_url": portal.login_url, "billing_url": portal.billing_url,
        "recipe": '{"bills": {"rowz": "tr"}}', "max_attempts": 5, "retry_delay_seconds": 10,
        "attempt_timeout_seconds": 300, "concurrency": 3, "refused_password_limit": "",
    }  # fmt: skip
    shown = operator.post(url, fields).content.decode()
    assert "bills.rowz: is not known. Did you mean &quot;rows&quot;?" in shown
    answer = operator.post(url, fields | {"recipe": '{"bills": {"rows": "tr"}}'})
    assert answer.status_code == 302
    portal.refresh_from_db()
    assert portal.recipe == {"bills": {"rows": "tr"}}


def test_a_portal_is_tested_with_a_picture_of_each_stage(
    operator: Client, portal: Portal, messages: Any
) -> None:
    url = reverse("admin:bills_portal_test", args=[portal.pk])
    assert "Enter its password" in operator.post(url, {"email": full("good")}).content.decode()
    answer = operator.post(url, {"email": full("good"), "password": PASSWORD})
    test = PortalTest.objects.get()
    assert answer["Location"] == reverse("admin:bills_portal_watch", args=[test.pk])
    assert "No worker is running" in page(operator, answer["Location"])
    (message,) = messages.get_jobs()
    assert message.kwargs == {"test_id": test.pk}

    portal_tests.run(test.pk)
    shown = page(operator, answer["Location"])
    assert "It works" in shown
    assert "3 bills are listed" in shown
    stages = list(Evidence.objects.filter(test=test).values_list("stage", flat=True))
    assert {"login", "judge", "list"} <= set(stages)
    assert not Bill.objects.exists()
    assert PASSWORD not in shown


def test_a_portal_is_tested_before_it_is_saved(
    operator: Client, portal: Portal, messages: Any
) -> None:
    """With what the form says and a password typed for it: nothing is stored but the pictures."""
    typed = {
        "login_url": portal.login_url, "billing_url": portal.billing_url, "recipe": "",
        "script": "", "max_attempts": 5, "retry_delay_seconds": 10, "concurrency": 3,
        "attempt_timeout_seconds": 60, "code_wait_seconds": 0, "test_email": full("good"),
    }  # fmt: skip
    url = reverse("admin:bills_portal_test_unsaved")
    assert "Enter the e-mail or user name and the password" in operator.post(url, typed).text
    wrong = typed | {"recipe": "{", "test_password": PASSWORD}
    assert "Recipe:" in operator.post(url, wrong).text
    assert not PortalTest.objects.exists()

    answer = operator.post(url, typed | {"test_password": PASSWORD})
    test = PortalTest.objects.get()
    assert answer["Location"] == reverse("admin:bills_portal_watch", args=[test.pk])
    (message,) = messages.get_jobs()
    assert message.kwargs == {"test_id": test.pk}
    portal_tests.run(test.pk)
    shown = page(operator, answer["Location"])
    assert "It works" in shown
    assert PASSWORD not in shown
    test.refresh_from_db()
    assert (test.trial, test.portal, test.credential) == ("", None, None)
    assert not Credential.objects.exists()
    assert list(Portal.objects.all()) == [portal]


def test_unsaved_settings_never_use_a_stored_password(operator: Client, portal: Portal) -> None:
    Credential.objects.create(
        portal=portal, email=full("good"), account=full("good"), password=PASSWORD
    )
    fields = {"login_url": portal.login_url, "test_email": full("good"), "test_password": ""}
    answer = operator.post(reverse("admin:bills_portal_test_changed", args=[portal.pk]), fields)
    assert answer.status_code == 422
    assert not PortalTest.objects.exists()


def test_a_test_asks_whoever_watches_it_for_a_code(
    operator: Client, portal: Portal, site: PortalSite
) -> None:
    email = full("sms1")
    credential = Credential.objects.create(
        portal=portal, email=email, account=email, password=PASSWORD
    )
    test = PortalTest.objects.create(portal=portal, credential=credential)
    code_page = reverse("admin:bills_portal_test_code", args=[test.pk])
    assert operator.get(code_page).status_code == 302  # it asks for none yet
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_tested, test.pk)
        wait_until(portal_tests.waiting_for_code().exists, "the portal's question")
        watched = page(operator, reverse("admin:bills_portal_watch", args=[test.pk]))
        assert code_page in watched
        assert email in page(operator, code_page)
        assert operator.post(code_page, {"code": "no"}).status_code == 422
        code = site.codes.on_the_phone()[email]
        assert operator.post(code_page, {"code": code}).status_code == 302
        running.result(120)
    test.refresh_from_db()
    assert (test.error_code, test.code, test.code_until) == ("", "", None)
    shown = page(operator, reverse("admin:bills_portal_watch", args=[test.pk]))
    assert "It works" in shown
    assert code not in shown


def _tested(pk: int) -> None:
    try:
        portal_tests.run(pk)
    finally:
        connection.close()


def test_a_portals_test_that_fails_says_why(portal: Portal) -> None:
    email = full("captcha")
    credential = Credential.objects.create(
        portal=portal, email=email, account=email, password=PASSWORD
    )
    test = PortalTest.objects.create(portal=portal, credential=credential)
    portal_tests.run(test.pk)
    test.refresh_from_db()
    assert test.error_code == "CAPTCHA"
    assert Evidence.objects.filter(test=test, kind="screenshot").exists()
