"""A forecast in a few lines, for whoever reads a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imports.known_before import of_files

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FILES = 20
MOST_REASONS = 20
MOST_EXAMPLES = 5


def in_words(found: dict[str, Any]) -> str:
    """Sums first, then each file, what is left out and why, and what is strange."""
    known = of_files(found.get("known_before", ()))
    return "\n".join([*_sums(found), *_files(found), *known, *_left_out(found), *_strange(found)])


def _sums(found: dict[str, Any]) -> Iterator[str]:
    batches = found["batches"]
    yield f"Dry run for {found['api']!r}: nothing was sent and nothing was stored."
    yield (
        f"{_customers(found['customers'])} in {_count(len(found['files']), 'file')}: "
        f"{found['would_send']:,} would be sent in {_count(batches['total'], 'batch', 'batches')}"
        f" of up to {batches['at_most']:,}, {found['would_exclude']:,} would be left out."
    )


def _files(found: dict[str, Any]) -> Iterator[str]:
    for file in found["files"][:MOST_FILES]:
        left_out = f", {file['would_exclude']:,} left out" if file["would_exclude"] else ""
        batches = _count(file["batches"], "batch", "batches")
        yield f"  {file['file']}: {_customers(file['customers'])}, {batches}{left_out}"
    yield from _more(len(found["files"]), MOST_FILES)


def _left_out(found: dict[str, Any]) -> Iterator[str]:
    if found["would_exclude"]:
        yield "Left out, each with its reason:"
        for code, count in found["excluded_by_reason"].items():
            yield f"  {count:,} × {code}"
        for each in found["excluded"][:MOST_REASONS]:
            yield f"  {each['reason']}"
        yield from _more(found["would_exclude"], MOST_REASONS)


def _strange(found: dict[str, Any]) -> Iterator[str]:
    """What is sent all the same."""
    if found["named_twice"]:
        yield f"Named more than once: {found['named_twice']:,}"
        yield from _some(found["named_twice_examples"], found["named_twice"])
    if found["imported_before"]:
        yield f"Imported before by this API, and sent again: {found['imported_before']:,}"
        examples = found["imported_before_examples"]
        told = [f"{each['customer']}, in job {each['job']}" for each in examples]
        yield from _some(told, found["imported_before"])
    if found["warnings"]:
        count = max(found["with_warnings"], len(found["warnings"]))
        yield f"Warnings: {count:,}"
        yield from _some(found["warnings"], count)


def _some(sentences: list[str], count: int) -> Iterator[str]:
    for sentence in sentences[:MOST_EXAMPLES]:
        yield f"  {sentence}"
    yield from _more(count, MOST_EXAMPLES)


def _more(count: int, shown: int) -> Iterator[str]:
    if count > shown:
        yield f"  … and {count - shown:,} more"


def _customers(count: int) -> str:
    return _count(count, "customer")


def _count(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
