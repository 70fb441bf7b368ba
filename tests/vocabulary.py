"""`python -m tests.vocabulary`: fails on words that only Redrive's first authors understood.

docs/architecture.md and the house use the field's terms. Each word below once stood for
something that has a standard name, given beside it.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

# Nowhere: not in code, templates, documents or pages.
WORDS = {
    "bell": "queue message",
    "deed": "record event",
    "desk": "edit state",
    "errand": "bill attempt",
    "fate": "outcome",
    "gate": "rate limit, or egress proxy",
    "hazard": "unsafe value",
    "lane": "job runner",
    "parcel": "new batch",
    "remark": "warning",
    "rung": "enqueued",
    "watchdog": "deadline monitor",
    "wave": "rollout stage",
}
# Not as a name in code or in a template; in a sentence they are plain English.
NAMES = {
    "already": "retry_file_matches",
    "beginning": "rollout",
    "chapter": "entry",
    "errands": "attempts",
    "flight": "request deadline",
    "insists": "force",
    "keeper": "database thread",
    "left_alone": "skipped_changed",
    "life": "history",
    "notice": "notification",
    "rounds": "retries",
    "sums": "totals",
    "told": "a noun that says what: message, summary, context",
    "wording": "code and parameters",
}
SUFFIXES = {".py", ".html", ".txt", ".md", ".toml", ".js", ".css", ".example", ".yaml", ".yml", ""}
EXEMPT = {"tests/vocabulary.py", "LICENSE", "CHANGELOG.md"}
ANYWHERE = re.compile(rf"(?<![a-z])({'|'.join(WORDS)})s?(?![a-z])", re.IGNORECASE)
AS_NAME = re.compile(rf"(?:^|(?<!in)_)({'|'.join(NAMES)})(?:_|$)", re.IGNORECASE)
IN_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def offences(path: Path) -> list[tuple[int, str, str]]:
    """(line, word, what to say instead) of one file."""
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return []
    found = [
        (number, match[0], WORDS[match[1].lower()])
        for number, line in enumerate(text.splitlines(), 1)
        for match in ANYWHERE.finditer(line)
    ]
    return found + [(line, name, NAMES[word]) for line, name, word in _names(path, text)]


def _names(path: Path, text: str) -> list[tuple[int, str, str]]:
    """(line, name, old word in it) of Python's names and of those in template tags."""
    if path.suffix == ".py":
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        names = [(token.start[0], token.string) for token in tokens if token.type == tokenize.NAME]
    elif path.suffix in {".html", ".txt"} and path.parts[0] == "templates":
        names = [
            (text.count("\n", 0, tag.start()) + 1, name)
            for tag in IN_TAG.finditer(text)
            for name in re.findall(r"[A-Za-z_]\w*", QUOTED.sub("", tag[0]))
        ]
    else:
        return []
    return [
        (line, name, match[1].lower()) for line, name in names if (match := AS_NAME.search(name))
    ]


def main() -> int:
    """Prints each offence as `file:line: word (better)`; 1 if there is any."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git is on PATH
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    paths = [Path(name) for name in listed.stdout.split("\0") if name and name not in EXEMPT]
    lines = [
        f"{path}:{line}: {word} (say: {better})"
        for path in sorted(paths)
        if path.suffix in SUFFIXES and path.is_file()
        for line, word, better in offences(path)
    ]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
