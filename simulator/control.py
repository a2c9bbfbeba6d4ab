"""The strings that a demo, a test or the chaos harness pulls: JSON over HTTP under /sim/, for this machine only."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from simulator.accounts import Account, e164
from simulator.carrier import WEBHOOK_RETRIES, Call, Carrier, Text
from simulator.fault_form import faults_shown
from simulator.faults import carrier_faults_from, model_faults_from
from simulator.lookups import TYPES as LINE_TYPES
from simulator.messages import Media
from simulator.model import Model
from simulator.webhooks import RETRIES
from simulator.wire import LOOPBACK, Answer, Request, json_answer

THREAD = re.compile(r"/sim/numbers/([^/]+)/thread")
COPIES = range(1, 201)
SAMPLES = {
    "image/jpeg": bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9"),
    "image/png": base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    ),
    "image/gif": base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"),
}

Body = Mapping[str, Any]


@dataclass
class Control:
    """Answers under /sim/. `started` is monotonic."""

    carrier: Carrier
    model: Model
    started: float

    @property
    def seed(self) -> int:
        """What chance follows from."""
        return self.carrier.draws.seed

    def answer(self, request: Request) -> Answer:
        """400 with `error` for what cannot be done, 403 for a page of another site, 404 for an unknown path."""
        if not from_here(request):
            return json_answer(403, {"error": "the simulator is steered from this machine only"})
        routes: dict[tuple[str, str], Callable[[Body], Answer]] = {
            ("POST", "/sim/inbound"): self._inbound,
            ("POST", "/sim/webhook"): self._webhook,
            ("POST", "/sim/faults"): self._faults,
            ("POST", "/sim/accounts"): self._account,
            ("POST", "/sim/blocks"): self._block,
            ("POST", "/sim/line_types"): self._line_type,
            ("POST", "/sim/clock"): self._clock,
            ("POST", "/sim/reset"): self._reset,
            ("GET", "/sim/state"): self._state,
            ("GET", "/sim/log"): self._log,
            ("GET", "/sim/blocks"): lambda _: json_answer(200, {"items": self.carrier.blocked()}),
            ("GET", "/sim/line_types"): lambda _: json_answer(200, {"items": self.carrier.line_types()}),
            ("GET", "/sim/phones"): lambda _: json_answer(200, {"items": self.carrier.phones()}),
            ("GET", "/sim/model/requests"): self._model_requests,
        }
        thread = THREAD.fullmatch(request.path)
        if thread and request.method == "GET":
            number = unquote(thread[1])
            return json_answer(200, {"number": number, "texts": self.carrier.thread(number)})
        route = routes.get((request.method, request.path))
        if route is None:
            return json_answer(404, {"error": f"no such control: {request.method} {request.path}"})
        try:
            asked = request.query() if request.method == "GET" else json.loads(request.body or b"{}")
            if not isinstance(asked, dict):
                raise ValueError("a JSON object is needed")
            return route(asked)
        except KeyError as error:
            return json_answer(400, {"error": f"{error.args[0]}: is missing"})
        except (ValueError, TypeError, AttributeError) as error:
            return json_answer(400, {"error": str(error)})

    # --- reading ----------------------------------------------------------------------------------------------------

    def _state(self, _: Body) -> Answer:
        carrier, counts = self.carrier, self.carrier.journal.counts
        return json_answer(
            200,
            {
                "seed": self.seed,
                "uptime_s": round(time.monotonic() - self.started, 3),
                "now": carrier.clock.now().isoformat().replace("+00:00", "Z"),
                "target": carrier.caller.target,
                "accounts": [_shown(account) for account in list(carrier.accounts.values())],
                "creates": {
                    "received": counts["request"],
                    "accepted": counts["accepted"],
                    "refused": counts["refused"],
                    "faults": counts["fault"],
                },
                "reads": counts["read"],
                "callbacks": {
                    "attempts": counts["callback"],
                    "acknowledged": counts["acknowledged"],
                    "given_up": counts["given_up"],
                    "lost": counts["callback_lost"],
                },
                "inbound": counts["inbound"],
                "webhooks": counts["webhook"],
                "said": counts["said"],
                "pending": carrier.timetable.pending,
                "model": {"requests": self.model.calls},
                "faults": faults_shown(carrier.faults_left, self.model.faults_left),
                "seq": carrier.journal.last,
            },
        )

    def _log(self, asked: Body) -> Answer:
        entries = self.carrier.journal.since(int(asked.get("since", 0)))
        lines = "".join(json.dumps(entry) + "\n" for entry in entries)
        return Answer(200, lines.encode(), (("Content-Type", "application/x-ndjson"),))

    def _model_requests(self, asked: Body) -> Answer:
        since = int(asked.get("since", 0))
        return json_answer(200, {"items": [one for one in self.model.requests if one["n"] > since]})

    # --- changing ---------------------------------------------------------------------------------------------------

    def _faults(self, asked: Body) -> Answer:
        """Each of `carrier` and `model` that is given replaces what was set; `seed` starts chance anew."""
        _only(asked, {"carrier", "model", "seed"})
        carrier = carrier_faults_from(asked["carrier"]) if "carrier" in asked else None
        model = model_faults_from(asked["model"]) if "model" in asked else None
        if "seed" in asked:
            self.carrier.draws.reseed(int(asked["seed"]))
        if carrier is not None:
            self.carrier.set_faults(carrier)
        if model is not None:
            self.model.set_faults(model)
        return json_answer(200, {"seed": self.seed})

    def _reset(self, asked: Body) -> Answer:
        _only(asked, {"seed"})
        self.carrier.reset()
        self.model.reset()
        self.carrier.journal.clear()
        self.carrier.draws.reseed(int(asked.get("seed", self.seed)))
        return json_answer(200, {"seed": self.seed})

    def _account(self, asked: Body) -> Answer:
        return json_answer(201, _shown(self.carrier.add_account(asked)))

    def _block(self, asked: Body) -> Answer:
        _only(asked, {"account", "number", "person", "blocked"})
        account = self._known(asked["account"])
        if asked["number"] not in account.numbers:
            raise ValueError("number: not a number of this account")
        self.carrier.set_block(account.sid, account.numbers[asked["number"]], asked["person"], bool(asked["blocked"]))
        return json_answer(200, {"items": self.carrier.blocked()})

    def _line_type(self, asked: Body) -> Answer:
        """What Lookup says of a number from now on; a `type` of null leaves it to the rule again."""
        _only(asked, {"number", "type"})
        number, kind = e164(str(asked["number"])), asked["type"]
        if number is None:
            raise ValueError("number: an E.164 number is needed")
        if kind is not None and kind not in LINE_TYPES:
            raise ValueError(f"type: null or one of {', '.join(sorted(LINE_TYPES))} is needed")
        self.carrier.set_line_type(number, kind)
        return json_answer(200, {"items": self.carrier.line_types()})

    def _clock(self, asked: Body) -> Answer:
        _only(asked, {"at"})
        at = datetime.fromisoformat(asked["at"])
        if at.tzinfo is None:
            raise ValueError("at: an ISO 8601 time with its offset is needed")
        self.carrier.clock.set(at)
        return json_answer(200, {"now": self.carrier.clock.now().isoformat().replace("+00:00", "Z")})

    def _known(self, sid: str) -> Account:
        if sid not in self.carrier.accounts:
            raise ValueError("account: no such account")
        return self.carrier.accounts[sid]

    # --- calls to the program -----------------------------------------------------------------------------------------

    def _inbound(self, asked: Body) -> Answer:
        return json_answer(200, self.carrier.text(self._text(asked)))

    def _text(self, asked: Body) -> Text:
        _only(
            asked,
            {"account", "from", "to", "body", "media", "sid", "messaging_service", "copies", "parallel", "retries"}
            | {"omit", "extra", "signed_as", "token", "signature"},
        )
        return Text(
            account=asked["account"],
            sender=str(asked["from"]),
            to=str(asked["to"]),
            body=str(asked["body"]),
            media=tuple(self._media(one) for one in asked.get("media", ())),
            sid=asked.get("sid"),
            service=asked.get("messaging_service"),
            copies=_within(asked, "copies", 1, COPIES),
            parallel=bool(asked.get("parallel", False)),
            retries=_within(asked, "retries", WEBHOOK_RETRIES, RETRIES),
            omit=frozenset(asked.get("omit", ())),
            extra=_pairs(asked.get("extra", {})),
            signed_as=asked.get("signed_as"),
            token=asked.get("token"),
            signature=asked.get("signature", "valid"),
        )

    def _media(self, written: Any) -> Media:
        """A content type, or an object with one, `base64` or `size` in bytes, and `redirect` to another place."""
        if isinstance(written, str):
            written = {"content_type": written}
        _only(written, {"content_type", "base64", "size", "redirect"})
        kind = written["content_type"]
        content = base64.b64decode(written["base64"]) if "base64" in written else SAMPLES.get(kind, b"?")
        return self.carrier.new_media(kind, content.ljust(int(written.get("size", 0)), b"\0"), written.get("redirect"))

    def _webhook(self, asked: Body) -> Answer:
        """Any signed form to any path of the program: late statuses, voice calls, forgeries, replays."""
        _only(
            asked,
            {"account", "path", "form", "copies", "parallel", "retries", "method", "headers"}
            | {"signed_as", "token", "signature"},
        )
        account, path = self._known(asked["account"]), str(asked["path"])
        if not path.startswith("/"):
            raise ValueError("path: must begin with /")
        how = Text(
            account.sid, "", "", "", signed_as=asked.get("signed_as"), token=asked.get("token"),
            signature=asked.get("signature", "valid"),
        )  # fmt: skip
        call = Call(
            self.carrier.caller.url(path),
            _pairs(asked.get("form", {})),
            self.carrier.signer(account, how),
            _within(asked, "copies", 1, COPIES),
            bool(asked.get("parallel", False)),
            _within(asked, "retries", 0, RETRIES),
            str(asked.get("method", "POST")),
            _pairs(asked.get("headers", {})),
        )
        journey = self.carrier.call(call)
        replies = [attempts[-1].reply for attempts in journey]
        return json_answer(
            200,
            {
                "statuses": [attempts[-1].status for attempts in journey],
                "attempts": [[attempt.status for attempt in attempts] for attempts in journey],
                "bodies": [reply.body.decode("utf-8", "replace") if reply else None for reply in replies],
                "answered_at": max(attempts[-1].answered for attempts in journey),
            },
        )


def from_here(request: Request) -> bool:
    """Whether the request names this machine as its host and comes from no other site's page (DNS rebinding, CSRF)."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    origin = request.headers.get("origin")
    return host in LOOPBACK and (origin is None or urlsplit(origin).hostname in LOOPBACK)


def _shown(account: Account) -> dict[str, Any]:
    """An account without its secrets."""
    return {
        "sid": account.sid,
        "numbers": [
            {
                "number": number.number,
                "type": number.type.value,
                "opt_out": number.opt_out.value,
                "messaging_service": number.messaging_service,
            }
            for number in account.numbers.values()
        ],
        "shared_key": account.shared_key.sid if account.shared_key else None,
    }


def _only(asked: Body, fields: set[str]) -> None:
    if unknown := sorted(set(asked) - fields):
        raise ValueError(f"unknown field {unknown[0]}; known are {', '.join(sorted(fields))}")


def _within(asked: Body, name: str, usual: int, allowed: range) -> int:
    value = asked.get(name, usual)
    if value not in allowed:
        raise ValueError(f"{name}: a number from {allowed.start} to {allowed.stop - 1} is needed")
    return int(value)


def _pairs(written: Any) -> tuple[tuple[str, str], ...]:
    """An object, or a list of pairs; a list as a value stands for the name repeated."""
    pairs = written.items() if isinstance(written, dict) else written
    return tuple(
        (str(name), str(one)) for name, value in pairs for one in (value if isinstance(value, list) else [value])
    )
