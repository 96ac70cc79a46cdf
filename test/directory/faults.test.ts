/** The network fails at every step of the protocol: what was under way is known, or the run ends and the next converges. */
import { expect } from 'chai';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import type { SignInSettings } from '../../src/directory/signIn.ts';
import { createDirectory } from '../../src/directory/deviceDirectory.ts';
import { WritebackError } from '../../src/errors.ts';
import type { Change } from '../../src/plan/change.ts';
import type { Directory } from '../../src/ports.ts';
import { openEdgeWay, type Way } from '../host/ways.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import { KerberosClient } from '../lab/kerberos.ts';
import { randomNumbers } from '../plan/generator.ts';
import { openPassage, type Direction, type Fault, type FaultKind, type Passage } from './passage.ts';
import {
  all,
  apply,
  changeOf,
  creation,
  deletion,
  deviceOf,
  directoryOf,
  keptLog,
  NEVER,
  settingsOf,
} from './sample.ts';

const SOAK = process.env['SOAK'] !== undefined;
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
/** Random places in each step, direction and kind of fault. */
const PLACES = SOAK ? 20 : 1;
const PAGE_SIZE = 10;
const STANDING = 25;
const STEPS = ['sign in', 'schema', 'first page', 'second page', 'third page', 'create', 'update', 'disable', 'delete'];
const DIRECTIONS: readonly Direction[] = ['toServer', 'toClient'];
const KINDS: readonly FaultKind[] = ['cut', 'delay', 'split'];
/** Without SOAK a place gets a cut, and a delay or a split. */
const someKinds = (random: number): readonly FaultKind[] => (SOAK ? KINDS : ['cut', random < 0.5 ? 'delay' : 'split']);

type Marks = Record<Direction, number>;

/** What a run was to do, and how far it came. */
interface Run {
  readonly writes: readonly Change[];
  /** Octets that had passed at the end of each step. */
  readonly marks: Marks[];
  readonly ended: WritebackError | null;
}

