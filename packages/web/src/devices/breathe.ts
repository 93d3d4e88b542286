/**
 * Lets the thread's other tasks have their turn: a page's frames and input, a worker's messages.
 * Graphs on WebAssembly are computed on the calling thread, and promises alone never leave its task.
 * A message, unlike a timer, is not slowed down in pages that are in the background.
 */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}
