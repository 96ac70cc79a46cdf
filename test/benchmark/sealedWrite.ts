/**
 * The same creates through the same directory code, sealed by Kerberos on port 389 against LDAPS, each into a fresh copy
 * of the same domain controller. No figure is promised: it tells what the way through .NET costs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { BindWay } from '../../src/ports.ts';
import { simple } from '../directory/sample.ts';
import { BIN_FOLDER } from '../host/ways.ts';
import { KerberosClient } from '../lab/kerberos.ts';
import type { DirectoryWrite } from './directoryWriter.ts';
import { alternatingPairs, medianRatio, type Row } from './figure.ts';
import { withFreshDirectory, type FreshDirectory } from './plannedWrite.ts';

const OBJECTS = 1_000;
const PAIRS = 5;
const WRITER = path.join(import.meta.dirname, 'directoryWriter.ts');

export const sealedWrite: Row = {
  name: 'sealedWrite',
  async measure(tell) {
    const sealed = (): Promise<number> =>
      withFreshDirectory(async (directory) => {
        const kerberos = await KerberosClient.create(directory.dc, 'bench');
        await kerberos.signIn(directory.account);
        return write(directory, { kind: 'negotiate', credential: null }, /^LDAP sealed/, kerberos.environment);
      });
    const overTls = (): Promise<number> =>
      withFreshDirectory((directory) => write(directory, simple(directory.account), /^LDAPS/, {}));
    const pairs = await alternatingPairs(PAIRS, sealed, overTls, tell);
    return [
      {
        name: `${OBJECTS} creates sealed by Kerberos through edge-js, over LDAPS`,
        value: medianRatio(pairs),
        unit: 'ratio',
        limit: null,
        bound: 'most',
        samples: pairs.map(({ ours, other }) => ({ sealedSeconds: ours, ldapsSeconds: other })),
      },
    ];
  },
};

/** Seconds that the creates took. */
async function write(
  { dc }: FreshDirectory,
  bind: BindWay,
  wanted: RegExp,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const child = spawn(process.execPath, [WRITER], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const order: DirectoryWrite = {
    server: dc.address,
    caFile: dc.caFile,
    container: dc.deviceContainerDn,
    bind,
    objects: OBJECTS,
    binFolder: BIN_FOLDER,
  };
  child.stdin.end(JSON.stringify(order));
  const said = await text(child.stdout);
  const [code, signal] = await ended;
  if (code !== 0) throw new Error(`The writer ended with ${String(code ?? signal)}.`);
  const { protection, seconds } = JSON.parse(said) as { readonly protection: string; readonly seconds: number };
  if (!wanted.test(protection)) throw new Error(`The connection was protected by ${protection}.`);
  const { entries } = await dc.ldapSearch(dc.deviceContainerDn, '(objectClass=msDS-Device)', ['cn'], 'one');
  if (entries.length !== OBJECTS) throw new Error(`${entries.length} of ${OBJECTS} objects are there.`);
  return seconds;
}
