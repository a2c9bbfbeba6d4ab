"""What carriers are told before a number may text, made from the live settings, and how far both drift apart. Pure.

Limits are the packaged data/registration.json (Twilio's for 10DLC campaigns and toll-free verification); the pages for
the public are data/pages.json. Rejection codes are named where a finding would earn one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Any

from consent.disclosures import LANGUAGES, purposes_phrase
from consent.purposes import Purpose
from consent.template_lint import lint_template
from consent.wording import (
    HELP_WORDS,
    STOP_WORDS,
    Claim,
    Finding,
    Severity,
    host_of,
    is_public_link,
    is_shortened,
    links_in,
    names_brand,
    packaged,
    phones_in,
    plain,
    says_frequency,
    says_rates,
    says_reply,
    sentences,
    without_brand,
)

_TABLE: Mapping[str, Any] = packaged("registration.json")
_PAGES: Mapping[str, Any] = packaged("pages.json")
_LIMITS: Mapping[str, list[int]] = _TABLE["ten_dlc"]
_TOLL_FREE_LIMITS: Mapping[str, Any] = _TABLE["toll_free"]

PRIVACY_CLAUSES: Mapping[str, str] = _TABLE["privacy_clause"]
PRIVACY_CLAUSE = PRIVACY_CLAUSES["en"]  # every tenant's page carries it, word for word
PRIVACY_CLAUSE_ES = PRIVACY_CLAUSES["es"]

ALIKE = 0.5  # share of words in common, in order, from which a live text counts as one that was registered
COMPLIANCE_TEXTS = frozenset({"opt_in_confirm", "opt_out_confirm", "opt_out_clarify", "opt_out_help", "help"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """What the product does for one tenant right now. `templates` are rendered texts by name, best samples first."""

    brand: str
    vertical: str
    purposes: frozenset[Purpose]
    form_urls: tuple[str, ...]
    keyword_words: tuple[str, ...]  # what people text in to start: HOME12
    disclosure_texts: tuple[str, ...]
    privacy_url: str
    terms_url: str
    help_message: str
    opt_in_message: str
    opt_out_message: str
    opt_in_keywords: tuple[str, ...]
    opt_out_keywords: tuple[str, ...]
    help_keywords: tuple[str, ...]
    templates: Mapping[str, str]
    has_embedded_links: bool
    has_embedded_phone: bool
    privacy_page_text: str
    spoken: bool = False  # staff read the disclosure aloud and enter the answer
    paper: bool = False
    low_volume: bool = False
    age_gated: bool = False
    direct_lending: bool = False
    opt_in_image_urls: tuple[str, ...] = ()
    message_volume: str = "1,000"  # a month, from a toll-free number


@dataclass(frozen=True, slots=True, kw_only=True)
class TollFree:
    """The parts of a toll-free verification that speak of messages; the company's own are entered by people."""

    use_case_categories: tuple[str, ...]
    use_case_summary: str
    production_message_sample: str
    opt_in_type: str
    opt_in_image_urls: tuple[str, ...]
    message_volume: str
    additional_information: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """All that is submitted for one tenant. `opt_in_paths` is what the message flow has to list."""

    brand: str
    use_case: str
    description: str
    message_flow: str
    opt_in_paths: tuple[str, ...]
    samples: tuple[str, ...]
    has_embedded_links: bool
    has_embedded_phone: bool
    subscriber_opt_in: bool
    age_gated: bool
    direct_lending: bool
    opt_in_keywords: tuple[str, ...]
    opt_in_message: str
    opt_out_keywords: tuple[str, ...]
    opt_out_message: str
    help_keywords: tuple[str, ...]
    help_message: str
    privacy_url: str
    terms_url: str
    privacy_page_text: str
    toll_free: TollFree


