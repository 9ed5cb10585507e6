// Slack's limits for messages and views, as its reference states them: the local Slack refuses what breaks them, and the
// tests of the alerts hold every rendering against them.

type Json = Record<string, unknown>;

const MAX_BLOCKS = { message: 50, modal: 100, home: 100 } as const;

/** Problems in words, empty when Slack would take it. */
export function blockProblems(blocks: unknown, surface: keyof typeof MAX_BLOCKS = 'message'): readonly string[] {
  if (!Array.isArray(blocks)) return ['blocks: not a list'];
  const problems: string[] = [];
  if (blocks.length > MAX_BLOCKS[surface]) problems.push(`blocks: ${blocks.length}`);
  const ids = blocks.map((block) => asJson(block).block_id).filter((id) => id !== undefined);
  if (new Set(ids).size !== ids.length) problems.push('block_id: not unique');
  blocks.forEach((block, index) => {
    for (const problem of problemsOf(asJson(block))) problems.push(`blocks[${index}]: ${problem}`);
  });
  for (const block of blocks) {
    const named = elementsOf(asJson(block)).flatMap(({ action_id }) => (action_id === undefined ? [] : [action_id]));
    if (new Set(named).size !== named.length) problems.push('action_id: not unique in its block');
  }
  return problems;
}

function problemsOf(block: Json): readonly string[] {
  const problems: string[] = [];
  const check = (name: string, value: unknown, max: number): void => {
    if (typeof value !== 'string' || value.length === 0 || value.length > max)
      problems.push(`${name}: ${typeof value === 'string' ? value.length : typeof value} of at most ${max}`);
  };
  const text = (name: string, value: unknown, max: number, type?: string): void => {
    const object = asJson(value);
    check(name, object.text, max);
    if (!['plain_text', 'mrkdwn'].includes(String(object.type)) || (type !== undefined && object.type !== type))
      problems.push(`${name}: type ${String(object.type)}`);
  };
  if (block.block_id !== undefined) check('block_id', block.block_id, 255);
  if (block.type === 'header') text('header', block.text, 150, 'plain_text');
  else if (block.type === 'section') {
    if (block.text === undefined && block.fields === undefined) problems.push('section: empty');
    if (block.text !== undefined) text('section', block.text, 3000);
    const fields = list(block.fields);
    if (fields.length > 10 || (block.fields !== undefined && fields.length === 0))
      problems.push(`fields: ${fields.length}`);
    for (const field of fields) text('field', field, 2000);
  } else if (block.type === 'context') {
    const elements = list(block.elements);
    if (elements.length === 0 || elements.length > 10) problems.push(`context: ${elements.length}`);
    for (const element of elements) text('context', element, 3000);
  } else if (block.type === 'actions') {
    const elements = elementsOf(block);
    if (elements.length === 0 || elements.length > 25) problems.push(`actions: ${elements.length}`);
    for (const element of elements) {
      check('action_id', element.action_id, 255);
      if (element.type === 'button') {
        text('button', element.text, 75, 'plain_text');
        if (element.value !== undefined) check('value', element.value, 2000);
        if (element.accessibility_label !== undefined) check('accessibility_label', element.accessibility_label, 75);
      } else if (element.type === 'overflow') {
        const options = list(element.options);
        if (options.length < 2 || options.length > 5) problems.push(`overflow: ${options.length}`);
        for (const option of options) {
          text('option', option.text, 75, 'plain_text');
          check('option value', option.value, 150);
          if (option.url !== undefined) check('option url', option.url, 3000);
        }
      } else problems.push(`element ${String(element.type)}`);
    }
  } else if (block.type === 'input') {
    text('label', block.label, 2000, 'plain_text');
    if (block.hint !== undefined) text('hint', block.hint, 2000, 'plain_text');
    const element = asJson(block.element);
    if (element.type === 'radio_buttons') {
      const options = list(element.options);
      if (options.length === 0 || options.length > 10) problems.push(`radio_buttons: ${options.length}`);
      for (const option of options) text('option', option.text, 75);
      const initial = JSON.stringify(element.initial_option ?? options[0]);
      if (!options.some((option) => JSON.stringify(option) === initial)) problems.push('initial_option: no option');
    } else if (element.type === 'plain_text_input') {
      if (Number(element.max_length ?? 1) > 3000) problems.push('max_length');
      if (element.initial_value !== undefined)
        check('initial_value', element.initial_value, Number(element.max_length));
    } else if (element.type === 'users_select') {
      if (element.placeholder !== undefined) text('placeholder', element.placeholder, 150, 'plain_text');
    } else problems.push(`element ${String(element.type)}`);
  } else if (block.type !== 'divider') problems.push(`type ${String(block.type)}`);
  return problems;
}

/** Problems of a whole message, as given to chat.postMessage. */
export function messageProblems(message: { text?: unknown; blocks?: unknown; metadata?: unknown }): readonly string[] {
  const problems = message.blocks === undefined ? [] : [...blockProblems(message.blocks)];
  if (typeof message.text !== 'string' || message.text.trim() === '') problems.push('text: empty');
  else if (message.text.length > 4000) problems.push(`text: ${message.text.length}`);
  if (message.metadata !== undefined && JSON.stringify(message.metadata).length > 10_000)
    problems.push('metadata: too large');
  return problems;
}

/** Problems of what is given to views.publish. */
export function homeProblems(view: Json): readonly string[] {
  const size = JSON.stringify(view).length > 250_000 ? ['view: too large'] : [];
  return [
    ...(view.type === 'home' ? [] : [`type: ${String(view.type)}`]),
    ...size,
    ...blockProblems(view.blocks, 'home'),
  ];
}

export function viewProblems(view: Json): readonly string[] {
  const problems = [...blockProblems(view.blocks, 'modal')];
  const hasInput = list(view.blocks).some(({ type }) => type === 'input');
  for (const part of ['title', 'submit', 'close'] as const) {
    if (view[part] === undefined && part !== 'title' && !(part === 'submit' && hasInput)) continue;
    const text = asJson(view[part]).text;
    if (typeof text !== 'string' || text.length > 24) problems.push(`${part}: too long`);
  }
  if (String(view.private_metadata ?? '').length > 3000) problems.push('private_metadata: too long');
  return problems;
}

/** Every element of a message that can be pressed. */
export function elementsOf(block: Json): readonly Json[] {
  return block.type === 'actions' ? list(block.elements) : [];
}

const asJson = (value: unknown): Json => (value !== null && typeof value === 'object' ? (value as Json) : {});
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(asJson) : []);
