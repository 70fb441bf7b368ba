"""What portals say, in eleven languages: the words of their buttons, and how they refuse.

Everything is matched against text in small letters with single blanks. Controls ("log_out") are
whole texts of buttons and links; the outcomes are regular expressions over the visible text, and
strict on purpose: what also stands in a menu ("Change password") must not match. English comes
along with every language, because half of all portals mix it in.
"""

from __future__ import annotations

import re
from functools import cache

from bills.portals.logins.outcomes import OUTCOMES, REFUSALS

LANGUAGES = ("en", "sv", "nb", "da", "fi", "de", "nl", "fr", "es", "it", "pl")
ALIASES = {"no": "nb", "nn": "nb"}

# kind: language: whole texts of buttons and links, as regular expressions
CONTROLS: dict[str, dict[str, str]] = {
    "log_in": {
        "en": r"log[ -]?in|sign[ -]?in|log[ -]?on|sign[ -]?on|login|log in to my account"
        r"|(?:log|sign)[ -]?in securely|submit",
        "sv": r"logga in",
        "nb": r"logg (?:inn|på)",
        "da": r"log (?:ind|på)",
        "fi": r"kirjaudu(?: sisään)?",
        "de": r"anmelden|einloggen|login",
        "nl": r"inloggen|aanmelden|log in",
        "fr": r"(?:se )?connecter|connexion|s'identifier|me connecter|valider",
        "es": r"iniciar sesión|inicia sesión|entrar|acceder|ingresar",
        "it": r"accedi|entra|login",
        "pl": r"zaloguj(?: się)?",
    },
    "confirm_code": {
        "en": r"verify(?: code| now)?|confirm(?: code)?|submit(?: code)?|authenticate|validate",
        "sv": r"verifiera|bekräfta|skicka|kontrollera",
        "nb": r"verifiser|bekreft|send inn",
        "da": r"verificer|bekræft|godkend",
        "fi": r"vahvista|lähetä",
        "de": r"bestätigen|verifizieren|prüfen|absenden",
        "nl": r"bevestigen|verifiëren|controleren",
        "fr": r"vérifier|confirmer|envoyer",
        "es": r"verificar|confirmar|validar|enviar",
        "it": r"verifica|conferma|invia",
        "pl": r"zweryfikuj|potwierdź|wyślij",
    },
    # Has a code sent: no other way of proving who one is.
    "send_code": {
        "en": r"(?:send|get|request|text|e-?mail) (?:me )?(?:a |the |my )?(?:\w+ )?code"
        r"(?: by .{1,30})?",
        "sv": r"(?:skicka|få|hämta) (?:en |mig en )?\w*kod(?:en)?(?: via .{1,20}| med .{1,20})?",
        "nb": r"(?:send|få|hent) (?:meg )?(?:en )?\w*kode(?:n)?(?: på .{1,20})?",
        "da": r"(?:send|få|hent) (?:mig )?(?:en )?\w*kode(?:n)?(?: på .{1,20})?",
        "fi": r"(?:lähetä|tilaa|hae) \w*koodi",
        "de": r"(?:\w*code|tan) (?:senden|anfordern|zusenden|erhalten)",
        "nl": r"(?:stuur|verstuur|verzend) (?:mij )?(?:een |de )?\w*code"
        r"|code (?:sturen|verzenden)",
        "fr": r"(?:envoyer|recevoir|m'envoyer) (?:le |un |mon )?code(?: par .{1,20})?",
        "es": r"(?:enviar|recibir|solicitar) (?:el |un )?código(?: por .{1,20})?",
        "it": r"(?:invia|ricevi|richiedi) (?:il |un )?codice(?: via .{1,20})?",
        "pl": r"(?:wyślij|otrzymaj|pobierz) (?:mi )?kod(?: .{1,20})?",
    },
    "log_out": {
        "en": r"log ?-?out|sign ?-?out|log ?-?off|sign ?-?off",
        "sv": r"logga (?:ut|av)",
        "nb": r"logg (?:ut|av)",
        "da": r"log (?:ud|af)",
        "fi": r"kirjaudu ulos|poistu",
        "de": r"abmelden|ausloggen|logout",
        "nl": r"uitloggen|afmelden|log uit",
        "fr": r"(?:se |me )?déconnecter|déconnexion",
        "es": r"cerrar (?:la )?sesión|salir|desconectar(?:se)?",
        "it": r"esci|disconnetti|logout|scollegati",
        "pl": r"wyloguj(?: się)?",
    },
    "next": {
        "en": r"next|continue|proceed|go on",
        "sv": r"nästa|fortsätt|gå vidare",
        "nb": r"neste|fortsett|gå videre",
        "da": r"næste|fortsæt|videre",
        "fi": r"seuraava|jatka",
        "de": r"weiter|fortfahren|nächste[rs]?",
        "nl": r"volgende|doorgaan|verder",
        "fr": r"suivant|continuer|poursuivre",
        "es": r"siguiente|continuar",
        "it": r"avanti|continua|prosegui",
        "pl": r"dalej|kontynuuj|następny",
    },
    # Leaves an offer or a warning for another time; agrees to nothing.
    "later": {
        "en": r"(?:remind|ask) me (?:again )?later|not now|(?:maybe )?later|skip(?: for now"
        r"| this)?"
        r"|no,? thanks|no,? thank you|do (?:this|it) later|not today|(?:i'll )?decide later"
        r"|continue without changing|change (?:it )?later",
        "sv": r"påminn mig (?:senare|om)|(?:inte|ej) nu|(?:kanske )?senare|hoppa över|nej,? tack",
        "nb": r"(?:minn|påminn) meg (?:på det )?senere|ikke nå|(?:kanske )?senere|hopp over"
        r"|nei,? takk",
        "da": r"(?:påmind|mind) mig (?:om det )?senere|ikke nu|(?:måske )?senere|spring over"
        r"|nej,? tak",
        "fi": r"muistuta (?:minua )?myöhemmin|ei nyt|(?:ehkä )?myöhemmin|ohita|ei kiitos",
        "de": r"später(?: erinnern)?|erinnern sie mich später|(?:jetzt nicht|nicht jetzt)"
        r"|überspringen|nein,? danke|vielleicht später",
        "nl": r"herinner mij later|(?:niet nu|nu niet)|(?:misschien )?later|overslaan"
        r"|nee,? bedankt"
        r"|nee,? dank je",
        "fr": r"me (?:le )?rappeler plus tard|(?:peut-être )?plus tard|pas maintenant"
        r"|(?:ignorer|passer)(?: cette étape)?|non,? merci",
        "es": r"recordármelo más tarde|recordar más tarde|ahora no|(?:quizás? )?más tarde|omitir"
        r"|no,? gracias",
        "it": r"ricordamelo più tardi|(?:non ora|non adesso)|(?:forse )?più tardi|salta"
        r"|no,? grazie",
        "pl": r"przypomnij (?:mi )?później|nie teraz|(?:może )?później|pomiń|nie,? dziękuję",
    },
    "close": {
        "en": r"close|dismiss|x",
        "sv": r"stäng",
        "nb": r"lukk",
        "da": r"luk",
        "fi": r"sulje",
        "de": r"schlie(?:ß|ss)en",
        "nl": r"sluiten|sluit",
        "fr": r"fermer",
        "es": r"cerrar",
        "it": r"chiudi",
        "pl": r"zamknij",
    },
    # Goes on, where the page says that somebody is logged in elsewhere.
    "end_session": {
        "en": r"(?:yes|ok|continue|proceed|go on)(?:,? .{0,30})?|(?:end|close"
        r"|terminate) .{0,30}session.{0,20}"
        r"|(?:log|sign) ?out (?:the )?other .{0,30}|take over",
        "sv": r"(?:ja|fortsätt)(?:,? .{0,30})?|(?:avsluta|stäng) .{0,30}session.{0,20}"
        r"|logga ut .{1,30}",
        "nb": r"(?:ja|fortsett)(?:,? .{0,30})?|(?:avslutt|lukk) .{0,30}økt.{0,20}|logg ut .{1,30}",
        "da": r"(?:ja|fortsæt)(?:,? .{0,30})?|(?:afslut|luk) .{0,30}session.{0,20}|log .{1,20} ud",
        "fi": r"(?:kyllä|jatka)(?:,? .{0,30})?|(?:lopeta|päätä|katkaise) .{0,30}istunto.{0,20}",
        "de": r"(?:ja|weiter|fortfahren)(?:,? .{0,30})?|.{0,30}(?:sitzung|session) beenden",
        "nl": r"(?:ja|doorgaan)(?:,? .{0,30})?|.{0,30}sessie (?:beëindigen|sluiten|afsluiten)",
        "fr": r"(?:oui|continuer)(?:,? .{0,30})?|(?:fermer|terminer) .{0,30}session.{0,20}",
        "es": r"(?:sí|continuar)(?:,? .{0,30})?|(?:cerrar|finalizar|terminar) .{0,30}sesi.{0,20}",
        "it": r"(?:sì|continua)(?:,? .{0,30})?|(?:chiudi|termina) .{0,30}session.{0,20}",
        "pl": r"(?:tak|kontynuuj)(?:,? .{0,30})?|(?:zakończ|zamknij) .{0,30}sesj.{0,20}",
    },
    "cookies": {
        "en": r"(?:reject|decline|refuse|deny)(?: all)?(?: cookies)?"
        r"|(?:only|accept only|use only|allow only) (?:necessary|essential|required)(?: cookies)?"
        r"|(?:necessary|essential) (?:cookies )?only"
        r"|(?:do not )?consent|(?:accept|allow)(?: all)?(?: cookies)?|(?:i )?agree|got it"
        r"|ok(?:ay)?|i understand",
        "sv": r"(?:avvisa|neka) alla(?: cookies)?|endast nödvändiga(?: cookies)?"
        r"|(?:bara|tillåt endast) nödvändiga(?: cookies)?"
        r"|(?:godkänn|acceptera|tillåt)(?: alla)?(?: cookies| kakor)?|jag (?:förstår|godkänner)",
        "nb": r"(?:avvis|avslå) alle|(?:kun|bare) nødvendige(?: informasjonskapsler)?"
        r"|(?:godta|aksepter|tillat)(?: alle)?(?: informasjonskapsler)?|jeg forstår",
        "da": r"afvis alle|kun nødvendige(?: cookies)?|(?:accepter|tillad|godkend)(?: alle)?"
        r"(?: cookies)?|jeg forstår",
        "fi": r"hylkää kaikki|vain välttämättömät(?: evästeet)?|hyväksy(?: kaikki)?(?: evästeet)?"
        r"|salli(?: kaikki)?(?: evästeet)?",
        "de": r"(?:alle )?(?:cookies )?ablehnen|nur (?:notwendige|erforderliche"
        r"|essenzielle)(?: cookies)?"
        r"(?: akzeptieren| zulassen)?|(?:alle )?(?:cookies )?(?:akzeptieren|zulassen|annehmen)"
        r"|(?:alle[ns]? )?zustimmen|einverstanden|verstanden",
        "nl": r"(?:alles |alle cookies )?(?:weigeren|afwijzen)|alleen noodzakelijke?(?: cookies)?"
        r"|(?:alles |alle cookies |cookies )?(?:accepteren|toestaan)|akkoord",
        "fr": r"(?:tout refuser|refuser(?: tout)?)|continuer sans accepter"
        r"|(?:tout accepter|accepter(?: tout| tous les cookies)?)|j'accepte|d'accord",
        "es": r"rechazar(?: todas?| todo)?(?: las cookies)?|solo (?:las )?necesarias"
        r"|aceptar(?: todas?| todo)?(?: las cookies)?|de acuerdo|entendido",
        "it": r"rifiuta(?: tutti| tutto)?(?: i cookie)?|solo (?:i )?necessari"
        r"|accetta(?: tutti| tutto)?(?: i cookie)?|ho capito",
        "pl": r"(?:odrzuć|odmów)(?: wszystkie)?|tylko niezbędne|(?:zaakceptuj"
        r"|akceptuj)(?: wszystkie)?"
        r"|akceptuję|zgadzam się|zezwól na wszystkie",
    },
}  # fmt: skip

