// Axes, and what is drawn on them: curves, strips, histograms, bars (charts.py describes them).

import { clamp, decades, last, niceTicks, raised, short } from "./frames.js";
import { bitmap, css, paint, polyline, write } from "./ink.js";

function linearAxis(values) {
  const [least, most] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  const margin = 0.06 * (most - least) + 1e-3;
  const [low, high] = [least - margin, most + margin];
  return { low, high, ticks: niceTicks(low, high, 5) };
}

export function axisFor(scale, curves, gan, small) {
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
  const zero = seen.length && (scale.zero || scale.by);
  const axis = linearAxis(zero ? [0, ...seen] : seen);
  const ticks = small ? niceTicks(axis.low, axis.high, 2) : axis.ticks;
  return { ...axis, ticks, floor, ceiling };
}

export function modeAxis(n, first = 1) {
  const every = Math.ceil(n / 5);
  const ticks = Array.from({ length: Math.ceil(n / every) }, (_, i) => first + i * every);
  return { low: n + first - 0.5, high: first - 0.5, ticks }; // the first mode is on top
}

export function times(gans) {
  // From the first to the last step on record of any of them.
  const ends = gans.flatMap(({ steps }) => (steps.length ? [steps[0], last(steps)] : []));
  const first = ends.length ? Math.min(...ends) : 0;
  return [first, Math.max(first + 1, ...ends)];
}

export function drawAxes(ctx, [width, height], { span, axis, xLabel }, pal) {
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
    const label = logarithmic ? raised(tick) : short(tick);
    write(ctx, label, left - 6, y, pal.muted, font, "right", left - 6); // a long one is squeezed
  }
  if (!small) {
    write(ctx, xLabel, 0, height - 6, pal.muted, font);
    for (const tick of niceTicks(first, end, 4))
      if (X(tick) > left + 26 && X(tick) < right - 12)
        write(ctx, short(tick), X(tick), height - 6, pal.muted, font, "center");
  }
  return { ctx, X, Y, axis, span };
}

export function drawCurves({ ctx, X, Y, axis: { logarithmic, low, high } }, steps, curves) {
  // NaN and infinities leave a gap; a zero lies on the floor of the log scale.
  const height = (v) => Y(logarithmic ? clamp(Math.log10(v), low, high) : v);
  const at = (v, i) => [X(steps[i]), Number.isFinite(v) ? height(v) : NaN];
  for (const [data, colour] of curves)
    paint(ctx, { stroke: css(colour), width: 1.6 }, () => polyline(ctx, Array.from(data, at)));
}

export function drawHistogram(ctx, [width, height], shares, limit, pal) {
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

export function drawBars(ctx, [width, height], values, shares, most, pal) {
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

export function drawStrip({ ctx, X, Y, axis, span: [first, end] }, { steps, strip }, pal, scratch) {
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
