// The page: files in, a table and pictures out. It keeps all results; the worker only works.

import { drawSimilarity, drawStrips, number, text } from "./charts.mjs";
import { EXAMPLE, fetchRuntime } from "./runtime.mjs";

const N_BINS = 360; // of the longest chromosome
const $ = (id) => document.getElementById(id);

let runtime;
let universe; // { file, told: what the worker says of it, error }
let loading; // what the worker has been given: { of: a universe, promise }
let samples = []; // { file, name, state, ... }
let chosen;
let shown; // the strips that are drawn
let isRunning = false;
let isComparing = false;
class Cancelled extends Error {}

// --- what is asked for

function setUniverse(file) {
  universe = { file };
  runAgain();
}

function runAgain() {
  stop();
  if (universe) universe = { file: universe.file };
  for (const sample of samples) reset(sample);
  run();
}

function reset(sample) {
  for (const key of ["ids", "told", "error", "strips"]) delete sample[key];
  sample.state = "waiting";
}

function addSamples(files) {
  for (const file of files) {
    samples.push({ file, name: freeName(file.name), state: "waiting" });
  }
  run();
}

/** Names tell samples apart, in the table and in what is downloaded. */
function freeName(name) {
  const [, stem, ending] = /^(.*?)(\.[^.]*(?:\.gz)?)?$/s.exec(name);
  let free = name;
  for (let n = 2; samples.some((sample) => sample.name === free); n++) {
    free = `${stem} (${n})${ending ?? ""}`;
  }
  return free;
}

function remove(sample) {
  const at = samples.indexOf(sample);
  if (sample.state === "working") stop();
  samples = samples.filter((other) => other !== sample);
  if (chosen === sample) chosen = undefined;
  show();
  run();
  // Focus goes to what stands in the place of what was removed.
  const buttons = $("table").querySelectorAll("button.remove");
  (buttons[Math.min(at, buttons.length - 1)] ?? $("samples-file")).focus();
}

function cancel() {
  stop();
  for (const sample of samples) if (sample.state === "waiting") sample.state = "cancelled";
  show();
  $("resume").focus();
}

function resume() {
  for (const sample of samples) if (sample.state === "cancelled") sample.state = "waiting";
  run();
  $("cancel").focus();
}

/** End whatever the worker does. */
function stop() {
  if (!isRunning) return;
  isRunning = false;
  loading = undefined;
  for (const sample of samples) if (sample.state === "working") sample.state = "waiting";
  runtime.stop(new Cancelled());
  runtime.start();
}

// --- work

async function run() {
  show();
  if (isRunning || !universe || universe.error || !runtime) return;
  const mine = universe;
  isRunning = true;
  try {
    await loadUniverse(mine);
    for (let sample; (sample = samples.find(({ state }) => state === "waiting")); ) {
      sample.state = "working";
      show();
      await encode(sample);
      if (!chosen && sample.state === "done") choose(sample);
    }
    isRunning = false;
    show();
    showDetail();
    showSimilarity();
  } catch (error) {
    if (error instanceof Cancelled) return; // whoever stopped this goes on from there
    isRunning = false;
    mine.error ??= error.message;
    show();
  }
}

/** Give the worker the universe, unless it has it. */
function loadUniverse(mine) {
  if (loading?.of !== mine) {
    const { file } = mine;
    const options = { method: $("method").value, duplicates: $("duplicates").value };
    const asked = runtime.ask("universe", { file, name: file.name, ...options });
    loading = { of: mine, promise: asked.then((told) => (mine.told = told)) };
  }
  return loading.promise;
}

/** Ask for what needs a universe; undefined where the worker was ended meanwhile. */
async function ask(call, args) {
  try {
    await loadUniverse(universe);
    return await runtime.ask(call, args);
  } catch (error) {
    if (error instanceof Cancelled) return undefined;
    throw error;
  }
}

async function encode(sample) {
  try {
    const { ids, ...told } = await runtime.ask("encode", { file: sample.file, name: sample.name });
    Object.assign(sample, { ids, told, state: "done" });
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    Object.assign(sample, { error: error.message, state: "failed" });
  }
  show();
}

