"""What portals call the rest of a list, and how they say that there are no bills or no answer."""

from __future__ import annotations

import re

import pytest

from bills.portals.lists import words

MORE = (
    "Load more", "Show all", "Load 10 more", "View more invoices", "Show all (25)",
    "Visa fler", "Visa alla fakturor (18)", "Hämta fler fakturor", "Last inn flere",
    "Vis flere fakturaer", "Indlæs flere", "Vis mere", "Näytä seuraavat", "Lataa lisää laskuja",
    "Mehr laden", "Weitere Rechnungen anzeigen", "Alle Rechnungen anzeigen",
    "Nächste 10 anzeigen", "Meer tonen", "Toon alle facturen", "Voir la suite", "Afficher tout",
    "Charger plus de factures", "Ver más", "Mostrar todas", "Cargar más facturas",
    "Carica altro", "Vedi tutte le bollette", "Mostra di più", "Pokaż kolejne",
    "Pokaż kolejne 10 faktur", "Wczytaj więcej", "Visa betalda fakturor", "Include paid",
    "Bezahlte Rechnungen anzeigen",
)  # fmt: skip
NOT_MORE = (
    "Show 10", "All invoices", "Alle Rechnungen", "Read more", "Show more details",
    "See all offers", "Mehr erfahren", "Plus", "Voir la facture", "Download all", "Next",
    "Mes factures", "Nästa", "Volgende >", "Visa mer information", "En savoir plus",
    "Show password",
)  # fmt: skip
NONE = (
    "You have no bills yet.", "You don't have any invoices yet", "No invoices found",
    "Du har inga fakturor ännu", "Det finns inga fakturor", "Fakturor saknas",
    "Du har ingen fakturaer ennå", "Der er ingen fakturaer", "Du har ikke nogen fakturaer",
    "Sinulla ei ole vielä laskuja", "Laskuja ei löytynyt", "Es liegen noch keine Rechnungen vor",
    "Rechnungen liegen noch nicht vor", "U heeft nog geen facturen",
    "Vous n'avez pas encore de facture", "Aucune facture disponible", "Aún no tienes facturas",
    "No dispones de facturas", "Non hai ancora bollette", "Nessuna bolletta disponibile",
    "Nie masz jeszcze żadnych faktur", "Brak dostępnych faktur",
)  # fmt: skip
SOME_ALL_THE_SAME = (
    "You have no unpaid invoices", "No bills due", "You have no bills to pay",
    "Du har inga obetalda fakturor", "Ingen ubetalte fakturaer", "Ei avoimia laskuja",
    "Keine offenen Rechnungen", "Geen openstaande facturen", "Aucune facture impayée",
    "No tienes facturas pendientes", "Nessuna fattura da pagare", "Brak faktur do zapłaty",
    "No new invoices", "Ingen nye regninger", "No invoices for the selected period",
    "Inga fakturor för vald period",
)  # fmt: skip
BROKEN = (
    "Some invoices could not be loaded.", "Something went wrong", "Det gick inte att hämta",
    "Noe gikk galt", "Der opstod en fejl", "Tapahtui virhe", "Es ist ein Fehler aufgetreten",
    "Er is iets misgegaan", "Une erreur est survenue", "Se ha producido un error",
    "Si è verificato un errore", "Wystąpił błąd",
)  # fmt: skip


@pytest.mark.parametrize("text", MORE)
def test_a_button_for_the_rest_of_the_list_is_known(text: str) -> None:
    assert re.search(words.MORE, text.lower())


@pytest.mark.parametrize("text", NOT_MORE)
def test_other_buttons_are_not_taken_for_it(text: str) -> None:
    assert not re.search(words.MORE, text.lower())


@pytest.mark.parametrize("text", ["Mehr", "+ 5 fler", "Więcej", "More…", "Tout"])
def test_right_behind_the_list_few_words_do(text: str) -> None:
    assert re.search(words.REST, text.lower())
    assert not re.search(words.MORE, text.lower())
    assert not re.search(words.REST, "nästa")


@pytest.mark.parametrize("text", NONE)
def test_a_page_says_that_there_are_no_bills(text: str) -> None:
    assert says_none(text)


@pytest.mark.parametrize("text", SOME_ALL_THE_SAME)
def test_no_unpaid_bill_does_not_mean_no_bill(text: str) -> None:
    assert not says_none(text)


@pytest.mark.parametrize("text", BROKEN)
def test_a_page_says_that_a_part_of_it_did_not_come(text: str) -> None:
    assert re.search(words.BROKEN, text, re.IGNORECASE)


def says_none(text: str) -> bool:
    return any(re.search(pattern, text.lower()) for pattern in words.NO_BILLS)
