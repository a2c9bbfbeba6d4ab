"""Requests to end texts, and what only sounds like one, in the other languages people write to us in. Pure.

Every pattern is matched against plain text: lower case, accents off, one space between words, "|" ends a sentence.
"""

import re

from consent.normalise import without_accents

_ES_TOUCH = (
    r"(?:escrib|mand|envi|contact|llame|llamen|molest|text|mensaje|fastidi|jod|acos|busqu|hable|"
    r"hablen|spam|moleste)\w*"
)
_ES_MSG = r"(?:mensaj|textos?\b|sms|notificacion|publicidad|promocion|anuncio|propaganda|correo|ofertas)\w*"
_ES_LIST = r"(?:list|base de datos|sistema|registro|contactos|directorio)\w*"
_FR_TOUCH = (
    r"(?:ecri[vr]|envo[iy]|contact|text|appel|derang|relanc|harcel|importun|messag|embet|sollicit|"
    r"spam|parl|joign|recontact)"
    r"\w*"
)
_FR_MSG = (
    r"(?:messages?|textos?|textes?|text|texts|sms|notifications?|pubs?|publicites?|promotions?|"
    r"courriels?|alertes?|offres)"
)
_PT_TOUCH = r"(?:mand|envi|escrev|contat|contact|perturb|incomod|lig|enche|cham|procur|text)\w*"
_DE_MSG = r"(?:nachricht|sms|message|text|werb|mitteilung|mail|benachrichtig|angebot)\w*"
_IT_TOUCH = r"(?:scriv|mand|invi|contatt|contact|disturb|messagg|cerc|chiam|text|assill|rompe)\w*"
_RU_TOUCH = (
    r"(?:пи[шс]|шли|шлит|присыл|отправл|беспоко|тревож|звон|слать|слат|надоед|рассыл|смс|сообщ|"
    r"контакт|достав|спам)[а-я]*"
)

