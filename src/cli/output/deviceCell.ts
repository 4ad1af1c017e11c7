import type { EndReason, SessionDetails } from 'imstate-client';
import type { Cell } from './style.js';

/** A device in a table, with by what its user recognises it. */
type DeviceRow = { deviceId: string; platform: string | undefined } & SessionDetails;

/** The titles of the devices in a table: those of details only if a device has any. */
export function deviceTitles(rows: DeviceRow[]): string[] {
  const hasDetails = rows.some(({ label, clientIp, appVersion }) => label || clientIp || appVersion);
  return ['Device', 'Platform', ...(hasDetails ? ['Label', 'Client', 'App'] : [])];
}

/** The cell of a device below {@link deviceTitles}. */
export function deviceCell({ deviceId, platform, label, clientIp, appVersion }: DeviceRow): Cell {
  return [deviceId, platform, label, clientIp, appVersion];
}

/** Why a session ended, with the reason text of an eviction; undefined if it has not ended. */
export function reasonText(session: {
  reason: EndReason | undefined;
  reasonText: string | undefined;
}): string | undefined {
  const { reason, reasonText: text } = session;
  return [reason?.toLowerCase(), text].filter((part) => part !== undefined).join(': ') || undefined;
}
