// Keeps the phone page live. What came from outside is only ever put in as text, never as HTML.
"use strict";

const POLL_MS = 1000;
const STATE_EVERY = 5; // polls: faults may be set from elsewhere, and leave no entry in the log
const NEAR_END_PX = 60;
const UNDER_WAY = new Set(["accepted", "queued", "scheduled", "sending"]);
const SHOWN_TYPES = new Set(["image/png", "image/jpeg", "image/gif"]);

const at = (id) => document.getElementById(id);
const composer = at("composer");
const screen = at("screen");
const bodyBox = at("body");
const switches = at("switches");
const narrow = window.matchMedia("(max-width: 899px)");

const now = {
  phone: composer.elements.phone.value,
  to: composer.elements.to.value,
  item: at("wire").dataset.item,
  seq: Number(document.body.dataset.seq),
  exchange: null, // the one whose fields and headers are shown
  exchanges: [],
  follow: true, // the wire shows the newest text of the lead, until an older one is chosen
  waiting: false,
  polls: 0,
  lost: false,
  turn: 0, // answers for a phone that is no longer on the screen are dropped
};

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

async function asked(path, form) {
  const options = { headers: { Accept: "application/json" }, cache: "no-store" };
  if (form) Object.assign(options, { method: "POST", body: form });
  const answer = await fetch(path, options);
  if (path.startsWith("/sim/log")) return answer.text();
  const told = await answer.json();
  if (!answer.ok) throw new Refused(told.error);
  return told;
}

class Refused extends Error {}

const query = (more) => new URLSearchParams({ phone: now.phone, to: now.to, ...more });
const clock = (iso) => new Date(iso).toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit" });
const day = (iso) => new Date(iso).toLocaleDateString("en-US", { weekday: "long", month: "long", day: "numeric" });
const say = (words) => { at("said").textContent = words; };

function complain(place, error) {
  place.textContent = error ? error.message : "";
  place.hidden = !error;
}

// --- the list of phones ----------------------------------------------------------------------------------------------

function phoneLine(line) {
  const here = line.person === now.phone && line.number === now.to;
  const link = make(
    "a",
    { href: `/?${new URLSearchParams({ phone: line.person, to: line.number })}#phone`, "aria-current": here ? "true" : null },
    make("span", { class: "who" }, line.person_shown),
    make("span", { class: "when" }, line.at ? clock(line.at) : ""),
    make("span", { class: "whom" }, `texts ${line.business}`),
    make("span", { class: "last" }, line.last ? (line.mine ? `You: ${line.last}` : line.last) : "No texts yet"),
  );
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    take(line);
    show("phone");
    bodyBox.focus();
  });
  return make("li", {}, link);
}

function showPhones(items) {
  const shown = items.some((line) => line.person === now.phone && line.number === now.to) ? items : [head(), ...items];
  const written = JSON.stringify([shown, now.phone, now.to]);
  const list = at("phones");
  if (list.dataset.written === written) return;
  const focused = [...list.querySelectorAll("a")].find((link) => link === document.activeElement);
  list.replaceChildren(...shown.filter(Boolean).map(phoneLine));
  list.dataset.written = written;
  if (focused) [...list.querySelectorAll("a")].find((link) => link.href === focused.href)?.focus();
}

let contact = null;
const head = () => contact;

function showContact(line) {
  contact = line;
  at("phone-title").textContent = line.business;
  at("business-number").textContent = line.number_shown;
  at("person-shown").textContent = line.person_shown;
  const words = line.business.match(/[A-Za-z]+/g) || ["#"];
  at("initials").textContent = words.slice(0, 2).map((word) => word[0]).join("").toUpperCase();
}

function take(line) {
  Object.assign(now, { phone: line.person, to: line.number, item: "", follow: true, turn: now.turn + 1 });
  composer.elements.phone.value = line.person;
  composer.elements.to.value = line.number;
  at("thread").replaceChildren();
  at("cards").replaceChildren();
  at("quote").hidden = true;
  at("newer").hidden = true;
  complain(at("error"), null);
  showContact(line);
  remember();
  renew();
}

function remember() {
  history.replaceState(null, "", `/?${query(now.item ? { item: now.item } : {})}${location.hash}`);
}

// --- the thread --------------------------------------------------------------------------------------------------------

function photo(media) {
  if (media.url === null && SHOWN_TYPES.has(media.content_type)) {
    return make("img", { src: `/page/media/${media.sid}`, alt: "Attached picture", width: 320, height: 240 });
  }
  return make("p", { class: "body" }, `Attachment: ${media.url || media.content_type}`);
}

