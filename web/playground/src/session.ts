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
  const renewed = current?.refreshToken && (await requestSession(current.refreshToken));
  if (renewed) {
    session.set({ ...renewed, user: current.user });
    return;
  }
  forgetSession();
  note('bad', 'Your session has expired. Run SignIn (in the tab SignUp) to go on.');
}

const refreshDocument = `mutation RefreshSession($input: RefreshSessionInput!) {
  refreshSession(input: $input) {
    session { accessToken accessTokenExpiresAt refreshToken }
  }
}`;

async function requestSession(refreshToken: string): Promise<Session | null> {
  const response = await fetch(config.endpoint, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: refreshDocument, variables: { input: { refreshToken } } }),
  });
  const reply = (await response.json()) as { data?: { refreshSession?: { session?: Session | null } } };
  return reply.data?.refreshSession?.session ?? null;
}
