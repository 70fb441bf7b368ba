"""Which document a link or a file name speaks of, and what a page says in a document's place.

In English, Swedish, Norwegian, Danish, Finnish, German, Dutch, French, Spanish, Italian, Polish.
"""

from __future__ import annotations

import re
from enum import IntEnum


class Says(IntEnum):
    """What a link's words say of the document behind it."""

    BILL = 0  # the bill itself: invoice, credit note, statement
    NOTHING = 1  # "PDF", "Download", a number
    BESIDE = 2  # belongs to a bill but is none: reminder, payment slip, specification, receipt
    NEVER = 3  # belongs to no bill: terms, price list, privacy


class Way(IntEnum):
    """How sure a link's words make it that a file is behind it, the surest first."""

    FILE = 0  # "PDF", "Download"
    BILL = 1  # "Invoice"
    OPEN = 2  # "View", "Details": may be a page
    PRINT = 3  # "Print": a page to be printed
    NONE = 4


def _any(*words: str) -> re.Pattern[str]:
    """Any of the words, alone. A space in one stands for any number of them."""
    joined = "|".join(" ".join(words).replace("_", r"\s+").split())
    return re.compile(rf"(?<!\w)(?:{joined})(?!\w)", re.IGNORECASE)


# A word may have an ending where one is written: Rechnung(en), faktura(n). `_` is a space.
BILL = _any(
    r"(e-?)?invoices? (e-?)?bills? bill(ing)?_statements?",
    r"statements? credit_(note|memo|invoice)s?",
    r"(e-?)?(kredit|slut|del|hyres|el|års)?faktur(a|an|or|orna|er|en|aen|y|ę|ą)?",
    r"(el)?räkning(en|ar|arna)? (hyres)?avi(n|er|erna)? kredit(nota|avi)",
    r"regning(en|er|erne)? kredittnota kreditnota",
    r"(hyvitys|sähkö|vuokra)?lasku(t|n|si)? hyvityslasku",
    r"(schluss|abschlags|jahres|strom|monats)?rechnung(en)? gutschrift(en)? \w*rechnung",
    r"factu(ur|ren) rekening(en)? (jaar|eind)?nota('s)? creditnota",
    r"factures? avoirs? échéanciers?",
    r"facturas? recibos? nota_de_(crédito|abono) abonos?",
    r"fatture? fattura bollett[ae] nota_di_credito",
    r"faktur rachun(ek|ki|ku) korekt[ay] nota_kredytowa",
)
BESIDE = _any(
    # reminders
    r"(payment_)?reminders? dunning(_\w+)? overdue_notices? final_(notice|demand)s?",
    r"\w*påminnelse(n|r|avgift)? inkasso\w* kravbrev",
    r"purring(er)? inkassovarsel rykker(e|brev)? rykkerskrivelse",
    r"(maksu)?muistutus(kirje)? maksukehotus perintäkirje",
    r"mahnung(en)? mahnschreiben (zahlungs)?erinnerung(en)?",
    r"aanmaning(en)? (betalings)?herinnering(en)?",
    r"(lettre_de_)?rappels? (lettre_de_)?relances? mise_en_demeure",
    r"recordatorios? aviso_de_(pago|cobro) requerimiento_de_pago",
    r"solleciti? sollecito promemoria",
    r"przypomnieni[ea] wezwani[ea](_do_zapłaty)? ponagleni[ea] upomnieni[ea]",
    # payment slips
    r"pay(ment|ing)?[-_]?_?(slip|form|coupon|stub)s? remittance_(slip|advice) (bank)?giro(_slip)?",
    r"inbetalning(skort|savi)? betalningsavi plusgiro(talong)?",
    r"(inn|ind)betalingskort giro(kort|blankett|talong) fi-?kort",
    r"tilisiirto(lomake)? maksulomake",
    r"überweisungs(träger|schein|formular) zahlschein(e)? einzahlungsschein(e)?",
    r"acceptgiro('s)? betaalkaart overschrijvings(formulier|kaart)",
    r"bordereau tip(_sepa)? talon_de_paiement",
    r"carta_de_pago impreso_de_pago bollettin[oi](_postale)? (modulo_)?f24 mav",
    r"druk_przelewu polecenie_przelewu blankiet(_wpłaty)?",
    # specifications, attachments
    r"spec(s|ification|ifications)? itemi[sz](ed|ation)(_\w+)? (cost_)?breakdown cdrs?",
    r"call_(details?|records?|log) usage(_\w+)? (cover(ing)?_)?letters? attachments? annex",
    r"\w*specifikation(en|er)? samtalslista följebrev bilag(a|or)",
    r"\w*spesifikasjon(er)? \w*spezifikation(en)? vedlegg følgebrev bilag",
    r"(puhelu|laskun_)?erittely(t)? laskuerittely kulutuserittely liite saatekirje",
    r"einzelverbindungsnachweis(e)? evn (verbrauchs|kosten)?aufstellung anlage(n)? \w*übersicht",
    r"(be)?(gleit|an)schreiben",
    r"(gespreks|gebruiks)?specificatie(s)? bijlage(n)? begeleidende_brief",
    r"détail_(des|de)_\w+ relevé_de_consommation annexes? pièces?_jointes?",
    r"desglose(s)? detalle_de_(llamadas|consumos?) anexos?",
    r"dettagli?o?_(chiamate|traffico|consumi|dei_consumi) allegat[oi]",
    r"wyszczególnienie zestawienie(_\w+)? billing_połączeń specyfikacja załącznik(i)?",
)
# Also named beside a bill's own name: "Invoice for order 77" is the invoice.
OTHER = _any(
    r"receipts? payment_confirmations? proof_of_payment delivery_notes? packing_slips?",
    r"contracts? agreements? quotes? quotations? orders? order_confirmations? time_?sheets?",
    r"kvitt(o|on|ot|ering|eringer|eringar) betalningsbekräftelse följesedel avtal(et)?",
    r"offert(er)?",
    r"orderbekräftelse ordrebekreftelse ordrebekræftelse pakkseddel følgeseddel kontrakt(en)?",
    r"kuit(ti|it) tosite lähetyslista lähete sopimus tilausvahvistus tarjous",
    r"quittung(en)? zahlungsbestätigung lieferschein(e)? vertrag angebot auftragsbestätigung",
    r"betaal(bewijs|bevestiging) kwitantie(s)? pakbon contract(en)? offerte(s)? orderbevestiging",
    r"reçus? justificatifs?_de_paiement bons?_de_livraison contrats? devis bon_de_commande",
    r"justificante(s)?(_de_pago)? albar[áa]n(es)? contratos? presupuestos?",
    r"ricevut[ae] quietanz[ae] (bolla|documento)_di_(consegna|trasporto)",
    r"ddt contratt[oi] preventiv[oi]",
    r"potwierdzeni[ea](_\w+)? pokwitowanie dowód_wpłaty umow[ay] ofert[ay] list_przewozowy",
)
NEVER = _any(
    r"terms(_(and|&)_conditions|_of_(use|service|business|supply))? t&cs? (general_)?conditions",
    r"price[-_]?_?lists? prices tariffs? rates(_and_charges)? privacy(_\w+)? cookies?(_\w+)? gdpr",
    r"(user_)?(guide|manual)s? how_to_\w+ understand(ing)?_your_\w+ brochures? leaflets? faqs?",
    r"imprint legal_notice right_to_cancel withdrawal_form complaints?(_\w+)?",
    r"(allmänna_|avtals|köp|leverans|särskilda_)?villkor(en)?",
    r"(el)?pris(er|lista|listan|information)",
    r"integritet(spolicy)? personuppgift(er|spolicy)? ångerblankett ångerrätt så_läser_du_\w+",
    r"(alminnelige_|generelle_|almindelige_|avtale|salgs)?vilkår(ene)? prisliste(n)? priser",
    r"personvern(erklæring)? privatlivspolitik fortrydelses\w+ angre(rett|skjema)",
    r"(yleiset_|sopimus|toimitus)?ehdot hinnasto(t)? tietosuoja(seloste)? peruutuslomake",
    r"agbs? (allgemeine_)?(geschäfts|liefer|nutzungs|vertrags)bedingungen widerruf\w*",
    r"preis(liste|listen|blatt|blätter|verzeichnis|e) tarif(e|blatt|übersicht)? datenschutz\w*",
    r"impressum",
    r"(algemene_)?(leverings|gebruiks)?voorwaarden prijs(lijst|lijsten)?",
    r"tarie(f|ven)(blad|overzicht)?",
    r"privacy(verklaring|beleid) herroepings\w+",
    r"conditions_(générales|particulières|d'utilisation|de_vente|generales)(_\w+)*",
    r"cg[vu]s? tarifs?",
    r"grilles?_tarifaires? (politique_de_)?confidentialité mentions_légales rétractation",
    r"(términos|condiciones)(_\w+)* (lista_de_)?precios tarifas? (política_de_)?privacidad",
    r"aviso_legal desistimiento",
    r"condizioni(_\w+)* (termini_e_)?condizioni listin[oi](_prezzi)? tariff[ae]",
    r"informativa(_\w+)*",
    r"note_legali recesso",
    r"regulamin(y)? cennik(i)? taryf[ay] (polityka_)?prywatności warunki(_\w+)* odstąpieni[ea]",
)
# The same in another shape; it is no PDF.
FORMAT = _any("csv xlsx? excel xml ubl json edi(fact)? facturae txt ods docx? html?")
# What must not be pressed on the way to a document.
ACT = _any(
    r"pay dispute delete remove cancel share send email mail archive hide",
    r"betala radera ta_bort avboka dela skicka mejla bestrid betal slett slet fjern send del",
    r"maksa poista peruuta lähetä jaa (be)?zahlen löschen stornieren teilen senden",
    r"betaal betalen verwijder(en)? annuleer delen verstuur versturen payer régler supprimer",
    r"partager envoyer pagar eliminar borrar compartir enviar paga elimina condividi invia",
    r"zapłać opłać usuń udostępnij wyślij anuluj",
)
# "Invoice incl. specification" is the invoice.
WITH = re.compile(
    r"(?<!\w)(with|incl\.?|including|and|plus|med|inkl\.?|inklusive|samt|och|og|sekä|ja|mit|und|"
    r"nebst|met|en|avec|et|con|y|e|z|wraz z|oraz|i)(?!\w)|[+&]",
    re.IGNORECASE,
)

