import { expect } from 'chai';
import { ATTRIBUTE_NAMES, MARK_ATTRIBUTE } from '../../src/device/attributes.ts';
import type { Connection } from '../../src/directory/connection.ts';
import { LdapRefusal } from '../../src/directory/failure.ts';
import { toRequest, type Request } from '../../src/directory/toRequest.ts';
import type { Directory } from '../../src/ports.ts';
import { type DirectoryUser, type DomainController, startDomainController } from '../lab/domainController.ts';
import { ProgramError } from '../lab/program.ts';
import { vectorsOf } from '../device/vectors.ts';
import { apply, connectTo, creation, deviceOf, directoryOf, MARK, NEVER, simple } from './sample.ts';

interface Results {
  readonly modify: number;
  readonly writeKeyCredentialLink: number;
  readonly rename: number;
  readonly delete: number;
  readonly modifyIsEnabled?: number;
}

interface EffectExpected {
  readonly createLdapResult: number;
  readonly readAsAuthenticatedUser: boolean;
  readonly onObjectsCreatedByAdministrator: Results;
  readonly onOwnObjects?: Results;
}

const effects = vectorsOf<{ addedAces: string[] }, EffectExpected>('acl-effect');

const WRITTEN: readonly string[] = [...ATTRIBUTE_NAMES, MARK_ATTRIBUTE];

/** For displayName alone. */
const WRITE_NAME = '(OA;CIIO;WP;bf967953-0de6-11d0-a285-00aa003049e2;5df2b673-6d41-4774-b3e8-d52e8ee9ff99;<SID>)';