def kit(settings: LiveSettings) -> Kit:
    """The texts and flags to register, from what is live. `problems` says what would be rejected in them."""
    samples = _samples(settings)
    return Kit(
        brand=settings.brand,
        use_case=_use_case(settings),
        description=_description(settings),
        message_flow=_message_flow(settings),
        opt_in_paths=(*settings.form_urls, *settings.keyword_words),
        samples=samples,
        has_embedded_links=settings.has_embedded_links,
        has_embedded_phone=settings.has_embedded_phone,
        subscriber_opt_in=True,
        age_gated=settings.age_gated,
        direct_lending=settings.direct_lending,
        opt_in_keywords=tuple(word.upper() for word in (*settings.opt_in_keywords, *settings.keyword_words)),
        opt_in_message=settings.opt_in_message,
        opt_out_keywords=tuple(word.upper() for word in settings.opt_out_keywords),
        opt_out_message=settings.opt_out_message,
        help_keywords=tuple(word.upper() for word in settings.help_keywords),
        help_message=settings.help_message,
        privacy_url=settings.privacy_url,
        terms_url=settings.terms_url,
        privacy_page_text=settings.privacy_page_text,
        toll_free=_toll_free(settings, samples),
    )


def _use_case(settings: LiveSettings) -> str:
    """Twilio's use case: one where one covers everything, else a mixed one."""
    purposes = settings.purposes - {Purpose.ACCOUNT, Purpose.COMPLIANCE}
    if settings.low_volume:
        return "LOW_VOLUME"
    if purposes == {Purpose.MARKETING}:
        return "MARKETING"
    if purposes <= {Purpose.REPLY, Purpose.INQUIRY}:
        return "CUSTOMER_CARE"
    if purposes <= {Purpose.APPOINTMENT, Purpose.NOTIFICATION}:
        return "ACCOUNT_NOTIFICATION"
    return "MIXED"


def _description(settings: LiveSettings) -> str:
    words = _TABLE["verticals"][settings.vertical]
    sends = []
    if settings.purposes & {Purpose.REPLY, Purpose.INQUIRY}:
        sends.append(f"answers to questions about {words['asked']} that people sent us")
    if Purpose.APPOINTMENT in settings.purposes:
        sends.append(f"confirmations and reminders of {words['visits']}")
    if Purpose.NOTIFICATION in settings.purposes:
        sends.append("service updates that they asked for")
    if Purpose.MARKETING in settings.purposes:
        sends.append(f"to those who agreed in writing, {words['marketing']}")
    return (
        f"{settings.brand} is {words['is']} and texts its own customers and people who asked it something: "
        f"{'; '.join(sends)}. Staff and an automated AI assistant, which says so, write the texts. Everybody opted in "
        f"with {settings.brand} itself; numbers are never bought, sold or shared. STOP ends all texts at once."
    )


def _message_flow(settings: LiveSettings) -> str:
    """Every way in which people opt in, and what they are shown there. Quotes as many disclosures as fit."""
    ways = []
    if settings.form_urls:
        pages = " and ".join(settings.form_urls)
        ways.append(f"the web form at {pages} where the box for texts is unticked, optional and apart from the terms")
    ways += [
        f"texting the keyword {word.upper()} to our number, as our signs and listings invite to"
        for word in settings.keyword_words
    ]
    if settings.purposes & {Purpose.REPLY, Purpose.INQUIRY}:
        ways.append("texting our number first with a question, which is answered in that conversation")
    if settings.spoken:
        ways.append("agreeing on the phone or in person after staff read the disclosure aloud")
    if settings.paper:
        ways.append("signing the disclosure on paper in our office")
    listed = " ".join(f"({number}) {way};" for number, way in enumerate(ways, 1))
    head = f"People opt in to texts from {settings.brand} by: {listed}"
    tail = (
        f' The first text confirms: "{settings.opt_in_message}" {PRIVACY_CLAUSE} Privacy Policy: '
        f"{settings.privacy_url} Terms of Service: {settings.terms_url}"
    )
    quoted = ""
    for text in dict.fromkeys(settings.disclosure_texts):
        more = f' Shown before they agree: "{text}"'
        if len(head) + len(quoted) + len(more) + len(tail) <= _LIMITS["message_flow"][1]:
            quoted += more
    return head + quoted + tail


