// A trained cGAN that is asked in the page itself: choose a digit, move z, mix two codes.
//
//   mount(element, {
//     weights: { cGAN: bytes },  // an ArrayBuffer: cgan_28.safetensors
//     words,                     // those of networks_in_page.py, in the reader's language
//     lang,                      // "ja" or "en"
//   });
//
// It needs sketch.css and digits.css, and returns what takes it away again.

import { clamp } from "./frames.js";
import { conditionalGenerator, read } from "./networks.js";

const [EDGE, K, LENGTH] = [28, 10, 64]; // of a picture, classes, of z
const PLACES = 3; // noises that a place on the pad mixes
const BUDGET = 10; // ms of one frame: where a device is slow, the rest waits for the next one
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const STRIDE = 0.1; // of an arrow key, on a pad from -1 to 1
const WAY = Array.from({ length: K }, (_, i) => i / (K - 1));

// ---- noise and codes (need no screen; tested with Node) ----

export function noises(seed) {
  // Three independent z ~ N(0, I), always the same for a seed from 1 on: the generator of Park and
  // Miller, and the way of Box and Muller from the square to the normal distribution.
  let state = seed;
  const uniform = () => (state = state * 48271 % 2147483647) / 2147483647;
  for (let i = 0; i < 10; i++) uniform(); // neighbouring seeds begin alike
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return Array.from({ length: PLACES }, () => Array.from({ length: LENGTH }, normal));
}

export function placed(noise, x, y) {
  // The z of a place in [-1, 1]². The squares of the shares add up to 1, so that z ~ N(0, I)
  // everywhere: no place is more ordinary than another.
  const [middle, right, up] = noise;
  const rest = Math.sqrt(1 - (x * x + y * y) / 2);
  return middle.map((v, i) => rest * v + (x * right[i] + y * up[i]) * Math.SQRT1_2);
}

export function code(from, to, share) {
  // One-of-K codes, mixed: of `from` where share is 0, of `to` where it is 1.
  return Array.from({ length: K }, (_, k) => (k === from ? 1 - share : 0) + (k === to ? share : 0));
}

// ---- parts of the page ----

function build(parent, tag, properties = {}) {
  return parent.appendChild(Object.assign(document.createElement(tag), properties));
}

function part(parent, name) {
  const box = build(parent, "div", { className: "digitlab-part" });
  build(box, "div", { className: "drawlab-name", textContent: name });
  return box;
}

function canvasIn(parent, ariaLabel) {
  const root = build(parent, "div", { className: "drawlab-frame" });
  const role = ariaLabel ? "img" : "presentation"; // on a button, which has a name of its own
  return build(root, "canvas", { width: EDGE, height: EDGE, role, ariaLabel });
}

function classButtons(parent, name, choose) {
  const look = { className: "digitlab-classes", role: "group", ariaLabel: name };
  const row = build(parent, "div", look);
  return Array.from({ length: K }, (_, k) => {
    const button = build(row, "button", { type: "button", ariaLabel: `${name} ${k}` });
    button.onclick = () => choose(k);
    return button;
  });
}

function movable(parent, ariaLabel, move) {
  // A pad with a dot that follows the mouse, a finger or a pen, and the arrow keys.
  const pad = build(parent, "div", { className: "digitlab-pad", tabIndex: 0, role: "slider" });
  const dot = build(pad, "div", { className: "digitlab-dot" });
  let [x, y, pen] = [0, 0, null];
  const go = (event) => {
    const { left, top, width, height } = pad.getBoundingClientRect();
    move(2 * (event.clientX - left) / width - 1, 1 - 2 * (event.clientY - top) / height);
  };
  pad.ariaLabel = ariaLabel;
  pad.onpointerdown = (event) => {
    if (pen !== null || event.button !== 0) return;
    pen = event.pointerId;
    pad.setPointerCapture(pen);
    go(event);
  };
  pad.onpointermove = (event) => event.pointerId === pen && go(event);
  pad.onpointerup = pad.onpointercancel = (event) => {
    if (event.pointerId === pen) pen = null;
  };
  pad.onkeydown = (event) => {
    const [dx, dy] = ARROWS[event.key] ?? [0, 0];
    if ((!dx && !dy) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); // the page would scroll
    move(x + dx * STRIDE, y + dy * STRIDE);
  };
  return (newX, newY) => {
    [x, y] = [newX, newY];
    Object.assign(dot.style, { left: `${50 + 50 * x}%`, top: `${50 - 50 * y}%` });
    Object.assign(pad, { ariaValueNow: x.toFixed(1), ariaValueText: `${x.toFixed(1)}, ${y.toFixed(1)}` });
  };
}

// ---- pictures, as many as a frame has time for ----

