import { describe, expect, test } from 'vitest';
import { describeRedisUrl, parseRedisUrl } from '../../../../src/store/redis/url.ts';

const SENTINEL = 'redis+sentinel://user:s%3Acret@10.0.0.1:26380,[::1],sentinel.example/presence/2';

test('reads Sentinels, master, database and both credentials from a Sentinel URL', () => {
  expect(parseRedisUrl(`${SENTINEL}?sentinel-user=watcher&sentinel-password=p%26+q`)).toEqual({
    kind: 'sentinel',
    master: 'presence',
    db: 2,
    tls: undefined,
    nodes: [
      { host: '10.0.0.1', port: 26_380 },
      { host: '::1', port: 26_379 },
      { host: 'sentinel.example', port: 26_379 },
    ],
    credentials: { username: 'user', password: 's:cret' },
    sentinelCredentials: { username: 'watcher', password: 'p&+q' },
  });
  expect(parseRedisUrl('rediss+sentinel://s/presence')).toMatchObject({ db: 0, tls: {}, credentials: {} });
});

test.each([
  ['redis://user:secret@10.0.0.1/3', 'redis://10.0.0.1:6379/3'],
  ['rediss+cluster://:secret@10.0.0.1:7000,[::1]:7001', 'rediss+cluster://10.0.0.1:7000,[::1]:7001'],
  [
    `${SENTINEL}?sentinel-password=secret`,
    'redis+sentinel://10.0.0.1:26380,[::1]:26379,sentinel.example:26379/presence/2',
  ],
])('describes %s without secrets', (url, description) => {
  expect(describeRedisUrl(url)).toBe(description);
});

describe('rejects', () => {
  test.each([
    ['redis+sentinel://10.0.0.1', 'must name the master'],
    ['redis+sentinel://10.0.0.1/', 'must name the master'],
    ['redis+sentinel://10.0.0.1/presence/first', 'database after the last / must be a number'],
    ['redis+sentinel://10.0.0.1/presence/0/1', 'nothing may follow the database'],
    ['redis+sentinel:///presence', 'must look like'],
    ['redis+sentinel://10.0.0.1,/presence', 'must look like'],
    ['redis+sentinel://10.0.0.1:99999/presence', 'must look like'],
    ['redis+sentinel://user@10.0.0.1/presence', 'a user needs a password: redis://user:password@host'],
    ['redis+sentinel://10.0.0.1/presence?sentinel-user=u', 'a user needs a password: ?sentinel-user'],
    ['redis+sentinel://10.0.0.1/presence?password=p', 'only sentinel-user and sentinel-password'],
    ['redis+sentinel://10.0.0.1/presence#0', 'only sentinel-user and sentinel-password'],
    ['redis+sentinel://10.0.0.1/%zz', 'percent-encoded'],
    ['redis+cluster://10.0.0.1/1', 'a cluster has no databases'],
    ['redis+cluster://10.0.0.1?x=1', '?query and #fragment are not allowed'],
    ['redis://10.0.0.1,10.0.0.2', 'must look like'],
    ['redis+others://10.0.0.1', 'must look like'],
  ])('%s', (url, rule) => {
    const parse = () => parseRedisUrl(url);
    expect(parse).toThrow(rule);
    expect(parse).toThrow(expect.objectContaining({ code: 'BAD_URL' }));
  });
});
