"""The built-in assistant: answers from the tenant's facts by rules, asks one thing at a time, hands off early. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from conversations.decision import (
    Action,
    HandoffReason,
    ReplyDecision,
    ReplyKind,
    Source,
    StaffNote,
    Urgency,
    urgency_of,
)
from conversations.facts import NICKNAME_WORDS, NICKNAMES, Item, TenantFacts, Turn, named_items, plain_text
from conversations.templates import TEMPLATES, disclosed, text_for

BODY_CHARS = 230
TWO_SEGMENTS = 306  # GSM-7 characters of the longest automated text
QUOTABLE_CHARS = 60  # a longer detail is prose, and prose in a listing may be addressed to us
FREE_TEXT_KEYS = frozenset({"notes", "note", "description", "remarks", "comments"})
SUPPORTED = ("en", "es")
NAME = "name"  # the one note that belongs to the lead itself and not to their wishes
HOT_WITHIN_DAYS = 30
LISTED_AT_ONCE = 2


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


# All patterns read `plain_text`: lower case, no accents, straight quotes. English and Spanish side by side.
CRISIS = _any(
    r"\b(want|wanna|going|gonna|ready|rather) (to )?(die|kill myself|end (my life|it all))\b",
    r"\bkill(ing)? my ?self\b|\bsuicid\w*|\bend my life\b|\bhurt(ing)? my ?self\b|\bno reason to live\b",
    r"\bquiero morir\w*|\bmatarme\b|\bquitarme la vida\b|\bhacerme dano\b",
)
DANGER = _any(
    r"\bbrakes? (have |has |just )*(failed|went out|gave out|stopped working|don'?t work|are gone)\b",
    r"\b(car|truck|engine|house|home|building|apartment|kitchen|it)('?s| is| just)? (on|caught) fire\b",
    r"\bgas leak\b|\bsmell(s|ing)? (of )?gas\b|\bcarbon monoxide\b|\bcan'?t breathe\b|\bheart attack\b|\bambulance\b",
    r"\b(i|we|just|i'?ve|we'?ve) (just )?(had|got in(to)?|been in|was in|were in) (an? )?(\w+ )?(accident|crash|wreck)\b",
    r"\b(someone|somebody) (is )?(breaking in|following me|has a gun)\b|\bcall 911\b|\bi('?m| am) (hurt|bleeding|trapped)\b",
    r"\bfuga de gas\b|\bincendio\b|\bambulancia\b|\bno puedo respirar\b|\b(tuve|tuvimos) un accidente\b",
    r"\b(fallaron los frenos|los frenos fallaron)\b",
)
WRONG_NUMBER = _any(
    r"\bwrong (number|person|phone|guy|lady|man|woman)\b|\bnot my (inquiry|request)\b|\bnever (asked|contacted|inquired)\b",
    r"\bno longer (his|her|their|\w+'s) (number|phone)\b|\b(numero|persona) equivocad[oa]\b|\bse equivoc\w+ de (numero|persona)\b",
)
MINOR = _any(
    r"\b(i'?m|i am) (only |just )?(1[0-7]|[6-9])( ?(years? old|yrs? old|yo|y/o)\b| *($|[.,!?]| (and|but|so|can)\b))",
    r"\b(i'?m|i am) (a minor|under ?age|under 18)\b|\btengo (1[0-7]|[6-9]) anos\b|\bsoy menor de edad\b",
)
BOT = _any(
    r"\b(are|r) (you|u|these) (just )?(an? )?(\w+ )?(bot|robot|ai|human|person|machine|computer|real|automated)\b",
    r"\bis (this|it|that|anyone) (just )?(an? )?(\w+ )?(bot|robot|ai|human|real person|machine|chatbot|automated)\b",
    r"\b(talking|speaking|texting|chatting) (to|with) (an? )?(\w+ )?(bot|robot|ai|human|person|machine|computer)\b",
    r"\b(bot|robot|ai) or (an? )?(real |actual )?(human|person)\b|\b(human|person) or (an? )?(bot|robot|ai)\b|\bchat ?gpt\b",
    r"\b(eres|es usted|es esto|hablo con|hablando con) (un |una )?(\w+ )?(bot|robot|persona|human[oa]|maquina|ia|real)\b",
    r"^(bot|robot|ai|human|real person)\?+$|\bwho (are|r) (you|u)\b|\bwhat('?s| is) (your|ur) name\b|\bwho('?s| is) this\b",
    r"\bquien eres\b|\bcomo te llamas\b|\bcon quien hablo\b",
)
PERSON_WORD = r"(person|human|agent|someone|somebody|representative|rep|manager|realtor|broker|salesman|salesperson)"
HUMAN = _any(
    r"^\W*(i said |i want |please |no,? |just |give me |send me )?(an? |the )?(human|humano|humana)( please| pls| now)?\W*$",
    r"^\W*(human|humano|humana|agent|agente|persona|person|a person|real person|representative|representante|operator|rep)\W*$",
    rf"\b(talk|speak|chat|connect|transfer)( me)? (to|with) (an? |the |your |any)?(\w+ )?{PERSON_WORD}\b",
    r"\b(want|need|get me|give me|prefer) (an? |the )?(real |live |actual )(person|human|agent)\b|\b(want|need|get me) (a |the )?(human|manager)\b",
    r"\b(hablar|comunicar(me)?|pas[ae](me)?) con (una? |el |la )?(\w+ )?(persona|agente|alguien|humano|gerente|vendedor)\b|\bhablar con alguien\b",
    r"\b(quiero|necesito) (una persona|un agente|un humano)\b",
)
CALL = _any(
    r"\b(call|phone|ring) me\b|\bgive me a (call|ring|buzz)\b|\bcall ?back\b|\bme llam(?!o\b|aba\b|amos\b)\w+|\bllam[ae](n|r)?me\b",
    r"\b(can|could|would|will|have) (someone|somebody|anyone|you|u|an agent|\w+) (please )?(call|phone|give me a call)\b",
    r"\b(want|like|prefer|need|request) a (phone )?call\b|\bme (puede|pueden|pueda) llamar\b|\buna llamada\b",
)
COMPLAINT = _any(
    r"\b(lawyer|attorney|lawsuit|suing|legal action|small claims|better business bureau|bbb|complaint|complain|complaining)\b",
    r"\bsue (you|them|your)\b|\breport(ing)? (you|this)\b|\bscam\w*\b|\bfraud\w*\b|\brip(ped)?( me)? ?off\b|\bharass\w*\b",
    r"\bdiscriminat\w*\b|\b(ignored|ignoring|lied to) (me|us)\b|\bworst\b|\bfurious\b|\bunacceptable\b|\bdisgust\w*\b",
    r"\babogad[oa]\b|\bdemandar\w*\b|\bqueja\b|\bestafa\w*\b|\bfraude\b|\bdiscrimina\w*\b",
)
ACCOMMODATION = _any(
    r"\bwheel ?chair\b|\bdisab(led|ility|ilities)\b|\bhandicap\w*\b|\b(service|guide) (dog|animal)\b|\bemotional support\b",
    r"\breasonable accommodation\b|\bdeaf\b|\bhard of hearing\b|\b(i'?m|am|legally) blind\b|\bsign language\b|\bada\b",
    r"\bsilla de ruedas\b|\bdiscapaci\w+\b|\b(perro|animal) de (servicio|apoyo)\b|\bsoy (sord[oa]|cieg[oa])\b",
)
VOUCHER = _any(
    r"\bsec(tion|\.)? ?(8|eight)\b|\bvouchers?\b|\bhousing (assistance|choice|subsid\w+)\b|\bhud[- ]?vash\b",
    r"\bseccion 8\b|\bvales? de vivienda\b",
)
SAFETY = _any(
    r"\bcrimes?\b|\bsketchy\b|\bghetto\b|\bgangs?\b|\bcrimen\b|\bdelincuencia\b|\bpeligros[oa]\b",
    r"\b(safe|safer|safest|safety|dangerous|rough|bad)\b.*\b(area|neighbou?rhoods?|there|street|block|part of town|around|night|place|live|walk|town|city)\b",
    r"\b(area|neighbou?rhoods?|street|block|town|city|evening|night)\b.*\b(safe|safety|dangerous|rough)\b",
    r"\b(zona|barrio|vecindario|colonia|calle)\b.*\bsegur[oa]\b|\bsegur[oa]\b.*\b(zona|barrio|vecindario|colonia|calle|ahi)\b",
)
SCHOOLS = _any(r"\bschools?\b|\bescuelas?\b|\bcolegios?\b")
GROUP = (
    r"(white|black|asian|indian|hispanic|latin[oax]|mexican|chinese|korean|jewish|muslim|christian|hindu|catholic|arab|african"
    r"|gay|lgbt\w*|lesbian|immigrant|foreign|hispan[oa]|mexican[oa]|judi[oa]|musulman\w*|cristian[oa]|catolic[oa])s?"
)
FOLK = r"(famil\w+|people|neighbou?r\w*|areas?|communit\w+|lives?|living|buy|residents?|folks?|couples?|church\w*|gente|personas|vecin\w+|barrios?)"
PEOPLE = _any(
    r"\b(kinds?|types?|sorts?) of (people|neighbou?rs|families|residents|folks)\b|\bwho (else )?lives\b|\bdemographic\w*\b",
    r"\bdivers(e|ity)\b|\bethnic\w*\b|\bracial\w*\b|\b(what|which) race\b",
    rf"\b{GROUP}\b.{{0,30}}\b{FOLK}\b|\b{FOLK}\b.{{0,30}}\b{GROUP}\b",
    r"\b(area|place|neighbou?rhood|fit|spot|building|town|home|house)\b.{0,20}\bfor (a |an |my |our |young |raising )*(famil\w*|kids|children|singles?|seniors?|retirees?|couples?)\b",
    r"\b(family|kids?|child|gay|adult)[- ]?(friendly|oriented)\b|\b(many|other|any|lots of) (kids|children|families|retirees|seniors|young people|singles|old people)\b",
    r"\badults only\b|\b55 ?\+|\bque (tipo|clase) de (gente|personas|vecinos)\b|\bquien(es)? viven?\b|\bzona para familias\b",
)
WORSHIP = _any(
    r"\b(mosque|masjid|synagogue|gurdwara|parish)s?\b|\b(church(es)?|temples?)\b(?! (st|street|ave|avenue|rd|road|dr|drive|ln|lane|blvd|pl|ct)\b)",
    r"\b(mezquita|iglesia|sinagoga|templo)s?\b",
)
AGENT_WORD = r"(agent|realtor|broker|agente|corredor)"
UNREPRESENTED = _any(
    rf"\b(don'?t|do not|not|no|without|never) (yet )?(have|had|got|work(ing)?( with)?|using)? ?(an?|my|our|any)? ?(\w+ )?{AGENT_WORD}\b",
    rf"\bno (tengo|trabajo con) {AGENT_WORD}\b",
)
REPRESENTED = _any(
    rf"\b(work(ing)?|represented|signed|going) (with|by) (an?|another|my|our|some) (\w+ )?{AGENT_WORD}\b",
    rf"(?<!you )(?<!u )\b(have|got|using) (an?|my own|our own|another) (\w+ )?{AGENT_WORD}\b|\b(my|our) (\w+ )?(agent|realtor|broker)\b",
    rf"\bya (tengo|trabajo con|tenemos) (un |una |mi )?{AGENT_WORD}\b",
)
CREDIT = _any(
    r"\b(my|bad|poor|no|low|good|great) credit\b|\bcredit (score|history|check|app\w*|is|union)\b|\bfico\b|\bbankruptc\w*\b|\brepo(ssess\w*)?\b",
    r"\b(get|be|am|are|was|were|getting) (\w+ )?approved\b|(?<!pre )(?<!pre-)\bapproval\b|\b(do|can|could|will|would|might|don'?t) (i|we|you) qualify\b",
    r"\bqualify\b|\b(got|was|been) (denied|declined|turned down)\b|\bco-?sign\w*\b|\bcitizen\w*\b|\bitin\b|\bgreen card\b|\bundocumented\b",
    r"\b(ssi|ssdi|disability|unemployment|social security|welfare) (income|check|benefits?)\b|\bincome\b.{0,30}\bcount",
    r"\b(can|could|may|will|would|do|does) (i|you|u|we|they|my \w+|someone)( still| even| also)? (financ\w+|get (a |an )?(car |auto |home )?loan|offer financ\w+)\b",
    r"\b(mi|mal|buen) credito\b|\bpuntaje\b|\baprueb\w+\b|\baprob(ar|ado|ada|acion)\b|\bcalific(o|ar|amos)\b|\bciudadan\w+\b|\bbancarrota\b|\bfinanciar\b",
)
# "I'm pre-approved" is an answer to our question, not a question about credit.
STATES_APPROVAL = re.compile(r"\b(am|are|i'?m|we'?re|got|already|is|been|get|have)? ?pre[- ]?(approv\w+|qualif\w+)\b")
PAYMENT = _any(
    r"\bpayments?\b(?! (plan )?(received|made))|\bper month\b|\ba month\b|\bmonthly\b|\bapr\b|\binterest rates?\b|\b(what|your|current) rates?\b",
    r"\bdown payment\b|\b\$?\d[\d,.]*k? down\b|\blease\b|\bmortgage\b|\bloan\b|\bfinance charge\b",
    r"\bmensualidad\w*\b|\bpagos?\b|\bal mes\b|\bpor mes\b|\benganche\b|\btasa\b|\bhipoteca\b|\bprestamo\b",
)
FEE_OF_ITEM = re.compile(r"\bhoa\b|\btax(es)?\b|\bassociation\b|\bimpuestos\b|\bcuota\b|\brent\b")
COMMISSION = _any(
    r"\bcommissions?\b|\b(your|realtor|agent|listing|broker) (fees?|cut|percentage)\b|\bdo you (guys )?charge\b|\bcomision\w*\b|\bhonorarios\b"
)
VALUATION = _any(
    r"\b(my|our) (\w+ )?(home|house|place|condo|property|townhouse|apartment)\b.{0,30}\b(worth|value|appraisal|appraised|sell for|go for|get)\b",
    r"\b(worth|value|valuation|appraisal) (of )?(my|our)\b|\bhome (value|valuation)\b|\bcma\b|\bzestimate\b|\bestimated value\b",
    r"\bcuanto vale (mi|nuestr[oa])\b|\bvalor de mi\b",
)
TRADE_VALUE = _any(
    r"\btrade\b.{0,50}\b(worth|value|give|offer|get|how much)\b|\b(worth|value|give me|offer me|get|how much)\b.{0,40}\b(trade|for my)\b",
    r"\bmy ((19|20)\d\d|car|truck|suv|van|vehicle)\b.{0,40}\bworth\b|\bcuanto me (dan|ofrecen)\b",
)
PRICE_MATCH = _any(
    r"\bprice ?match\w*\b|\b(match|beat) (it|that|this|their|the|any|his|her)\b|\bcheaper (at|elsewhere|across|over|down|online|there|than)\b",
    r"\b(has|have|got|saw|found|sells?|selling|listed|offers?)\b.{0,40}\bcheaper\b|\bigualar?\b|\bmas barat[oa] en\b",
)
OFFER = _any(
    r"\b(make|submit|put in|send|write|place|accept|taking|consider) (an? |my |our |any )?(\w+ )?offers?\b|\b(my|our|full|cash|an) offer\b|\boffer(ing)? (of )?\$?\d",
    r"\b(would|will|could|can) (they|the sellers?|the owners?|you|u|he|she|you guys) (take|accept|consider|do|go) (it )?(for )?(less|lower|\$?\d)",
    r"\b(hacer|mandar|poner) una oferta\b|\bmi oferta\b|\baceptan? (una oferta|menos|\$?\d)",
)
NEGOTIATION = _any(
    r"\blowest\b|\b(what|how much) (would|will) you take\b|\bnegotia\w*\b|\b(best|lowest|final|better) (price|deal|offer)\b|\bbottom (line|dollar)\b|\bdiscounts?\b|\bdeal on\b|\bwiggle room\b",
    r"\b(lower|reduce|drop) the price\b|\bcome down\b|\bout the door\b|\botd\b|\bknock (off|\$?\d)|\b(sell|let)\b.{0,40}\bfor \$?\d",
    r"\b(agree|deal)\b.{0,40}\$ ?\d|\bdescuentos?\b|\brebaja\w*\b|\b(ultimo|mejor) precio\b|\bnegociable\b",
)
INJECTION = _any(
    r"\bignore (all |your |the |any |my |previous |prior |above |these )*(rules|instructions|prompts?|guidelines|training)\b|\bjailbreak\b|\bdan mode\b",
    r"\b(admin|developer|debug|god) mode\b|\bsystem ?(prompt|message|override)\b|(^|\W)system ?:|\byou are now\b|\bpretend (to be|you)\b|\bact as (an?|my|the)\b",
    r"\b(print|reveal|show|repeat|display|share|output|tell me|what are)\b.{0,20}\b(your|the|system|hidden|initial) (\w+ )?(instructions|prompt|rules|system message)\b",
    r"\bi authori[sz]e you\b|\b(set|change|lower|update) (the |its |your )?price to\b|\bdelete (the |your |all )?(listing|database|leads)\b",
    r"\b(other|another|all|every|your) (\w+ )?(leads?|customers?|clients?|buyers?)('s|s')? (phone|numbers?|names?|info\w*|lists?|data|emails?|contacts?|messages|texts)\b",
    r"\bignora (tus|las|todas|todo)\b|\binstrucciones del sistema\b|\bmodo (admin|administrador)\b",
)
OTHER_PHONE = _any(
    r"\b(add|sign|subscribe|enroll|include|put|text)\b(?! me\b).{0,40}(\[phone\]|\+?\d[\d ().-]{8,}\d)",
    r"\b(add|sign|subscribe|enroll|include|text)\b(?! me\b).{0,25}\b(her|his|their|my \w+'?s?) (number|phone|cell)\b",
)
LATE = _any(
    r"\brunning (\w+ ){0,3}late\b|\b(be|am|i'?m|we'?re|gonna be) (\w+ ){0,3}late\b|\bstuck in traffic\b|\bvoy (\w+ )?tarde\b|\blleg\w+ (\w+ )?tarde\b"
)
NOT_INTERESTED = _any(
    r"\b(not|no longer|isn'?t) (really )?interested\b|\bno longer looking\b|\bnot looking anymore\b|\b(already|just) (bought|purchased) (a|an|another|one)\b",
    r"\bya no me interesa\b|\bno me interesa\b|\bya compr(e|amos)\b",
)
VISIT = _any(
    r"\b(can|could|may|like to|want to|wanna|love to|need to|when can|able to) ((i|we|you|me) )?(\w+ )?(see|view|tour|visit|look at|drive|check (it )?out|come|stop by)\b",
    r"\b(i|we)('?ll| will| can| could) (be there|be over|make it)\b",
    r"\b(tour|showing|appointment|test[- ]?drive|walk ?through)\b|\b(book|schedule)\b|\b(come|stop|swing) (by|in)\b|\bsee (it|the (house|home|car|truck))\b",
    r"\b(quiero|queremos|quisiera|puedo|podemos|podria|me gustaria) (ver|visitar|conocer|manejar|probar|ir|pasar)(l[oa]s?)?\b",
    r"\b(ver|visitar|conocer|manejar|probar)l[oa]s?\b|\b(cita|visita|prueba de manejo)\b",
)
BOOKED = r"(appointment|appt|showing|tour|visit|viewing|test[- ]?drive|walk ?through|booking|meeting|cita|visita|prueba de manejo)"
CALLS_OFF = _any(
    rf"\b(cancel(l?ing)?|call(ing)? off|reschedul\w+|re-?book\w*|postpon\w+|cancelar|cancelo|cancele|cancelen|reprogram\w+)\b.{{0,30}}\b{BOOKED}\b",
    rf"\b(move|change|forget( about)?|push back|skip|cambiar|mover|posponer) (my|our|the|that|this|mi|nuestra|la|de) (\w+ ){{0,3}}{BOOKED}\b",
    rf"\b(my|our|the|that|this|mi|nuestra|la) (\w+ )?{BOOKED}\b.{{0,30}}\b(cancel(l?ed)?|called off|reschedul\w+|postpon\w+|cancelada|reprogram\w+)\b",
    r"\breschedul\w+\b|\breprogramar\b|\b(need|have|want|got|like) to cancel\b|\b(tengo|necesito|quiero) (que )?cancelar\b",
)
CANNOT_COME = _any(
    r"\b(can'?t|can ?not|couldn'?t|(won'?t|will not) be able to|unable to|not able to|not going to|not gonna) make (it|my|our|the|that)\b(?! (work|happen|on|with))",
    r"\b(can'?t|can ?not|(won'?t|will not) be able to|unable to|not able to) (come|be there|attend)\b(?! (down|up|until|before|with))",
    r"\bno (puedo|podemos|podre|voy a poder|vamos a poder) (ir|llegar|asistir|acudir)\b(?! (antes|hasta))",
)
HOURS = _any(
    r"\b(hours|opens?|opening|close|closes|closed|closing)\b(?! (house|floor|concept|plan|kitchen|to offers?|layout))",
    r"\b(horarios?|abren?|abiert[oa]s?|cierran?|cerrad[oa]s?|atienden)\b(?! house)|\bwhat time do you\b",
)
OFFICE = _any(
    r"\b(your|office|dealership|store) (address|location|office|dealership|store|showroom)\b|\bwhere are (you|u|y'all)\b|\bwhere('?s| is) (your|the) (office|dealership|store|lot)\b",
    r"\bdirections\b|\bhow do i get (there|to you)\b|\bwhat('?s| is) (the|your) address\b|\bdonde (estan|quedan?|se encuentran)\b|\bsu (direccion|oficina)\b",
)
ITEM_PLACE = _any(
    r"\bwhere('?s| is) (it|that|this|the (house|home|condo|property))\b|\bdonde (esta|queda) (la casa|esa)\b"
)
REACH = _any(
    r"\b(your|office|a|the) (phone|telephone|contact|e-?mail|number)\b|\bphone number\b|\b(number|way) to (call|reach)\b|\b(su|un) (telefono|numero|correo)\b"
)
STAFF = _any(
    r"\bwho (is|are) (the|your|my) (\w+ )?(agents?|realtors?|sales\w*|manager|team)\b|\bwho (can|do|will|would|should) i (talk|speak|meet|ask)\b|\bquien me (atiende|ayuda)\b"
)
SEARCH = _any(
    r"\b(what|which|any|other|more|show me|do you have|got any|have any|looking for|searching for|interested in)\b.{0,40}\b(homes?|houses?|condos?|listings?|propert\w+|cars?|trucks?|suvs?|vehicles?|inventory|beds?|bedrooms?|options|ones)\b",
    r"\b(que(?! hora)|cuales|otras?|otros?|busco|buscando|tienen)\b.{0,30}\b(?<!\bla )(?<!\besa )(casas?|autos?|carros?|coches?|camionetas?|opciones|recamaras|propiedades)\b",
)
STOCKED = _any(r"\b(do|did) (you|u|y'all) (still )?have\b|\b(got|have) any\b|\btienen?\b")
GREETING = re.compile(
    r"^\W*(hi|hello|hey|hiya|yo|howdy|((is )?any(one|body)|hay alguien)( (there|here|ahi))?|good (morning|afternoon|evening)|hola|buen[oa]s?( (dias|tardes|noches))?)"
    r"(\W+(there|all|team|everyone|again|folks|guys|hi|hello|hola|de nuevo|otra vez|nuevamente|a tod[oa]s|buen[oa]s"
    r"|dias|tardes|noches|hay alguien|ahi|que tal|how are (you|u)( doing)?( today)?|how'?s it going|como estan?( usted(es)?)?( hoy)?))*\W*$"
)
THANKS = re.compile(
    r"^\W*((ok|okay|great|perfect|cool|awesome|got it|no),? )*(thanks?|thank you|thx|ty|(muchas )?gracias)"
    r"( so much| very much| a lot| again| for (the|your) \w+| por \w+)?\W*$"
)
HOLD = _any(r"\b(hold|reserve|save) (it|the|that|this|one|a)\b|\bput .{0,20}\bon hold\b|\bapartar(l[oa])?\b")
CLOSING = re.compile(
    r"^\W*(ok|okay|k|kk|cool|great|perfect|got it|sounds good|will do|alright|bye|vale|bueno|perfecto|listo|no)\W*$"
)
YES = re.compile(
    r"^\W*(yes|yeah|yep|yup|sure|ok|okay|please|definitely|absolutely|of course|si|claro|por favor)\b(?!.*\?)"
)
NO = re.compile(r"^\W*(no|nope|nah|not (now|yet|really))\b")
QUESTION_START = re.compile(
    r"^\W*((and|but|ok|okay|so|also|hi|hey|hello|y|pero),? )*(is|are|was|does|do|did|can|could|would|will|has|have|what|whats|when|where|which|who|why|how|any|"
    r"que|cual|cuando|donde|quien|como|cuanto|cuantos|cuantas|tiene|tienen|hay|puedo|esta)\b"
)
# What somebody tells about themselves, unless it is a wish to get or to know something.
TELLING = re.compile(
    r"^\W*(?:(?:ok|okay|well|so|also|btw|hi|hello|hey|hola|pues|bueno|yes|yeah|no|si),? )*"
    r"(?:(?:and|plus|with|just|y|con|solo|ademas)\b"
    r"|(?:i|i'?m|i'?ve|i'?d|we|we'?re|we'?ve|my|our|it'?s (?:for|just)|this is|mi|mis|soy|somos|estoy|estamos|tengo|tenemos"
    r"|viv(?:o|imos)|trabajo|me llamo|nos|nuestr[oa])\b)"
)
REQUEST = _any(
    r"\b(want|need|like|love|get|hoping|wondering|curious|quiero|quisiera|necesito|gustaria)\b.{0,30}\b(know|info\w*|details?|copy|pictures?"
    r"|photos?|reports?|lists?|links?|brochures?|disclosures?|documents?|paperwork|more|saber|fotos?|datos|informacion|documentos?|folleto)\b",
    r"\b(send|show|tell|text|e-?mail|give|explain|let) (me|us)\b|\bwonder(ing)?\b"
    r"|\b(mand[ae]|envi[ae]|dig[ae]|dime|muestr[ae]|expliqu?[ae])(me|nos)?\b",
)
MORE_INFO = re.compile(
    r"^\W*((hi|hello|hey|hola|good \w+|buen[oa]s( \w+)?)\W+)?((i|can|could|may|i'?d|we|want|need|like|get|have|to|send|give|me|some|more|any|quiero"
    r"|quisiera|necesito|me gustaria|mas|deme|mande) ?)*\b(info|information|details|informacion|informes)( (please|pls|por favor|on it|about it))?\W*$"
)
NAME_SAID = re.compile(
    r"\b(?i:my name(?:'s| is)|me llamo|mi nombre es)\s+([^\W\d_][\w'’-]+(?:\s+[A-Z][\w'’-]+)?)"
    r"|\b(?i:this is|soy)\s+([A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+)?)(?=\s*(?:$|[.,!\n]|(?i:by the way|btw|here|again|from|de)\b))"
)
NOT_A_NAME = re.compile(
    r"^(not|no|on|in|the|an|what|it|this|none|here|there|great|good|perfect|fine|ok|new|interested|nuev[oa]|interesad[oa])\b"
)
LANGUAGE_ASKED = _any(
    r"\b(speak|text|write|talk|reply|habla[ns]?|hablo|escrib\w+|responde[ns]?)( \w+){0,2}? (spanish|espanol|english|ingles)\b",
    r"^\W*((do you )?(in|en) )?(spanish|espanol|english|ingles)(,? (please|pls|por favor))?\W*$",
)
OTHER_TONGUE = _any(
    r"\b(speak|habla[ns]?|hablo)( \w+){0,2}? (polish|polaco|french|frances|german|aleman|russian|ruso|chinese|chino|mandarin|cantonese"
    r"|korean|coreano|japanese|vietnamese|arabic|arabe|hindi|urdu|farsi|tagalog|portuguese|portugues|italian|italiano|creole|hebrew|greek)\b"
)
HOME_WORD = r"(?:house|home|condo|place|property|listing)"
IT_OPENS = _any(
    rf"\b(it|that one|this one|the {HOME_WORD}) (opens?|opening|be open|is open)\b|\b(is|does|will|when'?s) (it|the {HOME_WORD}) (be )?open\b",
    r"\babre (la|esa|esta) (casa|propiedad)\b|\b(la|esa|esta) (casa|propiedad) (abre|esta abierta)\b|\b(cuando|a que hora) abre\W*$",
)
A_TRADE = r"(?:trad(?:e|es|ing)(?:[- ]?ins?)?|a cuenta)"
NO_TRADE = re.compile(
    rf"\b(?:no|not|without|don'?t have|do not have|haven'?t got|nothing to|sin|no tengo)"
    rf"(?: (?:an?|any|my|car|vehicle|plan\w*|to|un|una|ningun|auto|carro|coche|nada))* {A_TRADE}\b"
)
# A sentence that only says what there is not: no question about it.
DENIAL = re.compile(
    r"^\W*(?:(?:and|but|also|y|pero|i|we|i'?ve|we'?ve|have|got|yo) )*(?:no|without|don'?t (?:have|need|want)|do not (?:have|need|want)|sin|no tengo)\b"
)
# "the truck" is one that was talked about; "trucks", "a used truck" and "any SUV" are a search.
SEVERAL = _any(
    r"\b(trucks|pickups|trocas|camionetas|suvs)\b",
    r"\b(an?|any|some|used|new|una|alguna) (\w+ ){0,2}(truck|pickup|troca|camioneta|suv)\b",
)
ANY_KIND = re.compile(r"\b(homes|houses|condos|listings|casas|propiedades|cars|autos|carros|coches|vehicles)\b")
USED_WANTED = re.compile(r"\b(used|pre-?owned|second ?hand|usad[oa]s?|seminuev[oa]s?|de segunda)\b")
NEW_WANTED = re.compile(
    r"\bbrand new\b|\bnew (\w+ )?(ones?|cars?|trucks?|pickups?|suvs?|vehicles?)\b"
    r"|\b(autos?|carros?|coches?|camionetas?|trocas?) nuev[oa]s?\b"
)
CORRECTION = re.compile(r"\b(i mean|i meant|sorry|actually|correction|instead|quise decir|perdon|mejor)\b")
ADMITTED_UNKNOWN = re.compile(
    r"\b(don'?t|do not) have (that|\w+ details|the answer)\b|\bno tengo (esa informacion|datos|ese dato)\b"
)
NO_SIGN_OF_WORDS = re.compile(r"^[\W_]*$")

FACETS: dict[str, re.Pattern[str]] = {
    "price": _any(
        r"\b(price|priced|cost|costs|asking|msrp|precio|cuesta|piden)\b|\bhow much\b(?! (is |are )?(the )?(hoa|tax))|\bcuanto (vale|es)\b"
    ),
    "status": _any(
        r"\b(available|availability|for sale|sold|active|pending|contingent|on the market|in stock|disponible|vendid[oa])\b",
        r"\bstill (there|have|around|open)\b|\bdo you (still )?have (it|the|that|this)\b|\btodavia\b|\baun\b",
    ),
    "beds": _any(r"\bbed(room)?s?\b|\brecamaras?\b|\bhabitaciones\b|\bcuartos\b|\bdormitorios\b"),
    "baths": _any(r"\bbath(room)?s?\b|\bbanos?\b"),
    "sqft": _any(
        r"\bsq\.? ?(ft|feet)\b|\bsquare (feet|foot\w*)\b|\bhow (big|large)\b|\bpies cuadrados\b|\bque tan grande\b|\btamano\b"
    ),
    "hoa_month": _any(r"\bhoa\b|\bassociation (fees?|dues)\b|\bcuota\b"),
    "taxes_year": _any(r"\btax(es)?\b|\bimpuestos\b"),
    "built": _any(r"\bbuilt\b|\bhow old is (it|the (house|home|building|condo|place))\b|\bconstrui\w+\b"),
    "miles": _any(r"\bmiles\b|\bmileage\b|\bodometer\b|\bmillas\b|\bmillaje\b|\bkilometraje\b"),
    "open_house": _any(r"\bopen houses?\b|\bcasa abierta\b"),
    "count": _any(r"\bhow many (do you have|are there|are left|in stock)\b|\bcuantos (hay|tienen)\b"),
}
# What leads ask that the usual facts do not hold: the name to say, the detail to look for, and how it is asked.
TOPICS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("parking", "estacionamiento", re.compile(r"\bparking\b|\bestacionamiento\b")),
    ("garage", "garaje", re.compile(r"\bgarages?\b|\bcochera\b|\bgaraje\b")),
    ("roof", "el techo", re.compile(r"\broof\b|\btecho\b")),
    ("pool", "alberca", re.compile(r"\bpool\b|\bpiscina\b|\balberca\b")),
    ("basement", "sotano", re.compile(r"\bbasement\b|\bsotano\b")),
    ("sump pump", "la bomba", re.compile(r"\bsump pump\b")),
    ("heating", "calefaccion", re.compile(r"\bheating\b|\bfurnace\b|\bboiler\b|\bcalefaccion\b")),
    (
        "air conditioning",
        "aire acondicionado",
        re.compile(r"\bair condition\w*\b|\ba/?c\b|\bcentral air\b|\baire acondicionado\b"),
    ),
    ("yard", "el patio", re.compile(r"\byard\b|\bfenced?\b|\bpatio\b|\bjardin\b")),
    ("pet policy", "mascotas", re.compile(r"\bpets?\b|\bdogs?\b|\bcats?\b|\bmascotas?\b|\bperros?\b")),
    ("laundry", "lavanderia", re.compile(r"\blaundry\b|\bwasher\b|\bdryer\b|\blavadora\b")),
    ("fireplace", "chimenea", re.compile(r"\bfireplace\b|\bchimenea\b")),
    ("kitchen", "la cocina", re.compile(r"\bkitchen\b|\bappliances?\b|\bcocina\b")),
    ("window", "las ventanas", re.compile(r"\bwindows?\b|\bventanas?\b")),
    ("plumbing", "plomeria", re.compile(r"\bplumbing\b|\bplomeria\b")),
    ("elevator", "elevador", re.compile(r"\belevator\b|\belevador\b|\bascensor\b")),
    ("flood zone", "inundaciones", re.compile(r"\bflood\w*\b|\binundacion\w*\b")),
    ("bus and train", "transporte", re.compile(r"\bbus(es)?\b|\btrains?\b|\bmetro\b|\bautobus\b|\btren\b")),
    ("seat", "los asientos", re.compile(r"\bseats?\b|\bleather\b|\basientos?\b")),
    ("warranty", "garantia", re.compile(r"\bwarrant\w+\b|\bgarantia\b")),
    (
        "history",
        "el historial",
        re.compile(r"\bcarfax\b|\baccidents?\b|\bclean title\b|\bowners?\b|\bhistory\b|\bhistorial\b|\bchoques?\b"),
    ),
    ("engine", "el motor", re.compile(r"\bengine\b|\btransmission\b|\bmotor\b|\btransmision\b")),
    ("mpg", "consumo", re.compile(r"\bmpg\b|\bgas mileage\b|\bfuel economy\b")),
    ("towing", "remolque", re.compile(r"\btow(ing)?\b|\bremolque\b")),
    (
        "color",
        "el color",
        re.compile(
            r"\bcolou?rs?\b|\b(blue|red|white|black|silver|gray|grey|green|azul|roj[oa]|blanc[oa]|negr[oa]|gris)\b"
        ),
    ),
    ("delivery", "entrega", re.compile(r"\bdeliver\w*\b|\bentregan?\b")),
)
STATUS_ES = {
    "active": "disponible",
    "available": "disponible",
    "in stock": "disponible",
    "for sale": "disponible",
    "contingent": "con contrato (contingent)",
    "pending": "venta pendiente",
    "sale pending": "venta pendiente",
    "under contract": "con contrato",
    "coming soon": "proximamente",
    "sold": "vendido",
}
DAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAYS_ES = ("lun", "mar", "mie", "jue", "vie", "sab", "dom")
MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS_ES = ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic")
DAY_WORDS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bmon(days?)?\b|\blunes\b",
        r"\btue(s|sdays?)?\b|\bmartes\b",
        r"\bwed(nesdays?)?\b|\bmiercoles\b",
        r"\bthu(rs|rsdays?)?\b|\bjueves\b",
        r"\bfri(days?)?\b|\bviernes\b",
        r"\bsat(urdays?)?\b|\bsabados?\b",
        r"\bsun(days?)?\b|\bdomingos?\b",
    )
)
_FOLLOWS = (
    r"(?:on|this|next|today|tomorrow|tonight|mon|tue|wed|thu|fri|sat|sun|lun|mar|mie|jue|vie|sab|dom|or|and|please|pls|work|would|is"
    r"|sharp|ok|if|then|for|in the|o'?clock|de la|del|el|en|hoy|manana|por|si|para|mejor|instead|better)"
)
CLOCK_SAID = re.compile(r"\b(\d{1,2})(?::(\d{2}))? ?([ap])\.?m\b|\b(\d{1,2}):(\d{2})\b")
HOUR_SAID = re.compile(
    rf"(?:\b(?:at|around|about|by|after|before|a las?|las)|@) ?(\d{{1,2}})(?: ?ish)?\b(?=\W*$|\s*[?!.;\n]|,(?!\d)|\W*{_FOLLOWS})"
)
HOUR_ALONE = re.compile(
    r"(?<![\w$.,:/])(\d{1,2})(?: ?ish)?(?! ?(?:k|mil|beds?|baths?|people|cars?|st|nd|rd|th)\b)(?![\w/:,]|\.\d)"
)
SPAN = re.compile(r"\b(days?|weeks?|months?|years?|dias|semanas?|mes|meses|anos?)\b")
INSTEAD = re.compile(r"\b(what about|how about|instead|actually|works?|better|que tal|mejor|otro|otra)\b")
OF_A_VISIT = re.compile(r"\bnothing is reserved yet\b|\btodavia no es una cita\b|\bhora todavia esta abierta\b")
PART_OF_DAY = _any(
    r"(?<!good )\b(morning|afternoon|evening|noon|midday|lunch ?(time)?|tonight|after work|any ?time|whenever)\b",
    r"\b(por|en|a|de) la (manana|tarde|noche)\b|\bmediodia\b|\bcualquier hora\b",
)
TODAY_SAID = re.compile(r"\b(today|tonight|this (morning|afternoon|evening)|hoy|esta (manana|tarde|noche))\b")
DATE_SAID = _any(
    r"\b\d{1,2}(st|nd|rd|th)\b(?! (st|street|ave|avenue|floor)\b)|\b\d{1,2}/\d{1,2}\b|\b\d{1,2} de [a-z]{4,}\b",
    r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d{1,2}\b|\bnext week\b|\b(proxima semana|semana que viene)\b",
)
NEXT_WEEK = re.compile(r"\bnext week\b|\b(proxima semana|semana que viene)\b")
ASKED_WHEN = re.compile(
    r"\bwhat (?:day|time|other time)\b[^?]*\bsuits? you\b|\bque (?:dia|otra hora|hora)\b[^?]*\ble conviene\b"
    r"|\bdoes one of these suit\b|\ble conviene alguna\b"
)
ASKED_WHEN_TO_CALL = re.compile(r"\bfor a call\?|\bpara una llamada\?")
FULL_DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FULL_DAYS_ES = ("lunes", "martes", "miercoles", "jueves", "viernes", "sabado", "domingo")
MONTH_WORD = re.compile(
    r"\b(?:by|in|before|around|until|para|en|antes de) (?:the end of |early |late |mid |finales de )?"
    r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic)[a-z]*\b"
)
MONTH_NUMBER = {name.casefold(): number for names in (MONTHS_EN, MONTHS_ES) for number, name in enumerate(names, 1)}


MONTH_ALONE = re.compile(
    r"\b(?!abre\b)(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic)"
    r"(?:uary|ruary|rero|ch|zo|il|o|e|io|y|ust|t|tember|tiembre|ober|ubre|ember|iembre|ro|sto)?\b"
)
MONEY_OWNED = re.compile(
    r"\b(?:(?:i|we)(?:'ve)? (?:have|got|can (?:spend|afford|pay|go up to))|tengo|tenemos|puedo (?:pagar|gastar)|spend(?:ing)?|afford)"
    r"(?: about| around| up to| like| maybe| como| hasta| unos)? ?(\$)? ?(\d[\d,]*(?:\.\d+)?) ?(k|m|mil|million|thousand)?\b"
    r"(?! ?(?:miles|millas|down|on (?:it|the)|months?|beds?|baths?|questions?|preguntas))"
)
LEAST_SUM = 5_000  # dollars: a smaller bare number is no budget for a home or a car
BARE_WORDS = 6  # a longer text says what it means by itself
FIRST_HOUR = 8  # of the morning, when nobody says which half of the day
# Numbers that are told as counts: singular and plural by language.
COUNTED: dict[str, dict[str, tuple[str, str]]] = {
    "seat": {"en": ("seat", "seats"), "es": ("asiento", "asientos")},
    "parking": {"en": ("parking space", "parking spaces"), "es": ("estacionamiento", "estacionamientos")},
    "garage": {"en": ("garage space", "garage spaces"), "es": ("lugar de garaje", "lugares de garaje")},
    "fireplace": {"en": ("fireplace", "fireplaces"), "es": ("chimenea", "chimeneas")},
    "elevator": {"en": ("elevator", "elevators"), "es": ("elevador", "elevadores")},
}
OWN_QUESTIONS = tuple(
    (text_for(kind, code), kind) for kind in TEMPLATES if kind.startswith("ask_") for code in SUPPORTED
)


def day_text(day: date, language: str) -> str:
    """ "Sat Nov 21", "sab 21 nov"."""
    if language == "es":
        return f"{DAYS_ES[day.weekday()]} {day.day} {MONTHS_ES[day.month - 1]}"
    return f"{DAYS_EN[day.weekday()]} {MONTHS_EN[day.month - 1]} {day.day}"


def near_day_text(day: date, today: date, language: str) -> str:
    """ "today", "tomorrow, Sat Nov 21", "Mon Nov 23": the date is left out only where nobody can mistake the day."""
    told = day_text(day, language)
    if day == today:
        return "hoy" if language == "es" else "today"
    if day == today + timedelta(days=1):
        return f"mañana, {told}" if language == "es" else f"tomorrow, {told}"
    return told


def time_text(at: time, language: str) -> str:
    """ "9:00 AM"; "9:00 am" in Spanish."""
    half = "AM" if at.hour < 12 else "PM"
    text = f"{at.hour % 12 or 12}:{at.minute:02d} {half}"
    return text.lower() if language == "es" else text


def moment_text(at: datetime, language: str) -> str:
    """ "Sat Nov 21 at 11:00 AM", in the zone that `at` carries."""
    joint = " a las " if language == "es" else " at "
    return day_text(at.date(), language) + joint + time_text(at.time(), language)


def zone_text(at: datetime) -> str:
    """ "CT" for CST and CDT: the name that does not change with the season."""
    name = at.tzname() or ""
    return name[0] + name[-1] if re.fullmatch(r"[ECMP][SD]T", name) else name


def fallback(facts: TenantFacts, language: str, reason: str) -> ReplyDecision:
    """The safe answer when a draft failed for `reason` (timeout, malformed, a guard's name): true of any question."""
    code = language if language in SUPPORTED else "en"
    contact = facts.phone or facts.email
    kind = "fallback" if contact else "fallback_no_contact"
    text = _sentences(text_for(kind, code, staff=_staff(facts, code), brand=facts.brand, contact=contact))
    return ReplyDecision(
        Action.REPLY,
        text,
        code,
        facts_used=("phone",) if contact else (),
        source=Source.FALLBACK,
        kind=ReplyKind.FALLBACK,
        staff_note=StaffNote.AI_FAILURE,
        failure=reason,
    )


@dataclass
class _Draft:
    """What an answer is put together from."""

    parts: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    unknown: bool = False
    staff_note: StaffNote | None = None
    question: str | None = None


@dataclass(frozen=True)
class _When:
    """The day and time that a lead named: days within a week, a later date that is not read, a clock or part of day."""

    days: tuple[date, ...]
    later: bool
    clock: time | None
    part: bool
    today: date

    @property
    def has_time(self) -> bool:
        return self.clock is not None or self.part

    @property
    def is_said(self) -> bool:
        return bool(self.days) or self.later or self.has_time

    @property
    def only_day(self) -> date | None:
        """The one day that is meant; today where only a time was named."""
        if not self.days and not self.later and self.clock is not None:
            return self.today
        return self.days[0] if len(self.days) == 1 and not self.later else None

    def what(self, language: str) -> str:
        """ "day and time"."""
        if self.days or self.later:
            return "el dia y la hora" if language == "es" else "day and time"
        return "la hora" if language == "es" else "time"


@dataclass(frozen=True)
class _Words:
    """The lead's last burst and what came before it."""

    plain: str
    bodies: tuple[str, ...]
    earlier: tuple[Turn, ...]
    language: str
    now: datetime
    known: frozenset[str]
    raw: str = ""

    @property
    def own_last(self) -> Turn | None:
        return next((turn for turn in reversed(self.earlier) if turn.author == "ai"), None)


class Assistant:
    """Answers for one tenant. Holds facts only; the same turns and time give the same decision."""

    def __init__(self, facts: TenantFacts) -> None:
        self.facts = facts

    def answer(
        self,
        turns: Sequence[Turn],
        *,
        language: str,
        now: datetime,
        asked: Collection[str] = (),
        masked: bool = False,
    ) -> ReplyDecision:
        """One decision that covers everything the lead wrote since our last answer.

        `language`: of the lead's last text. `asked`: names of fields that are known already. `masked`: a sensitive
        number was taken out of the burst before it was stored.
        """
        burst, earlier = _split(turns)
        code = language if language in SUPPORTED else "en"
        if masked:
            return self._sensitive(code)
        if not burst:
            return _silence(code)
        bodies = tuple(plain_text(turn.body) for turn in burst)
        raw = "\n".join(turn.body for turn in burst)
        words = _Words("\n".join(bodies), bodies, earlier, code, now, frozenset(asked), raw)
        return (
            self._urgent(words)
            or self._neutral(words)
            or self._person(words)
            or self._small_talk(words)
            or (self._other_language(words) if language not in SUPPORTED else None)
            or self._from_facts(words)
        )

    # What may not wait for an answer from facts.

    def _urgent(self, words: _Words) -> ReplyDecision | None:
        plain = words.plain
        if CRISIS.search(plain):
            return self._bridge(HandoffReason.EMERGENCY, words, "emergency_crisis")
        if DANGER.search(plain):
            return self._bridge(HandoffReason.EMERGENCY, words, "emergency_danger")
        if WRONG_NUMBER.search(plain):
            return self._bridge(HandoffReason.WRONG_NUMBER, words)
        if MINOR.search(plain):
            return self._bridge(HandoffReason.MINOR, words)
        if COMPLAINT.search(plain):
            return self._bridge(HandoffReason.COMPLAINT_LEGAL, words)
        asks_bot = bool(BOT.search(plain))
        if any(HUMAN.search(body) for body in (plain, *words.bodies)) or self._asks_for_staff(plain):
            kind = "human_asked_bot" if asks_bot else "human_requested"
            return self._bridge(HandoffReason.HUMAN_REQUESTED, words, kind, guard="identity" if asks_bot else None)
        if asks_bot:
            return self._guard_answer("identity", "identity", words)
        return None

    def _asks_for_staff(self, plain: str) -> bool:
        names = "|".join(re.escape(plain_text(name).split()[0]) for name in self.facts.staff if name.strip())
        return bool(names and re.search(rf"\b(talk|speak|chat|connect|hablar)( me)? (to|with|con) ({names})\b", plain))

    # Where the law or a rule gives the wording, the same for everybody.

    def _neutral(self, words: _Words) -> ReplyDecision | None:
        plain = words.plain
        if ACCOMMODATION.search(plain) and not re.search(r"\b(disability|ssi|ssdi) (income|check|benefits?)\b", plain):
            return self._bridge(HandoffReason.ACCOMMODATION, words, guard="fair_housing" if self._housing else None)
        if self._housing:
            if VOUCHER.search(plain):
                return self._bridge(HandoffReason.FAIR_HOUSING_SENSITIVE, words, guard="fair_housing")
            # People first: "safe for Indian families" is about people. Own FAQ answers never go before these.
            for pattern, kind in ((PEOPLE, "people"), (WORSHIP, "worship"), (SCHOOLS, "schools"), (SAFETY, "safety")):
                if pattern.search(plain):
                    return self._guard_answer(f"guard_{kind}", "fair_housing", words)
        if INJECTION.search(plain):
            if self._haggles(plain):
                return self._bridge(HandoffReason.NEGOTIATION, words, guard="injection")
            return self._guard_answer(f"guard_injection_{self.facts.vertical}", "injection", words)
        if OTHER_PHONE.search(plain):
            return self._guard_answer("guard_other_phone", None, words)
        return None

    @property
    def _housing(self) -> bool:
        return self.facts.vertical == "real_estate"

    # What a person does better.

    def _person(self, words: _Words) -> ReplyDecision | None:
        plain = words.plain
        if self._calls_off(words):
            return self._bridge(HandoffReason.HUMAN_REQUESTED, words)
        represented = REPRESENTED.search(plain) and not UNREPRESENTED.search(plain)
        if self._housing and (represented or (_asked_in(words.own_last) == "ask_represented" and YES.match(plain))):
            return self._bridge(HandoffReason.REPRESENTED_BY_AGENT, words, notes={"represented": "true"})
        about_credit = (
            STATES_APPROVAL.sub(" ", plain) if not re.search(r"\b(can|could|do|will|would|how)\b", plain) else plain
        )
        if CREDIT.search(about_credit):
            if self._housing:
                return self._bridge(HandoffReason.LENDING, words, guard="credit")
            return self._bridge(HandoffReason.CREDIT, words, guard="credit")
        if self._housing and COMMISSION.search(plain):
            return self._bridge(HandoffReason.COMMISSION, words)
        if VALUATION.search(plain):
            return self._bridge(HandoffReason.VALUATION, words)
        if not self._housing and TRADE_VALUE.search(NO_TRADE.sub(" ", plain)):
            return self._bridge(HandoffReason.VALUATION, words, "trade_in")
        if PAYMENT.search(plain) and not FEE_OF_ITEM.search(plain):
            reason = HandoffReason.LENDING if self._housing else HandoffReason.PAYMENT_QUOTE
            return self._bridge(reason, words, guard="credit")
        if PRICE_MATCH.search(plain):
            return self._bridge(HandoffReason.PRICE_MATCH, words)
        if OFFER.search(plain):
            return self._bridge(HandoffReason.OFFER if self._housing else HandoffReason.NEGOTIATION, words)
        if NEGOTIATION.search(plain):
            return self._bridge(HandoffReason.NEGOTIATION, words)
        if CALL.search(plain) or self._says_when_to_call(words):
            return self._call(words)
        if HOLD.search(plain) and not self._answer(words):
            text = self._text("hold", words.language)
            return ReplyDecision(
                Action.REPLY, text, words.language, kind=ReplyKind.UNKNOWN, staff_note=StaffNote.UNANSWERED_QUESTION
            )
        return None

    def _calls_off(self, words: _Words) -> bool:
        """Whether they call off or move a visit: only a person knows which one, and a new one must not be offered.

        Who cannot come at a time that we have only just asked for has nothing to call off, and names another one.
        """
        own = words.own_last
        reserved = own is None or not (self._was_asked_when(words) or OF_A_VISIT.search(plain_text(own.body)))
        return bool(CALLS_OFF.search(words.plain) or (reserved and CANNOT_COME.search(words.plain)))

    def _haggles(self, plain: str) -> bool:
        return any(pattern.search(plain) for pattern in (PRICE_MATCH, OFFER, NEGOTIATION))

    def _says_when_to_call(self, words: _Words) -> bool:
        own = words.own_last
        asked = own is not None and ASKED_WHEN_TO_CALL.search(plain_text(own.body))
        return bool(asked) and not HOURS.search(words.plain) and self._when(words).is_said

    def _call(self, words: _Words) -> ReplyDecision:
        """By day and time where they were named; else by when we open next."""
        facts, language, when = self.facts, words.language, self._when(words)
        told: list[str] = []
        day = when.only_day
        if day is not None and facts.hours and (not when.has_time or self._is_shut(when, words)):
            told.append(self._hours_of(day, words, alone=True))
        opening = facts.next_open(words.now)
        if when.has_time:
            told.append(self._text("bridge_call_noted", language, what=when.what(language)))
        elif day is not None:
            closed = facts.hours and not facts.hours_on(day.weekday())
            told.append(self._text("bridge_call_requested" if closed else "bridge_call_day", language))
        elif facts.is_open(words.now) or opening is None:
            told.append(self._text("bridge_call_requested", language))
        else:
            told.append(
                self._text("bridge_call_requested_closed", language, opening=self._opening_text(opening, words))
            )
        used = ("hours",) if len(told) > 1 or (opening is not None and not facts.is_open(words.now)) else ("staff",)
        bridge = self._bridge(HandoffReason.CALL_REQUESTED, words)
        return replace(
            bridge,
            text=_sentences(_fitting(told, self._room(language))),
            facts_used=used if used == ("hours",) else bridge.facts_used,
        )

    def _when(self, words: _Words) -> _When:
        """The day and time that the burst names; a bare number is an hour only where we asked for one."""
        today = words.now.astimezone(self.facts.tz).date()
        own = words.own_last
        asked = own is not None and bool(ASKED_WHEN.search(plain_text(own.body)))
        days = set(_days_in(words.plain, today)) | ({today} if TODAY_SAID.search(words.plain) else set())
        clock = _clock_in(words.plain, bare=asked)
        part = bool(PART_OF_DAY.search(words.plain))
        return _When(tuple(sorted(days)), bool(DATE_SAID.search(words.plain)), clock, part, today)

    def _is_shut(self, when: _When, words: _Words) -> bool:
        """Whether the named time is known to be outside our hours."""
        if not self.facts.hours or when.clock is None or when.only_day is None:
            return False
        periods = self.facts.hours_on(when.only_day.weekday())
        return not any(opens <= when.clock < closes for opens, closes in periods)

    def _opening_text(self, at: datetime, words: _Words) -> str:
        """ "today at 9:00 AM", "el lun 23 nov a las 9:00 am"."""
        today = words.now.astimezone(self.facts.tz).date()
        spanish = words.language == "es"
        day = near_day_text(at.date(), today, words.language)
        if spanish and at.date() > today + timedelta(days=1):
            day = f"el {day}"
        return f"{day}{' a las ' if spanish else ' at '}{time_text(at.time(), words.language)}"

    def _hours_of(self, day: date, words: _Words, *, alone: bool) -> str:
        """One day's hours; when it is a closed one and `alone`, with the next opening."""
        facts, language = self.facts, words.language
        today = words.now.astimezone(facts.tz).date()
        name = near_day_text(day, today, language)
        name = name[0].upper() + name[1:]
        if periods := facts.hours_on(day.weekday()):
            return self._text("open_on", language, day=name, hours=_periods(periods, language))
        opening = facts.next_open(datetime.combine(day, time.max, tzinfo=facts.tz))
        if opening and alone:
            return self._text("closed_on", language, day=name, opening=self._opening_text(opening, words))
        return self._text("closed_day", language, day=name)

    # Words that carry no question.

    def _small_talk(self, words: _Words) -> ReplyDecision | None:
        plain, language = words.plain, words.language
        if NOT_INTERESTED.search(plain):
            return replace(_silence(language), staff_note=StaffNote.NOT_INTERESTED)
        if LATE.search(plain):
            text = self._text("late", language)
            return ReplyDecision(Action.REPLY, text, language, staff_note=StaffNote.RUNNING_LATE)
        if all(NO_SIGN_OF_WORDS.match(body) for body in words.bodies):
            return _silence(language)
        if THANKS.match(plain):
            return ReplyDecision(Action.REPLY, self._text("welcome", language), language)
        own = words.own_last
        if CLOSING.match(plain) and (own is None or "?" not in own.body):
            return _silence(language) if own else None
        if GREETING.match(plain) and own is None:
            text = self._text(f"greeting_{self.facts.vertical}", language)
            return ReplyDecision(Action.ASK, text, language)
        return None

    def _other_language(self, words: _Words) -> ReplyDecision:
        text = self._text("other_language", words.language)
        return ReplyDecision(
            Action.REPLY, text, words.language, staff_note=StaffNote.OTHER_LANGUAGE, unanswered=words.plain[:200]
        )

    # Answers from facts.

    def _from_facts(self, words: _Words) -> ReplyDecision:
        draft = _Draft(notes=self._fields(words))
        items = [] if self._wants_similar(words) else self._items(words)
        wants_visit = self._wants_visit(words) and not self._is_by_kind(words)
        self._tell_items(draft, items, words, wants_visit=wants_visit)
        self._tell_office(draft, items, words)
        about_visit = len(draft.parts)
        self._tell_answers(draft, words)
        self._tell_topics(draft, items, words)
        if not draft.parts and not items and not wants_visit:
            self._search(draft, words)
        if wants_visit and not (items and all(item.status.casefold() == "sold" for item in items)):
            self._offer_visit(draft, words, about_visit)
        self._tell_languages(draft, words)
        if not draft.parts:
            self._no_answer(draft, items, words)
        if draft.unknown and self._was_unknown(words):
            return self._bridge(HandoffReason.UNKNOWN_TWICE, words, notes=draft.notes)
        if self._is_hot(words):
            bridge = self._bridge(HandoffReason.HOT_LEAD, words, notes=draft.notes)
            told = [*draft.parts, bridge.text] if draft.used and not draft.unknown else [bridge.text]
            return replace(bridge, text=_fitting(told, self._room(words.language)), facts_used=tuple(draft.used))
        if draft.question is None and not draft.unknown:
            draft.question = self._next_question(items, draft, words)
        if draft.question is None and GREETING.match(words.plain):
            draft.question = self._text("ask_anything", words.language)
        return self._decision(draft, words)

    def _room(self, language: str) -> int:
        """Characters that brand, disclosure and hints leave in two segments: what is longer would be cut."""
        around = disclosed("-", self.facts.brand, language, name_brand=True, say_ai=True, stop_hint=True)
        return min(BODY_CHARS, TWO_SEGMENTS - len(around))

    def _decision(self, draft: _Draft, words: _Words) -> ReplyDecision:
        room = self._room(words.language)
        told = _fitting(draft.parts, room)
        question = draft.question if draft.question and "?" not in told else None
        if question and len(told) + len(question) < room:
            told = f"{told} {question}".strip()
        return ReplyDecision(
            Action.ASK if "?" in told else Action.REPLY,
            _sentences(told),
            words.language,
            facts_used=tuple(dict.fromkeys(draft.used)),
            field_notes=draft.notes,
            kind=ReplyKind.UNKNOWN if draft.unknown else ReplyKind.AI_REPLY,
            staff_note=draft.staff_note,
            unanswered=words.plain[:200] if draft.unknown else "",
        )

    def _wants_visit(self, words: _Words) -> bool:
        own = words.own_last
        if own and YES.match(words.plain):
            visits = [self._text(f"ask_visit_{kind}", code) for kind in ("listing", "vehicle") for code in SUPPORTED]
            if any(question in own.body for question in visits):
                return True
        if VISIT.search(words.plain):
            return True
        about_hours = HOURS.search(words.plain) or FACETS["open_house"].search(words.plain)
        if about_hours or not self._when(words).is_said:
            return False
        about_visit = own is not None and OF_A_VISIT.search(plain_text(own.body))
        return self._was_asked_when(words) or bool(about_visit and INSTEAD.search(words.plain))

    def _was_asked_when(self, words: _Words) -> bool:
        own = words.own_last
        return own is not None and bool(ASKED_WHEN.search(plain_text(own.body)))

    def _wants_similar(self, words: _Words) -> bool:
        return _asked_in(words.own_last) == "ask_similar" and bool(YES.match(words.plain))

    def _is_by_kind(self, words: _Words) -> bool:
        """Whether the burst asks for a kind ("used trucks", "homes under 500k") and names none of our items."""
        if named_items(self.facts.items, words.plain, by_kind=False):
            return False
        kinds = any(pattern.search(words.plain) for pattern in NICKNAME_WORDS.values())
        limits = {"budget_max", "beds_min"} & set(self._fields(words))
        if SEVERAL.search(words.plain) or (kinds and (limits or SEARCH.search(words.plain))):
            return not self._housing
        return bool(ANY_KIND.search(words.plain) and limits)

    def _items(self, words: _Words) -> list[Item]:
        """What the burst names; when it names nothing, what was talked about last."""
        bodies = list(words.bodies)
        for body in reversed(bodies):  # "sorry I mean 77 lake" takes back what came before it
            if CORRECTION.search(body) and (found := self._named(body)):
                return found
        found = self._named(words.plain)
        if self._is_by_kind(words):
            return []
        if found:
            return found
        if SEARCH.search(words.plain):
            return []
        for turn in reversed(words.earlier):
            if turn.author in ("lead", "ai", "agent") and (found := self._named(plain_text(turn.body))):
                return found[:1]
        return []

    def _named(self, plain: str) -> list[Item]:
        return named_items(self.facts.items, plain)

    def _tell_items(self, draft: _Draft, items: Sequence[Item], words: _Words, *, wants_visit: bool) -> None:
        asked = [name for name, pattern in FACETS.items() if pattern.search(words.plain)]
        topics = [topic for topic in TOPICS if topic[2].search(words.plain)]
        told = any(_quotable(item, topic[0]) for item in items for topic in topics)
        if topics and not asked and not told and STOCKED.search(words.plain) and self._named(words.plain):
            asked = ["status"]  # "do you have an Escape with heated seats": the Escape is known, the seats are not
        if MORE_INFO.match(words.plain):
            asked = ["status", "price"]
        if self._means_open_house(items, words) and "open_house" not in asked:
            asked.append("open_house")
        plain_mention = not asked and not topics and not wants_visit
        if not items:
            if {"price", "status", "beds", "baths", "sqft", "hoa_month", "taxes_year", "built", "miles"} & set(asked):
                self._which(draft, words)
            return
        if plain_mention and not self._named(words.plain):
            return  # the words are about something else than the item of earlier texts
        own = words.own_last
        about_visit = own is not None and (self._was_asked_when(words) or OF_A_VISIT.search(plain_text(own.body)))
        if wants_visit and not asked and about_visit and not self._named(words.plain):
            return  # only a day and time: the item was told before we asked for them
        for item in items[:LISTED_AT_ONCE]:
            self._tell_item(draft, item, asked or (["status", "price"] if plain_mention or wants_visit else []), words)

    def _means_open_house(self, items: Sequence[Item], words: _Words) -> bool:
        """Whether "it opens" is about a home with an open house to come, and not about our office."""
        return bool(IT_OPENS.search(words.plain)) and any(
            (end := _instant(item.details.get("open_house_end"))) is not None and end > words.now for item in items
        )

    def _which(self, draft: _Draft, words: _Words) -> None:
        if SEARCH.search(words.plain) or self._is_by_kind(words):
            return
        kind = {"real_estate": "listing", "auto": "vehicle"}.get(self.facts.vertical, "thing")
        draft.question = self._text(f"which_{kind}", words.language)
        draft.parts.append(draft.question)

    def _tell_item(self, draft: _Draft, item: Item, asked: Sequence[str], words: _Words) -> None:
        language = words.language
        if not asked:
            return
        draft.notes.setdefault("property_ref" if item.kind == "listing" else "vehicle_interest", item.ref)
        draft.used.append(f"item:{item.ref}")
        if item.status.casefold() == "sold":
            draft.parts.append(self._text("item_sold", language, name=item.name))
            draft.question = self._text("ask_similar", language)
            return
        if self.facts.is_stale(item, words.now):
            draft.parts.append(self._text("stale", language, item=item.name))
            draft.unknown, draft.staff_note = True, StaffNote.STALE_FACTS
            return
        if "price" in asked or "status" in asked:
            draft.parts.append(self._status_and_price(item, asked, words))
        if "open_house" in asked:
            self._tell_open_house(draft, item, words)
        features = [name for name in asked if name not in ("price", "status", "open_house")]
        known = [text for name in features if (text := _feature(item, name, language))]
        if known:
            draft.parts.append(self._text("item_features", language, name=item.name, features=", ".join(known)))
            if not item.is_open and not {"price", "status"} & set(asked):
                draft.parts.append(self._text("item_also_status", language, status=_status(item, language)))
        if len(known) < len(features):
            self._unknown(draft, words)

    def _status_and_price(self, item: Item, asked: Sequence[str], words: _Words) -> str:
        language = words.language
        price = _price(item)
        status = _status(item, language)
        as_of = self._as_of(item, words)
        if price is None and "price" in asked and "status" not in asked:
            return self._text("item_no_price", language, name=item.name)
        if price is None:
            return self._text("item_status", language, name=item.name, status=status, as_of=as_of)
        if "status" in asked:
            return self._text("item_status_price", language, name=item.name, status=status, price=price, as_of=as_of)
        told = self._text("item_price", language, name=item.name, price=price, as_of=as_of)
        return told if item.is_open else f"{told} {self._text('item_also_status', language, status=status)}"

    def _as_of(self, item: Item, words: _Words) -> str:
        at = self.facts.age_known_of(item) or words.now
        local = at.astimezone(self.facts.tz).date()
        if local == words.now.astimezone(self.facts.tz).date():
            return "hoy" if words.language == "es" else "today"
        return day_text(local, words.language)

    def _tell_open_house(self, draft: _Draft, item: Item, words: _Words) -> None:
        start, end = (_instant(item.details.get(f"open_house_{name}")) for name in ("start", "end"))
        if start is None or end is None or end < words.now:
            self._unknown(draft, words)
            return
        begins, ends = start.astimezone(self.facts.tz), end.astimezone(self.facts.tz)
        draft.parts.append(
            self._text(
                "item_open_house",
                words.language,
                name=item.name,
                start=moment_text(begins, words.language),
                end=time_text(ends.time(), words.language),
            )
        )

    def _tell_languages(self, draft: _Draft, words: _Words) -> None:
        if LANGUAGE_ASKED.search(words.plain):
            draft.parts.insert(0, self._text("speaks", words.language))
        elif OTHER_TONGUE.search(words.plain):
            draft.parts.insert(0, self._text("other_language", words.language))
            draft.staff_note = draft.staff_note or StaffNote.OTHER_LANGUAGE

    def _tell_office(self, draft: _Draft, items: Sequence[Item], words: _Words) -> None:
        plain, language, facts = words.plain, words.language, self.facts
        if HOURS.search(plain) and not (FACETS["open_house"].search(plain) or self._means_open_house(items, words)):
            self._tell_hours(draft, words)
        if ITEM_PLACE.search(plain) and items:
            item = items[0]
            if item.kind == "listing":
                draft.parts.append(self._text("item_address", language, title=item.title))
                draft.used.append(f"item:{item.ref}")
        elif OFFICE.search(plain):
            if facts.address:
                draft.parts.append(self._text("address", language, address=facts.address))
                draft.used.append("address")
            elif facts.city:
                draft.parts.append(self._text("located", language, city=facts.city))
                draft.used.append("city")
            else:
                self._unknown(draft, words)
        if REACH.search(plain):
            contact = _either(facts, language)
            if contact:
                draft.parts.append(self._text("phone", language, contact=contact))
                draft.used.append("phone")
            else:
                self._unknown(draft, words)
        if STAFF.search(plain) and facts.staff:
            joint = " o " if language == "es" else " or "
            draft.parts.append(self._text("staff_names", language, names=joint.join(facts.staff[:3])))
            draft.used.append("staff")

    def _tell_hours(self, draft: _Draft, words: _Words) -> None:
        facts, language = self.facts, words.language
        if not facts.hours:
            self._unknown(draft, words)
            return
        draft.used.append("hours")
        days = _days_in(words.plain, words.now.astimezone(facts.tz).date())
        if days:
            draft.parts.extend(self._hours_of(day, words, alone=len(days) == 1) for day in days)
            return
        opening = facts.next_open(words.now)
        opens = self._opening_text(opening, words) if opening else ""
        now_asked = re.search(
            r"\b(now|currently|still open|today|ahora|todavia|are you (guys )?open|estan? abiertos?)\b", words.plain
        )
        if now_asked and facts.is_open(words.now):
            local = words.now.astimezone(facts.tz)
            closes = next(c for o, c in facts.hours_on(local.weekday()) if o <= local.time() < c)
            draft.parts.append(self._text("open_now", language, closes=time_text(closes, language)))
        elif now_asked and opens:
            draft.parts.append(self._text("closed_now", language, opening=opens))
        else:
            draft.parts.append(self._text("hours", language, hours=week_text(facts, language)))

    def _tell_answers(self, draft: _Draft, words: _Words) -> None:
        if found := self._answer(words):
            number, text = found
            draft.parts.append(text)
            draft.used.append(f"answer:{number}")

    def _answer(self, words: _Words) -> tuple[int, str] | None:
        """The tenant's own answer to the burst in its language, and its place in the list."""
        sentences = re.findall(r"[^.!?,;\n]+[.!?,;\n]?", words.plain)
        asked = [part for part in sentences if part.endswith("?") or not DENIAL.match(part)]
        said = set(re.findall(r"[a-z0-9]+", " ".join(asked)))
        for number, answer in enumerate(self.facts.answers):
            entries = (set(re.findall(r"[a-z0-9]+", plain_text(keyword))) for keyword in answer.keywords)
            if answer.language == words.language and any(entry and entry <= said for entry in entries):
                return number, answer.answer.strip()
        return None

    def _tell_topics(self, draft: _Draft, items: Sequence[Item], words: _Words) -> None:
        if any(used.startswith("answer:") for used in draft.used):
            return
        for topic, topic_es, pattern in TOPICS:
            if not pattern.search(words.plain):
                continue
            known = next((item for item in items if _quotable(item, topic)), None)
            if known and (detail := _quotable(known, topic)):
                draft.parts.append(self._detail(known, topic, topic_es, detail, words.language))
                draft.used.append(f"item:{known.ref}")
                continue
            name = topic_es if words.language == "es" else topic
            draft.parts.append(self._text("unknown_topic", words.language, topic=name))
            draft.unknown = True
            draft.staff_note = draft.staff_note or StaffNote.UNANSWERED_QUESTION
            return

    def _detail(self, item: Item, topic: str, topic_es: str, detail: str, language: str) -> str:
        """ "The Explorer has 7 seats.", or "The Explorer, color: white." for what is not counted."""
        forms = COUNTED.get(topic)
        if forms and detail.isdigit():
            one, many = forms[language] if language in forms else forms["en"]
            return self._text(
                "item_counted", language, name=item.name, features=f"{detail} {one if detail == '1' else many}"
            )
        label = re.sub(r"^(?:el|la|los|las) ", "", topic_es) if language == "es" else topic
        return self._text("item_detail", language, name=item.name, features=f"{label}: {detail}")

    def _search(self, draft: _Draft, words: _Words) -> None:
        similar = self._wants_similar(words)
        if not (SEARCH.search(words.plain) or similar or self._is_by_kind(words)):
            return
        wanted = [item for item in self.facts.items if item.is_open and not self.facts.is_stale(item, words.now)]
        wanted = [item for item in wanted if _fits(item, draft.notes, words.plain)]
        if similar and (model := next(iter(self._items(words)), None)):
            wanted = sorted((item for item in wanted if item.ref != model.ref), key=lambda item: _distance(item, model))
        if not wanted:
            draft.parts.append(self._text("none_matching", words.language))
            draft.staff_note = StaffNote.UNANSWERED_QUESTION
            return
        told = [f"{item.name} ({price})" if (price := _price(item)) else item.name for item in wanted[:LISTED_AT_ONCE]]
        joint = " y " if words.language == "es" else " and "
        draft.parts.append(self._text("items_found", words.language, items=joint.join(told)))
        draft.used.extend(f"item:{item.ref}" for item in wanted[:LISTED_AT_ONCE])

    def _offer_visit(self, draft: _Draft, words: _Words, place: int) -> None:
        """Before what stands from `place` on: a tenant's long answer must not crowd it out."""
        draft.staff_note = draft.staff_note or StaffNote.VISIT_WANTED
        language, when = words.language, self._when(words)
        free = [slot.astimezone(self.facts.tz) for slot in sorted(self.facts.slots) if slot > words.now]
        free = [slot for slot in free if slot.date() in when.days] or free
        if when.only_day is not None:
            free = [slot for slot in free if slot.date() == when.only_day and slot.time() == when.clock] or free
        if free:
            joint = " o " if language == "es" else " or "
            times = joint.join(f"{moment_text(slot, language)} ({zone_text(slot)})" for slot in free[:LISTED_AT_ONCE])
            draft.parts.insert(place, self._text("slots", language, slots=times))
            draft.used.append("slots")
            return
        day = when.only_day
        told: list[str] = []
        if when.has_time:
            if day is not None and self._is_shut(when, words):
                told.append(self._hours_of(day, words, alone=False))
                draft.used.append("hours")
                if not self._was_asked_when(words):
                    draft.question = self._text("ask_other_time", language)
            told.append(self._text("visit_noted", language, what=when.what(language)))
        elif day is not None and (not self.facts.hours or self.facts.hours_on(day.weekday())):
            told.append(self._text("visit_day", language, day=_said_day(day, when.today, language)))
        elif when.later and not NEXT_WEEK.search(words.plain):
            told.append(self._text("visit_day", language, day="ese dia" if language == "es" else "that day"))
        else:
            told.append(self._text("visit_asked" if self._was_asked_when(words) else "visit", language))
        draft.parts[place:place] = told
        answers = draft.parts[place + len(told) :]
        if answers and any("?" in part for part in told):  # a question stands last, or alone where both do not fit
            whole = [*draft.parts[:place], *answers, *told]
            fits = len(" ".join(whole)) <= self._room(language)
            draft.parts[place:] = [*answers, *told] if fits else told

    def _no_answer(self, draft: _Draft, items: Sequence[Item], words: _Words) -> None:
        own = words.own_last
        if GREETING.match(words.plain):
            draft.parts.append(self._text("greeting_again", words.language))
        elif any("?" in body or QUESTION_START.match(body) or REQUEST.search(body) for body in words.bodies):
            self._unknown(draft, words)
        elif draft.notes or (own and "?" in own.body) or items:
            draft.parts.append(self._text("noted" if draft.notes else "ack", words.language))
        elif len(words.plain.split()) < 4 or any(TELLING.match(body) for body in words.bodies):
            draft.parts.append(self._text("ack", words.language))
        else:
            self._unknown(draft, words)

    def _unknown(self, draft: _Draft, words: _Words) -> None:
        draft.parts.append(self._text("unknown", words.language))
        draft.unknown = True
        draft.staff_note = draft.staff_note or StaffNote.UNANSWERED_QUESTION

    def _was_unknown(self, words: _Words) -> bool:
        own = words.own_last
        return own is not None and (
            own.kind == ReplyKind.UNKNOWN or bool(ADMITTED_UNKNOWN.search(plain_text(own.body)))
        )

    # Qualification.

    def _fields(self, words: _Words) -> dict[str, str]:
        notes: dict[str, str] = {}
        asked = _asked_in(words.own_last)
        for body in words.bodies:
            notes.update(fields_in(body, self.facts, words.now, asked))
        if name := _name_in(words.raw):
            notes[NAME] = name
        return notes

    def _told_before(self, words: _Words) -> dict[str, str]:
        told: dict[str, str] = {}
        own: Turn | None = None
        for turn in words.earlier:
            if turn.author == "ai":
                own = turn
            elif turn.author == "lead":
                told.update(fields_in(plain_text(turn.body), self.facts, words.now, _asked_in(own)))
        return told

    def _is_hot(self, words: _Words) -> bool:
        """Ready within 30 days with the money settled, and one of the two was said just now."""
        notes = self._fields(words)
        if not {"timeline", "financing"} & set(notes):
            return False
        told = self._told_before(words) | notes
        if told.get("financing") not in ("cash", "pre_approved"):
            return False
        soon = words.now.astimezone(self.facts.tz).date()
        return told.get("timeline") == f"{soon:%Y-%m}"

    def _next_question(self, items: Sequence[Item], draft: _Draft, words: _Words) -> str | None:
        known = {*words.known, *draft.notes, *self._told_before(words)}
        if draft.staff_note is StaffNote.VISIT_WANTED:
            known.add("visit")
        own = "\n".join(turn.body for turn in words.earlier if turn.author == "ai")
        for name, kind in self._questions(items):
            told_before = any(self._text(kind, code) in own for code in SUPPORTED)
            if name not in known and not told_before:
                return self._text(kind, words.language)
        return None

    def _questions(self, items: Sequence[Item]) -> Iterator[tuple[str, str]]:
        if self.facts.vertical == "general":
            return
        side = "listing" if self._housing else "vehicle"
        if any(item.is_open for item in items):
            yield "visit", f"ask_visit_{side}"
        elif items:
            yield "similar", "ask_similar"
        elif self._housing:
            yield "areas", "ask_areas"
        else:
            yield "vehicle_interest", "ask_vehicle_interest"
        if self._housing and not items:
            yield "beds_min", "ask_beds_min"
        yield "timeline", f"ask_timeline_{side}"
        if self._housing:
            yield "budget_max", "ask_budget_max"
            yield "financing", "ask_financing_listing"
            yield "represented", "ask_represented"
            yield "has_house_to_sell", "ask_has_house_to_sell"
        else:
            yield "trade_in", "ask_trade_in"
            yield "financing", "ask_financing_vehicle"

    # Texts.

    def _text(self, kind: str, language: str, **values: str) -> str:
        defaults = {"brand": self.facts.brand, "staff": _staff(self.facts, language)}
        return _sentences(text_for(kind, language, **(defaults | values)))

    def _bridge(
        self,
        reason: HandoffReason,
        words: _Words,
        kind: str | None = None,
        *,
        guard: str | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> ReplyDecision:
        return ReplyDecision(
            Action.HAND_OFF,
            self._text(f"bridge_{kind or reason.value}", words.language),
            words.language,
            facts_used=("staff",) if self.facts.assigned else (),
            handoff_reason=reason,
            urgency=urgency_of(reason),
            field_notes=notes or {},
            kind=ReplyKind.BRIDGE,
            guard=guard,
        )

    def _guard_answer(self, kind: str, guard: str | None, words: _Words) -> ReplyDecision:
        text = self._text(kind, words.language)
        action = Action.ASK if "?" in text else Action.REPLY
        used = ("staff",) if self.facts.assigned else ()
        return ReplyDecision(action, text, words.language, used, kind=ReplyKind.GUARD_ANSWER, guard=guard)

    def _sensitive(self, language: str) -> ReplyDecision:
        contact = self.facts.phone or self.facts.email
        kind = "sensitive_guard_call" if contact else "sensitive_guard_plain"
        if self.facts.secure_url:
            kind = "sensitive_guard"
        return ReplyDecision(
            Action.REPLY,
            text_for(kind, language, brand=self.facts.brand, url=self.facts.secure_url, contact=contact),
            language,
            facts_used={"sensitive_guard": ("secure_url",), "sensitive_guard_call": ("phone",)}.get(kind, ()),
            urgency=Urgency.NORMAL,
            kind=ReplyKind.GUARD_ANSWER,
            guard="sensitive",
            staff_note=StaffNote.SENSITIVE_NUMBER,
        )


def fields_in(plain: str, facts: TenantFacts, now: datetime, asked: str = "") -> dict[str, str]:
    """Qualification fields that a plain text states. Nothing about a person's traits is looked for.

    `asked`: which question of ours the text follows (the template's kind), "" for none: "3" or "no" answers that one.
    """
    notes = _answered(plain, facts, now, asked)
    if match := re.search(r"\b(\d)\s*\+?\s*(?:bed\w*|br|bd|recamaras?|habitaciones|cuartos)\b", plain):
        notes["beds_min"] = match[1]
    if match := re.search(r"\b(\d)\s*\+?\s*(?:bath\w*|ba|banos?)\b", plain):
        notes["baths_min"] = match[1]
    if budget := _budget(plain, facts):
        notes["budget_max"] = str(budget)
    if timeline := _timeline(plain, now.astimezone(facts.tz).date()):
        notes["timeline"] = timeline
    if financing := _financing(plain):
        notes["financing"] = financing
    if facts.vertical == "real_estate":
        if UNREPRESENTED.search(plain):
            notes["represented"] = "false"
        town = plain_text(facts.city.split(",")[0])
        if town and re.search(rf"\b(in|around|near|en) {re.escape(town)}\b", plain):
            notes["areas"] = facts.city.split(",")[0].strip()
        if re.search(
            r"\b(sell|selling|vender) (my|our|mi|nuestra) (house|home|condo|place|casa)\b|\b(house|home|condo) to sell\b",
            plain,
        ):
            notes["has_house_to_sell"] = "true"
    elif NO_TRADE.search(plain):
        notes["trade_in"] = "none"
    elif match := re.search(r"\btrad\w+\b.{0,20}?\b((?:19|20)\d\d \w+ [\w-]+)", plain):
        notes["trade_in"] = match[1]
    return notes


def _answered(plain: str, facts: TenantFacts, now: datetime, asked: str) -> dict[str, str]:
    """What a few words mean as the answer to our question."""
    if not asked or len(plain.split()) > BARE_WORDS or "?" in plain or named_items(facts.items, plain):
        return {}
    if asked == "ask_budget_max" and (amounts := _amounts(plain, facts)):
        return {"budget_max": str(max(amounts))}
    if asked == "ask_beds_min" and (match := re.search(r"\b([1-9])\b", plain)):
        return {"beds_min": match[1]}
    if asked.startswith("ask_timeline") and (month := MONTH_ALONE.search(plain)):
        return {"timeline": _coming(month[1], now.astimezone(facts.tz).date())}
    if asked == "ask_has_house_to_sell" and (NO.match(plain) or YES.match(plain)):
        return {"has_house_to_sell": "false" if NO.match(plain) else "true"}
    if asked == "ask_represented" and NO.match(plain):
        return {"represented": "false"}
    if asked == "ask_trade_in" and NO.match(plain):
        return {"trade_in": "none"}
    return {}


def _amounts(plain: str, facts: TenantFacts) -> list[int]:
    """Sums of money in an answer about money, "300" for a home meant in thousands."""
    found = re.findall(r"\$?(?<![\w.])(\d[\d,]*(?:\.\d+)?) ?(k|m|mil|million|thousand)?\b", plain)
    unit = next((unit for _, unit in reversed(found) if unit), "")
    return [_dollars(number, own or unit, facts) for number, own in found]


def _dollars(number: str, unit: str, facts: TenantFacts) -> int:
    amount = float(number.replace(",", ""))
    if unit and amount < 2_000:
        return int(amount * (1_000_000 if unit in ("m", "million") else 1_000))
    # "under 500" for a home and "under 30" for a car are thousands
    shorthand = 10_000 if facts.vertical == "real_estate" else 200
    return int(amount * 1_000) if amount < shorthand and amount < 2_000 else int(amount)


def _name_in(raw: str) -> str | None:
    """The name that a lead gives as their own, as it is written."""
    match = NAME_SAID.search(raw)
    if not match:
        return None
    name = re.sub(r"\s+", " ", match[1] or match[2]).strip()
    if NOT_A_NAME.match(plain_text(name)):
        return None
    return name if name[0].isupper() else name.title()


def _asked_in(own: Turn | None) -> str:
    """Which of our questions a text of ours holds, by the template's kind."""
    return next((kind for text, kind in OWN_QUESTIONS if own is not None and text in own.body), "")


def _budget(plain: str, facts: TenantFacts) -> int | None:
    match = re.search(
        r"\b(?:under|below|up to|max(?:imum)?|budget(?: is| of)?|less than|no more than|cap(?: is)?|menos de|hasta|presupuesto(?: es| de)?)"
        r"\s*(?:of |is |de )?\$?\s*(\d[\d,]*(?:\.\d+)?)\s*(k|m|mil|million|thousand)?\b(?! ?(?:miles|millas|down|months?|beds?|baths?))",
        plain,
    )
    if match:
        return _dollars(match[1], match[2] or "", facts)
    owned = MONEY_OWNED.search(plain)
    if owned and (owned[1] or owned[3] or float(owned[2].replace(",", "")) >= LEAST_SUM):
        return _dollars(owned[2], owned[3] or "", facts)
    return None


def _timeline(plain: str, today: date) -> str | None:
    """ISO month, or "unknown" when the lead does not know."""
    if re.search(
        r"\b(asap|immediately|right away|this (week|month)|within (the |a )?(week|month|30 days)|lo antes posible|este mes)\b",
        plain,
    ):
        return f"{today:%Y-%m}"
    if re.search(r"\b(next month|proximo mes)\b", plain):
        return f"{_month_after(today, 1):%Y-%m}"
    if match := re.search(
        r"\bin (?:about )?(\d{1,2}) (weeks?|months?)\b|\ben (\d{1,2}) (semanas?|mes(?:es)?)\b", plain
    ):
        number, unit = int(match[1] or match[3]), match[2] or match[4]
        soon = today + timedelta(weeks=number) if unit[0] in "ws" else _month_after(today, number)
        return f"{soon:%Y-%m}"
    if match := MONTH_WORD.search(plain):
        return _coming(match[1], today)
    if re.search(r"\b(just (looking|browsing)|no (rush|hurry)|not sure when|solo (mirando|viendo)|sin prisa)\b", plain):
        return "unknown"
    return None


def _coming(name: str, today: date) -> str:
    month = MONTH_NUMBER[name]
    return f"{today.year + (month < today.month)}-{month:02d}"


def _month_after(today: date, months: int) -> date:
    index = today.year * 12 + today.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _financing(plain: str) -> str | None:
    if re.search(
        r"\b(not|need to get|need to be|haven'?t been|isn'?t) (yet )?pre[- ]?(approved|qualified)\b|\b(need|looking for|no) (a )?lender\b",
        plain,
    ):
        return "needs_lender"
    if re.search(r"\bpre[- ]?(approved|qualified|aprobad[oa])\b", plain):
        return "pre_approved"
    if re.search(
        r"\b((all|pay(ing)?|with|in|be|it'?s) )cash\b|^\W*cash\W*$|\bcash (buyer|purchase)\b|\b(de contado|en efectivo)\b",
        plain,
    ):
        return "cash"
    return None


def week_text(facts: TenantFacts, language: str) -> str:
    """ "Mon-Fri 9:00 AM-6:00 PM, Sat 10:00 AM-4:00 PM, Sun closed"."""
    names = DAYS_ES if language == "es" else DAYS_EN
    closed = "cerrado" if language == "es" else "closed"
    runs: list[tuple[int, int, str]] = []
    for weekday in range(7):
        periods = facts.hours_on(weekday)
        text = _periods(periods, language) if periods else closed
        if runs and runs[-1][2] == text:
            runs[-1] = (runs[-1][0], weekday, text)
        else:
            runs.append((weekday, weekday, text))
    return ", ".join(f"{names[a]} {text}" if a == b else f"{names[a]}-{names[b]} {text}" for a, b, text in runs)


def _periods(periods: Sequence[tuple[time, time]], language: str) -> str:
    joint = " y " if language == "es" else " and "
    return joint.join(f"{time_text(opens, language)}-{time_text(closes, language)}" for opens, closes in periods)


def _days_in(plain: str, today: date) -> list[date]:
    """The coming days that a text names, in order of time; today counts for its own name."""
    wanted = {weekday for weekday, pattern in enumerate(DAY_WORDS) if pattern.search(plain)}
    if re.search(r"\bweekends?\b|\bfin de semana\b", plain):
        wanted |= {5, 6}
    days = [today + timedelta(days=ahead) for ahead in range(7)]
    found = [day for day in days if day.weekday() in wanted]
    if re.search(r"\btomorrow\b|(?<!\bla )(?<!\besta )\bmanana\b", plain):
        found.append(today + timedelta(days=1))
    return sorted(set(found))


def _clock_in(plain: str, *, bare: bool) -> time | None:
    """The first time of day in a text; hours without a half of the day are those when people are awake."""
    if match := CLOCK_SAID.search(plain):
        hour, minute, half = int(match[1] or match[4]), int(match[2] or match[5] or 0), match[3] or ""
    elif match := HOUR_SAID.search(plain) or (HOUR_ALONE.search(plain) if bare and not SPAN.search(plain) else None):
        hour, minute, half = int(match[1]), 0, ""
    else:
        return None
    if minute > 59 or not 1 <= hour <= (12 if half else 23) or (hour > 12 and ":" not in match[0]):
        return None
    if hour <= 12 and not half:
        morning = re.search(r"\b(de|por|en) la manana\b|\bin the morning\b", plain)
        half = "a" if morning or FIRST_HOUR <= hour < 12 else "p"
    return time(hour % 12 + 12 * (half == "p") if half else hour, minute)


def _said_day(day: date, today: date, language: str) -> str:
    """ "tomorrow", "on Monday" for a day within a week."""
    spanish = language == "es"
    if day == today:
        return "hoy" if spanish else "today"
    if day == today + timedelta(days=1):
        return "mañana" if spanish else "tomorrow"
    return f"el {FULL_DAYS_ES[day.weekday()]}" if spanish else f"on {FULL_DAYS_EN[day.weekday()]}"


def _cost(item: Item) -> int | None:
    msrp = item.details.get("msrp")
    return item.price if item.price is not None else (msrp if isinstance(msrp, int) else None)


def _distance(item: Item, model: Item) -> tuple[bool, int]:
    """How unlike two items are: another kind of vehicle first, then how far the prices lie apart."""
    kinds = [
        {name for name, words in NICKNAMES.items() if words.search(plain_text(one.title))} for one in (item, model)
    ]
    costs = _cost(item), _cost(model)
    return kinds[0] != kinds[1], abs(costs[0] - costs[1]) if costs[0] is not None and costs[1] is not None else 0


def _fits(item: Item, notes: Mapping[str, str], plain: str) -> bool:
    wanted = {"beds": notes.get("beds_min"), "baths": notes.get("baths_min")}
    for key, least in wanted.items():
        has = item.details.get(key)
        if least and not (isinstance(has, int) and has >= int(least)):
            return False
    most = notes.get("budget_max")
    cost = _cost(item)
    if most and (cost is None or cost > int(most)):
        return False
    if item.kind == "vehicle":
        is_new = re.search(r"\bnew\b", plain_text(item.title))
        if (USED_WANTED.search(plain) and is_new) or (NEW_WANTED.search(plain) and not is_new):
            return False
    for name, pattern in NICKNAME_WORDS.items():
        if pattern.search(plain) and item.kind == "vehicle" and not NICKNAMES[name].search(plain_text(item.title)):
            return False
    return True


def _feature(item: Item, name: str, language: str) -> str | None:
    value = item.details.get(name)
    if not isinstance(value, int):
        return None
    number = f"{value:,}"
    english = {
        "beds": f"{value} bed{'s' * (value != 1)}",
        "baths": f"{value} bath{'s' * (value != 1)}",
        "sqft": f"{number} sq ft",
        "hoa_month": f"HOA fee ${number} a month",
        "taxes_year": f"taxes ${number} a year",
        "built": f"built in {value}",
        "miles": f"{number} miles",
        "count": f"{value} in stock",
    }
    spanish = {
        "beds": f"{value} recamara{'s' * (value != 1)}",
        "baths": f"{value} baño{'s' * (value != 1)}",
        "sqft": f"{number} pies cuadrados",
        "hoa_month": f"cuota HOA ${number} al mes",
        "taxes_year": f"impuestos ${number} al año",
        "built": f"construida en {value}",
        "miles": f"{number} millas",
        "count": f"{value} en inventario",
    }
    return (spanish if language == "es" else english).get(name)


def _price(item: Item) -> str | None:
    msrp = item.details.get("msrp")
    if item.price is not None:
        return f"${item.price:,}"
    return f"MSRP ${msrp:,}" if isinstance(msrp, int) else None


def _status(item: Item, language: str) -> str:
    status = item.status.casefold()
    return STATUS_ES.get(status, status) if language == "es" else status


def _quotable(item: Item, topic: str) -> str | None:
    """A detail named like the topic, when it is a number or a few words without an address in them."""
    key = topic.replace(" ", "_")
    value = item.details.get(key, item.details.get(f"{key}s"))
    if value is None or key in FREE_TEXT_KEYS:
        return None
    text = f"{value:,}" if isinstance(value, int) else value.strip()
    return text if len(text) <= QUOTABLE_CHARS and not re.search(r"://|www\.|@", text) else None


def _instant(value: str | int | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _either(facts: TenantFacts, language: str) -> str:
    joint = " o " if language == "es" else " or "
    return joint.join(part for part in (facts.phone, facts.email) if part)


def _staff(facts: TenantFacts, language: str) -> str:
    """The first name of who has the lead; nobody is named to a lead that is not theirs."""
    if facts.assigned.strip():
        return facts.assigned.split()[0]
    return "una persona del equipo" if language == "es" else "a colleague"


def _split(turns: Sequence[Turn]) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """The lead's texts since we or an agent last wrote, and all that came before. A system text is no answer."""
    answered = max((at for at, turn in enumerate(turns) if turn.author in ("ai", "agent")), default=-1)
    burst = tuple(turn for turn in turns[answered + 1 :] if turn.author == "lead" and turn.body.strip())
    return burst, tuple(turns[: answered + 1])


def _silence(language: str) -> ReplyDecision:
    return ReplyDecision(Action.STAY_SILENT, "", language)


def _fitting(parts: Sequence[str], room: int) -> str:
    """Whole parts, in order, once each, for as long as they fit; the first always, and one question at most."""
    told = ""
    for part in dict.fromkeys(parts):
        if told and (len(told) + 1 + len(part) > room or ("?" in told and "?" in part)):
            continue
        told = f"{told} {part}".strip()
    return told


def _sentences(text: str) -> str:
    """Whoever is not named gets a capital at the start of a sentence."""
    return re.sub(
        r"(\A|[.!?] +)(a colleague|una persona del equipo)\b",
        lambda match: match[1] + match[2][0].upper() + match[2][1:],
        text,
    )
