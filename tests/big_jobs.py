"""Ended jobs of any size, with all that they leave in the ledger, made by SQL: fast for a million.

Some batches failed whole after three tries, in some a single record failed, some are unknown;
a later retry has taken a part of them on. Each sentence names its record, as real answers do.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import Group, User
from django.db import connection

from imports.models import Attempt, CustomerApi, ImportJob, ImportResult, RateLimit
from imports.states import JobStatus, ResultStatus

FIRST_CUSTOMER = 50_000_000_000
RECORD_BYTES = 300


@dataclass(frozen=True, slots=True)
class Size:
    """How many batches of how many records; about one batch in `one_in` failed whole."""

    batches: int
    records: int
    one_in: int
    files: int = 1


BATCHES = """
INSERT INTO imports_importbatch (job_id, number, part, status, body, head_length, tail_length,
    body_sha256, idempotency_key, size, success_count, error_count, unknown_count,
    attempts, tries, http_status, error_code, error, worker, claimed_at, sent_at, ended_at)
SELECT %(job)s, b, 0,
    CASE WHEN whole OR single THEN 'failed' WHEN unknown THEN 'unknown' ELSE 'done' END,
    %(body)s, 9, 2, md5(b::text), %(job)s || '-' || b, %(records)s,
    CASE WHEN whole OR unknown THEN 0 ELSE %(records)s - single::int END,
    CASE WHEN whole THEN %(records)s ELSE single::int END,
    CASE WHEN unknown THEN %(records)s ELSE 0 END,
    tries, tries, CASE WHEN whole OR single THEN 422 WHEN unknown THEN NULL ELSE 201 END,
    CASE WHEN whole THEN 'HTTP_422' WHEN single THEN 'SOME_FAILED'
         WHEN unknown THEN 'TIMEOUT' ELSE '' END,
    CASE WHEN whole OR single OR unknown THEN 'Something in batch ' || b || ' went wrong.'
         ELSE '' END,
    'host:1', at, at, at + interval '0.2 s'
FROM (
    SELECT b, b %% %(one_in)s = 1 AS whole, b %% %(one_in)s = 3 AS single,
        b %% (4 * %(one_in)s) = 2 AS unknown,
        CASE WHEN b %% %(one_in)s = 1 THEN 3 ELSE 1 END AS tries,
        now() - make_interval(secs => (%(batches)s - b) * 0.2) AS at
    FROM generate_series(1, %(batches)s) b
) numbers
ORDER BY b
"""
RESULTS = """
INSERT INTO import_results (job_id, batch_id, file_id, position, key, email, status, error_code,
    error, final_error, message, cause, http_status, retry_attempts, body_start, body_length,
    updated_at)
SELECT %(job)s, batch_id, %(file)s + n / %(in_file)s, n, %(first)s + n,
    'kund.' || %(first)s + n || '@example.com', status,
    CASE status WHEN 'success' THEN '' WHEN 'unknown' THEN 'TIMEOUT'
                ELSE (ARRAY['HTTP_422', 'HTTP_400', 'ERROR', 'CONFLICT'])[n %% 4 + 1] END,
    told, NULLIF(told, ''), to_jsonb(NULLIF(told, '')),
    CASE status WHEN 'success' THEN '' WHEN 'unknown' THEN 'late' ELSE 'field' || n %% 3 END,
    CASE status WHEN 'success' THEN 201 WHEN 'unknown' THEN NULL ELSE 422 END,
    tries, 9 + i * %(bytes)s, %(bytes)s - 1, ended_at
FROM (
    SELECT *, CASE status WHEN 'success' THEN ''
        WHEN 'unknown' THEN 'No answer came in time.'
        ELSE 'Customer ' || %(first)s + n || ': the ' || (ARRAY['e-mail', 'telephone', 'postcode'])
            [n %% 3 + 1] || ' “' || n || '” is not valid.' END AS told
    FROM (
        SELECT b.id AS batch_id, b.tries, b.ended_at, i, (b.number - 1) * %(records)s + i AS n,
            CASE WHEN b.error_count > i THEN 'error' WHEN b.status = 'unknown' THEN 'unknown'
                 ELSE 'success' END AS status
        FROM imports_importbatch b, generate_series(0, %(records)s - 1) i WHERE b.job_id = %(job)s
    ) records
) told
ORDER BY n
"""
ATTEMPTS = """
INSERT INTO imports_attempt (job_id, batch_id, number, counted, worker, claimed_at, sent_at,
    ended_at, verdict, http_status, error_code, error, message, answer, success_count,
    error_count, unknown_count, details)
SELECT job_id, id, n, true, worker, claimed_at, sent_at, ended_at,
    CASE WHEN n < tries THEN 'retry' WHEN error_count = size THEN 'rejected'
         WHEN error_count > 0 THEN 'mixed' WHEN unknown_count > 0 THEN 'unknown'
         ELSE 'success' END,
    http_status, error_code, error, to_jsonb(NULLIF(error, '')), repeat('{"status": "told"}', 20),
    success_count, error_count,
    unknown_count, '{}'
FROM imports_importbatch, generate_series(1, tries) n WHERE job_id = %(job)s
ORDER BY number, n
"""
FILES = """
INSERT INTO imports_importfile (job_id, name, path, is_ours, size, sha256, status, message,
    record_count, excluded_count, warnings, refusals)
SELECT %(job)s, 'customers_' || n || '.json', '/nowhere/customers_' || n || '.json', false,
    %(in_file)s * 600, md5(n::text), 'valid', NULL, %(in_file)s, 0, '[]', '[]'
FROM generate_series(1, %(files)s) n
"""
RETRY_FILES = """
INSERT INTO imports_retryfile (job_id, directory, name, sha256, batch_number, confirmed,
    result_ids)
