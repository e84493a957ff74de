// Works on files, away from the page. The page starts it from a blob, so that it inherits the
// page's content security policy: it cannot fetch anything. What it needs is handed to it.

let gtok, taken, tokenizer;
const python = {}; // the functions of page.py

const calls = {
  /** Start gtok from files that the page has fetched: blobs by their names. */
  async start({ files, modules, base, wheel }) {
    const { loadGtok, taken: take } = await import(modules["gtok.mjs"]);
    const { loadPyodide } = await import(modules["pyodide.mjs"]);
    await import(modules["pyodide.asm.js"]);
    taken = take;
    const refused = globalThis.fetch;
    globalThis.fetch = async (url) => new Response(files[new URL(url).pathname.split("/").pop()]);
    try {
      gtok = await loadGtok({ indexURL: base, wheel: new URL(wheel, base).href, loadPyodide });
    } finally {
      globalThis.fetch = refused;
    }
    const names = gtok.pyodide.toPy({});
    gtok.pyodide.runPython(await files["page.py"].text(), { globals: names });
    for (const name of ["make", "encode", "strips", "similarity", "write"]) {
      python[name] = names.get(name);
    }
    names.destroy();
  },

  async universe({ file, name, method, duplicates }) {
    const bed = await file.arrayBuffer();
    tokenizer?.destroy();
    tokenizer = undefined;
    const pair = gtok.withFile(bed, name, (path) => python.make(path, method, duplicates));
    tokenizer = pair.get(0);
    const told = pair.get(1);
    pair.destroy();
    return taken(told);
  },

  async encode({ file, name }) {
    const bed = await file.arrayBuffer();
    return gtok.withFile(bed, name, (path) => taken(python.encode(tokenizer, path)));
  },

  strips({ ids, nBins }) {
    return withArrays([ids], (arrays) => taken(python.strips(tokenizer, arrays, nBins)));
  },

  similarity({ samples }) {
    return withArrays(samples, (arrays) => taken(python.similarity(tokenizer, arrays)));
  },

  write({ kind, names, samples, nRegions, nHits }) {
    return withArrays(samples, (arrays) => {
      const rest = [names, nRegions, nHits].map((list) => gtok.pyodide.toPy(list));
      const [paths, regions, hits] = rest;
      try {
        return gtok.inWords(() =>
          taken(python.write(tokenizer, kind, paths, arrays, regions, hits)),
        );
      } finally {
        rest.forEach((list) => list.destroy());
      }
    });
  },
};

/** Call with a list of NumPy's arrays, made of typed ones. */
function withArrays(typed, use) {
  const { pyodide } = gtok;
  const asarray = pyodide.pyimport("numpy").asarray;
  const arrays = typed.map((one) => {
    const view = pyodide.toPy(one);
    const array = asarray(view);
    view.destroy();
    return array;
  });
  const list = pyodide.toPy(arrays);
  try {
    return use(list);
  } finally {
    [list, asarray, ...arrays].forEach((proxy) => proxy.destroy());
  }
}

globalThis.onmessage = async ({ data: { id, call, args } }) => {
  try {
    postMessage({ id, value: await calls[call](args) });
  } catch (error) {
    postMessage({ id, error: { name: error.name, message: error.message } });
  }
};
