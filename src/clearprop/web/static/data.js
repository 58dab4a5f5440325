// Data: a set from the menu, or a file of one's own; its first rows.

import { bench } from "./bench.js";
import { say, saying } from "./say.js";
import { askJson, askText } from "./wire.js";

const LARGEST = 50 * 2 ** 20; // bytes, as the server has it

const form = document.getElementById("data");
const file = document.getElementById("file");
const drop = document.getElementById("drop");
const own = document.getElementById("own");
const target = document.getElementById("target");
const uploads = new Map(); // id -> what the table holds
const fields = form.elements;
const said = document.getElementById("data-said");
let asked = 0; // how often something was chosen
let answered = 0; // the last one of these that was answered
let before = Promise.resolve();

// What was refused stays said until other data are learnt: the menu shows what was wanted, not what is.
const here = (handler) => saying(async (...given) => {
  try {
    await handler(...given);
  } catch (error) {
    throw new Error(`${error.message}. What is learnt is still ${bench.state.data.title}`);
  }
}, said);

export function start() {
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", here(changed));
  drop.addEventListener("dragover", (event) => event.preventDefault());
  drop.addEventListener("drop", here(async (event) => {
    event.preventDefault();
    await upload(event.dataTransfer.files[0]);
  }));
  document.getElementById("read").addEventListener("click", here(typed));
  bench.addEventListener("state", showModel);
  bench.addEventListener("state", saying(show));
}

async function changed(event) {
  if (event.target.id === "typed") return;
  if (event.target === file) return upload(file.files[0]);
  if (event.target === fields.set) arrange();
  await choose();
}

async function upload(chosen) {
  if (!chosen) return;
  if (chosen.size > LARGEST) throw new Error(`${chosen.name} is larger than 50 MB; the command line takes any size`);
  const held = await askJson(`/api/uploads?name=${encodeURIComponent(chosen.name)}`, { body: chosen });
  file.value = "";
  offer(held);
  target.value = held.columns.at(-1).name;
  await (bench.state.model ? readByModel(held.id) : choose());
}

// A table as the opened model reads it; another target from the menu learns it anew.
async function readByModel(id) {
  const share = Number(fields.share.value);
  try {
    await bench.post("data", { upload: id, model: true, share, seed: Number(fields.seed.value) });
  } catch (error) {
    showModel(); // the menu says what is still learnt
    await show();
    throw error;
  }
}

// What is typed is a table like any other.
async function typed() {
  await upload(new File([`${document.getElementById("typed").value.trim()}\n`], "typed.csv"));
}

function showModel() {
  const { model } = bench.state;
  document.getElementById("typed-of").hidden = !model;
  const field = document.getElementById("typed");
  if (model && bench.state.data.title === model.name) {
    const shown = [...own.children].find((each) => each.value === "") ?? own.appendChild(new Option(model.name, ""));
    shown.disabled = true; // it is where one begins; reset comes back to its weights
    shown.selected = true;
    own.hidden = false;
    arrange();
  }
  if (model && !field.value) field.value = `${model.columns.map(cell).join(",")}\n`;
}

const cell = (name) => (/[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);

// Put an upload into the menu, chosen.
function offer(held) {
  if (!uploads.has(held.id)) own.append(new Option(held.name, held.id));
  uploads.set(held.id, held);
  own.hidden = false;
  fields.set.value = held.id;
  arrange();
}

// Show the fields that belong to the chosen set.
function arrange() {
  const held = uploads.get(fields.set.value);
  document.getElementById("target-of").hidden = !held;
  document.getElementById("generated-of").hidden = !fields.set.selectedOptions[0]?.hasAttribute("data-generated");
  if (!held) return;
  const names = held.columns.map((column) => column.name);
  if (names.join("\n") === [...target.options].map((each) => each.value).join("\n")) return;
  target.replaceChildren(...names.map((name) => new Option(name, name)));
  target.value = names.at(-1);
}

// Sets that are passed on the way through the menu are not asked for, and none comes after the last.
function choose() {
  const own = ++asked;
  before = before.catch(() => {}).then(async () => {
    if (own !== asked) return;
    const state = await learnt().finally(() => (answered = own));
    if (own === asked) bench.take(state);
  });
  return before;
}

async function learnt() {
  if (!fields.set.value) throw new Error(`${bench.state.data.title} is as it is; choose a set to draw or part rows anew`);
  const share = Number(fields.share.value);
  const seed = Number(fields.seed.value);
  const held = uploads.get(fields.set.value);
  const what = held
    ? { upload: held.id, target: target.value }
    : { set: fields.set.value, rows: Number(fields.rows.value), noise: Number(fields.noise.value) };
  return askJson(`${bench.path}/data`, { json: { ...what, share, seed } });
}

function showChosen() {
  const { title, targets, upload: held } = bench.state.data;
  const named = [...fields.set.options].find((each) => each.value && [each.value, each.text].includes(title));
  if (held) {
    offer(held);
    target.value = targets[0];
  } else if (named) {
    fields.set.value = named.value;
    arrange();
  }
  if (!held && !named) {  // a lesson's rows, or those of an opened model
    const unlisted = document.getElementById("unlisted");
    unlisted.textContent = title;
    unlisted.selected = true;
    arrange();
  }
}

let shown = "";
async function show() {
  if (asked === answered) showChosen(); // or somebody is on the way through the menu
  const mark = JSON.stringify(bench.state.data);
  if (mark === shown) return;
  shown = mark;
  say("", said);
  const preview = document.getElementById("preview");
  preview.innerHTML = await askText(`${bench.path}/preview`);
  for (const button of preview.querySelectorAll("[data-row]"))
    button.addEventListener("click", () => bench.pick(Number(button.dataset.row)));
}
