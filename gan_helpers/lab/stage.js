// The stage of the live lab. Python sends one binary frame at a time (the format: stage.py); here
// it is unpacked and drawn, and what the reader draws or types goes back as small messages.
// Colours mean the same everywhere: blue = real, orange = fake and G, the text's colour = D.

import { clamp, columns, decades, decode, last, plain, short } from "./frames.js";
import { fit, keptLayer, palette } from "./ink.js";
import { legend, unique } from "./legend.js";
import { DRAW, allOutside, heightOf, isTall } from "./pictures.js";
import {
  axisFor, drawAxes, drawBars, drawCurves, drawHistogram, drawStrip, modeAxis, times
} from "./diagrams.js";
import { naming } from "./naming.js";
import { sketchpad } from "./pad.js";
import { errands } from "./errands.js";
import { PRESENTER, edgeThatFits, presenting } from "./presenting.js";
import { touring } from "./tour.js";

const BESIDE = 380; // px; where there is so much room beside the picture, the charts stand there
const KEYS = { " ": "toggle", arrowright: "step", d: "step_D", g: "step_G", r: "reset" };

// ---- the page around the canvases ----

const INK = { fg: "gan-D", fake: "gan-G", real: "gan-real" }; // colour → class of its words

const inksOf = ({ kind, lines = [] }) =>
  (kind === "bars" ? ["fg", "fake"] : lines.map(({ colour }) => colour));

// Charts that agree in it can take each other's place on the page.
const sortOf = (chart) => JSON.stringify([chart.id, inksOf(chart), chart.title]);

function makeChart(box, chart) {
  const { id, kind, title } = chart;
  const inks = inksOf(chart);
  const root = document.createElement("div");
  const words = inks.map((ink) => `<i class="${INK[ink]}"></i>`).join("");
  root.className = `gan-chart gan-${id} gan-${kind}`;
  root.innerHTML = `<div class="gan-title">${title && "<b></b>"}${words}</div><canvas aria-hidden="true"></canvas>`;
  box.append(root);
  const [head, canvas] = root.children;
  const [name, ...numbers] = title ? head.children : [null, ...head.children];
  return { name, numbers, canvas, sort: sortOf(chart) };
}

const PAGE = `<div class="gan-board"><div class="gan-head">
    <span class="gan-step"><span data-ui="counter"></span> <b data-ui="step"></b></span>
    <span class="gan-phase" data-ui="phase"></span>
    <span class="gan-buttons">${PRESENTER}</span></div>
  <div class="gan-frame"><canvas class="gan-picture" role="img" data-ui="picture"></canvas>
    <canvas class="gan-sketch" data-ui="sketch" aria-hidden="true"></canvas><div class="gan-hint" data-ui="hint"></div>
    <div class="gan-tools"><button type="button" data-ui="done"></button>
      <button type="button" data-ui="clear"></button></div></div>
  <div class="gan-panels" data-ui="panels"></div>
  <div class="gan-legend" data-ui="legend"></div><div class="gan-keys" data-ui="keys"></div></div>
  <div class="gan-side"><div class="gan-charts" data-ui="charts"></div>
    <div class="gan-meters" data-ui="meters"></div></div>`;
const PANEL = `<div class="gan-title"><b data-ui="name"></b></div>
  <div class="gan-frame"><canvas data-ui="picture" aria-hidden="true"></canvas>
    <div class="gan-trouble" data-ui="trouble"></div></div>
  <div class="gan-meters" data-ui="meters"></div><div data-ui="charts"></div>`;
const TILE = `<div class="gan-name"></div><div class="gan-value"></div>
  <div class="gan-gauge"><div></div></div>`;

function build(parent, tag, properties) {
  const root = Object.assign(document.createElement(tag), properties);
  parent.append(root);
  const parts = [...root.querySelectorAll("[data-ui]")].map((part) => [part.dataset.ui, part]);
  return { root, ...Object.fromEntries(parts) };
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text; // else the page is laid out anew
}

