/** What Linux has counted of a process that runs. */
import { readFileSync } from 'node:fs';

/** Of Linux on every architecture that Node runs on (sysconf _SC_CLK_TCK). */
const TICKS_PER_SECOND = 100;

/** User and system time of all its threads, in seconds. Source: proc_pid_stat(5), fields 14 and 15. */
export function processorSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in parentheses and may hold spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The most physical memory that it has held at once, in MiB. Source: proc_pid_status(5), VmHWM. */
export function peakMebibytes(pid: number): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kibibytes === undefined) throw new Error(`The system does not say how much memory process ${pid} has held.`);
  return Number(kibibytes) / 1024;
}
