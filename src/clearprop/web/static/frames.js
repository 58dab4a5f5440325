// Frames: what the run looks like now. Asks for the drawings that the page shows, for the row that is picked.

import { bench } from "./bench.js";
import { say } from "./say.js";
import { events } from "./wire.js";

const AGAIN = 1000; // milliseconds, after the stream broke

export const frames = new EventTarget();
let current = null;
let broken = false;
let drawn = 0;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const SELDOM = 1000; // milliseconds from one drawing to the next, for who asks for little motion

const shown = () =>
  [...document.querySelectorAll("[data-drawing]")].map((each) => each.dataset.drawing).join(",");

// Begin to watch, or watch another bench or row.
export async function watch() {
  current?.abort();
  const own = (current = new AbortController());
  while (!own.signal.aborted) {
    try {
      const path = `${bench.path}/frames?show=${shown()}&row=${bench.row}`;
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
    for (const place of document.querySelectorAll(`[data-drawing="${name}"]`)) place.innerHTML = piece;
  frames.dispatchEvent(new CustomEvent("frame", { detail: frame }));
}
