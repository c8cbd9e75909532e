// The page: its controls, and what is drawn of the two networks.

import { ByHand } from "./byhand.js";
import { costs, gradients, layers, short } from "./charts.js";
import { images, plane } from "./drawing.js";
import { Python } from "./python.js";

const SIDES = ["a", "b"];
const LEARNED = 0.97;
const MOST = 20000;                                                // steps without a pause
const PATIENCE = 0.25;                                             // seconds of training in one message: no pause comes sooner
const slow = matchMedia("(prefers-reduced-motion: reduce)");
const at = (id) => document.getElementById(id);
const percent = (share) => share === null ? "–" : `${Math.round(100 * share)} %`;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const nextPicture = () => new Promise(requestAnimationFrame);

const python = new Python();
const hand = new ByHand(python, fail);
let told;                                                          // what describe() returned
let frame;                                                         // the last one drawn
let history;                                                       // of costs, by network
let running = false;                                               // whether training is wanted: set at the click
let idle = Promise.resolve();                                      // when all that was begun has ended
let opens = 0;                                                     // how many states were asked for
let clock = { steps: 0, seconds: 0 };

function fail(error) {
  at("problem").textContent = error ? error.message : "";
}

function say(text) {
  at("status").textContent = text;
}

// ------------------------------------------------------------------ drawing

function verdict({ accuracy }) {
  if (accuracy === null) return "diverged: its numbers are no longer finite";
  if (!frame.steps) return "not trained yet";
  if (accuracy >= LEARNED || (told.images && accuracy >= 0.9)) return "has learned";
  return accuracy <= 1 / told.classes + 0.1 ? "does no better than guessing" : "is learning";
}

function draw() {
  at("count").textContent = `Step ${frame.steps}, epoch ${frame.epochs.toFixed(1)}`;
  for (const side of SIDES) {
    const net = frame.nets[side];
    if (told.points) plane(at(`picture-${side}`), net.boundary, told);
    else images(at(`picture-${side}`), net.predicted, told);
    at(`accuracy-${side}`).textContent = percent(net.accuracy);
    at(`verdict-${side}`).textContent = verdict(net);
    layers(at(`rows-${side}`), net.layers.slice(0, -1), ({ std, saturated, dead }) => std === null ? "not finite" :
      `std <b>${short(std)}</b><br>${saturated === null ? "dead units" : "saturated"} <b>${percent(saturated ?? dead)}</b>`);
  }
  costs(at("cost"), history, told.chance);
  gradients(at("gradients"), Object.fromEntries(SIDES.map((side) =>
    [side, frame.nets[side].layers.map(({ gradient }) => gradient)])));
}

// The same for who does not see the pictures; not at every picture, which would never end.
function describe() {
  for (const side of SIDES) {
    const { accuracy, layers: rows } = frame.nets[side], name = side.toUpperCase();
    at(`picture-${side}`).setAttribute("aria-label", told.points ?
      `The plane, coloured by the class that network ${name} predicts, with ${told.points.length} test points:
       ${percent(accuracy)} of them are right` : `${told.images.length} test images with the digit that network ${name} predicts`);
    const last = history[side].at(-1)?.[1];
    if (side === "a") at("cost").setAttribute("aria-label", "");
    at("cost").setAttribute("aria-label", `${at("cost").getAttribute("aria-label")} ${name}: cost ${
      last === undefined ? "not known" : short(last)} at step ${frame.steps}.`.trim());
    if (side === "a") at("gradients").setAttribute("aria-label", "");
    at("gradients").setAttribute("aria-label", `${at("gradients").getAttribute("aria-label")} ${name}: standard deviation ${
      short(rows[0].gradient)} at the first layer, ${short(rows.at(-1).gradient)} at the output.`.trim());
  }
  const words = SIDES.map((side) => `${side.toUpperCase()} ${at(`verdict-${side}`).textContent}, ${
    percent(frame.nets[side].accuracy)} right`);
  say(`Step ${frame.steps}: ${words.join("; ")}.`);
}

async function diagnose() {
  for (const side of SIDES) {
    const found = await python.call("diagnosis", side);
    at(`diagnosis-${side}`).replaceChildren(...(found.length ? found : ["Nothing is wrong."]).map((text) => {
      const item = document.createElement("li");
      item.textContent = text.replace(/\n\s+(?!Remedy)/g, " ").replace(/\n\s+/g, "\n");
      return item;
    }));
  }
}

// ------------------------------------------------------------------ training

async function train(steps) {
  frame = await python.call("frame", steps);
  if (steps) {
    for (const side of SIDES) history[side].push([frame.steps, frame.nets[side].cost]);
    clock = { steps: clock.steps + steps, seconds: clock.seconds + frame.seconds };
  }
  draw();
}

async function settle() {
  describe();
  const state = await python.call("state");
  globalThis.history.replaceState(null, "", `#${state}`);
  at("script").textContent = `import retroprop as rp

session = rp.browser.Session(rp.browser.Settings.read("${state}"))
a, b = session.nets["a"], session.nets["b"]
print(rp.accuracy(a.predict(session.test[0]), session.test[1]))
print(rp.diagnose(b, session.x, session.y))`;
  await diagnose();
  at("speed-said").textContent = clock.steps ? `${Math.round(5e5 * clock.seconds / clock.steps)} µs a training step.` : "";
}

function want(training) {
  running = training;
  at("train").textContent = training ? "Pause" : "Train";
}

