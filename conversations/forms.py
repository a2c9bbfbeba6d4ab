"""Opt-in forms: drafted, published with their exact words as a version, closed; and what people send by them.

The words beside the box are rows that nobody changes. Whoever ticks agrees to one of them, by version and hash.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import phonenumbers
from phonenumbers import PhoneNumberType
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from consent import disclosures
from consent.models import Disclosure, Form
from consent.policy_settings import current_settings
from consent.purposes import Purpose
from consent.state import Basis, Overall
from consent.wording import Finding
from conversations.leads import CLAIMABLE, REFUSED_TYPES, ConsentClaim, NewLead, Objection, create_lead
from conversations.people import add_task
from conversations.refusals import refusal_in
from smsbot.accounts import tenant_of
from smsbot.actor import SYSTEM, Actor, ActorKind, Role
from smsbot.database import TenantSession
from smsbot.errors import Conflict, InvalidInput, NotFound
from smsbot.events import record
from smsbot.links import link_of, token_hash
from smsbot.phone import e164, region_of
from smsbot.runtime import Runtime
from smsbot.tenancy import Link, Number, Tenant

MANAGES = (Role.OWNER, Role.MANAGER, Role.COMPLIANCE)  # who may draft and publish what people agree to
CAUSE = "dashboard"
METHOD = "web_form"
LINK_PURPOSE = "form"
RECEIPT_PURPOSE = "form_receipt"
LINK_LASTS = timedelta(days=365 * 100)  # its address is printed and linked; closing ends it, not time
RECEIPT_LASTS = timedelta(days=2)  # longer than a page may stay open before it is sent
TOKEN_BYTES = 12
LONGEST_TITLE, LONGEST_SOURCE, LONGEST_WORDING = 120, 60, 5_000
MOST_ORIGINS = 20
LONGEST_SHOWN = 120  # of a line that is objected to
NO_WORDS = Objection("wording", 'write the words beside the box, or press "Write the usual words"')
ORIGIN = re.compile(r"https://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}(?::[0-9]{1,5})?", re.ASCII)
OWN_MACHINE = re.compile(r"https?://(?:localhost|127\.0\.0\.1)(?::[0-9]{1,5})?", re.ASCII)
CANADA = "CA"
# What a person would hardly read a text on. In North America a number does not say whether it is a mobile's.
NO_MOBILE = {PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE, *REFUSED_TYPES}


class Standing(StrEnum):
    DRAFT = "draft"  # never published
    LIVE = "live"
    CHANGED = "changed"  # live, and its draft differs from what is published
    CLOSED = "closed"


class NumberProblem(StrEnum):
    """Why a number cannot be taken from a form."""

    MALFORMED = "malformed"
    COUNTRY = "country"
    NO_MOBILE = "no_mobile"


class StaleDisclosure(Conflict):
    """The words beside the box are others than the person saw, or were never this form's."""


class AlreadySent(Conflict):
    """The same opened page was sent before, with something else in it."""


class InvalidForm(InvalidInput):
    """One or more settings of a form cannot be taken. `objections` names all of them."""

    def __init__(self, objections: Sequence[Objection]) -> None:
        super().__init__(objections[0].field, objections[0].detail)
        self.objections = tuple(objections)


class NotPublishable(InvalidInput):
    """The wording lacks what it must say. `findings` has one for each item."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("draft", "; ".join(finding.what_to_do for finding in findings))
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class Draft:
    """A form as staff write it. An empty `wording` asks for the usual words when the form is made, and only then."""

    title: str
    source: str
    number_id: UUID
    language: str
    purposes: tuple[Purpose, ...]
    double_opt_in: bool = False
    origins: tuple[str, ...] = ()
    wording: str = ""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a form and its pages are, as whole addresses."""

    page: str
    privacy: str
    terms: str
    script: str


@dataclass(frozen=True, slots=True)
class Published:
    """The words that stand beside the box now."""

    version: int
    language: str
    purposes: tuple[Purpose, ...]
    brand: str
    text: str
    sha256: str
    double_opt_in: bool  # whether a tick waits for a yes to a text
    published_at: datetime
    published_by: UUID | None


