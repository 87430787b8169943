// The picture of a GAN: points in the plane, densities on a line, or a grid of pictures.

import { arrowLength, clamp } from "./frames.js";
import { bitmap, css, diamond, disc, paint, polyline, within, write } from "./ink.js";

const MAX_ARROWS = 64; // more than that hides the samples
const MIXED = 255; // in place of a class: this picture was asked to lie between two

export const reach = (edge) => clamp(edge / 400, 0.65, 1); // arrows of small pictures are shorter

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
  const inside = (/** @type {number[]} */ [x, y]) => x > 0 && x < edge && y > 0 && y < edge;
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
  for (const [name, y] of Object.entries({ x: xLine, z: zLine }))
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
  const head = f.columns?.some(Boolean) ? 18 : 0; // room for the names of the columns
  const cell = Math.min(edge / across, (edge - head) / Math.ceil(n / across));
  const left = (edge - across * cell) / 2;
  const side = cell - Math.max(0.16 * cell, 5);
  bitmap(scratch, columns, rows * n, f.grid, pal.ink.grey);
  ctx.imageSmoothingEnabled = false;
  if (head) f.columns.forEach((name, i) =>
    write(ctx, name, left + (i + 0.5) * cell, 10, pal.fg, "600 13px system-ui, sans-serif", "center"));
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

const NAME = 18; // px above a row of pictures, for its name

function cells(f, edge) {
  // Of rows of pictures: how far they are apart, and the largest edge with pixels of one width.
  const [n, , columns] = f.row_0.shape;
  const ratio = window.devicePixelRatio || 1;
  const room = edge / n - 6;
  const times = Math.floor((room * ratio) / columns);
  return { cell: edge / n, side: times > 1 ? (times * columns) / ratio : room };
}

function drawRows(ctx, edge, f, pal, scratch, _layer, t) {
  const { cell, side } = cells(f, edge);
  const left = (cell - side) / 2;
  f.rows.forEach((name, k) => {
    const pictures = f[`row_${k}`];
    const [n, rows, columns] = pictures.shape;
    const top = k * (NAME + side + 6);
    write(ctx, t(name), left, top + NAME / 2 + 1, pal.muted, "12px system-ui, sans-serif");
    bitmap(scratch, columns, rows * n, pictures, pal.ink.grey);
    ctx.imageSmoothingEnabled = false;
    for (let i = 0; i < n; i++)
      ctx.drawImage(scratch, 0, i * rows, columns, rows, left + i * cell, top + NAME, side, side);
  });
}

export function heightOf(f, edge) {
  // Of the picture of a GAN: it is square, but for rows of pictures.
  return f.kind === "rows" ? f.rows.length * (NAME + cells(f, edge).side + 6) : edge;
}

export const isTall = (f) => heightOf(f, 400) > 500; // as rows of both directions are

function tag(ctx, text, right, bottom, pal) {
  // What the classifier reads, where it is not what was asked for.
  paint(ctx, { fill: css(pal.fake) }, () => ctx.rect(right - 9, bottom - 11, 11, 13));
  write(ctx, text, right - 3.5, bottom - 4, pal.bg, "700 10px system-ui, sans-serif", "center");
}

export function allOutside({ kind, fake, gz, range = [] }) {
  // Whether no generated point lies on the stage: then there is nothing to be seen of G.
  const [x0, x1, y0, y1] = range;
  if (kind === "1d") return gz.length > 0 && gz.every((x) => x < x0 || x > x1);
  if (kind !== "2d" || !fake.length) return false;
  for (let i = 0; i < fake.length; i += 2)
    if (fake[i] > x0 && fake[i] < x1 && fake[i + 1] > y0 && fake[i + 1] < y1) return false;
  return true;
}

export const DRAW = { "2d": draw2d, "1d": draw1d, images: drawImages, rows: drawRows };
