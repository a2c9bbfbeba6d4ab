"""A worker: RQ rings, rows are claimed and handed to threads. `main("replies")` or `main("background")`.

The one RQ job is an argument-free `drain` on one queue, run by RQ's own SimpleWorker; it claims a due row for each free
thread, and a thread that has finished looks for the next row by itself. Nothing that RQ loses, doubles or delays
matters. Importing this file does nothing.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from conversations import imports, inbound, line_types, openers, outbox, pictures, redaction, replies
from conversations.carrier_drift import COMPARE, compare
from conversations.people import raise_alert
from conversations.reconciliation import RECONCILE, reconcile
from privacy import requests
from smsbot import work
from smsbot.actor import SYSTEM, Role
from smsbot.bell import BACKGROUND, MANY, REPLIES, Earshot
from smsbot.errors import LeaseLost
from smsbot.gateways.carrier import SmsGateway
from smsbot.gateways.model import ChatModel
from smsbot.gateways.openai_model import OpenAIChatModel
from smsbot.gateways.twilio_carrier import TwilioGateway
from smsbot.heartbeats import is_deaf, keep_beating
from smsbot.logs import configure_logging, log_event
from smsbot.runtime import Runtime, runtime_for
from smsbot.settings import Settings, assert_timeouts_fit, load_settings

DRAIN_S = 8.0  # how long a stopping worker waits for what is in flight
BACKGROUND_CONCURRENCY = 4
REDIS_AWAY_WAIT_S = 5.0
OWN_LOOK_S = 0.5
QUIET_S = 30.0  # without a ring, before RQ's own loop is waited in again
STAYS_S = 300.0  # in one job: RQ's housekeeping is between jobs
HEARS_STOP_S = 0.5
LOOK_AGAIN_S = 1.0  # how long it is trusted that somebody listens
DEFAULT_MODEL = "gpt-4o-mini"

logger = logging.getLogger("smsbot.worker")

Handler = Callable[[work.Claim], None]


def handlers(runtime: Runtime, gateway: SmsGateway, model: ChatModel | None) -> dict[str, Mapping[str, Handler]]:
    """Every kind of work and the use case that does it, by queue."""
    return {
        REPLIES: {
            outbox.REPLY: lambda claim: replies.answer(runtime, gateway, model, claim),
            outbox.SEND: lambda claim: outbox.deliver(runtime, gateway, claim),
            openers.LINE_TYPE: lambda claim: line_types.find_out(runtime, gateway, claim),
        },
        BACKGROUND: {
            inbound.MEDIA: lambda claim: pictures.fetch(runtime, claim),
            RECONCILE: lambda claim: reconcile(runtime, gateway, claim),
            COMPARE: lambda claim: compare(runtime, gateway, claim),
            imports.IMPORT: lambda claim: imports.go_on(runtime, claim),
            redaction.REDACT: lambda claim: redaction.redact(runtime, gateway, claim),
            requests.REMIND: lambda claim: requests.remind(runtime, claim),
        },
    }


def do(runtime: Runtime, table: Mapping[str, Handler], claim: work.Claim) -> None:
    """Run one claimed row. An error puts it back with a growing delay, and aside after MAX_ATTEMPTS."""
    try:
        if claim.attempts > work.MAX_ATTEMPTS:
            raise RuntimeError("claimed too often without an end")  # it kills its worker before it can fail
        table[claim.kind](claim)
    except LeaseLost as error:
        log_event(logger, "work.lease_lost", kind=claim.kind, ref_id=str(claim.ref_id), why=str(error))
    except Exception as error:  # noqa: BLE001  # the one place where a row's error is caught and recorded
        log_event(logger, "work.failed", level=logging.ERROR, error=error, kind=claim.kind, ref_id=str(claim.ref_id))
        _put_back(runtime, claim, type(error).__name__)


def _put_back(runtime: Runtime, claim: work.Claim, failure: str) -> None:
    try:
        quarantined = work.give_back(runtime.engine, claim, runtime.clock.now(), failure)
        if quarantined:
            now = runtime.clock.now()
            with runtime.transaction(claim.tenant_id) as session:
                conversation_id = None
                if claim.kind in (outbox.REPLY, outbox.SEND):
                    conversation_id = outbox.give_up(session, claim.ref_id, now=now, cause=failure)
                raise_alert(
                    session,
                    "work_quarantined",
                    f"{claim.kind}:{claim.ref_id}",
                    now=now,
                    actor=SYSTEM,
                    cause=failure,
                    role=Role.OWNER,
                    conversation_id=conversation_id,
                )
    except SQLAlchemyError as error:
        # The database is away: the lease ends by itself and the row is found again.
        log_event(logger, "work.not_put_back", level=logging.ERROR, error=error, kind=claim.kind)


@dataclass
class Drain:
    """Claims due rows of one queue and works them off in threads, at most `concurrency` at once."""

    runtime: Runtime
    queue: str
    table: Mapping[str, Handler]
    concurrency: int
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.slots = threading.BoundedSemaphore(self.concurrency)
        self.pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix=self.queue)
        self.running: set[Future[None]] = set()
        self.deaf, self.looked_at, self.looking = True, float("-inf"), threading.Lock()

    def drain(self, rows: int = MANY) -> None:
        """Hand due rows to threads, at most `rows`; returns when nothing is due. A full pool keeps the bell here."""
        for _ in range(rows):
            if self.stop.is_set():
                return
            while not self.slots.acquire(timeout=0.5):
                if self.stop.is_set():
                    return
            claims: list[work.Claim] = []
            try:
                claims = self._claim()
            finally:
                if not claims:
                    self.slots.release()
            if not claims:
                return
            future = self.pool.submit(self._work_off, claims[0])
            self.running.add(future)
            future.add_done_callback(self._done)

    def _listens(self) -> bool:
        """Whether somebody takes the carrier's webhooks. Nothing is answered while nobody does: a STOP may be among what
        nobody heard. Whoever listens first holds the numbers back before it says so."""
        with self.looking:  # many threads ask at once, and one of them looks
            if time.monotonic() - self.looked_at > LOOK_AGAIN_S:
                self.deaf, self.looked_at = is_deaf(self.runtime), time.monotonic()
            return not self.deaf

    def _claim(self) -> list[work.Claim]:
        try:
            if self.queue == REPLIES and not self._listens():
                return []
            return work.claim(self.runtime.engine, self.queue, self.runtime.clock.now())
        except SQLAlchemyError as error:
            log_event(logger, "work.no_claim", level=logging.ERROR, error=error, queue=self.queue)
            return []

    def _work_off(self, claim: work.Claim) -> None:
        next_claim: work.Claim | None = claim
        while next_claim is not None:
            do(self.runtime, self.table, next_claim)
            claims = [] if self.stop.is_set() else self._claim()
            next_claim = claims[0] if claims else None

    def _done(self, future: Future[None]) -> None:
        self.running.discard(future)
        self.slots.release()

    def finish(self, timeout_s: float = DRAIN_S) -> int:
        """Take nothing new and wait for what runs; returns how many did not end in time."""
        self.stop.set()
        return len(wait(list(self.running), timeout=timeout_s).not_done)


class _Current:
    """The drain of this process: RQ finds the job by its dotted name and can pass it nothing."""

    drain: Drain | None = None
    earshot: Earshot | None = None


def drain() -> None:
    """The one RQ job: works off what is due, and stays within earshot until it has been quiet for a while."""
    if _Current.drain is not None and _Current.earshot is not None:
        attend(_Current.drain, _Current.earshot)


def attend(current: Drain, earshot: Earshot) -> None:
    """Drain, and again at each ring, until it has been quiet for QUIET_S or STAYS_S are over."""
    leave_at = time.monotonic() + STAYS_S
    with earshot.listening() as rings:
        heard = MANY
        while heard and not current.stop.is_set():
            current.drain(heard)
            heard, quiet_at = 0, time.monotonic() + QUIET_S
            while not heard and not current.stop.is_set() and time.monotonic() < min(quiet_at, leave_at):
                heard = earshot.heard(rings, HEARS_STOP_S)
    current.drain()  # for what was rung for while we left


class BellWorker(SimpleWorker):
    """RQ's own worker; a stop signal also ends a drain that is waiting for a free thread."""

    max_connection_wait_time = REDIS_AWAY_WAIT_S  # RQ's pause doubles up to a minute otherwise

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        if _Current.drain is not None:
            _Current.drain.stop.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # rq carries no types