@dataclass(frozen=True, slots=True)
class FormView:
    """A form as staff see it. `versions`: every wording that was ever published, the newest first."""

    id: UUID
    token: str
    draft: Draft
    standing: Standing
    addresses: Addresses
    versions: tuple[Published, ...]
    findings: tuple[Finding, ...]  # of the draft: what keeps it from being published
    number: str
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class LiveForm:
    """A form as the public sees it."""

    id: UUID
    tenant_id: UUID
    token: str
    title: str
    double_opt_in: bool
    origins: tuple[str, ...]
    open: bool  # False: closed since; its privacy and terms pages stay
    words: Published
    addresses: Addresses
    tenant: Tenant
    number: str


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody sent, cleaned and masked; `number` as they wrote it.

    `key` is of the page that they had opened, `version` and `sha256` of the words on it. `evidence`: plain JSON values.
    """

    key: str
    version: int
    sha256: str
    number: str = field(repr=False)
    name: str | None = field(default=None, repr=False)
    message: str | None = field(default=None, repr=False)
    postal_code: str | None = field(default=None, repr=False)
    ticked: bool = False
    evidence: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def digest(self) -> str:
        """All that tells two submissions of one opened page apart."""
        return "\x1f".join(
            (self.key, self.number, self.name or "", self.message or "", self.postal_code or "", str(self.ticked))
        )


# ---- what staff do ----------------------------------------------------------------------------------------------------


def create(runtime: Runtime, tenant_id: UUID, actor: Actor, draft: Draft, *, cause: str = CAUSE) -> UUID:
    """A new form, not published yet, with an address of its own. Raises NotFound for who may not, InvalidForm."""
    now, token = runtime.clock.now(), secrets.token_urlsafe(TOKEN_BYTES)
    with runtime.transaction(tenant_id) as session:
        _refuse_others(actor)
        draft = _checked(session, draft)
        form = Form(id=uuid4(), token=token, created_at=now, **_columns(runtime, session, draft, token, now))
        session.add(form)
        session.flush()
        session.add(
            Link(
                purpose=LINK_PURPOSE,
                ref_id=form.id,
                token_hash=token_hash(token),
                expires_at=now + LINK_LASTS,
                created_at=now,
            )
        )
        record(session, "form.created", at=now, actor=actor, cause=cause, details={"form_id": str(form.id)})
    return form.id


def change(runtime: Runtime, tenant_id: UUID, actor: Actor, form_id: UUID, draft: Draft, *, cause: str = CAUSE) -> None:
    """Take what was written into the draft. What is published stays until it is published anew.

    Raises as `create`, and InvalidForm for no words: the usual ones would be published unseen.
    """
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        form = _locked(session, actor, form_id)
        if not draft.wording.strip():
            raise InvalidForm([*_objections(session, draft), NO_WORDS])
        for name, value in _columns(runtime, session, _checked(session, draft), form.token, now).items():
            setattr(form, name, value)
        record(session, "form.changed", at=now, actor=actor, cause=cause, details={"form_id": str(form.id)})


def publish(runtime: Runtime, tenant_id: UUID, actor: Actor, form_id: UUID, *, cause: str = CAUSE) -> int:
    """Put the draft's words beside the box, also of a form that was closed. Returns their version.

    The words that are published already keep their version, while double opt-in stays too. Raises NotPublishable while anything is missing (C-063).
    """
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        form = _locked(session, actor, form_id)
        tenant = tenant_of(session, tenant_id)
        found = findings_of(tenant, _draft_of(form), addresses_of(runtime, form.token))
        if disclosures.blocks(found):
            raise NotPublishable(found)
        latest = next(iter(_versions(session, form.id)), None)
        same = latest is not None and _agreement(latest) == _drafted(form, tenant)
        version = disclosures.next_version(
            latest.text if latest and same else None, form.draft, latest.version if latest else 0
        )
        if latest is None or version != latest.version:
            session.add(
                Disclosure(
                    form_id=form.id,
                    version=version,
                    language=form.language,
                    purposes=form.purposes,
                    brand=tenant.brand,
                    text=form.draft,
                    sha256=disclosures.digest(form.draft),
                    double_opt_in=form.double_opt_in,
                    published_at=now,
                    published_by=actor.id,
                )
            )
        form.closed_at = None
        details = {"form_id": str(form.id), "version": version}
        record(session, "form.published", at=now, actor=actor, cause=cause, details=details)
    return version


def close(runtime: Runtime, tenant_id: UUID, actor: Actor, form_id: UUID, *, cause: str = CAUSE) -> None:
    """Take the form off its address. What it was agreed to by stays to be read: versions, privacy page, terms."""
    now = runtime.clock.now()
    with runtime.transaction(tenant_id) as session:
        form = _locked(session, actor, form_id)
        if form.closed_at is None:
            form.closed_at = now
            record(session, "form.closed", at=now, actor=actor, cause=cause, details={"form_id": str(form.id)})


def forms_of(runtime: Runtime, session: TenantSession, actor: Actor) -> list[FormView]:
    """Every form of the tenant, the newest first. Raises NotFound for who may not see them."""
    _refuse_others(actor)
    forms = session.scalars(
        select(Form).where(Form.tenant_id == session.tenant_id).order_by(Form.created_at.desc(), Form.id)
    )
    return [_view(runtime, session, form) for form in forms]


def form_of(runtime: Runtime, session: TenantSession, actor: Actor, form_id: UUID) -> FormView:
    """Raises NotFound, for another tenant's as for none."""
    _refuse_others(actor)
    form = session.scalars(select(Form).where(Form.tenant_id == session.tenant_id, Form.id == form_id)).first()
    if form is None:
        raise NotFound("no such form")
    return _view(runtime, session, form)


