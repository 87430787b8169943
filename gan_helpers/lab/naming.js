// Names and keys for what the notebook's own widgets leave without: the label of a slider is not
// the name of its handle, and a folded group cannot be reached by the keyboard.

const HANDLES = ".noUi-handle, .ui-slider-handle"; // of ipywidgets 8 and 7
const HEADERS = "[class*='Collapse-header']";

const PLAYER = { play: "play", pause: "pause", stop: "stop", retweet: "repeat" }; // icon → word

const labelOf = (part) => part.querySelector(".widget-label")?.textContent.trim() ?? "";

function nameSlider(slider) {
  const name = labelOf(slider);
  const readout = slider.querySelector(".widget-readout");
  for (const handle of slider.querySelectorAll(HANDLES)) {
    handle.role = "slider"; // in ipywidgets 7 it has none
    handle.ariaLabel = name;
    if (readout?.textContent) handle.ariaValueText = readout.textContent;
  }
  if (!readout) return;
  readout.tabIndex = -1; // what it says can be chosen by the handle
  readout.role = "note";
}

function nameHeader(header) {
  header.role = "button";
  header.tabIndex = 0;
  header.ariaExpanded = String(/Collapse-open/.test(header.parentElement.className));
  header.onkeydown = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation(); // Enter would go to the notebook
    header.click();
  };
}

function nameUpload(button) {
  // ipywidgets writes how many files were chosen behind its words; they are taken at once.
  const words = button.lastChild;
  const bare = words?.textContent.replace(/ \(\d+\)$/, "");
  if (words && words.textContent !== bare) words.textContent = bare;
}

function namePlayer(player, words) {
  // A row of buttons that are drawings only.
  for (const button of player.querySelectorAll("button")) {
    const drawn = Object.keys(PLAYER).find((name) => button.querySelector(`.fa-${name}`));
    if (drawn) button.ariaLabel = button.title = words[PLAYER[drawn]] ?? drawn;
    if (drawn === "retweet") button.ariaPressed = String(button.classList.contains("mod-active"));
  }
}

function nameAll(part, words) {
  part.querySelectorAll(".widget-slider, .widget-hslider").forEach(nameSlider);
  part.querySelectorAll(HEADERS).forEach(nameHeader);
  part.querySelectorAll(".widget-upload").forEach(nameUpload);
  part.querySelectorAll(".widget-play").forEach((player) => namePlayer(player, words));
  for (const told of part.querySelectorAll("[title='null']")) told.removeAttribute("title");
  for (const group of part.querySelectorAll(".widget-toggle-buttons"))
    Object.assign(group, { role: "group", ariaLabel: labelOf(group) });
  for (const button of part.querySelectorAll(".widget-toggle-button"))
    button.ariaPressed = String(button.classList.contains("mod-active"));
}

export function naming(root, words = {}) {
  // Of the lab around it; `begin` may be called again and again, until the root has a place.
  let lab = null;
  const observer = new MutationObserver(() => nameAll(lab, words));
  function begin() {
    if (lab || !(lab = root.closest(".gan-lab, .gan-dials"))) return;
    nameAll(lab, words);
    const changes = { childList: true, subtree: true, attributeFilter: ["class"] };
    for (const part of lab.children)
      if (!part.contains(root)) observer.observe(part, changes); // the root names its own
  }
  return { begin, stop: () => observer.disconnect() };
}
