import { UnderpaintError } from "@underpaint/core";
import {
  type ConnectOptions,
  connectPipeline,
  type RemotePipeline,
  workerEnded,
} from "./worker/connect.js";
import { nameLifeline, watchLifeline } from "./worker/lifeline.js";

/**
 * Where the worker's script is: `true` for the one of this package, which Vite and webpack find by
 * themselves and which must else be beside the page's bundle as `worker.js`; its address; or how
 * to make the worker. The worker belongs to the pipeline and ends with it.
 */
export type WorkerChoice = true | string | URL | (() => Worker);

/** What is sent to a worker to begin with. */
export interface WorkerGreeting {
  readonly underpaint: MessagePort;
  /** What the worker holds for as long as it lives; see {@link holdLifeline}. */
  readonly lifeline: string;
}

/**
 * Starts a worker and opens a pipeline in it.
 *
 * @throws UnderpaintError `worker-failed` when the script cannot be loaded or run; else as
 * opening the pipeline there does.
 */
export async function startPipeline(
  choice: WorkerChoice,
  options: Omit<ConnectOptions, "terminate">,
): Promise<RemotePipeline> {
  options.signal?.throwIfAborted();
  const address =
    typeof choice === "string" || choice instanceof URL
      ? new URL(choice, globalThis.location?.href).href
      : undefined;
  const blocked = watchPolicy();
  const worker = create(choice, address);
  const { port1, port2 } = new MessageChannel();
  const connection = connectPipeline(port1, { ...options, terminate: () => worker.terminate() });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    // Without a message the script did not come at all.
    if (event.message) connection.fail(scriptFailed(event.message));
    else void whyNot(address, blocked).then((why) => connection.fail(notLoaded(address, why)));
  });
  const lifeline = nameLifeline();
  const greeting: WorkerGreeting = { underpaint: port2, lifeline };
  worker.postMessage(greeting, [port2]);
  const opened = await connection.opened.finally(blocked.end);
  watchLifeline(lifeline, () => connection.fail(workerEnded()));
  return opened;
}

function create(choice: WorkerChoice, address: string | undefined): Worker {
  try {
    if (typeof choice === "function") return choice();
    if (address !== undefined) return new Worker(address, { type: "module", name: "underpaint" });
    // Spelt as bundlers look for it. The build puts the script beside the file that has this line.
    return new Worker(new URL("./worker.js", import.meta.url), {
      type: "module",
      name: "underpaint",
    });
  } catch (cause) {
    throw notLoaded(address, (cause as Error).message, cause);
  }
}

/** Whether the page's Content-Security-Policy has refused a worker since. */
interface PolicyWatch {
  refused(): boolean;
  end(): void;
}

function watchPolicy(): PolicyWatch {
  let refused = false;
  const listen = (event: Event): void => {
    refused ||= /^(worker|child|script|default)-src/.test(
      (event as SecurityPolicyViolationEvent).effectiveDirective,
    );
  };
  globalThis.addEventListener?.("securitypolicyviolation", listen);
  return {
    refused: () => refused,
    end: () => globalThis.removeEventListener?.("securitypolicyviolation", listen),
  };
}

/** Why a script did not come; the worker's own event does not tell. */
async function whyNot(address: string | undefined, policy: PolicyWatch): Promise<string> {
  if (policy.refused()) return "the page's Content-Security-Policy does not allow it";
  if (address === undefined) return "it is not there, or no JavaScript";
  try {
    const response = await fetch(address, { method: "HEAD" });
    if (!response.ok) return `the server answers ${response.status}`;
    const type = response.headers.get("content-type") ?? "of no type";
    return /javascript/.test(type) ? "a file that it imports is missing" : `it is ${type}`;
  } catch {
    return "the server does not answer";
  }
}

function notLoaded(address: string | undefined, why: string, cause?: unknown): UnderpaintError {
  return new UnderpaintError({
    code: "worker-failed",
    what: `the worker's script cannot be loaded: ${why}`,
    ...(address !== undefined && { value: address }),
    remedy:
      "serve worker.js of @underpaint/web from the page's own origin as JavaScript, allow worker-src 'self', and say where it is by the option worker; or make the pipeline without worker",
    ...(cause !== undefined && { cause }),
  });
}

function scriptFailed(message: string): UnderpaintError {
  return new UnderpaintError({
    code: "worker-failed",
    what: `the worker failed: ${message.replace(/\.$/, "").slice(0, 300)}`,
    remedy: "make a new pipeline with createPipeline()",
  });
}
