// The short tour from Node: hold, confirm, ship, a race, errors with their details, a stream.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import process from 'node:process';

const { startServer, grpc } = await import(
  `${process.env.STOCKBOOK_SOURCE_DIR}/tests/support/client.mjs`);

let server;
let book;

async function refused(code, reason, promise) {
  try {
    await promise;
  } catch (error) {
    assert.equal(error.code, code, error);
    assert.equal(error.about.reason, reason, error);
    assert.equal(error.about.domain, 'stockbook');
    return error;
  }
  throw new assert.AssertionError({ message: `expected ${reason}, but was answered` });
}

async function stocked(sku, quantity) {
  await book.call('ItemService', 'PutItem', { item: { sku, name: `the ${sku}` } });
  await book.call('StockService', 'ReceiveStock', {
    location: 'WH', lines: [{ sku, quantity }] });
}

async function level(sku) {
  const answer = await book.call('StockService', 'ListStock', { sku, location: 'WH' });
  return answer.levels[0];
}

before(async () => {
  server = await startServer();
  book = server.client();
  await book.call('LocationService', 'PutLocation', { location: {
    code: 'WH', kind: 'LOCATION_KIND_WAREHOUSE', ships: true, takesReturns: true } });
  await book.call('LocationService', 'PutLocationGroup', {
    locationGroup: { code: 'ALL', locations: ['WH'] } });
  await book.call('ChannelService', 'PutChannel', { channel: {
    code: 'web', kind: 'CHANNEL_KIND_WEB', locationGroup: 'ALL' } });
});

after(async () => {
  book?.close();
  await server?.stop();
});

test('a_basket_is_held_confirmed_and_shipped', async () => {
  await stocked('KETTLE', 10);
  const held = await book.call('ReservationService', 'Reserve', {
    owner: 'basket', channel: 'web', lines: [{ sku: 'KETTLE', quantity: 3 }],
    holdFor: { seconds: 600 } });
  assert.equal(held.reservation.status, 'RESERVATION_STATUS_HELD');
  assert.equal((await level('KETTLE')).reserved, 3);
  const { order } = await book.call('ReservationService', 'ConfirmReservation', {
    reservationId: held.reservation.id,
    prices: [{ sku: 'KETTLE', unitPrice: { minorUnits: 2500, currencyCode: 'GBP' } }] });
  assert.equal(order.total.minorUnits, 7500);
  const shipped = await book.call('OrderService', 'ShipOrder', {
    orderId: order.id, pickFirst: true });
  assert.equal(shipped.order.status, 'ORDER_STATUS_FULFILLED');
  assert.equal((await level('KETTLE')).onHand, 7);
  const back = await book.call('ReturnService', 'CreateReturn', {
    location: 'WH', orderId: order.id,
    lines: [{ orderLine: 1, quantity: 1, disposition: 'DISPOSITION_RESTOCK' }] });
  assert.equal(back.goodsReturn.amountDue.minorUnits, 2500);
  assert.equal((await level('KETTLE')).onHand, 8);
});

test('fifty_callers_for_ten_pieces', async () => {
  await stocked('LAST', 10);
  const results = await Promise.allSettled(Array.from({ length: 50 }, () => book.call(
    'ReservationService', 'Reserve', { lines: [{ sku: 'LAST', quantity: 1, location: 'WH' }] })));
  const held = results.filter((result) => result.status === 'fulfilled');
  assert.equal(held.length, 10);
  for (const result of results) {
    if (result.status === 'rejected') assert.equal(result.reason.about.reason, 'OUT_OF_STOCK');
  }
  const { available, reserved } = await level('LAST');
  assert.deepEqual({ available, reserved }, { available: 0, reserved: 10 });
});

test('the_same_request_id_acts_once', async () => {
  await stocked('ONCE', 10);
  const request = { requestId: randomUUID(), lines: [{ sku: 'ONCE', quantity: 2, location: 'WH' }] };
  const answers = await Promise.all(Array.from({ length: 20 }, () => book.call(
    'ReservationService', 'Reserve', request)));
  assert.equal(new Set(answers.map((answer) => answer.reservation.id)).size, 1);
  assert.equal((await level('ONCE')).reserved, 2);
  await refused(grpc.status.ALREADY_EXISTS, 'REQUEST_ID_REUSED', book.call(
    'ReservationService', 'Reserve', { ...request, owner: 'another' }));
});

test('errors_say_what_is_wrong', async () => {
  await stocked('SHORT', 2);
  const short = await refused(grpc.status.FAILED_PRECONDITION, 'OUT_OF_STOCK', book.call(
    'ReservationService', 'Reserve', { lines: [{ sku: 'SHORT', quantity: 5, location: 'WH' }] }));
  assert.equal(short.about.metadata['lines[0].sku'], 'SHORT');
  assert.equal(short.about.metadata['lines[0].available'], '2');
  const wrong = await refused(grpc.status.INVALID_ARGUMENT, 'INVALID_FIELD', book.call(
    'ReservationService', 'Reserve', { lines: [{ sku: 'SHORT', quantity: -5, location: 'WH' }] }));
  assert.ok(wrong.about.fields['lines[0].quantity'], wrong);
  await refused(grpc.status.NOT_FOUND, 'ITEM_NOT_FOUND', book.call(
    'ItemService', 'GetItem', { sku: 'NOPE' }));
});

test('verify_streams_a_message_for_each_check', async () => {
  const checks = await book.stream('LedgerService', 'Verify');
  assert.ok(checks.length > 0);
  checks.forEach((check, index) => {
    assert.equal(check.index, index + 1);
    assert.equal(check.checks, checks.length);
    assert.equal(check.wrong, 0, JSON.stringify(check));
  });
});
