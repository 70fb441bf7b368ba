"""What lists of bills say in eleven languages, as regular expressions over small letters.

Words of the controls around a list (next, more, older), of its headings and of its rows. English,
Swedish, Norwegian, Danish, Finnish, German, Dutch, French, Spanish, Italian and Polish.
"""

from __future__ import annotations

import re

# A bill, as a noun: in a row, before a number, after a count.
BILL = (
    r"(?:e-?)?(?:bills?|invoices?|statements?|credit notes?|faktur(?:a|or|an|orna|aer|aene|y)?|"
    r"räkning(?:ar|en)?|avi(?:er)?|hyresavi(?:er)?|kreditfaktur\w*|kreditnota\w*|regning(?:er|en)?|"
    r"lasku(?:t|ja|jasi|njen|n|a|si)?|hyvityslasku\w*|rechnung(?:en)?|gutschrift(?:en)?|abrechnung(?:en)?|facturen|"
    r"factuur|facturas?|factures?|relevés?|recibos?|avoirs?|bollett[ae]|fattur[ae]|"
    r"not[ae] di credito|faktur\w*|rachun(?:ek|ki|ków))"
)
NOUN = rf"(?:{BILL}|documents?|dokument(?:e|er|en|y|ów)?|asiakirja\w*|documenti|documentos?)"

# What a link or a button to a document says; {css, words} kinds want them as one expression.
DOCUMENT_LINK = (
    r"(pdf|download|open|view|show|see|print|save|ladda (ner|ned|hem)|hämta|öppna|visa|last ned|"
    r"åpne|vis\b|hent|lataa|näytä|avaa|herunterladen|anzeigen|ansehen|öffnen|downloaden|"
    r"bekijk|openen|télécharger|voir|ouvrir|afficher|consulter|descargar|\bver\b|abrir|scarica|"
    r"visualizza|apri|pobierz|zobacz|wyświetl|otwórz|" + BILL + r")"
)
# Leads to a page or dialog about the row, where its document may be.
DETAILS_LINK = (
    r"^\W*((see |more |se )?details?|(more )?info(rmation)?|read more|detaljer|se mer|les mer|"
    r"læs mere|tiedot|lisätiedot|einzelheiten|mehr|détails?|en savoir plus|detalles?|ver más|"
    r"dettagli[o]?|szczegóły)\W*$"
)
# What a button does that gives no document, though it may name one: "Pay bill".
NOT_A_DOCUMENT_LINK = (
    r"^\W*(pay\b|betala\b|betal\b|maksa\b|bezahlen|jetzt bezahlen|betalen\b|payer\b|"
    r"pagar\b|paga\b|zapłać|log ?(in|out|off)|sign ?(in|out|up)|delete|remove|"
    r"edit\b|close\b|stäng\b|share\b|sort\b|filter\b|back\b|tillbaka|zurück|retour\b)"
)
# What a row without a document may hold besides.
HARMLESS = (
    NOT_A_DOCUMENT_LINK
    + r"|^\W*(help|hjälp|hilfe|aide|ayuda|aiuto|pomoc|contact|kontakt|questions?|"
    r"home|account|settings|profile|details?|info|more)\b"
)
# Documents that are no bills: in a foot, or between the bills.
NOT_A_BILL = (
    r"\b(terms|conditions|price ?list|prices|tariffs?|privacy|policy|brochure|guide|manual|"
    r"leaflet|cookies?|how to|specimen|sample|villkor|prislista|priser|integritet\w*|broschyr|"
    r"vilkår|betingelser|prisliste|ehdot|hinnasto|agb|geschäftsbedingungen|bedingungen|"
    r"preisliste|preise|preisblatt|datenschutz\w*|broschüre|voorwaarden|prijslijst|tarieven|"
    r"conditions générales|cgv|tarifs?|confidentialité|condiciones|tarifas?|privacidad|condizioni|"
    r"listino|informativa|regulamin|cennik|prywatności)\b"
)
PAYMENT = (
    r"\b(payments?|paid by|refund|auto ?pay|direct debit|transfer|deposit|(in)?betalning(ar)?|"
    r"återbetalning|innbetaling(er)?|indbetaling(er)?|maksu|suoritus|zahlung(en)?|"
    r"zahlungseingang|lastschrift|betaling(en)?|paiements?|versement|prélèvement|pagos?|"
    r"pagament[oi]|płatno\w+|wpłat[ay])\b"
)
RECEIPT = (
    r"\b(receipts?|kvitton?|kvittering(er)?|kuitti|quittung(en)?|zahlungsbeleg\w*|"
    r"betaalbewij\w+|reçus?|justificante\w*|ricevut[ae]|potwierdzeni\w+)\b"
)
# What mail boxes hold beside bills. Only where a row shows no sum and no bill's word.
LETTER = (
    r"\b(contracts?|agreements?|letters?|notices?|messages?|information|welcome|confirmations?|"
    r"certificates?|reports?|avtal|brev|meddelande\w*|bekräftelse\w*|välkom\w+|velkom\w+|"
    r"tervetuloa|willkommen\w*|welkom\w*|bienvenue|bienvenid[ao]|benvenut[ao]|witam\w*|"
    r"avtale|kontrakt|"
    r"bekreftelse|aftale|bekræftelse|sopimus|kirje|vahvistus|vertrag|schreiben|mitteilung|"
    r"bestätigung|bescheinigung|brief|bevestiging|contrat|courrier|lettre|attestation|avenant|"
    r"contrato|carta|aviso|contratto|lettera|comunicazione|umowa|pismo|potwierdzenie)\b"
)
# Leads to a choice of accounts that is not on the page.
SWITCH = (
    r"^\W*((switch|change|select|choose)( to)?( another)? (account|contract|property|customer)|"
    r"(byt|välj|bytt|velg|skift|vælg) (konto|kund|avtal|anläggning|kunde)|"
    r"vaihda (asiakas|sopimus)|"
    r"(konto|vertrag|kundenkonto) wechseln|(wissel|verander)( van)? (account|klant|rekening)|"
    r"changer de (compte|contrat)|cambiar( de)? (cuenta|contrato)|cambia (conto|contratto|utenza)|"
    r"zmień (konto|umowę))\W*$"
)

