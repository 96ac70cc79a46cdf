import { visibleText } from '../device/visibleText.ts';

/** Why no answer came: what fetch threw, in words. */
export interface NetworkFailure {
  readonly text: string;
  /** Whether the server's certificate is what failed; another try does not heal that. */
  readonly untrusted: boolean;
}

const CERTIFICATE_CODE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS/;

/** Reads the cause that fetch hides below its own "fetch failed" and, for several addresses, below an AggregateError. */
export function networkFailure(thrown: unknown): NetworkFailure {
  const chain: Error[] = [];
  for (let error = thrown; error instanceof Error && chain.length < 5;) {
    chain.push(error);
    error = error.cause ?? (error instanceof AggregateError ? error.errors[0] : undefined);
  }
  const code = chain.map(codeOf).find((found) => found !== null) ?? null;
  const words = chain.findLast((error) => error.message !== '')?.message ?? String(thrown);
  // The names in a certificate are the other side's own words.
  const text = visibleText(code === null || words.includes(code) ? words : `${words} (${code})`);
  return { text, untrusted: code !== null && CERTIFICATE_CODE.test(code) };
}

function codeOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}
