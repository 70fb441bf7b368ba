"""What portals say is understood in eleven languages, and menus and fields say nothing."""

from __future__ import annotations

import pytest

from bills.portals.logins import outcomes, phrases
from bills.portals.logins.signs import Mark, in_its_language, matches

REFUSED = {
    "en": ("Wrong e-mail or password.", "That username does not exist.",
           "Invalid credentials", "The password is not right. 2 tries left.", "Login failed."),
    "sv": ("Fel e-post eller lösenord", "Felaktigt användarnamn eller lösenord.",
           "Lösenordet stämmer inte", "Inloggningen misslyckades"),
    "nb": ("Feil brukernavn eller passord", "Passordet er ikke riktig", "Ugyldig kundenummer"),
    "da": ("Forkert brugernavn eller adgangskode", "Adgangskoden passer ikke",
           "Vi kunne ikke logge dig ind."),
    "fi": ("Väärä käyttäjätunnus tai salasana", "Salasana on virheellinen",
           "Kirjautuminen epäonnistui"),
    "de": ("Benutzername oder Passwort falsch", "Die Anmeldedaten sind ungültig",
           "Ihr Kennwort ist nicht korrekt", "Die Zugangsdaten stimmen nicht"),
    "nl": ("Onjuist e-mailadres of wachtwoord", "Uw gegevens kloppen niet"),
    "fr": ("Identifiant ou mot de passe incorrect.", "Votre mot de passe n'est pas valide"),
    "es": ("Usuario o contraseña incorrectos", "La contraseña no es válida"),
    "it": ("Nome utente o password errati", "Credenziali non valide"),
    "pl": ("Nieprawidłowy login lub hasło", "Hasło jest błędne"),
}  # fmt: skip
LOCKED = {
    "en": "Your account has been locked.", "sv": "Ditt konto är spärrat",
    "nb": "Kontoen din er sperret", "da": "Din konto er spærret", "fi": "Tilisi on lukittu",
    "de": "Ihr Konto wurde gesperrt", "nl": "Uw account is geblokkeerd",
    "fr": "Votre compte est bloqué", "es": "Su cuenta está bloqueada",
    "it": "Il tuo account è bloccato", "pl": "Twoje konto zostało zablokowane",
}  # fmt: skip
LOG_OUT = {
    "en": "Sign out", "sv": "Logga ut", "nb": "Logg ut", "da": "Log ud", "fi": "Kirjaudu ulos",
    "de": "Abmelden", "nl": "Uitloggen", "fr": "Se déconnecter", "es": "Cerrar sesión",
    "it": "Esci", "pl": "Wyloguj się",
}  # fmt: skip
LOG_IN = {
    "en": "Log in", "sv": "Logga in", "nb": "Logg inn", "da": "Log ind", "fi": "Kirjaudu sisään",
    "de": "Anmelden", "nl": "Inloggen", "fr": "Se connecter", "es": "Iniciar sesión",
    "it": "Accedi", "pl": "Zaloguj się",
}  # fmt: skip
CAPTCHA = {
    "en": "Enter the characters in the image", "sv": "Skriv in tecknen i bilden",
    "nb": "Skriv inn tegnene du ser i bildet", "da": "Indtast tegnene i billedet",
    "fi": "Kirjoita kuvassa näkyvät merkit", "de": "Geben Sie bitte die Zeichen aus dem Bild ein",
    "nl": "Typ de tekens uit de afbeelding", "fr": "Saisissez les caractères de l'image",
    "es": "Escribe los caracteres que ves en la imagen",
    "it": "Inserisci i caratteri dell'immagine", "pl": "Przepisz znaki z obrazka",
}  # fmt: skip
TERMS = {
    "en": "Our terms have changed. Please accept them to continue.",
    "sv": "Våra villkor har ändrats. Du behöver godkänna dem för att fortsätta.",
    "nb": "Vilkårene er endret. Du må godta dem for å fortsette.",
    "da": "Vores vilkår er ændret. Du skal acceptere dem for at fortsætte.",
    "fi": "Ehdot ovat muuttuneet. Hyväksy ne jatkaaksesi.",
    "de": "Unsere AGB haben sich geändert. Bitte stimmen Sie zu: zustimmen, um fortzufahren.",
    "nl": "Onze voorwaarden zijn gewijzigd. Accepteer ze om verder te gaan.",
    "fr": "Nos conditions ont changé. Veuillez les accepter pour continuer.",
    "es": "Los términos han cambiado. Acéptalos: debes aceptarlos para continuar.",
    "it": "Le condizioni sono cambiate. Accettale per continuare.",
    "pl": "Regulamin się zmienił. Wymagana akceptuj, aby kontynuować",
}  # fmt: skip
HARMLESS = (
    "E-mail Password Forgot your password? Log in",
    "Change password · Settings · Log out",
    "Fyll ut feltet passord. Glemt passord? Brukernavn",
    "Felt: adgangskode",
    "Vaihda salasana",
    "Passwort vergessen? Kennwort anzeigen",
    "Mot de passe oublié ?",
    "¿Ha olvidado su contraseña?",
    "Password dimenticata?",
    "Nie pamiętasz hasła?",
    "Byt lösenord",
)


