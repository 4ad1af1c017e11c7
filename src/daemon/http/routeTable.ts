import type { Route } from './routes.js';

/** A route, and what stands in a request's path for its `{names}`. */
export interface FoundRoute {
  readonly route: Route;
  readonly segments: Readonly<Record<string, string>>;
}

/** Finds the route of a request. */
export class RouteTable {
  readonly #exact = new Map<string, Route>();
  /** Those whose path has `{names}`. */
  readonly #templates: (readonly [pattern: RegExp, route: Route])[] = [];

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      if (route.path.includes('{')) this.#templates.push([patternOf(route.path), route]);
      else this.#exact.set(`${route.method} ${route.path}`, route);
    }
  }

  /** Undefined if there is none. A HEAD is a GET. */
  find(method: string, path: string): FoundRoute | undefined {
    const wanted = method === 'HEAD' ? 'GET' : method;
    const exact = this.#exact.get(`${wanted} ${path}`);
    if (exact) return { route: exact, segments: {} };
    return this.#matches(path).find(({ route }) => route.method === wanted);
  }

  /** The methods that a path takes. */
  methodsOf(path: string): string[] {
    const exact = [...this.#exact.values()].filter((route) => route.path === path);
    return [...exact, ...this.#matches(path).map(({ route }) => route)].map(({ method }) => method);
  }

  #matches(path: string): FoundRoute[] {
    return this.#templates.flatMap(([pattern, route]) => {
      const segments = decoded(pattern.exec(path)?.groups);
      return segments ? [{ route, segments }] : [];
    });
  }
}

/** `{serverAddr}` is one segment of the path, as it was sent. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
}

/** Undefined if the path does not match, or is malformed. */
function decoded(groups: Record<string, string> | undefined): Record<string, string> | undefined {
  if (groups === undefined) return undefined;
  try {
    return Object.fromEntries(
      Object.entries(groups).map(([name, segment]) => [name, decodeURIComponent(segment)]),
    );
  } catch {
    return undefined;
  }
}
