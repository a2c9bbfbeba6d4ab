"""The phone page: HTML for whoever has no JavaScript, files and JSON for the script that keeps it live."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlencode, urlsplit

from simulator.carrier import Carrier, Text
from simulator.control import from_here
from simulator.exchanges import Exchange, Kind
from simulator.fault_form import (
    CALLBACK_SWITCHES,
    CARRIER_SWITCHES,
    CODES,
    LATEST_MS,
    MODEL_AWAY,
    MODEL_MALFORMED,
    MODEL_WRONG,
    OFTEN,
    SHARES,
    Fields,
    faults_in,
    faults_shown,
)
from simulator.faults import CarrierFaults, ModelFaults
from simulator.markup import Markup, element, joined
from simulator.model import Model
from simulator.phones import Phone, Phones, national
from simulator.pictures import PICTURES, picture
from simulator.wire import Answer, Request, json_answer

FOLDER = Path(__file__).parent / "pages"
FILES = {"/page/phone.css": "text/css; charset=utf-8", "/page/phone.js": "text/javascript; charset=utf-8"}
MEDIA = "/page/media/"
PICTURE = "/page/picture/"
SHOWN_TYPES = frozenset({"image/png", "image/jpeg", "image/gif"})  # anything else could be a page of its own
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "same-origin"),  # with no-referrer a form would come with "Origin: null", and be refused
    ("Cache-Control", "no-store"),
)
QUICK = ("Hi, is 412 Maple still available?", "STOP", "START", "HELP", "HUMAN")
LONGEST_TEXT = 1600
KINDS = {Kind.WEBHOOK: "Webhook to the product", Kind.REQUEST: "Request to send", Kind.CALLBACK: "Status callback"}


class Page:
    """Answers at / and under /page/. Every change is a form, so that it works without the script too; the script asks
    for JSON and gets what changed instead of the page."""

    def __init__(self, carrier: Carrier, model: Model, phones: Phones) -> None:
        self._carrier, self._model, self._phones = carrier, model, phones
        self._template = Template((FOLDER / "phone.html").read_text(encoding="utf-8"))

    def answer(self, request: Request) -> Answer:
        """400 for a form that cannot be used, with the reason on the page; 404 for an unknown path."""
        routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/"): self._shown,
            ("POST", "/page/texts"): self._text,
            ("POST", "/page/phones"): self._add,
            ("POST", "/page/faults"): self._faults,
            ("POST", "/page/faults/off"): self._faults_off,
            ("GET", "/page/phones.json"): self._phones_json,
            ("GET", "/page/thread.json"): self._thread_json,
            ("GET", "/page/wire.json"): self._wire_json,
        }
        route = routes.get((request.method, request.path))
        try:
            if not from_here(request) or not _same_origin(request):
                answer = json_answer(403, {"error": "the phone page is for this machine only"})
            elif route is not None:
                answer = route(request)
            elif request.method == "GET":
                answer = self._file(request.path)
            else:
                answer = json_answer(404, {"error": "nothing here"})
        except ValueError as error:
            if _wants_json(request):
                answer = json_answer(400, {"error": str(error)})
            else:
                answer = self._page(400, dict(request.form()) | request.query(), str(error))
        given = {name for name, _ in answer.headers}
        own = tuple(pair for pair in HEADERS if pair[0] not in given)
        return Answer(answer.status, answer.body, answer.headers + own)

    # --- files --------------------------------------------------------------------------------------------------------

    def _file(self, path: str) -> Answer:
        if path in FILES:
            return Answer(200, (FOLDER / path.rpartition("/")[2]).read_bytes(), (("Content-Type", FILES[path]),))
        name = path.removeprefix(PICTURE).removesuffix(".png")
        if path == f"{PICTURE}{name}.png" and name in PICTURES:
            return Answer(200, picture(name), (("Content-Type", "image/png"),))
        media = self._carrier.stored(path.removeprefix(MEDIA)) if path.startswith(MEDIA) else None
        if media is not None and media.content_type in SHOWN_TYPES:
            return Answer(200, media.content, (("Content-Type", media.content_type),))
        return json_answer(404, {"error": "nothing here"})

    # --- changes ------------------------------------------------------------------------------------------------------

    def _text(self, request: Request) -> Answer:
        """Sends a text from a phone, and answers when the program has taken it or all attempts have failed."""
        form = dict(request.form())
        phone = self._phone(form)
        body, name = form.get("quick") or form.get("body", "").replace("\r\n", "\n"), form.get("picture", "")
        if name and name not in PICTURES:
            raise ValueError("picture: one of the pictures on the page is needed")
        if not body.strip() and not name:
            raise ValueError("body: write a text or attach a picture")
        if len(body) > LONGEST_TEXT:
            raise ValueError(f"body: at most {LONGEST_TEXT} characters")
        media = (self._carrier.new_media("image/png", picture(name)),) if name else ()
        self._phones.add(phone)
        told = self._carrier.text(Text(phone.account.sid, phone.person, phone.number.number, body, media))
        if _wants_json(request):
            return json_answer(200, {"sid": told["sid"], "statuses": told["statuses"]})
        return _see(_address(phone, told["sid"]))

    def _add(self, request: Request) -> Answer:
        phone = self._phone(dict(request.form()))
        self._phones.add(phone)
        if _wants_json(request):
            return json_answer(201, self._phones.latest(phone))
        return _see(_address(phone))

    def _faults(self, request: Request) -> Answer:
        faults = faults_in(request.form(), self._carrier.faults_left, self._model.faults_left)
        return self._faults_set(request, *faults)

    def _faults_off(self, request: Request) -> Answer:
        return self._faults_set(request, CarrierFaults(), ModelFaults())

    def _faults_set(self, request: Request, carrier: CarrierFaults, model: ModelFaults) -> Answer:
        self._carrier.set_faults(carrier)
        self._model.set_faults(model)
        return json_answer(200, self.faults()) if _wants_json(request) else _see("/#faults")

    def faults(self) -> dict[str, Any]:
        """What is wrong on purpose at the moment: `words`, and the `fields` of the form that sets it."""
        carrier, model = self._carrier.faults_left, self._model.faults_left
        return faults_shown(carrier, model)

    # --- reading, for the script ----------------------------------------------------------------------------------------

    def _phones_json(self, _: Request) -> Answer:
        return json_answer(200, {"items": [self._phones.latest(phone) for phone in self._phones.phones()]})

    def _thread_json(self, request: Request) -> Answer:
        phone = self._looked_at(request.query())
        return json_answer(200, {"items": self._phones.screen(phone), "phone": self._phones.latest(phone)})

    def _wire_json(self, request: Request) -> Answer:
        asked = request.query()
        found = self._phones.wire(self._looked_at(asked), asked.get("item", ""))
        return json_answer(200, {"items": [{**one.shown(), "title": _title(one)} for one in found]})

    def _phone(self, asked: Mapping[str, str]) -> Phone:
        return self._phones.phone(asked.get("phone", ""), asked.get("to", ""))

    def _looked_at(self, asked: Mapping[str, str]) -> Phone:
        return self._phones.looked_at(asked.get("phone", ""), asked.get("to", ""))

    # --- the page itself ------------------------------------------------------------------------------------------------

    def _shown(self, request: Request) -> Answer:
        return self._page(200, request.query(), None)

    def _page(self, status: int, asked: Mapping[str, str], error: str | None) -> Answer:
        phones, chosen = self._phones.phones(), self._chosen(asked)
        if chosen and chosen not in phones:
            phones = [chosen, *phones]
        chosen = chosen or (phones[0] if phones else None)
        screen = self._phones.screen(chosen) if chosen else []
        item = asked.get("item") or next((one["id"] for one in reversed(screen) if one.get("author") == "phone"), "")
        wire = self._phones.wire(chosen, item) if chosen else []
        faults = self.faults()
        fitted = {
            "target": joined(self._carrier.caller.target),
            "seq": joined(str(self._carrier.journal.last)),
            "state": self._state(),
            "fault_count": joined(_counted(len(faults["words"]))),
            "fault_words": joined("; ".join(faults["words"])),
            "fault_hidden": "" if faults["words"] else "hidden",
            "phones": joined(*(_phone_line(self._phones.latest(phone), chosen) for phone in phones)),
            "free": joined(national(self._phones.next_free())),
            "businesses": self._business_options(chosen),
            "business": joined(chosen.business if chosen else "No business yet"),
            "initials": joined(_initials(chosen.business) if chosen else "?"),
            "business_number": joined(national(chosen.number.number) if chosen else ""),
            "person": joined(chosen.person if chosen else ""),
            "person_shown": joined(national(chosen.person) if chosen else ""),
            "to": joined(chosen.number.number if chosen else ""),
            "item": joined(item),
            "thread": _thread(screen, chosen, item),
            "body": joined(asked.get("body", "") if error else ""),
            "error": joined(error),
            "error_hidden": "" if error else "hidden",
            "pictures": _picture_choice(),
            "quick": joined(*(_quick(text) for text in QUICK)),
            "wire": joined(*(_card(one) for one in wire)),
            "carrier_faults": _carrier_switches(faults["fields"]),
            "model_faults": _model_switches(faults["fields"]),
            "model_url": joined(f"{self._carrier.base_url}/v1"),
        }
        page = self._template.substitute(fitted)
        return Answer(status, page.encode("utf-8", "replace"), (("Content-Type", "text/html; charset=utf-8"),))

    def _chosen(self, asked: Mapping[str, str]) -> Phone | None:
        try:
            return self._looked_at(asked)
        except ValueError:
            return None

    def _state(self) -> Markup:
        counts = self._carrier.journal.counts
        shown = {
            "in": ("Texts in", counts["inbound"]),
            "out": ("Texts out", counts["accepted"]),
            "callbacks": ("Callbacks taken", counts["acknowledged"]),
            "model": ("Model requests", self._model.calls),
        }
        return joined(
            *(
                element("div", {}, element("dt", {}, title), element("dd", {"data-count": name}, str(count)))
                for name, (title, count) in shown.items()
            )
        )

    def _business_options(self, chosen: Phone | None) -> Markup:
        options = []
        for account, number in self._phones.businesses():
            phone = Phone("", account, number)
            title = national(number.number) if account.name is None else f"{account.name}, {national(number.number)}"
            selected = chosen is not None and chosen.number == phone.number
            options.append(element("option", {"value": number.number, "selected": selected}, title))
        return joined(*options)


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "") or request.path.endswith(".json")


def _same_origin(request: Request) -> bool:
    """A form or a script of ours: what has an Origin has this very address as its origin."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _see(where: str) -> Answer:
    return Answer(303, headers=(("Location", where),))