function paint(canvas, picture) {
  const image = new ImageData(EDGE, EDGE);
  picture.forEach((v, i) => image.data.set([...Array(3).fill(127.5 * (v + 1)), 255], 4 * i));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function gallery(G, tiles, tellTime) {
  // Each tile has a canvas and says which code it wants. The first one is shown at once, the others
  // in turn from where the last frame stopped.
  const shown = tiles.map(() => "");
  let [z, ticket, turn] = [[], 0, 0];
  const wanted = (k) => `${z} ${tiles[k].code()}`;
  function show(k) {
    const [wish, start] = [wanted(k), performance.now()];
    if (shown[k] === wish) return;
    paint(tiles[k].canvas, G([...z, ...tiles[k].code()]));
    shown[k] = wish;
    if (k === 0) tellTime(performance.now() - start);
  }
  function showSome() {
    const end = performance.now() + BUDGET;
    show(0);
    for (let n = 0; n < tiles.length && performance.now() < end; n++)
      show(turn = (turn + 1) % tiles.length);
    ticket = tiles.some((_, k) => shown[k] !== wanted(k)) ? requestAnimationFrame(showSome) : 0;
  }
  return {
    show(newZ) {
      z = newZ;
      ticket ||= requestAnimationFrame(showSome);
    },
    stop: () => cancelAnimationFrame(ticket),
  };
}

// ---- the view ----

const percent = (share) => `${Math.round(100 * share)} %`;

function page(root, t, change) {
  // Its elements, from top to bottom; what is touched in them is told to `change`.
  const top = build(root, "div", { className: "digitlab-top" });
  const now = part(top, t("picture"));
  const large = canvasIn(now, t("picture"));
  const said = build(now, "div", { className: "digitlab-said" });
  const took = build(now, "div", { className: "drawlab-took" });
  const place = part(top, t("pick_z"));
  const put = movable(place, t("pick_z"), (x, y) =>
    change({ x: clamp(x, -1, 1), y: clamp(y, -1, 1) }));
  const tools = build(place, "div", { className: "drawlab-tools" });
  const another = build(tools, "button", { type: "button", textContent: t("new_z") });
  build(place, "div", { className: "drawlab-took", textContent: t("pad_hint") });
  const classes = classButtons(part(root, t("same_z")), t("pick_class"), (digit) =>
    change({ digit, share: 0 }));
  const way = part(root, t("pick_to"));
  const ends = classButtons(way, t("pick_to"), (to) => change({ to }));
  const slider = build(way, "input", { type: "range", min: "0", max: "1", step: "0.01" });
  slider.ariaLabel = t("share");
  const strip = build(way, "div", { className: "digitlab-strip" });
  build(root, "div", { className: "drawlab-note", textContent: t("note") });
  slider.oninput = () => change({ share: Number(slider.value) });
  return { large, said, took, put, another, classes, ends, slider, strip };
}

export function mount(element, { weights, words, lang }) {
  const t = (key) => words[key] ?? key;
  const G = conditionalGenerator(read(Object.values(weights)[0]));
  const asked = { digit: 4, to: 9, share: 0, x: 0, y: 0, seed: 1 };
  const root = build(element, "div", { className: "drawlab digitlab", role: "group", lang });
  root.ariaLabel = t("title");
  const ui = page(root, t, change);
  const numbered = (button, k) => build(button, "span", { textContent: String(k) });
  ui.ends.forEach(numbered);
  const mixed = (share) => code(asked.digit, asked.to, share);
  const pictures = gallery(G, [
    { canvas: ui.large, code: () => mixed(asked.share) },
    ...ui.classes.map((button, k) => ({ canvas: canvasIn(button, ""), code: () => code(k, k, 0) })),
    ...WAY.map((share) => ({ canvas: canvasIn(ui.strip, percent(share)), code: () => mixed(share) })),
  ], (ms) => { ui.took.textContent = t("took").replace("{ms}", ms.toFixed(ms < 9.95 ? 1 : 0)); });
  ui.classes.forEach(numbered);
  const bars = ui.classes.map((button) => build(button, "i"));

  function change(next) {
    Object.assign(asked, next);
    const { digit, to, share, x, y } = asked;
    ui.put(x, y);
    ui.said.textContent = share ? `${digit} → ${to}, ${percent(share)}` : String(digit);
    ui.classes.forEach((button, k) => { button.ariaPressed = String(k === digit); });
    ui.ends.forEach((button, k) => { button.ariaPressed = String(k === to); });
    bars.forEach((bar, k) => { bar.style.width = `${100 * mixed(share)[k]}%`; });
    Object.assign(ui.slider, { value: String(share), ariaValueText: percent(share) });
    pictures.show(placed(noises(asked.seed), x, y));
  }
  ui.another.onclick = () => change({ seed: asked.seed + 1, x: 0, y: 0 });
  change({});
  return () => {
    pictures.stop();
    root.remove();
  };
}
