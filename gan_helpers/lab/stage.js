// The stage of the live lab. Python sends one binary frame at a time (the format: stage.py); here it
// is unpacked and drawn, and what the reader draws or types goes back as small messages.
// Colours mean the same everywhere: blue = real, orange = fake and G, the text's colour = D.

const MAX_ARROWS = 96; // more than that hides the samples
const ARROW = { shortest: 1e-4, longest: 1e1, pixels: 30 };
const WIDE = 780; // px; from here on the charts stand beside the stage
const KEYS = { " ": "toggle", ArrowRight: "step", d: "step_D", g: "step_G", r: "reset" };

// ---- frames and numbers (no screen needed; tested with Node) ----

export function decode(view) {
  // Copying aligns the payload: a message's buffer may begin at any byte, a Float32Array may not.
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const start = 4 + new DataView(bytes).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, start - 4)));
  const frame = { ...header, verdict_is: header.verdict }; // images bring an array of that name
  for (const [name, { dtype, shape, offset }] of Object.entries(header.arrays)) {
    const length = shape.reduce((a, b) => a * b, 1);
    const Type = dtype === "f4" ? Float32Array : Uint8Array;
    frame[name] = Object.assign(new Type(bytes, start + offset, length), { shape });
  }
  return frame;
}

export function arrowLength(gradient) {
  // Logarithmic: one length per decade, so that a vanishing gradient is seen to vanish.
  const { shortest, longest, pixels } = ARROW;
  const share = Math.log10(gradient / shortest) / Math.log10(longest / shortest);
  return gradient > 0 ? pixels * Math.min(Math.max(share, 0), 1) : 0;
}

export function decades(values) {
  // Exponents of the axis: at least 1e-4 … 10, wider where the values are.
  let [low, high] = [-4, 1];
  for (const v of values) {
    if (!(v > 0 && v < Infinity)) continue;
    low = Math.max(Math.min(low, Math.floor(Math.log10(v))), -12);
    high = Math.max(high, Math.ceil(Math.log10(v)));
  }
  const every = Math.ceil((high - low) / 6);
  const ticks = [];
  for (let e = high; e >= low; e -= every) ticks.unshift(e);
  return { low, high, ticks };
}

export function niceTicks(low, high, count) {
  // Round numbers (1, 2 or 5 times a power of ten) inside [low, high].
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const gap = power * [1, 2, 5, 10].find((m) => m * power >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / gap - 1e-9); i * gap <= high + 1e-9 * gap; i++) ticks.push(i * gap);
  return ticks;
}

export function short(value) {
  // At most about five characters, for tiles, titles and ticks.
  if (value === null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(1);
  return size >= 1e4 ? `${+(value / 1e3).toPrecision(3)}k` : String(+value.toPrecision(3));
}

const superscript = (e) => `10${String(e).replace(/[-\d]/g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)])}`;
const mix = (a, b, t) => a.map((v, i) => Math.round(v + (b[i] - v) * t));
const css = ([r, g, b], alpha = 1) => `rgba(${r},${g},${b},${alpha})`;

function ramp(pal, middle, strength) {
  // D's verdict 0 … 1 as 256 colours: fake … middle … real.
  return Array.from({ length: 256 }, (_, i) => {
    const t = (2 * i) / 255 - 1;
    return mix(middle, t > 0 ? pal.real : pal.fake, strength * Math.abs(t) ** 0.8);
  });
}

// ---- colours ----

function readColour(text) {
  // Any CSS colour → [r, g, b, alpha]: the canvas knows all the ways to write one.
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pixel = canvas.getContext("2d", { willReadFrequently: true });
  pixel.fillStyle = "transparent"; // what remains when the text is no colour
  pixel.fillStyle = text;
  pixel.fillRect(0, 0, 1, 1);
  return [...pixel.getImageData(0, 0, 1, 1).data];
}

function palette(root) {
  // Hosts differ in what they call a theme; the colour behind the stage is what they all show.
  let [bg, opaque] = [[255, 255, 255], false];
  for (let el = root; el && !opaque; el = el.parentElement) {
    const [r, g, b, a] = readColour(getComputedStyle(el).backgroundColor);
    if ((opaque = a > 127)) bg = [r, g, b];
  }
  const dark = 0.299 * bg[0] + 0.587 * bg[1] + 0.114 * bg[2] < 128;
  const fg = dark ? [232, 234, 237] : [32, 36, 42];
  const real = dark ? [72, 187, 232] : [0, 114, 168];
  const fake = dark ? [255, 140, 66] : [208, 84, 0];
  const pal = { bg, fg, real, fake, dark, muted: mix(bg, fg, 0.66), line: mix(bg, fg, 0.2) };
  pal.heat = ramp(pal, bg, dark ? 0.42 : 0.36);
  pal.edge = ramp(pal, mix(bg, fg, 0.35), 1); // borders must be seen at 0.5 too
  const names = { ...pal, tile: mix(bg, fg, 0.06) };
  for (const name of ["bg", "fg", "muted", "line", "tile", "real", "fake"])
    root.style.setProperty(`--${name}`, css(names[name]));
  return pal;
}

// ---- drawing ----

function fit(canvas, width, height) {
  // Size in CSS pixels → sharp on every screen.
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return ctx;
}

function rasterise(scratch, width, height, colourOf) {
  Object.assign(scratch, { width, height });
  const ctx = scratch.getContext("2d");
  const image = ctx.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const [r, g, b] = colourOf(i);
    image.data.set([r, g, b, 255], 4 * i);
  }
  ctx.putImageData(image, 0, 0);
}

