/** HostServices in the engine's terms, over either way to .NET. */
import type { CertificateReference, Credential, HostServices, NegotiateLeg, SecurityContext } from '../ports.ts';
import { hostFailure, malformed } from './failure.ts';
import { isObject, type Answer, type Invoke, type Members } from './operations.ts';

export function createHostServices(invoke: Invoke): HostServices {
  const ask: Ask = async (operation, members, attempt) => {
    const [service = '', verb = ''] = operation.split('/');
    const answer = await invoke(service, verb, members);
    const { error } = answer;
    if (!isObject(error)) return answer;
    const code = String(error['code']);
    if (code === attempt.tolerated) return null;
    throw hostFailure(code, String(error['message']), attempt.doing, attempt.target);
  };
  return {
    negotiate: (target, credential) => createContext(ask, target, credential),
    findCertificate: async (reference) => {
      const answer = await ask('certificate/find', membersOf(reference), {
        doing: 'Looking for the certificate',
        target: reference.thumbprint,
      });
      return {
        certificate: bytes(answer, 'certificate', 'certificate/find'),
        storeLocation: String(answer?.['storeLocation']),
        hasPrivateKey: answer?.['hasPrivateKey'] === true,
      };
    },
    sign: async (reference, algorithm, data) => {
      const answer = await ask(
        'certificate/sign',
        { ...membersOf(reference), algorithm, data },
        { doing: 'Signing with the certificate', target: reference.thumbprint, tolerated: 'AlgorithmUnsupported' },
      );
      return answer === null ? null : bytes(answer, 'signature', 'certificate/sign');
    },
    protectSecret: async (data) => {
      const answer = await ask('secret/protect', { data }, { doing: 'Protecting', target: 'a secret' });
      return bytes(answer, 'data', 'secret/protect');
    },
    unprotectSecret: async (data) => {
      const answer = await ask('secret/unprotect', { data }, { doing: 'Reading', target: 'a protected secret' });
      return bytes(answer, 'data', 'secret/unprotect');
    },
  };
}

interface Attempt {
  readonly doing: string;
  readonly target: string;
  /** The failure code that is an answer and no error. */
  readonly tolerated?: string;
}

/** null for the tolerated failure. */
type Ask = (operation: string, members: Members, attempt: Attempt) => Promise<Answer | null>;

function createContext(ask: Ask, target: string, credential: Credential | null): SecurityContext {
  const attempt = { doing: 'Signing in to', target };
  let opened: Promise<{ readonly handle: number; readonly first: NegotiateLeg }> | null = null;
  const send = async (operation: string, members: Members): Promise<Answer | null> => {
    if (opened === null) throw hostFailure('ContextBroken', 'nothing was sent to it yet.', attempt.doing, target);
    return ask(`negotiate/${operation}`, { handle: (await opened).handle, ...members }, attempt);
  };
  const open = async (): Promise<{ handle: number; first: NegotiateLeg }> => {
    const answer = await ask('negotiate/open', { target, ...credential }, attempt);
    return { handle: wholeNumber(answer, 'handle', 'negotiate/open'), first: legOf(answer, 'negotiate/open') };
  };
  return {
    step: async (token) => {
      if (token !== null) return legOf(await send('step', { token }), 'negotiate/step');
      opened ??= open();
      return (await opened).first;
    },
    wrap: async (data) => bytes(await send('wrap', { data }), 'data', 'negotiate/wrap'),
    unwrap: async (data) => bytes(await send('unwrap', { data }), 'data', 'negotiate/unwrap'),
    close: async () => {
      // A context that is still being opened is closed once it is; one that never was needs nothing.
      const standing = await opened?.catch(() => null);
      if (standing === null || standing === undefined) return;
      await send('close', {});
    },
  };
}

function legOf(answer: Answer | null, operation: string): NegotiateLeg {
  return { token: bytes(answer, 'token', operation), done: answer?.['done'] === true };
}

function membersOf({ thumbprint, storeLocation }: CertificateReference): Members {
  return { thumbprint, ...(storeLocation === null ? {} : { storeLocation }) };
}

function bytes(answer: Answer | null, member: string, operation: string): Uint8Array {
  const value = answer?.[member];
  if (!(value instanceof Uint8Array)) throw malformed(operation, member);
  return value;
}

function wholeNumber(answer: Answer | null, member: string, operation: string): number {
  const value = answer?.[member];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw malformed(operation, member);
  return value;
}