def _samples(settings: LiveSettings) -> tuple[str, ...]:
    """Live texts as they leave: those that a reviewer accepts, as many as may be submitted, the best first."""
    live = [text for name, text in settings.templates.items() if name not in COMPLIANCE_TEXTS]
    accepted = [text for text in dict.fromkeys(live) if not list(_sample_problems(text, settings.brand, "sample"))]
    return tuple(accepted[: _LIMITS["samples"][1]])


def _toll_free(settings: LiveSettings, samples: tuple[str, ...]) -> TollFree:
    categories = []
    if settings.purposes & {Purpose.REPLY, Purpose.INQUIRY}:
        categories.append("CUSTOMER_CARE")
    if settings.purposes & {Purpose.APPOINTMENT, Purpose.NOTIFICATION}:
        categories.append("ACCOUNT_NOTIFICATIONS")
    if Purpose.MARKETING in settings.purposes:
        categories.append("MARKETING")
    ways = [("WEB_FORM", settings.form_urls), ("VIA_TEXT", settings.keyword_words), ("PAPER_FORM", settings.paper)]
    words = _TABLE["verticals"][settings.vertical]
    return TollFree(
        use_case_categories=tuple(categories),
        use_case_summary=(
            f"{settings.brand} is {words['is']}. It texts people who opted in with it: {_sent(settings)}. "
            "Numbers are never bought, sold or shared. STOP ends all texts at once."
        ),
        production_message_sample=samples[0] if samples else "",
        opt_in_type=next((kind for kind, used in ways if used), "VERBAL"),
        opt_in_image_urls=settings.opt_in_image_urls or settings.form_urls,
        message_volume=settings.message_volume,
        additional_information=f"Privacy Policy: {settings.privacy_url} Terms of Service: {settings.terms_url}",
    )


def _sent(settings: LiveSettings) -> str:
    words = _TABLE["verticals"][settings.vertical]
    kinds = {
        Purpose.REPLY: "answers",
        Purpose.INQUIRY: "answers",
        Purpose.APPOINTMENT: f"reminders of {words['visits']}",
        Purpose.NOTIFICATION: "service updates",
        Purpose.MARKETING: words["marketing"],
    }
    return ", ".join(dict.fromkeys(kind for purpose, kind in kinds.items() if purpose in settings.purposes))


def campaign_parameters(made: Kit) -> dict[str, str | bool | list[str]]:
    """The kit under the names of Twilio's Usa2p resource; the brand's and the service's ids are added by the caller."""
    return {
        "Description": made.description,
        "MessageFlow": made.message_flow,
        "MessageSamples": list(made.samples),
        "UsAppToPersonUsecase": made.use_case,
        "HasEmbeddedLinks": made.has_embedded_links,
        "HasEmbeddedPhone": made.has_embedded_phone,
        "SubscriberOptIn": made.subscriber_opt_in,
        "AgeGated": made.age_gated,
        "DirectLending": made.direct_lending,
        "OptInKeywords": list(made.opt_in_keywords),
        "OptInMessage": made.opt_in_message,
        "OptOutKeywords": list(made.opt_out_keywords),
        "OptOutMessage": made.opt_out_message,
        "HelpKeywords": list(made.help_keywords),
        "HelpMessage": made.help_message,
        "PrivacyPolicyUrl": made.privacy_url,
        "TermsAndConditionsUrl": made.terms_url,
    }