describe('effectiveRights', () => {
  let domainController: DomainController;
  let administrator: Directory;
  let administratorConnection: Connection;
  let container: string;

  before(async () => {
    domainController = await startDomainController({ schema: 87, prepared: true });
    administrator = directoryOf(domainController);
    administratorConnection = connectTo(domainController);
    container = domainController.deviceContainerDn;
  });

  after(async () => {
    await administrator?.close();
    await administratorConnection?.close();
    await domainController?.stop();
  });

  async function accountWith(name: string, entries: readonly string[]): Promise<DirectoryUser> {
    const user = await domainController.addUser(name, 'Svc-Passw0rd!');
    for (const entry of entries) await domainController.addAccess(container, entry.replace('<SID>', user.sid));
    return user;
  }

  async function resultOf(connection: Connection, request: Request): Promise<number> {
    try {
      await connection.write(request, NEVER);
      return 0;
    } catch (error) {
      if (error instanceof LdapRefusal) return error.code;
      throw error;
    }
  }

  const replace = (name: string, attribute: string, value: string): Request => ({
    operation: 'modify',
    name,
    modifications: [{ operation: 'replace', name: attribute, values: [Buffer.from(value)] }],
  });

  async function rename(user: DirectoryUser, name: string, to: string): Promise<number> {
    try {
      await domainController.ldapModify(`dn: ${name}\nchangetype: modrdn\nnewrdn: CN=${to}\ndeleteoldrdn: 1\n`, user);
      return 0;
    } catch (error) {
      if (error instanceof ProgramError && error.exitCode !== null) return error.exitCode;
      throw error;
    }
  }

  /** Tries everything that a vector tells the result of on one object, the last of it the delete. */
  async function tryAll(
    connection: Connection,
    user: DirectoryUser,
    name: string,
    number: number,
  ): Promise<Required<Results>> {
    const link = `B:8:00020000:${name}`;
    const results = {
      modify: await resultOf(connection, replace(name, 'displayName', 'Renamed')),
      modifyIsEnabled: await resultOf(connection, replace(name, 'msDS-IsEnabled', 'FALSE')),
      writeKeyCredentialLink: await resultOf(connection, replace(name, 'msDS-KeyCredentialLink', link)),
      rename: await rename(user, name, `renamed-${number}`),
    };
    const now = results.rename === 0 ? `CN=renamed-${number},${container}` : name;
    return { ...results, delete: await resultOf(connection, { operation: 'delete', name: now }) };
  }

  it('works out from the access control list what it cannot ask an empty container', async () => {
    const own = await administrator.effectiveRights(container, NEVER);
    expect(own).to.deep.equal({
      createDevices: true,
      deleteDevices: true,
      writeAttributes: null,
      inheritedWrite: true,
      missingAttributes: [],
    });
    for (const [name, entries, expected] of [
      ['empty-none', [], [false, false, false]],
      ['empty-create', ['(OA;;CCDC;5df2b673-6d41-4774-b3e8-d52e8ee9ff99;;<SID>)'], [true, true, false]],
      ['empty-write', ['(OA;CIIO;RPWP;;5df2b673-6d41-4774-b3e8-d52e8ee9ff99;<SID>)'], [false, false, true]],
    ] as const) {
      const directory = directoryOf(domainController, { bind: simple(await accountWith(name, entries)) });
      try {
        const rights = await directory.effectiveRights(container, NEVER);
        expect([rights.createDevices, rights.deleteDevices, rights.inheritedWrite], name).to.deep.equal(expected);
        expect(rights.writeAttributes).to.equal(null);
      } finally {
        await directory.close();
      }
    }
  });

  for (const [what, name, entries, missing] of [
    ['nothing', 'write-none', ['(OA;;CCDC;5df2b673-6d41-4774-b3e8-d52e8ee9ff99;;<SID>)'], WRITTEN],
    ['one attribute', 'write-one', [WRITE_NAME], WRITTEN.filter((attribute) => attribute !== 'displayName')],
    // The property set General-Information has displayName and adminDescription. Source: [MS-ADTS] 3.1.1.2.3.3.
    [
      'a property set',
      'write-set',
      ['(OA;CIIO;WP;59ba2f42-79a2-11d0-9020-00c04fc2d3cf;5df2b673-6d41-4774-b3e8-d52e8ee9ff99;<SID>)'],
      WRITTEN.filter((attribute) => !['displayName', 'adminDescription'].includes(attribute)),
    ],
    ['all but one', 'write-rest', ['(A;CI;WP;;;<SID>)', WRITE_NAME.replace('(OA', '(OD')], ['displayName']],
    ['all', 'write-all', ['(OA;CIIO;RPWP;;5df2b673-6d41-4774-b3e8-d52e8ee9ff99;<SID>)'], []],
  ] as const) {
    it(`tells which attributes of new objects an account may not write that may write ${what}`, async () => {
      const user = await accountWith(name, entries);
      const directory = directoryOf(domainController, { bind: simple(user) });
      const connection = connectTo(domainController, { bind: simple(user) });
      const made = creation(50, container);
      try {
        const empty = await directory.effectiveRights(container, NEVER);
        expect(empty.missingAttributes).to.have.members(missing);
        expect(empty.inheritedWrite).to.equal(missing.length === 0 || name === 'write-rest');
        await apply(administrator, made);
        const rights = await directory.effectiveRights(container, NEVER);
        expect(rights.missingAttributes, 'beside an object').to.deep.equal(empty.missingAttributes);
        for (const attribute of ['displayName', 'adminDescription', 'msDS-DeviceOSType']) {
          const result = await resultOf(connection, replace(made.distinguishedName, attribute, 'New'));
          expect(result !== 0, attribute).to.equal(rights.missingAttributes.includes(attribute));
        }
      } finally {
        await administratorConnection.write({ operation: 'delete', name: made.distinguishedName }, NEVER);
        await connection.close();
        await directory.close();
      }
    });
  }

  it('counts the rights of a group of the account', async () => {
    const group = `CN=Writers,CN=Users,${domainController.domainDn}`;
    const user = await accountWith('in-group', []);
    await domainController.ldapAdd(`dn: ${group}\nobjectClass: group\nsAMAccountName: Writers\nmember: ${user.dn}\n`);
    const [entry] = await domainController.ldbSearch('(objectClass=group)', ['objectSid'], group, 'base');
    const sid = entry?.attributes.get('objectSid')?.[0]?.toString() ?? '';
    await domainController.addAccess(container, `(A;CI;GA;;;${sid})`);
    const directory = directoryOf(domainController, { bind: simple(user) });
    try {
      const rights = await directory.effectiveRights(container, NEVER);
      expect(rights).to.include({ createDevices: true, deleteDevices: true, inheritedWrite: true });
    } finally {
      await directory.close();
    }
  });

  it('does not know what it may not read', async () => {
    const user = await accountWith('blind', ['(D;;RC;;;<SID>)']);
    const directory = directoryOf(domainController, { bind: simple(user) });
    try {
      expect(await directory.effectiveRights(container, NEVER)).to.deep.equal({
        createDevices: false,
        deleteDevices: null,
        writeAttributes: null,
        inheritedWrite: null,
        missingAttributes: [],
      });
    } finally {
      await directory.close();
    }
  });

  for (const [index, { name, input, expected }] of effects.entries()) {
    it(`finds beforehand what the directory then allows: ${name}`, async () => {
      const user = await accountWith(`effect-${index}`, input.addedAces);
      const directory = directoryOf(domainController, { bind: simple(user) });
      const connection = connectTo(domainController, { bind: simple(user) });
      try {
        const made = creation(100 + 2 * index, container);
        await apply(administrator, made);
        const device = await deviceOf(directory, container, 100 + 2 * index);
        expect(device.adminDescription, 'read').to.deep.equal(expected.readAsAuthenticatedUser ? [MARK] : []);
        const rights = await directory.effectiveRights(container, NEVER);

        const own = creation(101 + 2 * index, container);
        expect(await resultOf(connection, toRequest(own)), 'create').to.equal(expected.createLdapResult);
        const there = await tryAll(connection, user, made.distinguishedName, 100 + 2 * index);
        expect(there, 'on objects of the administrator').to.include(expected.onObjectsCreatedByAdministrator);
        if (expected.onOwnObjects !== undefined) {
          const mine = await tryAll(connection, user, own.distinguishedName, 101 + 2 * index);
          expect(mine, 'on own objects').to.include(expected.onOwnObjects);
        }

        expect(rights.createDevices).to.equal(expected.createLdapResult === 0);
        expect(rights.deleteDevices).to.equal(there.delete === 0);
        expect(rights.writeAttributes?.has('displayName')).to.equal(there.modify === 0);
        expect(rights.writeAttributes?.has('msDS-IsEnabled')).to.equal(there.modifyIsEnabled === 0);
        expect(rights.inheritedWrite).to.equal(rights.missingAttributes.length === 0);
        expect(rights.missingAttributes.includes('displayName')).to.equal(there.modify !== 0);
        expect(rights.missingAttributes.includes('msDS-IsEnabled')).to.equal(there.modifyIsEnabled !== 0);
      } finally {
        await connection.close();
        await directory.close();
      }
    });
  }
});
