// The buttons of an alert by its status, and nothing that has no handler.
import type { ActionsBlock, ActionsBlockElement, Option } from '@slack/types';
import type { Incident } from '../model/incident.ts';

/** Action ids, held stable: buttons in old messages must go on working (design §7). */
export const ACTION_IDS = {
  acknowledge: 'acknowledge',
  unacknowledge: 'unacknowledge',
  resolve: 'resolve',
  reopen: 'reopen',
  more: 'more',
  /** In the App Home, on a mute. */
  unmute: 'unmute',
} as const;

type ButtonSpec = { readonly action: keyof typeof ACTION_IDS; readonly label: string; readonly isPrimary?: boolean };

const BUTTONS: Readonly<Record<Incident['status'], readonly ButtonSpec[]>> = {
  open: [
    { action: 'acknowledge', label: 'Acknowledge', isPrimary: true },
    { action: 'resolve', label: 'Resolve…' },
  ],
  acknowledged: [
    { action: 'resolve', label: 'Resolve…', isPrimary: true },
    { action: 'unacknowledge', label: 'Unacknowledge' },
  ],
  resolved: [{ action: 'reopen', label: 'Reopen' }],
  merged: [],
  withdrawn: [],
};

/** Null when nothing can be done. A new block id with each version: Slack asks for that when a message is edited. */
export function actionsBlock(incident: Incident): ActionsBlock | null {
  const buttons = BUTTONS[incident.status].map((spec) => button(spec, incident.id));
  if (buttons.length === 0) return null;
  const elements: ActionsBlockElement[] = [...buttons, more(incident)];
  return { type: 'actions', block_id: `actions-${incident.id}-${incident.version}`, elements };
}

export function button({ action, label, isPrimary = false }: ButtonSpec, id: string): ActionsBlockElement {
  return {
    type: 'button',
    action_id: ACTION_IDS[action],
    value: id,
    text: { type: 'plain_text', text: label, emoji: false },
    accessibility_label: `${label.replace('…', '')} ${id}`,
    ...(isPrimary ? { style: 'primary' as const } : {}),
  };
}

type MenuOption = Option & { readonly text: { readonly type: 'plain_text'; readonly text: string } };

/** At most five: Slack's limit. */
function more(incident: Incident): ActionsBlockElement {
  const { id, mutedUntil, updatedAt, owner, status, kind, detector } = incident;
  const option = (value: string, text: string): MenuOption => ({
    value: `${value}:${id}`,
    text: { type: 'plain_text', text, emoji: false },
  });
  const isMuted = mutedUntil !== null && mutedUntil > updatedAt;
  const isHandled = status === 'open' || status === 'acknowledged';
  // Of a storm, and of what operators are told, there is no entity to be silent about.
  const mute = isHandled && kind === 'episode' ? [isMuted ? option('unmute', 'Unmute') : option('mute', 'Mute…')] : [];
  const owned = owner === null ? option('take', 'Assign to me') : option('unassign', 'Remove the owner');
  const isNamed = kind !== 'operator' && /^[\w.-]{1,100}$/.test(detector);
  const tune = option('tune', 'Tune…');
  return {
    type: 'overflow',
    action_id: ACTION_IDS.more,
    options: [...mute, option('assign', 'Assign…'), owned, option('note', 'Note…'), ...(isNamed ? [tune] : [])],
  };
}