# For the script that looks for the login form: stems in a box's labels, a form's texts and names.
NEW_BOX = (
    r"new.?pass|choose.{0,12}pass|create.{0,12}pass|(?:repeat|confirm|re-?enter|retype"
    r"|verify).{0,12}pass"
    r"|pass\w*.{0,6}(?:again|repeat|confirm)|^(?:repeat|confirm)|(?:ny|nytt|nye|upprepa"
    r"|bekräfta|välj|gjenta|bekreft"
    r"|velg|gentag|bekræft|vælg).{0,12}(?:lösen|passord|adgangskode|kodeord)|(?:uusi|valitse"
    r"|toista|vahvista).{0,10}salasana"
    r"|(?:neues|wählen|wiederholen|bestätigen).{0,12}(?:passwort|kennwort)|(?:passwort"
    r"|kennwort).{0,6}(?:wiederholen|bestätigen|wählen)"
    r"|(?:nieuw|kies|herhaal|bevestig).{0,10}wachtwoord|nouveau.{0,4}mot de passe"
    r"|(?:choisissez|confirmez|répétez|créez).{0,12}mot de passe"
    r"|(?:nueva|elija|elige|repita|repite|confirme|confirmar|crea).{0,8}contraseña|(?:nuova"
    r"|scegli|ripeti|conferma|crea).{0,6}password"
    r"|(?:nowe|wybierz|powtórz|potwierdź|ustaw).{0,6}hasło"
)
SIGN_UP = (
    r"sign ?up|register\b|registration|create (?:an? |your |my )?(?:new )?account"
    r"|new (?:customer|user)|join\b|open an account"
    r"|registrera|bli kund|skapa (?:ett )?konto|registrer|opprett|opret|bliv kunde|bli kunde"
    r"|rekisteröi|luo (?:uusi )?tili"
    r"|registrieren|konto erstellen|neukunde|registreren|account (?:aanmaken|maken)|s'inscrire"
    r"|inscription|créer (?:un |mon )?compte"
    r"|ny (?:kund|kunde|användare|bruker)\b|uusi (?:asiakas|käyttäjä)|neu hier|nieuwe klant"
    r"|nieuw hier|nouveau client|nuevo cliente|nuovo cliente|nowy klient"
    r"|registrar|crear (?:una )?cuenta|registrati|iscriviti|crea (?:un )?account|zarejestruj"
    r"|załóż konto|rejestracja"
)
NOT_A_LOGIN = (
    r"newsletter|subscri|nyhetsbrev|nyhedsbrev|prenumer|abonn|uutiskirje|tilaa|iscrizione"
    r"|boletín|suscri|biuletyn"
    r"|search|\bsök|søk|søg|\bhaku?\b|suche|zoek|recherche|buscar|cerca\b|szukaj|coupon|promo"
    r"|contact us|feedback"
)
FORGOTTEN = (
    r"forgot|reset|recover|glömt|glemt|unohd|vergessen|zurücksetzen|vergeten|oublié|réinitialis"
    r"|olvid|recuper|dimenticat|zapomni|przypomnij|odzyskaj"
)
# A way to log in that a page of several offers: "With e-mail and password".
ONE_OF_SEVERAL = (
    r"pass ?word|lösenord|passord|adgangskode|kodeord|salasana|passwort|kennwort|wachtwoord"
    r"|mot de passe|contraseña|hasł"
)
CHANGES = (
    r"chang|updat|byt|ändra|endre|skift|vaihda|ändern|wijzig|verander|modifi|cambia|zmie|show|hide"
)
# On a page that offers one way to log in: leads to the others. On a front page: leads to a login.
ANOTHER_WAY = (
    r"^\W*(?:(?:try|use|choose) another (?:way|method|option)|(?:(?:log|sign) in )?another way"
    r"|(?:other|more) (?:(?:log|sign)[- ]?in )?(?:ways|options|methods)(?: to (?:log|sign) in)?"
    r"|(?:logga in )?på annat sätt|(?:fler|andra) (?:sätt|alternativ)(?: att logga in)?"
    r"|prøv en annen måte|andre måter å logge inn|prøv en anden måde|andre måder at logge ind"
    r"|muu(?:t)? (?:kirjautumis)?ta(?:pa|vat)|andere (?:anmelde\w+|option|methode)\w*"
    r"|anders (?:anmelden|inloggen)|andere (?:inlog)?(?:manier|mogelijkheden)"
    r"|autres? (?:moyens?|méthodes?|modes?)(?: de connexion)?|otr[ao]s? (?:formas?|métodos?"
    r"|opciones)"
    r"(?: de acceso)?|altr[oi] (?:modi|metod[oi]|modalità)(?: di accesso)?|inn[ey] (?:sposób"
    r"|metody)"
    r"(?: logowania)?)\W*$"
)
MY_PAGES = (
    r"^\W*(?:my (?:account|pages|profile)|customer (?:login|portal|area)|mina sidor|min side"
    r"|kundportal|oma(?:t)? (?:tili|sivut|palvelu)|mein (?:konto|bereich)|kundenportal"
    r"|mijn (?:account|omgeving)|mon (?:compte|espace)(?: client)?|espace client|mi cuenta"
    r"|área (?:de )?clientes?|area (?:clienti|riservata)|moje konto|strefa klienta)\W*$"
)
# The box of a one-time code beside the password: here the word "code" alone says nothing.
SECOND_FACTOR = (
    r"one.?time|\botp\b|totp|2fa|\bmfa\b|two.?(?:factor|step)|authenticat(?:or|ion).{0,6}code"
    r"|engångskod|tvåfaktor|engangskode|tofaktor|totrins|kertakäyttö|kaksivaihe|einmal(?:code"
    r"|pass)"
    r"|zwei.?faktor|eenmalige code|tweestaps|usage unique|deux facteurs|doble factor|un solo uso"
    r"|due fattori|monouso|jednorazow|dwuetap"
)
# The box of a one-time code, by its label or name; and boxes that say "code" and mean another.
CODE_BOX = (
    r"one.?time|\botp\b|totp|verif|authenticat|security code|passcode|\bcode\b|2fa|mfa|\btoken\b"
    r"|engångs|säkerhetskod|verifieringskod|bekräftelsekod|\bkod\b|engangs|bekreftelse"
    r"|sikkerhetskode|\bkode\b|bekræft|kertakäyttö|vahvistus|koodi|einmal|bestätigung"
    r"|sicherheitscode|\btan\b|eenmalig|verificatie|usage unique|vérification|código|codice"
    r"|\bkod\b|jednorazow"
)
NO_CODE_BOX = (
    r"post.?code|zip.?code|postal|promo|coupon|voucher|discount|country.?code|area.?code"
    r"|postnummer|rabatt|postleitzahl|search|sök|søg|\bhaku\b|suche|zoek|recherche|buscar"
    r"|newsletter|captcha"
)
REMEMBER_DEVICE = (
    r"(?:remember|trust|don't ask|do not ask|keep me).{0,40}(?:device|browser|computer|again"
    r"|days|signed in|logged in)"
    r"|(?:kom ihåg|lita på|håll mig).{0,30}(?:enhet|webbläsare|dator|inloggad)"
    r"|(?:husk|stol på).{0,30}(?:enhet|nettleser|maskin|browser)"
    r"|(?:muista|luota).{0,30}(?:laite|laittee|selain)"
    r"|(?:gerät|browser|computer).{0,30}(?:merken|vertrauen|speichern)|angemeldet bleiben"
    r"|(?:onthoud|vertrouw).{0,30}(?:apparaat|browser)"
    r"|(?:se souvenir|mémoriser|faire confiance).{0,40}(?:appareil|navigateur)"
    r"|(?:recordar|confiar).{0,30}(?:dispositivo|navegador)"
    r"|(?:ricorda|considera).{0,30}(?:dispositivo|browser)"
    r"|(?:zapamiętaj|zaufaj).{0,30}(?:urządzeni|przeglądar)"
)
USER_BOX = (
    r"user|e-?mail|e-?post|login|log-?in|account|customer|client|member|card|kund|konto|anvand"
    r"|användar|person|bruker"
    r"|bruger|käyttäjä|tunnus|asiakas|sähköposti|benutzer|kennung|nutzer|gebruiker|klant"
    r"|identifiant|courriel|usuario"
    r"|correo|utente|cliente|codice|użytkownik|klient|mobil|phone|telefon|\bid\b"
)
OTHER_WAY = (
    r"bankid|freja|mitid|nemid|google|apple|facebook|microsoft|\bsso\b|passkey|fido|app\b|qr"
    r"|itsme|france ?connect|spid\b|face id|touch id"
    r"|show|hide|visa|dölj|vis\b|skjul|näytä|anzeigen|toon|afficher|mostrar|mostra|pokaż"
    r"|cancel|avbryt|annuller|peruuta|abbrechen|annuleren|annuler|cancelar|annulla|anuluj"
)


def language(tag: str) -> str:
    """One of LANGUAGES for a page's `lang` ("sv-SE"); empty for another, and for none."""
    short = re.split("[-_]", tag.strip().lower())[0]
    short = ALIASES.get(short, short)
    return short if short in LANGUAGES else ""


@cache
def control_pattern(kind: str) -> str:
    """A whole control's text of this kind, in any language."""
    return "|".join(f"(?:{words})" for words in CONTROLS[kind].values())


@cache
def outcome_patterns(outcome: str) -> dict[str, str]:
    """By language, one regular expression for the outcome."""
    if outcome == "refused":
        return {name: refusal.pattern for name, refusal in REFUSALS.items()}
    spoken = OUTCOMES.get(outcome, {})
    return {name: "|".join(f"(?:{one})" for one in patterns) for name, patterns in spoken.items()}


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, compiled once."""
    return re.compile(pattern)


def asks_to_end_a_session(text: str) -> bool:
    """Whether somebody is said to be logged in elsewhere under the same name."""
    small = " ".join(text.split()).lower()
    return any(compiled(one).search(small) for one in outcome_patterns("other_session").values())
