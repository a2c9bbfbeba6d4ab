"""Somebody asks by form: without a script, on a small screen, and inside a page of the business."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from playwright.sync_api import expect

from tests.journeys.forms import known_form, make_form

pytestmark = [pytest.mark.journey, pytest.mark.slow]


class Site(BaseHTTPRequestHandler):
    """A page of a business somewhere else; `body` is what it holds."""

    body = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        icon = '<link rel="icon" href="data:,">'
        self.wfile.write(f"<!doctype html><title>Homes</title>{icon}<h1>Homes</h1>{self.body}".encode())

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def site() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("width", [360, 1440])
def test_asking_and_agreeing_need_no_script(width, opened, product, signed_in):
    person = f"646555018{1 if width == 360 else 2}"
    desk = opened(f"{product.url}/forms", storage_state=signed_in, viewport={"width": width, "height": 800})
    form = known_form(desk, product.url)
    page = opened(f"{product.url}/f/{form.token}", java_script_enabled=False, viewport={"width": width, "height": 800})
    box = page.get_by_role("checkbox")
    expect(box).not_to_be_checked()
    page.get_by_role("textbox", name="Your name").fill("Maria Lopez")
    page.get_by_role("textbox", name="Mobile number").fill(person)
    page.get_by_role("textbox", name="ZIP code").fill("60201")
    page.get_by_role("textbox", name="Your question").fill("Is 412 Maple still for sale?")
    box.check()
    page.wait_for_timeout(2100)  # nobody is that quick
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. We have your message.")
    product.answer(f"+1{person}", 1)
    desk.goto(f"{product.url}/?queue=all")
    desk.locator("a.entry", has_text="Maria Lopez").first.click()
    expect(desk.locator("main").get_by_text("Agreed to texts").first).to_be_visible()


def test_the_editor_says_what_is_missing_without_a_script(opened, product, signed_in):
    desk = opened(f"{product.url}/forms", storage_state=signed_in, java_script_enabled=False)
    make_form(desk, product.url, "Sell your home", words="Lakeside Realty Group texts you about homes.")
    words = desk.get_by_label("Shown exactly as they stand here")
    words.fill("Lakeside Realty Group texts you about homes and cars.")
    desk.get_by_role("button", name="Check the words").click()
    expect(words).to_have_value("Lakeside Realty Group texts you about homes and cars.")
    expect(desk.locator(".missing")).to_contain_text("Reply STOP to end")
    desk.get_by_role("button", name="Write the usual words").click()
    expect(desk.locator(".missing")).to_contain_text("Nothing is missing")
    expect(words).to_have_value(re.compile("Reply HELP for help or STOP to end"))
    desk.get_by_role("button", name="Publish").click()

    expect(desk.get_by_role("status").filter(has_text="Published: version 1")).to_be_visible()


def test_a_form_works_inside_a_page_that_it_names_and_in_no_other(opened, product, signed_in, site):
    here = f"http://127.0.0.1:{site.server_port}"
    desk = opened(f"{product.url}/forms", storage_state=signed_in)
    form = make_form(desk, product.url, "Ask from our site", origin=here)
    Site.body = desk.get_by_label("Inside a page of yours").input_value()
    page = opened(f"{here}/homes/412")
    frame = page.frame_locator("iframe[title='Ask from our site']")
    frame.get_by_role("textbox", name="Your name").fill("Nadia Frame")
    frame.get_by_role("textbox", name="Mobile number").fill("6465550183")
    frame.get_by_role("checkbox").check()
    page.wait_for_timeout(2100)
    frame.get_by_role("button", name="Send").click()

    expect(frame.get_by_role("heading", level=1)).to_have_text("Thank you. We have your message.")
    refused = desk.request.get(f"{product.url}/f/{form.token}").headers["content-security-policy"]
    assert "frame-ancestors 'none'" in refused
    product.answer("+16465550183", 1)
    desk.goto(f"{product.url}/?queue=all")
    expect(desk.locator("a.entry", has_text=re.compile("Nadia Frame"))).to_be_visible()
