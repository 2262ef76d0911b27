// Elements: find, make, update; requests to the driver.
export const at = (id) => document.getElementById(id);

// Text from outside on one line, without control, direction and private characters.
export const plain = (text) => String(text).replace(/\s*\n\s*|\t/g, " ").replace(/\p{C}/gu, "\ufffd");

// Make an element; its text is never parsed as markup.
export function make(tag, text, className, attributes = {}) {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = plain(text);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// Set an element's text only where it differs, so that a selection or a screen reader is not interrupted.
export function set(element, text) {
  const shown = plain(text);
  if (element.textContent !== shown) element.textContent = shown;
}

// Give `place` one child an item, in their order; an item that stays keeps its element, and so its focus.
export function keep(place, items, keyOf, create, fill) {
  const old = new Map([...place.children].map((child) => [child.dataset.key, child]));
  let next = place.firstElementChild;
  items.forEach((item) => {
    const key = String(keyOf(item));
    let child = old.get(key);
    old.delete(key);
    if (!child) {
      child = create(item);
      child.dataset.key = key;
    }
    if (child === next) next = next.nextElementSibling;
    else place.insertBefore(child, next);
    fill?.(child, item);
  });
  old.forEach((child) => child.remove());
}

const TRIES = 5;

// Only a GET is retried: a change of the machine's interfaces aborts requests.
const fetched = (path, tries) => fetch(path).catch((error) => {
  if (tries <= 1) throw error;
  return new Promise((go_on) => { setTimeout(go_on, 300); }).then(() => fetched(path, tries - 1));
});

// Send a request to the driver. A refusal is thrown, with its sentence and its field.
export async function ask(path, body) {
  const post = { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const response = await (body === undefined ? fetched(path, TRIES) : fetch(path, post)).catch(() => {
    throw new Error("the driver does not answer: is `lab.py dashboard` still running?");
  });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.error), { field: answer.field || "" });
  return answer;
}

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
