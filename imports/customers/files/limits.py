"""What one job's API takes: sizes, the envelope, and where a record carries its names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imports.customers.api.json_paths import spelling
from imports.customers.files.json_stream import LARGEST_COPY

if TYPE_CHECKING:
    from collections.abc import Callable

    from imports.customers.api.mapping import Mapping

LARGEST_RECORD = 1 << 20  # bytes: ours, for APIs that name no limit; a customer has a few hundred
COMMA = b", "  # between the records of a request
EXPORTED = ("customers", "households")  # what tools that export members call their lists


class Checks(msgspec.Struct, frozen=True, kw_only=True):
    """What one job's API takes. Sizes in bytes; paths as in json_paths, first come, first used.

    `envelope` is the API's name for its list (None: a bare list): a file may use it or "data".
    `id_required` is False for APIs whose answers name a record by position or trace id only.
    `opening` and `closing` are the request's bytes around its records; `added_record_bytes` are
    those that each record gets beside its own (a comma, a trace id). `rules` names extra ones.
    `ignore_case` and `ignore_leading_zeros` say which spellings of an id are one customer.
    """

    envelope: str | None = "data"
    id_paths: tuple[str, ...] = ()
    username_paths: tuple[str, ...] = ()
    email_paths: tuple[str, ...] = ()
    id_required: bool = True
    rules: str = ""
    max_record_bytes: int = LARGEST_RECORD
    max_batch_bytes: int = 10_000_000
    max_batch_records: int = 100
    opening: bytes = b'{"data": ['
    closing: bytes = b"]}"
    added_record_bytes: int = len(COMMA)
    ignore_case: bool = False
    ignore_leading_zeros: bool = False

    @classmethod
    def of(cls, mapping: Mapping, rules: str = "") -> Checks:
        """The checks that a mapping asks for; `rules` is "gk" for an API that has GK's."""
        request, record = mapping.request, mapping.record
        lists = [each for way in (mapping, *mapping.alternatives) for each in way.results]
        by_id = [each.name.by in ("id", "key") for each in lists if not each.count_is_proof]
        return cls(
            envelope=request.list.rpartition(".")[2] or request.envelope,
            id_paths=record.id,
            username_paths=record.username,
            email_paths=record.email,
            id_required=any(by_id) or request.shape == "map",
            rules=rules,
            max_batch_bytes=request.max_bytes,
            max_batch_records=request.max_records,
            opening=mapping.opening,
            closing=mapping.closing,
            added_record_bytes=mapping.added_bytes + len(COMMA),
            ignore_case=record.ignore_case,
            ignore_leading_zeros=record.ignore_leading_zeros,
        )

    def spelling(self, key: str) -> str:
        """What the keys of all copies of one customer have in common."""
        case, zeros = self.ignore_case, self.ignore_leading_zeros
        return spelling(key, ignore_case=case, ignore_leading_zeros=zeros)

    @property
    def spell(self) -> Callable[[str], str]:
        """`spelling`, or a quicker one where each spelling is another customer."""
        return self.spelling if self.ignore_case or self.ignore_leading_zeros else str

    @property
    def envelopes(self) -> tuple[str, ...]:
        """The names that a file may give its list. Retry files always say "data"."""
        return tuple(dict.fromkeys((self.envelope or "data", "data")))

    @property
    def exported(self) -> tuple[str, ...]:
        """The other names, of tools that export members, that this API's records may come under.

        GK takes customers at one address and households at another, and neither takes both.
        """
        if self.rules == "gk":
            return ("customers",)
        return () if self.envelope == "households" else EXPORTED

    @property
    def envelope_bytes(self) -> int:
        """What a request has around its records."""
        return len(self.opening) + len(self.closing)

    @property
    def largest_record(self) -> int:
        """What still fits into a batch of its own, in bytes."""
        room = self.max_batch_bytes - self.envelope_bytes - self.added_record_bytes
        return min(self.max_record_bytes, room, LARGEST_COPY)


GK_CHECKS = Checks(
    id_paths=("person.customerId", "organization.customerId"),
    username_paths=("person.username", "organization.username"),
    email_paths=("person.emails.0.email", "organization.emails.0.email"),
    rules="gk",
)
