// Frames: what the run looks like now. Asks for the drawings that the page shows, for the row that is picked.

import { bench } from "./bench.js";
import { say } from "./say.js";
import { events } from "./wire.js";

const AGAIN = 1000; // milliseconds, after the stream broke
const SETTLED = 150; // milliseconds, until what came into sight is asked for

export const frames = new EventTarget();
let current = null;
let broken = false;
let drawn = 0;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const SELDOM = 1000; // milliseconds from one drawing to the next, for who asks for little motion

const seen = new Set(); // places in sight: nothing else is drawn
let held = null; // a place that a pointer presses on: what is pressed must still be there when it lets go
let waiting = null; // what was drawn meanwhile
let asked = "";
let settling;
const drawings = new WeakMap(); // place -> what was put there

const shown = () => [...new Set([...seen].map((place) => place.dataset.drawing))].sort().join(",");

const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) seen.add(target);
    else seen.delete(target);
  }
  clearTimeout(settling);
  settling = setTimeout(() => bench.state && shown() !== asked && watch(), SETTLED);
});

// A tab behind others gives its connection back: a browser has six to a server, for all of its tabs.
document.addEventListener("visibilitychange", () => (document.hidden ? current?.abort() : bench.state && watch()));

// Begin to watch, or watch another bench or row.
export async function watch() {
  current?.abort();
  if (document.hidden) return;
  const own = (current = new AbortController());
  while (!own.signal.aborted) {
    try {
      asked = shown();
      const path = `${bench.path}/frames?show=${asked}&row=${bench.row}`;
      for await (const frame of events(path, own.signal)) {
        if (broken) say("");
        broken = false;
        tell(frame);
      }
    } catch (error) {
      if (own.signal.aborted) return;
      broken = true;
      say(error.message);
      if (error.status >= 400) return; // refused: asking again would not help
    }
    await new Promise((done) => setTimeout(done, AGAIN));
  }
}

function tell(frame) {
  if (frame.made !== bench.state.made) bench.reload();
  const now = performance.now();
  if (calm.matches && frame.status === "running" && now - drawn < SELDOM) frame.drawings = {};
  else drawn = now;
  for (const [name, piece] of Object.entries(frame.drawings ?? {}))
    for (const place of document.querySelectorAll(`[data-drawing="${name}"]`)) put(place, piece);
  frames.dispatchEvent(new CustomEvent("frame", { detail: frame }));
}

// Put a drawing into its place; the focus stays on what stands for the same number.
function put(place, piece) {
  if (place === held) return void (waiting = piece);
  if (place.hasChildNodes() && drawings.get(place) === piece) return;
  drawings.set(place, piece);
  const name = place.contains(document.activeElement) ? document.activeElement.dataset.quantity : undefined;
  place.innerHTML = piece;
  if (name) place.querySelector(`[data-quantity="${CSS.escape(name)}"]`)?.focus({ preventScroll: true });
}

for (const place of document.querySelectorAll("[data-drawing]")) sight.observe(place);
document.addEventListener("pointerdown", (event) => (held = event.target.closest("[data-drawing]")));
for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => setTimeout(letGo));

function letGo() {
  const [place, piece] = [held, waiting];
  held = waiting = null;
  if (place && piece !== null) put(place, piece);
}
