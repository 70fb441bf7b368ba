"""Words tell a bill from what lies beside it, in eleven languages."""

from __future__ import annotations

import pytest

from bills.portals.documents.words import (
    Says,
    Way,
    is_act,
    is_limit,
    is_session_lost,
    says,
    way,
    words_of,
)

BILLS = (
    "Invoice (PDF)|View bill|Statement|Credit note|Faktura|Hyresavi|Elräkning|Kreditfaktura|"
    "Regning|Kreditnota|Lasku|Hyvityslasku|Rechnung|Stromrechnung|Gutschrift|Factuur|"
    "Jaarnota|Facture|Avoir|Factura|Recibo|Nota de crédito|Fattura|Bolletta|Faktury|Rachunek|"
    "Invoice incl. specification|"
    "Faktura med specifikation|Rechnung mit Einzelverbindungsnachweis|Invoice for order 77"
)
BESIDE = (
    "Payment reminder|Reminder (PDF)|Invoice reminder|Payment slip|Call details|Specification|"
    "Receipt|Betalningspåminnelse|Inbetalningskort|Fakturaspecifikation|Kvitto|Purring|"
    "Innbetalingskort|Rykker|Girokort|Maksumuistutus|Tilisiirto|Kuitti|Mahnung|Zahlungserinnerung|"
    "Zahlschein|Quittung|Lieferschein|Aanmaning|Acceptgiro|Specificatie|Relance|Lettre de rappel|"
    "Bordereau|Reçu|Recordatorio|Carta de pago|Sollecito|Bollettino|Ricevuta|Ponaglenie|"
    "Wezwanie do zapłaty|Druk przelewu|Download CSV|Excel|Contract"
)
NEVER = (
    "Terms and conditions 2026-01-01 (PDF)|Price list 2026|Privacy policy|How to read your bill|"
    "Allmänna villkor|Prislista|Vilkår|Prisliste|Personvern|Sopimusehdot|Hinnasto|AGB|Preisblatt|"
    "Datenschutz|Algemene voorwaarden|Tarieven|Conditions générales|Tarifs|Condiciones generales|"
    "Tarifas|Condizioni generali|Listino prezzi|Regulamin|Cennik"
)
NOTHING = "PDF|Download|View details|Ladda ner|2026-11-01|Ver|Pobierz|Show"
LIMITS = (
    "You can only download 10 documents per day.|Daily download limit reached|"
    "Du kan hämta högst 5 fakturor per dygn|Du kan laste ned 10 filer per dag|"
    "Voit ladata 10 laskua päivässä|Maximal 10 Dateien pro Tag|Maximaal 10 facturen per dag|"
    "10 documents par jour|10 facturas al día|10 documenti al giorno|10 faktur dziennie"
)
LOST = (
    "Your session has expired|Someone has logged into the system|You have been logged out|"
    "Please log in again|Sessionen har gått ut|Du har blivit utloggad|Sesjonen er utløpt|"
    "Istunto on vanhentunut|Ihre Sitzung ist abgelaufen|Sie wurden abgemeldet|"
    "Uw sessie is verlopen|Votre session a expiré|Su sesión ha caducado|Sessione scaduta|"
    "Sesja wygasła"
)


@pytest.mark.parametrize(
    ("texts", "meant"),
    [(BILLS, Says.BILL), (BESIDE, Says.BESIDE), (NEVER, Says.NEVER), (NOTHING, Says.NOTHING)],
)
def test_a_links_words_say_what_is_behind_it(texts: str, meant: Says) -> None:
    assert [text for text in texts.split("|") if says(text) is not meant] == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Faktura_2026-11.pdf", Says.BILL),
        ("invoicePdf", Says.BILL),
        ("INV-1000.pdf", Says.NOTHING),
        ("spec.pdf", Says.BESIDE),
        ("terms-2026.pdf", Says.NEVER),
    ],
)
def test_a_file_name_is_read_as_words(name: str, meant: Says) -> None:
    assert says(words_of(name)) is meant


def test_words_say_how_a_document_is_reached() -> None:
    ways = {"Download PDF": Way.FILE, "Invoice": Way.BILL, "Visa": Way.OPEN, "Drucken": Way.PRINT}
    assert {text: way(text) for text in ways} == ways
    assert way("Help") is Way.NONE


def test_what_must_not_be_pressed_is_known() -> None:
    acts = "Pay bill|Betala faktura|Rechnung bezahlen|Payer la facture|Delete|Zapłać fakturę"
    assert all(is_act(text) for text in acts.split("|"))
    assert not any(is_act(text) for text in ("Payment slip", "View bill", "PDF", "Payments"))


def test_a_limit_page_is_not_mistaken_for_a_lost_session() -> None:
    assert [text for text in LIMITS.split("|") if not is_limit(text)] == []
    assert [text for text in LOST.split("|") if not is_session_lost(text)] == []
    assert not any(is_limit(text) for text in LOST.split("|"))
    assert not any(is_session_lost(text) for text in LIMITS.split("|"))
    assert not is_session_lost("Bills Sign out Log out You have 12 invoices")
    assert not is_limit("12 documents, 3 per page. Invoices per day are not shown.")
