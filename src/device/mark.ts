import { parseGuid, type Guid } from './guid.ts';

/**
 * The mark: the text in adminDescription that says which tenant's writeback owns the object. The removed mark adds the
 * time (UTC, whole seconds) at which its Entra device was found gone or out of scope.
 */
export interface Mark {
  readonly tenantId: Guid;
  readonly removed: Date | null;
}

const FORM = /^DeviceWriteback ([0-9A-Fa-f-]{36})(?: removed (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ))?$/;

/** The mark that this text is, or null for any other text, which is somebody else's and never overwritten. */
export function parseMark(text: string): Mark | null {
  const parts = FORM.exec(text);
  const tenantId = parts?.[1] === undefined ? null : parseGuid(parts[1]);
  if (parts === null || tenantId === null) return null;
  if (parts[2] === undefined) return { tenantId, removed: null };
  const removed = new Date(parts[2]);
  return Number.isNaN(removed.getTime()) || timeText(removed) !== parts[2] ? null : { tenantId, removed };
}

export function markText(mark: Mark): string {
  const owner = `DeviceWriteback ${mark.tenantId}`;
  return mark.removed === null ? owner : `${owner} removed ${timeText(mark.removed)}`;
}

function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
