// The address of a metadata value: untrusted, maybe a list from X-Forwarded-For. The first public one counts; an IPv6
// address by its /64, which one visitor has whole. Parsed here, so that the normaliser stays without I/O modules.

const MAX_CANDIDATES = 16;

/** `203.0.113.9`, `2001:db8:1:2::/64`, or null if the text holds no public address. */
export function publicAddress(text: string): string | null {
  for (const part of text.split(',', MAX_CANDIDATES)) {
    const found = publicOf(bareAddress(part.trim()));
    if (found !== null) return found;
  }
  return null;
}

/** Without brackets, port and zone. */
function bareAddress(text: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1];
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1];
  return (bracketed ?? withPort ?? text).split('%', 1)[0] ?? '';
}

function publicOf(text: string): string | null {
  const v4 = parseV4(text);
  if (v4 !== null) return publicV4(v4);
  const v6 = parseV6(text);
  return v6 === null ? null : publicV6(v6);
}

/** Address, prefix length. Documentation ranges are not among them: examples and the demo use those. */
const NOT_PUBLIC_V4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
].map(([net, prefix]) => ({ net: parseV4(String(net)) ?? 0, size: 2 ** (32 - Number(prefix)) }));

function publicV4(address: number): string | null {
  if (NOT_PUBLIC_V4.some(({ net, size }) => address >= net && address < net + size)) return null;
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

function publicV6(groups: readonly number[]): string | null {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  if (a === 0 && b === 0 && c === 0 && d === 0 && e === 0) {
    // An IPv4 address in IPv6 dress counts as itself; the rest of ::/80 is loopback, unspecified or long given up.
    return f === 0xffff ? publicV4(g * 65_536 + h) : null;
  }
  const isLocal = (a & 0xfe00) === 0xfc00 || (a & 0xffc0) === 0xfe80 || (a & 0xff00) === 0xff00;
  if (isLocal) return null;
  const net = [a, b, c, d];
  while (net.at(-1) === 0) net.pop();
  return `${net.map((group) => group.toString(16)).join(':')}::/64`;
}

/** As a whole number below 2^32; null if it is none (a leading zero might mean octal: refused). */
function parseV4(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let address = 0;
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    address = address * 256 + Number(part);
  }
  return address;
}

/** Its eight groups; null if it is none. */
function parseV6(text: string): readonly number[] | null {
  const [head = '', tail, ...more] = withoutDots(text).split('::');
  if (more.length > 0) return null;
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  if (left === null || right === null) return null;
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  return [...left, ...new Array<number>(missing).fill(0), ...right];
}

/** `::ffff:1.2.3.4` as `::ffff:102:304`; a text that is no address stays none. */
function withoutDots(text: string): string {
  const at = text.lastIndexOf(':') + 1;
  const v4 = text.includes('.') ? parseV4(text.slice(at)) : null;
  if (v4 === null) return text;
  return `${text.slice(0, at)}${(v4 >>> 16).toString(16)}:${(v4 & 0xffff).toString(16)}`;
}

function groupsOf(text: string): readonly number[] | null {
  if (text === '') return [];
  const groups = text.split(':');
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : null;
}