function paintPath(ctx, { fill, stroke, width = 1, dash = [] }, trace) {
  ctx.beginPath();
  trace();
  ctx.setLineDash(dash);
  if (stroke) Object.assign(ctx, { strokeStyle: stroke, lineWidth: width, lineJoin: "round" }).stroke();
  if (fill) Object.assign(ctx, { fillStyle: fill }).fill();
}

function arrow(ctx, x, y, dx, dy) {
  // (dx, dy) in pixels; tail at (x, y)
  const length = Math.hypot(dx, dy);
  const head = Math.min(4.5, 0.5 * length) / length;
  const [tx, ty] = [x + dx, y + dy];
  ctx.moveTo(x, y);
  ctx.lineTo(tx, ty);
  ctx.moveTo(tx - head * (dx - 0.6 * dy), ty - head * (dy + 0.6 * dx));
  ctx.lineTo(tx, ty);
  ctx.lineTo(tx - head * (dx + 0.6 * dy), ty - head * (dy - 0.6 * dx));
}

function paintArrows(ctx, pal, trace) {
  paintPath(ctx, { stroke: css(pal.bg, 0.8), width: 4 }, trace); // a halo lifts them off the samples
  paintPath(ctx, { stroke: css(pal.fg), width: 1.5 }, trace);
}

const disc = (ctx, x, y, r) => (ctx.moveTo(x + r, y), ctx.arc(x, y, r, 0, 7));

function diamond(ctx, x, y, r) {
  ctx.moveTo(x, y - r), ctx.lineTo(x + r, y), ctx.lineTo(x, y + r), ctx.lineTo(x - r, y);
  ctx.closePath();
}

function draw2d(ctx, edge, f, pal, scratch) {
  const [x0, x1, y0, y1] = f.range;
  const X = (x) => ((x - x0) / (x1 - x0)) * edge;
  const Y = (y) => ((y1 - y) / (y1 - y0)) * edge;
  const [rows, columns] = f.heat.shape;
  rasterise(scratch, columns, rows, (i) => pal.heat[f.heat[i]]);
  ctx.imageSmoothingEnabled = true;
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(scratch, 0, 0, edge, edge);

  // Halos are larger shapes underneath: strokes around each sample would cost a third of a frame.
  const samples = (colour, shape, points, radius) => {
    for (const [fill, r] of [[css(pal.bg, 0.8), radius + 0.9], [colour, radius]])
      paintPath(ctx, { fill }, () => points.forEach(([x, y]) => shape(ctx, x, y, r)));
  };
  const real = Array.from({ length: f.real.length / 2 }, (_, i) => [X(f.real[2 * i]), Y(f.real[2 * i + 1])]);
  samples(css(pal.real, 0.9), disc, real, 1.9);
  const inside = []; // samples beyond the stage wait at its border, hollow
  const outside = [];
  for (let i = 0; i < f.fake.length; i += 2) {
    const [x, y] = [X(f.fake[i]), Y(f.fake[i + 1])];
    const [cx, cy] = [x, y].map((v) => Math.min(Math.max(v, 5), edge - 5));
    if (Number.isFinite(x + y)) (Math.hypot(x - cx, y - cy) > 5 ? outside : inside).push([cx, cy]);
  }
  const radius = f.fake.length > 600 ? 2.7 : 3.3;
  samples(css(pal.fake, 0.95), diamond, inside, radius);
  paintPath(ctx, { stroke: css(pal.fake), width: 1.2 }, () => outside.forEach(([x, y]) => diamond(ctx, x, y, radius)));

  const every = Math.ceil(f.push.length / 2 / MAX_ARROWS);
  paintArrows(ctx, pal, () => {
    for (let i = 0; i < f.push.length; i += 2 * every) {
      const size = Math.hypot(f.push[i], f.push[i + 1]);
      const scale = arrowLength(size) / size;
      if (scale > 0)
        arrow(ctx, X(f.fake[i]), Y(f.fake[i + 1]), scale * f.push[i], -scale * f.push[i + 1]);
    }
  });
}

