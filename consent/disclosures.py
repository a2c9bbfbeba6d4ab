"""The words shown to a person who agrees to be texted: default wordings, and what keeps one from being published. Pure.

Wordings are the packaged data/disclosures.json. What a disclosure must say: C-063 of the acceptance list, from
47 CFR 64.1200(f)(9) and CTIA Messaging Principles 5.1; for Canada also CASL s. 6(2) and 10(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from consent.overreach import overreaching
from consent.purposes import Purpose
from consent.wording import (
    NAMED_PURPOSES,
    Claim,
    Finding,
    Severity,
    is_public_link,
    is_shortened,
    links_in,
    names_brand,
    names_privacy,
    names_terms,
    packaged,
    plain,
    says_any_hour,
    says_any_purpose,
    says_automated,
    says_frequency,
    says_help,
    says_not_a_condition,
    says_purpose,
    says_rates,
    says_stop,
    without_brand,
)

_TABLE: Mapping[str, Any] = packaged("disclosures.json")
WORDINGS_VERSION: str = _TABLE["meta"]["version"]
LANGUAGES = ("en", "es")
VERTICALS = ("real_estate", "auto", "general")

_PLACEHOLDER = re.compile(r"\{\w*\}|\[[A-Z][A-Z ]+\]|<[a-z_ ]+>")
# A tag by its element's name, its slash or its attributes; "<brand>" is a name that somebody forgot to fill in.
_MARKUP = re.compile(
    r"</|<!|<(?:[a-z]|h[1-6]|script|style|br|hr|div|span|strong|em|small|big|img|svg|iframe|form|input|button|label|table|tr|td|th"
    r"|ul|ol|li|font|center|html|head|body|link|meta|object|embed|video|audio|sup|sub|pre|code|mark|del|ins)\b[^<>]*>?|<[a-z][\w-]*\s[^<>]*=",
    re.IGNORECASE,
)


class Kind(StrEnum):
    """Which default wording. A form's kind follows from its purposes: see `form_kind`."""

    EXPRESS = "express"
    EXPRESS_WRITTEN = "express_written"
    DOUBLE_OPT_IN_QUESTION = "double_opt_in_question"
    DOUBLE_OPT_IN_CONFIRMATION = "double_opt_in_confirmation"
    SPOKEN = "spoken"  # read aloud by staff, on the phone or in the office


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What is shown, verbatim: brand and addresses are filled in, nothing is added when it is shown."""

    language: str
    purposes: frozenset[Purpose]
    text: str
    privacy_url: str
    terms_url: str


def form_kind(purposes: Iterable[Purpose]) -> Kind:
    """EXPRESS_WRITTEN where marketing is among `purposes` (47 CFR 64.1200(f)(9)), else EXPRESS."""
    return Kind.EXPRESS_WRITTEN if Purpose.MARKETING in frozenset(purposes) else Kind.EXPRESS


def render(
    kind: Kind,
    brand: str,
    language: str,
    purposes: Iterable[Purpose],
    *,
    privacy_url: str,
    terms_url: str,
    vertical: str = "general",
    any_hour: bool = False,
    mailing_address: str = "",
) -> Disclosure:
    """The default wording of `kind`, in English where there is none in `language`.

    `any_hour` adds that the first answer may come at night. `mailing_address` adds the sender's address and how to
    unsubscribe, as Canada asks. ValueError for marketing in EXPRESS, for purposes that cannot be named, or none at all.
    """
    wanted = frozenset(purposes)
    if kind == Kind.EXPRESS and Purpose.MARKETING in wanted:
        raise ValueError("marketing needs the wording of express written consent")
    language = language if language in LANGUAGES else LANGUAGES[0]
    in_second_person = kind not in (Kind.EXPRESS, Kind.EXPRESS_WRITTEN)
    values = {
        "brand": brand,
        "purposes": purposes_phrase(wanted, language, vertical, to_you=in_second_person),
        "privacy_url": privacy_url,
        "terms_url": terms_url,
        "any_hour": _TABLE["any_hour"][language] if any_hour else "",
    }
    text = _wording(kind, language, wanted).format_map(values)
    if mailing_address:
        text += _TABLE["casl"][language].format_map({"brand": brand, "mailing_address": mailing_address})
    return Disclosure(language, wanted, text, privacy_url, terms_url)


def _wording(kind: Kind, language: str, purposes: frozenset[Purpose]) -> str:
    name = str(kind)
    if kind == Kind.DOUBLE_OPT_IN_QUESTION and Purpose.MARKETING in purposes:
        name += "_marketing"
    wording: str = _TABLE["wordings"][name][language]
    return wording


def purposes_phrase(purposes: Iterable[Purpose], language: str, vertical: str, *, to_you: bool) -> str:
    """What the texts are about, in words: "my inquiry and my appointments", or `to_you` "your inquiry …".

    ValueError when none of `purposes` can be named.
    """
    wanted = frozenset(purposes)
    if wanted.isdisjoint(NAMED_PURPOSES):
        raise ValueError("say what the texts are about: inquiry, appointment, notification or marketing")
    words = _TABLE["purposes"][language]
    phrases = [
        words["marketing"][vertical] if purpose == Purpose.MARKETING else words[purpose]
        for purpose in NAMED_PURPOSES
        if purpose in wanted
    ]
    if to_you:
        phrases = [_to_you(phrase, words["your"]) for phrase in phrases]
    last = str(phrases.pop())
    return ", ".join(phrases) + words["and"] + last if phrases else last


def _to_you(phrase: str, yours: Mapping[str, str]) -> str:
    return next((your + phrase.removeprefix(my) for my, your in yours.items() if phrase.startswith(my)), phrase)


def digest(text: str) -> str:
    """SHA-256 of the exact text in UTF-8, in hex: a space more is another text."""
    return sha256(text.encode("utf-8")).hexdigest()


def next_version(previous_text: str | None, new_text: str, previous_version: int = 0) -> int:
    """The version under which `new_text` is published: the previous one when not a character differs, else the next."""
    if previous_text is not None and digest(previous_text) == digest(new_text):
        return previous_version
    return previous_version + 1


_SAY = {
    "automated": 'say that the texts are automated, as in "recurring automated text messages"',
    "frequency": 'say how often texts come, as in "Message frequency varies" or "up to 4 messages a month"',
    "rates": 'say "Message and data rates may apply"',
    "help": 'say "Reply HELP for help"',
    "stop": 'say "Reply STOP to end"',
    "not_a_condition": 'say "Consent is not a condition of any purchase"',
}


def lint(disclosure: Disclosure, brand: str, country: str = "US", mailing_address: str = "") -> list[Finding]:
    """What keeps this wording from being published, one finding for each item that is missing or contradicted.

    Items: brand, automated, purpose, frequency, rates, help, stop, not_a_condition, privacy, terms; bundled, shared,
    preticked and required where it does more than that; filled where a placeholder is left, markup where a tag stands;
    in Canada also address and unsubscribe. That texts recur does not say how often: C-063 asks for the frequency.
    """
    return _problems(disclosure, brand, country, mailing_address, recurring=False)


def _problems(
    disclosure: Disclosure, brand: str, country: str, mailing_address: str, *, recurring: bool
) -> list[Finding]:
    text = without_brand(disclosure.text, brand)
    findings = [] if names_brand(disclosure.text, brand) else [Finding("brand", f'name who texts: "{brand}"')]
    findings += _claimed("automated", says_automated(text), "take out that texts are not automated, and {}")
    findings += _purpose_problems(text, disclosure.purposes)
    findings += _claimed(
        "frequency", says_frequency(text, recurring=recurring), "take out that texts do not recur, and {}"
    )
    findings += _claimed("rates", says_rates(text), "take out that texts are free, and {}")
    findings += _claimed("help", says_help(text), "take out that HELP has no effect, and {}")
    findings += _claimed("stop", says_stop(text), "take out that STOP has no effect, and {}")
    condition = says_not_a_condition(text)
    findings += _claimed("not_a_condition", condition, "take out that agreeing is a condition of buying, and {}")
    findings += _page_problems("privacy", "privacy policy", names_privacy(text), disclosure.privacy_url)
    findings += _page_problems("terms", "terms of service", names_terms(text), disclosure.terms_url)
    # That they must agree in order to buy is said once, as a condition of buying.
    findings += [each for each in overreaching(text) if each.item != "required" or condition != Claim.DENIED]
    findings += _leftovers(text)
    if any(is_shortened(link) for link in links_in(text)):
        findings.append(Finding("shortener", "write the whole address in place of the shortened one"))
    if country == "CA":
        findings += [each for each in casl_problems(disclosure.text, brand, mailing_address) if each.item != "brand"]
    return findings


def _leftovers(text: str) -> list[Finding]:
    """What was meant for somebody else than the reader: a placeholder, or markup."""
    findings = []
    if _PLACEHOLDER.search(_MARKUP.sub(" ", text)):
        findings.append(Finding("filled", "fill in the placeholder that is left in the text"))
    if _MARKUP.search(text):
        findings.append(Finding("markup", "take out the markup: angle brackets format nothing here"))
    return findings


def lint_seen(
    text: str, brand: str, purposes: Iterable[Purpose], *, page_url: str = "", country: str = "US"
) -> list[Finding]:
    """What words lack that somebody agreed to before or elsewhere: `lint`, and for marketing `written_consent_problems`.

    A page links what it names, so its privacy policy and terms are found by way of `page_url`; words on paper hold an
    address themselves. That texts recur is enough to say how often: nobody can add to what was agreed to.
    """
    wanted = frozenset(purposes)
    linked = (link if "://" in link else f"https://{link}" for link in links_in(text))
    found_at = page_url or next((link for link in linked if is_public_link(link)), "")
    shown = Disclosure(LANGUAGES[0], wanted, text, found_at, found_at)
    findings = _problems(shown, brand, country, "", recurring=True)
    return findings + (written_consent_problems(text) if Purpose.MARKETING in wanted else [])


def _claimed(item: str, claim: Claim | None, when_denied: str) -> list[Finding]:
    if claim == Claim.AFFIRMED:
        return []
    return [Finding(item, when_denied.format(_SAY[item]) if claim == Claim.DENIED else _SAY[item])]


def _purpose_problems(text: str, purposes: frozenset[Purpose]) -> list[Finding]:
    wanted = [purpose for purpose in NAMED_PURPOSES if purpose in purposes]
    missing = [str(purpose) for purpose in wanted if says_purpose(text, purpose) != Claim.AFFIRMED]
    if missing:
        return [Finding("purpose", f"say that texts are also about: {', '.join(missing)}")]
    if not says_any_purpose(text):
        return [Finding("purpose", "say what the texts are about")]
    return []


def _page_problems(item: str, page: str, named: Claim | None, link: str) -> list[Finding]:
    if named != Claim.AFFIRMED:
        return [Finding(item, f"name the {page} and link it")]
    if not is_public_link(link):
        return [Finding(item, f"give the whole https address of the {page}")]
    return []


def allows_night_answer(text: str) -> bool:
    """Whether somebody who agreed to `text` agreed to a first answer at any hour (C-084)."""
    return says_any_hour(text)


_SIGNED = re.compile(
    r"\bsign(?:ature|ing|ed)?\b|\b(?:by|in) (?:ticking|checking|clicking|submitting|sending|providing|entering|replying|pressing|tapping)\b|\bi (?:agree|consent|authorize|accept)\b"
    r"|\breply (?:yes|y)\b|\bdo you agree\b|\bal (?:marcar|enviar|hacer clic|presionar|proporcionar|responder)\b|\b(?:yo )?(?:acepto|autorizo|consiento)\b|\bfirma\b"
    r"|\bresponda si\b|\bde acuerdo\b"
)
_NUMBER = re.compile(
    r"\b(?:number|phone|mobile|cell)\b (?:number )?(?:that )?(?:i|you|we)?\b|\b(?:at|to) (?:this|the|my|your) (?:\w+ )?number\b|\bnumero\b|\btelefono\b|\bcelular\b"
)


def written_consent_problems(text: str) -> list[Finding]:
    """What an agreement to marketing needs beyond `lint`: that it is signed, and for which number (64.1200(f)(9))."""
    shown = plain(text)
    findings = []
    if not _SIGNED.search(shown):
        findings.append(Finding("signature", 'say what signs it: "By ticking this box and sending this form, I agree"'))
    if not _NUMBER.search(shown):
        findings.append(Finding("number", 'say which number: "at the mobile number I gave"'))
    return findings


_UNSUBSCRIBE = re.compile(
    r"\bunsubscrib\w+\b|\bopt(?:ing)?[- ]out\b|\bwithdraw (?:my|your|the|this)?\s?consent\b|\bdesabonn\w+\b|\bcancelar (?:la|su|mi) suscripcion\b|\bdarse de baja\b|\bretirar (?:mi|su|el) consentimiento\b"
)
_ADDRESS = re.compile(
    r"\b\d+[a-z]?,? (?:[\w.'-]+ ){1,5}?(?:st|street|ave|avenue|rd|road|blvd|boulevard|dr|drive|way|lane|ln|hwy|suite|rue|calle|avenida|place|court|crescent)\b"
    r"|\b\d+,? (?:rue|boul|boulevard|avenue|chemin|calle|avenida) \w+|\bp\.? ?o\.? box \d+|\b[a-z]\d[a-z] ?\d[a-z]\d\b"
)


def casl_problems(text: str, brand: str, mailing_address: str = "") -> list[Finding]:
    """What a text or form for Canada lacks: sender's name, mailing address or a link to it, unsubscribe (CASL s. 6(2))."""
    shown = plain(text)
    findings = [] if names_brand(text, brand) else [Finding("brand", f'name the sender: "{brand}"')]
    given = bool(mailing_address) and plain(mailing_address) in shown
    linked = any(is_public_link(link if "://" in link else f"https://{link}") for link in links_in(text))
    if not (given or linked or _ADDRESS.search(shown)):
        findings.append(Finding("address", "give the sender's mailing address, or a link to a page that has it"))
    if not _UNSUBSCRIBE.search(shown) and says_stop(text) != Claim.AFFIRMED:
        findings.append(Finding("unsubscribe", 'say how to unsubscribe, as in "Reply STOP or ARRET to unsubscribe"'))
    return findings


