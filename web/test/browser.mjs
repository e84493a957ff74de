// A server for the page, one that only listens, and Debian's Chromium.

import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";

import { chromium } from "playwright-core";

import { SITE, pyodideFolder } from "./shared.mjs";

const TYPES = {
  ".html": "text/html",
  ".css": "text/css",
  ".mjs": "text/javascript",
  ".js": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};
const FLAGS =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
  "--disable-component-update --disable-sync";

export const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);

function listen(handler) {
  const server = createServer(handler);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      resolve({ url: `http://127.0.0.1:${port}/`, close: () => server.close() });
    });
  });
}

/** Serves build/web, and keeps what was asked for. */
export async function serveSite() {
  pyodideFolder();
  const asked = [];
  const server = await listen((request, response) => {
    asked.push(request.url);
    const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
    const file = join(SITE, path === "/" ? "index.html" : path);
    if (!existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  });
  return { ...server, asked };
}

/** Another origin, which lets everybody in, and keeps what comes. */
export async function serveStranger() {
  const came = [];
  const server = await listen((request, response) => {
    came.push(`${request.method} ${request.url}`);
    response.writeHead(200, { "Access-Control-Allow-Origin": "*" }).end("hello");
  });
  return { ...server, came };
}

/** A browser with a new profile, removed with it. */
export async function openBrowser() {
  const profile = mkdtempSync(join(tmpdir(), "gtok-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: FLAGS.split(" "),
    viewport: { width: 1100, height: 900 },
    acceptDownloads: true,
  });
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, close };
}

/** A new tab with the page, ready to take files. */
export async function openPage(context, url, options = {}) {
  const page = await context.newPage();
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") page.problems.push(message.text());
  });
  if (options.colorScheme) await page.emulateMedia({ colorScheme: options.colorScheme });
  await page.goto(`${url}?local`);
  await page.waitForSelector("body.ready", { timeout: 120_000 });
  return page;
}