function draw1d(ctx, edge, f, pal) {
  const [x0, x1, , top] = f.range;
  const [left, right] = [22, edge - 30];
  const [high, base, xLine, zLine] = [16, 0.6 * edge, 0.72 * edge, edge - 20];
  const X = (x) => left + ((x - x0) / (x1 - x0)) * (right - left);
  const P = (p) => base - (p / top) * (base - high); // densities, scale of their own
  const S = (d) => base - d * (base - high); // D, on 0 … 1
  const spread = f.z.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-9);
  const Z = (z) => X(x0 + ((z / spread + 1) / 2) * (x1 - x0));
  const curve = (values, scale) => () =>
    values.forEach((v, i) => (i ? ctx.lineTo(X(f.x[i]), scale(v)) : ctx.moveTo(X(f.x[i]), scale(v))));
  const area = (values, scale) => () => {
    curve(values, scale)();
    ctx.lineTo(X(f.x[f.x.length - 1]), base), ctx.lineTo(X(f.x[0]), base);
  };

  paintPath(ctx, { stroke: css(pal.line) }, () => {
    for (const d of [0, 0.5, 1]) ctx.moveTo(left, S(d)), ctx.lineTo(right, S(d));
  });
  Object.assign(ctx, { fillStyle: css(pal.muted), font: "11px system-ui, sans-serif" });
  Object.assign(ctx, { textAlign: "left", textBaseline: "middle" });
  if (f.verdict_is !== "relative") [0, 0.5, 1].forEach((d) => ctx.fillText(d, right + 6, S(d)));

  ctx.save(); // a collapsed G has a density far above the data's: cut, not rescaled
  ctx.beginPath();
  ctx.rect(left, high - 6, right - left, base - high + 7);
  ctx.clip();
  paintPath(ctx, { fill: css(pal.fake, 0.3) }, area(f.q, P));
  paintPath(ctx, { stroke: css(pal.fake), width: 2 }, curve(f.q, P));
  paintPath(ctx, { fill: css(pal.real, 0.14) }, area(f.p, P));
  paintPath(ctx, { stroke: css(pal.real), width: 2.5 }, curve(f.p, P));
  paintPath(ctx, { stroke: css(pal.fg), width: 1.4, dash: [1.5, 3.5] }, curve(f.D_star, S));
  paintPath(ctx, { stroke: css(pal.fg), width: 2, dash: [8, 4] }, curve(f.D, S));
  ctx.restore();

  ctx.save();
  ctx.beginPath();
  ctx.rect(0, base, edge, edge - base);
  ctx.clip();
  paintPath(ctx, { stroke: css(pal.fake, 0.55), width: 1 }, () => {
    f.z.forEach((z, i) => (ctx.moveTo(Z(z), zLine), ctx.lineTo(X(f.gz[i]), xLine)));
  });
  ctx.restore();
  paintPath(ctx, { stroke: css(pal.fg), width: 1.2 }, () => {
    for (const y of [xLine, zLine]) ctx.moveTo(left, y), ctx.lineTo(right, y);
  });
  paintPath(ctx, { fill: css(pal.fake) }, () => f.gz.forEach((x) => diamond(ctx, X(x), xLine, 3.4)));
  paintPath(ctx, { fill: css(pal.fg) }, () => f.z.forEach((z) => disc(ctx, Z(z), zLine, 1.6)));
  Object.assign(ctx, { fillStyle: css(pal.fg), font: "italic 14px Georgia, serif" });
  ctx.fillText("x", 7, xLine - 1);
  ctx.fillText("z", 7, zLine - 1);
  const every = Math.ceil(f.push.length / (MAX_ARROWS / 6)); // on one line there is less room
  paintArrows(ctx, pal, () => {
    for (let i = 0; i < f.push.length; i += every) {
      const length = Math.sign(f.push[i]) * arrowLength(Math.abs(f.push[i]));
      const y = xLine - 10 - 7 * ((i / every) % 3); // three tiers, so that neighbours stay apart
      if (length) arrow(ctx, X(f.gz[i]), y, length, 0);
    }
  });
}

