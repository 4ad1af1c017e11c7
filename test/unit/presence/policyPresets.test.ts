import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { SessionPolicy } from '../../../packages/client/src/shared/policy.ts';
import { checkPolicy } from '../../../src/presence/checkPolicy.ts';
import { type CountedSession, decideLogin } from '../../../src/presence/policy.ts';
import { PRESETS } from '../../../src/presence/policyPresets.ts';

/**
 * Logins on these platforms, one after the other, each on another device, and what is online afterwards; `!`
 * stands before the platform of a login that is rejected.
 */
const rows: [preset: string, logins: string, online: string][] = [
  ['keep-all', 'ios ios web web', 'ios ios web web'],
  ['replace-same-platform', 'ios android ios', 'android ios'],
  ['replace-all', 'ios android web', 'web'],

  ['openim-0', 'ios ios web web', 'ios ios web web'],
  ['openim-1', 'ios android ios web ipad web', 'android ios ipad web'],
  ['openim-2', 'ios web windows', 'windows'],
  [
    'openim-4',
    'ios android windows macos ipad android-pad web web mini-program harmonyos',
    'android macos android-pad web mini-program harmonyos',
  ],
  ['openim-5', 'windows macos windows ios android web', 'windows macos windows web'],

  ['turms-each-device-type', 'android android ios web windows macos tv', 'android ios web macos tv'],
  ['turms-each-device-type-reject', 'android !android ios web windows !macos', 'android ios web windows'],
  ['turms-desktop-or-browser-and-mobile', 'android ios web windows tv', 'ios windows tv'],
  ['turms-desktop-or-browser-and-mobile-reject', 'android !ios web !windows tv', 'android web tv'],
  ['turms-desktop-and-browser-and-mobile', 'android ios web windows macos web', 'ios macos web'],
  ['turms-desktop-and-browser-and-mobile-reject', 'android !ios web windows !macos', 'android web windows'],
  ['turms-desktop-or-browser-or-mobile', 'android web windows tv ios', 'tv ios'],
  ['turms-desktop-or-browser-or-mobile-reject', 'android !web !windows tv', 'android tv'],
  ['turms-one-device', 'android web tv', 'tv'],
  ['turms-one-device-reject', 'android !web !tv', 'android'],

  ['tencent-single', 'android ios web', 'web'],
  ['tencent-dual', 'android web ios windows mini-program', 'windows mini-program'],
  ['tencent-triple', 'android ipad windows macos web ios', 'macos web ios'],
  [
    'tencent-multi',
    'android ios ipad windows macos web android mini-program',
    'ios ipad windows macos android mini-program',
  ],

  ['easemob-single', 'android ios web', 'web'],
  ['easemob-single-reject', 'android !ios !web', 'android'],
  ['easemob-multi', 'ios ios ios ios web ios', 'ios ios ios web ios'],

  ['netease-1', 'android ios web', 'web'],
  ['netease-2', 'windows web ios android', 'web android'],
  ['netease-3', 'ios ios ios ios ios ios ios ios ios ios web', 'ios ios ios ios ios ios ios ios ios web'],

  ['wukongim-master', 'ios android web web windows', 'android web windows'],
  ['wukongim-slave', 'ios ios web web', 'ios ios web web'],
];

test.each(rows)('%s: %s', (name, logins, online) => {
  const policy = PRESETS.find((preset) => preset.name === name) as SessionPolicy;
  let sessions: CountedSession[] = [];
  for (const [i, login] of logins.split(' ').entries()) {
    const platform = login.replace('!', '');
    const { ended, rejection } = decideLogin(policy, platform, sessions);
    expect([login, rejection !== undefined]).toEqual([login, login.startsWith('!')]);
    if (rejection !== undefined) continue;
    sessions = sessions.filter((session) => !ended.includes(session));
    sessions.push({ deviceId: `device-${i}`, platform, loginTimeMs: i });
  }
  expect(sessions.map(({ platform }) => platform).join(' ')).toBe(online);
});

test('each preset has a row here, and one in docs/policies.md', () => {
  const names = PRESETS.map(({ name }) => name);
  expect(rows.map(([name]) => name)).toEqual(names);
  const [, page = ''] = readFileSync('docs/policies.md', 'utf8').split('\n## Presets\n');
  expect([...page.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(([, name]) => name)).toEqual(names);
});

test('each preset keeps the rules of a policy', () => {
  for (const { name: _, ...rules } of PRESETS)
    expect(() => checkPolicy({ name: 'checked', ...rules })).not.toThrow();
});
