/**
 * Characters that are not seen, end a line, move a cursor or turn the direction of text: controls, lone surrogates, zero
 * width and bidirectional formatting, separators, the byte order mark.
 */
const UNSEEN = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Whether every character of the text can be seen. */
export function isVisible(text: string): boolean {
  return text.search(UNSEEN) < 0;
}

/** A text from outside with what is not seen spelt out; anybody may name a device. */
export function visibleText(text: string): string {
  return text.replaceAll(UNSEEN, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}

/** The same in quotes, as it may stand in a sentence. */
export function quotedText(text: string): string {
  return visibleText(JSON.stringify(text));
}
