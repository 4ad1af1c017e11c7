import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pair } from './authority.ts';
import { disposables } from './disposables.ts';
import { PROGRAM_PATH } from './packages.ts';
import { startServer, type TestServer } from './servers.ts';

/** Options of a reverse proxy. */
interface ProxySetup {
  /** Port of the daemon. */
  upstream: number;
  /** Serves HTTPS with this certificate, else HTTP. */
  tls?: Pair | undefined;
  /** Directives of nginx beside proxy_pass. */
  directives?: string[] | undefined;
}

/** Starts a reverse proxy on 127.0.0.1 until the end of the test. */
export type StartProxy = (setup: ProxySetup) => Promise<TestServer>;

/** nginx of Debian: without directives it sends the address of the daemon as Host. */
export const startNginx: StartProxy = ({ upstream, tls, directives = [] }) =>
  start((port, folder) => {
    const file = join(folder, 'nginx.conf');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    );
    const server = [
      `listen 127.0.0.1:${port}${tls ? ' ssl' : ''};`,
      ...(tls ? [`ssl_certificate ${tls.cert};`, `ssl_certificate_key ${tls.key};`] : []),
      `location / { proxy_pass http://127.0.0.1:${upstream}; ${directives.map((each) => `${each};`).join(' ')} }`,
    ];
    const lines = [
      // One process, so that a kill ends all of it.
      ...['daemon off;', 'master_process off;', `pid ${folder}/pid;`, `error_log ${folder}/error.log;`],
      'events {}',
      `http { access_log off; ${temporary.join(' ')} server { ${server.join('\n')} } }`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    return ['nginx', '-p', folder, '-c', file, '-e', join(folder, 'error.log')];
  });

/** Caddy of Debian: it forwards the Host of the browser, and sends X-Forwarded-* headers. */
export const startCaddy: StartProxy = ({ upstream, tls }) =>
  start((port, folder) => {
    const file = join(folder, 'Caddyfile');
    const lines = [
      `{\n  admin off\n  auto_https off\n  storage file_system ${folder}\n}`,
      `${tls ? 'https' : 'http'}://:${port} {`,
      '  bind 127.0.0.1',
      ...(tls ? [`  tls ${tls.cert} ${tls.key}`] : []),
      `  reverse_proxy 127.0.0.1:${upstream}\n}`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const homes = ['HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME'].map((name) => `${name}=${folder}`);
    return ['env', ...homes, 'caddy', 'run', '--adapter', 'caddyfile', '--config', file];
  });

async function start(commandOf: (port: number, folder: string) => string[]): Promise<TestServer> {
  const server = await startServer(({ port, folder }) => [
    ...['env', `PATH=${PROGRAM_PATH}`],
    ...commandOf(port, folder),
  ]);
  disposables.push(() => server.stop());
  return server;
}
