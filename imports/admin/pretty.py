"""A record laid out to be read, with not one of its characters changed but the blanks between."""

from __future__ import annotations

import json
import re

LONGEST_SHOWN = 200_000  # bytes of a record that are put on a page
DEEPEST = 100
WORD = re.compile(r'\s+|"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+|"')


def readable(record: bytes) -> tuple[str, bool]:
    """The record indented, and whether it was cut. Numbers keep their digits, text its escapes."""
    text = record[:LONGEST_SHOWN].decode("utf-8", errors="replace")
    if len(record) > LONGEST_SHOWN:
        return text, True
    return indented(text), False


def editable(record: bytes) -> str:
    """All of the record, to be edited: indented where it is JSON, else as it stands."""
    text = record.decode("utf-8", errors="replace")
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return indented(text)


def indented(text: str) -> str:
    """JSON with a line for each value; what is no JSON comes out with its own words."""
    pieces: list[str] = []
    depth, is_open = 0, False
    for word in WORD.findall(text.strip()):
        if word.isspace():
            continue
        if word in "{[":
            pieces.append(_line(depth) * is_open + word)
            depth, is_open = depth + 1, True
        elif word in "}]":
            depth = max(0, depth - 1)
            pieces.append(word if is_open else _line(depth) + word)
            is_open = False
        else:
            pieces.append(_line(depth) * is_open + _spaced(word, depth))
            is_open = False
    return "".join(pieces)


def _spaced(word: str, depth: int) -> str:
    if word == ",":
        return "," + _line(depth)
    return ": " if word == ":" else word


def _line(depth: int) -> str:
    return "\n" + "  " * min(depth, DEEPEST)
