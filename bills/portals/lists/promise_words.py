"""What pages say of how many bills there are, and of those that they leave out.

English, Swedish, Norwegian, Danish, Finnish, German, Dutch, French, Spanish, Italian and Polish.
Regular expressions over small letters, as in `words`.
"""

from __future__ import annotations

from bills.portals.lists.words import BILL, EARLIER, NOUN

# "1-10 of 25", "Page 1 of 3", "25 invoices": what the page itself says of how many there are.
_OF = r"(?:of|av|af|von|van|sur|de|di|su|z|/)"
_TO = r"(?:[-–—]|to|till|til|bis|à|al?|t/m|do|tot)"
RANGE_OF = (
    rf"(?<![\d.,/-])(\d[\d ]{{0,9}})\s?{_TO}\s?(\d{{1,6}})\s?{_OF}\s?(\d{{1,6}})"
    r"(?![\d.,/]|\s*(?:kr|€|\$|£))"
)
PAGE_OF = (
    rf"\b(?:page|sida|side|sivu|seite|pagina|página|strona)\s*(\d{{1,6}})\s*{_OF}\s*(\d{{1,6}})"
)
# "Showing 10 of 12", "10 of 12 shown".
_SHOWN = (
    r"show(?:ing|n)|display(?:ing|ed)|viewing|visar|visas|viser|vises|näytetään|zeige|anzeige|"
    r"angezeigt|toont|getoond|weergegeven|affichage|affich[ée]\w*|mostrando|mostrad[ao]s|"
    r"mostrat[ei]|visualizzat[ei]|wyświetlon[eoy]|pokazano"
)
_ENTRIES = (
    r"results?|entries|records|rows|resultat|träffar|poster|treff|tulosta|einträge\w*|treffer|"
    r"ergebnisse\w*|resultaten|résultats|resultados|registros|risultati|wynik(?:i|ów)|pozycji"
)
_PART = (
    r"(?<![\d.,/-])(?P<part{0}>\d{{1,6}})\s?(?:(?:out )?of|av|af|von|van|sur|de|di|su|z|/)"
    r"\s?(?P<whole{0}>\d{{1,6}})(?![\d.,/])"
)
PART_OF = (
    rf"\b(?:{_SHOWN})\W{{1,3}}(?:\w+ )?{_PART.format(1)}|"
    rf"{_PART.format(2)}(?: \w+)?\W{{1,3}}(?:{_SHOWN}|{_ENTRIES}|{BILL})\b"
)
COUNT = (
    rf"(?<![\w.,:/-])(\d{{1,6}}) (?:{NOUN}|{_ENTRIES})\b"
    r"(?!.{0,30}(?:per |a day|due|unpaid|to pay|att betala|förfall|offen|pro ))"
)
# "Invoices (12)", "Number of invoices: 12".
COUNT_BEHIND = (
    rf"(?<!\w){BILL} ?\((\d{{1,6}})\)|"
    r"\b(?:number of|total|antal|antall|anzahl(?: der)?|aantal|nombre de|número de|numero di|"
    rf"numero|liczba) {BILL} ?: ?(\d{{1,6}})(?![\d.,/]|\s*(?:kr|€|\$|£))"
)
NOT_A_COUNT = (
    r"(only|\bshow|last|latest|senaste|letzten|dernières|últimas|ultime|laatste|up to|max|than)"
    r"\s*$|"
    r"(?:customer|account|contract|kund|konto|avtal|asiakas|kunden|klant|client|cliente|klient|"
    r"number|nummer|numero|número|numéro|numer|nro?|no|n[°º])\W*$"
)
# Bills, more than one, as lists and sentences about all of them name them.
_BILLS = (
    r"(?:(?:e-?)?(?:bills|invoices|statements)|(?:e-)?faktur(?:or|orna|aer|aene)|räkningar(?:na)?|"
    r"avier(?:na)?|regning(?:er|erne|ene)|lasku(?:t|a|asi|ja|jasi|si|jen|ista)|"
    r"(?:ab|strom)?rechnungen|facturen|rekeningen|nota's|factures|relevés|facturas|recibos|"
    r"bollette|fatture|faktury?|rachunk(?:i|ów))"
)
BILLS = rf"(?<!\w){_BILLS}(?!\w)"
_WHOSE = (
    r"(?:my|your|all|mina|dina|mine|dine|alla|alle|omat|kaikki|meine|ihre|mijn|uw|mes|vos|mis|sus|"
    r"le mie|le tue|moje|twoje|number of|antal|antall|anzahl(?: der)?|aantal|nombre de|número de|"
    r"numero(?: di)?|liczba)"
)
LIST_NAME = rf"(?:{_WHOSE} )?{_BILLS}\W*"
# "Invoices 9", "Invoices [9]", "Fakturor 9 st", and nothing else.
COUNT_BARE = (
    rf"(?:{_WHOSE} )?{_BILLS} ?:? ?[(\[]?([1-9]\d{{0,3}})[)\]]?(?: (?:st|stk|kpl|stück|szt)\.?)?"
)
# What stands behind a number that counts something else: money, months, a part.
UNIT_OF_OTHERS = (
    r"(?:(?:kr|sek|nok|dkk|eur|usd|gbp|chf|pln|zł|months?|days?|years?|månader|dagar|år|måneder|"
    r"dager|dage|päivää|kuukautta|monate?|tage|jahre|maanden|jaar|mois|jours|ans|mes(?:es)?|días|"
    r"años|giorni|mesi|anni|dni|lat|miesięcy|kwh)(?!\w)|:-|,-|[€$£%]|[.,:/-]\s?\d)"
)