_OUT: tuple[tuple[str, str], ...] = (
    (
        "es",
        rf"\bno (?:quiero que )?(?:me|nos) (?:vuelva[ns]?|sigan?|este[ns]?|anden?)?(?: a | )?(?:estar "
        rf")?{_ES_TOUCH}",
    ),
    ("es", rf"\bno (?:vuelva[ns]?|sigan?) (?:a )?{_ES_TOUCH}"),
    ("es", rf"\bno (?:quiero |deseo |necesito )?(?:recibir |mas |que )*{_ES_MSG}"),
    ("es", rf"\bno (?:envi|mand|escrib|contact)\w* (?:mas|nada|{_ES_MSG}|a este)"),
    ("es", r"\bno (?:quiero|deseo|necesito) (?:saber (?:mas |nada )*de (?:ustedes|usted|ti)|que (?:me|nos))"),
    (
        "es",
        r"\bno (?:quiero|deseo) (?:seguir )?(?:recib|estar (?:en|suscrit)|ser contact|mas de ustedes|"
        r"nada de ustedes)\w*",
    ),
    (
        "es",
        rf"\b(?:dej|par|ces|bast|termin|alto|stop)(?:en|e|a|ar|an|es|ad|alo)?(?: ya| porfa| por "
        rf"favor)* (?:a |de |con |con los |los |sus |esos |estos |tanto |tantos |las |la )*{_ES_TOUCH}",
    ),
    (
        "es",
        rf"\b(?:dej|par|ces|bast|alto|stop|deten|elimin|suspend|cancel|termin)\w* (?:ya )?(?:a |de |"
        rf"con |los |sus |esos |estos |tanto |tantos |las |mis |todos |la )*{_ES_MSG}",
    ),
    (
        "es",
        rf"\b(?:quit|sa[qc]|borr|elimin|sac|remov|remue|tach|retir|cancel|olvid|bloque|quiten)\w*(?: "
        rf"por favor| ya)? (?:me |a mi |mi |este |mis |nuestro |el )*(?:numero|telefono|cel|celular|"
        rf"nombre|datos|contacto|number|de (?:la|su|sus|esta|tu|el) {_ES_LIST})",
    ),
    ("es", r"\b(?:quit|saqu|sac|borr|elimin|remuev)(?:e|a|en|ar)(?:me|nos)\b"),
    ("es", r"\b(?:me |nos )(?:quit|saqu|sac|borr|elimin|remuev)\w*(?: por favor)? de\b"),
    (
        "es",
        r"\b(?:dar|dame|deme|denme|darme|danos|denos|dar me|dar se|darse|solicito(?: la)?|quiero(?: "
        r"la)?) (?:de )?(?:la )?baja\b",
    ),
    ("es", r"\bde baja (?:por favor|de|mi)\b"),
    (
        "es",
        r"\b(?:dej|larg|esfum|no jod|no chingu)\w*(?:me|nos)?(?: ya)? (?:en paz|tranquil\w+|de "
        r"(?:joder|chingar|molestar|estar))",
    ),
    ("es", r"\b(?:me |nos )dej\w+ (?:ya )?(?:en paz|tranquil\w+)"),
    (
        "es",
        r"\b(?:desuscrib|cancel\w+ (?:mi |la )?su[bs]?scripcion|anul\w+ (?:mi |la )?su[bs]?scripcion|"
        r"retiro mi consentimiento|revoco)\w*",
    ),
    ("es", r"\bya no (?:quiero|deseo|necesito) (?:nada|mas|recib\w+|sus|esto|estos|estos)\b"),
    (
        "es",
        r"\bya no mas\b|\bno mas\b(?= *(?:\||$|por|gracias|please))|\b(?:ya )?basta(?: ya)?\b|"
        r"\b(?:paren|parenle|parale|parele)\b(?: ya)?(?= *(?:\||$|por))",
    ),
    ("es", r"\bno molest(?:e|en|es)\b(?! (?:si|que))"),
    ("es", r"\bno me (?:hables|hable|busques|llamen ni)\b"),
    ("fr", rf"\b(?:ne |n )?(?:m|me|nous) {_FR_TOUCH}(?: moi)?(?: \w+){{0,2}}? (?:plus|pas|jamais)\b"),
    ("fr", rf"\b(?:plus|pas) (?:jamais )?(?:m|me|nous) (?:re)?{_FR_TOUCH}"),
    ("fr", rf"\b(?:ne|n) {_FR_TOUCH} (?:plus|pas|jamais)\b"),
    (
        "fr",
        rf"\b(?:arret|cess|stop|fini)\w*(?: tout de suite| svp| s il vous plait| immediatement)* (?:de "
        rf"|d |avec |aux |au |les |vos |ces |tous |tout |l |la |a )*(?:m |me |nous )?(?:{_FR_TOUCH}|"
        rf"{_FR_MSG}|harcelement|envoi)\b",
    ),
    ("fr", r"\b(?:arret|cess)(?:ez|e|er|es) (?:svp|ca|maintenant|tout|immediatement|merci|s il)"),
    (
        "fr",
        r"\b(?:retir|enlev|supprim|effac|ra[yi]|ot|sort|efface|elimin|biff)(?:ez|er|e|es|s|i|ir|oi)? "
        r"(?:moi|nous|mon (?:numero|nom|contact|adresse|cellulaire|tel)|mes (?:donnees|coordonnees|"
        r"informations)|ce numero|mon)\b",
    ),
    ("fr", r"\b(?:m |me |nous )(?:retir|enlev|supprim|effac|ot|ray|desabonn|desinscri)\w*"),
    (
        "fr",
        rf"\b(?:je|on|nous) (?:ne |n )?(?:veu|voul|souhait|desir|voud)\w* (?:plus|pas|aucun)(?: "
        rf"\w+){{0,3}}? (?:{_FR_MSG}|recevoir|contact\w*|derang\w*|entendre|nouvelles)\b",
    ),
    ("fr", rf"\b(?:plus|aucun|pas) (?:jamais |aucun )?(?:de |d )?(?:vos |ces )?{_FR_MSG}\b"),
    ("fr", r"\b(?:desabonn|desinscri|me desabonn)\w*"),
    (
        "fr",
        r"\b(?:laiss|fich|fout)(?:ez|e|es|er)(?: |-)?(?:moi|nous)(?: \w+)? (?:tranquille|en paz|en "
        r"paix|la paix|paix)",
    ),
    (
        "fr",
        r"\bje (?:retire|revoque|annule) mon consentement|\bannulez mon abonnement|\blach(?:ez|e|er) "
        r"(?:moi|nous)\b",
    ),
    ("pt", rf"\bnao (?:quero que )?(?:me|nos) {_PT_TOUCH}"),
    ("pt", rf"\bnao (?:{_PT_TOUCH}) (?:mais|me|nada|mensage\w*)"),
    ("pt", rf"\b(?:par|deix|chega|cess)\w* (?:de |com |as |essas |com as )*(?:me )?(?:{_PT_TOUCH}|mensage\w*|sms)"),
    ("pt", r"\bnao (?:quero|desejo)(?: \w+){0,2}? (?:receb\w+|mensage\w*|sms|contato|mais)"),
    (
        "pt",
        r"\b(?:me )?(?:tir|retir|remov|exclu|apag|delet)\w*(?: me)? (?:(?:meu|o meu|este|esse) "
        r"(?:numero|nome|contato|telefone)|d[ao]s? (?:sua |vossa |seu )?(?:list\w*|cadastro|sistema))",
    ),
    (
        "pt",
        r"\b(?:me )?deix\w+(?: me)? em paz|\bdescadastr\w+|\bcancel\w+ (?:minha |a )?(?:inscricao|"
        r"assinatura)|\bsem mais mensage\w*|\bchega de mensage\w*",
    ),
    ("pt", r"\bme (?:tir|retir|remov|exclu|descadastr)\w+"),
    ("de", rf"\bkeine?r? (?:weitere\w* |mehr |solche\w* )*{_DE_MSG}(?: mehr)?"),
    (
        "de",
        r"\b(?:nicht|nie)(?: mehr| wieder| weiter){0,2} (?:schreib|kontaktier|anschreib|schick|send|"
        r"melde|belastig|text)\w*|\bnicht mehr (?:an|kontakt)\w*",
    ),
    (
        "de",
        r"\b(?:schreib|kontaktier|schick|send|melde|belastig|text)\w* (?:sie |ihr )?(?:mich|mir|uns|"
        r"dich|euch)(?: bitte)? (?:nicht|nie|nichts|keine)",
    ),
    (
        "de",
        rf"\b(?:hor|stopp|stop|been?d)\w* (?:sie |ihr |bitte |endlich )*(?:bitte )?(?:auf\b|mit|die |"
        rf"diese |{_DE_MSG})",
    ),
    (
        "de",
        r"\b(?:losch|entfern|streich|nehm|nimm|trag)\w*(?: sie)?(?: bitte)? (?:mich|meine (?:nummer|"
        r"daten|handynummer|telefonnummer)|diese nummer)",
    ),
    (
        "de",
        r"\blas+(?:en|t)?(?: sie)?(?: mich| uns)(?: bitte| endlich)? in (?:ruhe|frieden)|\b(?:mich "
        r")?(?:abmelden|austragen|abbestell\w+)\b|\bich widerrufe\b",
    ),
    (
        "de",
        rf"\b(?:mochte|will|wunsche) (?:ich )?(?:keine|nichts|nicht mehr)(?: \w+)? (?:{_DE_MSG}|"
        rf"kontakt\w*|horen|mehr)",
    ),
    ("it", rf"\bnon (?:mi |ci |voglio che mi )?{_IT_TOUCH}(?: (?:piu|mi|messaggi|niente|nulla))?"),
    (
        "it",
        r"\b(?:smett|bast|ferm|finit|stop)\w* (?:di |con |i |questi |gli |con i )*(?:mandar|inviar|"
        r"scriver|contattar|disturbar|messagg|message|sms|assillar)\w*",
    ),
    (
        "it",
        r"\b(?:cancell|rimuov|elimin|togli|tolg|lev)\w* (?:mi |il mio numero|questo numero|il mio nome|"
        r"dalla |la mia iscrizione)",
    ),
    (
        "it",
        r"\b(?:cancella|rimuove|rimuovi|togli|toglie|elimina|leva|disiscriv\w)te?mi\b|\bdisiscriv\w+|"
        r"\blasci\w+ in pace|\bnon voglio(?: piu)?(?: \w+){0,2} (?:messagg\w*|sms|ricever\w*|sentir\w*|"
        r"essere contatt\w*)|\bbasta (?:messagg\w*|sms|cosi)|\bannulla\w* (?:la mia )?iscrizione",
    ),
    (
        "ru",
        rf"\bне (?:надо |нужно |смейте |хочу (?:чтобы )?)?(?:вы |мне |нам |меня |больше |мои |на этот "
        rf"номер |сюда |чтобы )*{_RU_TOUCH}",
    ),
    (
        "ru",
        rf"\b(?:прекрат|перестан|хватит|прекращ|довольно|кончай|стоп|завязыв|остановит)[а-я]*(?: "
        rf"пожалуиста| уже| мне| меня| нам| эти| свои)* {_RU_TOUCH}",
    ),
    (
        "ru",
        r"\b(?:удал|убер|убра|исключ|вычеркн|сотр)[а-я]*(?: пожалуиста)? (?:меня|мои номер|мои|нас|"
        r"этот номер|из|номер)",
    ),
    (
        "ru",
        r"\bотпи[шс][а-я]*|\bотстан[а-я]*|\bотвал[а-я]*|\bоставьте (?:меня|нас)|\bбольше не (?:пи|надо|"
        r"хочу|нужно|присыл|отправл|шл)[а-я]*|\bне (?:хочу|желаю)(?: больше)? (?:получать|ваши|"
        r"сообщени|смс|рассыл)[а-я]*|\bотзываю (?:свое )?согласие|\bотключите рассылк[а-я]*|\bзабудьте "
        r"мои номер",
    ),
    (
        "uk",
        r"\bне (?:пиш|надсила|турбу|шл|відправля)\w*|\b(?:припин|перестан|досить)\w* (?:мені )?(?:пис|"
        r"надсила|турбу)\w*|\b(?:видал|прибер)\w* (?:мене|міи номер)|\bвідпи[шс]\w*",
    ),
    (
        "zh",
        r"(?:别|別|不要|勿|不准|不许|停止|不想|不希望|不需要|不用|拒绝|拒收|不接受|不愿|终止|禁止)[^|]{0,8}?(?:发短信|發短信|发信|發信|短信|短訊|簡訊|简讯|"
        r"联系|聯繫|聯絡|联络|打扰|打擾|骚扰|騷擾|信息|訊息|消息|收到|收短|发了|發了|推送|发送|發送|烦我|煩我|给我发|給我發|再发|再發|通知|接收)",
    ),
    (
        "zh",
        r"退订|退訂|取消(?:短信|简讯|簡訊|通知|推送|信息)|取消订阅|取消訂閱|取消关注|不再接收|拒收|(?:删除|刪除|移除|去掉|删掉|刪掉|取消)[^|]{0,6}(?:号码|"
        r"號碼|电话|電話|名单|名單|联系方式|手机号)|把?我[^|]{0,14}(?:名单|名單|列表|通讯录|数据库)[^|]{0,6}(?:删|刪|移|除|去|拿)|(?:从|從|将|"
        r"把)[^|]{0,12}(?:名单|名單|列表)[^|]{0,6}(?:删|刪|移|除|去|拿)|别烦我|滚开|走开",
    ),
    (
        "ja",
        r"(?:送ら|送信し|メールし|連絡し|メッセージし|送って来|送ってこ|しつこくし)(?:ない|ん)(?:で|て)|(?:配信|送信|メール|メッセージ|連絡|sms|通知)[^|"
        r"]{0,6}(?:停止|やめて|止めて|不要|いりません|要りません|いらない|解除|拒否|お断り)|(?:番号|リスト|登録)[^|]{0,8}(?:削除|消して|外して|解除)",
    ),
    (
        "ko",
        r"(?:문자|메시지|메세지|연락|톡|광고|알림|스팸)[^|]{0,8}(?:마|말|그만|중단|중지|원하지|원치|싫|안 받|받고 싶지|필요 ?없|거부|끊|사절)|그만 "
        r"?(?:보내|연락|하세요|해|문자)|보내지 ?(?:마|말|않)|연락하지|수신 ?거부|(?:번호|명단|목록|리스트)[^|]{0,8}(?:삭제|지워|빼|제거)|(?:구독|"
        r"수신) ?(?:취소|해지)",
    ),
    (
        "vi",
        r"\b(?:dung|ngung|thoi|khong|ko|xin dung|cham dut)(?: (?:co|bao gio|duoc|muon|can|co the))*(?: "
        r"nhan| nhan them| nhan duoc)? (?:nhan tin|gui|lien lac|lien he|lam phien|quay ray|spam|tin "
        r"nhan|nhan sms|sms|tin|them tin|text|nhan text)\b",
    ),
    (
        "vi",
        r"\b(?:xoa|bo|go|loai)(?: \w+){0,3} (?:so (?:cua )?(?:toi|minh|em|dien thoai)|so dien thoai|"
        r"khoi danh sach|ten toi)|\bhuy dang ky\b|\bkhong muon (?:nhan|bi lam phien)\b|\bde (?:toi|cho "
        r"toi) yen\b",
    ),
    (
        "ht",
        r"\b(?:sispann|rete|kanpe|stop|stope)(?: (?:m|mwen|tout|nou|ap))* (?:voye|ekri|tekste|text\w*|"
        r"mesaj\w*|message\w*|kontakte|contact\w*|deranje|anmede|rele|nwi)",
    ),
    (
        "ht",
        r"\b(?:pa|pinga)(?: (?:janm|vle|bezwen|kontinye|ka))* (?:voye|ekri|tekste|text\w*|kontakte|"
        r"contact\w*|deranje|anmede|resevwa|mesaj)|\b(?:retire|retir|wete|efase)(?: tanpri)? (?:m\b|"
        r"mwen|non m|nimewo|nimewo m|non mwen)|\bkite m(?:wen)? (?:trankil|anpe)|\bdezabone",
    ),
    (
        "tl",
        r"\b(?:huwag|wag|h?wag)(?: (?:na|mo|nyo|niyo|ninyo|po|kayo|ka|ako|sana|nang|kang|muna|please|"
        r"mong|kayong|naman|akong|niyong|nyong|ninyong|naming|kaming)){0,6} (?:(?:mag|i|mang)?(?: "
        r")?(?:text|txt|message|msg|mensahe|padala|send|istorbo|contact|kontak|gulo|kulit|abala)\w*|"
        r"(?:mag|itext|imessage|guluhin|istorbohin|kulitin|tawagan|kontakin|padalhan|gambalain|"
        r"magpadala|magtext|magmessage)\w*)",
    ),
    (
        "tl",
        r"\b(?:i)?tigil(?:an|in)?(?: \w+){0,3}|\b(?:i?hinto)(?: \w+){0,3}|\bayaw? ?ko(?:ng)?(?: "
        r"na)?(?: ng| nang)?(?: \w+){0,2} (?:text\w*|message\w*|mensahe|makatanggap|matanggap|"
        r"tumanggap)|\bayoko(?:ng)?(?: na)?(?: \w+){0,3}? (?:text\w*|message\w*|mensahe|makatanggap|"
        r"makareceive|tumanggap)|\b(?:alisin|tanggalin|burahin|i?delete|i?remove|paki ?alis|paki "
        r"?tanggal|paki ?delete|pakialis|pakitanggal)(?: \w+){0,4} (?:ako|number|numero|pangalan|lista|"
        r"list)\b|\btama na\b(?: (?:ang|po|yan|text|please|pls)| *(?:\||$))|\blubayan\b|\btigilan\b",
    ),
    (
        "ar",
        r"(?:توقف|توقفوا|اوقف|اوقفوا|كف|كفوا|وقف|وقفوا|بطل|بطلوا|ايقاف|كفى|خلاص)[^|]{0,10}(?:ارسال|"
        r"الارسال|مراسل|رسائل|الرسائل|الرسايل|رسايل|اتصال|ازعاج|ابعت|بعت|تراسل|كتابه|تبعت)",
    ),
    (
        "ar",
        r"(?:لا|ما|مش|لن|بلاش)[^|]{0,10}(?:ترسل|ترسلوا|تراسل|تراسلوني|تراسلني|تتصل|تتواصل|تكتب|تبعت|"
        r"تزعج|رسائل|رسايل|استلام|استقبال|تلقي)|الغاء (?:ال)?اشتراك|(?:احذف|احذفوا|ازل|ازيلوا|امسح|"
        r"امسحوا|حذف|شيل|شيلوا)[^|]{0,6}(?:رقم|اسم|ني|من)|اتركوني|اتركني|دعوني وشاني|الغ اشتراكي|الغوا "
        r"اشتراكي",
    ),
    (
        "pl",
        r"\bnie (?:pisz|wysyla|kontakt|dzwon|chce)\w*(?: (?:do mnie|mi|mnie|wiecej|juz))*(?: "
        r"(?:wiadomosci|sms\w*))?|\b(?:przestan|prosze przestac)\w* (?:pisac|wysylac|do mnie)\w*|"
        r"\b(?:usun|wypisz)\w* (?:mnie|moj numer)",
    ),
    (
        "hi",
        r"(?:मैसेज|संदेश|मेसेज|sms|message|msg)[^|]{0,12}(?:बंद|मत|ना|न भेज|band|mat)|(?:मत|ना) भेज|"
        r"\b(?:message|msg|text|sms)\w*(?: \w+){0,3} (?:mat|band|nahi|na bhej\w*)\b|\bmat (?:bhejo|"
        r"bhejiye|karo)\b",
    ),
)