def toll_free_parameters(made: Kit) -> dict[str, str | bool | list[str]]:
    """The kit under the names of Twilio's toll-free verification; the company's own fields are added by the caller."""
    return {
        "UseCaseCategories": list(made.toll_free.use_case_categories),
        "UseCaseSummary": made.toll_free.use_case_summary,
        "ProductionMessageSample": made.toll_free.production_message_sample,
        "OptInType": made.toll_free.opt_in_type,
        "OptInImageUrls": list(made.toll_free.opt_in_image_urls),
        "MessageVolume": made.toll_free.message_volume,
        "AdditionalInformation": made.toll_free.additional_information,
        "OptInKeywords": list(made.opt_in_keywords),
        "OptInConfirmationMessage": made.opt_in_message,
        "HelpMessageSample": made.help_message,
        "PrivacyPolicyUrl": made.privacy_url,
        "TermsAndConditionsUrl": made.terms_url,
        "AgeGatedContent": made.age_gated,
    }


_LEAD_GENERATION = re.compile(
    r"\blead[- ]?gen(?:eration)?\b|\bgenerat(?:e|es|ed|ing|ion of) (?:\w+ )?leads?\b|\b(?:third[- ]party|purchased|bought|shared|aged|affiliate) (?:\w+ )?leads?\b"
    r"|\b(?:sell|buy|share|resell)(?:s|ing)? (?:\w+ )?leads?\b|\bleads? (?:providers?|vendors?|marketplaces?|nurtur\w+|capture|magnets?|responses?)\b|\baffiliate marketing\b"
    r"|\bgeneracion de (?:leads|prospectos)\b"
)
_LEADS = re.compile(r"\b(?:our|new|your|the|these|sales|internet|web) leads\b|\bleads (?:who|that|from)\b")
_AGENCY = re.compile(
    r"\b(?:marketing|advertising|digital|media|leads?|seo|creative|branding|growth|ppc) (?:agency|agencies|group|solutions|services|partners|pros|company|studio|firm|lab)\b"
    r"|\blead[- ]?gen\w*\b|\b(?:sms|texting|messaging|crm) (?:platform|software|provider|app)\b"
)
_ALPHANUMERIC = re.compile(r"[A-Za-z0-9]+")


def problems(made: Kit, templates: Mapping[str, str] | None = None) -> list[Finding]:
    """What would be rejected, one finding for each item; with `templates` also what drifts from the samples."""
    return [
        *_within("description", made.description, _LIMITS["description"]),
        *_lead_problems(made),
        *_brand_problems(made),
        *_flow_problems(made),
        *_samples_problems(made),
        *_keyword_problems(made),
        *_message_problems(made),
        *_page_problems(made),
        *_flag_problems(made),
        *_toll_free_problems(made),
        *(drift(made.samples, templates) if templates is not None else []),
    ]


def _within(item: str, text: str, limits: Iterable[int]) -> Iterator[Finding]:
    least, most = limits
    if not least <= len(text) <= most:
        yield Finding(item, f"write {least} to {most} characters: it has {len(text)}")


def _lead_problems(made: Kit) -> Iterator[Finding]:
    texts = {"description": made.description, "message_flow": made.message_flow, "samples": " ".join(made.samples)}
    for item, text in (texts | {"use_case_summary": made.toll_free.use_case_summary}).items():
        found = _LEAD_GENERATION.search(plain(text))
        if found:
            yield Finding("lead_generation", f'take "{found.group()}" out of the {item}: code 708 rejects it')
        elif _LEADS.search(plain(text)):
            say = f'say "people who asked us" in place of "leads" in the {item}: it reads as code 708'
            yield Finding("lead_generation", say, Severity.WARNING)


def _brand_problems(made: Kit) -> Iterator[Finding]:
    if not made.brand.strip():
        yield Finding("brand", "give the name under which the tenant is registered")
    elif _AGENCY.search(plain(made.brand)):
        yield Finding("brand", "register the business that texts, under its own tax number: code 710 rejects agencies")
    elif not names_brand(made.description, made.brand):
        yield Finding("description", f'name "{made.brand}" in the description')


