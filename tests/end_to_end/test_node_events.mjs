// Following the book from Node: events from a position, a watch, and flow control by not reading.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import process from 'node:process';

const { startServer } = await import(
  `${process.env.STOCKBOOK_SOURCE_DIR}/tests/support/client.mjs`);

let server;
let book;

// A stream that goes on: next(n) gives messages until enough(messages), end() hangs up.
function follow(method, request) {
  const stream = book.service('EventService')[method](request, { deadline: Date.now() + 120000 });
  const messages = [];
  const waiting = [];
  let failed = null;
  const look = () => waiting.forEach((each) => each());
  stream.on('data', (message) => { messages.push(message); look(); });
  stream.on('error', (error) => { failed = error; look(); });
  return {
    stream,
    messages,
    until(enough) {
      return new Promise((resolve, reject) => {
        const each = () => {
          if (enough(messages)) resolve(messages);
          else if (failed) reject(failed);
        };
        waiting.push(each);
        each();
      });
    },
    end() { stream.cancel(); },
  };
}

const receive = (sku, quantity) => book.call('StockService', 'ReceiveStock', {
  location: 'WH', lines: [{ sku, quantity }] });
const eventsOf = (messages) => messages.flatMap((message) => message.events);

before(async () => {
  server = await startServer();
  book = server.client();
  await book.call('LocationService', 'PutLocation', { location: {
    code: 'WH', kind: 'LOCATION_KIND_WAREHOUSE', ships: true } });
  await book.call('ItemService', 'PutItem', { item: { sku: 'KETTLE', name: 'kettle' } });
});

after(async () => {
  book?.close();
  await server?.stop();
});

test('events_go_on_from_a_position_without_gaps_or_repeats', async () => {
  const first = follow('StreamEvents', { from: {}, skus: ['KETTLE'] });
  await receive('KETTLE', 1);
  await receive('KETTLE', 2);
  const told = await first.until((messages) => eventsOf(messages).length >= 5);
  first.end();
  const { position } = told[told.length - 1];
  await receive('KETTLE', 3);
  const second = follow('StreamEvents', { from: position, skus: ['KETTLE'] });
  const rest = await second.until((messages) => eventsOf(messages).length >= 2);
  second.end();
  const quantities = eventsOf([...told, ...rest]).filter((event) => event.movement)
    .map((event) => event.movement.quantity);
  assert.deepEqual(quantities, [1, 2, 3]);
  const steps = eventsOf([...told, ...rest]).filter((event) => event.change)
    .map((event) => event.change.step);
  assert.deepEqual(steps, ['put', 'receive', 'receive', 'receive']);
});

test('availability_is_told_when_it_changes', async () => {
  await book.call('ItemService', 'PutItem', { item: { sku: 'PAN', name: 'pan' } });
  const watch = follow('WatchAvailability', { skus: ['PAN'], locations: ['WH'] });
  await watch.until((messages) => messages.length >= 1);
  await receive('PAN', 7);
  const told = await watch.until((messages) => messages.length >= 2);
  watch.end();
  assert.deepEqual(told.map((message) => message.availabilities[0].availableToSell), [0, 7]);
  assert.ok(told[1].position.parts.length > 0);
});

test('who_stops_reading_gets_the_newest_value_when_he_goes_on', async () => {
  await book.call('ItemService', 'PutItem', { item: { sku: 'LID', name: 'lid' } });
  const watch = follow('WatchAvailability', { skus: ['LID'], locations: ['WH'] });
  await watch.until((messages) => messages.length >= 1);
  watch.stream.pause();
  for (let i = 0; i < 50; i += 1) await receive('LID', 1);
  watch.stream.resume();
  const told = await watch.until((messages) => (
    messages[messages.length - 1].availabilities[0]?.availableToSell === 50));
  watch.end();
  const values = told.map((message) => message.availabilities[0].availableToSell);
  assert.deepEqual(values, [...values].sort((a, b) => a - b));
});
