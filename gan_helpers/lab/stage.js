// The stage of the live lab. Python sends one binary frame at a time (the format: stage.py); here
// it is unpacked and drawn, and what the reader draws or types goes back as small messages.
// Colours mean the same everywhere: blue = real, orange = fake and G, the text's colour = D.

const MAX_ARROWS = 64; // more than that hides the samples
const ARROW = { shortest: 1e-4, longest: 1e1, pixels: 30 };
const MIXED = 255; // in place of a class: this picture was asked to lie between two
const WIDE = 780; // px; from here on the charts stand beside the stage
const KEYS = { " ": "toggle", arrowright: "step", d: "step_D", g: "step_G", r: "reset" };

// ---- frames and numbers (need no screen; tested with Node) ----

export async function plain(view) {
  // What was deflated for its way here: zlib's format behind four zeros.
  if (new DataView(view.buffer, view.byteOffset).getUint32(0, true) !== 0) return view;
  const deflated = new Uint8Array(view.buffer, view.byteOffset + 4, view.byteLength - 4);
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new DataView(await new Response(stream).arrayBuffer());
}

export function decode(view, before) {
  // A frame with a `base` builds on the frame of that number; null if that is not at hand.
  // Copying aligns the payload: a message's buffer may begin at any byte, a Float32Array may not.
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const start = 4 + new DataView(bytes).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, start - 4)));
  if ("base" in header && before?.n !== header.base) return null;
  const arrays = "base" in header ? { ...before.arrays } : {};
  for (const [name, { dtype, shape, offset, begin }] of Object.entries(header.arrays)) {
    const length = shape.reduce((a, b) => a * b, 1);
    const Type = { f4: Float32Array, f2: Uint16Array, u1: Uint8Array }[dtype];
    const stored = new Type(bytes, start + offset, length);
    const news = Object.assign(dtype === "f2" ? fromHalves(stored) : stored, { shape });
    arrays[name] = begin ? goOn(arrays[name], begin, news) : news;
  }
  const named = (prefix) => Object.fromEntries(Object.entries(arrays)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, array]) => [name.slice(prefix.length), array]));
  const whole = (head, own, old) => // of pictures, `verdict` is D's verdict on each of them
    ({ ...head, scale: head.verdict, relative: head.verdict === "relative", ...own,
      charts: head.charts ?? old?.charts ?? [] });
  // Of many GANs, the arrays of member k are called "k/…"; those without a prefix belong to all.
  const shared = named("");
  const members = (header.members ?? []).map((head, k) =>
    whole(head, { ...shared, ...named(`${k}/`) }, before?.members[k]));
  return { ...whole(header, shared, before), members, arrays };
}

function goOn(old, begin, news) {
  // Entries of the last axis that follow the first ones of what was there.
  const [had, got] = [old.shape.at(-1), news.shape.at(-1)];
  const [rows, length] = [news.length / got, begin + got];
  const array = new news.constructor(rows * length);
  for (let row = 0; row < rows; row++) {
    array.set(old.subarray(row * had, row * had + begin), row * length);
    array.set(news.subarray(row * got, (row + 1) * got), row * length + begin);
  }
  return Object.assign(array, { shape: [...news.shape.slice(0, -1), length] });
}

