"""An opened form page as it comes back: signed, good for a day, for one form and one version of its words.

It stands in place of a login: no page of anybody else can make one, and its key lets it be sent once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from conversations.forms import LiveForm
from smsbot.crypto import LinkRefused, LinkSigner
from smsbot.runtime import Runtime

PURPOSE = "opened form"
LASTS_S = 24 * 3600.0
KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Opened:
    """`since`: when the person first saw the form. `page` and `referrer` are addresses without what follows the path."""

    key: str
    form_id: UUID
    version: int
    sha256: str
    since: datetime
    page: str
    referrer: str


def opened(form: LiveForm, now: datetime, *, page: str, referrer: str, before: Opened | None = None) -> Opened:
    """The page as it is shown now; `before` is the same page that was sent and came back with an objection."""
    return Opened(
        key=secrets.token_urlsafe(KEY_BYTES),
        form_id=form.id,
        version=form.words.version,
        sha256=form.words.sha256,
        since=before.since if before else now,
        page=before.page if before else page,
        referrer=before.referrer if before else referrer,
    )


def signed(runtime: Runtime, shown: Opened) -> str:
    payload = {
        "key": shown.key,
        "form": str(shown.form_id),
        "version": shown.version,
        "sha256": shown.sha256,
        "since": shown.since.timestamp(),
        "page": shown.page,
        "from": shown.referrer,
    }
    return LinkSigner(runtime.settings.secret_key, runtime.clock).sign(payload, PURPOSE, LASTS_S)


def read(runtime: Runtime, written: str) -> Opened | None:
    """The page that was signed like this; None for one that is forged or more than a day old."""
    try:
        payload = LinkSigner(runtime.settings.secret_key, runtime.clock).read(written, PURPOSE)
    except LinkRefused:
        return None
    return Opened(
        key=payload["key"],
        form_id=UUID(payload["form"]),
        version=payload["version"],
        sha256=payload["sha256"],
        since=datetime.fromtimestamp(payload["since"], UTC),
        page=payload["page"],
        referrer=payload["from"],
    )
