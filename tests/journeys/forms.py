"""Forms of the first demo business, made in the browser as its manager makes them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Page

TITLE = "Ask about a home"


@dataclass(frozen=True)
class Made:
    """`id` as the dashboard names a form, `token` as its public address does, "" while it has none."""

    id: str
    token: str


def make_form(
    page: Page, url: str, title: str, *, language: str = "English", origin: str = "", words: str = ""
) -> Made:
    """A new form, published unless its `words` are given: those are only saved."""
    page.goto(f"{url}/forms/new")
    page.get_by_label("Title").fill(title)
    page.get_by_label("Language").select_option(label=language)
    page.get_by_label("Sites that may show it").fill(origin)
    page.get_by_role("button", name="Write the form").click()
    page.wait_for_url(re.compile("/forms/[0-9a-f-]{36}$"))
    if words:
        page.get_by_label("Shown exactly as they stand here").fill(words)
        page.get_by_role("button", name="Save the draft").click()
        page.get_by_text("Saved.").wait_for()
    else:
        page.get_by_role("button", name="Publish").click()
        page.get_by_text("Published: version 1").wait_for()
    return made(page)


def known_form(page: Page, url: str, title: str = TITLE) -> Made:
    """The form with this title that is there already."""
    page.goto(f"{url}/forms")
    page.get_by_role("link", name=title, exact=True).last.click()
    page.wait_for_url(re.compile("/forms/[0-9a-f-]{36}$"))
    return made(page)


def made(page: Page) -> Made:
    addresses = page.locator(".beside a[href*='/f/']").first
    address = addresses.get_attribute("href") if addresses.count() else ""
    return Made(page.url.rpartition("/")[2], str(address).rpartition("/")[2])