function fromHalves(halves) {
  // Numbers of 16 bits: sign, five bits of exponent, ten bits of fraction.
  return Float32Array.from(halves, (bits) => {
    const [sign, e, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
    if (e === 31) return fraction ? NaN : sign * Infinity;
    return sign * (e ? (1 + fraction / 1024) * 2 ** (e - 15) : fraction * 2 ** -24);
  });
}

export function columns(count, width) {
  // How many panels stand beside each other: a picture needs some 150 pixels to be read.
  if (width < (count > 3 ? 700 : 480)) return Math.min(count, 2);
  return Math.ceil(count / Math.ceil(count / 4)); // rows of about equal length
}

export function arrowLength(gradient) {
  // Logarithmic, six pixels a decade, so that a vanishing gradient is seen to vanish.
  const { shortest, longest, pixels } = ARROW;
  const share = Math.log10(gradient / shortest) / Math.log10(longest / shortest);
  return gradient > 0 ? pixels * clamp(share, 0, 1) : 0;
}

export function decades(values, { least = -4, lowest = -12, highest = Infinity } = {}) {
  // The logarithmic axis: at least 10^least … 10, wider where the values are.
  let [low, high] = [least, 1];
  for (const v of values) {
    if (!(v > 0 && v < Infinity)) continue;
    low = Math.max(Math.min(low, Math.floor(Math.log10(v))), lowest);
    high = Math.min(Math.max(high, Math.ceil(Math.log10(v))), highest);
  }
  const ticks = [];
  for (let e = high; e >= low; e -= Math.ceil((high - low) / 6)) ticks.unshift(e);
  return { low, high, ticks, logarithmic: true };
}

export function niceTicks(low, high, count) {
  // Round numbers (1, 2 or 5 times a power of ten) inside [low, high].
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const gap = power * [1, 2, 5, 10].find((m) => m * power >= rough * 0.999);
  const [first, last] = [Math.ceil(low / gap - 1e-9), Math.floor(high / gap + 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * gap);
}

export function short(value) {
  // At most about seven characters, for tiles, titles and ticks.
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(1);
  return size >= 1e4 ? `${+(value / 1e3).toPrecision(3)}k` : String(+value.toPrecision(3));
}

const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
const last = (values) => values[values.length - 1] ?? NaN;
const raised = (e) => "10" + String(e).replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);

// ---- colours ----

const mix = (a, b, t) => a.map((v, i) => Math.round(v + (b[i] - v) * t));
const css = ([r, g, b], alpha = 1) => `rgba(${r},${g},${b},${alpha})`;
const shades = (colourOf) => Array.from({ length: 256 }, (_, i) => colourOf(i / 255));
const packed = (ramp) => // one number for the four bytes of a pixel: r, g, b, alpha
  Uint32Array.from(ramp, ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r);

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
    const [r, g, b, alpha] = readColour(getComputedStyle(el).backgroundColor);
    if ((opaque = alpha > 127)) bg = [r, g, b];
  }
  const dark = 0.299 * bg[0] + 0.587 * bg[1] + 0.114 * bg[2] < 128;
  const fg = dark ? [232, 234, 237] : [32, 36, 42];
  const real = dark ? [72, 187, 232] : [0, 114, 168];
  const fake = dark ? [255, 140, 66] : [208, 84, 0];
  const [muted, line, tile] = [0.66, 0.2, 0.06].map((t) => mix(bg, fg, t));
  const colours = { bg, fg, real, fake, muted, line, tile };
  for (const [name, c] of Object.entries(colours)) root.style.setProperty(`--${name}`, css(c));
  const ramp = (middle, strength) => shades((share) => {
    const t = 2 * share - 1; // D's verdict: fake … middle … real
    return mix(middle, t > 0 ? real : fake, strength * Math.abs(t) ** 0.8);
  });
  const heat = ramp(bg, dark ? 0.42 : 0.36);
  // The cube root shows 1/8 clearly and lifts a single sample off the background.
  const strip = shades((share) => mix(bg, fake, Math.cbrt(share)));
  const grey = shades((share) => mix([0, 0, 0], [255, 255, 255], share));
  const ink = { heat: packed(heat), strip: packed(strip), grey: packed(grey) };
  // Borders of images have to be seen at 0.5 too.
  return { ...colours, ink, heat, border: ramp(mix(bg, fg, 0.35), 1) };
}

// ---- drawing: every function gets a context whose unit is the CSS pixel ----

function fit(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1; // sharp on every screen
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return ctx;
}

function bitmap(scratch, width, height, bytes, ink) {
  Object.assign(scratch, { width, height });
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = ink[bytes[i]];
  scratch.getContext("2d").putImageData(image, 0, 0);
  return scratch;
}

function keptLayer() {
  // A canvas that is drawn anew only when it is to show something else.
  const canvas = document.createElement("canvas");
  let [data, look] = [[], []];
  return (newData, newLook, edge, draw) => {
    newLook = [...newLook, edge, newData.length, window.devicePixelRatio];
    const same = newLook.every((value, i) => value === look[i])
      && (newData === data || newData.every((value, i) => value === data[i]));
    if (!same) draw(fit(canvas, edge, edge));
    [data, look] = [newData, newLook];
    return canvas;
  };
}

function paint(ctx, { fill, stroke, width = 1, dash = [] }, trace) {
  ctx.beginPath();
  trace();
  ctx.setLineDash(dash);
  Object.assign(ctx, { strokeStyle: stroke, fillStyle: fill, lineWidth: width, lineJoin: "round" });
  if (stroke) ctx.stroke();
  if (fill) ctx.fill();
}

