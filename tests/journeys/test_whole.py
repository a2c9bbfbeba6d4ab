"""A lead at a phone and an agent at the dashboard, through the whole running product: two people, one conversation."""

from __future__ import annotations

import re
from itertools import count

import pytest
from playwright.sync_api import Locator, Page, StorageState, expect

from tests.journeys.conftest import Open
from tests.journeys.product import LAKESIDE, Product

pytestmark = [pytest.mark.journey, pytest.mark.slow]

SHOWN_WITHIN_S = 2.0  # of the carrier's acceptance: what the product promises
# When each text was first to be read on a page, by its words, in Unix time (s).
FIRST_SHOWN = """(() => {
  const shown = (window.firstShown = {});
  const look = () => {
    for (const one of document.querySelectorAll("#thread .theirs .body, .said-out .words, .row-last")) {
      const words = one.textContent.replace(/\\s+/g, " ").trim().replace(/^(AI|Staff): /, "");
      if (one.checkVisibility() && !(words in shown)) shown[words] = Date.now() / 1000;
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
})()"""
# What a page has asked for of late: when (s, Unix time), how long it took (ms), and where.
ASKED = """() => performance.getEntriesByType("resource").slice(-6).map((one) => [
  (performance.timeOrigin + one.startTime) / 1000, Math.round(one.duration), new URL(one.name).pathname.slice(0, 12)])"""
QUESTIONS = (
    "Hi, is 412 Maple still available?",
    "How many bedrooms does it have?",
    "What are the taxes on 412 Maple?",
    "When is the open house?",
)


def banner(page: Page) -> Locator:
    return page.locator(".banner")


def composer(page: Page) -> Locator:
    return page.get_by_role("textbox", name=re.compile("^Text to"))


def row(inbox: Page, ending: str) -> Locator:
    """A lead without a name, by the last two digits of their number."""
    return inbox.locator("a.entry", has=inbox.locator(".row-who", has_text=re.compile(f"{ending}$")))


def add_phone(phones: Page, number: str) -> None:
    phones.get_by_text("Add a phone", exact=True).click()
    phones.get_by_label("Its number").fill(number)
    phones.get_by_label("It texts").select_option(LAKESIDE)
    phones.get_by_role("button", name="Add phone").click()


def type_text(phones: Page, words: str) -> None:
    phones.get_by_label("Text message").fill(words)
    phones.keyboard.press("Enter")


class Stopwatch:
    """How long after the carrier's acceptance a text was to be read, on each page."""

    def __init__(self, product: Product, person: str) -> None:
        self._product, self._person, self._numbers = product, person, count(1)

    def next(self, **pages: Page) -> str:
        """Waits for the next text on every page, prints the times and fails on one that is too long. Returns its words."""
        words, accepted_at = self._product.answer(self._person, next(self._numbers))
        late = {}
        for name, page in pages.items():
            page.wait_for_function("(words) => words in window.firstShown", arg=words)
            late[name] = page.evaluate("(words) => window.firstShown[words]", words) - accepted_at
        print(f"\n  {words[:50]!r}: " + ", ".join(f"{name} {after:+.2f} s" for name, after in late.items()), end="")
        asked = {
            name: [f"{at - accepted_at:+.2f} s {took} ms {path}" for at, took, path in pages[name].evaluate(ASKED)]
            for name, after in late.items()
            if after > SHOWN_WITHIN_S
        }
        assert asked == {}, (words, late)
        return words


@pytest.fixture
def phones(opened: Open, product: Product) -> Page:
    page = opened(product.phones)
    page.add_init_script(FIRST_SHOWN)
    page.reload()
    return page


@pytest.fixture
def desk(opened: Open, product: Product, signed_in: StorageState) -> Page:
    """The inbox of somebody who is signed in."""
    page = opened(f"{product.url}/?queue=all", storage_state=signed_in)
    page.add_init_script(FIRST_SHOWN)
    page.reload()
    return page