def chat_model(settings: Settings) -> ChatModel | None:
    """The configured model, or None: then the built-in assistant answers."""
    if not settings.model_configured:
        return None
    base_url = settings.openai_base_url or "https://api.openai.com/v1"
    return OpenAIChatModel(base_url, settings.openai_api_key or "none", settings.openai_model or DEFAULT_MODEL)


def main(queue: str) -> int:
    """Serve exactly one queue until SIGTERM; what is in flight is finished within DRAIN_S."""
    sys.modules.setdefault("worker", sys.modules[__name__])  # RQ imports the job by this name
    settings = load_settings(os.environ, Path(__file__).resolve().parent)
    configure_logging(f"worker-{queue}")
    assert_timeouts_fit()
    runtime = runtime_for(settings, pool_size=16)
    concurrency = settings.reply_concurrency if queue == REPLIES else BACKGROUND_CONCURRENCY
    table = handlers(runtime, TwilioGateway(), chat_model(settings))[queue]
    current = sys.modules["worker"]
    _Current.drain = current._Current.drain = Drain(runtime, queue, table, concurrency)
    name = f"worker:{queue}:{socket.gethostname()}:{os.getpid()}"[:80]
    threading.Thread(target=keep_beating, args=(runtime, name, _Current.drain.stop), daemon=True).start()
    if settings.redis_url:
        _serve_bell(settings.redis_url, queue, _Current.drain)
    else:
        _serve_alone(_Current.drain)
    left = _Current.drain.finish()
    log_event(logger, "worker.stopped", queue=queue, unfinished=left)
    os._exit(0)  # threads that hang in a call must not keep the process