function write(ctx, text, x, y, colour, font, textAlign = "left") {
  Object.assign(ctx, { fillStyle: css(colour), font, textAlign, textBaseline: "middle" });
  ctx.fillText(text, x, y);
}

function within(ctx, [x, y, width, height], draw) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, y, width, height);
  ctx.clip();
  draw();
  ctx.restore();
}

function polyline(ctx, points) {
  let down = false; // the pen lifts where there is no value
  for (const [x, y] of points) {
    if (!Number.isFinite(y)) down = false;
    else if (down) ctx.lineTo(x, y);
    else { ctx.moveTo(x, y); down = true; }
  }
}

function disc(ctx, [x, y], r) {
  ctx.moveTo(x + r, y);
  ctx.arc(x, y, r, 0, 7);
}

function diamond(ctx, [x, y], r) {
  ctx.moveTo(x, y - r); // without a list of corners: there are thousands of them in a frame
  ctx.lineTo(x + r, y);
  ctx.lineTo(x, y + r);
  ctx.lineTo(x - r, y);
  ctx.closePath();
}

const reach = (edge) => clamp(edge / 400, 0.65, 1); // arrows of small pictures are shorter

function arrows(ctx, pal, edge, list) {
  // [x, y of the tail, direction, gradient]; the halo lifts them off the samples.
  const trace = () => {
    for (const [x, y, angle, gradient] of list) {
      const length = arrowLength(gradient) * reach(edge);
      if (!length) continue;
      const tip = [x + length * Math.cos(angle), y + length * Math.sin(angle)];
      const barb = Math.min(5, 0.6 * length);
      const [a, b] = [angle + 2.6, angle - 2.6].map((turned) =>
        [tip[0] + barb * Math.cos(turned), tip[1] + barb * Math.sin(turned)]);
      polyline(ctx, [[x, y], tip]);
      polyline(ctx, [a, tip, b]);
    }
  };
  paint(ctx, { stroke: css(pal.bg, 0.6), width: 3.5 }, trace);
  paint(ctx, { stroke: css(pal.fg, 0.85), width: 1.2 }, trace);
}

function thinned(list, edge, most = MAX_ARROWS) {
  const every = Math.ceil(list.length / (most * clamp(edge / 400, 0.5, 1)));
  return list.filter((_, i) => i % every === 0);
}

function draw2d(ctx, edge, f, pal, scratch, layer) {
  const [x0, x1, y0, y1] = f.range;
  const X = (x) => ((x - x0) / (x1 - x0)) * edge;
  const Y = (y) => ((y1 - y) / (y1 - y0)) * edge;
  const points = (a) =>
    Array.from({ length: a.length / 2 }, (_, i) => [X(a[2 * i]), Y(a[2 * i + 1])]);
  const [rows, columns] = f.heat.shape;
  Object.assign(ctx, { imageSmoothingEnabled: true, imageSmoothingQuality: "high" });
  ctx.drawImage(bitmap(scratch, columns, rows, f.heat, pal.ink.heat), 0, 0, edge, edge);

  const samples = (on, colour, shape, list, radius) => {
    // Halos are larger shapes underneath: stroking each sample would cost a third of a frame.
    for (const [fill, r] of [[css(pal.bg, 0.8), radius + 0.9], [css(colour, 0.95), radius]])
      paint(on, { fill }, () => list.forEach((point) => shape(on, point, r)));
  };
  const zoom = clamp(edge / 400, 0.65, 1.4);
  const radius = zoom * (f.fake.length > 600 ? 2.7 : 3.3); // smaller where there are many
  const inside = ([x, y]) => x > 0 && x < edge && y > 0 && y < edge;
  const fakes = points(f.fake);
  const real = layer(f.real, [pal, ...f.range], edge, (on) => // the same in every frame and panel
    samples(on, pal.real, disc, points(f.real), 1.9 * zoom));
  ctx.drawImage(real, 0, 0, edge, edge);
  samples(ctx, pal.fake, diamond, fakes.filter(inside), radius);
  paint(ctx, { stroke: css(pal.fake), width: 1.2 }, () => {
    // Those beyond the stage wait at its border, hollow.
    for (const point of fakes)
      if (!inside(point)) diamond(ctx, point.map((v) => clamp(v, 5, edge - 5)), radius);
  });
  const pushed = fakes.map(([x, y], i) => {
    const [dx, dy] = [f.push[2 * i], -f.push[2 * i + 1]];
    return [x, y, Math.atan2(dy, dx), Math.hypot(dx, dy)];
  });
  arrows(ctx, pal, edge, thinned(pushed.filter((arrow) => arrow[3] > 0), edge));
}

