// The glass box: a row through the network, any of its numbers derived, its gradient certified.

import { bench } from "./bench.js";
import { frames, watch } from "./frames.js";
import { say, saying } from "./say.js";
import * as steps from "./steps.js";
import { askJson, askText } from "./wire.js";

const row = document.getElementById("row");
const of = document.getElementById("of");
const view = document.getElementById("view");
const said = document.getElementById("glass-said");
const passes = document.getElementById("passes");
const derivation = document.getElementById("derivation");
const certificate = document.getElementById("certificate");
const OPENS = "[data-of], [data-quantity]"; // a number of a table, or of a drawing
let stale = "";

const here = (handler) => saying(handler, said);
const query = (given) => new URLSearchParams({ row: bench.row, ...given });

export function start() {
  steps.start();
  document.getElementById("pick").addEventListener("submit", here(async (event) => {
    event.preventDefault();
    pickTyped();
    await derive();
  }));
  row.addEventListener("change", here(pickTyped));
  view.addEventListener("change", here(derive));
  document.getElementById("certify").addEventListener("click", here(certify));
  const opening = here(opened); // a press elsewhere takes back nothing that was said
  document.addEventListener("click", (event) => event.target.closest(OPENS) && opening(event));
  const editing = here(() => edit(document.getElementById("edited")));
  derivation.addEventListener("click", (event) => event.target.id === "edit" && editing());
  derivation.addEventListener("keydown", here(async (event) => {
    if (event.target.id === "edited" && event.key === "Enter") await edit(event.target);
  }));
  passes.addEventListener("change", here(typed));
  passes.addEventListener("click", here(async (event) => {
    if (event.target.id === "again") await type({ again: true });
  }));
  bench.addEventListener("row", () => {
    row.value = bench.row;
    watch();
    refresh();
  });
  bench.addEventListener("state", () => {
    row.min = bench.state.data.first;
    row.max = bench.state.data.last;
    row.value = bench.row;
  });
  frames.addEventListener("frame", (event) => settle(event.detail));
}

// The row whose number is typed; where there is none the picked one stays.
function pickTyped() {
  const { first, last } = bench.state.data;
  const wanted = Number(row.value);
  if (row.value === "") row.value = bench.row;
  else if (wanted === bench.row) return;
  else if (Number.isInteger(wanted) && wanted >= first && wanted <= last) bench.pick(wanted);
  else {
    const typed = row.value;
    row.value = bench.row;
    throw new Error(`there is no row ${typed}; the first is ${first}, the last ${last}`);
  }
}

async function opened(event) {
  const found = event.target.closest(OPENS);
  await open(found.dataset.of ?? found.dataset.quantity);
  derivation.scrollIntoView({ block: "nearest" });
}

// Derive a number.
export async function open(name, as) {
  of.value = name;
  if (as) view.value = as;
  await derive();
}

// Nothing is derived any more: another row, or another network.
export function clear() {
  of.value = "";
  derivation.replaceChildren();
  certificate.hidden = true;
}

// While the run goes on its numbers are gone before they are read; once it stands still they are shown.
function settle(frame) {
  const mark = `${frame.made} ${frame.steps} ${frame.epoch} ${frame.edits}`;
  if (frame.steps === undefined || frame.status === "running" || mark === stale) return;
  stale = mark;
  refresh();
}

const refresh = here(async () => {
  certificate.hidden = true;
  put(passes, await askText(`${bench.path}/row?${query()}`));
  steps.show();
  if (of.value) await derive();
});

// Put a text into its place; what has the focus in there has it again, or the whole if that is gone.
function put(room, text) {
  const focused = room.contains(document.activeElement) && place(room, document.activeElement);
  room.innerHTML = text;
  if (focused) (room.querySelectorAll(focused.name)[focused.at] ?? room).focus({ preventScroll: true });
}

// Words for an element of a room that outlive it: its id or the number it stands for, and which one of these.
function place(room, element) {
  const [key, value] = Object.entries(element.dataset)[0] ?? [];
  const name = element.id ? `#${element.id}` : key ? `[data-${key}="${CSS.escape(value)}"]` : "summary";
  return { name, at: [...room.querySelectorAll(name)].indexOf(element) };
}

async function derive() {
  if (!of.value) throw new Error("press a number below, or type a name such as W[1][0,0]");
  try {
    put(derivation, await askText(`${bench.path}/derivation?${query({ of: of.value, view: view.value })}`));
  } catch (error) {
    derivation.replaceChildren(); // what stands there was another number's
    throw error;
  }
}

// A cell or an input typed in, in the place of the row's own.
async function typed({ target }) {
  if (target.dataset.cell !== undefined) await type({ cells: { [target.dataset.cell]: target.value } });
  if (target.dataset.input === undefined) return;
  if (target.value === "") throw new Error("write a number");
  await type({ inputs: { [target.dataset.input]: Number(target.value) } });
}

export async function type(what) {
  await askJson(`${bench.path}/example`, { json: { row: bench.row, ...what } });
  await refresh();
}

// A weight or a bias set by hand; the next frame shows what moved.
async function edit({ value, dataset }) {
  if (value === "") throw new Error("write a number");
  await bench.do("edit", { name: dataset.name, value: Number(value) });
}

async function certify() {
  certificate.hidden = false;
  certificate.textContent = "comparing with the complex step ...";
  try {
    certificate.innerHTML = await askText(`${bench.path}/certificate?${query({ of: of.value })}`);
  } catch (error) {
    certificate.hidden = true;
    throw error;
  }
  say("", said);
}
