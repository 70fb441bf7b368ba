"""The GK API's rules for one record: what names it, what makes it invalid, how it is answered.

The rules are written as types, so that msgspec checks them while it reads; field names are the
contract's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003 - msgspec reads the annotations
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_RECORDS = 100

ChangeType = Literal["CREATE", "UPDATE", "UPSERT", "DELETE"]
Text = Annotated[str, Meta(pattern=r"\S")]
CustomerId = Annotated[str, Meta(pattern=r"\S", max_length=40)]
Username = Annotated[str, Meta(pattern=r"\S", max_length=255)]
Name = Annotated[str, Meta(pattern=r"\S", max_length=40)]


class Result(StrEnum):
    """What the GK API says about one record."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"  # a time-out or an outage: may be repeated
    ERROR = "ERROR"  # invalid: never repeat
    CONFLICT = "CONFLICT"  # CREATE of one that exists
    NOT_FOUND = "NOT_FOUND"  # UPDATE or DELETE of one that doesn't


class Email(Struct):
    email: str = ""
    defaultEmail: bool = False


class Address(Struct):
    city: Text
    contactPurposeTypeCode: Text
    contactMethodTypeCode: Text


class Card(Struct):
    type: Literal["MAIN_CARD", "PARTNER_CARD", "BUSINESS_NUMBER"]


class Organization(Struct):
    customerId: CustomerId | None = None
    username: Username | None = None
    status: Literal["UNACTIVATED", "ACTIVE", "DELETED", "LOCKED_BY_SECURITY"] | None = None
    languageCode: Annotated[str, Meta(pattern=r"^[a-z]{2}$")] | None = None
    addresses: list[Address] = []
    emails: list[Email] = []
    customerCards: list[Card] = []

    @property
    def default_email(self) -> str | None:
        """The e-mail marked `defaultEmail`, else the first one."""
        for email in self.emails:
            if email.defaultEmail:
                return email.email
        return self.emails[0].email if self.emails else None

    def entry(self, change_type: str) -> CustomerEntry:
        return CustomerEntry(self.customerId, self.username, self.default_email, change_type)


class Person(Organization):
    firstName: Name | None = None
    lastName: Name | None = None
    birthday: date | None = None


class Customer(Struct):
    changeType: ChangeType
    type: Literal["PERSON", "ORGANIZATION"]
    person: Person | None = None
    organization: Organization | None = None


class Household(Struct):
    changeType: ChangeType
    householdId: CustomerId


class CustomerEntry(Struct):
    """One record's part of the answer: no message, as GK has none."""

    customerId: str | None
    username: str | None
    email: str | None
    changeType: str
    result: str = ""

    @property
    def name(self) -> str:
        return self.customerId or self.username or self.email or ""


class HouseholdEntry(Struct):
    householdId: str
    changeType: str
    result: str = ""


Entry = CustomerEntry | HouseholdEntry


@dataclass(slots=True)
class Record:
    """One record as read: its name ("" for none), its answer to be, what is wrong with it."""

    identity: str
    entry: Entry
    reason: str = ""


def customer_record(customer: Customer) -> Record:
    """A customer that keeps the types, judged by the rules between its fields."""
    is_person = customer.type == "PERSON"
    party = customer.person if is_person else customer.organization
    if party is None:
        other = customer.organization if is_person else customer.person
        entry = (other or Person()).entry(customer.changeType)
        return Record(entry.name, entry, "its type does not fit what it holds")
    entry = party.entry(customer.changeType)
    if not entry.name:
        return Record("", entry, "no customerId, username or e-mail")
    is_whole = customer.changeType in ("CREATE", "UPSERT")
    if is_whole and isinstance(party, Person) and not (party.firstName and party.lastName):
        return Record(entry.name, entry, "a person needs firstName and lastName")
    return Record(entry.name, entry)


def household_record(household: Household) -> Record:
    """Named apart, so that the account never mixes a household with a customer of that id."""
    entry = HouseholdEntry(household.householdId, household.changeType)
    return Record(f"household:{household.householdId}", entry)


def invalid_customer(content: dict[str, Any], reason: str) -> Record:
    """A record that breaks a type's rule: its names are kept as far as they are text."""
    party = content.get("person") or content.get("organization")
    named = party if isinstance(party, dict) else {}
    entry = CustomerEntry(
        text_or_none(named.get("customerId")),
        text_or_none(named.get("username")),
        None,
        text_or_none(content.get("changeType")) or "",
    )
    return Record(entry.name, entry, reason)


def invalid_household(content: dict[str, Any], reason: str) -> Record:
    name = text_or_none(content.get("householdId")) or ""
    entry = HouseholdEntry(name, text_or_none(content.get("changeType")) or "")
    return Record(f"household:{name}", entry, reason)


def text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


T = TypeVar("T", bound=Struct)


class RecordKind(Generic[T]):
    """One of the API's two twins: the envelope's key, and how its records are read."""

    def __init__(
        self,
        envelope: str,
        record_type: type[T],
        judge: Callable[[T], Record],
        invalid: Callable[[dict[str, Any], str], Record],
    ) -> None:
        self.envelope = envelope
        self._type = record_type
        self._judge = judge
        self._invalid = invalid
        records_type = list[record_type]  # type: ignore[valid-type]
        body_type = msgspec.defstruct(f"{envelope}_body", [(envelope, records_type)])
        self._decode_valid = msgspec.json.Decoder(body_type).decode

    def read(self, body: bytes) -> list[Record]:
        """A body's records. Raises ValueError where the body is refused as a whole."""
        try:
            # The quick way: all records are checked while they are read.
            records = getattr(self._decode_valid(body), self.envelope)
        except msgspec.ValidationError:
            return [self._one(content) for content in contents_of(body, self.envelope)]
        if len(records) > MOST_RECORDS:
            raise ValueError(too_many(self.envelope, len(records)))
        return [self._judge(record) for record in records]

    def _one(self, content: dict[str, Any]) -> Record:
        try:
            return self._judge(msgspec.convert(content, self._type))
        except msgspec.ValidationError as error:
            return self._invalid(content, str(error))


def contents_of(body: bytes, envelope: str) -> list[dict[str, Any]]:
    """The objects in a body's list. Raises ValueError for anything else."""
    content = msgspec.json.decode(body)
    records = content.get(envelope) if isinstance(content, dict) else None
    if not isinstance(records, list):
        raise ValueError(f'The body must be an object with a list "{envelope}".')
    if len(records) > MOST_RECORDS:
        raise ValueError(too_many(envelope, len(records)))
    for at, record in enumerate(records):
        if not isinstance(record, dict):
            raise ValueError(f"{envelope}[{at}] is not an object.")
    return records


def too_many(envelope: str, count: int) -> str:
    return f'"{envelope}" holds {count} items; at most {MOST_RECORDS} are accepted.'


CUSTOMERS = RecordKind("data", Customer, customer_record, invalid_customer)
HOUSEHOLDS = RecordKind("households", Household, household_record, invalid_household)
