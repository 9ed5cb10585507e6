// Block Kit JSON as HTML: the same blocks that Slack would be sent, with buttons that do the same. What is not known here is
// named, never hidden. Pure.
import { html } from 'hono/html';
import { type ActionName, isActionName } from './action-body.ts';
import {
  acknowledgeForm,
  actionForm,
  assignForm,
  type FormContext,
  menu,
  muteForm,
  noteForm,
  reopenForm,
  resolveForm,
  unacknowledgeForm,
} from './incident-forms.ts';
import { clean, type Html } from './markup.ts';
import { decode, renderMrkdwn } from './mrkdwn.ts';

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields => (value !== null && typeof value === 'object' ? (value as Fields) : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const string = (value: unknown): string => (typeof value === 'string' ? value : '');

export function renderBlocks(blocks: readonly unknown[], context: FormContext): Html {
  return html`${blocks.slice(0, 50).map((block) => renderBlock(fields(block), context))}`;
}

function renderBlock(block: Fields, context: FormContext): Html {
  switch (block.type) {
    case 'header':
      return html`<h3>${text(block.text)}</h3>`;
    case 'section':
      return html`<div class="section">${block.text === undefined ? null : html`<p>${text(block.text)}</p>`}${
        block.fields === undefined
          ? null
          : html`<div class="two">${list(block.fields).map((field) => html`<p>${text(field)}</p>`)}</div>`
      }</div>`;
    case 'context':
      return html`<p class="context">${list(block.elements).map((element) => html`${text(element)} `)}</p>`;
    case 'divider':
      return html`<hr>`;
    case 'actions':
      return html`<div class="actions">${list(block.elements).map((element) => renderElement(fields(element), context))}</div>`;
    default:
      return unknown(block.type);
  }
}

function text(value: unknown): Html {
  const { type, text: content } = fields(value);
  return type === 'mrkdwn'
    ? html`${renderMrkdwn(string(content))}`
    : html`<bdi>${clean(decode(string(content)), 3_000)}</bdi>`;
}

const unknown = (type: unknown): Html =>
  html`<p class="problem">A part of type ${clean(String(type), 40)} is not shown here.</p>`;

function renderElement(element: Fields, context: FormContext): Html {
  if (element.type === 'overflow') return overflow(list(element.options), context);
  const { action_id: action, value } = element;
  if (element.type !== 'button' || typeof action !== 'string' || !isTarget(value)) return unknown(element.type);
  return button(action, { target: target(value), isPrimary: element.style === 'primary', context }) ?? unknown(action);
}

type Pressed = {
  readonly target: { readonly id: string; readonly version: number };
  readonly isPrimary: boolean;
  readonly context: FormContext;
};

function button(action: string, { target: on, isPrimary, context }: Pressed): Html | null {
  if (!isActionName(action)) return null;
  const known: Partial<Record<ActionName, () => Html>> = {
    acknowledge: () => acknowledgeForm(context, on),
    unacknowledge: () => unacknowledgeForm(context, on),
    reopen: () => reopenForm(context, on),
    resolve: () => resolveForm(context, on, isPrimary),
  };
  return known[action]?.() ?? null;
}

/** Values are `mute:INC-1`: what, on which. */
function overflow(options: readonly unknown[], context: FormContext): Html {
  const items = options.map((option) => {
    const { value, text: label } = fields(option);
    const [what = '', id = ''] = string(value).split(':');
    if (!isTarget(id)) return unknown(what);
    if (what === 'tune') return tuneLink(id, clean(decode(string(fields(label).text)), 75), context);
    return overflowItem(what, { target: target(id), label: clean(decode(string(fields(label).text)), 75), context });
  });
  return menu('⋯', html`${items}`);
}

type Item = { readonly target: Pressed['target']; readonly label: string; readonly context: FormContext };

function overflowItem(what: string, { target: on, label, context }: Item): Html {
  const simple = (action: ActionName, name: string, value: string): Html =>
    actionForm(context, action, {
      target: on,
      body: html`<input type="hidden" name="${name}" value="${value}"><button class="item">${label}</button>`,
    });
  if (what === 'mute') return muteForm(context, on, false);
  if (what === 'unmute') return simple('mute', 'until', '');
  if (what === 'take') return simple('assign', 'owner', context.caller.actor.name);
  if (what === 'assign') return assignForm(context, on, null);
  if (what === 'note') return noteForm(context, on);
  if (what === 'unassign') return simple('assign', 'owner', '');
  return unknown(what);
}

/** What is a form in Slack is a page here. */
function tuneLink(incident: string, label: string, { detectorOf }: FormContext): Html {
  const detector = detectorOf?.(incident) ?? null;
  const path = detector === null ? `/incidents/${incident}` : `/detectors/${encodeURIComponent(detector)}/curve`;
  return html`<a class="item" href="${path}">${label}</a>`;
}

const isTarget = (value: unknown): value is string => typeof value === 'string' && /^INC-[1-9]\d{0,14}$/.test(value);
const target = (id: string) => ({ id, version: 0 });
