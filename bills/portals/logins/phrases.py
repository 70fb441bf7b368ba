"""What portals say, in eleven languages: the words of their buttons, and how they refuse.

Everything is matched against text in small letters with single blanks. Controls ("log_out") are
whole texts of buttons and links; the outcomes are regular expressions over the visible text, and
strict on purpose: what also stands in a menu ("Change password") must not match. English comes
along with every language, because half of all portals mix it in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

LANGUAGES = ("en", "sv", "nb", "da", "fi", "de", "nl", "fr", "es", "it", "pl")
ALIASES = {"no": "nb", "nn": "nb"}
NEAR = ".{0,40}?"  # between a word for a secret and a word that says that it is wrong


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused login: something secret near something that says it is wrong; or a sentence."""

    secret: str
    wrong: str
    sentence: str

    @property
    def pattern(self) -> str:
        both = rf"(?:{self.wrong}){NEAR}(?:{self.secret})|(?:{self.secret}){NEAR}(?:{self.wrong})"
        return f"{both}|{self.sentence}"


REFUSALS = {
    "en": Refusal(
        r"pass ?word|passcode|user ?name|user ?id|e-?mail|log-?in\b|credentials|customer number"
        r"|account number|pin\b",
        r"wrong|incorrect|invalid|unknown|not (?:be )?(?:recogni[sz]ed|correct|right|valid|found)"
        r"|not match|n't match|mismatch|(?:not|n't) (?:recogni[sz]e|find)|not exist|n't exist",
        r"(?:log-?in|log ?on|sign-?in|authentication) (?:has )?failed",
    ),
    "sv": Refusal(
        r"lösenord|användar|inlogg|kundn|e-?post|e-?mail|mejl|pinkod",
        r"fel\b|felaktig|ogiltig|okänd|okänt|stämmer inte|stämde inte|matchar inte"
        r"|inte (?:korrekt|rätt|giltig)|hittas inte|hittades inte|känner inte igen",
        r"inloggningen misslyckades",
    ),
    "nb": Refusal(
        r"passord|brukernavn|bruker-?id|innlogging|kundenummer|e-?post|pin-?kode",
        r"feil\b|ugyldig|ukjent|stemmer ikke|stemte ikke|ikke (?:riktig|korrekt|gyldig)"
        r"|finner ikke|fant ikke|gjenkjenner ikke",
        r"innlogging(?:en)? (?:mislyktes|feilet)",
    ),
    "da": Refusal(
        r"adgangskode|kodeord|brugernavn|bruger-?id|kundenummer|e-?mail|pinkode|password",
        r"forkert|fejl i\b|fejl\b|ugyldig|ukendt|passer ikke|stemmer ikke"
        r"|ikke (?:korrekt|rigtig|gyldig)|findes ikke|genkender ikke",
        r"log ?ind mislykkedes|login mislykkedes|(?:kunne|kan) ikke logge (?:dig )?(?:ind|på)",
    ),
    "fi": Refusal(
        r"salasana|käyttäjätunnu|käyttäjänim|tunnus|tunnuk|asiakasnumero|sähköposti",
        r"väär|virheelli|tuntematon|ei kelpaa|täsmää|ei löydy|ei löytynyt|ei tunnistettu"
        r"|ei ole oikein|eivät ole oikein",
        r"kirjautuminen epäonnistui",
    ),
    "de": Refusal(
        r"passwor[dt]|kennwort|benutzername|benutzerkennung|nutzername|kundennummer|e-?mail"
        r"|anmeldedaten|zugangsdaten|login\b|pin\b",
        r"falsch|ungültig|fehlerhaft|inkorrekt|unbekannt|stimmt nicht|stimmen nicht"
        r"|nicht (?:korrekt|richtig|gültig|erkannt|gefunden|bekannt|überein)",
        r"(?:anmeldung|login) (?:ist )?fehlgeschlagen",
    ),
    "nl": Refusal(
        r"wachtwoord|gebruikersnaam|e-?mail|inlog|klantnummer|gegevens|pincode",
        r"onjuist|verkeerd|ongeldig|onbekend|fout\b|foutief|incorrect|klopt niet|kloppen niet"
        r"|niet (?:juist|correct|geldig|herkend|gevonden|bekend|overeen)",
        r"inloggen (?:is )?mislukt",
    ),
    "fr": Refusal(
        r"mot de passe|identifiant|e-?mail|courriel|nom d'utilisateur|numéro (?:de )?client"
        r"|code secret",
        r"incorrect|erron|invalide|inconnu|faux\b|mauvais|non reconnu"
        r"|pas (?:reconnu|valide|correct|bon)|ne correspond",
        r"échec de (?:la )?connexion|(?:connexion|authentification) (?:a )?échoué",
    ),
    "es": Refusal(
        r"contraseña|clave\b|usuario|correo|e-?mail|credencial|número de cliente|datos de acceso",
        r"incorrect|erróne|inválid|no (?:es |son )?(?:válid|correct)|equivocad|desconocid"
        r"|no coincid|no existe|no reconoc",
        r"inicio de sesión (?:ha )?fallid?o|error al iniciar sesión",
    ),
    "it": Refusal(
        r"password|nome utente|utente|e-?mail|credenziali|codice cliente|numero cliente",
        r"errat|sbagliat|scorrett|sconosciut|non (?:è |sono )?(?:corrett|valid|riconosciut|esatt)"
        r"|non trovat|non corrispond|non esiste",
        r"accesso (?:non riuscito|fallito)|login fallito",
    ),
    "pl": Refusal(
        r"hasł|nazwa użytkownika|użytkownik|e-?mail|login|numer klienta|dane logowania",
        r"nieprawidłow|błędn|niepoprawn|nieznan|złe\b|zły\b|nie (?:jest |są )?poprawn"
        r"|nie zgadza|nie istnieje|nie rozpozna|nie pasuj",
        r"logowanie nie powiodło się|nie udało się zalogować",
    ),
}

