/** The folder of a file, with its last slash; "" at the top. */
export function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf("/") + 1);
}