function side(item) {
  if (item.kind === "request") return "request";
  return item.direction === "from_phone" ? "mine" : "theirs";
}

function dress(node, item) {
  node.className = `text ${side(item)} ${item.state}${item.shown === false ? " unseen" : ""}`;
  const words = node.querySelector(".state");
  if (words.textContent !== item.words) {
    if (item.state === "bad" && words.textContent) say(`${item.words}: ${item.body}`);
    words.textContent = item.words;
  }
  if (item.id === now.item) node.setAttribute("aria-current", "true");
  else node.removeAttribute("aria-current");
}

function bubble(item) {
  const look = make("a", { class: "look", href: `/?${query({ item: item.id })}#wire` }, "Wire");
  const node = make(
    "li",
    { "data-id": item.id },
    ...(item.pictures || []).map(photo),
    item.body ? make("p", { class: "body" }, item.body) : null,
    make(
      "p",
      { class: "meta" },
      item.author === "carrier" ? make("span", { class: "by" }, "Sent by the carrier") : null,
      make("time", { datetime: item.at }, clock(item.at)),
      make("span", { class: "state" }, ""),
      look,
    ),
  );
  look.addEventListener("click", (event) => {
    event.preventDefault();
    choose(item.id);
    if (narrow.matches) show("wire", true);
  });
  for (const part of node.querySelectorAll(".body, img")) part.addEventListener("click", () => choose(item.id));
  dress(node, item);
  return node;
}

function dayOf(title) {
  const thread = at("thread");
  const last = thread.lastElementChild;
  if (last && last.dataset.day === title) return last.lastElementChild;
  const list = make("ol");
  thread.append(make("section", { class: "day", "data-day": title }, make("h3", {}, title), list));
  return list;
}

function showThread(items) {
  const thread = at("thread");
  const known = new Map([...thread.querySelectorAll("li[data-id]")].map((node) => [node.dataset.id, node]));
  const atEnd = screen.scrollHeight - screen.scrollTop - screen.clientHeight < NEAR_END_PX;
  const inOrder = [...known.keys()].every((id, index) => items[index]?.id === id);
  if (!thread.dataset.live || !inOrder) {
    thread.replaceChildren(); // the server's own rendering, a reset, or an entry that came in between
    thread.dataset.live = "true";
    known.clear();
  }
  let fresh = 0;
  for (const item of items) {
    const node = known.get(item.id);
    if (node) dress(node, item);
    else {
      dayOf(day(item.at)).append(bubble(item));
      fresh += 1;
    }
  }
  now.waiting = items.some((item) => item.state === "waiting" || UNDER_WAY.has(item.status) || item.status === "sent");
  if (fresh && atEnd) toEnd();
  else if (fresh && known.size) at("newer").hidden = false;
}

function toEnd() {
  screen.scrollTop = screen.scrollHeight;
  at("newer").hidden = true;
}

function choose(id) {
  const own = [...document.querySelectorAll("#thread li.mine")];
  now.follow = own.length > 0 && own[own.length - 1].dataset.id === id;
  now.item = id;
  mark();
  remember();
  refreshWire().catch(refused);
}

function mark() {
  for (const node of document.querySelectorAll("#thread li[data-id]")) {
    if (node.dataset.id === now.item) node.setAttribute("aria-current", "true");
    else node.removeAttribute("aria-current");
  }
}

// --- the wire ----------------------------------------------------------------------------------------------------------

function pairs(title, list) {
  if (!list.length) return null;
  const rows = list.map(([name, value]) =>
    make("div", {}, make("dt", {}, name), make("dd", { class: /^x-twilio-signature$/i.test(name) ? "key" : null }, value)),
  );
  return [make("h3", {}, title), make("dl", {}, ...rows)];
}

const good = (one) => one.status >= 200 && one.status < 300;
const stateOf = (one) => (one.status === null ? "waiting" : good(one) ? "good" : "bad");

function row(one) {
  const took = one.status === null ? "" : ` · ${one.took_ms} ms`;
  const answer = one.status === null ? "waiting" : one.status ? `${one.status}${took}` : `no answer${took}`;
  const button = make("button", { type: "button" }, make("strong", {}, one.title), make("span", { class: "answer" }, answer));
  button.addEventListener("click", () => {
    now.exchange = one.n;
    showWire(now.exchanges);
  });
  return make("li", { class: `card ${one.kind} ${stateOf(one)}`, "data-n": one.n, "data-written": `${one.status}` }, button);
}

