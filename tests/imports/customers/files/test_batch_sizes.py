"""Batches keep order and limits; their bytes give every record back as it came in."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from imports.customers.files.batching import body, cut
from imports.customers.files.limits import GK_CHECKS, Checks
from tests.imports.customers.written import customer, envelope, read

if TYPE_CHECKING:
    from pathlib import Path


def test_batches_have_the_size_that_was_asked_for_and_keep_the_order(tmp_path: Path) -> None:
    records = read(tmp_path, envelope(*(customer(str(number)) for number in range(107))))
    batches = list(cut(records, 50, GK_CHECKS))
    assert [len(batch) for batch in batches] == [50, 50, 7]
    assert [record for batch in batches for record in batch] == records


def test_27_a_batch_never_has_more_records_than_the_api_takes(tmp_path: Path) -> None:
    records = read(tmp_path, envelope(*(customer(str(number)) for number in range(250))))
    assert [len(batch) for batch in cut(records, 5_000, GK_CHECKS)] == [100, 100, 50]


@pytest.mark.parametrize("limit", [60, 61, 62, 99, 250])
def test_27_a_batch_never_has_more_bytes_than_the_api_takes(tmp_path: Path, limit: int) -> None:
    checks = Checks(id_paths=("id",), max_batch_bytes=limit)
    records = read(tmp_path, envelope(*(f'{{"id": "{"x" * n}"}}' for n in range(1, 36))), checks)
    batches = list(cut(records, 100, checks))
    sizes = [len(body([record.raw for record in batch])[0]) for batch in batches]
    assert max(sizes) <= limit
    assert [record for batch in batches for record in batch] == records


def test_a_refused_record_cannot_slip_into_a_batch(tmp_path: Path) -> None:
    records = read(tmp_path, envelope(customer(None)))
    with pytest.raises(ValueError, match="NO_ID"):
        list(cut(records, 50, GK_CHECKS))


def test_the_body_is_json_and_gives_each_record_back_byte_for_byte() -> None:
    rng = random.Random(7)
    for count in (0, 1, 2, 50):
        raws = [
            json.dumps({"a": "å" * rng.randrange(9)}, indent=rng.choice([None, 1])).encode()
            for _ in range(count)
        ]
        whole, spans = body(raws)
        assert [whole[offset : offset + length] for offset, length in spans] == raws
        assert json.loads(whole) == {"data": [json.loads(raw) for raw in raws]}


def test_the_frame_is_the_apis_own() -> None:
    whole, spans = body([b"{}"], b"[", b"]")
    assert (whole, spans) == (b"[{}]", [(1, 2)])