function drawImages(ctx, edge, f, pal, scratch) {
  const [n, rows, columns] = f.grid.shape;
  const across = Math.ceil(Math.sqrt(n));
  const cell = edge / across;
  const side = cell - Math.max(0.16 * cell, 5);
  rasterise(scratch, columns, rows * n, (i) => [f.grid[i], f.grid[i], f.grid[i]]);
  ctx.imageSmoothingEnabled = false;
  for (let i = 0; i < n; i++) {
    const x = (i % across) * cell + (cell - side) / 2;
    const y = Math.floor(i / across) * cell + (cell - side) / 2;
    ctx.fillStyle = css(pal.edge[Math.round(255 * f.verdict[i])] ?? pal.muted);
    ctx.fillRect(x - 2, y - 2, side + 4, side + 4);
    ctx.drawImage(scratch, 0, i * rows, columns, rows, x, y, side, side);
  }
}

const DRAW = { "2d": draw2d, "1d": draw1d, images: drawImages };

function drawChart(canvas, [width, height], steps, curves, logarithmic, xLabel, pal) {
  const ctx = fit(canvas, width, height);
  const [left, right, top, bottom] = [36, width - 6, 8, height - 18];
  const values = curves.flatMap(([data]) => [...data]).filter(Number.isFinite);
  let [low, high, ticks] = [Math.min(...values, Infinity), Math.max(...values, -Infinity), []];
  if (logarithmic) ({ low, high, ticks } = decades(values));
  else if (!values.length) [low, high] = [0, 1];
  else [low, high] = [low - 0.06 * (high - low) - 1e-3, high + 0.06 * (high - low) + 1e-3];
  if (!logarithmic) ticks = niceTicks(low, high, 5);
  const first = steps[0] ?? 0;
  const last = Math.max(steps[steps.length - 1] ?? 0, first + 1);
  const X = (s) => left + ((s - first) / (last - first)) * (right - left);
  const Y = (v) => bottom - ((v - low) / (high - low)) * (bottom - top);
  const height_of = (v) => Y(logarithmic ? Math.max(Math.log10(v), low) : v); // 0 → the floor

  paintPath(ctx, { stroke: css(pal.line) }, () => {
    for (const t of ticks) ctx.moveTo(left, Math.round(Y(t)) + 0.5), ctx.lineTo(right, Math.round(Y(t)) + 0.5);
  });
  Object.assign(ctx, { fillStyle: css(pal.muted), font: "10.5px system-ui, sans-serif" });
  Object.assign(ctx, { textAlign: "right", textBaseline: "middle" });
  for (const t of ticks) ctx.fillText(logarithmic ? superscript(t) : short(t), left - 6, Y(t));
  ctx.textAlign = "center";
  for (const t of niceTicks(first, last, 3))
    if (X(t) < right - 12 && X(t) > left + 26) ctx.fillText(short(t), X(t), height - 6);
  ctx.textAlign = "left";
  ctx.fillText(xLabel, 0, height - 6);
  for (const [data, colour, dash] of curves) {
    paintPath(ctx, { stroke: css(colour), width: 1.6, dash }, () => {
      let pen = false; // NaN and infinities leave a gap
      data.forEach((v, i) => {
        if (Number.isFinite(v)) pen ? ctx.lineTo(X(steps[i]), height_of(v)) : ctx.moveTo(X(steps[i]), height_of(v));
        pen = Number.isFinite(v);
      });
    });
  }
}

// ---- the page around the canvases ----