def _flow_problems(made: Kit) -> Iterator[Finding]:
    flow = without_brand(made.message_flow, made.brand)
    yield from _within("message_flow", made.message_flow, _LIMITS["message_flow"])
    if not names_brand(made.message_flow, made.brand):
        yield Finding("message_flow", f'name "{made.brand}" in the message flow')
    missing = [path for path in made.opt_in_paths if not _lists(made.message_flow, path)]
    if missing:
        yield Finding("message_flow", f"list every way to opt in; missing: {', '.join(missing)}")
    if any(is_public_link(path) for path in made.opt_in_paths) and not re.search(r"\bun(?:ticked|checked)\b", flow):
        yield Finding("message_flow", "say that the box is unticked: codes 803 to 806 ask for it")
    said = {
        "frequency": says_frequency(flow),
        "rates": says_rates(flow),
        "HELP": says_reply(flow, HELP_WORDS),
        "STOP": says_reply(flow, STOP_WORDS),
    }
    unsaid = [what for what, claim in said.items() if claim != Claim.AFFIRMED]
    if unsaid:
        yield Finding("message_flow", f"say in the message flow: {', '.join(unsaid)}; codes 803 to 806 ask for it")


def _lists(flow: str, path: str) -> bool:
    """Whether `path` stands in `flow` by itself: /form is not listed by /form-2."""
    return bool(re.search(rf"(?<![\w/]){re.escape(path)}(?![\w/-])", flow, re.IGNORECASE))


def _samples_problems(made: Kit) -> Iterator[Finding]:
    fewest, most = _LIMITS["samples"]
    if not fewest <= len(made.samples) <= most:
        yield Finding("samples", f"give {fewest} to {most} samples with brand and STOP: there are {len(made.samples)}")
    for number, sample in enumerate(made.samples, 1):
        yield from _sample_problems(sample, made.brand, f"sample {number}")


def _sample_problems(sample: str, brand: str, item: str) -> Iterator[Finding]:
    yield from _within(item, sample, _LIMITS["sample"])
    if not names_brand(sample, brand):
        yield Finding(item, f'name "{brand}"')
    if says_reply(without_brand(sample, brand), STOP_WORDS) != Claim.AFFIRMED:
        yield Finding(item, 'say "Reply STOP to end"')
    if any(is_shortened(link) for link in links_in(sample)):
        yield Finding(item, "link the tenant's own domain: carriers block public shorteners")


def _keyword_problems(made: Kit) -> Iterator[Finding]:
    lists = {
        "opt_in_keywords": (made.opt_in_keywords, "START"),
        "opt_out_keywords": (made.opt_out_keywords, "STOP"),
        "help_keywords": (made.help_keywords, "HELP"),
    }
    most = _LIMITS["keywords"][1]
    for item, (words, needed) in lists.items():
        odd = [word for word in words if not _ALPHANUMERIC.fullmatch(word)]
        if odd:
            yield Finding(item, f"use letters and digits only: {', '.join(odd)}")
        if len(",".join(words)) > most:
            yield Finding(item, f"shorten the list to {most} characters: it has {len(','.join(words))}")
        if needed not in words:
            yield Finding(item, f"add {needed}")
    taken = {word.casefold() for word in (*made.opt_out_keywords, *made.help_keywords)}
    both = [word for word in made.opt_in_keywords if word.casefold() in taken]
    if both:
        yield Finding("opt_in_keywords", f"a word cannot start and end texts: {', '.join(both)}")


def _message_problems(made: Kit) -> Iterator[Finding]:
    """Twilio's lengths, and what each of the three texts must say, as for every template."""
    messages = {
        "opt_in_message": ("opt_in_confirm", made.opt_in_message),
        "opt_out_message": ("opt_out_confirm", made.opt_out_message),
        "help_message": ("help", made.help_message),
    }
    own = (host_of(made.privacy_url), host_of(made.terms_url))
    for item, (kind, text) in messages.items():
        yield from _within(item, text, _LIMITS["message"])
        for finding in lint_template(kind, "en", text, made.brand, tenant_domains=own):
            if finding.severity == Severity.ERROR:
                yield Finding(item, finding.what_to_do)