FILE_IS_PDF = _any(r"pdfs? \w*[-_]?pdf")
FILE = _any(
    r"pdfs? \w*[-_]?pdf downloads? (as_)?document save export",
    r"ladda(_(ner|ned|hem))? hämta spara last_ned hent lagre gem download(en)?",
    r"lataa tallenna (herunter|runter)laden \w*herunterladen speichern dokument abrufen",
    r"downloaden opslaan ophalen télécharger enregistrer téléchargement",
    r"descargar? bajar guardar scarica(re)? salva pobierz ściągnij zapisz",
)
OPEN = _any(
    r"opens? views? shows? see details? more preview display",
    r"öppna visa se_mer detaljer åpne vis åbn avaa näytä katso tiedot",
    r"öffnen anzeigen ansehen einsehen details openen bekijk(en)? tonen weergeven",
    r"ouvrir voir afficher consulter détails? abrir ver mostrar detalles? consultar",
    r"apri vedi visualizza dettagl(i|io) otwórz pokaż zobacz wyświetl szczegóły podgląd",
)
# Opens a menu about the row: "…", "Actions".
MENU_LINK = (
    r"^\W*(?:[.…⋮⋯︙·•]{1,3}|(?:more |other |row |fler |flere |muut |weitere |meer |autres |"
    r"plus d'|más |altre |więcej )?(?:actions?|options?|åtgärder|alternativ|val|handlinger|valg|"
    r"toiminnot|aktionen|optionen|acties|opties|acciones|opciones|azioni|opzioni|akcje|opcje)"
    r"(?: menu)?|(?:open )?menu|meny|valikko|menü|menú)\W*$"
)
MENU = re.compile(MENU_LINK, re.IGNORECASE)
PRINT = _any(
    r"prints?(_\w+)? printable(_\w+)? skriv_ut utskrift udskriv tulosta",
    r"(aus)?drucken druckansicht",
    r"druckversion afdrukken printen imprimer imprimir stampa(re)? drukuj wydrukuj",
)
CLOSE = re.compile(
    r"^\W*(x|×|✕|✖|close|done|cancel|dismiss|back|ok|stäng|klar|avbryt|lukk|luk|ferdig|sulje|"
    r"schließen|schliessen|fertig|abbrechen|sluiten|sluit|annuleren|fermer|annuler|cerrar|"
    r"cancelar|chiudi|annulla|zamknij|anuluj)(\W*(window|dialog|modal|fönster|fenster))?\W*$",
    re.IGNORECASE,
)