function draw1d(ctx, edge, f, pal) {
  // Figure 1 of the GAN paper: the densities and D above, the lines z → x = G(z) below.
  const [x0, x1, , top] = f.range;
  const [left, right, high, base] = [22, edge - 30, 16, 0.6 * edge];
  const [xLine, zLine] = [0.72 * edge, edge - 20];
  const X = (x) => left + ((x - x0) / (x1 - x0)) * (right - left);
  const spread = f.z.reduce((most, z) => Math.max(most, Math.abs(z)), 1e-9);
  const Z = (z) => left + ((z / spread + 1) / 2) * (right - left);
  const up = (share) => base - share * (base - high);
  const curve = (values, scale, style) => {
    const points = [...values].map((v, i) => [X(f.x[i]), up(v / scale)]);
    if (style.fill) points.push([right, base], [left, base]);
    paint(ctx, style, () => polyline(ctx, points));
  };
  const rule = (y, style) => paint(ctx, style, () => polyline(ctx, [[left, y], [right, y]]));

  for (const d of [0, 0.5, 1]) {
    rule(up(d), { stroke: css(pal.line) });
    if (!f.relative) write(ctx, d, right + 6, up(d), pal.muted, "11px sans-serif");
  }
  // A collapsed G has a density far above the data's: it is cut, the scale stays.
  within(ctx, [left, high - 6, right - left, base - high + 7], () => {
    curve(f.q, top, { fill: css(pal.fake, 0.3) });
    curve(f.q, top, { stroke: css(pal.fake), width: 2 });
    curve(f.p, top, { fill: css(pal.real, 0.14) });
    curve(f.p, top, { stroke: css(pal.real), width: 2.5 });
    curve(f.D_star, 1, { stroke: css(pal.fg), width: 1.4, dash: [1.5, 3.5] });
    curve(f.D, 1, { stroke: css(pal.fg), width: 2, dash: [8, 4] });
  });
  within(ctx, [0, xLine - 4, edge, edge], () => {
    paint(ctx, { stroke: css(pal.fake, 0.55) }, () =>
      f.z.forEach((z, i) => polyline(ctx, [[Z(z), zLine], [X(f.gz[i]), xLine]])));
    for (const y of [xLine, zLine]) rule(y, { stroke: css(pal.fg), width: 1.2 });
    paint(ctx, { fill: css(pal.fake) }, () => f.gz.forEach((x) => diamond(ctx, [X(x), xLine], 3)));
    paint(ctx, { fill: css(pal.fg) }, () => f.z.forEach((z) => disc(ctx, [Z(z), zLine], 1.6)));
  });
  for (const [name, y] of [["x", xLine], ["z", zLine]])
    write(ctx, name, 7, y - 1, pal.fg, "italic 14px Georgia, serif");
  const few = thinned([...f.push.keys()], edge, MAX_ARROWS / 4); // on one line there is less room
  arrows(ctx, pal, edge, few.map((i, tier) => {
    const y = xLine - 10 - 7 * (tier % 3); // three tiers, so that neighbours stay apart
    return [X(f.gz[i]), y, f.push[i] > 0 ? 0 : Math.PI, Math.abs(f.push[i])];
  }));
}

