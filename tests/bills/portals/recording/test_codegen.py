"""What Playwright's recorder prints becomes a recipe; what it does not say is left to guess."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from bills.portals.recipe_schema import load_recipe
from bills.portals.recording.acts import NotRecorded, Recorded
from bills.portals.recording.codegen import LONGEST_SCRIPT, MOST_PROBLEMS, read_script
from bills.portals.recording.recipes import recipe_of
from bills.portals.recording.script_lines import NotUnderstood, Pattern, read_chain

SECRET, USER = "hem'lig\"å1", "ann@example.test"
PYTHON = """import re
from playwright.sync_api import Playwright, sync_playwright, expect


def run(playwright: Playwright) -> None:
    browser = playwright.chromium.launch(headless=False)
    context = browser.new_context(viewport={"width": 600,
        "height": 800})
    page = context.new_page()
    page.goto("https://norrsken.example/login")
    page.get_by_role("button", name="Accept all cookies").click()
    page.get_by_text("Private customers").click()
    page.get_by_role("textbox", name="E-mail").click()
    page.get_by_role("textbox", name="E-mail").fill("ann@example.test")
    page.get_by_role("textbox", name="E-mail").press("Tab")
    page.get_by_role("textbox", name="Password").fill("hem'lig\\"å1")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Your bills")).to_be_visible()
    page.goto("https://norrsken.example/bills")
    page.get_by_label("Year").select_option("2026")
    page.once("dialog", lambda dialog: dialog.dismiss())
    with page.expect_download() as download_info:
        page.get_by_role("row", name="Bill 1001").get_by_role("link", name="PDF").click()
    download = download_info.value
    page.get_by_role("link", name="Next").click()
    page.close()

    # ---------------------
    context.close()
    browser.close()


with sync_playwright() as playwright:
    run(playwright)
"""
EXPECTED = {
    "overlays": [{"role": "button", "name": "Accept all cookies"}],
    "login": {
        "steps": [{"click": {"text": "Private customers"}}],
        "email": {"role": "textbox", "name": "E-mail"},
        "password": {"role": "textbox", "name": "Password"},
        "submit": {"role": "button", "name": "Log in"},
    },
    "outcomes": {"success": [{"selector": 'role=heading[name="Your bills" i]'}]},
    "bills": {
        "steps": [{"select": {"label": "Year"}, "value": "2026"}],
        "link": {"role": "link", "name": "PDF"},
        "next": {"role": "link", "name": "Next"},
    },
}
JAVASCRIPT = """import { test, expect } from '@playwright/test';

test.use({
  viewport: {
    height: 600,
    width: 800
  }
});

