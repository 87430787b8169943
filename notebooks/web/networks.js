// The trained networks of data/ in a page: no kernel, no library, some milliseconds a picture.
//
//   const G = conditionalGenerator(read(bytes));  // an ArrayBuffer: cgan_28.safetensors
//   const digit = G([...z, ...code]);             // 64 + 10 numbers → 28 × 28 in [-1, 1]
//   const translate = unet(read(bytes));          // shoes_translator.safetensors, …
//   const shoe = translate(lines);                // 32 × 32 in [-1, 1] → the same
//
// A picture is a list of pixels, row by row, each with all its channels: so every layer is one
// product of matrices, and what is slow stands in one place.

import { fromHalves } from "./frames.js";

const SLOPE = 0.2; // of the leaky ReLU, as in models.py
const EPSILON = 1e-5; // of PyTorch's normalizations

// ---- the file ----

const volume = (shape) => shape.reduce((a, b) => a * b, 1);

export function read(buffer) {
  // safetensors: eight bytes of length, a header in JSON, numbers. → name → { shape, values }
  let header;
  try {
    const length = Number(new DataView(buffer).getBigUint64(0, true));
    header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
    delete header.__metadata__;
    const numbers = buffer.slice(8 + length); // from here on, offsets are multiples of 8
    return Object.fromEntries(Object.entries(header).map(([name, { dtype, shape, data_offsets }]) =>
      [name, { shape, values: decoded(dtype, numbers, data_offsets[0], volume(shape)) }]));
  } catch (error) {
    throw new Error(`no safetensors file, or a damaged one (${error.message}): load it anew`);
  }
}

function decoded(dtype, buffer, offset, length) {
  if (dtype === "F16") return fromHalves(new Uint16Array(buffer, offset, length));
  const Type = { F32: Float32Array, I64: BigInt64Array }[dtype];
  if (!Type) throw new Error(`numbers of type ${dtype}, where F16, F32 and I64 are known`);
  return new Type(buffer, offset, length);
}

function permuted(values, shape, order) {
  // Axes in another order, as by PyTorch's permute, and laid out anew.
  const strides = shape.map((_, axis) => volume(shape.slice(axis + 1)));
  const out = new Float32Array(values.length);
  let n = 0;
  const walk = (depth, from) => {
    if (depth === order.length) {
      out[n++] = values[from];
      return;
    }
    const axis = order[depth];
    for (let i = 0; i < shape[axis]; i++) walk(depth + 1, from + i * strides[axis]);
  };
  walk(0, 0);
  return out;
}

// ---- layers: each takes { edge, values } and returns the like ----

function product(x, weight, rows) {
  // x [n, k] and the rows of weight [rows, k], a multiple of four → [n, rows]. Four rows at a time:
  // each number of x is loaded once for them, which is three times as fast as one by one.
  const k = weight.length / rows;
  const n = x.length / k;
  if (rows % 4 || n % 1) throw new Error(`${x.length} numbers for a layer of ${rows} × ${k}`);
  const out = new Float32Array(n * rows);
  for (let row = 0; row < rows; row += 4) {
    const [w0, w1, w2, w3] = [0, 1, 2, 3].map((next) => (row + next) * k);
    for (let i = 0; i < n; i++) {
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let j = 0; j < k; j++) {
        const v = x[i * k + j];
        a += v * weight[w0 + j];
        b += v * weight[w1 + j];
        c += v * weight[w2 + j];
        d += v * weight[w3 + j];
      }
      const to = i * rows + row;
      out[to] = a;
      out[to + 1] = b;
      out[to + 2] = c;
      out[to + 3] = d;
    }
  }
  return out;
}

function scaled(values, shift, scale) {
  // Each channel by itself, in place.
  const channels = shift.length;
  for (let i = 0; i < values.length; i += channels)
    for (let c = 0; c < channels; c++)
      values[i + c] = values[i + c] * (scale ? scale[c] : 1) + shift[c];
  return values;
}

function dense({ weight, bias }, channels) {
  // From one vector to a picture of so many channels, which PyTorch has channel by channel.
  const pixels = bias.values.length / channels;
  const rows = permuted(weight.values, [channels, pixels, weight.shape[1]], [1, 0, 2]);
  const shift = permuted(bias.values, [channels, pixels], [1, 0]);
  return ({ values }) =>
    ({ edge: Math.sqrt(pixels), values: scaled(product(values, rows, shift.length), shift) });
}

const kept = new Map();

function squares(edge) {
  // The 4 × 4 squares, two pixels apart, of a picture of twice the edge: which of its pixels they
  // hold, -1 where they reach beyond its border.
  if (kept.has(edge)) return kept.get(edge);
  const at = new Int32Array(16 * edge * edge);
  for (let i = 0; i < at.length; i++) {
    const [pixel, tap] = [i >> 4, i & 15];
    const row = 2 * Math.floor(pixel / edge) - 1 + (tap >> 2);
    const column = 2 * (pixel % edge) - 1 + (tap & 3);
    const inside = Math.min(row, column) >= 0 && Math.max(row, column) < 2 * edge;
    at[i] = inside ? row * 2 * edge + column : -1;
  }
  kept.set(edge, at);
  return at;
}

