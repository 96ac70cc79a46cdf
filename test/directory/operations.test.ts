/** How many LDAP operations each question costs: none is asked that was not needed. */
import { expect } from 'chai';
import { createDirectory } from '../../src/directory/deviceDirectory.ts';
import type { Directory } from '../../src/ports.ts';
import { startRequestCounter, type RequestCounter } from '../benchmark/requestCounter.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
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

const BIND = 1;
const CHANGES = 3;

describe('the operations of the directory', () => {
  let domainController: DomainController;
  let direct: Directory;
  let container: string;
  let counter: RequestCounter;
  let directory: Directory;

  before(async () => {
    domainController = await startDomainController({ schema: 87, prepared: true });
    direct = directoryOf(domainController);
    container = domainController.deviceContainerDn;
    for (let number = 0; number < 30; number += 1) await apply(direct, creation(number, container));
  });

  after(async () => {
    await direct?.close();
    await domainController?.stop();
  });

  beforeEach(async () => {
    counter = await startRequestCounter(domainController);
    directory = createDirectory(
      { ...settingsOf(domainController), server: counter.server, pageSize: 10 },
      keptLog().log,
    );
  });

  afterEach(async () => {
    await directory.close();
    await counter.stop();
  });

  /** How many operations this took. */
  async function cost(work: () => Promise<unknown>): Promise<number> {
    const already = counter.count();
    await work();
    return counter.count() - already;
  }

  it('are at most four for a run in which nothing changed', async () => {
    const spent = await cost(async () => {
      const { defaultNamingContext } = await directory.rootDse(NEVER);
      const [service] = await directory.registrationServices(NEVER);
      const found = await directory.container(service?.deviceLocation ?? '', NEVER);
      expect(found?.distinguishedName).to.equal(`CN=RegisteredDevices,${defaultNamingContext}`);
      await directory.protection(NEVER);
    });
    expect(spent).to.equal(BIND + 3);
  });

  it('are none before the first question', async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(counter.count()).to.equal(0);
  });

  it('are one for each page of a read, after the schema was read once', async () => {
    expect(await cost(() => directory.schema(NEVER)), 'bind, rootDSE, schema').to.equal(BIND + 2);
    expect(await cost(() => directory.schema(NEVER))).to.equal(0);
    const pages = await cost(async () => expect(await all(directory.devices(container, NEVER))).to.have.lengthOf(30));
    expect(pages).to.be.within(3, 4);
  });

  it('are one for a create or an update, and a look more for a delete', async () => {
    await directory.rootDse(NEVER);
    for (let number = 100; number < 100 + CHANGES; number += 1) {
      expect(await cost(() => apply(directory, creation(number, container)))).to.equal(1);
      const object = await deviceOf(direct, container, number);
      expect(await cost(() => apply(directory, changeOf(object, { displayName: ['New'] })))).to.equal(1);
    }
    await directory.schema(NEVER);
    for (let number = 100; number < 100 + CHANGES; number += 1) {
      const object = await deviceOf(direct, container, number);
      expect(await cost(() => apply(directory, deletion(object)))).to.equal(2);
    }
  });

  it('are one for a look at an object, and one to ask who is signed in', async () => {
    await directory.schema(NEVER);
    const { objectGuid } = await deviceOf(direct, container, 1);
    expect(await cost(() => directory.device(objectGuid, NEVER))).to.equal(1);
    expect(await cost(() => directory.whoAmI(NEVER))).to.equal(1);
  });
});