def may_manage(actor: Actor) -> bool:
    """Whether this actor drafts and publishes forms."""
    return actor == SYSTEM or (actor.kind is ActorKind.STAFF and actor.role in MANAGES)


def findings_of(tenant: Tenant, draft: Draft, addresses: Addresses) -> list[Finding]:
    """What keeps this wording from being published: C-063, and where marketing is agreed to, 47 CFR 64.1200(f)(9)."""
    shown = disclosures.Disclosure(
        draft.language, frozenset(draft.purposes), draft.wording, addresses.privacy, addresses.terms
    )
    found = disclosures.lint(shown, tenant.brand, CANADA if CANADA in tenant.countries else "US")
    if Purpose.MARKETING in draft.purposes:
        found += disclosures.written_consent_problems(draft.wording)
    return found


def usual_wording(runtime: Runtime, session: TenantSession, draft: Draft, token: str, now: datetime) -> str:
    """The packaged words for what this form asks for."""
    tenant, addresses = tenant_of(session, session.tenant_id), addresses_of(runtime, token)
    return disclosures.render(
        disclosures.form_kind(draft.purposes),
        tenant.brand,
        draft.language,
        draft.purposes,
        privacy_url=addresses.privacy,
        terms_url=addresses.terms,
        vertical=tenant.vertical if tenant.vertical in disclosures.VERTICALS else "general",
        any_hour=current_settings(session, now).instant_night_reply,
    ).text


def addresses_of(runtime: Runtime, token: str) -> Addresses:
    page = f"{runtime.settings.public_url}/f/{token}"
    return Addresses(page, f"{page}/privacy", f"{page}/terms", f"{page}/embed.js")


def numbers_of(session: TenantSession) -> list[tuple[UUID, str]]:
    """The tenant's own numbers, the oldest first: one of them answers who sends a form."""
    rows = session.execute(
        select(Number.id, Number.number)
        .where(Number.tenant_id == session.tenant_id)
        .order_by(Number.created_at, Number.id)
    )
    return [(row.id, row.number) for row in rows]