function detail(one) {
  const known = { ct: "no connection", rt: "no answer in time", "4xx": "", "5xx": "" };
  const wrong = one.note ? known[one.note] ?? `fault: ${one.note.replaceAll("_", " ")}` : "";
  return [
    make("p", { class: "line" }, `${one.method} ${one.url}`),
    make("p", { class: "what" }, `${clock(one.at)} · attempt ${one.attempt}`, wrong ? make("strong", {}, ` · ${wrong}`) : null),
    ...(pairs("Fields", one.form) || []),
    ...(pairs("Headers", one.headers) || []),
    ...(pairs("Headers of the answer", one.answer_headers) || []),
    ...(one.answer ? [make("h3", {}, "Answer"), make("pre", { tabindex: "0" }, one.answer)] : []),
  ];
}

function showWire(items) {
  const cards = at("cards");
  const known = new Map([...cards.children].map((node) => [node.dataset.n, node]));
  const nodes = items.map((one) => {
    const node = known.get(String(one.n));
    return node && node.dataset.written === `${one.status}` ? node : row(one);
  });
  const same = nodes.length === cards.children.length && nodes.every((node, index) => node === cards.children[index]);
  if (!same) {
    const focused = document.activeElement?.closest("#cards li")?.dataset.n;
    cards.replaceChildren(...nodes);
    if (focused) cards.querySelector(`li[data-n="${focused}"] button`)?.focus();
  }
  const shown = items.find((one) => one.n === now.exchange) || items[0];
  now.exchange = shown?.n;
  now.exchanges = items;
  for (const node of nodes) node.firstElementChild.setAttribute("aria-pressed", String(node.dataset.n === String(shown.n)));
  const place = at("detail");
  const written = shown ? `${shown.n} ${shown.status}` : "";
  if (place.dataset.written !== written) {
    place.replaceChildren(...(shown ? detail(shown) : []));
    place.className = shown ? `detail ${shown.kind}` : "detail";
    place.setAttribute("aria-label", shown ? shown.title : "");
    place.dataset.written = written;
  }
  const chosen = document.querySelector('#thread li[aria-current="true"] p.body');
  at("quote").textContent = chosen ? chosen.textContent : "";
  at("quote").hidden = !chosen;
}

// --- faults ------------------------------------------------------------------------------------------------------------

function showFaults(faults) {
  const count = faults.words.length;
  at("alarm").hidden = count === 0;
  at("fault-count").textContent = count === 1 ? "1 fault is on" : `${count} faults are on`;
  at("fault-words").textContent = faults.words.join("; ");
  at("off").disabled = count === 0;
  for (const control of switches.elements) {
    const values = faults.fields[control.name];
    if (!values || (control === document.activeElement && control.type === "number")) continue;
    if (control.type === "checkbox") control.checked = values.includes(control.value);
    else if (!changing.has(control.name)) control.value = values[0];
  }
}

const changing = new Set();
const EMPTY_SHARES = { carrier_share: "carrier", callback_share: "callback", model_share: "model" };

async function setFaults(event) {
  const name = event.target.name;
  const group = EMPTY_SHARES[name];
  // "how often" means nothing until a switch beside it is on: it keeps what was picked
  if (group && !switches.querySelector(`[name="${group}"]:checked`)) return void changing.add(name);
  try {
    const told = await asked("/page/faults", new URLSearchParams(new FormData(switches)));
    changing.clear();
    complain(at("fault-error"), null);
    showFaults(told);
    say(told.words.length ? at("fault-count").textContent : "All faults are off");
  } catch (error) {
    complain(at("fault-error"), error);
  }
}

async function faultsOff(event) {
  event.preventDefault();
  try {
    const told = await asked("/page/faults/off", new URLSearchParams());
    changing.clear();
    complain(at("fault-error"), null);
    showFaults(told);
    say("All faults are off");
  } catch (error) {
    complain(at("fault-error"), error);
  }
}

// --- writing -----------------------------------------------------------------------------------------------------------

function grow() {
  bodyBox.style.height = "auto"; // the script's own style: the policy is about what is written in the page
  bodyBox.style.height = `${bodyBox.scrollHeight + 2}px`;
}

async function send(event) {
  event.preventDefault();
  const form = new FormData(composer, event.submitter);
  const picture = form.get("picture");
  if (!form.get("quick") && !form.get("body").trim() && !picture) return void bodyBox.focus();
  if (form.get("quick")) form.delete("picture");
  else {
    bodyBox.value = "";
    composer.querySelector('[name="picture"][value=""]').checked = true;
    at("attach").open = false;
    picked();
    grow();
  }
  now.follow = true;
  complain(at("error"), null);
  bodyBox.focus();
  setTimeout(() => renew().then(toEnd), 80); // it is on the screen before the product has answered
  const turn = now.turn;
  try {
    await asked("/page/texts", new URLSearchParams(form));
    if (turn === now.turn) await refresh();
  } catch (error) {
    complain(at("error"), error);
    if (!bodyBox.value && !form.get("quick")) bodyBox.value = form.get("body");
  }
}

