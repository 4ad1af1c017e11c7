import { readFile } from 'node:fs/promises';
import { sendText } from '../replies.js';
import type { Route } from '../routes.js';

/** GET /api/openapi.yaml: the description of the API, open to everybody. */
export async function descriptionRoute(): Promise<Route> {
  const text = await readFile(new URL('../../../../docs/openapi.yaml', import.meta.url), 'utf8');
  return {
    method: 'GET',
    path: '/api/openapi.yaml',
    role: undefined,
    handle: ({ response }) => sendText(response, 200, text, 'application/yaml'),
  };
}
