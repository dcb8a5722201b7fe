// A scripted Mark: the schema is the product's own, the answers are fixed. It
// lets the browser test try what the playground does with replies, among them
// some that the real server gives only in an hour.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { buildSchema, graphql } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

const now = () => new Date().toISOString();
const id = (prefix, n) => `${prefix}_${String(n).padStart(26, '0')}`;

const user = { __typename: 'User', id: id('usr', 1), email: 'ada@example.com', name: 'Ada', createdAt: now() };

const answer = {
  __typename: 'AnswerPart',
  story: '## Gentoo are heaviest\n\nGentoo weigh **5,076 g** on average. <img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>',
  charts: [
    {
      title: 'Mean body mass by species',
      spec: { data: [{ type: 'bar', x: ['Adelie', 'Chinstrap', 'Gentoo'], y: [3701, 3733, 5076] }], layout: {} },
      artifact: null,
    },
  ],
  tables: [
    { title: 'Mean body mass', columns: ['species', 'grams'], rows: [['Adelie', 3700.6624], ['Chinstrap', 3733.0882], ['Gentoo', 5076.0163]], rowCount: '3', truncated: false, artifact: null },
  ],
  claims: [{ text: 'Gentoo weigh 5,076 g on average.', evidence: [{ path: 's1.stdout', output: null, step: { id: id('stp', 1) } }] }],
  followUps: ['Does it differ by sex?'],
  caveats: ['Two penguins have no body mass.'],
  checks: [],
};

