"""Journeys through a browser run when they are named (`make journeys`), and are no part of the whole suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect, sync_playwright

from scripts.browser import FLAGS, browser_path
from tests.journeys.product import Product, running_product

HERE = Path(__file__).parent
# Everything here waits for what it expects and goes on at once: this is only how long a loaded machine may take.
PATIENCE_MS = 20_000

Open = Callable[..., Page]
OFFLINE = "net::ERR_INTERNET_DISCONNECTED"  # said by the browser when a test takes its line away


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "journey: needs a browser; runs only when tests/journeys is named")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    named = [(config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(one.is_relative_to(HERE) for one in named) else True


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = browser_path()
    assert path is not None, "no browser: `make journeys` gets one"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    with running_product() as product:
        yield product


@pytest.fixture(scope="session")
def signed_in(browser: Browser, product: Product) -> StorageState:
    """The cookies of the manager of the first demo business, who sees every conversation."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{product.url}/login")
    email, password = product.logins["manager"]
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{product.url}/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Opens a page in a browser of its own: an address and what `new_context` takes.

    Whatever the console says, or a script throws, fails the test; so does a request to anywhere else.
    """
    complaints: list[str] = []
    contexts = []

    def call(address: str, **options: object) -> Page:
        settings = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"} | options
        context = browser.new_context(**settings)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console",
            lambda said: complaints.extend([] if said.text.endswith(OFFLINE) else [f"{page.url}: {said.text}"]),
        )
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on(
            "request", lambda asked: complaints.extend([] if asked.url.startswith("http://127.0.0.1:") else [asked.url])
        )
        page.goto(address)
        return page

    yield call
    for context in contexts:
        context.close()
    assert complaints == []
