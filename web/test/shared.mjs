// What the tests share: where things are, and answers of native gtok to compare with.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const WEB = dirname(dirname(fileURLToPath(import.meta.url)));
export const ROOT = dirname(WEB);
export const SITE = join(ROOT, "build", "web");
export const EXAMPLE = join(SITE, "example");
const SHARED = join(ROOT, "..", "shared");
const NUMPY = join(SHARED, "wasm", "numpy-2.0.2-cp312-cp312-pyodide_2024_0_wasm32.whl");

/** Larger real files; undefined where they are not. */
export const DATA = existsSync(join(SHARED, "data")) ? join(SHARED, "data") : undefined;

/** Why tests cannot run, as node's runner takes it: false where they can. */
export const skip = !existsSync(NUMPY) && `no ${NUMPY}`;
export const skipLarge = skip || (!DATA && "no ../shared/data beside the clone");

/** A folder with Pyodide and its NumPy, as a user of the page keeps it for `?local`. */
export function pyodideFolder() {
  const folder = join(SITE, "pyodide");
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true });
    cpSync(join(WEB, "node_modules", "pyodide"), folder, { recursive: true });
    symlinkSync(NUMPY, join(folder, NUMPY.slice(NUMPY.lastIndexOf("/") + 1)));
  }
  return folder;
}

/** What native Python prints, as JSON. */
export function native(code, ...args) {
  const options = { cwd: ROOT, maxBuffer: 1 << 30, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] };
  return JSON.parse(execFileSync(join(ROOT, ".venv/bin/python"), ["-c", code, ...args], options));
}

/** Native ids of files, by universe and method. */
export function nativeIds(universe, files, method = "bits") {
  return native(
    `import gtok, json, sys
t = gtok.Tokenizer(gtok.Universe.from_bed(sys.argv[1]), method=sys.argv[2])
print(json.dumps([t.encode(path) for path in sys.argv[3:]]))`,
    universe,
    method,
    ...files,
  );
}

export const read = (...parts) => readFileSync(join(...parts));
