// The form of a fault, made from the catalogue: a field for each parameter, with its unit and limits.
import { at, make, set } from "./dom.js";

let faults = [];
const LAYERS = {
  link: "Link: what passes between a worker and the coordinator",
  handshake: "Handshake: how a new connection begins",
  container: "Process: a container, and what runs in it",
};

export function fillCatalogue(catalogue, layers = LAYERS) {
  faults = catalogue;
  for (const [layer, words] of Object.entries(layers)) {
    const group = make("optgroup", undefined, "", { label: words });
    group.append(...faults.filter((one) => one.layer === layer).map((one) => make("option", `${one.plain_effect} (${one.name})`, "", { value: one.name })));
    at("fault").append(group);
  }
}

export const chosen = () => faults.find((one) => one.name === at("fault").value);

export function showForm() {
  const one = chosen();
  set(at("does"), `${one.summary}.`);
  set(at("sees"), one.visible_effect);
  at("for-row").hidden = !one.lasting;
  at("instant").hidden = one.lasting;
  at("params").replaceChildren(...one.params.map(field));
}

function field(param) {
  const box = make("div", undefined, "field");
  const label = make("label", param.name.replaceAll("_", " "), "", { for: `param-${param.name}` });
  if (param.required) label.append(make("small", " needed"));
  const unit = make("small", param.unit ? ` in ${param.unit}` : "");
  label.append(unit);
  const input = param.choices.length ? select(param) : make("input", undefined, "", { autocomplete: "off", spellcheck: "false", placeholder: param.placeholder ? `like ${param.placeholder}` : "" });
  input.id = `param-${param.name}`;
  input.setAttribute("aria-describedby", `about-${param.name} wrong-${param.name}`);
  const about = make("small", [param.about, param.limits].filter(Boolean).join("; "), "about", { id: `about-${param.name}` });
  box.append(label, input, about, make("p", "", "wrong", { id: `wrong-${param.name}`, "data-field": param.name, role: "alert" }));
  return box;
}

function select(param) {
  const place = make("select");
  place.append(...["", ...param.choices].map((choice) => make("option", choice || "default", "", { value: choice })));
  return place;
}

// The form's values; `is_whole` while no required parameter is missing.
export function filled() {
  const one = chosen();
  const params = {};
  one.params.forEach((param) => {
    const value = at(`param-${param.name}`).value.trim();
    if (value) params[param.name] = value;
  });
  return {
    is_whole: one.params.every((param) => !param.required || param.name in params),
    asked: { fault: one.name, params, for: one.lasting ? at("for").value.trim() : "" },
  };
}

// Show a refusal beside its field.
export function refuse(error) {
  const places = [...document.querySelectorAll("#inject-view .wrong")];
  const place = places.find((one) => one.dataset.field === (error.field || "")) || places.find((one) => one.dataset.field === "");
  set(place, error.message);
  place.parentElement.querySelector("input, select")?.setAttribute("aria-invalid", "true");
}

export function clearRefusals() {
  document.querySelectorAll("#inject-view .wrong").forEach((place) => set(place, ""));
  document.querySelectorAll("#inject-view [aria-invalid]").forEach((place) => place.removeAttribute("aria-invalid"));
}
