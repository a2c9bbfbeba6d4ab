"""The phone page in a browser: several leads, the wire, the faults, live, by keyboard, at both widths."""

from __future__ import annotations

import re

import pytest
import requests
from playwright.sync_api import expect

from simulator.server import start
from simulator.wire import Answer, Request, WireServer

pytestmark = [pytest.mark.journey, pytest.mark.slow]

ACCOUNT, TOKEN = "AC" + "1" * 32, "token-of-one"
NUMBER, OTHER, LEAD = "+14155550101", "+14155550102", "+14155550140"
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
SMALL = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, summary')]
  .filter((one) => one.checkVisibility() && !one.classList.contains('skip') && !one.closest('label.switch, .pictures'))
  .filter((one) => { const box = one.getBoundingClientRect(); return box.width && (box.width < 24 || box.height < 24); })
  .map((one) => one.outerHTML.slice(0, 80))"""
CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (let one = node; one; one = one.parentElement) {
      const found = getComputedStyle(one).backgroundColor;
      if (/^rgba?\\(/.test(found) && rgb(found)[3] !== 0) return rgb(found);
    }
    return rgb(getComputedStyle(document.documentElement).backgroundColor);
  };
  return [...document.querySelectorAll('body *')]
    .filter((one) => one.checkVisibility() && !one.disabled && !one.closest('option, .skip, .aside'))
    .filter((one) => [...one.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
    .map((one) => {
      const [a, b] = [light(rgb(getComputedStyle(one).color)), light(behind(one))].sort((x, y) => y - x);
      return [(a + 0.05) / (b + 0.05), one.outerHTML.slice(0, 80)];
    }).filter(([ratio]) => ratio < 4.5);
}"""


@pytest.fixture
def simulator():
    def program(_: Request) -> Answer:
        return Answer(204)

    server = WireServer("127.0.0.1", 0, program)
    numbers = [{"number": NUMBER}, {"number": OTHER}]
    account = {"sid": ACCOUNT, "token": TOKEN, "name": "Lakeside <b>Realty</b>", "numbers": numbers}
    running = start(target=server.url, seed=3, accounts=[account])
    yield running
    running.stop()
    server.stop()


@pytest.fixture(params=[(1440, "light"), (360, "dark")], ids=str)
def page(request, browser, simulator):
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(simulator.url)
    yield page
    context.close()
    assert complaints == []


def reply(simulator, body):
    """What the program would do: asks for a text to the lead."""
    requests.post(
        f"{simulator.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        data={"To": LEAD, "From": NUMBER, "Body": body},
        auth=(ACCOUNT, TOKEN),
        timeout=5,
    )


def view(page, name):
    """On a narrow screen one part is shown at a time."""
    tab = page.get_by_role("navigation").get_by_role("link", name=name)
    if tab.is_visible():
        tab.click()


def test_text_goes_out_by_enter_and_its_reply_appears_by_itself(page, simulator):
    page.get_by_label("Text message").fill("Is it <i>there</i>?")
    page.keyboard.press("Enter")
    thread = page.get_by_role("log")
    expect(thread.get_by_text("Is it <i>there</i>?")).to_be_visible()
    expect(thread.get_by_text("Sent, answered 204")).to_be_visible()
    reply(simulator, "<img src=x onerror=alert(1)>")

    expect(thread.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
    expect(thread.get_by_text("Delivered")).to_be_visible()
    expect(page.get_by_label("Text message")).to_have_value("")
    expect(page.get_by_label("Text message")).to_be_focused()
    view(page, "Wire")
    wire = page.locator("#wire")
    expect(wire.locator("#cards li")).to_have_count(2)
    expect(wire.get_by_text("X-Twilio-Signature")).to_be_visible()
    wire.get_by_role("button", name=re.compile("Request to send")).click()
    expect(wire.locator("#detail")).to_contain_text("Basic ••••••••")


def test_second_phone_has_a_thread_of_its_own(page):
    page.get_by_role("button", name="HELP").click()
    expect(page.get_by_role("log").get_by_text("HELP", exact=True)).to_be_visible()
    view(page, "Leads")
    page.get_by_text("Add a phone", exact=True).click()
    page.get_by_label("Its number").fill("212-555-0161")
    page.get_by_label("It texts").select_option(OTHER)
    page.get_by_role("button", name="Add phone").click()

    expect(page.get_by_text("you are (212) 555-0161")).to_be_visible()
    expect(page.get_by_role("log").get_by_text("HELP", exact=True)).to_have_count(0)
    view(page, "Leads")
    page.locator("#phones a", has_text="Reply STOP").click()
    expect(page.get_by_role("log").get_by_text("HELP", exact=True)).to_be_visible()


def test_who_cannot_be_texted_from_here_is_read_and_the_refusal_stands_on_the_page(browser, simulator):
    requests.post(
        f"{simulator.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        data={"To": "+14155552368", "From": NUMBER, "Body": "Thanks for your form."},
        auth=(ACCOUNT, TOKEN),
        timeout=5,
    )
    page = browser.new_context().new_page()
    uncaught: list[str] = []
    page.on("pageerror", lambda error: uncaught.append(str(error)))
    page.goto(simulator.url)
    page.locator("#phones a", has_text="(415) 555-2368").click()
    expect(page.get_by_role("log").get_by_text("Thanks for your form.")).to_be_visible()
    page.get_by_label("Text message").fill("hi")
    page.keyboard.press("Enter")

    expect(page.locator("#error")).to_contain_text("a number from 555-0100 to 555-0199 is needed")
    expect(page.get_by_label("Text message")).to_have_value("hi")
    page.wait_for_timeout(300)  # what is asked for 80 ms after a text has been answered
    assert uncaught == []
    page.context.close()


def test_picture_leaves_once(page):
    page.get_by_label("Attach a picture").click()
    page.get_by_text("House front").click()
    page.get_by_label("Text message").fill("This one?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log").get_by_alt_text("Attached picture")).to_have_count(1)
    page.get_by_label("Text message").fill("And?")
    page.keyboard.press("Enter")

    expect(page.get_by_role("log").get_by_text("And?")).to_be_visible()
    expect(page.get_by_role("log").get_by_alt_text("Attached picture")).to_have_count(1)


def test_switch_sets_a_fault_and_one_button_ends_all(page, simulator):
    view(page, "Faults")
    page.get_by_text("Lose them").click()
    page.get_by_text("Invent a price").click()
    expect(page.locator("#alarm").get_by_text("2 faults are on")).to_be_visible()
    assert simulator.carrier.faults.callback.loss == 1
    page.get_by_role("button", name="All faults off").first.click()

    expect(page.locator("#alarm").get_by_text("2 faults are on")).to_be_hidden()
    assert simulator.carrier.faults.callback.loss == 0
    expect(page.get_by_role("switch", name="Lose them")).not_to_be_checked()


def test_every_part_fits_can_be_hit_and_read(page):
    page.get_by_role("button", name="STOP").click()
    expect(page.get_by_text("Sent by the carrier")).to_be_visible()
    for name in ("Leads", "Wire", "Faults", "Phone"):
        view(page, name)

        assert not page.evaluate(SIDEWAYS), name
        assert page.evaluate(SMALL) == [], name
        assert page.evaluate(CONTRAST) == [], name