function make(parent, tag, className, attributes = {}) {
  const el = Object.assign(document.createElement(tag), { className, ...attributes });
  parent.append(el);
  return el;
}

function build(el) {
  const root = make(el, "div", "gan-stage", { tabIndex: 0 });
  root.setAttribute("role", "group");
  root.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab's own keys stay out
  const board = make(root, "div", "gan-board");
  const head = make(board, "div", "gan-head");
  const frame = make(board, "div", "gan-frame");
  const ui = {
    root, frame,
    step: make(head, "span", "gan-step"), phase: make(head, "span", "gan-phase"),
    picture: make(frame, "canvas", "gan-picture"), sketch: make(frame, "canvas", "gan-sketch"),
    hint: make(frame, "div", "gan-hint"), tools: make(frame, "div", "gan-tools"),
    legend: make(board, "div", "gan-legend"), keys: make(board, "div", "gan-keys"),
  };
  ui.picture.setAttribute("role", "img");
  ui.done = make(ui.tools, "button", "", { type: "button" });
  ui.clear = make(ui.tools, "button", "", { type: "button" });
  const side = make(root, "div", "gan-side");
  const charts = make(side, "div", "gan-charts");
  for (const name of ["loss", "grad"]) {
    const box = make(charts, "div", "gan-chart");
    const title = make(box, "div", "gan-title");
    ui[name] = {
      name: make(title, "b", ""), D: make(title, "i", "gan-D"), G: make(title, "i", "gan-G"),
      canvas: make(box, "canvas", ""),
    };
  }
  ui.meters = make(side, "div", "gan-meters");
  return ui;
}

const SVG = {
  real: () => `<svg width="10" height="10"><circle cx="5" cy="5" r="3" fill="var(--real)"/></svg>`,
  fake: () => `<svg width="10" height="10"><path d="M5 0l5 5l-5 5l-5-5z" fill="var(--fake)"/></svg>`,
  line: (colour, dash) => `<svg width="26" height="10"><path d="M0 5h26" stroke="var(--${colour})"
    stroke-width="2" stroke-dasharray="${dash}"/></svg>`,
  arrow(gradient) {
    const x = arrowLength(gradient);
    return `<svg width="${x}" height="10"><path d="M0 5h${x}m-4-3l4 3l-4 3" fill="none"
      stroke="var(--fg)" stroke-width="1.3"/></svg>`;
  },
};

function showLegend(ui, frame, pal, t) {
  const critic = frame.verdict_is === "relative";
  const colours = (frame.kind === "images" ? pal.edge : pal.heat).filter((_, i) => i % 15 === 0);
  const bar = `<i class="gan-bar" style="background:linear-gradient(90deg,${colours.map((c) => css(c))})"></i>`;
  const verdict = critic ? `${t("critic")} − ${bar} +` : `D(x) 0 ${bar} 1`;
  const scale = [-3, -1, 1].map((e) => `${SVG.arrow(10 ** e)} ${superscript(e)}`).join(" ");
  const push = `${t("push")} ${scale}`;
  ui.legend.innerHTML = {
    "2d": [`${SVG.real()} ${t("real")}`, `${SVG.fake()} ${t("fake")}`, verdict, push],
    "1d": [`${SVG.line("real", "")} p(x) ${t("real")}`, `${SVG.line("fake", "")} q(x) ${t("fake")}`,
      `${SVG.line("fg", "8 4")} ${critic ? t("critic") : "D(x)"}`,
      `${SVG.line("fg", "1.5 3.5")} D*(x) = p/(p+q)`, push],
    images: [verdict],
  }[frame.kind].map((item) => `<span>${item}</span>`).join("");
}

function showMeters(ui, meters, t) {
  if (ui.meters.dataset.ids !== meters.map((m) => m.id).join()) {
    ui.meters.replaceChildren();
    ui.meters.dataset.ids = meters.map((m) => m.id).join();
    for (const { id } of meters) {
      const tile = make(ui.meters, "div", "gan-tile");
      tile.dataset.id = id;
      make(tile, "div", "gan-name", { textContent: t(id) });
      make(tile, "div", "gan-value");
      make(make(tile, "div", "gan-gauge"), "div", "");
    }
  }
  meters.forEach((m, i) => {
    const [, value, gauge] = ui.meters.children[i].children;
    value.replaceChildren(m.unit === "%" ? short(100 * (m.value ?? NaN)) : short(m.value));
    const unit = m.of !== undefined ? ` / ${m.of}` : m.unit ? ` ${m.unit}` : "";
    make(value, "small", "", { textContent: unit });
    const share = m.of !== undefined ? m.value / m.of : m.unit === "%" ? m.value : NaN;
    gauge.style.visibility = Number.isFinite(share) ? "visible" : "hidden";
    gauge.firstChild.style.width = `${100 * Math.min(Math.max(share, 0), 1) || 0}%`;
  });
}

