// One batch by hand: the phases of a step, and a weight that is changed for a look.

import { short, tangent } from "./charts.js";
import { matrix } from "./drawing.js";

const PHASES = ["forward", "backward", "update", "step"];
const at = (id) => document.getElementById(id);

const EXPLAINED = {
  "": ({ count }) => `${count} examples are taken. Nothing has been computed yet.`,
  forward: ({ cost }) => `forward: the examples pass from the input to the output. Each module saves what its derivative will need.
    The loss, at the end, is ${short(cost)}.`,
  backward: () => `backward: the gradient of the cost passes from the output to the input, through the derivative of each module.
    No gradient of a weight is computed yet.`,
  update: () => `update: each module with weights computes their gradients, from what forward saved and backward left. No weight
    has moved.`,
  step: ({ lr }) => `step: the optimizer moves every weight by −${lr} times its gradient. Run forward again, and see the cost of
    the same examples fall.`,
};

function rows(numbers) {
  const list = Array.isArray(numbers) ? numbers : [numbers];
  return Array.isArray(list[0]) ? list : [list];
}

// An array as cells, with its name and shape; its numbers open below.
function array({ name, shape, numbers }, title = name) {
  const made = document.createElement("details"), head = document.createElement("summary");
  made.className = "array";
  const text = document.createElement("span");
  text.innerHTML = `<span class="open">${title}</span> <span class="of">(${shape.join(", ")}${shape.length === 1 ? "," : ""})</span>`;
  if (numbers !== null && numbers !== undefined) {
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true");
    matrix(canvas, rows(numbers));
    head.append(canvas);
    const table = document.createElement("div");
    table.className = "numbers";
    table.tabIndex = 0;
    table.setAttribute("role", "region");
    table.setAttribute("aria-label", `Numbers of ${name}`);
    made.addEventListener("toggle", () => {
      if (table.childElementCount) return;
      const cell = (value) => `<td>${value === null ? "not finite" : Number(value.toPrecision(4))}</td>`;
      const body = rows(numbers).map((row) => `<tr>${row.map(cell).join("")}</tr>`);
      table.innerHTML = `<table><tbody>${body.join("")}</tbody></table>`;
    });
    made.append(table);
  }
  head.append(text);
  made.prepend(head);
  return made;
}

export class ByHand {
  #python;
  #taken;
  #cost = null;

  constructor(python, fail) {
    this.#python = python;
    at("next").onclick = () => this.#next().catch(fail);
    at("nudge").oninput = ({ target }) => this.#nudge(target);
    at("nudge").onsubmit = (event) => event.preventDefault();
  }

  close() {
    at("hand").hidden = true;
  }

  async take(side) {
    this.#taken = await this.#python.call("take", side);
    this.#cost = null;
    at("hand").hidden = false;
    this.#empty();
    this.#show("");
    at("parameter").replaceChildren(...Object.entries(this.#taken.parameters).map(([name, shape]) =>
      new Option(`${name} (${shape.join(", ")}${shape.length === 1 ? "," : ""})`, name)));
    await this.#nudge(at("parameter"));
    at("next").focus();
  }

  #empty() {
    const heads = document.createElement("div");
    heads.className = "module heads";
    heads.innerHTML = "<span>module</span>" + PHASES.map((phase) => `<span>${phase}</span>`).join("");
    at("modules").replaceChildren(heads, ...this.#taken.modules.map(({ path, module }) => {
      const row = document.createElement("div");
      row.className = "module";
      row.dataset.path = path;
      row.innerHTML = `<strong>${path === "loss" ? "" : `${path} `}${module}</strong>` +
        PHASES.map((phase) => `<div data-phase="${phase}"></div>`).join("");
      return row;
    }));
  }

  #cell(path, phase) {
    return at("modules").querySelector(`[data-path="${path}"] [data-phase="${phase}"]`);
  }

  async #next() {
    const told = await this.#python.call("phase");
    if (told.phase === "forward") this.#empty();
    for (const cell of at("modules").querySelectorAll(".new")) cell.classList.remove("new");
    for (const { path, outputs, stored } of told.records) {
      const cell = this.#cell(path, told.phase);
      const own = told.phase === "update" ? stored : outputs;
      const saved = told.phase === "forward" ? stored.map(({ name }) => name) : [];
      const also = told.phase === "forward" ? stored.filter(({ name }) => !own.some((one) => one.name === name)) : [];
      const title = ({ name, shape }) => shape.length ? (saved.includes(name) ? `${name}, saved` : name) : "cost";
      cell.append(...also.map((one) => array(one, `${one.name}, saved`)), ...own.map((one) => array(one, title(one))));
      if (cell.childElementCount) cell.classList.add("new");
    }
    for (const { name, shape, change } of told.changes ?? []) {
      const dot = name.lastIndexOf("."), cell = this.#cell(name.slice(0, dot), "step");
      cell.append(array({ name: name.slice(dot + 1), shape, numbers: change }, `change of ${name.slice(dot + 1)}`));
      cell.classList.add("new");
    }
    this.#show(told.phase, told.cost);
    if (told.phase === "step") await this.#nudge(at("delta"));
  }

  #show(phase, cost) {
    const done = PHASES.indexOf(phase), next = PHASES[(done + 1) % PHASES.length];
    [...at("phases").children].forEach((item, k) => {
      item.classList.toggle("done", k < done);
      item.toggleAttribute("aria-current", false);
      if (k === done) item.setAttribute("aria-current", "step");
    });
    const fell = phase === "forward" && this.#cost !== null ? ` Before the step it was ${short(this.#cost)}.` : "";
    if (phase === "forward") this.#cost = cost;
    at("explained").textContent = EXPLAINED[phase]({ cost, count: this.#taken.count, lr: this.#taken.lr })
      .replace(/\s+/g, " ") + fell;
    at("next").textContent = `Run ${next}`;
  }

  async #nudge(target) {
    const name = at("parameter").value, shape = this.#taken.parameters[name];
    if (target === at("parameter")) for (const id of ["row", "column"]) at(id).value = 0;
    at("row").max = shape[0] - 1;
    at("column").max = (shape[1] ?? 1) - 1;
    at("column").disabled = shape.length === 1;
    const index = [at("row"), at("column")].slice(0, shape.length).map((input) => Number(input.value));
    const delta = Number(at("delta").value);
    at("delta-said").textContent = `${delta < 0 ? "−" : "+"}${Math.abs(delta)}`;
    let found = null;
    try {
      found = await this.#python.call("nudge", name, index, delta);
      at("nudge-problem").textContent = "";
    } catch (error) {
      at("nudge-problem").textContent = error.message;
    }
    at("came").parentElement.hidden = found === null;
    if (found === null) return;
    tangent(at("tangent"), found);
    at("tangent").setAttribute("aria-label", `The cost against ${found.name}, a curve, and the tangent at its value`);
    at("came").innerHTML = `<code>${found.name}</code> is ${short(found.value)}, its gradient ${short(found.gradient)}.<br>
      For a change of ${short(delta)} the gradient predicts that the cost changes by <b>${short(found.predicted)}</b>.<br>
      What comes is <b>${short(found.came)}</b>.`;
  }
}