def _refuse_others(actor: Actor) -> None:
    if not may_manage(actor):
        raise NotFound("no such form")


def _locked(session: TenantSession, actor: Actor, form_id: UUID) -> Form:
    _refuse_others(actor)
    form = session.scalars(
        select(Form).where(Form.tenant_id == session.tenant_id, Form.id == form_id).with_for_update()
    ).first()
    if form is None:
        raise NotFound("no such form")
    return form


def _objections(session: TenantSession, draft: Draft) -> list[Objection]:
    """What keeps this draft from being stored."""
    wrong = {
        "title": f"give a title of 1 to {LONGEST_TITLE} characters"
        if not 0 < len(draft.title) <= LONGEST_TITLE
        else None,
        "source": f"name the source in 1 to {LONGEST_SOURCE} characters"
        if not 0 < len(draft.source) <= LONGEST_SOURCE
        else None,
        "number": "choose one of your numbers" if draft.number_id not in dict(numbers_of(session)) else None,
        "language": "choose English or Spanish" if draft.language not in disclosures.LANGUAGES else None,
        "purposes": "choose at least one"
        if not draft.purposes
        else next((f"{one.value} cannot be agreed to by form" for one in draft.purposes if one not in CLAIMABLE), None),
        "origins": _origins_problem(draft),
        "wording": f"give at most {LONGEST_WORDING} characters" if len(draft.wording) > LONGEST_WORDING else None,
    }
    return [Objection(name, detail) for name, detail in wrong.items() if detail is not None]


def _origins_problem(draft: Draft) -> str | None:
    """What is wrong with the sites, the first strange one named as it was typed."""
    for one in filter(str.strip, draft.origins):
        if not (ORIGIN.fullmatch(_site(one)) or OWN_MACHINE.fullmatch(_site(one))):
            wanted = "give the beginning of a site's address, such as https://www.example.com"
            return f'{wanted}, not "{one.strip()[:LONGEST_SHOWN]}"'
    return f"name {MOST_ORIGINS} sites at most" if len(_sites(draft)) > MOST_ORIGINS else None


def _site(written: str) -> str:
    return written.strip().rstrip("/").lower()


def _sites(draft: Draft) -> tuple[str, ...]:
    """Each site once, in the order in which they were named."""
    return tuple(dict.fromkeys(_site(one) for one in draft.origins if one.strip()))


def _checked(session: TenantSession, draft: Draft) -> Draft:
    """The draft as it is stored. Raises InvalidForm."""
    objections = _objections(session, draft)
    if objections:
        raise InvalidForm(objections)
    purposes = tuple(purpose for purpose in CLAIMABLE if purpose in draft.purposes)
    return Draft(
        draft.title,
        draft.source,
        draft.number_id,
        draft.language,
        purposes,
        draft.double_opt_in,
        _sites(draft),
        draft.wording.strip(),
    )


def _columns(runtime: Runtime, session: TenantSession, draft: Draft, token: str, now: datetime) -> dict[str, Any]:
    return {
        "title": draft.title,
        "source": draft.source,
        "number_id": draft.number_id,
        "language": draft.language,
        "purposes": [purpose.value for purpose in draft.purposes],
        "double_opt_in": draft.double_opt_in,
        "origins": list(draft.origins),
        "draft": draft.wording or usual_wording(runtime, session, draft, token, now),
    }


def _draft_of(form: Form) -> Draft:
    return Draft(
        form.title,
        form.source,
        form.number_id,
        form.language,
        tuple(Purpose(purpose) for purpose in form.purposes),
        form.double_opt_in,
        tuple(form.origins),
        form.draft,
    )


def _versions(session: TenantSession, form_id: UUID) -> list[Published]:
    rows = session.scalars(
        select(Disclosure)
        .where(Disclosure.tenant_id == session.tenant_id, Disclosure.form_id == form_id)
        .order_by(Disclosure.version.desc())
    )
    return [
        Published(
            row.version,
            row.language,
            tuple(Purpose(purpose) for purpose in row.purposes),
            row.brand,
            row.text,
            row.sha256,
            row.double_opt_in,
            row.published_at,
            row.published_by,
        )
        for row in rows
    ]


