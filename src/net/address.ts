/**
 * Address: where a master can be reached, as text on a slave's command line.
 *
 *     127.0.0.1:40123   [::1]:40123   tls://head.cluster:40123
 *
 * `tls://` says that the connection is encrypted from its first byte on: see tls_link.ts.
 */
import { UsageError } from '../errors.js';

export interface Address {
  host: string;
  port: number;
  is_encrypted?: boolean | undefined;
}

const TLS = 'tls://';

export function format_address({ host, port, is_encrypted = false }: Address): string {
  return `${is_encrypted ? TLS : ''}${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** @throws UsageError (PARJOB_ERR_USAGE) */
function parse_address(text: string): Address {
  const is_encrypted = text.startsWith(TLS);
  const rest = is_encrypted ? text.slice(TLS.length) : text;
  const [, host, port] = /^(\[[^\]]+\]|[^:\s]+):(\d{1,5})$/.exec(rest) ?? [];
  if (host === undefined || port === undefined || Number(port) > 65535) {
    throw new UsageError(
      `an address of a master is host:port, [IPv6 address]:port, or one of them after tls://; got ${JSON.stringify(text)}`,
    );
  }
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port), is_encrypted };
}

/** Several, separated by commas. @throws UsageError (PARJOB_ERR_USAGE) */
export function parse_addresses(text: string): Address[] {
  return text.split(',').map(parse_address);
}
