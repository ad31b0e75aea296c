// Sessions from Node: several calls in a message, answers as they come, errors beside them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import process from 'node:process';

const { startServer, grpc } = await import(
  `${process.env.STOCKBOOK_SOURCE_DIR}/tests/support/client.mjs`);

let server;
let book;

before(async () => {
  server = await startServer();
  book = server.client();
  await book.call('LocationService', 'PutLocation', { location: {
    code: 'WH', kind: 'LOCATION_KIND_WAREHOUSE', ships: true, takesReturns: true } });
  await book.call('ItemService', 'PutItem', { item: { sku: 'KETTLE', name: 'the kettle' } });
  await book.call('StockService', 'ReceiveStock', {
    location: 'WH', lines: [{ sku: 'KETTLE', quantity: 300 }] });
});

after(async () => {
  book?.close();
  await server?.stop();
});

function hold(quantity) {
  return ['ReservationService', 'Reserve', {
    owner: `basket of ${quantity}`, lines: [{ sku: 'KETTLE', quantity, location: 'WH' }] }];
}

test('five_hundred_callers_of_one_session_share_three_hundred_pieces', async () => {
  const session = book.session();
  const asked = [];
  for (let i = 0; i < 10; i += 1) {
    asked.push(...session.ask(...Array.from({ length: 50 }, () => hold(1))));
  }
  const answers = await Promise.all(asked);
  const held = answers.filter((answer) => answer.reservation);
  const refused = answers.filter((answer) => answer.code === grpc.status.FAILED_PRECONDITION);
  assert.equal(held.length, 300);
  assert.equal(refused.length, 200);
  assert.equal(new Set(held.map((answer) => answer.reservation.id)).size, 300);
  const releases = await Promise.all(session.ask(...held.slice(0, 100).map((answer) => [
    'ReservationService', 'ReleaseReservation', { reservationId: answer.reservation.id }])));
  assert.ok(releases.every((answer) => answer.reservation.status === 'RESERVATION_STATUS_RELEASED'));
  await session.close();
  const { levels } = await book.call('StockService', 'ListStock', { sku: 'KETTLE', location: 'WH' });
  assert.equal(levels[0].available, 100);
});

test('an_error_is_the_answer_of_its_operation_alone', async () => {
  const session = book.session();
  const [short, wrong, right] = await Promise.all(session.ask(hold(5000), hold(0), hold(1)));
  assert.equal(short.code, grpc.status.FAILED_PRECONDITION);
  assert.match(short.message, /out of stock/);
  assert.ok(short.details.some((any) => any.type_url.endsWith('google.rpc.ErrorInfo')));
  assert.equal(wrong.code, grpc.status.INVALID_ARGUMENT);
  assert.equal(right.reservation.status, 'RESERVATION_STATUS_HELD');
  await session.close();
});
