/**
 * gtok in browsers and in Node, through Pyodide.
 *
 *     import { loadGtok } from "./gtok.mjs";
 *     const gtok = await loadGtok();
 *     const tok = await gtok.Tokenizer.fromBed(await (await fetch("universe.bed.gz")).arrayBuffer());
 *     tok.encode("chr1\t100\t200\n");   // Int32Array of ids
 *
 * BED is text, or bytes (plain, gzip or bgzip). Coordinates are 0-based and half-open.
 *
 * @typedef {string | ArrayBuffer | ArrayBufferView} Bed
 */

export const PYODIDE_URL = "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/";
export const WHEEL = "gtok-0.1.0-cp312-cp312-pyodide_2024_0_wasm32.whl";

const IN_NODE = globalThis.process?.versions?.node !== undefined;

// What crosses the border: names of files one way, typed arrays and joined texts the other.
const PYTHON = `
from pathlib import Path

import gtok
import numpy as np

def make(name, method, duplicates):
    return gtok.Tokenizer(gtok.Universe.from_bed(Path(name), duplicates=duplicates), method=method)

def ids_of(tokenizer, name):
    return tokenizer.encode_batch([Path(name)]).ids

def tokens_of(tokenizer, ids):
    return "\\n".join(tokenizer.decode(np.asarray(ids.to_py())))

def specials_of(tokenizer):
    roles = tokenizer.universe.special_tokens.items()
    return [[role, token, tokenizer.universe.special_id(role)] for role, token in roles]
`;
const FOLDER = "/tmp/gtok";

/** What Python said of bad input, in its words; `name` is the exception's, `BedError` say. */
export class GtokError extends Error {
  /** @param {string} message @param {string} name */
  constructor(message, name) {
    super(message);
    this.name = name;
  }
}

/**
 * Load Pyodide, NumPy and gtok.
 *
 * @param {object} [options]
 * @param {string} [options.indexURL] Where Pyodide and its NumPy are: a URL or, in Node, a folder.
 *     Without it, Pyodide's CDN or, in Node, the package `pyodide`.
 * @param {string} [options.wheel] Where gtok's wheel is; without it, beside this module.
 * @param {Function} [options.loadPyodide] Pyodide's function of this name, where it is loaded
 *     already; without it, it is imported from `indexURL`.
 */
export async function loadGtok({ indexURL, wheel, loadPyodide } = {}) {
  if (IN_NODE && indexURL?.startsWith("file:")) {
    indexURL = (await import("node:url")).fileURLToPath(indexURL);
  }
  if (!IN_NODE) indexURL ??= PYODIDE_URL;
  if (indexURL && !indexURL.endsWith("/")) indexURL += "/";
  loadPyodide ??= (await importPyodide(indexURL)).loadPyodide;
  const pyodide = await loadPyodide(indexURL ? { indexURL } : {});
  const silent = { messageCallback: () => {} };
  await pyodide.loadPackage("numpy", silent);
  await pyodide.loadPackage(wheel ?? new URL(WHEEL, import.meta.url).href, silent);
  return new Gtok(pyodide);
}

async function importPyodide(indexURL) {
  if (!IN_NODE) return import(`${indexURL}pyodide.mjs`);
  if (!indexURL) return import("pyodide");
  const { pathToFileURL } = await import("node:url");
  return import(pathToFileURL(`${indexURL}pyodide.mjs`).href);
}

class Gtok {
  constructor(pyodide) {
    /** Pyodide itself, for what is not here. */
    this.pyodide = pyodide;
    pyodide.FS.mkdirTree(FOLDER);
    const names = pyodide.toPy({});
    pyodide.runPython(PYTHON, { globals: names });
    this.version = pyodide.runPython("gtok.__version__", { globals: names });
    const python = {};
    for (const name of ["make", "ids_of", "tokens_of", "specials_of"]) {
      python[name] = names.get(name);
    }
    names.destroy();
    const gtok = this;
    /** Tokenizers of this Pyodide. */
    this.Tokenizer = class extends Tokenizer {
      /**
       * Make a tokenizer from a universe in BED, whose rows are the ids.
       *
       * @param {Bed | Blob} bed
       * @param {object} [options]
       * @param {"auto" | "bits" | "ailist"} [options.method] The overlap index.
       * @param {"error" | "drop"} [options.duplicates] What to do where a region stands twice:
       *     refuse, or keep the first.
       * @param {string} [options.name] What to call the file in messages.
       */
      static async fromBed(bed, { method = "auto", duplicates = "error", name = "universe" } = {}) {
        if (bed instanceof Blob) bed = await bed.arrayBuffer();
        return new this(
          gtok.withFile(bed, name, (file) => python.make(file, method, duplicates)),
          gtok,
          python,
        );
      }
    };
  }

