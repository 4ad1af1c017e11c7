/** What may import what: see docs/architecture.md. `npx depcruise src packages/client/src` checks it. */

const CLIENT = '^packages/client/src';

/** Each folder of src/, and what it may import beside itself, node_modules and the client. */
const LAYERS = {
  commands: ['cli', 'daemon', 'doctor', 'migration', 'relay', 'simulation', 'store', 'registry', 'presence'],
  cli: ['daemon', 'doctor', 'migration', 'relay', 'simulation', 'store', 'registry', 'presence'],
  daemon: ['store', 'registry', 'presence'],
  doctor: ['daemon', 'store', 'registry', 'presence'],
  migration: ['doctor', 'store', 'presence'],
  relay: ['presence'],
  simulation: ['presence'],
  store: ['presence'],
  registry: ['presence'],
  presence: [],
};

/** Within the daemon: what a folder must not import. */
const DAEMON = {
  watch: ['grpc', 'http'],
  messages: ['grpc', 'http', 'watch', 'overload'],
  overload: ['grpc', 'http', 'watch'],
  auth: ['grpc', 'http', 'watch', 'overload', 'audit'],
  audit: ['grpc', 'http', 'watch', 'overload', 'messages'],
  internals: ['grpc', 'http', 'watch', 'overload', 'auth', 'messages', 'observability'],
};

const withinDaemon = Object.entries(DAEMON).map(([folder, others]) => ({
  name: `daemon-${folder}`,
  severity: 'error',
  from: { path: `^src/daemon/${folder}/` },
  to: { path: `^src/daemon/(${others.join('|')})/` },
}));

const layers = Object.entries(LAYERS).map(([layer, below]) => ({
  name: `${layer}-imports-downwards`,
  severity: 'error',
  from: { path: `^src/${layer}/` },
  to: { path: '^src/', pathNot: `^src/(${[layer, ...below].join('|')})/|^src/dataDirectory\\.ts$` },
}));

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'client-imports-nothing-of-src',
      severity: 'error',
      from: { path: CLIENT },
      to: { path: '^src/' },
    },
    {
      name: 'presence-has-no-io',
      severity: 'error',
      from: { path: '^src/presence/' },
      to: { dependencyTypes: ['core'], path: '^(node:)?(fs|net|http|https|http2|tls|dns|child_process)' },
    },
    {
      name: 'only-the-command-line-knows-oclif',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(cli|commands)/' },
      to: { path: 'node_modules/@oclif/' },
    },
    ...layers,
    ...withinDaemon,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/generated/' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
};
