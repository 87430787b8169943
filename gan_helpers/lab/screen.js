// Full screen for a part of the page: laid out small, and enlarged, so that it can be read from the
// back row.

/** How many times the layout goes into a screen.
 * @param {number[]} screen @param {number[]} layout */
export function enlargement([width, height], [w, h]) {
  return Math.max(Math.min(width / w, height / h), 1);
}

export const icon = (path) => `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${path}"/></svg>`;
export const SCREEN = icon("M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4");

export function fullScreen({ area, focus, button, t, layout, changed }) {
  // area(): what fills the screen; focus: where its keys act; layout(): CSS px of the least layout;
  // changed(zoom): called whenever it has, or may have, another size.
  const full = () => Boolean(document.fullscreenElement) && document.fullscreenElement === area();

  function toggle() {
    if (full()) document.exitFullscreen();
    else area().requestFullscreen?.().catch(() => {}); // the page may forbid it
  }

  function layOut() {
    const zoom = full() ? enlargement([window.innerWidth, window.innerHeight], layout()) : 1;
    area().style.zoom = full() ? zoom : "";
    changed(zoom);
  }

  function change() {
    if (area() !== focus) { // which keeps JupyterLab's own keys out anyway
      if (full()) area().dataset.lmSuppressShortcuts = "true";
      else delete area().dataset.lmSuppressShortcuts;
    }
    if (full()) focus.focus({ preventScroll: true }); // so that keys act at once
    relabel();
    layOut();
  }

  function relabel() {
    button.ariaLabel = button.title = t(full() ? "screen_leave" : "screen");
    button.hidden = !document.fullscreenEnabled;
  }

  button.onclick = toggle;
  document.addEventListener("fullscreenchange", change);
  window.addEventListener("resize", layOut);
  const stop = () => {
    document.removeEventListener("fullscreenchange", change);
    window.removeEventListener("resize", layOut);
  };
  return { full, toggle, layOut, relabel, stop };
}
