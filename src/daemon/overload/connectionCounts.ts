/** What a daemon has done to connections on its own, since its start. */
export class ConnectionCounts {
  /** Connections that it closed, by reason. */
  readonly closed = {
    /** They had reached --max-connection-age. */
    age: 0,
    /** Their headers were too long for HTTP/2, or incomplete for too long. */
    headers: 0,
    /** There were --max-connections already. */
    limit: 0,
  };
  /** Calls that HTTP/2 rejected because of their headers, whether or not their connection was closed. */
  refusedHeaders = 0;
}