def _address(phone: Phone, item: str | None = None) -> str:
    asked = {"phone": phone.person, "to": phone.number.number} | ({"item": item} if item else {})
    return f"/?{urlencode(asked)}#composer"


def _counted(count: int) -> str:
    return "1 fault is on" if count == 1 else f"{count} faults are on"


def _initials(name: str) -> str:
    words = re.findall(r"[A-Za-z]+", name)
    return "".join(word[0] for word in words[:2]).upper() or "#"


def _quick(text: str) -> Markup:
    return element("button", {"name": "quick", "value": text, "formnovalidate": True}, text)


def _phone_line(line: Mapping[str, Any], chosen: Phone | None) -> Markup:
    here = chosen is not None and (line["person"], line["number"]) == (chosen.person, chosen.number.number)
    where = f"/?{urlencode({'phone': line['person'], 'to': line['number']})}#phone"
    said = f"You: {line['last']}" if line["mine"] else line["last"]
    return element(
        "li",
        {},
        element(
            "a",
            {"href": where, "aria-current": "true" if here else None},
            element("span", {"class": "who"}, line["person_shown"]),
            element("span", {"class": "when"}, _clock(line["at"])),
            element("span", {"class": "whom"}, f"texts {line['business']}"),
            element("span", {"class": "last"}, said or "No texts yet"),
        ),
    )