_A_DAY = (
    r"(per|a|each|every|in a|within a|within|om|per|pr\.?|pro|par|al|por|na|w ciągu) ?"
    r"(24|one|the|en|een|jour|un|una|um|el|la)? ?"
    r"(day|hour|hours|week|month|dag|dagen|dygn|døgn|timme|time|timer|vecka|uke|uge|månad|måned|"
    r"päivä|päivässä|tag|stunde|stunden|woche|uur|week|maand|jour|heures?|semaine|mois|día|dia|"
    r"hora|horas|semana|giorno|ora|ore|settimana|mese|dzień|dobę|godzinę|godzin|dniu)"
)
_DOCUMENTS = (
    r"(documents?|downloads?|files?|bills?|invoices?|pdfs?|dokument(er|en|e|ów|y|ter)?|filer|"
    r"nedladdningar|nedlastinger|fakturor|fakturaer|asiakirjaa|tiedostoa|laskua|latausta|dateien|"
    r"rechnungen|bestanden|documenten|facturen|fichiers?|factures?|téléchargements?|documentos?|"
    r"archivos?|facturas?|descargas?|documenti?|fatture|scaricamenti|plików|pliki|faktur|pobrań)"
)
# Over a page's visible text in small letters.
LIMIT = (
    rf"\d+ {_DOCUMENTS} {_A_DAY}",
    rf"\d+ {_DOCUMENTS} (päivässä|dziennie|täglich|dagligen|daglig|daily|quotidiens?|diarias?)",
    rf"(daily|hourly|weekly|monthly|maximum|max\.?) (number of )?{_DOCUMENTS}( limit)?",
    r"(download|document|daily|file) (limit|quota|allowance)",
    r"(limit|quota) (of|for|on) (downloads?|documents?|files?)",
    r"(nedladdnings|dags)gräns|(nedlastings|dags)grense|(download|dags)grænse",
    r"latausraja|päiväraja|(download|tages)limit|downloadlimiet|dagelijkse limiet",
    r"(limite|quota) (de téléchargements?|quotidienne|journalière)",
    r"límite (de descargas?|diario)|limite (di download|giornaliero)|(dzienny )?limit pobrań",
)
_SESSION = (
    r"(session|sessionen|sesjonen|sessionen|istunto(si)?|sitzung|sessie|sesión|sessione|sesja)"
)
LOST = (
    rf"{_SESSION}.{{0,30}}(expired|ended|timed out|terminated|no longer|been closed|invalid)",
    rf"{_SESSION}.{{0,30}}(gått ut|löpt ut|avslutats|upphört|utløpt|avsluttet|udløbet|vanhentunut|"
    r"päättynyt|abgelaufen|beendet|verlopen|beëindigd|expiré|terminée|expirado|caducado|"
    r"finalizado|scaduta|terminata|wygasła|zakończona)",
    r"(concurrent|duplicate|simultaneous|multiple) (log-?in|sign-?in|session)",
    r"(someone|somebody|another (user|person|device|browser|session)).{0,40}"
    r"(logged|signed) ?(in|on)",
    r"(logged|signed) ?(in|on) (from|on|at|with|using) (another|a different|some other)",
    r"you (have been|are|were|are now) (logged|signed) ?(out|off)",
    r"(you are|you're) not (logged|signed) ?(in|on)|not logged in",
    r"(please|you must|you need to) (log|sign) ?(in|on)( again)?\b",
    r"(någon annan|annan enhet|annan webbläsare).{0,40}loggat in|du (har blivit|är) utloggad",
    r"du (har loggats|blev loggats) ut|(vänligen )?logga in (igen|på nytt)",
    r"du (er|har blitt|er blevet) (logget|logga) (ut|ud)|(vennligst )?logg inn (igjen|på nytt)",
    r"(log|logge) (venligst )?ind igen|logget (inn|ind) (fra|på) en ann?(en|et)",
    r"(sinut on|olet) kirjautunut ulos|kirjaudu (sisään )?uudelleen",
    r"(sie wurden|du wurdest|sie sind) (automatisch )?(abgemeldet|ausgeloggt)",
    r"(bitte )?(melden sie sich|loggen sie sich|melde dich) (bitte )?(erneut|wieder|neu|an)",
    r"(je bent|u bent) (automatisch )?(uitgelogd|afgemeld)|(log|meld) (u |je )?opnieuw (in|aan)",
    r"vous (avez été|êtes) déconnectée?|(veuillez )?vous reconnecter|reconnectez-vous",
    r"(ha|se ha) cerrado (la|su) sesión|(vuelva a|volver a) iniciar sesión|inicie sesión de nuevo",
    r"(sei stato|è stato) disconnesso|(effettua|esegui|accedi) (di )?nuov(o|amente) (l'accesso)?",
    r"(zostałeś|zostałaś|nastąpiło) wylogowan[ey]|zaloguj się ponownie",
)


