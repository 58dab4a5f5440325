// Views: which drawing stands in a place, what is pressed in it, and remedies that are settings.

import { bench } from "./bench.js";
import { frames, watch } from "./frames.js";
import * as glass from "./glass.js";
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
  document.addEventListener("click", saying(pointed));
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

// A place of the plot over the inputs that is pressed is typed in, as exact as a pixel; points are rows.
async function pointed(event) {
  const plot = event.target.closest("[data-drawing=landscape] svg[data-plot]");
  if (!plot || event.target.closest("[data-row]")) return;
  const { left, right, top, bottom, x, y } = JSON.parse(plot.dataset.plot);
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(plot.getScreenCTM().inverse());
  if (at.x < left || at.x > right || at.y < top || at.y > bottom) return;
  const shares = [(at.x - left) / (right - left), (bottom - at.y) / (bottom - top)];
  const places = [x, y].slice(0, bench.state.network.widths[0]).map((axis, i) => [i, along(axis, shares[i])]);
  await glass.type({ inputs: Object.fromEntries(places) });
}

function along({ low, high }, share) {
  const digits = 2 - Math.floor(Math.log10(high - low));
  return Number((low + share * (high - low)).toFixed(Math.min(Math.max(digits, 0), 100)));
}

async function mend(event) {
  const button = event.target.closest("[data-settings]");
  if (!button) return;
  const { settings, words } = button.dataset;
  await bench.post("settings", { ...bench.state.settings, ...JSON.parse(settings) });
  applied.textContent = `Set: ${words}. The run begins anew; press Run.`;
  applied.hidden = false;
}