# What the patterns above would take for a request and is none: the thing refused is not a text to the sender.
_NOT_OUT = (
    r"\bno (?:me|nos) (?:mand|envi)\w*(?: (?:mas|las|los|la|el|un|una|otra|otro|todavia|aun))* "
    r"(?:foto|video|link|enlace|contrato|documento|papel|dinero|ubicacion|direccion|imagen|"
    r"informacion|cotizacion|factura)\w*",
    r"\bno (?:me|nos) (?:lleg|funciona|abre|deja|sirve|contest|respond|escribieron|mandaron|"
    r"enviaron|llamaron|contactaron|escribio|mando|envio|contacto)\w*",
    r"\bno (?:me|nos) (?:han|ha|habia|habian) \w+",
    r"\bpor que no (?:me|nos)\b[^|?]*",
    r"\b(?:si|porque|cuando) no (?:me|nos) (?:contact|escrib|mand|envi|llam)\w*",
    r"\bno (?:me )?molesta\b(?!me)|\bno (?:es|hay|seria) (?:una? )?molest\w*",
    r"\bno dej\w+ de (?:escrib|mand|envi)\w*|\bno par\w+ de (?:mand|envi|escrib)\w*",
    r"\b(?:n )?arret\w* pas\b[^|?]*|\bne (?:m |me )?oubliez pas\b[^|?]*",
    r"\bpourquoi (?:ne |n )?(?:m |me )\w+[^|?]*",
    r"\bne (?:m |me )envoyez pas (?:de |la |le |les |d )?(?:photos?|videos?|liens?|contrat|documents?|images?)",
    r"\bje ne (?:\w+ )?(?:peux|peut|pourrai) pas\b[^|?]*",
    r"\bnao (?:me|nos) (?:mandou|enviou|mandaram|enviaram|contataram|respond\w+)",
    r"\bnon (?:mi|ci) (?:ha|hanno|avete|hai) \w+|\bnon (?:mi|ci) mand\w+ (?:foto|video)",
    r"(?:还没|還沒|没有|沒有|没|沒|为什么|為什麼|怎么)[^|]{0,10}(?:收到|发|發|联系|聯繫|短信|信息)",
    r"(?:不要|别|別)[^|]{0,3}(?:忘|停止|客气|担心)[^|]{0,12}",
    r"\bне (?:пришл|пришел|дошл|получ|отправил|прислал|написал|позвонил|ответил|пишет)[а-я]*(?! больше)",
)
# A time, a place or a pause for which texts are refused, not texts as such.
FOREIGN_TIME = (
    r"\b(?:antes de las|despues de las|por la noche|de noche|tan tarde|tan temprano|los domingos|"
    r"hasta las|en el trabajo|de madrugada|por la manana|avant \d|apres \d+ ?h?|le soir|la nuit|si "
    r"tard|si tot|le dimanche|avant midi|antes das|depois das|a noite|vor \d|nach \d|abends|nachts|"
    r"sonntags|после \d|до \d|ночью)\b"
)
FOREIGN_PAUSE = (
    r"\b(?:hasta (?:el|la|que|junio|enero|primavera|proximo|nuevo|nueva)|por ahora|por el momento|"
    r"jusqu(?:e|a| au| en)|pour l instant|pour le moment|por enquanto|vorerst|im moment|пока)\b"
)