Agreement = tuple[str, tuple[str, ...], str, bool]


def _agreement(words: Published) -> Agreement:
    """What is agreed to beside the words themselves: other purposes under the same words are another agreement, and so
    is a tick that counts at once in place of one that waits for a yes."""
    return words.language, tuple(sorted(purpose.value for purpose in words.purposes)), words.brand, words.double_opt_in


def _drafted(form: Form, tenant: Tenant) -> Agreement:
    """The same of the draft."""
    return form.language, tuple(sorted(form.purposes)), tenant.brand, form.double_opt_in


def _view(runtime: Runtime, session: TenantSession, form: Form) -> FormView:
    tenant, versions = tenant_of(session, session.tenant_id), _versions(session, form.id)
    draft, addresses = _draft_of(form), addresses_of(runtime, form.token)
    if form.closed_at is not None:
        standing = Standing.CLOSED
    elif not versions:
        standing = Standing.DRAFT
    else:
        is_live = (versions[0].text, _agreement(versions[0])) == (form.draft, _drafted(form, tenant))
        standing = Standing.LIVE if is_live else Standing.CHANGED
    return FormView(
        id=form.id,
        token=form.token,
        draft=draft,
        standing=standing,
        addresses=addresses,
        versions=tuple(versions),
        findings=tuple(findings_of(tenant, draft, addresses)),
        number=dict(numbers_of(session))[form.number_id],
        created_at=form.created_at,
        closed_at=form.closed_at,
    )


# ---- what the public sees and sends -----------------------------------------------------------------------------------


def published_form(runtime: Runtime, token: str) -> LiveForm:
    """The form at this address with its newest words, also once it is closed. Raises NotFound where none was published."""
    found = link_of(runtime, token, LINK_PURPOSE)
    if found is None:
        raise NotFound("no such form")
    tenant_id, form_id = found.tenant_id, found.ref_id
    with runtime.transaction(tenant_id) as session:
        form = session.scalars(select(Form).where(Form.tenant_id == tenant_id, Form.id == form_id)).first()
        versions = _versions(session, form_id)
        if form is None or not versions:
            raise NotFound("no such form")
        return LiveForm(
            id=form.id,
            tenant_id=tenant_id,
            token=token,
            title=form.title,
            double_opt_in=versions[0].double_opt_in,
            origins=tuple(form.origins),
            open=form.closed_at is None,
            words=versions[0],
            addresses=addresses_of(runtime, token),
            tenant=tenant_of(session, tenant_id),
            number=dict(numbers_of(session))[form.number_id],
        )


def number_problem(written: str, countries: Sequence[str]) -> NumberProblem | None:
    """Why this number cannot be texted by a tenant of these countries, as far as the number itself says."""
    try:
        number = e164(written, countries[0] if countries else "US")
    except InvalidInput:
        return NumberProblem.MALFORMED
    if region_of(number) not in countries:
        return NumberProblem.COUNTRY
    is_mobile = phonenumbers.number_type(phonenumbers.parse(number)) not in NO_MOBILE
    return None if is_mobile else NumberProblem.NO_MOBILE


def submit(runtime: Runtime, form: LiveForm, sent: Submission) -> bool:
    """Write down who asked, and what they agreed to; False when the same page was sent before.

    Sending is an inquiry. A tick adds an opt-in to the form's purposes, in writing where marketing is among them, or
    with double opt-in the question whether they meant it. Who has opted out, or is blocked at the carrier, is written
    down the same way and nothing is sent to them.

    Raises StaleDisclosure, AlreadySent, and InvalidLead for a number that cannot be texted; then nothing is kept.
    """
    now = runtime.clock.now()
    with runtime.transaction(form.tenant_id) as session:
        stored = session.scalars(
            select(Form)
            .where(Form.tenant_id == form.tenant_id, Form.id == form.id, Form.closed_at.is_(None))
            .with_for_update(read=True)  # until we have committed nobody publishes other words, nor closes it
        ).first()
        if stored is None:
            raise NotFound("no such form")
        words = _versions(session, form.id)[0]
        if (sent.version, sent.sha256) != (words.version, words.sha256):
            raise StaleDisclosure("the words beside the box have changed")
        if not _first_time(runtime, session, sent, now):
            return False
        _record(runtime, session, form, stored, words, sent, now)
    return True


