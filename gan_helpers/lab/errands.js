// What the page does for a lab beside drawing: it saves a file, and puts text on the clipboard.

const KEPT = 60_000; // ms for which the browser may still read what is being saved

function save(name, bytes) {
  const url = URL.createObjectURL(new Blob(bytes, { type: "application/octet-stream" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), KEPT);
}

function copyByHand(text) {
  // Where a page is not allowed to, or is not served securely, it may copy what is selected.
  const sheet = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(sheet);
  sheet.select();
  const done = document.execCommand("copy");
  sheet.remove();
  return done;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text);
  }
}

export function errands({ model }) {
  const act = async ({ type, name, text }, bytes) => {
    if (type === "download") save(name, bytes);
    if (type === "copy") model.send({ type: "copied", done: await copy(text) });
  };
  model.on("msg:custom", act);
  return () => model.off("msg:custom", act);
}