_HOLD: tuple[tuple[str, str, str], ...] = (
    (
        "es",
        "wrong_number",
        r"\b(?:numero|persona|telefono|number) (?:equivocad|incorrect|erroneo)\w*|\bse equivoc\w* de "
        r"(?:numero|persona)|\bno (?:soy|es) (?:el (?:numero|telefono) de )?\w+(?= *(?:\||"
        r"$))(?<!interesad[oa])|\bno conozco a\b|\baqui no (?:vive|hay)\b",
    ),
    (
        "es",
        "not_interested",
        r"\bno (?:me|nos) interesa\b(?: *(?:\||$|gracias|mas|ya|por))|\bno (?:estoy|estamos) "
        r"interesad\w*(?: *(?:\||$|gracias|en (?:nada|esto|comprar|vender)))|\bya no (?:me|nos) "
        r"interesa\b|\bno gracias *(?:\||$)|\bya no (?:busco|estoy buscando|estamos buscando)\b",
    ),
    (
        "es",
        "complaint",
        r"\b(?:esto es|que) (?:acoso|spam|molest\w+)\b|\bacoso\b|\bvoy a (?:reportar|denunciar)\w*|"
        r"\blos voy a (?:reportar|denunciar)",
    ),
    (
        "fr",
        "wrong_number",
        r"\b(?:mauvais|faux) (?:numero|number)|\bpas le (?:bon|bonne) (?:numero|number|personne)|"
        r"\bmauvaise personne|\berreur de (?:numero|personne)|\bvous vous trompez de|\b(?:ce|c) n est "
        r"pas \w+(?= *(?:\||$))|\bje ne suis pas \w+(?= *(?:\||$))|\bvous avez le mauvais",
    ),
    (
        "fr",
        "not_interested",
        r"\b(?:pas|plus) (?:du tout )?interesse\w*(?: *(?:\||$|merci|par (?:vos|votre)))|\bnon merci "
        r"*(?:\||$)|\bca ne m interesse pas|\b(?:ca|cela) ne m interesse\b",
    ),
    ("fr", "complaint", r"\bc est du (?:harcelement|spam)|\bharcelement\b|\bje vais (?:porter plainte|vous signaler)"),
    ("pt", "wrong_number", r"\b(?:numero|pessoa) errad\w+|\bnao sou (?:o |a )?\w+(?= *(?:\||$))"),
    ("pt", "not_interested", r"\bnao (?:tenho|estou) (?:mais )?interess\w+|\bsem interesse|\bnao obrigad\w *(?:\||$)"),
    ("de", "wrong_number", r"\bfalsche (?:nummer|person)|\bfalsch verbunden"),
    ("de", "not_interested", r"\b(?:kein interesse|nicht (?:mehr )?interessiert|nein danke *(?:\||$))"),
    ("it", "wrong_number", r"\b(?:numero|persona) sbagliat\w+|\bavete sbagliato"),
    ("it", "not_interested", r"\bnon (?:mi interessa|sono (?:piu )?interessat\w)|\bno grazie *(?:\||$)"),
    ("ru", "wrong_number", r"\b(?:вы )?ошиблись(?: номером)?|\bне тот номер|\bнеправильныи номер|\bневерныи номер"),
    ("ru", "not_interested", r"\bне ?интерес[а-я]*|\bнет спасибо *(?:\||$)|\bмне не нужно *(?:\||$)"),
    ("zh", "wrong_number", r"(?:打错|打錯|发错|發錯|错号|号码错|认错人|认错|搞错)"),
    ("zh", "not_interested", r"(?:不感兴趣|不感興趣|没兴趣|沒興趣|没有兴趣|不需要了?(?=$| |\|)|不用了(?=$| |\|))"),
    ("ko", "wrong_number", r"(?:잘못 ?(?:보내|거|연락)|번호 ?(?:잘못|틀))"),
    ("ko", "not_interested", r"(?:관심 ?없|필요 ?없|괜찮습니다)"),
    ("vi", "wrong_number", r"\b(?:nham|sai) so\b|\bnham nguoi\b"),
    ("vi", "not_interested", r"\bkhong (?:quan tam|co nhu cau)\b"),
    ("ht", "wrong_number", r"\b(?:move|mal) nimewo\b"),
    ("ht", "not_interested", r"\b(?:pa|mwen pa) entere[sz]e\b|\bsa pa enterese m"),
    ("tl", "wrong_number", r"\bmaling (?:number|numero)|\bwrong number"),
    ("tl", "not_interested", r"\b(?:hindi|di) (?:na )?(?:po )?(?:ako )?interesad\w"),
    ("ar", "wrong_number", r"(?:رقم|الرقم) (?:خطا|غلط|خاطي)"),
    ("ar", "not_interested", r"(?:غير مهتم|مش مهتم|لست مهتم)"),
)

