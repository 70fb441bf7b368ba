"""The entries of a list of results, whatever its shape, and which record each of them
names. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

from imports.customers.api.json_paths import MISSING, as_name, find, spelling, unpadded
from imports.messages import marked as _
from imports.messages import sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imports.customers.api.mapping import Naming, RecordKey, RecordPaths, Results
    from imports.messages import Text


KEY, SELF = "@key", "@self"


class Member(NamedTuple):
    """One entry, and the key that it has in an object ("" in a list)."""

    key: str
    value: Any


def look(member: Member, path: str) -> Any:
    """What stands at a path of an entry: "@key" is its key, "@self" the entry itself."""
    if path == KEY:
        return member.key
    if path == SELF:
        return member.value
    return find(member.value, path)


def members_of(found: Any, results: Results) -> list[Member] | None:
    """The entries with their keys, or None where the shape is not as declared."""
    if results.name.by == "key":
        return [Member(*item) for item in items] if (items := _items(found)) is not None else None
    match results.shape:
        case "map":
            return _of_map(found)
        case "one":
            is_one = found is not MISSING and found is not None and not isinstance(found, list)
            return [Member("", found)] if is_one else None
        case "list_or_one" if isinstance(found, dict):
            return [Member("", found)]
    return [Member("", value) for value in found] if isinstance(found, list) else None


def _items(found: Any) -> list[tuple[str, Any]] | None:
    """The members of an object. PHP writes an empty one as an empty list."""
    if found == [] and isinstance(found, list):
        return []
    return list(found.items()) if isinstance(found, dict) else None


def _of_map(found: Any) -> list[Member] | None:
    """Each value of an object is an entry, or a list of entries with that key in common."""
    items = _items(found)
    if items is None:
        return None
    return [
        Member(key, one)
        for key, value in items
        for one in (value if isinstance(value, list) else [value])
    ]


Targets = tuple[int, ...]  # the records that one name stands for: several if sent more than once

FIELDS = {"id": "record_id", "username": "username", "email": "email"}  # of a RecordKey


PLACEHOLDER = re.compile(r"(\{index\}|\{id\}|\{record_key\})")


class Directory:
    """Who may be meant by which name, for one list of one answer."""

    def __init__(self, naming: Naming, keys: Sequence[RecordKey], paths: RecordPaths) -> None:
        """`paths` says which spellings of a name are the same to this API."""
        self.strangers: list[str] = []  # names in the answer that nobody has whom we sent
        self.is_miscounted = False  # a number in it is that of no record: all may be shifted
        self._naming, self._paths = naming, paths
        self._size = len(keys)
        self._kinds = [kind for kind in FIELDS if getattr(naming, kind)]
        if naming.by in ("key", "pointer"):
            self._template = _compiled(naming.template or "{id}")
            self._kinds = ["id"]
        self._known: dict[str, dict[str, Targets]] = {kind: {} for kind in self._kinds}
        for index, key in enumerate(keys):
            self._enter(index, key)

    def _enter(self, index: int, key: RecordKey) -> None:
        """A record is known by the first of its names that this list's entries can carry."""
        for kind in self._kinds:
            name = getattr(key, FIELDS[kind])
            if name:
                known, name = self._known[kind], self._same(kind, name)
                known[name] = (*known.get(name, ()), index)
                return

    def look_up(self, position: int, entry: Member) -> tuple[tuple[Targets, ...], bool]:
        """The records an entry names, and whether it names anybody whom we did not send."""
        naming = self._naming
        match naming.by:
            case "position":
                return ((position,),), False
            case "id":
                return self._by_id(entry)
            case "key":
                return self._by_template([entry.key])
            case "index":
                return self._by_index(_named_list(look(entry, naming.path)), naming.base)
            case "trace":
                traces = [t for t in _named_list(look(entry, naming.path)) if as_name(t)]
                return self._by_index(traces, 0)
            case _:
                return self._by_template(_named_list(look(entry, naming.path)))

    def _by_id(self, entry: Member) -> tuple[tuple[Targets, ...], bool]:
        stranger = ""
        for kind in self._kinds:
            name = as_name(look(entry, getattr(self._naming, kind)))
            # An id that the API has made up for a record sent without one names no stranger.
            stranger = stranger or (name if self._known[kind] else "")
            targets = self._known[kind].get(self._same(kind, name))
            if targets:
                return (targets,), False
        return (), self._notes(stranger)

    def _notes(self, stranger: str) -> bool:
        if stranger:
            self.strangers.append(stranger)
        return bool(stranger)

    def _by_index(self, values: list[object], base: int) -> tuple[tuple[Targets, ...], bool]:
        """Values that are no whole number name nobody: None stands for them."""
        indices = {int(str(v)) - base if _is_number(v) else None for v in values}
        numbers = sorted(index for index in indices if index is not None)
        known = [index for index in numbers if 0 <= index < self._size]
        is_counted = self._naming.by != "trace"  # that is an id, which was sent along
        self.is_miscounted = self.is_miscounted or (is_counted and known != numbers)
        return tuple((index,) for index in known), len(known) < len(indices)

    def _by_template(self, texts: list[Any]) -> tuple[tuple[Targets, ...], bool]:
        targets: list[Targets] = []
        base = self._naming.base if "{index}" in self._naming.template else 0
        for text in texts:
            found = self._template.match(text) if isinstance(text, str) else None
            if found is None:
                continue
            if self._template.groupindex.get("index"):
                targets += self._by_index([found["index"]], base)[0]
            elif known := self._known["id"].get(self._same("id", found["id"])):
                targets.append(known)
            else:
                self._notes(found["id"])
        return tuple(dict.fromkeys(targets)), len(targets) < len(texts)

    def _same(self, kind: str, name: str) -> str:
        """What two names of one record have in common: APIs change the case of e-mails."""
        if kind == "email":
            return name.casefold()
        case, zeros = self._paths.ignore_case, self._paths.ignore_leading_zeros
        return spelling(name, ignore_case=case, ignore_leading_zeros=zeros)


