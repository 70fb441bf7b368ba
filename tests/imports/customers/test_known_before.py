"""What an API has already is known before it is sent again: said with the job, and left out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from config.dev.sandbox import samples
from imports.customers import drafts, retry_files
from imports.engine import runner
from imports.ledger import bulk_actions, known_before, lifecycle
from imports.ledger.batches import bytes_of
from imports.ledger.totals import family_totals
from imports.models import CustomerApi, ImportJob, ImportResult
from imports.models.bulk_actions import ActionType
from imports.policy import Verdict
from imports.states import EventCode
from tests.decisions import retry
from tests.jobs import LOST, OK, REFUSED, answer, assert_totals_hold, at_once, keys, mixed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jobs import JobMaker

S, X = Verdict.SUCCESS, Verdict.REJECTED
FILE = "retry_batch_01_failed.json"
BOM = b"\xef\xbb\xbf"


def customer(number: int, name: str = "OLDNAME") -> dict[str, Any]:
    one = samples.customer(number)
    one["person"]["firstName"] = name
    return one


@pytest.fixture
def other_api(make_job: JobMaker) -> CustomerApi:
    """The same system under another name: another API here."""
    api = make_job.api
    return CustomerApi.objects.create(
        name="the other", url=api.url, preset=api.preset, mapping=api.mapping, auth="none",
        batch_size=3,
    )  # fmt: skip


def directory_of(job: ImportJob, folder: Path) -> Path:
    directory = retry_files.write(job, folder / "out")
    assert directory is not None
    return directory


def draft_of(api: CustomerApi, *paths: Path, force: bool = False) -> ImportJob:
    draft = drafts.new_draft(api, "again", force=force)
    for path in paths:
        drafts.add_path(draft, path)
    draft.refresh_from_db()
    return draft


def begun(draft: ImportJob) -> ImportJob:
    lifecycle.start(draft)
    runner.read_input(draft)
    draft.refresh_from_db()
    return draft


def codes(job: ImportJob) -> dict[str, int]:
    """What is said of a draft's files: how many records for each code."""
    found: dict[str, int] = {}
    for file in job.files.all():
        for note in file.known_before:
            found[note["code"]] = found.get(note["code"], 0) + note.get("count", 1)
    return found


def left_out(job: ImportJob) -> list[str]:
    rows = job.results.filter(status="excluded").order_by("position")
    return list(rows.values_list("error_code", flat=True))


# A retry settles a failure only at the same API


def test_a_retry_file_at_another_api_settles_nothing_at_the_first_one(
    make_job: JobMaker, other_api: CustomerApi, tmp_path: Path
) -> None:
    job = make_job(3)
    answer(job, mixed(S, X, X))
    directory = directory_of(job, tmp_path)
    draft = draft_of(other_api, directory / FILE)
    assert (draft.retry_of, codes(draft)) == (None, {"OTHER_API": 2})
    answer(begun(draft), OK)
    assert len(keys(draft, "success")) == 2
    assert set(draft.results.values_list("retry_of", flat=True)) == {None}
    assert (family_totals(job).success, family_totals(job).error) == (1, 2)
    (said,) = known_before.of_files(draft.files.get().known_before)
    assert all(name in said for name in (job.api.name, other_api.name, str(job.pk)))  # type: ignore[union-attr]
    assert job.events.filter(code=EventCode.SENT_ELSEWHERE).count() == 1
    home = begun(draft_of(make_job.api, directory / FILE))
    assert (left_out(home), keys(home, "pending")) == ([], keys(job, "error"))
    assert home.retry_of == job


def test_retry_failed_still_sends_them_to_the_first_api(
    make_job: JobMaker, other_api: CustomerApi, tmp_path: Path
) -> None:
    job = make_job(3)
    answer(job, mixed(S, X, X))
    answer(begun(draft_of(other_api, directory_of(job, tmp_path) / FILE)), OK)
    made = retry(job)
    assert (made.records, made.job.api) == (2, job.api)