_GIVES = re.compile(
    r"\b(?:sell|rent|share|disclose|provide|transfer|vend\w+|alquil\w+|compart\w+|sold|shared|rented|disclosed)\b"
)
_MOBILE = re.compile(
    r"\b(?:mobile|phone|cell|sms|text|opt-?in|consent|consents|numbers?|personal|celular|telefono|consentimientos?)\b"
)
_OTHERS = re.compile(
    r"\b(?:third[- ]part(?:y|ies)|affiliates?|(?:marketing|advertising|business|trusted|our) partners|terceros|afiliados|socios)\b"
)
_FOR_ADS = re.compile(r"\b(?:marketing|promotional|advertising|publicidad|promocional\w*|mercadotecnia)\b")
_NOT_GIVEN = re.compile(r"\b(?:not|never|no|don't|won't|doesn't|nunca|ni|without|sin|excludes?|except|salvo)\b")


def has_privacy_clause(page_text: str) -> bool:
    """Whether a privacy page rules out the sharing of numbers and consent for marketing, and says nowhere that it may."""
    shown = [plain(sentence) for sentence in sentences(page_text)]
    speaking = [each for each in shown if _GIVES.search(each) and _MOBILE.search(each) and _OTHERS.search(each)]
    ruled_out = any(_NOT_GIVEN.search(each) and _FOR_ADS.search(each) for each in speaking)
    return ruled_out and all(_NOT_GIVEN.search(each) for each in speaking)


def _page_problems(made: Kit) -> Iterator[Finding]:
    for item, link in (("privacy_url", made.privacy_url), ("terms_url", made.terms_url)):
        if not is_public_link(link):
            yield Finding(item, "give the whole https address of the page")
    if not has_privacy_clause(made.privacy_page_text):
        yield Finding("privacy_clause", f'add to the privacy page: "{PRIVACY_CLAUSE}" Code 805 asks for it')


def _flag_problems(made: Kit) -> Iterator[Finding]:
    if not made.subscriber_opt_in:
        yield Finding("subscriber_opt_in", "say that people opt in: nobody is texted otherwise")
    if not made.has_embedded_links and any(links_in(sample) for sample in made.samples):
        yield Finding("has_embedded_links", "set it: a sample has a link")
    if not made.has_embedded_phone and any(phones_in(sample) for sample in made.samples):
        yield Finding("has_embedded_phone", "set it: a sample has a phone number")


def _toll_free_problems(made: Kit) -> Iterator[Finding]:
    form = made.toll_free
    for name in ("use_case_summary", "production_message_sample", "additional_information"):
        yield from _within(f"toll_free.{name}", getattr(form, name), _TOLL_FREE_LIMITS[name])
    if not form.use_case_categories:
        yield Finding("toll_free.use_case_categories", "name at least one use case")
    if form.message_volume not in _TOLL_FREE_LIMITS["message_volumes"]:
        yield Finding("toll_free.message_volume", f"choose one of {'; '.join(_TOLL_FREE_LIMITS['message_volumes'])}")
    if not form.opt_in_image_urls or not all(is_public_link(link) for link in form.opt_in_image_urls):
        yield Finding("toll_free.opt_in_image_urls", "link a public page or picture that shows how people opt in")


# --- Drift -----------------------------------------------------------------------------------------------------------

_BOILERPLATE = re.compile(
    r"\b(?:reply|text|responda|envie)? ?(?:stop|alto)(?: o alto)? (?:to|for|para) (?:end|cancel|stop|opt out|unsubscribe|quit|terminar|cancelar|no recibir)(?: (?:texts|messages|textos|mensajes))?\b"
    r"|\b(?:reply|responda)? ?(?:help|ayuda) (?:for|para) (?:help|info|ayuda)\b|\b(?:reply|responda) humano? (?:for|para)[^.,]*"
    r"|\b(?:msg|message) ?(?:and|&) ?data rates may apply\b|\bmsg freq varies\b|\bpueden aplicar tarifas\b"
)
_FILLED = re.compile(r"\{\w*\}|https?://\S+|[\w.+-]+@[\w.-]+|[^\s\w]*\d[\w.,:/-]*")
_WORDS = re.compile(r"[^\W\d_][\w']*")


