import { expect } from 'chai';
import type { DeviceObject } from '../../src/device/deviceObject.ts';
import type { Change } from '../../src/plan/change.ts';
import type { Directory, WriteOutcome } from '../../src/ports.ts';
import { type DirectoryUser, type DomainController, startDomainController } from '../lab/domainController.ts';
import { openPassage, type Passage } from './passage.ts';
import {
  apply,
  changeOf,
  creation,
  deletion,
  deviceId,
  deviceOf,
  directoryOf,
  MARK,
  NEVER,
  sampleValues,
  simple,
} from './sample.ts';

const REMOVED = `${MARK} removed 2026-11-22T14:23:12Z`;

describe('writeChange', () => {
  let domainController: DomainController;
  let directory: Directory;
  let container: string;
  let next = 0;

  before(async () => {
    domainController = await startDomainController({ schema: 87, prepared: true });
    directory = directoryOf(domainController);
    container = domainController.deviceContainerDn;
  });

  after(async () => {
    await directory?.close();
    await domainController?.stop();
  });

  /** A new device object as it is read. */
  async function device(changes: Parameters<typeof creation>[2] = {}): Promise<DeviceObject> {
    next += 1;
    await apply(directory, creation(next, container, changes));
    return deviceOf(directory, container, next);
  }

  const write = (change: Change): Promise<WriteOutcome> => directory.write(change, NEVER);
  const now = (object: DeviceObject): Promise<DeviceObject | null> => directory.device(object.objectGuid, NEVER);

  /** What another client does meanwhile. */
  const meanwhile = (object: DeviceObject, lines: string): Promise<void> =>
    domainController.ldapModify(`dn: ${object.distinguishedName}\nchangetype: ${lines}\n`);

  function failureOf(outcome: WriteOutcome): Extract<WriteOutcome, { state: 'failed' }>['error'] {
    if (outcome.state !== 'failed') throw new Error(`it did not fail: ${JSON.stringify(outcome)}`);
    return outcome.error;
  }

  it('creates an object with exactly the values of the change, in one operation', async () => {
    const before = await domainController.highestCommittedUsn();
    const object = await device({ displayName: ['Büro 😀 <1>, "x"+\\'], 'msDS-RegisteredOwner': ['532d31'] });
    expect(await domainController.highestCommittedUsn()).to.equal(before + 1);
    expect(object.attributes).to.deep.equal({
      ...sampleValues(next),
      displayName: ['Büro 😀 <1>, "x"+\\'],
      'msDS-RegisteredOwner': ['532d31'],
    });
    expect(object.adminDescription).to.deep.equal([MARK]);
  });

  it('reads back every text as it was written', async () => {
    const texts = ['\uFEFFmark', ' both ends ', '日本語', 'a\nb', '𝕏'.repeat(128), '*()\\\0'.replace('\0', '')];
    for (const text of texts) {
      const object = await device({ displayName: [text] });
      expect(object.attributes.displayName, JSON.stringify(text)).to.deep.equal([text]);
    }
  });

  it('changes, adds and clears attributes in one operation and keeps the mark', async () => {
    const object = await device();
    const before = await domainController.highestCommittedUsn();
    const after = {
      displayName: ['device'],
      'msDS-IsCompliant': ['TRUE'],
      'msDS-IsManaged': [],
      'msDS-DevicePhysicalIDs': ['[ZTDID]:z'],
    };
    expect(await write(changeOf(object, after))).to.deep.equal({ state: 'applied', objectGuid: null });
    expect(await domainController.highestCommittedUsn()).to.equal(before + 1);
    const { 'msDS-IsManaged': _, ...rest } = object.attributes;
    expect((await now(object))?.attributes).to.deep.equal({
      ...rest,
      displayName: ['device'],
      'msDS-DevicePhysicalIDs': ['[ZTDID]:z'],
      'msDS-IsCompliant': ['TRUE'],
    });
    expect((await now(object))?.adminDescription).to.deep.equal([MARK]);
  });

  it('changes the case of a text, though the directory compares without it', async () => {
    const object = await device({ displayName: ['Device'], altSecurityIdentities: ['X509:a', 'X509:b'] });
    const after = { displayName: ['DEVICE'], altSecurityIdentities: ['X509:A', 'X509:b'] };
    expect((await write(changeOf(object, after))).state).to.equal('applied');
    expect((await now(object))?.attributes).to.include.deep.keys('displayName');
    expect((await now(object))?.attributes.displayName).to.deep.equal(['DEVICE']);
    expect((await now(object))?.attributes.altSecurityIdentities).to.deep.equal(['X509:A', 'X509:b']);
  });

  it('disables with the removed mark and enables again', async () => {
    const object = await device();
    const disable = changeOf(object, { 'msDS-IsEnabled': ['FALSE'], adminDescription: [REMOVED] }, 'disable');
    expect((await write(disable)).state).to.equal('applied');
    const disabled = await deviceOf(directory, container, next);
    expect([disabled.attributes['msDS-IsEnabled'], disabled.adminDescription]).to.deep.equal([['FALSE'], [REMOVED]]);
    const enable = changeOf(disabled, { 'msDS-IsEnabled': ['TRUE'], adminDescription: [MARK] }, 'enable');
    expect((await write(enable)).state).to.equal('applied');
    expect((await now(object))?.adminDescription).to.deep.equal([MARK]);
  });

  it('writes to the object also after it was renamed', async () => {
    const object = await device();
    await meanwhile(object, 'modrdn\nnewrdn: CN=other name\ndeleteoldrdn: 1');
    expect((await write(changeOf(object, { displayName: ['New'] }))).state).to.equal('applied');
    expect(await now(object)).to.include({ name: 'other name' });
  });

  it('marks an object that has no mark, and skips it when another took it meanwhile', async () => {
    const free = await device({ adminDescription: [] });
    expect((await write(changeOf(free, { adminDescription: [MARK] }))).state).to.equal('applied');
    const taken = await device({ adminDescription: [] });
    await meanwhile(taken, 'modify\nadd: adminDescription\nadminDescription: mine');
    expect(await write(changeOf(taken, { adminDescription: [MARK] }))).to.deep.equal({
      state: 'skipped',
      why: 'The mark in adminDescription changed since the object was read; it has "mine" now.',
    });
    expect((await now(taken))?.adminDescription).to.deep.equal(['mine']);
  });

  for (const [what, lines, why] of [
    [
      'a value that the change replaces was changed',
      'modify\nreplace: displayName\ndisplayName: Theirs',
      /displayName/,
    ],
    ['a value that the change clears was taken away', 'modify\ndelete: msDS-IsManaged', /msDS-IsManaged/],
    [
      'a value that the change adds was set',
      'modify\nadd: msDS-IsCompliant\nmsDS-IsCompliant: FALSE',
      /msDS-IsCompliant/,
    ],
    [
      'the mark was changed',
      `modify\nreplace: adminDescription\nadminDescription: ${REMOVED}`,
      /mark in adminDescription.*removed/,
    ],
    ['the mark was taken away', 'modify\ndelete: adminDescription', /mark in adminDescription.*none/],
    ['it was deleted', 'delete', /gone/],
  ] as const) {
    it(`skips an object of which meanwhile ${what}`, async () => {
      const object = await device();
      const change = changeOf(object, { displayName: ['Ours'], 'msDS-IsManaged': [], 'msDS-IsCompliant': ['TRUE'] });
      await meanwhile(object, lines);
      const before = await now(object);
      const outcome = await write(change);
      expect(outcome.state).to.equal('skipped');
      expect(outcome.state === 'skipped' && outcome.why).to.match(why);
      expect(await now(object)).to.deep.equal(before);
    });
  }

  it('is not disturbed by a change of an attribute that it does not name', async () => {
    const object = await device();
    await meanwhile(object, 'modify\nreplace: msDS-DeviceOSVersion\nmsDS-DeviceOSVersion: 11');
    expect((await write(changeOf(object, { displayName: ['Ours'] }))).state).to.equal('applied');
  });

  it('deletes an object that is as it was read', async () => {
    const object = await device();
    expect((await write(deletion(object))).state).to.equal('applied');
    expect(await now(object)).to.equal(null);
  });

  for (const [what, lines] of [
    ['lost its mark', 'modify\ndelete: adminDescription'],
    ['was marked by another', 'modify\nreplace: adminDescription\nadminDescription: other'],
    ['got another anchor', 'modify\nreplace: msDS-CloudAnchor\nmsDS-CloudAnchor:: AAAA'],
    ['was enabled', 'modify\nreplace: msDS-IsEnabled\nmsDS-IsEnabled: TRUE'],
    ['was deleted by another', 'delete'],
  ] as const) {
    it(`does not delete an object that ${what} meanwhile`, async () => {
      const object = await device({ 'msDS-IsEnabled': ['FALSE'] });
      await meanwhile(object, lines);
      const before = await now(object);
      expect((await write(deletion(object))).state).to.equal('skipped');
      expect(await now(object)).to.deep.equal(before);
    });
  }

  it('fails a create whose name is taken by other values or by no device object', async () => {
    const object = await device();
    const error = failureOf(await write(creation(next, container, { displayName: ['Other'] })));
    expect(error).to.include({ code: 'ChangeFailed', target: object.distinguishedName });
    expect(error.message).to.include('other values');
    const more = failureOf(await write(creation(next, container, { 'msDS-IsManaged': [] })));
    expect(more.message).to.include('other values');
  });

  for (const [what, entry, message] of [
    [
      'of which it may read nothing',
      '(D;;RPLCLO;;;<SID>)',
      /taken by an object that .* or one that this account may not read\.$/,
    ],
    [
      'whose objectGUID it may not read',
      '(OD;;RP;bf9679e7-0de6-11d0-a285-00aa003049e2;;<SID>)',
      /^Reading objectGUID of CN=/,
    ],
  ] as const) {
    it(`fails a create whose name is taken by an object ${what}`, async () => {
      const object = await device();
      const user = await domainController.addUser(`svc-blind-${next}`, 'Svc-Passw0rd!');
      await domainController.addAccess(container, `(OA;;CCDC;5df2b673-6d41-4774-b3e8-d52e8ee9ff99;;${user.sid})`);
      await domainController.addAccess(object.distinguishedName, entry.replace('<SID>', user.sid));
      const blind = directoryOf(domainController, { bind: simple(user) });
      try {
        const error = failureOf(await blind.write(creation(next, container), NEVER));
        expect(error).to.include({ target: object.distinguishedName });
        expect(error.message).to.match(message);
        expect(error.remedy).to.match(/read/);
      } finally {
        await blind.close();
      }
    });
  }

  it('takes a create whose object is already there with the very same values for done', async () => {
    const object = await device();
    expect(await write(creation(next, container))).to.deep.equal({ state: 'applied', objectGuid: object.objectGuid });
  });

  it('fails with the words of the server when a value does not fit the schema', async () => {
    const object = await device();
    const error = failureOf(await write(changeOf(object, { displayName: ['x'.repeat(257)] })));
    expect(error).to.include({ code: 'ChangeFailed', target: object.distinguishedName, retryable: false });
    expect(error.message).to.match(/^Updating CN=.* answered \w+ \(\d+\): ./);
    expect(error.detail).to.be.a('string').and.not.equal('');
    expect(error.remedy).to.match(/value/);
  });

  describe('by an account without rights', () => {
    let user: DirectoryUser;
    let weak: Directory;

    before(async () => {
      user = await domainController.addUser('svc-weak', 'Svc-Passw0rd!');
      weak = directoryOf(domainController, { bind: simple(user) });
    });

    after(() => weak?.close());

    it('fails with the one line of dsacls that helps', async () => {
      const object = await device();
      const rights = `dsacls "${container}"`;
      for (const [change, command] of [
        [creation(900_000, container), `${rights} /G "${user.userName}:CCDC;msDS-Device"`],
        [changeOf(object, { displayName: ['New'] }), `${rights} /I:S /G "${user.userName}:RPWP;;msDS-Device"`],
        [deletion(object), `${rights} /G "${user.userName}:CCDC;msDS-Device"`],
      ] as const) {
        const error = failureOf(await weak.write(change, NEVER));
        expect(error).to.include({ code: 'DirectoryForbidden', target: change.distinguishedName });
        expect(error.remedy).to.include(command);
      }
    });
  });

  describe('over a connection that is lost in the middle', () => {
    let passage: Passage;
    let remote: Directory;

    beforeEach(async () => {
      passage = await openPassage(domainController.address, domainController.securePort);
      remote = directoryOf(domainController, { server: passage.server });
      await remote.schema(NEVER);
    });

    afterEach(async () => {
      await remote.close();
      await passage.stop();
    });

    for (const [what, lose] of [
      ['the answer', 'loseAnswers'],
      ['the request', 'loseRequests'],
    ] as const) {
      it(`creates once when ${what} is lost`, async () => {
        next += 1;
        passage[lose]();
        expect((await remote.write(creation(next, container), NEVER)).state).to.equal('applied');
        expect((await deviceOf(directory, container, next)).attributes).to.deep.equal(sampleValues(next));
        expect(passage.connections()).to.equal(2);
      });

      it(`changes once when ${what} is lost`, async () => {
        const object = await device();
        passage[lose]();
        const outcome = await remote.write(changeOf(object, { displayName: ['New'], 'msDS-IsManaged': [] }), NEVER);
        expect(outcome.state).to.equal('applied');
        expect((await now(object))?.attributes.displayName).to.deep.equal(['New']);
      });

      it(`deletes when ${what} is lost`, async () => {
        const object = await device();
        passage[lose]();
        expect((await remote.write(deletion(object), NEVER)).state).to.equal('applied');
        expect(await now(object)).to.equal(null);
      });
    }

    it('does not repeat a change when the object was changed by another in between', async () => {
      const object = await device();
      passage.loseRequests();
      const pending = remote.write(changeOf(object, { displayName: ['Ours'] }), NEVER);
      await meanwhile(object, 'modify\nreplace: displayName\ndisplayName: Theirs');
      expect((await pending).state).to.equal('skipped');
      expect((await now(object))?.attributes.displayName).to.deep.equal(['Theirs']);
    });

    it('ends with an error, not an outcome, when the server stays away', async () => {
      const object = await device();
      await passage.stop();
      const pending = remote.write(changeOf(object, { displayName: ['New'] }), NEVER);
      const error: unknown = await pending.catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'DirectoryUnreachable', retryable: true });
    });

    it('sends nothing after it was cancelled', async () => {
      const stop = new AbortController();
      stop.abort();
      const error: unknown = await remote
        .write(creation(999_999, container), stop.signal)
        .catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'Cancelled' });
      for await (const object of directory.devices(container, NEVER))
        expect(object.name).to.not.equal(deviceId(999_999));
    });
  });
});