def _first_time(runtime: Runtime, session: TenantSession, sent: Submission, now: datetime) -> bool:
    """Whether this opened page is sent for the first time; a receipt of it is left. Raises AlreadySent.

    The receipt holds keyed hashes only. Whoever comes second waits for the first to commit.
    """
    forget = delete(Link).where(
        Link.tenant_id == session.tenant_id, Link.purpose == RECEIPT_PURPOSE, Link.expires_at < now
    )
    session.execute(forget)
    content = UUID(bytes=runtime.keyring.blind_index(sent.digest(), RECEIPT_PURPOSE)[:16])
    token_hash = runtime.keyring.blind_index(sent.key, RECEIPT_PURPOSE)
    left = session.execute(
        insert(Link)
        .values(
            id=uuid4(),
            tenant_id=session.tenant_id,
            purpose=RECEIPT_PURPOSE,
            ref_id=content,
            token_hash=token_hash,
            expires_at=now + RECEIPT_LASTS,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["token_hash"])
        .returning(Link.id)
    ).first()
    if left is not None:
        return True
    before = session.scalars(
        select(Link.ref_id).where(Link.tenant_id == session.tenant_id, Link.token_hash == token_hash)
    ).first()
    if before != content:
        raise AlreadySent("this page was sent before")
    return False


def _record(
    runtime: Runtime,
    session: TenantSession,
    form: LiveForm,
    stored: Form,
    words: Published,
    sent: Submission,
    now: datetime,
) -> None:
    evidence = {
        "form_id": str(form.id),
        "disclosure": words.text,
        "disclosure_version": str(words.version),
        "checkbox_default": False,
        "checkbox_value": sent.ticked,
        "bundled": False,
        "language": words.language,
        "name": sent.name,
        "session_id": sent.key,
        **sent.evidence,
    }
    inquiry = ConsentClaim(Basis.INQUIRY, at=now, evidence=evidence, method=METHOD)
    claims = [inquiry]
    if sent.ticked:
        basis = Basis.EXPRESS_WRITTEN if Purpose.MARKETING in words.purposes else Basis.EXPRESS
        ticked = ConsentClaim(
            basis, words.purposes, at=now, evidence=evidence, method=METHOD, asked_again=words.double_opt_in
        )
        # A double opt-in writes their question down by itself, and a yes to texts about it is more than the question.
        asks_too = not words.double_opt_in and Purpose.INQUIRY not in words.purposes
        claims = [inquiry, ticked] if asks_too else [ticked]
    if refusal_in(sent.message, form.tenant.extra_opt_out_words) is not None:
        claims = claims[-1:]  # what they wrote is read once, beside all that they ticked
    for claim in claims:
        view, _ = create_lead(
            runtime,
            session,
            NewLead(
                number=sent.number,
                name=sent.name,
                language=words.language,
                source=stored.source,
                message=sent.message,
                our_number=form.number,
                consent=claim,
                postal_code=sent.postal_code,
            ),
            actor=Actor(ActorKind.LEAD),
            cause=f"form:{form.id}",
            first_text=claim is claims[-1],
        )
    if view.conversation_id is None:
        return
    for is_due, kind in (
        (view.consent["carrier_blocked"], "ask_for_start"),
        (view.consent["state"] == Overall.OPTED_OUT.value, "opted_out_wrote"),
    ):
        if is_due:
            add_task(
                session,
                kind,
                uuid4(),
                conversation_id=view.conversation_id,
                now=now,
                actor=Actor(ActorKind.LEAD),
                cause=f"form:{form.id}",
                reason=kind,
            )
