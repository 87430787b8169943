// Drawing with the mouse, a finger or a pen.

import { clamp, last } from "./frames.js";
import { css, fit, paint, polyline } from "./ink.js";

export function sketchpad(ui, colour, finish) {
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