NEXT = (
    r"^\s*(next|next page|nästa|nästa sida|neste|neste side|næste|næste side|seuraava|"
    r"seuraava sivu|weiter|nächste|nächste seite|volgende|volgende pagina|suivant|suivante|"
    r"page suivante|siguiente|página siguiente|avanti|successiv[oa]|pagina successiva|"
    r"następna|następna strona|dalej|[›»>→▶►▸⟩\u232a〉❯➔➜⇒]|"
    r"(?:keyboard_)?arrow_(?:right|forward|forward_ios)|chevron_right|navigate_next)(\s*[›»>→])?\s*$"
)
# "Load more", in any words: what is done, how much, of what; in either order.
_LOAD = (
    r"load|show|view|see|display|get|fetch|visa|ladda|hämta|se|vis|last|hent|les|indlæs|åpne|"
    r"näytä|lataa|hae|katso|avaa|anzeigen|laden|ansehen|einblenden|toon|tonen|bekijk(?:en)?|"
    r"voir|afficher|charger|consulter|ver|cargar|mostrar|consultar|mostra|carica|vedi|visualizza|"
    r"pokaż|załaduj|zobacz|wczytaj|wyświetl"
)
_FURTHER = (
    r"more|next|further|remaining|the rest|fler|flere|mer|mere|nästa|neste|næste|resten|"
    r"övriga|ytterligare|øvrige|lisää|seuraavat|loput|weitere[nr]?|mehr|nächsten?|restlichen?|"
    r"übrigen?|meer|volgende|overige|plus|davantage|la suite|suivant(?:e?s)|autres|más|"
    r"siguientes|restantes|altr[eio]|ancora|di più|successiv[ei]|prossim[ei]|restanti|więcej|"
    r"kolejn[eya]\w*|następn[eya]\w*|pozostałe"
)
EVERY = (
    r"all|everything|alla|allt|alle|alt|kaikki|alles|tout|tou(?:s|tes)|tod[ao]s|todo|tutt[eio]|"
    r"wszystkie|wszystko"
)
_SMALL = (
    r"(?:inn|ned|ner|upp|op|de|den|die|das|la|le|les|las|los|il|lo|gli|i|the|of|till?|av|in|et|"
    r"na|d')"
)
_OF_THEM = (
    rf"(?:{NOUN}|rows|results|entries|items|transactions|months|history|rader|resultat|poster|"
    r"rivit|rivejä|tuloksia|einträge|ergebnisse|monate|resultaten|maanden|résultats|lignes|"
    r"resultados|filas|risultati|righe|wyników|wyniki|pozycji|wierszy)"
)
# "Also show paid bills": a box to tick.
_WITH = (
    r"also|incl\.?|include|including|även|inkludera|inkl\.?|også|inkluder|myös|auch|ook|aussi|"
    r"inclure|incluir|includi|także"
)
_PAID = (
    r"paid|closed|settled|betalda|stängda|betalte|lukkede|maksetut|bezahlte[n]?|beglichene[n]?|"
    r"betaalde|payées|réglées|pagadas|abonadas|pagate|saldate|opłacone|zapłacone"
)
_MANY = rf"(?:\d+ )?(?:{_FURTHER}|{EVERY})(?: (?:{_SMALL}|{_FURTHER}))*"
MORE = (
    rf"^\W*(?:{_LOAD})(?: {_SMALL})* {_MANY}(?: \d+)?(?: {_OF_THEM})?\W*(?:\d+\W*)?$|"
    rf"^\W*(?:{_LOAD})(?: {_SMALL})* (?:\d+ )?{_OF_THEM} {_MANY}\W*$|"
    rf"^\W*(?:\d+ )?(?:{_FURTHER}) (?:\d+ )?{_OF_THEM}(?: (?:{_LOAD}))?\W*$|"
    rf"^\W*(?:{EVERY}) {_OF_THEM} (?:{_LOAD})\W*$|"
    rf"^\W*{_MANY}(?: \d+)?(?: {_OF_THEM})? (?:{_LOAD})\W*$|"
    rf"^\W*(?:{_LOAD}|{_WITH})(?: {_SMALL})* (?:{_PAID})(?: {_OF_THEM})?\W*$|"
    rf"^\W*(?:{_PAID}) {_OF_THEM} (?:{_LOAD})\W*$"
)
# The same right behind the list, where few words do: "Mehr", "+ 5 fler".
REST = (
    r"^\W*(?:\d+ )?(?:more|fler|flere|mer|mere|lisää|weitere|mehr|meer|plus|davantage|más|"
    rf"altr[ei]|di più|więcej|{EVERY})\W*$"
)
# Leads to bills of before: another page of the same list. "Previous" alone leads back in a pager.
_SHOW = (
    r"show|view|see|load|display|visa|se|vis|hent|näytä|katso|zeige|voir|afficher|consulter|ver|"
    r"mostrar|consultar|toon|bekijk|mostra|vedi|visualizza|pokaż|zobacz|wyświetl"
)
_OLD = (
    r"older|äldre|eldre|ældre|vanhemmat|vanhempia|ältere|oudere|(?:plus )?anciennes|"
    r"(?:plus )?anciens|(?:más )?antigu[ao]s|più vecchi[ae]?|meno recenti|starsze"
)
EARLIER = (
    rf"{_OLD}|earlier|previous|past|archived|tidigare|föregående|arkiverade|tidligere|"
    r"forrige|aiemmat|aikaisemmat|edelliset|frühere|vorherige|archivierte|eerdere|vorige|"
    r"précédent(?:e?s)|antérieur(?:e?s)|archivé(?:e?s)|anteriores|archivad[ao]s|precedenti|"
    r"passate|archiviate|wcześniejsze|poprzednie|archiwalne"
)
_YEARS = r"years?|år|vuodet|jahre|jaren|années|años|anni|lata"
OLDER = (
    rf"^\W*(?:(?:{_SHOW}) )?(?:{EARLIER}) (?:{NOUN}|{_YEARS})"
    r"(?: (?:anzeigen|ansehen|laden|tonen|bekijken))?\W*$|"
    rf"^\W*(?:(?:{_SHOW}) )?(?:(?:les|las|los|le|de) )?{NOUN} (?:{EARLIER})\W*$|"
    rf"^\W*(?:(?:{_SHOW}) )?(?:{_OLD})(?: (?:anzeigen|laden|tonen))?\W*$|"
    rf"^\W*(?:(?:{_SHOW}) )?{NOUN} (?:from )?(?:before|older than) .{{1,20}}$|"
    r"^\W*(previous year|föregående år|forrige år|edellinen vuosi|vorheriges jahr|vorjahr|"
    r"vorig jaar|année précédente|año anterior|anno precedente|poprzedni rok)\W*$|"
    rf"^\W*(?:(?:go to|{_SHOW}) )?(?:the |your )?(?:old |older )?"
    r"(archived?|arkiverade|arkiv|arkisto|archiv|archief|archives?|archivo|archivio|archiwum)"
    rf"( {NOUN})?\W*$|^\W*({NOUN} archive|fakturaarkiv|rechnungsarchiv|factuurarchief)\W*$"
)
# Unsets a filter that is set; or sets one, of which the others are behind.
CLEAR = (
    r"^\W*(?:(?:clear|reset|remove)(?: all| the| your)? filters?|"
    r"(?:rensa|återställ|ta bort) filter|"
    r"(?:fjern|nullstill|tøm|nulstil|ryd) filtre?t?|(?:tyhjennä|poista) (?:suodat\w+|rajau\w+)|"
    r"filter (?:zurücksetzen|löschen|entfernen|aufheben|wissen|verwijderen)|wis filters?|"
    r"(?:effacer|réinitialiser|supprimer)(?: les?| tous les)? filtres?|"
    r"(?:borrar|limpiar|quitar|eliminar)(?: los)? filtros?|"
    r"(?:rimuovi|cancella|azzera)(?: i)? filtr[io]|"
    r"(?:wyczyść|usuń) filtr\w*)(?: .{1,30})?\W*$"
)
_UNPAID = (
    r"unpaid|open|outstanding|overdue|due|obetalda|öppna|ubetalte|åpne|åbne|avoimet|maksamattomat|"
    r"offenen?|unbezahlten?|openstaande|onbetaalde|impayées|à payer|en attente|pendientes|"
    r"impagadas|non pagate|da pagare|nieopłacone|niezapłacone"
)
ONLY_UNPAID = (
    rf"(?<!\w)(?:only|just|endast|bara|kun|bare|vain|nur|alleen|seulement|uniquement|solo|sólo|"
    rf"tylko) (?:\w+ )?(?:{_UNPAID})(?!\w)|"
    rf"(?<!\w)(?:{_UNPAID}) (?:\w+ )?(?:only|endast|seulement|uniquement|solo|sólo)(?!\w)|"
    r"(?<!\w)(?:hide|dölj|skjul|piilota|verbergen?|masquer|ocultar|nascondi|ukryj) "
    rf"(?:{_PAID})(?!\w)"
)
# Leads to all bills, where it is a link to another page.
ALL_BILLS = (
    rf"^\W*(?:(?:{EVERY}) (?:(?:the|my|your|mina|dina|mine|ihre|meine|mijn|mes|vos|le|mis|sus|"
    rf"las|les) )?{BILL}|(?:bill(?:ing)?|invoice) history|faktura(?:historik|historikk|oversigt)|"
    r"laskuhistoria|rechnungs(?:verlauf|historie|übersicht)|factuur(?:historie|overzicht)|"
    r"historique des factures|historial de facturas|storico (?:bollette|fatture)|"
    r"historia faktur)\W*$"
)
# What a box to choose from is for, where it divides no list: a setting, an order.
SETTING = (
    r"lang|språk|sprog|sprache|kieli|idioma|lingua|\btaal\b|język|sort|order|per.?page|page.?size|"
    r"length|limit|theme|currency|valuta|country|format|method|deliver|leverans|notif|"
    r"reminder|\bcsv\b|excel|\bxml\b|"
    r"\b(?:english|svenska|norsk|dansk|suomi|deutsch|nederlands|français|español|italiano|polski)\b"
)
SORTED = (
    r"newest|oldest|latest first|ascending|descending|nyast|äldst|senast först|neueste|älteste|"
    r"nyeste|eldste|ældste|uusin|vanhin|nieuwste|oudste|récent|ancien|reciente|antigu|recent[ei]|"
    r"najnowsz|najstarsz|per page|per sida|a-z|low to high"
)
TAB = (
    r"^\W*(open|closed|unpaid|paid|current|past|history|all|older|archived?|"
    r"obetalda|betalda|aktuella|tidigare|historik|alla|ubetalte|betalte|historikk|alle|"
    r"avoimet|maksetut|historia|kaikki|offene?|bezahlte?|verlauf|openstaand|betaald|"
    r"en cours|payées|impayées|historique|toutes|pendientes|pagadas|historial|todas|"
    r"da pagare|pagate|storico|tutte|niezapłacone|zapłacone|wszystkie)"
    rf"( {NOUN})?( \(\d+\))?\W*$"
)
ALL = (
    r"^\W*(all|all years|all time|all bills|all invoices|all accounts|everything|alla|alla år|"
    r"alle|alle år|kaikki|alle jahre|alle jaren|tou(s|tes)|toutes les années|todos|todas|"
    r"tutti|tutte|wszystkie|any)\W*$"
)
ACCOUNT = (
    r"\b(account|contract|customer|property|premise|site|subscription|service|meter|line|"
    r"konto|kundnummer|avtal|anläggning|abonnemang|kontrakt|abonnement|målepunkt|sopimus|"
    r"asiakas|käyttöpaikka|liittymä|vertrag|kundennummer|zähler|anschluss|rekening|"
    r"klantnummer|aansluiting|compte|contrat|ligne|cuenta|contrato|línea|conto|contratto|"
    r"utenza|fornitura|umowa|klient|konto)(no|nr|num(ber)?)?\b"
)
PERIOD = (
    r"\b(year|period|date range|from|month|months|days|år|årtal|månad|månader|måned|kausi|"
    r"vuosi|jahr|zeitraum|monate?|jaar|periode|maand|année|période|mois|año|período|periodo|"
    r"mes(es)?|anno|mes[ei]|rok|okres|miesi\w+)\b"
)
DUE = (
    r"(due|payable|pay by|förfall\w*|sista (betal\w*|dag)|betalas? senast|forfall\w*|frist|"
    r"eräpäivä|fällig\w*|zahlbar|zahlungsziel|vervalda\w*|vervalt|te betalen v(oor|óór)|échéance|"
    r"à payer|avant le|prélevé\w*|vencim\w*|vence|scaden\w*|termin|płatno\w*|zapłat\w*)"
)
CURRENT = (
    r"\b(current|latest|balance|amount due|aktuell\w*|senaste|saldo|nuvarande|gjeldende|siste|"
    r"seneste|nykyinen|viimeisin|neueste|huidige|laatste|actuel\w*|dernière|solde|actual|"
    r"última|attuale|ultima|bieżąc\w*|ostatni\w*)\b"
)

