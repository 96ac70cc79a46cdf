import type { LoggedChange } from './changeLog.ts';
import type { DeltaToken } from './deltaLinks.ts';
import { GraphFailure, json, type Answer, type EmulatorRequest } from './exchange.ts';
import { DEVICE, defaultNames, project, type StoredDevice } from './entityTypes.ts';
import { digits } from './guidSequence.ts';
import { parseSelect, readOptions } from './odata.ts';
import { demand, type Caller } from './permissions.ts';
import type { Tenant } from './tenant.ts';

/**
 * `GET /devices/delta`. Sources: Graph v1.0, "device: delta", and "Use delta query to track changes in Microsoft Graph
 * data". That a token beside other options, of another application or damaged is answered 400 is inferred.
 */
export function deviceDelta(request: EmulatorRequest, tenant: Tenant, caller: Caller): Answer {
  demand(caller, 'devices');
  const options = readOptions(request, ['$select', '$filter', '$skiptoken', '$deltatoken']);
  const skip = options.get('$skiptoken');
  const delta = options.get('$deltatoken');
  const token = skip ?? (delta === 'latest' || delta === '' ? undefined : delta);
  if (token !== undefined) {
    if (options.size > 1) throw new GraphFailure(400, 'Request_BadRequest', 'A token holds its options already.');
    return page(placeOf(token, skip === undefined ? 'delta' : 'skip', tenant, caller), tenant);
  }
  const first = firstRound(options.get('$select') ?? null, options.get('$filter') ?? null, tenant, caller);
  return delta === 'latest' && !tenant.switches.deltaLatestIgnored
    ? answer([], afterRound(first), tenant)
    : page(first, tenant);
}

function firstRound(select: string | null, filter: string | null, tenant: Tenant, caller: Caller): DeltaToken {
  if (select !== null) parseSelect(select, DEVICE);
  if (filter !== null) filteredIds(filter);
  const { deltaEmptyPages } = tenant.switches;
  const to = shownEnd(tenant, 0);
  const place = { at: 0, repeated: false, empty: deltaEmptyPages, end: tenant.devices.end };
  return { kind: 'skip', appId: caller.appId, select, filter, from: null, to, ...place };
}

/** Where the page of a token begins; a delta link begins a round. */
function placeOf(text: string, kind: DeltaToken['kind'], tenant: Tenant, caller: Caller): DeltaToken {
  const token = tenant.deltaLinks.read(text, kind, caller.appId);
  const { deltaLinkLifetime, expiredDelta, deltaEmptyPages, deltaReplayed } = tenant.switches;
  if (tenant.deltaLinks.isExpired(token, deltaLinkLifetime)) {
    const complaint =
      'The sync state generation is not found. The delta token is expired. Start a full synchronization.';
    const headers = expiredDelta.status === 410 ? { Location: tenant.deltaLinks.beginning(token) } : {};
    throw new GraphFailure(expiredDelta.status, expiredDelta.code, complaint, headers);
  }
  if (token.kind === 'skip') return token;
  const from = Math.max(0, token.to - deltaReplayed);
  return { ...token, kind: 'skip', from, to: shownEnd(tenant, token.to), empty: deltaEmptyPages };
}

/** Number of the change after the last one that delta shows by now. */
function shownEnd(tenant: Tenant, atLeast: number): number {
  return Math.max(atLeast, tenant.devices.changes.end - tenant.switches.deltaLate);
}

function afterRound(round: DeltaToken): DeltaToken {
  return { ...round, kind: 'delta', from: null, at: 0, end: 0, repeated: false, empty: 0 };
}

function page(place: DeltaToken, tenant: Tenant): Answer {
  if (place.empty > 0) return answer([], { ...place, empty: place.empty - 1 }, tenant);
  const limit = tenant.switches.deltaPageSize + (place.repeated ? 1 : 0);
  const found: object[] = [];
  let last = place.at;
  for (const [position, body] of place.from === null ? state(place, tenant) : changes(place, place.from, tenant)) {
    if (found.length === limit) {
      const repeated = tenant.switches.deltaRepeats;
      return answer(found, { ...place, at: repeated ? last : position, repeated }, tenant);
    }
    found.push(body);
    last = position;
  }
  return answer(found, afterRound(place), tenant);
}

