"""`POST /webhooks/twilio/sms/status/<message id>`: how far one of our texts has got."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request

from conversations.callbacks import StatusReport, report
from smsbot.errors import NotFound
from smsbot.failpoints import failpoint
from webhooks.requests import MESSAGE_SID, Refused, runtime_of_app, twiml, verified

LONGEST_STATUS = 20
LONGEST_CODE = 6  # digits
KEPT = ("RawDlrDoneDate", "EventType", "ChannelPrefix")


def receive(message_id: UUID) -> Response:
    """200 once the report is kept; 404 when this tenant has no such message, whoever else may have it."""
    runtime = runtime_of_app()
    fields = verified(request, ours="From")
    status = fields["MessageStatus"] or fields["SmsStatus"]
    if not MESSAGE_SID.match(fields.as_sent("MessageSid")):
        raise Refused(400, "MessageSid is missing or malformed")
    if not status or len(status) > LONGEST_STATUS or not status.isascii():
        raise Refused(400, "MessageStatus is missing or malformed")
    code = fields["ErrorCode"]
    details = {name: fields[name][:40] for name in KEPT if fields[name]}
    said = StatusReport(
        fields["MessageSid"],
        status,
        int(code) if code.isascii() and code.isdigit() and len(code) <= LONGEST_CODE else None,
        details,
    )
    try:
        with runtime.turn():
            report(runtime, fields.recipient.tenant_id, message_id, said)
    except NotFound as error:
        raise Refused(404, "no such message") from error
    failpoint("callbacks.committed")
    return twiml()
