import { connectionLost, failureOf } from './failure.js';
import { apiKey } from './key.js';

/**
 * Asks the server. @param path relative to the page
 * @throws Failure; the signal's reason when it is aborted
 */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (apiKey.value !== undefined) headers.set('authorization', `Bearer ${apiKey.value}`);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, cache: 'no-store', referrerPolicy: 'no-referrer' });
  } catch {
    init.signal?.throwIfAborted();
    throw connectionLost();
  }
  if (!response.ok) throw await failureOf(response);
  return response;
}
