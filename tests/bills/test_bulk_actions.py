"""Many credentials retried in the background: the new job has its portal and its passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bills.models import BillRun, CredentialUse
from bills.portals.failures import Code
from imports.ledger import bulk_actions, lifecycle
from imports.models.bulk_actions import ActionType
from imports.policy import Outcome, Verdict
from tests.bills.runs import credential_of
from tests.jobs import REFUSED, answer

if TYPE_CHECKING:
    import pytest

    from tests.bills.runs import BillMaker

WRONG = Outcome(Verdict.REJECTED, Code.LOGIN_FAILED.value, "The portal refused the password.")


def test_a_planned_retry_has_its_portal_at_once_and_its_credentials_when_it_is_complete(
    make_bills: BillMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "CHUNK", 1)
    job = make_bills("one", "two", "three")
    answer(job, REFUSED, WRONG, REFUSED)
    type(credential_of("two")).objects.filter(email__startswith="two").update(refused_count=1)
    lifecycle.finish_if_done([job.pk])
    bulk_action = bulk_actions.carry_out(job, ActionType.RETRY)
    assert (bulk_action.total, bulk_action.left_out) == (2, 1)  # a password that is still the same
    assert bulk_action.made is not None
    assert BillRun.objects.get(job=bulk_action.made).portal == make_bills.portal
    while bulk_actions.carry_on(bulk_action):
        pass
    uses = CredentialUse.objects.filter(batch__job=bulk_action.made).order_by("batch__number")
    assert [use.credential for use in uses] == [credential_of("one"), credential_of("three")]
