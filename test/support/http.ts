import { type ClientRequest, type IncomingHttpHeaders, request as plain } from 'node:http';
import { type RequestOptions, request as secure } from 'node:https';

/** What a server answered. */
export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Asks a server of HTTP or HTTPS; `body` is sent as it is. */
export function ask(
  url: string,
  { body, ...options }: RequestOptions & { body?: string } = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const make = url.startsWith('https:') ? secure : plain;
    const request: ClientRequest = make(url, { agent: false, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    request.on('error', reject).end(body);
  });
}
