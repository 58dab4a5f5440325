// Views: which drawing stands in a place, what is pressed in it, and remedies that are settings.

import { bench } from "./bench.js";
import { frames, watch } from "./frames.js";
import { saying } from "./say.js";

const KEY = "clearprop-views";
const applied = document.getElementById("applied");
const of = document.getElementById("of");

export function start() {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  for (const group of document.querySelectorAll("[data-views]")) {
    const wanted = group.querySelector(`[value="${CSS.escape(kept[group.dataset.views] ?? "")}"]`);
    if (wanted) wanted.checked = true;
    show(group);
    group.addEventListener("change", () => chosen(group));
  }
  bench.addEventListener("state", arrange);
  bench.addEventListener("row", mark);
  frames.addEventListener("frame", mark);
  document.addEventListener("click", clicked);
  document.getElementById("diagnosis").addEventListener("click", saying(mend));
}

const inputs = (group) => [...group.querySelectorAll("input")];

// Put the chosen view into its place; true if it is another than before.
function show(group) {
  const place = document.getElementById(`view-${group.dataset.views}`);
  const name = inputs(group).find((each) => each.checked).value;
  if (place.dataset.drawing === name) return false;
  place.dataset.drawing = name;
  place.replaceChildren();
  return true;
}

function chosen(group) {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  kept[group.dataset.views] = inputs(group).find((each) => each.checked).value;
  sessionStorage.setItem(KEY, JSON.stringify(kept));
  if (show(group)) watch();
}

// Offer the views that there are of these data.
function arrange() {
  const there = new Set(bench.state.drawings);
  for (const panel of document.querySelectorAll("[data-needs]"))
    panel.hidden = !panel.dataset.needs.split(" ").some((name) => there.has(name));
  let other = false;
  for (const group of document.querySelectorAll("[data-views]")) {
    for (const each of inputs(group)) each.parentElement.hidden = !there.has(each.value);
    const checked = inputs(group).find((each) => each.checked);
    if (there.has(checked.value)) continue;
    const first = inputs(group).find((each) => there.has(each.value));
    if (!first) continue;
    first.checked = true;
    other = show(group) || other;
  }
  if (other) watch();
}

// The picked row and the derived number are marked wherever they are drawn.
function mark() {
  for (const each of document.querySelectorAll("[data-drawing] .chosen")) each.classList.remove("chosen");
  const names = [`[data-row="${bench.row}"]`];
  if (of.value) names.push(`[data-quantity="${CSS.escape(of.value)}"]`);
  for (const name of names)
    for (const each of document.querySelectorAll(`[data-drawing] ${name}`)) each.classList.add("chosen");
}

function clicked(event) {
  const row = event.target.closest("[data-drawing] [data-row]");
  if (row) bench.pick(Number(row.dataset.row));
  else if (event.target.closest("[data-quantity]")) setTimeout(mark);
}

async function mend(event) {
  const button = event.target.closest("[data-settings]");
  if (!button) return;
  const { settings, words } = button.dataset;
  await bench.post("settings", { ...bench.state.settings, ...JSON.parse(settings) });
  applied.textContent = `Set: ${words}. The run begins anew; press Run.`;
  applied.hidden = false;
}
