import { GONE, RESYNC_REQUIRED, SYNC_STATE_NOT_FOUND } from '../emulator/deltaLinks.ts';
import type { EmulatorRequest } from '../emulator/exchange.ts';
import {
  badGateway,
  claimsChallenge,
  duplicatesOverPages,
  emptyPage,
  errorMember,
  failure,
  foreignNextLink,
  htmlError,
  linkOfRetriedPageRefused,
  meanwhile,
  missingProperty,
  pageTokenRefused,
  repeatedNextLink,
  samePageAgain,
  serverError,
  throttled,
} from '../emulator/faultPresets.ts';
import type { FaultAction } from '../emulator/faults.ts';
import type { GraphEmulator } from '../emulator/graphEmulator.ts';
import { USUAL } from '../emulator/switches.ts';
import type { Chance } from './chance.ts';

const PROPERTIES = [
  'deviceId',
  'displayName',
  'accountEnabled',
  'alternativeSecurityIds',
  'operatingSystem',
  'trustType',
  'registeredOwners',
  'id',
] as const;

/** How Graph behaves for a while. Faults are those that a client may meet without a device being lost to it. */
export class Weather {
  readonly #tenant: GraphEmulator;
  readonly #chance: Chance;
  readonly #act: () => void;
  readonly #lose: (device: Readonly<Record<string, unknown>>) => void;

  /**
   * @param act something that happens to the tenant in the middle of a read
   * @param lose is told of each device that a page lacks
   */
  constructor(
    tenant: GraphEmulator,
    chance: Chance,
    act: () => void,
    lose: (device: Readonly<Record<string, unknown>>) => void,
  ) {
    this.#tenant = tenant;
    this.#chance = chance;
    this.#act = act;
    this.#lose = lose;
  }

  /** Graph as it should be. */
  clear(): void {
    this.#tenant.faults.clear();
    Object.assign(this.#tenant.switches, USUAL);
  }

  /** Up to four faults and some habits; returns what they are. */
  turn(): string {
    this.clear();
    const habits = this.#habits();
    const faults = Array.from({ length: this.#chance.between(0, 4) }, () => this.#fault());
    return [...habits, ...faults].join(', ') || 'fair weather';
  }

  #habits(): readonly string[] {
    const { switches } = this.#tenant;
    const some = <T>(usual: T, ...others: readonly T[]): T =>
      this.#chance.happens(0.8) ? usual : (this.#chance.choose(others) ?? usual);
    Object.assign(switches, {
      pageLimit: some(USUAL.pageLimit, 1, 3),
      deltaPageSize: some(USUAL.deltaPageSize, 1, 2),
      deltaEmptyPages: some(0, 1, 3),
      deltaRepeats: some(false, true),
      deltaReplayed: some(0, 1, 10),
      deltaLate: some(0, 1, 4),
      deltaLatestIgnored: some(false, true),
      deltaRemovedInFirstRound: some(false, true),
      deltaLinkLifetime: this.#chance.happens(0.06) ? -1 : USUAL.deltaLinkLifetime,
      expiredDelta: some<object>(SYNC_STATE_NOT_FOUND, GONE, RESYNC_REQUIRED),
      refuseNestedSelect: some(false, true),
      castIsAdvanced: some(false, true),
      clockSkew: some(0, 7_200_000, -7_200_000),
      gzip: some(false, true),
      throttleLimitPercentage: some<number | null>(null, 1.2),
    });
    const names = Object.keys(switches) as (keyof typeof switches)[];
    return names
      .filter((name) => switches[name] !== USUAL[name])
      .map((name) => `${name} ${JSON.stringify(switches[name])}`);
  }

  #fault(): string {
    const kinds = [
      ['list', (request: EmulatorRequest) => request.kind === 'graph' && request.path === '/v1.0/devices'],
      ['delta', (request: EmulatorRequest) => request.path === '/v1.0/devices/delta'],
      ['batch', (request: EmulatorRequest) => request.path === '/v1.0/$batch'],
      ['device', (request: EmulatorRequest) => request.kind === 'inner' && request.path.startsWith('/v1.0/devices/')],
      ['users', (request: EmulatorRequest) => request.kind === 'inner' && request.path === '/v1.0/users'],
      ['group', (request: EmulatorRequest) => request.path.startsWith('/v1.0/groups/')],
      ['token', (request: EmulatorRequest) => request.kind === 'token'],
    ] as const;
    const [what, when] = this.#chance.choose([...kinds, kinds[3], kinds[3]]) ?? kinds[3];
    const [name, action] = this.#action(what);
    const after = this.#chance.choose([0, 0, 1, 3]) ?? 0;
    const times = this.#chance.choose([1, 1, 2, 5, 12]) ?? 1;
    this.#tenant.faults.add({ when: this.#fitting(name, when), after, times, action });
    return `${name} on ${what} (${times} times after ${after})`;
  }

  /** Only a page that a next link led to can be asked for again by another link of delta. */
  #fitting(name: string, when: (request: EmulatorRequest) => boolean): (request: EmulatorRequest) => boolean {
    if (name !== 'emptyPage' && name !== 'samePageAgain') return when;
    return (request) =>
      when(request) && (request.path !== '/v1.0/devices/delta' || request.parameters.has('$skiptoken'));
  }

