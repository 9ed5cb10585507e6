import { BlockList, isIP, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { publicAddress } from '../../../src/ingest/ip.ts';

describe('the address of a metadata value', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    [' 198.51.100.7 ', '198.51.100.7'],
    ['203.0.113.9:51234', '203.0.113.9'],
    ['10.0.0.1, 203.0.113.9, 198.51.100.7', '203.0.113.9'],
    ['unknown, 203.0.113.9', '203.0.113.9'],
    ['172.31.255.255,172.32.0.1', '172.32.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8::/64'],
    ['2001:db8:0:1::', '2001:db8:0:1::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
    ['[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9%eth0', '2001:db8:1:2::/64'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::ffff:cb00:7109', '203.0.113.9'],
    ['2001:db8:1:2:3:4:203.0.113.9', '2001:db8:1:2::/64'],
  ])('%s counts as %s', (text, expected) => {
    expect(publicAddress(text)).toBe(expected);
  });

  it.each([
    '',
    'unknown',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '192.0.0.8',
    '192.168.1.1',
    '198.19.255.255',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::203.0.113.9',
    'fc00::1',
    'fdff::1',
    'fe80::1%eth0',
    'febf::1',
    'ff02::1',
    '::ffff:10.0.0.1',
    '203.0.113',
    '203.0.113.256',
    '203.0.113.09',
    '203.0.113.9.1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1::2::3',
    ':1:2:3:4:5:6:7',
    '12345::',
    'g::1',
    '2001:db8::203.0.113.999',
    '<script>, =1+1, 203.0.113.9<',
  ])('%s is no public address', (text) => {
    expect(publicAddress(text)).toBeNull();
  });

  it('looks at no more than 16 of a list', () => {
    const padding = (count: number): string => '10.0.0.1,'.repeat(count);
    expect(publicAddress(`${padding(15)}203.0.113.9`)).toBe('203.0.113.9');
    expect(publicAddress(`${padding(16)}203.0.113.9`)).toBeNull();
  });

  it('takes for an IPv4 address exactly what Node takes for one', () => {
    const part = fc.oneof(fc.nat(300).map(String), fc.constantFrom('', '00', '01', 'a', ' ', '-1', '1e1'));
    fc.assert(
      fc.property(fc.array(part, { minLength: 3, maxLength: 5 }), (parts) => {
        const text = `8.${parts.slice(1).join('.')}`;
        expect(publicAddress(text)).toBe(isIP(text.trim()) === 4 ? text.trim() : null);
      }),
    );
  });

  it('takes for an IPv6 address exactly what Node takes for one, and counts it by its /64', () => {
    const local = new BlockList();
    local.addSubnet('::', 80, 'ipv6');
    local.addSubnet('fc00::', 7, 'ipv6');
    local.addSubnet('fe80::', 10, 'ipv6');
    local.addSubnet('ff00::', 8, 'ipv6');
    const group = fc.oneof(
      fc.nat(0xffff).map((value) => value.toString(16)),
      fc.constantFrom('0', '', 'g', '00001', '0db8'),
    );
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 1, maxLength: 9 }),
        fc.constantFrom('', '::', '1.2.3.4', ':1.2.3.4'),
        (groups, end) => {
          const text = `${groups.join(':')}${end}`;
          const isMapped = /^[0:]*ffff:/i.test(text);
          fc.pre(isIP(text) !== 4 && !isMapped);
          const expected = isIP(text) === 6 && !local.check(text, 'ipv6') ? `${netOf(text)}/64` : null;
          expect(publicAddress(text)).toBe(expected);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('never throws, and answers only addresses', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const found = publicAddress(text);
        if (found !== null) expect(isIP(found.replace('/64', ''))).toBeGreaterThan(0);
      }),
    );
  });
});

/** The first four groups by Node's own parser: a subnet holds the address exactly if it is the right one. */
function netOf(text: string): string {
  const full = expanded(new SocketAddress({ address: text, family: 'ipv6' }).address);
  const net = full.slice(0, 4);
  return new SocketAddress({ address: `${net.join(':')}::`, family: 'ipv6' }).address;
}

function expanded(canonical: string): string[] {
  const [head = '', tail = ''] = canonical.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, '0:0').split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail.split(':').filter(Boolean);
  return [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right];
}