def words_of(name: str) -> str:
    """A file name, or the end of an address, as words: "Faktura_2026-11.pdf", "invoicePdf"."""
    apart = re.sub(r"(?<=[a-zåäö])(?=[A-ZÅÄÖ])", " ", name)
    return re.sub(r"[\W_]+|(?<=\D)(?=\d)|(?<=\d)(?=\D)", " ", apart).strip()


def says(text: str) -> Says:
    """What the words say of the document. Of two readings the one that is no bill counts."""
    if NEVER.search(text):
        return Says.NEVER
    bill, beside, other = BILL.search(text), BESIDE.search(text), OTHER.search(text)
    if FORMAT.search(text) and not FILE_IS_PDF.search(text):
        return Says.BESIDE
    if bill is None:
        return Says.BESIDE if beside or other else Says.NOTHING
    if beside is not None:
        is_first = bill.end() <= beside.start()
        is_with = is_first and WITH.search(text[bill.end() : beside.start()])
        return Says.BILL if is_with else Says.BESIDE
    return Says.BESIDE if other and other.start() < bill.start() else Says.BILL


def is_act(text: str) -> bool:
    """Whether the words name something to do that is no way to a document: "Pay bill"."""
    return bool(ACT.search(text)) and not FILE_IS_PDF.search(text)


def way(text: str) -> Way:
    """How the words say that one gets at the document."""
    for found, pattern in (
        (Way.FILE, FILE),
        (Way.PRINT, PRINT),
        (Way.BILL, BILL),
        (Way.OPEN, OPEN),
        (Way.OPEN, MENU),
    ):
        if pattern.search(text):
            return found
    return Way.NONE


def is_limit(text: str) -> bool:
    """Whether a page says that no more documents are given out for now."""
    return matches(LIMIT, text)


def is_session_lost(text: str) -> bool:
    """Whether a page says that we are not logged in any more."""
    return matches(LOST, text)


def matches(phrases: tuple[str, ...], text: str) -> bool:
    """Whether the text holds one of the phrases, written for small letters."""
    small = " ".join(text.split()).lower()
    return any(re.search(phrase, small) for phrase in phrases)
