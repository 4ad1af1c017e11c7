import type { PolicyConflict, PolicyLimit, SessionPolicy } from 'imstate-client/internal/shared/policy';
import { OTHER_CLASS } from './policy.js';

function preset(name: string, rules: Partial<SessionPolicy> = {}): SessionPolicy {
  return { name, platforms: [], classes: {}, limits: [], exclusive: [], ...rules };
}

const PHONES = ['android', 'ios', 'harmonyos'];
const TABLETS = ['android-pad', 'ipad'];
const COMPUTERS = ['windows', 'macos', 'linux', 'desktop'];
const WEB = ['web', 'mini-program'];

function inAll(max: number, onConflict: PolicyConflict = 'KICK_OLDEST'): PolicyLimit {
  return { per: 'user', max, onConflict };
}

function onEachPlatform(max: number, onConflict: PolicyConflict = 'KICK_OLDEST'): PolicyLimit {
  return { per: 'platform', max, onConflict };
}

function inClass(name: string, max = 1, onConflict: PolicyConflict = 'KICK_OLDEST'): PolicyLimit {
  return { per: 'class', class: name, max, onConflict };
}

/** Ends nothing and rejects nothing. */
export const KEEP_ALL: SessionPolicy = preset('keep-all');

/** One session on each platform. */
export const REPLACE_SAME_PLATFORM: SessionPolicy = preset('replace-same-platform', {
  limits: [{ per: 'platform', max: 1, onConflict: 'KICK_ALL' }],
});

/** One session in all. */
export const REPLACE_ALL: SessionPolicy = preset('replace-all', {
  limits: [{ per: 'user', max: 1, onConflict: 'KICK_ALL' }],
});

/**
 * The policies that every daemon knows without storing them: those of `login_policy`, and what other products
 * do. docs/policies.md says for each what the documentation of its product says. A preset never changes: cluster
 * and clients may be of different versions.
 */
export const PRESETS: readonly SessionPolicy[] = [
  KEEP_ALL,
  REPLACE_SAME_PLATFORM,
  REPLACE_ALL,

  preset('openim-0', { limits: [onEachPlatform(30)] }),
  preset('openim-1', { limits: [onEachPlatform(1)] }),
  preset('openim-2', { limits: [inAll(1)] }),
  preset('openim-4', {
    classes: { mobile: ['ios', 'android'], pc: COMPUTERS, pad: TABLETS },
    // The platforms without a class (web, mini-program, harmonyos) are classes of their own.
    limits: [inClass('mobile'), inClass('pc'), inClass('pad'), onEachPlatform(1)],
  }),
  preset('openim-5', { classes: { pc: COMPUTERS }, limits: [inClass(OTHER_CLASS)] }),

  ...turms('turms-each-device-type', { desktop: COMPUTERS }),
  ...turms('turms-desktop-or-browser-and-mobile', {
    'desktop-or-browser': [...COMPUTERS, 'web'],
    mobile: ['android', 'ios'],
  }),
  ...turms('turms-desktop-and-browser-and-mobile', { desktop: COMPUTERS, mobile: ['android', 'ios'] }),
  ...turms('turms-desktop-or-browser-or-mobile', { any: [...COMPUTERS, 'web', 'android', 'ios'] }),
  preset('turms-one-device', { limits: [inAll(1)] }),
  preset('turms-one-device-reject', { limits: [inAll(1, 'REJECT')] }),

  preset('tencent-single', { limits: [inAll(1)] }),
  preset('tencent-dual', { classes: { web: WEB }, limits: [inClass('web'), inClass(OTHER_CLASS)] }),
  preset('tencent-triple', {
    classes: { mobile: [...PHONES, ...TABLETS], desktop: COMPUTERS, web: WEB },
    limits: [inClass('mobile'), inClass('desktop'), inClass('web')],
  }),
  preset('tencent-multi', {
    classes: { web: WEB },
    limits: [inClass('web'), onEachPlatform(1)],
  }),

  preset('easemob-single', { limits: [inAll(1)] }),
  preset('easemob-single-reject', { limits: [inAll(1, 'REJECT')] }),
  preset('easemob-multi', { limits: [onEachPlatform(4)] }),

  preset('netease-1', { limits: [inAll(1)] }),
  preset('netease-2', {
    classes: { desktop: [...COMPUTERS, 'web'], mobile: PHONES },
    limits: [inClass('desktop'), inClass('mobile')],
  }),
  preset('netease-3', { limits: [inAll(10)] }),

  preset('wukongim-master', {
    classes: { app: [...PHONES, ...TABLETS], web: WEB, pc: COMPUTERS },
    limits: [inClass('app'), inClass('web'), inClass('pc')],
  }),
  preset('wukongim-slave'),
];

/** Turms has one session of each device type in any case, and two ways to resolve a conflict. */
function turms(name: string, classes: Readonly<Record<string, readonly string[]>>): SessionPolicy[] {
  const limits = (onConflict: PolicyConflict) => [
    ...Object.keys(classes).map((each) => inClass(each, 1, onConflict)),
    onEachPlatform(1, onConflict),
  ];
  return [
    preset(name, { classes, limits: limits('KICK_OLDEST') }),
    preset(`${name}-reject`, { classes, limits: limits('REJECT') }),
  ];
}