def _clock(at: str | None) -> str:
    return _local(at).strftime("%-I:%M %p") if at else ""


def _local(at: str) -> datetime:
    return datetime.fromisoformat(at).astimezone()


def _thread(screen: list[dict[str, Any]], chosen: Phone | None, selected: str) -> Markup:
    days = itertools.groupby(screen, key=lambda item: _local(item["at"]).strftime("%A, %B %-d"))
    return joined(*(_day(title, list(items), chosen, selected) for title, items in days))


def _day(title: str, items: list[dict[str, Any]], chosen: Phone | None, selected: str) -> Markup:
    bubbles = joined(*(_bubble(item, chosen, selected) for item in items))
    return element("section", {"class": "day"}, element("h3", {}, title), element("ol", {}, bubbles))


def _bubble(item: Mapping[str, Any], chosen: Phone | None, selected: str) -> Markup:
    side = "request" if item["kind"] == "request" else "mine" if item["direction"] == "from_phone" else "theirs"
    where = f"{_address(chosen, item['id']).partition('#')[0]}#wire" if chosen else None
    classes = f"text {side} {item['state']}{'' if item.get('shown', True) else ' unseen'}"
    return element(
        "li",
        {"class": classes, "data-id": item["id"], "aria-current": "true" if item["id"] == selected else None},
        *(_photo(one) for one in item.get("pictures", ())),
        element("p", {"class": "body"}, item["body"]) if item["body"] else None,
        element(
            "p",
            {"class": "meta"},
            *([element("span", {"class": "by"}, "Sent by the carrier")] if item.get("author") == "carrier" else []),
            element("time", {"datetime": item["at"]}, _clock(item["at"])),
            element("span", {"class": "state"}, item["words"]),
            element("a", {"class": "look", "href": where}, "Wire"),
        ),
    )


def _photo(media: Mapping[str, Any]) -> Markup:
    if media["url"] is None and media["content_type"] in SHOWN_TYPES:
        return element("img", {"src": f"{MEDIA}{media['sid']}", "alt": "Attached picture", "width": 320, "height": 240})
    return element("p", {"class": "body"}, f"Attachment: {media['url'] or media['content_type']}")


