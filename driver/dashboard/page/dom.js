// Finding, making and keeping elements; asking the driver.
export const at = (id) => document.getElementById(id);

// What others wrote in one line, without characters that are not to be seen: control, direction, private.
export const plain = (text) => String(text).replace(/\s*\n\s*|\t/g, " ").replace(/\p{C}/gu, "\ufffd");

// One element; its text is text, whatever stands in it.
export function make(tag, text, className, attributes = {}) {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = plain(text);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// Text that changes only where it differs: what is selected or read aloud stays.
export function set(element, text) {
  const shown = plain(text);
  if (element.textContent !== shown) element.textContent = shown;
}

// As many children as there are items, in their order; one that stays keeps its element, and so its focus.
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

// Ask the driver. What it refuses is thrown, with its sentence and the field that it is about.
const TRIES = 5;

// Only to be told something may be asked again: a change of the machine's interfaces drops what is under way.
const fetched = (path, tries) => fetch(path).catch((error) => {
  if (tries <= 1) throw error;
  return new Promise((go_on) => { setTimeout(go_on, 300); }).then(() => fetched(path, tries - 1));
});

export async function ask(path, body) {
  const post = { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const answer = await (body === undefined ? fetched(path, TRIES) : fetch(path, post)).catch(() => {
    throw new Error("the driver does not answer: is `lab.py dashboard` still running?");
  });
  const told = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(told.error), { field: told.field || "" });
  return told;
}

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