// ---- drawing with the mouse, a finger or a pen ----

function sketchpad(ui, { finish, cancel, colour }) {
  let strokes = []; // in fractions of the stage, y downwards
  let pen = null;
  const at = (event) => {
    const box = ui.sketch.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
      .map((v) => Math.min(Math.max(v, 0), 1));
  };
  function redraw() {
    const [w, h] = [ui.sketch.clientWidth, ui.sketch.clientHeight];
    const ctx = fit(ui.sketch, w, h);
    ctx.lineCap = "round";
    paintPath(ctx, { stroke: colour(), width: 3.5 }, () => {
      for (const s of strokes) s.forEach(([x, y], i) => (i ? ctx.lineTo(x * w, y * h) : ctx.moveTo(x * w, y * h)));
    });
    ui.done.disabled = ui.clear.disabled = !strokes.some((s) => s.length > 1);
  }
  function extend(event) {
    if (event.pointerId !== pen) return;
    const stroke = strokes[strokes.length - 1];
    for (const each of event.getCoalescedEvents?.() ?? [event]) {
      const [x, y] = at(each);
      const [px, py] = stroke[stroke.length - 1];
      if (Math.hypot(x - px, y - py) > 0.005) stroke.push([x, y]);
    }
    redraw();
  }
  ui.sketch.onpointerdown = (event) => {
    if (pen !== null || event.button !== 0) return;
    pen = event.pointerId;
    ui.sketch.setPointerCapture(pen);
    strokes.push([at(event)]);
  };
  ui.sketch.onpointermove = extend;
  ui.sketch.onpointerup = ui.sketch.onpointercancel = (event) => {
    if (event.pointerId === pen) pen = null;
  };
  const clear = () => ((strokes = []), (pen = null), redraw());
  const done = () => !ui.done.disabled && finish(strokes.filter((s) => s.length > 1));
  Object.assign(ui.done, { onclick: done });
  Object.assign(ui.clear, { onclick: clear });
  return { clear, done, cancel };
}

// ---- the view ----

const views = new WeakMap(); // how many views each model has on this page