export async function startAPI() {
  const schema = buildSchema(await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8'));
  const seen = { requests: [], connections: [], tokens: 0, hold: null };
  const session = () => ({
    accessToken: `token-${++seen.tokens}`,
    accessTokenExpiresAt: new Date(Date.now() + (seen.tokenLife ?? 900_000)).toISOString(),
    refreshToken: `refresh-${seen.tokens}`,
    user,
  });
  const need = (context) => {
    if (!context.authorization) throw Object.assign(new Error('Sign in first.'), { extensions: { code: 'UNAUTHENTICATED' } });
  };
  const dataset = (name) => ({
    __typename: 'Dataset', id: id('dst', 1), name, fileName: `${name}.csv`, source: 'UPLOAD', state: 'READY', description: '', format: 'CSV',
    rowCount: '344', sizeBytes: '15241', notes: [], createdAt: now(), error: null, syncedAt: now(),
    columns: [{ name: 'species', type: 'STRING', description: '', nullCount: '0', distinctCount: '3', min: 'Adelie', max: 'Gentoo', sampleValues: ['Adelie', 'Gentoo'] }],
    sample: { columns: ['species'], rows: [['Adelie']], rowCount: '344', truncated: true },
  });
  const chat = (title) => ({ __typename: 'Chat', id: id('cht', 1), title, archived: false, createdAt: now(), updatedAt: now(), datasets: { nodes: [dataset('penguins')], edges: [], totalCount: 1 } });
  const message = (text) => ({ id: id('msg', 1), seq: 1, parts: [{ __typename: 'TextPart', text }] });
  const run = (state) => ({
    __typename: 'Run', id: id('run', seen.asked ?? 1), state, lastSeq: 4, chat: chat('Penguins'), message: message(seen.question ?? ''), model: 'scripted', error: null, question: null, approvals: seen.approvals ?? [], queuedAt: now(), startedAt: now(), finishedAt: now(),
    answer: state === 'SUCCEEDED' ? { parts: [answer] } : null, usage: { steps: 1, promptTokens: 900, cachedTokens: 0, completionTokens: 80, reasoningTokens: 0, pythonMs: '120' },
    steps: [{ id: id('stp', 1), index: 1, tool: 'run_python', code: 'df.groupby("species")["body_mass_g"].mean()', sql: null, state: 'SUCCEEDED', outputs: [{ name: 's1.stdout', mimeType: 'text/plain', text: 'Gentoo 5076.0163\n' }], error: null, startedAt: now(), durationMs: '120' },
      { id: id('stp', 2), index: 2, tool: 'run_sql', code: null, sql: 'SELECT count(*) FROM penguins', state: 'SUCCEEDED', outputs: [], error: null, startedAt: now(), durationMs: '40' }],
  });
  const root = {
    server: {
      version: '0.0.0-scripted', models: [{ name: 'scripted', offline: true }],
      sandbox: { provider: 'gvisor', ready: true, isolation: 'gVisor, no network' },
      samples: [{ name: 'penguins', title: 'Palmer penguins', description: '344 penguins of three species.', licence: 'CC0', attribution: '' }],
      limits: { uploadBytes: '104857600', questionCharacters: 8000, stepsPerRun: 20, runSeconds: 600, pythonStepSeconds: 60, pythonMemoryBytes: '2147483648' },
    },
    viewer: (_, context) => (context.authorization ? user : null),
    node: ({ id }, context) => (need(context), id.startsWith('dst_') ? dataset('penguins') : run(seen.states?.shift() ?? 'SUCCEEDED')),
    signUp: () => ({ session: session(), errors: [] }),
    signIn: () => ({ session: session(), errors: [] }),
    refreshSession: ({ input }) => {
      seen.refreshed = input.refreshToken;
      if (seen.busy) throw Object.assign(new Error('Too many requests: wait a moment.'), { extensions: { code: 'RATE_LIMITED' } });
      if (seen.refuseRefresh) return { session: null, errors: [{ __typename: 'InvalidCredentialsError', code: 'INVALID_CREDENTIALS', message: 'No.' }] };
      return { session: session(), errors: [] };
    },
    addSampleDataset: ({ input }, context) => (need(context), { dataset: { ...dataset(input.name), state: 'PENDING' }, errors: [] }),
    uploadDataset: ({ input }, context) => (need(context), { dataset: { ...dataset(input.name ?? input.file.name), id: id('dst', 2), state: 'PENDING' }, errors: [] }),
    createChat: ({ input }, context) => (need(context), { chat: chat(input.title), errors: [] }),
    sendMessage: ({ input }, context) => {
      need(context);
      Object.assign(seen, { question: input.text, asked: (seen.asked ?? 0) + 1 });
      return { chat: chat('Penguins'), message: message(input.text), run: run('QUEUED'), clientMutationId: input.clientMutationId, errors: [] };
    },
    decideApproval: ({ input }, context) => {
      need(context);
      seen.approvals = [];
      seen.decided = input;
      return { run: run('QUEUED'), errors: [] };
    },
    stopRun: (_, context) => (need(context), { run: run('CANCELLED'), errors: [] }),
    runEvents: async function* ({ runId, after }, context) {
      need(context);
      seen.subscribed = { runId, after };
      const event = (__typename, seq, rest) => ({ runEvents: { __typename, runId, seq, at: now(), ...rest } });
      yield event('RunStarted', 1, { model: 'scripted' });
      yield event('ToolStarted', 2, { stepId: id('stp', 1), tool: 'run_python', code: 'df.groupby("species")["body_mass_g"].mean()' });
      yield event('TextDelta', 3, { stepId: id('stp', 1), text: 'Gentoo are heaviest.' });
      if (seen.hold) await seen.hold;
      yield event('RunFinished', 4, { run: run('SUCCEEDED') });
    },
  };

  const execute = (body, authorization) =>
    graphql({ schema, source: body.query, rootValue: root, variableValues: body.variables, operationName: body.operationName, contextValue: { authorization } });

  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { 'content-type': type = '', authorization } = request.headers;
    const { body, file } = await read(Buffer.concat(chunks), type);
    seen.requests.push({ body, authorization, file, headers: request.headers });
    response.setHeader('Content-Type', 'application/graphql-response+json');
    response.end(JSON.stringify(await execute(body, authorization)));
  });
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  const protocol = useServer(
    {
      schema,
      roots: { subscription: root },
      context: ({ connectionParams }) => ({ authorization: connectionParams?.authorization }),
      onConnect: ({ connectionParams }) => void seen.connections.push(connectionParams),
      onClose: () => void (seen.closed = (seen.closed ?? 0) + 1),
    },
    sockets,
  );
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    seen,
    schema,
    async stop() {
      await protocol.dispose();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

// read takes a JSON request or a multipart one, whose file it puts into the
// variables.
async function read(bytes, type) {
  if (!type.startsWith('multipart/form-data')) return { body: JSON.parse(bytes.toString()) };
  const form = await new Response(bytes, { headers: { 'Content-Type': type } }).formData();
  const body = JSON.parse(form.get('operations'));
  const file = form.get('0');
  body.variables.input.file = { name: file.name };
  return { body, file: { name: file.name, text: await file.text() } };
}

