"""What a page says of how many bills there are, and that it shows only some of them."""

from __future__ import annotations

import pytest

from bills.portals.lists.promises import Limit, Promised, only_some, promised_by

COUNT, TIME, ARCHIVE, ASK = Limit.COUNT, Limit.TIME, Limit.ARCHIVE, Limit.ASK
PARTIAL = {
    "Only your 3 latest bills are shown here.": COUNT,
    "Your 3 most recent invoices": COUNT,
    "Showing your bills from the last 12 months.": TIME,
    "Bills of the last 12 months": TIME,
    "Older bills: contact customer service.": ASK,
    "Need older invoices? Contact us.": ASK,
    "For older invoices, please call us.": ASK,
    "Bills older than 18 months can be ordered from customer service.": ASK,
    "Older bills are in the archive.": ARCHIVE,
    "Endast dina 3 senaste fakturor visas här.": COUNT,
    "Här visas fakturor från de senaste 12 månaderna.": TIME,
    "Äldre fakturor: kontakta kundservice.": ASK,
    "Äldre fakturor finns i arkivet.": ARCHIVE,
    "Kun dine 3 siste fakturaer vises her.": COUNT,
    "Her vises fakturaer fra de siste 12 månedene.": TIME,
    "Eldre fakturaer: kontakt kundeservice.": ASK,
    "Eldre fakturaer ligger i arkivet.": ARCHIVE,
    "Kun dine 3 seneste regninger vises her.": COUNT,
    "Her vises regninger fra de seneste 12 måneder.": TIME,
    "Ældre regninger: kontakt kundeservice.": ASK,
    "Ældre regninger findes i arkivet.": ARCHIVE,
    "Vain 3 viimeisintä laskuasi näytetään tässä.": COUNT,
    "Tässä näytetään laskut viimeisten 12 kuukauden ajalta.": TIME,
    "Vanhemmat laskut: ota yhteyttä asiakaspalveluun.": ASK,
    "Vanhemmat laskut löytyvät arkistosta.": ARCHIVE,
    "Hier werden nur Ihre letzten 3 Rechnungen angezeigt.": COUNT,
    "Angezeigt werden die Rechnungen der letzten 12 Monate.": TIME,
    "Ältere Rechnungen: Bitte kontaktieren Sie den Kundenservice.": ASK,
    "Ältere Rechnungen finden Sie im Archiv.": ARCHIVE,
    "Alleen uw laatste 3 facturen worden hier getoond.": COUNT,
    "U ziet hier de facturen van de laatste 12 maanden.": TIME,
    "Oudere facturen: neem contact op met de klantenservice.": ASK,
    "Oudere facturen vindt u in het archief.": ARCHIVE,
    "Seules vos 3 dernières factures sont affichées ici.": COUNT,
    "Vous trouverez ici vos factures des 12 derniers mois.": TIME,
    "Factures plus anciennes : contactez le service client.": ASK,
    "Les factures plus anciennes se trouvent dans les archives.": ARCHIVE,
    "Aquí solo se muestran sus 3 últimas facturas.": COUNT,
    "Se muestran las facturas de los últimos 12 meses.": TIME,
    "Facturas más antiguas: contacte con atención al cliente.": ASK,
    "Las facturas anteriores están en el archivo.": ARCHIVE,
    "Qui vengono mostrate solo le ultime 3 bollette.": COUNT,
    "Sono visualizzate le bollette degli ultimi 12 mesi.": TIME,
    "Bollette più vecchie: contatta il servizio clienti.": ASK,
    "Le bollette precedenti si trovano nell'archivio.": ARCHIVE,
    "Tutaj widoczne są tylko 3 ostatnie faktury.": COUNT,
    "Wyświetlane są faktury z ostatnich 12 miesięcy.": TIME,
    "Starsze faktury: skontaktuj się z obsługą klienta.": ASK,
    "Starsze faktury znajdują się w archiwum.": ARCHIVE,
}
WHOLE = (
    "Your consumption the last 12 months",
    "You have paid all your bills in the last 12 months. Thank you!",
    "See how your bills have changed over the last 12 months",
    "Är det något fel? Här ser du hur dina fakturor har ändrats de senaste 12 månaderna.",
    "Are you missing a bill? Contact us.",
    "Questions about older bills? Contact customer service.",
    "Har du frågor om äldre fakturor? Kontakta kundservice.",
    "Questions about your bills? Contact customer service.",
    "We keep your invoices for 10 years.",
    "Your latest bill: 3 November 2026",
    "Only paper bills cost extra.",
    "You will receive the last bill 3 months after you have moved.",
    "All your bills since 2015 are shown here, the latest first.",
    "Rechnungen können Sie jederzeit herunterladen.",
    "Voici vos factures.",
    "Bills from last year",
    "Older browsers: contact customer service.",
)


@pytest.mark.parametrize("text", PARTIAL)
def test_a_page_says_that_it_shows_only_some_of_the_bills(text: str) -> None:
    assert [said.limit for said in only_some(f"Invoices \n\n{text} \n\nHelp")] == [PARTIAL[text]]


@pytest.mark.parametrize("text", WHOLE)
def test_other_sentences_about_bills_limit_no_list(text: str) -> None:
    assert only_some(f"Invoices \n\n{text} \n\nHelp") == []


def test_what_stands_in_different_blocks_is_no_sentence() -> None:
    assert only_some("Usage here the last 12 months \n\nInvoices") == []
    assert only_some("Older bills \n\nContact") == []


COUNTED = {
    "Invoices \n\n9 \n\nMessages \n\n2": 9, "Fakturor \n9": 9, "Invoices [9]": 9,
    "Bills (9)": 9, "Antal fakturor 9": 9, "You have 9 bills in total.": 9,
    "Customer number \n1234 \nInvoices": 0, "Kundnummer: 1234 \n\nFakturor": 0,
    "Messages 12 \n\nDocuments 15": 0, "Invoices 2026": 0, "Invoices \n\n2026": 0,
    "Paper bills \n\n29 \n\nkr/month": 0, "Invoices \n\n27 \n\nNovember": 0,
    "Your next invoice 1204 comes on 3 December.": 0, "Bills every 12 months": 0,
    "Invoice 12": 0, "Faktura 9": 0,
}  # fmt: skip


@pytest.mark.parametrize("text", COUNTED)
def test_a_count_is_known_from_other_numbers(text: str) -> None:
    assert promised_by(text).anywhere == COUNTED[text]


def test_a_count_alone_counts_where_its_first_number_is_what_is_shown() -> None:
    for text in ("3 / 9", "3/9", "3 of 9", "3 av 9", "3 \n/ \n9", "(3 von 9)"):
        assert promised_by(f"Bills \n\n{text} \n\nHelp", 1, 3) == Promised(9), text
        assert promised_by(f"Bills \n\n{text} \n\nHelp", 1, 4) == Promised(), text
    assert promised_by("1 / 9", 1, 1) == Promised(pages=9)
    assert promised_by("3 of 9 invoices", 1, 5).in_view == 9
