// Run, pause, one batch, one epoch, back, reset; and the keys for them.

import { bench } from "./bench.js";
import { frames } from "./frames.js";
import { saying } from "./say.js";

const go = document.getElementById("go");
const back = document.getElementById("back");
const epoch = document.getElementById("epoch");
const status = document.getElementById("status");
let going = false;
let orders = 0; // to go back, not yet carried out
let held = false; // whether a pointer has the slider: no frame may move it from under there

const doing = (verb, more) => saying(() => bench.do(verb, more))();
const KEYS = { " ": () => go.click(), b: () => doing("batch"), e: () => doing("epoch") };

const over = () => go.getAttribute("aria-disabled") === "true";

export function start() {
  go.addEventListener("click", () => over() || doing(going ? "pause" : "run"));
  for (const button of document.querySelectorAll("[data-verb]"))
    button.addEventListener("click", () => doing(button.dataset.verb));
  back.addEventListener("input", () => (epoch.value = back.value));
  back.addEventListener("pointerdown", () => (held = true));
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => (held = false));
  back.addEventListener("change", saying(goBack));
  document.addEventListener("keydown", pressed);
  frames.addEventListener("frame", (event) => show(event.detail));
}

async function goBack() {
  const epoch = Number(back.value);
  orders += 1;
  try {
    await bench.do("back", { epoch });
  } finally {
    orders -= 1;
  }
  if (!orders && !held) back.max = epoch; // what came later is forgotten
}

// A key is a verb only where nothing else wants it.
function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, button, summary, a, [role=button]")) return;
  if (!(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
}

function show(frame) {
  going = frame.status === "running";
  go.textContent = going ? "Pause" : "Run";
  go.setAttribute("aria-disabled", ["ended", "diverged", "failed"].includes(frame.status)); // keeps the focus
  if (status.textContent !== words(frame)) status.textContent = words(frame);
  if (frame.epoch === undefined) return;
  if (held || orders) return;
  back.max = frame.epoch;
  back.value = frame.epoch;
  epoch.value = frame.batch ? `${frame.epoch} + ${frame.batch}/${frame.batches}` : frame.epoch;
}

function words(frame) {
  if (frame.message) return frame.message;
  if (frame.status === "preparing") return "compiling the kernels (once) ...";
  const edited = frame.edited ? ", edited by hand" : "";
  const why = frame.ended === "patience" ? ", none better for as long as patience goes" : "";
  if (frame.status === "ended") return `ended after ${frame.epoch} epochs${why}${edited}`;
  return frame.status + edited;
}
