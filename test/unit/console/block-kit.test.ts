import { describe, expect, it } from 'vitest';
import { renderAlert } from '../../../src/alerts/blocks.ts';
import { renderBlocks } from '../../../src/console/block-kit.ts';
import type { FormContext } from '../../../src/console/incident-forms.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const context: FormContext = {
  caller: { actor: { kind: 'console', id: 'ana', name: 'ana' }, session: null, formToken: 'token-of-the-page' },
  back: '/preview',
  detectorOf: () => 'card-declines',
};
const render = (blocks: readonly unknown[]): string => String(renderBlocks(blocks, context));
const actionsIn = (text: string) =>
  [...text.matchAll(/action="\/incidents\/INC-1\/(\w+)"/g)].map(([, action]) => action);

describe('the preview of an alert', () => {
  it('shows every part of the real blocks, and nothing as unknown', () => {
    for (const incident of [
      sampleIncident(),
      acknowledgedBy(sampleIncident()),
      resolvedBy(sampleIncident()),
      sampleIncident({ mutedUntil: 9e12, owner: 'bo' }),
    ]) {
      const { blocks } = renderAlert(incident, { consoleUrl: 'http://localhost:4243' });
      const shown = render(blocks);
      expect(shown).toContain('CRITICAL · 14 declines on visa •••• 4242');
      expect(shown).not.toContain('is not shown here');
    }
  });

  it('has the buttons of its state, each acting on its incident', () => {
    const blocksOf = (incident: ReturnType<typeof sampleIncident>) =>
      renderAlert(incident, { consoleUrl: 'http://localhost' }).blocks;
    expect(actionsIn(render(blocksOf(sampleIncident())))).toEqual([
      'acknowledge',
      'resolve',
      'mute',
      'assign',
      'assign',
      'note',
    ]);
    expect(actionsIn(render(blocksOf(acknowledgedBy(sampleIncident()))))).toEqual([
      'resolve',
      'unacknowledge',
      'mute',
      'assign',
      'assign',
      'note',
    ]);
    expect(actionsIn(render(blocksOf(resolvedBy(sampleIncident()))))).toEqual(['reopen', 'assign', 'assign', 'note']);
    expect(actionsIn(render(blocksOf(sampleIncident({ owner: 'bo', mutedUntil: 9e12 }))))).toEqual([
      'acknowledge',
      'resolve',
      'mute',
      'assign',
      'assign',
      'note',
    ]);
    expect(render(blocksOf(sampleIncident()))).toContain('href="/detectors/card-declines/curve"');
  });

  it('carries the token of the page, and comes back to the preview', () => {
    const { blocks } = renderAlert(sampleIncident(), { consoleUrl: 'http://localhost' });
    const shown = render(blocks);
    expect(shown.match(/name="form" value="token-of-the-page"/g)).toHaveLength(6);
    expect(shown.match(/name="back" value="\/preview"/g)).toHaveLength(6);
  });

  it('keeps hostile names inert', () => {
    const hostile = '<script>alert(1)</script> <https://evil.example|click> *x* <!channel>';
    const incident = sampleIncident({
      title: hostile,
      owner: hostile,
      entity: { kind: 'card', value: 'x', label: hostile },
    });
    const shown = render(renderAlert(incident, { consoleUrl: 'http://localhost' }).blocks);
    expect(shown).not.toMatch(/<script|evil\.example"|class="mention"/);
  });

  it('names what it does not know', () => {
    for (const block of [
      { type: 'video' },
      null,
      7,
      { type: 'actions', elements: [{ type: 'button', action_id: 'x', value: 'INC-1' }] },
      { type: 'actions', elements: [{ type: 'button', action_id: 'acknowledge', value: '../x' }] },
    ])
      expect(render([block])).toContain('is not shown here');
    for (const block of [{ type: 'section' }, { type: 'context', elements: 'x' }, { type: 'header' }])
      expect(render([block])).not.toContain('undefined');
  });
});
