import type { Change, Plan } from '../../src/plan/change.ts';

/** Each attribute of a change with the values after it. */
export function after(change: Change | undefined): Record<string, readonly string[]> {
  return Object.fromEntries((change?.attributes ?? []).map((one) => [one.attribute, one.after]));
}

/** Why each difference is held, with the attribute where it is one. */
export function reasons({ held }: Plan): string[] {
  return held.map((one) => (one.attribute === null ? one.reason : `${one.reason} ${one.attribute}`));
}

/** Action and cause of each change. */
export function actions({ changes }: Plan): string[] {
  return changes.map((change) => `${change.action} ${change.cause}`);
}

/** Each change as one line: action, cause and the attributes that it writes. */
export function lines({ changes }: Plan): string[] {
  return changes.map(({ action, cause, attributes }) =>
    action === 'delete'
      ? `delete ${cause}`
      : [action, cause, ...attributes.map((one) => `${one.attribute}=${one.after.join()}`)].join(' '),
  );
}
