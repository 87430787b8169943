// The sheet to draw on. The strokes stay here as lines; Python gets them as edge × edge bytes, one
// drawing at a time, and answers with one binary frame (the format: stage.py).
// What is drawn is 255 on 0, as in training; on the screen it is dark on light.

import { SCREEN, fullScreen } from "./screen.js";

const LAYOUT = [960, 540]; // CSS px: in full screen it is laid out on so many, and enlarged
const PACE = 30; // ms between two drawings sent
const PATIENCE = 10_000; // ms; an answer that has not come by then never will
const INK = [28, 32, 38];
const PAPER = [253, 252, 248]; // light in dark themes, too: it is paper

// ---- strokes, pixels, history (need no screen; tested with Node) ----

export function cells(points, edge) {
  // The pixels that a stroke passes, each a neighbour of the one before; points are in fractions of
  // the sheet. A hand on a diagonal steps right, down, right, down: such corners are cut, or the
  // line would be twice as thick as those of the training data.
  const path = [];
  const add = (cell) => {
    const [before, corner] = path.slice(-2);
    const apart = (a, b) => [Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1])];
    if (corner && String(apart(before, cell)) === "1,1"
      && Math.min(...apart(before, corner)) === 0 && Math.min(...apart(corner, cell)) === 0)
      path.pop();
    path.push(cell);
  };
  for (const point of points) {
    const [x1, y1] = point.map((v) => Math.floor(v * edge));
    if (!path.length) add([x1, y1]);
    const [x0, y0] = path[path.length - 1];
    const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0));
    for (let i = 1; i <= steps; i++)
      add([x0 + Math.round((x1 - x0) * i / steps), y0 + Math.round((y1 - y0) * i / steps)]);
  }
  return path;
}

export function rasterise(actions, edge) {
  // All that was done, in its order → edge × edge bytes. What lies beyond the border is cut off.
  const pixels = new Uint8Array(edge * edge);
  for (const { kind, points = [], pixels: picture } of actions) {
    if (kind === "clear") pixels.fill(0);
    if (kind === "picture") pixels.set(picture);
    const [reach, value] = kind === "erase" ? [1, 0] : [0, 255];
    for (const [x, y] of cells(points, edge))
      for (let row = Math.max(y - reach, 0); row <= Math.min(y + reach, edge - 1); row++)
        for (let col = Math.max(x - reach, 0); col <= Math.min(x + reach, edge - 1); col++)
          pixels[row * edge + col] = value;
  }
  return pixels;
}

// What was done, and what was taken back; the first action is what the reader found.
export const begin = (action) => ({ done: [action], undone: [] });
export const record = ({ done }, action) => ({ done: [...done, action], undone: [] });
export const canUndo = ({ done }) => done.length > 1;
export const canRedo = ({ undone }) => undone.length > 0;
export const undo = (history) => canUndo(history)
  ? { done: history.done.slice(0, -1), undone: [...history.undone, ...history.done.slice(-1)] }
  : history;
export const redo = (history) => canRedo(history)
  ? { done: [...history.done, ...history.undone.slice(-1)], undone: history.undone.slice(0, -1) }
  : history;

export function adopt(history, action) {
  // A drawing from elsewhere. While another view of this sheet is drawn on, each of its states
  // replaces the one before: to this view they are one action.
  const top = history.done[history.done.length - 1];
  const replaces = top.kind === "picture" && top.source === action.source;
  return record(replaces ? { done: history.done.slice(0, -1) } : history, action);
}

export function shortcut({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  const letter = key.toLowerCase();
  if (altKey) return null;
  if (!ctrlKey && !metaKey)
    return { delete: "clear", f: "screen", escape: "leave" }[letter] ?? null;
  if (letter === "z") return shiftKey ? "redo" : "undo";
  return letter === "y" && !shiftKey ? "redo" : null;
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @param {number[]} cell @param {string} key @param {number} edge */
export function moved([x, y], key, edge) {
  // The pixel of the sheet beside another one.
  const inside = (v) => Math.min(Math.max(v, 0), edge - 1);
  return [inside(x + ARROWS[key][0]), inside(y + ARROWS[key][1])];
}

export function decode(view) {
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const start = 4 + new DataView(bytes).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, start - 4)));
  const arrays = Object.entries(header.arrays).map(([name, { shape, offset }]) =>
    [name, new Uint8Array(bytes, start + offset, shape.reduce((a, b) => a * b, 1))]);
  return { ...header, arrays: Object.fromEntries(arrays) };
}

// ---- elements ----

const BUTTONS = { // name → keys that do the same
  pen: "", eraser: "", undo: "Control+Z", redo: "Control+Shift+Z", clear: "Delete", example: "",
};

function build(parent, tag, properties = {}) {
  return parent.appendChild(Object.assign(document.createElement(tag), properties));
}