function halving({ weight, bias }) {
  // Conv2d(…, 4, stride=2, padding=1)
  const [rows, channels] = weight.shape;
  const lines = permuted(weight.values, weight.shape, [0, 2, 3, 1]);
  return ({ edge, values }) => {
    const at = squares(edge / 2);
    const patches = new Float32Array(at.length * channels);
    for (let i = 0; i < at.length; i++)
      for (let c = 0; c < channels && at[i] >= 0; c++)
        patches[i * channels + c] = values[at[i] * channels + c];
    return { edge: edge / 2, values: scaled(product(patches, lines, rows), bias.values) };
  };
}

function doubling({ weight, bias }) {
  // ConvTranspose2d(…, 4, stride=2, padding=1): each pixel gives a square, and they are summed.
  const [, channels] = weight.shape;
  const lines = permuted(weight.values, weight.shape, [2, 3, 1, 0]);
  return ({ edge, values }) => {
    const at = squares(edge);
    const patches = product(values, lines, 16 * channels);
    const sums = new Float32Array(4 * edge * edge * channels);
    for (let i = 0; i < at.length; i++)
      for (let c = 0; c < channels && at[i] >= 0; c++)
        sums[at[i] * channels + c] += patches[i * channels + c];
    return { edge: 2 * edge, values: scaled(sums, bias.values) };
  };
}

function batchNorm({ weight, bias, running_mean, running_var }) {
  // As it is when nothing is trained: by the averages of the training.
  const scale = weight.values.map((w, c) => w / Math.sqrt(running_var.values[c] + EPSILON));
  const shift = bias.values.map((b, c) => b - running_mean.values[c] * scale[c]);
  return ({ edge, values }) => ({ edge, values: scaled(values, shift, scale) });
}

function instanceNorm({ weight, bias }) {
  // By mean and variance of each channel of this picture.
  const channels = bias.values.length;
  return ({ edge, values }) => {
    const [mean, square] = [new Float64Array(channels), new Float64Array(channels)];
    for (let i = 0; i < values.length; i++) mean[i % channels] += values[i] / edge ** 2;
    for (let i = 0; i < values.length; i++)
      square[i % channels] += (values[i] - mean[i % channels]) ** 2 / edge ** 2;
    const scale = square.map((v, c) => weight.values[c] / Math.sqrt(v + EPSILON));
    const shift = scale.map((s, c) => bias.values[c] - mean[c] * s);
    return { edge, values: scaled(values, shift, scale) };
  };
}

const rectified = (slope) => ({ edge, values }) => {
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] *= slope;
  return { edge, values };
};

const tanh = ({ edge, values }) => ({ edge, values: values.map(Math.tanh) });

function beside(x, y) {
  // The channels of both, pixel by pixel.
  const pixels = x.edge ** 2;
  const [a, b] = [x.values.length / pixels, y.values.length / pixels];
  const values = new Float32Array(pixels * (a + b));
  for (let i = 0; i < pixels; i++) {
    values.set(x.values.subarray(i * a, (i + 1) * a), i * (a + b));
    values.set(y.values.subarray(i * b, (i + 1) * b), i * (a + b) + a);
  }
  return { edge: x.edge, values };
}

// ---- networks ----

/** @returns {any} */
function part(weights, name) {
  // The weights of one layer, by what they are; null if there is no such layer.
  const own = Object.entries(weights).filter(([key]) => key.startsWith(`${name}.`));
  return own.length
    ? Object.fromEntries(own.map(([key, w]) => [key.slice(name.length + 1), w])) : null;
}

const chain = (layers, x) => layers.reduce((value, layer) => layer(value), x);

export function conditionalGenerator(weights) {
  // ConditionalGenerator(ConvGenerator) of conditional/training.py: z and a code, end to end →
  // pixels in [-1, 1], row by row.
  const at = (k) => part(weights, `G.net.net.${k}`);
  const layers = [
    dense(at(0), at(2).bias.shape[0]), batchNorm(at(2)), rectified(0),
    doubling(at(4)), batchNorm(at(5)), rectified(0),
    doubling(at(7)), tanh,
  ];
  return (z) => chain(layers, { edge: 1, values: Float32Array.from(z) }).values;
}

export function unet(weights) {
  // UNet of translation/networks.py: a square picture → another one, pixels in [-1, 1], each with
  // all its channels. How deep it is, and where it normalizes, its weights tell.
  const stages = (side, first, after) => {
    const layers = [];
    for (let k = 0, own; (own = part(weights, `G.${side}.${k}.0`)); k++) {
      const norm = part(weights, `G.${side}.${k}.1`);
      layers.push([first(own), ...(norm ? [instanceNorm(norm)] : []), after]);
    }
    return layers;
  };
  const down = stages("down", halving, rectified(SLOPE));
  const up = stages("up", doubling, rectified(0));
  up[up.length - 1].splice(-1, 1, tanh);
  const channels = part(weights, "G.down.0.0").weight.shape[1];
  return (picture) => {
    let x = { edge: Math.sqrt(picture.length / channels), values: picture };
    const seen = down.map((layers) => x = chain(layers, x));
    x = chain(up[0], seen.pop());
    for (const layers of up.slice(1)) x = chain(layers, beside(x, seen.pop()));
    return x.values;
  };
}