function drawImages(ctx, edge, f, pal, scratch) {
  const [n, rows, columns] = f.grid.shape;
  const across = f.columns?.length ?? Math.ceil(Math.sqrt(n));
  const head = f.columns?.some(Boolean) ? 16 : 0; // room for the names of the columns
  const cell = Math.min(edge / across, (edge - head) / Math.ceil(n / across));
  const left = (edge - across * cell) / 2;
  const side = cell - Math.max(0.16 * cell, 5);
  bitmap(scratch, columns, rows * n, f.grid, pal.ink.grey);
  ctx.imageSmoothingEnabled = false;
  if (head) f.columns.forEach((name, i) =>
    write(ctx, name, left + (i + 0.5) * cell, 8, pal.fg, "600 13px system-ui, sans-serif", "center"));
  for (let i = 0; i < n; i++) {
    const x = left + ((i % across) + 0.5) * cell - side / 2;
    const y = head + (Math.floor(i / across) + 0.5) * cell - side / 2;
    ctx.fillStyle = css(pal.border[Math.round(255 * f.verdict[i])] ?? pal.muted);
    ctx.fillRect(x - 2, y - 2, side + 4, side + 4);
    ctx.drawImage(scratch, 0, i * rows, columns, rows, x, y, side, side);
    if (f.read && f.asked[i] !== MIXED && f.read[i] !== f.asked[i])
      tag(ctx, f.read[i], x + side, y + side, pal);
  }
}

function tag(ctx, text, right, bottom, pal) {
  // What the classifier reads, where it is not what was asked for.
  paint(ctx, { fill: css(pal.fake) }, () => ctx.rect(right - 9, bottom - 11, 11, 13));
  write(ctx, text, right - 3.5, bottom - 4, pal.bg, "700 10px system-ui, sans-serif", "center");
}

function allOutside({ kind, fake, gz, range }) {
  // Whether no generated point lies on the stage: then there is nothing to be seen of G.
  const [x0, x1, y0, y1] = range;
  if (kind === "1d") return gz.length > 0 && gz.every((x) => x < x0 || x > x1);
  if (kind !== "2d" || !fake.length) return false;
  for (let i = 0; i < fake.length; i += 2)
    if (fake[i] > x0 && fake[i] < x1 && fake[i + 1] > y0 && fake[i + 1] < y1) return false;
  return true;
}

const DRAW = { "2d": draw2d, "1d": draw1d, images: drawImages };

function linearAxis(values) {
  const [least, most] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  const margin = 0.06 * (most - least) + 1e-3;
  const [low, high] = [least - margin, most + margin];
  return { low, high, ticks: niceTicks(low, high, 5) };
}

function axisFor(scale, curves, gan, small) {
  // The axis of curves, as charts.py describes it; between `floor` and `ceiling` they are drawn.
  if (scale.ticks) { // fixed
    const ticks = small ? [0, Math.floor(scale.high)] : scale.ticks;
    return { ...scale, ticks, floor: scale.low, ceiling: scale.high };
  }
  const values = curves.flatMap((data) => [...data]).filter(Number.isFinite);
  if (scale.log) {
    const axis = decades(values, scale);
    return scale.ends ? { ...axis, ticks: [axis.low, axis.high] } : axis;
  }
  const most = scale.by ? 3 * Math.max(...[...gan[scale.by]].filter(Number.isFinite), 0.3) : Infinity;
  const [floor, ceiling] = [-0.3 * most, most];
  const seen = values.map((v) => clamp(v, floor, ceiling));
  const axis = linearAxis(scale.zero || scale.by ? [0, ...seen] : seen);
  const ticks = small ? niceTicks(axis.low, axis.high, 2) : axis.ticks;
  return { ...axis, ticks, floor, ceiling };
}

function modeAxis(n, first = 1) {
  const every = Math.ceil(n / 5);
  const ticks = Array.from({ length: Math.ceil(n / every) }, (_, i) => first + i * every);
  return { low: n + first - 0.5, high: first - 0.5, ticks }; // the first mode is on top
}

function times(gans) {
  // From the first to the last step on record of any of them.
  const ends = gans.flatMap(({ steps }) => (steps.length ? [steps[0], last(steps)] : []));
  const first = ends.length ? Math.min(...ends) : 0;
  return [first, Math.max(first + 1, ...ends)];
}

function drawAxes(ctx, [width, height], { span, axis, xLabel }, pal) {
  // What curves and strips are drawn on. Without a label of the x axis it is a small one.
  const [first, end] = span;
  const small = !xLabel;
  const [left, right, top, bottom] =
    small ? [28, width - 1, 6, height - 6] : [36, width - 6, 8, height - 22];
  const { low, high, ticks, logarithmic } = axis;
  const X = (step) => left + ((step - first) / (end - first)) * (right - left);
  const Y = (v) => bottom - ((v - low) / (high - low)) * (bottom - top);
  const font = `${small ? 9.5 : 10.5}px system-ui, sans-serif`;
  for (const tick of ticks) {
    const y = Math.round(Y(tick)) + 0.5;
    paint(ctx, { stroke: css(pal.line) }, () => polyline(ctx, [[left, y], [right, y]]));
    write(ctx, logarithmic ? raised(tick) : short(tick), left - 6, y, pal.muted, font, "right");
  }
  if (!small) {
    write(ctx, xLabel, 0, height - 6, pal.muted, font);
    for (const tick of niceTicks(first, end, 4))
      if (X(tick) > left + 26 && X(tick) < right - 12)
        write(ctx, short(tick), X(tick), height - 6, pal.muted, font, "center");
  }
  return { ctx, X, Y, axis, span };
}

