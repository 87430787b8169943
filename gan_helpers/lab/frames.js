// Frames as Python packs them (stage.py), and numbers: nothing here needs a screen.

const ARROW = { shortest: 1e-4, longest: 1e1, pixels: 30 };

export async function plain(view) {
  // What was deflated for its way here: zlib's format behind four zeros.
  if (new DataView(view.buffer, view.byteOffset).getUint32(0, true) !== 0) return view;
  const deflated = new Uint8Array(view.buffer, view.byteOffset + 4, view.byteLength - 4);
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new DataView(await new Response(stream).arrayBuffer());
}

export function decode(view, before) {
  // A frame with a `base` builds on the frame of that number; null if that is not at hand.
  // Copying aligns the payload: a message's buffer may begin at any byte, a Float32Array may not.
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const start = 4 + new DataView(bytes).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, start - 4)));
  if ("base" in header && before?.n !== header.base) return null;
  const arrays = "base" in header ? { ...before.arrays } : {};
  for (const [name, { dtype, shape, offset, begin }] of Object.entries(header.arrays)) {
    const length = shape.reduce((a, b) => a * b, 1);
    const Type = { f4: Float32Array, f2: Uint16Array, u1: Uint8Array }[dtype];
    const stored = new Type(bytes, start + offset, length);
    const news = Object.assign(dtype === "f2" ? fromHalves(stored) : stored, { shape });
    arrays[name] = begin ? goOn(arrays[name], begin, news) : news;
  }
  const named = (prefix) => Object.fromEntries(Object.entries(arrays)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, array]) => [name.slice(prefix.length), array]));
  const whole = (head, own, old) => // of pictures, `verdict` is D's verdict on each of them
    ({ ...head, scale: head.verdict, relative: ["relative", "centred"].includes(head.verdict), ...own,
      charts: head.charts ?? old?.charts ?? [] });
  // Of many GANs, the arrays of member k are called "k/…"; those without a prefix belong to all.
  const shared = named("");
  const members = (header.members ?? []).map((head, k) =>
    whole(head, { ...shared, ...named(`${k}/`) }, before?.members[k]));
  return { ...whole(header, shared, before), members, arrays };
}

function goOn(old, begin, news) {
  // Entries of the last axis that follow the first ones of what was there.
  const [had, got] = [old.shape.at(-1), news.shape.at(-1)];
  const [rows, length] = [news.length / got, begin + got];
  const array = new news.constructor(rows * length);
  for (let row = 0; row < rows; row++) {
    array.set(old.subarray(row * had, row * had + begin), row * length);
    array.set(news.subarray(row * got, (row + 1) * got), row * length + begin);
  }
  return Object.assign(array, { shape: [...news.shape.slice(0, -1), length] });
}

export function fromHalves(halves) {
  // Numbers of 16 bits: sign, five bits of exponent, ten bits of fraction.
  return Float32Array.from(halves, (bits) => {
    const [sign, e, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
    if (e === 31) return fraction ? NaN : sign * Infinity;
    return sign * (e ? (1 + fraction / 1024) * 2 ** (e - 15) : fraction * 2 ** -24);
  });
}

export function columns(count, width) {
  // How many panels stand beside each other: a picture needs some 150 pixels to be read.
  if (width < (count > 3 ? 700 : 480)) return Math.min(count, 2);
  return Math.ceil(count / Math.ceil(count / 4)); // rows of about equal length
}

export function arrowLength(gradient) {
  // Logarithmic, six pixels a decade, so that a vanishing gradient is seen to vanish.
  const { shortest, longest, pixels } = ARROW;
  const share = Math.log10(gradient / shortest) / Math.log10(longest / shortest);
  return gradient > 0 ? pixels * clamp(share, 0, 1) : 0;
}

export function decades(values, { least = -4, lowest = -12, highest = Infinity } = {}) {
  // The logarithmic axis: at least 10^least … 10, wider where the values are.
  let [low, high] = [least, 1];
  for (const v of values) {
    if (!(v > 0 && v < Infinity)) continue;
    low = Math.max(Math.min(low, Math.floor(Math.log10(v))), lowest);
    high = Math.min(Math.max(high, Math.ceil(Math.log10(v))), highest);
  }
  const ticks = [];
  for (let e = high; e >= low; e -= Math.ceil((high - low) / 6)) ticks.unshift(e);
  return { low, high, ticks, logarithmic: true };
}

export function niceTicks(low, high, count) {
  // Round numbers (1, 2 or 5 times a power of ten) inside [low, high].
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const gap = power * [1, 2, 5, 10].find((m) => m * power >= rough * 0.999);
  const [first, last] = [Math.ceil(low / gap - 1e-9), Math.floor(high / gap + 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * gap);
}

export function short(value) {
  // At most about seven characters, for tiles, titles and ticks.
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(1);
  return size >= 1e4 ? `${+(value / 1e3).toPrecision(3)}k` : String(+value.toPrecision(3));
}

export const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
export const last = (values) => values[values.length - 1] ?? NaN;
export const raised = (e) => `10${String(e).replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)])}`;