function render({ model, el }) {
  const ui = build(el);
  const scratch = document.createElement("canvas");
  const t = (key) => model.get("labels")[key] ?? key;
  const size = new Map(); // canvas → [width, height], measured only when it changes
  let [frame, pal, ticket, timer, unacknowledged, spoken] = [null, palette(ui.root), 0, 0, false, 0];

  function send(message) {
    try {
      model.send(message);
    } catch { /* the kernel is gone: nobody is waiting for it */ }
  }

  function acknowledge() {
    clearTimeout(timer);
    timer = 0;
    if (unacknowledged) send({ type: "shown", n: frame?.n ?? 0 });
    unacknowledged = false;
  }

  function read() {
    // Newest frame only. Decoding is cheap; drawing waits for the screen. When the page is hidden
    // the screen never asks, so a timer acknowledges and training goes on unseen.
    const view = model.get("frame");
    frame = view?.byteLength ? decode(view) : null;
    unacknowledged = frame !== null;
    timer ||= setTimeout(acknowledge, 250);
    redraw();
  }

  function redraw() {
    ticket ||= requestAnimationFrame(paint);
  }

  function paint() {
    ticket = 0;
    ui.hint.textContent = model.get("drawing") ? t("draw_prompt") : frame ? "" : t("waiting");
    const [edge] = size.get(ui.picture) ?? [0];
    if (frame && edge) {
      DRAW[frame.kind](fit(ui.picture, edge, edge), edge, frame, pal, scratch);
      showNumbers();
    }
    acknowledge();
  }

  function showNumbers() {
    const number = make(ui.step, "b", "", { textContent: frame.step.toLocaleString("en") });
    ui.step.replaceChildren(`${t("counter")} `, number);
    ui.phase.textContent = frame.phase ? t(`phase_${frame.phase}`) : "";
    ui.phase.dataset.phase = frame.phase;
    const look = [frame.kind, frame.verdict_is].join();
    if (ui.legend.dataset.look !== look) showLegend(ui, frame, pal, t);
    ui.legend.dataset.look = look;
    for (const name of ["loss", "grad"]) {
      const [D, G] = [frame[`${name}_D`], frame[`${name}_G`]];
      const curves = [[D, pal.fg, []], [G, pal.fake, []]];
      drawChart(ui[name].canvas, size.get(ui[name].canvas), frame.steps, curves, name === "grad", t("counter"), pal);
      ui[name].D.textContent = `D ${short(D[D.length - 1] ?? NaN)}`;
      ui[name].G.textContent = `G ${short(G[G.length - 1] ?? NaN)}`;
    }
    showMeters(ui, frame.meters, t);
    if (performance.now() - spoken < 1000) return; // a screen reader cannot follow 30 a second
    spoken = performance.now();
    const said = [...ui.meters.children].map((tile) => `${t(tile.dataset.id)} ${tile.children[1].textContent}`);
    ui.picture.setAttribute("aria-label", [ui.step.textContent, ...said].join(", "));
  }

  function relabel() {
    ui.root.setAttribute("aria-label", t("keys"));
    ui.keys.textContent = t("keys");
    ui.done.textContent = t("draw_done");
    ui.clear.textContent = t("draw_clear");
    ui.loss.name.textContent = t("losses");
    ui.grad.name.textContent = t("grad_norms");
    ui.legend.dataset.look = ui.meters.dataset.ids = "?"; // to be made anew
    redraw();
  }

  const recolour = () => ((pal = palette(ui.root)), relabel());
  const resize = () => ui.root.style.setProperty("--edge", `${model.get("size")}px`);

  const stopDrawing = () => (model.set("drawing", false), model.save_changes());
  const pad = sketchpad(ui, {
    colour: () => css(pal.real),
    cancel: stopDrawing,
    finish(strokes) {
      const [x0, x1, y0, y1] = frame?.range?.length === 4 ? frame.range : [-2, 2, -2, 2];
      const world = ([x, y]) => [x0 + x * (x1 - x0), y1 - y * (y1 - y0)];
      send({ type: "strokes", strokes: strokes.map((s) => s.map(world)) });
      stopDrawing();
    },
  });
  function mode() {
    ui.root.classList.toggle("drawing", model.get("drawing"));
    pad.clear();
    if (model.get("drawing")) ui.root.focus({ preventScroll: true });
    redraw();
  }

  ui.root.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    event.stopPropagation();
    if (event.target.tagName === "BUTTON") return; // space and Enter press it
    const act = { Escape: pad.cancel, Enter: pad.done }[event.key];
    const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (model.get("drawing") ? act : action) event.preventDefault();
    if (model.get("drawing")) act?.();
    else if (action && !(event.repeat && action === "toggle")) send({ type: "key", action });
  };

  const watcher = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      size.set(target, [contentRect.width, contentRect.height]);
      if (target === ui.root) ui.root.classList.toggle("wide", contentRect.width >= WIDE);
    }
    recolour(); // only now, on the page, does the stage have a background
  });
  for (const target of [ui.root, ui.picture, ui.loss.canvas, ui.grad.canvas]) watcher.observe(target);
  const themes = new MutationObserver(recolour);
  for (const target of [document.documentElement, document.body])
    themes.observe(target, { attributeFilter: ["data-jp-theme-name", "class", "theme", "style"] });

  const listeners = { "change:frame": read, "change:labels": relabel, "change:drawing": mode, "change:size": resize };
  for (const [name, act] of Object.entries(listeners)) model.on(name, act);
  const count = (by) => {
    views.set(model, (views.get(model) ?? 0) + by);
    send({ type: "views", count: views.get(model) });
  };
  resize();
  recolour();
  mode();
  count(1);
  read();

  return () => {
    for (const [name, act] of Object.entries(listeners)) model.off(name, act);
    watcher.disconnect();
    themes.disconnect();
    cancelAnimationFrame(ticket);
    clearTimeout(timer);
    count(-1);
  };
}

export default { render };
