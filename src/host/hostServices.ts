/** HostServices in the engine's terms, over either way to .NET. */
import type { CertificateReference, Credential, HostServices, SecurityContext } from '../ports.ts';
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
  let handle: number | null = null;
  const send = (operation: string, members: Members): Promise<Answer | null> =>
    ask(`negotiate/${operation}`, { handle: handle ?? 0, ...members }, attempt);
  return {
    step: async (token) => {
      const operation = token === null ? 'open' : 'step';
      const answer = await (token === null
        ? ask('negotiate/open', { target, ...credential }, attempt)
        : send('step', { token }));
      if (token === null) handle = wholeNumber(answer, 'handle', 'negotiate/open');
      return { token: bytes(answer, 'token', `negotiate/${operation}`), done: answer?.['done'] === true };
    },
    wrap: async (data) => bytes(await send('wrap', { data }), 'data', 'negotiate/wrap'),
    unwrap: async (data) => bytes(await send('unwrap', { data }), 'data', 'negotiate/unwrap'),
    close: async () => {
      if (handle !== null) await send('close', {});
      handle = null;
    },
  };
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
