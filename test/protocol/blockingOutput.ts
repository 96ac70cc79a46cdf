// A preload: makes standard output block while the host does not read, as it does on Windows.
interface Handle {
  setBlocking(blocking: boolean): void;
}
const { _handle: handle } = process.stdout as unknown as { readonly _handle: Handle };
handle.setBlocking(true);
