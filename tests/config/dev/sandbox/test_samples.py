from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from config.dev.sandbox.gk_records import CUSTOMERS
from config.dev.sandbox.samples import customer, customer_id, write_files

if TYPE_CHECKING:
    from pathlib import Path


def records_in(paths: list[Path]) -> list[dict[str, Any]]:
    return [record for path in paths for record in json.loads(path.read_bytes())["data"]]


def test_the_first_customer_is_the_seeds_example() -> None:
    record = customer(0)
    assert list(record) == ["changeType", "type", "person"]
    assert list(record["person"])[:4] == ["customerId", "status", "firstName", "lastName"]
    assert record["changeType"] == "CREATE"
    assert [record["person"][name] for name in list(record["person"])[:4]] == [
        "50000001000",
        "UNACTIVATED",
        "EMMA",
        "SJÖBERG",
    ]


def test_samples_are_valid_different_and_always_the_same() -> None:
    samples = [customer(n) for n in range(100)]
    read = CUSTOMERS.read(json.dumps({"data": samples}).encode())
    assert {record.reason for record in read} == {""}
    assert [record.identity for record in read] == [customer_id(n) for n in range(100)]
    assert len({sample["person"]["emails"][0]["email"] for sample in samples}) == 100
    assert samples == [customer(n) for n in range(100)]


def test_overrides_change_the_record_the_person_or_take_a_field_away() -> None:
    record = customer(5, changeType="UPSERT", firstName="", birthday=None)
    assert record["changeType"] == "UPSERT"
    assert record["person"]["firstName"] == ""
    assert "birthday" not in record["person"]


def test_files_hold_every_customer_once_in_order(tmp_path: Path) -> None:
    paths = write_files(tmp_path / "new")
    assert [len(records_in([path])) for path in paths] == [250] * 4
    assert records_in(paths) == [customer(n) for n in range(1000)]


def test_the_last_file_holds_what_is_left_and_overrides_reach_all(tmp_path: Path) -> None:
    paths = write_files(tmp_path, customers=7, per_file=3, first=20, changeType="UPSERT")
    assert [len(records_in([path])) for path in paths] == [3, 3, 1]
    assert records_in(paths) == [customer(20 + n, changeType="UPSERT") for n in range(7)]


def test_files_vary_in_white_space_field_order_and_spelling_of_letters(tmp_path: Path) -> None:
    texts = [path.read_bytes() for path in write_files(tmp_path, customers=120, per_file=30)]
    assert len({text[:60] for text in texts}) == 4
    assert "SJÖBERG".encode() in texts[0]
    assert b"SJ\\u00d6BERG" in texts[2]
    assert b"\r\n" in texts[2]
    orders = {tuple(record["person"]) for record in json.loads(texts[1])["data"]}
    assert len(orders) > 3


def test_the_same_files_come_out_each_time(tmp_path: Path) -> None:
    first, again = write_files(tmp_path / "a"), write_files(tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
