import { expect } from 'chai';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import type { Directory } from '../../src/ports.ts';
import type { Plan } from '../../src/plan/change.ts';
import { takeCensus } from '../../src/plan/census.ts';
import { computePlan, type PlanInput } from '../../src/plan/computePlan.ts';
import { renderLdif } from '../../src/plan/renderLdif.ts';
import { undoPlan } from '../../src/plan/undo.ts';
import { directoryOf, NEVER } from '../directory/sample.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import { ProgramError } from '../lab/program.ts';
import { applied } from './memoryDirectory.ts';
import {
  CONTAINER,
  daysAgo,
  deviceId,
  deviceObject,
  entraDevice,
  entry,
  gone,
  key,
  MARK,
  NOW,
  planInput,
  removedMark,
} from './samples.ts';

/** Names that LDIF cannot hold as they are, and one that it can. */
const NAMES = ['PC', ' first', 'last ', ': colon', '< less', 'Prüfstand 設備 💻', 'two\nlines', '# no comment'];

describe('renderLdif', () => {
  it('gives each change its record: an add, a modify that names old values and the mark, a delete', () => {
    const objects = [
      deviceObject(2),
      deviceObject(3),
      deviceObject(4, { mark: removedMark(daysAgo(31)), attributes: { 'msDS-IsEnabled': ['FALSE'] } }),
    ];
    const devices = [entraDevice(1), entraDevice(2, { displayName: 'Prüfstand', operatingSystem: null })];
    const plan = computePlan(planInput({ devices, objects, absences: gone(3, 4) }));
    expect(renderLdif(plan).split('\n')).to.deep.equal([
      'version: 1',
      `# tenant ${plan.tenantId}, container ${CONTAINER}, digest ${plan.digest}`,
      '',
      '# Disable "PC-3": the Entra device is gone; its 30 days of retention start now.',
      `dn: CN=${deviceId(3)},${CONTAINER}`,
      'changetype: modify',
      'delete: adminDescription',
      `adminDescription: ${MARK}`,
      '-',
      'add: adminDescription',
      `adminDescription: ${removedMark(NOW)}`,
      '-',
      'delete: msDS-IsEnabled',
      'msDS-IsEnabled: TRUE',
      '-',
      'add: msDS-IsEnabled',
      'msDS-IsEnabled: FALSE',
      '-',
      '',
      '# Update "PC-2": displayName, msDS-DeviceOSType.',
      `dn: CN=${deviceId(2)},${CONTAINER}`,
      'changetype: modify',
      'delete: adminDescription',
      `adminDescription: ${MARK}`,
      '-',
      'add: adminDescription',
      `adminDescription: ${MARK}`,
      '-',
      'delete: displayName',
      'displayName: PC-2',
      '-',
      'add: displayName',
      `displayName:: ${Buffer.from('Prüfstand').toString('base64')}`,
      '-',
      'delete: msDS-DeviceOSType',
      'msDS-DeviceOSType: Windows',
      '-',
      '',
      '# Create the device object of "PC-1".',
      `dn: CN=${deviceId(1)},${CONTAINER}`,
      'changetype: add',
      'objectClass: msDS-Device',
      `adminDescription: ${MARK}`,
      `altSecurityIdentities: ${key(1)}`,
      'displayName: PC-1',
      'msDS-CloudAnchor:: AAAAAAAAAECQAAAAAAAAAQ==',
      'msDS-DeviceID:: AAAAAAAAAECAAAAAAAAAAQ==',
      'msDS-DeviceObjectVersion: 2',
      'msDS-DeviceOSType: Windows',
      'msDS-DeviceOSVersion: 10.0.26100.1',
      'msDS-DevicePhysicalIDs: [GID]:g:1',
      'msDS-DevicePhysicalIDs: [HWID]:h:1',
      'msDS-IsCompliant: TRUE',
      'msDS-IsEnabled: TRUE',
      'msDS-IsManaged: TRUE',
      '',
      '# Delete "PC-4": the Entra device is gone and its retention time is over; no undo brings back the time of its last logon.',
      `dn: CN=${deviceId(4)},${CONTAINER}`,
      'changetype: modify',
      'delete: adminDescription',
      `adminDescription: ${removedMark(daysAgo(31))}`,
      '-',
      'add: adminDescription',
      `adminDescription: ${removedMark(daysAgo(31))}`,
      '-',
      '',
      `dn: CN=${deviceId(4)},${CONTAINER}`,
      'changetype: delete',
      '',
      '',
    ]);
  });

  it('tells in comments what is held, noted and refused, each on one line', () => {
    const plan: Plan = {
      ...computePlan(planInput({ devices: [entraDevice(1, { displayName: null })] })),
      notices: ['a\nchangetype: delete'],
      refusal: { code: 'RemovalThreshold', sentence: 'Too many.', remedy: 'Look.' },
    };
    const lines = renderLdif(plan).split('\n');
    expect(lines).to.include('# a changetype: delete');
    expect(lines).to.include('# refused: RemovalThreshold: Too many.');
    expect(lines.find((line) => line.startsWith('# held Unusable: "'))).to.be.a('string');
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).to.deep.equal(['version: 1']);
  });

  it('says before a delete or a new key what that does to the transport key', () => {
    const objects = [
      deviceObject(1, {
        hasTransportKey: true,
        mark: removedMark(daysAgo(31)),
        attributes: { 'msDS-IsEnabled': ['FALSE'] },
      }),
      deviceObject(2, { hasTransportKey: true }),
    ];
    const devices = [entraDevice(2, { alternativeSecurityIds: [entry(key(3))] })];
    const text = renderLdif(computePlan(planInput({ devices, objects, absences: gone(1) })));
    expect(text.split('\n').filter((line) => line.startsWith('# warning'))).to.deep.equal([
      '# warning: TransportKeyStale: msDS-KeyCredentialLink is kept, though key or registration change',
      '# warning: TransportKeyLost: msDS-KeyCredentialLink goes with the object, and no undo brings it back',
    ]);
  });

  it('gives the adopted object its mark without naming one that it lacks', () => {
    const base = computePlan(
      planInput({ devices: [entraDevice(1, { displayName: 'New' })], objects: [deviceObject(1)] }),
    );
    const changes = base.changes.map((change) => ({
      ...change,
      mark: null,
      attributes: [{ attribute: 'adminDescription' as const, before: [], after: [MARK] }, ...change.attributes],
    }));
    const text = renderLdif({ ...base, changes });
    expect(text).to.include(
      `changetype: modify\nadd: adminDescription\nadminDescription: ${MARK}\n-\ndelete: displayName`,
    );
  });

  describe('with the ldapmodify of OpenLDAP', () => {
    let domainController: DomainController;
    let directory: Directory;

    before(async () => {
      domainController = await startDomainController({ schema: 87, prepared: true });
      directory = directoryOf(domainController);
    });

    after(async () => {
      await directory?.close();
      await domainController?.stop();
    });

    const objectsNow = async (): Promise<DeviceObject[]> => {
      const objects: DeviceObject[] = [];
      for await (const object of directory.devices(CONTAINER, NEVER)) objects.push(object);
      return objects;
    };
    const values = (objects: readonly DeviceObject[]): unknown =>
      objects
        .map(({ name, attributes, adminDescription }) => ({ name, attributes, adminDescription }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const planOf = async (parts: Partial<PlanInput>): Promise<{ plan: Plan; objects: DeviceObject[] }> => {
      const objects = await objectsNow();
      const census = takeCensus(objects, planInput().tenantId);
      return { objects, plan: computePlan(planInput({ objects, census, ...parts })) };
    };

    it('leaves the directory as the plan says: creates, updates, disables, enables, deletes and the undo of them', async () => {
      expect(domainController.deviceContainerDn).to.equal(CONTAINER);
      const devices = NAMES.map((displayName, number) => entraDevice(number, { displayName }));
      const first = await planOf({ devices });
      await domainController.ldapModify(renderLdif(first.plan));
      const created = await objectsNow();
      expect(values(created)).to.deep.equal(values(applied([], first.plan.changes, NOW)));

      const marked = await planOf({ devices: devices.slice(1), absences: gone(0) });
      await domainController.ldapModify(renderLdif(marked.plan));
      const changed = devices.slice(1).map((device, index) => ({
        ...device,
        displayName: NAMES[index] ?? null,
        accountEnabled: index % 2 === 0,
        alternativeSecurityIds: [entry(key(index + 1)), entry(key(index + 100))],
        physicalIds: index === 0 ? null : [`[HWID]:h:${index + 1}`, ' space'],
      }));
      const policy = { deleteAfterDays: 0, keepRemoved: false, maximumRemoval: null, adopt: false };
      const second = await planOf({ devices: changed, absences: gone(0), policy });
      expect(new Set(second.plan.changes.map(({ action }) => action))).to.deep.equal(
        new Set(['disable', 'update', 'delete']),
      );
      await domainController.ldapModify(renderLdif(second.plan));
      const written = values(await objectsNow());
      expect(written).to.deep.equal(values(applied(second.objects, second.plan.changes, NOW)));

      const begun = second.plan.changes.map((change) => ({ change, state: 'applied' as const }));
      await domainController.ldapModify(renderLdif(undoPlan({ ...second.plan, runId: 'second' }, begun)));
      expect(values(await objectsNow()), 'after the undo').to.deep.equal(values(second.objects));
      const again = await planOf({ devices: changed, absences: gone(0), policy });
      await domainController.ldapModify(renderLdif(again.plan));
      expect(values(await objectsNow()), 'after the undone run came again').to.deep.equal(written);

      const third = await planOf({ devices });
      await domainController.ldapModify(renderLdif(third.plan));
      expect(third.plan.changes.map(({ action }) => action)).to.include('enable');
      expect(values(await objectsNow())).to.deep.equal(values(created));
    });

    it('is refused by the server where the mark is not the planned one any more', async () => {
      const { plan } = await planOf({ devices: [entraDevice(0, { displayName: 'Renamed' })], absences: new Map() });
      const update = plan.changes.filter(({ action }) => action === 'update');
      await domainController.ldapModify(
        `dn: ${update[0]?.distinguishedName}\nchangetype: modify\nreplace: adminDescription\nadminDescription: mine\n`,
      );
      const attempt = domainController.ldapModify(renderLdif({ ...plan, changes: update }));
      const error = await attempt.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(ProgramError);
      expect((await objectsNow()).map(({ attributes }) => attributes.displayName)).not.to.deep.include(['Renamed']);
    });
  });
});