describe(`the directory under faults (SEED=${SEED}${SOAK ? '' : ', SOAK=1 for more'})`, function () {
  this.timeout(SOAK ? 3_600_000 : 120_000);
  const random = randomNumbers(SEED);
  let domainController: DomainController;
  let direct: Directory;
  let container: string;
  let way: Way;
  let next = 1000;

  before(async () => {
    domainController = await startDomainController({ schema: 87, prepared: true });
    direct = directoryOf(domainController);
    container = domainController.deviceContainerDn;
    for (let number = 0; number < STANDING; number += 1) await apply(direct, creation(number, container));
    const kerberos = await KerberosClient.create(domainController, 'faults');
    await kerberos.signIn(domainController.administrator);
    way = await openEdgeWay(kerberos.environment);
  });

  after(async () => {
    await way?.close();
    await direct?.close();
    await domainController?.stop();
  });

  const APPROACHES: readonly (readonly [string, 'port' | 'securePort', () => Partial<SignInSettings>])[] = [
    ['LDAPS', 'securePort', () => ({})],
    ['StartTLS', 'port', () => ({ startTls: true })],
    ['Negotiate', 'port', () => ({ bind: { kind: 'negotiate', credential: null }, hostServices: way.services })],
  ];

  /** The objects and changes of one run: an update and a disable of one object, a delete and a create. */
  async function prepare(): Promise<readonly Change[]> {
    next += 3;
    await apply(direct, creation(next, container));
    await apply(direct, creation(next + 1, container));
    const kept = await deviceOf(direct, container, next);
    const going = await deviceOf(direct, container, next + 1);
    const update = changeOf(kept, { displayName: ['New'], 'msDS-DevicePhysicalIDs': ['[ZTDID]:z'] });
    const disable = changeOf(kept, { 'msDS-IsEnabled': ['FALSE'] }, 'disable');
    return [creation(next + 2, container), update, disable, deletion(going)];
  }

  async function run(remote: Directory, passage: Passage, writes: readonly Change[]): Promise<Run> {
    const marks: Marks[] = [];
    const mark = (): void => {
      marks.push({ toServer: passage.octets('toServer'), toClient: passage.octets('toClient') });
    };
    try {
      await remote.rootDse(NEVER);
      mark();
      await remote.schema(NEVER);
      mark();
      let seen = 0;
      for await (const object of remote.devices(container, NEVER)) {
        expect(object.attributes['msDS-DeviceID']).to.have.lengthOf(1);
        seen += 1;
        if (seen === PAGE_SIZE + 1 || seen === 2 * PAGE_SIZE + 1) mark();
      }
      expect(seen).to.be.within(2 * PAGE_SIZE + 2, 3 * PAGE_SIZE);
      mark();
      for (const change of writes) {
        const outcome = await remote.write(change, NEVER);
        expect(outcome.state, JSON.stringify(outcome)).to.equal('applied');
        expect(await isDone(change), `${change.action} was told to be applied`).to.equal(true);
        mark();
      }
      return { writes, marks, ended: null };
    } catch (error) {
      if (!(error instanceof WritebackError)) throw error;
      return { writes, marks, ended: error };
    }
  }

  async function isDone(change: Change): Promise<boolean> {
    const now = change.objectGuid === null ? await named(change) : await direct.device(change.objectGuid, NEVER);
    if (change.action === 'delete') return now === null;
    const current = { adminDescription: now?.adminDescription, ...now?.attributes };
    return now !== null && change.attributes.every(({ attribute, after }) => same(current[attribute] ?? [], after));
  }

  async function named({ distinguishedName }: Change): Promise<DeviceObject | null> {
    const name = distinguishedName.slice(3, distinguishedName.indexOf(','));
    const found = await all(direct.devicesNamed(container, { deviceIds: [], names: [name], keys: [] }, NEVER));
    return found[0] ?? null;
  }

  /** Takes away what the run left, so that the next one sees as many objects. */
  async function clear(writes: readonly Change[]): Promise<void> {
    for (const { distinguishedName } of writes) {
      const object = await named({ distinguishedName } as Change);
      if (object !== null) await apply(direct, deletion(object));
    }
  }

  for (const [name, port, changes] of APPROACHES) {
    describe(`over ${name}`, () => {
      let marks: readonly Marks[];
      let usnOfRun: number;
      const settingsAt = (passage: Passage): SignInSettings => ({
        ...settingsOf(domainController),
        ...changes(),
        server: passage.server,
      });

      async function attempt(fault: Fault | null): Promise<{ made: Run; disturbed: boolean }> {
        const passage = await openPassage(domainController.address, domainController[port]);
        const writes = await prepare();
        const before = await domainController.highestCommittedUsn();
        const remote = createDirectory({ ...settingsAt(passage), pageSize: PAGE_SIZE }, keptLog().log);
        try {
          if (fault !== null) passage.disturb(fault);
          const made = await run(remote, passage, writes);
          const disturbed = fault === null || passage.disturbed();
          // The next run does what this one did not, and nothing else.
          for (const change of writes) {
            if (!(await isDone(change))) await apply(direct, change);
          }
          const usn = (await domainController.highestCommittedUsn()) - before;
          if (fault === null) usnOfRun = usn;
          expect(usn, 'operations of both runs together').to.equal(usnOfRun);
          return { made, disturbed };
        } finally {
          await remote.close();
          await passage.stop();
          await clear(writes);
        }
      }

      before(async () => {
        const { made } = await attempt(null);
        if (made.ended !== null) throw made.ended;
        expect(made.marks).to.have.lengthOf(STEPS.length);
        ({ marks } = made);
      });

      for (const [index, step] of STEPS.entries()) {
        it(`survives every fault in the step "${step}"`, async () => {
          for (const direction of DIRECTIONS) {
            const [from, to] = [marks[index - 1]?.[direction] ?? 0, marks[index]?.[direction] ?? 0];
            for (const kind of someKinds(random())) {
              for (let place = 0; place < PLACES; place += 1) {
                const fault = { kind, direction, after: from + Math.floor(random() * (to - from)) };
                const { made, disturbed } = await attempt(fault);
                const words = `${JSON.stringify(fault)} of ${to}: ${String(made.ended)}`;
                expect(disturbed, words).to.equal(true);
                if (made.ended !== null) {
                  expect(kind, words).to.equal('cut');
                  expect(made.ended, words).to.include({ code: 'DirectoryUnreachable', retryable: true });
                }
              }
            }
          }
        });
      }
    });
  }
});

function same(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
}
