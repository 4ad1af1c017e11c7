import { printable } from '../output/printable.js';
import { wrap } from '../output/wrap.js';
import type { Rates } from './Meter.js';
import { count, perSecond } from './numbers.js';
import type { Snapshot } from './snapshot.js';
import { daemonTable, serverTable } from './tables.js';
import { cell, fit, type Part, sparkline, widthOfParts } from './text.js';

/** The size of the screen. */
export interface Size {
  columns: number;
  rows: number;
}

/** The width from which chat servers are shown beside the daemons instead of below. */
const SIDE_BY_SIDE = 150;
const GAP = 3;

/** The lines of the view, which fit the screen. */
export function frame(snapshot: Snapshot, { columns, rows }: Size, isLive: boolean): string[] {
  const head = [...headLines(snapshot, columns, isLive), []];
  const room = Math.max(rows - head.length, 0);
  const body = columns >= SIDE_BY_SIDE ? beside(snapshot, columns, room) : below(snapshot, columns, room);
  return [...head, ...body].slice(0, rows).map((parts) => fit(parts, columns));
}

function headLines(snapshot: Snapshot, columns: number, isLive: boolean): Part[][] {
  const { stats, online, rates, faults } = snapshot;
  const clock = `${snapshot.time.toISOString().slice(11, 19)}Z${isLive ? '  q leaves' : ''}`;
  const title = ['imstate top', snapshot.service, snapshot.registry].filter(Boolean).join('  ');
  const counts = `users ${count(stats?.usersOnline)}   devices ${count(stats?.devicesOnline)}   `;
  const byPlatform = Object.entries(stats?.devicesByPlatform ?? {})
    .sort(([, a], [, b]) => b - a)
    .map(([platform, devices]) => `${platform || 'not named'} ${count(devices)}`);
  return [
    [[cell(title, Math.max(columns - clock.length - 1, 0)), 'bold'], ' ', [clock, 'gray']],
    [
      [counts, 'bold'],
      [sparkline(online, columns - counts.length), 'cyan'],
    ],
    [ratesLine(rates)],
    [`platforms  ${byPlatform.join('  ') || '-'}`],
    // Each ends with the key that leaves the view.
    ...faults.flatMap(({ message }) =>
      wrap(printable(message), columns).map((line): Part[] => [[line, 'red']]),
    ),
  ];
}

function ratesLine(rates: Rates | undefined): string {
  const reasons = Object.entries(rates?.endsByReason ?? {})
    .sort(([, a], [, b]) => b - a)
    .map(([reason, rate]) => `${reason.toLowerCase().replace('_', ' ')} ${perSecond(rate)}`);
  const why = reasons.length > 0 ? `: ${reasons.join(', ')}` : '';
  return `logins ${perSecond(rates?.logins)}/s   ends ${perSecond(rates?.ends)}/s${why}`;
}

function below(snapshot: Snapshot, columns: number, rows: number): Part[][] {
  // Daemons and chat servers share the lines: each gets those that the other does not need.
  const wanted = Math.max(snapshot.daemons.length, 1) + 1;
  const forServers = Math.min(snapshot.servers.length + 1, Math.floor(rows / 2));
  const forDaemons = Math.min(wanted, Math.max(rows - forServers - 1, 0));
  return [
    ...daemonTable(snapshot, columns, forDaemons),
    [],
    ...serverTable(snapshot, columns, Math.max(rows - forDaemons - 1, 0)),
  ];
}

function beside(snapshot: Snapshot, columns: number, rows: number): Part[][] {
  const width = Math.floor((columns - GAP) / 2);
  const left = daemonTable(snapshot, width, rows);
  const right = serverTable(snapshot, columns - GAP - width, rows);
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const parts = left[i] ?? [];
    return [...parts, ' '.repeat(width - widthOfParts(parts) + GAP), ...(right[i] ?? [])];
  });
}
