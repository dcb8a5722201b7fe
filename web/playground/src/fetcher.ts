import type { Fetcher, FetcherParams, FetcherOpts } from '@graphiql/toolkit';
import { getOperationAST, Kind, parse, type ExecutionResult, type OperationDefinitionNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { config, webSocketURL } from './config';
import { createCollector } from './events';
import { fillIn, MissingError, remember } from './memory';
import { note } from './notes';
import { authorization, keepSession, session, type Session } from './session';
import { markDone } from './progress';

// send posts one operation as JSON and returns its reply.
export async function send(params: FetcherParams, headers: Record<string, string> = {}): Promise<ExecutionResult> {
  const token = await authorization();
  const response = await fetch(config.endpoint, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/graphql-response+json, application/json;q=0.9',
      ...(token && { Authorization: token }),
      ...headers,
    },
    body: JSON.stringify(params),
  });
  return reply(response);
}

// reply reads a reply and takes note of what later requests need.
export async function reply(response: Response): Promise<ExecutionResult> {
  const result = await readReply(response);
  for (const payload of Object.values((result.data ?? {}) as Record<string, { session?: Session | null } | null>)) {
    if (payload?.session?.accessToken) keepSession(payload.session);
  }
  tellIfSignedOut(result);
  return result;
}

async function readReply(response: Response): Promise<ExecutionResult> {
  const text = await response.text();
  try {
    return JSON.parse(text) as ExecutionResult;
  } catch {
    throw new Error(`The server answered ${response.status} ${response.statusText} without JSON: ${text.slice(0, 200)}`);
  }
}

function tellIfSignedOut({ errors }: ExecutionResult): void {
  if (errors?.some((error) => error.extensions?.code === 'UNAUTHENTICATED')) tellSignedOut();
}

function tellSignedOut(): void {
  const signedIn = session.get() !== null;
  note('bad', signedIn ? 'The server does not accept your session. Run SignIn again.' : 'Sign in first: run the tab SignUp.');
}

// subscribe follows a subscription over WebSocket, in the shape of an
// observable: GraphiQL's stop button ends it at once, whatever it waits for.
function subscribe({ query, operationName, variables }: FetcherParams, ended: () => void) {
  return {
    subscribe(observer: { next(value: unknown): void; error(error: unknown): void; complete(): void }) {
      // One connection for each subscription: it is opened with the token of now.
      const client = createClient({ url: webSocketURL(), retryAttempts: 3, connectionParams });
      const collector = createCollector(observer.next);
      const close = client.subscribe(
        { query, operationName, variables: variables as Record<string, unknown> },
        {
          next(result) {
            tellIfSignedOut(result as ExecutionResult);
            collector.add(result as ExecutionResult);
          },
          error(error) {
            collector.end();
            observer.error(closeReason(error));
          },
          complete() {
            const well = collector.end();
            observer.complete();
            if (well) ended();
          },
        },
      );
      return { unsubscribe: close };
    },
  };
}

async function connectionParams(): Promise<Record<string, string>> {
  const token = await authorization();
  return token ? { authorization: token } : {};
}

// closeReason makes a sentence of the event that closed a connection.
function closeReason(error: unknown): unknown {
  if (Array.isArray(error)) {
    tellIfSignedOut({ errors: error });
    return error;
  }
  if (!(error instanceof CloseEvent)) return error;
  if (error.code === 4401 || error.code === 4403) tellSignedOut();
  return new Error(`The connection was closed: ${error.code} ${error.reason}`.trim());
}

// operationOf finds the operation that is meant. GraphiQL notices only after a
// moment that another tab is open, and names the operation of the last one until
// then: a name that is not in the document stands for its first operation.
function operationOf({ query, operationName }: FetcherParams): OperationDefinitionNode | undefined {
  try {
    const document = parse(query);
    return (
      getOperationAST(document, operationName ?? undefined) ??
      document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION)
    );
  } catch {
    return undefined; // the server says what is wrong with it
  }
}

// fetcher is how GraphiQL sends: it signs requests, fills in remembered ids,
// and takes note of what comes back.
export const fetcher: Fetcher = (params: FetcherParams, options?: FetcherOpts) => {
  const operation = operationOf(params);
  let filled: FetcherParams;
  try {
    filled = { ...params, operationName: operation?.name?.value, variables: fillIn(params.variables ?? {}) };
  } catch (error) {
    if (error instanceof MissingError) return Promise.resolve({ errors: [{ message: error.message }] } as never);
    throw error;
  }
  if (operation?.operation === 'subscription') {
    return subscribe(filled, () => markDone(operation.name?.value)) as never;
  }
  return execute(filled, options, operation) as never;
};

async function execute(params: FetcherParams, options: FetcherOpts | undefined, operation?: OperationDefinitionNode) {
  const result = await send(params, options?.headers);
  if (operation?.operation === 'mutation') remember(result.data);
  if (operation && succeeded(result)) markDone(operation.name?.value);
  return result;
}

// succeeded tells whether a reply has neither errors nor errors as data.
function succeeded({ data, errors }: ExecutionResult): boolean {
  return !errors?.length && Object.values(data ?? {}).every((payload) => !(payload as { errors?: unknown[] } | null)?.errors?.length);
}
