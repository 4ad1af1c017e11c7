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

const send = (message: FromClient) => socket?.send(JSON.stringify(message), () => {});

function show(message: ToClient): void {
  if (message.type === 'welcome') {
    console.log(`connected to ${message.server}; write "USER text"`);
    send({ type: 'follow', userIds });
  } else if (message.type === 'message') console.log(`${message.from}: ${message.text}`);
  else if (message.type === 'presence')
    console.log(`${message.userId} is ${message.online ? 'on' : 'off'}line`);
  else if (message.devices === 0) console.log(`not delivered: ${message.reason}`);
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [, to, text] = /^(\S+)\s+(.+)$/.exec(line) ?? [];
    if (to && text) send({ type: 'send', id: `${++sent}`, to, text });
  })
  .on('close', () => {
    isOver = true;
    socket?.close(CLOSE.bye);
  });

/** Connects to an instance, and resolves with the reason when the connection is closed. */
function connectTo(url: string): Promise<{ code: number; reason: string }> {
  const query = new URLSearchParams({ user: values.user, device: values.device });
  socket = new WebSocket(`${url}/?${query}`);
  socket.on('message', (data) => show(JSON.parse(data.toString())));
  // The close event follows.
  socket.on('error', () => {});
  return new Promise((resolve) => {
    socket?.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
}

// Continue with the next instance when a connection breaks, unless the session was ended deliberately.
for (let i = 0; !isOver; i++) {
  const { code, reason } = await connectTo(urls[i % urls.length] as string);
  if (code !== CLOSE.bye) console.log(`disconnected: ${reason || code}`);
  isOver ||= code === CLOSE.ended || code === CLOSE.badRequest;
  if (!isOver) await delay(RETRY_MS);
}
process.stdin.destroy();
