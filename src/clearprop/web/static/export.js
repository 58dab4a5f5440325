// Files to take away: fetched with the token, then handed to the browser under the name the server gave.

import { bench } from "./bench.js";
import { saying } from "./say.js";
import { ask } from "./wire.js";

const place = document.getElementById("export");
const done = document.getElementById("exported");
const KEPT = 60_000; // milliseconds that a blob stays, for browsers that ask where to put it

const more = {
  latex: () => {
    const of = document.getElementById("of")?.value;
    if (!of) throw new Error("open a derivation in the glass box first: press a number, or type its name");
    return { row: bench.row, of, view: document.getElementById("view")?.value ?? "recursive" };
  },
  drawing: () => ({ row: bench.row, view: drawnView(), dark: matchMedia("(prefers-color-scheme: dark)").matches ? 1 : 0 }),
};

// The view that the page shows.
function drawnView() {
  const { drawing } = document.getElementById("view-network").dataset;
  return drawing === "network" ? "weights" : drawing;
}

export function start() {
  place.addEventListener("click", saying(async (event) => {
    const what = event.target.closest("[data-export]")?.dataset.export;
    if (!what) return;
    done.textContent = "";
    const query = new URLSearchParams({ what, ...more[what]?.() });
    const answer = await ask(`${bench.path}/export?${query}`);
    const name = /filename="([\w.-]+)"/.exec(answer.headers.get("content-disposition"))[1];
    save(await answer.blob(), name);
    done.textContent = `${name} is made`;
  }, document.getElementById("export-said")));
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT);
}
