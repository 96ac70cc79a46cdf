/** Checks of parsed JSON from a file that is trusted for nothing: the value as its type, or a FormFault. */

/** Says where in the file and what was expected, as in "changes[3].mark must be a text or null". */
export class FormFault extends Error {
  override readonly name = 'FormFault';
}

/** @param where the place in the file, empty for the whole */
export type Form<T> = (value: unknown, where: string) => T;

/** An object with exactly these members. */
export function object<T extends object>(members: { readonly [K in keyof T]-?: Form<T[K]> }): Form<T> {
  const forms = Object.entries<Form<unknown>>(members);
  return (value, where) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw expected(where, 'an object');
    const given = value as Readonly<Record<string, unknown>>;
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(members, name));
    if (unknown !== undefined) throw new FormFault(`${inside(where, JSON.stringify(unknown))} is not known`);
    return Object.fromEntries(
      forms.map(([name, form]) => {
        if (!Object.hasOwn(given, name)) throw new FormFault(`${inside(where, name)} is missing`);
        return [name, form(given[name], inside(where, name))];
      }),
    ) as T;
  };
}

/** An object with any of these names, each with a value of one form. */
export function partial<K extends string, T>(names: readonly K[], form: Form<T>): Form<Partial<Record<K, T>>> {
  return (value, where) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw expected(where, 'an object');
    const entries = Object.entries(value).map(([name, member]) => {
      if (!(names as readonly string[]).includes(name)) throw new FormFault(`${inside(where, name)} is not known`);
      return [name, form(member, inside(where, name))];
    });
    return Object.fromEntries(entries) as Partial<Record<K, T>>;
  };
}

export function listOf<T>(form: Form<T>): Form<readonly T[]> {
  return (value, where) => {
    if (!Array.isArray(value)) throw expected(where, 'a list');
    return value.map((each, index) => form(each, `${where}[${index}]`));
  };
}

export function orNull<T>(form: Form<T>): Form<T | null> {
  return (value, where) => (value === null ? null : form(value, where));
}

export function oneOf<const T extends string | number>(choices: readonly T[]): Form<T> {
  return (value, where) => {
    if ((choices as readonly unknown[]).includes(value)) return value as T;
    throw expected(where, choices.length === 1 ? String(choices[0]) : `one of ${choices.join(', ')}`);
  };
}

export const text: Form<string> = (value, where) => {
  if (typeof value === 'string') return value;
  throw expected(where, 'a text');
};

export const boolean: Form<boolean> = (value, where) => {
  if (typeof value === 'boolean') return value;
  throw expected(where, 'true or false');
};

export const count: Form<number> = (value, where) => {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw expected(where, 'a whole number, 0 or more');
};

/** A text of this form. */
export function textLike(pattern: RegExp, what: string, holds: (value: string) => boolean = () => true): Form<string> {
  return (value, where) => {
    if (typeof value === 'string' && pattern.test(value) && holds(value)) return value;
    throw expected(where, what);
  };
}

export const guid = textLike(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a GUID in lower case');

/** ISO 8601, UTC. */
export const time = textLike(
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/,
  'a time such as 2026-11-22T14:23:12Z',
  (value) => !Number.isNaN(Date.parse(value)),
);

function expected(where: string, what: string): FormFault {
  return new FormFault(`${where === '' ? 'the file' : where} must be ${what}`);
}

function inside(where: string, name: string): string {
  return where === '' ? name : `${where}.${name}`;
}
