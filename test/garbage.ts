import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Collects everything that nothing refers to, so that what is left can be looked at. */
export const collectGarbage = runInNewContext('gc') as () => void;
