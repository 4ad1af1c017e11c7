import { STORE_DEFAULTS } from './defaults.js';
import { MAX_PLATFORMS, MAX_STATS_SERVERS } from './stats.js';

/** A bound of the daemon. docs/limits.md shows all of them; a test holds the two together. */
interface Limit {
  /** The most (or longest) there may be; times in milliseconds. */
  readonly max: number;
  /** What `most` counts, for the table: "bytes", "calls" and so on. */
  readonly unit: string;
  readonly what: string;
  /** What becomes of what goes beyond it. */
  readonly beyond: string;
  readonly reason: string;
  /** The flag of `imstate serve` that changes it. */
  readonly flag?: string;
}

const REFUSED = '`RESOURCE_EXHAUSTED`, nothing was done';
const INVALID = '`INVALID_ARGUMENT`';

/** Every number that bounds what callers may ask for, hold or leave undone. */
export const LIMITS = {
  message: {
    ...{
      max: 1024 * 1024,
      unit: 'bytes',
      what: 'a request of Apply, Heartbeat, BatchGetUsers or Watch, decompressed',
    },
    beyond: '`RESOURCE_EXHAUSTED`, which no repeat changes',
    reason: 'ten times what a full batch of usual ids has',
  },
  leaseMessage: {
    max: 65_536,
    unit: 'bytes',
    what: 'a message of KeepServerAlive, decompressed',
    beyond: '`RESOURCE_EXHAUSTED`, which no repeat changes',
    reason: 'the token of a resync has a part for each shard',
  },
  smallMessage: {
    max: 8_192,
    unit: 'bytes',
    what: 'a request of any other method of both services, decompressed',
    beyond: '`RESOURCE_EXHAUSTED`, which no repeat changes',
    reason: 'three times a login with the longest ids and metadata',
  },
  openMessage: {
    max: 512,
    unit: 'bytes',
    what: 'a request of health, reflection or channelz, decompressed',
    beyond: '`RESOURCE_EXHAUSTED`, which no repeat changes',
    reason: 'the name of a service or symbol; health needs no credentials',
  },
  id: {
    ...{ max: 256, unit: 'bytes', what: 'an id of a user, device or session', beyond: INVALID },
    reason: 'a UUID has 36, an e-mail address at most 254; ids stand in keys and indexes',
  },
  address: {
    ...{ max: 255, unit: 'bytes', what: 'the address of a chat server', beyond: INVALID },
    reason: 'the longest name in DNS; the record keeps its length in one byte',
  },
  platform: {
    ...{ max: 32, unit: 'bytes', what: 'a platform', beyond: INVALID },
    reason: 'a word such as ios; the counters have one entry each',
  },
  metadata: {
    ...{ max: 1_024, unit: 'bytes', what: 'the metadata of a login, keys and values', beyond: INVALID },
    reason: 'many times a session; every reader of the user pays for it',
  },
  metadataEntries: {
    ...{ max: 32, unit: 'entries', what: 'the metadata of a login', beyond: INVALID },
    reason: 'an entry is an object in every answer',
  },
  devices: {
    ...{ max: STORE_DEFAULTS.maxDevices, unit: 'devices', what: 'devices of a user online' },
    flag: 'max-devices',
    beyond: 'a login of a further device: `RESOURCE_EXHAUSTED`, nothing was changed, see below',
    reason: 'every reader of the user pays for each; a person has ten at most',
  },
  batchUsers: {
    ...{ max: 1_000, unit: 'users', what: 'BatchGetUsers', beyond: INVALID },
    reason: 'answered within milliseconds, so that nobody waits behind it',
  },
  answerBytes: {
    ...{ max: 3 * 1024 * 1024, unit: 'bytes', what: 'an answer about users or logins, a message of Watch' },
    beyond: 'metadata or replaced sessions are left out, then `RESOURCE_EXHAUSTED`, see below',
    reason: 'gRPC clients accept 4 MiB by default',
  },
  heartbeatSessions: {
    ...{ max: 1_000, unit: 'sessions', what: 'Heartbeat', beyond: INVALID },
    reason: 'the same',
  },
  batchOperations: {
    ...{ max: 1_000, unit: 'operations', what: 'a batch of Apply', beyond: INVALID },
    reason: 'the same',
  },
  page: {
    ...{ max: 1_000, unit: 'entries', what: 'a page of a listing', beyond: INVALID },
    reason: 'the same',
  },
  platforms: {
    ...{ max: MAX_PLATFORMS, unit: 'platforms', what: 'platforms that a shard of the store counts by name' },
    beyond: 'counted as `other`; the session keeps its platform',
    reason: 'a deployment has a handful; a caller that makes them up must not fill the counters',
  },
  statsServers: {
    ...{
      max: MAX_STATS_SERVERS,
      unit: 'chat servers',
      what: 'chat servers that GetStats names, the largest',
    },
    beyond: 'counted in `devices_on_other_servers`; ListServers has all',
    reason: 'an answer stays below 300 kB',
  },
  watchedServers: {
    ...{ max: 1_000, unit: 'chat servers', what: 'a watch of chat servers', beyond: INVALID },
    reason: 'whoever watches more watches everybody',
  },
  headers: {
    ...{ max: 16_384, unit: 'bytes', what: 'the metadata of a call, names and values' },
    beyond: '`RESOURCE_EXHAUSTED`, which no repeat changes',
    reason: 'a call has some 100; a stream keeps it until its first message',
  },
  headerValue: {
    ...{ max: 65_535, unit: 'bytes', what: 'a name or a value in the metadata of a call' },
    beyond: 'GOAWAY, and the connection is closed within 3 s',
    reason: 'HTTP/2 of Node.js reads nothing further on such a connection',
  },
  headerFields: {
    ...{ max: 128, unit: 'fields', what: 'headers of a call, with those of gRPC itself' },
    beyond: 'the call is reset with ENHANCE_YOUR_CALM',
    reason: 'HTTP/2 of Node.js; a call has some ten',
  },
  headerFrames: {
    ...{ max: 9, unit: 'frames', what: 'parts that headers are sent in, of 16 KiB at most' },
    beyond: 'the call is reset with ENHANCE_YOUR_CALM, and the connection is closed with GOAWAY',
    reason: 'HTTP/2 of Node.js: against floods of CONTINUATION frames',
  },
  headersPause: {
    ...{ max: 2_000, unit: 'ms', what: 'from a part of the headers of a call to the next' },
    beyond: 'the connection is closed with GOAWAY',
    reason: 'headers are one packet as a rule; nothing else can come on the connection meanwhile',
  },
  authority: {
    max: 512,
    unit: 'bytes',
    what: 'the authority and scheme of a call',
    beyond: '`RESOURCE_EXHAUSTED`, which no repeat changes',
    reason: 'a host and a port; it is kept for as long as the call is open',
  },
  credential: {
    max: 8_192,
    unit: 'bytes',
    what: 'a credential: the `authorization` of a call or request',
    beyond: '`UNAUTHENTICATED`, which no repeat changes',
    reason: 'a JWT has some 1,000; those that are valid are remembered',
  },
  connections: {
    ...{ max: 10_000, unit: 'connections', what: 'connections at the same time', flag: 'max-connections' },
    beyond: 'a further one is closed at once; those that stand are served on',
    reason: 'a client has one; each takes memory and one of the open files of the process',
  },
  connectionAge: {
    ...{ max: 1_800_000, unit: 'ms', what: 'the age of a connection, give or take a tenth' },
    flag: 'max-connection-age',
    beyond: 'GOAWAY: calls in flight are answered, streams end, and clients continue on another connection',
    reason: 'behind a TCP balancer a daemon that starts later gets its share within this time',
  },
  connectionGrace: {
    ...{ max: 30_000, unit: 'ms', what: 'from that GOAWAY to the end of the connection' },
    beyond: 'the connection is cut',
    reason: 'a caller that does not read must not keep it open for ever',
  },
  streamsOfConnection: {
    ...{ max: 1_000, unit: 'calls', what: 'calls and streams open on a connection' },
    beyond: 'gRPC clients wait until one is over; a connection that does not is cut',
    reason: 'one connection cannot take all the room for calls, and a gateway can keep its watches on one',
  },
  silence: {
    ...{
      max: 10_000,
      unit: 'ms',
      what: 'from connecting until HTTP/2 is spoken; by HTTPS, until the handshake is over',
    },
    beyond: 'the connection is closed',
    reason: 'nothing but a port scan, or someone who wants to hold all connections, is as silent',
  },
  idle: {
    ...{ max: 300_000, unit: 'ms', what: 'a connection without a call' },
    beyond: 'the connection is closed with GOAWAY; clients connect again by themselves',
    reason: 'shorter than firewalls forget connections',
  },
  ping: {
    ...{
      max: 30_000,
      unit: 'ms',
      what: 'a connection on which nothing comes, until it is asked with a ping',
    },
    beyond: 'see below',
    reason: 'a peer whose machine died never says so',
  },
  pong: {
    ...{ max: 10_000, unit: 'ms', what: 'from that ping until the peer answers it' },
    beyond: 'the connection is cut',
    reason: 'the network answers within a second or not at all',
  },
  pings: {
    ...{ max: 1_000, unit: 'frames', what: 'pings and settings of a peer that wait to be acknowledged' },
    beyond: 'the connection is cut',
    reason: 'HTTP/2 of Node.js; a client of gRPC sends one in seconds',
  },
  resets: {
    ...{ max: 1_000, unit: 'calls', what: 'calls that a peer resets at once, and 33 a second after' },
    beyond: 'the connection is closed with GOAWAY',
    reason: 'HTTP/2 of Node.js: against the rapid reset (CVE-2023-44487)',
  },
  request: {
    ...{
      max: 10_000,
      unit: 'ms',
      what: 'from the headers of a call to the end of its (first) message; by HTTP, a request from its first byte',
    },
    beyond: '`DEADLINE_EXCEEDED`, and the call is reset; by HTTP, 408 and the connection is closed',
    reason: 'one packet as a rule; 1 MiB takes as long on a line of 1 Mbit/s',
  },
  requestsOfConnection: {
    max: 32 * 1024 * 1024,
    unit: 'bytes',
    what: 'memory of requests of a connection, from their first byte until they are dealt with',
    beyond: `the call: ${REFUSED}`,
    reason:
      'eight bytes for each on the wire, 256 for an operation, 2,048 for a message: what they take when they are read',
  },
  requests: {
    max: 128 * 1024 * 1024,
    unit: 'bytes',
    what: 'the same of all connections',
    beyond: `the call: ${REFUSED}`,
    reason: 'an eighth of a small machine; 700 batches of 256 operations',
  },
  vitalRequests: {
    max: 32 * 1024 * 1024,
    unit: 'bytes',
    what: 'further memory of requests, for Heartbeat and KeepServerAlive alone',
    beyond: `the call: ${REFUSED}`,
    reason: 'a flood of large requests must not end sessions',
  },
  answer: {
    ...{
      max: 20_000,
      unit: 'ms',
      what: 'until the caller takes an answer, or a message of a stream (not of Watch); by HTTP, something of it',
    },
    beyond: 'the call is reset, the connection of HTTP cut',
    reason: 'an answer that nobody reads stays in memory; a watch has a bound of its own',
  },
  answersOfConnection: {
    ...{ max: 16 * 1024 * 1024, unit: 'bytes', what: 'answers that a connection has not taken yet' },
    beyond: `further calls on it: ${REFUSED}`,
    reason: 'a caller that asks faster than it reads is to feel it, and nobody else',
  },
  answers: {
    ...{
      max: 256 * 1024 * 1024,
      unit: 'bytes',
      what: 'answers that have not been taken yet, of all connections',
    },
    beyond: `further calls: ${REFUSED}`,
    reason: 'a quarter of a small machine',
  },
  reads: {
    max: 128 * 1024 * 1024,
    unit: 'bytes',
    what: 'memory of sessions that were read for answers, until the answer is encoded, of all requests',
    beyond: `a request that has read more than 32 KiB: ${REFUSED}; in Apply only that operation`,
    reason:
      'an eighth of a small machine; eight requests of 16 MiB. A connection has as much as it leaves free',
  },
  calls: {
    ...{ max: 4_000, unit: 'calls', what: 'calls in flight, from their headers until the answer is taken' },
    flag: 'max-calls-in-flight',
    beyond: `${REFUSED}, and the request is not even read`,
    reason: 'a quarter of a second of work at 16,000 calls a second',
  },
  vitalCalls: {
    ...{ max: 1_000, unit: 'calls', what: 'further calls in flight, for Heartbeat alone' },
    beyond: REFUSED,
    reason: 'a flood of questions must not end sessions',
  },
  operations: {
    ...{ max: 50_000, unit: 'operations', what: 'operations at the store; a batch counts what is in it' },
    beyond: `a call: ${REFUSED}; a batch of Apply waits its turn`,
    reason: 'a quarter of a second of work at 200,000 operations a second',
  },
  turn: {
    ...{ max: 1_000, unit: 'ms', what: 'a batch of Apply, until it is its turn' },
    beyond: `what came before is answered, then the stream ends with ${REFUSED}`,
    reason: 'half of what our client waits for an answer',
  },
  watches: {
    ...{ max: 10_000, unit: 'watches', flag: 'max-watches' },
    what: 'watches at the same time, of which each counts as 1 to 10 by what it follows',
    beyond: '`RESOURCE_EXHAUSTED`, nothing was done',
    reason:
      'a chat server has one, and whoever shows presence; each takes memory, and time for each change it gets',
  },
  watchBacklog: {
    ...{
      max: 256 * 1024 * 1024,
      unit: 'bytes',
      what: 'memory of what waits for the callers of all watches, and, up to a half, of the ids that watches name',
    },
    flag: 'max-watch-backlog',
    beyond:
      'the largest backlog is closed: `RESOURCE_EXHAUSTED`, with the revision to resume from; a watch that names too many ids is refused',
    reason: 'a quarter of a small machine, as for answers',
  },
  leases: {
    ...{ max: 10_000, unit: 'streams', what: 'streams of KeepServerAlive' },
    beyond: REFUSED,
    reason: 'one a chat server; their messages are never refused',
  },
  applies: {
    ...{ max: 10_000, unit: 'streams', what: 'streams of Apply' },
    beyond: REFUSED,
    reason: 'one a client; four batches of each are carried out at once',
  },
  probes: {
    max: 1_000,
    unit: 'calls',
    what: 'calls and streams of health',
    beyond: REFUSED,
    reason: 'a load balancer has one; they need no credentials, and take no room of other calls',
  },
  probesOfConnection: {
    max: 16,
    unit: 'calls',
    what: 'calls and streams of health on a connection; streams of reflection as well',
    beyond: REFUSED,
    reason: 'one connection cannot take the room of all',
  },
  otherStreams: {
    max: 100,
    unit: 'streams',
    what: 'streams of reflection',
    beyond: REFUSED,
    reason: 'a person with a tool has one, for a moment',
  },
  httpConnections: {
    ...{ max: 2_000, unit: 'connections', what: 'connections of HTTP at the same time' },
    beyond: 'a further one is closed at once',
    reason: 'Prometheus has one, and a browser six at most',
  },
  httpRequests: {
    ...{
      max: 100,
      unit: 'requests',
      what: 'requests of HTTP, until the answer is taken; not streams, nor what is open',
    },
    beyond: '`RESOURCE_EXHAUSTED` (429), nothing was done',
    reason: 'a page of a thousand entries may have 2 MB; a console asks for three at once',
  },
  httpPipeline: {
    ...{ max: 1, unit: 'request', what: 'under way on a connection of HTTP' },
    beyond: 'the connection is cut: ask again when the answer is there, or by another connection',
    reason: 'no browser sends the next one before; answers that nobody reads would pile up',
  },
  httpBody: {
    ...{ max: 65_536, unit: 'bytes', what: 'the body of a request by HTTP' },
    beyond: '`INVALID_ARGUMENT` (400)',
    reason: 'none names more than one user or chat server',
  },
  eventStreams: {
    ...{ max: 1_000, unit: 'streams', what: 'streams of events by HTTP' },
    beyond: '`RESOURCE_EXHAUSTED` (429), nothing was done',
    reason: 'an open console has two or three',
  },
  logBuffer: {
    ...{ max: 1024 * 1024, unit: 'bytes', what: 'log lines that wait because nobody reads the log' },
    beyond: 'the line is dropped and counted; the log says how many when it is read again',
    reason: 'a terminal after Ctrl-S or a full pipe must not keep the daemon from serving',
  },
} as const satisfies Record<string, Limit>;

