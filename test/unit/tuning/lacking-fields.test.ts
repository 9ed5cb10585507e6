// Which metadata were kept when, and that Stripe's events are read again for what was not.
import { describe, expect, it } from 'vitest';
import { encode } from '../../../src/log/codec.ts';
import type { AcceptedSettings } from '../../../src/model/commands.ts';
import type { DetectorSettings, GeneralSettings } from '../../../src/model/detector.ts';
import { lackingFields, viewsReadAgain } from '../../../src/tuning/lacking-fields.ts';
import { ANA, detectorSettings, GENERAL } from '../../support/decider.ts';
import { sample } from '../../support/stripe-samples.ts';
import { openTempLog } from '../../support/temp-log.ts';

const withMetadata = (ip: string | null, ...keys: string[]): GeneralSettings => ({
  ...GENERAL,
  metadata: { ip, keys },
});

/** One version for each, a second apart. */
function pastOf(...generals: readonly GeneralSettings[]) {
  const history = generals.map((general, index): AcceptedSettings => {
    const rule = {
      record: 'rule',
      detector: 'card-declines',
      version: index + 1,
      revision: 1,
      sinceS: 0,
      settings: detectorSettings(),
      latenessMs: 0,
    } as const;
    return { rule, general, position: { offset: index, index: 0 }, at: (index + 1) * 1_000, actor: ANA, why: '' };
  });
  return { detectorNames: () => ['card-declines'], settingsHistory: () => history };
}

const asks = (change: Partial<DetectorSettings>): readonly DetectorSettings[] => [detectorSettings(change)];

describe('fields that the log lacks', () => {
  const past = pastOf(withMetadata(null), withMetadata('client_ip'), withMetadata('client_ip', 'plan'));

  it('are those of keys that were kept later than the stretch begins', () => {
    expect(lackingFields(past, asks({ per: 'metadata.plan' }), 0)).toEqual([
      { field: 'metadata.plan', keptSince: 3_000 },
    ]);
    expect(lackingFields(past, asks({ per: 'metadata.plan' }), 3_000)).toEqual([]);
    expect(lackingFields(past, asks({ per: 'ip' }), 0)).toEqual([{ field: 'ip', keptSince: 2_000 }]);
    expect(lackingFields(past, asks({ count: 'distinct(ip)' }), 1_500)).toEqual([{ field: 'ip', keptSince: 2_000 }]);
  });

  it('are found in filters, however the key is written, and not in values', () => {
    const wheres = [
      'metadata.plan == "a"',
      'metadata["plan"] == "a"',
      "metadata['plan'] != ''",
      '"plan" in metadata && outcome == "declined"',
    ];
    for (const where of wheres)
      expect(lackingFields(past, asks({ where }), 0), where).toEqual([{ field: 'metadata.plan', keptSince: 3_000 }]);
    expect(lackingFields(past, asks({ where: 'ip != ""' }), 0)).toMatchObject([{ field: 'ip' }]);
    expect(lackingFields(past, asks({ where: 'code == "ip"' }), 0)).toEqual([]);
    expect(lackingFields(past, asks({ of: 'metadata.plan == ""' }), 0)).toHaveLength(1);
  });

  it('lack until the last time that the key came back, and for ever if it is not kept now', () => {
    const lost = pastOf(withMetadata(null, 'plan'), withMetadata(null), withMetadata(null, 'plan'));
    expect(lackingFields(lost, asks({ per: 'metadata.plan' }), 0)).toEqual([
      { field: 'metadata.plan', keptSince: 3_000 },
    ]);
    const moved = pastOf(withMetadata('old_ip'), withMetadata('client_ip'));
    expect(lackingFields(moved, asks({ per: 'ip' }), 0)).toEqual([{ field: 'ip', keptSince: 2_000 }]);
    expect(lackingFields(pastOf(withMetadata(null)), asks({ per: 'metadata.plan' }), 0)).toEqual([
      { field: 'metadata.plan', keptSince: Number.POSITIVE_INFINITY },
    ]);
    expect(lackingFields(pastOf(withMetadata('a', 'plan')), asks({ per: 'metadata.plan' }), 0)).toEqual([]);
  });

  it('are in the views that Stripe’s events give once more', async () => {
    const temp = await openTempLog();
    try {
      const event = sample('endive-charge-failed');
      const now = Date.now();
      event.data.object.metadata = { plan: 'gold' };
      const record = (timeMs: number) => ({ key: null, value: encode('stripe-events', { event }), timeMs });
      await temp.log.append('stripe-events', [record(now - 2_000)]);
      const lacking = [{ field: 'metadata.plan', keptSince: now - 1_000 }];
      const general = withMetadata(null, 'plan');
      const views = [];
      for await (const slice of viewsReadAgain({ log: temp.log, general, lacking, fromMs: now - 5_000 }))
        views.push(...slice);
      expect(views).toMatchObject([{ record: 'view', fields: { metadata: { plan: 'gold' } } }]);
      const later = viewsReadAgain({
        log: temp.log,
        general,
        lacking: [{ ...lacking[0], field: 'x', keptSince: now - 3_000 }],
        fromMs: 0,
      });
      for await (const slice of later) expect(slice).toEqual([]);
    } finally {
      await temp.close();
    }
  });

  it('are named when Stripe’s events of then are gone', async () => {
    const log = {
      offsetsAt: async () => [{ partition: 0, offset: 7 }],
      ends: async () => [{ partition: 0, first: 7, next: 9 }],
      read: () => {
        throw new Error('nothing is to be read');
      },
    };
    const lacking = [{ field: 'metadata.plan', keptSince: 3_000 }];
    const reading = viewsReadAgain({ log, general: withMetadata(null, 'plan'), lacking, fromMs: 1 }).next();
    await expect(reading).rejects.toMatchObject({
      code: 'field_not_kept',
      message: expect.stringContaining('metadata.plan'),
    });
  });
});
