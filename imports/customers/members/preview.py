"""A few rows of a member file, and what a template makes of them: nothing is stored or sent.

A first template is guessed from the file's headings and values and from the API's records. It only
fills in the editor: a person sees what it makes of rows, and saves it.
"""

from __future__ import annotations

import json
import re
import tempfile
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imports.customers.api.setup import checks_of
from imports.customers.files.errors import UnreadableFile, faults_of
from imports.customers.files.json_stream import Element
from imports.customers.files.validation import Judge
from imports.customers.members import conversion, sources
from imports.customers.members.delimited import Row, find_form, rows
from imports.customers.members.records import RecordMaker
from imports.customers.members.template import BadCell, Field, Template, date_reader, unused
from imports.ledger.batches import bytes_of
from imports.models import ImportResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imports.customers.files.limits import Checks
    from imports.messages import Text
    from imports.models import CustomerApi, MemberFile


MOST_ROWS = 1_000  # that are looked at
SHOWN = 3
KNOWN_RECORDS = 30
LONGEST_PASTE = 200_000  # characters


@dataclass(slots=True)
class Sample:
    """The headings of a member file and its first rows."""

    headings: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    trouble: Text | None = None


@dataclass(slots=True)
class Shown:
    """One row beside its record, and everything that keeps it from being sent."""

    row: Row
    cells: list[tuple[str, str]]
    record: str
    faults: list[Text]


@dataclass(slots=True)
class Preview:
    """What a template makes of a sample: some rows, those with faults first."""

    looked_at: int = 0
    faulty: int = 0
    rows: list[Shown] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    trouble: Text | None = None


def sample_of(member: MemberFile) -> Sample:
    """The first rows of a member file that was taken in."""
    form = sources.form_of(member)
    try:
        found = conversion.rows_of(member.rows_path, member.file.name, form)
        return Sample(form.headings, list(islice(found, MOST_ROWS)))
    except UnreadableFile as error:
        return Sample(form.headings, trouble=error.message)
    except OSError:
        return Sample(form.headings)


def pasted(text: str) -> Sample:
    """Rows that somebody copied out of a file, with its heading."""
    if not text.strip():
        return Sample()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pasted"
        path.write_text(text[:LONGEST_PASTE], encoding="utf-8", newline="")
        try:
            form = find_form(path, "pasted")
            return Sample(form.headings, list(islice(rows(path, "pasted", form), MOST_ROWS)))
        except UnreadableFile as error:
            return Sample(trouble=error.message)


def _shape(api: CustomerApi) -> Shape:
    latest = ImportResult.objects.filter(job__api=api, batch__isnull=False).order_by("-pk")
    ids = list(latest.values_list("pk", flat=True)[:KNOWN_RECORDS])
    return shape_of(checks_of(api), list(bytes_of(ids).values()))


def known_paths(api: CustomerApi) -> list[str]:
    """The paths of an API's records, as far as they are known."""
    shape = _shape(api)
    return sorted({*shape.examples, *shape.constants})


def guess(sample: Sample, api: CustomerApi) -> Template:
    """A first template for the sample, by the API's records."""
    shape = _shape(api)
    cells = [row.cells for row in sample.rows]
    return fitting_template(sample.headings, cells, shape)


def preview(template: Template, sample: Sample, api: CustomerApi) -> Preview:
    """What the template makes of the sample, and what the API's own checks say of it."""
    found = Preview(trouble=sample.trouble, unused=unused(template, sample.headings))
    if not sample.rows:
        return found
    try:
        maker = RecordMaker(template, sample.headings, "")
    except UnreadableFile as error:
        found.trouble = error.message
        return found
    judge = Judge("", checks_of(api))
    good: list[Shown] = []
    for row in sample.rows:
        shown = _shown(row, sample, maker, judge)
        found.looked_at += 1
        found.faulty += bool(shown.faults)
        kept = found.rows if shown.faults else good
        if len(kept) < SHOWN:
            kept.append(shown)
    found.rows = (found.rows[: SHOWN - 1] if good else found.rows) + good
    found.rows = found.rows[:SHOWN]
    return found


def _shown(row: Row, sample: Sample, maker: RecordMaker, judge: Judge) -> Shown:
    made = maker.of(row)
    faults: list[Text] = [each.what for each in made.faults]
    raw = made.raw
    if carried := faults_of(raw):
        raw = carried[1]
    value = json.loads(raw)
    if not faults:
        fault = judge.judge(Element(0, len(raw), raw, value, True)).fault
        faults += [fault.what] if fault else []
    cells = list(zip(sample.headings, row.cells, strict=False))
    return Shown(row, cells, json.dumps(value, indent=2, ensure_ascii=False), faults)


