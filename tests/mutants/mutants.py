"""The faults: where, what stands there, what stands there instead, and who must notice."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One fault. `old` stands exactly once in the file."""

    file: str
    old: str
    new: str
    test: str


LEDGER, TESTS = "imports/ledger", "tests/imports/ledger"
CLAIMS, OUTCOMES, LIFECYCLE = (
    f"{LEDGER}/{name}.py" for name in ("claims", "outcomes", "lifecycle")
)
ANSWERS, JUDGES = "imports/customers/api", "tests/imports/customers/api"

MUTANTS = (
    # Claim and intent
    Mutant(CLAIMS, "AND b.token = mine.token AND b.status = 'claimed'\n  AND j.id",
           "AND b.status = 'claimed'\n  AND j.id", f"{TESTS}/test_claims.py"),
    Mutant(CLAIMS, "b.status = 'claimed'\n  AND j.id = b.job_id AND j.status = 'running'",
           "b.status = 'claimed'\n  AND j.id = b.job_id", f"{TESTS}/test_claims.py"),
    Mutant(CLAIMS, "WHERE id = %(job)s AND status = 'running'\n), allowed",
           "WHERE id = %(job)s\n), allowed", f"{TESTS}/test_claims.py"),
    Mutant(CLAIMS, "least(%(room)s, job.concurrency - of_job, allowed.concurrency - of_target)",
           "%(room)s::int", f"{TESTS}/test_claims.py"),
    Mutant(CLAIMS, "coalesce(paused_until <= clock_timestamp(), true)\n", "true\n",
           f"{TESTS}/test_stops.py"),
    Mutant(CLAIMS, "      AND b.next_attempt_at <= (SELECT clock_timestamp())\n", "",
           f"{TESTS}/test_outcomes.py"),
    Mutant(CLAIMS, "      AND b.number <= (SELECT coalesce(stage_limit, 2147483647) FROM job)\n",
           "", f"{TESTS}/test_rollout.py"),
    Mutant(CLAIMS, "OR NOT EXISTS ({EARLIER_COPIES}))\n    ORDER", "OR true)\n    ORDER",
           f"{TESTS}/test_order.py"),
    Mutant(CLAIMS, "    give_back([work for work in works if work.batch_id not in ours])\n", "",
           f"{TESTS}/test_claims.py"),
    Mutant(CLAIMS, "CASE WHEN not_now_count > 0 THEN 1 ELSE concurrency END", "concurrency",
           f"{TESTS}/test_stops.py"),
    # Outcomes
    Mutant(OUTCOMES, "b.id = mine.id AND b.token = mine.token AND b.status = 'sending'",
           "b.id = mine.id AND b.status = 'sending'", f"{TESTS}/test_outcomes.py"),
    Mutant(OUTCOMES, "b.id = mine.id AND b.token = mine.token AND b.status = 'sending'",
           "b.id = mine.id AND b.token = mine.token", f"{TESTS}/test_outcomes.py"),
    Mutant(OUTCOMES, "SET status = 'done', success_count = b.size", "SET status = 'done'",
           f"{TESTS}/test_outcomes.py"),
    Mutant(OUTCOMES, "            token=finding.work.token,\n", "", f"{TESTS}/test_outcomes.py"),
    Mutant(OUTCOMES, "Verdict.UNKNOWN: ResultStatus.UNKNOWN",
           "Verdict.UNKNOWN: ResultStatus.SUCCESS", f"{TESTS}/test_outcomes.py"),
    Mutant(OUTCOMES, "Verdict.REPEATABLE: ResultStatus.UNKNOWN",
           "Verdict.REPEATABLE: ResultStatus.ERROR", f"{TESTS}/test_outcomes.py"),
    Mutant(OUTCOMES, "Q(status=BatchStatus.CLAIMED, lease_until__lt=Now())",
           "Q(status=BatchStatus.CLAIMED)", f"{TESTS}/test_expiry.py"),
    Mutant(OUTCOMES, "Q(status=BatchStatus.SENDING, lease_until__lt=Now())",
           "Q(status=BatchStatus.SENDING)", f"{TESTS}/test_expiry.py"),
    Mutant(OUTCOMES, "status__in=[BatchStatus.SENDING, BatchStatus.UNKNOWN],",
           "status__in=[BatchStatus.SENDING],", f"{TESTS}/test_outcomes.py"),
    Mutant(OUTCOMES, "batch.attempts += 1", "batch.attempts += 0", f"{TESTS}/test_outcomes.py"),
    Mutant(OUTCOMES, "budget and batch.attempts < budget.max_attempts:", "budget:",
           f"{TESTS}/test_outcomes.py"),
    Mutant(OUTCOMES, "Verdict.REJECTED: ResultStatus.ERROR",
           "Verdict.REJECTED: ResultStatus.SUCCESS", f"{TESTS}/test_state_machine.py"),
    Mutant("imports/customers/job_type.py",
           'return Outcome(Verdict.UNKNOWN, "WORKER_LOST", LOST + LOOK_UP)',
           'return Outcome(Verdict.RETRY, "WORKER_LOST", LOST + LOOK_UP)',
           f"{TESTS}/test_state_machine.py"),
    # Policy
    Mutant("imports/policy.py", "spent = attempts >= budget.max_attempts",
           "spent = attempts > budget.max_attempts", "tests/imports/test_policy.py"),
    Mutant("imports/policy.py", "2 ** (attempt - 1)", "2 * (attempt - 1)",
           "tests/imports/test_policy.py"),
    Mutant("imports/policy.py", "max(min(asked, LONGEST_DEFERRAL_SECONDS), own)",
           "max(asked, own)", "tests/imports/test_policy.py"),
    # A job's life
    Mutant(LIFECYCLE, "filter(pk=job.pk, status__in=before).update(status=to",
           "filter(pk=job.pk).update(status=to", f"{TESTS}/test_lifecycle.py"),
    Mutant(LIFECYCLE, ".exclude(Exists(open_batches))\n                .update(", ".update(",
           f"{TESTS}/test_lifecycle.py"),
    Mutant(LIFECYCLE, "if held is None or is_out(held):", "if held is None:",
           f"{TESTS}/test_rollout.py"),
    Mutant(LIFECYCLE, "        drop_unsent(job)\n        announce(job, What.CANCELLED)",
           "        announce(job, What.CANCELLED)", f"{TESTS}/test_lifecycle.py"),
    Mutant(CLAIMS, "works = [work for work in claimed.works if work.batch_id in ours]",
           "works = claimed.works", f"{TESTS}/test_claims.py"),
    Mutant("imports/engine/runner.py",
           "        leave_to_others(job, error)\n        return False",
           "        lifecycle.refuse_input(job, error.message)\n        return False",
           "tests/imports/customers/files/test_batching.py"),
    Mutant("imports/engine/runner.py", "        Verdict.UNKNOWN,\n        \"INTERNAL_ERROR\",",
           "        Verdict.SUCCESS,\n        \"INTERNAL_ERROR\",",
           "tests/imports/engine/test_runner.py"),
    Mutant("imports/ledger/retries.py",
           "return _of_family(job, status).exclude(Exists(_its_retry()))",
           "return _of_family(job, status)", f"{TESTS}/test_retries.py"),
    Mutant("imports/ledger/left_out.py", "return could_not.exclude(Exists(corrected))",
           "return could_not", f"{TESTS}/test_left_out.py"),
    # What an answer proves
    Mutant(f"{ANSWERS}/responses.py", "if 500 <= status <= 599 and sent.mapping.five_xx_safe:",
           "if status >= 500:", f"{JUDGES}/test_responses.py"),
    Mutant(f"{ANSWERS}/responses.py", "if status == 408 or (status == 409 and sent.repeatable):",
           "if status == 409 and sent.repeatable:", f"{JUDGES}/test_responses.py"),
    Mutant(f"{ANSWERS}/record_results.py", "outcomes = [NOT_IN_ANSWER] * size",
           "outcomes = [SUCCESS] * size", f"{JUDGES}/test_record_results.py"),
    Mutant(f"{ANSWERS}/record_results.py",
           "return heard[0] if len(heard) == times else DOUBLED", "return heard[0]",
           f"{JUDGES}/test_record_results.py"),
    Mutant(f"{ANSWERS}/record_results.py", "return BY_REST if is_proven else NOT_COUNTED",
           "return SUCCESS", f"{JUDGES}/test_refusals.py"),
    Mutant(f"{ANSWERS}/record_results.py",
           "rest = ROLLED_BACK if mapping.refusal_stored_nothing else NOT_STATED",
           "rest = ROLLED_BACK", f"{JUDGES}/test_refusals.py"),
    # Files
    Mutant("imports/customers/files/check_index.py",
           'if hashlib.file_digest(file, "sha256").hexdigest() != sha256:', "if False:",
           "tests/imports/customers/files/test_batching.py"),
    Mutant("imports/customers/files/batching.py",
           'if any(indexes().glob(f"{file.sha256}-*")):', "if True:",
           "tests/imports/customers/files/test_batching.py"),
    Mutant("imports/storage/stored.py", "if sha256 and digest(Path(temporary)) != sha256:",
           "if False:", "tests/imports/storage/test_stored.py"),
    Mutant("imports/storage/verify.py",
           "return not file.sha256 or digest.hexdigest() == file.sha256", "return True",
           "tests/imports/storage/test_verify.py"),
    Mutant("bills/storage.py", "return default_storage.size(name) == size", "return True",
           "tests/bills/test_missing_bills.py"),
    Mutant("imports/retry_directory.py", "        os.fsync(file.fileno())\n    return digest",
           "    return digest", "tests/imports/test_durable_files.py"),
    # Retention and erasure
    Mutant("imports/retention.py",
           "trouble = (ResultStatus.ERROR, ResultStatus.UNKNOWN, ResultStatus.PENDING)",
           "trouble = (ResultStatus.PENDING,)", "tests/imports/test_expiry.py"),
    Mutant("imports/retention.py", "status__in=ENDED_JOBS, finished_at__lt=before,",
           "status__in=ENDED_JOBS,", "tests/imports/test_expiry.py"),
    Mutant("imports/retention.py", "free = results.exclude(pk__in=stays)",
           "free = results", "tests/imports/test_erasure.py"),
    # Large uploads, and text from outside
    Mutant("imports/customers/background.py",
           "if ImportFile.objects.filter(IS_BEING_READ, job=job).exists():", "if False:",
           "tests/imports/customers/test_background.py"),
    Mutant("imports/customers/background.py",
           "JobStatus.DRAFT or not mine.exists():", "JobStatus.DRAFT:",
           "tests/imports/customers/test_background.py"),
    Mutant("imports/messages.py", "if len(text) > LONGEST_TEXT:", "if False:",
           "tests/imports/test_outside_text.py"),
    Mutant("imports/customers/api/editing.py",
           "return [name for name in kept if not goes_where_it_went(changed, saved, name)]",
           "return []", "tests/imports/admin/test_moved_secrets.py"),
    # Secrets and addresses
    Mutant("imports/fields.py",
           "return cipher().encrypt(plain.encode()).decode() if plain else plain",
           "return plain", "tests/imports/test_fields.py"),
    Mutant("imports/http/addresses.py", "if is_local and not rules.allow_private:",
           "if False:", "tests/imports/http/test_addresses.py"),
    Mutant("imports/http/addresses.py", "if parts.auth is not None or \"@\" in other.netloc:",
           "if False:", "tests/imports/http/test_addresses.py"),
    # Bills
    Mutant("bills/accounting.py",
           "if one.number and other.number and one.number != other.number:\n        return True",
           "if one.number and other.number and one.number != other.number:\n        return False",
           "tests/bills/test_identity.py"),
    Mutant("bills/accounting.py", "if len(kept) >= len(alike):", "if kept:",
           "tests/bills/test_identity.py"),
)  # fmt: skip
