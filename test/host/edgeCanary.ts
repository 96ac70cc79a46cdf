/**
 * Uses Node's OpenSSL and .NET's in turn, in one process. Arguments: module/bin, the thumbprint of a certificate of the
 * store. Prints what the tests compare, as one line of JSON.
 */
import { createHash } from 'node:crypto';
import { createHostServicesOverEdge } from '../../src/host/overEdge.ts';
import { asciiJson } from '../../src/protocol/channel.ts';

const [, , binFolder = '', thumbprint = ''] = process.argv;
const hash = (): string => createHash('sha256').update('canary').digest('hex');
const services = createHostServicesOverEdge(binFolder);
const reference = { thumbprint, storeLocation: null };
const before = hash();
const { certificate } = await services.findCertificate(reference);
const between = hash();
const signature = await services.sign(reference, 'RS256', Buffer.from('canary'));
const base64 = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('base64');
process.stdout.write(
  asciiJson({
    hashes: [before, between, hash()],
    certificate: base64(certificate),
    signature: base64(signature),
    edgeVariables: Object.keys(process.env).filter((name) => name.startsWith('EDGE_')),
  }),
);
