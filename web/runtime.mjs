// Fetches all that the page needs, closes the door behind it, and keeps a worker.

import { PYODIDE_URL, WHEEL } from "./gtok.mjs";

export const EXAMPLE = {
  universe: "universe.hg19.bed.gz",
  samples: ["H3K27ac", "H3K27me3", "H3K4me1", "H3K4me2", "H3K4me3"].map((m) => `hESC_${m}.bed.gz`),
};

// From Pyodide's folder, and from the page's own.
const PYODIDE = ["pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"];
const OWN = ["gtok.mjs", "worker.mjs", "page.py", WHEEL];
const MODULES = ["gtok.mjs", "pyodide.mjs", "pyodide.asm.js"]; // what the worker imports
const TYPES = { mjs: "text/javascript", js: "text/javascript", wasm: "application/wasm" };

// In force as soon as it is in the document, for the page and for every worker that it starts:
// nothing can be fetched, and only scripts can be run that are in memory already.
const CLOSED =
  "default-src 'none'; script-src blob: 'wasm-unsafe-eval'; worker-src blob:; " +
  "style-src 'self'; img-src data:";

/**
 * Fetch the runtime and the example; from then on the page can fetch nothing.
 *
 * @param {(done: number, all: number) => void} progress
 */
export async function fetchRuntime(progress) {
  const isLocal = new URLSearchParams(location.search).has("local");
  const base = isLocal ? new URL("pyodide/", location.href).href : PYODIDE_URL;
  const here = (name) => [name, new URL(name, location.href).href];
  const files = {};
  const lock = await fetchBlob(`${base}pyodide-lock.json`);
  files["pyodide-lock.json"] = lock;
  const { file_name: numpy, sha256 } = JSON.parse(await lock.text()).packages.numpy;
  const wanted = [
    ...PYODIDE.map((name) => [name, base + name]),
    [numpy, base + numpy, sha256],
    ...OWN.map(here),
    ...[EXAMPLE.universe, ...EXAMPLE.samples].map((name) => here(`example/${name}`)),
  ];
  let done = 0;
  const others = new AbortController(); // need not come where one is missing
  const take = async ([name, url, digest]) => {
    files[name] = await fetchBlob(url, digest, others.signal);
    if (!others.signal.aborted) progress(++done, wanted.length);
  };
  try {
    await Promise.all(wanted.map(take));
  } catch (error) {
    others.abort();
    throw error;
  }
  closeTheDoor();
  return new Runtime(files, base);
}

async function fetchBlob(url, sha256, signal) {
  const integrity = sha256 ? `sha256-${toBase64(sha256)}` : "";
  let response;
  try {
    response = await fetch(url, { integrity, signal });
  } catch (error) {
    throw new Error(`${url} could not be fetched: ${error.message}`);
  }
  if (!response.ok) throw new Error(`${url} could not be fetched: ${response.status}`);
  return new Blob([await response.arrayBuffer()], { type: TYPES[url.split(".").pop()] ?? "" });
}

function toBase64(hex) {
  return btoa(String.fromCharCode(...hex.match(/../g).map((pair) => parseInt(pair, 16))));
}

function closeTheDoor() {
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = CLOSED;
  document.head.append(policy);
}

/** A worker that can be asked for things, and be ended and started again. */
class Runtime {
  #files;
  #base;
  #urls = {};
  #worker;
  #started;
  #waiting = new Map();
  #number = 0;

  constructor(files, base) {
    this.#files = files;
    this.#base = base;
    for (const name of ["worker.mjs", ...MODULES]) {
      this.#urls[name] = URL.createObjectURL(files[name]);
    }
  }

  /** A file of the example. */
  example(name) {
    return new File([this.#files[`example/${name}`]], name);
  }

  /** Ask the worker, which is started if there is none. */
  async ask(call, args) {
    await this.start();
    return this.#ask(call, args);
  }

  /** Start a worker, if there is none. */
  start() {
    if (this.#worker) return this.#started;
    this.#worker = new Worker(this.#urls["worker.mjs"], { type: "module" });
    this.#worker.onmessage = ({ data: { id, value, error } }) => {
      const [resolve, reject] = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) reject(Object.assign(new Error(error.message), { name: error.name }));
      else resolve(value);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.stop(new Error(event.message || "the worker could not be started"));
    };
    const files = Object.fromEntries(
      Object.entries(this.#files).filter(([name]) => !name.startsWith("example/")),
    );
    this.#started = this.#ask("start", {
      files,
      modules: this.#urls,
      base: this.#base,
      wheel: WHEEL,
    });
    this.#started.catch(() => {}); // told to whoever asks
    return this.#started;
  }

  #ask(call, args) {
    const id = ++this.#number;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, [resolve, reject]);
      this.#worker.postMessage({ id, call, args });
    });
  }

  /** End the worker, whatever it does; what was asked of it fails with the reason. */
  stop(reason) {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const [, reject] of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }
}