function answer(value: readonly object[], next: DeltaToken, tenant: Tenant): Answer {
  const context = `${tenant.graphUrl}/v1.0/$metadata#devices${next.select === null ? '' : `(${next.select})`}`;
  const link = tenant.deltaLinks.link(next);
  return json({ '@odata.context': context, [`@odata.${next.kind === 'skip' ? 'next' : 'delta'}Link`]: link, value });
}

/** The whole state, from the place on: live devices and, if told to, those removed before the round. */
function* state(place: DeltaToken, tenant: Tenant): Generator<readonly [number, object]> {
  const ids = place.filter === null ? null : filteredIds(place.filter);
  const { devices } = tenant;
  for (const [position, device] of ids === null ? devices.from(place.at) : devices.among(ids, place.at)) {
    if (position >= place.end) break;
    yield [position, liveBody(device, place.select)];
  }
  if (!tenant.switches.deltaRemovedInFirstRound) return;
  let position = place.end;
  for (const [id, of] of named(place, 0, tenant)) {
    const reason = removalReason(of);
    if (reason === null) continue;
    if (position >= place.at) yield [position, removedBody(id, reason)];
    position += 1;
  }
}

/** The devices with changes in the round, in no order but the same on every page, from the place on. */
function* changes(place: DeltaToken, from: number, tenant: Tenant): Generator<readonly [number, object]> {
  const order = ([id]: readonly [string, unknown]): string => digits(`${place.to} ${id}`, 16);
  const tracked = place.select?.split(',').map((name) => name.trim()) ?? null;
  let position = -1;
  for (const [id, of] of [...named(place, from, tenant)].sort((a, b) => (order(a) < order(b) ? -1 : 1))) {
    position += 1;
    if (position < place.at) continue;
    const reason = removalReason(of);
    const device = tenant.devices.get(id);
    if (reason !== null) yield [position, removedBody(id, reason)];
    else if (device !== null && of.some((one) => surfaces(one, tracked))) {
      yield [position, liveBody(device, place.select)];
    }
  }
}

function named(place: DeltaToken, from: number, tenant: Tenant): ReadonlyMap<string, readonly LoggedChange[]> {
  const all = tenant.devices.changes.byObject(from, place.to);
  if (place.filter === null) return all;
  const ids = filteredIds(place.filter);
  return new Map([...all].filter(([id]) => ids.includes(id.toLowerCase())));
}

/** What a restored or new device, or a change of a tracked property does; owners are never tracked. */
function surfaces(change: LoggedChange, tracked: readonly string[] | null): boolean {
  if (change.kind !== 'updated') return true;
  return change.properties.some((name) => {
    const property = DEVICE.properties.get(name);
    if (property?.navigation === true) return false;
    return tracked === null ? property?.onSelectOnly !== true : tracked.includes(name);
  });
}

/** Why the device is gone after these changes; null if it lives. */
function removalReason(of: readonly LoggedChange[]): 'changed' | 'deleted' | null {
  const kind = of.findLast((change) => change.kind !== 'updated')?.kind;
  return kind === 'removed' ? 'changed' : kind === 'purged' ? 'deleted' : null;
}

function removedBody(id: string, reason: 'changed' | 'deleted'): object {
  return { id, '@removed': { reason } };
}

/** Every selected property that was ever set, nulls included. */
function liveBody(device: StoredDevice, select: string | null): object {
  const names = select === null ? defaultNames(device, DEVICE) : parseSelect(select, DEVICE);
  return project(
    device,
    DEVICE,
    names.filter((name) => name in device),
  );
}

const FILTER = /^\s*id eq '[^']+'(?:\s+or\s+id eq '[^']+')*\s*$/i;

/** `id eq '…' or id eq '…'`, in lower case; nothing else is supported. */
function filteredIds(filter: string): readonly string[] {
  if (!FILTER.test(filter)) {
    throw new GraphFailure(400, 'Request_UnsupportedQuery', `Unsupported or invalid query filter clause: ${filter}`);
  }
  return [...filter.matchAll(/'([^']+)'/g)].map((match) => (match[1] ?? '').toLowerCase());
}