_NO = (
    r"no|0|zero|not any|inga|ingen|inte några|ikke noen|ikke nogen|ei|keine|geen|aucune?|"
    r"pas (?:encore )?de|pas (?:encore )?d'|ninguna?|no hay|sin|nessun[ao']?|non ci sono|brak"
)
# Between "no" and the noun: nothing that leaves others, as "no unpaid bills" does.
_YET = (
    r"(?:yet|any|your|available|electronic|ännu|några|enda|ennå|noen|nogen|endnu|vielä|yhtään|"
    r"noch|bisher|verfügbaren?|nog|encore|aún|todavía|disponibles?|ancora|disponibil[ei]|jeszcze|"
    r"żadnych|dostępnych|żadnej)"
)
_BETWEEN = rf"(?: {_YET}){{0,2}}"
# After the noun: others may be there all the same, paid, or of another time.
_OF_A_KIND = (
    r"(?! ?\?|.{0,12}\b(?:due\b|to pay|unpaid|overdue|outstanding|att betala|å betale|at betale|"
    r"maksettav|zu (?:be)?zahlen|offen|te betalen|openstaand|impay|à payer|en attente|en retard|"
    r"pendient|por pagar|vencid|da pagare|in scadenza|scadut|do zapłaty|zaległ|nieopłac))"
    r"(?!.{0,30}\b(?:period|selected|zeitraum|gewähl|ausgewähl|periode|période|sélection|período|"
    r"seleccionad|selezionat|okres|wybran|vald|valgt|valitu))"
)
NO_BILLS = tuple(
    pattern + _OF_A_KIND
    for pattern in (
        rf"(?<![\w\d.,])(?:{_NO}){_BETWEEN} {NOUN}\b",
        rf"(?:do not|don't|haven't|have not) (?:have|see|got|received){_BETWEEN} {NOUN}\b",
        r"\bnothing to (?:show|display)\b",
        rf"\bei ole{_BETWEEN} {NOUN}",
        rf"\b{NOUN} (?:ei löytynyt|ei löydy|ei ole|werden keine|wurden (?:noch )?nicht gefunden|"
        r"liegen (?:noch )?nicht vor|not found|saknas|hittades inte|ikke fundet|ble ikke funnet|"
        r"niet gevonden|nie znaleziono)",
        rf"\bnie (?:znaleziono|ma|masz|posiadasz){_BETWEEN} {NOUN}",
        rf"\bnon (?:hai|ha|sono presenti|risultano){_BETWEEN} {NOUN}",
        rf"\bno (?:tienes?|dispones? de|existen|se han encontrado){_BETWEEN} {NOUN}",
    )
)
# What a page says where a part of it did not come.
BROKEN = "|".join(
    (
        r"(?:could not|couldn't|can't|cannot|unable to|failed to) (?:be )?"
        r"(?:load|fetch|retrieve|show|display)\w*|something went wrong|error (?:has )?occurred",
        r"något gick fel|ett fel (?:har )?(?:uppstått|inträffat)",
        r"(?:kunde inte|gick inte att) (?:hämta|ladda|visa)\w*",
        r"noe gikk galt|oppsto en feil|(?:kunne ikke|klarte ikke å) (?:hente|laste|vise)\w*",
        r"noget gik galt|opstod en fejl|kunne ikke indlæse\w*",
        r"jokin meni vikaan|tapahtui virhe|(?:lataaminen|haku|hakeminen) epäonnistui",
        r"ei voitu (?:ladata|hakea|näyttää)",
        r"etwas (?:ist )?schiefgelaufen|fehler (?:ist )?aufgetreten",
        r"konnten? (?:\w+ ){0,2}nicht (?:\w+ )?(?:geladen|abgerufen|angezeigt)",
        r"iets (?:mis|fout)(?:gegaan| gegaan)?|fout opgetreden",
        r"(?:kunnen|kan|konden|kon) (?:\w+ ){0,2}niet (?:\w+ )?(?:ge)?(?:laden|ophalen|opgehaald)",
        r"une erreur (?:est survenue|s'est produite)|impossible d(?:e |')(?:charger|afficher)",
        r"pas pu être (?:chargé|affiché|récupéré)\w*",
        r"(?:ocurrido|producido|produjo) un error|algo (?:ha ido|salió) mal",
        r"no se (?:ha|han|pudo|pudieron|puede|pueden) (?:podido )?(?:cargar|cargado|mostrar)",
        r"verificato un errore|qualcosa è andato storto|impossibile (?:caricare|mostrare)",
        r"non è stato possibile (?:caricare|mostrare)",
        r"wystąpił błąd|coś poszło nie tak|nie udało się (?:załadować|pobrać|wczytać|wyświetlić)",
    )
)