def alikeness(sample: str, template: str) -> float:
    """How much of two texts is the same, 0 to 1: words in order, without numbers, links and what every text carries."""
    first, second = _own_words(sample), _own_words(template)
    if not first or not second:
        return 0.0
    common = sum(block.size for block in SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks())
    whole = "{" in template or "{" in sample
    return common / (min(len(first), len(second)) if whole else (len(first) + len(second)) / 2)


def _own_words(text: str) -> list[str]:
    shown = _BOILERPLATE.sub(" ", plain(text))
    return _WORDS.findall(_FILLED.sub(" ", shown))


def drift(registered_samples: Iterable[str], live_templates: Mapping[str, str]) -> list[Finding]:
    """Where what is sent and what was registered no longer match (C-073): which, and how near the nearest is.

    `live_templates` are the texts that open or carry a conversation, rendered or with {placeholders}; those that
    registration holds apart (COMPLIANCE_TEXTS) are left out by their names.
    """
    samples = list(registered_samples)
    live = {name: text for name, text in live_templates.items() if name not in COMPLIANCE_TEXTS}
    findings = []
    for name, text in live.items():
        near, which = max(
            ((alikeness(sample, text), f"sample {n}") for n, sample in enumerate(samples, 1)), default=(0.0, "")
        )
        if near < ALIKE:
            findings.append(Finding(name, f"register a sample like it: {_nearest(which, near)}"))
    for number, sample in enumerate(samples, 1):
        near, which = max(((alikeness(sample, text), name) for name, text in live.items()), default=(0.0, ""))
        if near < ALIKE:
            findings.append(Finding(f"sample {number}", f"no live text is like it any more: {_nearest(which, near)}"))
    return findings


def _nearest(which: str, near: float) -> str:
    return f"the nearest is {which}, {near:.0%} alike" if which else "there is nothing to compare it with"


# --- Pages -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A public page as headings and paragraphs of plain text; whoever shows it escapes them."""

    title: str
    language: str
    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        """The whole page as plain text."""
        parts = [self.title, *(part for each in self.sections for part in (each.heading, *each.paragraphs))]
        return "\n\n".join(parts)


def privacy_page(brand: str, contact: str, language: str = "en", *, updated: date, message_months: int = 24) -> Page:
    """The privacy policy for a tenant's texts, the no-sharing clause included; in English where there is no other."""
    return _page("privacy", language, brand=brand, contact=contact, updated=updated, message_months=str(message_months))


def terms_page(
    brand: str,
    contact: str,
    language: str = "en",
    *,
    updated: date,
    privacy_url: str,
    purposes: Iterable[Purpose] = (Purpose.INQUIRY, Purpose.APPOINTMENT),
    vertical: str = "general",
) -> Page:
    """The terms of a tenant's text programme: frequency, rates, HELP, STOP and the no-sharing clause."""
    shown = language if language in LANGUAGES else LANGUAGES[0]
    phrase = purposes_phrase(purposes, shown, vertical, to_you=True)
    return _page(
        "terms", language, brand=brand, contact=contact, updated=updated, privacy_url=privacy_url, purposes=phrase
    )


def _page(name: str, language: str, *, updated: date, **values: str) -> Page:
    shown = language if language in LANGUAGES else LANGUAGES[0]
    filled = {"clause": PRIVACY_CLAUSES[shown], "updated": updated.isoformat(), **values}
    written = _PAGES[name][shown]
    sections = tuple(
        Section(heading, tuple(paragraph.format_map(filled) for paragraph in paragraphs))
        for heading, paragraphs in written["sections"]
    )
    return Page(written["title"], shown, sections)
