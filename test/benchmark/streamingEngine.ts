/**
 * An engine whose plan is made of nothing: the real protocol code of the engine, and a `plan` that emits as many creates
 * as `maximumRemoval` says, each with the attributes that an ordinary device object gets.
 */
import {
  METHODS,
  PROTOCOL_VERSION,
  type Method,
  type PlanResult,
  type WireChange,
} from '../../src/protocol/messages.ts';
import { createChannel } from '../../src/protocol/channel.ts';
import { serve, type Handler } from '../../src/protocol/serve.ts';

const plan: Handler = async (params, { outputs }): Promise<PlanResult> => {
  const changes = Number((params as { maximumRemoval?: number }).maximumRemoval);
  for (let number = 0; number < changes; number += 1) await outputs.emit('change', create(number));
  return { handle: 'synthetic', digest: '0'.repeat(64), changes, held: 0, unchanged: 0, summary: '', refusal: null };
};

const release: Handler = async () => ({});

const unknown: Handler = async () => {
  throw new Error('This engine only plans.');
};

const handlers = Object.fromEntries(
  METHODS.map((method) => [method, method === 'plan' ? plan : method === 'release' ? release : unknown]),
) as Record<Method, Handler>;

await serve(createChannel(process.stdin, process.stdout), handlers, {
  protocol: PROTOCOL_VERSION,
  version: '0.0.0-synthetic',
  node: process.versions.node,
});
process.exit(0);

function create(number: number): WireChange {
  const digits = String(number).padStart(12, '0');
  const deviceId = `5d1a7a52-0b5e-4c0e-9d3f-${digits}`;
  const objectId = `c07f2b1e-88a4-4f0d-b6a3-${digits}`;
  const name = `DESKTOP-${digits}`;
  const values: Readonly<Record<string, readonly string[]>> = {
    adminDescription: ['DeviceWriteback 72f988bf-86f1-41af-91ab-2d7cd011db47'],
    altSecurityIdentities: [
      `X509:<SHA1-TP-PUBKEY>D09A73223D16855752C5E82${digits}50103EfAEQj2hW5Ox+vjZP9wx5rOLbJypnn7SVJ8aw+GVD42Y=`,
    ],
    displayName: [name],
    'msDS-CloudAnchor': [objectId],
    'msDS-DeviceID': [deviceId],
    'msDS-DeviceObjectVersion': ['2'],
    'msDS-DeviceOSType': ['Windows'],
    'msDS-DeviceOSVersion': ['10.0.26100.4652'],
    'msDS-DevicePhysicalIDs': [`[GID]:g:6825773${digits}`, `[HWID]:h:6755410${digits}`],
    'msDS-IsCompliant': ['TRUE'],
    'msDS-IsEnabled': ['TRUE'],
    'msDS-IsManaged': ['TRUE'],
    'msDS-RegisteredOwner': [`S-1-5-21-3623811015-3361044348-30300820-${number}`],
  };
  return {
    number,
    action: 'Create',
    name,
    deviceId,
    objectId,
    distinguishedName: `CN=${deviceId},CN=RegisteredDevices,DC=corp,DC=contoso,DC=test`,
    reason: 'Flow',
    description: `Create the device object of ${name}.`,
    warnings: [],
    attributes: Object.entries(values).map(([attribute, after]) => ({ name: attribute, before: [], after })),
  };
}