# outcome: language: regular expressions
OUTCOMES: dict[str, dict[str, tuple[str, ...]]] = {
    "locked": {
        "en": (
            r"account (?:is|has been|was|is temporarily) (?:temporarily )?"
            r"(?:locked|blocked|suspended|disabled|deactivated)",
            r"(?:locked|blocked) (?:your|the) account",
            r"too many (?:failed|unsuccessful|incorrect|wrong|invalid|log-?in|sign-?in) ",
        ),
        "sv": (
            r"kontot? (?:är|har) (?:blivit )?(?:tillfälligt )?(?:låst|spärrat|låsts|spärrats)",
            r"för många (?:felaktiga|misslyckade|inloggningsförsök|försök)",
        ),
        "nb": (
            r"konto(?:en)?(?: din)? (?:er|har blitt|ble) (?:midlertidig )?"
            r"(?:låst|sperret|stengt|blokkert)",
            r"for mange (?:feil|mislykkede|forsøk|innloggingsforsøk)",
        ),
        "da": (
            r"konto(?:en)? (?:er|er blevet|blev) (?:midlertidigt )?"
            r"(?:låst|spærret|blokeret|lukket)",
            r"for mange (?:forkerte|mislykkede|forsøg|loginforsøg)",
        ),
        "fi": (
            r"(?:tili|tilisi|tilinne|tunnus|tunnuksesi) on (?:tilapäisesti )?"
            r"(?:lukittu|lukossa|estetty|suljettu)",
            r"liian monta (?:epäonnistunutta|virheellistä|väärää|yritystä|kirjautumisyritystä)",
        ),
        "de": (
            r"(?:konto|zugang|account) (?:ist|wurde) (?:\w+ )?(?:gesperrt|blockiert|deaktiviert)",
            r"zu viele (?:fehlgeschlagene|falsche|ungültige|fehlversuche|anmeldeversuche"
            r"|versuche)",
        ),
        "nl": (
            r"account (?:is|werd) (?:tijdelijk )?(?:geblokkeerd|vergrendeld|gedeactiveerd)",
            r"te veel (?:mislukte|onjuiste|foutieve|pogingen|inlogpogingen)",
        ),
        "fr": (
            r"compte (?:est|a été) (?:temporairement |provisoirement )?"
            r"(?:bloqué|verrouillé|suspendu|désactivé)",
            r"trop de (?:tentatives|essais)",
        ),
        "es": (
            r"cuenta (?:está|ha sido|fue) (?:temporalmente )?"
            r"(?:bloqueada|suspendida|desactivada)",
            r"demasiados intentos",
        ),
        "it": (
            r"(?:account|utenza|profilo) (?:è|è stat[oa]) (?:temporaneamente )?"
            r"(?:bloccat|sospes|disabilitat)[oa]",
            r"troppi tentativi",
        ),
        "pl": (
            r"konto (?:jest|zostało) (?:tymczasowo )?(?:zablokowane|zawieszone)",
            r"zbyt wiele (?:nieudanych|błędnych|prób)",
        ),
    },
    "captcha": {
        "en": (
            r"i'?m not a robot", r"i am not a robot", r"verify (?:that )?you are (?:a )?human",
            r"(?:type|enter) the (?:characters|letters|text|code).{0,25}(?:image|picture)",
        ),
        "sv": (r"jag är inte en robot", r"(?:skriv|ange) (?:in )?(?:tecknen|texten).{0,25}bild"),
        "nb": (r"jeg er ikke en robot", r"(?:skriv|tast) (?:inn )?(?:tegnene|teksten).{0,25}bild"),
        "da": (r"jeg er ikke en robot", r"(?:skriv|indtast) (?:tegnene|teksten).{0,25}billed"),
        "fi": (r"en ole robotti", r"(?:kirjoita|syötä) kuva\w*.{0,25}(?:merk|kirjaim|teksti)"),
        "de": (
            r"ich bin kein roboter",
            r"geben sie .{0,12}(?:zeichen|buchstaben|text).{0,30}(?:bild|grafik)",
        ),
        "nl": (
            r"ik ben geen robot",
            r"(?:typ|voer) de (?:tekens|letters|tekst).{0,25}afbeelding",
        ),
        "fr": (
            r"je ne suis pas un robot",
            r"(?:saisi|recopie|entre)\w* les (?:caractères|lettres).{0,30}image",
        ),
        "es": (
            r"no soy un robot",
            r"(?:escrib|introdu)\w* (?:los|las|el) (?:caracteres|letras|texto).{0,30}imagen",
        ),
        "it": (
            r"non sono un robot",
            r"(?:inseri|digita|scriv)\w* (?:i|le|il) (?:caratteri|lettere|testo).{0,30}immagine",
        ),
        "pl": (
            r"nie jestem robotem",
            r"(?:wpisz|przepisz|wprowadź) (?:znaki|litery|tekst|kod).{0,20}obraz",
        ),
    },
    "code": {
        "en": (
            r"(?:enter|type|we(?:'ve| have) sent).{0,40}"
            r"(?:one-?time|verification|security|authentication) (?:code|password|pin)",
            r"(?:enter|type).{0,20}(?:\b\d|four|six|eight)[- ]digit.{0,20}(?:code|pin)",
            r"(?:enter|type).{0,20}code.{0,50}(?:authenticator|sms|text message|e-?mail"
            r"|(?:we|was|been) (?:just )?(?:sent|texted))",
            r"open (?:mobile )?bankid",
        ),
        "sv": (
            r"(?:ange|skriv|skickat).{0,40}"
            r"(?:engångskod|verifieringskod|säkerhetskod|bekräftelsekod)",
            r"(?:öppna|starta) (?:mobilt )?bankid",
        ),
        "nb": (
            r"(?:skriv|tast|oppgi|angi|sendt).{0,40}"
            r"(?:engangskode|bekreftelseskode|sikkerhetskode|verifiseringskode)",
            r"åpne bankid",
        ),
        "da": (
            r"(?:indtast|skriv|angiv|sendt).{0,40}"
            r"(?:engangskode|bekræftelseskode|sikkerhedskode|verifikationskode)",
            r"åbn mitid",
        ),
        "fi": (
            r"(?:syötä|anna|kirjoita|lähet).{0,40}"
            r"(?:kertakäyttökoodi|vahvistuskoodi|turvakoodi|varmennuskoodi)",
        ),
        "de": (
            r"(?:geben sie|gesendet|geschickt|eingabe).{0,60}(?:einmalcode|einmalpasswort"
            r"|einmalkennwort|bestätigungscode|sicherheitscode|verifizierungscode|tan\b)",
        ),
        "nl": (
            r"(?:voer|vul|typ|gestuurd|verzonden).{0,40}"
            r"(?:eenmalige code|verificatiecode|beveiligingscode|bevestigingscode)",
        ),
        "fr": (
            r"(?:saisi|entrez|envoyé).{0,50}"
            r"code (?:à usage unique|de (?:vérification|sécurité|confirmation|validation))",
        ),
        "es": (
            r"(?:introdu|ingres|enviado).{0,50}"
            r"código de (?:verificación|seguridad|confirmación|un solo uso)",
        ),
        "it": (
            r"(?:inseri|digita|inviato).{0,50}"
            r"codice (?:di (?:verifica|sicurezza|conferma)|otp|monouso)",
        ),
        "pl": (
            r"(?:wpisz|podaj|wprowadź|wysłali).{0,50}"
            r"kod (?:weryfikacyjny|bezpieczeństwa|jednorazowy|sms|potwierdzający)",
        ),
    },
    # Of a code that was typed: the page asks for another one.
    "wrong_code": {
        "en": (
            r"(?:wrong|incorrect|invalid|expired) (?:\w+ ){0,2}(?:code|passcode)",
            r"code.{0,20}(?:is|was|has) (?:wrong|incorrect|invalid|expired|not (?:valid|correct))",
            r"code (?:does|did)(?: not|n't) match",
        ),
        "sv": (
            r"(?:fel|felaktig|ogiltig) (?:\w+ )?\w*kod\b",
            r"kod(?:en)? (?:är|var) (?:fel|felaktig|ogiltig)|koden (?:stämmer inte|har gått ut)",
        ),
        "nb": (r"(?:feil|ugyldig) (?:\w+ )?\w*kode\b|koden (?:er|var) (?:feil|ugyldig|utløpt)",),
        "da": (r"(?:forkert|ugyldig) (?:\w+ )?\w*kode\b|koden (?:er|var) (?:forkert|ugyldig)",),
        "fi": (r"(?:väärä|virheellinen) (?:\w+ )?\w*koodi\b|koodi (?:on|oli) (?:väär|virhe)",),
        "de": (
            r"(?:falscher|ungültiger|abgelaufener) (?:\w+)?code\b|falsche tan\b",
            r"code (?:ist|war) (?:falsch|ungültig|abgelaufen|nicht (?:korrekt|gültig))",
        ),
        "nl": (
            r"(?:onjuiste|ongeldige|verkeerde|verlopen) (?:\w+)?code\b",
            r"code (?:is|was) (?:onjuist|ongeldig|verkeerd|verlopen)",
        ),
        "fr": (r"code.{0,30}(?:incorrect|invalide|erroné|expiré)",),
        "es": (r"código.{0,30}(?:incorrecto|inválido|no válido|caducado|erróneo)",),
        "it": (r"codice.{0,30}(?:errato|non valido|scaduto|non corretto)",),
        "pl": (r"(?:nieprawidłowy|błędny|niepoprawny) kod\b|kod.{0,20}(?:wygasł|nieprawidłowy)",),
    },
    "password_expired": {
        "en": (
            r"password has expired",
            r"(?:you must|you need to|please) change your password",
            r"(?:choose|create|set) a new password",
        ),
        "sv": (
            r"lösenord(?:et)? har (?:gått ut|löpt ut)",
            r"(?:du måste|vänligen) (?:byta|ändra|byt|ändra på) (?:ditt )?lösenord",
            r"välj (?:ett )?nytt lösenord",
        ),
        "nb": (
            r"passord(?:et)?(?: ditt)? (?:har (?:utløpt|gått ut)|er utløpt)",
            r"du må (?:endre|bytte) passord",
            r"velg (?:et )?nytt passord",
        ),
        "da": (
            r"(?:adgangskoden?|kodeord(?:et)?) er udløbet",
            r"du skal (?:ændre|skifte) (?:din |dit )?(?:adgangskode|kodeord)",
            r"vælg (?:en ny adgangskode|et nyt kodeord)",
        ),
        "fi": (
            r"salasana(?:si|nne)? on vanhentunut",
            r"(?:täytyy|pitää|on) vaihdettava salasana|sinun (?:täytyy|pitää) vaihtaa salasana",
            r"valitse uusi salasana",
        ),
        "de": (
            r"(?:passwort|kennwort) ist abgelaufen",
            r"müssen ihr (?:passwort|kennwort) (?:ändern|erneuern)",
            r"(?:wählen|vergeben) sie (?:bitte )?ein neues (?:passwort|kennwort)",
        ),
        "nl": (
            r"wachtwoord is verlopen",
            r"(?:moet|dient) (?:je|u|uw) .{0,20}wachtwoord .{0,5}(?:wijzigen|veranderen)",
            r"kies een nieuw wachtwoord",
        ),
        "fr": (
            r"mot de passe (?:a|est) expiré",
            r"devez (?:changer|modifier) (?:de |votre )?mot de passe",
            r"choisissez un nouveau mot de passe",
        ),
        "es": (
            r"contraseña ha (?:caducado|expirado)",
            r"(?:debes?|tienes? que) cambiar (?:su|tu|la) contraseña",
            r"(?:elija|elige) una nueva contraseña",
        ),
        "it": (
            r"password (?:è|e') scaduta",
            r"dev[ei] (?:cambiare|modificare) la (?:tua |sua )?password",
            r"scegli una nuova password",
        ),
        "pl": (
            r"hasło wygasło",
            r"(?:musisz|należy) zmienić hasło",
            r"(?:ustaw|wybierz) nowe hasło",
        ),
    },
    "action": {
        "en": (
            r"(?:accept|agree to) (?:the|our|new|updated|these).{0,30}(?:terms|conditions)"
            r".{0,30}(?:to|before).{0,12}(?:continue|proceed|go on)",
            r"(?:confirm|verify|update) your (?:e-?mail|contact|phone).{0,40} to continue",
            r"(?:terms|conditions).{0,80}accept.{0,30}to (?:continue|proceed)",
        ),
        "sv": (
            r"godkänn (?:våra|de) (?:nya )?(?:villkor|användarvillkor).{0,30}för att fortsätta",
            r"villkor.{0,80}(?:godkänn|acceptera).{0,30}för att (?:fortsätta|gå vidare)",
        ),
        "nb": (r"(?:godta|aksepter) (?:våre|de) (?:nye )?vilkår.{0,30}for å fortsette"
            r"|vilkår.{0,80}(?:godta|aksepter).{0,30}for å fortsette",),
        "da": (
            r"(?:accepter|godkend) (?:vores|de) (?:nye )?(?:vilkår|betingelser).{0,30}"
            r"for at fortsætte",
            r"(?:vilkår|betingelser).{0,80}(?:accepter|godkend).{0,30}for at fortsætte",
        ),
        "fi": (r"hyväksy (?:uudet )?(?:käyttö)?ehdot.{0,30}jatkaaksesi"
            r"|ehdo.{0,80}hyväks.{0,30}jatka",),
        "de": (
            r"(?:akzeptieren|bestätigen) sie (?:bitte )?(?:die|unsere).{0,40}"
            r"(?:bedingungen|agb).{0,30}(?:um )?fortzufahren",
            r"(?:bedingungen|agb).{0,80}(?:zustimm|akzeptier|bestätig).{0,40}fort(?:zu)?fahren",
        ),
        "nl": (r"accepteer (?:de|onze).{0,20}voorwaarden.{0,20}om (?:door|verder) te gaan"
            r"|voorwaarden.{0,80}(?:accepte|akkoord).{0,30}(?:door|verder) te gaan",),
        "fr": (
            r"(?:acceptez|accepter) (?:les|nos).{0,30}conditions.{0,40}(?:pour"
            r"|avant de) continuer",
            r"conditions.{0,80}accepter.{0,30}(?:pour|avant de) continuer",
        ),
        "es": (r"acept[ae] (?:los|las|nuestr[oa]s).{0,30}(?:términos"
        r"|condiciones).{0,30}continuar"
        r"|(?:términos|condiciones).{0,80}acept.{0,30}continuar",),
        "it": (r"accett[ai] (?:i|le|nostri).{0,30}(?:termini|condizioni).{0,30}(?:continuare"
        r"|proseguire)|(?:termini|condizioni).{0,80}accett.{0,30}(?:continuare|proseguire)",),
        "pl": (r"zaakceptuj.{0,30}(?:regulamin|warunki).{0,30}(?:aby|by) kontynuować"
        r"|(?:regulamin|warunk).{0,80}akceptu.{0,40}kontynuow",),
    },
    "rate_limited": {
        "en": (r"too many requests",),
        "sv": (r"för många förfrågningar",),
        "nb": (r"for mange forespørsler",),
        "da": (r"for mange forespørgsler|for mange anmodninger",),
        "fi": (r"liian monta pyyntöä|liikaa pyyntöjä",),
        "de": (r"zu viele anfragen",),
        "nl": (r"te veel verzoeken|te veel aanvragen",),
        "fr": (r"trop de requêtes|trop de demandes",),
        "es": (r"demasiadas (?:solicitudes|peticiones)",),
        "it": (r"troppe richieste",),
        "pl": (r"zbyt wiele żądań|za dużo żądań",),
    },
    "maintenance": {
        "en": (
            r"(?:closed|down|unavailable) (?:for|due to).{0,20}maintenance",
            r"(?:is|are) (?:currently )?(?:under|undergoing).{0,12} maintenance",
        ),
        "sv": (
            r"(?:stängt|stängd|nere) (?:för|på grund av).{0,20}(?:underhåll|service)",
            r"underhållsarbete pågår",
        ),
        "nb": (r"(?:stengt|nede|utilgjengelig) (?:for|på grunn av).{0,20}vedlikehold",),
        "da": (
            r"(?:lukket|nede|utilgængelig) (?:for|på grund af|pga\.?).{0,20}"
            r"(?:vedligeholdelse|vedligehold)",
        ),
        "fi": (r"(?:suljettu|poissa käytöstä).{0,20}huollon vuoksi"
        r"|huoltokatko (?:on )?käynnissä",),
        "de": (r"wegen wartung.{0,40}nicht (?:erreichbar|verfügbar)|wartungsarbeiten",),
        "nl": (r"(?:gesloten|niet beschikbaar) (?:wegens|vanwege|door).{0,20}onderhoud",),
        "fr": (r"(?:fermé|indisponible|inaccessible).{0,20}maintenance|maintenance en cours",),
        "es": (r"(?:cerrado|no disponible).{0,20}mantenimiento|en mantenimiento",),
        "it": (r"(?:chiuso|non disponibile).{0,20}manutenzione|in manutenzione",),
        "pl": (r"(?:niedostępn|zamknięt).{0,30}prac(?:e|ami)? (?:konserwac|serwis|techniczn)"
        r"|przerwa techniczna",),
    },
    # "Somebody is logged in with your name: go on?"
    "other_session": {
        "en": (
            r"already (?:logged|signed) (?:in|on)\b",
            r"(?:another|other|active|existing|previous) (?:active )?(?:session|device|browser)",
        ),
        "sv": (r"redan inloggad", r"(?:annan|pågående|aktiv) (?:aktiv )?(?:session|enhet)"),
        "nb": (
            r"allerede (?:er )?(?:logget inn|pålogget|innlogget)",
            r"(?:annen|aktiv) (?:økt|enhet)",
        ),
        "da": (r"allerede logget (?:ind|på)", r"anden (?:enhed|session)|aktiv session"),
        "fi": (
            r"olet jo kirjautunut|on jo kirjautunut",
            r"toinen (?:istunto|laite)|toisella laitteella",
        ),
        "de": (
            r"bereits (?:angemeldet|eingeloggt)",
            r"(?:andere|aktive|bestehende|laufende)[nrs]? (?:sitzung|gerät|session)",
        ),
        "nl": (
            r"(?:al|reeds) (?:ingelogd|aangemeld)",
            r"(?:ander|andere|actieve) (?:sessie|apparaat)",
        ),
        "fr": (r"déjà connecté", r"autre (?:session|appareil)|session (?:active|ouverte)"),
        "es": (
            r"ya (?:ha|has) iniciado sesión|sesión (?:ya )?(?:abierta|activa|iniciada)",
            r"otr[oa] (?:sesión|dispositivo)",
        ),
        "it": (
            r"già (?:connesso|collegato|effettuato l'accesso)",
            r"altr[ao] (?:sessione|dispositivo)|sessione attiva",
        ),
        "pl": (r"już zalogowan", r"inn(?:ej|a|ym) (?:sesj|urządzeni)|aktywn\w+ sesj"),
    },
}  # fmt: skip

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
        r"|(?:accept|allow)(?: all)?(?: cookies)?|(?:i )?agree|got it|ok(?:ay)?|i understand",
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
