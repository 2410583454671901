// Everything works on what the server rendered; this file sends forms, shows refusals, and swaps parts of the page.
// Written for the old browsers inside WeChat: no optional chaining, no modules.
(function () {
  "use strict";

  // Sentences are written in Chinese; for another language the page brings its catalogue of them before this script.
  var WORDS = window.weiguangWords || {};

  function worded(sentence, values) {
    return sentence.replace(/%\((\w+)\)s/g, function (whole, name) { return values && name in values ? values[name] : whole; });
  }

  function _(sentence, values) { return worded((WORDS[sentence] || [sentence])[0], values); }

  function _n(sentence, n) {
    var forms = WORDS[sentence] || [sentence];
    return worded(n === 1 ? forms[0] : forms[forms.length - 1], { n: n });
  }

  var AWAY = _("网络不通或服务暂时没有回应，请稍后再按一次，不会重复提交。");

  // Not crypto.randomUUID: it is missing on plain http addresses and in old WebViews.
  function newKey() {
    var bytes = new Uint8Array(16), text = "";
    crypto.getRandomValues(bytes);
    for (var i = 0; i < 16; i++) text += (bytes[i] + 256).toString(16).slice(1);
    return text;
  }

  // Tells whether two check-ins came from one browser and nothing else: random, made once, sent with no other form.
  function deviceId() {
    try {
      var known = localStorage.getItem("wg_device") || "";
      if (!/^[0-9a-f]{32}$/.test(known)) {
        localStorage.setItem("wg_device", newKey());
        known = localStorage.getItem("wg_device") || "";
      }
      return known;
    } catch (error) { return ""; /* a browser that keeps nothing has no id */ }
  }

  function box(near) {
    var found = near.querySelector(":scope > .message");
    if (!found) {
      found = document.createElement("p");
      found.className = "message";
      found.setAttribute("role", "alert");
      near.appendChild(found);
    }
    return found;
  }

  function say(near, text, done) {
    var place = box(near);
    place.hidden = !text;
    place.textContent = text || "";
    place.className = done ? "message done" : "message";
  }

  function outdated(form) {
    var found = form && form.querySelector(":scope > .message:not(.done)");
    if (found) found.hidden = true;
  }

  // Which refusals mean that the session is over, by their type; and where one logs in again.
  var SESSION_OVER = ["token-missing", "token-expired", "token-invalid", "refresh-token-invalid", "refresh-token-reused"];

  function loginAgain(form, type) {
    if (SESSION_OVER.indexOf(type) < 0) return;
    var link = document.createElement("a"), here = location.pathname + location.search;
    link.href = (/^\/(staff|console)/.test(here) ? "/staff/login" : "/login") + "?next=" + encodeURIComponent(here);
    link.textContent = _("重新登录");
    box(form).appendChild(document.createTextNode(" "));
    box(form).appendChild(link);
  }

  // New terms are read and decided on first; the page there leads back here.
  function consentFirst(type) {
    if (type !== "consent-due") return;
    location.assign("/me/consent?next=" + encodeURIComponent(location.pathname + location.search));
  }

  // What is wrong in which line, below the sentence.
  function lines(form, problems) {
    if (!problems.length || !problems.map) return;
    var list = document.createElement("ul");
    problems.forEach(function (problem) {
      var item = document.createElement("li");
      item.textContent = problem.path
        ? _("第 %(line)s 行（%(path)s）：%(message)s", { line: problem.line, path: problem.path, message: problem.message })
        : _("第 %(line)s 行：%(message)s", { line: problem.line, message: problem.message });
      list.appendChild(item);
    });
    box(form).appendChild(list);
  }

  async function call(method, address, body, key) {
    var headers = { "X-Weiguang-Page": "1", Accept: "application/json" };
    if (key) headers["Idempotency-Key"] = key;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    var answer;
    try {
      answer = await fetch(address, {
        method: method, headers: headers, credentials: "same-origin", body: body === undefined ? undefined : JSON.stringify(body)
      });
    } catch (error) {
      return { ok: false, status: 0, detail: AWAY };
    }
    var data = null;
    try { data = await answer.json(); } catch (error) { data = null; }
    var detail = (data && data.detail) || (answer.status >= 500 ? AWAY : _("没有成功，请检查后重试（%(status)s）。", { status: answer.status }));
    return { ok: answer.ok, status: answer.status, data: data, detail: detail };
  }

  // One spelling for numbers and codes, whatever keyboard or clipboard they came through; the services do the same.
  function plain(text) {
    if (text.normalize) text = text.normalize("NFKC");
    return text.replace(/[\s\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]/g, "")
      .replace(/[\-\u2010-\u2015\u2212\u30fc\ufe58\ufe63\uff0d]/g, "");
  }

  function tidy(input) {
    if (input.dataset.strip === undefined) return;
    var value = input.value;
    if (input.dataset.code !== undefined) value = value.replace(/^\s*https?:.*[?&]c=/, "");
    value = plain(value);
    if (input.type === "tel") value = value.replace(/[().·]/g, "");
    if (value !== input.value) input.value = value;
  }

  // ---- intents --------------------------------------------------------------------------------------------------

  // One key per intent, kept by the browser until the service has answered: a second tap after a reload, a closed tab or
  // a redrawn part is the same intent. What is meant is kept as a digest only, since forms hold names and phones.
  var INTENTS = "wg_intents", INTENT_LIFE = 10 * 60 * 1000, unkept = {};

  function intents() {
    var now = Date.now(), all = unkept, alive = {};
    try { all = JSON.parse(localStorage.getItem(INTENTS) || "{}") || {}; } catch (error) { /* nothing is kept here */ }
    Object.keys(all).forEach(function (name) {
      if (all[name] && Math.abs(now - all[name].at) < INTENT_LIFE) alive[name] = all[name];
    });
    return alive;
  }

  function keep(all) {
    unkept = all;
    try { localStorage.setItem(INTENTS, JSON.stringify(all)); } catch (error) { /* this page still knows it */ }
  }

  // Two independent hashes of 32 bits (FNV-1a): enough to tell the intents of one browser apart.
  function digest(text) {
    var one = 0x811c9dc5, two = 0x1234567;
    for (var i = 0; i < text.length; i++) {
      one = Math.imul(one ^ text.charCodeAt(i), 0x01000193);
      two = Math.imul(two ^ text.charCodeAt(i), 0x01000193) ^ (two >>> 13);
    }
    return (one >>> 0).toString(36) + "-" + (two >>> 0).toString(36) + "-" + text.length.toString(36);
  }

  function intentOf(form, text) {
    var all = intents(), name = digest(text);
    if (!all[name]) {
      all[name] = { key: newKey(), at: Date.now(), path: location.pathname, then: form.dataset.then || "" };
      keep(all);
    }
    return { name: name, key: all[name].key };
  }

  function settled(intent) {
    var all = intents();
    delete all[intent.name];
    keep(all);
  }

  // ---- forms ----------------------------------------------------------------------------------------------------

  function check(form) {
    var first = null;
    form.querySelectorAll("input, select, textarea").forEach(function (input) {
      tidy(input);
      var bad = !input.disabled && !input.checkValidity();
      var field = input.closest(".field") || form;
      if (bad) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
      if (input.dataset.message || bad) say(field, bad ? input.dataset.message || _("请检查这一项。") : "");
      if (bad && !first) first = input;
    });
    if (first) first.focus();
    return !first;
  }

  function collect(form) {
    var body = {}, weeks = form.querySelector("[data-weeks]");
    form.querySelectorAll("[name]").forEach(function (input) { if (!input.closest("[data-rows]")) put(body, input, 0); });
    // rows become a list of objects; a weekly plan sends each row once for every week
    form.querySelectorAll("[data-rows]").forEach(function (row) {
      var list = body[row.dataset.rows] = body[row.dataset.rows] || [];
      for (var week = 0; week < (weeks ? Number(weeks.value) || 1 : 1); week++) {
        var one = {};
        row.querySelectorAll("[name]").forEach(function (input) { put(one, input, week); });
        list.push(one);
      }
    });
    return body;
  }

  function put(body, input, week) {
    if (input.disabled) return;
    // raw: every line stays where it is, as problems are told by line
    var name = input.name, value = input.dataset.raw !== undefined ? input.value : input.value.trim();
    // a list: the values of its ticked boxes
    if (input.dataset.list !== undefined) {
      body[name] = body[name] || [];
      if (input.checked) body[name].push(value);
      return;
    }
    if (input.type === "checkbox") { body[name] = input.checked; return; }
    if (input.type === "radio" && !input.checked) return;
    if (input.dataset.device !== undefined) value = deviceId();
    if (input.dataset.upper !== undefined) value = value.toUpperCase();
    if (value === "" && input.dataset.optional !== undefined) return;
    if (value === "" && input.dataset.null !== undefined) { body[name] = null; return; }
    // a day that nobody touched keeps its time of day
    if (input.dataset.kept && value === input.defaultValue) value = input.dataset.kept;
    else if (input.dataset.day !== undefined) value = midnight(value, input.dataset.day === "end");
    else if (input.dataset.moment !== undefined) value = weeksLater(value, week);
    // data-number="-1": what is typed is taken away
    body[name] = input.dataset.number !== undefined ? Number(value) * Number(input.dataset.number || 1) : value;
  }

  // A date and time of the district, so many weeks later.
  function weeksLater(value, weeks) {
    var at = new Date(value.slice(0, 16) + ":00Z");
    at.setUTCDate(at.getUTCDate() + 7 * weeks);
    return at.toISOString().slice(0, 16) + ":00+08:00";
  }

  // The beginning or the end of a day of the district, which is eight hours ahead and knows no summer time.
  function midnight(day, end) {
    var at = new Date(day + "T00:00:00Z");
    if (end) at.setUTCDate(at.getUTCDate() + 1);
    return at.toISOString().slice(0, 10) + "T00:00:00+08:00";
  }

  function filledAddress(address, values) {
    return address.replace(/\{(\w+)\}/g, function (_, name) {
      var value = values[name];
      delete values[name];
      return encodeURIComponent(value);
    });
  }

  // A sentence with members of the answer in it.
  function told(sentence, data) {
    return sentence.replace(/\{(\w+)\}/g, function (_, name) { return data[name] === undefined ? "" : data[name]; });
  }

  function busy(form, on) {
    form.dataset.busy = on ? "1" : "";
    form.querySelectorAll("button").forEach(function (button) {
      if (on) { button.dataset.was = button.disabled ? "1" : ""; button.disabled = true; }
      else if (!button.dataset.was) button.disabled = false;
    });
  }

  // A question before a form that cannot be undone: written in the page, or asked of the server where it depends on now.
  async function confirmed(form) {
    var question = form.dataset.confirm || "";
    if (form.dataset.ask !== undefined) {
      var answer = await call("GET", form.dataset.ask);
      question = (answer.ok && answer.data && answer.data.question) || "";
    }
    return !question || ask(question, form.dataset.askYes || _("确定"), form.dataset.askNo || _("取消"));
  }

  function ask(question, yes, no) {
    var dialog = document.createElement("dialog");
    if (!dialog.showModal) return window.confirm(question);
    var text = document.createElement("p"), row = document.createElement("div");
    text.id = "question";
    text.textContent = question;
    row.className = "actions";
    dialog.setAttribute("aria-labelledby", text.id);
    [[yes, "yes", ""], [no, "", "second"]].forEach(function (one) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = one[0];
      button.className = one[2];
      button.addEventListener("click", function () { dialog.close(one[1]); });
      row.appendChild(button);
    });
    dialog.appendChild(text);
    dialog.appendChild(row);
    document.body.appendChild(dialog);
    return new Promise(function (resolve) {
      dialog.addEventListener("close", function () { resolve(dialog.returnValue === "yes"); dialog.remove(); });
      dialog.showModal();
      row.lastChild.focus();
    });
  }

  async function submit(form) {
    if (form.dataset.busy) return;
    if (!check(form)) return;
    if (form.dataset.ask !== undefined || form.dataset.confirm) {
      busy(form, true);
      var agreed = await confirmed(form);
      busy(form, false);
      if (!agreed) return;
    }
    var body = collect(form), words = form.dataset.api.split(" ");
    var address = filledAddress(words[1], body), text = JSON.stringify([address, body]);
    var intent = intentOf(form, text);
    busy(form, true);
    say(form, "");
    var answer = await call(words[0], address, body, intent.key);
    // an earlier press is still at work: its answer is ours
    for (var more = 0; more < 5 && answer.data && answer.data.type === "request-in-progress"; more++) {
      await new Promise(function (resolve) { setTimeout(resolve, 1000); });
      answer = await call(words[0], address, body, intent.key);
    }
    if (!answer.ok) {
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 409) settled(intent);
      busy(form, false);
      say(form, answer.detail);
      // what the refusal asks for, such as a consent, appears in the form
      form.querySelectorAll("[data-shown-on]").forEach(function (part) {
        if (!answer.data || part.dataset.shownOn !== answer.data.type) return;
        part.hidden = false;
        part.querySelectorAll("input").forEach(function (input) { input.disabled = false; });
      });
      loginAgain(form, answer.data && answer.data.type);
      consentFirst(answer.data && answer.data.type);
      lines(form, (answer.data && answer.data.problems) || []);
      if (form.dataset.changed && answer.data && answer.data.type === "changed-meanwhile") await refresh([form.dataset.changed]);
      return;
    }
    settled(intent);
    await follow(form, answer);
  }

  async function follow(form, answer) {
    var done = form.dataset.done, then = form.dataset.then || "", said = told(form.dataset.toast || "", answer.data || {});
    if (said) { if (/^(go:|next$|reload$)/.test(then)) toastNext(said); else toast(said); }
    if (then.indexOf("go:") === 0) { location.assign(told(then.slice(3), answer.data || {})); return; }
    if (then === "next") { location.assign((answer.data && answer.data.next) || "/me"); return; }
    if (then === "reload") { location.reload(); return; }
    busy(form, false);
    if (done) say(form, told(done, answer.data || {}), true);
    if (form.dataset.clear !== undefined) form.reset();
    // drawn by our own server, such as the QR code of a new second factor
    if (form.dataset.html) { var place = document.getElementById(form.dataset.html); place.innerHTML = answer.data.html; place.hidden = false; }
    if (form.dataset.shows) document.getElementById(form.dataset.shows).hidden = false;
    if (then.indexOf("parts:") === 0) await refresh(then.slice(6).split(","));
    if (then.indexOf("watch:") === 0) await watch(then.slice(6).split(","));
  }

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.api === undefined) return;
    event.preventDefault();
    submit(form);
  });

  document.addEventListener("input", function (event) {
    var field = event.target.closest(".field");
    if (field && event.target.getAttribute("aria-invalid")) { event.target.removeAttribute("aria-invalid"); say(field, ""); }
    // a refusal speaks of what was sent, not of what is being typed now
    outdated(event.target.form);
    if (event.target.dataset.birth !== undefined) guardian(event.target);
  });

  // A guardian's consent is asked for once the birth date says that it is needed.
  function guardian(input) {
    var box = document.getElementById("guardian");
    if (!box) return;
    var today = new Date(), born = new Date(input.value + "T00:00:00");
    var limit = new Date(today.getFullYear() - Number(input.dataset.birth), today.getMonth(), today.getDate());
    var young = !isNaN(born) && born > limit;
    box.hidden = !young;
    box.querySelectorAll("input").forEach(function (one) { one.disabled = !young; });
  }

  // Fields that a ticked box asks for: shown, and sent, only while it is ticked.
  function toggled(box) {
    var place = document.getElementById(box.dataset.toggles);
    place.hidden = !box.checked;
    place.querySelectorAll("input, select, textarea").forEach(function (one) { one.disabled = !box.checked; });
  }

  document.addEventListener("change", function (event) { if (event.target.dataset.toggles) toggled(event.target); });
  document.querySelectorAll("[data-toggles]").forEach(toggled);

  // ---- distance -------------------------------------------------------------------------------------------------

  // Metres on the sphere; the position itself leaves the phone in no request.
  function metres(one, two) {
    var rad = Math.PI / 180, lat = (two[0] - one[0]) * rad, lon = (two[1] - one[1]) * rad;
    var half = Math.pow(Math.sin(lat / 2), 2) + Math.cos(one[0] * rad) * Math.cos(two[0] * rad) * Math.pow(Math.sin(lon / 2), 2);
    return Math.round(2 * 6371000 * Math.asin(Math.min(1, Math.sqrt(half))));
  }

  // Asked for once the volunteer ticks the box, and never blocking.
  document.addEventListener("change", function (event) {
    var box = event.target;
    if (!box.dataset || box.dataset.distance === undefined) return;
    var kept = box.form.querySelector("[name=distance_m]"), site = box.dataset.distance.split(",").map(Number);
    kept.value = "";
    say(box.form, "");
    if (!box.checked) return;
    function failed() {
      box.disabled = false;
      box.checked = false;
      say(box.form, _("没有取到位置，不影响签到。"));
    }
    if (!navigator.geolocation) { failed(); return; }
    box.disabled = true;
    navigator.geolocation.getCurrentPosition(function (at) {
      box.disabled = false;
      kept.value = metres(site, [at.coords.latitude, at.coords.longitude]);
    }, failed, { timeout: 10000, maximumAge: 60000 });
  });

  // ---- photos ---------------------------------------------------------------------------------------------------

  // A phone's photo has megabytes, and the shelf shows many on slow phones: drawn smaller until it is light. What cannot
  // be drawn is sent as it is.
  async function smaller(file, most) {
    if (file.size <= most || !window.createImageBitmap) return file;
    try {
      var picture = await createImageBitmap(file);
      for (var side = 480; side >= 120; side = Math.round(side * 0.8)) {
        var scale = Math.min(1, side / Math.max(picture.width, picture.height)), canvas = document.createElement("canvas");
        canvas.width = Math.round(picture.width * scale);
        canvas.height = Math.round(picture.height * scale);
        canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
        var drawn = await new Promise(function (resolve) { canvas.toBlob(resolve, "image/jpeg", 0.82); });
        if (drawn && drawn.size <= most) return drawn;
      }
    } catch (error) { /* no picture: the service says so */ }
    return file;
  }

  async function sendPhoto(form) {
    if (form.dataset.busy || !check(form)) return;
    busy(form, true);
    say(form, "");
    var file = await smaller(form.querySelector("input[type=file]").files[0], 16 * 1024), answer = null, data = null;
    try {
      answer = await fetch(form.dataset.photo, {
        method: "PUT", headers: { "X-Weiguang-Page": "1", "Content-Type": file.type || "application/octet-stream" },
        credentials: "same-origin", body: file
      });
      data = await answer.json();
    } catch (error) { data = data || { detail: AWAY }; }
    if (answer && answer.ok) { location.reload(); return; }
    busy(form, false);
    say(form, (data && data.detail) || AWAY);
  }

  document.addEventListener("submit", function (event) {
    if (event.target.dataset.photo === undefined) return;
    event.preventDefault();
    sendPhoto(event.target);
  });

  // ---- one-time codes -------------------------------------------------------------------------------------------

  document.addEventListener("click", async function (event) {
    var button = event.target.closest("button[data-send-code]");
    if (!button) return;
    var form = button.closest("form"), phone = form.querySelector("[name=phone]"), field = button.closest(".field");
    if (phone) tidy(phone);
    if (phone && !phone.checkValidity()) {
      say(phone.closest(".field"), phone.dataset.message);
      phone.setAttribute("aria-invalid", "true");
      phone.focus();
      return;
    }
    button.disabled = true;
    var body = phone ? { phone: phone.value } : {}, named = form.querySelector("[data-code-for]");
    if (named) body[named.name] = named.value.trim();
    var answer = await call("POST", button.dataset.sendCode || "/session/codes", body);
    if (answer.ok) outdated(form);
    say(field, answer.ok ? _("验证码已发往这个手机号，请在 5 分钟内填入。") : answer.detail, answer.ok);
    if (!answer.ok) { button.disabled = false; return; }
    form.querySelector("[name=code]").focus();
    var left = 60, label = button.textContent;
    var timer = setInterval(function () {
      left -= 1;
      button.textContent = left > 0 ? _n("%(n)s 秒后可重发", left) : label;
      if (left <= 0) { clearInterval(timer); button.disabled = false; }
    }, 1000);
  });

  document.addEventListener("click", async function (event) {
    var button = event.target.closest("button[data-logout]");
    if (button) { await call("DELETE", "/session"); location.assign("/"); }
    if (event.target.closest("button[data-print]")) window.print();
    if (event.target.closest("button[data-reload]")) location.reload();
  });

  // ---- dialogs and toasts ---------------------------------------------------------------------------------------

  // What was done is said once, also by the page that is loaded anew; screen readers read it as it comes.
  function toast(text) {
    var place = document.getElementById("toast");
    if (!place || !text) return;
    place.textContent = text;
    clearTimeout(toast.timer);
    toast.timer = setTimeout(function () { place.textContent = ""; }, 8000);
  }

  function toastNext(text) {
    try { sessionStorage.setItem("wg_toast", text); } catch (error) { /* the page itself shows what changed */ }
  }

  try { toast(sessionStorage.getItem("wg_toast")); sessionStorage.removeItem("wg_toast"); } catch (error) { /* none was kept */ }

  document.addEventListener("click", function (event) {
    var opener = event.target.closest("[data-open]"), closer = event.target.closest("[data-close]");
    var speaker = event.target.closest("[data-say]");
    if (opener) {
      var dialog = document.getElementById(opener.dataset.open);
      if (dialog && dialog.showModal) dialog.showModal(); else if (dialog) dialog.setAttribute("open", "");
    }
    if (closer && closer.closest("dialog")) closer.closest("dialog").close();
    if (speaker) toast(speaker.dataset.say);
  });

  // ---- parts of the page ----------------------------------------------------------------------------------------

  // A gentle refresh, by the clock and not by the person, leaves alone what they have opened to read.
  async function refresh(ids, gentle) {
    var changed = await Promise.all(ids.map(async function (id) {
      var part = document.getElementById(id);
      if (!part) return false;
      var answer;
      try { answer = await fetch(part.dataset.part, { credentials: "same-origin" }); } catch (error) { return false; }
      if (answer.status === 401) { location.assign("/login?next=" + encodeURIComponent(location.pathname)); return false; }
      if (!answer.ok) return false;
      var state = answer.headers.get("X-Part-State"), html = await answer.text();
      if (state !== null && state === part.dataset.state) return false;
      if (gentle && part.querySelector("details[open]")) return false;
      // What a person is typing in is not taken away from them.
      if (part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return false;
      part.dataset.state = state;
      part.innerHTML = html;
      var hidden = part.closest("section[hidden]");
      if (hidden) hidden.hidden = false;
      return true;
    }));
    return changed.some(Boolean);
  }

  // After a check-out: ask again and again, ever more rarely for a minute, as points, badge and message arrive one after
  // another, and later than usual when the services are busy.
  async function watch(ids) {
    var waits = [0, 120, 150, 200, 250, 300, 400, 600, 1000, 1500, 2500, 4000, 8000, 16000, 30000];
    for (var i = 0; i < waits.length; i++) {
      await new Promise(function (resolve) { setTimeout(resolve, waits[i]); });
      // after the first time it is the clock that asks, not the person
      await refresh(ids, i > 0);
    }
  }

  // A reload that overtook a press: what it did may come in a moment, so the parts that it changes are asked for again.
  (function () {
    var all = intents(), parts = {};
    Object.keys(all).forEach(function (name) {
      var then = all[name].then.split(":");
      if (all[name].path !== location.pathname || Date.now() - all[name].at > 60 * 1000) return;
      if (then[0] === "watch" || then[0] === "parts") then[1].split(",").forEach(function (id) { parts[id] = true; });
    });
    if (Object.keys(parts).length) watch(Object.keys(parts));
  })();

  document.querySelectorAll("[data-every]").forEach(function (part) {
    var seconds = Number(part.dataset.every), failures = 0;
    if (part.dataset.now !== undefined) refresh([part.id], true);
    setInterval(async function () {
      if (document.hidden || part.querySelector("[data-final]")) return;
      failures = (await refresh([part.id], true)) ? 0 : failures + 1;
      var stale = document.getElementById("stale");
      if (stale) stale.hidden = failures < 3;
    }, seconds * 1000);
  });

  document.addEventListener("toggle", function (event) {
    var item = event.target;
    if (!item.open || !item.dataset.read || item.dataset.sent) return;
    item.dataset.sent = "1";
    call("POST", item.dataset.read, {}, newKey()).then(function (answer) {
      if (!answer.ok) return;
      item.classList.remove("unread");
      var count = document.querySelector("[data-unread]");
      if (!count) return;
      var left = Math.max(0, Number(count.dataset.unread) - 1);
      count.dataset.unread = left;
      count.textContent = left ? _n("%(n)s 条未读", left) : _("没有未读");
      if (!left) count.className = "muted";
    });
  }, true);

  // ---- the pulse ------------------------------------------------------------------------------------------------

  var pulse = document.querySelector("[data-pulse]");
  if (pulse && window.EventSource) {
    var source = new EventSource(pulse.dataset.pulse), last = 0, waiting = false, number = new Intl.NumberFormat("zh-CN");
    var live = function (on) {
      pulse.dataset.live = on ? "on" : "off";
      pulse.querySelector(".state").textContent = on ? _("实时") : _("正在连接实时数据");
    };
    source.onerror = function () { live(false); };
    source.addEventListener("tick", function (event) {
      var tick;
      try { tick = JSON.parse(event.data); } catch (error) { return; }
      live(true);
      pulse.querySelectorAll("[data-tick]").forEach(function (place) {
        var value = tick[place.dataset.tick];
        if (typeof value === "number") place.textContent = number.format(Math.round(value));
      });
      // The figures follow, at most every two seconds, and once more after the last activity.
      var moving = JSON.stringify([tick.records_per_minute, tick.points_per_minute, tick.by_site]);
      if (moving === last || waiting) return;
      last = moving;
      waiting = true;
      setTimeout(function () { waiting = false; if (!document.hidden) refresh(["figures"], true); }, 2000);
    });
  }

  // The side navigation may be longer than the screen.
  var here = document.querySelector(".rail a[aria-current]"), rail = here && here.closest(".rail");
  if (rail && rail.scrollHeight > rail.clientHeight) rail.scrollTop = here.offsetTop - rail.offsetTop - rail.clientHeight / 2;

  // A code in the address is worth seconds only; the ticket that it gave is kept by the browser.
  if (document.querySelector("[data-drop-query]") && history.replaceState) history.replaceState(null, "", location.pathname);
  document.documentElement.classList.add("js");
})();
