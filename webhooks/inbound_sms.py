"""`POST /webhooks/twilio/sms`: an inbound text. Parse, accept, answer empty TwiML."""

from __future__ import annotations

from flask import Response, request

from conversations.inbound import InboundText, wait_for_lease
from smsbot.failpoints import failpoint
from smsbot.masking import masked
from smsbot.phone import address
from smsbot.texts import cleaned
from webhooks.requests import MESSAGE_SID, CarrierRequest, Refused, runtime_of_app, shared_of_app, twiml, verified

MOST_MEDIA = 10
OPT_OUT_TYPES = ("STOP", "START", "HELP")
PLACE = ("FromCity", "FromState", "FromZip", "FromCountry")
LONGEST_URL = 2_000


def receive() -> Response:
    """200 once the text is stored and, for a STOP, nothing is in flight to that person; 503 asks the carrier to repeat."""
    runtime = runtime_of_app()
    carrier_request = verified(request, ours="To")
    text = parsed(carrier_request)
    received = shared_of_app().accepting.accept(carrier_request.recipient, text)
    failpoint("inbound.committed")
    over = wait_for_lease(runtime, carrier_request.recipient.tenant_id, received.contact_id, received.awaited_lease)
    return twiml(200 if over else 503)


def parsed(fields: CarrierRequest) -> InboundText:
    """The text with its body cleaned and masked: from here on nobody sees what was taken out."""
    sid = fields.as_sent("MessageSid")
    if not MESSAGE_SID.match(sid):
        raise Refused(400, "MessageSid is missing or malformed")
    body = cleaned(fields.as_sent("Body"))
    safe = masked(body.text)
    return InboundText(
        provider_sid=sid,
        sender=address(fields["From"]),
        recipient=address(fields["To"]),
        body=safe.text,
        flags=body.flagged | safe.kinds,
        opt_out_type=fields["OptOutType"] if fields["OptOutType"] in OPT_OUT_TYPES else None,
        segments=_number(fields["NumSegments"]),
        media=tuple(_media(fields)),
        place={name: value[:80] for name in PLACE if (value := fields[name])},
    )


def _media(fields: CarrierRequest) -> list[tuple[str, str]]:
    """(address, content type) of at most ten pieces: those that are there, whatever NumMedia says."""
    found = []
    for position in range(MOST_MEDIA):
        if f"MediaUrl{position}" not in fields.fields:
            continue
        url = fields[f"MediaUrl{position}"]
        if url and len(url) <= LONGEST_URL:
            found.append((url, fields[f"MediaContentType{position}"] or "application/octet-stream"))
    return found


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None
