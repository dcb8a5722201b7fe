// What the server says about itself in the page's mark-config element.
interface Config {
  endpoint: string; // path of GraphQL over HTTP
  subscriptions: string; // path of GraphQL over WebSocket
}

const defaults: Config = { endpoint: '/graphql', subscriptions: '/graphql' };

function read(): Config {
  const element = document.querySelector<HTMLMetaElement>('meta[name="mark-config"]');
  return { ...defaults, ...(JSON.parse(element?.content || '{}') as Partial<Config>) };
}

export const config = read();

// webSocketURL is the subscriptions' path on this origin.
export function webSocketURL(): string {
  const url = new URL(config.subscriptions, window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
