import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkId } from '../../../src/presence/validate.ts';

const ROOT = new URL('../../../', import.meta.url);

const templates: [string, string][] = (await importJs('console/lang/zh-CN.messages.js')).default;
const { translateMessage } = await importJs('console/core/messages.js');

test('translates only messages that the source still contains', () => {
  const source = sourceOf('src/') + sourceOf('packages/client/src/');
  // Where the source puts a message together, a part may begin there.
  const isThere = (part: string) =>
    source.includes(part) || source.includes(part.replace(/^(the JWT |; |, or |, | )/, ''));
  const outdated = templates.filter(([english]) => !english.split(/\{\w+\}/).every(isThere));
  expect(outdated).toEqual([]);
});

test('uses in a translation only values of its message', () => {
  const valuesOf = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const wrong = templates.filter(([english, chinese]) =>
    valuesOf(chinese).some((name) => !valuesOf(english).includes(name)),
  );
  expect(wrong).toEqual([]);
});

test('translates each template as itself, not by one before it', () => {
  const hidden = templates.filter(([english, chinese]) => {
    const example = (text: string) => text.replace(/\{(\w+)\}/g, '<$1>');
    return translateMessage(example(english), 'zh-CN') !== example(chinese);
  });
  expect(hidden).toEqual([]);
});

test.each([
  ['token "chat-1"', '令牌“chat-1”'],
  ['token "chat-1" was revoked: use another one', '凭据无效：令牌“chat-1”已被吊销，请换用其他令牌'],
  ['the JWT of "alice" has expired: get a new one', '凭据无效："alice" 的 JWT 已过期，请换用新的 JWT'],
  ['the JWT has expired: get a new one', '凭据无效：JWT 已过期，请换用新的 JWT'],
  [
    'shard 3 of the store does not answer; nothing was changed: try again when its Redis master is back',
    '存储的分片 3 没有响应；未作任何更改。请等它的 Redis 主节点恢复后重试',
  ],
  [
    '7 sessions were evicted, but not all: the connection to Redis was lost before it answered; the change may have been applied; evict again',
    '已强制结束 7 个会话，但尚未全部结束：与 Redis 的连接在收到响应之前断开；变更可能已经生效。请再次强制下线',
  ],
  [
    'sessions ended: 3, more are left, reason: no connection',
    '已结束 3 个会话，尚有剩余，原因：no connection',
  ],
  ['sessions ended: 3, reason: a, reason: b', '已结束 3 个会话，原因：a, reason: b'],
  [
    'sessions ended: 1, records erased: 2, changes erased: 3, left: 4, online again: 5',
    '已结束 1 个会话，抹除 2 条记录和 3 条变更，仍有 4 条，5 台设备已重新登录',
  ],
  ['feature level 1 to 2, checked only', '功能级别由 1 升至 2，仅检查，未执行'],
])('translates "%s"', (english, chinese) => {
  expect(translateMessage(english, 'zh-CN')).toBe(chinese);
});

test('translates the name of a field', () => {
  let message = '';
  try {
    checkId('userId', 'x'.repeat(300));
  } catch (error) {
    message = (error as Error).message;
  }
  expect(translateMessage(message, 'zh-CN')).toBe('用户 ID：长度上限为 256 字节（UTF-8），实际为 300 字节');
});

test('translates nothing into English, and leaves unknown messages alone', () => {
  expect(translateMessage('token "chat-1"', 'en')).toBeUndefined();
  expect(translateMessage('the message of a newer daemon', 'zh-CN')).toBeUndefined();
});

function importJs(path: string) {
  return import(new URL(path, ROOT).href);
}

/** The text of a folder, in which a string of several lines is one. */
function sourceOf(folder: string): string {
  const base = new URL(folder, ROOT);
  return readdirSync(base, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
    .map((name) => readFileSync(new URL(name, base), 'utf8').replace(/['`]\s*\+\s*['`]/g, ''))
    .join('\n');
}
