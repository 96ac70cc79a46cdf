import { MARK, type Forest } from '../commands/forest.ts';
import { guidBytes } from '../commands/oracle.ts';
import type { StoredDevice } from '../emulator/entityTypes.ts';
import { certificateKey, newDevice, newGroup, newUser } from '../emulator/newEntities.ts';
import type { Chance } from './chance.ts';
import { inScope, type ScopeOption } from './scopeOption.ts';

const OTHER_TENANT = '11111111-2222-3333-4444-555555555555';
const TRUST_TYPES = ['AzureAd', 'ServerAd', 'Workplace'] as const;
const LONG_AGO = '2024-01-01T00:00:00Z';

/** What happens to a tenant and its directory while nobody syncs. */
export class TenantLife {
  readonly #forest: Forest;
  readonly #chance: Chance;
  readonly #removed = new Set<string>();
  readonly group: string;
  /** In scope for good: where all objects are another tenant's a run is refused. */
  readonly #keeper: string;
  /** Device ids that the list of the run at hand lost. */
  readonly lost = new Set<string>();
  /** Device ids of which a delta run need not see what happened: membership, drift, what is due. */
  readonly fullOnly = new Set<string>();

  constructor(forest: Forest, chance: Chance) {
    this.#forest = forest;
    this.#chance = chance;
    for (let count = 0; count < 3; count += 1) forest.tenant.users.add(newUser({ id: chance.guid() }));
    this.group = forest.tenant.groups.add(newGroup({ id: chance.guid() })).id;
    const devices = Array.from({ length: chance.happens(0.1) ? 30 : chance.between(4, 12) }, () => this.create());
    this.#keeper = this.create({ trustType: 'AzureAd' }).id;
    this.#setMembers([this.#keeper, ...devices.filter(() => chance.happens(0.7)).map(({ id }) => id)]);
  }

  /** Two objects that are not the engine's, each beside an Entra device: one of AD FS, one of another tenant. */
  async addOthersObjects(): Promise<void> {
    const entries = [null, `DeviceWriteback ${OTHER_TENANT}`].map((mark) => {
      const device = this.create();
      const deviceId = String(device['deviceId']);
      return `dn: ${this.#forest.dnOf(device)}
objectClass: msDS-Device
displayName: Somebody else's
altSecurityIdentities: X509:<SHA1-TP-PUBKEY>${deviceId}
msDS-DeviceID:: ${guidBytes(deviceId).toString('base64')}
msDS-IsEnabled: TRUE
${mark === null ? '' : `adminDescription: ${mark}\n`}`;
    });
    await this.#forest.dc.ldapAdd(entries.join('\n'));
  }

