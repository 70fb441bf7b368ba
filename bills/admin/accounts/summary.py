"""What lists and exports show of accounts: read in one query, without any secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import OuterRef, Q, Subquery

from bills.models import Bill, Schedule

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from bills.models import Credential

SECRETS = ("password", "totp_secret", "session")


def with_summary(accounts: QuerySet[Credential]) -> QuerySet[Credential]:
    """With `contracts` and `next_run`, and without any secret."""
    bills = Bill.objects.filter(portal=OuterRef("portal"), account=OuterRef("account"))
    contracts = bills.exclude(contract="").order_by().values("account")
    due = Schedule.objects.filter(
        Q(portal=OuterRef("portal")) | Q(portal=None),
        Q(group=OuterRef("group")) | Q(group=""),
        is_active=True,
    ).order_by("next_run_at")
    return (
        accounts.select_related("portal")
        .defer(*SECRETS)
        .annotate(
            contracts=Subquery(
                contracts.annotate(
                    names=ArrayAgg("contract", distinct=True, order_by=["contract"])
                ).values("names")
            ),
            next_run=Subquery(due.values("next_run_at")[:1]),
        )
    )
