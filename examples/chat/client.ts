import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { CLOSE, type FromClient, type ToClient } from './protocol.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    user: { type: 'string', default: 'alice' },
    device: { type: 'string', default: 'terminal' },
    contacts: { type: 'string', default: '' },
  },
});
const urls = positionals.length > 0 ? positionals : ['ws://127.0.0.1:9001'];
const userIds = values.contacts.split(',').filter((userId) => userId !== '');
const RETRY_MS = 500;

let socket: WebSocket | undefined;
let sent = 0;
let isOver = false;

const say = (message: FromClient) => socket?.send(JSON.stringify(message), () => {});

function show(message: ToClient): void {
  if (message.type === 'welcome') {
    console.log(`connected to ${message.server}; write "USER text"`);
    say({ type: 'follow', userIds });
  } else if (message.type === 'message') console.log(`${message.from}: ${message.text}`);
  else if (message.type === 'presence')
    console.log(`${message.userId} is ${message.online ? 'on' : 'off'}line`);
  else if (message.devices === 0) console.log(`not delivered: ${message.reason}`);
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [, to, text] = /^(\S+)\s+(.+)$/.exec(line) ?? [];
    if (to && text) say({ type: 'send', id: `${++sent}`, to, text });
  })
  .on('close', () => {
    isOver = true;
    socket?.close(CLOSE.bye);
  });

/** Resolves with why the connection to an instance was closed. */
function stay(url: string): Promise<{ code: number; reason: string }> {
  const query = new URLSearchParams({ user: values.user, device: values.device });
  socket = new WebSocket(`${url}/?${query}`);
  socket.on('message', (data) => show(JSON.parse(data.toString())));
  // The close that follows says enough.
  socket.on('error', () => {});
  return new Promise((resolve) => {
    socket?.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
}

// Goes on with the next instance when a connection breaks, unless the session was ended on purpose.
for (let i = 0; !isOver; i++) {
  const { code, reason } = await stay(urls[i % urls.length] as string);
  if (code !== CLOSE.bye) console.log(`disconnected: ${reason || code}`);
  isOver ||= code === CLOSE.ended || code === CLOSE.badRequest;
  if (!isOver) await delay(RETRY_MS);
}
process.stdin.destroy();