function drawCurves({ ctx, X, Y, axis: { logarithmic, low, high } }, steps, curves) {
  // NaN and infinities leave a gap; a zero lies on the floor of the log scale.
  const height = (v) => Y(logarithmic ? clamp(Math.log10(v), low, high) : v);
  const at = (v, i) => [X(steps[i]), Number.isFinite(v) ? height(v) : NaN];
  for (const [data, colour] of curves)
    paint(ctx, { stroke: css(colour), width: 1.6 }, () => polyline(ctx, Array.from(data, at)));
}

function drawHistogram(ctx, [width, height], shares, limit, pal) {
  // Over [-limit, limit]; the root keeps a pile at the borders from hiding all the rest.
  const [left, right, top, bottom] = [6, width - 6, 6, height - 16];
  const most = Math.sqrt(Math.max(...shares, 1e-9));
  const step = (right - left) / shares.length;
  paint(ctx, { fill: css(pal.fg, 0.75) }, () => shares.forEach((share, i) => {
    const size = (Math.sqrt(share) / most) * (bottom - top);
    ctx.rect(left + i * step, bottom - size, Math.max(step - 1, 1), size);
  }));
  paint(ctx, { stroke: css(pal.line) }, () => polyline(ctx, [[left, bottom], [right, bottom]]));
  const labels = [[-limit, left, "left"], [0, (left + right) / 2, "center"], [limit, right, "right"]];
  for (const [value, x, align] of labels)
    write(ctx, short(value).replace("-", "−"), x, height - 7, pal.muted, "10px system-ui", align);
}

function drawBars(ctx, [width, height], values, shares, most, pal) {
  // One bar a class, named by its number, with a line at 1: as varied as the data. A mark on it
  // says which share of the class is what was asked for.
  const [left, right, top, bottom] = [6, width - 6, 6, height - 14];
  const step = (right - left) / values.length;
  const Y = (v) => bottom - (clamp(v, 0, most) / most) * (bottom - top);
  paint(ctx, { fill: css(pal.fake, 0.85) }, () => values.forEach((v, i) =>
    ctx.rect(left + i * step + 0.15 * step, Y(v), 0.7 * step, bottom - Y(v))));
  paint(ctx, { stroke: css(pal.fg), width: 2 }, () => shares.forEach((v, i) =>
    polyline(ctx, [[left + (i + 0.1) * step, Y(v)], [left + (i + 0.9) * step, Y(v)]])));
  paint(ctx, { stroke: css(pal.real), dash: [4, 3] }, () => polyline(ctx, [[left, Y(1)], [right, Y(1)]]));
  paint(ctx, { stroke: css(pal.line) }, () => polyline(ctx, [[left, bottom], [right, bottom]]));
  values.forEach((_, i) => write(ctx, i, left + (i + 0.5) * step, height - 6, pal.muted,
    "10px system-ui", "center"));
}

function drawStrip({ ctx, X, Y, axis, span: [first, end] }, { steps, strip }, pal, scratch) {
  // Steps have equal distances. A column's middle is at its step: half of the outer ones is cut.
  const [modes, columns] = strip.shape;
  const [top, height] = [Y(axis.high), Y(axis.low) - Y(axis.high)];
  const ground = [X(first), top, X(end) - X(first), height];
  paint(ctx, { stroke: css(pal.line), fill: css(pal.bg) }, () => ctx.rect(...ground));
  if (columns < 2) return;
  ctx.imageSmoothingEnabled = false;
  const image = bitmap(scratch, columns, modes, strip, pal.ink.strip);
  const [left, right] = [X(steps[0]), X(last(steps))];
  ctx.drawImage(image, 0.5, 0, columns - 1, modes, left, top, right - left, height);
}

