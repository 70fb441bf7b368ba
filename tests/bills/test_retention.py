"""How long bills are kept, and a person's credentials, bills and evidence erased."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.utils import timezone

from bills import keeping, retention
from bills.models import Bill, Credential, Evidence
from bills.models.deliveries import BillDelivery, DeliveryState, Destination
from imports.engine import sweeper
from imports.fields import cipher
from imports.ledger import lifecycle
from imports.models import ImportResult
from tests.bills.runs import credential_of, full
from tests.jobs import OK, REFUSED, answer

if TYPE_CHECKING:
    from imports.models import ImportJob
    from tests.bills.runs import BillMaker

pytestmark = pytest.mark.django_db(transaction=True)
PDF = b"%PDF-1.4 a bill %%EOF"


@pytest.fixture
def kept(make_bills: BillMaker) -> Bill:
    """A bill of good@example.test, fetched forty days ago; its job has ended."""
    job = make_bills("good")
    answer(job, OK)
    lifecycle.finish_if_done([job.pk])
    bill = Bill(
        portal=make_bills.portal, account=full("good"), email=full("good"), number="F1",
        sha256="0" * 64, size=len(PDF), attempt_number=1, batch=job.batches.get(),
    )  # fmt: skip
    bill.file.save("bills/1/aa/f1.pdf", ContentFile(PDF))
    Bill.objects.update(fetched_at=timezone.now() - timedelta(days=40))
    Evidence.objects.create(
        batch=job.batches.get(), kind="page", token=cipher().encrypt(b"<p>"),
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    return bill


def delivery_of(bill: Bill, status: DeliveryState) -> BillDelivery:
    place = Destination.objects.create(name="folder", location="/nowhere")
    name = f"{bill.email}/F1.pdf"
    return BillDelivery.objects.create(bill=bill, destination=place, name=name, status=status)


def erased(person: str) -> tuple[int, dict[str, str]]:
    """The exit code, and of each kind why it stays."""
    out, code = io.StringIO(), 0
    try:
        call_command("erase_person", person, "--yes", "--json", stdout=out)
    except SystemExit as ended:
        code = int(str(ended.code))
    found = json.loads(out.getvalue())["found"]
    return code, {each["what"]: each["stays_because"] for each in found}


def test_an_old_bill_loses_its_file_and_is_still_known(kept: Bill, settings: Any) -> None:
    settings.BILLS_DAYS = 41
    sweeper.tidy()
    assert Path(kept.file.path).exists()
    settings.BILLS_DAYS = 39
    sweeper.tidy()
    assert not Path(kept.file.path).exists()
    events = kept.batch.job.events.filter(code="removed")  # type: ignore[union-attr]
    assert [dict(each.message.params)["n"] for each in events] == [1]
    assert len(keeping.known_bills(credential_of("good"))) == 1
    assert list(retention.expected_files()) == []


def test_a_bill_that_is_not_delivered_yet_keeps_its_file(kept: Bill, settings: Any) -> None:
    settings.BILLS_DAYS = 39
    delivery = delivery_of(kept, DeliveryState.FAILED)
    sweeper.tidy()
    assert Path(kept.file.path).exists()
    assert erased(full("good"))[1]["bills"] == "UNRESOLVED"
    BillDelivery.objects.filter(pk=delivery.pk).update(status=DeliveryState.DELIVERED)
    sweeper.tidy()
    assert not Path(kept.file.path).exists()


def test_a_person_goes_from_credentials_bills_evidence_and_results(kept: Bill) -> None:
    delivery_of(kept, DeliveryState.DELIVERED)
    code, found = erased(full("GOOD").upper())
    assert code == 0
    assert set(found) >= {"credentials", "evidence", "bills", "results"}
    assert not Path(kept.file.path).exists()
    assert not Evidence.objects.exists()
    credential = Credential.objects.get()
    assert (credential.password, credential.extra) == ("", {})
    named = [
        *Credential.objects.values_list("email", "account"),
        *Bill.objects.values_list("email", "account", "number"),
        *BillDelivery.objects.values_list("name"),
        *ImportResult.objects.values_list("key", "email"),
    ]
    assert "good" not in str(named)
    assert ImportResult.objects.get().status == "success"


def test_a_credential_whose_login_failed_stays_until_somebody_decides(
    make_bills: BillMaker,
) -> None:
    job: ImportJob = make_bills("good")
    answer(job, REFUSED)
    code, found = erased(full("good"))
    assert (code, found["credentials"]) == (1, "UNRESOLVED")
    assert credential_of("good").password
