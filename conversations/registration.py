"""What is registered with the carrier, made from the settings as they are: forms, words, keywords, templates in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from consent.disclosures import VERTICALS
from consent.keywords import TABLE
from consent.models import ConsentEvent, Disclosure, Form
from consent.purposes import Purpose
from consent.registration import LiveSettings, drift, privacy_page
from consent.state import EventKind
from consent.wording import Finding, links_in, phones_in
from conversations.forms import addresses_of
from conversations.models import KeywordRoute
from conversations.people import raise_alert
from conversations.templates import disclosed, text_for
from smsbot.accounts import tenant_of
from smsbot.actor import SYSTEM, Role
from smsbot.database import TenantSession
from smsbot.phone import national
from smsbot.runtime import Runtime
from smsbot.tenancy import Number, Tenant

CAUSE = "command:registration"
SPOKEN = ("voice", "in_person")  # methods of the ledger's events: the ways in that staff have entered
PAPER = ("paper",)
LANGUAGE = "en"  # campaigns are reviewed in English
# What opens or carries a conversation, the best samples first; what fills the gaps is made up and belongs to nobody.
EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "real_estate": {"name": "12 Oak St", "what": "tour of 12 Oak St", "price": "$425,000"},
    "auto": {"name": "The 2023 Honda Civic (stock 4711)", "what": "test drive of the 2023 Civic", "price": "$24,900"},
    "general": {"name": "The blue sofa", "what": "your visit", "price": "$900"},
}


def live_settings(runtime: Runtime, session: TenantSession) -> LiveSettings:
    """All that a carrier is told about the session's tenant, as it is right now."""
    now = runtime.clock.now()
    tenant = tenant_of(session, session.tenant_id)
    number = session.scalars(
        select(Number.number).where(Number.tenant_id == tenant.id).order_by(Number.created_at, Number.id)
    ).first()
    phone = tenant.help_phone or (national(number) if number else "")
    email = tenant.help_email or ""
    vertical = tenant.vertical if tenant.vertical in VERTICALS else VERTICALS[-1]
    published = _published(session)
    pages = addresses_of(runtime, published[0][0].token) if published else None
    templates = templates_in_use(tenant.brand, vertical)
    said = (tenant.brand, phone, email)
    return LiveSettings(
        brand=tenant.brand,
        vertical=vertical,
        purposes=frozenset(
            {Purpose.REPLY, *(Purpose(purpose) for _, words in published for purpose in words.purposes)}
        ),
        form_urls=tuple(addresses_of(runtime, form.token).page for form, _ in published),
        keyword_words=tuple(
            session.scalars(
                select(KeywordRoute.word).where(KeywordRoute.tenant_id == tenant.id).order_by(KeywordRoute.word)
            )
        ),
        disclosure_texts=tuple(words.text for _, words in published),
        privacy_url=pages.privacy if pages else "",
        terms_url=pages.terms if pages else "",
        help_message=_fixed("help", *said),
        opt_in_message=_fixed("opt_in_confirm", *said),
        opt_out_message=_fixed("opt_out_confirm", *said),
        opt_in_keywords=_registrable(TABLE["twilio_long_code_default"]["opt_in"]),
        opt_out_keywords=_registrable(
            [*TABLE["twilio_long_code_default"]["opt_out"], *TABLE["fcc_per_se"], *tenant.extra_opt_out_words]
        ),
        help_keywords=_registrable(TABLE["twilio_long_code_default"]["help"]),
        templates=templates,
        has_embedded_links=any(links_in(text) for text in templates.values()),
        has_embedded_phone=any(phones_in(text) for text in templates.values()),
        privacy_page_text=_privacy_text(tenant, published[0][1] if published else None, phone, email, now),
        spoken=_entered_by_staff(session, SPOKEN),
        paper=_entered_by_staff(session, PAPER),
    )


def unreachable(settings: LiveSettings) -> list[Finding]:
    """The addresses that a reviewer cannot open: a trial's, on this machine. Pure."""
    addresses = (settings.privacy_url, settings.terms_url, *settings.form_urls)
    here = [address for address in addresses if address and not address.startswith("https://")]
    return [Finding("public_url", f"set PUBLIC_URL: nobody else can open {here[0]}")] if here else []


