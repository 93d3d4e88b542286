// What the two commands of the README share: they run on a fresh clone, with Node and npm alone.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Runs a command in the repository's root and ends this process if it fails. */
export function run(command, args, { title, quiet = false } = {}) {
  if (title) console.log(`\n— ${title}`);
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: quiet ? ["ignore", "pipe", "pipe"] : "inherit",
    encoding: "utf8",
    shell: process.platform === "win32",
    env: { ...process.env, npm_config_loglevel: process.env.npm_config_loglevel ?? "error" },
  });
  if (result.error) {
    console.error(`${command} could not be started: ${result.error.message}`);
    process.exit(1);
  }
  if (result.status !== 0) {
    if (quiet) console.error(`${result.stdout}\n${result.stderr}`);
    if (title) console.error(`\n${title}: failed`);
    process.exit(result.status ?? 1);
  }
}

/** Runs pnpm 10, through npx unless this process was started by a pnpm. */
export function pnpm(args, options) {
  run("npx", ["--yes", "pnpm@10", ...args], options);
}

export function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 9)) {
    console.error(`Underpaint needs Node 20.20 or newer; this is ${process.version}.`);
    process.exit(1);
  }
}

/** Installs what the lockfile names, unless that was done since it last changed. */
export function install({ quiet = false } = {}) {
  const done = `${root}/node_modules/.modules.yaml`;
  const lock = `${root}/pnpm-lock.yaml`;
  if (existsSync(done) && statSync(done).mtimeMs >= statSync(lock).mtimeMs) return;
  pnpm(["install", "--frozen-lockfile"], { title: "Installing", quiet });
}

/** Whether every package's build is newer than the commit and the sources that it was made from. */
export function isBuilt(packages) {
  return packages.every((name) => {
    const built = `${root}/packages/${name}/dist/index.js`;
    if (!existsSync(built)) return false;
    const time = statSync(built).mtimeMs;
    return newest(`${root}/packages/${name}/src`) <= time;
  });
}

function newest(folder) {
  const listing = spawnSync("git", ["ls-files", "-co", "--exclude-standard", "-z", folder], {
    cwd: root,
    encoding: "utf8",
  });
  if (listing.status !== 0) return Number.POSITIVE_INFINITY;
  const files = listing.stdout.split("\0").filter((file) => file && existsSync(`${root}/${file}`));
  return Math.max(0, ...files.map((file) => statSync(`${root}/${file}`).mtimeMs));
}

export const version = () => JSON.parse(readFileSync(`${root}/package.json`, "utf8")).version;