  /**
   * Let Python read BED as a file in the current folder, so that its messages call it by its name.
   *
   * @template T
   * @param {Bed} bed
   * @param {string} name
   * @param {(file: string) => T} use
   * @returns {T}
   */
  withFile(bed, name, use) {
    const { FS } = this.pyodide;
    const file = safeName(name);
    const home = FS.cwd();
    FS.writeFile(`${FOLDER}/${file}`, bytesOf(bed));
    FS.chdir(FOLDER);
    try {
      return this.inWords(() => use(file));
    } finally {
      FS.unlink(file);
      FS.chdir(home);
    }
  }

  /**
   * Call Python, its exceptions becoming `GtokError`s with its words.
   *
   * @template T
   * @param {() => T} use
   * @returns {T}
   */
  inWords(use) {
    try {
      return use();
    } catch (error) {
      if (!(error instanceof this.pyodide.ffi.PythonError)) throw error;
      const words = this.pyodide.runPython("import sys; str(sys.last_exc)");
      throw new GtokError(words, error.type);
    }
  }
}

class Tokenizer {
  #gtok;
  #calls;

  constructor(python, gtok, calls) {
    /** Python's `gtok.Tokenizer`, for what is not here. */
    this.python = python;
    this.#gtok = gtok;
    this.#calls = calls;
  }

  /** The number of ids: the universe's regions and the special tokens. */
  get vocabSize() {
    return this.python.vocab_size;
  }

  /** Special tokens and their ids by their roles: unk, pad, mask, cls, eos, bos, sep. */
  get specialTokens() {
    const roles = taken(this.#calls.specials_of(this.python));
    return Object.fromEntries(roles.map(([role, token, id]) => [role, { token, id }]));
  }

  /**
   * The ids of the regions that a sample overlaps.
   *
   * @param {Bed} bed
   * @param {{name?: string}} [options] What to call the file in messages.
   * @returns {Int32Array}
   */
  encode(bed, { name = "sample" } = {}) {
    const ids = (file) => taken(this.#calls.ids_of(this.python, file));
    return this.#gtok.withFile(bed, name, ids);
  }

  /**
   * The tokens of a sample: `chrom:start-end`, 0-based half-open.
   *
   * @param {Bed} bed
   * @param {{name?: string}} [options]
   * @returns {string[]}
   */
  tokenize(bed, options) {
    return this.decode(this.encode(bed, options));
  }

  /**
   * The tokens of ids.
   *
   * @param {Int32Array | number[]} ids
   * @returns {string[]}
   */
  decode(ids) {
    if (ids.length === 0) return [];
    return this.#gtok.inWords(() => this.#calls.tokens_of(this.python, ids)).split("\n");
  }

  /** Give its memory back, without waiting for the garbage collector. */
  destroy() {
    this.python.destroy();
  }
}

/** What a proxy of Python's stands for, arrays as typed arrays; the proxy is let go. */
export function taken(proxy) {
  try {
    return proxy.toJs({ create_pyproxies: false, dict_converter: Object.fromEntries });
  } finally {
    proxy.destroy();
  }
}

/** A name for a file of its own: no folders, and nothing that means something else to gtok. */
function safeName(name) {
  const own = name.replace(/[/\0]/g, "_");
  return ["", "-", ".", ".."].includes(own) ? `_${own}` : own;
}

function bytesOf(bed) {
  if (typeof bed === "string") return new TextEncoder().encode(bed);
  if (ArrayBuffer.isView(bed)) return new Uint8Array(bed.buffer, bed.byteOffset, bed.byteLength);
  if (Object.prototype.toString.call(bed) === "[object ArrayBuffer]") return new Uint8Array(bed);
  throw new TypeError(`expected BED as text or bytes, found ${bed?.constructor?.name ?? bed}`);
}
