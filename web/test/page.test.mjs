// The page in Chromium, driven as people do, against native gtok.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";

import { CHROMIUM, openBrowser, openPage, serveSite, serveStranger } from "./browser.mjs";
import { DATA, EXAMPLE, ROOT, WEB, native, nativeIds, read, skip, skipLarge } from "./shared.mjs";

const UNIVERSE = join(EXAMPLE, "universe.hg19.bed.gz");
const MARKS = ["H3K27ac", "H3K27me3", "H3K4me1", "H3K4me2", "H3K4me3"];
const SAMPLES = MARKS.map((mark) => join(EXAMPLE, `hESC_${mark}.bed.gz`));
const SLOW = { timeout: 180_000 }; // machines that do much else

describe("the page", { skip: skip || (!CHROMIUM && "no Chromium") }, () => {
  let site, stranger, browser, page, folder;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "gtok-page-"));
    [site, stranger, browser] = await Promise.all([serveSite(), serveStranger(), openBrowser()]);
    page = await openPage(browser.context, site.url);
    page.setDefaultTimeout(SLOW.timeout);
  });

  after(async () => {
    await browser.close();
    site.close();
    stranger.close();
    rmSync(folder, { recursive: true });
  });

  /** Drop files, given as [name, bytes] or as paths, onto a step. */
  async function drop(step, files) {
    const data = files.map((file) => {
      const [name, bytes] = Array.isArray(file) ? file : [basename(file), read(file)];
      return [name, Buffer.from(bytes).toString("base64")];
    });
    const transfer = await page.evaluateHandle((list) => {
      const made = new DataTransfer();
      for (const [name, base64] of list) {
        const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
        made.items.add(new File([bytes], name));
      }
      return made;
    }, data);
    await page.dispatchEvent(`#${step} .drop`, "dragover", { dataTransfer: transfer });
    await page.dispatchEvent(`#${step} .drop`, "drop", { dataTransfer: transfer });
  }

  /** Wait until each of n files is done, or has an error. */
  async function finished(n) {
    const is = (count) => {
      const all = [...document.querySelectorAll("#table tbody tr")];
      const over = all.filter((row) => ["done", "failed"].includes(row.className));
      return over.length === count && all.length === count && document.querySelector("#cancel").hidden;
    };
    await page.waitForFunction(is, n, SLOW);
  }

  const rows = () =>
    page.$$eval("#table tbody tr", (all) =>
      all.map((row) => [...row.cells].slice(0, -1).map((cell) => cell.innerText.trim())),
    );

  async function clear() {
    if (await page.isVisible("#clear")) await page.click("#clear");
    assert.equal(await page.isVisible("#results"), false);
  }

  async function download(kind) {
    const [saved] = await Promise.all([
      page.waitForEvent("download", SLOW),
      page.click(`button[data-kind=${kind}]`),
    ]);
    return [saved.suggestedFilename(), readFileSync(await saved.path())];
  }

  /** The bytes that a command of native gtok writes to a file of this name. */
  function command(name, ...args) {
    const path = join(folder, name);
    execFileSync(join(ROOT, ".venv/bin/gtok"), [...args, "-q", "-o", path], { stdio: "pipe" });
    return readFileSync(path);
  }

  /** What the table has to say of files. */
  function expectedRows(universe, files) {
    const code = `
import gtok, json, sys
t = gtok.Tokenizer(gtok.Universe.from_bed(sys.argv[1]))
rows = []
for path in sys.argv[2:]:
    b = t.encode_batch([path])
    n, hits = int(b.n_regions[0]), int(b.n_hits[0])
    rows.append([f"{n:,}", f"{100 * hits / n:.1f} %", f"{len(b.ids):,}"])
print(json.dumps(rows))`;
    return native(code, universe, ...files).map((row, i) => [basename(files[i]), ...row]);
  }

  it("fetches what it needs, and nothing that it does not say", () => {
    const paths = site.asked.map((url) => url.split("?")[0]);
    assert(paths.includes("/pyodide/pyodide.asm.wasm"));
    // gtok.mjs twice: the page imports a constant from it, the worker gets the whole.
    const twice = paths.filter((path, i) => paths.indexOf(path) < i);
    assert.deepEqual(twice, ["/gtok.mjs"]);
    assert.deepEqual(page.problems, []);
  });

  it("shows what native gtok says of dropped files", async () => {
    await drop("universe", [UNIVERSE]);
    const plain = ["plain.bed", gunzipSync(read(SAMPLES[0]))];
    await drop("samples", [...SAMPLES, plain]);
    await finished(6);
    const found = await rows();
    const expected = expectedRows(UNIVERSE, SAMPLES);
    expected.push(["plain.bed", ...expected[0].slice(1)]);
    assert.deepEqual(found.map((row) => row.slice(0, 4)), expected);
    for (const row of found) assert.match(row[4], /^\d+ ms$|^\d+\.\d s$/);
    assert.match(await page.textContent("#universe-state"), /47,548 regions on 5 chromosomes/);
    assert.deepEqual(page.problems, []);
  });

  it("shows the first tokens, strips and similarities of the native ones", async () => {
    const code = `
import gtok, json, sys
import numpy as np
t = gtok.Tokenizer(gtok.Universe.from_bed(sys.argv[1]))
b = t.encode_batch(sys.argv[2:])
regions = t.universe.regions
hit = np.unique(b[0])
chroms = {name: [int((regions.codes[hit] == code).sum()), int((regions.codes == code).sum())]
          for code, name in enumerate(regions.chrom_names)}
alike = gtok.similarity(b.to_csr(len(t.universe)))
print(json.dumps([t.decode(b[0][:12]), chroms, [[f"{x:.2f}" for x in row] for row in alike]]))`;
    const [first, chroms, alike] = native(code, UNIVERSE, ...SAMPLES, SAMPLES[0]);
    await page.waitForSelector("#similar:not([hidden])");
    await page.waitForSelector("#detail:not([hidden])");
    assert.equal(await page.textContent("#detail-title"), "hESC_H3K27ac.bed.gz");
    assert.deepEqual(await page.$$eval("#first li", (all) => all.map((li) => li.textContent)), first);
    const strips = await page.$$eval("#strips li", (all) =>
      all.map((li) => [li.querySelector(".name").textContent, li.querySelector(".count").textContent,
        li.querySelector("canvas").getAttribute("aria-label")]),
    );
    assert.deepEqual(strips.map(([name]) => name), ["chr1", "chr2", "chr8", "chr9", "chr21"]);
    for (const [name, count, label] of strips) {
      const [hits, all] = chroms[name].map((n) => n.toLocaleString("en"));
      assert.equal(count, `${hits} of ${all}`);
      assert.match(label, new RegExp(`^${name}: ${hits} of ${all} regions hit, most`));
    }
    const heat = await page.$$eval("#heat tbody tr", (all) =>
      all.map((row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent)),
    );
    assert.deepEqual(heat, alike);
  });

  it("shows another file when it is chosen, by keyboard", async () => {
    await page.focus("#table tbody tr:nth-child(5) button.choose");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("#detail-title").textContent === "hESC_H3K4me3.bed.gz");
    assert.equal(await page.$eval(":focus", (e) => e.getAttribute("aria-pressed")), "true");
    const [[ids]] = [nativeIds(UNIVERSE, [SAMPLES[4]])];
    const code = "import gtok, json, sys; print(json.dumps(gtok.Tokenizer(sys.argv[1]).decode(json.loads(sys.argv[2]))))";
    const tokens = native(code, UNIVERSE, JSON.stringify(ids.slice(0, 12)));
    assert.deepEqual(await page.$$eval("#first li", (all) => all.map((li) => li.textContent)), tokens);
  });

  it("downloads what native gtok writes, to the byte", async () => {
    const plain = join(folder, "plain.bed");
    writeFileSync(plain, gunzipSync(read(SAMPLES[0])));
    const files = [...SAMPLES, plain];
    for (const kind of ["tsv", "jsonl"]) {
      const [name, bytes] = await download(kind);
      assert.equal(name, `tokens.${kind}`);
      assert(bytes.equals(command(name, "tokenize", UNIVERSE, ...files)), kind);
    }
    const [name, bytes] = await download("gtok");
    assert.equal(name, "hESC_H3K4me3.gtok");
    assert(bytes.equals(command(name, "tokenize", UNIVERSE, SAMPLES[4])));

    const matrix = command("matrix.mtx", "matrix", UNIVERSE, ...files);
    const [packed, archive] = await download("mtx");
    assert.equal(packed, "matrix.zip");
    writeFileSync(join(folder, packed), archive);
    const unpacked = mkdtempSync(join(folder, "zip-"));
    native("import zipfile, sys; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2]); print(0)", join(folder, packed), unpacked);
    assert(read(unpacked, "matrix.mtx").equals(matrix));
    for (const beside of ["matrix.samples.tsv", "matrix.regions.bed"]) {
      assert(read(unpacked, beside).equals(read(folder, beside)), beside);
    }

    const [, csv] = await download("csv");
    const code = `
import gtok, json, sys, csv
t = gtok.Tokenizer(sys.argv[1], unknown="drop")
counts = t.encode_batch(sys.argv[3:]).to_csr(len(t.universe)).toarray().T.tolist()
rows = list(csv.reader(open(sys.argv[2])))
expected = [[r.chrom, str(r.start), str(r.end), *map(str, row)] for r, row in zip(t.universe.regions, counts)]
print(json.dumps([rows[0], rows[1:] == expected]))`;
    writeFileSync(join(folder, "matrix.csv"), csv);
    const names = [...MARKS.map((mark) => `hESC_${mark}`), "plain"];
    assert.deepEqual(native(code, UNIVERSE, join(folder, "matrix.csv"), ...files), [["chrom", "start", "end", ...names], true]);
    assert.deepEqual(page.problems, []);
  });

  it("gives the same by the other index", async () => {
    const before = (await rows()).map((row) => row.slice(0, 4));
    await page.click("#universe summary");
    await page.selectOption("#method", "ailist");
    await page.waitForFunction(() => /AIList/.test(document.querySelector("#universe-state").textContent));
    await finished(6);
    assert.deepEqual((await rows()).map((row) => row.slice(0, 4)), before);
    await page.selectOption("#method", "auto");
    await finished(6);
    await page.click("#universe summary");
  });

  it("has no fault that axe knows, light, dark and narrow", async () => {
    await drop("samples", [["wrong.bed", "chr1\tx\t5\n"], ["strange.bed", "1\t5\t90\n"]]);
    await finished(8);
    await page.waitForSelector("#similar:not([hidden])");
    const axe = read(WEB, "node_modules/axe-core/axe.min.js").toString();
    for (const [colorScheme, width] of [["light", 1100], ["dark", 1100], ["light", 360], ["dark", 360]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.evaluate(axe);
      const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(" ")}`);
      assert.deepEqual(found, [], `${colorScheme}, ${width} px`);
      assert(passes.some(({ id }) => id === "color-contrast"));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert(wide <= width, `${wide} px of ${width}`);
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 1100, height: 900 });
    for (let n = 8; n > 5; n--) await page.click(`#table tbody tr:nth-child(${n}) button.remove`);
    await finished(5);
    await page.click("#table tbody tr:nth-child(1) button.choose");
    await page.waitForFunction(() => document.querySelector("#detail-title").textContent === "hESC_H3K27ac.bed.gz");
    await page.mouse.move(0, 0);
    const shot = join(ROOT, "build", "web.png");
    await page.screenshot({ path: shot, fullPage: true });
    assert(statSync(shot).size > 50_000);
    if (process.env.GTOK_SCREENSHOT) copyFileSync(shot, join(ROOT, "docs", "img", "web.png"));
  });

  it("can be gone through by keyboard", async () => {
    await page.evaluate(() => document.activeElement.blur());
    await page.evaluate(() => getSelection().removeAllRanges());
    const seen = [];
    await page.focus(".promise summary");
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press("Tab");
      const now = await page.evaluate(() => {
        const e = document.activeElement;
        const shown = e.type === "file" ? e.nextElementSibling : e;
        return [e.id || e.textContent.trim() || e.className, getComputedStyle(shown).outlineStyle];
      });
      seen.push(now);
    }
    const order = seen.map(([name]) => name);
    const stops = ["universe-file", "universe-example", "samples-file", "samples-example", "clear"];
    const places = stops.map((stop) => order.indexOf(stop));
    assert(places.every((place) => place >= 0), String(order));
    assert.deepEqual(places, [...places].sort((a, b) => a - b));
    for (const [name, outline] of seen.slice(0, places.at(-1) + 1)) assert.equal(outline, "solid", name);
  });

  it("says what is wrong with a file beside it", async () => {
    await clear();
    const zipped = read(SAMPLES[0]);
    const wrong = {
      "peaks.bed": "chr1\t5\t9\nchr1\tx\t9\n",
      "backward.bed": "chr1\t9\t5\n",
      "variants.bed": "##fileformat=VCFv4.2\nchr1\t5\t9\n",
      "cut.bed.gz": zipped.subarray(0, zipped.length / 2),
      "picture.bed": Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"),
      "-": "chr1\t5\n",
      "<b>bold</b>.bed": "chr1\n",
    };
    await drop("samples", [...Object.entries(wrong), SAMPLES[0]]);
    await finished(8);
    const errors = await page.$$eval("#table tr.failed th .error", (all) => all.map((e) => e.textContent));
    const code = `
import gtok, json, os, sys
os.chdir(sys.argv[1])
t = gtok.Tokenizer("u.bed")
said = []
for name in sys.argv[2:]:
    try: t.encode(name)
    except gtok.GtokError as error: said.append(str(error))
print(json.dumps(said))`;
    writeFileSync(join(folder, "u.bed"), "chr1\t5\t9\n");
    // "-" is standard input to gtok, and "/" a folder: these two are renamed before.
    const names = Object.keys(wrong).map((name) => (name === "-" ? "_-" : name.replaceAll("/", "_")));
    Object.values(wrong).forEach((bytes, i) => writeFileSync(join(folder, names[i]), bytes));
    const expected = native(code, folder, ...names);
    for (const [i, words] of expected.entries()) {
      // Where a gzip stream is read in smaller pieces, more lines may have come before its end.
      const behind = / \(after line \d+\)$/;
      assert.equal(errors[i].replace(behind, ""), words.replace(behind, ""));
    }
    assert.equal(errors.length, 7);
    assert.equal((await rows()).at(-1)[1], "14,285");
    assert.match(await page.textContent("#progress-label"), /8 of 8 files done, 7 of them with an error/);

    await clear();
    await drop("samples", [["1.bed", "1\t713900\t714000\n"], SAMPLES[0], SAMPLES[0]]);
    await finished(3);
    const warning = await page.textContent("#table .warning");
    assert.match(warning, /no chromosome of 1\.bed is in the universe: .*'chr1'.*'1'/);
    assert.equal((await rows())[2][0], "hESC_H3K27ac (2).bed.gz");
  });

  it("says what is wrong with a universe, and goes on with the next", async () => {
    await clear();
    await drop("universe", [["bad.bed", "chr1\t5\t9\nchr1\t5\t9\n"]]);
    await page.waitForSelector("#universe-error:not([hidden])");
    assert.match(await page.textContent("#universe-error"), /^bad\.bed, line 2: chr1:5-9 stands already in bad\.bed, line 1/);
    await drop("samples", [["a.bed", "chr1\t6\t8\n"]]);
    assert.equal(await page.textContent("#progress-label"), "The universe could not be read");
    await page.click("#universe summary");
    await page.selectOption("#duplicates", "drop");
    await finished(1);
    assert.deepEqual((await rows())[0].slice(0, 4), ["a.bed", "1", "100.0 %", "1"]);
    await page.selectOption("#duplicates", "error");
    await page.click("#universe summary");
    await drop("universe", [UNIVERSE]);
    await page.waitForFunction(() => /47,548/.test(document.querySelector("#universe-state").textContent));
    await finished(1);
    await clear();
  });

  it("refuses requests, of the page and of its worker", async () => {
    const asked = site.asked.length;
    const attempts = async ([stranger, own]) => {
      const refused = [];
      for (const url of [stranger, own]) {
        const tries = {
          fetch: () => fetch(`${url}fetch`, { method: "POST", body: "chr1" }),
          "no-cors": () => fetch(`${url}no-cors`, { mode: "no-cors" }),
          XMLHttpRequest: () =>
            new Promise((resolve, reject) => {
              const request = new XMLHttpRequest();
              request.onload = resolve;
              request.onerror = () => reject(new Error("refused"));
              request.open("GET", `${url}xhr`);
              request.send();
            }),
          WebSocket: () =>
            new Promise((resolve, reject) => {
              const socket = new WebSocket(url.replace("http", "ws"));
              socket.onopen = resolve;
              socket.onerror = () => reject(new Error("refused"));
            }),
          import: () => import(`${url}import.mjs`),
        };
        if (globalThis.document) {
          tries.image = () =>
            new Promise((resolve, reject) => {
              const image = new Image();
              image.onload = resolve;
              image.onerror = () => reject(new Error("refused"));
              image.src = `${url}image.png`;
            });
        }
        for (const [name, attempt] of Object.entries(tries)) {
          await attempt().catch(() => refused.push(name));
        }
      }
      globalThis.navigator.sendBeacon?.(`${stranger}beacon`, "chr1");
      return refused;
    };
    const both = [stranger.url, site.url];
    const common = ["fetch", "no-cors", "XMLHttpRequest", "WebSocket", "import"];
    const ofPage = [...common, "image"];
    assert.deepEqual(await page.evaluate(attempts, both), [...ofPage, ...ofPage]);
    const [worker] = page.workers();
    assert.deepEqual(await worker.evaluate(attempts, both), [...common, ...common]);
    assert.equal(site.asked.length, asked);
    // In a tab of its own: a form that is refused leaves the browser's driver waiting for its answer.
    const tab = await browser.context.newPage();
    await tab.goto(`${site.url}?local`, { waitUntil: "domcontentloaded" });
    await tab.evaluate((url) => {
      const form = document.createElement("form");
      Object.assign(form, { action: `${url}form`, method: "post" });
      document.body.append(form);
      form.submit();
      form.remove();
    }, stranger.url);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await tab.close();
    assert.deepEqual(stranger.came, []);
    // Without the policy it would have come: the server is there.
    await fetch(`${stranger.url}here`);
    assert.deepEqual(stranger.came, ["GET /here"]);
    page.problems.length = 0; // the refusals themselves
    assert.match(await page.textContent(".promise"), /Your files stay on this machine/);
  });

  it("is cancelled and goes on, and answers clicks meanwhile", { skip: skipLarge }, async () => {
    const universe = join(DATA, "universes", "K562_GM12878_DNase_hg19.bed.gz");
    const large = join(DATA, "queries", "intervene_hESC_H3K4me1.hg19.bed.gz");
    const many = 24;
    const input = Array.from({ length: many }, (_, i) => {
      const path = join(folder, `large${i}.bed.gz`);
      copyFileSync(large, path);
      return path;
    });
    await page.setInputFiles("#universe-file", universe);
    await page.waitForFunction(() => /175,581/.test(document.querySelector("#universe-state").textContent));
    await page.evaluate(() => {
      globalThis.delays = [];
      const summary = document.querySelector("#universe summary");
      summary.addEventListener("click", (event) => {
        const { timeStamp } = event;
        requestAnimationFrame(() => globalThis.delays.push(performance.now() - timeStamp));
      });
    });
    await page.setInputFiles("#samples-file", input);
    await page.waitForSelector("#cancel:not([hidden])");
    await page.waitForSelector("tr.done");
    for (let i = 0; i < 12; i++) await page.click("#universe summary");
    assert(await page.isVisible("#cancel"), "the work went on while it was clicked");
    await page.click("#cancel");
    await page.waitForSelector("#resume:not([hidden])");
    const states = (await rows()).map((row) => row.at(-1));
    assert(states.includes("cancelled"));
    assert.equal(states.filter((state) => state === "waiting" || state === "working…").length, 0);
    assert.match(await page.textContent("#progress-label"), /^Cancelled: [1-9]\d* of 24 files done$/);
    const delays = (await page.evaluate(() => globalThis.delays)).sort((a, b) => a - b);
    const median = delays[delays.length >> 1];
    console.log(`clicks answered while it works: ${median.toFixed(0)} ms (median), ${delays.at(-1).toFixed(0)} ms (longest of ${delays.length})`);
    assert(median < 100, `${median} ms`);

    // What is done can be had while the rest is cancelled; the worker is another one by now.
    const [, bytes] = await download("gtok");
    assert(bytes.equals(command("large.gtok", "tokenize", universe, large)));
    for (let n = many; n > 3; n--) await page.click(`#table tbody tr:nth-child(${n}) button.remove`);
    if (await page.isVisible("#resume")) await page.click("#resume");
    await finished(3);
    const [expected] = expectedRows(universe, [large]);
    for (const row of await rows()) assert.deepEqual(row.slice(1, 4), expected.slice(1));
    assert.deepEqual(page.problems, []);
  });

  it("says so where it could not load", async () => {
    const lost = await browser.context.newPage();
    lost.setDefaultTimeout(SLOW.timeout);
    await lost.route("**/python_stdlib.zip", (route) => route.abort());
    await lost.goto(`${site.url}?local`);
    await lost.waitForFunction(() => /could not be fetched/.test(document.querySelector("#status").textContent));
    assert.equal(await lost.isDisabled("#universe-example"), true);
    await lost.close();
  });
});
