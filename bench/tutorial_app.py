"""The plain version that a tutorial would build, to compare with: verify, one row, one RQ job, empty TwiML.

No consent, no transcript, no repeat that changes nothing, no tenant: what it costs is what the frameworks cost.
"""

from __future__ import annotations

import os

from flask import Flask, Response, abort, request
from redis import Redis
from rq import Queue
from sqlalchemy import String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse


class Base(DeclarativeBase):
    pass


class Message(Base):
    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    sid: Mapped[str] = mapped_column(String(34))
    sender: Mapped[str] = mapped_column(String(40))
    recipient: Mapped[str] = mapped_column(String(40))
    body: Mapped[str]


def reply(message_id: int) -> None:
    """What the worker would do."""


def app() -> Flask:
    """gunicorn's entry."""
    flask = Flask("tutorial")
    engine = create_engine(os.environ["TUTORIAL_DATABASE_URL"])
    Base.metadata.create_all(engine)
    session_of = sessionmaker(engine, expire_on_commit=False)
    queue = Queue("tutorial", connection=Redis.from_url(os.environ["REDIS_URL"]))
    validator = RequestValidator(os.environ["TUTORIAL_TOKEN"])

    @flask.post("/sms")
    def sms() -> Response:
        signature = request.headers.get("X-Twilio-Signature", "")
        if not validator.validate(request.url, request.form, signature):
            abort(403)
        with session_of() as session:
            message = Message(
                sid=request.form["MessageSid"],
                sender=request.form["From"],
                recipient=request.form["To"],
                body=request.form["Body"],
            )
            session.add(message)
            session.commit()
        queue.enqueue(reply, message.id)
        return Response(str(MessagingResponse()), mimetype="application/xml")

    return flask
