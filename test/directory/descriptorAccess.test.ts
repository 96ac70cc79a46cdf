import { expect } from 'chai';
import type { Directory } from '../../src/ports.ts';
import { type DirectoryUser, type DomainController, startDomainController } from '../lab/domainController.ts';
import { leastRightsSddl } from '../lab/registrationService.ts';
import { directoryOf, NEVER, simple } from './sample.ts';

describe('descriptorAccess', () => {
  let domainController: DomainController;
  let administrator: Directory;
  let writer: DirectoryUser;
  let container: string;

  before(async () => {
    domainController = await startDomainController({ schema: 87, prepared: true });
    administrator = directoryOf(domainController);
    container = domainController.deviceContainerDn;
    writer = await domainController.addUser('svc-writer', 'Svc-Passw0rd!');
  });

  after(async () => {
    await administrator?.close();
    await domainController?.stop();
  });

  /** The security descriptor as the database holds it, with owner, group and SACL. */
  async function wholeDescriptor(): Promise<string> {
    const [entry] = await domainController.ldbSearch('(objectClass=*)', ['nTSecurityDescriptor'], container, 'base');
    return entry?.attributes.get('nTSecurityDescriptor')?.[0]?.toString() ?? '';
  }

  const entriesOf = (sddl: string): string[] => sddl.match(/\([^)]*\)/g) ?? [];

  it('adds the two least rights and changes nothing else of the descriptor', async () => {
    const before = await administrator.grant(container, writer.sid, NEVER);
    const wholeBefore = await wholeDescriptor();
    expect(before.missing.join('')).to.equal(leastRightsSddl(writer.sid));

    await administrator.addGrant(container, writer.sid, NEVER);

    const after = await administrator.grant(container, writer.sid, NEVER);
    expect(after.missing).to.deep.equal([]);
    const added = entriesOf(after.dacl).filter((entry) => !entriesOf(before.dacl).includes(entry));
    expect(added.join('')).to.equal(leastRightsSddl(writer.sid));
    expect(added.reduce((dacl, entry) => dacl.replace(entry, ''), after.dacl)).to.equal(before.dacl);
    const wholeAfter = await wholeDescriptor();
    expect(wholeBefore).to.match(/^O:/);
    expect(added.reduce((sddl, entry) => sddl.replace(entry, ''), wholeAfter)).to.equal(wholeBefore);
  });

  it('puts them before the inherited entries', async () => {
    const { dacl } = await administrator.grant(container, writer.sid, NEVER);
    const entries = entriesOf(dacl);
    const last = entries.findLastIndex((entry) => entry.includes(writer.sid));
    const inherited = entries.map((entry) => entry.split(';')[1]?.includes('ID') === true);
    expect(inherited.slice(0, last + 1)).to.not.include(true);
    expect(inherited.slice(last + 1)).to.not.include(false);
  });

  it('writes nothing when nothing is missing', async () => {
    const before = await domainController.highestCommittedUsn();
    await administrator.addGrant(container, writer.sid, NEVER);
    expect(await domainController.highestCommittedUsn()).to.equal(before);
  });

  it('adds the one of the two that is missing', async () => {
    const half = await domainController.addUser('svc-half', 'Svc-Passw0rd!');
    const [create, write] = entriesOf(leastRightsSddl(half.sid));
    await domainController.addAccess(container, create ?? '');
    expect((await administrator.grant(container, half.sid, NEVER)).missing).to.deep.equal([write]);
    await administrator.addGrant(container, half.sid, NEVER);
    expect((await administrator.grant(container, half.sid, NEVER)).missing).to.deep.equal([]);
  });

  it('says who can grant when the account may not', async () => {
    const directory = directoryOf(domainController, { bind: simple(writer) });
    const other = await domainController.addUser('svc-other', 'Svc-Passw0rd!');
    try {
      const error: unknown = await directory.addGrant(container, other.sid, NEVER).catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'DirectoryForbidden', target: container });
    } finally {
      await directory.close();
    }
  });

  it('says that there is no such container', async () => {
    const absent = `CN=Absent,${domainController.domainDn}`;
    const error: unknown = await administrator.grant(absent, writer.sid, NEVER).catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'ContainerMissing', target: absent });
  });

  it('says that the permissions cannot be read', async () => {
    await domainController.addAccess(container, `(D;;RC;;;${writer.sid})`);
    const directory = directoryOf(domainController, { bind: simple(writer) });
    try {
      const error: unknown = await directory.grant(container, writer.sid, NEVER).catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'DirectoryForbidden', target: container });
    } finally {
      await directory.close();
    }
  });
});