  #action(what: string): readonly [name: string, action: FaultAction] {
    const links = what === 'delta' ? this.#tenant.deltaLinks : this.#tenant.pages;
    const property = this.#chance.choose(PROPERTIES) ?? 'displayName';
    const throttles = ['0.5', '2', '-5', 'soon', 'Wed, 21 Oct 2015 07:28:00 GMT', '86400', null] as const;
    const statuses = [500, 503, 504, 509] as const;
    const everywhere: readonly (readonly (readonly [string, FaultAction])[])[] = [
      throttles.map((after) => [`429 (${after})`, throttled(after)]),
      [...statuses.map((status) => [`${status}`, serverError(status)] as const), ['502', badGateway()]],
      [
        ['403', failure(403, 'Authorization_RequestDenied', 'Insufficient privileges.')],
        ['401', claimsChallenge('{"access_token":{"nbf":{"essential":true}}}')],
        ['400', failure(400, 'Request_BadRequest', 'Bad request.')],
      ],
      [
        ['HTML', htmlError(200, 'Sign in to the proxy')],
        ['resetBeforeHeaders', { kind: 'resetBeforeHeaders' }],
        ['resetInBody', { kind: 'resetInBody' }],
        ['truncate', { kind: 'truncate' }],
      ],
      [
        ['slowBody', { kind: 'slowBody', milliseconds: 30 }],
        ['delay', { kind: 'delay', milliseconds: 20 }],
        ['meanwhile', meanwhile(this.#act)],
      ],
    ];
    const onPages: readonly (readonly [string, FaultAction])[] = [
      ['errorMember', errorMember()],
      ['emptyPage', emptyPage(links)],
      ['samePageAgain', samePageAgain(links)],
      ['repeatedNextLink', repeatedNextLink()],
      ['foreignNextLink', foreignNextLink('http://graph.example')],
      ['duplicatesOverPages', duplicatesOverPages()],
      ['pageTokenRefused', pageTokenRefused()],
      ['linkOfRetriedPageRefused', linkOfRetriedPageRefused()],
      [`missing ${property}`, missingProperty(property)],
      ['gap', this.#gap()],
    ];
    const onDevices: readonly (readonly [string, FaultAction])[] = [[`missing ${property}`, without(property)]];
    const special = what === 'list' || what === 'delta' ? onPages : what === 'device' ? onDevices : null;
    const family = special !== null && this.#chance.happens(0.4) ? special : this.#chance.choose(everywhere);
    return this.#chance.choose(family ?? onDevices) ?? ['truncate', { kind: 'truncate' }];
  }

  /** A page of the list lacks its first device, which lives. */
  #gap(): FaultAction {
    return {
      kind: 'alter',
      change: (answer, { path }) => {
        const { body } = answer;
        if (path !== '/v1.0/devices' || typeof body !== 'object' || body === null || !('value' in body)) return answer;
        const [first, ...rest] = body.value as readonly Readonly<Record<string, unknown>>[];
        if (first !== undefined) this.#lose(first);
        return { ...answer, body: { ...body, value: rest } };
      },
    };
  }
}

/** A property is absent from one device. */
function without(property: string): FaultAction {
  return {
    kind: 'alter',
    change: (answer) => {
      if (answer.status !== 200 || typeof answer.body !== 'object' || answer.body === null) return answer;
      const { [property]: _, ...body } = answer.body as Record<string, unknown>;
      return { ...answer, body };
    },
  };
}
