/** How many connections the daemon has closed by itself, by the reason. */
export class ClosedConnections {
  /** They had reached --max-connection-age. */
  age = 0;
  /** Their headers were too long for HTTP/2, or not complete in time. */
  headers = 0;
  /** There were --max-connections already. */
  limit = 0;
}