/** Limits that are the same for every daemon; tests take smaller ones. */
export interface Bounds {
  /** Operations at the store. */
  operations: number;
  turnMs: number;
  silenceMs: number;
  idleMs: number;
  requestMs: number;
  answerMs: number;
  connectionGraceMs: number;
}

/** The limits that an operator may set. */
export interface LoadLimits {
  /** Connections at the same time. */
  maxConnections: number;
  /** How long a connection lasts, give or take a tenth; 0 for as long as its caller likes. Milliseconds. */
  maxConnectionAgeMs: number;
  /** Calls in flight. */
  maxCallsInFlight: number;
  /** Watches at the same time. */
  maxWatches: number;
  /** What waits for the callers of all watches. Bytes. */
  maxWatchBacklogBytes: number;
  /** What is not given is as in {@link LIMITS}. */
  bounds?: Partial<Bounds>;
}

/** The bounds of a daemon. */
export function boundsOf({ bounds }: LoadLimits): Bounds {
  return {
    operations: LIMITS.operations.max,
    turnMs: LIMITS.turn.max,
    silenceMs: LIMITS.silence.max,
    idleMs: LIMITS.idle.max,
    requestMs: LIMITS.request.max,
    answerMs: LIMITS.answer.max,
    connectionGraceMs: LIMITS.connectionGrace.max,
    ...bounds,
  };
}