def _published(session: TenantSession) -> Sequence[tuple[Form, Disclosure]]:
    """Each open form with the words beside its box now, the oldest form first."""
    latest = (
        select(Disclosure.id)
        .ext(distinct_on(Disclosure.form_id))
        .where(Disclosure.tenant_id == session.tenant_id)
        .order_by(Disclosure.form_id, Disclosure.version.desc())
    )
    rows = session.execute(
        select(Form, Disclosure)
        .join(Disclosure, (Disclosure.tenant_id == Form.tenant_id) & (Disclosure.form_id == Form.id))
        .where(Form.tenant_id == session.tenant_id, Form.closed_at.is_(None), Disclosure.id.in_(latest))
        .order_by(Form.created_at, Form.id)
    )
    return [(form, words) for form, words in rows]


def templates_in_use(brand: str, vertical: str) -> dict[str, str]:
    """The texts that open or carry a conversation of this tenant, as they leave, by the name of their template. Pure."""
    example = EXAMPLES[vertical]

    def opening(body: str) -> str:
        return disclosed(body, brand, LANGUAGE, name_brand=True, say_ai=True, stop_hint=True)

    reminder = text_for(
        "reminder", LANGUAGE, brand=brand, what=example["what"], date="Sat Nov 21", time="11:00 AM", tz="CT"
    )
    answer = text_for(
        "item_status_price", LANGUAGE, name=example["name"], status="available", price=example["price"], as_of="today"
    )
    return {
        "first_text": opening(text_for(f"first_text_{vertical}", LANGUAGE)),
        "reminder": reminder,
        "item_status_price": opening(answer),
        "bridge_human_requested": opening(text_for("bridge_human_requested", LANGUAGE, staff="an agent", brand=brand)),
        "opt_in_question": text_for("opt_in_question", LANGUAGE, brand=brand),
    }


def _fixed(kind: str, brand: str, phone: str, email: str) -> str:
    """A fixed text as this tenant sends it; "" where it names a way to reach people and there is none."""
    if kind == "help" and not (phone or email):
        return ""
    return text_for(kind, LANGUAGE, brand=brand, phone=phone, email=email)


def _registrable(words: Iterable[str]) -> tuple[str, ...]:
    """Each once, in upper case: letters and digits are all that the carrier takes, so that two words become one."""
    upper = ("".join(word.split()).upper() for word in words)
    return tuple(dict.fromkeys(word for word in upper if word.isascii() and word.isalnum()))


def _privacy_text(tenant: Tenant, words: Disclosure | None, phone: str, email: str, now: datetime) -> str:
    """The privacy page as people see it: in the language of the first form, of the day on which it was published."""
    updated = (words.published_at if words else now).astimezone(ZoneInfo(tenant.zone)).date()
    contact = ", ".join(part for part in (phone, email) if part)
    return privacy_page(tenant.brand, contact, words.language if words else LANGUAGE, updated=updated).text


def _entered_by_staff(session: TenantSession, methods: Sequence[str]) -> bool:
    entered = select(ConsentEvent.id).where(
        ConsentEvent.tenant_id == session.tenant_id,
        ConsentEvent.method.in_(methods),
        ConsentEvent.kind.in_((EventKind.OPT_IN, EventKind.OPT_IN_PENDING)),
    )
    return session.scalars(entered.limit(1)).first() is not None


def drift_from(runtime: Runtime, session: TenantSession, registered: Sequence[str]) -> list[Finding]:
    """Where the registered samples and the templates in use no longer match (C-073). Owners are told when they do not."""
    found = drift(registered, live_settings(runtime, session).templates)
    if found:
        raise_alert(
            session,
            "registration_drift",
            str(session.tenant_id),
            now=runtime.clock.now(),
            actor=SYSTEM,
            cause=CAUSE,
            role=Role.OWNER,
        )
    return found
