// Charts of the console: rates of topics, lags of consumer groups, figures of the last hour, searches by time. Drawn by uPlot, which has no
// text of its own: what a chart shows is said beside it, and the drawing itself is hidden from screen readers.
(function () {
  "use strict";

  var places = Array.prototype.slice.call(document.querySelectorAll("[data-chart]"));
  if (!places.length || !window.uPlot) return;

  var WORDS = window.weiguangWords || {};
  function fill(sentence, values) {
    return sentence.replace(/%\((\w+)\)s/g, function (whole, name) { return values && name in values ? values[name] : whole; });
  }
  function _(sentence, values) { return fill((WORDS[sentence] || [sentence])[0], values); }
  function _n(sentence, n) {
    var forms = WORDS[sentence] || [sentence];
    return fill(n === 1 ? forms[0] : forms[forms.length - 1], { n: n.toLocaleString("en") });
  }

  // Hues that differ in light and dark and for the colour-blind (Okabe and Ito), taken in turn.
  var HUES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
  var EVERY = 5000, drawn = new Map();

  function token(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
  function newest(list) { return list.length ? list[list.length - 1] : 0; }
  function most(list) { return list.reduce(function (one, other) { return Math.max(one, other); }, 0); }

  async function read(address) {
    if (address[0] === "#") return JSON.parse(document.querySelector(address).textContent); // what the page brought along
    var answer = await fetch(address, { credentials: "same-origin", headers: { "X-Weiguang-Page": "1", Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  // ---- what is drawn: times in seconds, series of figures, and the sentence about them ---------------------------------

  function hour(minutes, figures) {
    var times = minutes.map(function (one) { return Date.parse(one) / 1000; });
    // The present minute is not over yet: its figure would always look like a fall.
    return { times: times.slice(0, -1), series: [{ name: "", figures: figures.slice(0, -1) }] };
  }

  function perMinute(figures) {
    return _("最近一分钟 %(now)s，最多每分钟 %(most)s", {
      now: newest(figures.slice(0, -1)).toLocaleString("en"), most: most(figures.slice(0, -1)).toLocaleString("en")
    });
  }

  function ofTopic(answer, name) {
    var found = answer.items.find(function (one) { return one.topic === name; });
    return found && Object.assign(hour(answer.minutes, found.per_minute), { said: perMinute(found.per_minute) });
  }

  function ofLive(answer, name) {
    var figures = answer[name], said = name.slice(-3) === "_ms"
      ? _("最近一分钟 %(now)s 毫秒，最多 %(most)s 毫秒", { now: newest(figures.slice(0, -1)).toLocaleString("en"), most: most(figures.slice(0, -1)).toLocaleString("en") })
      : perMinute(figures);
    return Object.assign(hour(answer.minutes, figures), { said: said });
  }

  function ofGroup(answer, name) {
    var group = answer.items.find(function (one) { return one.group === name; });
    if (!group) return null;
    var samples = Math.max(2, group.lags.length), now = Date.now() / 1000, times = [];
    for (var back = samples - 1; back >= 0; back--) times.push(now - back * group.lag_seconds);
    var behind = group.partitions.filter(function (one) { return one.lags.length; });
    behind.sort(function (one, other) { return most(other.lags) - most(one.lags); });
    var series = behind.slice(0, HUES.length).map(function (one) { return { name: one.topic + " / " + one.partition, figures: padded(one.lags, samples) }; });
    if (!series.length) series = [{ name: "", figures: padded([], samples) }];
    return { times: times, series: series, said: drain(group) };
  }

  function padded(figures, length) {
    return Array.from({ length: length }, function (_none, at) { return figures[at - length + figures.length] || 0; });
  }

  function drain(group) {
    if (!group.lag) return _("没有积压");
    var lag = _n("积压 %(n)s 条", group.lag);
    if (group.drain.seconds === null) {
      if (group.lags.length < 2) return lag;
      return lag + " · " + (group.drain.per_second < 0
        ? _n("每秒多出 %(n)s 条，照这样永远处理不完", -group.drain.per_second) : _("没有减少，照这样永远处理不完"));
    }
    var minutes = Math.floor(group.drain.seconds / 60);
    return lag + " · " + (minutes ? _n("照这样还要 %(n)s 分钟处理完", minutes) : _n("照这样还要 %(n)s 秒处理完", group.drain.seconds));
  }

  // Bars that stand on each other: each series is drawn as the sum of those up to it, the highest first.
  function ofSearch(answer) {
    var sums = answer.times.map(function () { return 0; });
    var stacked = answer.series.map(function (one, at) {
      sums = sums.map(function (sum, bucket) { return sum + one.figures[bucket]; });
      return { name: one.name, figures: sums, hue: HUES[at] };
    });
    return { times: answer.times, series: stacked.reverse(), said: answer.said, seconds: answer.seconds, hrefs: answer.hrefs };
  }

  var SOURCES = { topic: ofTopic, live: ofLive, group: ofGroup, histogram: ofSearch };

  // ---- drawing ----------------------------------------------------------------------------------------------------------

  function options(place, found) {
    var small = place.classList.contains("small"), width = Math.max(80, place.clientWidth), muted = token("--muted"), line = token("--line");
    var axis = { stroke: muted, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    return {
      // Times are the district's, wherever the browser stands.
      tzDate: function (seconds) { return window.uPlot.tzDate(new Date(seconds * 1000), "Asia/Shanghai"); },
      width: width, height: small ? 36 : 150, padding: small ? [3, 2, 3, 2] : [8, 8, 0, 0],
      legend: { show: !small && found.series.length > 1, live: false }, cursor: { show: !small, y: false },
      scales: { y: { range: function (_plot, _low, high) { return [0, Math.max(1, high)]; } } },
      axes: small ? [{ show: false }, { show: false }] : [Object.assign({ values: [[60, "{HH}:{mm}"]] }, axis), Object.assign({ size: 56 }, axis)],
      series: [{}].concat(found.series.map(function (one, at) {
        return { label: one.name, stroke: small ? token("--accent") : HUES[at], width: 1.5, points: { show: false } };
      }))
    };
  }

  function bars(place, found) {
    var made = options(place, found), last = found.times[found.times.length - 1] + found.seconds;
    made.cursor = { y: false, drag: { x: false, y: false } };
    made.scales.x = { range: [found.times[0], last] };
    made.axes[0].values = [[86400, "{MM}-{DD}"], [60, "{HH}:{mm}"], [1, "{HH}:{mm}:{ss}"]];
    made.legend = { show: true, live: false };
    made.series.slice(1).forEach(function (one, at) {
      one.stroke = one.fill = found.series[at].hue;
      one.paths = window.uPlot.paths.bars({ size: [0.9, 60], align: 1 });
    });
    made.hooks = { ready: [function (plot) {
      plot.over.style.cursor = "pointer";
      plot.over.addEventListener("click", function () {
        var at = Math.floor((plot.posToVal(plot.cursor.left, "x") - found.times[0]) / found.seconds);
        if (found.hrefs[at]) window.location.assign(found.hrefs[at]);
      });
    }] };
    return made;
  }

  function draw(place, found) {
    var said = place.querySelector(".chart-said"), known = drawn.get(place), names = found.series.map(function (one) { return one.name; }).join();
    var group = place.closest("details.group"), summary = group && group.querySelector(".drain");
    if (said.textContent !== found.said) said.textContent = found.said;
    if (summary && summary.textContent !== found.said) summary.textContent = found.said;
    var box = place.querySelector(".chart-box");
    if (!box.clientWidth) return; // in a closed group
    var data = [found.times].concat(found.series.map(function (one) { return one.figures; }));
    if (known && known.names === names && known.width === place.clientWidth) { if (!found.hrefs) known.plot.setData(data); return; }
    if (known) known.plot.destroy();
    box.textContent = "";
    drawn.set(place, { plot: new window.uPlot((found.hrefs ? bars : options)(place, found), data, box), names: names, width: place.clientWidth });
  }

  async function refresh() {
    if (document.hidden) return;
    var addresses = Array.from(new Set(places.map(function (place) { return place.dataset.chart; })));
    await Promise.all(addresses.map(async function (address) {
      var answer;
      try { answer = await read(address); } catch (error) { return; /* the last drawing stays */ }
      places.forEach(function (place) {
        if (place.dataset.chart !== address) return;
        var of = place.dataset.of.split(":"), found = SOURCES[of[0]](answer, of[1]);
        if (found) draw(place, found);
      });
    }));
  }

  document.addEventListener("toggle", function (event) { if (event.target.open && event.target.querySelector("[data-chart]")) refresh(); }, true);
  refresh();
  setInterval(refresh, EVERY);
})();
