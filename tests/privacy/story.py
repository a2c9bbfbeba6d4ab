"""One person's dealings with a business from the first text to the last, with everything that a passport can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update

from consent.ledger import Fact, lock, seal, seal_hash
from consent.ledger import append as ledger_append
from consent.models import Contact, LedgerHead
from consent.purposes import Purpose
from consent.state import Basis, EventKind
from conversations import leads, staff
from privacy.passport import export
from smsbot.actor import SYSTEM, Actor
from smsbot.errors import SendFailed, TemporarySendFailure
from smsbot.tenancy import Agent, Login, Number, OptOutHandling
from tests.world import LEAD, World

OTHER = "+13125550172"
DISCLOSURE = "By ticking I agree to automated texts from Lakeside Realty. <b>Reply STOP</b> to end & HELP for help."


def tell(world: World) -> None:
    """A question and its answer, a form, a text of staff, HELP, STOP, START, another question; sealed three times.

    Somebody else writes as well, so that the seals name another ledger. We answer STOP and HELP ourselves.
    """
    answer_words_ourselves(world)
    world.text("Is it still there?")
    world.drain()
    sign_up(world)
    world.later(minutes=5)
    staff.write(world.runtime, world.home.id, world.dana, world.conversation().id, "Here is the floor plan.")
    world.drain()
    staff.give_back(world.runtime, world.home.id, world.dana, world.conversation().id)
    seal_now(world)
    world.later(minutes=5)
    world.text("HELP")
    world.drain()
    world.text("What is the price?")
    world.text("STOP")
    world.drain()
    world.text("Hello?", sender=OTHER)
    world.drain()
    seal_now(world)
    world.later(hours=5)
    world.text("START")
    world.drain()
    world.text("Can I see it <today>?")
    world.drain()
    seal_now(world)
    world.later(minutes=1)
    world.text("Thanks, what about parking?")
    world.drain()


def answer_words_ourselves(world: World) -> None:
    """STOP, START and HELP are answered by us, not by the carrier."""
    with world.runtime.transaction(world.home.id) as session:
        session.get_one(Number, world.home.number_id).opt_out_handling = OptOutHandling.OURS


def sign_up(world: World) -> None:
    """The same person by a form, with the words that it showed."""
    evidence = {
        "disclosure": DISCLOSURE,
        "disclosure_version": "1",
        "page_url": "https://lakeside.example.test/contact",
        "ip": "203.0.113.7",
        "user_agent": "Mozilla/5.0",
        "checkbox_default": False,
        "checkbox_value": True,
    }
    purposes = (Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.MARKETING)
    claim = leads.ConsentClaim(Basis.EXPRESS_WRITTEN, purposes, world.clock.now(), evidence)
    with world.runtime.transaction(world.home.id) as session:
        new = leads.NewLead(LEAD, name="Ana Ruiz", consent=claim)
        leads.create_lead(world.runtime, session, new, actor=SYSTEM, cause="test")


def seal_now(world: World) -> None:
    with world.runtime.transaction(world.home.id) as session:
        assert seal(session, world.clock.now()) is not None


def seal_as_version_1(world: World) -> bytes:
    """A seal as they were made before the tree: it hashes the list of the ends. Returns its hash."""
    with world.runtime.transaction(world.home.id) as session:
        last = session.scalars(select(LedgerHead).order_by(LedgerHead.seq.desc()).limit(1)).first()
        grown = session.scalars(select(Contact).where(Contact.ledger_seq > Contact.sealed_seq)).all()
        head = LedgerHead(
            tenant_id=world.home.id,
            seq=last.seq + 1 if last else 1,
            at=world.clock.now(),
            ends=[[str(contact.id), contact.ledger_seq, contact.ledger_hash.hex()] for contact in grown],
            prev_hash=last.hash if last else b"",
            version=1,
        )
        digest = seal_hash(head)
        assert digest is not None
        head.hash = digest
        session.add(head)
        for contact in grown:
            contact.sealed_seq = contact.ledger_seq
    return digest


def forget_the_seals(world: World) -> None:
    """What the migration does: every contact counts as not sealed."""
    with world.runtime.transaction(world.home.id) as session:
        session.execute(update(Contact).values(sealed_seq=0))


def contact_id(world: World, number: str = LEAD) -> UUID:
    with world.runtime.transaction(world.home.id) as session:
        return session.scalars(select(Contact.id).where(Contact.address == number)).one()


def passport(world: World, number: str = LEAD, kept: Sequence[bytes] = ()) -> dict[str, Any]:
    contact = contact_id(world, number)
    return export(world.runtime, world.home.id, contact, actor=SYSTEM, cause="test", kept=kept).document


def locked(session: Any, contact: UUID) -> Contact:
    found = lock(session, contact)
    assert found is not None
    return found


def login_of(actor: Actor) -> Select[tuple[str]]:
    return select(Login.email).join(Agent, Agent.login_id == Login.id).where(Agent.id == actor.id)


def busy() -> SendFailed:
    """The carrier has not processed it."""
    return TemporarySendFailure("too many requests", 20429)


def append(
    world: World, kind: EventKind, purposes: Sequence[Purpose] = (), basis: Basis | None = None, number: str = LEAD
) -> UUID:
    """One more event of this person, ten seconds later. Returns its id."""
    world.later(seconds=10)
    now = world.clock.now()
    fact = Fact(kind, now, "test", {"address": number}, purposes=purposes, basis=basis)
    with world.runtime.transaction(world.home.id) as session:
        contact = locked(session, contact_id(world, number))
        cipher = world.runtime.cipher(world.home.data_key)
        return ledger_append(session, contact, cipher, fact, actor=SYSTEM, now=now)