// Trains until a pause is wanted, at the pace that is chosen; or up to a step, as fast as it goes.
async function run(goal) {
  if (!running) return;                                            // a second click came before
  say("Training.");
  const end = goal ?? frame.steps + MOST;
  let spoken = performance.now(), drawn = spoken;
  try {
    while (running && (goal || !document.hidden) && frame.steps < end) {
      const pace = Number(at("speed").value);                      // steps in a second, as far as the computer can
      const passed = Math.min((performance.now() - drawn) / 1000, slow.matches ? 1 : 0.25);
      drawn = performance.now();
      const due = goal ? end : Math.round(pace * passed);
      const affordable = clock.steps ? Math.floor(PATIENCE * clock.steps / clock.seconds) : 1;
      await train(Math.max(1, Math.min(due, affordable, end - frame.steps)));
      if (goal) say(`Training again up to step ${goal}; now at step ${frame.steps}. Pause ends it.`);
      else if (performance.now() - spoken > 5000) {
        describe();
        spoken = performance.now();
      }
      await (goal ? pause(0) : slow.matches ? pause(1000) : nextPicture());
    }
  } finally {
    want(false);
  }
  await settle();
}

// ------------------------------------------------------------------ settings

function options(select, names, groups = []) {
  const made = (name) => new Option(name, name);
  select.replaceChildren(...names.map(made), ...groups.map(([label, members]) => {
    const group = document.createElement("optgroup");
    group.label = label;
    group.append(...members.map(made));
    return group;
  }));
}

function choices() {
  const { data, activation, initializations, libraries } = told.choices;
  at("data").replaceChildren(...data.map((name) => {
    const label = document.createElement("label"), input = document.createElement("input"), text = document.createElement("span");
    Object.assign(input, { type: "radio", name: "data", value: name });
    text.textContent = name === "xor" ? "XOR" : name;
    label.append(input, text);
    return label;
  }));
  const form = at("settings").elements;
  options(form.activation, activation);
  for (const side of SIDES) options(form[side], initializations, [["As a library starts", libraries]]);
}

function filled() {
  const form = at("settings").elements;
  for (const [name, value] of Object.entries(told.settings)) {
    if (!form[name]) continue;
    const missing = SIDES.includes(name) && ![...form[name].options].some((option) => option.value === value);
    if (missing) form[name].prepend(new Option(value, value));
    form[name].value = value;
  }
  at("shape").textContent = `Both networks are ${told.sizes.join("-")}: ${told.parameters} weights and biases. They learn from ${
    told.examples[0]} examples, with SGD.`;
  for (const side of SIDES) {
    at(`init-${side}`).textContent = told.settings[side];
    at(`right-${side}`).textContent = `of ${told.examples[1]} test ${told.points ? "points" : "images"} right`;
  }
}

async function open(state) {
  told = await python.call("open", state);
  fail();
  history = { a: told.history.map(([step, cost]) => [step, cost]), b: told.history.map(([step, , cost]) => [step, cost]) };
  if (!at("data").childElementCount) choices();
  filled();
  hand.close();
  clock = { steps: 0, seconds: 0 };
  await train(0);
  usable();
  if (told.wanted) {
    want(true);
    await run(told.wanted);
  } else {
    await settle();
  }
}

function usable() {
  at("loading").hidden = true;
  for (const button of document.querySelectorAll("button")) button.disabled = false;
}

// The last state that was asked for counts; a click on Train in the meantime is for that one.
function opened(state) {
  want(false);
  const mine = ++opens;
  idle = idle.then(() => mine === opens && open(state)).catch(fail);
}

async function home() {
  const { home } = await (await fetch(new URL("settings.json", import.meta.url))).json();
  if (home) at("home").href = home;
}

// ------------------------------------------------------------------ controls

at("train").onclick = () => {
  want(!running);
  if (running) idle = idle.then(() => run()).catch(fail);
};
at("once").onclick = () => {
  want(false);
  idle = idle.then(() => train(1)).then(settle).catch(fail);
};
at("again").onclick = () => opened({ ...told.settings, steps: 0 });
at("settings").onchange = ({ currentTarget: form }) => {
  if (form.reportValidity()) opened({ ...Object.fromEntries(new FormData(form)), steps: 0 });
};
at("settings").onsubmit = (event) => event.preventDefault();
at("share").onclick = async () => {
  globalThis.history.replaceState(null, "", `#${await python.call("state")}`);
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied.");
  } catch {
    say("The link to this state is the address of this page.");
  }
};
for (const side of SIDES) at(`take-${side}`).onclick = () => hand.take(side).catch(fail);
addEventListener("hashchange", () => opened(location.hash.slice(1)));
addEventListener("resize", () => frame && draw());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => frame && draw());

async function begin() {
  at("phase").textContent = "Loading Python …";
  const { versions, seconds } = await python.load((done, text) => {
    at("progress").value = done;
    at("phase").textContent = text;
  });
  at("versions").textContent = `The library itself runs on this page: ${versions.join(", ")}. Ready after ${
    seconds.toFixed(1)} s.`;
  const begun = idle = open(location.hash.slice(1)).catch(async (error) => {
    await open("");
    fail(error);
  });
  await begun;
  say("Ready. Press Train.");
  document.documentElement.dataset.ready = seconds.toFixed(2);
}

home().catch(fail);
begin().catch((error) => {
  at("loading").hidden = true;
  fail(new Error(`Python could not be started: ${error.message}`));
});
