// The live page: a stream of events into a ring of 10,000 rows, of which only those in sight are in the page.
(function () {
  "use strict";

  var list = document.getElementById("live");
  if (!list || !window.EventSource) return;

  var WORDS = window.weiguangWords || {};
  function fill(sentence, values) {
    return sentence.replace(/%\((\w+)\)s/g, function (whole, name) { return values && name in values ? values[name] : whole; }).replace(/%%/g, "%");
  }
  function _(sentence, values) { return fill((WORDS[sentence] || [sentence])[0], values); }
  function _n(sentence, n) {
    var forms = WORDS[sentence] || [sentence];
    return fill(n === 1 ? forms[0] : forms[forms.length - 1], { n: n.toLocaleString("en") });
  }

  var API = "/api/operations/v1/events", RING = 10000, PAGE = 200, MOST_NUMBERS = 500, OVERSCAN = 8;
  var config = JSON.parse(document.getElementById("live-config").textContent), book = config.catalogue, names = config.names;
  var space = list.querySelector(".live-space"), layer = list.querySelector(".live-rows"), panel = document.getElementById("live-event");
  var filters = document.getElementById("live-filters"), pauseButton = document.getElementById("live-pause"), rawBox = document.getElementById("live-raw");

  // ---- sentences: the same forms as services/web/pages/console/sentences.py -----------------------------------------

  function plain(value) { return value === null || value === undefined || typeof value === "object" ? "" : String(value); }

  function fits(form, data) {
    return Object.keys(form.when).every(function (member) {
      var wanted = form.when[member], value = plain(data[member]);
      if (!wanted.length || wanted[0] === "*") return Boolean(value) === Boolean(wanted.length);
      return wanted.indexOf(value) >= 0;
    });
  }

  function figure(value) { return Number.isInteger(value) ? value.toLocaleString("en") : plain(value); }

  var SAY = {
    minutes: function (value) {
      if (!Number.isInteger(value)) return plain(value);
      var hours = Math.floor(value / 60), rest = value % 60;
      return fill(book.sayings[!hours ? "minutes" : rest ? "hours_minutes" : "hours"], { hours: hours.toLocaleString("en"), minutes: rest });
    },
    signed: function (value) {
      if (!Number.isInteger(value)) return plain(value);
      return value > 0 ? "+" + figure(value) : value < 0 ? "−" + figure(-value) : "0";
    },
    moment: function (value) { var at = district(value); return at ? at.slice(5, 10) + " " + at.slice(11, 16) : plain(value); },
    text: figure
  };

  // The district is eight hours ahead and has no summer time.
  function district(value) {
    var at = new Date(value);
    return isNaN(at) || !value ? "" : new Date(at.getTime() + 8 * 3600 * 1000).toISOString();
  }

  function part(name, kind, value, data) {
    var id = plain(value), end = id.slice(-6).toUpperCase();
    var unnamed = function (otherwise) { return end ? fill(book.sayings.unnamed, { end: end }) : book.sayings[otherwise]; };
    if (kind === "volunteer") return { text: numbers.get(id) || fill(book.sayings.someone, { end: end || "—" }), kind: kind, id: id };
    if (kind === "site") return { text: names.sites[id] || unnamed("no_site"), kind: kind, id: id };
    if ((kind === "activity" || kind === "drive") && id) needName(id);
    if (kind === "activity") return { text: names.activities[id] || plain(data.activity_title) || unnamed("no_activity"), kind: kind, id: id };
    if (kind === "drive" || kind === "team") {
      return { text: names[kind + "s"][id] || fill(book.sayings.unnamed, { end: end || "—" }), kind: kind, id: id };
    }
    if (kind === "word") return { text: (book.words[name] && book.words[name][id]) || id };
    return { text: SAY[kind](value) };
  }

  function sentence(event) {
    var data = event.value;
    if (event.kind !== "event" && book.sayings[event.kind]) return [{ text: fill(book.sayings[event.kind], { topic: event.topic }) }];
    if (!data || typeof data !== "object" || Array.isArray(data)) {
      return [{ text: fill(book.sayings.omitted, { type: event.type || event.kind, size: event.size }) }];
    }
    var form = (book.forms[event.type] || []).find(function (one) { return fits(one, data); });
    if (!form) return [{ text: fill(book.sayings.unknown, { type: event.type || event.kind }) }];
    return form.said.split(/(%\(\w+\)s)/).filter(Boolean).map(function (piece) {
      var found = /^%\((\w+)\)s$/.exec(piece);
      if (!found) return { text: piece.replace(/%%/g, "%") };
      var field = book.fields[found[1]] || [found[1], "text"];
      if (field[1] === "volunteer") need(plain(data[field[0]]));
      return part(found[1], field[1], data[field[0]], data);
    });
  }

  function spoken(event) { return sentence(event).map(function (one) { return one.text; }).join(""); }

  // ---- numbers of volunteers: asked for in batches, with the viewer's own session ------------------------------------

  var numbers = new Map(), asked = new Set(), wanted = [], asking = 0;

  function need(id) {
    if (!id || asked.has(id)) return;
    if (asked.size > 50000) { asked.clear(); numbers.clear(); }
    asked.add(id);
    wanted.push(id);
    if (!asking) asking = setTimeout(askNumbers, 40);
  }

  async function askNumbers() {
    var ids = wanted.splice(0, MOST_NUMBERS);
    asking = wanted.length ? setTimeout(askNumbers, 40) : 0;
    try {
      var answer = await fetch("/api/recruitment/v1/volunteers/numbers", {
        method: "POST", credentials: "same-origin", body: JSON.stringify({ volunteer_ids: ids }),
        headers: { "X-Weiguang-Page": "1", Accept: "application/json", "Content-Type": "application/json" }
      });
      if (!answer.ok) throw new Error(String(answer.status));
      (await answer.json()).items.forEach(function (one) { numbers.set(one.volunteer_id, one.volunteer_number); });
      redraw(true);
    } catch (error) {
      setTimeout(function () { ids.forEach(function (id) { asked.delete(id); }); }, 10000); // asked for again when they are in sight
    }
  }

  // ---- public names of activities and drives, from the index ----------------------------------------------------------

  var askedNames = new Set(), wantedNames = [], askingNames = 0, MOST_NAMES = 100;

  function needName(id) {
    if (askedNames.has(id) || names.activities[id] || names.drives[id]) return;
    if (askedNames.size > 50000) askedNames.clear();
    askedNames.add(id);
    wantedNames.push(id);
    if (!askingNames) askingNames = setTimeout(askNames, 40);
  }

  async function askNames() {
    var ids = wantedNames.splice(0, MOST_NAMES);
    askingNames = wantedNames.length ? setTimeout(askNames, 40) : 0;
    try {
      var answer = await read("/api/operations/v1/names?" + ids.map(function (id) { return "id=" + encodeURIComponent(id); }).join("&"));
      answer.items.forEach(function (one) { names[one.kind === "drive" ? "drives" : one.kind === "site" ? "sites" : "activities"][one.id] = one.name; });
      if (answer.items.length) redraw(true);
    } catch (error) { /* ids stand in place of names */ }
  }

  // ---- the ring -------------------------------------------------------------------------------------------------------

  // Newest last. A row is an event, or a gap {gap: {after, before}}: numbers of the index between which rows are missing.
  var rows = [], waiting = [], queue = [], flushing = 0, paused = false, chosen = null, last = 0, arrivals = [];

  // A burst comes as many messages: they enter the ring together.
  function arrive(found) {
    queue.push(found);
    if (!flushing) flushing = setTimeout(function () { flushing = 0; receive(queue.splice(0)); }, 16);
  }

  function receive(found) {
    var fresh = found.filter(function (row) { return row.gap || row.number > last; });
    fresh.forEach(function (row) { last = Math.max(last, row.gap ? row.gap.before - 1 : row.number); });
    arrivals.push([Date.now(), fresh.length]);
    if (!paused) { append(fresh); return; }
    waiting = waiting.concat(fresh);
    if (waiting.length > RING) {
      var dropped = waiting.splice(0, waiting.length - RING), before = numberOf(waiting[0]);
      if (waiting[0].gap) waiting[0].gap.after = afterOf(dropped[0]); else waiting.unshift({ gap: { after: afterOf(dropped[0]), before: before } });
    }
    said();
  }

  function numberOf(row) { return row.gap ? row.gap.before : row.number; }
  function afterOf(row) { return row.gap ? row.gap.after : row.number - 1; }

  function append(found) {
    if (!found.length) return;
    var top = list.scrollTop;
    rows = rows.concat(found);
    if (rows.length > RING) rows = rows.slice(rows.length - RING);
    // What is being read stays where it is: new rows come in above it.
    if (top > 0) { resize(); list.scrollTop = top + found.length * height; }
    redraw(true);
  }

  function row(position) { return rows[rows.length - 1 - position]; }

  // ---- drawing: one render a frame -------------------------------------------------------------------------------------

  var height = 0, slots = [], drawing = 0, stale = false;

  function redraw(all) {
    stale = stale || Boolean(all);
    if (!drawing) drawing = requestAnimationFrame(draw);
  }

  function resize() { space.style.height = rows.length * height + "px"; }

  function slot() {
    var place = document.createElement("div");
    place.className = "live-row";
    place.setAttribute("role", "row");
    place.id = "live-row-" + slots.length;
    ["live-time", "live-topic", "live-said"].forEach(function (name) {
      var cell = document.createElement("span");
      cell.className = name;
      cell.setAttribute("role", "gridcell");
      place.appendChild(cell);
    });
    layer.appendChild(place);
    slots.push({ place: place, row: null, at: -1 });
    return place;
  }

  function draw() {
    drawing = 0;
    if (!height) { height = Math.round(parseFloat(getComputedStyle(list).getPropertyValue("--row")) * parseFloat(getComputedStyle(document.documentElement).fontSize)); }
    var empty = !rows.length;
    document.getElementById("live-empty").hidden = !empty;
    list.hidden = empty;
    if (empty) list.removeAttribute("role");
    else { list.setAttribute("role", "grid"); list.setAttribute("aria-rowcount", rows.length); }
    resize();
    var first = Math.max(0, Math.floor(list.scrollTop / height) - OVERSCAN);
    var count = Math.min(rows.length - first, Math.ceil(list.clientHeight / height) + 2 * OVERSCAN);
    while (slots.length < count) slot();
    layer.style.transform = "translateY(" + first * height + "px)";
    var active = "";
    slots.forEach(function (one, index) {
      one.place.hidden = index >= count;
      if (index >= count) { one.row = null; return; }
      var shown = row(first + index);
      if (stale || one.row !== shown) fillSlot(one, shown);
      one.place.setAttribute("aria-rowindex", first + index + 1);
      one.place.setAttribute("aria-selected", shown === chosen ? "true" : "false");
      if (shown === chosen) active = one.place.id;
    });
    if (active) list.setAttribute("aria-activedescendant", active); else list.removeAttribute("aria-activedescendant");
    stale = false;
  }

  function fillSlot(one, shown) {
    one.row = shown;
    var cells = one.place.children, saying = cells[2];
    saying.textContent = "";
    if (shown.gap) {
      one.place.className = "live-row gap";
      cells[0].textContent = "";
      cells[1].textContent = _("缺口");
      saying.appendChild(document.createTextNode(gapSaid(shown.gap) + " "));
      var button = document.createElement("button");
      button.type = "button";
      button.className = "quiet";
      button.tabIndex = -1;
      button.textContent = shown.loading ? _("正在载入") : _("载入");
      button.disabled = Boolean(shown.loading);
      saying.appendChild(button);
      return;
    }
    one.place.className = "live-row " + (shown.kind === "event" && !/\.dlq$/.test(shown.topic) ? "" : "odd");
    cells[0].textContent = district(shown.published_at || shown.arrived_at).slice(11, 23);
    cells[1].textContent = topicWord(shown.topic);
    if (rawBox.checked) { saying.textContent = raw(shown).slice(0, 600); return; }
    sentence(shown).forEach(function (piece) {
      if (!piece.kind) { saying.appendChild(document.createTextNode(piece.text)); return; }
      var name = document.createElement("b");
      name.className = "live-" + piece.kind;
      name.textContent = piece.text;
      saying.appendChild(name);
    });
  }

  function raw(event) { return event.value_omitted ? _n("内容有 %(n)s 字节，请打开查看", event.size) : JSON.stringify(event.value); }

  function topicWord(topic) { return config.topics[topic] || (/\.dlq$/.test(topic) ? _("死信") : topic); }

  function gapSaid(gap) { return _n("这里少了最多 %(n)s 条", Math.max(0, gap.before - gap.after - 1)); }

  // ---- gaps ------------------------------------------------------------------------------------------------------------

  async function loadGap(shown) {
    if (shown.loading) return;
    shown.loading = true;
    redraw(true);
    try {
      var query = selection();
      query.set("below", shown.gap.before);
      query.set("limit", PAGE);
      var page = await read(API + "?" + query), index = rows.indexOf(shown);
      if (index < 0) return;
      var found = page.items.filter(function (event) { return event.number > shown.gap.after; }).reverse();
      var left = found.length === page.items.length && page.next_cursor && found.length ? [{ gap: { after: shown.gap.after, before: found[0].number } }] : [];
      rows = rows.slice(0, index).concat(left, found, rows.slice(index + 1));
      if (chosen === shown) chosen = left[0] || found[0] || null;
    } catch (error) { /* the mark stays, and can be pressed again */ }
    shown.loading = false;
    redraw(true);
  }

  // ---- the stream --------------------------------------------------------------------------------------------------------

  // "lost" is a cut that lasts: streams end every few minutes and are resumed at once.
  var source = null, run = 0, connected = false, retry = 0, heard = 0, cut = 0, lost = "", restored = 0;
  var GRACE = 3000, SILENCE = 45000, RESTORED = 8000, refused = false;

  function selection() {
    var query = new URLSearchParams();
    filters.querySelectorAll("[name]").forEach(function (field) { if (field.value.trim()) query.set(field.name, field.value.trim()); });
    return query;
  }

  async function read(address) {
    var answer = await fetch(address, { credentials: "same-origin", headers: { "X-Weiguang-Page": "1", Accept: "application/json" } });
    var data = await answer.json();
    if (!answer.ok) { var refusal = new Error(data.detail || String(answer.status)); refusal.status = answer.status; throw refusal; }
    return data;
  }

  // The newest number first, then list and stream from there: whatever comes in between is in one of them, or in both.
  async function start() {
    var mine = ++run;
    stop();
    refused = false;
    lost = "";
    cut = restored = 0;
    rows = []; waiting = []; queue = []; chosen = null; last = 0; arrivals = [];
    redraw(true);
    try {
      var newest = await read(API + "?limit=1"), query = selection();
      if (mine !== run) return;
      query.set("limit", PAGE);
      var found = [], page = null;
      for (var pages = 0; pages < 6 && found.length < PAGE / 2 && (!page || page.next_cursor); pages++) {
        if (page) query.set("cursor", page.next_cursor);
        page = await read(API + "?" + query);
        if (mine !== run) return;
        found = found.concat(page.items);
      }
      receive(found.reverse());
      last = Math.max(last, newest.items.length ? newest.items[0].number : 0);
      open(mine);
    } catch (error) {
      if (mine !== run) return;
      if (error.status >= 400 && error.status < 500 && error.status !== 429) { over(error); return; }
      interrupted();
      setTimeout(function () { if (mine === run) start(); }, 3000);
    }
  }

  function over(error) {
    connected = false;
    refused = true;
    document.getElementById("live-said").textContent = error.message;
    document.getElementById("live-state").dataset.live = "off";
    if (error.status === 401) location.assign("/staff/login?next=" + encodeURIComponent(location.pathname + location.search));
  }

  function open(mine) {
    var query = selection();
    query.set("after", last);
    query.set("beats", "true");
    source = new EventSource(API + "/stream?" + query);
    source.onopen = function () {
      connected = true;
      retry = cut = 0;
      heard = Date.now();
      if (lost) { lost = ""; restored = heard; }
      said();
    };
    source.addEventListener("event", function (message) { heard = Date.now(); arrive(JSON.parse(message.data)); });
    source.addEventListener("gap", function (message) { heard = Date.now(); arrive({ gap: JSON.parse(message.data) }); });
    source.addEventListener("beat", function () { heard = Date.now(); });
    source.onerror = function () {
      interrupted();
      // The browser comes again by itself, but not after a refusal: then we do, behind the last row.
      if (source && source.readyState === 2 && mine === run) again(mine);
    };
  }

  function interrupted() {
    connected = false;
    cut = cut || Date.now();
    said();
  }

  // What the stream does not say a plain request does: whether the session has ended, or the server is away.
  function again(mine) {
    stop();
    retry = Math.min(retry + 1, 5);
    setTimeout(async function () {
      if (mine !== run) return;
      try { await read(API + "?limit=1"); } catch (error) {
        if (mine !== run) return;
        lost = error.status === 401 ? "session" : "away";
        said();
        again(mine);
        return;
      }
      if (mine === run) open(mine);
    }, retry * 1000);
  }

  function stop() { if (source) source.close(); source = null; connected = false; }

  function state() {
    if (lost === "session") return _("断开：登录已过期，登录后会接着显示");
    if (lost) return _("断开，正在重连，断开期间的事件会补上");
    if (!connected) return _("正在连接");
    return Date.now() - restored < RESTORED ? _("已恢复，没有漏掉事件") : _("实时");
  }

  function said() {
    if (refused) return;
    if (!connected && !lost && cut && Date.now() - cut > GRACE) lost = "away";
    var held = paused ? _n("已暂停，有 %(n)s 条新事件", waiting.length) : "";
    var text = !held ? state() : lost ? held + " · " + state() : held;
    var place = document.getElementById("live-said");
    if (place.textContent !== text) place.textContent = text;
    document.getElementById("live-state").dataset.live = lost ? "lost" : paused ? "paused" : connected ? "on" : "off";
    document.getElementById("live-login").hidden = lost !== "session";
    pauseButton.textContent = paused ? _("继续") : _("暂停");
    pauseButton.setAttribute("aria-pressed", paused ? "true" : "false");
  }

  // A connection that broke without a word: no event and no beat for three times as long as one may take.
  setInterval(function () {
    if (connected && Date.now() - heard > SILENCE) list.weiguang.interrupt();
    said();
  }, 1000);

  setInterval(function () {
    var since = Date.now() - 60000, sum = 0;
    arrivals = arrivals.filter(function (one) { return one[0] > since; });
    arrivals.forEach(function (one) { sum += one[1]; });
    document.getElementById("live-rate").textContent = _n("最近一分钟 %(n)s 条", sum);
  }, 1000);

  // ---- what people do -------------------------------------------------------------------------------------------------

  function pause(on) {
    paused = on;
    if (!paused) { var held = waiting; waiting = []; append(held); }
    said();
  }

  function choose(shown, open) {
    chosen = shown || null;
    redraw(false);
    if (chosen && chosen.gap) { if (open) loadGap(chosen); return; }
    if (open && chosen) show(chosen);
  }

  function move(step) {
    if (!rows.length) return;
    var now = chosen ? rows.length - 1 - rows.indexOf(chosen) : -1, next = Math.min(rows.length - 1, Math.max(0, now + step));
    if (next * height < list.scrollTop) list.scrollTop = next * height;
    if ((next + 1) * height > list.scrollTop + list.clientHeight) list.scrollTop = (next + 1) * height - list.clientHeight;
    choose(row(next), !panel.hidden);
  }

  function add(tag, text, into, className) {
    var made = document.createElement(tag);
    made.textContent = text;
    if (className) made.className = className;
    into.appendChild(made);
    return made;
  }

  function show(event) {
    panel.textContent = "";
    var head = add("div", "", panel, "row"), close = document.createElement("button");
    add("h2", topicWord(event.topic), head);
    close.type = "button";
    close.className = "quiet";
    close.textContent = _("关闭");
    close.addEventListener("click", hide);
    head.appendChild(close);
    add("p", spoken(event), panel);
    var links = add("p", "", panel, "links");
    link(links, "/console/events/" + event.event_id, _("打开这一事件"));
    if (event.correlation_id) link(links, "/console/traces/" + encodeURIComponent(event.correlation_id), _("追踪全程"));
    if (event.key) link(links, "/console/search?key=" + encodeURIComponent(event.key), _("同一键的事件"));
    var facts = add("dl", "", panel, "facts-short");
    [[_("类型"), event.type], [_("位置"), event.topic + " / " + event.partition + " / " + event.offset], [_("业务时间"), time(event.event_time)],
      [_("发布"), time(event.published_at)], [_("到达"), time(event.arrived_at)], [_("键"), event.key], [_("关联编号"), event.correlation_id]].forEach(function (one) {
      if (!one[1]) return;
      add("dt", one[0], facts);
      add("dd", one[1], facts);
    });
    if (config.unmask) people(event);
    add("pre", event.value_omitted ? raw(event) : JSON.stringify(event.value, null, 2), panel, "raw").tabIndex = 0;
    panel.hidden = false;
  }

  // A name is read for a purpose, and the read is recorded.
  function people(event) {
    sentence(event).filter(function (one) { return one.kind === "volunteer" && one.id; }).slice(0, 1).forEach(function (one) {
      var form = document.createElement("form"), input = document.createElement("input"), button = document.createElement("button");
      form.className = "with-button";
      input.required = true;
      input.maxLength = 500;
      input.placeholder = _("用途，会记入安全日志");
      input.setAttribute("aria-label", _("查看姓名的用途"));
      button.className = "second";
      button.textContent = _("查看姓名");
      form.appendChild(input);
      form.appendChild(button);
      form.addEventListener("submit", async function (press) {
        press.preventDefault();
        if (!input.value.trim()) return;
        button.disabled = true;
        try {
          var answer = await fetch("/api/recruitment/v1/volunteers/" + one.id + "/unmask", {
            method: "POST", credentials: "same-origin", body: JSON.stringify({ purpose: input.value.trim() }),
            headers: { "X-Weiguang-Page": "1", Accept: "application/json", "Content-Type": "application/json" }
          });
          var data = await answer.json();
          form.replaceWith(add("p", answer.ok ? data.name : data.detail, panel));
        } catch (error) { button.disabled = false; }
      });
      panel.appendChild(form);
    });
  }

  function time(value) { var at = district(value); return at ? at.slice(0, 10) + " " + at.slice(11, 23) : ""; }

  function link(into, address, text) { var made = add("a", text, into); made.href = address; }

  function hide() { panel.hidden = true; list.focus(); }

  list.addEventListener("scroll", function () { redraw(false); }, { passive: true });
  window.addEventListener("resize", function () { height = 0; redraw(true); });
  list.addEventListener("click", function (event) {
    var place = event.target.closest(".live-row");
    var found = place && slots.find(function (one) { return one.place === place; });
    if (found && found.row) choose(found.row, true);
  });
  list.addEventListener("keydown", function (event) {
    var screen = Math.max(1, Math.floor(list.clientHeight / height) - 1);
    var steps = { ArrowDown: 1, ArrowUp: -1, PageDown: screen, PageUp: -screen, Home: -RING * 2, End: RING * 2 };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) move(steps[event.key]);
    else if (event.key === "Enter" && chosen) choose(chosen, true);
    else if (event.key === "Escape") hide();
    else if (event.key === "p" || event.key === " ") pause(!paused);
    else return;
    event.preventDefault();
  });
  panel.addEventListener("keydown", function (event) { if (event.key === "Escape") hide(); });
  pauseButton.addEventListener("click", function () { pause(!paused); });
  rawBox.addEventListener("change", function () { redraw(true); });

  function filter(event) {
    if (event) event.preventDefault();
    var query = selection().toString();
    history.replaceState(null, "", location.pathname + (query ? "?" + query : ""));
    start();
  }
  filters.addEventListener("submit", filter);
  filters.addEventListener("change", function () { filter(null); });

  // For tests and measurements: what the page says of an event, and how many rows it holds.
  list.weiguang = { say: spoken, rows: function () { return rows.length; }, receive: receive, interrupt: function () { interrupted(); again(run); } };

  start();
})();
