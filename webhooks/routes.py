"""The carrier's routes on one blueprint, and how they answer when something is wrong on our side."""

from __future__ import annotations

import logging

from flask import Blueprint, Response
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from conversations.accepting import Accepting
from smsbot.accounts import SharedLookUps
from smsbot.logs import log_event
from webhooks import inbound_sms, message_status
from webhooks.requests import SHARED, Shared, twiml

logger = logging.getLogger(__name__)

carrier = Blueprint("carrier", __name__, url_prefix="/webhooks/twilio")
carrier.add_url_rule("/sms", "sms", inbound_sms.receive, methods=["POST"])
carrier.add_url_rule("/sms/status/<uuid:message_id>", "sms_status", message_status.receive, methods=["POST"])


@carrier.record
def _share(state: BlueprintSetupState) -> None:
    runtime = state.app.extensions["smsbot"]
    state.app.extensions[SHARED] = Shared(SharedLookUps(runtime), Accepting(runtime))


@carrier.errorhandler(DBAPIError)
@carrier.errorhandler(PoolTimeout)
def _database_away(error: Exception) -> Response:
    """Nothing was stored: the carrier is asked to repeat, which its `#rc=5&rp=ct,rt,5xx` makes it do."""
    log_event(logger, "webhook.database_away", level=logging.ERROR, error=error)
    return twiml(503)


@carrier.errorhandler(Exception)
def _failed(error: Exception) -> Response | HTTPException:
    if isinstance(error, HTTPException):
        return error
    log_event(logger, "webhook.failed", level=logging.ERROR, error=error)
    return twiml(500)
