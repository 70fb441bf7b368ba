"""Anything at all as a file, an answer, a mapping, a recipe or a CSV: a verdict, never a crash.

FUZZ_EXAMPLES says how many of each; a few hundred are part of `make test`.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bills.csv.credentials import CredentialRow, read_credentials
from bills.csv.reader import UnreadableCsv
from bills.portals.recipe_schema import RecipeError, load_recipe
from config.dev.sandbox.samples import customer
from imports.customers.api.mapping import BadMapping, RecordKey, preset
from imports.customers.api.responses import Answer, Exchange, judge
from imports.customers.files.duplicates import IdRegister
from imports.customers.files.errors import UnreadableFile
from imports.customers.files.limits import Checks
from imports.customers.files.reader import check_file, read_records
from imports.policy import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))
fuzzed = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
GOOD = json.dumps({"data": [customer(0), customer(1), customer(2)]}, ensure_ascii=False).encode()
texts = st.text(max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars,
    lambda deeper: st.lists(deeper, max_size=4) | st.dictionaries(texts, deeper, max_size=4),
)

documents = values.map(lambda value: json.dumps(value).encode())
ODD_BYTES = (b"\xef\xbb\xbf", b"\x00", b"\\ud800", b"]", b"}", b'"', b",", b"NaN", b"1e999")
PARTS = ("login", "list", "documents", "wait", "steps", "hosts")  # of a recipe


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A good file with some bytes replaced, left out, doubled, or cut off."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 6))
        content[at : at + length] = draw(st.binary(max_size=6) | st.sampled_from(ODD_BYTES))
    return bytes(content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content)


@st.composite
def nested(draw: st.DrawFn) -> bytes:
    """Brackets in brackets, deeper than any recursion goes."""
    depth = draw(st.sampled_from([10, 600, 5_000, 100_000]))
    opening, closing = draw(st.sampled_from([(b"[", b"]"), (b'{"a":', b"}")]))
    return b'{"data": [' + opening * depth + b"1" + closing * depth + b"]}"


def with_file(content: bytes, work: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        work(path)


@fuzzed
@given(
    st.binary(max_size=200)
    | damaged(GOOD)
    | nested()
    | values.map(lambda v: json.dumps(v).encode())
)
def test_a_file_is_read_whole_or_refused_whole(content: bytes) -> None:
    def work(path: Path) -> None:
        checks = Checks()
        try:
            verdict = check_file(path, "customers.json", checks, IdRegister(checks.spelling))
        except UnreadableFile:
            return
        records = list(read_records(path, "customers.json", checks))
        assert len(records) == verdict.records
        assert sum(record.refusal is not None for record in records) == verdict.refused
        for record in records:
            assert record.refusal or record.raw in content

    with_file(content, work)


@fuzzed
@given(
    st.integers(100, 699),
    st.binary(max_size=200) | nested() | documents,
    st.dictionaries(st.sampled_from(["retry-after", "date", "content-type"]), texts),
)
def test_no_answer_that_names_nobody_is_a_success(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    keys = (RecordKey("id-of-one"), RecordKey("id-of-two"))
    sent = Exchange(preset("gk"), keys, False, (), "the token", 1_750_000_000.0)
    outcome = judge(Answer(status, headers, body), sent)
    assert outcome.verdict != Verdict.SUCCESS
    assert all(record.verdict != Verdict.SUCCESS for record in outcome.records)


@fuzzed
@given(
    st.dictionaries(st.sampled_from(sorted(preset("gk").document())) | texts, values, max_size=4)
)
def test_a_mapping_is_accepted_or_says_what_is_wrong(changes: dict[str, Any]) -> None:
    with suppress(BadMapping):
        preset("gk").with_overrides(changes)


@fuzzed
@given(
    st.dictionaries(st.sampled_from(PARTS) | texts, values, max_size=4)
    | st.binary(max_size=60)
    | nested()
)
def test_a_recipe_is_accepted_or_says_what_is_wrong(content: dict[str, Any] | bytes) -> None:
    with suppress(RecipeError):
        load_recipe(content)


CSV = 'e-mail;lösenord;kund\nanna@b.se;hemligt;1\n"b@c.se";"a;""b";2\n'.encode()


@fuzzed
@given(st.binary(max_size=200) | damaged(CSV) | damaged(CSV.decode().encode("utf-16")))
def test_a_csv_is_read_or_refused_and_no_password_is_repeated(content: bytes) -> None:
    def work(path: Path) -> None:
        try:
            for row in read_credentials(path, "credentials.csv"):
                if isinstance(row, CredentialRow):
                    assert row.email
                    assert row.password
                else:
                    assert "hemligt" not in row.message
        except UnreadableCsv:
            return  # it may quote a header

    with_file(content, work)
