"""What a mapping asks of a file: its sizes, its envelope, and whether a record needs a name."""

from __future__ import annotations

from imports.customers.api.mapping import preset
from imports.customers.files.batching import body
from imports.customers.files.limits import Checks


def test_the_gk_mapping_wants_a_name_and_a_hundred_records_at_most() -> None:
    checks = Checks.of(preset("gk"), rules="gk")
    assert (checks.envelope, checks.max_batch_records, checks.id_required) == ("data", 100, True)
    assert "person.customerId" in checks.id_paths


def test_an_api_that_answers_by_position_or_trace_needs_no_name() -> None:
    for name in ("salesforce-collections", "bloomreach", "hubspot"):
        assert not Checks.of(preset(name)).id_required


def test_the_largest_record_still_fits_a_request_with_its_trace_id() -> None:
    mapping = preset("hubspot").with_overrides({"request": {"max_bytes": 1_000}})
    checks = Checks.of(mapping)
    raw = b'{"x":"' + b"y" * (checks.largest_record - 8) + b'"}'
    sent, _ = body([mapping.wrap(raw, 99)], checks.opening, checks.closing)
    assert len(raw) == checks.largest_record
    assert 990 <= len(sent) <= 1_000


def test_a_file_may_use_data_or_the_apis_own_word() -> None:
    assert Checks(envelope="households").envelopes == ("households", "data")
    assert Checks(envelope=None).envelopes == ("data",)
