"""What a disclosure must say before it can be shown, whatever words it uses."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.disclosures import (
    LANGUAGES,
    VERTICALS,
    Disclosure,
    Kind,
    allows_night_answer,
    blocks,
    casl_problems,
    checkbox_problems,
    digest,
    form_kind,
    form_problems,
    lint,
    lint_seen,
    next_version,
    render,
    written_consent_problems,
)
from consent.purposes import Purpose
from consent.wording import Finding, Severity
from smsbot.segments import Encoding, segmentation

BRAND = "Lakeside Realty"
PRIVACY, TERMS = "https://lakeside.example/privacy", "https://lakeside.example/terms"
ALL = ("brand", "automated", "purpose", "frequency", "rates", "help", "stop", "not_a_condition", "privacy", "terms")
INQUIRY = frozenset({Purpose.INQUIRY})
MARKETING = frozenset({Purpose.MARKETING})
NOTHING_NAMED: frozenset[Purpose] = frozenset()


def items(text: str, purposes: frozenset[Purpose] = NOTHING_NAMED, brand: str = BRAND) -> set[str]:
    return {finding.item for finding in lint(Disclosure("en", purposes, text, PRIVACY, TERMS), brand)}


def default(
    kind: Kind, purposes: frozenset[Purpose], language: str = "en", brand: str = BRAND, *, any_hour: bool = False
) -> Disclosure:
    return render(kind, brand, language, purposes, privacy_url=PRIVACY, terms_url=TERMS, any_hour=any_hour)


# Each row is a whole disclosure as somebody would write it, and the items that it lacks, judged by hand.
HAND_WRITTEN = [
    (
        "By checking this box, you agree to receive recurring automated text messages about your inquiry from Lakeside Realty. "
        "Consent is not a condition of purchase. Msg & data rates may apply. Msg freq varies. Reply HELP for help and STOP to cancel. "
        "See our Privacy Policy and Terms of Service.",
        (),
    ),
    (
        "I agree to get autodialed marketing texts with listings from Lakeside Realty, up to 4 msgs/month. I need not agree in order to buy: "
        "agreeing is not required to purchase. Message and data rates may apply. Text STOP to end, HELP for help. Privacy notice and terms below.",
        (),
    ),
    (
        "Yes, text me! Lakeside Realty's AI assistant will text me about my appointment. Frequency of messages varies. Carrier message and "
        "data charges may apply. Text HELP for info or STOP to opt out. You don't have to consent to buy anything. Privacy: see policy. Terms apply.",
        (),
    ),
    (
        "LAKESIDE REALTY WILL SEND RECURRING AUTOMATED MARKETING TEXTS. CONSENT NOT REQUIRED FOR PURCHASE. MSG AND DATA RATES MAY APPLY. "
        "REPLY STOP TO CANCEL, HELP FOR HELP. MSG FREQ VARIES. PRIVACY POLICY AND TERMS OF USE.",
        (),
    ),
    (
        "By providing my number I consent to text messages, including but not limited to property updates, sent automatically by Lakeside Realty. "
        "No more than 6 messages per week. My consent isn't a condition of any purchase of goods or services. Msg. and data rates may apply. "
        'Text "STOP" to quit or "HELP" for assistance. Read the Privacy Policy and Terms & Conditions.',
        (),
    ),
    (
        "You are not required to agree to receive automated promotional texts from Lakeside Realty as a condition of buying any property, goods "
        "or services. Expect about 3 messages a week. Standard message & data rates may apply. Reply STOP to unsubscribe or HELP for help. "
        "Privacy Policy | Terms of Use",
        (),
    ),
    (
        "Lakeside Realty texts you about your question with the help of artificial intelligence. You can buy from us without consenting to texts. "
        "Message frequency may vary; message/data rates may apply. If you no longer want these, reply STOP. Reply HELP for help. Terms. Privacy.",
        (),
    ),
    (
        "Al marcar la casilla acepto recibir mensajes de texto automatizados y recurrentes de Lakeside Realty sobre mi consulta. El consentimiento no es "
        "condición de compra. Se pueden aplicar tarifas de mensajes y datos. Responda AYUDA para ayuda o STOP para cancelar. La frecuencia varía. Política de privacidad "
        "y términos del servicio.",
        (),
    ),
    (
        "Acepto textos promocionales de Lakeside Realty, enviados por un asistente virtual, hasta 4 mensajes al mes. No necesita aceptar para comprar. "
        "Podrían aplicarse cargos por mensajes y datos. Envíe ALTO para terminar y HELP para ayuda. Aviso de privacidad. Términos y condiciones.",
        (),
    ),
    (
        "Lakeside Realty: mensajes automáticos sobre sus citas. La frecuencia puede variar. Aplican tarifas de mensajes y datos. Mande STOP para no recibir "
        "más o AYUDA para información. Aceptar no es un requisito para comprar. Privacidad y términos en nuestro sitio.",
        (),
    ),
    # One item missing.
    (
        "By checking this box, you agree to receive recurring automated text messages about your inquiry. Consent is not a condition of purchase. "
        "Msg & data rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("brand",),
    ),
    (
        "By checking this box, you agree to receive recurring text messages about your inquiry from Lakeside Realty. Consent is not a condition of "
        "purchase. Msg & data rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("automated",),
    ),
    (
        "By checking this box, you agree to receive recurring automated text messages from Lakeside Realty. Consent is not a condition of purchase. "
        "Msg & data rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("purpose",),
    ),
    (
        "By checking this box, you agree to receive automated text messages about your inquiry from Lakeside Realty. Consent is not a condition of "
        "purchase. Msg & data rates may apply. Reply HELP for help and STOP to cancel. See our Privacy Policy and Terms of Service.",
        ("frequency",),
    ),
    (
        "By checking this box, you agree to receive recurring automated text messages about your inquiry from Lakeside Realty. Consent is not a "
        "condition of purchase. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("rates",),
    ),
    (
        "By checking this box, you agree to receive recurring automated text messages about your inquiry from Lakeside Realty. Consent is not a "
        "condition of purchase. Msg & data rates may apply. Reply STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("help",),
    ),
    (
        "By checking this box, you agree to receive recurring automated text messages about your inquiry from Lakeside Realty. Consent is not a "
        "condition of purchase. Msg & data rates may apply. Reply HELP for help. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("stop",),
    ),
    (
        "By checking this box, you agree to receive recurring automated text messages about your inquiry from Lakeside Realty. "
        "Msg & data rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("not_a_condition",),
    ),
    (
        "By checking this box, you agree to receive recurring automated text messages about your inquiry from Lakeside Realty. Consent is not a "
        "condition of purchase. Msg & data rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Terms of Service.",
        ("privacy",),
    ),
    (
        "By checking this box, you agree to receive recurring automated text messages about your inquiry from Lakeside Realty. Consent is not a "
        "condition of purchase. Msg & data rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy.",
        ("terms",),
    ),
    (
        "Acepto recibir mensajes de texto recurrentes de Lakeside Realty sobre mi consulta. El consentimiento no es condición de compra. Se pueden aplicar "
        "tarifas de mensajes y datos. Responda AYUDA para ayuda o STOP para cancelar. La frecuencia varía. Política de privacidad y términos.",
        ("automated",),
    ),
    (
        "Acepto recibir mensajes automatizados y recurrentes de Lakeside Realty sobre mi consulta. El consentimiento no es condición de compra. "
        "Responda AYUDA para ayuda o STOP para cancelar. La frecuencia varía. Política de privacidad y términos.",
        ("rates",),
    ),
    (
        "Acepto recibir mensajes automatizados y recurrentes de Lakeside Realty sobre mi consulta. Se pueden aplicar tarifas de mensajes y datos. "
        "Responda AYUDA para ayuda o STOP para cancelar. La frecuencia varía. Política de privacidad y términos.",
        ("not_a_condition",),
    ),
    (
        "Acepto recibir mensajes automatizados de Lakeside Realty sobre mi consulta. El consentimiento no es condición de compra. Se pueden aplicar "
        "tarifas de mensajes y datos. Responda STOP para cancelar. Política de privacidad y términos.",
        ("frequency", "help"),
    ),
    # The words are there and say the opposite, or something else.
    (
        "By checking this box, you agree to receive recurring automated text messages about your inquiry from Lakeside Realty. Consent is a condition "
        "of purchase. Msg & data rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("not_a_condition",),
    ),
    (
        "Lakeside Realty sends recurring texts about your inquiry. This is not automated. Consent is not a condition of purchase. Msg & data rates may "
        "apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("automated",),
    ),
    (
        "Lakeside Realty sends recurring texts about your inquiry, written by people and never by a bot. Consent is not a condition of purchase. Msg & data "
        "rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("automated",),
    ),
    (
        "Lakeside Realty sends recurring non-automated texts about your inquiry. Consent is not a condition of purchase. Msg & data rates may apply. "
        "Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("automated",),
    ),
    (
        "Lakeside Realty sends recurring texts about cars with automatic transmissions and about your inquiry. Consent is not a condition of purchase. "
        "Msg & data rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("automated",),
    ),
    (
        "You must agree to recurring automated texts about your inquiry from Lakeside Realty to buy a home here. Msg & data rates may apply. "
        "Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("not_a_condition",),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. Consent is not just a good idea, it is a requirement to buy. "
        "Msg & data rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("not_a_condition",),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. You cannot buy without consenting to texts. "
        "Msg & data rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("not_a_condition",),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. No purchase necessary. "
        "Msg & data rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("not_a_condition",),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. You are not required to buy anything. "
        "Msg & data rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("not_a_condition",),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. Consent is not a condition of purchase, but as a condition of service you "
        "agree to these texts. Msg & data rates may apply. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("not_a_condition",),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. Consent is not a condition of purchase. Message and data rates do not apply. "
        "Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("rates",),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. Consent is not a condition of purchase. No message or data charges apply. "
        "Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("rates",),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. Consent is not a condition of purchase. Mortgage rates may apply to messages "
        "about data plans. Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("rates",),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. Consent is not a condition of purchase. Rates may apply. "
        "Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("rates",),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. Consent is not a condition of purchase. Msg & data rates may apply. "
        "We are here to help. We never stop working for you. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("help", "stop"),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. Consent is not a condition of purchase. Msg & data rates may apply. "
        "Reply HELP for help. Replying STOP will not end these texts. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("stop",),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. Consent is not a condition of purchase. Msg & data rates may apply. "
        "You cannot reply STOP. Reply HELP for help. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("stop",),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. Consent is not a condition of purchase. Msg & data rates may apply. "
        "Text us, or stop by the office for help. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("help", "stop"),
    ),
    (
        "Automated texts about your inquiry from Lakeside Realty. These texts are not recurring messages. Consent is not a condition of purchase. "
        "Msg & data rates may apply. Reply HELP for help and STOP to cancel. See our Privacy Policy and Terms of Service.",
        ("frequency",),
    ),
    (
        "Automated texts about your inquiry and recurring payments from Lakeside Realty. Consent is not a condition of purchase. "
        "Msg & data rates may apply. Reply HELP for help and STOP to cancel. See our Privacy Policy and Terms of Service.",
        ("frequency",),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realty. Consent is not a condition of purchase. Msg & data rates may apply. "
        "Reply HELP for help and STOP to cancel. Msg freq varies. In terms of privacy, we have no privacy policy.",
        ("privacy", "terms"),
    ),
    (
        "Recurring automated texts about your inquiry from Lakeside Realtyville. Consent is not a condition of purchase. Msg & data rates may apply. "
        "Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("brand",),
    ),
    (
        "Recurring automated texts about your inquiry, not sent by Lakeside Realty. Consent is not a condition of purchase. Msg & data rates may apply. "
        "Reply HELP for help and STOP to cancel. Msg freq varies. See our Privacy Policy and Terms of Service.",
        ("brand",),
    ),
    (
        "Acepto recibir mensajes no automatizados y recurrentes de Lakeside Realty sobre mi consulta. El consentimiento no es condición de compra. "
        "Se pueden aplicar tarifas de mensajes y datos. Responda AYUDA para ayuda o STOP para cancelar. La frecuencia varía. Política de privacidad y términos.",
        ("automated",),
    ),
    (
        "Acepto recibir mensajes automatizados y recurrentes de Lakeside Realty sobre mi consulta. El consentimiento es condición de compra. "
        "Se pueden aplicar tarifas de mensajes y datos. Responda AYUDA para ayuda o STOP para cancelar. La frecuencia varía. Política de privacidad y términos.",
        ("not_a_condition",),
    ),
    (
        "Acepto recibir mensajes automatizados y recurrentes de Lakeside Realty sobre mi consulta. Debe aceptar para comprar. "
        "Se pueden aplicar tarifas de mensajes y datos. Responda AYUDA para ayuda o STOP para cancelar. La frecuencia varía. Política de privacidad y términos.",
        ("not_a_condition",),
    ),
    (
        "Acepto recibir mensajes automatizados y recurrentes de Lakeside Realty sobre mi consulta. El consentimiento no es condición de compra. "
        "No se aplican tarifas de mensajes y datos. Responda AYUDA para ayuda o STOP para cancelar. La frecuencia varía. Política de privacidad y términos.",
        ("rates",),
    ),
    (
        "Acepto recibir mensajes automatizados y recurrentes de Lakeside Realty sobre mi consulta. El consentimiento no es condición de compra. "
        "Se pueden aplicar tarifas de mensajes y datos. Estamos para su ayuda. Hacemos un alto a mediodía. La frecuencia varía. Política de privacidad y términos.",
        ("help", "stop"),
    ),
    (
        "LAKESIDE REALTY WILL SEND RECURRING AUTOMATED MARKETING TEXTS. CONSENT NOT REQUIRED FOR PURCHASE. MSG AND DATA RATES MAY APPLY. "
        "WE NEVER STOP TO REST. TEXT US FOR HELP. MSG FREQ VARIES. PRIVACY POLICY AND TERMS OF USE.",
        ("help", "stop"),
    ),
    ("I agree to be contacted.", ALL),
    ("", ALL),
    ("By clicking Submit I accept the terms of the loan and may be called about mortgage rates.", (*ALL, "bundled")),
]


@pytest.mark.parametrize(("text", "missing"), HAND_WRITTEN)
def test_a_disclosure_lacks_what_a_reader_would_miss(text, missing) -> None:
    assert items(text) == set(missing)


def test_the_table_shows_every_item_missing_and_whole_disclosures() -> None:
    lacking = [set(missing) for _, missing in HAND_WRITTEN]

    assert len(HAND_WRITTEN) >= 40
    assert sum(not missing for missing in lacking) >= 8
    assert {item for missing in lacking if len(missing) == 1 for item in missing} == set(ALL)


# One sentence of a whole disclosure in other words: whether it still says what it must.
ENGLISH = (
    "Bayview Motors sends recurring automated texts about your appointment. Consent is not a condition of purchase. "
    "Msg freq varies. Msg & data rates may apply. Reply HELP for help, STOP to end. Privacy Policy. Terms."
)
SPANISH = (
    "Bayview Motors envía textos automatizados y recurrentes sobre su cita. El consentimiento no es condición de compra. "
    "La frecuencia varía. Se pueden aplicar tarifas de mensajes y datos. Responda AYUDA para ayuda, STOP para terminar. Política de privacidad. Términos."
)
WITHOUT_FREQUENCY = ENGLISH.replace("Msg freq varies. ", "")
SIN_FRECUENCIA = SPANISH.replace("La frecuencia varía. ", "")
SAID_OTHERWISE = [
    (ENGLISH, "Consent is not a condition of purchase.", {"not_a_condition"}, [
        ("Consent to receive texts isn't required to buy.", True),
        ("You don't need to agree in order to purchase anything.", True),
        ("Purchase is never conditional on consent.", True),
        ("No purchase is conditioned on consent.", True),
        ("Neither consent nor a phone number is a condition of purchase.", True),
        ("You may buy from us whether or not you consent.", True),
        ("You can purchase without opting in.", True),
        ("You're under no obligation to consent as a condition of any purchase.", True),
        ("Opting in is not required to do business with us.", True),
        ("No consent is required for a purchase.", True),
        ("Not a condition of purchase.", True),
        ("Consent = condition of purchase.", False),
        ("Consent is not optional: it is a condition of purchase.", False),
        ("It is false that consent is not a condition of purchase.", False),
        ("Providing consent is not a condition of buying a vehicle, though it is required to lease.", False),
        ("Consent isn't a condition of receiving texts.", False),
        ("Customers must consent to make a purchase.", False),
        ("We require consent before any sale.", False),
        ("By purchasing, you consent.", False),
        ("Signing up is voluntary.", False),
    ]),
    (SPANISH, "El consentimiento no es condición de compra.", {"not_a_condition"}, [
        ("Aceptar no es obligatorio para comprar.", True),
        ("Usted puede comprar sin aceptar estos mensajes.", True),
        ("La compra no depende de su consentimiento.", True),
        ("El consentimiento no es condición para ninguna compra.", True),
        ("No se requiere su consentimiento para realizar una compra.", True),
        ("Es necesario aceptar para comprar un auto.", False),
        ("Su consentimiento es requisito de compra.", False),
        ("No puede comprar sin aceptar.", False),
    ]),
    (ENGLISH, "recurring automated texts", {"automated"}, [
        ("recurring texts sent with an autodialer", True),
        ("recurring AI-generated texts", True),
        ("recurring messages written by AI", True),
        ("recurring texts by our virtual assistant Ava", True),
        ("recurring robotexts", True),
        ("recurring texts from our automated system", True),
        ("recurring automated or manual texts", True),
        ("recurring human-written texts", False),
        ("recurring texts, none of them automated,", False),
        ("recurring texts typed by hand without any automation", False),
        ("recurring texts (no autodialer is used)", False),
        ("recurring texts from our team, which is not a robot,", False),
    ]),
    (SPANISH, "textos automatizados y recurrentes", {"automated"}, [
        ("textos recurrentes con inteligencia artificial", True),
        ("mensajes recurrentes de un sistema automático", True),
        ("textos recurrentes escritos por personas, sin automatización,", False),
        ("textos recurrentes que nunca son automatizados", False),
    ]),
    (WITHOUT_FREQUENCY, "recurring automated texts", {"frequency"}, [
        ("automated texts (up to 3 a week)", True),
        ("automated texts, no more than 4/month,", True),
        ("automated texts (4 msgs/mo)", True),
        ("automated texts (frequency: varies)", True),
        ("automated texts, whose frequency depends on you,", True),
        ("automated text messages on a weekly basis", True),
        ("automated text messages on a recurring basis", False),
        ("recurring automated texts", False),
        ("one automated text per request", True),
        ("automated texts without a fixed schedule, so message frequency varies,", True),
        ("weekly automated texts", True),
        ("automated texts", False),
        ("automated texts as often as needed", False),
        ("automated texts now and then", False),
    ]),
    (SIN_FRECUENCIA, "textos automatizados y recurrentes", {"frequency"}, [
        ("textos automatizados, con frecuencia variable,", True),
        ("textos automatizados (máximo 5 mensajes al mes)", True),
        ("textos automatizados de vez en cuando", False),
        ("textos automatizados y recurrentes", False),
    ]),
    (ENGLISH, "Msg & data rates may apply.", {"rates"}, [
        ("Standard carrier messaging and data fees may apply.", True),
        ("Your mobile provider may charge you message and data fees.", True),
        ("Msg+data rates may apply.", True),
        ("Msg and data rates may apply to your plan, we charge nothing.", True),
        ("Message and data rates won't apply.", False),
        ("Message and data rates may not apply.", False),
        ("There are no fees for messages or data.", False),
        ("Data rates may apply.", False),
        ("Interest rates may apply.", False),
    ]),
    (SPANISH, "Se pueden aplicar tarifas de mensajes y datos.", {"rates"}, [
        ("Podrían aplicar cargos de mensajes y datos.", True),
        ("Pueden cobrarse tarifas estándar de mensajería y datos.", True),
        ("No se cobran tarifas por mensajes ni datos.", False),
        ("Aplican tarifas de envío.", False),
    ]),
    (ENGLISH, "Reply HELP for help, STOP to end.", {"help", "stop"}, [
        ("To stop, text STOP. For help, text HELP.", True),
        ("Text HELP for help or STOP to stop.", True),
        ("Send stop to cancel or help for help.", True),
        ("Opt out: STOP. Help: HELP.", True),
        ("If you don't want to get texts reply STOP. Reply HELP for help.", True),
        ("Reply H for help, S to stop.", False),
        ("Email us to stop. Call us for help.", False),
        ("You may STOP messages by calling. HELP is on the way.", False),
        ("Don't reply STOP. Don't reply HELP.", False),
    ]),
    (ENGLISH, "Reply HELP for help, STOP to end.", {"stop"}, [
        ("Text HELP or STOP.", False),
        ("Reply HELP for help or STOP never ends it.", False),
    ]),
    (ENGLISH, "STOP to end.", {"stop"}, [
        ("and text STOP to quit.", True),
        ("or stop.", False),
        ("STOP won't work.", False),
        ("we don't honor STOP.", False),
        ("you can't opt out by texting STOP.", False),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("whole", "sentence", "lacking", "instead", "said"),
    [(whole, old, lacking, new, said) for whole, old, lacking, rows in SAID_OTHERWISE for new, said in rows],
)
def test_meaning_counts_and_not_the_wording(whole, sentence, lacking, instead, said) -> None:
    assert sentence in whole

    found = items(whole.replace(sentence, instead), brand="Bayview Motors")

    assert found == (set() if said else lacking)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("vertical", VERTICALS)
@pytest.mark.parametrize(
    ("kind", "purposes"),
    [
        (Kind.EXPRESS, {Purpose.INQUIRY}),
        (Kind.EXPRESS, {Purpose.REPLY, Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.NOTIFICATION}),
        (Kind.EXPRESS_WRITTEN, {Purpose.MARKETING}),
        (Kind.EXPRESS_WRITTEN, {Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.MARKETING}),
        (Kind.DOUBLE_OPT_IN_QUESTION, {Purpose.INQUIRY, Purpose.APPOINTMENT}),
        (Kind.DOUBLE_OPT_IN_QUESTION, {Purpose.MARKETING}),
        (Kind.SPOKEN, {Purpose.INQUIRY, Purpose.MARKETING}),
    ],
)
def test_every_default_wording_can_be_published(language, vertical, kind, purposes) -> None:
    shown = render(
        kind, BRAND, language, purposes, privacy_url=PRIVACY, terms_url=TERMS, vertical=vertical, any_hour=True
    )

    assert lint(shown, BRAND) == []
    assert written_consent_problems(shown.text) == []
    assert shown.purposes == purposes
    assert shown.language == language


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [Kind.EXPRESS, Kind.EXPRESS_WRITTEN, Kind.DOUBLE_OPT_IN_QUESTION, Kind.SPOKEN])
@pytest.mark.parametrize(
    "brand", ["No Limit Motors", "No. 1 Auto", "Never Late, Inc.", "Stop & Shop Homes", "Not a Bot Realty", "Ñandú"]
)
def test_no_word_of_a_brand_is_read_as_part_of_the_wording(language, kind, brand) -> None:
    shown = default(kind, INQUIRY, language, brand)

    assert lint(shown, brand) == []


def test_a_brand_says_nothing_that_the_wording_leaves_out() -> None:
    text = ENGLISH.replace("Bayview Motors", "Automated Texts Co").replace(
        "recurring automated texts", "recurring texts"
    )

    assert items(text, brand="Automated Texts Co") == {"automated"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [Kind.EXPRESS, Kind.EXPRESS_WRITTEN, Kind.SPOKEN])
@pytest.mark.parametrize("any_hour", [True, False])
def test_an_answer_at_night_is_agreed_to_only_where_the_text_says_so(language, kind, any_hour) -> None:
    shown = default(kind, INQUIRY, language, any_hour=any_hour)

    assert allows_night_answer(shown.text) is any_hour


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("Texts may come at any hour.", True),
        ("We may text you back 24/7.", True),
        ("Los mensajes pueden llegar a cualquier hora.", True),
        ("Replies do not come at any hour, only in the daytime.", False),
        ("Reply STOP to end at any time.", False),
        ("Reply STOP at any time of day to end texts.", False),
        ("Our office is open 24 hours.", False),
    ],
)
def test_only_texts_at_any_hour_allow_an_answer_at_night(text, allowed) -> None:
    assert allows_night_answer(text) is allowed


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purposes", [INQUIRY, MARKETING])
def test_texts_of_the_double_opt_in_are_plain_gsm_7(language, purposes) -> None:
    question = default(Kind.DOUBLE_OPT_IN_QUESTION, purposes, language)
    confirmation = default(Kind.DOUBLE_OPT_IN_CONFIRMATION, INQUIRY, language)

    assert segmentation(question.text).encoding == Encoding.GSM_7
    assert (segmentation(confirmation.text).encoding, segmentation(confirmation.text).segments) == (Encoding.GSM_7, 1)


@pytest.mark.parametrize("purpose", [Purpose.INQUIRY, Purpose.APPOINTMENT, Purpose.NOTIFICATION, Purpose.MARKETING])
def test_a_purpose_that_is_recorded_must_be_named(purpose) -> None:
    others = frozenset({Purpose.INQUIRY, Purpose.APPOINTMENT}) - {purpose}
    text = default(Kind.EXPRESS, others).text

    assert [each.what_to_do for each in lint(Disclosure("en", others | {purpose}, text, PRIVACY, TERMS), BRAND)] == [
        f"say that texts are also about: {purpose}"
    ]


def test_a_text_that_rules_marketing_out_gives_no_marketing_consent() -> None:
    text = HAND_WRITTEN[0][0] + " We will not send marketing messages."

    assert items(text, INQUIRY) == set()
    assert items(text, MARKETING) == {"purpose"}


@pytest.mark.parametrize(
    ("text", "brand", "named"),
    [
        ("Texts from Ford about my question", "Ford", True),
        ("Affordable texts", "Ford", False),
        ("Texts from Ford's team", "Ford", True),
        ("Texts from Hartford-Ford", "Ford", False),
        ("Texts from Ford-Lincoln", "Ford", False),
        ("Texts from Ford — up to 4 a month", "Ford", True),
        ("Write to help@ford.example or ford.example", "Ford", False),
        ("Texts from SMITH AND SONS", "Smith & Sons", True),
        ("Texts from Smith & Co., about my question", "Smith & Co.", True),
        ("Textos de Peña Autos", "Pena Autos", True),
        ("Texts from Lakeside  Realty", "Lakeside Realty", True),
        ("Texts from Lakeside", "Lakeside Realty", False),
        ("Texts", "", False),
    ],
)
def test_a_brand_stands_as_words_of_its_own(text, brand, named) -> None:
    assert ("brand" not in items(text, brand=brand)) is named


@pytest.mark.parametrize(
    ("privacy_url", "terms_url", "missing"),
    [
        (PRIVACY, TERMS, set()),
        ("", TERMS, {"privacy"}),
        (PRIVACY, "", {"terms"}),
        ("/privacy", "terms.html", {"privacy", "terms"}),
        ("http://lakeside.example/privacy", TERMS, {"privacy"}),
        ("https://bit.ly/abc", TERMS, {"privacy"}),
        ("javascript:alert(1)", TERMS, {"privacy"}),
        ("https://user@lakeside.example/privacy", TERMS, {"privacy"}),
        ("https://[", TERMS, {"privacy"}),
        ("http://127.0.0.1:8000/privacy", "http://localhost:8000/terms", set()),
    ],
)
def test_privacy_and_terms_need_a_whole_address(privacy_url, terms_url, missing) -> None:
    shown = Disclosure("en", INQUIRY, HAND_WRITTEN[0][0], privacy_url, terms_url)

    assert {finding.item for finding in lint(shown, BRAND)} == missing


@pytest.mark.parametrize("tag", ["<script>", "<b>", "</p>", "<a href='https://lakeside.example'>", "<!-- -->", "<BR/>"])
def test_markup_in_the_text_blocks_publishing_and_is_called_so(tag) -> None:
    assert items(f"{HAND_WRITTEN[0][0]} {tag}") == {"markup"}


@pytest.mark.parametrize("left", ["{brand}", "{}", "[YOUR BUSINESS]", "<brand>"])
def test_a_placeholder_left_in_the_text_blocks_publishing(left) -> None:
    assert items(f"{HAND_WRITTEN[0][0]} {left}") == {"filled"}


def test_a_shortened_link_blocks_publishing() -> None:
    assert items(f"{HAND_WRITTEN[0][0]} See bit.ly/abc") == {"shortener"}


def test_marketing_needs_the_wording_of_written_consent() -> None:
    assert form_kind({Purpose.MARKETING, Purpose.INQUIRY}) == Kind.EXPRESS_WRITTEN
    assert form_kind({Purpose.INQUIRY}) == Kind.EXPRESS
    with pytest.raises(ValueError, match="written consent"):
        default(Kind.EXPRESS, MARKETING)
    with pytest.raises(ValueError, match="say what the texts are about"):
        default(Kind.EXPRESS, frozenset({Purpose.REPLY}))


def test_an_unknown_language_is_shown_in_english() -> None:
    assert default(Kind.EXPRESS, INQUIRY, "fr") == default(Kind.EXPRESS, INQUIRY, "en")


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("By ticking this box and sending this form, I agree to texts at the mobile number I gave.", set()),
        ("Lakeside Realty sends texts at this number.", {"signature"}),
        ("By submitting, I agree to texts.", {"number"}),
        ("We may text.", {"signature", "number"}),
    ],
)
def test_written_consent_is_signed_and_for_one_number(text, problems) -> None:
    assert {finding.item for finding in written_consent_problems(text)} == problems


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("Lakeside Realty, 12 Oak Street, Toronto. Reply ARRET to unsubscribe.", set()),
        ("Lakeside Realty, M5V 2T6. Répondez ARRET pour vous désabonner.", set()),
        ("Lakeside Realty: new home. lakeside.example/contact Reply STOP to end.", set()),
        ("Lakeside Realty: new home. Reply STOP to end.", {"address"}),
        ("Lakeside Realty, P.O. Box 12, Toronto: new home.", {"unsubscribe"}),
        ("New home at bit.ly/abc. Reply STOP to end.", {"brand", "address"}),
    ],
)
def test_a_text_for_canada_says_who_where_and_how_to_end(text, problems) -> None:
    assert {finding.item for finding in casl_problems(text, BRAND)} == problems


def test_a_form_for_canada_carries_the_mailing_address() -> None:
    bare = Disclosure("en", INQUIRY, HAND_WRITTEN[0][0], PRIVACY, TERMS)
    whole = render(
        Kind.EXPRESS, BRAND, "en", INQUIRY, privacy_url=PRIVACY, terms_url=TERMS, mailing_address="Unit 5, Port Hope"
    )

    assert [each.item for each in lint(bare, BRAND, "CA", "Unit 5, Port Hope")] == ["address"]
    assert lint(bare, BRAND, "US") == []
    assert lint(whole, BRAND, "CA", "Unit 5, Port Hope") == []


@pytest.mark.parametrize(
    ("default_checked", "bundled", "required", "ticked", "problems"),
    [
        (False, False, False, True, []),
        (True, False, False, True, ["checkbox_default_state"]),
        (False, True, False, True, ["bundled_with_terms"]),
        (False, False, True, True, ["checkbox_required"]),
        (False, False, False, False, ["checkbox_value"]),
        (
            True,
            True,
            True,
            False,
            ["checkbox_default_state", "bundled_with_terms", "checkbox_required", "checkbox_value"],
        ),
    ],
)
def test_only_an_own_free_and_separate_tick_is_consent(default_checked, bundled, required, ticked, problems) -> None:
    found = checkbox_problems(
        default_checked=default_checked, bundled_with_terms=bundled, required=required, ticked=ticked
    )

    assert [finding.item for finding in found] == problems


@pytest.mark.parametrize(
    ("payload", "problems"),
    [
        ({"checkbox_default_state": False, "checkbox_value": True}, []),
        ({"checkbox_default_state": "unchecked", "checkbox_value": "on"}, []),
        ({"checkbox_default_state": True, "checkbox_value": True}, ["checkbox_default_state"]),
        ({"checkbox_default_state": "checked", "checkbox_value": "on"}, ["checkbox_default_state"]),
        ({"checkbox_default_state": False, "checkbox_value": False}, ["checkbox_value"]),
        (
            {"checkbox_default_state": False, "checkbox_value": True, "bundled_with_terms": True},
            ["bundled_with_terms"],
        ),
        ({"checkbox_value": True}, ["checkbox_default_state"]),
        ({"checkbox_default_state": False}, ["checkbox_value"]),
        ({"checkbox_default_state": None, "checkbox_value": "maybe"}, ["checkbox_default_state", "checkbox_value"]),
        (
            {"checkbox_default_state": False, "checkbox_value": True, "bundled_with_terms": 0},
            ["bundled_with_terms"],
        ),
        ({}, ["checkbox_default_state", "checkbox_value"]),
    ],
)
def test_a_payload_that_proves_no_tick_is_refused(payload, problems) -> None:
    assert [finding.item for finding in form_problems(payload)] == problems


def test_a_digest_is_the_sha_256_of_the_very_text() -> None:
    assert digest("Sí, acepto") == sha256("Sí, acepto".encode()).hexdigest()


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_version_goes_up_exactly_when_a_character_differs(before, after) -> None:
    assert next_version(before, after, 3) == (3 if before == after else 4)


def test_the_first_text_is_version_one() -> None:
    assert next_version(None, "I agree") == 1


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_any_text_can_be_judged(text) -> None:
    found = lint(Disclosure("en", INQUIRY, text, PRIVACY, TERMS), BRAND)

    assert all(finding.what_to_do for finding in found)
    assert len({finding.item for finding in found}) == len(found)


def test_a_warning_alone_blocks_nothing() -> None:
    assert not blocks([Finding("segments", "shorten it", Severity.WARNING)])
    assert blocks([Finding("segments", "shorten it", Severity.WARNING), Finding("brand", "name it")])


# What stands in the usual words, by item, and what may not stand in its place, and may.
IN_PLACE_OF = {
    "stop": ("Reply HELP for help or STOP to end at any time.", [
        "Reply HELP for help or STOP never ends it.",
        "Reply HELP for help. STOP never ends it.",
        "Reply HELP for help or STOP, which does nothing.",
        "Reply HELP for help or STOP to continue.",
        "Reply HELP for help or STOP to end, but texts continue.",
        "Reply HELP for help. Reply STOP to end nothing.",
        "Reply HELP for help, STOP has no effect.",
        "Reply HELP for help. Texts go on after you reply STOP.",
        "Reply HELP for help or STOP.",
        "Reply HELP for help or STOP to end. We ignore STOP.",
        "Reply HELP for help or STOP to get more offers.",
        "Reply HELP for help. You cannot end these texts by replying STOP.",
        "Reply HELP for help. Reply STOP to end if we agree.",
        "Reply HELP for help or STOP to end. You can never unsubscribe from these texts.",
        "Reply HELP for help or STOP to end. These texts never stop.",
        "Reply HELP for help. To end, never reply STOP.",
        "Reply HELP for help. It is pointless to reply STOP to end.",
        "Reply HELP for help or STOP to end. Messages will continue after that.",
        "Reply HELP for help or STOP to end after 90 days.",
        "reply help for help or stop never ends it.",
        "REPLY HELP FOR HELP OR STOP NEVER ENDS IT.",
    ], [
        "Reply HELP for help or STOP to cancel.",
        "Text STOP to opt out, HELP for help.",
        "Reply STOP to unsubscribe at any time and HELP for help.",
        "Reply STOP, END or QUIT to opt out. Reply HELP for help.",
        "Reply HELP for help. STOP ends all texts.",
        "Texts continue until you reply STOP to end. Reply HELP for help.",
        "If you no longer want texts, reply STOP. For help, reply HELP.",
        "Reply STOP to end texts, and we will not text you again. Reply HELP for help.",
        "Reply HELP for help or STOP to not receive texts.",
        "Text HELP for help. Text STOP to 12345 to cancel.",
        "Reply STOP to end; you may still get one confirmation. Reply HELP for help.",
        "Reply HELP for help, STOP to end, carriers are not liable for delayed messages.",
        "I can opt out at any time by replying STOP. Reply HELP for help.",
    ]),
    "help": ("Reply HELP for help or STOP to end at any time.", [
        "Reply HELP, which never helps, or STOP to end.",
        "Reply HELP for nothing or STOP to end.",
        "HELP never helps. Reply STOP to end.",
        "Reply HELP to be ignored or STOP to end.",
        "Reply STOP to end. HELP does not work. Reply HELP for help.",
        "We don't answer HELP. Reply STOP to end.",
    ], ["Reply HELP or STOP to end.", "Reply HELP for more information, STOP to end."]),
    "frequency": ("Message frequency varies. ", [
        "",
        "Message frequency does not vary. ",
        "Message frequency is not stated. ",
        "Messages are not limited to 4 a month. ",
        "As often as we like. ",
    ], ["Up to 4 messages a month. ", "Msg freq may vary. ", "Not more than 3 messages a week. "]),
    "rates": ("Message and data rates may apply.", [
        "No message and data rates apply.",
        "Message and data rates never apply.",
        "There are no message and data rates.",
        "These texts are free of message and data rates.",
        "Message and data rates may apply, but not to these texts.",
        "Message and data rates may apply to nobody.",
        "It is false that message and data rates may apply.",
        "Message and data rates may apply. No rates apply to our texts.",
    ], [
        "Msg & data rates may apply.",
        "Our texts are free, but message and data rates of your carrier may apply.",
        "Message and data rates may apply, we do not charge for texts.",
    ]),
    "privacy": (f"Privacy Policy: {PRIVACY}", [
        "We have no privacy policy.",
        "Our privacy policy does not exist.",
        "Privacy Policy: none.",
        "The privacy policy is not available.",
        "Forget about privacy.",
    ], ["Under our Privacy Policy we do not share your number.", "Our privacy policy does not allow us to sell it."]),
    "terms": (f"Terms of Service: {TERMS}", [
        "There are no terms.",
        "Terms do not apply.",
        "Terms of Service: none.",
        "Our terms do not exist.",
    ], ["Terms apply.", "Our terms do not change what you agreed to."]),
    "automated": ("recurring automated text messages, some written by an AI assistant, ", [
        "recurring text messages, never automated, ",
        "recurring manual text messages, no AI, ",
    ], ["recurring text messages, written by a chatbot, "]),
    "brand": (BRAND, [f"somebody other than {BRAND}", f"anyone but {BRAND}"], [f"{BRAND} and nobody else"]),
    "purpose": ("about my inquiry", ["about nothing", "never about my inquiry"], ["about nothing but my question"]),
}  # fmt: skip
PARAR = "Responda HELP o AYUDA para recibir ayuda, o STOP o ALTO para terminar en cualquier momento."
IN_PLACE_OF_SPANISH = {
    "stop": (PARAR, [
        "Responda AYUDA para ayuda, STOP nunca los termina.",
        "Responda AYUDA para ayuda. Responda STOP para seguir.",
        "Responda AYUDA para ayuda o ALTO.",
        "Responda AYUDA para ayuda. Responda STOP para terminar, pero seguiremos enviando.",
        "Responda AYUDA para ayuda. Ignoramos STOP.",
    ], [
        "Responda STOP para no recibir más mensajes o AYUDA para ayuda.",
        "Envíe ALTO para darse de baja y AYUDA para ayuda.",
        "Si ya no desea mensajes, responda STOP. Responda AYUDA para ayuda.",
    ]),
}  # fmt: skip
REPLACED = [
    (language, old, item, new, honest)
    for language, table in (("en", IN_PLACE_OF), ("es", IN_PLACE_OF_SPANISH))
    for item, (old, denying, saying) in table.items()
    for honest, rows in ((False, denying), (True, saying))
    for new in rows
]
MADE_TO_AGREE = [
    "You must agree to be helped.",
    "You have to tick the box to be answered.",
    "We only answer people who agree.",
    "Without your consent we cannot help you.",
    "If you do not agree, we will not answer.",
    "Agreement is required.",
    "Ticking is mandatory.",
    "It is necessary to consent.",
    "We will not reply unless you tick the box.",
    "Your consent is needed for a showing.",
    "Everyone is required to accept.",
    "Debe aceptar para recibir ayuda.",
    "Es obligatorio aceptar.",
    "Si no acepta, no podemos ayudarle.",
    "Sin su consentimiento no le atendemos.",
]
FREE_TO_AGREE = [
    "You do not have to agree.",
    "You need not agree to be helped.",
    "We answer you whether or not you agree.",
    "We text you only if you agree.",
    "You must agree before we text you.",
    "We cannot text you without your consent.",
    "Consent is never required.",
    "You must be 18 or older to agree.",
    "No agreement is required.",
    "You can send this form without ticking the box.",
    "We will help you even if you do not agree.",
    "Nobody must agree to be helped.",
    "No tiene que aceptar.",
    "No es obligatorio aceptar.",
    "Le ayudamos aunque no acepte.",
]


@pytest.mark.parametrize(("language", "old", "item", "new", "honest"), REPLACED)
def test_words_that_deny_an_item_are_refused_and_honest_ones_pass(language, old, item, new, honest) -> None:
    whole = default(Kind.EXPRESS, INQUIRY, language).text
    assert old in whole

    found = items(whole.replace(old, new), INQUIRY)

    assert (not found) if honest else (item in found)


def test_each_item_that_can_be_denied_has_denying_and_honest_rows() -> None:
    for _, denying, saying in IN_PLACE_OF.values():
        assert len(denying) >= 2 and saying
    assert set(IN_PLACE_OF) | {"not_a_condition"} == set(ALL)


@pytest.mark.parametrize("joined", [" {}", " but {}", " and {}"])
@pytest.mark.parametrize("sentence", MADE_TO_AGREE)
def test_words_that_make_somebody_agree_are_refused_wherever_they_stand(sentence, joined) -> None:
    whole = default(Kind.EXPRESS, INQUIRY).text
    condition = "Consent is not a condition of any purchase."
    more = joined.format(sentence[0].lower() + sentence[1:] if joined != " {}" else sentence)
    said = condition.removesuffix("." if joined != " {}" else "") + more

    assert items(whole.replace(condition, said), INQUIRY) & {"required", "not_a_condition"}
    assert items(f"{sentence} {whole}", INQUIRY) == {"required"}


@pytest.mark.parametrize("sentence", FREE_TO_AGREE)
def test_words_that_leave_somebody_free_to_agree_block_nothing(sentence) -> None:
    whole = default(Kind.EXPRESS, INQUIRY).text

    assert items(f"{whole} {sentence}", INQUIRY) == items(f"{sentence} {whole}", INQUIRY) == set()


@given(st.sampled_from(sorted(IN_PLACE_OF)), st.data())
def test_no_other_item_makes_up_for_a_denial(item, data) -> None:
    old, denying, _ = IN_PLACE_OF[item]
    text = default(Kind.EXPRESS, INQUIRY).text.replace(old, data.draw(st.sampled_from(denying)))
    for other in sorted(set(IN_PLACE_OF) - {item}):
        place, _, saying = IN_PLACE_OF[other]
        if place != old and place in text:
            text = text.replace(place, data.draw(st.sampled_from([place, *saying])))

    assert item in items(text, INQUIRY)


def test_that_texts_recur_is_enough_in_words_that_were_agreed_to_before() -> None:
    text = default(Kind.EXPRESS, INQUIRY).text.replace("Message frequency varies. ", "")

    assert items(text, INQUIRY) == {"frequency"}
    assert lint_seen(text, BRAND, INQUIRY, page_url=PRIVACY) == []


# Each row is one more sentence beside a whole disclosure: what the box would do besides agreeing to texts.
MORE_THAN_TEXTS = [
    ("By ticking this box I also accept the Terms of Service and the arbitration agreement.", "bundled"),
    ("I agree to the Terms of Service and Privacy Policy.", "bundled"),
    ("By checking this box you accept our terms.", "bundled"),
    ("I agree to receive texts from Lakeside Realty and to the Privacy Policy.", "bundled"),
    ("By submitting, you consent to binding arbitration.", "bundled"),
    ("I have read and agree to the user agreement.", "bundled"),
    ("I also sign the buyer representation agreement with this box.", "bundled"),
    ("I waive my right to a class action.", "bundled"),
    ("Ticking this box creates a binding contract, and I accept its conditions.", "bundled"),
    ("Acepto los términos y condiciones.", "bundled"),
    ("Al marcar esta casilla también acepto la política de privacidad y el arbitraje.", "bundled"),
    ("Estoy de acuerdo con recibir mensajes y con los términos del servicio.", "bundled"),
    ("Renuncio a mi derecho a una demanda colectiva.", "bundled"),
    ("We may share your number with our marketing partners, who may text you too.", "shared"),
    ("I agree to texts from Lakeside Realty and its affiliates.", "shared"),
    ("Your consent may be sold to third parties.", "shared"),
    ("Our lending partners may also text me at this number.", "shared"),
    ("I agree that Lakeside Realty and up to four other companies may contact me.", "shared"),
    ("Your phone number will be given to participating lenders.", "shared"),
    ("We never share your number except with our marketing partners.", "shared"),
    ("Podemos compartir su número con nuestros socios comerciales.", "shared"),
    ("Acepto mensajes de Lakeside Realty y sus afiliados.", "shared"),
    ("Sus datos se pueden vender a terceros.", "shared"),
    ("This box is ticked for you.", "preticked"),
    ("The box is pre-checked for your convenience.", "preticked"),
    ("This box is already selected.", "preticked"),
    ("Checked by default.", "preticked"),
    ("Uncheck this box if you do not want texts.", "preticked"),
    ("You agree unless you untick the box.", "preticked"),
    ("Esta casilla ya está marcada.", "preticked"),
    ("La casilla viene premarcada.", "preticked"),
    ("Desmarque la casilla si no desea recibir mensajes.", "preticked"),
]
TEXTS_ONLY = [
    "See our Privacy Policy and our Terms of Service.",
    "Terms apply.",
    "Read the Terms & Conditions before you tick this box.",
    "Ticking this box accepts no arbitration agreement and nothing else.",
    "This box is not ticked for you: tick it yourself.",
    "The box is never pre-checked.",
    "We do not share your number with third parties or affiliates.",
    "No mobile information will be shared with third parties or affiliates for marketing purposes.",
    "We never sell or share your number with our partners.",
    "Your consent will not be given to any other company.",
    "Text messaging originator opt-in data and consent will not be shared with any third parties.",
    "I also agree to automated calls about my inquiry.",
    "I agree to automated calls and texts at this number.",
    "I may end this agreement at any time by texting STOP.",
    "Our partners in the neighborhood sponsor the open house.",
    "I agree to texts about my lease agreement.",
    "I agree to texts about my contract and my appointments.",
    "You can read how we use your data in our Privacy Policy.",
    "Lea nuestra política de privacidad y los términos del servicio.",
    "No compartimos su número con terceros.",
    "Nunca vendemos ni compartimos sus datos con socios comerciales.",
    "Esta casilla no está marcada: márquela usted.",
    "Marcar la casilla no acepta ningún arbitraje.",
    "También acepto llamadas automatizadas sobre mi consulta.",
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("sentence", "item"), MORE_THAN_TEXTS)
def test_a_box_that_does_more_than_agree_to_texts_of_one_business_blocks_publishing(sentence, item, language) -> None:
    whole = default(Kind.EXPRESS_WRITTEN, MARKETING, language)

    assert items(f"{whole.text} {sentence}", MARKETING) == {item}
    assert items(f"{sentence} {whole.text}", MARKETING) == {item}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sentence", TEXTS_ONLY)
def test_what_names_pages_denies_sharing_or_agrees_to_calls_blocks_nothing(sentence, language) -> None:
    whole = default(Kind.EXPRESS_WRITTEN, MARKETING, language)

    assert items(f"{whole.text} {sentence}", MARKETING) == set()
    assert items(f"{sentence} {whole.text}", MARKETING) == set()
