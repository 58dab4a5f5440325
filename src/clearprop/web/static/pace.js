// How fast the run goes: at full speed, or so many steps a second, to watch.

import { bench } from "./bench.js";
import { saying } from "./say.js";

const pace = document.getElementById("pace");

export function start() {
  pace.addEventListener("change", saying(() => bench.do("pace", { steps: Number(pace.value) })));
  bench.addEventListener("state", () => (pace.value = bench.state.pace));
}