async function download(kind) {
  const done = kind === "gtok" ? [chosen] : samples.filter(({ state }) => state === "done");
  const stem = chosen.name.replace(/(\.[^.]*)?(\.gz)?$/, "");
  const names = { gtok: `${stem}.gtok`, mtx: "matrix.zip", csv: "matrix.csv" };
  const name = names[kind] ?? `tokens.${kind}`;
  $("download-error").hidden = true;
  setText("status", `Preparing ${name}…`);
  try {
    const bytes = await ask("write", {
      kind,
      names: done.map((sample) => sample.name),
      samples: done.map(({ ids }) => ids),
      nRegions: done.map(({ told }) => told.nRegions),
      nHits: done.map(({ told }) => told.nHits),
    });
    if (!bytes) return;
    save(bytes, name);
    setText("status", `Saved ${name}.`);
  } catch (error) {
    setText("status", `${name} could not be made.`);
    $("download-error").textContent = error.message;
    $("download-error").hidden = false;
  }
}

function save(bytes, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// --- what is seen

function show() {
  showUniverse();
  const n = samples.length;
  const finished = samples.filter(({ state }) => state === "done" || state === "failed").length;
  const isCancelled = samples.some(({ state }) => state === "cancelled");
  $("results").hidden = n === 0;
  $("progress").max = Math.max(n, 1);
  $("progress").value = finished;
  setText("progress-label", inWords(n, finished, isCancelled));
  $("cancel").hidden = !isRunning;
  $("resume").hidden = !isCancelled || isRunning;
  showTable();
  const isDone = samples.some(({ state }) => state === "done");
  $("downloads").hidden = !isDone || isRunning || !runtime;
  $("detail").hidden = !chosen?.strips;
  $("similar").hidden ||= samples.filter(({ state }) => state === "done").length < 2;
}

function inWords(n, finished, isCancelled) {
  if (isCancelled && !isRunning) return `Cancelled: ${finished} of ${n} files done`;
  if (!universe) return "Waiting for a universe";
  if (universe.error) return "The universe could not be read";
  const failed = samples.filter(({ state }) => state === "failed").length;
  const trouble = failed ? `, ${failed} of them with an error` : "";
  return `${finished} of ${n} file${n === 1 ? "" : "s"} done${trouble}`;
}

function setText(id, words) {
  if ($(id).textContent !== words) $(id).textContent = words; // said aloud once
}

function showUniverse() {
  const { file, told, error } = universe ?? {};
  $("universe-error").hidden = !error;
  setText("universe-error", error ?? "");
  let words = "";
  if (told) {
    const index = { bits: "BITS", ailist: "AIList" }[told.method];
    words = [`${file.name}: ${told.summary}. Index: ${index}, ${time(told.seconds)}.`, ...told.warnings].join(" ");
  } else if (file && !error) {
    words = `${file.name}: reading…`;
  }
  setText("universe-state", words);
}

function showTable() {
  const body = $("table").tBodies[0];
  const rows = samples.map((sample) => (sample.row ??= document.createElement("tr")));
  if (rows.length !== body.rows.length || rows.some((row, i) => row !== body.rows[i])) {
    body.replaceChildren(...rows);
  }
  for (const sample of samples) {
    const key = `${sample.state} ${sample === chosen}`;
    if (sample.row.dataset.shown !== key) {
      const had = sample.row.contains(document.activeElement) && document.activeElement.className;
      sample.row.replaceChildren(...cellsOf(sample));
      sample.row.dataset.shown = key;
      sample.row.className = sample.state;
      if (had) sample.row.querySelector(`button.${had}`)?.focus();
    }
  }
}

function cellsOf(sample) {
  const name = text("th", "", "", { scope: "row" });
  if (sample.state === "done") {
    const button = text("button", sample.name, "choose", {
      type: "button",
      "aria-pressed": String(sample === chosen),
    });
    button.onclick = () => choose(sample);
    name.append(button, ...sample.told.warnings.map((words) => text("p", words, "warning")));
  } else {
    name.append(text("span", sample.name, "file"));
    if (sample.error) name.append(text("p", sample.error, "error"));
  }
  const button = text("button", "×", "remove", { type: "button", title: `Remove ${sample.name}` });
  button.setAttribute("aria-label", `Remove ${sample.name}`);
  button.onclick = () => remove(sample);
  const last = document.createElement("td");
  last.append(button);
  return [name, ...numbersOf(sample), last];
}

function numbersOf({ state, told, ids }) {
  if (state !== "done") {
    const words = { waiting: "waiting", working: "working…", failed: "not read", cancelled: "cancelled" };
    return [text("td", words[state], "state", { colspan: "4" })];
  }
  const share = told.nRegions ? told.nHits / told.nRegions : 0;
  const hits = text("td", `${(100 * share).toFixed(1)} %`, "num");
  const bar = text("span", "", "bar", { "aria-hidden": "true" });
  bar.append(document.createElement("span"));
  bar.firstChild.style.width = `${100 * share}%`;
  hits.append(bar);
  return [
    text("td", number(told.nRegions), "num"),
    hits,
    text("td", number(ids.length), "num"),
    text("td", time(told.seconds), "num"),
  ];
}

const time = (seconds) =>
  seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;

function choose(sample) {
  chosen = sample;
  show();
  showDetail();
}

async function showDetail() {
  const sample = chosen;
  if (!sample?.ids || (sample.strips && shown === sample.strips)) return;
  const { ids } = sample;
  sample.strips ??= await ask("strips", { ids, nBins: N_BINS });
  if (!sample.strips || sample !== chosen || sample.ids !== ids) return; // something else by now
  shown = sample.strips;
  setText("detail-title", sample.name);
  $("first").replaceChildren(...sample.told.first.map((token) => text("li", token)));
  drawStrips($("strips"), shown);
  const { nOthers } = shown;
  setText("strips-more", nOthers ? `and ${number(nOthers)} more chromosomes with fewer regions` : "");
  show();
}

/** One question at a time; whatever has changed meanwhile is asked for once more. */
async function showSimilarity() {
  const done = samples.filter(({ state }) => state === "done");
  if (done.length < 2 || isComparing) return;
  isComparing = true;
  const alike = await ask("similarity", { samples: done.map(({ ids }) => ids) });
  isComparing = false;
  const now = samples.filter(({ state }) => state === "done");
  if (!alike || isRunning) return; // it is asked for again when the files are done
  if (now.length !== done.length || now.some((sample, i) => sample !== done[i])) {
    showSimilarity();
    return;
  }
  drawSimilarity($("heat"), done.map(({ name }) => name), alike);
  $("similar").hidden = false;
}

// --- beginning

function takeFiles(id, take) {
  const input = $(`${id}-file`);
  input.onchange = () => {
    if (input.files.length) take([...input.files]);
    input.value = ""; // so that the same file can be chosen again
  };
  const zone = $(id);
  zone.ondragover = (event) => {
    event.preventDefault();
    zone.classList.add("over");
  };
  zone.ondragleave = (event) => {
    if (!zone.contains(event.relatedTarget)) zone.classList.remove("over");
  };
  zone.ondrop = (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (runtime && event.dataTransfer.files.length) take([...event.dataTransfer.files]);
  };
}

async function begin() {
  // A file that misses the zones would be opened instead of this page.
  document.ondragover = document.ondrop = (event) => event.preventDefault();
  takeFiles("universe", ([file]) => setUniverse(file));
  takeFiles("samples", addSamples);
  $("universe-example").onclick = () => setUniverse(runtime.example(EXAMPLE.universe));
  $("samples-example").onclick = () => addSamples(EXAMPLE.samples.map((n) => runtime.example(n)));
  $("method").onchange = $("duplicates").onchange = runAgain;
  $("cancel").onclick = cancel;
  $("resume").onclick = resume;
  $("clear").onclick = () => {
    stop();
    samples = [];
    chosen = undefined;
    show();
    $("samples-file").focus();
  };
  for (const button of $("downloads").querySelectorAll("button")) {
    button.onclick = () => download(button.dataset.kind);
  }
  matchMedia("(prefers-color-scheme: dark)").onchange = () => {
    if (shown) drawStrips($("strips"), shown);
  };
  try {
    runtime = await fetchRuntime((done, all) => {
      setText("status", `Fetching Python and gtok: ${done} of ${all} files`);
    });
    setText("status", "Starting Python…");
    await runtime.start();
  } catch (error) {
    $("status").classList.add("error");
    setText("status", `gtok could not be started: ${error.message}`);
    return;
  }
  document.body.classList.add("ready");
  setText("status", "Ready. From here on this page can send nothing anywhere.");
  for (const id of ["universe-file", "universe-example", "samples-file", "samples-example"]) {
    $(id).disabled = false;
  }
}

begin();
