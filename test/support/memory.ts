import { readFile } from 'node:fs/promises';

/** Resident memory of a process, in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1_024;
}

/** A row of the table "Memory that callers can occupy" of docs/limits.md. */
export interface HeldRow {
  held: string;
  limit: string;
  /** The maximum growth of the daemon at the limit. */
  maxMiB: number;
}

/** The rows of the table, in order. */
export async function heldRows(): Promise<HeldRow[]> {
  const page = await readFile('docs/limits.md', 'utf8');
  const [, section = ''] = page.split('## Memory that callers can occupy\n');
  const [table = ''] = section.split('\n## ');
  const rows = table.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(2).map((line) => {
    const [, held = '', limit = '', memory = ''] = line.split('|').map((cell) => cell.trim());
    return { held, limit, maxMiB: Number(/^(\d+) MiB$/.exec(memory)?.[1]) };
  });
}
