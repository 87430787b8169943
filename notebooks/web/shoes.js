// The sheet to draw on, without a kernel: three trained networks answer in the page itself.
//
//   mount(element, {
//     weights: { L1: bytes, … },  // name → ArrayBuffer of a …_translator.safetensors
//     words,                      // those of sketch.py, in the reader's language
//     lang,                       // "ja" or "en"
//     examples,                   // drawings of 32 × 32, a bit a pixel, in base64
//   });
//
// It needs sketch.css, and returns what takes it away again.

import { read, unet } from "./networks.js";
import sketch from "./sketch.js";

const EDGE = 32;

export function mount(element, { weights, words, lang, examples }) {
  const networks = Object.entries(weights).map(([name, bytes]) => [name, unet(read(bytes))]);
  element.lang = lang;
  return sketch.render({ model: answering(networks, words, unpacked(examples)), el: element });
}

export function unpacked(examples) {
  // → drawings, a byte a pixel: 255 on 0
  const bits = atob(examples);
  const pixels = Uint8Array.from({ length: 8 * bits.length }, (_, i) =>
    (bits.charCodeAt(i >> 3) >> (7 - (i & 7))) & 1 ? 255 : 0);
  return Array.from({ length: pixels.length / EDGE ** 2 }, (_, k) =>
    pixels.subarray(k * EDGE ** 2, (k + 1) * EDGE ** 2));
}

export function answering(networks, words, drawings) {
  // Stands in for the kernel: what sketch.js asks of its model, and the answers of sketch.py.
  const heard = new Set();
  const state = { edge: EDGE, labels: words, title: "", examples: true, heard: 0, patience: 60 };
  let [serial, example] = [0, 0];

  function answer(lines, source, n) {
    const given = Float32Array.from(lines, (v) => v / 127.5 - 1);
    const ms = [];
    const arrays = { lines };
    networks.forEach(([, translate], k) => {
      const start = performance.now();
      arrays[k] = Uint8ClampedArray.from(translate(given), (v) => 127.5 * (v + 1)); // rounds
      ms.push(performance.now() - start);
    });
    const names = networks.map(([name]) => name);
    const troubles = names.map(() => "");
    state.frame = packed({ source, n, serial: ++serial, names, ms, troubles }, arrays);
    for (const tell of heard) tell();
  }

  const show = (k) => answer(drawings[example = k % drawings.length], `page ${serial}`, 0);
  const replies = {
    here: () => state.heard++,
    example: () => show(example + 1),
    lines: ({ source, n }, [pixels]) => answer(new Uint8Array(pixels), source, n),
  };
  show(0);
  return {
    get: (name) => state[name],
    on: (_, tell) => heard.add(tell),
    off: (_, tell) => heard.delete(tell),
    send: (message, _, buffers) => replies[message.type]?.(message, buffers),
  };
}

export function packed(header, arrays) {
  // A frame as of stage.py, of bytes alone: the length of the header, the header, the arrays.
  const entries = {};
  let length = 0;
  for (const [name, array] of Object.entries(arrays)) {
    entries[name] = { shape: [array.length], offset: length };
    length += array.length;
  }
  const text = new TextEncoder().encode(JSON.stringify({ ...header, arrays: entries }));
  const bytes = new Uint8Array(4 + text.length + length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  for (const name in arrays) bytes.set(arrays[name], 4 + text.length + entries[name].offset);
  return bytes;
}