// ---- the page around the canvases ----

const INK = { fg: "gan-D", fake: "gan-G", real: "gan-real" }; // colour → class of its words

const inksOf = ({ kind, lines = [] }) =>
  (kind === "bars" ? ["fg", "fake"] : lines.map(({ colour }) => colour));

function makeChart(box, chart) {
  const { id, kind, title } = chart;
  const inks = inksOf(chart);
  const root = document.createElement("div");
  const words = inks.map((ink) => `<i class="${INK[ink]}"></i>`).join("");
  root.className = `gan-chart gan-${id} gan-${kind}`;
  root.innerHTML = `<div class="gan-title">${title && "<b></b>"}${words}</div><canvas></canvas>`;
  box.append(root);
  const [name, ...numbers] = title ? root.firstChild.children : [null, ...root.firstChild.children];
  return { name, numbers, canvas: root.lastChild, made: JSON.stringify([id, inks, title]) };
}

const PAGE = `<div class="gan-board"><div class="gan-head">
    <span class="gan-step"><span data-ui="counter"></span> <b data-ui="step"></b></span>
    <span class="gan-phase" data-ui="phase"></span></div>
  <div class="gan-frame"><canvas class="gan-picture" role="img" data-ui="picture"></canvas>
    <canvas class="gan-sketch" data-ui="sketch"></canvas><div class="gan-hint" data-ui="hint"></div>
    <div class="gan-tools"><button type="button" data-ui="done"></button>
      <button type="button" data-ui="clear"></button></div></div>
  <div class="gan-panels" data-ui="panels"></div>
  <div class="gan-legend" data-ui="legend"></div><div class="gan-keys" data-ui="keys"></div></div>
  <div class="gan-side"><div class="gan-charts" data-ui="charts"></div>
    <div class="gan-meters" data-ui="meters"></div></div>`;