# The same of a service that is away for a while; unless it is one that brings no bills.
UNAVAILABLE = (
    r"(?:temporarily|currently|momentarily) (?:un|not )available|"
    r"tillfälligt (?:inte |o)tillgänglig|"
    r"midlertidig (?:ikke til|util)gjengelig|midlertidigt? (?:ikke til|util)gængelig|"
    r"tilapäisesti poissa|(?:vorübergehend|derzeit|momentan) nicht (?:verfügbar|erreichbar)|"
    r"(?:tijdelijk|momenteel) niet beschikbaar|(?:temporaire|momentané|actuelle)ment indisponible|"
    r"(?:temporalmente|momentáneamente) no disponible|no disponibles? temporalmente|"
    r"(?:temporanea|momentanea)mente non disponibil|(?:tymczasowo|chwilowo) niedostępn"
)
OTHER_SERVICE = (
    r"chat|phone|telef|puhelin|\bapps?\b|pay|paiement|pago|pagament|płat|zahl|betal|maksu|swish|"
    r"bank|autogiro|debit|lastschrift|newsletter|facebook|video"
)

# Headings of columns, and labels before a value.
HEADINGS = {
    "number": rf"^\W*{BILL}\W*(number|num\b|nummer|nro?\b|no\b|n[o°º]|id|#|numero|número|numer|"
    r"reference|ref)?\W*$|"
    rf"{BILL}.{{0,6}}(number|num\b|nummer|nro?\b|no\b|n[o°º]|id\b|#)|"
    r"^(number|nummer|numero|número|numéro|numer|nro?|no|n[°º]|#)\W*$|"
    rf"(num(ber|éro|ero|er)|número|n[°º]|nr)\.? (de |d'|di |of )?(la |the )?{BILL}|"
    r"fakturanummer|fakturanr|faktura-?nr|rechnungsnummer|rechnungs-?nr|"
    r"factuurnummer|laskun numero|regningsnummer|\bocr\b|"
    r"document (number|no|id)|dokumentnummer|belegnummer",
    "date": r"date|datum|dato|\bpäivä|päiväys|pvm|\bdate\b|fecha|\bdata\b|issued|utfärdad|"
    r"utstedt|ausgestellt|émise?|period|month|månad|måned|kuukausi|monat|maand|mois|\bmes\b|"
    r"mese|miesiąc|kausi|zeitraum|période|período|okres",
    "amount": r"amount|total|sum\b|summa|summe|belopp|beløp|beløb|to pay|att betala|betrag|"
    r"bedrag|totaal|montant|importe|importo|totale|kwota|yhteensä|price|\bpris\b|preis",
    "contract": r"\b(account|contract|customer|line|subscription|meter|property|premise|phone|"
    r"service address|site|konto|avtal|abonnemang|anläggning|kontrakt|abonnement|målepunkt|"
    r"sopimus|liittymä|käyttöpaikka|vertrag|anschluss|zähler|rekening|aansluiting|compte|"
    r"contrat|ligne|cuenta|contrato|línea|conto|contratto|utenza|umowa)",
    "type": r"^(type|kind|typ|art|tyyppi|tipo|rodzaj|soort)\W*$",
}
NOT_HEADINGS = {
    "number": r"date|datum|dato|päivä|fecha|\bdata\b|amount|belopp|beløp|total|summa|betrag|"
    r"montant|importe?|kwota|customer|kund|client|klant|konto|account|pdf|download|status|type|"
    rf"{DUE}",
    "date": rf"{DUE}|paid|betald|betalt|bezahlt|betaald|payée?|pagad|pagat|zapłac|up ?date",
    "amount": r"paid|betalt|betald|remaining|kvar|rest|paid|payé|pagad",
    "contract": rf"{BILL}|date|datum|balance|saldo",
    "type": r"$^",
}

# "Invoice 9011", "Invoice number: INV-7": the value behind a bill's noun. What it may be is
# decided by `rows.number_in`.
NUMBER_LABEL = re.compile(
    rf"(?<!\w){BILL}\s*(?P<sign>number|num\b|nummer|nro?\b\.?|no\b\.?|n[°º]\.?|id\b|#|"
    r"numero|número|numéro|numer)?\s*[:#.]?\s*(?P<value>[\w][\w/.-]*\d[\w/-]*|\d)",
    re.I,
)
CONTRACT_LABEL = re.compile(
    r"(?<!\w)(?:account|contract|customer|line|subscription|meter|konto|avtal|abonnemang|"
    r"anläggning(?:s-?id)?|kontrakt|abonnement|sopimus|liittymä|vertrag(?:skonto)?|rekening|compte|"
    r"contrat|ligne|cuenta|contrato|línea|conto|contratto|utenza|umowa)"
    r"\s*(?:number|nummer|no|nr|n[°º])?\.?\s*[:#]?\s*(?P<value>\d[\d -]{2,}\d)",
    re.I,
)