def checkbox_problems(
    *, default_checked: bool, bundled_with_terms: bool, required: bool, ticked: bool = True
) -> list[Finding]:
    """What makes a tick worth nothing as consent (C-061): it was not the person's own, free and separate act."""
    findings = []
    if default_checked:
        findings.append(Finding("checkbox_default_state", "leave the box unticked: the person ticks it"))
    if bundled_with_terms:
        findings.append(
            Finding("bundled_with_terms", "ask for texts in a box of its own, apart from terms and privacy")
        )
    if required:
        findings.append(Finding("checkbox_required", "let the form be sent without the tick: consent is no condition"))
    if not ticked:
        findings.append(Finding("checkbox_value", "the box was not ticked: nobody agreed to anything"))
    return findings


_YES = frozenset({"true", "on", "yes", "1", "checked"})
_NO = frozenset({"false", "off", "no", "0", "unchecked", ""})


def form_problems(payload: Mapping[str, object]) -> list[Finding]:
    """`checkbox_problems` of a form's evidence, under the names that it is stored by.

    Reads `checkbox_default_state` and `checkbox_value`, which must be there, and `bundled_with_terms` and
    `checkbox_required`, which need not. What cannot be read as yes or no is a finding of its own.
    """
    must = ("checkbox_default_state", "checkbox_value")
    optional = ("bundled_with_terms", "checkbox_required")
    unreadable = [
        name for name in (*must, *optional) if (name in must or name in payload) and _yes(payload.get(name)) is None
    ]
    if unreadable:
        return [Finding(name, f"say true or false in {name}") for name in unreadable]
    return checkbox_problems(
        default_checked=bool(_yes(payload["checkbox_default_state"])),
        bundled_with_terms=bool(_yes(payload.get("bundled_with_terms", False))),
        required=bool(_yes(payload.get("checkbox_required", False))),
        ticked=bool(_yes(payload["checkbox_value"])),
    )


def _yes(value: object) -> bool | None:
    """Yes or no as JSON or a form says it; None for anything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().casefold() in _YES | _NO:
        return value.strip().casefold() in _YES
    return None


def blocks(findings: Iterable[Finding]) -> bool:
    """Whether one of `findings` is more than a warning."""
    return any(finding.severity == Severity.ERROR for finding in findings)