function paint(canvas, edge, colourAt) {
  if (canvas.width !== edge) canvas.width = canvas.height = edge;
  const image = new ImageData(edge, edge);
  for (let i = 0; i < edge * edge; i++) image.data.set([...colourAt(i), 255], 4 * i);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const onPaper = (share) => INK.map((ink, i) => PAPER[i] + (ink - PAPER[i]) * share);

// ---- the view ----

function render({ model, el }) {
  const edge = model.get("edge");
  const t = (key) => model.get("labels")[key] ?? key;
  const me = `view ${Math.random().toString(36).slice(2)}`;
  let history = begin({ kind: "clear" });
  let [tool, pen, ticket, panels, found] = ["pen", null, 0, [], false];
  let [place, keyed] = [[edge >> 1, edge >> 1], null]; // of the keyboard's brush; what it draws
  let [sent, waiting, dirty, sentAt, timer] = [0, false, false, -Infinity, 0];

  const root = build(el, "div", { className: "drawlab", tabIndex: -1, role: "group" });
  root.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab's own keys stay out
  root.ariaLabel = model.get("title") || t("title");
  if (model.get("title"))
    build(root, "div", { className: "drawlab-title", textContent: model.get("title") });
  const tools = build(root, "div", { className: "drawlab-tools", role: "group" });
  tools.ariaLabel = t("tools");
  const buttons = Object.fromEntries(Object.entries(BUTTONS).map(([name, keys]) => {
    const hint = [model.get("labels")[`${name}_hint`], keys.replace("Control", "Ctrl")];
    const look = { type: "button", textContent: t(name), ariaLabel: t(name) };
    const button = build(tools, "button", { ...look, title: hint.filter(Boolean).join(" ") });
    if (keys) button.setAttribute("aria-keyshortcuts", keys);
    button.dataset.tool = name;
    button.onclick = () => act(name);
    return [name, button];
  }));
  buttons.example.hidden = !model.get("examples");
  const large = build(tools, "button", { type: "button", innerHTML: SCREEN });
  large.dataset.tool = "screen";

  const board = build(root, "div", { className: "drawlab-board" });
  const own = panel(board, t("drawing"));
  own.root.classList.add("drawlab-own");
  const keys = `${t("drawing")}: ${t("drawing_keys")}`;
  const sheet = Object.assign(own.canvas, { role: "application", tabIndex: 0, ariaLabel: keys });
  own.took.textContent = t("drawing_keys");
  const brush = build(own.frame, "div", { className: "drawlab-brush", hidden: true });
  const answers = build(board, "div", { className: "drawlab-answers" });
  build(root, "div", { className: "drawlab-note", textContent: t("knows_only") });

  function panel(parent, name) {
    const root = build(parent, "div", { className: "drawlab-panel" });
    build(root, "div", { className: "drawlab-name", textContent: name, title: name });
    const frame = build(root, "div", { className: "drawlab-frame" });
    const canvas = build(frame, "canvas");
    const trouble = build(frame, "div", { className: "drawlab-trouble", role: "status" });
    const took = build(root, "div", { className: "drawlab-took" });
    return { root, frame, canvas, trouble, took };
  }

  // -- to Python and back: one drawing at a time, the newest --

  function send(message, buffers) {
    try {
      model.send(message, undefined, buffers);
    } catch { /* the kernel is gone: nobody is waiting for it */ }
  }

  function schedule() {
    clearTimeout(timer);
    if (!dirty) return;
    const since = performance.now() - sentAt;
    timer = setTimeout(flush, Math.max(0, (waiting ? PATIENCE : PACE) - since));
  }

  function flush() {
    [waiting, dirty, sentAt] = [true, false, performance.now()];
    const pixels = rasterise(history.done, edge);
    send({ type: "lines", n: ++sent, source: me }, [pixels.buffer]);
  }

  function read() {
    const view = model.get("frame");
    if (!view?.byteLength) return;
    const frame = decode(view);
    // Where something else was answered, ours was dropped or its answer is about to come.
    if (frame.source !== me || frame.n === sent) waiting = false;
    if (frame.source !== me) {
      const action = { kind: "picture", pixels: frame.arrays.lines, source: frame.source };
      history = found ? adopt(history, action) : begin(action);
      [pen, dirty, found] = [null, false, true];
      refresh();
    }
    showAnswers(frame);
    schedule();
  }

  function showAnswers({ names, ms, troubles, arrays }) {
    if (names.length !== panels.length) {
      answers.replaceChildren();
      panels = names.map((name) => panel(answers, name));
    }
    panels.forEach(({ root, canvas, trouble, took }, k) => {
      const picture = arrays[k];
      root.classList.toggle("failed", Boolean(troubles[k]));
      if (trouble.textContent !== troubles[k]) trouble.textContent = troubles[k];
      const time = ms[k] < 9.95 ? ms[k].toFixed(1) : ms[k].toFixed();
      took.textContent = t("took").replace("{ms}", time);
      Object.assign(canvas, { role: "img", ariaLabel: names[k] });
      if (!picture) return; // the last one stays, faded
      const channels = picture.length / edge ** 2;
      paint(canvas, edge, (i) => channels === 3 ? picture.subarray(3 * i, 3 * i + 3)
        : [picture[i], picture[i], picture[i]]);
    });
  }

  // -- what the reader does --

  function refresh() {
    ticket ||= requestAnimationFrame(() => {
      ticket = 0;
      const pixels = rasterise(history.done, edge);
      paint(sheet, edge, (i) => onPaper(pixels[i] / 255));
      for (const name of ["pen", "eraser"]) buttons[name].ariaPressed = String(tool === name);
      // Not `disabled`: a button that is would take the keyboard's focus with it.
      buttons.undo.ariaDisabled = String(!canUndo(history));
      buttons.redo.ariaDisabled = String(!canRedo(history));
    });
  }

  function change(next) {
    if (next === history) return;
    [history, dirty] = [next, true];
    refresh();
    schedule();
  }

  function act(name) {
    if (pen !== null) return; // not in the middle of a stroke
    if (name === "pen" || name === "eraser") tool = name;
    if (name === "undo") change(undo(history));
    if (name === "redo") change(redo(history));
    if (name === "clear" && rasterise(history.done, edge).some(Boolean))
      change(record(history, { kind: "clear" }));
    if (name === "example") send({ type: "example" });
    refresh();
  }

  const at = (event) => {
    const box = sheet.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };

  function showBrush(cell, erases) {
    // Which pixels it would change.
    const reach = erases ? 1 : 0;
    const [left, top] = cell.map((v) => `${100 * (v - reach) / edge}%`);
    brush.hidden = false;
    Object.assign(brush.style, { left, top, width: `${100 * (2 * reach + 1) / edge}%` });
  }

  function hover(event, erases) {
    place = at(event).map((v) => Math.floor(v * edge)); // from where the keys would go on
    showBrush(place, erases);
    brush.hidden = event.pointerType === "touch"; // a finger hides them anyway
  }

  const centre = (cell) => cell.map((v) => (v + 0.5) / edge);

  function drawOn(points) {
    // By the keyboard, a stroke as long as it is not lifted; for "undo", it is one.
    const goesOn = keyed && history.done.at(-1) === keyed;
    if (goesOn) keyed.points.push(points.at(-1));
    else keyed = { kind: tool === "eraser" ? "erase" : "stroke", points };
    change(goesOn ? { ...history } : record(history, keyed));
  }

  sheet.onpointerdown = (event) => {
    const erases = tool === "eraser" || [2, 5].includes(event.button); // right, or the pen's end
    if (pen !== null || ![0, 2, 5].includes(event.button)) return;
    event.preventDefault(); // no selection of text
    sheet.focus({ preventScroll: true }); // so that Ctrl+Z works at once
    pen = { id: event.pointerId, points: [at(event)], erases };
    sheet.setPointerCapture(event.pointerId);
    change(record(history, { kind: erases ? "erase" : "stroke", points: pen.points }));
  };
  sheet.onpointermove = (event) => {
    hover(event, pen?.erases ?? tool === "eraser");
    if (event.pointerId !== pen?.id) return;
    const all = event.getCoalescedEvents?.() ?? [];
    pen.points.push(...(all.length ? all : [event]).map(at));
    dirty = true;
    refresh();
    schedule();
  };
  sheet.onpointerup = sheet.onpointercancel = (event) => {
    if (event.pointerId !== pen?.id) return;
    pen = null;
    hover(event, tool === "eraser");
  };
  sheet.onpointerleave = () => { brush.hidden = true; };
  sheet.oncontextmenu = (event) => { // the right button erases
    event.preventDefault();
    event.stopPropagation();
  };
  sheet.onkeydown = (event) => {
    const moves = event.key in ARROWS;
    if (pen !== null || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!moves && event.key !== " ") return;
    event.preventDefault(); // the page would scroll
    const before = place;
    if (moves) place = moved(place, event.key, edge);
    if (!moves) drawOn([centre(place)]);
    else if (event.shiftKey) drawOn([centre(before), centre(place)]);
    if (!moves || !event.shiftKey) keyed = null;
    showBrush(place, tool === "eraser");
  };
  sheet.onfocus = () => sheet.matches(":focus-visible") && showBrush(place, tool === "eraser");
  sheet.onblur = () => { brush.hidden = true; };
  root.onkeydown = (event) => {
    const name = shortcut(event);
    if (!name || (name === "leave" && !screen.full())) return;
    event.preventDefault();
    event.stopPropagation();
    if (name === "screen" || name === "leave") screen.toggle();
    else act(name);
  };
  const screen = fullScreen(
    { area: () => root, focus: root, button: large, t, layout: () => LAYOUT, changed() {} });
  screen.relabel();

  model.on("change:frame", read);
  read();
  refresh();
  const heard = model.get("heard");
  send({ type: "here", view: me });
  // See listening.py: the page may have been too busy to be reached ever again.
  const listening = setTimeout(() => {
    if (model.get("heard") === heard) send({ type: "deaf" });
  }, 1000 * model.get("patience"));
  return () => {
    clearTimeout(listening);
    model.off("change:frame", read);
    clearTimeout(timer);
    cancelAnimationFrame(ticket);
    screen.stop();
    send({ type: "gone", view: me });
  };
}

export default { render };