def outcomes_of(text: str) -> set[str]:
    small = " ".join(text.split()).lower()
    return {
        outcome
        for outcome in ("refused", *outcomes.OUTCOMES)
        for pattern in phrases.outcome_patterns(outcome).values()
        if matches(pattern, small)
    }


@pytest.mark.parametrize(
    ("language", "text"), [(name, text) for name, texts in REFUSED.items() for text in texts]
)
def test_a_refusal_is_understood(language: str, text: str) -> None:
    assert matches(phrases.outcome_patterns("refused")[language], text.lower())


@pytest.mark.parametrize(("language", "text"), LOCKED.items())
def test_a_locked_account_is_not_called_a_wrong_password(language: str, text: str) -> None:
    assert matches(phrases.outcome_patterns("locked")[language], text.lower())
    assert "refused" not in outcomes_of(text)


@pytest.mark.parametrize("language", phrases.LANGUAGES)
def test_a_picture_to_copy_and_terms_to_accept_are_understood(language: str) -> None:
    for outcome, said in (("captcha", CAPTCHA), ("action", TERMS)):
        pattern = phrases.outcome_patterns(outcome)[language]
        assert matches(pattern, said[language].lower()), outcome


@pytest.mark.parametrize("text", HARMLESS)
def test_what_every_login_page_says_means_nothing(text: str) -> None:
    assert outcomes_of(text) == set()


@pytest.mark.parametrize("language", phrases.LANGUAGES)
def test_every_language_has_its_buttons(language: str) -> None:
    out = phrases.compiled(phrases.control_pattern("log_out"))
    into = phrases.compiled(phrases.control_pattern("log_in"))
    assert out.fullmatch(LOG_OUT[language].lower())
    assert into.fullmatch(LOG_IN[language].lower())
    assert not out.fullmatch(LOG_IN[language].lower())
    assert not into.fullmatch(LOG_OUT[language].lower())
    for kind, spoken in phrases.CONTROLS.items():
        assert language in spoken, kind


def test_the_pages_own_language_and_english_count_before_all_others() -> None:
    norwegian, swedish, english = (
        Mark("refused", phrase="x", language=name) for name in ("nb", "sv", "en")
    )
    seen = {norwegian: frozenset("a"), swedish: frozenset("b"), english: frozenset("c")}
    assert set(in_its_language(seen, "no-NO")) == {norwegian, english}
    assert set(in_its_language(seen, "")) == set(seen)
    assert set(in_its_language({swedish: frozenset("b")}, "en")) == {swedish}


@pytest.mark.parametrize(
    ("tag", "language"), [("sv-SE", "sv"), ("nn", "nb"), ("EN_us", "en"), ("ja", ""), ("", "")]
)
def test_a_pages_language_is_read(tag: str, language: str) -> None:
    assert phrases.language(tag) == language