def _serve_bell(redis_url: str, queue: str, current: Drain) -> None:
    """RQ's loop until SIGTERM. While Redis is away in a way that RQ does not survive, we look by ourselves."""
    while not current.stop.is_set():
        if _listen(redis_url, queue):
            return
        _stop_on_signals(current)
        give_up = time.monotonic() + REDIS_AWAY_WAIT_S
        while time.monotonic() < give_up and not current.stop.wait(OWN_LOOK_S):
            current.drain()


def _listen(redis_url: str, queue: str) -> bool:
    """Whether RQ's loop ended because it was asked to; False when Redis was lost."""
    connection = Redis.from_url(redis_url, socket_timeout=30, socket_connect_timeout=2)
    try:
        rq_queue = Queue(queue, connection=connection, serializer=JSONSerializer)
        _Current.earshot = sys.modules["worker"]._Current.earshot = Earshot(connection, queue)
        worker = BellWorker(
            [rq_queue],
            connection=connection,
            serializer=JSONSerializer,
            log_job_description=False,
            default_result_ttl=0,
        )
        worker.work(logging_level="WARNING", with_scheduler=False)
    except RedisError as error:
        log_event(logger, "worker.redis_lost", level=logging.ERROR, failure=type(error).__name__)
        return False
    return True


def _serve_alone(current: Drain) -> None:
    """No Redis at all: look every half second."""
    _stop_on_signals(current)
    while not current.stop.wait(OWN_LOOK_S):
        current.drain()


def _stop_on_signals(current: Drain) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: current.stop.set())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else REPLIES))
