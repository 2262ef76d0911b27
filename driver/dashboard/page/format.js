// Numbers, times and names as text.
export function three(value) {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

const known = (value) => value !== null && value !== undefined;

export const count = (value) => (known(value) ? three(value) : "–");

export function seconds(value) {
  if (!known(value)) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  if (size < 1) return `${three(value * 1e3)} ms`;
  if (size < 600) return `${three(value)} s`;
  return `${three(value / 60)} min`;
}

// The duration of what goes on, in whole seconds, so that it does not flicker.
export function since(from_s, now_s) {
  if (!from_s) return "";
  const passed = Math.max(0, Math.round(now_s - from_s));
  if (passed < 120) return `${passed} s`;
  return passed < 7200 ? `${Math.floor(passed / 60)} min` : `${Math.floor(passed / 3600)} h`;
}

export function bytes(value) {
  if (!known(value)) return "–";
  return Math.abs(value) < 2 ** 30 ? `${three(value / 2 ** 20)} MiB` : `${three(value / 2 ** 30)} GiB`;
}

// Bytes a second: 420 B, 1.2 KB
export function rate(value) {
  if (!known(value)) return "–";
  if (value < 0.5) return "0";
  const [name, size] = value >= 1e6 ? ["MB", 1e6] : value >= 1e3 ? ["KB", 1e3] : ["B", 1];
  return `${size === 1 ? Math.round(value) : three(value / size)} ${name}`;
}

// Processor time as a share of one core.
export const cores = (value) => (known(value) ? `${three(value * 100)} %` : "–");

export const clock = (wall) => new Date(wall * 1e3).toLocaleTimeString("en-GB");
export const day = (wall) => new Date(wall * 1e3).toISOString().slice(0, 16).replace("T", " ");

// worker-1, worker-2, … (20 in all)
export function some(names, most = 4) {
  return names.length <= most ? names.join(", ") : `${names.slice(0, most).join(", ")}, … (${names.length} in all)`;
}

export const number = (name) => Number(name.replace(/^worker-/, ""));

// Names as on the command line: worker-3, worker-7, worker-8 → `3,7-8`
export function written(numbers) {
  const parts = [];
  [...numbers].sort((a, b) => a - b).forEach((one) => {
    const last = parts[parts.length - 1];
    if (last && last[1] === one - 1) last[1] = one;
    else parts.push([one, one]);
  });
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}

// Targets of a fault, short: `workers 3,7-8`, `all 20 workers`, `coordinator`; those of a system by name
export function aimed(targets, workers) {
  if (targets.some((name) => name.includes("->") || name.includes("["))) return some(targets);
  const numbers = targets.filter((name) => name.startsWith("worker-")).map(number);
  const others = targets.filter((name) => !name.startsWith("worker-"));
  if (!numbers.length) return others.join(", ");
  const words = numbers.length === workers && workers > 1 ? `all ${workers} workers` : numbers.length === 1 ? `worker-${numbers[0]}` : `workers ${written(numbers)}`;
  return [words, ...others].join(", ");
}
