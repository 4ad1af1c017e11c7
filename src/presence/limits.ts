import { STORE_DEFAULTS } from './defaults.js';
import { MAX_PLATFORMS, MAX_STATS_SERVERS } from './stats.js';

/** A bound of the daemon. docs/limits.md shows all of them; a test compares the two. */
interface Limit {
  /** The most (or longest) there may be; times in milliseconds. */
  readonly max: number;
  /** What `max` counts, for the table: "bytes", "calls" and so on. */
  readonly unit: string;
  readonly what: string;
  /** What happens beyond it. */
  readonly beyond: string;
  readonly reason: string;
  /** The flag of `imstate serve` that changes it. */
  readonly flag?: string;
}

const REJECTED = '`RESOURCE_EXHAUSTED`, nothing was done';
const INVALID = '`INVALID_ARGUMENT`';

/** Every limit on what callers may request, hold or leave unread. */
export const LIMITS = {
  message: {
    max: 1024 * 1024,
    unit: 'bytes',
    what: 'size of a request of Apply, Heartbeat, BatchGetUsers, Route or Watch, decompressed',
    beyond: '`RESOURCE_EXHAUSTED`; do not retry',
    reason: 'ten times a full batch of typical ids',
  },
  leaseMessage: {
    max: 65_536,
    unit: 'bytes',
    what: 'size of a message of KeepServerAlive, decompressed',
    beyond: '`RESOURCE_EXHAUSTED`; do not retry',
    reason: 'a resync token has a part for each shard',
  },
  smallMessage: {
    max: 8_192,
    unit: 'bytes',
    what: 'size of a request of any other method of both services, decompressed',
    beyond: '`RESOURCE_EXHAUSTED`; do not retry',
    reason: 'three times a login with the longest ids and metadata',
  },
  policyMessage: {
    max: 16_384,
    unit: 'bytes',
    what: 'size of a request of PutPolicy, decompressed',
    beyond: '`RESOURCE_EXHAUSTED`; do not retry',
    reason: 'the largest policy that keeps its limits has 13,300',
  },
  openMessage: {
    max: 512,
    unit: 'bytes',
    what: 'size of a request of health, reflection or channelz, decompressed',
    beyond: '`RESOURCE_EXHAUSTED`; do not retry',
    reason: 'fits the name of a service or symbol; health needs no credentials',
  },
  id: {
    max: 256,
    unit: 'bytes',
    what: 'length of an id of a user, device or session',
    beyond: INVALID,
    reason: 'a UUID has 36, an e-mail address at most 254; ids are in keys and indexes',
  },
  address: {
    max: 255,
    unit: 'bytes',
    what: 'length of the address of a chat server',
    beyond: INVALID,
    reason: 'the longest DNS name; the record keeps its length in one byte',
  },
  platform: {
    max: 32,
    unit: 'bytes',
    what: 'length of a platform',
    beyond: INVALID,
    reason: 'a word such as ios; each has an entry in the counters',
  },
  label: {
    max: 64,
    unit: 'characters',
    what: 'label of a login',
    beyond: INVALID,
    reason: 'fits a line of a device list; with 4 bytes a character it fills the 256 bytes of a field',
  },
  appVersion: {
    max: 32,
    unit: 'bytes',
    what: 'version of the app of a login',
    beyond: INVALID,
    reason: 'a version with a build number',
  },
  reasonText: {
    max: 256,
    unit: 'bytes',
    what: 'reason text of an eviction',
    beyond: INVALID,
    reason: 'a sentence; each session that it ends keeps it',
  },
  metadata: {
    max: 1_024,
    unit: 'bytes',
    what: 'metadata of a login, keys and values',
    beyond: INVALID,
    reason: 'many times the size of a session; every read of the user includes it',
  },
  metadataEntries: {
    max: 32,
    unit: 'entries',
    what: 'metadata of a login',
    beyond: INVALID,
    reason: 'each entry is an object in every response',
  },
  devices: {
    max: STORE_DEFAULTS.maxDevices,
    unit: 'devices',
    what: 'devices of a user online',
    flag: 'max-devices',
    beyond: 'a login of another device: `RESOURCE_EXHAUSTED`, nothing was changed, see below',
    reason: 'every read of the user includes all of them; a person has ten at most',
  },
  policyName: {
    max: 64,
    unit: 'characters',
    what: 'name of a session policy, or of a class in it',
    beyond: INVALID,
    reason: 'a name, not a description; each answer about a login has it',
  },
  policyLimits: {
    max: 32,
    unit: 'limits',
    what: 'limits of a session policy',
    beyond: INVALID,
    reason: 'one for each class, and two; every login that names no other policy checks them',
  },
  policyClasses: {
    max: 32,
    unit: 'classes',
    what: 'classes of a session policy, and groups of exclusive ones',
    beyond: INVALID,
    reason: 'more than there are kinds of devices',
  },
  policyPlatforms: {
    max: 64,
    unit: 'platforms',
    what: 'platforms that a session policy names',
    beyond: INVALID,
    reason: 'as many as are counted by name; each script call of Redis gets all of them',
  },
  policies: {
    max: 100,
    unit: 'policies',
    what: 'session policies of a store',
    beyond: '`RESOURCE_EXHAUSTED`, nothing was changed',
    reason: 'one for each kind of user or product; every daemon keeps all of them',
  },
  relays: {
    max: 100,
    unit: 'relays',
    what: 'relays of a store',
    beyond: '`RESOURCE_EXHAUSTED`, nothing was changed',
    reason: 'each reads all changes; a receiver of events needs one',
  },
  relayTarget: {
    max: 500,
    unit: 'characters',
    what: 'target of a relay, as it is shown',
    beyond: INVALID,
    reason: 'people read it',
  },
  batchUsers: {
    max: 1_000,
    unit: 'users',
    what: 'users in a BatchGetUsers or Route',
    beyond: INVALID,
    reason: 'takes milliseconds, so that no call waits long behind it',
  },
  answerBytes: {
    max: 3 * 1024 * 1024,
    unit: 'bytes',
    what: 'size of a response about users or logins, or of a message of Watch',
    beyond: 'metadata or replaced sessions are omitted, then `RESOURCE_EXHAUSTED`, see below',
    reason: 'gRPC clients accept 4 MiB by default',
  },
  heartbeatSessions: {
    max: 1_000,
    unit: 'sessions',
    what: 'sessions in a Heartbeat',
    beyond: INVALID,
    reason: 'as for BatchGetUsers',
  },
  batchOperations: {
    max: 1_000,
    unit: 'operations',
    what: 'operations in a batch of Apply',
    beyond: INVALID,
    reason: 'as for BatchGetUsers',
  },
  page: {
    max: 1_000,
    unit: 'entries',
    what: 'entries on a page of a listing',
    beyond: INVALID,
    reason: 'as for BatchGetUsers',
  },
  searchedSessions: {
    max: 10_000,
    unit: 'sessions',
    what: 'sessions that a ListSessions with a filter compares in a call',
    beyond: 'the page ends, perhaps empty, with `next_page_token`, see below',
    reason: 'takes well below a second, so that people see the progress',
  },
  searches: {
    max: 10,
    unit: 'calls',
    what: 'calls of ListSessions with a filter in flight',
    beyond: REJECTED,
    reason: 'people search; the calls take turns, and each should end within its deadline',
  },
  platforms: {
    max: MAX_PLATFORMS,
    unit: 'platforms',
    what: 'platforms that a shard of the store counts by name',
    beyond: 'counted as `other`; the session keeps its platform',
    reason: 'deployments have a handful; a caller that invents names must not fill the counters',
  },
  statsServers: {
    max: MAX_STATS_SERVERS,
    unit: 'chat servers',
    what: 'chat servers that GetStats lists, largest first',
    beyond: 'counted in `devices_on_other_servers`; ListServers lists all',
    reason: 'keeps a response below 300 kB',
  },
  watchedServers: {
    max: 1_000,
    unit: 'chat servers',
    what: 'chat servers in a watch',
    beyond: INVALID,
    reason: 'to watch more, watch everything',
  },
  headers: {
    max: 16_384,
    unit: 'bytes',
    what: 'metadata of a call, names and values',
    beyond: '`RESOURCE_EXHAUSTED`; do not retry',
    reason: 'a call has about 100; a stream keeps it until its first message',
  },
  headerValue: {
    max: 65_535,
    unit: 'bytes',
    what: 'length of a name or a value in the metadata of a call',
    beyond: 'GOAWAY, and the connection is closed within 3 s',
    reason: 'Node.js HTTP/2 reads nothing more on such a connection',
  },
  headerFields: {
    max: 128,
    unit: 'fields',
    what: 'headers of a call, including those of gRPC itself',
    beyond: 'the call is reset with ENHANCE_YOUR_CALM',
    reason: 'Node.js HTTP/2; a call has about ten',
  },
  headerFrames: {
    max: 9,
    unit: 'frames',
    what: 'frames that carry the headers of a call, 16 KiB each at most',
    beyond: 'the call is reset with ENHANCE_YOUR_CALM, and the connection is closed with GOAWAY',
    reason: 'Node.js HTTP/2: protection against floods of CONTINUATION frames',
  },
  headersPause: {
    max: 2_000,
    unit: 'ms',
    what: 'time between two frames of the headers of a call',
    beyond: 'the connection is closed with GOAWAY',
    reason: 'headers are usually one packet; nothing else can arrive on the connection meanwhile',
  },
  authority: {
    max: 512,
    unit: 'bytes',
    what: 'length of the authority and scheme of a call',
    beyond: '`RESOURCE_EXHAUSTED`; do not retry',
    reason: 'a host and a port; kept while the call is open',
  },
  credential: {
    max: 8_192,
    unit: 'bytes',
    what: 'length of a credential: the `authorization` of a call or request',
    beyond: '`UNAUTHENTICATED`; do not retry',
    reason: 'a JWT has about 1,000; valid ones are remembered',
  },
  connections: {
    max: 10_000,
    unit: 'connections',
    what: 'open connections',
    flag: 'max-connections',
    beyond: 'a new one is closed at once; open ones are served as before',
    reason: 'a client has one; each takes memory and an open file',
  },
  connectionAge: {
    max: 1_800_000,
    unit: 'ms',
    what: 'age of a connection, plus or minus a tenth',
    flag: 'max-connection-age',
    beyond: 'GOAWAY: calls in flight are answered, streams end, and clients continue on another connection',
    reason: 'behind a TCP load balancer, a daemon that starts later gets its share within this time',
  },
  connectionGrace: {
    max: 30_000,
    unit: 'ms',
    what: 'time from that GOAWAY until the connection is closed',
    beyond: 'the connection is cut',
    reason: 'a caller that does not read must not keep it open forever',
  },
  streamsOfConnection: {
    max: 1_000,
    unit: 'calls',
    what: 'open calls and streams on a connection',
    beyond: 'gRPC clients wait until one ends; a connection that does not wait is cut',
    reason: 'one connection cannot use up all calls, and a gateway can keep its watches on one',
  },
  silence: {
    max: 10_000,
    unit: 'ms',
    what: 'time from connecting to HTTP/2; by HTTPS, to the end of the handshake',
    beyond: 'the connection is closed',
    reason: 'only a port scan, or an attempt to exhaust connections, is silent for so long',
  },
  idle: {
    max: 300_000,
    unit: 'ms',
    what: 'time of a connection without a call',
    beyond: 'the connection is closed with GOAWAY; clients connect again by themselves',
    reason: 'shorter than the idle timeout of firewalls',
  },
  ping: {
    max: 30_000,
    unit: 'ms',
    what: 'time without data on a connection, until the daemon sends a ping',
    beyond: 'the daemon sends a ping',
    reason: 'a machine that died never closes its connection',
  },
  pong: {
    max: 10_000,
    unit: 'ms',
    what: 'time from that ping until its acknowledgement',
    beyond: 'the connection is cut',
    reason: 'a network answers within a second or not at all',
  },
  pings: {
    max: 1_000,
    unit: 'frames',
    what: 'pings and settings of a peer that are not yet acknowledged',
    beyond: 'the connection is cut',
    reason: 'Node.js HTTP/2; a gRPC client sends one every few seconds at most',
  },
  resets: {
    max: 1_000,
    unit: 'calls',
    what: 'calls that a peer resets at once, plus 33 per second',
    beyond: 'the connection is closed with GOAWAY',
    reason: 'Node.js HTTP/2: protection against rapid reset (CVE-2023-44487)',
  },
  request: {
    max: 10_000,
    unit: 'ms',
    what: 'time from the headers of a call to the end of its (first) message; by HTTP, of a request from its first byte',
    beyond: '`DEADLINE_EXCEEDED`, and the call is reset; by HTTP, 408 and the connection is closed',
    reason: 'usually one packet; 1 MiB takes this long at 1 Mbit/s',
  },
  requestsOfConnection: {
    max: 32 * 1024 * 1024,
    unit: 'bytes',
    what: 'memory of requests of a connection, from their first byte until they are handled',
    beyond: `the call: ${REJECTED}`,
    reason:
      'counted as 8 bytes per byte on the wire, 256 per operation and 2,048 per message, which is what decoding takes',
  },
  requests: {
    max: 128 * 1024 * 1024,
    unit: 'bytes',
    what: 'memory of requests of all connections',
    beyond: `the call: ${REJECTED}`,
    reason: 'an eighth of a small machine; 700 batches of 256 operations',
  },
  vitalRequests: {
    max: 32 * 1024 * 1024,
    unit: 'bytes',
    what: 'additional memory of requests, for Heartbeat and KeepServerAlive only',
    beyond: `the call: ${REJECTED}`,
    reason: 'a flood of large requests must not end sessions',
  },
  answer: {
    max: 20_000,
    unit: 'ms',
    what: 'time until the caller reads a response, or a message of a stream (not of Watch); by HTTP, any part of it',
    beyond: 'the call is reset; by HTTP, the connection is cut',
    reason: 'an unread response stays in memory; watches have a limit of their own',
  },
  answersOfConnection: {
    max: 16 * 1024 * 1024,
    unit: 'bytes',
    what: 'unread responses of a connection',
    beyond: `further calls on it: ${REJECTED}`,
    reason: 'a caller that sends faster than it reads must affect only itself',
  },
  answers: {
    max: 256 * 1024 * 1024,
    unit: 'bytes',
    what: 'unread responses of all connections',
    beyond: `further calls: ${REJECTED}`,
    reason: 'a quarter of a small machine',
  },
  reads: {
    max: 128 * 1024 * 1024,
    unit: 'bytes',
    what: 'memory of sessions read for responses of all requests, until the responses are encoded',
    beyond: `a request that has read more than 32 KiB: ${REJECTED}; in Apply only that operation fails`,
    reason:
      'an eighth of a small machine; eight requests of 16 MiB. A connection may use as much as it leaves free',
  },
  calls: {
    max: 4_000,
    unit: 'calls',
    what: 'calls in flight, from their headers until the response is read',
    flag: 'max-calls-in-flight',
    beyond: `${REJECTED}, and the request is not read`,
    reason: 'a quarter of a second of work at 16,000 calls a second',
  },
  vitalCalls: {
    max: 1_000,
    unit: 'calls',
    what: 'additional calls in flight, for Heartbeat only',
    beyond: REJECTED,
    reason: 'a flood of queries must not end sessions',
  },
  operations: {
    max: 50_000,
    unit: 'operations',
    what: 'operations in the store, those in batches included',
    beyond: `a call: ${REJECTED}; a batch of Apply waits`,
    reason: 'a quarter of a second of work at 200,000 operations a second',
  },
  turn: {
    max: 1_000,
    unit: 'ms',
    what: 'time that a batch of Apply waits for the store',
    beyond: `earlier messages are answered, then the stream ends with ${REJECTED}`,
    reason: 'half of the time that the client library waits for a response',
  },
  watches: {
    max: 10_000,
    unit: 'watches',
    flag: 'max-watches',
    what: 'open watches, each of which counts as 1 to 10 by its scope',
    beyond: '`RESOURCE_EXHAUSTED`, nothing was done',
    reason: 'chat servers and viewers of presence have one each; each takes memory, and time for each change',
  },
  watchBacklog: {
    max: 256 * 1024 * 1024,
    unit: 'bytes',
    what: 'memory of unread changes of all watches and, up to half, of the ids that watches name',
    flag: 'max-watch-backlog',
    beyond:
      'the watch with the largest backlog is closed: `RESOURCE_EXHAUSTED`, with the revision to resume from; a watch that names too many ids is rejected',
    reason: 'a quarter of a small machine, as for responses',
  },
  leases: {
    max: 10_000,
    unit: 'streams',
    what: 'open streams of KeepServerAlive',
    beyond: REJECTED,
    reason: 'one per chat server; their messages are never rejected',
  },
  applies: {
    max: 10_000,
    unit: 'streams',
    what: 'open streams of Apply',
    beyond: REJECTED,
    reason: 'one per client; four batches of each run concurrently',
  },
  probes: {
    max: 1_000,
    unit: 'calls',
    what: 'open calls and streams of health',
    beyond: REJECTED,
    reason: 'a load balancer has one; they need no credentials and do not count as other calls',
  },
  probesOfConnection: {
    max: 16,
    unit: 'calls',
    what: 'open calls and streams of health on a connection; the same for streams of reflection',
    beyond: REJECTED,
    reason: 'one connection cannot use up all of them',
  },
  otherStreams: {
    max: 100,
    unit: 'streams',
    what: 'open streams of reflection',
    beyond: REJECTED,
    reason: 'a person with a tool has one, briefly',
  },
  httpConnections: {
    max: 2_000,
    unit: 'connections',
    what: 'open HTTP connections',
    beyond: 'a new one is closed at once',
    reason: 'Prometheus has one, a browser at most six',
  },
  httpRequests: {
    max: 100,
    unit: 'requests',
    what: 'HTTP requests in flight, until the response is read; without streams and open paths',
    beyond: '`RESOURCE_EXHAUSTED` (429), nothing was done',
    reason: 'a page of a thousand entries may have 2 MB; a console sends three at once',
  },
  httpPipeline: {
    max: 1,
    unit: 'request',
    what: 'requests in flight on an HTTP connection',
    beyond:
      'the connection is cut: wait for the response before you send the next request, or use another connection',
    reason: 'no browser sends the next one earlier; unread responses would pile up',
  },
  httpBody: {
    max: 65_536,
    unit: 'bytes',
    what: 'size of the body of an HTTP request',
    beyond: '`INVALID_ARGUMENT` (400)',
    reason: 'it names one user or chat server',
  },
  httpBatchBody: {
    max: 1024 * 1024,
    unit: 'bytes',
    what: 'size of the body of an HTTP request about many users',
    beyond: '`INVALID_ARGUMENT` (400)',
    reason: 'as for a batch by gRPC',
  },
  eventStreams: {
    max: 1_000,
    unit: 'streams',
    what: 'open event streams by HTTP',
    beyond: '`RESOURCE_EXHAUSTED` (429), nothing was done',
    reason: 'an open console has two or three',
  },
  logBuffer: {
    max: 1024 * 1024,
    unit: 'bytes',
    what: 'log lines that wait because nothing reads the log',
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
  /** Unread changes of all watches. Bytes. */
  maxWatchBacklogBytes: number;
  /** Overrides of {@link LIMITS}. */
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
