// Requests to the server: the token goes along as a header, errors come back as words.

const KEY = "clearprop-token";
const HEADER = "X-Clearprop-Token";

// The token stands behind the # of the address that the server opened; it is taken out of there at once.
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1));
  const token = given.get("token");
  if (token === null) return;
  localStorage.setItem(KEY, token);
  given.delete("token");
  const rest = given.toString();
  history.replaceState(null, "", location.pathname + (rest ? `#${rest}` : ""));
}

takeToken();

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

// The answer to a request; `json` or `body` make it a POST.
export async function ask(path, { json, body, signal } = {}) {
  const headers = { [HEADER]: localStorage.getItem(KEY) ?? "" };
  const options = { headers, signal, cache: "no-store" };
  if (json !== undefined || body !== undefined) {
    options.method = "POST";
    options.body = body ?? JSON.stringify(json);
    headers["Content-Type"] = body === undefined ? "application/json" : "application/octet-stream";
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("the server does not answer; is `clearprop serve` still running?", 0);
  }
  if (!answer.ok) throw new Refused(await why(answer), answer.status);
  return answer;
}

async function why(answer) {
  try {
    return (await answer.json()).error;
  } catch {
    return `the server answered ${answer.status}`;
  }
}

export const askJson = async (path, options) => (await ask(path, options)).json();
export const askText = async (path, options) => (await ask(path, options)).text();

// Server-sent events over fetch, which can send the token where EventSource cannot.
export async function* events(path, signal) {
  const answer = await ask(path, { signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    waiting += value;
    const pieces = waiting.split("\n\n");
    waiting = pieces.pop();
    for (const piece of pieces) if (piece.startsWith("data: ")) yield JSON.parse(piece.slice(6));
  }
}
