// WebGPU is tested on a software adapter, SwiftShader, which Debian's chromium package brings; the
// Vulkan loader finds it. Where this cannot be installed, those tests say that they did not run.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const needed = [
  { name: "chromium", file: "/usr/lib/chromium/vk_swiftshader_icd.json" },
  { name: "libvulkan1", file: "/usr/lib/x86_64-linux-gnu/libvulkan.so.1" },
];

export function systemPackages() {
  const missing = needed.filter(({ file }) => !existsSync(file)).map(({ name }) => name);
  if (missing.length === 0) return;
  const canInstall = process.platform === "linux" && process.getuid?.() === 0 && has("apt-get");
  if (!canInstall) {
    console.log(
      `\nNot installed: ${missing.join(", ")}. On Debian: apt-get install ${missing.join(" ")}. ` +
        "The tests on WebGPU will say that they did not run.",
    );
    return;
  }
  console.log(`\n— Installing ${missing.join(", ")} (for the tests on WebGPU)`);
  const quiet = { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  spawnSync("apt-get", ["update", "-q"], quiet);
  const { status } = spawnSync(
    "apt-get",
    ["install", "-y", "-q", "--no-install-recommends", ...missing],
    quiet,
  );
  if (status !== 0) console.log("That failed: the tests on WebGPU will say that they did not run.");
}

function has(command) {
  return spawnSync("which", [command], { stdio: "ignore" }).status === 0;
}
