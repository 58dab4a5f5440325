// The passes layer by layer: what is not yet reached is hidden, what was just reached is marked.

const passes = document.getElementById("passes");
const told = document.getElementById("stage");
const toolbar = document.getElementById("steps");
const KEY = "clearprop-stage"; // outlives a reload
const KEYS = { n: "next", p: "back" };
let stage = sessionStorage.getItem(KEY) === null ? Infinity : Number(sessionStorage.getItem(KEY));

export function start() {
  toolbar.addEventListener("click", (event) => {
    const step = event.target.dataset.step;
    if (step) go(step);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
    if (event.target.closest("input, select, textarea")) return;
    go(KEYS[event.key]);
  });
}

const last = () => document.querySelectorAll("#stages li").length - 1;

function go(step) {
  const most = last();
  const from = Math.min(stage, most);
  const next = stage === Infinity ? 0 : from + 1; // from the whole, "next" begins anew
  reach({ first: 0, back: Math.max(from - (stage !== Infinity), 0), next, last: Infinity }[step]);
  if (stage !== Infinity) passes.querySelector("section.now")?.scrollIntoView({ block: "nearest" });
}

// Stand at a stage; Infinity is both passes whole.
export function reach(wanted) {
  stage = wanted;
  if (stage === Infinity) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, stage);
  show();
}

export function show() {
  const most = last();
  if (most < 0) return;
  if (stage > most) stage = Infinity;
  for (const piece of passes.querySelectorAll("[data-stage]")) {
    piece.classList.toggle("ahead", Number(piece.dataset.stage) > stage);
    piece.classList.toggle("now", [piece.dataset.stage, piece.dataset.back].includes(String(stage)));
  }
  const at = document.querySelectorAll("#stages li")[stage];
  const text = at ? `${at.dataset.title}: ${at.textContent}` : "Both passes, whole";
  if (told.textContent !== text) told.textContent = text;
  for (const [step, end] of [["back", 0], ["last", Infinity]]) // what is disabled would lose the focus
    toolbar.querySelector(`[data-step=${step}]`).setAttribute("aria-disabled", stage === end);
  if (document.activeElement.closest(".ahead")) toolbar.querySelector("[data-step=next]").focus();
}