_HELP: tuple[tuple[str, str], ...] = (
    (
        "es",
        r"^(?:hola )?(?:y )?(?:de parte de quien|(?:de parte de )?quien (?:es|eres|son|habla|me "
        r"(?:escribe|habla|manda)|manda|escribe)\b|de que (?:compania|empresa)|como (?:consigui|"
        r"obtuv)\w+ mi (?:numero|number)|por que me (?:mandan|escriben|llegan))|\bcuesta\w* (?:estos |"
        r"los )?mensajes|\bhablar con (?:una persona|alguien|un humano|un agente)",
    ),
    (
        "fr",
        r"^(?:bonjour )?(?:c est qui|qui (?:est ce|etes vous|est la|es tu|parle|m ecrit)|quelle "
        r"(?:compagnie|entreprise)|comment avez vous (?:eu|obtenu))|\bparler (?:a|avec) (?:une "
        r"personne|quelqu un|un humain|un agent)",
    ),
    ("pt", r"^(?:oi |ola )?(?:quem (?:e|fala|esta)\b|qual empresa|como (?:conseguiu|conseguiram) meu)"),
    ("de", r"^(?:hallo )?wer (?:ist (?:das|da)|sind sie|bist du|schreibt)"),
    ("it", r"^(?:ciao |salve )?(?:chi (?:e|sei|siete|parla|scrive))\b"),
    ("ru", r"^(?:кто (?:это|вы|ты|пишет)|откуда у вас мои номер|что за компания)"),
    (
        "zh",
        r"^(?:请问)?(?:你|您)?(?:是)?(?:谁|誰|哪位|哪里|哪家公司)|(?:你|您)们?(?:是谁|是誰|哪位)|怎么(?:有|知道|得到)我的(?:号码|电话)",
    ),
    ("vi", r"^(?:ai (?:day|the|vay|do)|ban la ai|day la ai)"),
    ("ko", r"(?:누구세요|누구신가요|누구시죠|누구야|어디세요)"),
    ("ht", r"^(?:ki (?:moun|es) (?:sa|ki|ou))"),
    ("tl", r"^(?:sino (?:ito|po|to|ba|ka|kayo|to po))\b"),
    ("ar", r"^(?:من (?:انت|انتم|معي|هذا|المتحدث)|مين)"),
)

