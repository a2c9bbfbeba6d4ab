"""What has to work without a script, and without a mouse."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.product import LAKESIDE, Product

pytestmark = [pytest.mark.journey, pytest.mark.slow]

MOST_TABS = 120


def sign_in_form(page: Page, product: Product) -> None:
    email, password = product.logins["manager"]
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def tab_to(page: Page, target: Locator) -> None:
    """By the keyboard alone; it has to be seen where the focus is."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if target.evaluate("(one) => one === document.activeElement"):
            width = target.evaluate("(one) => getComputedStyle(one).outlineStyle + getComputedStyle(one).boxShadow")
            assert width != "nonenone", "no focus to be seen"
            return
    pytest.fail(f"the keyboard does not get to {target}")


@pytest.mark.parametrize("width", [360, 1440])
def test_reading_and_replying_need_no_script(width, opened, product):
    person = f"+1312555{'0161' if width == 360 else '0162'}"
    size = {"width": width, "height": 800}
    phones = opened(
        f"{product.phones}/?phone=%2B{person[1:]}&to=%2B{LAKESIDE[1:]}", java_script_enabled=False, viewport=size
    )
    phones.get_by_label("Text message").fill("Hi, is 412 Maple still available?")
    phones.get_by_role("button", name="Send", exact=True).click()
    answer, _ = product.answer(person, 1)
    phones.reload()
    expect(phones.get_by_role("log").get_by_text(answer)).to_be_visible()
    desk = opened(f"{product.url}/login", java_script_enabled=False, viewport=size)
    sign_in_form(desk, product)
    desk.get_by_role("link", name=re.compile("^All")).click()
    desk.locator("a.entry", has=desk.locator(".row-who", has_text=re.compile(f"{person[-2:]}$"))).click()
    expect(desk.locator(".said-out").get_by_text(answer)).to_be_visible()
    desk.get_by_role("button", name="Take over").click()
    expect(desk.locator(".banner")).to_contain_text("You have it")
    desk.get_by_role("textbox", name=re.compile("^Text to")).fill("Sent without a script")
    desk.get_by_role("button", name="Send").click()
    expect(desk.locator(".by-agent").get_by_text("Sent without a script")).to_be_visible()
    product.answer(person, 2)
    phones.reload()
    expect(phones.get_by_role("log").get_by_text("Sent without a script")).to_be_visible()
    phones.get_by_role("button", name="STOP").click()
    desk.reload()

    expect(desk.locator("#blocked")).to_contain_text("No text can be sent:")
    expect(desk.locator(".talk-who .tag-stop")).to_be_visible()
    expect(desk.get_by_role("textbox", name=re.compile("^Text to"))).to_be_disabled()


def test_keyboard_alone_goes_from_the_door_to_an_opt_out(opened, product):
    person = "+13125550163"
    product.text(person, "How many bedrooms does 412 Maple have?")
    product.answer(person, 1)
    page = opened(f"{product.url}/login")
    email, password = product.logins["manager"]
    expect(page.locator("#email")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    expect(page.locator("#password")).to_be_focused()
    page.keyboard.type(password)
    expect(page.locator("#email")).to_have_value(email)
    expect(page.locator("#password")).to_have_value(password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{product.url}/")
    tab_to(page, page.get_by_role("link", name=re.compile("^All")))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{product.url}/?queue=all")
    tab_to(page, page.locator("a.entry", has=page.locator(".row-who", has_text=re.compile("63$"))))
    page.keyboard.press("Enter")
    expect(page.locator(".banner")).to_contain_text("AI active")
    tab_to(page, page.get_by_role("button", name="Take over"))
    page.keyboard.press("Enter")
    expect(page.locator(".banner")).to_contain_text("You have it")
    tab_to(page, page.get_by_role("textbox", name=re.compile("^Text to")))
    page.keyboard.type("Three, and a study.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".by-agent").get_by_text("Three, and a study.")).to_be_visible()
    assert product.answer(person, 2)[0].endswith("Three, and a study.")
    tab_to(page, page.get_by_role("link", name="Opt this person out"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("How did they say so?"))
    page.keyboard.type("Asked on the phone today")
    tab_to(page, page.get_by_role("button", name="Opt out"))
    page.keyboard.press("Enter")

    expect(page.locator(".banner")).to_contain_text("Opted out")
    expect(page.locator("#blocked")).to_contain_text("No text can be sent:")
    expect(page.get_by_role("textbox", name=re.compile("^Text to"))).to_be_disabled()
