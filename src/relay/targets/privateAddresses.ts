import { type LookupAddress, lookup as lookupName } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The addresses of the public internet in IPv6 that are assigned: RFC 4291, section 2.4. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** Networks without IPv4 reach every IPv4 host through it: RFC 6052. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
/** Metadata and keys of virtual machines in Azure. It looks public, and is none outside of Azure. */
const AZURE_WIRE_SERVER = '168.63.129.16';
/** The deprecated IPv4-compatible addresses, such as `::8.8.8.8`: ipaddr.js parses them as `::ffff:8.8.8.8`. */
const IPV4_COMPATIBLE = /^::\d+\./;
const NOT_GLOBAL = 'not global unicast';

/**
 * Why requests of others must not reach an IP address: the kind of its range, such as `loopback`; undefined if it is
 * public unicast. An IPv6 address that stands for an IPv4 address is judged by that one.
 */
export function privateRange(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return 'not an IP address';
  if (IPV4_COMPATIBLE.test(address)) return NOT_GLOBAL;
  const parsed = ipaddr.parse(address);
  return parsed instanceof ipaddr.IPv4 ? privateRangeOfIPv4(parsed) : privateRangeOfIPv6(parsed);
}

function privateRangeOfIPv4(address: ipaddr.IPv4): string | undefined {
  if (address.toString() === AZURE_WIRE_SERVER) return 'cloud metadata';
  return nameOf(address.range());
}

function privateRangeOfIPv6(address: ipaddr.IPv6): string | undefined {
  if (address.isIPv4MappedAddress()) return privateRangeOfIPv4(address.toIPv4Address());
  if (address.match(NAT64)) return privateRangeOfIPv4(new ipaddr.IPv4(address.toByteArray().slice(-4)));
  // Includes 6to4 and Teredo, whatever IPv4 address they embed: both are obsolete.
  const range = nameOf(address.range());
  if (range !== undefined) return range;
  return address.match(GLOBAL_UNICAST) ? undefined : NOT_GLOBAL;
}

/** `linkLocal` as `link-local`; undefined for unicast. */
function nameOf(range: string): string | undefined {
  if (range === 'unicast') return undefined;
  return range.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * A lookup for sockets that fails unless all addresses of a name are public. The socket connects to the addresses that
 * were checked, so that a name that resolves differently the next time (DNS rebinding) gains nothing. Sockets do not
 * look up IP addresses: check those with {@link privateRange}.
 */
export function publicLookup(lookup: LookupFunction = lookupName): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      // With `all` set, it is a list.
      const addresses = found as LookupAddress[];
      const [first] = addresses ?? [];
      const fault = error ?? faultOf(hostname, addresses);
      if (fault || first === undefined) callback(fault ?? new Error(`${hostname} has no address`), []);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function faultOf(hostname: string, addresses: readonly LookupAddress[]): Error | undefined {
  for (const { address } of addresses) {
    const range = privateRange(address);
    if (range !== undefined)
      return new Error(
        `it resolves ${hostname} to ${address}, which is not public (${range}): allow it with --allow-private`,
      );
  }
  return undefined;
}
