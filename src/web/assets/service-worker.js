// @ts-check
// Shows that somebody is awaited. It keeps no page and answers for none: what is shown always comes from the gateway.

/**
 * What of a service worker's surroundings is used here; the library of the compiler for them cannot be had beside that of pages.
 * @typedef {{
 *   addEventListener(type: string, listen: (event: PushedEvent) => void): void,
 *   registration: { showNotification(title: string, options: object): Promise<void> },
 *   clients: { openWindow(page: string): Promise<unknown> },
 * }} Surroundings
 * @typedef {{
 *   waitUntil(work: Promise<unknown>): void,
 *   data: { json(): unknown } | null,
 *   notification: { close(): void, data: { page: string } },
 * }} PushedEvent
 */

const worker = /** @type {Surroundings} */ (/** @type {unknown} */ (globalThis));

/** @param {PushedEvent['data']} data @returns {{ body: string, page: string }} */
function read(data) {
  const usual = { body: 'Something waits for you', page: '/' };
  try {
    const { body, page } = /** @type {{ body: unknown, page: unknown }} */ (data?.json() ?? usual);
    const url = new URL(String(page), location.origin);
    return { body: String(body), page: url.origin === location.origin ? url.pathname : '/' };
  } catch {
    return usual;
  }
}

worker.addEventListener('push', (event) => {
  const { body, page } = read(event.data);
  event.waitUntil(
    worker.registration.showNotification('Countersign', { body, tag: 'awaited', data: { page } }),
  );
});

worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(worker.clients.openWindow(event.notification.data.page));
});
