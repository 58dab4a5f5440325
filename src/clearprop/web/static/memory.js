// What a reload finds again beside the bench: the picked row, the number that is open, how it is seen.

import { bench } from "./bench.js";

const KEY = "clearprop-look";
const FIELDS = ["of", "view"];

export function start() {
  const known = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  if (Number.isInteger(known.row)) bench.row = known.row;
  for (const name of FIELDS) {
    const field = document.getElementById(name);
    if (field && known[name]) field.value = known[name];
  }
  addEventListener("pagehide", () => {
    const look = { row: bench.row };
    for (const name of FIELDS) look[name] = document.getElementById(name)?.value ?? "";
    sessionStorage.setItem(KEY, JSON.stringify(look));
  });
}
