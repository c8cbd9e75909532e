// What is drawn with lines, as SVG.

const WIDTH = 420;

// A number in three digits: −0.0123, 1.23·10⁻⁵. Python tells a number that is not finite as null.
export function short(value) {
  if (!Number.isFinite(value)) return "not finite";
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-3 && size < 1e4)) return String(Number(value.toPrecision(3))).replace("-", "−");
  const [digits, power] = value.toExponential(2).split("e");
  return `${Number(digits)}·10${raised(Number(power))}`.replace("-", "−");
}

function raised(power) {
  return String(power).replace(/./g, (sign) => sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign]);
}

function path(points) {
  return points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

function svg(height, content) {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" aria-hidden="true">${content}</svg>`;
}

// Points without gaps, at most so many.
function thinned(values, most = 300) {
  const step = Math.ceil(values.length / most);
  return values.filter((_, k) => k % step === 0 || k === values.length - 1);
}

// Costs of both networks by step, with the cost of guessing.
export function costs(place, { a, b }, chance) {
  const height = 190, left = 38, right = WIDTH - 12, top = 10, bottom = height - 26;
  const all = [...a, ...b].filter(([, cost]) => cost !== null);
  const last = Math.max(20, ...all.map(([step]) => step));
  const most = Math.min(3 * chance, Math.max(1.25 * chance, ...all.map(([, cost]) => cost)));
  const x = (step) => left + (right - left) * step / last;
  const y = (cost) => bottom - (bottom - top) * Math.min(cost, most) / most;
  const line = (points, side) => {
    const shown = thinned(points.filter(([, cost]) => cost !== null)).map(([step, cost]) => [x(step), y(cost)]);
    return shown.length ? `<g class="${side}"><path d="${path(shown)}"/></g>` : "";
  };
  place.innerHTML = svg(height, `
    <line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
    <line class="chance" x1="${left}" x2="${right}" y1="${y(chance)}" y2="${y(chance)}"/>
    <text x="${right}" y="${y(chance) - 6}" text-anchor="end">guessing: ${chance.toFixed(2)}</text>
    <text x="${left - 6}" y="${bottom + 4}" text-anchor="end">0</text>
    <text x="${left - 6}" y="${top + 8}" text-anchor="end">${most.toFixed(1)}</text>
    <text x="${left}" y="${bottom + 18}">0</text>
    <text x="${right}" y="${bottom + 18}" text-anchor="end">step ${last}</text>
    ${line(b, "b")}${line(a, "a")}`);
}

// The standard deviation of the gradient at each layer, on an axis of powers of ten.
export function gradients(place, { a, b }) {
  const height = 190, left = 44, right = WIDTH - 14, top = 12, bottom = height - 34;
  const logs = [...a, ...b].filter((value) => value > 0).map(Math.log10);
  const low = Math.floor(Math.min(...logs, -3)), high = Math.max(Math.ceil(Math.max(...logs, -1)), low + 1);
  const x = (k) => a.length < 2 ? (left + right) / 2 : left + 16 + (right - left - 32) * k / (a.length - 1);
  const y = (value) => bottom - (bottom - top) * (Math.log10(value) - low) / (high - low);
  const every = Math.ceil((high - low) / 5);
  let ticks = "";
  for (let power = high; power >= low; power -= every) {
    ticks += `<line class="axis" x1="${left}" x2="${right}" y1="${y(10 ** power)}" y2="${y(10 ** power)}"/>
      <text x="${left - 6}" y="${y(10 ** power) + 4}" text-anchor="end">10${raised(power)}</text>`;
  }
  const often = Math.ceil(a.length / 10);
  const names = a.map((_, k) => k % often && k < a.length - 1 ? "" :
    `<text x="${x(k)}" y="${bottom + 16}" text-anchor="middle">${k < a.length - 1 ? k + 1 : "out"}</text>`).join("");
  const line = (values, side) => {
    const points = values.map((value, k) => [k, value]).filter(([, value]) => value > 0).map(([k, value]) => [x(k), y(value)]);
    const dots = points.map(([u, v]) => side === "a" ? `<circle cx="${u}" cy="${v}" r="4.5"/>` :
      `<rect class="dot" x="${u - 4}" y="${v - 4}" width="8" height="8"/>`).join("");
    return points.length ? `<g class="${side}"><path d="${path(points)}"/>${dots}</g>` : "";
  };
  place.innerHTML = svg(height, `${ticks}${names}
    <text x="${left}" y="${height - 3}">layer, from the input to the output</text>${line(b, "b")}${line(a, "a")}`);
}

// One row for each hidden layer: a histogram, and what is said of it.
export function layers(place, rows, sentence) {
  place.innerHTML = rows.map((row, k) => {
    const most = Math.max(...row.histogram, 1), wide = 100 / Math.max(row.histogram.length, 1);
    const bars = row.histogram.map((count, i) => count &&
      `<rect x="${i * wide + 0.15}" width="${wide - 0.3}" y="${40 - 38 * count / most}" height="${38 * count / most}"/>`);
    const values = row.range ? `values from ${row.range.map(short).join(" to ")}` : "its values are not finite";
    return `<div class="layer"><span class="number">${k + 1}</span>
      <svg viewBox="0 0 100 41" preserveAspectRatio="none" role="img" aria-label="Histogram of layer ${k + 1}: ${values}"><line
        x1="0" x2="100" y1="40.5" y2="40.5"/>${bars.filter(Boolean).join("")}</svg>
      <p>${sentence(row)}</p></div>`;
  }).join("") || "<p>No hidden layer.</p>";
}

// The cost as a function of one weight, with the tangent that the gradient is.
export function tangent(place, { cost, gradient, delta, came, deltas, costs: curve }) {
  const height = 230, left = 66, right = WIDTH - 14, top = 14, bottom = height - 34;
  const straight = deltas.map((d) => cost + gradient * d), all = [...curve.filter(Number.isFinite), ...straight];
  const spread = Math.max(...all) - Math.min(...all) || Math.abs(cost) * 0.01 || 1;
  const low = Math.min(...all) - 0.08 * spread, high = Math.max(...all) + 0.08 * spread;
  const x = (d) => left + (right - left) * (d - deltas[0]) / (deltas.at(-1) - deltas[0]);
  const y = (c) => bottom - (bottom - top) * (c - low) / (high - low);
  place.innerHTML = svg(height, `
    <line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
    <line class="axis" x1="${x(0)}" x2="${x(0)}" y1="${top}" y2="${bottom}"/>
    <text x="${left - 6}" y="${y(cost) + 4}" text-anchor="end">${short(cost)}</text>
    <text x="${left - 6}" y="${top + 8}" text-anchor="end">cost</text>
    <text x="${left}" y="${bottom + 16}">${short(deltas[0])}</text>
    <text x="${x(0)}" y="${bottom + 16}" text-anchor="middle">change of the weight</text>
    <text x="${right}" y="${bottom + 16}" text-anchor="end">+${short(deltas.at(-1))}</text>
    <g class="curve"><path d="${path(deltas.map((d, k) => [x(d), y(curve[k])]).filter((_, k) => curve[k] !== null))}"/></g>
    <g class="straight"><path d="${path(deltas.map((d, k) => [x(d), y(straight[k])]))}"/></g>
    <g class="a"><circle cx="${x(delta)}" cy="${y(cost + gradient * delta)}" r="4.5"/></g>
    ${came === null ? "" : `<circle class="value" cx="${x(delta)}" cy="${y(cost + came)}" r="5"/>`}`);
}