  create(properties: Readonly<Record<string, unknown>> = {}): StoredDevice {
    const id = this.#chance.guid();
    return this.#forest.tenant.devices.add(
      newDevice({
        id,
        deviceId: this.#chance.guid(),
        displayName: `PC ${id.slice(0, 8)}`,
        alternativeSecurityIds: [certificateKey(id)],
        trustType: this.#chance.choose(TRUST_TYPES),
        registeredOwners: this.#owner(),
        ...properties,
      }),
    );
  }

  /** One change; returns what it was. */
  async happen(): Promise<string> {
    const { tenant } = this.#forest;
    const device = this.#any();
    const removed = this.#chance.choose([...this.#removed]);
    const update = (name: string, changes: object): string => {
      if (device !== null) tenant.devices.update(device.id, { ...changes });
      return `${name} ${device?.id}`;
    };
    const events: readonly (readonly [weight: number, act: () => string | Promise<string>])[] = [
      [3, () => `create ${this.create().id}`],
      [4, () => update('rename', { displayName: `PC ${this.#chance.between(0, 1e6)}` })],
      [3, () => update('switch', { accountEnabled: device?.['accountEnabled'] !== true })],
      [2, () => update('new key for', { alternativeSecurityIds: [certificateKey(this.#chance.guid())] })],
      [
        1,
        () =>
          `create with a key twice ${this.create({ alternativeSecurityIds: device?.['alternativeSecurityIds'] ?? [] }).id}`,
      ],
      [1, () => update('take the keys from', { alternativeSecurityIds: [] })],
      [1, () => update('take the name from', { displayName: null })],
      [1, () => update('change the trust of', { trustType: this.#chance.choose(TRUST_TYPES) })],
      [2, () => update('change the owner of', { registeredOwners: this.#owner() })],
      [1, () => this.#changeSid()],
      [2, () => this.#joinOrLeave(device)],
      [3, () => this.#remove(device)],
      [1, () => this.#purge(this.#chance.happens(0.5) ? device : null, removed)],
      [2, () => this.#restore(removed)],
      [3, () => this.#registerAnew(device)],
      [3, () => this.#remove(this.#formerRegistration())],
      [2, () => this.#drift()],
      [1, () => this.#age()],
      [1, () => this.#expire()],
    ];
    let at = this.#chance.between(
      1,
      events.reduce((sum, [weight]) => sum + weight, 0),
    );
    const event = events.find(([weight]) => (at -= weight) <= 0);
    return event === undefined ? 'nothing' : await event[1]();
  }

  /** Without waiting, as between two pages of a read. */
  meanwhile(): void {
    const device = this.#any();
    if (device === null || this.#chance.happens(0.3)) this.create();
    else if (this.#chance.happens(0.5)) this.#remove(device);
    else this.#forest.tenant.devices.update(device.id, { displayName: `PC ${this.#chance.between(0, 1e6)}` });
  }

  isInScope(device: StoredDevice, scope: ScopeOption): boolean {
    return inScope(device, scope, this.#members());
  }

  #any(): StoredDevice | null {
    return this.#chance.choose([...this.#forest.tenant.devices].filter(({ id }) => id !== this.#keeper));
  }

  #owner(): readonly string[] {
    const user = this.#chance.happens(0.3) ? null : this.#chance.choose([...this.#forest.tenant.users]);
    return user === null ? [] : [user.id];
  }

  #members(): readonly string[] {
    return this.#forest.tenant.groups.get(this.group)?.members ?? [];
  }

  #setMembers(members: readonly string[]): void {
    this.#forest.tenant.groups.update(this.group, { members });
  }

  #changeSid(): string {
    const user = this.#chance.choose([...this.#forest.tenant.users]);
    const sid = this.#chance.happens(0.2) ? null : `S-1-5-21-1-2-3-${this.#chance.between(1000, 9999)}`;
    if (user !== null) this.#forest.tenant.users.update(user.id, { onPremisesSecurityIdentifier: sid });
    return `change the SID of ${user?.id}`;
  }

  #joinOrLeave(device: StoredDevice | null): string {
    if (device === null) return 'nothing';
    const members = this.#members();
    const leaves = members.includes(device.id);
    this.#setMembers(leaves ? members.filter((id) => id !== device.id) : [...members, device.id]);
    this.fullOnly.add(String(device['deviceId']));
    return `${leaves ? 'leaves' : 'joins'} the group ${device.id}`;
  }

  #remove(device: StoredDevice | null): string {
    if (device === null) return 'nothing';
    this.#forest.tenant.devices.remove(device.id);
    this.#removed.add(device.id);
    return `remove ${device.id}`;
  }

  #purge(device: StoredDevice | null, removed: string | null): string {
    const id = device?.id ?? removed;
    if (id === null) return 'nothing';
    this.#forest.tenant.devices.purge(id);
    this.#removed.delete(id);
    return `purge ${id}`;
  }

  #restore(removed: string | null): string {
    if (removed === null) return 'nothing';
    this.#forest.tenant.devices.restore(removed);
    this.#removed.delete(removed);
    return `restore ${removed}`;
  }

  /** The former registration goes at once, or stays for a while. */
  #registerAnew(device: StoredDevice | null): string {
    if (device === null) return 'nothing';
    if (this.#chance.happens(0.5)) this.#remove(device);
    const anew = this.create({ deviceId: device['deviceId'], trustType: device['trustType'] });
    if (this.#members().includes(device.id)) this.#setMembers([...this.#members(), anew.id]);
    return `register ${device.id} anew as ${anew.id}`;
  }

  /** One that registered anew meanwhile. */
  #formerRegistration(): StoredDevice | null {
    const devices = [...this.#forest.tenant.devices];
    const former = devices.filter(({ deviceId }, index) =>
      devices.slice(index + 1).some((later) => later['deviceId'] === deviceId),
    );
    return this.#chance.choose(former);
  }

  async #drift(): Promise<string> {
    const object = this.#chance.choose([...(await this.#ownObjects())]);
    if (object === null) return 'nothing';
    this.fullOnly.add(object.deviceId);
    const device = { id: '', deviceId: object.deviceId };
    if (this.#chance.happens(0.2)) {
      await this.#forest.dc.ldapModify(`dn: ${this.#forest.dnOf(device)}\nchangetype: delete\n`);
      return `delete the object ${object.deviceId}`;
    }
    const [name, value] = this.#chance.choose([
      ['displayName', 'Drifted'],
      ['msDS-IsEnabled', 'FALSE'],
      ['msDS-IsEnabled', 'TRUE'],
      ['msDS-DeviceOSType', 'BeOS'],
    ] as const) ?? ['displayName', 'Drifted'];
    await this.#forest.modify(device, { [name]: value });
    return `drift of ${name} to ${value} on ${object.deviceId}`;
  }

  /** The time of retention of one object is over. */
  async #age(): Promise<string> {
    const objects = await this.#ownObjects();
    const object = this.#chance.choose(objects.filter(({ mark }) => mark.includes(' removed ')));
    if (object === null) return 'nothing';
    this.fullOnly.add(object.deviceId);
    const device = { id: '', deviceId: object.deviceId };
    await this.#forest.modify(device, { adminDescription: `${MARK} removed ${LONG_AGO}` });
    return `age ${object.deviceId}`;
  }

  #expire(): string {
    if (this.#chance.happens(0.5)) {
      this.#forest.tenant.deltaLinks.expireAll();
      return 'expire the delta links';
    }
    this.#forest.tenant.tokens.revoke();
    return 'revoke the access tokens';
  }

  async #ownObjects(): Promise<readonly { readonly deviceId: string; readonly mark: string }[]> {
    const objects = [...(await this.#forest.objects()).values()].map(({ deviceId, values }) => ({
      deviceId,
      mark: Buffer.from(values['adminDescription']?.[0] ?? '', 'hex').toString(),
    }));
    const own = objects.filter(({ mark }) => mark.startsWith(MARK));
    const kept = this.#forest.tenant.devices.get(this.#keeper)?.['deviceId'];
    return own.filter(({ deviceId }) => deviceId !== kept).toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
  }
}