def test_choosing_another_api_afterwards_unties_the_draft_and_choosing_back_ties_it(
    make_job: JobMaker, other_api: CustomerApi, tmp_path: Path
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    draft = draft_of(make_job.api, directory_of(job, tmp_path) / FILE)
    for api, retry_of, said in (
        (other_api, None, {"OTHER_API": 3}),
        (make_job.api, job, {}),
    ):
        drafts.use_api(draft, api)
        draft.save()
        drafts.recognise_files(draft)
        draft.refresh_from_db()
        assert (draft.retry_of, draft.root, codes(draft)) == (retry_of, retry_of, said)


def test_a_retry_file_sent_twice_to_another_api_is_sent_there_once(
    make_job: JobMaker, other_api: CustomerApi, tmp_path: Path
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    path = directory_of(job, tmp_path) / FILE
    answer(begun(draft_of(other_api, path)), OK)
    again = draft_of(other_api, path)
    assert codes(again) == {"OTHER_API": 3, "SAME_FILE": 1, "ALREADY_IMPORTED": 3}
    assert left_out(begun(again)) == ["ALREADY_IMPORTED"] * 3


# The same file twice


def test_the_same_file_again_is_said_with_its_job_and_sends_only_what_did_not_succeed(
    make_job: JobMaker,
) -> None:
    paths = make_job.files(6)
    first = begun(draft_of(make_job.api, *paths))
    answer(first, mixed(S, X, S), OK)
    again = draft_of(make_job.api, *paths)
    assert codes(again) == {"SAME_FILE": 1, "ALREADY_IMPORTED": 5}
    said = known_before.of_files(again.files.get().known_before)
    assert all(f"job {first.pk}" in each for each in said)
    begun(again)
    assert (keys(again, "pending"), left_out(again)) == (
        keys(first, "error"),
        ["ALREADY_IMPORTED"] * 5,
    )
    assert_totals_hold(again)


def test_force_sends_the_whole_file_again(make_job: JobMaker) -> None:
    paths = make_job.files(3)
    answer(begun(draft_of(make_job.api, *paths)), OK)
    again = begun(draft_of(make_job.api, *paths, force=True))
    assert (len(keys(again, "pending")), left_out(again)) == (3, [])


def test_the_same_file_under_another_name_and_a_third_time(
    make_job: JobMaker, tmp_path: Path
) -> None:
    (path,) = make_job.files(3)
    renamed = tmp_path / "renamed.json"
    shutil.copy(path, renamed)
    answer(begun(draft_of(make_job.api, path)), OK)
    for _ in range(2):
        assert left_out(begun(draft_of(make_job.api, renamed))) == ["ALREADY_IMPORTED"] * 3


def test_the_same_file_at_another_api_is_a_new_one(
    make_job: JobMaker, other_api: CustomerApi
) -> None:
    paths = make_job.files(3)
    answer(begun(draft_of(make_job.api, *paths)), OK)
    again = draft_of(other_api, *paths)
    assert codes(again) == {}
    assert len(keys(begun(again), "pending")) == 3


def test_another_file_with_the_same_customers_is_sent(make_job: JobMaker) -> None:
    """A day's full export names everybody again, in the state of that day."""
    answer(make_job.of(customer(1), customer(2)), OK)
    job = make_job.of(customer(2), customer(1))
    assert (len(keys(job, "pending")), left_out(job)) == (2, [])


def test_of_the_same_file_what_may_have_arrived_or_is_on_its_way_is_left_out(
    make_job: JobMaker,
) -> None:
    paths = make_job.files(6)
    first = begun(draft_of(make_job.api, *paths))
    answer(first, LOST)
    for force, wanted in ((False, ["MAY_BE_IMPORTED"] * 3), (True, [])):
        again = begun(draft_of(make_job.api, *paths, force=force))
        assert left_out(again) == wanted + ["BEING_RETRIED"] * 3
        lifecycle.cancel(again)
    assert len(keys(first, "pending")) == 3


def test_of_the_same_file_what_a_retry_imported_meanwhile_is_left_out(make_job: JobMaker) -> None:
    paths = make_job.files(3)
    first = begun(draft_of(make_job.api, *paths))
    answer(first, REFUSED)
    second = retry(first).job
    runner.read_input(second)
    answer(second, OK)
    again = draft_of(make_job.api, *paths)
    assert codes(again) == {"SAME_FILE": 1, "ALREADY_IMPORTED": 3}
    assert left_out(begun(again)) == ["ALREADY_IMPORTED"] * 3


def test_the_same_file_again_does_not_bring_an_older_version_back(make_job: JobMaker) -> None:
    old = make_job.of(customer(1), customer(2))
    answer(old, mixed(X, X))
    answer(make_job.of(customer(1, "NEWNAME")), OK)
    (file,) = old.files.all()
    again = draft_of(make_job.api, Path(file.path))
    assert codes(again) == {"SAME_FILE": 1, "IMPORTED_LATER": 1}
    assert left_out(begun(again)) == ["IMPORTED_LATER"]
    assert keys(again, "pending") == [samples.customer_id(2)]


@pytest.mark.django_db(transaction=True)
def test_two_jobs_of_the_same_file_at_once_send_it_once(make_job: JobMaker) -> None:
    paths = make_job.files(6)
    made = [draft_of(make_job.api, *paths) for _ in range(3)]
    for job in made:
        lifecycle.start(job)
    at_once(*[lambda job=job: runner.read_input(job) for job in made])
    assert sorted(len(keys(job, "pending")) for job in made) == [0, 0, 6]


# Retry failed


def test_retry_failed_leaves_out_what_a_later_job_imported_and_says_which(
    make_job: JobMaker,
) -> None:
    job = make_job.of(customer(1), customer(2))
    answer(job, mixed(X, X))
    later = make_job.of(customer(1, "NEWNAME"))
    answer(later, OK)
    done = bulk_actions.carry_out(job, ActionType.RETRY)
    assert done.imported_later == [[later.pk, "success", 1]]
    (said,) = known_before.of_later(done.imported_later)
    assert f"job {later.pk}" in said
    assert done.made is not None
    assert keys(done.made, "pending") == [samples.customer_id(2)]
    with pytest.raises(bulk_actions.NothingLeft, match=f"job {later.pk}"):
        bulk_actions.carry_out(job, ActionType.RETRY)
    forced = bulk_actions.carry_out(job, ActionType.RETRY, force=True)
    assert (forced.taken, forced.imported_later) == (1, [])


@pytest.mark.parametrize(("outcome", "status"), [(LOST, "unknown"), (None, "pending")])
def test_what_a_later_job_may_have_imported_or_is_sending_is_left_out_too(
    make_job: JobMaker, outcome: Any, status: str
) -> None:
    job = make_job.of(customer(1))
    answer(job, REFUSED)
    later = make_job.of(customer(1, "NEWNAME"))
    if outcome:
        answer(later, outcome)
    with pytest.raises(bulk_actions.NothingLeft):
        bulk_actions.carry_out(job, ActionType.RETRY)
    chosen = ImportResult.objects.filter(job=job)
    _rest, _hopeless, found = bulk_actions.sensible(job, chosen)
    assert {(each.job, each.status) for each in found} == {(later.pk, status)}


def test_what_failed_later_or_elsewhere_or_was_imported_before_does_not_stand_in_the_way(
    make_job: JobMaker, other_api: CustomerApi
) -> None:
    answer(make_job.of(customer(1)), OK)
    job = make_job.of(customer(1, "NEWER"))
    answer(job, REFUSED)
    answer(make_job.of(customer(1, "NEWEST")), REFUSED)
    make_job.api = other_api
    answer(make_job.of(customer(1, "ELSEWHERE")), OK)
    assert retry(job).records == 1


def test_the_first_copy_of_a_customer_does_not_overwrite_the_second_of_the_same_job(
    make_job: JobMaker,
) -> None:
    job = make_job.of(customer(1), customer(2), customer(1, "NEWNAME"))
    answer(job, mixed(X, X), OK)  # the second copy waits for a batch of its own
    done = bulk_actions.carry_out(job, ActionType.RETRY)
    assert (done.taken, done.imported_later) == (1, [[job.pk, "success", 1]])


def test_the_retry_of_an_older_version_makes_it_no_newer_than_the_later_copy(
    make_job: JobMaker,
) -> None:
    job = make_job.of(customer(1), customer(1, "NEWNAME"))
    answer(job, REFUSED, REFUSED)
    second = retry(job).job
    runner.read_input(second)
    answer(second, OK, REFUSED)
    done = bulk_actions.carry_out(job, ActionType.RETRY)
    assert (done.taken, done.imported_later) == (1, [])
    assert done.made is not None
    assert done.made.results.get().retry_of_id == second.results.get(status="error").pk


@pytest.mark.parametrize("leaves_out", [True, False])
def test_the_same_file_again_sends_no_older_copy_where_the_last_one_was_imported(
    make_job: JobMaker, leaves_out: bool
) -> None:
    job = make_job.of(customer(1), customer(1, "NEWNAME"), leave_earlier_copies_out=True)
    answer(job, OK)
    path = make_job.folder / "input_1.json"
    again = drafts.new_draft(make_job.api, "again", leave_earlier_copies_out=leaves_out)
    drafts.add_path(again, path)
    begun(again)
    assert (keys(again, "pending"), left_out(again)) == (
        [],
        ["IMPORTED_LATER", "ALREADY_IMPORTED"],
    )


def test_the_same_file_again_sends_both_copies_in_order_where_the_last_one_failed(
    make_job: JobMaker,
) -> None:
    job = make_job.of(customer(1), customer(1, "NEWNAME"), leave_earlier_copies_out=True)
    answer(job, REFUSED)
    again = draft_of(make_job.api, make_job.folder / "input_1.json")
    begun(again)
    assert (len(keys(again, "pending")), left_out(again)) == (2, [])
    numbers = again.batches.order_by("number").values_list("after_numbers", flat=True)
    assert list(numbers) == [None, [1]]


def test_a_version_stays_as_old_as_it_is_however_often_it_is_tried(make_job: JobMaker) -> None:
    job = make_job.of(customer(1))
    answer(job, REFUSED)
    later = make_job.of(customer(1, "NEWNAME"))
    second = retry(job, force=True).job
    runner.read_input(second)
    answer(second, REFUSED)
    answer(later, OK)
    with pytest.raises(bulk_actions.NothingLeft, match=f"job {later.pk}"):
        bulk_actions.carry_out(job, ActionType.RETRY)


def test_many_are_compared_again_when_their_turn_comes(
    make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "CHUNK", 2)
    job = make_job.of(*[customer(number) for number in range(6)], batch_size=2)
    answer(job, REFUSED, REFUSED, REFUSED)
    bulk_action = bulk_actions.carry_out(job, ActionType.RETRY)
    assert (bulk_action.in_background, bulk_action.total) == (True, 6)
    answer(make_job.of(customer(5, "NEWNAME")), OK)
    while bulk_actions.carry_on(bulk_action):
        pass
    bulk_action.refresh_from_db()
    assert (bulk_action.taken, bulk_action.skipped_changed) == (5, 1)


# A retry file that was changed


def edited(content: bytes) -> bytes:
    """As an editor on Windows saves it, with one name corrected."""
    lines = BOM + content.replace(b"\n", b"\r\n")
    return lines.replace(b'"firstName": "', b'"firstName": "X', 1)


def reformatted(content: bytes) -> bytes:
    """As a program writes it anew, with one name corrected."""
    found = json.loads(content)
    found["data"][0]["person"]["firstName"] = "EMMY"
    return json.dumps(found, indent=4).encode()


@pytest.mark.parametrize("change", [edited, reformatted])
@pytest.mark.parametrize("has_summary", [True, False])
def test_a_changed_retry_file_is_a_correction_of_the_records_that_failed(
    make_job: JobMaker, tmp_path: Path, change: Callable[[bytes], bytes], has_summary: bool
) -> None:
    job = make_job(6)
    answer(job, mixed(S, X, X), OK)
    copy = tmp_path / "elsewhere"
    shutil.copytree(directory_of(job, tmp_path), copy)
    if not has_summary:
        (copy / "retry_summary.json").unlink()
    (copy / FILE).write_bytes(change((copy / FILE).read_bytes()))
    draft = draft_of(make_job.api, copy / FILE)
    assert (draft.retry_of, codes(draft)) == (job, {"CHANGED_RETRY_FILE": 1})
    answer(begun(draft), OK)
    assert keys(draft, "success") == keys(job, "error")
    summary = family_totals(job)
    assert (summary.total, summary.success, summary.error) == (6, 6, 0)
    with pytest.raises(bulk_actions.NothingLeft):
        bulk_actions.carry_out(job, ActionType.RETRY)
    assert left_out(begun(draft_of(make_job.api, copy / FILE))) == ["ALREADY_IMPORTED"] * 2


def test_a_changed_retry_file_does_not_send_what_was_imported_meanwhile(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job.of(customer(1), customer(2), customer(3))
    answer(job, REFUSED)
    path = directory_of(job, tmp_path) / FILE
    path.write_bytes(edited(path.read_bytes()))
    later = make_job.of(customer(2, "NEWNAME"))
    answer(later, OK)
    second = retry(job, only=job.results.filter(key=samples.customer_id(3))).job
    runner.read_input(second)
    answer(second, OK)
    draft = draft_of(make_job.api, path)
    wanted = {"CHANGED_RETRY_FILE": 1, "IMPORTED_LATER": 1, "ALREADY_IMPORTED": 1}
    assert codes(draft) == wanted
    assert left_out(begun(draft)) == ["IMPORTED_LATER", "ALREADY_IMPORTED"]
    assert keys(draft, "pending") == [samples.customer_id(1)]


def test_in_a_changed_file_a_record_from_before_a_correction_does_not_undo_it(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job.of(customer(1), customer(2))
    answer(job, REFUSED)
    path = directory_of(job, tmp_path) / FILE
    old = path.read_bytes()
    path.write_bytes(reformatted(old))
    answer(begun(draft_of(make_job.api, path)), REFUSED)  # the first one goes out corrected
    path.write_bytes(BOM + old.replace(b"\n", b"\r\n"))
    draft = draft_of(make_job.api, path)
    assert codes(draft) == {"CHANGED_RETRY_FILE": 1, "CORRECTED_SINCE": 1}
    assert left_out(begun(draft)) == ["CORRECTED_SINCE"]


def test_a_record_that_was_not_in_the_retry_file_is_sent_as_a_new_one_and_said(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job.of(customer(1), customer(2))
    answer(job, REFUSED)
    path = directory_of(job, tmp_path) / FILE
    found = json.loads(path.read_bytes())
    path.write_text(json.dumps({"data": [*found["data"], customer(9)]}))
    draft = draft_of(make_job.api, path)
    assert codes(draft) == {"CHANGED_RETRY_FILE": 1, "NOT_IN_RETRY_FILE": 1}
    begun(draft)
    links = dict(draft.results.values_list("key", "retry_of__job"))
    assert links == {
        samples.customer_id(1): job.pk, samples.customer_id(2): job.pk,
        samples.customer_id(9): None,
    }  # fmt: skip


def test_a_changed_retry_file_at_another_api_corrects_nothing_here(
    make_job: JobMaker, other_api: CustomerApi, tmp_path: Path
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    path = directory_of(job, tmp_path) / FILE
    path.write_bytes(edited(path.read_bytes()))
    draft = draft_of(other_api, path)
    assert codes(draft) == {"OTHER_API": 3}
    answer(begun(draft), OK)
    assert family_totals(job).error == 3


def test_a_file_that_is_only_called_like_a_retry_file_is_a_new_one(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    directory_of(job, tmp_path)
    (path,) = make_job.files(3)
    mine = tmp_path / FILE
    shutil.copy(path, mine)
    for summary in ("{", "[]", '{"sha256": 7}', json.dumps({"sha256": {FILE: "ab"}})):
        (tmp_path / "retry_summary.json").write_text(summary)
        assert codes(draft_of(make_job.api, mine)) == {}


def test_the_bytes_that_were_corrected_are_the_bytes_that_go_out(
    make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    path = directory_of(job, tmp_path) / FILE
    path.write_bytes(edited(path.read_bytes()))
    draft = begun(draft_of(make_job.api, path))
    sent = bytes_of(list(draft.results.values_list("pk", flat=True)))
    assert all(raw in path.read_bytes() for raw in sent.values())


# Sending the unknown again


def test_what_is_unknown_is_not_sent_again_over_a_newer_version(make_job: JobMaker) -> None:
    job = make_job.of(customer(1), customer(2))
    answer(job, LOST)
    later = make_job.of(customer(1, "NEWNAME"))
    answer(later, OK)
    decided: dict[str, Any] = {"reason": "looked up", "actor": "anna"}
    done = bulk_actions.carry_out(job, ActionType.SEND_AGAIN, **decided)
    assert (done.taken, done.imported_later) == (1, [[later.pk, "success", 1]])
    with pytest.raises(bulk_actions.NothingLeft, match=f"job {later.pk}"):
        bulk_actions.carry_out(job, ActionType.SEND_AGAIN, **decided)
    forced = bulk_actions.carry_out(job, ActionType.SEND_AGAIN, force=True, **decided)
    assert forced.taken == 1


def test_what_was_sent_again_and_is_unknown_again_stands_in_its_own_way_no_more_than_before(
    make_job: JobMaker,
) -> None:
    job = make_job.of(customer(1))
    answer(job, LOST)
    for _ in range(2):
        done = bulk_actions.carry_out(job, ActionType.SEND_AGAIN, reason="looked up")
        assert done.made is not None
        runner.read_input(done.made)
        answer(done.made, LOST)
    assert family_totals(job).unknown == 1
