// What the page says aloud: one line for what was refused, nothing for what went well.

export function say(message, place = document.getElementById("notice")) {
  place.textContent = message;
  place.hidden = !message;
}

// A handler whose errors are said; a success takes back what was said before.
export function saying(handler, place) {
  return async (...given) => {
    try {
      await handler(...given);
      say("", place);
    } catch (error) {
      if (error.name !== "AbortError") say(error.message, place);
    }
  };
}