# What a page says where its list is not all.
_RECENT = (
    r"(?:latest|last|past|previous|most recent|newest|senaste|sista|nyaste|siste|seneste|sidste|"
    r"nyeste|viimeis\w+|viimeksi\w*|uusim\w+|edellis\w+|letzten?|neuesten|jüngsten|aktuellsten|"
    r"vergangenen|laatste|meest recente|nieuwste|afgelopen|derni(?:ers|ères|ère)|"
    r"(?:plus|más|più) r[ée][ck]\w*|últim[oa]s?|ultim[eio]|ostatni\w*|najnowsz\w+)"
)
LATEST_COUNT = (
    rf"(?<!\w)(?:{_RECENT} (?P<n1>\d{{1,3}}) (?:\w+ )?{_BILLS}|"
    rf"(?P<n2>\d{{1,3}}) {_RECENT} {_BILLS}|(?P<n3>\d{{1,3}}) {_BILLS} {_RECENT})(?!\w)"
)
_MONTHS = (
    r"(?:months?|years?|days|månad\w*|året|åren|dagar\w*|måned\w*|år(?:ene)?|dage\w*|dagene|"
    r"kuukau\w*|vuo(?:den|tta|sien|tena)\w*|päivä\w*|monate?n?|jahre?n?|jahres|tage?n?|maand\w*|"
    r"jaar|jaren|dagen|mois|années?|ans|jours|mes(?:es)?|años?|días|mesi|ann[oi]|giorni|miesi\w*|"
    r"lat[a]?|rok\w*|dni)"
)
LATEST_TIME = rf"(?<!\w)(?:{_RECENT} (?:\w+ )?{_MONTHS}|\d{{1,3}} {_RECENT} {_MONTHS})(?!\w)"
YEARS = (
    r"(?<!\w)(?:years?|år|året|åren|årene|vuo\w*|jahr\w*|jaar|jaren|ann?[éeio]\w*|ans|años?|lata?|"
    r"rok\w*)"
)
DAYS = r"(?<!\w)(?:day|dag|päiv|tag|jour|día|giorn|dni)"
ONLY = (
    r"(?<!\w)(?:only|just|endast|bara|enbart|kun|bare|vain|ainoastaan|nur|lediglich|alleen|slechts|"
    r"enkel|seule?s?|seulement|uniquement|sol[oae]|sólo|solamente|únicamente|soltanto|tylko|"
    r"jedynie|wyłącznie)(?!\w)"
)
SHOWN_HERE = (
    rf"(?<!\w)(?:{_SHOWN}|listed|visible|available|here|"
    r"(?:you|we) (?:can )?(?:see|find|view|show)|"
    r"här|ser du|hittar du|tillgängliga|her|finner du|finder du|tilgjengelige?|tilgængelige|"
    r"näytämme|näky\w+|näet|löydät|saatavilla|tässä|täältä|angezeigt|zeigen wir|sehen sie|"
    r"finden sie|siehst du|findest du|verfügbar|abrufbar|hier|ziet u|vindt u|zie je|vind je|"
    r"beschikbaar|trouve(?:z|rez)|voyez|disponibles?|voici|ici|se muestran|muestra|puede ver|"
    r"encontrar\w*|aquí|mostrate|visualizzate|trovi|vedi|disponibili|qui|ecco|wyświetlane|"
    r"widoczne|znajdziesz|dostępne|tutaj|poniżej)(?!\w)"
)
# Sentences about how bills came about, or were paid.
NOT_OF_THE_LIST = (
    r"(?<!\w)(?:how|hur|hvordan|miten|wie|hoe|comment|cómo|come|jak|consumption|usage|average|"
    r"compar\w+|förbruk\w*|forbruk\w*|forbrug\w*|kulutu\w*|verbrauch\w*|verbruik\w*|"
    r"consommation\w*|consum[oi]\w*|zużyci\w*|medel\w*|snitt\w*|durchschnitt\w*|gemiddeld\w*|"
    r"moyenne|promedio|media|średni\w*|keskimäär\w*|paid|betalt|betalat|maksanut|bezahlt|betaald)"
    r"(?!\w)"
)
_OLD = (
    rf"(?:{EARLIER}|older|(?:más|plus|più) (?:antigu\w+|anci\w+|vecch\w+)|vecchie|antiguas|"
    r"anciennes|vanhoja|vanhat|gamla|gamle|alte|oude|stare)"
)
_OLDER_BILLS = (
    rf"(?<!\w)(?:{_OLD} (?:\w+ )?{_BILLS}|{_BILLS} (?:{_OLD}|from before|before|"
    r"(?:\w+ )?older than|(?:som är )?äldre än|(?:som er )?eldre enn|(?:der er )?ældre end|"
    r"(?:die )?älter als|vor \d|"
    r"ouder dan|van voor|de plus de|antérieures à|de más de|anteriores a|precedenti al?|"
    r"più vecchie di|starsze niż|sprzed))(?!\w)"
)
_ARCHIVE = r"(?:(?<!\w)(?:arkiv|arkisto|archiv|archief|archiw)\w*)"
_ASK = (
    r"(?:(?<!\w)(?:contact|call|phone|write to|e-?mail|ask|request|order|"
    r"customer (?:service|care)|"
    r"support team|by post|kontakt|ring|beställ|begär|mejla|kundservice|kundtjänst|bestill|bestil|"
    r"kundeservice|ota(?:thaan)? yhteyttä|soita|tilaa|pyydä|asiakaspalvelu|kontaktier|"
    r"wenden sie sich|rufen sie|anforder|bestell|kunden(?:service|dienst)|neem contact|bel |"
    r"opvragen|aanvragen|vraag|klantenservice|appelez|demande|service clients?|llam|solicit|pida|"
    r"atención al cliente|contatt|chiam|richie[ds]|servizio clienti|assistenza|skontaktuj|zadzwoń|"
    r"zamów|obsług|not (?:shown|available|displayed)|no longer|visas inte|vises ikke|ei näytetä|"
    r"ei(?:vät)? näy|nicht (?:mehr )?(?:angezeigt|verfügbar)|"
    r"niet (?:meer )?(?:getoond|beschikbaar)|"
    r"ne sont (?:pas|plus)|no (?:se muestran|están disponibles)|non (?:sono )?(?:più )?"
    r"(?:visibili|disponibili)|nie są)\w*)"
)
_CLOSE_BY = r"[^.!]{0,60}?"
OLDER_ELSEWHERE = (
    rf"{_OLDER_BILLS}{_CLOSE_BY}(?:(?P<archive1>{_ARCHIVE})|{_ASK})|"
    rf"(?:(?P<archive2>{_ARCHIVE})|{_ASK}){_CLOSE_BY}{_OLDER_BILLS}"
)
QUESTIONS = (
    r"(?<!\w)(?:questions? (?:about|on)|frågor om|spørsmål om|spørgsmål (?:om|til)|kysyttävää|"
    r"kysymy\w+|fragen (?:zu|über)|vragen over|questions? (?:sur|concernant)|preguntas sobre|"
    r"domande su|pytania (?:dotyczące|o))"
)
