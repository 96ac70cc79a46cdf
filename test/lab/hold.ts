import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Something that only one process of the machine has at a time, until it lets go or ends in whatever way. */
export interface Hold {
  release(): Promise<void>;
}

/**
 * Takes the name if no process has it; null if one has. The name is an abstract Unix socket (unix(7)), which the kernel
 * gives to one process at a time and frees when that process ends, so nothing stale stays behind a kill.
 */
export function tryHold(name: string): Promise<Hold | null> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.destroy());
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(`\0devicewriteback-lab/${name}`, () => {
      server.unref();
      resolve({ release: () => new Promise((released) => server.close(() => released())) });
    });
  });
}

/** Waits until the name is free and takes it. */
export async function hold(name: string): Promise<Hold> {
  for (;;) {
    const taken = await tryHold(name);
    if (taken) return taken;
    await delay(100);
  }
}
