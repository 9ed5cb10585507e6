// The address of a metadata value: untrusted, maybe a list from X-Forwarded-For. The first public one counts; an IPv6
// address by its /64, which one visitor has whole.
import { BlockList, isIP, SocketAddress } from 'node:net';

const MAX_CANDIDATES = 16;

const notPublic = new BlockList();
for (const [net, prefix] of [
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
] as const)
  notPublic.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of [
  ['::', 128],
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  notPublic.addSubnet(net, prefix, 'ipv6');

/** `203.0.113.9`, `2001:db8:1:2::/64`, or null if the text holds no public address. */
export function publicAddress(text: string): string | null {
  for (const part of text.split(',', MAX_CANDIDATES)) {
    const address = bareAddress(part.trim());
    const family = isIP(address);
    if (family === 4 && !notPublic.check(address, 'ipv4')) return address;
    if (family === 6) {
      const found = publicV6(address);
      if (found !== null) return found;
    }
  }
  return null;
}

/** Without brackets, port and zone. */
function bareAddress(text: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1];
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1];
  return (bracketed ?? withPort ?? text).split('%', 1)[0] ?? '';
}

function publicV6(address: string): string | null {
  const groups = groupsOf(address);
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  if (a === 0 && b === 0 && c === 0 && d === 0 && e === 0 && f === 0xffff) {
    const mapped = [g >> 8, g & 255, h >> 8, h & 255].join('.');
    return notPublic.check(mapped, 'ipv4') ? null : mapped;
  }
  if (notPublic.check(address, 'ipv6')) return null;
  const net = new SocketAddress({
    address: `${[a, b, c, d].map((group) => group.toString(16)).join(':')}::`,
    family: 'ipv6',
  });
  return `${net.address}/64`;
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const plain = dotted
    ? `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
    : address;
  const [head = '', tail] = plain.split('::');
  const parse = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const left = parse(head);
  const right = tail === undefined ? [] : parse(tail);
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
}
