"""Forms on the dashboard: drafted, checked at every step without a script, published once nothing is missing, closed."""

from __future__ import annotations

import html
import re
from uuid import UUID

import pytest

from consent.models import Disclosure, Form
from smsbot.actor import Role
from tests.dashboard.staff import Browser, at_work
from tests.public.visitors import a_form, seen, visitor
from tests.world import World

# What takes one item out of the usual words, by the name of what is missing then.
TAKEN_OUT = {
    "brand": ("Lakeside Realty", "We"),
    "automated": ("recurring automated text messages, some written by an AI assistant,", "recurring text messages"),
    "purpose": (" about my inquiry and my appointments", ""),
    "frequency": (r"Message frequency varies\. ", ""),
    "rates": ("Message and data rates may apply. ", ""),
    "help": ("Reply HELP for help or STOP", "Reply STOP"),
    "stop": ("Reply HELP for help or STOP to end at any time.", "Reply HELP for help."),
    "not_a_condition": ("Consent is not a condition of any purchase. ", ""),
    "privacy": (r"Privacy Policy: \S+ ", ""),
    "terms": (r"Terms of Service: \S+", ""),
}


@pytest.fixture
def form(world: World):
    return a_form(world, published=False)


def settings(form, **changes: object) -> dict[str, object]:
    """What the editor's page would send."""
    draft = form.draft
    return {
        "title": draft.title,
        "source": draft.source,
        "language": draft.language,
        "number": str(draft.number_id),
        "purposes": [one.value for one in draft.purposes],
        "origins": "\n".join(draft.origins),
        "wording": draft.wording,
        **changes,
    }


def test_a_form_is_made_with_the_usual_words_and_is_nowhere_before_it_is_published(
    owner: Browser, world: World
) -> None:
    owner.page("/forms/new")
    made = owner.post(
        "/forms/new",
        {
            "title": "Ask about a home", "source": "website", "language": "en", "number": str(world.home.number_id),
            "purposes": ["inquiry", "marketing"], "origins": "https://www.lakeside.example/\n",
        },
    )  # fmt: skip
    page = owner.page(made.headers["Location"])
    (row,) = world.rows(Form)
    someone = visitor(world, seen(world, row.id))
    before = someone.open().status_code
    owner.post(made.headers["Location"], settings(seen(world, row.id), act="publish"))

    assert "Nothing is missing" in page and "Not published" in page
    assert "marketing text messages" in row.draft and row.origins == ["https://www.lakeside.example"]
    assert (before, someone.open().status_code) == (404, 200)


@pytest.mark.parametrize("item", TAKEN_OUT)
def test_words_that_lack_one_item_cannot_be_published_and_the_page_names_it(
    owner: Browser, world: World, form, item: str
) -> None:
    pattern, instead = TAKEN_OUT[item]
    wording = re.sub(pattern, instead, form.draft.wording)
    path = f"/forms/{form.id}"
    owner.page(path)
    checked = owner.post(path, settings(form, wording=wording, act="check")).get_data(as_text=True)
    refused = owner.post(path, settings(form, wording=wording, act="publish"))
    names = {"brand": "Who texts", "purpose": "What about", "automated": "Automated texts", "frequency": "How often"}
    names |= {"rates": "Rates", "help": "HELP", "stop": "STOP", "not_a_condition": "Not a condition"}
    names |= {"privacy": "Privacy policy", "terms": "Terms"}

    assert wording != form.draft.wording
    for page in (checked, refused.get_data(as_text=True)):
        assert f"<strong>{names[item]}</strong>" in page
        assert wording.strip() in html.unescape(page)
    assert refused.status_code == 422 and "Not published" in refused.get_data(as_text=True)
    assert world.rows(Disclosure) == []


def test_a_check_keeps_nothing_and_says_so(owner: Browser, world: World, form) -> None:
    path = f"/forms/{form.id}"
    owner.page(path)
    page = owner.post(path, settings(form, wording="Texts.", title="Other", act="check")).get_data(as_text=True)

    assert "Checked, and not saved yet." in page and ">Texts.</textarea>" in page
    assert (seen(world, form.id).draft.wording, seen(world, form.id).draft.title) == (
        form.draft.wording, form.draft.title
    )  # fmt: skip


