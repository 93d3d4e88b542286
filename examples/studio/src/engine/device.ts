import type { Device, PipelineWarning } from "@underpaint/web";

/** The device to use: what the address asks for (`?device=wasm`), or the fastest. */
export function wantedDevice(search: string): Device | "auto" {
  const asked = new URLSearchParams(search).get("device");
  return asked === "webgpu" || asked === "wasm" ? asked : "auto";
}

/** A device by name, and how many threads it has. */
export function deviceName(device: Device): string {
  if (device === "webgpu") return "WebGPU";
  // As the pipeline chooses where nothing is said.
  const threads = globalThis.crossOriginIsolated
    ? Math.min(8, Math.max(1, navigator.hardwareConcurrency))
    : 1;
  return `WebAssembly, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}

/** What is behind a device, in sentences. */
export function deviceNotes(device: Device, warnings: readonly PipelineWarning[]): string[] {
  const of = (code: PipelineWarning["code"]) => warnings.find((warning) => warning.code === code);
  const fallback = of("device-fallback")?.message.match(/\(webgpu: (.*)\)$/)?.[1];
  const notes = ["All of it runs on this machine; nothing is sent anywhere."];
  if (device === "webgpu") notes.push("The graphics processor paints, by WebGPU.");
  else if (fallback) notes.push(`The processor paints: ${fallback}.`);
  else notes.push("The processor paints, as the page's address asks for.");
  if (of("single-threaded")) {
    notes.push(
      "It may use one core alone, since the server does not isolate the page: it needs the headers Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy.",
    );
  }
  return notes;
}
