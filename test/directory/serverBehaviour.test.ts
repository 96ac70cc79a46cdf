/** What the directory answers to requests that this program sends, and to those that it must never send. */
import { expect } from 'chai';
import { Control } from 'ldapts';
import type { Connection } from '../../src/directory/connection.ts';
import { LdapRefusal } from '../../src/directory/failure.ts';
import { toRequest, type Modification, type Request } from '../../src/directory/toRequest.ts';
import type { Change } from '../../src/plan/change.ts';
import { type DomainController, startDomainController } from '../lab/domainController.ts';
import {
  CONNECTION_POINT_DN,
  REGISTRATION_CONFIGURATION_DN,
  REGISTRATION_SERVICE_DN,
} from '../lab/registrationService.ts';
import { vectorsOf } from '../device/vectors.ts';
import { connectTo, creation, NEVER } from './sample.ts';
import { graphDevice } from './graphDevice.ts';

interface BehaviourInput {
  readonly schemaVersion?: 69 | 87;
  readonly control?: string;
}

type AddRequest = Extract<Request, { operation: 'add' }>;
type Values = Readonly<Record<string, readonly (string | Buffer)[]>>;

const PERMISSIVE_MODIFY = '1.2.840.113556.1.4.1413';
const TREE_DELETE = '1.2.840.113556.1.4.805';
const MANDATORY = ['objectClass', 'altSecurityIdentities', 'displayName', 'msDS-DeviceID', 'msDS-IsEnabled'];
const PHYSICAL_ID = '[GID]:g:6825773979753362';
const DEVICE_ID = '9d53c6fa-b38e-4509-8fb1-51dedb421aac';

