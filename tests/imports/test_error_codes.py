"""Every code that the source can give to a record, an attempt or a pause is explained."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bills.portals.failures import Code
from imports import error_codes
from imports.error_codes import Actor, Next

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]
# Where a code stands among the arguments of whatever carries one.
CARRIERS = {
    "Outcome": 1, "RecordOutcome": 1, "Failure": 1, "unsure": 0, "Refusal": 0, "Fault": 0,
    "_Refused": 0, "TokenRefused": 0, "TokenUnavailable": 0, "pause_for": 1, "end": 1,
}  # fmt: skip

NAMED = ("FIRST_BATCH", "STAGE_FAILED", "NOT_STORED", "WRONG_KEY")


def codes_in(app: str) -> Iterator[tuple[str, str]]:
    """Each code that is written out in the app's source, with its file."""
    for path in sorted((PROJECT / app).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            yield from ((code, path.name) for code in codes_of(node))


def codes_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        at = CARRIERS.get(name)
        if at is not None and at < len(node.args):
            yield from texts(node.args[at])
    elif isinstance(node, ast.keyword) and node.arg in ("pause_code", "error_code"):
        yield from texts(node.value)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "error_code":
                yield from texts(value)
    elif isinstance(node, ast.Assign) and is_of_a_code(node.targets[0]):
        yield from texts(node.value)


def is_of_a_code(target: ast.expr) -> bool:
    """Whether a constant's name says that it is a code."""
    name = getattr(target, "id", "")
    return name.endswith("_CODE") or name in NAMED


def texts(node: ast.expr) -> Iterator[str]:
    """The upper-case names in an expression ("A" if x else "B")."""
    for each in ast.walk(node):
        value = getattr(each, "value", None)
        if isinstance(value, str) and value.isupper() and value.replace("_", "").isalnum():
            yield value


@pytest.mark.parametrize(("app", "job_type"), [("imports", "customers"), ("bills", "bills")])
def test_every_code_in_the_source_is_explained(app: str, job_type: str) -> None:
    found = {code: file for code, file in codes_in(app) if not code.endswith("_")}
    assert len(found) > 3
    lacking = {code: file for code, file in found.items() if not error_codes.about(code, job_type)}
    assert lacking == {}


def test_every_code_of_a_portal_is_explained() -> None:
    assert all(error_codes.about(code, "bills") for code in Code)


@pytest.mark.parametrize("job_type", ["customers", "bills"])
def test_every_code_says_who_acts_what_follows_what_is_wrong_and_what_helps(job_type: str) -> None:
    for code, meaning in error_codes.known(job_type).items():
        assert meaning.actor in Actor, code
        assert meaning.next in Next, code
        assert str(meaning.sentence).endswith("."), code
        assert str(meaning.remedy).endswith("."), code


def test_what_follows_is_true_of_a_record_whatever_its_code_says_of_a_batch() -> None:
    timeout = error_codes.ERROR_CODES["CONNECT_TIMEOUT"]
    assert error_codes.follows("pending", timeout) == str(Next.RETRIED.label)
    assert error_codes.follows("error", timeout) == str(Next.STOPPED.label)
    assert error_codes.follows("unknown", None) == str(Next.UNKNOWN.label)
    assert error_codes.follows("success", timeout) == ""


def test_an_unknown_record_is_the_operators_to_look_up_whoever_is_to_blame() -> None:
    gateway = error_codes.ERROR_CODES["HTTP_502"]
    advice = error_codes.for_record(gateway, "unknown")
    assert advice is not None
    assert (advice.actor, advice.remedy) == (Actor.OPERATOR, error_codes.LOOK_UP)
    assert error_codes.for_record(gateway, "error") == gateway
    assert error_codes.for_record(None, "unknown") is None


def test_an_http_status_that_nobody_listed_is_explained_by_its_class() -> None:
    assert error_codes.about("HTTP_507") == error_codes.ERROR_CODES["HTTP_500"]
    assert error_codes.about("HTTP_418") == error_codes.ERROR_CODES["HTTP_400"]


def test_a_code_that_an_api_made_up_is_nobodys() -> None:
    assert error_codes.about("ENTITY_IS_DELETED") is None