def test_the_usual_words_follow_what_was_chosen(owner: Browser, world: World, form) -> None:
    path = f"/forms/{form.id}"
    owner.page(path)
    sent = settings(form, wording="x", language="es", purposes=["marketing"], act="usual")
    page = owner.post(path, sent).get_data(as_text=True)

    assert "Al marcar esta casilla" in page and "Nothing is missing" in page
    assert seen(world, form.id).draft == form.draft


def test_marketing_needs_words_that_are_signed_and_name_the_number(owner: Browser, world: World, form) -> None:
    path = f"/forms/{form.id}"
    owner.page(path)
    wording = (
        "Lakeside Realty sends recurring automated marketing texts about new listings. Message frequency varies. Message"
        " and data rates may apply. Reply HELP for help or STOP to end. Consent is not a condition of any purchase."
        " Privacy Policy and Terms of Service below."
    )
    page = owner.post(path, settings(form, wording=wording, purposes=["marketing"], act="publish"))

    assert page.status_code == 422
    assert "<strong>Signature</strong>" in page.get_data(as_text=True)


def test_the_same_words_keep_their_version_and_changed_ones_or_other_purposes_get_the_next(
    owner: Browser, world: World
) -> None:
    form = a_form(world)
    path = f"/forms/{form.id}"
    owner.page(path)
    for changes in (
        {},
        {"title": "Another title"},
        {"wording": form.draft.wording + " Thank you."},
        {"wording": form.draft.wording + " Thank you.", "purposes": ["inquiry"]},
        {},
    ):
        assert owner.post(path, settings(form, act="publish", **changes)).status_code == 303

    versions = seen(world, form.id).versions
    assert [one.version for one in versions] == [4, 3, 2, 1]
    assert versions[0].text == versions[3].text and versions[0].sha256 == versions[3].sha256
    assert {one.published_by for one in versions} == {None, owner.agent_id}


def test_every_wording_that_was_published_can_still_be_read(owner: Browser, world: World) -> None:
    form = a_form(world)
    path = f"/forms/{form.id}"
    owner.page(path)
    owner.post(path, settings(form, wording=form.draft.wording + " Thank you.", act="publish"))
    page = html.unescape(owner.page(path))

    for version in seen(world, form.id).versions:
        assert f">{version.text}</p>" in page and version.sha256 in page


def test_a_saved_draft_changes_nothing_in_public(owner: Browser, world: World) -> None:
    form = a_form(world)
    path = f"/forms/{form.id}"
    owner.page(path)
    owner.post(path, settings(form, wording="Texts.", act="save"))
    page, listing = owner.page(path), owner.page("/forms")

    assert html.escape(form.draft.wording[:60]) in visitor(world, form).open().get_data(as_text=True)
    assert "Live, with unpublished changes" in page and "to mend before it can be published" in page
    assert "missing in its words" in listing


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("title", "", "Give a title"),
        ("title", "x" * 121, "Give a title"),
        ("source", "", "Name the source"),
        ("number", "12", "Choose one of your numbers"),
        ("language", "fr", "Choose English or Spanish"),
        ("purposes", [], "Choose at least one"),
        ("purposes", ["reply"], "Choose at least one"),
        ("origins", "http://www.example.com", "Give the beginning of a site"),
        ("origins", "https://*.example.com", "Give the beginning of a site"),
        ("origins", "https://a.example https://b.example/path", "Give the beginning of a site"),
        ("origins", "https://a.example;script-src", "Give the beginning of a site"),
        ("origins", "https://a.example\n Not a Site ", 'such as https://www.example.com, not "Not a Site".'),
        ("origins", "\n".join(f"https://s{n}.example" for n in range(21)), "20 sites"),
        ("wording", " \n ", "Write the words beside the box"),
    ],
)
def test_a_setting_that_cannot_be_taken_is_named_and_nothing_is_saved(
    owner: Browser, world: World, form, field, value, said
) -> None:
    path = f"/forms/{form.id}"
    owner.page(path)
    for act in ("save", "publish"):
        answer = owner.post(path, settings(form, act=act, **{field: value}))

        assert (answer.status_code, said in html.unescape(answer.get_data(as_text=True))) == (422, True)
    assert seen(world, form.id).draft == form.draft
    if field != "wording":  # a new form is given the usual ones
        assert owner.post("/forms/new", settings(form, **{field: value})).status_code == 422


