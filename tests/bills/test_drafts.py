"""From a CSV to a draft: all of it or nothing, and no plain password anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.db.models.functions import Now

from bills.accounts import passwords
from bills.csv.reader import UnreadableCsv
from bills.drafts import duplicate, new_draft, new_draft_of_content
from bills.models import BillRun, Credential, CredentialUse
from bills.portal_setup import store_portal
from imports.ledger.lifecycle import NotAllowed
from imports.models import ImportJob, RateLimit
from tests.bills.runs import credential_of, full

if TYPE_CHECKING:
    from pathlib import Path

    from bills.models import Portal
    from tests.bills.runs import BillMaker

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_draft_has_a_batch_of_one_for_each_credential(make_bills: BillMaker) -> None:
    job = make_bills.draft("good", "otp")
    assert [(batch.number, batch.size, bytes(batch.body)) for batch in job.batches.all()] == [
        (1, 1, b""),
        (2, 1, b""),
    ]
    emails = [use.credential.email for use in CredentialUse.objects.order_by("batch_id")]
    assert emails == list(job.results.order_by("pk").values_list("email", flat=True))
    assert BillRun.objects.get(job=job).extra_columns == ["cred_id"]
    settings = (job.max_attempts, job.concurrency, job.timeout_seconds, job.rate_limit.key)
    assert settings == (3, 4, 90.0, f"portal:{make_bills.portal.pk}")


def test_a_file_that_breaks_off_in_the_middle_leaves_nothing(
    portal: Portal, tmp_path: Path
) -> None:
    path = tmp_path / "broken.csv"
    path.write_text('email,password\na@b.se,one\n"c@d.se,two\ne@f.se,three\ng@h.se,four"\n')
    with pytest.raises(UnreadableCsv):
        new_draft(portal, path, "broken.csv")
    assert not Credential.objects.exists()
    assert not ImportJob.objects.exists()


def test_an_upload_leaves_no_file_behind(portal: Portal, installation: Path) -> None:
    new_draft_of_content(portal, b"email,password\na@b.se,one\n", "a.csv")
    assert [path for path in (installation / "home").rglob("*") if path.is_file()] == []


def test_passwords_are_stored_exactly_and_encrypted(make_bills: BillMaker) -> None:
    make_bills.draft("good: två ord ")
    assert credential_of("good").password == " två ord "
    with connection.cursor() as sql:
        sql.execute("SELECT password FROM bills_credential")
        ((stored,),) = sql.fetchall()
    assert stored.startswith("gAAAA")


def test_an_account_is_known_again_in_any_case_and_its_count_kept(make_bills: BillMaker) -> None:
    make_bills.draft("good:one")
    passwords.Password(
        credential_of("good").pk, credential_of("good").password_changed_at, 5
    ).count_before_typing()
    make_bills.draft("GOOD@Example.test:one")
    assert Credential.objects.get().unproven_count == 1
    make_bills.draft("good:another")
    credential = Credential.objects.get()
    assert (credential.password, credential.unproven_count) == ("another", 0)


def test_a_corrected_recipe_forgets_tries_that_nobody_could_judge(make_bills: BillMaker) -> None:
    make_bills.draft("good")
    Credential.objects.update(unproven_count=3, refused_count=1)
    portal = make_bills.portal
    portal.concurrency = 1
    store_portal(portal)
    assert credential_of("good").unproven_count == 3
    assert RateLimit.objects.get(key=f"portal:{portal.pk}").concurrency == 1
    portal.recipe = {"bills": {"rows": "tr"}}
    store_portal(portal)
    counts = Credential.objects.values_list("unproven_count", "refused_count").get()
    assert counts == (0, 1)
    assert full("good") == credential_of("good").email


def test_a_duplicate_has_the_accounts_that_are_left_and_the_same_settings(
    make_bills: BillMaker,
) -> None:
    job = make_bills.draft("good", "otp", "locked")
    ImportJob.objects.filter(pk=job.pk).update(concurrency=2, rollout="one")
    job.refresh_from_db()
    Credential.objects.filter(email=credential_of("locked").email).update(deleted_at=Now())
    copy = duplicate(job, "again", "anna")
    emails = sorted(copy.results.values_list("email", flat=True))
    assert emails == sorted(credential_of(name).email for name in ("good", "otp"))
    assert (copy.status, copy.concurrency, copy.rollout) == ("draft", 2, "one")
    assert copy.bill_run.portal == job.bill_run.portal
    assert copy.events.get(code="duplicated").actor == "anna"


def test_a_job_whose_accounts_are_all_deleted_is_not_duplicated(make_bills: BillMaker) -> None:
    job = make_bills.draft("good")
    Credential.objects.update(deleted_at=Now())
    with pytest.raises(NotAllowed):
        duplicate(job, "again", "anna")
    assert ImportJob.objects.count() == 1
