// The bench of this tab: its id outlives a reload, its state is told to whoever listens.

import { askJson } from "./wire.js";

const KEY = "clearprop-bench";

class Bench extends EventTarget {
  state = null;
  row = 1; // the row that is looked through

  get path() {
    return `/api/benches/${this.state.id}`;
  }

  async open() {
    const known = sessionStorage.getItem(KEY);
    try {
      if (known !== null) return this.take(await askJson(`/api/benches/${known}`));
    } catch (error) {
      if (error.status !== 400) throw error;
    }
    this.take(await askJson("/api/benches", { json: {} }));
  }

  // A state from the server: everything that shows it is told.
  take(state) {
    sessionStorage.setItem(KEY, state.id);
    this.state = state;
    const { first, last } = state.data;
    if (this.row < first || this.row > last) this.row = first;
    this.dispatchEvent(new Event("state"));
  }

  async reload() {
    this.take(await askJson(this.path));
  }

  async post(what, json) {
    this.take(await askJson(`${this.path}/${what}`, { json }));
  }

  async do(verb, more = {}) {
    await askJson(`${this.path}/do`, { json: { verb, ...more } });
    if (verb === "reset") await this.reload();
  }

  pick(row) {
    this.row = row;
    this.dispatchEvent(new Event("row"));
  }
}

export const bench = new Bench();
