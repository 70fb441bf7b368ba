"""How portals refuse, lock, ask and close, in eleven languages: expressions over their text.

Matched against text in small letters with single blanks, and strict on purpose: what also stands
in a menu ("Change password") must not match. For buttons, boxes, and how this is read: `phrases`.
"""

from __future__ import annotations

from dataclasses import dataclass

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
        r"|account number|pin\b|(?:those|these|your|the|log-?in) details|details you"
        r"|information you (?:have )?(?:entered|provided)|combination",
        r"wrong|incorrect|invalid|unknown|not (?:be )?(?:recogni[sz]ed|correct|right|valid|found)"
        r"|not match|n't match|mismatch|(?:not|n't) (?:recogni[sz]e|find)|not exist|n't exist"
        r"|no (?:user|account|customer)s?\b",
        r"(?:log[ -]?in|log ?on|sign[ -]?in|authentication) (?:has |was )?"
        r"(?:failed|unsuccessful|not successful)|bad credentials"
        r"|(?:could not|couldn't|cannot|can't|unable to|not able to) (?:log|sign) you (?:in|on)\b",
    ),
    "sv": Refusal(
        r"lösenord|användar|inlogg|kundn|e-?post|e-?mail|mejl|pinkod|uppgift(?:er|erna)\b",
        r"fel\b|felaktig|ogiltig|okänd|okänt|stämmer inte|stämde inte|matchar inte"
        r"|inte (?:korrekt|rätt|giltig)|hittas inte|hittades inte|känner inte igen|finns inte",
        r"inloggning(?:en)? misslyckades|(?:kunde|gick) inte (?:att )?logga in",
    ),
    "nb": Refusal(
        r"passord|brukernavn|bruker-?id|bruker\b|innlogging|kundenummer|e-?post|pin-?kode"
        r"|opplysninge",
        r"feil\b|ugyldig|ukjent|stemmer ikke|stemte ikke|ikke (?:riktig|korrekt|gyldig)"
        r"|(?:finner|fant) (?:ikke|ingen)|gjenkjenner ikke|finnes ikke",
        r"(?:inn|på)logging(?:en)? (?:mislyktes|feilet)|kunne ikke logge (?:deg )?(?:inn|på)",
    ),
    "da": Refusal(
        r"adgangskode|kodeord|brugernavn|bruger-?id|bruger(?:en)?\b|kundenummer|e-?mail|pinkode"
        r"|password|oplysninge",
        r"forkert|fejl i\b|fejl\b|ugyldig|ukendt|passer ikke|stemmer ikke"
        r"|ikke (?:korrekt|rigtig|gyldig|finde\b)|findes ikke|genkender ikke",
        r"log-?(?: ?ind|in) (?:mislykkedes|fejlede)|(?:kunne|kan) ikke logge (?:dig )?(?:ind|på)"
        r"|lykkedes ikke at logge",
    ),
    "fi": Refusal(
        r"salasana|käyttäjätunnu|käyttäjänim|tunnus|tunnuk|asiakasnumero|sähköposti"
        r"|antama\w* tiedo",
        r"väär|virheelli|tuntematon|ei kelpaa|täsmää|ei löydy|ei löytynyt|ei tunnistettu"
        r"|ei ole oikein|eivät ole oikein",
        r"(?:kirjautuminen|tunnistautuminen) (?:epäonnistui|ei onnistunut)"
        r"|tarkista (?:käyttäjätunnu|tunnu|sähköposti)\w* (?:ja|tai) salasana",
    ),
    "de": Refusal(
        r"passwor[dt]|kennwort|benutzername|benutzerkennung|nutzername|kundennummer|e-?mail"
        r"|anmeldedaten|zugangsdaten|login\b|pin\b|eingegebenen? (?:daten|angaben)|eingaben?\b"
        r"|kombination",
        r"falsch|ungültig|fehlerhaft|inkorrekt|unbekannt|stimmt nicht|stimmen nicht"
        r"|nicht (?:korrekt|richtig|gültig|erkannt|gefunden|bekannt|überein)",
        r"(?:anmeldung|log-?in) (?:ist |war )?(?:leider )?(?:fehlgeschlagen|nicht erfolgreich)"
        r"|konnten sie (?:leider )?nicht (?:anmelden|einloggen)"
        r"|prüfen sie (?:bitte )?ihre (?:eingabe|zugangsdaten|anmeldedaten)",
    ),
    "nl": Refusal(
        r"wachtwoord|gebruikersnaam|e-?mail|inlog|klantnummer|gegevens|pincode|combinatie",
        r"onjuist|verkeerd|ongeldig|onbekend|fout\b|foutief|incorrect|klopt niet|kloppen niet"
        r"|niet (?:juist|correct|geldig|herkend|gevonden|bekend|overeen)|kennen we niet",
        r"inloggen (?:is )?(?:mislukt|niet gelukt)|kennen (?:dit|deze) .{1,25} niet",
    ),
    "fr": Refusal(
        r"mot de passe|identifiant|e-?mail|courriel|nom d'utilisateur|numéro (?:de )?client"
        r"|code secret|adresse mail|(?:informations|données) saisies|compte\b",
        r"incorrect|erron|invalide|inconnu|faux\b|mauvais|non reconnu"
        r"|pas (?:reconnu|valide|correct|bon)|ne correspond|non valide|ne reconnaissons pas"
        r"|n'existe pas",
        r"échec de (?:la |l')?(?:connexion|authentification)|connexion impossible"
        r"|(?:connexion|authentification) (?:a )?échoué",
    ),
    "es": Refusal(
        r"contraseña|clave\b|usuario|correo|e-?mail|credencial|número de cliente|datos de acceso"
        r"|datos (?:introducidos|ingresados)",
        r"incorrect|erróne|inválid|no (?:es |son )?(?:válid|correct)|equivocad|desconocid"
        r"|no coincid|no existe|no reconoc",
        r"inicio de sesión (?:ha )?fallid?o|error (?:al iniciar sesión|de autenticación)"
        r"|(?:hemos podido|ha podido|se pudo|ha sido posible) iniciar (?:la )?sesión",
    ),
    "it": Refusal(
        r"password|nome utente|utente|e-?mail|credenziali|codice cliente|numero cliente"
        r"|username|dati inseriti",
        r"errat|sbagliat|scorrett|sconosciut|non (?:è |sono )?(?:corrett|valid|riconosciut|esatt)"
        r"|non trovat|non corrispond|non esiste",
        r"(?:accesso|login|autenticazione) (?:non riuscit[oa]|fallit[oa])",
    ),
    "pl": Refusal(
        r"hasł|nazwa użytkownika|użytkownik|e-?mail|login|numer klienta|dane\b",
        r"nieprawidłow|błędn|niepoprawn|nieznan|złe\b|zły\b|nie (?:jest |są )?poprawn"
        r"|nie zgadza|nie istnieje|nie rozpozna|nie pasuj",
        r"logowanie (?:nie powiodło się|nieudane)|nie udało się zalogować"
        r"|nie znaleziono użytkownika",
    ),
}

