import type { ApiCall, ApiParts } from './apiCall.js';

/** GET /api/v1/stats: what is online, as `imstate stats --json` prints it. */
export function statsCall({ presence }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'stats',
    role: 'reader',
    parameters: [],
    async answer() {
      const { users, devices, byPlatform, byServer, devicesOnOtherServers, isPartial } =
        await presence.stats();
      return {
        usersOnline: users,
        devicesOnline: devices,
        devicesByPlatform: Object.fromEntries(byPlatform),
        devicesByServer: Object.fromEntries(byServer),
        devicesOnOtherServers,
        partial: isPartial,
      };
    },
  };
}
