// Lessons: where a tour stands is in the address (#lesson=boolean&step=2), so a reload and a link come back to it.

import { bench } from "./bench.js";
import { frames } from "./frames.js";
import * as glass from "./glass.js";
import { saying } from "./say.js";
import * as steps from "./steps.js";
import { askJson, askText, takeToken } from "./wire.js";

const menu = document.getElementById("lesson-of");
const text = document.getElementById("lesson-text");
const turns = document.getElementById("lesson-steps");
const said = document.getElementById("lesson-said");
const here = (handler) => saying(handler, said);
let stale = "";
let last = 1; // step of the lesson
let before = Promise.resolve(); // a step is prepared after the one before it
let preparing = false;

export function start() {
  menu.addEventListener("change", here(() => visit(menu.value, 1)));
  turns.addEventListener("click", here(async (event) => {
    const turn = event.target.dataset.turn;
    if (turn === undefined) return;
    const { lesson, step } = standing();
    if (turn === "0") await prepare(lesson, step);
    else await visit(lesson, Math.min(Math.max(step + Number(turn), 1), last));
    text.focus({ preventScroll: true });
  }));
  text.addEventListener("click", (event) => {
    if (event.target.dataset.row) bench.pick(Number(event.target.dataset.row));
  });
  addEventListener("hashchange", here(async () => {
    takeToken();
    await come();
  }));
  frames.addEventListener("frame", (event) => settle(event.detail));
  bench.addEventListener("state", here(come), { once: true });
}

// What the address says; a step that is none is the first one.
function standing() {
  const given = new URLSearchParams(location.hash.slice(1));
  const step = Number(given.get("step") ?? 1);
  return { lesson: given.get("lesson") ?? "", step: Number.isInteger(step) && step > 0 ? step : 1 };
}

async function visit(lesson, step) {
  const address = lesson ? `#${new URLSearchParams({ lesson, step })}` : location.pathname;
  history.pushState(null, "", address);
  await come();
}

const come = () => (before = before.catch(() => {}).then(arrive));

// Stand where the address says; a bench that was prepared for it is left as its user has it.
async function arrive() {
  const { lesson, step } = standing();
  menu.value = lesson;
  text.hidden = turns.hidden = !lesson;
  if (!lesson) return;
  const [name, at] = bench.state.lesson ?? [];
  if (name === lesson && at === step - 1) await show();
  else await prepare(lesson, step);
}

async function prepare(lesson, step) {
  preparing = true;
  for (const button of turns.children) button.disabled = true;
  try {
    await set(lesson, step);
  } finally {
    preparing = turns.querySelector("[data-turn='0']").disabled = false;
  }
}

async function set(lesson, step) {
  const { state, row, opens, view, stage } = await askJson(`${bench.path}/lesson`, { json: { lesson, step } });
  glass.clear();
  steps.reach(stage ?? Infinity);
  bench.row = row;
  bench.take(state);
  bench.pick(row);
  await show();
  text.scrollTop = 0;
  if (opens) await glass.open(opens, view);
}

async function show() {
  const { lesson, step } = standing();
  if (!lesson) return;
  const query = new URLSearchParams({ lesson, step });
  text.innerHTML = await askText(`${bench.path}/lesson?${query}`);
  last = Number(text.querySelector("[data-last]").dataset.last);
  turns.querySelector("[data-turn='-1']").disabled = step <= 1;
  turns.querySelector("[data-turn='1']").disabled = step >= last;
}

// What the lesson claims is measured anew once the run stands still.
function settle(frame) {
  const mark = `${frame.made} ${frame.steps} ${frame.epoch} ${frame.edits}`;
  if (frame.steps === undefined || frame.status === "running" || mark === stale || text.hidden || preparing) return;
  stale = mark;
  here(show)();
}