# outcome: language: regular expressions
OUTCOMES: dict[str, dict[str, tuple[str, ...]]] = {
    "locked": {
        "en": (
            r"(?<!before your )(?<!before the )(?<!until your )account (?:is|has been|was) "
            r"(?:now |temporarily )?(?:locked|blocked|suspended|disabled|deactivated)",
            r"(?:your|this) (?:\w+ )?(?:access|user(?: ?name| ?id)?|profile|log-?in) "
            r"(?:is|has been|was) (?:now |temporarily )?(?:locked|blocked|suspended|disabled)",
            r"(?:locked|blocked) (?:your|the) account|(?:are|been) locked out|account locked\b",
            # "Too many wrong passwords will lock your account" only warns.
            r"too many (?:(?:failed|unsuccessful|incorrect|wrong|invalid|log-?in|sign-?in)"
            r"(?: \w+)?|attempts|tries)\b(?! (?:\w+ )?(?:will|can|may|could|lead|result))",
            r"(?:reached|exceeded) the (?:maximum|limit|allowed) .{0,30}(?:attempts|tries)",
        ),
        "sv": (
            r"(?:kontot?|användaren?|inloggningen) (?:är|har) (?:blivit )?(?:tillfälligt )?"
            r"(?:låst|spärra[td]|låsts|spärrats)",
            r"för många (?:felaktiga|misslyckade|inloggningsförsök|försök)"
            r"|fel (?:lösenord|kod|uppgifter) för många gånger",
        ),
        "nb": (
            r"(?:konto(?:en)?|bruker(?:en)?)(?: din)? (?:er|har blitt|ble) (?:midlertidig )?"
            r"(?:låst|sperret|stengt|blokkert)",
            r"for mange (?:feil|mislykkede|forsøk|innloggingsforsøk)"
            r"|feil (?:passord|kode) for mange ganger",
        ),
        "da": (
            r"(?:konto(?:en)?|bruger(?:en)?) (?:er|er blevet|blev) (?:midlertidigt )?"
            r"(?:låst|spærret|blokeret|lukket)",
            r"for mange (?:forkerte|mislykkede|forsøg|loginforsøg)"
            r"|forkert (?:adgangskode|kodeord|kode) for mange gange",
        ),
        "fi": (
            r"(?:tili|tilisi|tilinne|tunnus|tunnuksesi|tunnuksenne) on (?:tilapäisesti )?"
            r"(?:lukittu|lukossa|estetty|suljettu)",
            r"liian monta (?:epäonnistunutta|virheellistä|väärää|yritystä|kirjautumisyritystä)",
        ),
        "de": (
            r"(?:konto|zugang|account|benutzer|kennung) (?:ist|wurde) .{0,30}?"
            r"(?:gesperrt|blockiert|deaktiviert)",
            r"zu viele (?:fehlgeschlagene|falsche|ungültige|fehlversuche|anmeldeversuche"
            r"|versuche)|zu oft (?:falsch|ein falsches)",
        ),
        "nl": (
            r"account (?:is|werd) (?:tijdelijk )?(?:geblokkeerd|vergrendeld|gedeactiveerd)",
            r"te veel (?:mislukte|onjuiste|foutieve|pogingen|inlogpogingen)"
            r"|te vaak een (?:verkeerd|onjuist|fout)",
        ),
        "fr": (
            r"(?:compte|accès)(?: client)? (?:est|a été) (?:temporairement |provisoirement )?"
            r"(?:bloqué|verrouillé|suspendu|désactivé)",
            r"trop de (?:tentatives|essais)|nombre (?:maximal|maximum) d(?:e |')(?:tentatives"
            r"|essais)",
        ),
        "es": (
            r"(?:cuenta|usuario|acceso) (?:(?:está|ha sido|fue) )?(?:temporalmente )?"
            r"(?:bloquead|suspendid|desactivad)[oa]",
            r"demasiados intentos|número máximo de intentos",
        ),
        "it": (
            r"(?:account|utenza|utente|profilo) (?:(?:è|è stat[oa]) )?(?:temporaneamente )?"
            r"(?:bloccat|sospes|disabilitat)[oa]",
            r"troppi tentativi|numero massimo di tentativi",
        ),
        "pl": (
            r"konto (?:(?:jest|zostało) )?(?:tymczasowo )?(?:zablokowane|zawieszone)",
            r"zbyt wiele (?:nieudanych|błędnych|prób)|przekroczono (?:\w+ )?(?:liczbę|limit) prób",
        ),
    },
    "captcha": {
        "en": (
            r"i'?m not a robot", r"i am not a robot",
            r"(?:verify|verifying|confirm|prove|check)(?:ing)? (?:that )?you(?: a"
            r"|')re (?:not )?(?:a )?"
            r"(?:human|robot|bot)\b",
            r"(?:complete|pass|solve) (?:the|this|a) (?:security check|captcha)",
            r"(?:type|enter) the (?:characters|letters|text|code).{0,25}(?:image|picture)",
        ),
        "sv": (r"(?:jag|du) (?:är inte|inte är) en robot|att du är en människa",
            r"(?:skriv|ange) (?:in )?(?:tecknen|texten).{0,25}bild"),
        "nb": (r"(?:jeg|du) (?:er ikke|ikke er) en robot",
            r"(?:skriv|tast) (?:inn )?(?:tegnene|teksten).{0,25}bild"),
        "da": (r"(?:jeg|du) (?:er ikke|ikke er) en robot",
            r"(?:skriv|indtast) (?:tegnene|teksten).{0,25}billed"),
        "fi": (r"(?:en|et) ole robotti",
            r"(?:kirjoita|syötä) kuva\w*.{0,25}(?:merk|kirjaim|teksti)"),
        "de": (
            r"ich bin kein roboter|dass sie (?:kein roboter|ein mensch) sind",
            r"geben sie .{0,12}(?:zeichen|buchstaben|text).{0,30}(?:bild|grafik)",
        ),
        "nl": (
            r"ik ben geen robot|dat (?:je|u) (?:geen robot|een mens) bent",
            r"(?:typ|voer) de (?:tekens|letters|tekst).{0,25}afbeelding",
        ),
        "fr": (
            r"je ne suis pas un robot|que vous (?:êtes (?:un )?humain|n'êtes pas un robot)",
            r"(?:saisi|recopie|entre)\w* les (?:caractères|lettres).{0,30}image",
        ),
        "es": (
            r"no soy un robot|que (?:eres (?:un )?humano|no eres un robot|no es un robot)",
            r"(?:escrib|introdu)\w* (?:los|las|el) (?:caracteres|letras|texto).{0,30}imagen",
        ),
        "it": (
            r"non sono un robot|di (?:non essere un robot|essere (?:un )?uman)",
            r"(?:inseri|digita|scriv)\w* (?:i|le|il) (?:caratteri|lettere|testo).{0,30}immagine",
        ),
        "pl": (
            r"nie (?:jestem|jesteś) robotem",
            r"(?:wpisz|przepisz|wprowadź) (?:znaki|litery|tekst|kod).{0,20}obraz",
        ),
    },
    "code": {
        "en": (
            r"(?:enter|type|we(?:'ve| have) sent).{0,40}"
            r"(?:one-?time|verification|security|authentication) (?:code|password|pin)",
            r"(?:enter|type).{0,20}(?:\b\d|four|six|eight)[- ]digit.{0,20}(?:code|pin)",
            r"(?:enter|type).{0,20}code.{0,50}(?:authenticator|sms|text message|e-?mail|your app"
            r"|(?:we|was|been) (?:just )?(?:sent|texted))",
            r"(?:sent|texted|e-?mailed) (?:\w+ ){0,7}"
            r"(?<!promo )(?<!discount )(?:(?:\d|four|six|eight)[- ]digit )?code\b",
            r"check your (?:phone|e-?mail|inbox|messages) for (?:a|the|your) (?:\w+ )?code",
            r"(?:\d|four|six|eight)[- ]digit (?:\w+ )?code|with an? (?:one-?time|security) code",
            r"(?:verify|confirm) (?:your identity|(?:that )?it(?:'s| is) you)",
            r"open (?:your |the |mobile )?bankid",
            r"(?:approve|confirm) (?:the|this|your) (?:log|sign)[ -]?in.{0,40}(?:app|phone"
            r"|device)",
        ),
        "sv": (
            r"(?:ange|skriv|skickat).{0,40}"
            r"(?:engångskod|verifieringskod|säkerhetskod|bekräftelsekod)",
            r"(?:ange|skriv in|fyll i) (?:den |din )?(?:\w+ )?(?:sms-?)?kod(?:en)?\b"
            r"|skickat (?:en|ett sms med en) kod\b",
            r"(?:öppna|starta) (?:mobilt )?bankid",
        ),
        "nb": (
            r"(?:skriv|tast|oppgi|angi|sendt).{0,40}"
            r"(?:engangskode|bekreftelseskode|sikkerhetskode|verifiseringskode)",
            r"(?:skriv|tast|fyll) inn (?:den )?(?:\w+ )?koden?\b|sendt (?:deg )?en kode\b",
            r"åpne bankid",
        ),
        "da": (
            r"(?:indtast|skriv|angiv|sendt).{0,40}"
            r"(?:engangskode|bekræftelseskode|sikkerhedskode|verifikationskode)",
            r"indtast (?:den )?(?:\w+ )?koden?\b|sendt (?:dig )?en kode\b",
            r"(?:åbn|godkend (?:med|i)) mitid",
        ),
        "fi": (
            r"(?:syötä|anna|kirjoita|lähet).{0,40}"
            r"(?:kertakäyttökoodi|vahvistuskoodi|turvakoodi|varmennuskoodi)",
            r"(?:syötä|anna|kirjoita) .{0,40}(?:tekstiviesti|saamasi).{0,30}koodi",
        ),
        "de": (
            r"(?:geben sie|gesendet|geschickt|eingabe).{0,60}(?:einmalcode|einmalpasswort"
            r"|einmalkennwort|bestätigungscode|sicherheitscode|verifizierungscode|tan\b)",
            r"geben sie .{0,30}code ein|ihnen .{0,40}code .{0,40}(?:gesendet|geschickt)",
            r"tan (?:eingeben|ein)\b",
        ),
        "nl": (
            r"(?:voer|vul|typ|gestuurd|verzonden).{0,40}"
            r"(?:eenmalige code|verificatiecode|beveiligingscode|bevestigingscode)",
            r"(?:vul|voer|typ) (?:hier )?de (?:\S+ )?code\b|een code (?:\w+ ){1,5}gestuurd",
        ),
        "fr": (
            r"(?:saisi|entrez|envoyé).{0,50}"
            r"code (?:à usage unique|de (?:vérification|sécurité|confirmation|validation))",
            r"saisi\w* le code (?:reçu|à \d|envoyé|qui)|code vous a été envoyé",
        ),
        "es": (
            r"(?:introdu|ingres|enviado).{0,50}"
            r"código de (?:verificación|seguridad|confirmación|un solo uso)",
            r"(?:introdu\w+|ingres\w+) el código (?:que|de \d)|enviado un código",
        ),
        "it": (
            r"(?:inseri|digita|inviato).{0,50}"
            r"codice (?:di (?:verifica|sicurezza|conferma)|otp|monouso)",
            r"(?:inseri\w+|digita) il codice (?:ricevuto|a \d|che)|inviato un codice",
        ),
        "pl": (
            r"(?:wpisz|podaj|wprowadź|wysłali).{0,50}"
            r"kod (?:weryfikacyjny|bezpieczeństwa|jednorazowy|sms|potwierdzający)",
            r"(?:wpisz|podaj|wprowadź) kod z\b|wysłaliśmy kod\b",
        ),
    },
    # Of a code that was typed: the page asks for another one.
    "wrong_code": {
        "en": (
            r"(?:wrong|incorrect|invalid|expired) (?!password|e-?mail|user)(?:\w+ ){0,2}"
            r"(?:code|passcode)",
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
            r"password (?:has |is )?expired",
            r"(?:you must|you need to|please|time to) (?:change|update) your password"
            r"(?! (?:regularly|often|frequently|every))",
            r"(?:choose|create|set) a new password|password (?:needs|has) to be changed",
        ),
        "sv": (
            r"lösenord(?:et)? har (?:gått ut|löpt ut)",
            r"(?:du måste|vänligen|dags att) (?:byta|ändra|byt|ändra på) (?:ditt )?lösenord",
            r"(?:välja?|ange) (?:ett )?nytt lösenord|lösenordet (?:behöver|måste) bytas",
        ),
        "nb": (
            r"passord(?:et)?(?: ditt)? (?:har (?:utløpt|gått ut)|er utløpt)",
            r"du må (?:endre|bytte|lage et nytt) passord",
            r"velg (?:et )?nytt passord",
        ),
        "da": (
            r"(?:adgangskoden?|kodeord(?:et)?) er udløbet",
            r"du skal (?:ændre|skifte|oprette) (?:din |dit |en ny |et nyt )?(?:adgangskode"
            r"|kodeord)",
            r"vælg (?:en ny adgangskode|et nyt kodeord)",
        ),
        "fi": (
            r"salasana(?:si|nne)? on vanhentunut",
            r"on vaihdettava salasana|salasana(?:si)? on vaihdettava"
            r"|sinun (?:täytyy|pitää) vaihtaa salasana",
            r"(?:valitse|aseta) uusi salasana",
        ),
        "de": (
            r"(?:passwort|kennwort) ist abgelaufen",
            r"müssen ihr (?:passwort|kennwort) (?:ändern|erneuern)"
            r"|ändern sie (?:bitte )?ihr (?:passwort|kennwort)(?! regelm)",
            r"(?:wählen|vergeben) sie (?:bitte )?ein neues (?:passwort|kennwort)",
        ),
        "nl": (
            r"wachtwoord is verlopen",
            r"(?:moet|dient) (?:je|u|uw) .{0,20}wachtwoord .{0,5}(?:wijzigen|veranderen)",
            r"(?:kies|stel) een nieuw wachtwoord|wijzig (?:je|uw) wachtwoord om (?:verder|door)",
        ),
        "fr": (
            r"mot de passe (?:a|est) expiré",
            r"(?:devez|veuillez) (?:changer|modifier) (?:de |votre )?mot de passe",
            r"(?:choisissez|définissez) un nouveau mot de passe",
        ),
        "es": (
            r"contraseña ha (?:caducado|expirado)",
            r"(?:debes?|tienes? que) cambiar (?:su|tu|la) contraseña"
            r"|por favor,? cambi[ae] (?:su|tu) contraseña",
            r"(?:elija|elige) una nueva contraseña",
        ),
        "it": (
            r"password (?:è|e') scaduta",
            r"(?:dev[ei]|è necessario) (?:cambiare|modificare) la (?:tua |sua )?password",
            r"scegli una nuova password",
        ),
        "pl": (
            r"hasło (?:wygasło|straciło ważność)",
            r"(?:musisz|należy) zmienić hasło",
            r"(?:ustaw|wybierz) nowe hasło",
        ),
    },
    "action": {
        "en": (
            r"(?:accept|agree to) (?:the|our|new|updated|these).{0,30}(?:terms|conditions)"
            r".{0,30}(?:to|before).{0,12}(?:continue|proceed|go on)",
            r"(?:confirm|verify|update) your (?:e-?mail|contact|phone).{0,40} to continue",
            r"(?:read and )?accept (?:the|our) (?:new|updated|revised) (?:terms|conditions)",
            r"e-?mail.{0,20}not (?:yet )?(?:been )?verified.{0,30}check your (?:inbox|e-?mail)",
            r"(?:terms|conditions).{0,80}accept.{0,30}to (?:continue|proceed)",
        ),
        "sv": (
            r"godkänn (?:våra|de) (?:nya )?(?:villkor|användarvillkor).{0,30}för att fortsätta",
            r"villkor.{0,80}(?:godkänn|acceptera).{0,30}för att (?:fortsätta|gå vidare)",
            r"måste (?:godkänna|acceptera) .{0,20}villkor",
            r"(?:bekräfta|uppdatera) dina? (?:e-?post|mobil|telefon|kontakt).{0,30}"
            r"för att (?:fortsätta|gå vidare)",
        ),
        "nb": (r"(?:godta|aksepter) (?:våre|de) (?:nye )?vilkår.{0,30}for å fortsette"
            r"|vilkår.{0,80}(?:godta|aksepter).{0,30}for å fortsette"
            r"|(?:godta|akseptere) .{0,12}vilkår\w* for å (?:fortsette|gå videre)"
            r"|(?:bekreft|oppdater) (?:e-?post|mobil|telefon|kontakt).{0,30}for å fortsette",),
        "da": (
            r"(?:accepter|godkend) (?:vores|de) (?:nye )?(?:vilkår|betingelser).{0,30}"
            r"for at fortsætte",
            r"(?:vilkår|betingelser).{0,80}(?:accepter|godkend).{0,30}for at fortsætte",
            r"acceptere? .{0,20}(?:vilkår|betingelser)\w* for at fortsætte"
            r"|bekræft dine? (?:e-?mail|mobil|telefon|kontakt).{0,30}for at fortsætte",
        ),
        "fi": (r"hyväksy (?:uudet )?(?:käyttö)?ehdot.{0,30}jatkaaksesi"
            r"|ehdo.{0,80}hyväks.{0,30}jatka"
            r"|(?:vahvista|päivitä) (?:sähköposti|puhelin|yhteys)\w* jatkaaksesi",),
        "de": (
            r"(?:akzeptieren|bestätigen) sie (?:bitte )?(?:die|unsere).{0,40}"
            r"(?:bedingungen|agb).{0,30}(?:um )?fortzufahren",
            r"(?:bedingungen|agb).{0,80}(?:zustimm|akzeptier|bestätig).{0,40}fort(?:zu)?fahren",
            r"stimmen sie .{0,12}neuen (?:\w*bedingungen|agb) zu"
            r"|bestätigen sie (?:bitte )?ihre (?:e-?mail|telefon|kontakt).{0,30}fort(?:zu)?fahren",
        ),
        "nl": (r"(?:accepteer|akkoord met) (?:de|onze).{0,20}voorwaarden.{0,20}om (?:door"
            r"|verder) te"
            r"|bevestig (?:je|uw) (?:e-?mail|telefoon|gegevens).{0,30}om (?:door|verder) te gaan"
            r"|voorwaarden.{0,80}(?:accepte|akkoord).{0,30}(?:door|verder) te gaan",),
        "fr": (
            r"(?:acceptez|accepter) (?:les|nos).{0,30}conditions.{0,40}(?:pour"
            r"|avant de) continuer",
            r"conditions.{0,80}accepter.{0,30}(?:pour|avant de) continuer",
            r"confirmez votre (?:adresse|e-?mail|numéro).{0,30}pour continuer",
        ),
        "es": (r"acept[ae] (?:los|las|nuestr[oa]s).{0,30}(?:términos"
        r"|condiciones).{0,30}continuar"
        r"|(?:términos|condiciones).{0,80}acept.{0,30}continuar"
        r"|confirm[ae] (?:tu|su) (?:correo|e-?mail|teléfono).{0,30}para continuar",),
        "it": (r"accett[ai] (?:i|le|nostri).{0,30}(?:termini|condizioni).{0,30}(?:continuare"
        r"|proseguire)|(?:termini|condizioni).{0,80}accett.{0,30}(?:continuare|proseguire)"
        r"|conferma il (?:tuo|suo) (?:indirizzo|numero).{0,30}per (?:continuare|proseguire)",),
        "pl": (r"zaakceptuj.{0,30}(?:regulamin|warunki).{0,30}(?:aby|by) kontynuować"
        r"|(?:regulamin|warunk).{0,80}akceptu.{0,40}kontynuow"
        r"|potwierdź swój (?:adres|numer).{0,30}(?:aby|by) kontynuować",),
    },
    "rate_limited": {
        "en": (
            r"too many (?:requests|log-?ins|visits)",
            r"doing that too (?:often|much)|rate limit (?:exceeded|reached)",
        ),
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
            r"(?:is|are|'re) (?:currently )?(?:under|undergoing|performing|carrying out).{0,12} "
            r"maintenance|maintenance (?:is )?in progress",
        ),
        "sv": (
            r"(?:stängt|stängda?|nere) (?:för|på grund av).{0,20}(?:underhåll|service)",
            r"underhåll(?:sarbete)? pågår|just nu uppdaterar vi",
        ),
        "nb": (r"(?:stengt|nede|utilgjengelig) (?:for|på grunn av).{0,20}vedlikehold"
            r"|vedlikehold pågår",),
        "da": (
            r"(?:lukket|nede|utilgængelig) (?:for|på grund af|pga\.?).{0,20}"
            r"(?:vedligeholdelse|vedligehold)",
        ),
        "fi": (r"(?:suljettu|poissa käytöstä).{0,20}huollon vuoksi"
        r"|huoltokatko (?:on )?käynnissä|palvelussa on huoltokatko",),
        "de": (r"wegen wartung.{0,40}nicht (?:erreichbar|verfügbar)|wartungsarbeiten",),
        "nl": (r"(?:gesloten|niet beschikbaar) (?:wegens|vanwege|door).{0,20}onderhoud"
            r"|vindt (?:\w+ )?onderhoud plaats",),
        "fr": (r"(?:fermé|indisponible|inaccessible).{0,20}maintenance|maintenance en cours"
            r"|(?:site|service) (?:est )?(?:actuellement )?en maintenance",),
        "es": (r"(?:cerrado|no disponible).{0,20}mantenimiento|en mantenimiento"
            r"|(?:realizando|tareas de).{0,20}mantenimiento",),
        "it": (r"(?:chiuso|non disponibile).{0,20}manutenzione|in manutenzione"
            r"|effettuando .{0,20}manutenzione",),
        "pl": (r"(?:niedostępn|zamknięt).{0,30}prac(?:e|ami)? (?:konserwac|serwis|techniczn)"
        r"|przerwa techniczna|trwają prace (?:konserwac|serwis|techniczn)",),
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
