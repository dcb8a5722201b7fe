import { config } from './config';
import { note } from './notes';
import { createStore } from './store';

// Session is what signUp, signIn and refreshSession answer with.
export interface Session {
  accessToken: string;
  accessTokenExpiresAt: string;
  refreshToken?: string;
  user?: { email?: string; name?: string };
}

export const session = createStore<Session | null>(null, 'mark.session');

const refreshAhead = 30_000; // milliseconds before the token's end

// keepSession takes note of a session in a reply.
export function keepSession(found: Session): void {
  const before = session.get();
  session.set({ ...found, user: found.user ?? before?.user });
  const who = found.user?.email ?? before?.user?.email;
  note('good', `Signed in${who ? ` as ${who}` : ''}. The playground now sends your access token with every request.`);
}

export function forgetSession(): void {
  session.set(null);
}

// authorization is the header's value, from a token renewed where it is about
// to expire; undefined when signed out.
export async function authorization(): Promise<string | undefined> {
  const current = session.get();
  if (!current) return undefined;
  if (Date.parse(current.accessTokenExpiresAt) - Date.now() < refreshAhead) await renew();
  const token = session.get()?.accessToken;
  return token && `Bearer ${token}`;
}

let renewal: Promise<void> | undefined;

// renew trades the refresh token for a new session, once however many wait: a
// refresh token is good once, and using it twice ends the session.
function renew(): Promise<void> {
  renewal ??= refresh().finally(() => (renewal = undefined));
  return renewal;
}

async function refresh(): Promise<void> {
  const current = session.get();
  let renewed: Session | null = null;
  try {
    if (current?.refreshToken) renewed = await requestSession(current.refreshToken);
  } catch (error) { // the token may still be good: the next request tries again
    note('bad', `Your session could not be renewed just now. ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  if (session.get() !== current) return; // signed out, or in, meanwhile
  if (renewed) {
    session.set({ ...renewed, user: current?.user });
    return;
  }
  forgetSession();
  note('bad', 'Your session has expired. Run SignIn (in the tab SignUp) to go on.');
}

const refreshDocument = `mutation RefreshSession($input: RefreshSessionInput!) {
  refreshSession(input: $input) {
    session { accessToken accessTokenExpiresAt refreshToken }
    errors { __typename }
  }
}`;

// requestSession asks for a session in place of another: null where the server says
// that this has ended. It fails where the server does not say.
async function requestSession(refreshToken: string): Promise<Session | null> {
  const response = await fetch(config.endpoint, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: refreshDocument, variables: { input: { refreshToken } } }),
  });
  const reply = (await response.json()) as {
    data?: { refreshSession?: { session: Session | null; errors: object[] } | null } | null;
    errors?: { message: string }[];
  };
  const payload = reply.data?.refreshSession;
  if (payload?.session || payload?.errors.length) return payload.session;
  throw new Error(reply.errors?.map(({ message }) => message).join(' ') || 'The server has not said why.');
}