def _named_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is MISSING or value is None else [value]


def _is_number(value: object) -> bool:
    text = as_name(value)
    return text.isascii() and text.isdecimal() and len(text) < 10


def _compiled(template: str) -> re.Pattern[str]:
    """A template as a pattern: all of it is literal but its one placeholder."""
    before, placeholder, after = PLACEHOLDER.split(template, maxsplit=1)
    number = r"(?P<index>[0-9]{1,9})(?![0-9])"
    if placeholder == "{id}":
        group, end = _until(after), "" if after else r"\Z"
    else:  # a record's key is its batch's, with its position
        group, end = (".*-" if placeholder == "{record_key}" else "") + number, ""
    return re.compile(re.escape(before) + group + re.escape(after) + end, re.DOTALL)


def _until(after: str) -> str:
    """An id reaches to the text that follows it in the template, or to the end."""
    return rf"(?P<id>[^{re.escape(after[0])}]+)" if after else r"(?P<id>.+)"


CASE_ALONE = sentence(
    "CASE_ALONE",
    _(
        "They differ in upper and lower case only: where that means nothing to this API, set "
        "record.ignore_case in its mapping."
    ),
)
ZEROS_ALONE = sentence(
    "ZEROS_ALONE",
    _(
        "They differ in leading zeros only: where these mean nothing to this API, set "
        "record.ignore_leading_zeros in its mapping."
    ),
)
BLANKS_ALONE = sentence(
    "BLANKS_ALONE",
    _(
        "They differ in blanks or invisible characters only: remove these from the file, or "
        "have its record template trim them."
    ),
)
FORM_ALONE = sentence(
    "UNICODE_FORM_ALONE",
    _(
        "They look the same, but their letters are composed in another way (Unicode "
        "normalization): write them in the file as the API does."
    ),
)


def _unblanked(name: str) -> str:
    return "".join(c for c in name if not c.isspace() and unicodedata.category(c) != "Cf")


def _composed(name: str) -> str:
    return unicodedata.normalize("NFKC", name)


SPELLINGS: tuple[tuple[Callable[[str], str], Text], ...] = (
    (str.casefold, CASE_ALONE),
    (unpadded, ZEROS_ALONE),
    (_unblanked, BLANKS_ALONE),
    (_composed, FORM_ALONE),
)


def alike(theirs: list[str], ours: list[str]) -> tuple[str, str, Text]:
    """A name of theirs with the one of ours that it most resembles, and what would match them."""
    for same, hint in SPELLINGS:
        known = {same(name): name for name in ours}
        for name in theirs:
            if same(name) in known:
                return name, known[same(name)], hint
    return theirs[0], ours[0], ""
