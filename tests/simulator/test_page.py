"""The phone page: what it shows and takes without its script, what the script reads, and who is let in."""

from __future__ import annotations

import re
import struct
import zlib
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from simulator.fault_form import CARRIER_SWITCHES, CODES, MODEL_SWITCHES, OFTEN, faults_in, fields_of, words_of
from simulator.faults import CarrierFault, CarrierFaults, ForcedError, ModelFault, ModelFaults, Scripted
from simulator.markup import Markup, element, joined
from simulator.pictures import PICTURES, picture
from simulator.wire import Answer

LEAD = "+13125550150"
HOSTILE = "<script>alert(1)</script>\"'&amp; ${seq} $body"


class Tags(HTMLParser):
    """Every element of a page with its attributes, and the text between."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def page(world):
    return Page(world)


class Page:
    def __init__(self, world) -> None:
        self.world, self.url = world, world.sim.url

    def get(self, path="/", **query):
        return requests.get(f"{self.url}{path}", params=query, timeout=5)

    def thread(self, person=LEAD, to=None):
        return self.read("thread.json", person, to)

    def read(self, name, person=LEAD, to=None, **more):
        to = to or self.world.number
        return self.get(f"/page/{name}", phone=person, to=to, **more).json()["items"]

    def post(self, path, headers=None, **form):
        return requests.post(
            f"{self.url}/page/{path}", data=form, headers=headers or {}, timeout=20, allow_redirects=False
        )

    def send(self, body, **more):
        return self.post("texts", **{"phone": LEAD, "to": self.world.number, "body": body, **more})


# --- who is let in, and what a page may do --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/page/phone.js", "/page/phone.css", "/page/phones.json", "/page/nothing"])
def test_every_answer_has_the_strict_headers(page, path):
    headers = page.get(path).headers

    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert set(policy.values()) == {"'none'", "'self'"}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_page_has_nothing_inline_and_nothing_from_elsewhere(page):
    page.send("hello")
    tags = Tags(page.get(phone=LEAD, to=page.world.number).text).tags

    assert not [(tag, name) for tag, names in tags for name in names if name.startswith("on") or name == "style"]
    assert not [tag for tag, names in tags if tag == "style" or (tag == "script" and not names.get("src"))]
    loaded = [names.get("src") or names.get("href") for tag, names in tags if tag in ("script", "link", "img")]
    assert loaded
    assert {address[:6] for address in loaded} == {"/page/"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/page/texts", "/page/faults/off"])
def test_other_sites_and_names_are_refused(page, path, headers):
    answer = requests.post(f"{page.url}{path}", headers=headers, timeout=5)

    assert answer.status_code == 403
    assert page.world.program.requests == []


def test_own_origin_is_let_in(page):
    answer = page.post("faults/off", {"Origin": page.url})

    assert (answer.status_code, answer.headers["location"]) == (303, "/#faults")


@pytest.mark.parametrize("path", ["/page/../server.py", "/page/phone.html", "/page/media/ME1", "/page/picture/x.png"])
def test_only_listed_files_are_served(page, path):
    with requests.Session() as session:
        request = requests.Request("GET", page.url).prepare()
        request.url = f"{page.url}{path}"

        assert session.send(request, timeout=5).status_code == 404


# --- without the script ---------------------------------------------------------------------------------------------------


def test_form_sends_a_signed_text_and_leads_back_to_the_thread(page):
    answer = page.send("Is it\r\nstill there?")

    assert page.world.program.forms[0]["Body"] == "Is it\nstill there?"
    assert answer.status_code == 303
    where = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (where["phone"], where["to"]) == ([LEAD], [page.world.number])
    shown = Tags(page.get(answer.headers["location"]).text).text
    assert "Is it\nstill there?" in shown
    assert "Sent, answered 204" in shown
    assert page.world.program.requests[0].headers["x-twilio-signature"] in shown


def test_reply_is_on_the_phone_with_its_state(page):
    page.world.create(Body="Yes, come by.", To=LEAD)
    page.world.settle()

    shown = Tags(page.get(phone=LEAD, to=page.world.number).text).text
    assert "Yes, come by." in shown
    assert "Delivered" in shown


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"phone": "+13125551234"}, "555-0100"),
        ({"phone": "x"}, "555-0100"),
        ({"phone": "+14155550101"}, "number of a business"),
        ({"to": "+19995550100"}, "not a number of an account"),
        ({"body": " \n"}, "write a text"),
        ({"body": "x" * 1601}, "at most 1600"),
        ({"picture": "cat"}, "one of the pictures"),
    ],
)
def test_form_that_cannot_be_used_says_why_and_sends_nothing(page, change, reason):
    answer = page.send(change.get("body", "kept words"), **{k: change[k] for k in change if k != "body"})
    told = page.post(
        "texts", {"Accept": "application/json"}, **{"phone": LEAD, "to": page.world.number, "body": "hi", **change}
    )

    assert (answer.status_code, told.status_code) == (400, 400)
    assert reason in Tags(answer.text).text
    assert reason in told.json()["error"]
    assert page.world.program.requests == []
    assert "body" in change or "kept words" in Tags(answer.text).text


def test_quick_text_goes_before_what_is_in_the_box(page):
    page.send("half a thou", quick="STOP")

    assert [form["Body"] for form in page.world.program.forms] == ["STOP"]
    assert [text["author"] for text in page.thread()] == ["phone", "carrier"]


def test_picture_is_attached_and_shown(page):
    page.send("", picture="house")

    form = page.world.program.forms[0]
    media = requests.get(form["MediaUrl0"], auth=page.world.auth, timeout=5)
    assert (form["NumMedia"], form["MediaContentType0"], media.content) == ("1", "image/png", picture("house"))
    sid = page.thread()[0]["pictures"][0]["sid"]
    shown = page.get(f"/page/media/{sid}")
    assert (shown.content, shown.headers["content-type"]) == (picture("house"), "image/png")


def test_media_that_could_be_a_page_is_not_served_on_the_page(page):
    page.world.text("look", media=["text/html"], **{"from": LEAD})

    assert page.get(f"/page/media/{page.thread()[0]['pictures'][0]['sid']}").status_code == 404


def test_hostile_words_stay_words_everywhere(page):
    page.world.control("accounts", sid=page.world.account, name=HOSTILE)
    page.world.program.answers.append(
        Answer(200, HOSTILE.encode(), (("Content-Type", "text/plain"), ("X-Odd", HOSTILE)))
    )
    page.send(HOSTILE)
    page.world.create(Body=HOSTILE, To=LEAD)
    page.world.settle()
    found = page.get(phone=LEAD, to=page.world.number, item=f'"><script>{HOSTILE}')

    tags = Tags(found.text)
    assert [names.get("src") for tag, names in tags.tags if tag == "script"] == ["/page/phone.js"]
    assert tags.text.count(HOSTILE) >= 5
    refused = Tags(page.send(HOSTILE, phone=HOSTILE).text)
    assert [names.get("src") for tag, names in refused.tags if tag == "script"] == ["/page/phone.js"]


def test_lone_surrogate_does_not_break_the_page(page):
    page.world.text("\ud83d", **{"from": LEAD})

    assert page.get(phone=LEAD, to=page.world.number).status_code == 200


def test_page_without_accounts_still_opens(page):
    page.world.sim.carrier.accounts.clear()

    assert "No business yet" in page.get().text


# --- several phones -------------------------------------------------------------------------------------------------------


def test_each_business_has_a_phone_from_the_start(page):
    lines = page.get("/page/phones.json").json()["items"]

    assert {line["number"] for line in lines} == {
        page.world.number, page.world.pooled, page.world.toll_free, page.world.own_words, page.world.other_number,
    }  # fmt: skip
    assert all(re.fullmatch(r"\+1\d{3}55501\d\d", line["person"]) for line in lines)


def test_added_phone_stays_in_the_list_and_texts_the_chosen_business(page):
    answer = page.post("phones", phone="(312) 555-0161", to=page.world.other_number)
    page.post("texts", phone="+13125550161", to=page.world.other_number, body="hi")

    assert "phone=%2B13125550161" in answer.headers["location"]
    assert page.world.program.forms[0]["To"] == page.world.other_number
    assert page.world.program.forms[0]["AccountSid"] == page.world.other_account
    page.world.control("reset")
    assert ("+13125550161", page.world.other_number) in {
        (line["person"], line["number"]) for line in page.get("/page/phones.json").json()["items"]
    }


def test_a_lead_of_a_real_looking_number_is_read_and_not_texted_from(page):
    page.world.create(Body="Thanks for your form.", To="+13125552368")
    page.world.settle()
    (line,) = [line for line in page.get("/page/phones.json").json()["items"] if line["person"] == "+13125552368"]
    phone = {"phone": line["person"], "to": line["number"]}

    (text,) = page.thread(*phone.values())
    wire = page.read("wire.json", *phone.values(), item=text["id"])
    refused = page.post("texts", {"Accept": "application/json"}, **phone, body="hi")
    assert (text["body"], text["words"], len(wire) > 0) == ("Thanks for your form.", "Delivered", True)
    assert "Thanks for your form." in Tags(page.get(**phone).text).text
    assert (refused.status_code, "555-0100" in refused.json()["error"]) == (400, True)
    assert page.get("/page/thread.json", phone="+13125559999", to=line["number"]).status_code == 400
    assert page.world.program.forms == []


def test_one_lead_has_a_thread_with_each_business(page):
    page.send("to one")
    page.send("to the other", to=page.world.other_number)

    assert [text["body"] for text in page.thread()] == ["to one"]
    assert [text["body"] for text in page.thread(to=page.world.other_number)] == ["to the other"]


def test_text_of_a_service_is_in_the_thread_before_its_number_is_picked(page):
    page.world.control("faults", carrier={"callback": {"delay_s": 5}})
    page.world.create(Body="soon", To=LEAD, From=None, MessagingServiceSid=page.world.service)

    assert [(text["body"], text["words"]) for text in page.thread(to=page.world.pooled)] == [("soon", "Accepted")]
    assert page.thread() == []


# --- states and the wire --------------------------------------------------------------------------------------------------


def test_failed_text_names_its_code_and_meaning(page):
    page.world.control("faults", carrier={"errors": [{"code": 30007, "where": "async"}], "callback": {"delay_s": 0.01}})
    page.world.create(To=LEAD)
    page.world.settle()

    text = page.thread()[0]
    assert (text["state"], text["words"]) == ("bad", "Undelivered · error 30007: filtered as spam")
    assert text["shown"] is False


def test_text_that_the_program_refuses_says_so(page):
    page.world.program.answers.append(Answer(403))
    page.send("hello")

    assert (page.thread()[0]["state"], page.thread()[0]["words"]) == ("bad", "Not taken, answered 403")


def test_wire_of_a_text_has_the_form_each_attempt_the_request_and_the_callbacks(page):
    page.world.program.answers.extend([Answer(503), Answer(200, b"<Response/>", (("Content-Type", "text/xml"),))])
    page.send("Still there?")
    page.world.create(Body="Yes.", To=LEAD, StatusCallback=page.world.callback())
    page.world.settle()
    inbound, reply = page.thread()

    wire = page.read("wire.json", item=inbound["id"])
    assert [(one["kind"], one["attempt"], one["status"]) for one in wire] == [
        ("webhook", 1, 503), ("webhook", 2, 200), ("request", 1, 201), ("callback", 1, 204), ("callback", 1, 204),
    ]  # fmt: skip
    assert dict(wire[1]["form"])["Body"] == "Still there?"
    assert dict(wire[1]["headers"])["X-Twilio-Signature"]
    assert wire[1]["answer"] == "<Response/>"
    assert dict(wire[2]["form"])["Body"] == "Yes."
    assert reply["id"] in wire[2]["answer"]
    assert [dict(one["form"])["MessageStatus"] for one in wire[3:]] == ["sent", "delivered"]
    assert page.read("wire.json", item=reply["id"]) == wire[2:]


def test_request_that_made_no_text_stands_in_the_thread_with_its_wire(page):
    page.world.control("faults", carrier={"next": ["429", "accept_then_reset"], "callback": {"delay_s": 0.01}})
    page.send("hi")
    page.world.create(Body="No.", To=LEAD)
    with pytest.raises(requests.ConnectionError):
        page.world.create(Body="Yes.", To=LEAD)
    page.world.settle()

    _, refused, accepted = page.thread()
    assert (refused["kind"], refused["words"]) == ("request", "Request answered 429, no text made")
    assert [(one["status"], one["note"]) for one in page.read("wire.json", item=refused["id"])] == [(429, "429")]
    assert (accepted["body"], accepted["words"]) == ("Yes.", "Delivered")
    lost = page.read("wire.json", item=accepted["id"])[0]
    assert (lost["status"], lost["note"]) == (0, "accept_then_reset")


def test_tokens_are_nowhere(page):
    page.send("hi")
    page.world.create(To=LEAD, StatusCallback=page.world.callback())
    page.world.settle()
    item = page.thread()[0]["id"]

    wire = page.read("wire.json", item=item)
    request = next(one for one in wire if one["kind"] == "request")
    assert dict(request["headers"])["authorization"] == "Basic ••••••••"
    for path in ("/", "/page/wire.json", "/page/thread.json", "/page/phones.json", "/sim/state", "/sim/log"):
        text = page.get(path, phone=LEAD, to=page.world.number, item=item).text
        assert page.world.token not in text
        assert "QUMxMTEx" not in text  # base64 of the account's sid, with which the password would come


def test_other_accounts_wire_is_not_shown(page):
    page.send("to the other", to=page.world.other_number)
    item = page.thread(to=page.world.other_number)[0]["id"]

    assert page.read("wire.json", item=item) == []


# --- faults ---------------------------------------------------------------------------------------------------------------


def test_switch_makes_the_carrier_refuse_until_all_faults_are_off(page):
    page.post("faults", carrier=["429"], model=["invents_price"], callback=["loss"], code="", latency_ms="0")
    refused = page.world.create(To=LEAD)
    alarm = Tags(page.get().text)
    off = page.post("faults/off", {"Accept": "application/json"})

    assert refused.status_code == 429
    assert "3 faults are on" in alarm.text
    assert next(names for tag, names in alarm.tags if names.get("id") == "alarm").keys().isdisjoint({"hidden"})
    assert off.json()["words"] == []
    assert page.world.create(To=LEAD).status_code == 201
    assert page.world.look("state")["faults"]["words"] == []


def test_fault_for_the_next_request_switches_itself_off(page):
    page.post("faults", carrier=["500"], carrier_share="next")

    assert page.world.look("state")["faults"]["fields"]["carrier"] == ["500"]
    assert [page.world.create(To=LEAD).status_code for _ in range(2)] == [500, 201]
    assert page.world.look("state")["faults"]["words"] == []


@pytest.mark.parametrize(
    "form",
    [
        {"carrier": "teapot"},
        {"model": "x"},
        {"callback": "x"},
        {"latency_ms": "-1"},
        {"code": "1"},
        {"carrier_share": "2"},
    ],
)
def test_unknown_fault_is_refused_and_changes_nothing(page, form):
    page.post("faults", carrier=["429"])
    answer = page.post("faults", {"Accept": "application/json"}, **form)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert page.world.look("state")["faults"]["fields"]["carrier"] == ["429"]


def test_every_fault_has_a_switch():
    assert set(CARRIER_SWITCHES) == set(CarrierFault)
    assert set(MODEL_SWITCHES) == set(ModelFault)


@pytest.mark.parametrize("often", OFTEN)
@pytest.mark.parametrize("code", ["", *(str(choice.code) for choice in CODES)])
def test_form_reads_back_what_it_set(often, code):
    form = [
        ("carrier", "429"), ("carrier", "slow"), ("carrier_share", often), ("model", "refusal"), ("model_share", often),
        ("latency_ms", "250"), ("model_latency_ms", "40"), ("code", code), ("callback", "loss"), ("callback_share", "0.5"),
        ("callback_slow", "on"), ("lag", "on"), ("reads", "on"),
    ]  # fmt: skip

    fields = fields_of(*faults_in(form, CarrierFaults(), ModelFaults()))

    assert {(name, value) for name, values in fields.items() for value in values} == set(form)


def test_faults_that_the_form_cannot_write_survive_a_switch_beside_them():
    one = ForcedError(30003, False, to=LEAD)
    carrier = CarrierFaults(rates={CarrierFault.SLOW: 0.03}, next=(CarrierFault.SERVER_ERROR,) * 5)
    model = ModelFaults(scripted=(Scripted(content="x"),), content="y")
    untouched = [(name, value) for name, values in fields_of(carrier, model).items() for value in values]

    kept, changed = faults_in([*untouched, ("model", "slow")], carrier, model)
    assert kept == carrier
    assert (changed.scripted, changed.content) == (model.scripted, "y")
    assert changed.rates == {ModelFault.SLOW: 1.0}
    assert faults_in([("reads", "on")], CarrierFaults(errors=(one,)), model)[0].errors == (one,)


def test_words_name_every_fault_that_is_on():
    form = [("carrier", "slow"), ("callback", "reorder"), ("lag", "on"), ("code", "30003"), ("model", "too_long")]

    words = words_of(*faults_in(form, CarrierFaults(), ModelFaults()))

    assert words == [
        "Carrier: think 5 s before accepting",
        "Carrier: error 30003, phone is switched off",
        "Callbacks: swap their order",
        "Carrier: its list lags 15 s behind",
        "Model: write 2,000 characters",
    ]
    assert words_of(CarrierFaults(), ModelFaults()) == []


# --- pieces ---------------------------------------------------------------------------------------------------------------


def test_element_escapes_strings_and_keeps_markup():
    assert element("a", {"href": '"<', "hidden": True, "id": None, "x": False}, "<b>", Markup("<i>")) == (
        '<a href="&quot;&lt;" hidden>&lt;b&gt;<i></a>'
    )
    assert joined("&", None, element("img", {"alt": ""})) == '&amp;<img alt="">'


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_a_png_with_every_row(name):
    content = picture(name)

    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    length = struct.unpack(">I", content[33:37])[0]
    assert len(zlib.decompress(content[41 : 41 + length])) == height * (1 + 3 * width)
