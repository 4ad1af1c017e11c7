import type { ChatServer } from 'imstate-client';
import type { DaemonHealth } from './Daemons.js';
import { count } from './numbers.js';
import type { Snapshot } from './snapshot.js';
import { cell, type Paint, type Part, sparkline } from './text.js';

/** Columns between two cells. */
const GAP = 2;
const ADDRESS = { least: 15, max: 45 };
/** The widths of the cells after the address. */
const DAEMON = { health: 11, latency: 10, latencies: 12 };
const SERVER = { sessions: 12, lease: 6, left: 9 };

/** The daemons in at most `rows` lines. */
export function daemonTable({ daemons }: Snapshot, columns: number, rows: number): Part[][] {
  const address = addressWidth(columns, DAEMON);
  const head = row(
    cell('DAEMON', address),
    cell('HEALTH', DAEMON.health),
    cell('LATENCY', DAEMON.latency, 'right'),
  );
  const toLine = ({ addr, health, latencyMs, latencies }: DaemonHealth) => {
    const paint: Paint = health === 'SERVING' ? 'green' : health === 'UNREACHABLE' ? 'red' : 'yellow';
    const latency = latencyMs === undefined ? '-' : `${latencyMs.toFixed(2)} ms`;
    return row(
      ...[cell(addr, address), [cell(health, DAEMON.health), paint] as Part],
      ...[cell(latency, DAEMON.latency, 'right'), [sparkline(latencies, DAEMON.latencies), 'cyan'] as Part],
    );
  };
  return table(head, daemons.map(toLine), rows, false);
}

/** The chat servers in at most `rows` lines. */
export function serverTable(
  { servers, hasMoreServers, time }: Snapshot,
  columns: number,
  rows: number,
): Part[][] {
  const address = addressWidth(columns, SERVER);
  const head = row(
    ...[cell('CHAT SERVER', address), cell('SESSIONS', SERVER.sessions, 'right')],
    ...[cell('LEASE', SERVER.lease), cell('LEFT', SERVER.left, 'right')],
  );
  const toLine = ({ serverAddr, sessions, lease }: ChatServer) => {
    const paint: Paint = lease?.state === 'ALIVE' ? 'green' : lease?.state === 'LOST' ? 'red' : 'yellow';
    const left = lease?.expireTime && Math.round((lease.expireTime.getTime() - time.getTime()) / 1_000);
    return row(
      ...[cell(serverAddr, address), cell(count(sessions), SERVER.sessions, 'right')],
      [cell(lease?.state ?? '-', SERVER.lease), lease ? paint : 'gray'],
      cell(left === undefined ? '-' : `${Math.max(left, 0)} s`, SERVER.left, 'right'),
    );
  };
  return table(head, servers.map(toLine), rows, hasMoreServers);
}

function row(...cells: Part[]): Part[] {
  return cells.flatMap((each, i) => (i === 0 ? [each] : [' '.repeat(GAP), each]));
}

/** A head, and as many lines as fit; the last one says how many are left out. */
function table(head: Part[], lines: Part[][], rows: number, hasMore: boolean): Part[][] {
  const room = rows - 1;
  if (room <= 0) return [];
  const titles = head.map((title): Part => [title as string, 'bold']);
  if (lines.length === 0) return [titles, [['none', 'gray']]];
  if (lines.length <= room && !hasMore) return [titles, ...lines];
  const shown = lines.slice(0, room - 1);
  const rest = `and ${count(lines.length - shown.length)}${hasMore ? ' or more' : ''} others`;
  return [titles, ...shown, [[rest, 'gray']]];
}

/** The columns that the other cells leave. */
function addressWidth(columns: number, others: Record<string, number>): number {
  const widths = Object.values(others);
  const room = columns - widths.reduce((sum, width) => sum + GAP + width, 0);
  return Math.min(Math.max(room, ADDRESS.least), ADDRESS.max);
}
