// Makes pages follow what happens, and adds keys. Everything is there without it.
"use strict";
(() => {
  const root = document.documentElement;
  const kept = {
    read(name, usual) {
      try { return localStorage.getItem("confbus." + name) ?? usual; } catch { return usual; }
    },
    write(name, value) {
      try { localStorage.setItem("confbus." + name, value); } catch { /* It holds for this page. */ }
    },
  };
  const themes = ["system", "light", "dark"];
  const dress = (theme) => {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  // Before anything is painted.
  dress(kept.read("theme", "system"));
  addEventListener("DOMContentLoaded", begin);

  function begin() {
    const at = (id) => document.getElementById(id);
    const base = document.body.dataset.base;
    at("tools").hidden = false;
    at("reload").hidden = true;

    // Theme, times and switches are kept in this browser.
    const theme = () => {
      const next = themes[(themes.indexOf(kept.read("theme", "system")) + 1) % themes.length];
      kept.write("theme", next);
      dress(next);
      at("theme").textContent = "Theme: " + next;
    };
    at("theme").textContent = "Theme: " + kept.read("theme", "system");
    at("theme").addEventListener("click", theme);
    const keys = at("keys");
    at("keys-button").addEventListener("click", () => keys.showModal());
    const box = (id, usual, changed) => {
      at(id).checked = kept.read(id, usual) === "on";
      at(id).addEventListener("change", () => {
        kept.write(id, at(id).checked ? "on" : "off");
        changed();
      });
    };
    box("single", "on", () => {});
    box("utc", "off", () => location.reload());
    box("live", "on", () => (at("live").checked ? open() : close()));

    const local = (part) => {
      if (at("utc").checked) return;
      for (const time of part.querySelectorAll("time")) {
        const moment = new Date(time.dateTime);
        if (Number.isNaN(moment.getTime())) continue;
        const isToday = moment.toDateString() === new Date().toDateString();
        time.title = time.dateTime;
        time.textContent = isToday ? moment.toLocaleTimeString() : moment.toLocaleString();
      }
    };
    local(document);

    // What the server sent last, whatever became of it here.
    let tag = null;
    let waiting = null;
    let isFetching = false;
    let isDue = false;
    let last = 0;
    let heard = Date.now();
    let said = at("sentence")?.textContent ?? "";
    let saidAt = 0;

    const isBusy = (part) => part.contains(document.activeElement) || part.matches(":hover");
    const fill = (old, next) => {
      if (old.innerHTML === next.innerHTML) return;
      old.innerHTML = next.innerHTML;
      old.classList.add("fresh");
      setTimeout(() => old.classList.remove("fresh"), 200);
    };
    // Cells change where they stand; rows come, go and move only while nobody is among them.
    const fillRows = (old, next, force) => {
      const mine = new Map([...old.rows].map((row) => [row.dataset.row, row]));
      const order = (body) => [...body.rows].map((row) => row.dataset.row).join("\n");
      if (order(old) !== order(next)) {
        if (!force && isBusy(old)) return false;
        const focus = document.activeElement?.closest("tr")?.dataset.row;
        old.replaceChildren(...[...next.rows].map((row) => row.cloneNode(true)));
        [...old.rows].find((row) => focus && row.dataset.row === focus)?.querySelector("a")?.focus();
        return true;
      }
      for (const row of next.rows) {
        const cells = mine.get(row.dataset.row).cells;
        [...row.cells].forEach((cell, index) => {
          const target = cells[index];
          target.className = cell.className;
          if (!target.contains(document.activeElement)) fill(target, cell);
        });
      }
      return true;
    };
    // What somebody looks at stays where it is: parts above it do not shrink before it is left, and what they grow is scrolled.
    const steady = (change) => {
      const focused = document.activeElement;
      const inMain = at("main").contains(focused) && focused !== at("main");
      const eye = inMain ? focused : at("main").querySelector("tr:hover, li:hover");
      const parts = [...document.querySelectorAll("[data-live]")];
      const isAbove = (part) => eye && !part.contains(eye) && (part.compareDocumentPosition(eye) & Node.DOCUMENT_POSITION_FOLLOWING);
      const top = eye?.getBoundingClientRect().top;
      root.style.overflowAnchor = eye ? "none" : "";
      for (const part of parts) part.style.minHeight = isAbove(part) ? part.offsetHeight + "px" : "";
      change();
      if (eye?.isConnected) scrollBy({ top: eye.getBoundingClientRect().top - top, behavior: "instant" });
    };
    const swap = (page, force) => steady(() => exchange(page, force));
    const exchange = (page, force) => {
      let isDone = true;
      for (const next of page.querySelectorAll("[data-live]")) {
        const old = at(next.id);
        if (!old) continue;
        local(next);
        const rows = next.querySelectorAll("[data-rows]");
        const mine = old.querySelectorAll("[data-rows]");
        const around = (part) => {
          const copy = part.cloneNode(true);
          copy.querySelectorAll("[data-rows]").forEach((body) => body.replaceChildren());
          return copy.innerHTML;
        };
        if (rows.length && rows.length === mine.length && around(old) === around(next)) {
          rows.forEach((body, index) => { isDone = fillRows(mine[index], body, force) && isDone; });
        } else if (!force && isBusy(old) && old.innerHTML !== next.innerHTML) {
          if (rows.length === mine.length) {
            rows.forEach((body, index) => fillRows(mine[index], body, false));
          }
          isDone = false;
        } else {
          fill(old, next);
        }
      }
      waiting = isDone ? null : page;
      at("newer").hidden = isDone;
      if (isDone) say(page);
    };
    // One sentence, now and then: not each row.
    const say = (page) => {
      const text = page.getElementById("sentence")?.textContent ?? "";
      if (text === said || Date.now() - saidAt < 5000) return;
      said = text;
      saidAt = Date.now();
      at("said").textContent = text;
    };
    const showWaiting = () => { if (waiting) swap(waiting, true); };
    at("newer-button").addEventListener("click", showWaiting);

    const look = async () => {
      if (isFetching) { isDue = true; return; }
      isFetching = true;
      isDue = false;
      // At most one swap in a second.
      await new Promise((done) => setTimeout(done, Math.max(0, last + 1000 - Date.now())));
      last = Date.now();
      try {
        const headers = { Accept: "text/html" };
        if (tag) headers["If-None-Match"] = tag;
        const answer = await fetch(location.href, { headers, cache: "no-store", credentials: "same-origin" });
        if (answer.ok) {
          tag = answer.headers.get("ETag");
          swap(new DOMParser().parseFromString(await answer.text(), "text/html"), false);
        }
        if (answer.ok || answer.status === 304) asOf();
      } catch { /* The dot says so. */ }
      isFetching = false;
      if (isDue) look();
    };
    const asOf = () => { at("as-of").textContent = new Date().toLocaleTimeString(); };
    const shine = (isLive) => {
      at("dot").classList.toggle("on", isLive);
      at("dot-word").textContent = isLive ? "live" : "not live since";
    };

    // The stream says that something changed and not what: the page is asked for again.
    let stream = null;
    let known = null;
    const open = () => {
      if (stream || document.hidden || !at("live").checked || !document.querySelector("[data-live]")) return;
      stream = new EventSource(base + "/api/changes");
      const hear = (event) => {
        heard = Date.now();
        shine(true);
        if (known !== event.lastEventId) look();
        else asOf();
        known = event.lastEventId;
      };
      stream.addEventListener("hello", hear);
      stream.addEventListener("changed", hear);
      stream.addEventListener("beat", hear);
    };
    const close = () => {
      stream?.close();
      stream = null;
      shine(false);
    };
    document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
    addEventListener("pagehide", close);
    let round = 0;
    setInterval(() => {
      if (!stream) return;
      if (Date.now() - heard > 8000) {
        shine(false);
        if (stream.readyState === EventSource.CLOSED) { stream = null; open(); }
      } else if (++round % 30 === 0) {
        // Who falls silent does so without an event.
        look();
      }
    }, 1000);
    open();

    // Keys.
    let isGoing = false;
    let row = -1;
    const move = (by) => {
      const links = [...document.querySelectorAll("tbody tr th a")];
      if (!links.length) return;
      row = Math.min(Math.max(row + by, 0), links.length - 1);
      links[row].focus();
    };
    const does = {
      "/": () => at("search").focus(),
      "?": () => keys.showModal(),
      j: () => move(1),
      k: () => move(-1),
      // Of a page about a commit, the address that goes on showing that one.
      y: () => {
        const lasting = document.querySelector("[data-permalink]")?.dataset.permalink;
        navigator.clipboard?.writeText(new URL(lasting ?? location.href, location.href).href);
      },
      ".": showWaiting,
      t: theme,
      g: () => { isGoing = true; setTimeout(() => { isGoing = false; }, 1500); },
    };
    addEventListener("keydown", (event) => {
      const isField = event.target.closest?.("input, select, textarea, dialog");
      if (isField || event.ctrlKey || event.metaKey || event.altKey || !at("single").checked) return;
      if (isGoing) {
        isGoing = false;
        const link = document.querySelector("nav a[data-key='" + CSS.escape(event.key) + "']");
        if (link) { event.preventDefault(); link.click(); return; }
      }
      if (Object.hasOwn(does, event.key)) {
        event.preventDefault();
        does[event.key]();
      }
    });
  }
})();
