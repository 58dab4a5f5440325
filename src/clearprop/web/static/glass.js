// The glass box: a row through the network, any of its numbers derived, its gradient certified.

import { bench } from "./bench.js";
import { frames, watch } from "./frames.js";
import { say, saying } from "./say.js";
import { askText } from "./wire.js";

const row = document.getElementById("row");
const of = document.getElementById("of");
const view = document.getElementById("view");
const said = document.getElementById("glass-said");
const passes = document.getElementById("passes");
const derivation = document.getElementById("derivation");
const certificate = document.getElementById("certificate");
let stale = "";

const here = (handler) => saying(handler, said);
const query = (given) => new URLSearchParams({ row: bench.row, ...given });

export function start() {
  document.getElementById("pick").addEventListener("submit", here(async (event) => {
    event.preventDefault();
    if (Number(row.value) !== bench.row) bench.pick(Number(row.value));
    await derive();
  }));
  row.addEventListener("change", () => bench.pick(Number(row.value)));
  view.addEventListener("change", here(derive));
  document.getElementById("certify").addEventListener("click", here(certify));
  document.addEventListener("click", here(async (event) => {
    const opened = event.target.closest("[data-of]");
    if (!opened) return;
    of.value = opened.dataset.of;
    await derive();
    derivation.scrollIntoView({ block: "nearest" });
  }));
  derivation.addEventListener("click", here(async (event) => {
    if (event.target.id === "edit") await edit(document.getElementById("edited"));
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

// While the run goes on its numbers are gone before they are read; once it stands still they are shown.
function settle(frame) {
  const mark = `${frame.made} ${frame.steps} ${frame.epoch} ${frame.edits}`;
  if (frame.steps === undefined || frame.status === "running" || mark === stale) return;
  stale = mark;
  refresh();
}

const refresh = here(async () => {
  certificate.hidden = true;
  passes.innerHTML = await askText(`${bench.path}/row?${query()}`);
  if (of.value) await derive();
});

async function derive() {
  if (!of.value) throw new Error("press a number below, or type a name such as W[1][0,0]");
  derivation.innerHTML = "";
  derivation.innerHTML = await askText(`${bench.path}/derivation?${query({ of: of.value, view: view.value })}`);
}

// A weight or a bias set by hand; the next frame shows what moved.
async function edit({ value, dataset }) {
  if (value === "") throw new Error("write a number");
  await bench.do("edit", { name: dataset.name, value: Number(value) });
}

async function certify() {
  certificate.hidden = false;
  certificate.textContent = "comparing with the complex step ...";
  certificate.innerHTML = await askText(`${bench.path}/certificate?${query()}`);
  say("", said);
}
