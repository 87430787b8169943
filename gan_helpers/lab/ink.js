// Colours, and the least that all drawing needs. The unit of a context is the CSS pixel.

// ---- colours ----

const mix = (a, b, t) => a.map((v, i) => Math.round(v + (b[i] - v) * t));
export const css = ([r, g, b], alpha = 1) => `rgba(${r},${g},${b},${alpha})`;
const shades = (colourOf) => Array.from({ length: 256 }, (_, i) => colourOf(i / 255));
const packed = (ramp) => // one number for the four bytes of a pixel: r, g, b, alpha
  Uint32Array.from(ramp, ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r);

function readColour(text) {
  // Any CSS colour → [r, g, b, alpha]: the canvas knows all the ways to write one.
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pixel = canvas.getContext("2d", { willReadFrequently: true });
  pixel.fillStyle = "transparent"; // what remains when the text is no colour
  pixel.fillStyle = text;
  pixel.fillRect(0, 0, 1, 1);
  return [...pixel.getImageData(0, 0, 1, 1).data];
}

export function palette(root) {
  // Hosts differ in what they call a theme; the colour behind the stage is what they all show.
  let [bg, opaque] = [[255, 255, 255], false];
  for (let el = root; el && !opaque; el = el.parentElement) {
    const [r, g, b, alpha] = readColour(getComputedStyle(el).backgroundColor);
    if ((opaque = alpha > 127)) bg = [r, g, b];
  }
  const dark = 0.299 * bg[0] + 0.587 * bg[1] + 0.114 * bg[2] < 128;
  const fg = dark ? [232, 234, 237] : [32, 36, 42];
  const real = dark ? [72, 187, 232] : [0, 114, 168];
  const fake = dark ? [255, 140, 66] : [208, 84, 0];
  const [muted, line, tile] = [0.7, 0.2, 0.06].map((t) => mix(bg, fg, t));
  // Words have to be darker, or lighter, than points and lines (WCAG AA: 4.5:1, and 3:1).
  const [realInk, fakeInk] = [real, fake].map((colour) => mix(colour, fg, dark ? 0.1 : 0.2));
  const colours = { bg, fg, real, fake, muted, line, tile, "real-ink": realInk, "fake-ink": fakeInk };
  for (const [name, c] of Object.entries(colours)) root.style.setProperty(`--${name}`, css(c));
  const ramp = (middle, strength) => shades((share) => {
    const t = 2 * share - 1; // D's verdict: fake … middle … real
    return mix(middle, t > 0 ? real : fake, strength * Math.abs(t) ** 0.8);
  });
  const heat = ramp(bg, dark ? 0.42 : 0.36);
  // The cube root shows 1/8 clearly and lifts a single sample off the background.
  const strip = shades((share) => mix(bg, fake, Math.cbrt(share)));
  const grey = shades((share) => mix([0, 0, 0], [255, 255, 255], share));
  const ink = { heat: packed(heat), strip: packed(strip), grey: packed(grey) };
  // Borders of images have to be seen at 0.5 too.
  return { ...colours, ink, heat, border: ramp(mix(bg, fg, 0.35), 1) };
}

// ---- drawing: every function gets a context whose unit is the CSS pixel ----

let zoom = 1; // of a lab in full screen

export function enlarge(times) {
  zoom = times;
}

const density = () => zoom * (window.devicePixelRatio || 1); // sharp on every screen

export function fit(canvas, width, height) {
  const ratio = density();
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return ctx;
}

export function bitmap(scratch, width, height, bytes, ink) {
  Object.assign(scratch, { width, height });
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  if (bytes.length === pixels.length) {
    for (let i = 0; i < pixels.length; i++) pixels[i] = ink[bytes[i]];
  } else { // colours of their own: red, green, blue
    for (let i = 0, k = 0; i < pixels.length; i++, k += 3)
      pixels[i] = (255 << 24) | (bytes[k + 2] << 16) | (bytes[k + 1] << 8) | bytes[k];
  }
  scratch.getContext("2d").putImageData(image, 0, 0);
  return scratch;
}

export function keptLayer() {
  // A canvas that is drawn anew only when it is to show something else.
  const canvas = document.createElement("canvas");
  let [data, look] = [[], []];
  return (newData, newLook, edge, draw) => {
    newLook = [...newLook, edge, newData.length, density()];
    const same = newLook.every((value, i) => value === look[i])
      && (newData === data || newData.every((value, i) => value === data[i]));
    if (!same) draw(fit(canvas, edge, edge));
    [data, look] = [newData, newLook];
    return canvas;
  };
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {{ fill?: string, stroke?: string, width?: number, dash?: number[] }} style
 * @param {() => void} trace
 */
export function paint(ctx, { fill, stroke, width = 1, dash = [] }, trace) {
  ctx.beginPath();
  trace();
  ctx.setLineDash(dash);
  Object.assign(ctx, { strokeStyle: stroke, fillStyle: fill, lineWidth: width, lineJoin: "round" });
  if (stroke) ctx.stroke();
  if (fill) ctx.fill();
}

export function write(ctx, text, x, y, colour, font, textAlign = "left", widest = undefined) {
  Object.assign(ctx, { fillStyle: css(colour), font, textAlign, textBaseline: "middle" });
  ctx.fillText(text, x, y, widest);
}

export function within(ctx, [x, y, width, height], draw) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, y, width, height);
  ctx.clip();
  draw();
  ctx.restore();
}

export function polyline(ctx, points) {
  let down = false; // the pen lifts where there is no value
  for (const [x, y] of points) {
    if (!Number.isFinite(y)) down = false;
    else if (down) ctx.lineTo(x, y);
    else { ctx.moveTo(x, y); down = true; }
  }
}

/** @param {CanvasRenderingContext2D} ctx @param {number[]} centre @param {number} r */
export function disc(ctx, [x, y], r) {
  ctx.moveTo(x + r, y);
  ctx.arc(x, y, r, 0, 7);
}

/** @param {CanvasRenderingContext2D} ctx @param {number[]} centre @param {number} r */
export function diamond(ctx, [x, y], r) {
  ctx.moveTo(x, y - r); // without a list of corners: there are thousands of them in a frame
  ctx.lineTo(x + r, y);
  ctx.lineTo(x, y + r);
  ctx.lineTo(x - r, y);
  ctx.closePath();
}
