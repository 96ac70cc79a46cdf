import type { Sequence } from './entities.ts';
import type { Entity, StoredDevice } from './entityTypes.ts';
import { digits, guid, GuidSequence } from './guidSequence.ts';
import { certificateKey, CLOUD_ONLY_EVERY, DOMAIN_SID, keyEntry, userAt } from './newEntities.ts';

/** What a synthetic device is made to show. */
export const DEVICE_KINDS = [
  'joined',
  'hybrid',
  'registered',
  'disabled',
  'ownerless',
  'ownerCloudOnly',
  'keyless',
  'otherKeyForm',
  'nonAsciiName',
  'longPhysicalIds',
  'nameless',
] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number];

export interface SyntheticTenant {
  readonly devices: Sequence<StoredDevice>;
  readonly users: Sequence<Entity>;
  /** What the device at this index was made to show. */
  kindAt(index: number): DeviceKind;
}

/** Every twenty devices hold each kind but `nameless`, which is one in a hundred. */
const ROUND: readonly DeviceKind[] = [
  'joined',
  'hybrid',
  'registered',
  'joined',
  'disabled',
  'joined',
  'ownerless',
  'hybrid',
  'ownerCloudOnly',
  'keyless',
  'registered',
  'joined',
  'otherKeyForm',
  'hybrid',
  'nonAsciiName',
  'joined',
  'longPhysicalIds',
  'registered',
  'hybrid',
  'joined',
];
const NAMELESS_EVERY = 100;
const NAMELESS_AT = 63;
const NAMES = [
  'Renée-Überholz',
  '会議室の端末',
  'Ноутбук Анны',
  'كمبيوتر محمول',
  'λάπτοπ',
  '📱 Zoë',
  "O'Brien, “R&D” <3>",
  'Ångström (β)',
];
const LONGEST_PHYSICAL_ID = 1024;

function kindAt(index: number): DeviceKind {
  return index % NAMELESS_EVERY === NAMELESS_AT ? 'nameless' : (ROUND[index % ROUND.length] ?? 'joined');
}

/**
 * So many devices of all kinds and 0.6 times as many users, each made from its index and the seed when it is asked
 * for: the same arguments give the same tenant, whatever the number.
 */
export function syntheticDevices(count: number, seed: number): SyntheticTenant {
  const userCount = Math.max(CLOUD_ONLY_EVERY, Math.ceil(count * 0.6));
  const deviceIds = new GuidSequence(seed, 'device');
  const userIds = new GuidSequence(seed, 'user');
  return {
    kindAt,
    devices: {
      count,
      at: (index) => device(seed, index, kindAt(index), deviceIds.at(index), (number) => userIds.at(number), userCount),
      indexOf: (id) => deviceIds.indexOf(id, count),
    },
    users: {
      count: userCount,
      at: (index) => userAt(index, userIds.at(index)),
      indexOf: (id) => userIds.indexOf(id, userCount),
    },
  };
}

function device(
  seed: number,
  index: number,
  kind: DeviceKind,
  id: string,
  userId: (index: number) => string,
  userCount: number,
): StoredDevice {
  const source = `${seed} ${index}`;
  const hash = digits(source, 64);
  const chance = Number.parseInt(hash.slice(0, 8), 16);
  const hybrid = kind === 'hybrid';
  const registered = kind === 'registered';
  const mobile = registered && chance % 3 !== 0;
  const day = new Date(Date.UTC(2024, 0, 1) + (chance % 900) * 86_400_000).toISOString().slice(0, 19);
  return {
    id,
    deviceId: guid(`${source} deviceId`),
    displayName: displayName(kind, index, hash),
    accountEnabled: kind !== 'disabled',
    alternativeSecurityIds: keys(kind, source),
    deviceVersion: 2,
    operatingSystem: mobile ? (chance % 2 === 0 ? 'IPhone' : 'AndroidForWork') : 'Windows',
    operatingSystemVersion: mobile
      ? `${14 + (chance % 5)}.1`
      : `10.0.${chance % 2 === 0 ? '22631.5472' : '26100.4652'}`,
    physicalIds: physicalIds(kind, hash),
    isManaged: chance % 4 === 0 ? null : !registered,
    isCompliant: chance % 4 === 0 ? null : chance % 5 !== 0,
    trustType: hybrid ? 'ServerAd' : registered ? 'Workplace' : 'AzureAd',
    profileType: 'RegisteredDevice',
    deviceOwnership: registered ? 'Personal' : 'Company',
    manufacturer: mobile ? null : 'Contoso',
    model: mobile ? null : `Latitude ${7000 + (chance % 900)}`,
    onPremisesSyncEnabled: hybrid ? true : null,
    onPremisesLastSyncDateTime: hybrid ? `${day}Z` : null,
    onPremisesSecurityIdentifier: hybrid ? `${DOMAIN_SID}-${2_000_000 + index}` : null,
    registrationDateTime: `${day}Z`,
    approximateLastSignInDateTime: '2026-11-01T06:30:00Z',
    registeredOwners: ownerIndexes(kind, chance, userCount).map(userId),
  };
}

function displayName(kind: DeviceKind, index: number, hash: string): string | null {
  if (kind === 'nameless') return null;
  const suffix = hash.slice(8, 15).toUpperCase();
  if (kind === 'nonAsciiName') return `${NAMES[Math.floor(index / ROUND.length) % NAMES.length]} ${suffix}`;
  return `${kind === 'registered' ? 'PHONE' : 'DESKTOP'}-${suffix}`;
}

function keys(kind: DeviceKind, source: string): readonly object[] {
  if (kind === 'keyless') return [];
  if (kind !== 'otherKeyForm') return [certificateKey(source)];
  const uid = Buffer.from(guid(`${source} uid`), 'utf16le').toString('base64');
  return [keyEntry(`X509:<UID>${uid}`)];
}

function physicalIds(kind: DeviceKind, hash: string): readonly string[] {
  const usual = [
    `[USER-GID]:${guid(`${hash} user`)}:${BigInt(`0x${hash.slice(0, 15)}`)}`,
    `[GID]:g:${BigInt(`0x${hash.slice(15, 30)}`)}`,
    `[HWID]:h:${BigInt(`0x${hash.slice(30, 45)}`)}`,
  ];
  if (kind !== 'longPhysicalIds') return usual;
  const long = (name: string): string => `[${name}]:${hash.repeat(16)}`.slice(0, LONGEST_PHYSICAL_ID);
  return [...usual, long('ZTDID'), long('EXTID'), long('OrderId')];
}

/** Indexes of the owners, none or one; cloud-only users own the devices made to show it. */
function ownerIndexes(kind: DeviceKind, chance: number, userCount: number): readonly number[] {
  if (kind === 'ownerless') return [];
  const index = chance % userCount;
  const cloudOnly = index - (index % CLOUD_ONLY_EVERY);
  if (kind === 'ownerCloudOnly') return [cloudOnly];
  if (index !== cloudOnly) return [index];
  return [index + 1 < userCount ? index + 1 : index - 1];
}