_IN: tuple[tuple[str, str], ...] = (
    (
        "es",
        r"\b(?:quiero|deseo|acepto|quisiera) (?:volver a )?(?:seguir )?(?:recibi\w+|que me (?:escriban|"
        r"manden))|\b(?:vuelv|reanud|reactiv|empie|comien|inici|activ|continu|sig)\w* (?:a |con "
        r")?(?:los |mis )?(?:mandar\w*|enviar\w*|escribi\w*|mensajes|notificaciones)|\bsi (?:quiero|"
        r"acepto|por favor|estoy de acuerdo|gracias|claro)\b|\b(?:pueden?|puedes) (?:volver a "
        r")?(?:escribir|mandar|enviar)me\b|\b(?:dar|darme|dame|deme|denme) de alta|\bsuscr\w+",
    ),
    (
        "fr",
        r"\b(?:repren|recommenc|reactiv|continu|redemarr)\w* (?:les |l |a |de |d |mes |vos )*(?:m "
        r")?(?:messages?|textos?|sms|envoi\w*|envoyer|ecrire)|\b(?:je )?(?:veux|souhaite|accepte|"
        r"voudrais) (?:de )?(?:recevoir|encore recevoir|a nouveau recevoir)|\b(?:reabonn|reinscri|"
        r"abonn|inscri)(?:ez|er|e|vez|re|s)? (?:moi|me)?|\boui (?:j accepte|je (?:veux|accepte)|svp|"
        r"merci|s il vous plait|d accord)",
    ),
    (
        "pt",
        r"\b(?:quero|aceito|gostaria de) (?:voltar a )?receb\w+|\bpode\w* (?:voltar a )?me (?:mandar|"
        r"enviar|escrever)|\bsim (?:quero|aceito|por favor)",
    ),
    ("de", r"\bja (?:bitte|gerne|ich)|\b(?:mochte|will) (?:wieder )?(?:nachrichten|sms) (?:erhalten|bekommen)"),
    ("zh", r"(?:重新订阅|恢复|继续|可以)[^|]{0,6}(?:发|短信|消息|订阅)|我?同意"),
    (
        "ru",
        r"\b(?:да )?(?:согласен|согласна)|\b(?:снова|опять|можете) (?:писать|пишите|присылаите)|"
        r"\bвозобнов[а-я]*|\bподпи[шс][а-я]*",
    ),
)


def _compiled(rows: tuple[tuple[str, str], ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((language, re.compile(without_accents(pattern))) for language, pattern in rows)


OTHER_SCRIPTS = frozenset({"ru", "uk", "zh", "ja", "ko", "ar"})
FOREIGN_OUT = _compiled(_OUT)
FOREIGN_NOT_OUT = re.compile(without_accents("|".join(_NOT_OUT)))
FOREIGN_HELP = _compiled(_HELP)
FOREIGN_IN = _compiled(_IN)
FOREIGN_HOLD = tuple((language, tag, re.compile(without_accents(pattern))) for language, tag, pattern in _HOLD)
