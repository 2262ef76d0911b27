// Renders the Markdown that the driver writes (headings, tables, lists, bold, code) as elements, never as markup.
import { make, plain } from "./dom.js";

export function rendered(text) {
  const lines = text.split("\n");
  const found = [];
  let here = 0;
  const block = (fits) => {
    const from = here;
    while (here < lines.length && fits(lines[here])) here += 1;
    return lines.slice(from, here);
  };
  while (here < lines.length) {
    const line = lines[here];
    if (line.startsWith("|")) found.push(table(block((one) => one.startsWith("|"))));
    else if (/^[-*] /.test(line)) found.push(list(block((one) => /^[-*] /.test(one))));
    else if (/^#{1,4} /.test(line)) { found.push(withWords(make("h4"), line.replace(/^#+ /, ""))); here += 1; }
    else if (line.trim()) found.push(withWords(make("p"), block((one) => one.trim() && !/^(\||#{1,4} |[-*] )/.test(one)).join(" ")));
    else here += 1;
  }
  return found;
}

function table(lines) {
  const rows = lines.filter((line) => !/^\|[\s:|-]+\|?$/.test(line)).map((line) => line.replace(/^\||\|\s*$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|")));
  const scroll = make("div", undefined, "scroll");
  const whole = make("table");
  rows.forEach((cells, index) => {
    const row = (index ? whole.tBodies[0] || whole.createTBody() : whole.createTHead()).insertRow();
    row.append(...cells.map((cell) => withWords(make(index ? "td" : "th"), cell)));
  });
  scroll.append(whole);
  return scroll;
}

function list(lines) {
  const whole = make("ul");
  whole.append(...lines.map((line) => withWords(make("li"), line.slice(2))));
  return whole;
}

function withWords(element, text) {
  text.split(/((?<!\\)`[^`]+`|\*\*(?:\\.|[^*])+\*\*)/).filter(Boolean).forEach((part) => {
    if (part.length > 2 && part.startsWith("`")) element.append(make("code", part.slice(1, -1)));
    else if (part.length > 4 && part.startsWith("**")) element.append(make("b", unescaped(part.slice(2, -2))));
    else element.append(plain(unescaped(part)));
  });
  return element;
}

// The driver escapes markup in text from outside (report/text.py); unescaped it is only text.
const ENTITIES = { "&lt;": "<", "&amp;": "&", "&#64;": "@", "&#58;": ":", "&#46;": "." };
const unescaped = (text) => text.replace(/\\([!-\/:-@[-`{-~])|&(?:lt|amp|#64|#58|#46);/g, (whole, mark) => mark ?? ENTITIES[whole]);
