"""What an answer proves of a record without an entry about it alone, and why: always the same."""

from __future__ import annotations

from imports.messages import marked as _
from imports.messages import sentence
from imports.policy import RecordOutcome, Verdict

# Proven without being named: what a mapping's maker must know of these APIs.
BY_STATUS = RecordOutcome(Verdict.SUCCESS, rule="proof")
BY_REST = RecordOutcome(Verdict.SUCCESS, rule="rest")
BY_COUNT = RecordOutcome(Verdict.SUCCESS, rule="count_is_proof")
# What an entry of a refusal may say of its record: each of them states that it is not stored.
NOT_STORED = (Verdict.RETRY, Verdict.REJECTED, Verdict.DEFERRED, Verdict.PAUSE)
NOT_IN_ANSWER = RecordOutcome(
    Verdict.UNKNOWN,
    "NOT_IN_ANSWER",
    sentence(
        "NOT_IN_ANSWER",
        _(
            "The API's answer does not mention this customer, so it may be stored or not. "
            "Look it up before sending it again."
        ),
    ),
)
DOUBLED = RecordOutcome(
    Verdict.UNKNOWN,
    "DOUBLED_IN_ANSWER",
    sentence(
        "DOUBLED",
        _(
            "The API's answer does not report this customer exactly once. Look it up before "
            "sending it again."
        ),
    ),
)
MISCOUNTED = RecordOutcome(
    Verdict.UNKNOWN,
    "MISCOUNTED_ANSWER",
    sentence(
        "MISCOUNTED",
        _(
            "The API's answer numbers a customer that was not sent, so its numbers do not prove "
            "whom they mean. Check whether it counts from 0 or from 1 (name.base in its mapping), "
            "and look this customer up."
        ),
    ),
)
CONTRADICTORY = RecordOutcome(
    Verdict.UNKNOWN,
    "CONTRADICTORY_ANSWER",
    sentence(
        "CONTRADICTORY",
        _(
            "The API's answer says both that this customer was stored and that it was not. "
            "Look it up before sending it again."
        ),
    ),
)
UNNAMED_FAILURE = RecordOutcome(
    Verdict.UNKNOWN,
    "FAILURE_UNNAMED",
    sentence(
        "UNNAMED_FAILURE",
        _(
            "The API reports a failure without saying for which customer, and it may be this one. "
            "Look it up before sending it again."
        ),
    ),
)
ROLLED_BACK = RecordOutcome(
    Verdict.RETRY,
    "ROLLED_BACK",
    sentence(
        "ROLLED_BACK",
        _(
            "The API refused the whole batch because of other customers in it: nothing was "
            "stored, and this one can be sent again without them."
        ),
    ),
)
NOT_STATED = RecordOutcome(
    Verdict.UNKNOWN,
    "REFUSAL_PROVES_NOTHING",
    sentence(
        "NOT_STATED",
        _(
            "The API refused the batch because of other customers in it, and its mapping does "
            "not state that this stored nothing (refusal_stored_nothing). Look this one up "
            "before sending it again."
        ),
    ),
)
COUNTED_OTHERWISE = RecordOutcome(
    Verdict.UNKNOWN,
    "COUNT_DISAGREES",
    sentence(
        "COUNTED_OTHERWISE",
        _(
            "The API's answer calls this customer stored, but its counts or its state say that "
            "not all of these are. Look it up before sending it again."
        ),
    ),
    rule="rest",
)
NOT_COUNTED = RecordOutcome(
    Verdict.UNKNOWN,
    "COUNT_DISAGREES",
    sentence(
        "NOT_COUNTED",
        _(
            "The API's answer does not prove that customers missing from its list of failures"
            " are stored, and this one may have failed. Look it up before sending it again."
        ),
    ),
)
