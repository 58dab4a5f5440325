// Layers and training: a form of the settings; a change builds the network anew. The drawing's controls
// change the layers in the same way.

import { bench } from "./bench.js";
import { saying } from "./say.js";
import { askJson } from "./wire.js";

const NUMBERS = ["learning_rate", "epochs", "l2", "seed"];
const TEXTS = ["optimizer", "schedule"];
const OPEN_NUMBERS = ["batch_size", "patience", "weight_decay", "clip_norm"]; // empty: left to a default
const OPEN_TEXTS = ["inputs", "targets", "loss", "initializer", "class_weight"];

// What is done to the layers, here and in the drawing: the layers before, a place from 0, a width.
const CHANGES = {
  add: (before, at) => before.toSpliced(at, 0, { ...(before[at - 1] ?? before[at] ?? FIRST) }),
  remove: (before, at) => before.toSpliced(at, 1),
  resize: (before, at, units) => before.with(at, { ...before[at], units }),
};
const FIRST = { units: 8, activation: "tanh", dropout: 0, bias: true };

const form = document.getElementById("network");
const layers = document.getElementById("layers");
const template = document.getElementById("layer");
const fields = form.elements;
let asked = 0; // changes sent
let answered = 0; // the last of these that was answered

export function start() {
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", saying(send));
  document.getElementById("add").addEventListener("click", saying(async () => {
    await change("add", layers.children.length);
    layers.lastElementChild.querySelector("[name=units]").focus();
  }));
  document.addEventListener("click", saying(pressed));
  bench.addEventListener("state", show);
}

const change = (what, at, units) => send({ layers: CHANGES[what](read(), at, units) });

// A control of the drawing.
async function pressed({ target }) {
  const button = target.closest("[data-press]:not([aria-disabled])");
  if (!button) return;
  const [what] = button.dataset.press.split(" ");
  const at = Number(button.dataset.layer) - 1;
  if (what === "open") return open(at);
  if (button.dataset.units) await change("resize", at, Number(button.dataset.units));
  else await change(what, at);
}

// A layer's own settings.
function open(at) {
  layers.children[at].scrollIntoView({ block: "center" });
  field(layers.children[at], "activation").focus({ preventScroll: true });
}

async function send(other = {}) {
  const settings = { ...bench.state.settings, layers: read() };
  for (const name of NUMBERS) settings[name] = Number(fields[name].value);
  for (const name of TEXTS) settings[name] = fields[name].value;
  for (const name of OPEN_NUMBERS) settings[name] = fields[name].value === "" ? null : Number(fields[name].value);
  for (const name of OPEN_TEXTS) settings[name] = fields[name].value || null;
  settings.output_bias = fields.output_bias.checked;
  if (other.layers) settings.layers = other.layers;
  const own = ++asked;
  const state = await askJson(`${bench.path}/settings`, { json: settings }).finally(() => (answered = Math.max(answered, own)));
  if (own === asked) bench.take(state); // or somebody is on the way through a menu
}

const field = (item, name) => item.querySelector(`[name=${name}]`);

const read = () =>
  [...layers.children].map((item) => ({
    units: Number(field(item, "units").value),
    activation: field(item, "activation").value,
    dropout: Number(field(item, "dropout").value),
    bias: field(item, "bias").checked,
  }));

function show() {
  if (asked !== answered) return;
  const { settings, network, data } = bench.state;
  const focused = layers.contains(document.activeElement) ? place(document.activeElement) : null;
  layers.replaceChildren(...settings.layers.map(item));
  const again = focused?.name && layers.children[focused.at];
  if (again) field(again, focused.name).focus();
  else if (focused) document.getElementById("add").focus(); // its layer is gone
  for (const name of [...NUMBERS, ...TEXTS]) fields[name].value = settings[name];
  for (const name of [...OPEN_NUMBERS, ...OPEN_TEXTS]) fields[name].value = settings[name] ?? "";
  fields.output_bias.checked = settings.output_bias;
  document.getElementById("targets-of").hidden = data.task === "classes"; // which have no scale
  for (const option of fields.loss.options) option.hidden = option.value !== "" && option.dataset.task !== data.task;
  document.getElementById("output").textContent =
    `Output: ${network.widths.at(-1)} ${network.output}, ${network.loss}; ${network.parameters.toLocaleString("en")} parameters`;
}

function place(element) {
  return { at: [...layers.children].indexOf(element.closest("li")), name: element.name };
}

function item(layer, index) {
  const made = template.content.firstElementChild.cloneNode(true);
  made.querySelector("legend").textContent = `Layer ${index + 1}`;
  field(made, "units").value = layer.units;
  field(made, "activation").value = layer.activation;
  field(made, "dropout").value = layer.dropout;
  field(made, "bias").checked = layer.bias;
  const remove = made.querySelector(".remove");
  remove.setAttribute("aria-label", `Remove layer ${index + 1}`);
  remove.addEventListener("click", saying(() => change("remove", index)));
  return made;
}
