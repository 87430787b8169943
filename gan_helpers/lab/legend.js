// The line below the picture: what its marks and colours mean.

import { arrowLength, raised } from "./frames.js";
import { css } from "./ink.js";
import { reach } from "./pictures.js";

export const unique = (gans, key) => [...new Set(gans.map((gan) => gan[key]))];
const mark = (width, shape) =>
  `<svg width="${width}" height="10" aria-hidden="true">${shape}</svg>`;
const sampleLine = (colour, dash = "") => mark(26, `<path d="M0 5h26" stroke="var(--${colour})"
  stroke-width="2" stroke-dasharray="${dash}"/>`);
const sampleArrow = (length) => mark(length, `<path d="M0 5h${length}m-4-3l4 3l-4 3" fill="none"
  stroke="var(--fg)" stroke-width="1.2"/>`);

export function legend(gans, pal, t, edge) {
  const [{ kind }] = gans;
  const ramp = (kind === "images" ? pal.border : pal.heat).filter((_, i) => i % 15 === 0);
  const gradient = `linear-gradient(90deg,${ramp.map((c) => css(c))})`;
  const bar = `<i class="gan-bar" style="background:${gradient}"></i>`;
  const scales = { probability: `D(x) 0 ${bar} 1`, relative: `${t("critic")} − ${bar} +`,
    centred: `${t("centred")} − ${bar} +`, slope: `|∇D(x)| 0 ${bar} 2` };
  const verdicts = unique(gans, "scale").map((scale) => scales[scale]); // side by side
  const named = { probability: "D(x)", relative: t("critic"), centred: t("centred") };
  const curves = unique(gans, "scale").map((scale) => named[scale]);
  const best = unique(gans, "critic").map((critic) => (critic ? t("best_critic") : "D*(x) = p/(p+q)"));
  const arrow = (gradient) => sampleArrow(reach(edge) * arrowLength(gradient));
  const lengths = [-3, -1, 1].map((e) => `${arrow(10 ** e)} ${raised(e)}`);
  const push = `${t("push")} ${lengths.join(" ")}`;
  const real = mark(10, `<circle cx="5" cy="5" r="3" fill="var(--real)"/>`);
  const fake = mark(10, `<path d="M5 0l5 5l-5 5l-5-5z" fill="var(--fake)"/>`);
  const wrong = mark(11, `<rect width="11" height="10" fill="var(--fake)"/>`);
  const entries = {
    "2d": [`${real} ${t("real")}`, `${fake} ${t("fake")}`, ...verdicts, push],
    "1d": [`${sampleLine("real")} p(x) ${t("real")}`, `${sampleLine("fake")} q(x) ${t("fake")}`,
      `${sampleLine("fg", "8 4")} ${curves.join(" / ")}`,
      `${sampleLine("fg", "1.5 3.5")} ${best.join(" / ")}`, push],
    rows: [],
    images: [...verdicts, ...(gans[0].read ? [`${wrong} ${t("misread")}`] : [])],
  };
  return entries[kind].map((entry) => `<span>${entry}</span>`).join("");
}