function showMeters(box, meters, t) {
  while (box.children.length > meters.length) box.lastChild.remove();
  meters.forEach(({ id, name: which = "", value, of, unit }, i) => {
    const tile = box.children[i] ?? box.appendChild(document.createElement("div"));
    if (tile.dataset.id !== id) Object.assign(tile, { className: "gan-tile", innerHTML: TILE });
    tile.dataset.id = id;
    const [name, number, gauge] = tile.children;
    const share = of !== undefined ? value / of : unit === "%" ? value : NaN;
    put(name, `${t(id)} ${which}`.trim());
    const percent = Number.isFinite(value) && unit === "%";
    put(number, percent ? `${Math.round(100 * value)}` : short(value));
    number.dataset.unit = of !== undefined ? ` / ${of}` : unit ? ` ${unit}` : "";
    gauge.hidden = !Number.isFinite(share);
    gauge.firstChild.style.width = `${100 * clamp(share || 0, 0, 1)}%`;
  });
}

const spoken = (box) => [...box.children].map(({ children: [name, number] }) =>
  `${name.textContent} ${number.textContent}${number.dataset.unit}`);

// ---- the view ----

const PAGE_ID = Math.random().toString(36).slice(2);
const views = new Map(); // key of a stage → how many views it has on this page

function render({ model, el }) {
  const look = { className: "gan-stage", tabIndex: 0, innerHTML: PAGE, role: "group" };
  const ui = build(el, "div", look);
  ui.root.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab's own keys stay out
  const panels = []; // one for each GAN, where several stand side by side
  const [scratch, layer] = [document.createElement("canvas"), keptLayer()];
  const size = new WeakMap(); // element → [width, height], measured only when it changes
  const t = (key) => model.get("labels")[key] ?? key;
  let [frame, pal, numbered, said, ticket] = [null, palette(ui.root), -Infinity, -Infinity, 0];
  let [acknowledged, timer, incomplete, reading] = [0, 0, false, Promise.resolve()];
  let wanted = model.get("size"); // edge of the picture, px

  function send(message) {
    try {
      model.send(message);
    } catch { /* the kernel is gone: nobody is waiting for it */ }
  }

  function acknowledge() {
    clearTimeout(timer);
    timer = 0;
    if (frame && frame.n !== acknowledged) send({ type: "shown", n: (acknowledged = frame.n) });
  }

  function read() {
    // One after the other, since each may build on the one before. Drawing waits for the screen,
    // and shows the newest. When the page is hidden the screen never asks, so a timer acknowledges
    // and training goes on unseen.
    const view = model.get("frame");
    reading = reading.then(() => (view?.byteLength ? plain(view) : null)).then(take);
  }

  function take(view) {
    const next = view && decode(view, frame);
    if (view && !next) { // one has been missed
      if (!incomplete) send({ type: "whole" });
      incomplete = true;
      return;
    }
    [frame, incomplete] = [next, false];
    timer ||= setTimeout(acknowledge, 200);
    redraw();
  }

  function redraw() {
    ticket ||= requestAnimationFrame(draw);
  }

  function draw() {
    ticket = 0;
    const members = frame?.members ?? [];
    const many = members.length > 0;
    if (members.length !== panels.length) arrange(members.length);
    if (many && model.get("drawing")) stopDrawing();
    const lost = frame && !many && allOutside(frame) ? t("all_outside") : "";
    put(ui.hint, model.get("drawing") ? t("draw_prompt") : frame ? lost : t("waiting"));
    ui.root.classList.toggle("empty", !frame);
    const [edge] = size.get((many ? panels[0] : ui).picture) ?? [0];
    if (!frame || !edge) return;
    const paintOn = (canvas, gan) => {
      const height = heightOf(gan, edge);
      const frameOf = canvas.parentElement;
      const ratio = `${edge / height}`;
      if (frameOf.dataset.ratio !== ratio) frameOf.style.aspectRatio = ratio;
      frameOf.dataset.ratio = ratio;
      DRAW[gan.kind](fit(canvas, edge, height), edge, gan, pal, scratch, layer, t);
    };
    if (many) members.forEach((gan, k) => paintOn(panels[k].picture, gan));
    else paintOn(ui.picture, frame);
    showNumbers(many ? members : [frame], edge);
    tour.look();
    const behind = frame.n - acknowledged;
    if (behind < 0 || behind >= model.get("ack_every")) acknowledge();
  }

  function arrange(count) {
    const focused = ui.panels.matches(":focus-within");
    for (const panel of panels.splice(count)) {
      for (const canvas of canvases(panel)) watcher.unobserve(canvas);
      panel.root.remove();
    }
    for (let k = panels.length; k < count; k++) {
      const onclick = () => send({ type: "pick", member: k });
      const look = { className: "gan-panel", type: "button", innerHTML: PANEL, onclick };
      panels.push(build(ui.panels, "button", look));
      for (const canvas of canvases(panels[k])) watcher.observe(canvas);
    }
    if (focused && !ui.panels.matches(":focus-within")) ui.root.focus({ preventScroll: true });
    ui.root.classList.toggle("many", count > 0);
    ui.panels.style.setProperty("--columns", columns(count, size.get(ui.root)?.[0]));
    ui.root.classList.toggle("brief", count > 4 || (count > 0 && isTall(frame.members[0])));
    screen.layOut();
    numbered = said = -Infinity; // new numbers are due at once
  }

  function showNumbers(gans, edge) {
    put(ui.step, frame.step.toLocaleString("en"));
    put(ui.phase, frame.phase ? t(`phase_${frame.phase}`) : "");
    ui.phase.dataset.phase = frame.phase;
    const look = [gans[0].kind, unique(gans, "scale"), unique(gans, "critic"),
      Boolean(gans[0].read)].join();
    if (ui.legend.dataset.look !== look) ui.legend.innerHTML = legend(gans, pal, t, edge);
    ui.legend.dataset.look = look;
    // Charts and meters change slowly; drawn with each frame they would take the training's time.
    const now = performance.now();
    if (frame.running && now - numbered < 125) return;
    numbered = now;
    const aloud = now - said >= 1000; // a screen reader cannot follow 30 a second
    if (aloud) said = now;
    panels.length ? showPanels(gans, aloud) : showSide(aloud);
  }

  function showCharts(part, gan, gans, span, xLabel) {
    // Those that the frame describes (charts.py). Without a label of the x axis they are small.
    const drawn = (part.drawn ??= []);
    const charts = gan.charts.filter(({ of }) => !of || gan[of]);
    charts.forEach((chart, k) => {
      if (drawn[k]?.sort === sortOf(chart)) return;
      for (const { canvas } of drawn.splice(k)) dismiss(canvas);
      drawn.push(makeChart(part.charts, chart));
      watcher.observe(drawn[k].canvas);
    });
    for (const { canvas } of drawn.splice(charts.length)) dismiss(canvas);
    part.charts.dataset.count = drawn.length;
    charts.forEach((chart, k) => {
      const [{ name, numbers, canvas }, area] = [drawn[k], size.get(drawn[k].canvas) ?? [0, 0]];
      if (name) put(name, t(chart.title));
      const words = CHARTS[chart.kind](fit(canvas, ...area), area, { chart, gan, gans, span, xLabel });
      words.forEach((word, i) => put(numbers[i], word));
    });
  }

  function dismiss(canvas) {
    watcher.unobserve(canvas);
    canvas.parentElement.remove();
  }

  // Each draws a chart, and returns what stands beside its title.
  const CHARTS = {
    curves(ctx, area, { chart: { lines, scale }, gan, gans, span, xLabel }) {
      const curvesOf = (gan) => lines.filter(({ of }) => gan[of]).map((line) =>
        ({ ...line, data: line.sign ? gan[line.of].map((v) => line.sign * v) : gan[line.of] }));
      const own = curvesOf(gan);
      const seen = scale.shared ? gans.flatMap(curvesOf) : own;
      const axis = axisFor(scale, seen.map(({ data }) => data), gan, !xLabel);
      const capped = own.map(({ data, colour }) =>
        [axis.logarithmic ? data : data.map((v) => clamp(v, axis.floor, axis.ceiling)), pal[colour]]);
      drawCurves(drawAxes(ctx, area, { span, axis, xLabel }, pal), gan.steps, capped);
      return own.map(({ name, data, now, percent }) => {
        const value = gan[now] ?? last(data);
        return `${t(name)} ${percent ? `${short(100 * value)} %` : short(value)}`.trim();
      });
    },
    strip(ctx, area, { gan, span, xLabel }) {
      const [n, first] = [gan.strip.shape[0], gan.first_mode ?? 1];
      const axis = modeAxis(n, first);
      if (!xLabel) axis.ticks = [first, first + n - 1];
      drawStrip(drawAxes(ctx, area, { span, axis, xLabel }, pal), gan, pal, scratch);
      return [];
    },
    histogram(ctx, area, { chart: { of, to }, gan }) {
      drawHistogram(ctx, area, gan[of], to, pal);
      return [];
    },
    profile(ctx, area, { chart: { of }, gan, xLabel }) {
      const [span, axis] = [[0, gan[of].length - 1], decades(gan[of], { least: -2 })];
      if (!xLabel) axis.ticks = [axis.low, axis.high];
      const plot = drawAxes(ctx, area, { span, axis, xLabel: xLabel && t("layer") }, pal);
      drawCurves(plot, [...gan[of].keys()], [[gan[of], pal.fg]]);
      return [];
    },
    bars(ctx, area, { chart: { of, marks, most, names }, gan }) {
      drawBars(ctx, area, [...gan[of]], [...gan[marks] ?? []], most, pal);
      return [`▬ ${t(names[0])}`, `■ ${t(names[1])}`];
    },
  };

  function showSide(aloud) {
    showCharts(ui, frame, [frame], times([frame]), t("counter"));
    showMeters(ui.meters, frame.meters, t);
    if (!aloud) return;
    ui.picture.ariaLabel = [`${t("counter")} ${frame.step}`, ...spoken(ui.meters)].join(", ");
  }

  function showPanels(gans, aloud) {
    const span = times(gans);
    // In full screen, where there are many, only what all of them have has room.
    const few = !screen.full() || gans.length < 5;
    const compared = (id) => few || gans.every(({ meters }) => meters.some((one) => one.id === id));
    gans.forEach((gan, k) => {
      const panel = panels[k];
      put(panel.name, gan.name);
      put(panel.trouble, gan.trouble || (allOutside(gan) ? t("all_outside") : ""));
      // D's verdicts are in the picture; as numbers they are shown where there are no others.
      const others = gan.meters.filter(({ id }) => !id.startsWith("d_") && compared(id));
      showMeters(panel.meters, others.length ? others : gan.meters, t);
      showCharts(panel, gan, gans, span);
      if (!aloud) return;
      const charts = panel.drawn.flatMap(({ name, numbers }) =>
        [[name, ...numbers].map((part) => part?.textContent).filter(Boolean).join(" ")]);
      const words = [gan.name, gan.trouble, ...spoken(panel.meters), ...charts, t("pick_hint")];
      panel.root.ariaLabel = words.filter(Boolean).join(", ");
      panel.root.title = t("pick_hint");
      panel.name.title = gan.name; // it may be cut
    });
  }

  function relabel() {
    const words = { counter: "counter", keys: "keys", done: "draw_done", clear: "draw_clear" };
    for (const [part, key] of Object.entries(words)) ui[part].textContent = t(key);
    ui.root.ariaLabel = t("keys");
    screen.relabel();
    ui.legend.dataset.look = ""; // to be written anew, as the charts are
    numbered = -Infinity;
    redraw();
  }

  function recolour() {
    pal = palette(ui.root);
    pad.redraw();
    relabel();
  }

  function resize() {
    // In full screen, as large as there is room; rows of panels are wider than they are high.
    if (!screen.full()) return setEdge(model.get("size"));
    const n = panels.length;
    const rows = n ? Math.ceil(n / columns(n, ui.root.clientWidth)) : 1;
    const widest = n ? ui.root.clientWidth : ui.root.clientWidth - BESIDE - 20;
    const gan = frame?.members[0] ?? frame;
    const heightAt = (edge) => (gan ? heightOf(gan, edge) : edge);
    const edge = edgeThatFits(ui.root, (n ? panels[0] : ui).picture, rows, widest, heightAt);
    setEdge(n ? (edge + 12) / 1.2 : edge); // see .gan-panels
  }

  const setEdge = (edge) => ui.root.style.setProperty("--edge", `${(wanted = edge)}px`);

  function stopDrawing() {
    model.set("drawing", false);
    model.save_changes();
  }

  const pad = sketchpad(ui, () => pal.real, (strokes) => {
    const [x0, x1, y0, y1] = frame?.range?.length === 4 ? frame.range : [-2, 2, -2, 2];
    const world = ([x, y]) => [x0 + x * (x1 - x0), y1 - y * (y1 - y0)];
    send({ type: "strokes", strokes: strokes.map((stroke) => stroke.map(world)) });
    stopDrawing();
  });

  const names = naming(ui.root);
  const tour = touring(ui, t, () => frame);
  const screen = presenting(ui, t, () => requestAnimationFrame(resize));

  function mode() {
    const drawing = model.get("drawing");
    ui.root.classList.toggle("drawing", drawing);
    ui.keys.textContent = t(drawing ? "draw_keys" : "keys");
    pad.clear();
    if (drawing) ui.root.focus({ preventScroll: true }); // so that Esc works at once
    redraw();
  }

  ui.root.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    event.stopPropagation();
    if (event.key === " " && event.target.tagName === "BUTTON") return; // it presses the button
    const drawing = model.get("drawing");
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = KEYS[event.key.toLowerCase()];
    const act = drawing
      ? { Escape: stopDrawing, Enter: event.target === ui.root && pad.done }[event.key]
      : screen.acts[key] ?? (action && (() => send({ type: "key", action })));
    if (!act) return;
    event.preventDefault(); // space would scroll the page
    if (!event.repeat || action?.startsWith("step")) act();
  };

  const watcher = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries)
      size.set(target, [contentRect.width, contentRect.height]);
    const [width] = size.get(ui.root);
    ui.root.classList.toggle("wide", width >= wanted + BESIDE);
    ui.panels.style.setProperty("--columns", columns(panels.length, width));
    names.begin();
    if (model.get("tour")) tour.offer();
    if (screen.full()) requestAnimationFrame(resize);
    recolour(); // only now, on the page, does the stage have a background
  });
  const canvases = ({ picture, drawn = [] }) => [picture, ...drawn.map(({ canvas }) => canvas)];
  const themes = new MutationObserver(recolour);
  const listeners = {
    "change:frame": read, "change:labels": relabel, "change:drawing": mode, "change:size": resize,
  };
  const count = (change) => {
    const key = model.get("key");
    views.set(key, (views.get(key) ?? 0) + change);
    send({ type: "views", page: PAGE_ID, count: views.get(key) });
  };
  const leave = () => send({ type: "views", page: PAGE_ID, count: 0 });
  window.addEventListener("pagehide", leave);
  for (const part of [ui.root, ...canvases(ui)]) watcher.observe(part);
  for (const part of [document.documentElement, document.body])
    themes.observe(part, { attributeFilter: ["data-jp-theme-name", "class", "theme", "style"] });
  for (const [name, act] of Object.entries(listeners)) model.on(name, act);
  resize();
  relabel();
  mode();
  const heard = model.get("heard");
  count(1);
  read();
  // See listening.py: the page may have been too busy to be reached ever again.
  const listening = setTimeout(() => {
    if (model.get("heard") === heard) send({ type: "deaf" });
  }, 1000 * model.get("patience"));

  return () => {
    clearTimeout(listening);
    screen.stop();
    names.stop();
    tour.stop();
    for (const [name, act] of Object.entries(listeners)) model.off(name, act);
    watcher.disconnect();
    themes.disconnect();
    window.removeEventListener("pagehide", leave);
    cancelAnimationFrame(ticket);
    clearTimeout(timer);
    count(-1);
  };
}

export default { initialize: errands, render };
