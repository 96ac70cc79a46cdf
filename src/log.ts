export type LogLevel = 'warning' | 'verbose' | 'debug';

/** A message, or what makes it where that costs something: mostly nobody listens. */
export type Message = string | (() => string);

/** Where a run tells what it does. Every message passes redaction: no secret that was registered can appear. */
export interface Log {
  warning(message: Message): void;
  verbose(message: Message): void;
  debug(message: Message): void;
  /** Registers a value that must never appear in a message. */
  secret(value: string): void;
  /** The text without the registered secrets. */
  redact(text: string): string;
}

const REDACTED = '[redacted]';

/** @param hears whether a message of this level goes anywhere */
export function createLog(
  sink: (level: LogLevel, message: string) => void,
  hears: (level: LogLevel) => boolean = () => true,
): Log {
  const secrets = new Set<string>();
  const redact = (text: string): string => {
    let clean = text;
    for (const secret of secrets) clean = clean.replaceAll(secret, REDACTED);
    return clean;
  };
  const say = (level: LogLevel, message: Message): void => {
    if (hears(level)) sink(level, redact(typeof message === 'string' ? message : message()));
  };
  return {
    warning: (message) => say('warning', message),
    verbose: (message) => say('verbose', message),
    debug: (message) => say('debug', message),
    secret: (value) => {
      if (value !== '') secrets.add(value);
    },
    redact,
  };
}

/** A log that can be turned over to another call; the secrets that it was told go with it. */
export interface Relay extends Log {
  to(next: Log): void;
}

/** What a plan opens outlives the call that asked for the plan: it tells the call that uses it now. */
export function createRelay(first: Log): Relay {
  let log = first;
  const secrets: string[] = [];
  return {
    warning: (message) => log.warning(message),
    verbose: (message) => log.verbose(message),
    debug: (message) => log.debug(message),
    redact: (text) => log.redact(text),
    secret: (value) => {
      secrets.push(value);
      log.secret(value);
    },
    to: (next) => {
      log = next;
      for (const value of secrets) log.secret(value);
    },
  };
}
