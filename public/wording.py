"""What the public pages say around the published words, in English and Spanish. Pure."""

from __future__ import annotations

from collections.abc import Mapping

Words = Mapping[str, str]

WORDS: Mapping[str, Words] = {
    "en": {
        "skip": "Skip to content",
        "name": "Your name",
        "number": "Mobile number",
        "number_hint": "Where a text reaches you, such as (312)\u00a0555-0171",
        "message": "Your question",
        "zip": "ZIP code",
        "zip_hint": "So that we text at a fair hour where you live",
        "optional": "optional",
        "trap": "Leave this field empty",
        "agreement": "Text messages",
        "agreement_hint": "You can send this form without ticking the box: then we text you about this inquiry only.",
        "double_opt_in": "If you tick it, we text you a question. Your tick counts once you reply YES.",
        "privacy": "Privacy Policy",
        "terms": "Terms of Service",
        "send": "Send",
        "contact": "Rather talk to somebody?",
        "sent_by": "A form of {brand}",
        "thanks": "Thank you. We have your message.",
        "thanks_next": "{brand} gets back to you, usually by text: look at your phone. "
        "Without the tick, texts are about this inquiry only.",
        "thanks_stop": "You can end texts at any time: reply STOP to any of them.",
        "thanks_question": "If you ticked the box, a text asks whether you meant it: your tick counts once you reply YES.",
        "again": "Send another",
        "back": "Back to the form",
        "problems": "This was not sent yet. Please look at:",
        "tick_again": "The box is empty again: tick it once more if you agree.",
        "name_missing": "Write your name.",
        "name_long": "Write your name in at most 120 characters.",
        "number_missing": "Write your mobile number.",
        "number_malformed": "Write a whole phone number with its area code, such as (312)\u00a0555-0171.",
        "number_country": "We cannot text numbers of this country. Write another mobile number, or call us.",
        "number_no_mobile": "This does not look like a mobile number. Write one that takes texts.",
        "message_long": "Write at most 1,000 characters.",
        "zip_malformed": "Write five digits, such as 60601, or leave it empty.",
        "page_old": "This page was open for too long. Read it once more and send it again.",
        "words_changed": "The words beside the box have changed since you opened this page. Read them once more, tick "
        "the box if you agree, and send it again.",
        "words_strange": "What was sent names words that this form never showed. Read them below and send it again.",
        "box_not_yours": "A tick counts only when you set it yourself, in a box of its own. Tick the box below if you "
        "agree, and send it again.",
        "sent_before": "This page was sent before, with something else in it. If you want to change or add something, "
        "send it again.",
        "too_often": "Too many forms were sent in a short time. Wait a few minutes, then send yours again.",
        "elsewhere": "This was sent from another site",
        "elsewhere_advice": "Nothing was kept. Open the form itself and send it there.",
        "nothing_here": "There is no form here",
        "nothing_here_advice": "It may have been closed, or the address is incomplete. Ask the business that sent you.",
        "away": "We cannot take forms right now",
        "away_advice": "Nothing was kept. Try again in a moment.",
        "failed": "Something went wrong on our side",
        "failed_advice": "It has been noted. Go back and try again.",
    },
    "es": {
        "skip": "Ir al contenido",
        "name": "Su nombre",
        "number": "Número de celular",
        "number_hint": "Donde le llegue un mensaje de texto, por ejemplo (312)\u00a0555-0171",
        "message": "Su pregunta",
        "zip": "Código postal",
        "zip_hint": "Para escribirle a una hora adecuada donde vive",
        "optional": "opcional",
        "trap": "Deje este campo vacío",
        "agreement": "Mensajes de texto",
        "agreement_hint": "Puede enviar este formulario sin marcar la casilla: entonces le escribimos solo sobre esta "
        "consulta.",
        "double_opt_in": "Si la marca, le enviamos una pregunta por mensaje. Su marca vale cuando responda SI.",
        "privacy": "Política de privacidad",
        "terms": "Términos del servicio",
        "send": "Enviar",
        "contact": "¿Prefiere hablar con alguien?",
        "sent_by": "Un formulario de {brand}",
        "thanks": "Gracias. Recibimos su mensaje.",
        "thanks_next": "{brand} se comunicará con usted, por lo general por mensaje: mire su teléfono. Sin la marca, los "
        "mensajes son solo sobre esta consulta.",
        "thanks_stop": "Puede terminar los mensajes en cualquier momento: responda STOP o ALTO a cualquiera de ellos.",
        "thanks_question": "Si marcó la casilla, un mensaje le pregunta si está de acuerdo: vale cuando responda SI.",
        "again": "Enviar otro",
        "back": "Volver al formulario",
        "problems": "Todavía no se envió. Por favor revise:",
        "tick_again": "La casilla está vacía otra vez: márquela de nuevo si está de acuerdo.",
        "name_missing": "Escriba su nombre.",
        "name_long": "Escriba su nombre en 120 caracteres como máximo.",
        "number_missing": "Escriba su número de celular.",
        "number_malformed": "Escriba un número completo con código de área, por ejemplo (312)\u00a0555-0171.",
        "number_country": "No podemos enviar mensajes a números de este país. Escriba otro celular, o llámenos.",
        "number_no_mobile": "Este no parece un número de celular. Escriba uno que reciba mensajes de texto.",
        "message_long": "Escriba 1,000 caracteres como máximo.",
        "zip_malformed": "Escriba cinco dígitos, por ejemplo 60601, o déjelo vacío.",
        "page_old": "Esta página estuvo abierta demasiado tiempo. Léala otra vez y envíela de nuevo.",
        "words_changed": "Las palabras junto a la casilla cambiaron desde que abrió esta página. Léalas otra vez, marque "
        "la casilla si está de acuerdo y envíe de nuevo.",
        "words_strange": "Lo enviado nombra palabras que este formulario nunca mostró. Léalas abajo y envíe de nuevo.",
        "box_not_yours": "Una marca vale solo si usted la pone, en una casilla aparte. Marque la casilla de abajo si "
        "está de acuerdo y envíe de nuevo.",
        "sent_before": "Esta página ya se envió, con otro contenido. Si quiere cambiar o agregar algo, envíela de nuevo.",
        "too_often": "Se enviaron demasiados formularios en poco tiempo. Espere unos minutos y envíe el suyo de nuevo.",
        "elsewhere": "Esto se envió desde otro sitio",
        "elsewhere_advice": "No se guardó nada. Abra el formulario mismo y envíelo allí.",
        "nothing_here": "Aquí no hay ningún formulario",
        "nothing_here_advice": "Quizá se cerró, o la dirección está incompleta. Pregunte al negocio que se la dio.",
        "away": "Ahora no podemos recibir formularios",
        "away_advice": "No se guardó nada. Intente de nuevo en un momento.",
        "failed": "Algo falló de nuestro lado",
        "failed_advice": "Quedó registrado. Vuelva atrás e intente de nuevo.",
    },
}


def words_in(language: str) -> Words:
    """The words in this language, English where we have none."""
    return WORDS.get(language, WORDS["en"])
