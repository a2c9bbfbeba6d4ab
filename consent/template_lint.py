"""What is wrong with a fixed text before anybody gets it: words it must or must not hold, alphabet, length, links. Pure.

Sources of the rules: 47 CFR 64.1200(a)(10) and (12), CTIA Messaging Principles 5.1, the packaged
data/template_rules.json, keywords.json (revocation words) and links.json (public shorteners).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from string import Formatter
from typing import Any

from consent.keywords import TABLE as KEYWORDS
from consent.wording import (
    HELP_WORDS,
    START_WORDS,
    STOP_WORDS,
    Claim,
    Finding,
    Severity,
    host_of,
    is_shortened,
    links_in,
    mails_in,
    names_brand,
    offers,
    packaged,
    phones_in,
    plain,
    says_any_purpose,
    says_automated,
    says_ended,
    says_frequency,
    says_rates,
    says_reply,
    sentences,
    without_brand,
)
from smsbot.segments import GSM, Encoding, segmentation

_RULES: Mapping[str, Any] = packaged("template_rules.json")
_FAMILIES: Mapping[str, str] = _RULES["families"]
_USUAL: Mapping[str, str] = _RULES["usual"]

LONGEST_BRAND = 60  # characters: tenants.brand
ONE_SEGMENT_CHARS = 160  # 3GPP TS 23.038: septets of a lone segment
MOST_SEGMENTS = 2  # of any automated text
_ONE_SEGMENT = frozenset({"opt_in", "opt_out", "opt_out_clarify", "opt_out_help", "help"})
_AFTER_OPT_OUT = frozenset({"opt_out", "opt_out_clarify", "opt_out_help"})
_TENANT_LINK_HOST = "t.example"  # stands for the tenant's own link where a template has {url}

# Every word that ends texts at the regulator or a carrier, without the one that a person is told to use.
_STOP = frozenset({"stop", "alto"})
_OPT_OUT_WORDS = frozenset(
    plain(word)
    for words in (
        KEYWORDS["fcc_per_se"],
        KEYWORDS["twilio_long_code_default"]["opt_out"],
        KEYWORDS["recommended_exact"]["opt_out"]["en"],
        KEYWORDS["recommended_exact"]["opt_out"]["es"],
    )
    for word in words
    if " " not in word and "-" not in word
) - {"para"}  # Spanish "for": as a word to reply with it cannot be told from the preposition

_ENDS_TEXTS = re.compile(
    r"^\W*(?:to|for|para|=|:)?\s*(?:end|stop|opt|quit|unsubscribe|leave|terminar|salir|dejar|no recibir|parar|finalizar|darse de baja)\b|"
    r"^\W*(?:to|para)?\s*cancel\w* (?:texts?|messages?|all texts|textos|mensajes)\b"
)
_APPOINTMENT = re.compile(
    r"\b(?:appointments?|appts?|visits?|tours?|test[- ]drives?|showings?|bookings?|slot|meeting|cancel|reschedule|can't make|cannot make|it|attend"
    r"|citas?|visitas?|prueba de manejo|reserva|cancelar|cambiar|asistir|venir)\b"
)
_SELLING = re.compile(
    r"\b(?:offers?|deals?|discounts?|promos?|promotions?|sales?|specials?|savings?|save \$?\d*|coupons?|free|bonus|hurry|limited time|don't miss"
    r"|new listings?|price drops?|open houses?|shop|buy|order now|check out|visit (?:us|our)|see our|browse|learn more|follow us|rates as low"
    r"|ofertas?|promocion(?:es)?|descuentos?|rebajas?|gratis|compre|visite(?:nos)?|aproveche|nuevas? (?:casas?|propiedades?)|ahorre|siganos)\b|\d+ ?% "
)
# "If you only meant promotions", "you will get no more offers": named to be ended, not to be sold.
_ENDING = re.compile(
    r"\bif you (?:only|just)? ?(?:meant|mean|want(?:ed)? to (?:stop|end))\b|\b(?:no more|no further|no longer|won't|will not|not get|unsubscribed|opted out|stopped|ended)\b"
    r"|\bsi solo\b|\bya no\b|\bno (?:recibira|quiere|mas)\b|\bdej(?:a|o) de recibir\b"
)


def usual_fill(text: str, brand: str, language: str = "en", values: Mapping[str, str] | None = None) -> str:
    """`text` with its placeholders filled as they usually are. KeyError for one that is not known.

    `values` win over the usual ones. A text without placeholders comes back as it is.
    """
    contact = {"url": f"https://{_TENANT_LINK_HOST}/x1", "link": f"https://{_TENANT_LINK_HOST}/x1", "brand": brand}
    if language == "es":
        contact |= {"what": "visita a 12 Oak St", "answer": "Si, esta disponible.", "body": "Si, esta disponible."}
    return text.format_map({**_USUAL, **contact, **(values or {})})


def lint_template(
    kind: str,
    language: str,
    text: str,
    brand: str,
    *,
    tenant_domains: Collection[str] = (),
    values: Mapping[str, str] | None = None,
) -> list[Finding]:
    """What is wrong with the template `text` of `kind`, filled as it usually is. Warnings alone do not block it.

    `kind` is the template's name; what is demanded follows from its family in data/template_rules.json.
    `tenant_domains` are the only hosts that may be linked, beside {url}, which is the tenant's own.
    """
    try:
        names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
        filled = usual_fill(text, brand, language, values)
    except (KeyError, IndexError, ValueError, AttributeError):
        return [Finding("placeholder", "use only known placeholders, as in {brand}, and no other braces")]
    family = _FAMILIES.get(kind, "")
    return [
        *_length_problems(family, text, filled),
        *_brand_problems(kind, family, names, filled, brand, text, language, values),
        *_link_problems(family, filled, frozenset(tenant_domains)),
        *_word_problems(kind, family, without_brand(filled, brand)),
    ]


def _length_problems(family: str, text: str, filled: str) -> Iterator[Finding]:
    cut = segmentation(filled)
    if cut.encoding != Encoding.GSM_7:
        outside = "".join(sorted(set(text) - GSM)) or "a filled-in value"
        yield Finding("gsm7", f"write it in GSM-7: replace {outside}")
    if family in _ONE_SEGMENT and (cut.segments > 1 or len(filled) > ONE_SEGMENT_CHARS):
        yield Finding("segments", f"shorten it to {ONE_SEGMENT_CHARS} characters: it has {len(filled)}")
    elif cut.segments > MOST_SEGMENTS:
        yield Finding("segments", f"shorten it to {MOST_SEGMENTS} segments: it takes {cut.segments}")


def _brand_problems(
    kind: str,
    family: str,
    names: list[str],
    filled: str,
    brand: str,
    text: str,
    language: str,
    values: Mapping[str, str] | None,
) -> Iterator[Finding]:
    needs_brand = family not in ("", "automated") or any(kind.startswith(each) for each in _RULES["brand_kinds"])
    if needs_brand and not names_brand(filled, brand):
        yield Finding("brand", f'name who texts: "{brand}"')
    longest = _with_longest_brand(names, filled, brand, text, language, values)
    if longest is not None and family in _ONE_SEGMENT and segmentation(longest).segments > 1:
        left = ONE_SEGMENT_CHARS - (segmentation(longest).units - LONGEST_BRAND)
        yield Finding(
            "longest_brand", f"takes two segments when the brand has over {left} characters", Severity.WARNING
        )


def _with_longest_brand(
    names: list[str], filled: str, brand: str, text: str, language: str, values: Mapping[str, str] | None
) -> str | None:
    longest = "M" * LONGEST_BRAND
    if "brand" in names:
        return usual_fill(text, longest, language, values)
    return filled.replace(brand, longest, 1) if brand and brand in filled else None


def _link_problems(family: str, filled: str, tenant_domains: frozenset[str]) -> Iterator[Finding]:
    links = links_in(filled)
    if family in _AFTER_OPT_OUT and links:
        yield Finding("link", "take the link out: this text only confirms")
    own = {host_of(domain) for domain in tenant_domains} | {_TENANT_LINK_HOST}
    for link in links:
        host = host_of(link)
        if is_shortened(link):
            yield Finding("shortener", f"link the tenant's own domain: carriers block {host}")
        elif not any(host == each or host.endswith(f".{each}") for each in own):
            yield Finding("domain", f"link the tenant's own domain, not {host}")


def _word_problems(kind: str, family: str, filled: str) -> Iterator[Finding]:
    yield from _reply_word_problems(kind, filled)
    match family:
        case "opt_out" | "opt_out_clarify":
            yield from _confirmation_problems(family, filled)
        case "opt_out_help":
            yield from _selling_problems(filled)
            yield from _unless(says_ended(filled), "ended", "say that no texts are sent")
            yield from _unless(_has_contact(filled), "contact", "give a phone number or an e-mail address")
            yield from _unless(_offers_start(filled), "resubscribe", "say which word brings texts back: START")
        case "help":
            yield from _unless(says_any_purpose(filled), "purpose", "say what the texts are about")
            yield from _unless(_has_contact(filled), "contact", "give a phone number or an e-mail address")
            yield from _unless(_affirms_rates(filled), "rates", 'say "Msg&data rates may apply"')
            yield from _unless(_tells_stop(filled), "stop", 'say "STOP to end"')
        case "opt_in":
            yield from _unless(_says_how_often(filled), "frequency", 'say "Msg freq varies"')
            yield from _unless(_affirms_rates(filled), "rates", 'say "Msg&data rates may apply"')
            yield from _unless(says_reply(filled, HELP_WORDS) == Claim.AFFIRMED, "help", 'say "Reply HELP for help"')
            yield from _unless(_tells_stop(filled), "stop", 'say "STOP to end"')
        case "identity" | "automated":
            said = says_automated(filled) == Claim.AFFIRMED
            yield from _unless(said, "automated", "say that an automated AI assistant writes")
        case "first":
            said = says_automated(filled) == Claim.AFFIRMED
            yield from _unless(said, "automated", "say that an automated AI assistant writes")
            yield from _unless(_tells_stop(filled), "stop", 'say "Reply STOP to end"')


def _unless(holds: bool, item: str, what_to_do: str) -> list[Finding]:
    return [] if holds else [Finding(item, what_to_do)]


def _confirmation_problems(family: str, filled: str) -> Iterator[Finding]:
    """47 CFR 64.1200(a)(12): it merely confirms, or asks which texts were meant, and says how to come back."""
    yield from _selling_problems(filled)
    yield from _unless(says_ended(filled), "ended", "confirm that no more texts come")
    if family == "opt_out_clarify":
        answer = bool(re.search(r"\b(?:reply|text|responda|envie)\b[^.]*\b[A-Z]{3,}\b", filled, re.IGNORECASE))
        yield from _unless(answer, "resubscribe", "say which word brings the other texts back")
    else:
        yield from _unless(_offers_start(filled), "resubscribe", "say which word brings texts back: START")


def _selling_problems(filled: str) -> Iterator[Finding]:
    for sentence in sentences(filled):
        shown = plain(sentence)
        sold = _SELLING.search(shown)
        if sold and not _ENDING.search(shown[: sold.start()]):
            yield Finding("marketing", f'take out "{sold.group().strip()}": this text sells nothing')
            return


def _offers_start(filled: str) -> bool:
    return says_reply(filled, START_WORDS) == Claim.AFFIRMED


def _tells_stop(filled: str) -> bool:
    return says_reply(filled, STOP_WORDS) == Claim.AFFIRMED


def _affirms_rates(filled: str) -> bool:
    return says_rates(filled, brief=True) == Claim.AFFIRMED


def _says_how_often(filled: str) -> bool:
    return says_frequency(filled) == Claim.AFFIRMED


def _has_contact(filled: str) -> bool:
    return bool(phones_in(filled) or mails_in(filled))


def _reply_word_problems(kind: str, filled: str) -> Iterator[Finding]:
    """A word that ends texts at the carrier must never stand for something else, an appointment above all (C-022)."""
    about_appointment = any(part in kind for part in _RULES["appointment_kinds"])
    for offer in offers(filled, _OPT_OUT_WORDS):
        word = plain(offer.word)
        ends_texts = bool(_ENDS_TEXTS.search(offer.goal))
        if about_appointment:
            harmless = ends_texts and word in _STOP
        else:
            harmless = ends_texts or not _APPOINTMENT.search(offer.goal) or _is_usual_stop(word, offer.goal)
        if not harmless:
            yield Finding("reply_word", f"ask for another word than {word.upper()}, which ends all texts: C or R, say")
            return


def _is_usual_stop(word: str, goal: str) -> bool:
    """ "STOP to cancel" is the carriers' own wording, where no appointment is spoken of."""
    return word in _STOP and bool(re.match(r"^\W*(?:to|para) cancel(?:ar)?\W*(?:\b(?:help|ayuda)\b.*)?$", goal))
