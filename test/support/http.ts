import { type ClientRequest, type IncomingHttpHeaders, request as plain } from 'node:http';
import { type RequestOptions, request as secure } from 'node:https';

/** The response of a server. */
export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Makes an HTTP or HTTPS request; `body` is sent unchanged. */
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
