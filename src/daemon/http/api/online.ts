import { readOnlineResult, toOnlineRequest } from 'imstate-client/internal/calls/online';
import type { OnlineRequest__Output } from 'imstate-client/internal/generated/imstate/v1/OnlineRequest';
import { loginJson } from 'imstate-client/internal/json';
import { answerLogin } from '../../answerLogin.js';
import type { ApiCall, ApiParts } from './apiCall.js';
import { JsonBody } from './jsonBody.js';

const KEYS = [
  'userId',
  'deviceId',
  'serverAddr',
  'sessionId',
  'platform',
  'ttlMs',
  'metadata',
  'policy',
  'serverIncarnation',
  'loginTime',
  'clientIp',
  'label',
  'appVersion',
];
const EXAMPLE = '{"userId":"alice","deviceId":"phone","serverAddr":"10.0.0.1:9000"}';

/** POST /api/v1/online: logs a device in; what `imstate online --json` prints. */
export function onlineCall(parts: ApiParts): ApiCall {
  return {
    method: 'POST',
    name: 'online',
    role: 'writer',
    parameters: [],
    async answer(_, { caller, peer, about, body, checkServer }) {
      const request = readRequest(JsonBody.parse(await body(), KEYS, EXAMPLE));
      const { userId, deviceId, serverAddr } = request;
      about({ userId, deviceId });
      checkServer({ field: 'serverAddr', addr: serverAddr });
      const wire = { ...toOnlineRequest(request), validateOnly: false } as OnlineRequest__Output;
      const answer = await parts.load.run(1, false, () => answerLogin(parts, wire, { caller, peer }));
      return loginJson(request, readOnlineResult(request, answer));
    },
  };
}

function readRequest(keys: JsonBody) {
  return {
    userId: keys.text('userId'),
    deviceId: keys.text('deviceId'),
    serverAddr: keys.text('serverAddr'),
    sessionId: keys.optionalText('sessionId'),
    platform: keys.optionalText('platform'),
    ttlMs: keys.integer('ttlMs'),
    metadata: keys.textsByName('metadata'),
    policy: keys.optionalText('policy'),
    serverIncarnation: keys.integer('serverIncarnation'),
    loginTime: keys.time('loginTime'),
    clientIp: keys.optionalText('clientIp'),
    label: keys.optionalText('label'),
    appVersion: keys.optionalText('appVersion'),
  };
}
