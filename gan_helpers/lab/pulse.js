// The page's part in driving a lab (pulse.py). Where the kernel's thread sends pictures, it only
// watches that they arrive. Where what a thread sends gets lost (Colab, JupyterLite, and whoever
// else), the page drives: each beat is answered by a question for the next picture.

const IN_FLIGHT = 2; // questions on their way: the kernel works on one while the page draws another
const LATE = 2000; // ms without a beat that is expected; the first complaint
const GRACE = 300; // ms: what has arrived while this page was busy is read before it complains
const PATIENT = 60_000; // ms between two complaints, at most
const BUSY = 1000; // ms until the reader is told why nothing moves

export function questions({ driver, running, wait }, open, sinceAsked) {
  // How many to ask now, and in how many ms to look again (0: at the next beat).
  if (driver !== "page" || !running) return { now: 0, later: 0 };
  const free = (wait ? 1 : IN_FLIGHT) - open;
  if (free <= 0) return { now: 0, later: 0 };
  const left = 1000 * wait - sinceAsked;
  return left > 0 ? { now: 0, later: left } : { now: free, later: 0 };
}

export function expects({ driver, running, done = 0 }, open, due) {
  // Whether a beat has to come by itself.
  return due > done || (driver === "thread" ? Boolean(running) : open > 0);
}

function render({ model, el }) {
  const me = Math.random().toString(36).slice(2);
  const line = el.appendChild(document.createElement("div"));
  Object.assign(line, { className: "gan-pulse", ariaLive: "polite" });
  line.style.cssText = "font: 13px system-ui, sans-serif; padding: 0 8px;";
  let [asked, answered, askedAt, complaints, seen] = [0, 0, -Infinity, 0, 0];
  let timers = [];

  const state = () => model.get("state") ?? {};
  const open = () => asked - answered;
  const expecting = () => expects(state(), open(), model.get("due") ?? 0);
  const after = (ms, act) => timers.push(setTimeout(act, ms));

  function send(message) {
    try {
      model.send(message);
    } catch { /* the kernel is gone: nobody is waiting for it */ }
  }

  function ask(lost = false) {
    [asked, askedAt] = [asked + 1, performance.now()];
    send({ type: "next", view: me, asked, lost });
  }

  function follow() {
    const { now, later } = questions(state(), open(), performance.now() - askedAt);
    for (let k = 0; k < now; k++) ask();
    if (later) after(later, follow);
  }

  function listen() {
    // From now on until the next beat.
    timers.forEach(clearTimeout);
    timers = [];
    line.textContent = "";
    follow();
    if (state().driver === "page") after(BUSY, () => {
      if (open() > 0) line.textContent = model.get("words").waits ?? "";
    });
    after(Math.min(LATE * 2 ** complaints, PATIENT), () => after(GRACE, complain));
  }

  function complain() {
    if (!expecting()) return;
    complaints += 1;
    const words = line.textContent; // they stay: nothing has moved
    ask();
    listen();
    line.textContent = words;
  }

  function beat() {
    const { n = 0, driver, view, asked: question } = state();
    const lost = driver === "thread" && seen > 0 && n > seen + 1; // they come in their order
    if (view === me) answered = Math.max(answered, question);
    [seen, complaints] = [n, 0];
    if (lost) ask(lost);
    listen();
  }

  const listeners = { "change:state": beat, "change:due": () => complaints || listen() };
  for (const [name, act] of Object.entries(listeners)) model.on(name, act);
  const heard = model.get("heard");
  const leave = () => send({ type: "views", page: me, count: 0 });
  window.addEventListener("pagehide", leave);
  send({ type: "views", page: me, count: 1 });
  beat();
  // See listening.py: the page may have been too busy to be reached ever again.
  const listening = setTimeout(() => {
    if (model.get("heard") === heard) send({ type: "deaf" });
  }, 1000 * model.get("patience"));

  return () => {
    clearTimeout(listening);
    timers.forEach(clearTimeout);
    window.removeEventListener("pagehide", leave);
    for (const [name, act] of Object.entries(listeners)) model.off(name, act);
    leave();
  };
}

export default { render };
