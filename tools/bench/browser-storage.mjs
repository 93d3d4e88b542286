// Measures where a browser keeps large files best: the origin private file system from a page and
// from a worker, Cache Storage, IndexedDB; in pieces of several sizes.
//
//   node tools/bench/browser-storage.mjs [--total MIB] [--pieces 4,16,64] [--rounds N] [--chromium PATH]
//
// Rounds are interleaved, so that other work on the machine falls on all alike; what is told are
// medians, and their ratio to the private file system from a page. What is read is checked.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values } = parseArgs({
  options: {
    total: { type: "string", default: "256" },
    pieces: { type: "string", default: "4,16,64" },
    rounds: { type: "string", default: "5" },
    chromium: { type: "string", default: process.env.CHROMIUM ?? "/usr/bin/chromium" },
  },
});
if (!existsSync(values.chromium)) throw new Error(`there is no Chromium at ${values.chromium}`);
const kinds = ["file system", "file system, worker", "cache", "indexed db"];

/** Runs in the page: writes and reads `total` MiB, and tells MiB/s and the longest standstill. */
async function measure([kind, total, piece]) {
  const mebibyte = 2 ** 20;
  const content = (seed) => {
    const words = new Uint32Array((piece * mebibyte) / 4);
    let state = seed + 1;
    for (let k = 0; k < words.length; k++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      words[k] = state;
    }
    return new Uint8Array(words.buffer);
  };
  const root = await navigator.storage.getDirectory();
  const stores = {
    async "file system"() {
      const folder = await root.getDirectoryHandle("bench", { create: true });
      return {
        async put(name, bytes) {
          const handle = await folder.getFileHandle(name, { create: true });
          const writable = await handle.createWritable();
          await writable.write(bytes);
          await writable.close();
        },
        async get(name) {
          const file = await (await folder.getFileHandle(name)).getFile();
          return new Uint8Array(await file.arrayBuffer());
        },
        clear: () => root.removeEntry("bench", { recursive: true }),
      };
    },
    async "file system, worker"() {
      const worker = new Worker("/worker.js");
      const call = (message, transfer = []) =>
        new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => (data.error ? reject(data.error) : resolve(data.bytes));
          worker.postMessage(message, transfer);
        });
      return {
        put: (name, bytes) => call({ name, bytes }, [bytes.buffer]),
        get: (name) => call({ name }),
        async clear() {
          worker.terminate();
          await root.removeEntry("bench", { recursive: true });
        },
      };
    },
    async cache() {
      const cache = await caches.open("bench");
      return {
        put: (name, bytes) => cache.put(`/piece/${name}`, new Response(bytes)),
        get: async (name) =>
          new Uint8Array(await (await cache.match(`/piece/${name}`)).arrayBuffer()),
        clear: () => caches.delete("bench"),
      };
    },
    async "indexed db"() {
      const done = (request) =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      const opening = indexedDB.open("bench");
      opening.onupgradeneeded = () => opening.result.createObjectStore("pieces");
      const database = await done(opening);
      return {
        put: (name, bytes) =>
          new Promise((resolve, reject) => {
            const transaction = database.transaction("pieces", "readwrite");
            transaction.objectStore("pieces").put(new Blob([bytes]), name);
            transaction.oncomplete = resolve;
            transaction.onerror = () => reject(transaction.error);
          }),
        async get(name) {
          const pieces = database.transaction("pieces").objectStore("pieces");
          return new Uint8Array(await (await done(pieces.get(name))).arrayBuffer());
        },
        async clear() {
          database.close();
          await done(indexedDB.deleteDatabase("bench"));
        },
      };
    },
  };
  const store = await stores[kind]();
  let longest = 0;
  let last = performance.now();
  let isWatching = false;
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    const now = performance.now();
    if (isWatching) longest = Math.max(longest, now - last);
    last = now;
    setTimeout(() => channel.port2.postMessage(0), 2);
  };
  channel.port2.postMessage(0);
  const timed = async (work) => {
    last = performance.now();
    isWatching = true;
    const start = performance.now();
    const result = await work();
    isWatching = false;
    return [performance.now() - start, result];
  };
  let [writing, reading] = [0, 0];
  for (let k = 0; k < total / piece; k++) {
    const bytes = content(k);
    writing += (await timed(() => store.put(`${k}`, bytes)))[0];
  }
  for (let k = 0; k < total / piece; k++) {
    const [time, found] = await timed(() => store.get(`${k}`));
    reading += time;
    const right = content(k);
    if (found.length !== right.length) throw new Error(`${kind} gives ${found.length} bytes`);
    for (let at = 0; at < right.length; at += 4093) {
      if (found[at] !== right[at]) throw new Error(`${kind} gives other bytes`);
    }
  }
  await store.clear();
  channel.port1.close();
  return { write: (total / writing) * 1000, read: (total / reading) * 1000, longest };
}

const worker = `onmessage = async ({ data: { name, bytes } }) => {
  try {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("bench", { create: true });
    const handle = await folder.getFileHandle(name, { create: true });
    const file = await handle.createSyncAccessHandle();
    const found = bytes ?? new Uint8Array(file.getSize());
    if (bytes) { file.write(bytes, { at: 0 }); file.flush(); } else file.read(found, { at: 0 });
    file.close();
    postMessage(bytes ? {} : { bytes: found }, bytes ? [] : [found.buffer]);
  } catch (error) { postMessage({ error: String(error) }); }
};`;

const server = createServer((request, response) => {
  const isWorker = request.url === "/worker.js";
  response.setHeader("content-type", isWorker ? "text/javascript" : "text/html");
  response.end(isWorker ? worker : "<!doctype html><title>storage</title>");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const profile = mkdtempSync(join(tmpdir(), "underpaint-storage-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: values.chromium,
  args: ["--no-sandbox", "--no-first-run", "--disable-background-networking"],
});
try {
  const page = await context.newPage();
  await page.goto(`http://localhost:${server.address().port}/`);
  const results = new Map();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const piece of values.pieces.split(",").map(Number)) {
      for (const kind of kinds) {
        const found = await page.evaluate(measure, [kind, Number(values.total), piece]);
        const key = `${piece} ${kind}`;
        results.set(key, [...(results.get(key) ?? []), found]);
      }
    }
  }
  report(results);
} finally {
  await context.close();
  server.close();
  rmSync(profile, { recursive: true, force: true });
}

function report(results) {
  const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];
  const row = (...cells) => process.stdout.write(`| ${cells.join(" | ")} |\n`);
  process.stdout.write(`${values.total} MiB, ${values.rounds} rounds, medians\n`);
  row(
    "piece, MiB",
    "kept in",
    "write, MiB/s",
    "ratio",
    "read, MiB/s",
    "ratio",
    "longest standstill, ms",
  );
  row(...Array(7).fill("---"));
  for (const piece of values.pieces.split(",")) {
    const of = (kind, what) => median(results.get(`${piece} ${kind}`).map((found) => found[what]));
    for (const kind of kinds) {
      const [write, read] = [of(kind, "write"), of(kind, "read")];
      const ratio = (what) => (of(kind, what) / of(kinds[0], what)).toFixed(2);
      const standstill = Math.round(of(kind, "longest"));
      row(
        piece,
        kind,
        Math.round(write),
        ratio("write"),
        Math.round(read),
        ratio("read"),
        standstill,
      );
    }
  }
}
