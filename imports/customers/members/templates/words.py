"""What columns of member files are called, in a few languages, and fields of APIs for the same."""

from __future__ import annotations

import re
import unicodedata

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


def concept(name: str) -> str:
    """What a column or a field is about: one of the things above, else its own plain name."""
    bare = plain(name)
    return _BY_WORD.get(bare, bare)


def as_key(heading: str) -> str:
    """A heading as the name of a field of an API that nothing is known of: "first_name"."""
    folded = unicodedata.normalize("NFKD", heading.casefold().translate(_PLAIN))
    bare = "".join(each for each in folded if each.isascii())
    key = re.sub(r"[^a-z0-9]+", "_", bare).strip("_")
    return f"column_{key}" if key[:1].isdigit() else key