def _picture_choice() -> Markup:
    def choice(value: str, title: str, image: Markup | None) -> Markup:
        radio = element("input", {"type": "radio", "name": "picture", "value": value, "checked": not value})
        return element("label", {}, radio, image, element("span", {}, title))

    choices = [choice("", "No picture", None)]
    for name, title in PICTURES.items():
        image = element("img", {"src": f"{PICTURE}{name}.png", "alt": "", "width": 80, "height": 60})
        choices.append(choice(name, title, image))
    return joined(*choices)


# --- the wire ---------------------------------------------------------------------------------------------------------


def _title(exchange: Exchange) -> str:
    status = dict(exchange.form).get("MessageStatus") if exchange.kind is Kind.CALLBACK else None
    again = f", attempt {exchange.attempt}" if exchange.attempt > 1 else ""
    return f"{KINDS[exchange.kind]}{f': {status}' if status else ''}{again}"


def _card(exchange: Exchange) -> Markup:
    answer = f"answered {exchange.status}" if exchange.status else "no answer"
    good = exchange.status is not None and 200 <= exchange.status < 300
    return element(
        "li",
        {"class": f"card {exchange.kind.value} {'good' if good else 'bad'}"},
        element(
            "details",
            {"open": exchange.kind is Kind.WEBHOOK},
            element(
                "summary", {}, element("strong", {}, _title(exchange)), element("span", {"class": "answer"}, answer)
            ),
            element(
                "div",
                {"class": "inside"},
                element("p", {"class": "line"}, f"{exchange.method} {exchange.url}"),
                _table("Fields", exchange.form),
                _table("Headers", exchange.headers),
                _table("Headers of the answer", exchange.answer_headers),
                joined(element("h3", {}, "Answer"), element("pre", {}, exchange.answer)) if exchange.answer else None,
            ),
        ),
    )


def _table(title: str, pairs: tuple[tuple[str, str], ...]) -> Markup | None:
    if not pairs:
        return None
    rows = (element("div", {}, element("dt", {}, name), element("dd", {}, value)) for name, value in pairs)
    return joined(element("h3", {}, title), element("dl", {}, *rows))


# --- switches ---------------------------------------------------------------------------------------------------------


def _carrier_switches(fields: Fields) -> Markup:
    return joined(
        _group(
            "Requests to send",
            _number("latency_ms", "Time to answer, in ms", fields),
            *(_switch("carrier", kind.value, words, fields) for kind, words in CARRIER_SWITCHES.items()),
            _select("carrier_share", "How often", OFTEN, fields),
        ),
        _group(
            "Fate of the texts",
            _select("code", "Error code", {"": "none"} | _code_options(), fields),
            _switch("lag", "on", "Its list lags 15 s behind", fields),
            _switch("reads", "on", "Its list answers 500", fields),
        ),
        _group(
            "Status callbacks",
            *(_switch("callback", name, words, fields) for name, words in CALLBACK_SWITCHES.items()),
            _switch("callback_slow", "on", "Send them 3 s apart", fields),
            _select("callback_share", "How often", SHARES, fields),
        ),
    )


def _model_switches(fields: Fields) -> Markup:
    def switches(which: Mapping[Any, str]) -> list[Markup]:
        return [_switch("model", kind.value, words, fields) for kind, words in which.items()]

    return joined(
        _group("Slow or away", _number("model_latency_ms", "Time to answer, in ms", fields), *switches(MODEL_AWAY)),
        _group("Malformed answers", *switches(MODEL_MALFORMED)),
        _group("Wrong words", *switches(MODEL_WRONG), _select("model_share", "How often", OFTEN, fields)),
    )


def _code_options() -> dict[str, str]:
    return {
        str(choice.code): f"{choice.code}: {choice.words} ({'at once' if choice.sync else 'later'})" for choice in CODES
    }


def _group(title: str, *controls: Markup) -> Markup:
    return element("fieldset", {}, element("legend", {}, title), *controls)


def _switch(name: str, value: str, words: str, fields: Fields) -> Markup:
    on = value in fields[name]
    box = element("input", {"type": "checkbox", "role": "switch", "name": name, "value": value, "checked": on})
    return element("label", {"class": "switch"}, box, element("span", {}, words))


def _number(name: str, words: str, fields: Fields) -> Markup:
    limits: dict[str, Any] = {"type": "number", "name": name, "min": 0, "max": LATEST_MS, "step": 1}
    box = element("input", {**limits, "inputmode": "numeric", "value": fields[name][0]})
    return element("label", {"class": "field"}, element("span", {}, words), box)


def _select(name: str, words: str, options: Mapping[str, str], fields: Fields) -> Markup:
    chosen = fields[name][0]
    shown = (element("option", {"value": value, "selected": value == chosen}, text) for value, text in options.items())
    return element("label", {"class": "field"}, element("span", {}, words), element("select", {"name": name}, *shown))
