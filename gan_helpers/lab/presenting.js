// For whoever shows the lab to others: full screen, and a list of the keys.

import { enlarge } from "./ink.js";
import { SCREEN, fullScreen, icon } from "./screen.js";

const USUAL = [960, 540]; // CSS px: in full screen the lab is laid out on so many, and enlarged
const LARGER = [1280, 720]; // where several GANs stand side by side, or all controls are shown
const LEAST = 160; // px: a picture is no smaller; it is scrolled to instead

const BUTTONS = { // name → what is drawn on it
  all: icon("M2 4h12M2 8h12M2 12h12M5 2.5v3M11 6.5v3M7 10.5v3"),
  list: icon("M4.5 5a3.5 3.5 0 1 1 5.2 3c-1.2.7-1.7 1.2-1.7 2.4M8 12.7v1.8"),
  screen: SCREEN,
};
export const PRESENTER = Object.entries(BUTTONS).map(([name, drawn]) =>
  `<button type="button" data-ui="${name}">${drawn}</button>`).join("");

const LISTED = [ // key → its words
  ["key_space", "key_toggle"], ["→", "step_hint"], ["d", "step_D_hint"], ["g", "step_G_hint"],
  ["r", "reset_hint"], ["f", "key_screen"], ["c", "key_all"], ["Enter", "key_enter"],
  ["Esc", "key_escape"], ["?", "key_list"],
];

function keyList(t, close) {
  // A card with the keys. What is written comes from the kernel, and is no HTML.
  const card = document.createElement("div");
  Object.assign(card, { className: "gan-card", role: "dialog", tabIndex: -1, hidden: true });
  card.innerHTML = `<b></b><table>${LISTED.map(() => "<tr><th scope='row'><kbd></kbd></th><td></td></tr>")
    .join("")}</table><p></p><button type="button"></button>`;
  const [title, table, note, button] = card.children;
  const rows = table.querySelectorAll("tr");
  Object.assign(button, { onclick: close });
  const label = () => {
    title.textContent = card.ariaLabel = t("keys_title");
    note.textContent = t("keys_where");
    button.textContent = t("keys_close");
    LISTED.forEach(([key, words], i) => {
      rows[i].hidden = !t(words); // a player of recordings has fewer keys
      rows[i].querySelector("kbd").textContent = key.startsWith("key") ? t(key) : key;
      rows[i].lastElementChild.textContent = t(words);
    });
  };
  return { card, label };
}

export function presenting(ui, t, refit) {
  // refit: called whenever the lab gets another size. What comes back acts on keys.
  const lab = () => ui.root.closest(".gan-lab") ?? ui.root;
  const showKeys = (shown) => {
    if (card.hidden !== shown) return;
    card.hidden = !shown;
    (shown ? card : ui.root).focus({ preventScroll: true });
  };
  const { card, label } = keyList(t, () => showKeys(false));
  ui.root.append(card);

  const wide = () => ui.root.classList.contains("many") || lab().classList.contains("gan-all");
  const screen = fullScreen({
    area: lab, focus: ui.root, button: ui.screen, t, layout: () => (wide() ? LARGER : USUAL),
    changed(zoom) {
      ui.all.hidden = !screen.full();
      enlarge(zoom);
      refit();
    },
  });

  function toggleAll() {
    lab().classList.toggle("gan-all");
    relabel();
    screen.layOut();
  }

  function relabel() {
    const all = lab().classList.contains("gan-all");
    const words = { all: all ? "screen_few" : "screen_all", list: "keys_list" };
    for (const [name, key] of Object.entries(words)) ui[name].ariaLabel = ui[name].title = t(key);
    ui.all.hidden = !screen.full();
    screen.relabel();
    label();
  }

  function onClick({ detail, target }) {
    // After the mouse, keys shall act again, and not press the same button once more.
    if (screen.full() && detail && card.hidden && lab().contains(target) && target.closest("button"))
      ui.root.focus({ preventScroll: true });
  }

  const acts = {
    f: screen.toggle, "?": () => showKeys(card.hidden), c: () => screen.full() && toggleAll(),
    Escape: () => (card.hidden && screen.full() ? screen.toggle() : showKeys(false)),
  };
  Object.assign(ui.all, { onclick: toggleAll });
  Object.assign(ui.list, { onclick: acts["?"] });
  document.addEventListener("click", onClick);
  const stop = () => {
    document.removeEventListener("click", onClick);
    screen.stop();
  };
  return { acts, relabel, layOut: screen.layOut, full: screen.full, stop };
}

export function edgeThatFits(root, frame, rows, widest, heightAt) {
  // The width of a picture with which all that stands below each other is as high as the root;
  // heightAt tells how high a picture of some width is.
  const board = root.querySelector(".gan-board");
  const { paddingTop, paddingBottom } = getComputedStyle(root);
  const room = root.clientHeight - parseFloat(paddingTop) - parseFloat(paddingBottom);
  const height = (room - board.offsetHeight) / rows + frame.offsetHeight;
  let edge = widest;
  while (edge > LEAST && heightAt(edge) > height) edge -= 1;
  return Math.max(edge, LEAST);
}
