"""Who gets in, for how long, and what somebody who guesses gets."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from dashboard.requests import own_path
from smsbot.actor import Role
from smsbot.tenancy import Agent, Login, LoginSession
from tests.dashboard.staff import PASSWORD, SESSION, Browser, a_browser, assign, at_work, hire
from tests.world import World

WRONG = "nine herons on a quay"
FLAGS = {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


def cookies_of(answer) -> dict[str, set[str]]:
    """The attributes of each cookie that an answer sets."""
    lines = [line.split("; ") for line in answer.headers.getlist("Set-Cookie")]
    return {line[0].partition("=")[0]: set(line[1:]) for line in lines}


def signed_in(browser: Browser) -> bool:
    return browser.get("/").status_code == 200


def test_who_signs_in_sees_the_inbox(world: World, browser: Browser) -> None:
    hire(world)
    answer = browser.sign_in("Ann@Example.test")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "Lakeside Realty" in browser.page("/")


def test_cookies_stay_on_this_host_and_out_of_scripts(world: World, browser: Browser) -> None:
    hire(world)
    first = cookies_of(browser.get("/login"))
    later = cookies_of(browser.sign_in("ann@example.test"))

    assert set(first) == {"__Host-form"}
    assert {"__Host-session", "__Host-known"} <= set(later)
    assert all(
        flags >= FLAGS and not any(f.startswith("Domain") for f in flags)
        for flags in (*first.values(), *later.values())
    )


def test_only_the_hash_of_a_session_is_stored(world: World, owner: Browser) -> None:
    token = str(owner.cookie()).partition(".")[0]
    kept = world.rows(LoginSession)

    assert len(token) >= 43
    assert [len(row.token_hash) for row in kept] == [32]
    assert token.encode() not in kept[0].token_hash


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(world: World) -> None:
    hire(world)
    answers = []
    for email in ("ann@example.test", "ben@example.test"):
        answer = a_browser(world).sign_in(email, WRONG)
        body = re.sub(r'value="[^"]*"', "", answer.get_data(as_text=True))
        answers.append((answer.status_code, body, sorted(cookies_of(answer))))

    assert answers[0] == answers[1]
    assert answers[0][0] == 401


@pytest.mark.parametrize("email", ["ann@example.test", "nobody@example.test"])
def test_after_five_wrong_passwords_the_right_one_has_to_wait_a_quarter_of_an_hour(world: World, email: str) -> None:
    hire(world)
    guesses = [a_browser(world).sign_in(email, WRONG).status_code for _ in range(5)]
    locked = a_browser(world).sign_in(email)
    world.later(minutes=17)
    after = a_browser(world).sign_in(email)

    assert guesses == [401] * 5
    assert locked.status_code == 429
    assert after.status_code == (303 if email.startswith("ann") else 401)


def test_waiting_is_not_punished_and_no_wait_is_longer_than_an_hour(world: World) -> None:
    hire(world)
    for _ in range(16):
        a_browser(world).sign_in("ann@example.test", WRONG)
        world.later(minutes=62)
    for _ in range(8):
        assert a_browser(world).sign_in("ann@example.test", WRONG).status_code in (401, 429)
    world.later(minutes=62)

    assert a_browser(world).sign_in("ann@example.test").status_code == 303


def test_a_stranger_who_guesses_does_not_lock_the_owner_of_a_known_browser_out(world: World, owner: Browser) -> None:
    for _ in range(6):
        a_browser(world).sign_in("ann@example.test", WRONG)
    owner.get("/")
    owner.post("/logout")

    assert owner.sign_in("ann@example.test").status_code == 303
    assert a_browser(world).sign_in("ann@example.test").status_code == 429


def test_a_known_browser_is_known_for_its_own_account_only(world: World, owner: Browser) -> None:
    hire(world, "ben@example.test")
    for _ in range(5):
        a_browser(world).sign_in("ben@example.test", WRONG)
    owner.get("/")
    owner.post("/logout")

    assert owner.sign_in("ben@example.test").status_code == 429


@pytest.mark.slow
def test_one_network_may_fail_twenty_times_in_a_quarter_of_an_hour(world: World) -> None:
    hire(world)
    answers = [a_browser(world).sign_in(f"guess{i}@example.test", WRONG).status_code for i in range(21)]
    elsewhere = a_browser(world).sign_in("ann@example.test", environ_overrides={"REMOTE_ADDR": "198.51.100.7"})

    assert answers == [401] * 20 + [429]
    assert a_browser(world).sign_in("ann@example.test").status_code == 429
    assert elsewhere.status_code == 303


def test_a_header_that_anybody_can_write_makes_no_new_network(world: World) -> None:
    for i in range(20):
        a_browser(world).sign_in(f"g{i}@example.test", WRONG, headers={"X-Forwarded-For": f"203.0.113.{i}"})

    answer = a_browser(world).sign_in("g@example.test", WRONG, headers={"X-Forwarded-For": "203.0.113.99"})
    assert answer.status_code == 429


def test_signing_out_ends_the_session_at_once(world: World, owner: Browser) -> None:
    stolen = str(owner.cookie())
    owner.get("/")
    answer = owner.post("/logout")
    thief = a_browser(world)
    thief.client.set_cookie(SESSION, stolen, domain="sms.example.test", secure=True)

    assert answer.headers["Location"] == "/login"
    assert not signed_in(thief)
    assert world.rows(LoginSession) == []


def test_a_session_that_is_left_alone_for_half_an_hour_is_over(world: World, owner: Browser) -> None:
    world.later(minutes=29)
    assert signed_in(owner)
    world.later(minutes=29)
    assert signed_in(owner)
    world.later(minutes=30, seconds=1)

    assert not signed_in(owner)


def test_what_a_page_asks_for_by_itself_does_not_keep_a_session_alive(world: World, owner: Browser) -> None:
    for _ in range(3):
        world.later(minutes=11)
        answer = owner.get("/live", headers={"X-Live": "1"})

    assert answer.status_code == 401


@pytest.mark.slow
def test_a_session_ends_after_twelve_hours_whatever_is_done(world: World, owner: Browser) -> None:
    for _ in range(12 * 3 - 1):
        world.later(minutes=20)
        assert signed_in(owner)
    world.later(minutes=20)

    assert not signed_in(owner)


def test_signing_in_changes_the_token_and_ends_the_browsers_old_session(world: World, owner: Browser) -> None:
    before = owner.cookie()
    owner.sign_in("ann@example.test")

    assert owner.cookie() != before
    assert len(world.rows(LoginSession)) == 1


@pytest.mark.parametrize("whose", [Login, Agent])
def test_who_is_disabled_is_out_at_the_next_request(world: World, owner: Browser, whose) -> None:
    with world.runtime.transaction(world.home.id) as session:
        session.execute(update(whose).values(disabled_at=world.clock.now()))

    assert not signed_in(owner)
    assert a_browser(world).sign_in("ann@example.test").status_code == 401


def test_a_changed_role_counts_at_the_next_request(world: World, owner: Browser) -> None:
    world.text("Hello")
    assign(world, world.conversation(), hire(world, "carl@example.test", Role.AGENT))
    assert owner.page("/").count('class="entry') == 1
    with world.runtime.transaction(world.home.id) as session:
        session.execute(update(Agent).values(role=Role.AGENT))

    assert owner.page("/").count('class="entry') == 0


def test_a_cookie_cannot_be_made_to_speak_for_another_tenant(world: World, owner: Browser) -> None:
    other = world.business("Zephyrine Motors", "+12065550186")
    thief = at_work(world, "eve@example.test", of=other)
    token, _, _ = str(thief.cookie()).partition(".")
    _, _, signed = str(owner.cookie()).partition(".")
    thief.client.set_cookie(SESSION, f"{token}.{signed}", domain="sms.example.test", secure=True)

    assert not signed_in(thief)


def test_staff_of_two_businesses_choose_one_and_see_that_one(world: World, browser: Browser) -> None:
    other = world.business("Zephyrine Motors", "+12065550186")
    hire(world)
    second = hire(world, of=other)
    answer = browser.sign_in("ann@example.test")
    before, unchosen = browser.cookie(), browser.get("/")
    page = browser.page("/tenants")
    browser.post(f"/tenants/{second}")

    assert (answer.headers["Location"], unchosen.headers["Location"]) == ("/tenants", "/tenants")
    assert "Lakeside Realty" in page and "Zephyrine Motors" in page
    assert browser.cookie() != before
    assert "Zephyrine Motors" in browser.page("/") and "Lakeside" not in browser.page("/")


def test_nobody_can_choose_a_business_that_is_not_theirs(world: World, owner: Browser) -> None:
    stranger = hire(world, "eve@example.test", of=world.business("Zephyrine Motors", "+12065550186"))
    owner.get("/")

    assert owner.post(f"/tenants/{stranger}").status_code == 404
    assert "Lakeside Realty" in owner.page("/")


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.test", "/\\evil.test", "https://evil.test/", "\\\\evil.test", "/\t/evil.test", "/\n//evil.test",
        "javascript:alert(1)", "evil.test", "", "/" + "a" * 600, "///evil.test", "/ /evil.test",
    ],
)  # fmt: skip
def test_signing_in_leads_to_no_other_site(wanted: str) -> None:
    assert own_path(wanted) == "/"


def test_signing_in_leads_back_to_the_page_that_was_wanted(world: World, browser: Browser) -> None:
    hire(world)
    sent = browser.get("/tasks?x=1").headers["Location"]
    browser.get(sent)
    answer = browser.post("/login", {"email": "ann@example.test", "password": PASSWORD, "next": "/tasks?x=1"})

    assert sent == "/login?next=%2Ftasks%3Fx%3D1"
    assert answer.headers["Location"] == "/tasks?x=1"


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        ({"csrf_token": ""}, {}, 400),
        ({"csrf_token": "IjEi.made.up"}, {}, 400),
        ({}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({}, {"Sec-Fetch-Site": "same-site"}, 403),
        ({}, {"Origin": "https://evil.test"}, 403),
        ({}, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({}, {"Origin": "https://sms.example.test"}, 303),
    ],
)
def test_a_form_of_another_site_or_without_its_token_does_nothing(
    world: World, owner: Browser, form, headers, status
) -> None:
    world.text("Hello")
    path = f"/c/{world.conversation().id}"
    owner.page(path)
    answer = owner.post(f"{path}/take-over", form, headers=headers)

    assert answer.status_code == status
    assert (world.conversation().taken_over_at is not None) == (status == 303)


def test_no_login_of_another_site_is_taken(world: World, browser: Browser) -> None:
    hire(world)

    assert browser.sign_in("ann@example.test", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert browser.cookie() is None


def test_an_idle_session_row_is_gone_once_it_is_found_to_be_over(world: World, owner: Browser) -> None:
    world.later(hours=13)
    owner.get("/")

    with world.runtime.transaction(None) as session:
        assert session.scalars(select(LoginSession)).all() == []


def test_the_parts_of_two_cookies_do_not_make_a_third(world: World, owner: Browser) -> None:
    other = a_browser(world)
    other.sign_in("ann@example.test")
    token, signed = str(other.cookie()).partition(".")[0], str(owner.cookie()).partition(".")[2]
    other.client.set_cookie(SESSION, f"{token}.{signed}", domain="sms.example.test", secure=True)

    assert signed_in(owner)
    assert not signed_in(other)
