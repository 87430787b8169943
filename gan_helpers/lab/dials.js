// Names for a figure with sliders, which consists of the notebook's own widgets.

import { naming } from "./naming.js";

function render({ model, el }) {
  const names = naming(el, model.get("words"));
  const describe = () => {
    const picture = el.closest(".gan-dials")?.querySelector("img");
    if (picture) picture.alt = model.get("picture");
  };
  const watcher = new ResizeObserver(() => { // only now is it on the page
    names.begin();
    describe();
  });
  watcher.observe(el);
  model.on("change:picture", describe);
  return () => {
    watcher.disconnect();
    names.stop();
    model.off("change:picture", describe);
  };
}

export default { render };
