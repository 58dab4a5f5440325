// Drawings and tables of many buttons are one stop of the Tab key; the arrow keys move inside, Enter presses.
// They are drawn anew while the run goes on: the button that had the focus has it again afterwards.

const GROUPS = "svg.drawing, svg.drawing [role=toolbar], table.numbers, .tiles";
const BUTTONS = "[role=button], button";
const NAMES = ["quantity", "of", "row", "press"];
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ASIDE = 3; // how much more a pixel aside counts than one ahead

const seen = new WeakSet();
const stops = new Map(); // place and number of the group -> name of its button that Tab comes to
let held = null; // where the focus is, in words that outlive its element

export function start() {
  new MutationObserver(tidyAll).observe(document.body, { childList: true, subtree: true });
  document.addEventListener("focusin", ({ target }) => {
    const group = target.closest?.(GROUPS);
    held = group && target.matches(BUTTONS) ? { group: nameOfGroup(group), button: nameOf(target) } : null;
    if (held) stop(group, target);
  });
  document.addEventListener("keydown", pressed);
  addEventListener("resize", reachScrolling);
  tidyAll();
}

const nameOf = (button) => NAMES.map((name) => button.dataset[name]).find((given) => given !== undefined) ?? button.textContent;
const buttonsOf = (group) =>
  [...group.querySelectorAll(BUTTONS)].filter((each) => !each.disabled && each.closest(GROUPS) === group);

// A group by the place it stands in, which stays when its content is replaced.
function nameOfGroup(group) {
  const place = group.parentElement.closest("[data-drawing], [id]");
  return `${place?.dataset.drawing ?? place?.id} ${[...(place ?? document).querySelectorAll(GROUPS)].indexOf(group)}`;
}

// What scrolls sideways is scrolled by keys, too, where nothing inside takes the focus.
function reachScrolling() {
  for (const each of document.querySelectorAll(".wide:not([tabindex]), .scrolling:not([tabindex])")) {
    if (each.scrollWidth <= each.clientWidth || each.querySelector("a, input, select, [tabindex='0'], button")) continue;
    each.tabIndex = 0;
    each.setAttribute("role", "group");
    const title = each.closest("[aria-labelledby]")?.getAttribute("aria-labelledby");
    if (title) each.setAttribute("aria-labelledby", title);
  }
}

function tidyAll() {
  reachScrolling();
  for (const group of document.querySelectorAll(GROUPS)) {
    if (seen.has(group)) continue;
    seen.add(group);
    tidy(group);
  }
}

function tidy(group) {
  const buttons = buttonsOf(group);
  if (!buttons.length) return;
  const name = nameOfGroup(group);
  const wanted = stops.get(name);
  const first = buttons.find((each) => nameOf(each) === wanted) ?? buttons[0];
  for (const each of buttons) each.setAttribute("tabindex", each === first ? 0 : -1);
  const lost = document.activeElement === document.body || document.activeElement === null;
  const there = nameOf(first) === held?.button || first.dataset.press; // a layer's controls go with it
  if (held?.group === name && lost && there) first.focus({ preventScroll: true });
}

function stop(group, button) {
  for (const each of buttonsOf(group)) each.setAttribute("tabindex", -1);
  button.setAttribute("tabindex", 0);
  stops.set(nameOfGroup(group), nameOf(button));
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const button = event.target.closest?.(BUTTONS);
  const group = button?.closest(GROUPS);
  if (!group) return;
  const buttons = buttonsOf(group);
  if (event.key in KEYS) nearest(button, buttons, KEYS[event.key])?.focus();
  else if (event.key === "Home") buttons[0].focus();
  else if (event.key === "End") buttons.at(-1).focus();
  else if ([" ", "Enter"].includes(event.key) && button.tagName !== "BUTTON")
    button.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
  else return;
  event.preventDefault();
}

// The nearest button that lies in a direction.
function nearest(from, buttons, [dx, dy]) {
  const here = middle(from);
  let found = null;
  let least = Infinity;
  for (const each of buttons) {
    const there = middle(each);
    const ahead = (there.x - here.x) * dx + (there.y - here.y) * dy;
    const aside = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx);
    if (each === from || ahead < 1 || ahead + ASIDE * aside >= least) continue;
    [found, least] = [each, ahead + ASIDE * aside];
  }
  return found;
}

function middle(element) {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return { x: (left + right) / 2, y: (top + bottom) / 2 };
}
