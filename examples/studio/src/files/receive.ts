import { find } from "../ui/dom.js";

/** Takes picture files: chosen by the button, or dropped on the page. Returns what asks for one. */
export function receiveFiles(onFile: (file: File) => void): () => void {
  const input = find("file", HTMLInputElement);
  const ask = (): void => input.click();
  find("open", HTMLButtonElement).addEventListener("click", ask);
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    // So that the same file can be opened again.
    input.value = "";
    if (file) onFile(file);
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    if (file) onFile(file);
  });
  return ask;
}
