"""What a form does not take, and what it says then: everything typed is kept, the box is empty, nothing is recorded."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from consent.models import ConsentEvent, Contact
from conversations import forms
from conversations.forms import Draft
from conversations.models import Lead
from public.opened import read
from smsbot.actor import SYSTEM
from smsbot.tenancy import Rejection
from tests.public.visitors import EVERYTHING, HIDDEN, Visitor, a_form, visitor
from tests.world import PUBLIC_URL, World


def nothing_is_kept(world: World) -> bool:
    return [world.rows(model) for model in (Lead, Contact, ConsentEvent)] == [[], [], []]


def box(page: str) -> str:
    return re.findall(r'<input id="agree"[^>]*>', page)[0]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"checkbox_default_state": "true"}, "A tick counts only when you set it yourself"),
        ({"checkbox_default_state": "checked"}, "A tick counts only when you set it yourself"),
        ({"checkbox_default_state": "perhaps"}, "A tick counts only when you set it yourself"),
        ({"bundled_with_terms": "true"}, "A tick counts only when you set it yourself"),
        ({"checkbox_required": "1"}, "A tick counts only when you set it yourself"),
        ({"disclosure_version": "7"}, "names words that this form never showed"),
        ({"disclosure_version": ""}, "names words that this form never showed"),
        ({"page": ""}, "This page was open for too long"),
        ({"page": "forged.page"}, "This page was open for too long"),
    ],
)
def test_a_tick_that_was_not_their_own_or_stood_beside_other_words_is_refused(world: World, sent, said) -> None:
    someone = visitor(world, a_form(world, purposes=EVERYTHING))
    answer = someone.send(ticked=True, message="Kept as typed", **sent)

    assert (answer.status_code, said in someone.page) == (422, True)
    assert "Kept as typed" in someone.page and 'value="Maria Lopez"' in someone.page
    assert "checked" not in box(someone.page)
    assert nothing_is_kept(world)


def test_a_page_without_the_boxs_first_state_is_refused(world: World) -> None:
    someone = visitor(world, a_form(world))
    someone.open()
    del someone.hidden["checkbox_default_state"]

    assert (someone.send(ticked=True).status_code, nothing_is_kept(world)) == (422, True)


def test_words_that_were_published_meanwhile_are_read_again_before_they_count(world: World) -> None:
    form = a_form(world)
    someone = visitor(world, form)
    someone.open()
    draft = Draft(
        form.draft.title, form.draft.source, form.draft.number_id, "en", form.draft.purposes,
        wording=form.draft.wording.replace("at any time", "whenever you like"),
    )  # fmt: skip
    forms.change(world.runtime, world.home.id, SYSTEM, form.id, draft)
    forms.publish(world.runtime, world.home.id, SYSTEM, form.id)
    refused = someone.send(ticked=True)

    assert (refused.status_code, "have changed since you opened this page" in someone.page) == (422, True)
    assert "whenever you like" in someone.page and nothing_is_kept(world)
    assert someone.send(ticked=True, after=timedelta()).status_code == 303  # the first look is long ago


def test_a_page_of_another_form_is_refused(world: World) -> None:
    one, other = visitor(world, a_form(world)), visitor(world, a_form(world))
    one.open()
    other.hidden = dict(one.hidden)

    assert (other.send(ticked=True).status_code, nothing_is_kept(world)) == (422, True)
    assert "names words that this form never showed" in other.page


@pytest.mark.parametrize(
    ("fields", "about", "said"),
    [
        ({"number": ""}, "number", "Write your mobile number."),
        ({"number": "555"}, "number", "Write a whole phone number with its area code"),
        ({"number": "call me"}, "number", "Write a whole phone number with its area code"),
        ({"number": "+1 312 555 0171 ext 5"}, "number", "Write a whole phone number with its area code"),
        ({"number": "+44 20 7946 0958"}, "number", "We cannot text numbers of this country"),
        ({"number": "+1 876 555 0171"}, "number", "We cannot text numbers of this country"),
        ({"number": "+1 800 555 0171"}, "number", "Write"),
        ({"number": "+1 900 555 0171"}, "number", "Write"),
        ({"name": "  "}, "name", "Write your name."),
        ({"name": "x" * 121}, "name", "at most 120"),
        ({"message": "x" * 1001}, "message", "at most 1,000"),
        ({"zip": "6060"}, "zip", "Write five digits"),
    ],
)
def test_a_field_that_cannot_be_taken_says_why_beside_it(world: World, fields, about, said) -> None:
    someone = visitor(world, a_form(world))
    answer = someone.send(**fields)
    field = re.findall(rf'<(?:input|textarea) id="{about}"[^>]*>', someone.page)[0]

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in field and f"{about}-wrong" in field
    assert said in re.findall(rf'id="{about}-wrong">([^<]*)<', someone.page)[0]
    assert nothing_is_kept(world)


def test_who_ticked_is_told_that_the_box_is_empty_again(world: World) -> None:
    someone = visitor(world, a_form(world))
    someone.send(number="12", ticked=True)

    assert "tick it once more if you agree" in someone.page and "checked" not in box(someone.page)


@pytest.mark.parametrize("number", ["(312) 555-0171", "312.555.0171", "1 312 555 0171", "+1 312 555 0171"])
def test_a_number_is_taken_however_it_is_written(world: World, number: str) -> None:
    visitor(world, a_form(world)).send(number=number)

    assert [contact.address for contact in world.rows(Contact)] == ["+13125550171"]


def test_sensitive_numbers_are_out_before_anything_is_kept_or_shown(world: World) -> None:
    someone = visitor(world, a_form(world))
    someone.send(number="12", message="My ssn is 078-05-1120")
    shown = someone.page
    someone.send(message="My ssn is 078-05-1120")

    assert "078-05-1120" not in shown
    assert [lead.fields["message"] for lead in world.rows(Lead)] == ["My ssn is [SSN removed]"]


def test_what_a_page_shows_again_is_shown_as_text(world: World) -> None:
    someone = visitor(world, a_form(world))
    someone.send(number="12", name='"><script>x</script>', message="</textarea><b>")

    assert "<script>" not in someone.page and "<b>" not in someone.page


# ---- nobody's doing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [{"website": "https://spam.example"}, {"after": timedelta(seconds=1.5)}, {"website": "x", "page": "forged"}],
)
def test_a_bot_is_thanked_like_everybody_and_only_counted(world: World, sent) -> None:
    answer = visitor(world, a_form(world)).send(ticked=True, **sent)
    human = visitor(world, a_form(world)).send("+13125550172")

    assert (answer.status_code, human.status_code) == (303, 303)
    assert answer.headers["Location"].rpartition("/")[2] == human.headers["Location"].rpartition("/")[2] == "thanks"
    assert [contact.address for contact in world.rows(Contact)] == ["+13125550172"]
    counted = [(row.reason, row.count) for row in world.rows(Rejection) if row.tenant_id == world.home.id]
    assert counted == [("form_bot", 1)]


def test_the_trap_is_out_of_sight_by_the_style_sheet_and_of_no_use_to_anybody(world: World) -> None:
    page = visitor(world, a_form(world)).open().get_data(as_text=True)
    trap = re.findall(r'<p class="more"[^>]*>.*?</p>', page, re.DOTALL)[0]

    assert 'aria-hidden="true"' in trap and 'tabindex="-1"' in trap and "style=" not in page


def test_a_form_that_another_site_sends_is_refused(world: World) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = visitor(world, a_form(world)).send(ticked=True, headers=headers)

        assert (answer.status_code, nothing_is_kept(world)) == (403, True)


def test_a_page_is_good_for_a_day(world: World) -> None:
    early, late = visitor(world, a_form(world)), visitor(world, a_form(world))

    assert early.send(after=timedelta(hours=23)).status_code == 303
    assert late.send("+13125550172", after=timedelta(hours=25)).status_code == 422


def test_a_body_that_is_too_large_is_not_read(world: World) -> None:
    someone = visitor(world, a_form(world))
    answer = someone.send(message="x" * 70_000)

    assert (answer.status_code, nothing_is_kept(world)) == (413, True)


# ---- how often --------------------------------------------------------------------------------------------------------


def test_one_network_is_stopped_after_twenty_forms_and_another_is_not(world: World) -> None:
    form = a_form(world)
    world.clock.freeze()
    for _ in range(20):
        assert visitor(world, form).send(number="12", after=timedelta(seconds=3)).status_code == 422
    late = visitor(world, form)
    refused = late.send(message="Keep this")
    world.later(minutes=11)
    again = visitor(world, form).send()

    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    assert "Wait a few minutes" in late.page and "Keep this" in late.page
    assert again.status_code == 303


def test_one_number_is_written_down_five_times_an_hour_at_most(world: World) -> None:
    form = a_form(world)
    answers = [visitor(world, form).send(message=f"{n}").status_code for n in range(6)]
    world.later(hours=2)

    assert answers == [303] * 5 + [429]
    assert len(world.ledger()) == 5
    assert visitor(world, form).send().status_code == 303


def test_who_counts_is_not_to_be_read_from_the_counters(world: World, database) -> None:
    visitor(world, a_form(world)).send()
    with database.connect() as connection:
        rows = str(connection.execute("SELECT * FROM rejections").fetchall())

    assert "form_sent" in rows
    assert not [mark for mark in ("127.0.0.1", "3125550171", str(world.home.id)) if mark in rows]


# ---- around the form --------------------------------------------------------------------------------------------------


def header(world: World, form, path: str = "", name: str = "Content-Security-Policy") -> str:
    return Visitor(world, form.token).open(path).headers.get(name, "")


def test_only_the_sites_that_a_form_names_may_frame_it_and_only_the_page_made_for_it(world: World) -> None:
    form = a_form(world, origins=["https://www.lakeside.example", "https://homes.example:8443"])
    alone = a_form(world)
    sites = "frame-ancestors https://www.lakeside.example https://homes.example:8443"

    for path in ("", "/thanks", "/privacy", "/terms"):
        assert "frame-ancestors 'none'" in header(world, form, path)
        assert sites in header(world, form, f"{path}?embed=1")
        assert "frame-ancestors 'none'" in header(world, alone, f"{path}?embed=1")
    someone = visitor(world, form)
    assert sites in someone.send(number="12", query="?embed=1").headers["Content-Security-Policy"]
    assert someone.send(query="?embed=1").headers["Location"].endswith("/thanks?embed=1")


def test_a_public_page_loads_nothing_from_elsewhere_sets_no_cookie_and_runs_no_script(world: World) -> None:
    form = a_form(world)
    for path in ("", "/thanks", "/privacy", "/terms", "?embed=1"):
        answer = Visitor(world, form.token).open(path)
        page = answer.get_data(as_text=True)

        assert "Set-Cookie" not in answer.headers and "<script" not in page and "style=" not in page
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
        assert "script-src" not in answer.headers["Content-Security-Policy"]
        assert re.findall(r'(?:src|<link [^>]*href)="(?!/form-assets/|data:)', page) == []


def test_the_script_is_one_file_that_other_sites_may_load(world: World) -> None:
    form, other = a_form(world), a_form(world, language="es")
    answers = [Visitor(world, one.token).open("/embed.js") for one in (form, other)]

    assert answers[0].get_data() == answers[1].get_data()
    assert answers[0].mimetype == "text/javascript"
    assert answers[0].headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert form.token not in answers[0].get_data(as_text=True)


@pytest.mark.parametrize(
    "said",
    [
        "https://evil.example/", "https://www.lakeside.example.evil.example/", "javascript:alert(1)", "//x", "\x00",
        "https://www.lakeside.example@evil.example/",
    ],
)  # fmt: skip
def test_a_page_that_a_form_does_not_name_is_not_believed(world: World, said: str) -> None:
    someone = visitor(world, a_form(world, origins=["https://www.lakeside.example"]))
    believed = []
    for page in (said, "https://www.lakeside.example/homes?mail=x#y"):
        answer = world.app.test_client().get(
            f"/f/{someone.token}", query_string={"embed": "1", "page": page}, base_url=PUBLIC_URL
        )
        shown = read(world.runtime, dict(HIDDEN.findall(answer.get_data(as_text=True)))["page"])
        believed.append(shown.page if shown else None)

    assert believed == ["", "https://www.lakeside.example/homes"]


@pytest.mark.parametrize(
    ("language", "clause", "stop"),
    [
        (
            "en",
            "We do not sell, rent or share mobile numbers or text-message consent with third parties or affiliates for"
            " their marketing.",
            "Reply STOP",
        ),
        ("es", "No vendemos, alquilamos ni compartimos números de celular", "Responda STOP o ALTO"),
    ],
)
def test_privacy_and_terms_carry_the_clause_in_the_forms_language(world: World, language, clause, stop) -> None:
    form = a_form(world, language=language)
    pages = [Visitor(world, form.token).open(path).get_data(as_text=True) for path in ("/privacy", "/terms")]

    for page in pages:
        assert clause in page and stop in page and world.home.brand in page
        assert f'<html lang="{language}">' in page
    assert form.addresses.privacy in form.versions[0].text and form.addresses.terms in form.versions[0].text


def test_privacy_and_terms_stay_when_the_form_is_closed(world: World) -> None:
    form, draft = a_form(world), a_form(world, published=False)
    forms.close(world.runtime, world.home.id, SYSTEM, form.id)

    for path in ("/privacy", "/terms"):
        answer = Visitor(world, form.token).open(path)
        assert answer.status_code == 200 and f'href="/f/{form.token}"' not in answer.get_data(as_text=True)
        assert Visitor(world, draft.token).open(path).status_code == 404