const PANEL = `<div class="gan-title"><b data-ui="name"></b></div>
  <div class="gan-frame"><canvas data-ui="picture"></canvas>
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

const unique = (gans, key) => [...new Set(gans.map((gan) => gan[key]))];
const mark = (width, shape) => `<svg width="${width}" height="10">${shape}</svg>`;
const sampleLine = (colour, dash = "") => mark(26, `<path d="M0 5h26" stroke="var(--${colour})"
  stroke-width="2" stroke-dasharray="${dash}"/>`);
const sampleArrow = (length) => mark(length, `<path d="M0 5h${length}m-4-3l4 3l-4 3" fill="none"
  stroke="var(--fg)" stroke-width="1.2"/>`);

function legend(gans, pal, t, edge) {
  const [{ kind }] = gans;
  const ramp = (kind === "images" ? pal.border : pal.heat).filter((_, i) => i % 15 === 0);
  const gradient = `linear-gradient(90deg,${ramp.map((c) => css(c))})`;
  const bar = `<i class="gan-bar" style="background:${gradient}"></i>`;
  const scales = { probability: `D(x) 0 ${bar} 1`, relative: `${t("critic")} − ${bar} +`,
    slope: `|∇D(x)| 0 ${bar} 2` };
  const verdicts = unique(gans, "scale").map((scale) => scales[scale]); // side by side
  const curves = unique(gans, "relative").map((critic) => (critic ? t("critic") : "D(x)"));
  const best = unique(gans, "critic").map((critic) => (critic ? t("best_critic") : "D*(x) = p/(p+q)"));
  const arrow = (gradient) => sampleArrow(reach(edge) * arrowLength(gradient));
  const lengths = [-3, -1, 1].map((e) => `${arrow(10 ** e)} ${raised(e)}`);
  const push = `${t("push")} ${lengths.join(" ")}`;
  const real = mark(10, `<circle cx="5" cy="5" r="3" fill="var(--real)"/>`);
  const fake = mark(10, `<path d="M5 0l5 5l-5 5l-5-5z" fill="var(--fake)"/>`);
  const wrong = mark(11, `<rect width="11" height="10" fill="var(--fake)"/>`);
  const entries = {
    "2d": [`${real} ${t("real")}`, `${fake} ${t("fake")}`, ...verdicts, push],
    "1d": [`${sampleLine("real")} p(x) ${t("real")}`, `${sampleLine("fake")} q(x) ${t("fake")}`,
      `${sampleLine("fg", "8 4")} ${curves.join(" / ")}`,
      `${sampleLine("fg", "1.5 3.5")} ${best.join(" / ")}`, push],
    images: [...verdicts, ...(gans[0].read ? [`${wrong} ${t("misread")}`] : [])],
  };
  return entries[kind].map((entry) => `<span>${entry}</span>`).join("");
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

// ---- drawing with the mouse, a finger or a pen ----

function sketchpad(ui, colour, finish) {
  let strokes = []; // in fractions of the stage, y downwards
  let pen = null; // one finger draws, the others are ignored
  const finished = () => strokes.filter((stroke) => stroke.length > 1); // a mere tap is no line
  const at = (event) => {
    const box = ui.sketch.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return [clamp(x, 0, 1), clamp(y, 0, 1)];
  };
  function redraw() {
    const [width, height] = [ui.sketch.clientWidth, ui.sketch.clientHeight];
    const ctx = fit(ui.sketch, width, height);
    ctx.lineCap = "round";
    paint(ctx, { stroke: css(colour()), width: 3.5 }, () => {
      for (const stroke of strokes) polyline(ctx, stroke.map(([x, y]) => [x * width, y * height]));
    });
    ui.done.disabled = ui.clear.disabled = !finished().length;
  }
  ui.sketch.onpointerdown = (event) => {
    if (pen !== null || event.button !== 0) return;
    pen = event.pointerId;
    ui.sketch.setPointerCapture(pen);
    strokes.push([at(event)]);
  };
  ui.sketch.onpointermove = (event) => {
    if (event.pointerId !== pen) return;
    const stroke = last(strokes);
    for (const [x, y] of (event.getCoalescedEvents?.() ?? [event]).map(at))
      if (Math.hypot(x - last(stroke)[0], y - last(stroke)[1]) > 0.005) stroke.push([x, y]);
    redraw();
  };
  ui.sketch.onpointerup = ui.sketch.onpointercancel = (event) => {
    if (event.pointerId === pen) pen = null;
  };
  const clear = () => ([strokes, pen] = [[], null]) && redraw();
  const done = () => finished().length && finish(finished());
  Object.assign(ui.done, { onclick: done });
  Object.assign(ui.clear, { onclick: clear });
  return { clear, done, redraw };
}

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
    const paintOn = (canvas, gan) =>
      DRAW[gan.kind](fit(canvas, edge, edge), edge, gan, pal, scratch, layer);
    if (many) members.forEach((gan, k) => paintOn(panels[k].picture, gan));
    else paintOn(ui.picture, frame);
    showNumbers(many ? members : [frame], edge);
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
      const made = drawn[k];
      if (made?.made === JSON.stringify([chart.id, inksOf(chart), chart.title])) return;
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
    gans.forEach((gan, k) => {
      const panel = panels[k];
      put(panel.name, gan.name);
      put(panel.trouble, gan.trouble || (allOutside(gan) ? t("all_outside") : ""));
      // D's verdicts are in the picture; as numbers they are shown where there are no others.
      const others = gan.meters.filter(({ id }) => !id.startsWith("d_"));
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
    ui.legend.dataset.look = ""; // to be written anew, as the charts are
    numbered = -Infinity;
    redraw();
  }

  function recolour() {
    pal = palette(ui.root);
    pad.redraw();
    relabel();
  }

  const resize = () => ui.root.style.setProperty("--edge", `${model.get("size")}px`);

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
    const drawing = model.get("drawing");
    const action = KEYS[event.key.toLowerCase()];
    const act = drawing
      ? { Escape: stopDrawing, Enter: event.target === ui.root && pad.done }[event.key]
      : action && (() => send({ type: "key", action }));
    if (!act) return;
    event.preventDefault(); // space would scroll the page
    if (!event.repeat || action?.startsWith("step")) act();
  };

  const watcher = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries)
      size.set(target, [contentRect.width, contentRect.height]);
    const [width] = size.get(ui.root);
    ui.root.classList.toggle("wide", width >= WIDE);
    ui.panels.style.setProperty("--columns", columns(panels.length, width));
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
    for (const [name, act] of Object.entries(listeners)) model.off(name, act);
    watcher.disconnect();
    themes.disconnect();
    window.removeEventListener("pagehide", leave);
    cancelAnimationFrame(ticket);
    clearTimeout(timer);
    count(-1);
  };
}

export default { render };