test('test', async ({ page }) => {
  await page.goto('https://norrsken.example/login');
  await page.getByRole('button', { name: 'Accept all cookies' }).click();
  await page.getByText('Private customers').click();
  await page.getByRole('textbox', { name: 'E-mail' }).fill('ann@example.test');
  await page.getByRole('textbox', { name: 'Password' }).fill('hem\\'lig"å1');
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { name: 'Your bills' })).toBeVisible();
  await page.goto('https://norrsken.example/bills');
  await page.getByLabel('Year').selectOption('2026');
  page.once('dialog', dialog => {
    console.log(`Dialog message: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  const downloadPromise = page.waitForEvent('download');
  await page.getByRole('row', { name: 'Bill 1001' }).getByRole('link', { name: 'PDF' }).click();
  const download = await downloadPromise;
  await page.getByRole('link', { name: 'Next' }).click();
});
"""
LIBRARY = JAVASCRIPT.replace(
    JAVASCRIPT[: JAVASCRIPT.index("  await page.goto")],
    """const { chromium } = require('playwright');

(async () => {
  const browser = await chromium.launch({
    headless: false
  });
  const context = await browser.newContext();
  const page = await context.newPage();
""",
).replace(
    "});\n",
    """
  // ---------------------
  await context.close();
  await browser.close();
})();
""",
    1,
)
ASYNC = (
    PYTHON.replace("sync_api", "async_api")
    .replace("sync_playwright", "async_playwright")
    .replace("    page.", "    await page.")
    .replace("    expect(", "    await expect(")
    .replace("def run", "async def run")
    .replace("with page.", "async with page.")
    .replace("with async_playwright() as playwright:\n    run(playwright)", "asyncio.run(main())")
)


def made_of(script: str, billing_url: str = "") -> Recorded:
    return recipe_of(read_script(script), billing_url)


def logging_in(*after: str, before: str = "") -> str:
    """A script that logs in, with further lines."""
    return "\n".join(
        [
            'page.goto("https://a.example/login")',
            before,
            f'page.get_by_label("E-mail").fill("{USER}")',
            f"page.get_by_label('Password').fill({SECRET!r})",
            'page.get_by_role("button", name="Log in").click()',
            *after,
        ]
    )


@pytest.mark.parametrize(
    "script", [PYTHON, ASYNC, JAVASCRIPT, LIBRARY, PYTHON.replace("\n", "\r\n")]
)
def test_both_languages_say_the_same(script: str) -> None:
    recorded = made_of(script)
    assert recorded.recipe == EXPECTED
    assert recorded.login_url == "https://norrsken.example/login"
    assert recorded.billing_url == "https://norrsken.example/bills"
    assert recorded.notes == ()
    load_recipe(recorded.recipe)


def test_nothing_that_was_typed_is_handed_on() -> None:
    more = logging_in('page.get_by_label("Customer number").fill("771 2")')
    recorded = made_of(more, "https://a.example/bills")
    said = json.dumps(recorded.recipe) + " ".join(map(str, recorded.notes))
    assert not any(each in said for each in (SECRET, USER, "771 2"))
    assert recorded.recipe["bills"]["steps"] == [
        {"fill": {"label": "Customer number"}, "value": "{customer_number}"}
    ]
    assert repr(read_script(more)).count("771 2") == 0


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"page.get_by_text({SECRET!r}).click()", "RECORDING_NAMES_PASSWORD"),
        (f'page.goto("https://a.example/?p={quote(SECRET)}")', "RECORDING_NAMES_PASSWORD"),
        (f'page.goto("https://a.example/?p=" {SECRET!r})', "CODEGEN_UNKNOWN_LINE"),
        (f'page.get_by_role("link", name="Hello {USER}").click()', "RECORDING_NAMES_USER"),
        ('page.get_by_text("x").drag_to(page.get_by_text("y"))', "CODEGEN_UNKNOWN_ACT"),
        ('page.set_input_files("x")', "CODEGEN_UNKNOWN_ACT"),
        ('page.click("#x")', "CODEGEN_UNKNOWN_PLACE"),
        ('page.get_by_label("x").and_(page.get_by_role("link")).click()', "CODEGEN_UNKNOWN_PLACE"),
        ("page.get_by_text(name).click()", "CODEGEN_UNKNOWN_PLACE"),
        ('page.locator("li", has=page.get_by_text("x")).click()', "CODEGEN_UNKNOWN_PLACE"),
        ('page.locator("li").filter(has_not_text="x").click()', "CODEGEN_UNKNOWN_PLACE"),
        ('page.get_by_text("x".click()', "CODEGEN_UNKNOWN_LINE"),
        ("print(open('/etc/passwd').read())", "CODEGEN_UNKNOWN_LINE"),
        ('driver.find_element("id", "x")', "CODEGEN_UNKNOWN_LINE"),
    ],
)
def test_a_line_that_says_nothing_is_named_with_its_number(line: str, code: str) -> None:
    with pytest.raises(NotRecorded) as refused:
        read_script(logging_in(line))
    (problem,) = refused.value.problems
    assert problem.code == code
    assert "Line 6" in str(problem)
    assert SECRET not in str(problem)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("", "CODEGEN_NOTHING"),
        ("import re\n# nothing\n", "CODEGEN_NOTHING"),
        ('page.goto("https://a.example")', "RECORDING_NO_PASSWORD"),
        ('page.get_by_label("Password").fill("x")', "RECORDING_NO_LOGIN_PAGE"),
        (logging_in(), "RECORDING_NO_BILLING_URL"),
        ("page.goto('x')\n" * LONGEST_SCRIPT, "CODEGEN_TOO_LONG"),
        ("page.goto('x')\n" * 2000, "CODEGEN_TOO_MANY"),
    ],
)
def test_a_script_that_is_no_recording_says_what_is_missing(script: str, code: str) -> None:
    with pytest.raises(NotRecorded) as refused:
        made_of(script)
    assert [problem.code for problem in refused.value.problems] == [code]


def test_of_many_wrong_lines_the_first_are_named() -> None:
    with pytest.raises(NotRecorded) as refused:
        read_script("nonsense()\n" * 30)
    assert len(refused.value.problems) == MOST_PROBLEMS + 1


@pytest.mark.parametrize(
    ("locator", "target"),
    [
        ('get_by_label("Code", exact=True)', {"label": "Code"}),
        ('get_by_placeholder("Number")', {"placeholder": "Number"}),
        ('get_by_role("link").first', {"role": "link"}),
        ('locator("#menu > a")', {"selector": "#menu > a"}),
        ('get_by_role("link", name="Bills").nth(2)',
         {"selector": 'role=link[name="Bills"i] >> nth=2'}),
        ('get_by_role("link", name=re.compile(r"^Bills \\d$", re.IGNORECASE))',
         {"selector": "role=link[name=/^Bills \\d$/i]"}),
        ("getByRole('link', { name: /^Bills/ })", {"selector": "role=link[name=/^Bills/]"}),
        ('locator("#a").get_by_text("Bills")', {"selector": '#a >> text="Bills"'}),
        ("locator('li').filter({ hasText: 'Bills' })",
         {"selector": 'li >> internal:has-text="Bills"i'}),
        ('locator("li", has_text="Bills")', {"selector": 'li >> internal:has-text="Bills"i'}),
        ('get_by_test_id("open")', {"selector": '[data-testid="open" i]'}),
        ('locator("iframe").content_frame.get_by_label("A")',
         {"label": "A", "frame": "iframe"}),
        ('frame_locator("#f").get_by_text("A")', {"text": "A", "frame": "#f"}),
    ],
)  # fmt: skip
def test_a_locator_becomes_a_target(locator: str, target: dict[str, str]) -> None:
    lines = logging_in(f"page.{locator}.click()", 'page.get_by_label("Z").select_option("1")')
    recorded = made_of(lines, "https://a.example/bills")
    assert recorded.recipe["bills"]["steps"][0] == {"click": target}
    load_recipe(recorded.recipe)


def test_a_login_on_two_pages_with_a_code_and_a_page_between() -> None:
    recorded = made_of(
        """
        page.goto("https://a.example/login")
        page.get_by_label("E-mail").fill("ann@example.test")
        page.get_by_role("button", name="Next").click()
        page.get_by_label("Password").fill("secret-1")
        page.get_by_label("Password").press("Enter")
        page.get_by_role("button", name="Send a code").click()
        page.get_by_label("Code").fill("123456")
        page.get_by_label("Trust this browser").check()
        page.get_by_role("button", name="Verify").click()
        page.get_by_role("button", name="Not now").click()
        page.get_by_role("link", name="Bills").click()
        page.goto("https://a.example/bills")
        with page.expect_popup() as page1_info:
            page.get_by_text("View").click()
        page1 = page1_info.value
        with page1.expect_download() as download_info:
            page1.get_by_role("link", name="Save as PDF").click()
        """
    )
    assert recorded.recipe == {
        "login": {
            "email": {"label": "E-mail"},
            "next": {"role": "button", "name": "Next"},
            "password": {"label": "Password"},
            "code": {
                "send": {"role": "button", "name": "Send a code"},
                "box": {"label": "Code"},
                "remember": {"label": "Trust this browser"},
                "submit": {"role": "button", "name": "Verify"},
            },
            "then": [{"click": {"role": "button", "name": "Not now"}, "optional": True}],
        },
        "bills": {"link": {"text": "View"}, "document": {"role": "link", "name": "Save as PDF"}},
    }
    assert [note.code for note in recorded.notes] == ["RECORDING_LED_THERE"]


def test_a_heading_with_quotation_marks_proves_the_login() -> None:
    heading = """page.get_by_role("heading", name='Welcome to "My pages"')"""
    recorded = made_of(logging_in(f"expect({heading}).to_be_visible()"), "https://a.example/bills")
    assert recorded.recipe["outcomes"] == {
        "success": [{"selector": 'role=heading[name="Welcome to \\"My pages\\"" i]'}]
    }


def test_a_document_that_names_one_bill_is_left_to_guess() -> None:
    recorded = made_of(
        logging_in(
            'page.goto("https://a.example/bills")',
            "with page.expect_download() as download_info:",
            '    page.get_by_role("link", name="Invoice 10023").click()',
        )
    )
    assert "bills" not in recorded.recipe
    assert [note.code for note in recorded.notes] == ["RECORDING_ONE_BILL"]


@pytest.mark.parametrize(
    "label", ["Lösenord", "Salasana", "Passwort", "Mot de passe", "Contraseña", "Hasło", "PIN"]
)
def test_the_passwords_box_is_known_in_every_language(label: str) -> None:
    script = logging_in().replace("'Password'", repr(label))
    recorded = made_of(script, "https://a.example/bills")
    assert recorded.recipe["login"]["password"] == {"label": label}
    assert recorded.recipe["login"]["email"] == {"label": "E-mail"}


@pytest.mark.parametrize(
    ("chain", "value"),
    [
        ('f("a\\u00e5\\n\\x41")', "aå\nA"),
        (r'f(r"\d")', r"\d"),
        ("f('it\\'s')", "it's"),
        ("f(`a`)", "a"),
        ("f(/a[/]b/i)", Pattern("a[/]b", any_case=True)),
        ("f(['a', 'b'])", ["a", "b"]),
        ("f(true)", None),
        ("f(-12)", "-12"),
    ],
)
def test_a_value_is_read_as_its_language_means_it(chain: str, value: object) -> None:
    assert read_chain(chain)[0].values == (value,)


@pytest.mark.parametrize(
    "text", ["", "a.", "f(", "f(a b)", "f({a})", "f(" * 50 + ")" * 50, "f(;)"]
)
def test_what_is_no_chain_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        read_chain(text)


@pytest.mark.parametrize(
    "script",
    [
        'page.goto("' + '\\"' * 4_900 + "\n",
        "page.f(" * 20_000,
        ("page.goto(" + "[" * 4_000 + "\n") * 40,
        "page.goto('" + "a" * 190_000 + "')",
        "page.get_by_text(/" + "[a" * 4_000 + "/).click()",
        "with page.expect_download(" + ")" * 9_000,
    ],
)
def test_a_hostile_script_is_refused_like_any_other(script: str) -> None:
    with pytest.raises(NotRecorded):
        read_script(script)
