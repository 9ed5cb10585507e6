// The promise of an erase: which episodes there are, and everything about them, stays; only who they are on has another name.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAttemptsRecord, encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { episodesOf, fold, keysOf } from '../../../src/detectors/fold.ts';
import { createState } from '../../../src/detectors/state.ts';
import { createRecordEraser } from '../../../src/erasure/erase-record.ts';
import type { View } from '../../../src/model/attempt.ts';
import type { Entity } from '../../../src/model/entity.ts';
import type { Episode } from '../../../src/model/episode.ts';
import type { Erasure } from '../../../src/model/erasure.ts';
import { maskEntity } from '../../../src/model/mask.ts';
import { tokenOf } from '../../../src/model/mask-erased.ts';
import { erasedName } from '../../../src/model/mask-names.ts';
import { rule, START_S, view } from '../../support/detect.ts';
import { runsOf } from '../../support/property-runs.ts';

const KEY = '66'.repeat(32);
const thresholds = { warning: 2, critical: 4 };
const RULES = [
  rule({ name: 'card', per: 'card', thresholds }),
  rule({ name: 'customer', per: 'customer', thresholds }),
  rule({ name: 'email', per: 'email', thresholds }),
  rule({ name: 'cards of a customer', per: 'customer', count: 'distinct(card)', thresholds }),
  rule({ name: 'e-mails of a card', per: 'card', count: 'distinct(email)', thresholds }),
  rule({ name: 'everybody', per: 'account', thresholds }),
  rule({ name: 'a domain', per: 'account', where: 'email.endsWith("@x.example") && customer != ""', thresholds }),
];

const value = fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined });
const views = fc.array(
  fc.record({
    attempt: fc.nat(14),
    time: fc.nat(3_000),
    card: value,
    customer: value,
    email: value,
    isIntent: fc.boolean(),
    isSuccess: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);

type Drawn = typeof views extends fc.Arbitrary<(infer T)[]> ? T : never;

const viewOf = (drawn: Drawn, i: number): View => {
  const base = view(`ch_${drawn.attempt}`, START_S + drawn.time, {
    event: `evt_${i}`,
    source: drawn.isIntent ? 'intent' : 'charge',
  });
  const { card: _, ...fields } = base.fields;
  return {
    ...base,
    fields: {
      ...fields,
      ...(drawn.isSuccess ? { result: { outcome: 'succeeded', code: '', class: '' } } : {}),
      ...(drawn.card === undefined ? {} : { card: `c${drawn.card}` }),
      ...(drawn.customer === undefined ? {} : { customer: `cus_${drawn.customer}` }),
      ...(drawn.email === undefined ? {} : { email: `e${drawn.email}@x.example` }),
    },
  };
};

/** Episodes by detector and entity, in the order of their keys' names. */
function episodesIn(all: readonly View[], rename: (entity: Entity) => string = ({ value: own }) => own) {
  const state = createState({ lane: 'all' });
  fold(state, RULES);
  for (const one of all) fold(state, [one]);
  const found: [string, readonly Episode[]][] = [];
  for (const key of [...keysOf(state)]) {
    const episodes = episodesOf(state, key);
    if (episodes.length > 0) found.push([`${key.detector} ${key.entity.kind} ${rename(key.entity)}`, episodes]);
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

const PERSON: readonly Entity[] = [
  { kind: 'card', value: 'c1' },
  { kind: 'customer', value: 'cus_1' },
  { kind: 'email', value: 'e1@x.example' },
];
const nameOf = (entity: Entity): string =>
  erasedName(entity, { piiKey: KEY, nonce: 'n', domain: entity.kind === 'email' ? 'x.example' : null });

const erasureAt = (at: number): Erasure => ({
  number: 1,
  offset: 0,
  at,
  subjects: PERSON.map((entity) => ({
    kind: entity.kind,
    token: tokenOf(maskEntity(entity, null, KEY)),
    as: nameOf(entity),
  })),
  attempts: [],
});

const isPerson = ({ kind, value: own }: Entity): boolean =>
  PERSON.some((one) => one.kind === kind && one.value === own);

function erased(all: readonly View[], at: number): readonly View[] {
  const eraser = createRecordEraser([erasureAt(at)], KEY);
  return all.map((one, offset) => {
    const text = encodeAttemptsRecord(one);
    const after = eraser('attempts', { partition: 0, offset, key: null, value: text, timeMs: one.receivedAt });
    return decodeAttemptsRecord(after?.value ?? text) as View;
  });
}

describe('episodes after an erase', () => {
  it('are those of before, under other names', () => {
    fc.assert(
      fc.property(views, (drawn) => {
        const all = drawn.map(viewOf);
        const renamed = episodesIn(all, (entity) => (isPerson(entity) ? nameOf(entity) : entity.value));
        expect(episodesIn(erased(all, Number.MAX_SAFE_INTEGER))).toEqual(renamed);
      }),
      runsOf(0.03),
    );
  });

  it('do not depend on the order in which what came before and after it is read', () => {
    fc.assert(
      fc.property(
        views.chain((drawn) =>
          fc.tuple(
            fc.constant(drawn),
            fc.shuffledSubarray(
              drawn.map((_, i) => i),
              { minLength: drawn.length },
            ),
            fc.nat(3_000),
          ),
        ),
        ([drawn, order, cut]) => {
          const all = erased(drawn.map(viewOf), (START_S + cut) * 1000);
          const shuffled = order.flatMap((i) => all[i] ?? []);
          expect(episodesIn(shuffled)).toEqual(episodesIn(all));
        },
      ),
      runsOf(0.015),
    );
  });
});