SELECT %(job)s, 'retry_batches_' || %(job)s, 'retry_batch_' || number || '_failed.json',
    md5(number::text), number, true,
    ARRAY(SELECT id FROM import_results r WHERE r.batch_id = b.id AND status = 'error')
FROM imports_importbatch b WHERE job_id = %(job)s AND error_count > 0 ORDER BY number
"""
EVENTS = """
INSERT INTO imports_jobevent (job_id, at, actor, code, reason)
SELECT %(job)s, now(), 'anna', 'exported', 'results as CSV' FROM generate_series(1, %(files)s)
"""
# The failed records of each third batch that failed went out again; every second one succeeded.
RETRY_BATCHES = """
INSERT INTO imports_importbatch (job_id, number, part, status, body, head_length, tail_length,
    body_sha256, idempotency_key, size, success_count, error_count, attempts, tries, worker,
    claimed_at, sent_at, ended_at)
SELECT %(retry)s, number, 0, 'failed', body, 9, 2, '', %(retry)s || '-' || number, error_count,
    error_count / 2, error_count - error_count / 2, 1, 1, worker, now(), now(), now()
FROM (
    SELECT *, row_number() OVER (ORDER BY number) AS place FROM imports_importbatch
    WHERE job_id = %(job)s AND error_count > 0
) failed
WHERE place %% 3 = 1 ORDER BY number
"""
RETRY_RESULTS = """
INSERT INTO import_results (job_id, batch_id, file_id, position, key, email, status, error_code,
    error, final_error, message, cause, http_status, retry_attempts, body_start, body_length,
    retry_of_id)
SELECT %(retry)s, new.id, old.file_id, old.position, old.key, old.email,
    CASE WHEN good THEN 'success' ELSE 'error' END, CASE WHEN good THEN '' ELSE old.error_code END,
    CASE WHEN good THEN '' ELSE old.error END, CASE WHEN good THEN NULL ELSE old.final_error END,
    CASE WHEN good THEN NULL ELSE old.message END, CASE WHEN good THEN '' ELSE old.cause END,
    CASE WHEN good THEN 201 ELSE 422 END, 1, old.body_start, old.body_length, old.id
FROM imports_importbatch new
JOIN imports_importbatch b ON b.job_id = %(job)s AND b.number = new.number AND b.part = 0
CROSS JOIN LATERAL (
    SELECT *, row_number() OVER (ORDER BY id) <= new.success_count AS good
    FROM import_results r WHERE r.batch_id = b.id AND r.status = 'error'
) old
WHERE new.job_id = %(retry)s ORDER BY old.id
"""


def make(api: CustomerApi, size: Size, name: str = "") -> ImportJob:
    """An ended job of that size, and a retry of a third of what failed in it."""
    job = _ended(api, name or f"import of {size.batches * size.records:,}", size)
    again = _ended(api, f"{job.name} · retry 1", size, retry_of=job, root=job, retry_number=1)
    with connection.cursor() as sql:
        values = _values(job, again, size)
        sql.execute(FILES, values)
        sql.execute("SELECT min(id) FROM imports_importfile WHERE job_id = %s", [job.pk])
        values["file"] = sql.fetchone()[0]
        for statement in (BATCHES, RESULTS, ATTEMPTS, RETRY_FILES, EVENTS):
            sql.execute(statement, values)
        for statement in (RETRY_BATCHES, RETRY_RESULTS):
            sql.execute(statement, values)
        sql.execute(ATTEMPTS, values | {"job": again.pk})
    return job


def _ended(api: CustomerApi, name: str, size: Size, **more: object) -> ImportJob:
    rate_limit, _ = RateLimit.objects.get_or_create(key=api.rate_limit_key)
    job = ImportJob.objects.create(
        kind="customers", name=name, status=JobStatus.FINISHED, rate_limit=rate_limit, api=api,
        batch_size=size.records, **more,
    )  # fmt: skip
    with connection.cursor() as sql:
        sql.execute(
            "UPDATE imports_importjob SET started_at = now() - interval '2 h',"
            " finished_at = now(), closed_at = now(), retry_directory = 'retry_batches_' || id"
            " WHERE id = %s",
            [job.pk],
        )
    job.refresh_from_db()
    return job


def _values(job: ImportJob, again: ImportJob, size: Size) -> dict[str, int | bytes]:
    record = b'{"customerId": "told", "note": "'.ljust(RECORD_BYTES - 3, b"x") + b'"}'
    records = size.batches * size.records
    return {
        "job": job.pk,
        "retry": again.pk,
        "batches": size.batches,
        "records": size.records,
        "one_in": size.one_in,
        "files": size.files,
        "in_file": -(-records // size.files),
        "bytes": RECORD_BYTES,
        "body": b'{"data":[' + b",".join([record] * size.records) + b"]}",
        "first": FIRST_CUSTOMER + job.pk * 10_000_000,
    }


def ids(job: ImportJob) -> dict[str, object]:
    """What stands for a job's pages in `tests.pages`: one failed record and what belongs to it."""
    failed = ImportResult.objects.filter(job=job, status=ResultStatus.ERROR).exclude(error_code="")
    result = failed.order_by("pk")[0]
    return {
        "job": job.pk,
        "retry": ImportJob.objects.filter(root=job).order_by("pk")[0].pk,
        "api": job.api_id,
        "result": result.pk,
        "customer": result.key,
        "email": result.email,
        "batch": result.batch_id,
        "attempt": Attempt.objects.filter(batch=result.batch_id).order_by("pk")[0].pk,
        "last_page": 200,
        "user": User.objects.order_by("pk")[0].pk,
        "group": Group.objects.order_by("pk")[0].pk,
    }
