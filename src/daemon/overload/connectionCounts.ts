/** What a daemon has done to connections by itself, since the start. */
export class ConnectionCounts {
  /** Connections that it closed, by the reason. */
  readonly closed = {
    /** They had reached --max-connection-age. */
    age: 0,
    /** Their headers were too long for HTTP/2, or not complete in time. */
    headers: 0,
    /** There were --max-connections already. */
    limit: 0,
  };
  /** Calls that HTTP/2 refused because of their headers, on connections that were closed for it and on others. */
  refusedHeaders = 0;
}