ISO_VALUE = re.compile(r"\d{4}-\d{2}-\d{2}")
MOST_OF_THEM = 2 / 3  # values that must look like dates: some rows may be wrong
FEW = 2  # records that share a value by chance
GK_CONSTANTS = (("changeType", "UPSERT"), ("type", "PERSON"))
GK_PATHS = (
    "person.customerId", "person.username", "person.firstName", "person.lastName",
    "person.birthday", "person.languageCode", "person.status", "person.emails.0.email",
    "person.phones.0.number", "person.addresses.0.street", "person.addresses.0.postalCode",
    "person.addresses.0.city", "person.addresses.0.countryCode", "person.customerCards.0.number",
)  # fmt: skip
# What else GK asks of an entry, where a column fills it.
GK_BESIDE = {
    "person.addresses.0": (
        ("contactPurposeTypeCode", "PRIVATE"), ("contactMethodTypeCode", "HOME"),
    ),
    "person.emails.0": (("defaultEmail", True),),
    "person.customerCards.0": (("type", "MAIN_CARD"),),
}  # fmt: skip


@dataclass(slots=True)
class Shape:
    """What is known of an API's records: their paths, a value of each, and what all share."""

    examples: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Sequence[tuple[str, Any]]] = field(default_factory=dict)


def shape_of(checks: Checks, records: Sequence[bytes]) -> Shape:
    """The shape of an API's records, by some that it got before, else by its mapping."""
    found: dict[str, list[Any]] = {}
    for raw in records:
        for path, value in _leaves(_decoded(raw), ""):
            found.setdefault(path, []).append(value)
    shape = Shape({path: values[0] for path, values in found.items()})
    if len(records) > FEW:
        for path, values in found.items():
            if len(values) == len(records) and len(set(map(repr, values))) == 1:
                shape.constants[path] = values[0]
    if not found and checks.rules == "gk":
        shape.examples = dict.fromkeys(GK_PATHS)
        shape.constants, shape.beside = dict(GK_CONSTANTS), dict(GK_BESIDE)
    for path in (*checks.id_paths[:1], *checks.email_paths[:1]):
        shape.examples.setdefault(path, None)
    return shape


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _leaves(value: Any, path: str) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            if "." not in key and key:
                yield from _leaves(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, child in enumerate(value[:3]):
            yield from _leaves(child, f"{path}.{index}")
    elif path:
        yield path, value


def fitting_template(
    headings: Sequence[str], rows: Sequence[Sequence[str]], shape: Shape
) -> Template:
    """The template that seems to fit; columns that fit no path are left to the person."""
    by_concept: dict[str, list[str]] = {}
    for path in shape.examples:
        by_concept.setdefault(concept_of(path.rpartition(".")[2]), []).append(path)
    fields: list[Field] = []
    for index, heading in enumerate(headings):
        concept = concept_of(heading)
        paths = by_concept.get(concept, [])
        known_shape = bool(by_concept) and len(shape.examples) > FEW
        path = paths.pop(0) if paths else "" if known_shape else as_key(heading)
        if path and not any(path == each.path for each in fields):
            values = [row[index].strip() for row in rows if index < len(row)]
            filled = [each for each in values if each]
            fields.append(_field(path, heading, filled, shape.examples.get(path), concept))
    return Template(fields=(*_constants(shape, fields), *fields, *_beside(shape, fields)))


def _constants(shape: Shape, fields: Sequence[Field]) -> list[Field]:
    taken = {each.path for each in fields}
    rest = {path: value for path, value in shape.constants.items() if path not in taken}
    return [Field(path=path, constant=value) for path, value in rest.items()]


def _beside(shape: Shape, fields: Sequence[Field]) -> list[Field]:
    used = Counter(each.path.rpartition(".")[0] for each in fields)
    return [
        Field(path=f"{entry}.{key}", constant=value)
        for entry, constants in shape.beside.items()
        if used[entry]
        for key, value in constants
    ]


def _field(path: str, heading: str, values: Sequence[str], example: Any, concept: str) -> Field:
    if isinstance(example, bool):
        return Field(path=path, column=heading, type="yes-no")
    if isinstance(example, int | float):
        kind = "integer" if isinstance(example, int) else "number"
        return Field(path=path, column=heading, type=kind, decimal=_decimal(values))  # type: ignore[arg-type]
    is_date = isinstance(example, str) and ISO_VALUE.fullmatch(example)
    if (is_date or concept in ("birthday", "date") or _has_marks(values)) and (
        pattern := _date_format(values)
    ):
        return Field(path=path, column=heading, type="date", format=pattern)
    return Field(path=path, column=heading)


def _has_marks(values: Sequence[str]) -> bool:
    """Whether most look like dates with marks between their parts, as 19800203 does not."""
    count = sum(len(re.findall(r"\d[./-]\d", each)) == 2 for each in values)
    return bool(values) and count >= MOST_OF_THEM * len(values)


def _decimal(values: Sequence[str]) -> str:
    return "," if any(re.search(r",\d{1,2}$|\d\.\d{3},", each) for each in values) else "."


def _date_format(values: Sequence[str]) -> str:
    """The format, the day before the month, that reads the most values; "" for too few."""
    counts = {pattern: _how_many(values, pattern) for pattern in DATE_FORMATS}
    best = max(counts, key=lambda pattern: counts[pattern])
    return best if values and counts[best] >= MOST_OF_THEM * len(values) else ""


def _how_many(values: Sequence[str], pattern: str) -> int:
    """How many of the values are dates of this format."""
    reader = date_reader(pattern, pattern)
    count = 0
    for each in values:
        try:
            reader(each)
        except BadCell:
            continue
        count += 1
    return count


DATE_FORMATS = (
    "yyyy-mm-dd", "dd.mm.yyyy", "dd/mm/yyyy", "mm/dd/yyyy", "dd-mm-yyyy", "yyyy/mm/dd",
    "yyyy.mm.dd", "yyyymmdd", "dd.mm.yy", "dd/mm/yy", "mm/dd/yy", "yyyy-mm-dd HH:MM:SS",
    "dd.mm.yyyy HH:MM", "dd/mm/yyyy HH:MM",
)  # fmt: skip

# Each line: one thing, by the names of columns and of fields, letters and digits only.
_CONCEPTS: dict[str, str] = {
    "id": "customerid customernumber customerno customer kundnr kundnummer kundid kund "
    "medlemsnummer medlemsnr medlemsid medlem memberid membernumber memberno member id externalid "
    "kundennummer kundennr mitgliedsnummer asiakasnumero kundenr medlemnr externaluserid userid",
    "username": "username user login anvandarnamn inloggning benutzername brukernavn",
    "firstname": "firstname givenname forename fornamn tilltalsnamn vorname fornavn etunimi first",
    "lastname": "lastname surname familyname efternamn nachname etternavn efternavn sukunimi last",
    "name": "name namn fullname displayname navn",
    "birthday": "birthday birthdate dateofbirth dob fodelsedatum fodd fodelsedag geburtsdatum "
    "geburtstag fodselsdato syntymaaika",
    "date": "date datum membersince medlemsedan joined joindate createdat created skapad",
    "email": "email emailaddress mail epost epostadress mejl mejladress emailaddresse "
    "epostadresse sahkoposti",
    "phone": "phone phonenumber number telephone telefon telefonnummer tel tfn mobile mobil "
    "mobilnr mobilnummer mobilephone mobiltelefon cell msisdn handynummer puhelin phonemobile",
    "street": "street streetaddress address address1 addressline1 adress gatuadress gata strasse "
    "adresse gateadresse gade",
    "postalcode": "postalcode postcode zip zipcode postnummer postnr plz postleitzahl postnumero",
    "city": "city town ort postort stad poststed by kaupunki wohnort",
    "country": "country countrycode land landkod landskod maa",
    "language": "language languagecode lang locale sprak sprakkod sprache sprog",
    "gender": "gender sex kon geschlecht kjonn",
    "status": "status state medlemsstatus memberstatus",
    "card": "cardnumber card kortnummer kortnr kort customercard loyaltycard kartennummer",
    "points": "points poang saldo balance pointbalance punkte",
}
_BY_WORD = {word: concept for concept, line in _CONCEPTS.items() for word in line.split()}
_PLAIN = str.maketrans({"ß": "ss", "æ": "a", "ø": "o", "đ": "d", "ł": "l"})


def plain(text: str) -> str:
    """Its letters and digits only, without accents and case."""
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    return "".join(each for each in folded if each.isascii() and each.isalnum())


def concept_of(name: str) -> str:
    """What a column or a field is about: one of the things above, else its own plain name."""
    bare = plain(name)
    return _BY_WORD.get(bare, bare)


def as_key(heading: str) -> str:
    """A heading as the name of a field of an API that nothing is known of: "first_name"."""
    folded = unicodedata.normalize("NFKD", heading.casefold().translate(_PLAIN))
    bare = "".join(each for each in folded if each.isascii())
    key = re.sub(r"[^a-z0-9]+", "_", bare).strip("_")
    return f"column_{key}" if key[:1].isdigit() else key
