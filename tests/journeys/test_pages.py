"""Every page that can be opened, in each of its states: at two widths, light and dark, by the rules of accessibility.

JOURNEY_PICTURES=FOLDER keeps a picture of each, for people to look at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, StorageState, expect

from dashboard.routes import dashboard
from public.routes import public
from tests.journeys.forms import known_form, make_form
from tests.journeys.product import Product

pytestmark = [pytest.mark.journey, pytest.mark.slow]

WIDTHS = {1440: 900, 360: 740}
SCHEMES = ("light", "dark")
SIDEWAYS = (
    "[document.documentElement, document.querySelector('main')].some(box => box && box.scrollWidth > box.clientWidth)"
)
# Every rule that axe has on, and the smallest target of WCAG 2.2 (2.5.8), which it leaves out unless asked.
RULES = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
# A page with an error status is said so on the console by the browser itself.
SAID_BY_THE_BROWSER = "Failed to load resource: the server responded with a status of 4"


@dataclass(frozen=True)
class Shown:
    """One page in one state; `address` may name a conversation of the `scene`. `text` is what tells that it is this one."""

    name: str
    endpoint: str
    address: str
    text: str
    signed_in: bool = True


PAGES = (
    Shown("sign-in", "dashboard.sign_in", "/login", "Every lead answered within seconds", signed_in=False),
    Shown("businesses", "dashboard.tenants", "/tenants", "Choose a business"),
    Shown("inbox", "dashboard.inbox", "/", "Needs human"),
    Shown("inbox-needs-human", "dashboard.inbox", "/?queue=needs-human", "Handed over"),
    Shown("inbox-mine", "dashboard.inbox", "/?queue=mine", "Mine"),
    Shown("inbox-ai", "dashboard.inbox", "/?queue=ai", "AI handling"),
    Shown("inbox-waiting", "dashboard.inbox", "/?queue=waiting-on-lead", "Waiting on lead"),
    Shown("thread-open", "dashboard.thread", "/c/{open}", "AI active"),
    Shown("thread-details", "dashboard.thread", "/c/{open}#context", "Opt this person out"),
    Shown("thread-taken", "dashboard.thread", "/c/{taken}", "You have it"),
    Shown("thread-handed-over", "dashboard.thread", "/c/{handed}", "Handed over"),
    Shown("thread-held", "dashboard.thread", "/c/{held}", "On hold"),
    Shown("thread-stopped", "dashboard.thread", "/c/{stopped}", "No text can be sent"),
    Shown("thread-older", "dashboard.thread", "/c/{older}", "This text is"),
    Shown("opt-out", "dashboard.ask_opt_out", "/c/{open}/opt-out", "Staff cannot undo it"),
    Shown("privacy", "dashboard.ask_privacy", "/c/{open}/privacy", "Make a link"),
    Shown("erase", "dashboard.ask_erase", "/c/{open}/erase", "Nobody can undo it"),
    Shown("tasks", "dashboard.tasks", "/tasks", "Answer in person"),
    Shown("alerts", "dashboard.alerts", "/alerts", "The AI handed a conversation over"),
    Shown("consent-on-paper", "dashboard.ask_agreement", "/c/{open}/consent", "The exact words that they agreed to"),
    Shown("lists", "dashboard.import_lists", "/imports", "Bring a list of people"),
    Shown("list-draft", "dashboard.import_list", "/imports/{list}", "How the columns are read"),
    Shown("forms", "dashboard.forms", "/forms", "Ask about a home"),
    Shown("form-new", "dashboard.new_form", "/forms/new", "Its words are written for what you choose"),
    Shown("form-editor", "dashboard.form", "/forms/{form}", "Nothing is missing"),
    Shown("form-editor-missing", "dashboard.form", "/forms/{lacking}", "to mend before it can be published"),
    Shown("rules", "dashboard.rules", "/rules", "Sending rules"),
    Shown("rules-keywords", "dashboard.rules", "/rules#keywords", "HOME12"),
    Shown("nothing-here", "dashboard.thread", "/c/00000000-0000-4000-8000-000000000000", "There is nothing here"),
)
PUBLIC_PAGES = (
    Shown("public-form", "public.form", "/f/{token}", "You can send this form without ticking the box"),
    Shown(
        "public-form-in-a-page", "public.form", "/f/{token}?embed=1", "You can send this form without ticking the box"
    ),
    Shown("public-form-spanish", "public.form", "/f/{spanish}", "Puede enviar este formulario sin marcar la casilla"),
    Shown("public-thanks", "public.thanks", "/f/{token}/thanks", "Thank you"),
    Shown("public-privacy", "public.privacy", "/f/{token}/privacy", "We do not sell, rent or share mobile numbers"),
    Shown("public-terms", "public.terms", "/f/{spanish}/terms", "No vendemos, alquilamos ni compartimos"),
    Shown("own-page", "public.own_page", "/l/{own}", "Your texts and your data"),
    Shown("own-page-delete", "public.own_page_delete", "/l/{own}/delete", "Delete everything now"),
    Shown("own-page-gone", "public.own_page", "/l/nothing", "This link is not valid"),
    Shown("public-nothing", "public.form", "/f/nothing", "There is no form here"),
)
NO_PUBLIC_PAGES = {"public.static", "public.embed_script"}
LIST = b"Phone,Full name,Consent date\n+13125550161,Sam Rivera,2026-05-01\n12,Nobody,\n"
NO_PAGES = {
    "dashboard.live",
    "dashboard.list_errors",
    "dashboard.static",
}  # what the pages themselves load: see the first test
PHONE_PARTS = ("phone", "leads", "wire", "faults")
LEADS = {"open": "+13125550151", "taken": "+13125550152", "handed": "+13125550153", "held": "+13125550154"}
LEADS |= {"stopped": "+13125550155"}
WORDS = {
    "open": "Hi, is 412 Maple still available? My ssn is 078-05-1120",
    "taken": "Is 1508 Oak Blvd still for sale?",
    "handed": "HUMAN",
    "held": "not now, please stop for today",
    "stopped": "STOP",
}


@pytest.fixture(scope="session")
def scene(browser: Browser, product: Product, signed_in: StorageState) -> dict[str, str]:
    """A conversation in each state, by the name of the state."""
    for name, number in LEADS.items():
        product.text(number, WORDS[name])
    for name in ("open", "handed"):
        product.answer(LEADS[name], 1)
    context = browser.new_context(storage_state=signed_in)
    page = context.new_page()
    page.goto(f"{product.url}/?queue=all")
    found = {name: _conversation(page, f"{number[-2:]}$") for name, number in LEADS.items()}
    # The demo has a past: who comes last has not written for days.
    found["older"] = str(page.locator("a.entry:has(.tag-ok)").last.get_attribute("data-id"))
    page.goto(f"{product.url}/c/{found['taken']}")
    page.get_by_role("button", name="Take over").click()
    page.get_by_role("textbox", name=re.compile("^Text to")).fill("Sam here: it is, and the open house is on Saturday.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".by-agent")).to_contain_text("Sam here")
    page.goto(f"{product.url}/c/{found['open']}/privacy")
    page.get_by_role("button", name="Make a link").click()
    found["own"] = page.locator("#link").input_value().rpartition("/")[2]
    page.goto(f"{product.url}/imports")
    page.get_by_label("CSV file").set_input_files({"name": "May.csv", "mimeType": "text/csv", "buffer": LIST})
    page.get_by_role("button", name="Show what it would do").click()
    page.wait_for_url(re.compile("/imports/.+"))
    found["list"] = page.url.rpartition("/")[2]
    page.goto(f"{product.url}/rules")
    page.locator("#word").fill("HOME12")
    page.locator("#source").fill("Sign on Maple St")
    page.locator("#source").press("Enter")
    expect(page.get_by_role("heading", name="HOME12")).to_be_visible()
    found["form"], found["token"] = astuple(known_form(page, product.url))
    found["lacking"] = make_form(page, product.url, "Not ready yet", words="Lakeside Realty Group texts you.").id
    found["spanish"] = make_form(page, product.url, "Pregunte por una casa", language="Spanish").token
    context.close()
    return found


def _conversation(page: Page, who: str) -> str:
    row = page.locator("a.entry", has=page.locator(".row-who", has_text=re.compile(who))).first
    return str(row.get_attribute("data-id"))


@dataclass
class Look:
    """Opens pages at one colour scheme and keeps what there is to complain about."""

    page: Page
    complaints: list[str]
    scheme: str

    def at(self, name: str, text: str) -> None:
        """Judge what is open at both widths."""
        for width, height in WIDTHS.items():
            self.page.set_viewport_size({"width": width, "height": height})
            expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible()
            if folder := os.environ.get("JOURNEY_PICTURES"):
                Path(folder).mkdir(parents=True, exist_ok=True)
                self.page.screenshot(path=Path(folder) / f"{name}-{width}-{self.scheme}.png")
            where = f"{name} {width} {self.scheme}"
            found = Axe().run(self.page, options=RULES).response["violations"]
            self.complaints += [f"{where}: {one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]
            if self.page.evaluate(SIDEWAYS):
                self.complaints.append(f"{where}: scrolls sideways")


@pytest.fixture(params=SCHEMES)
def look(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Look]:
    context = browser.new_context(color_scheme=request.param, reduced_motion="reduce")
    look = Look(context.new_page(), [], request.param)
    yield look
    context.close()


def test_no_page_of_the_dashboard_is_left_out():
    app = Flask(__name__)
    app.register_blueprint(dashboard)
    routes = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}

    assert routes - {"static"} == {page.endpoint for page in PAGES} | NO_PAGES


def test_no_public_page_is_left_out():
    app = Flask(__name__)
    app.register_blueprint(public)
    routes = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.rule.startswith(("/f/", "/form-assets/", "/l/"))
    }

    assert routes >= {page.endpoint for page in PUBLIC_PAGES}
    assert routes - {page.endpoint for page in PUBLIC_PAGES} == NO_PUBLIC_PAGES


def test_what_the_pages_load_is_there(browser, product, signed_in):
    context = browser.new_context(storage_state=signed_in)
    page = context.new_page()
    answers: dict[str, int] = {}
    page.on("response", lambda answer: answers.setdefault(answer.url.partition("?")[0], answer.status))
    with page.expect_response(re.compile("/live")):
        page.goto(f"{product.url}/")
    context.close()

    assert any("/assets/dashboard.css" in url for url in answers)
    assert set(answers.values()) == {200}, answers


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_page_is_fit_for_everybody(shown, look, product, scene, signed_in):
    page = look.page
    page.on("console", lambda said: look.complaints.append(said.text))
    page.on("pageerror", lambda error: look.complaints.append(str(error)))
    if shown.signed_in:
        page.context.add_cookies(signed_in["cookies"])
    page.goto(product.url + shown.address.format(**scene))
    look.at(shown.name, shown.text)

    assert [one for one in look.complaints if not one.startswith(SAID_BY_THE_BROWSER)] == []


@pytest.mark.parametrize("shown", PUBLIC_PAGES, ids=lambda shown: shown.name)
def test_public_page_is_fit_for_everybody(shown, look, product, scene):
    page = look.page
    page.on("console", lambda said: look.complaints.append(said.text))
    page.goto(product.url + shown.address.format(**scene))
    look.at(shown.name, shown.text)

    assert [one for one in look.complaints if not one.startswith(SAID_BY_THE_BROWSER)] == []


def test_public_form_that_came_back_is_fit_for_everybody(look, product, scene):
    look.page.goto(f"{product.url}/f/{scene['token']}")
    look.page.get_by_role("textbox", name="Your name").fill("Maria")
    look.page.get_by_role("textbox", name="Mobile number").fill("12")
    look.page.get_by_role("checkbox").check()
    look.page.wait_for_timeout(2100)
    look.page.get_by_role("button", name="Send").click()
    look.at("public-form-came-back", "This was not sent yet")

    assert [one for one in look.complaints if not one.startswith(SAID_BY_THE_BROWSER)] == []


def test_refused_form_is_fit_for_everybody(look, product):
    look.page.set_content(f'<form method="post" action="{product.url}/login"><button>Go</button></form>')
    look.page.get_by_role("button").click()
    look.at("from-elsewhere", "This form came from another site")

    assert look.complaints == []


@pytest.mark.parametrize("part", PHONE_PARTS)
def test_phone_page_is_fit_for_everybody(part, look, product, scene):
    page = look.page
    page.on("console", lambda said: look.complaints.append(said.text))
    page.on("pageerror", lambda error: look.complaints.append(str(error)))
    page.goto(f"{product.phones}/?phone=%2B13125550151&to=%2B13125550100#{part}")
    look.at(
        f"phones-{part}",
        {"phone": "412 Maple", "leads": "Add a phone", "wire": "On the wire", "faults": "Carrier"}[part],
    )

    assert look.complaints == []