function picked() {
  const choice = composer.elements.picture.value;
  at("picked").hidden = !choice;
  at("attach").querySelector("summary").setAttribute("aria-label", choice ? "Attach a picture, one is chosen" : "Attach a picture");
}

async function add(event) {
  event.preventDefault();
  try {
    const line = await asked("/page/phones", new URLSearchParams(new FormData(event.target)));
    complain(at("add-error"), null);
    event.target.closest("details").open = false;
    event.target.elements.phone.value = line.person_shown.replace(/\d\d$/, (last) => String((Number(last) + 1) % 100).padStart(2, "0"));
    take(line);
    show("phone");
    bodyBox.focus();
  } catch (error) {
    complain(at("add-error"), error);
    event.target.elements.phone.focus();
  }
}

// --- live --------------------------------------------------------------------------------------------------------------

async function refresh() {
  if (!now.phone) return;
  const turn = now.turn;
  const told = await asked(`/page/thread.json?${query()}`);
  if (turn !== now.turn) return;
  showContact(told.phone);
  const own = told.items.filter((item) => item.direction === "from_phone");
  if (now.follow && own.length) now.item = own[own.length - 1].id;
  showThread(told.items);
  mark();
  await Promise.all([refreshWire(), asked("/page/phones.json").then((list) => showPhones(list.items))]);
}

// Refresh, and say on the page what the simulator refuses; that it does not answer at all is said by the next poll.
const renew = () => refresh().catch(refused);

function refused(error) {
  if (error instanceof Refused) complain(at("error"), error);
}

async function refreshWire() {
  const turn = now.turn;
  const item = now.item;
  const told = item ? await asked(`/page/wire.json?${query({ item })}`) : { items: [] };
  if (turn === now.turn && item === now.item) showWire(told.items);
}

async function refreshState() {
  const told = await asked("/sim/state");
  const counts = { in: told.inbound, out: told.creates.accepted, callbacks: told.callbacks.acknowledged, model: told.model.requests };
  for (const node of document.querySelectorAll("[data-count]")) node.textContent = counts[node.dataset.count];
  showFaults(told.faults);
}

async function poll() {
  try {
    if (!document.hidden) {
      const lines = (await asked(`/sim/log?since=${now.seq}`)).trim();
      if (lines) now.seq = JSON.parse(lines.slice(lines.lastIndexOf("\n") + 1)).seq;
      if (lines || now.waiting) await refresh();
      if (lines || now.polls % STATE_EVERY === 0) await refreshState();
      now.polls += 1;
    }
    if (now.lost) await refresh();
    link(false);
  } catch (error) {
    if (!(error instanceof Refused)) link(true);
  }
  setTimeout(poll, POLL_MS);
}

function link(lost) {
  if (lost === now.lost) return;
  now.lost = lost;
  at("link-state").textContent = lost ? "The simulator does not answer: trying again" : "Stand-in carrier and model";
  at("link-state").classList.toggle("lost", lost);
}

function show(name, focus) {
  const shown = at(name)?.classList.contains("panel") ? name : "phone";
  for (const panel of document.querySelectorAll(".panel")) panel.classList.toggle("shown", panel.id === shown);
  for (const tab of document.querySelectorAll(".views a")) {
    if (tab.hash === `#${shown}`) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  if (shown === "phone") toEnd();
  if (focus) at(`${shown}-title`)?.focus();
}

for (const tab of document.querySelectorAll(".views a")) {
  tab.addEventListener("click", (event) => {
    event.preventDefault();
    show(tab.hash.slice(1), true);
  });
}
bodyBox.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composer.requestSubmit(composer.querySelector(".send"));
});
bodyBox.addEventListener("input", grow);
composer.addEventListener("submit", send);
composer.addEventListener("change", picked);
at("attach").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  at("attach").open = false;
  at("attach").querySelector("summary").focus();
});
at("add").addEventListener("submit", add);
at("newer").addEventListener("click", toEnd);
screen.addEventListener("scroll", () => { if (screen.scrollHeight - screen.scrollTop - screen.clientHeight < NEAR_END_PX) at("newer").hidden = true; });
switches.addEventListener("change", setFaults);
switches.addEventListener("submit", (event) => event.preventDefault());
at("alarm").addEventListener("submit", faultsOff);
document.querySelector(".faults .off").addEventListener("submit", faultsOff);

document.documentElement.classList.add("live");
show(location.hash.slice(1) || "phone");
renew().then(toEnd);
poll();
