import { parseGuid, type Guid } from '../device/guid.ts';

/** Reading of JSON whose shape nobody has checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object in this text, or null if it is no JSON or another kind of value. */
export function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** The GUID that this value is the text of, or null. */
export function guidOf(value: unknown): Guid | null {
  return typeof value === 'string' ? parseGuid(value) : null;
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
