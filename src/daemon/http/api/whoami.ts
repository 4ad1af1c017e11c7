import type { ApiCall } from './apiCall.js';

/** GET /api/v1/whoami: the name and role of the caller. */
export function whoamiCall(): ApiCall {
  return {
    method: 'GET',
    name: 'whoami',
    role: 'reader',
    parameters: [],
    isSignIn: true,
    // Without an --auth flag everybody may do everything.
    answer: async (_, { caller }) => ({ name: caller?.name ?? null, role: caller?.role ?? 'admin' }),
  };
}
