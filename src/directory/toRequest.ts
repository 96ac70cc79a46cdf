/** A change as the one LDAP operation that does it. Pure. */
import { MARK_ATTRIBUTE, sameValues, syntaxOf, type Values, type WritableAttribute } from '../device/attributes.ts';
import { WritebackError } from '../errors.ts';
import type { Change } from '../plan/change.ts';

export interface AttributeOctets {
  readonly name: string;
  readonly values: readonly Buffer[];
}

/** `replace` is for what has no values to name, the security descriptor; a change never uses it. */
export type Modification = AttributeOctets & { readonly operation: 'add' | 'delete' | 'replace' };

export type Request =
  | { readonly operation: 'add'; readonly name: string; readonly attributes: readonly AttributeOctets[] }
  | { readonly operation: 'modify'; readonly name: string; readonly modifications: readonly Modification[] }
  | { readonly operation: 'delete'; readonly name: string };

export const DEVICE_CLASS = 'msDS-Device';

/**
 * Create adds the object under its name. Update, disable and enable are one modify of the object's GUID that deletes
 * exactly the values that go and adds those that come; it names the mark as deleted, and adds it again where it stays,
 * so that the server refuses the whole operation when a value or the ownership changed since it was read
 * ([MS-ADTS] 3.1.1.5.3.2, RFC 4511 4.6: the modifications are done in their order and all or none).
 *
 * @throws EngineFault for a change that would write an object without its mark.
 */
export function toRequest(change: Change): Request {
  if (change.action === 'create') {
    const given = change.attributes.filter(({ after }) => after.length > 0);
    return {
      operation: 'add',
      name: change.distinguishedName,
      attributes: [
        { name: 'objectClass', values: [Buffer.from(DEVICE_CLASS)] },
        ...given.map(({ attribute, after }) => ({ name: attribute, values: encode(attribute, after) })),
      ],
    };
  }
  // The delete that undoes a create knows no GUID; the object was just read and found to be the one that was created.
  const unnamed = change.action === 'delete' && change.objectGuid === null;
  const name = unnamed ? change.distinguishedName : guidName(change);
  if (change.action === 'delete') return { operation: 'delete', name };
  return { operation: 'modify', name, modifications: modifications(change) };
}

function modifications(change: Change): readonly Modification[] {
  const marked = change.attributes.find(({ attribute }) => attribute === MARK_ATTRIBUTE);
  const markChanges = marked !== undefined && !sameValues(marked.before, marked.after);
  if (!markChanges && change.mark === null) throw unmarked(change);
  const result: Modification[] = [];
  if (!markChanges && change.mark !== null) {
    const values = encode(MARK_ATTRIBUTE, [change.mark]);
    result.push(
      { operation: 'delete', name: MARK_ATTRIBUTE, values },
      { operation: 'add', name: MARK_ATTRIBUTE, values },
    );
  }
  for (const { attribute, before, after } of change.attributes) {
    const goes = before.filter((value) => !after.includes(value));
    const comes = after.filter((value) => !before.includes(value));
    if (goes.length > 0) result.push({ operation: 'delete', name: attribute, values: encode(attribute, goes) });
    if (comes.length > 0) result.push({ operation: 'add', name: attribute, values: encode(attribute, comes) });
  }
  return result;
}

function encode(attribute: WritableAttribute, values: Values): readonly Buffer[] {
  const encoding = syntaxOf(attribute) === 'octet' ? 'hex' : 'utf8';
  return values.map((value) => Buffer.from(value, encoding));
}

/** The form in which Active Directory takes an object's GUID for its name. Source: [MS-ADTS] 3.1.1.3.1.2.4. */
function guidName(change: Change): string {
  if (change.objectGuid === null) {
    throw new WritebackError(
      'EngineFault',
      `The ${change.action} of ${change.distinguishedName} does not name its object.`,
      {
        target: change.distinguishedName,
        remedy: 'Make a new plan; report this error if it comes again.',
      },
    );
  }
  return `<GUID=${change.objectGuid}>`;
}

function unmarked(change: Change): WritebackError {
  return new WritebackError(
    'EngineFault',
    `The ${change.action} of ${change.distinguishedName} does not name the mark.`,
    {
      target: change.distinguishedName,
      remedy: 'Make a new plan; report this error if it comes again.',
    },
  );
}