describe('the server', () => {
  const servers = new Map<number, { controller: DomainController; connection: Connection }>();
  let connection: Connection;
  let controller: DomainController;
  let container: string;
  let organizationalUnit: string;
  let device: string;

  before(async () => {
    for (const schema of [69, 87] as const) {
      const started = await startDomainController({ schema, prepared: true });
      servers.set(schema, { controller: started, connection: connectTo(started) });
    }
  });

  after(async () => {
    for (const { controller: one, connection: open } of servers.values()) {
      await open.close();
      await one.stop();
    }
  });

  /** A fresh container with one full device in it. */
  async function begin(schema: 69 | 87, name: string): Promise<void> {
    const server = servers.get(schema);
    if (server === undefined) throw new Error(`no server of schema ${schema}`);
    ({ controller, connection } = server);
    const plain = name.replaceAll('/', ' ');
    container = `CN=${plain},${controller.domainDn}`;
    organizationalUnit = `OU=${plain},${controller.domainDn}`;
    await send(add(container, { objectClass: ['msDS-DeviceContainer'] }));
    await send(add(organizationalUnit, { objectClass: ['organizationalUnit'] }));
    const full = fullDevice();
    device = full.name;
    await send(full);
  }

  const add = (name: string, values: Values): AddRequest => ({
    operation: 'add',
    name,
    attributes: Object.entries(values).map(([attribute, of]) => ({
      name: attribute,
      values: of.map((value) => Buffer.from(value)),
    })),
  });

  function fullDevice(): AddRequest {
    const change: Change = { ...creation(1, container), ...graphDevice('graph-device/full-schema-69', container) };
    const request = toRequest(change);
    if (request.operation !== 'add') throw new Error('an add was expected');
    return request;
  }

  /** A second device with the mandatory attributes, and these changes: an empty list leaves one out. */
  function mandatory(changes: Values): AddRequest {
    const kept = fullDevice().attributes.filter(({ name }) => MANDATORY.includes(name) && !(name in changes));
    const changed = Object.entries(changes).filter(([, values]) => values.length > 0);
    return {
      operation: 'add',
      name: `CN=second,${container}`,
      attributes: [
        ...kept,
        ...changed.map(([name, values]) => ({ name, values: values.map((value) => Buffer.from(value)) })),
      ],
    };
  }

  const modify = (
    name: string,
    operation: Modification['operation'],
    attribute: string,
    ...values: string[]
  ): Request => ({
    operation: 'modify',
    name,
    modifications: [{ operation, name: attribute, values: values.map((value) => Buffer.from(value)) }],
  });

  const service = (name: string, changes: Values): AddRequest =>
    add(`CN=${name},CN=Device Registration Services,${REGISTRATION_CONFIGURATION_DN}`, {
      objectClass: ['msDS-DeviceRegistrationService'],
      'msDS-IsEnabled': ['TRUE'],
      'msDS-DeviceLocation': [container],
      ...changes,
    });

  const without = (request: AddRequest, name: string): AddRequest => ({
    ...request,
    attributes: request.attributes.filter((attribute) => attribute.name !== name),
  });

  const send = (request: Request, control?: string): Promise<void> =>
    connection.write(request, NEVER, control === undefined ? [] : [new Control(control, { critical: true })]);

  const keyLink = (): string => `B:8:00020000:${device}`;

  /** What each vector asks to send; the full device is there already. */
  const requests: Readonly<Record<string, () => Request | Promise<Request>>> = {
    'directory/device-full': async () => {
      await send({ operation: 'delete', name: device });
      return fullDevice();
    },
    'directory/missing-altSecurityIdentities': () => mandatory({ altSecurityIdentities: [] }),
    'directory/missing-displayName': () => mandatory({ displayName: [] }),
    'directory/missing-msDS-DeviceID': () => mandatory({ 'msDS-DeviceID': [] }),
    'directory/missing-msDS-IsEnabled': () => mandatory({ 'msDS-IsEnabled': [] }),
    'directory/empty-displayName': () => mandatory({ displayName: [''] }),
    'directory/displayName-256': () => mandatory({ displayName: ['x'.repeat(256)] }),
    'directory/displayName-257': () => mandatory({ displayName: ['x'.repeat(257)] }),
    'directory/deviceid-3-bytes': () => mandatory({ 'msDS-DeviceID': [Buffer.alloc(3, 1)] }),
    'directory/deviceid-17-bytes': () => mandatory({ 'msDS-DeviceID': [Buffer.alloc(17, 1)] }),
    'directory/deviceid-guid-text': () => mandatory({ 'msDS-DeviceID': [DEVICE_ID] }),
    'directory/ostype-1025': () => mandatory({ 'msDS-DeviceOSType': ['x'.repeat(1025)] }),
    'directory/osversion-513': () => mandatory({ 'msDS-DeviceOSVersion': ['x'.repeat(513)] }),
    'directory/physicalid-1025': () => mandatory({ 'msDS-DevicePhysicalIDs': ['x'.repeat(1025)] }),
    'directory/physicalid-empty': () => mandatory({ 'msDS-DevicePhysicalIDs': [''] }),
    'directory/boolean-lower-case': () => mandatory({ 'msDS-IsEnabled': ['true'] }),
    'directory/integer-as-text': () => mandatory({ 'msDS-DeviceObjectVersion': ['two'] }),
    'directory/two-display-names': () => mandatory({ displayName: ['one', 'two'] }),
    'directory/two-device-ids': () => mandatory({ 'msDS-DeviceID': [Buffer.alloc(16, 1), Buffer.alloc(16, 2)] }),
    'directory/msDS-IsCompliant-schema-87': () => mandatory({ 'msDS-IsCompliant': ['TRUE'] }),
    'directory/msDS-IsCompliant-schema-69': () => mandatory({ 'msDS-IsCompliant': ['TRUE'] }),
    'directory/msDS-DeviceTrustType-schema-87': () => mandatory({ 'msDS-DeviceTrustType': ['2'] }),
    'directory/msDS-DeviceTrustType-schema-69': () => mandatory({ 'msDS-DeviceTrustType': ['2'] }),
    'directory/unknown-attribute': () => mandatory({ 'msDS-NoSuchAttribute': ['x'] }),
    'directory/arbitrary-altsecid-text': () => mandatory({ altSecurityIdentities: ['x'] }),
    'directory/duplicate-deviceid': () => mandatory({}),
    'directory/same-dn': () => fullDevice(),
    'directory/device-under-ou': () => ({ ...mandatory({}), name: `CN=second,${organizationalUnit}` }),
    'directory/device-under-domain-root': () => ({ ...mandatory({}), name: `CN=second,${controller.domainDn}` }),
    'directory/container-in-ou': () => add(`CN=in,${organizationalUnit}`, { objectClass: ['msDS-DeviceContainer'] }),
    'directory/container-in-computers': () =>
      add(`CN=in,CN=Computers,${controller.domainDn}`, { objectClass: ['msDS-DeviceContainer'] }),
    'directory/container-under-container': () => add(`CN=in,${container}`, { objectClass: ['container'] }),
    'directory/computer-under-container': () =>
      add(`CN=in,${container}`, { objectClass: ['computer'], sAMAccountName: ['in$'] }),
    'directory/second-device-container': () =>
      add(`CN=Second,${controller.domainDn}`, { objectClass: ['msDS-DeviceContainer'] }),
    'directory/second-drs-object': () => service('Second', {}),
    'directory/drs-minimal': () => service('Minimal', {}),
    'directory/drs-without-location': () => without(service('NoLocation', {}), 'msDS-DeviceLocation'),
    'directory/drs-location-missing-target': () =>
      service('NoTarget', { 'msDS-DeviceLocation': [`CN=Absent,${controller.domainDn}`] }),
    'directory/delete-and-recreate': async () => {
      await send({ operation: 'delete', name: device });
      return { ...mandatory({}), name: device };
    },
    'directory/key-credential-schema-69': () => modify(device, 'add', 'msDS-KeyCredentialLink', keyLink()),
    'directory/modify-device-location': () =>
      modify(REGISTRATION_SERVICE_DN, 'replace', 'msDS-DeviceLocation', container),
    'directory/scp-keyword-257': () => modify(CONNECTION_POINT_DN, 'add', 'keywords', 'x'.repeat(257)),
    'directory/delete-mandatory': () => modify(device, 'delete', 'altSecurityIdentities'),
    'directory/delete-value-not-present': () => modify(device, 'delete', 'displayName', 'another'),
    'directory/add-value-already-present': () => modify(device, 'add', 'msDS-DevicePhysicalIDs', PHYSICAL_ID),
    'directory/delete-absent-attribute': () => modify(device, 'delete', 'description'),
    'directory/permissive-add-present': () => modify(device, 'add', 'msDS-DevicePhysicalIDs', PHYSICAL_ID),
    'directory/permissive-delete-absent': () => modify(device, 'delete', 'description'),
    'directory/replace-with-nothing': () => modify(device, 'replace', 'description'),
    'directory/modify-missing-object': () => modify(`CN=absent,${container}`, 'replace', 'displayName', 'x'),
    'directory/delete-missing-object': () => ({ operation: 'delete', name: `CN=absent,${container}` }),
    'directory/delete-non-empty-container': () => ({ operation: 'delete', name: container }),
    'directory/tree-delete': () => ({ operation: 'delete', name: container }),
  };

  /** The vector speaks of a lab whose schema lacks a step that this lab does: here the same link is accepted. */
  const OTHER_LAB = 'directory/key-credential-self-link-without-top-step';

  const vectors = (['directory-add', 'directory-modify', 'directory-delete'] as const)
    .flatMap((kind) => vectorsOf<BehaviourInput, { sambaResult: number; sambaResultName: string }>(kind))
    .filter(({ name }) => name !== OTHER_LAB);

  it('is asked for every vector', () => {
    expect(vectors.map(({ name }) => name).sort()).to.deep.equal(Object.keys(requests).sort());
    const controls = vectors.map(({ input }) => input.control).filter((control) => control !== undefined);
    expect(new Set(controls)).to.deep.equal(new Set([PERMISSIVE_MODIFY, TREE_DELETE]));
  });

  for (const { name, input, expected } of vectors) {
    for (const schema of input.schemaVersion === undefined ? ([69, 87] as const) : [input.schemaVersion]) {
      it(`answers ${expected.sambaResultName} to ${name} with schema ${schema}`, async () => {
        await begin(schema, name);
        const request = await requests[name]?.();
        if (request === undefined) throw new Error(`nothing to send for ${name}`);
        const code = await send(request, input.control).then(
          () => 0,
          (error: unknown) => (error instanceof LdapRefusal ? error.code : Promise.reject(error as Error)),
        );
        expect(code).to.equal(expected.sambaResult);
      });
    }
  }

  it('takes a key credential that points at its own object', async () => {
    await begin(87, 'key link');
    await send(modify(device, 'add', 'msDS-KeyCredentialLink', keyLink()));
  });

  for (const { name, expected } of vectorsOf<unknown, { sambaResultName: string }>('directory-modifydn')) {
    it(`answers ${expected.sambaResultName} to ${name}`, async () => {
      await begin(87, name);
      await controller.ldapModify(`dn: ${device}\nchangetype: modrdn\nnewrdn: CN=renamed\ndeleteoldrdn: 1\n`);
      await send(modify(`CN=renamed,${container}`, 'replace', 'displayName', 'x'));
    });
  }
});