@pytest.mark.parametrize("act", ["check", "save", "publish"])
def test_no_words_are_refused_and_what_was_entered_is_kept(owner: Browser, world: World, act: str) -> None:
    form = a_form(world)
    path = f"/forms/{form.id}"
    owner.page(path)
    answer = owner.post(path, settings(form, wording="", title="Other title", act=act))
    page = html.unescape(answer.get_data(as_text=True))

    assert answer.status_code == 422 and "Write the words beside the box" in page
    assert "Nothing is missing" not in page and 'value="Other title"' in page
    assert len(seen(world, form.id).versions) == 1 and seen(world, form.id).draft == form.draft


def test_markup_in_the_words_is_called_so(owner: Browser, world: World, form) -> None:
    path = f"/forms/{form.id}"
    owner.page(path)
    wording = f"{form.draft.wording} <script>alert(1)</script>"
    page = owner.post(path, settings(form, wording=wording, act="publish"))

    assert page.status_code == 422
    assert "<strong>Markup</strong>" in page.get_data(as_text=True)
    assert "<strong>Placeholder</strong>" not in page.get_data(as_text=True)


def test_the_editor_gives_the_address_and_what_puts_the_form_into_a_page(owner: Browser, world: World) -> None:
    form = a_form(world, origins=["https://www.lakeside.example"])
    page = html.unescape(owner.page(f"/forms/{form.id}"))

    assert f'<script src="{form.addresses.script}" data-title="Ask about a home" async></script>' in page
    assert f'<noscript><a href="{form.addresses.page}">' in page
    assert f'href="{form.addresses.page}"' in owner.page("/forms")


def test_a_title_cannot_break_out_of_what_puts_the_form_into_a_page(owner: Browser, world: World) -> None:
    form = a_form(world)
    path = f"/forms/{form.id}"
    owner.page(path)
    owner.post(path, settings(form, title='"><script>alert(1)</script>', act="save"))
    shown = re.findall(r'<textarea[^>]*id="snippet"[^>]*>(.*?)</textarea>', owner.page(path), re.DOTALL)[0]

    assert 'data-title="&quot;>&lt;script>alert(1)&lt;/script>"' in html.unescape(shown)


def test_a_closed_form_can_be_opened_again(owner: Browser, world: World) -> None:
    form = a_form(world)
    path = f"/forms/{form.id}"
    owner.page(path)
    owner.post(f"{path}/close")
    closed, page = visitor(world, form).open().status_code, owner.page(path)
    owner.post(path, settings(form, act="publish"))

    assert closed == 404 and "Open and publish" in page and "Closed" in owner.page("/forms") + page
    assert visitor(world, form).open().status_code == 200


@pytest.mark.parametrize("role", Role)
def test_agents_reach_no_form_and_everybody_else_does(world: World, role: Role) -> None:
    form = a_form(world)
    browser = at_work(world, f"{role.value}@example.test", role)
    inbox = browser.page("/")
    paths = ("/forms", "/forms/new", f"/forms/{form.id}")
    reads = [browser.get(path).status_code for path in paths]
    browser.get("/")
    writes = [
        browser.post("/forms/new", settings(form)).status_code,
        browser.post(f"/forms/{form.id}", settings(form, act="save")).status_code,
        browser.post(f"/forms/{form.id}/close").status_code,
    ]

    if role is Role.AGENT:
        assert (reads, writes) == ([404] * 3, [404] * 3)
        assert 'href="/forms"' not in inbox and len(world.rows(Form)) == 1
        assert seen(world, form.id).closed_at is None
    else:
        assert (reads, writes) == ([200] * 3, [303] * 3)
        assert 'href="/forms"' in inbox


def test_another_tenants_form_is_none(owner: Browser, world: World) -> None:
    other = world.business("Zephyrine Motors", "+12065550186")
    theirs = a_form(world, of=other)
    owner.page("/forms")
    nobodys = owner.get(f"/forms/{UUID(int=7)}").get_data(as_text=True)

    assert owner.get(f"/forms/{theirs.id}").get_data(as_text=True) == nobodys
    assert owner.post(f"/forms/{theirs.id}", settings(theirs, act="publish")).status_code == 404
    assert theirs.addresses.page not in owner.page("/forms")


def test_staff_read_that_a_blocked_person_must_text_start(owner: Browser, world: World) -> None:
    world.text("Hello")
    world.drain()
    sent = next(message for message in world.outbound() if message.provider_sid)
    world.status(sent, "failed", error=21610)
    visitor(world, a_form(world)).send(ticked=True)
    page = owner.page(f"/c/{world.conversation().id}")

    assert "Only a START from their phone lifts it" in page and "must text START" in page
    assert "must text START" in owner.page("/tasks")
