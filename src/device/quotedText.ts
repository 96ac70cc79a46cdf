/** C1 controls, line separators and characters that turn the direction of text; JSON leaves them as they are. */
const UNSEEN = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/**
 * A text from outside as it may stand in a sentence: in quotes and without a character that could end the line, move
 * the cursor or turn the text about. Anybody may name a device.
 */
export function quotedText(text: string): string {
  return JSON.stringify(text).replaceAll(
    UNSEEN,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
