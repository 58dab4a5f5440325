// The figures of the run, beside its drawings (which frames.js puts in their places).

import { bench } from "./bench.js";
import { frames } from "./frames.js";

const figures = document.getElementById("figures");

export function start() {
  bench.addEventListener("state", () => {
    const { widths, parameters, loss } = bench.state.network;
    document.getElementById("widths").textContent =
      `${widths.join(" - ")}, ${parameters.toLocaleString("en")} parameters, ${loss}`;
  });
  frames.addEventListener("frame", (event) => show(event.detail));
}

const written = (value) => (value === null ? "-" : Number(value.toPrecision(4)).toString());

function show(frame) {
  if (frame.epoch === undefined) return;
  const rows = [
    ["epoch", `${frame.epoch} of ${frame.epochs}`],
    ["steps", frame.steps.toLocaleString("en")],
    ["loss", written(frame.loss)],
    ["validation loss", written(frame.validation_loss)],
    [frame.metric_name, written(frame.metric)],
    ["learning rate", written(frame.learning_rate)],
  ];
  figures.replaceChildren(...rows.map(([name, value]) => pair(name, value)));
}

function pair(name, value) {
  const group = document.createElement("div");
  for (const [tag, text] of [["dt", name], ["dd", value]]) {
    const piece = document.createElement(tag);
    piece.textContent = text;
    group.append(piece);
  }
  return group;
}
