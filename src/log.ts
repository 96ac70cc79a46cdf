export type LogLevel = 'warning' | 'verbose' | 'debug';

/** Where a run tells what it does. Every message passes redaction: no secret that was registered can appear. */
export interface Log {
  warning(message: string): void;
  verbose(message: string): void;
  debug(message: string): void;
  /** Registers a value that must never appear in a message. */
  secret(value: string): void;
  /** The text without the registered secrets. */
  redact(text: string): string;
}

const REDACTED = '[redacted]';

export function createLog(sink: (level: LogLevel, message: string) => void): Log {
  const secrets = new Set<string>();
  const redact = (text: string): string => {
    let clean = text;
    for (const secret of secrets) clean = clean.replaceAll(secret, REDACTED);
    return clean;
  };
  return {
    warning: (message) => sink('warning', redact(message)),
    verbose: (message) => sink('verbose', redact(message)),
    debug: (message) => sink('debug', redact(message)),
    secret: (value) => {
      if (value !== '') secrets.add(value);
    },
    redact,
  };
}
