/**
 * A part of a file name that every file system takes: ASCII letters, digits, hyphen, underscore and inner full stops stand
 * for themselves, all else as %XX of its UTF-8 bytes. Different texts have different names.
 */
export function safeName(text: string): string {
  const encoded = [...Buffer.from(text)].map((byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9._-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  });
  return encoded.join('').replace(/^\.|\.$/g, '%2E');
}