def test_lead_and_agent_see_each_other_within_two_seconds_until_stop(phones, desk, product):
    watch = Stopwatch(product, "+13125550141")
    add_phone(phones, "312-555-0141")
    type_text(phones, QUESTIONS[0])
    watch.next(phone=phones, inbox=desk)
    thread = desk.context.new_page()
    thread.add_init_script(FIRST_SHOWN)
    thread.goto(product.url + row(desk, "41").get_attribute("href"))
    expect(banner(thread)).to_contain_text("AI active")
    for question in QUESTIONS[1:]:
        type_text(phones, question)
        watch.next(phone=phones, inbox=desk, thread=thread)
        expect(thread.locator(".said-in").get_by_text(question)).to_be_visible()

    thread.get_by_role("button", name="Take over").click()
    expect(banner(thread)).to_contain_text("You have it")
    expect(row(desk, "41")).to_contain_text("You")
    type_text(phones, "Can I bring my dog along?")
    expect(thread.locator(".said-in").get_by_text("Can I bring my dog along?")).to_be_visible()
    expect(row(desk, "41").locator(".clock-new")).to_be_visible()
    composer(thread).fill("Of course, the garden is fenced. – Sam")
    thread.keyboard.press("Control+Enter")
    written = watch.next(phone=phones, inbox=desk, thread=thread)
    assert written.endswith("Of course, the garden is fenced. – Sam")  # nothing answered before the person did
    expect(thread.locator(".by-agent").get_by_text("Delivered")).to_be_visible()

    thread.get_by_role("button", name="Give back to AI").click()
    expect(banner(thread)).to_contain_text("AI active")
    type_text(phones, "Where is your office?")
    watch.next(phone=phones, inbox=desk, thread=thread)

    phones.get_by_role("button", name="STOP").click()
    expect(row(desk, "41").locator(".tag-stop")).to_be_visible()
    expect(banner(thread)).to_contain_text("Opted out")
    expect(composer(thread)).to_be_disabled()
    expect(thread.get_by_role("button", name="Send")).to_be_disabled()
    expect(thread.locator("#blocked")).to_contain_text("No text can be sent:")
    expect(composer(thread)).to_have_accessible_description(re.compile("No text can be sent"))
    phones.get_by_role("button", name="START").click()
    expect(composer(thread)).to_be_enabled()


def test_person_is_asked_for_and_every_trace_of_it_is_settled(desk, product):
    product.text("+13125550142", "HUMAN")
    needs = desk.get_by_role("navigation", name="Queues").get_by_role("link", name=re.compile("Needs human"))
    expect(desk.locator(".row-needs", has_text="42")).to_be_visible()
    needs.click()
    row(desk, "42").click()
    expect(banner(desk)).to_contain_text("Handed over")
    thread = desk.url
    banner(desk).get_by_role("button", name="Take over").click()
    composer(desk).fill("Sam here. When shall I call?")
    desk.get_by_role("button", name="Send").click()
    expect(desk.locator(".by-agent")).to_contain_text("Sam here. When shall I call?")
    desk.get_by_role("link", name=re.compile("^Alerts")).click()
    alert = desk.locator(".item", has=desk.locator(f"a[href='{thread.removeprefix(product.url).partition('?')[0]}']"))
    alert.get_by_role("button", name=re.compile("^Seen")).click()
    expect(alert).to_have_count(0)
    desk.get_by_role("link", name=re.compile("^Tasks")).click()
    task = desk.locator(".item", has=desk.locator(f"a[href='{thread.removeprefix(product.url).partition('?')[0]}']"))
    for _ in range(task.count()):
        before = task.count()
        task.first.get_by_role("button", name=re.compile("^Done")).click()
        expect(task).to_have_count(before - 1)

    expect(task).to_have_count(0)
    desk.get_by_role("link", name="Inbox").click()
    desk.get_by_role("navigation", name="Queues").get_by_role("link", name=re.compile("^All")).click()
    expect(row(desk, "42")).to_have_count(1)
    expect(desk.locator(".row-needs", has_text="42")).to_have_count(0)


def test_nothing_is_sent_while_the_server_is_away_and_the_words_stay(desk, product):
    product.text("+13125550143", "Hello there")
    row(desk, "43").click()
    send = desk.get_by_role("button", name="Send")
    composer(desk).fill("Sam here: half a sentence")
    desk.context.set_offline(True)
    expect(send).to_be_disabled()
    desk.keyboard.press("Control+Enter")
    expect(composer(desk)).to_have_value("Sam here: half a sentence")
    desk.context.set_offline(False)
    expect(send).to_be_enabled()
    desk.reload()

    expect(composer(desk)).to_have_value("Sam here: half a sentence")
    send.click()
    expect(desk.locator(".by-agent")).to_contain_text("Sam here: half a sentence")
    expect(composer(desk)).to_have_value("")
