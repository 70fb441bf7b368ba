"""Who comes again in a large file: the same is found on disk as in memory."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from config.dev.sandbox.samples import customer as sample
from imports.customers import drafts
from imports.customers.files import batching, duplicates, reader
from imports.customers.files.duplicates import IdRegister, Repeats, normalised
from imports.customers.files.limits import GK_CHECKS
from imports.customers.files.reader import check_file
from imports.engine import runner
from imports.ledger import lifecycle
from tests.imports.customers.written import customer, envelope

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imports.models import ImportJob
    from tests.jobs import JobMaker


@contextmanager
def all_files_are_large() -> Iterator[None]:
    with (
        patch.object(reader, "MOST_IN_MEMORY", 0),
        patch.object(batching, "MOST_IN_MEMORY", 0),
        patch.object(duplicates, "MOST_WAITING", 7),
    ):
        yield


@pytest.mark.parametrize("most_waiting", [1, 50, 10_000])
def test_just_those_records_are_marked_that_are_not_alone_with_their_name(
    tmp_path: Path, most_waiting: int
) -> None:
    chance = random.Random(11)
    keys = [chance.choice(("Åsa ", "ÅSA", "x", "", "ß")) + str(n % 700) for n in range(1_000)]
    keys += [""] * 20
    with patch.object(duplicates, "MOST_WAITING", most_waiting):
        repeats = Repeats(tmp_path / "scratch")
        for at in range(0, len(keys), 30):
            repeats.add_all(keys[at : at + 30], "a.json", at + 1)
    counts = Counter(map(normalised, keys))
    wanted = [int(bool(key) and counts[normalised(key)] > 1) for key in keys]
    assert list(repeats.marks() or b"")[1:] == wanted


def test_without_a_repeated_name_nothing_is_marked(tmp_path: Path) -> None:
    repeats = Repeats(tmp_path)
    repeats.add_all([str(n) for n in range(5_000)], "a.json", 1)
    assert repeats.marks() is None


def test_memory_does_not_grow_with_the_names(tmp_path: Path) -> None:
    with patch.object(duplicates, "MOST_WAITING", 10_000):
        tracemalloc.start()
        try:
            repeats = Repeats(tmp_path)
            for first in range(1, 400_001, 1_000):
                repeats.add_all([str(n) for n in range(first, first + 1_000)], "a.json", first)
            assert repeats.marks() is None
            _held, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 4_000_000  # sixteen bytes for each name would be more


def test_the_verdict_on_a_large_file_is_that_on_a_small_one(tmp_path: Path) -> None:
    chance = random.Random(5)
    ids = ["AB-Å", "ab-å", " AB-Å", "7", "8", *map(str, range(100, 160))]
    records = [customer(chance.choice(ids)) for _n in range(300)]
    records += [customer("7", note="Ã¥ngstrÃ¶m"), customer(None), customer("9", x="\0"), "3"]
    chance.shuffle(records)
    (tmp_path / "a.json").write_bytes(envelope(*records))
    verdicts = []
    for _way in range(2):
        register = IdRegister()
        register.add("110", "earlier.json", 4)
        verdicts.append(
            check_file(tmp_path / "a.json", "a.json", GK_CHECKS, register, tmp_path / "indexes")
        )
        with all_files_are_large():
            register = IdRegister()
            register.add("110", "earlier.json", 4)
            verdicts.append(
                check_file(tmp_path / "a.json", "a.json", GK_CHECKS, register, tmp_path / "large")
            )
    assert verdicts[0].duplicated > 100
    assert all(verdict == verdicts[0] for verdict in verdicts)
    assert [path.name for path in (tmp_path / "large").iterdir()] == [
        path.name for path in (tmp_path / "indexes").iterdir()
    ]


def cut(make_job: JobMaker, contents: list[list[Any]], **choices: bool) -> ImportJob:
    job = drafts.new_draft(make_job.api, "files", "", batch_size=3, **choices)
    for number, records in enumerate(contents):
        path = make_job.folder / f"{job.pk}_{number}.json"
        path.write_text(json.dumps({"data": records}) + " " * job.pk)
        drafts.add_path(job, path, f"file_{number}.json")
    lifecycle.start(job)
    runner.read_input(job)
    job.refresh_from_db()
    return job


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("leaves_out", [False, True])
def test_copies_in_large_files_are_cut_and_left_out_as_those_in_small_ones(
    make_job: JobMaker, leaves_out: bool
) -> None:
    chance = random.Random(3)
    contents: list[list[Any]] = [
        [sample(chance.randrange(25)) for _n in range(12)],
        [sample(chance.randrange(25)) for _n in range(12)] + [{"person": {}}],
        [sample(40), sample(41)],
    ]
    small = cut(make_job, contents, leave_earlier_copies_out=leaves_out)
    with all_files_are_large():
        large = cut(make_job, contents, leave_earlier_copies_out=leaves_out)
    batches, results = (
        [list(rows.values_list(*names)) for rows in (small_rows, large_rows)]
        for small_rows, large_rows, names in (
            (
                small.batches.order_by("number"), large.batches.order_by("number"),
                ("number", "body", "after_numbers"),
            ),
            (
                small.results.order_by("pk"), large.results.order_by("pk"),
                ("batch__number", "position", "key", "status", "error_code", "error"),
            ),
        )
    )  # fmt: skip
    assert [tuple(map(str, row)) for row in batches[0]] == [
        tuple(map(str, row)) for row in batches[1]
    ]
    assert any(row[2] for row in batches[0]) is not leaves_out
    assert results[0] == results[1]


@pytest.mark.django_db(transaction=True)
def test_a_file_that_comes_twice_in_one_job_marks_nobody(make_job: JobMaker) -> None:
    contents = [[sample(1), sample(2)], [sample(1), sample(2)]]
    with all_files_are_large():
        job = cut(make_job, contents)
    assert sorted(job.results.values_list("status", flat=True)) == [
        "excluded", "excluded", "pending", "pending",
    ]  # fmt: skip
