// A tour of one minute over the lab itself, with its numbers. Unasked it only offers itself, and
// that until it was taken or dismissed once.

import { short } from "./frames.js";

const SEEN = "gan-lab-tour"; // in the page's storage
const TRAINED = 100; // steps of play after which there is something to see

const STEPS = [ // words → what they are about; what has to be done first
  { words: "tour_points", at: ".gan-frame" },
  { words: "tour_arrows", at: ".gan-frame" },
  { words: "tour_D", at: ".gan-at-step_D", done: (now, then) => now.n > then.n && now.phase === "D" },
  { words: "tour_G", at: ".gan-at-step_G", done: (now, then) => now.step > then.step },
  { words: "tour_play", at: ".gan-at-play", done: (now, then) => now.step >= then.step + TRAINED },
  { words: "tour_loss", at: ".gan-at-loss", done: (now, then) => now.loss !== then.loss },
  { words: "tour_draw", at: ".gan-at-draw" },
  { words: "tour_time", at: ".gan-at-time" },
];

const CARD = `<p data-ui="text"></p><div><span data-ui="count"></span>
  <button type="button" data-ui="back"></button><button type="button" data-ui="next"></button>
  <button type="button" data-ui="end"></button></div>`;

function remember() {
  try {
    localStorage.setItem(SEEN, "yes");
  } catch { /* the page may have no storage */ }
}

function isNew() {
  try {
    return !localStorage.getItem(SEEN);
  } catch {
    return false; // it could not be dismissed for good
  }
}

export function filled(words, values) {
  // Words with their blanks filled.
  return words.replace(/\{(\w+)\}/g, (blank, name) => values[name] ?? blank);
}

export function touring(ui, t, frameNow) {
  // `look` is called with each picture; `offer` and `start` begin.
  const lab = () => ui.root.closest(".gan-lab") ?? ui.root;
  const card = document.createElement("div");
  Object.assign(card, { className: "gan-tour", role: "region", tabIndex: -1, hidden: true });
  card.innerHTML = CARD;
  /** @type {Record<string, any>} */
  const parts = Object.fromEntries(
    [...card.querySelectorAll("[data-ui]")].map((part) => [part.getAttribute("data-ui"), part]));
  parts.text.ariaLive = "polite";
  ui.root.before(card);
  let [at, then, done] = [-1, null, false]; // step; how things stood when it began; whether it did

  const loss = () => lab().querySelector(".gan-at-loss select")?.value;
  const now = () => ({ ...frameNow(), loss: loss() });

  function values() {
    const { step = 0, meters = [] } = frameNow() ?? {};
    const said = Object.fromEntries(meters.map(({ id, value }) => [id, short(value)]));
    const names = ["step_D", "step_G", "play", "loss", "draw", "time"];
    return { ...said, step, ...Object.fromEntries(names.map((name) => [`${name}_name`, t(name)])) };
  }

  function point(selector = "") {
    lab().querySelectorAll(".gan-pointed").forEach((part) => part.classList.remove("gan-pointed"));
    if (!selector) return;
    const target = lab().querySelector(selector);
    target?.classList.add("gan-pointed");
    target?.scrollIntoView({ block: "nearest" });
  }

  function write(text, count, next, end) {
    card.hidden = false;
    card.ariaLabel = t("tour");
    parts.text.textContent = filled(t(text), values());
    parts.count.textContent = count;
    const words = { back: at > 0 ? t("tour_back") : "", next, end };
    for (const [name, word] of Object.entries(words)) {
      parts[name].textContent = word;
      parts[name].hidden = !word;
    }
  }

  function show() {
    const { words, done: condition } = STEPS[at];
    const waits = condition && !done;
    const next = at === STEPS.length - 1 ? "" : t(waits ? "tour_skip" : "tour_next");
    const text = condition && done ? `${words}_done` : words;
    write(text, `${at + 1} / ${STEPS.length}`, next, t(next ? "tour_end" : "tour_finish"));
  }

  function go(step) {
    if (step < 0 || step >= STEPS.length) return;
    [at, then, done] = [step, now(), false];
    show();
    point(STEPS[at].at);
    card.focus({ preventScroll: true });
  }

  function start() {
    remember();
    const { kind, members = [] } = frameNow() ?? {};
    if (kind === "2d" && !members.length) return go(0);
    at = -1;
    write("tour_not_here", "", "", t("tour_end"));
  }

  function end() {
    remember();
    at = -1;
    card.hidden = true;
    point();
    ui.root.focus({ preventScroll: true });
  }

  function offer() {
    if (isNew() && card.hidden) write("tour_offer", "", t("tour_start"), t("tour_no"));
  }

  function look() {
    const condition = STEPS[at]?.done;
    if (!condition || done || !condition(now(), then)) return;
    done = true;
    show();
  }

  const forward = () => (at < 0 ? start() : go(at + 1));
  Object.assign(parts.back, { onclick: () => go(at - 1) });
  Object.assign(parts.next, { onclick: forward });
  Object.assign(parts.end, { onclick: end });
  card.onkeydown = (event) => {
    const pressed = event.key === "Enter" && document.activeElement?.tagName === "BUTTON";
    const last = at === STEPS.length - 1;
    const acts = { ArrowRight: forward, ArrowLeft: () => go(at - 1), Escape: end,
      Enter: last ? end : forward };
    if (!pressed && acts[event.key]) acts[event.key]();
    else if (event.key === "Tab") return;
    event.stopPropagation(); // JupyterLab's own keys stay out
    if (!pressed && acts[event.key]) event.preventDefault();
  };
  const onClick = ({ target }) =>
    lab().contains(target) && target.closest(".gan-at-tour") && start();
  document.addEventListener("click", onClick);
  const stop = () => document.removeEventListener("click", onClick);
  return { offer, look, stop };
}
