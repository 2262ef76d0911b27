// Small words for making and finding elements, and for telling numbers to people.
export const at = (id) => document.getElementById(id);

// What others wrote, without characters that are not to be seen: control, direction, private.
export const plain = (text) => String(text).replace(/\p{C}/gu, "\ufffd");

// One element; its text is text, whatever stands in it.
export function make(tag, text, className, attributes = {}) {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = plain(text);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export function three(value) {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  if (size < 1) return `${three(value * 1e3)} ms`;
  if (size < 600) return `${three(value)} s`;
  return `${three(value / 60)} min`;
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  return value < 1 << 30 ? `${three(value / (1 << 20))} MiB` : `${three(value / (1 << 30))} GiB`;
}

export const clock = (wall) => new Date(wall * 1e3).toLocaleTimeString("en-GB");
export const day = (wall) => new Date(wall * 1e3).toISOString().slice(0, 16).replace("T", " ");

// Names as the command line writes them: worker-1, worker-2, … (20 in all)
export function some(names, most = 4) {
  return names.length <= most ? names.join(", ") : `${names.slice(0, most).join(", ")}, … (${names.length} in all)`;
}

// Ask the driver. What it refuses is thrown, with its sentence and the field that it is about.
export async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  let answer;
  try { answer = await fetch(path, options); } catch { throw new Error("the driver does not answer: is `lab.py dashboard` still running?"); }
  const told = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(told.error), { field: told.field || "" });
  return told;
}
