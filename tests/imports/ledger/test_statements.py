"""How the ledger's statements travel: together or alone, planned once, and for the disk or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from django.db import connection

from imports.ledger import claims
from imports.ledger.claims import cursor, one_trip, planned_once
from imports.models import JobEvent
from tests.jobs import LEASE, OK, answer, send

if TYPE_CHECKING:
    from tests.jobs import JobMaker

ADD_EVENT = "INSERT INTO imports_jobevent (job_id, actor, code, reason) VALUES (%s, '', %s, '')"


def setting(name: str) -> str:
    with connection.cursor() as sql:
        sql.execute("SELECT current_setting(%s)", [name])
        return str(sql.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_what_goes_over_in_one_trip_happens_whole_or_not_at_all(make_job: JobMaker) -> None:
    job = make_job(1)

    def half() -> None:
        with one_trip():
            cursor().execute(ADD_EVENT, [job.pk, "half"])
            cursor().execute("SELECT 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        half()
    assert not JobEvent.objects.filter(code="half").exists()
    with one_trip():
        first = cursor().execute(ADD_EVENT, [job.pk, "whole"])
        second = cursor().execute("SELECT count(*) FROM imports_jobevent WHERE code = 'whole'")
    assert (first.rowcount, second.fetchone()) == (1, (1,))
    assert JobEvent.objects.filter(code="whole").exists()


@pytest.mark.django_db(transaction=True)
def test_only_a_claim_need_not_wait_for_the_disk(make_job: JobMaker) -> None:
    job = make_job(3)
    cursor().execute("SET synchronous_commit = on")  # the tests' own server has it off
    with one_trip():
        cursor().execute(claims.LOCK_RATE_LIMIT, {"rate_limit": job.rate_limit_id, "delay": 0.0})
        during = cursor().execute("SHOW synchronous_commit")
    assert during.fetchone() == ("off",)
    assert claims.claim(job, "worker", 1, LEASE).works
    assert setting("synchronous_commit") == "on"  # what intends and records waits
    cursor().execute("RESET synchronous_commit")


def test_a_turn_has_its_statements_planned_once_and_leaves_the_connection_as_it_was(
    db: None,
) -> None:
    before = setting("plan_cache_mode")
    with planned_once():
        assert setting("plan_cache_mode") == "force_generic_plan"
    assert setting("plan_cache_mode") == before


def test_a_success_changes_its_results_in_place_and_none_of_their_indexes(
    make_job: JobMaker,
) -> None:
    job = make_job(30, batch_size=10)
    send(job)
    before = moved_and_in_place()
    answer(job, OK, OK)
    moved, in_place = moved_and_in_place()
    assert (moved - before[0], in_place - before[1]) == (20, 20)


def moved_and_in_place() -> tuple[int, int]:
    """Updates of results in this transaction: all, and those that no index had to know of."""
    with connection.cursor() as sql:
        sql.execute(
            "SELECT pg_stat_get_xact_tuples_updated('import_results'::regclass),"
            " pg_stat_get_xact_tuples_hot_updated('import_results'::regclass)"
        )
        moved, in_place = sql.fetchone()
    return int(moved), int(in_place)
