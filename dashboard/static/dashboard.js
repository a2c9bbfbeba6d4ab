// Adds to pages that work without it: live updates, running clocks, a segment counter, Ctrl+Enter, a theme switch, copying.
"use strict";
(() => {
  const POLL_MS = 750;
  const SLOWEST_POLL_MS = 10000;
  const MORE_MS = 50;
  const EASE = 2;
  const SOON_S = 60;
  const COPIED_MS = 4000;
  const top = document.querySelector(".top");
  if (!top) return;
  const main = document.getElementById("main");
  const line = document.querySelector("[data-line]");
  const lineWord = document.querySelector("[data-line-word]");
  const announcer = document.querySelector("[data-announce]");
  const newer = document.querySelector("[data-newer]");
  const scroller = () => document.querySelector("[data-scroll]");
  let cursor = top.dataset.cursor;
  let failures = 0;
  let everything = false;
  const unshown = new Set();
  let stopped = false;
  let sending = false;

  // ---- clocks: the same words and colours as the server's own ----

  function span(seconds) {
    const minutes = Math.floor(seconds / 60);
    const hours = Math.floor(seconds / 3600);
    const days = Math.floor(seconds / 86400);
    if (seconds < 60) return `${seconds} s`;
    if (!hours) return `${minutes} min`;
    if (!days) return minutes % 60 ? `${hours} h ${String(minutes % 60).padStart(2, "0")}` : `${hours} h`;
    return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
  }

  function tick() {
    const now = Math.floor(Date.now() / 1000);
    for (const time of document.querySelectorAll("time[data-since]")) {
      const waited = Math.max(0, now - Number(time.dataset.since));
      time.textContent = span(waited);
      const clock = time.closest(".clock");
      const level = now >= Number(time.dataset.due) ? "late" : waited >= SOON_S ? "soon" : "new";
      clock.classList.remove("clock-new", "clock-soon", "clock-late");
      clock.classList.add(`clock-${level}`);
      const word = clock.querySelector(".clock-word");
      if (word) word.textContent = { new: "New", soon: "Waiting", late: "Overdue" }[level];
    }
  }

  // ---- live: ask what has changed, then take over the parts of the page that differ ----

  function state(name, word) {
    line.hidden = false;
    line.dataset.line = name;
    if (lineWord.textContent !== word) lineWord.textContent = word;
    const send = document.querySelector("[data-composer] .btn-solid");
    const body = document.getElementById("body");
    if (send && body && !sending) send.disabled = name !== "on" || body.disabled;
  }

  function atEnd() {
    const box = scroller();
    return !box || Math.abs(box.scrollTop) < 80;
  }

  function place(old, fresh) {
    const inside = old.contains(document.activeElement) ? document.activeElement : null;
    const path = inside && (inside.getAttribute("href") || inside.getAttribute("formaction") || inside.id);
    const open = new Set([...old.querySelectorAll("details[open][data-keep]")].map((one) => one.dataset.keep));
    old.replaceWith(fresh);
    for (const one of fresh.querySelectorAll("details[data-keep]")) one.open = open.has(one.dataset.keep);
    if (!path) return;
    const again = [...fresh.querySelectorAll("a, button, [id]")].find(
      (one) => (one.getAttribute("href") || one.getAttribute("formaction") || one.id) === path,
    );
    if (again) again.focus({ preventScroll: true });
  }

  function bare(element) {
    // Running clocks and form tokens differ each time: that is no news.
    const copy = element.cloneNode(true);
    for (const one of copy.querySelectorAll(".clock, input[name=csrf_token]")) one.remove();
    for (const one of copy.querySelectorAll("details[open]")) one.open = false;
    return copy.textContent.replace(/\s+/g, " ") + [...copy.querySelectorAll("[class]")].map((one) => one.className);
  }

  async function parts(address, told) {
    const answer = await fetch(address, { headers: { "X-Live": told }, credentials: "same-origin" });
    if (answer.status === 401) return signedOut();
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of fresh.querySelectorAll("[data-live]")) {
      const old = document.querySelector(`[data-live="${part.dataset.live}"]`);
      if (!old || bare(old) === bare(part)) continue;
      if (part.dataset.live === "composer-state" && old.contains(document.activeElement)) continue;
      place(old, document.importNode(part, true));
    }
    return fresh;
  }

  async function refreshThread(told) {
    // A text that was refused is shown at the form's own address, which only takes forms.
    const wasAtEnd = atEnd();
    const before = new Set([...document.querySelectorAll(".said-in")].map((one) => one.id));
    const fresh = await parts(`/c/${main.dataset.conversation}${location.search}`, told);
    if (!fresh) return;
    const body = document.getElementById("body");
    const freshBody = fresh.getElementById("body");
    if (body && freshBody && body.disabled !== freshBody.disabled) {
      body.disabled = freshBody.disabled;
      body.placeholder = freshBody.placeholder;
      if (!sending) document.querySelector("[data-composer] .btn-solid").disabled = freshBody.disabled;
    }
    document.title = fresh.title;
    const arrived = [...document.querySelectorAll(".said-in")].filter((one) => !before.has(one.id));
    if (arrived.length && before.size) {
      const person = document.getElementById("person");
      announcer.textContent = `New text from ${person ? person.textContent : "a lead"}`;
      if (!wasAtEnd && newer) {
        newer.textContent = arrived.length === 1 ? "1 new text below" : `${arrived.length} new texts below`;
        newer.hidden = false;
      }
    }
    noteSeen();
  }

  function asked() {
    // Without a queue in its address a page keeps the one that it was opened with.
    const wanted = new URLSearchParams(location.search);
    if (main.dataset.queue && !wanted.has("queue")) wanted.set("queue", main.dataset.queue);
    for (const name of [...wanted.keys()]) if (!["queue", "page"].includes(name)) wanted.delete(name);
    return wanted;
  }

  async function refresh(changed, told) {
    // `told` makes sure that what is fetched has come at least as far as the news it is fetched for.
    const open = main.dataset.conversation;
    if (!open) {
      const fresh = await parts(`${location.pathname}?${asked()}`, told);
      if (fresh) document.title = fresh.title;
    } else {
      if (!changed || changed.has(open)) await refreshThread(told);
      // The queue beside it is the inbox's, which is found once for all who look.
      if (!stopped) await parts(`/?${asked()}`, told);
      for (const entry of document.querySelectorAll(".entry")) {
        if (entry.dataset.id === open) entry.setAttribute("aria-current", "true");
        else entry.removeAttribute("aria-current");
      }
    }
    tick();
  }

  function noteSeen() {
    // What stands on the screen has been seen: only a text that comes after it makes an answer stale.
    const texts = document.querySelectorAll(".said-in");
    const field = document.querySelector("[data-seen]");
    if (field && texts.length && atEnd()) field.value = texts[texts.length - 1].id.slice(2);
  }

  function signedOut() {
    stopped = true;
    state("out", "Signed out");
    const link = document.createElement("a");
    link.href = `/login?next=${encodeURIComponent(location.pathname)}`;
    link.textContent = "Sign in";
    line.append(" ", link);
  }

  async function poll() {
    if (stopped) return;
    let wait = POLL_MS;
    const began = performance.now();
    try {
      const answer = await fetch(`/live?cursor=${encodeURIComponent(cursor)}`, {
        headers: { "X-Live": "1" },
        credentials: "same-origin",
      });
      if (answer.status === 401) return void signedOut();
      if (!answer.ok) throw new Error(String(answer.status));
      const news = await answer.json();
      const took = performance.now() - began;
      for (const one of news.changed) unshown.add(one);
      everything ||= news.floor;
      cursor = news.cursor;
      // After a long absence there is more at once: the page is fetched when the end is reached.
      if (!news.more && (unshown.size || everything)) {
        await refresh(everything ? null : unshown, cursor);
        unshown.clear();
        everything = false;
      }
      if (stopped) return;
      failures = 0;
      state("on", "Live");
      // A busy server is asked less often, by how long it took to say what is new: a page takes its time once.
      wait = news.more ? MORE_MS : Math.max(POLL_MS, EASE * took);
    } catch {
      failures += 1;
      state("off", "Reconnecting");
      wait = POLL_MS * 2 ** Math.min(failures - 1, 2);
    }
    // Pages that lost the line at the same moment do not come back at the same moment.
    wait = Math.min(wait, SLOWEST_POLL_MS) * (0.9 + 0.2 * Math.random());
    setTimeout(poll, document.hidden ? Math.max(wait, 3 * POLL_MS) : wait);
  }

  // ---- composer ----

  // 3GPP TS 23.038: the default alphabet, and what costs two septets.
  const GSM =
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
  const EXTENSION = "^{}\\[~]|€\f";

  function measured(text) {
    const characters = [...text];
    const odd = characters.find((one) => !GSM.includes(one) && !EXTENSION.includes(one));
    const costs = characters.map((one) => (odd ? one.length : EXTENSION.includes(one) ? 2 : 1));
    const [alone, part] = odd ? [70, 67] : [160, 153];
    const units = costs.reduce((sum, cost) => sum + cost, 0);
    let segments = 1;
    if (units > alone) {
      let used = 0;
      for (const cost of costs) {
        if (used + cost > part) {
          segments += 1;
          used = 0;
        }
        used += cost;
      }
    }
    const left = segments === 1 ? alone - units : null;
    return { segments, left, odd };
  }

  function measure() {
    const body = document.getElementById("body");
    const field = document.querySelector("[data-measure]");
    if (!body || !field || !body.value) return;
    const { segments, left, odd } = measured(body.value);
    const room = left === null ? "" : `, ${left} left`;
    const why = odd ? `. “${odd}” makes segments shorter` : "";
    field.textContent = `${segments} segment${segments === 1 ? "" : "s"}${room}${why}`;
  }

  function kept(name) {
    try {
      return sessionStorage.getItem(name);
    } catch {
      return null; // storage is off
    }
  }

  function keep(name, value) {
    try {
      if (value) sessionStorage.setItem(name, value);
      else sessionStorage.removeItem(name);
    } catch {
      // storage is off: the words stay in the field
    }
  }

  function watchComposer() {
    const form = document.querySelector("[data-composer]");
    const body = document.getElementById("body");
    if (!form || !body) return;
    body.addEventListener("input", measure);
    body.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && body.value.trim()) form.requestSubmit();
    });
    const send = form.querySelector("button.btn-solid");
    const draft = `draft:${main.dataset.conversation}`;
    if (!body.value && !body.disabled) body.value = kept(draft) || "";
    body.addEventListener("input", () => keep(draft, body.value));
    form.addEventListener("submit", async (event) => {
      // Asked first whether anybody is there: the browser's error page would take the words away.
      event.preventDefault();
      if (sending || stopped) return;
      sending = true;
      send.disabled = true;
      try {
        const answer = await fetch(`/live?cursor=${encodeURIComponent(cursor)}`, {
          headers: { "X-Live": "1" },
          credentials: "same-origin",
        });
        if (answer.status === 401) {
          sending = false;
          return void signedOut();
        }
        if (!answer.ok) throw new Error(String(answer.status));
        keep(draft, "");
        form.submit(); // the same form twice would still be one text
      } catch {
        sending = false;
        state("off", "Reconnecting");
      }
    });
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      sending = false;
      if (!body.disabled) send.disabled = false;
    });
    measure();
  }

  // ---- theme ----

  function watchTheme() {
    const button = document.querySelector("[data-theme-switch]");
    if (!button) return;
    const root = document.documentElement;
    const name = () => (button.textContent = root.dataset.bsTheme === "dark" ? "Switch to light" : "Switch to dark");
    button.hidden = false;
    name();
    button.addEventListener("click", () => {
      root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
      try {
        localStorage.setItem("theme", root.dataset.bsTheme);
      } catch {
        // storage is off: the choice lasts for this page
      }
      name();
    });
  }

  // ---- copying ----

  function watchCopying() {
    if (!navigator.clipboard) return; // without https there is none: the words can be selected
    for (const button of document.querySelectorAll("[data-copy]")) {
      const field = document.getElementById(button.dataset.copy);
      const words = button.textContent;
      button.hidden = false;
      button.addEventListener("click", async () => {
        field.select();
        try {
          await navigator.clipboard.writeText(field.value);
          button.textContent = announcer.textContent = "Copied";
        } catch {
          button.textContent = announcer.textContent = "Not copied: it is selected, copy it yourself";
        }
        setTimeout(() => (button.textContent = words), COPIED_MS);
      });
    }
  }

  document.addEventListener("click", (event) => {
    const account = document.querySelector(".account");
    if (account && !account.contains(event.target)) account.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const account = document.querySelector(".account[open]");
    if (event.key === "Escape" && account) {
      account.open = false;
      account.querySelector("summary").focus();
    }
  });
  if (newer) {
    newer.addEventListener("click", () => {
      const box = scroller();
      box.scrollTop = 0;
      newer.hidden = true;
      noteSeen();
      box.focus();
    });
    scroller().addEventListener("scroll", () => {
      if (atEnd()) {
        newer.hidden = true;
        noteSeen();
      }
    });
  }
  const chosen = document.querySelector('.entry[aria-current="true"]');
  const list = chosen && chosen.closest(".rows-scroll");
  // The chosen row on top where it would be out of sight: no row above it is cut in two.
  if (list && chosen.getBoundingClientRect().bottom > list.getBoundingClientRect().bottom) {
    list.scrollTop += chosen.getBoundingClientRect().top - list.getBoundingClientRect().top;
  }
  watchTheme();
  watchComposer();
  watchCopying();
  tick();
  setInterval(tick, 1000);
  if (main && main.dataset.watch) {
    state("on", "Live");
    setTimeout(poll, POLL_MS);
  }
})();
