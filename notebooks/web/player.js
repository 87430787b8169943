// The player of the web edition: the lab's own stage shows what was recorded. How a recording is
// written: notebooks/recordings.py. `ganStage` and `ganWords` come from the scripts before this.

(() => {
  const page = /** @type {any} */ (window);
  const { ganStage, ganWords } = page;
  const PER_SECOND = 15; // pictures, at normal speed
  const BESIDE = 396; // px that charts take beside a picture: stage.js
  const LEAST = 290; // px: a smaller picture has its charts below
  const SPEEDS = [0.25, 0.5, 1, 2, 4];
  const SIZES = { u1: 1, f2: 2, f4: 4 };
  const KINDS = { u1: Uint8Array, f2: Uint16Array, f4: Float32Array };

  // ---- files: each is a script that hands over one recording, which works without a server, too

  const waiting = new Map(); // name of a file → what to do with its content
  page.ganRecorded = (name, content) => waiting.get(name)?.(content);

  const run = (src) => new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src, onload: resolve });
    script.onerror = () => reject(new Error(`${script.src} is missing`));
    document.head.append(script);
  });

  const kept = new Map();
  function fetchRecording(name) {
    if (!kept.has(name)) kept.set(name, load(name));
    return kept.get(name);
  }

  async function load(name) {
    let content = document.getElementById(`recording-${name}`)?.textContent; // in a deck
    if (!content) {
      waiting.set(name, (text) => { content = text; });
      await run(`../recordings/${name}.js`);
      waiting.delete(name);
    }
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return unpack(await new Response(stream).arrayBuffer());
  }

  function unpack(buffer) {
    const start = 4 + new DataView(buffer).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, start - 4)));
    const arrays = {};
    for (const [name, entry] of Object.entries(header.arrays)) {
      const length = entry.shape.reduce((a, b) => a * b, 1);
      const at = start + entry.offset;
      arrays[name] = { ...entry, length, ...(entry.role === "each"
        ? undone(buffer, at, entry, length, header.heads.length)
        : { values: new KINDS[entry.dtype](buffer, at, length) }) };
    }
    return { ...header, arrays };
  }

  function undone(buffer, at, { dtype, step }, length, count) {
    // Differences to the picture before become pictures again; numbers that overflow wrap around.
    const total = length * count;
    const bytes = new Uint8Array(buffer, at, dtype === "u1" ? total : 2 * total);
    const values = dtype === "u1" ? bytes.slice()
      : Uint16Array.from({ length: total }, (_, i) => bytes[i] | (bytes[total + i] << 8));
    for (let i = length; i < total; i++) values[i] += values[i - length];
    if (dtype !== "i2") return { values };
    return { dtype: "f4", values: Float32Array.from(new Int16Array(values.buffer), (v) => v * step) };
  }

  // ---- one picture, as the bytes that the stage takes (stage.py: pack_frame)

  function frameOf(recording, k, n, running, names, alone) {
    // alone: which of several is shown, and no other; null for all of them.
    const whole = recording.heads[k];
    const head = { ...(alone === null ? whole : whole.members[alone]), n, running };
    if (head.members) head.members = head.members.map((m, i) => ({ ...m, name: names[i] ?? m.name }));
    const table = {};
    const parts = [];
    let offset = 0;
    for (const [name, array] of Object.entries(recording.arrays)) {
      const own = alone === null ? name : nameAlone(name, alone);
      if (!own) continue;
      const [values, shape] = valuesAt(recording, name, array, k);
      table[own] = { dtype: array.dtype, shape, offset };
      parts.push([offset, values]);
      offset += Math.ceil((values.length * SIZES[array.dtype]) / 4) * 4;
    }
    const text = new TextEncoder().encode(JSON.stringify({ ...head, arrays: table }));
    const start = 4 + Math.ceil(text.length / 4) * 4;
    const bytes = new Uint8Array(start + offset).fill(32, 4, start);
    new DataView(bytes.buffer).setUint32(0, start - 4, true);
    bytes.set(text, 4);
    for (const [at, { buffer, byteOffset, byteLength }] of parts)
      bytes.set(new Uint8Array(buffer, byteOffset, byteLength), start + at);
    return new DataView(bytes.buffer);
  }

  function nameAlone(name, alone) {
    // Of the arrays of several, those of one are called "k/…"; those without a number belong to all.
    const [which, own] = name.split("/");
    return own === undefined ? name : +which === alone ? own : "";
  }

  function valuesAt({ heads, arrays }, name, { role, values, shape, length }, k) {
    if (role === "once") return [values, shape];
    if (role === "each") return [values.subarray(k * length, (k + 1) * length), shape];
    // Curves end at the step of the picture.
    const prefix = name.slice(0, name.lastIndexOf("/") + 1);
    const own = prefix ? heads[k].members[+prefix.slice(0, -1)] : heads[k];
    const steps = arrays[`${prefix}steps`].values;
    const all = shape.at(-1);
    const after = steps.findIndex((step) => step > own.step);
    const count = after < 0 ? all : after;
    const rows = all ? length / all : 0;
    const cut = new values.constructor(rows * count);
    for (let row = 0; row < rows; row++)
      cut.set(values.subarray(row * all, row * all + count), row * count);
    return [cut, [...shape.slice(0, -1), count]];
  }

  // ---- in place of the kernel's model

  function standIn(words, size, heard) {
    const listeners = new Map();
    const values = { key: Math.random().toString(36), labels: words, size, drawing: false,
      frame: null, ack_every: 4, patience: 1 };
    return {
      get: (name) => values[name],
      set(name, value) {
        values[name] = value;
        for (const act of listeners.get(`change:${name}`) ?? []) act();
      },
      tell: (message) => (listeners.get("msg:custom") ?? []).forEach((act) => act(message, [])),
      on: (event, act) => listeners.set(event, [...(listeners.get(event) ?? []), act]),
      off: (event, act) =>
        listeners.set(event, (listeners.get(event) ?? []).filter((other) => other !== act)),
      send: heard,
      save_changes() {},
    };
  }

  // ---- the player

  const PAGE = `<div class="gan-bar-of-player">
      <button type="button" data-ui="play"></button>
      <button type="button" data-ui="back"></button>
      <input type="range" min="0" step="1" value="0" data-ui="time">
      <output data-ui="at"></output>
      <label><span data-ui="speedName"></span> <select data-ui="speed"></select></label></div>
    <div class="gan-choices" role="group" data-ui="choices"></div>
    <button type="button" class="gan-all-again" data-ui="all" hidden></button>
    <div data-ui="stage"></div>
    <p class="gan-about gan-aside"><span data-ui="about"></span> <code data-ui="live"></code>
      <button type="button" data-ui="asCode"></button></p>
    <div class="gan-code gan-aside" data-ui="codeBox" hidden><pre tabindex="0" data-ui="code"></pre>
      <button type="button" data-ui="copy"></button> <span role="status" data-ui="copied"></span></div>`;

  const deck = document.querySelector("section.lab"); // a slide
  const query = () => new URLSearchParams(location.search);

  const language = document.documentElement.lang.startsWith("ja") ? "ja" : "en";

  function whenSeen(el, act) {
    const seen = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      seen.disconnect();
      act();
    }, { rootMargin: "300px" });
    seen.observe(el);
  }

  // On a slide all of them have to be seen at once.
  const edgeOfSeveral = (n) => (n > 4 ? 145 : n > 2 ? 205 : 250);

  // A network that runs in the page itself, in place of a picture of its lab.
  const network = (el) => whenSeen(el, async () => {
    const { network: name } = el.dataset;
    if (!page.ganNetworks?.[name]) await run(`../shared/network_${name}.js`);
    page.ganNetworks[name](el, language);
    el.classList.add("ready");
  });

  function player(el) {
    const about = JSON.parse(el.querySelector("script").textContent);
    const t = (key) => ganWords[language][key] ?? key;
    el.insertAdjacentHTML("beforeend", PAGE);
    /** @type {Record<string, any>} */
    const ui = Object.fromEntries([...el.querySelectorAll("[data-ui]")].map((part) =>
      [part.dataset.ui, part]));
    let [recording, choice, k, playing, n, last, due] = [null, about.choices[0], 0, false, 0, 0, 0];
    let alone = null; // which of several is shown alone

    const model = standIn(ganWords[language], about.size, ({ type, action, member, done }) => {
      if (type === "key") ({ toggle, step: () => go(k + 1), reset: () => go(0) })[action]?.();
      if (type === "pick") single(member);
      if (type === "copied") ui.copied.textContent = t(done ? "copied" : "not_copied");
    });

    function single(member) {
      alone = member;
      show();
      (alone === null ? ui.stage.firstElementChild : ui.all).focus({ preventScroll: true });
    }

    function show() {
      const names = recording.names[language] ?? [];
      model.set("frame", frameOf(recording, k, ++n, playing, names, alone));
      if (deck) fit();
      ui.all.hidden = alone === null;
      ui.all.textContent = `← ${t("all_again").replace("{name}", names[alone])}`;
      ui.time.value = k;
      const [at, lead] = [recording.at[k], about.ahead];
      const [words, count] = at && at <= lead ? ["at_lead", at] : ["at_step", Math.max(at - lead, 0)];
      ui.at.value = t(words).replace("{n}", count.toLocaleString("en"));
      ui.time.ariaValueText = ui.at.value;
      ui.play.textContent = t(playing ? "pause" : "play");
    }

    function go(to) {
      if (!recording) return;
      [playing, k] = [false, Math.max(0, Math.min(to, recording.at.length - 1))];
      show();
      remember();
    }

    function toggle() {
      if (!recording) return;
      if (playing) return go(k);
      if (k === recording.at.length - 1) k = 0;
      [playing, last, due] = [true, performance.now(), 0];
      show();
      requestAnimationFrame(advance);
    }

    function advance(now) {
      if (!playing) return;
      due += ((now - last) / 1000) * PER_SECOND * +ui.speed.value;
      last = now;
      if (due >= 1) {
        k = Math.min(k + Math.floor(due), recording.at.length - 1);
        due %= 1;
        if (k === recording.at.length - 1) return go(k);
        show();
      }
      requestAnimationFrame(advance);
    }

    function remember() {
      // The address leads to what is seen now; that of a deck belongs to its slides.
      if (deck) return;
      const { pathname, hash } = location;
      const state = { lab: about.name, choice: choice.key, step: recording.at[k], speed: ui.speed.value };
      const others = [...query()].filter(([name]) => !(name in state));
      const search = new URLSearchParams([...others, ...Object.entries(state)]);
      try {
        history.replaceState(null, "", `${pathname}?${search}${hash}`);
      } catch { /* a page from a disk may have a fixed address */ }
    }

    async function choose(key, step) {
      const wanted = about.choices.find((one) => one.key === key) ?? about.choices[0];
      choice = wanted;
      for (const button of ui.choices.querySelectorAll("button"))
        button.ariaPressed = String(button.dataset.key === wanted.key);
      ui.live.textContent = wanted.code;
      ui.about.textContent = t("recorded").replace("{seed}", wanted.seed);
      try {
        const found = await fetchRecording(`${about.name}.${wanted.key}`);
        if (choice !== wanted) return; // another one was chosen meanwhile
        [recording, alone] = [found, null];
      } catch (error) {
        ui.about.textContent = `${t("no_recording")} (${error.message})`;
        return;
      }
      ui.time.max = recording.at.length - 1;
      const later = recording.at.findIndex((at) => at >= step);
      k = step === undefined ? Math.min(k, recording.at.length - 1)
        : later < 0 ? recording.at.length - 1 : later;
      ui.code.textContent = recording.code[language];
      ui.copied.textContent = "";
      el.classList.add("ready"); // the still picture has done its service
      show();
    }

    function offer() {
      // The choices, those of one thing in a row.
      for (const { key, words, of } of about.choices) {
        let row = ui.choices.lastElementChild;
        if (row?.dataset.of !== of) {
          row = ui.choices.appendChild(document.createElement("div"));
          row.dataset.of = of;
          if (of) row.append(Object.assign(document.createElement("span"), { textContent: of }));
        }
        const button = document.createElement("button");
        Object.assign(button, { type: "button", textContent: words });
        Object.assign(button, { onclick: () => choose(key).then(remember) });
        button.dataset.key = key;
        row.append(button);
      }
    }

    function fit() {
      // Where a picture and its charts nearly fit beside each other, the picture is smaller.
      const room = ui.stage.clientWidth - BESIDE;
      const size = room >= LEAST ? Math.min(about.size, room) : about.size;
      const several = recording?.heads[0].members?.length ?? 0;
      model.set("size", deck && several && alone === null ? edgeOfSeveral(several) : size);
    }

    function squeeze() {
      // What is higher than its slide is made smaller as a whole, with 10 px below it.
      if (document.fullscreenElement === el) return; // its size is the stage's affair
      el.style.zoom = "";
      const { top, height } = el.getBoundingClientRect();
      const room = el.closest("section").getBoundingClientRect().bottom - 10 - top;
      if (height > room) el.style.zoom = `${room / height}`;
    }

    function build() {
      const words = { back: "reset", speedName: "rate", asCode: "as_code", copy: "copy_code" };
      for (const [part, word] of Object.entries(words)) ui[part].textContent = t(word);
      ui.time.ariaLabel = t("time");
      ui.choices.ariaLabel = t("choices");
      ui.speed.append(...SPEEDS.map((s) => new Option(`${s}×`, `${s}`, s === 1, s === 1)));
      if (about.choices.length > 1) offer();
      ui.play.onclick = toggle;
      ui.back.onclick = () => go(0);
      ui.all.onclick = () => single(null);
      ui.time.oninput = () => go(+ui.time.value);
      ui.speed.onchange = () => recording && remember();
      ui.asCode.onclick = () => {
        ui.codeBox.hidden = !ui.codeBox.hidden;
        ui.asCode.ariaExpanded = String(!ui.codeBox.hidden);
      };
      ui.asCode.ariaExpanded = "false";
      ui.copy.onclick = () => model.tell({ type: "copy", text: ui.code.textContent });
      if (deck) el.addEventListener("keydown", keep);
      ui.stage.addEventListener("keydown", steer, true); // before the stage takes all keys
      ganStage.initialize({ model }); // which copies
      ganStage.render({ model, el: ui.stage });
      new ResizeObserver(fit).observe(ui.stage);
      if (deck) new ResizeObserver(squeeze).observe(el);
    }

    function keep(event) {
      // A key that acts on a control turns no slide.
      const turns = event.target.matches("button") ? ![" ", "Enter"].includes(event.key) : false;
      if (!turns) event.stopPropagation();
    }

    function steer(event) {
      const to = { ArrowLeft: k - 1, Home: 0, End: Infinity }[event.key];
      if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      go(to);
    }

    function begin() {
      build();
      const state = query();
      if (state.get("lab") !== about.name) return choose();
      if (SPEEDS.includes(+state.get("speed"))) ui.speed.value = state.get("speed");
      return choose(state.get("choice"), +state.get("step"));
    }

    whenSeen(el, begin);
    if (query().get("lab") === about.name && !location.hash) el.scrollIntoView({ block: "center" });
  }

  // The stage looks for its background anew when a class changes; the theme changes an attribute.
  new MutationObserver(() => document.body.classList.toggle("gan-theme-changed"))
    .observe(document.documentElement, { attributeFilter: ["data-theme"] });
  for (const el of document.querySelectorAll(".gan-player")) player(el);
  for (const el of document.querySelectorAll(".gan-network")) network(el);
})();
