// Every way to the customer from Node: pickup, a short pick, ship-to-store, endless aisle, a web
// basket at a till, a transfer that arrives short.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import process from 'node:process';

const { startServer, grpc } = await import(
  `${process.env.STOCKBOOK_SOURCE_DIR}/tests/support/client.mjs`);

let server;
let book;

const pence = (minorUnits) => ({ minorUnits, currencyCode: 'GBP' });

async function stocked(sku, levels) {
  await book.call('ItemService', 'PutItem', { item: { sku, name: `the ${sku}` } });
  for (const [location, quantity] of Object.entries(levels)) {
    await book.call('StockService', 'ReceiveStock', { location, lines: [{ sku, quantity }] });
  }
}

// {available, allocated, picked, inTransit, onHand}
async function level(sku, location) {
  const answer = await book.call('StockService', 'ListStock', { sku, location });
  return answer.levels[0];
}

async function place(lines, more = {}) {
  return book.call('OrderService', 'PlaceOrder', {
    channel: 'web', customer: 'ann', ...more,
    lines: lines.map((line) => ({ ...line, method: `FULFILMENT_METHOD_${line.method}` })) });
}

async function accepted(sku, quantity, location) {
  const { pickups, order } = await place([{ sku, quantity, location, method: 'PICKUP' }]);
  await book.call('PickupService', 'AcceptPickup', { pickupId: pickups[0].id });
  return { id: pickups[0].id, orderId: order.id };
}

async function collect(pickupId) {
  const { code } = await book.call('PickupService', 'ReadyPickup', { pickupId });
  const { outcome } = await book.call('PickupService', 'CollectPickup', { pickupId, code });
  assert.equal(outcome, 'COLLECT_OUTCOME_COLLECTED');
}

async function proven() {
  const checks = await book.stream('LedgerService', 'Verify');
  assert.ok(checks.length > 0);
  for (const check of checks) assert.equal(Number(check.wrong), 0, JSON.stringify(check));
}

before(async () => {
  server = await startServer();
  book = server.client();
  for (const code of ['LEEDS', 'YORK']) {
    await book.call('LocationService', 'PutLocation', { location: {
      code, kind: 'LOCATION_KIND_STORE', sellsAtTill: true, ships: true, handsOverPickups: true,
      takesReturns: true } });
  }
  await book.call('LocationService', 'PutLocation', { location: {
    code: 'WH', kind: 'LOCATION_KIND_WAREHOUSE', ships: true } });
  await book.call('LocationService', 'PutLocationGroup', {
    locationGroup: { code: 'ALL', locations: ['WH', 'LEEDS', 'YORK'] } });
  for (const [code, kind] of [['web', 'WEB'], ['till', 'TILL']]) {
    await book.call('ChannelService', 'PutChannel', { channel: {
      code, kind: `CHANNEL_KIND_${kind}`, locationGroup: 'ALL' } });
  }
});

after(async () => {
  book?.close();
  await server?.stop();
});

test('a_pickup_goes_from_the_order_to_its_customer', async () => {
  await stocked('KETTLE', { LEEDS: 3 });
  const { id, orderId } = await accepted('KETTLE', 2, 'LEEDS');
  await book.call('PickupService', 'PickPickup', { pickupId: id });
  const ready = await book.call('PickupService', 'ReadyPickup', { pickupId: id });
  assert.equal(ready.pickup.status, 'PICKUP_STATUS_READY');
  assert.equal((await level('KETTLE', 'LEEDS')).onHand, 3);
  const wrong = await book.call('PickupService', 'CollectPickup', {
    pickupId: id, code: 'AAAA-AAAA' });
  assert.equal(wrong.outcome, 'COLLECT_OUTCOME_WRONG_CODE');
  assert.equal(wrong.pickup.codeAttemptsLeft, 4);
  const collected = await book.call('PickupService', 'CollectPickup', {
    pickupId: id, code: ready.code, channel: 'till', worker: 'bea' });
  assert.equal(collected.outcome, 'COLLECT_OUTCOME_COLLECTED');
  assert.equal((await level('KETTLE', 'LEEDS')).onHand, 1);
  const { order } = await book.call('OrderService', 'GetOrder', { orderId });
  assert.equal(order.status, 'ORDER_STATUS_FULFILLED');
  await proven();
});

test('what_one_store_cannot_find_another_has', async () => {
  await stocked('VASE', { LEEDS: 2, YORK: 2 });
  const { id, orderId } = await accepted('VASE', 2, 'LEEDS');
  const picked = await book.call('PickupService', 'PickPickup', {
    pickupId: id, remedy: 'SHORT_REMEDY_RE_SOURCE',
    lines: [{ line: 1, picked: 1, short: 1, reason: 'SHORT_REASON_NOT_FOUND' }] });
  assert.equal(picked.pickup.status, 'PICKUP_STATUS_PICKED');
  assert.deepEqual(picked.resourced.map(({ location, quantity }) => [location, quantity]),
    [['YORK', 1]]);
  const { pickups } = await book.call('PickupService', 'ListPickups', { orderId });
  assert.deepEqual(pickups.map(({ location, status }) => [location, status]), [
    ['LEEDS', 'PICKUP_STATUS_PICKED'], ['YORK', 'PICKUP_STATUS_REQUESTED']]);
  const { work } = await book.call('WorkService', 'ListWork', {
    location: 'LEEDS', kinds: ['WORK_KIND_RECOUNT'] });
  assert.equal(work.length, 1);
  const [, other] = pickups;
  await book.call('PickupService', 'AcceptPickup', { pickupId: other.id });
  await book.call('PickupService', 'PickPickup', { pickupId: other.id });
  for (const pickup of pickups) await collect(pickup.id);
  const { order } = await book.call('OrderService', 'GetOrder', { orderId });
  assert.equal(order.status, 'ORDER_STATUS_FULFILLED');
  await proven();
});

test('goods_for_a_store_are_sent_there_and_wait_for_their_customer', async () => {
  await stocked('LAMP', { WH: 5 });
  const { order, pickups, transfers } = await place([
    { sku: 'LAMP', quantity: 2, method: 'SHIP_TO_STORE', pickupLocation: 'YORK' }]);
  assert.equal(pickups[0].status, 'PICKUP_STATUS_AWAITING_TRANSFER');
  const [{ id: transferId }] = transfers;
  await book.call('TransferService', 'DispatchTransfer', { transferId });
  assert.equal((await level('LAMP', 'YORK')).inTransit, 2);
  await book.call('TransferService', 'ReceiveTransfer', { transferId });
  const here = await level('LAMP', 'YORK');
  assert.deepEqual([here.available, here.allocated, here.inTransit], [0, 2, 0]);
  const { pickup } = await book.call('PickupService', 'GetPickup', { pickupId: pickups[0].id });
  assert.equal(pickup.status, 'PICKUP_STATUS_REQUESTED');
  const { events } = await book.call('OrderService', 'GetOrderHistory', { orderId: order.id });
  assert.ok(events.some(({ step, location }) => step === 'arrive' && location === 'YORK'), events);
  await book.call('PickupService', 'AcceptPickup', { pickupId: pickup.id });
  await book.call('PickupService', 'PickPickup', { pickupId: pickup.id });
  await collect(pickup.id);
  assert.equal((await level('LAMP', 'YORK')).onHand, 0);
  await proven();
});

test('an_assistant_sells_what_the_store_lacks', async () => {
  await stocked('RUG', { LEEDS: 1, WH: 4 });
  const { order } = await place([
    { sku: 'RUG', quantity: 3, location: 'LEEDS', method: 'CARRY_OUT',
      otherwise: 'FULFILMENT_METHOD_SHIP', unitPrice: pence(4000) }], { channel: 'till' });
  assert.deepEqual(order.lines.map(({ method, ordered, fulfilled }) => [method, ordered, fulfilled]),
    [['FULFILMENT_METHOD_CARRY_OUT', 1, 1], ['FULFILMENT_METHOD_SHIP', 2, 0]]);
  assert.equal(order.total.minorUnits, 12000);
  assert.equal((await level('RUG', 'WH')).allocated, 2);
  await proven();
});

test('a_web_basket_is_confirmed_at_a_till', async () => {
  await stocked('CUP', { LEEDS: 1, WH: 2 });
  const { reservation } = await book.call('ReservationService', 'Reserve', {
    owner: 'basket', customer: 'bob', channel: 'web',
    lines: [{ sku: 'CUP', quantity: 1, location: 'LEEDS' },
      { sku: 'CUP', quantity: 2, location: 'WH' }] });
  // At the till she says who she is; there is time to talk, and she pays.
  const { reservations } = await book.call('ReservationService', 'ListReservations', {
    customer: 'bob' });
  assert.deepEqual(reservations.map(({ id }) => id), [reservation.id]);
  const { reservation: kept } = await book.call('ReservationService', 'ExtendReservation', {
    reservationId: reservation.id, holdFor: { seconds: 7200 } });
  assert.ok(Number(kept.holdUntil.seconds) > Number(reservation.holdUntil.seconds));
  const { order, pickups } = await book.call('ReservationService', 'ConfirmReservation', {
    reservationId: reservation.id, channel: 'till',
    lines: [{ sku: 'CUP', location: 'LEEDS', method: 'FULFILMENT_METHOD_CARRY_OUT' },
      { sku: 'CUP', location: 'WH', method: 'FULFILMENT_METHOD_SHIP_TO_STORE',
        pickupLocation: 'LEEDS' }] });
  assert.equal(order.channel, 'till');
  assert.deepEqual(order.lines.map(({ fulfilled, allocated }) => [fulfilled, allocated]),
    [[1, 0], [0, 2]]);
  assert.equal(pickups[0].status, 'PICKUP_STATUS_AWAITING_TRANSFER');
  await proven();
});

test('a_transfer_that_arrives_short_leaves_nothing_in_transit', async () => {
  await stocked('BOWL', { WH: 10 });
  const { transfer } = await book.call('TransferService', 'RequestTransfer', {
    source: 'WH', destination: 'YORK', approve: true, lines: [{ sku: 'BOWL', quantity: 6 }] });
  const transferId = transfer.id;
  await book.call('TransferService', 'DispatchTransfer', { transferId });
  await book.call('TransferService', 'ReceiveTransfer', {
    transferId, lines: [{ line: 1, received: 3, damaged: 1 }] });
  const { transfer: closed } = await book.call('TransferService', 'CloseTransfer', {
    transferId, reason: 'TRANSFER_LOSS_REASON_LOST', note: 'the box was open' });
  assert.equal(closed.status, 'TRANSFER_STATUS_CLOSED_SHORT');
  const { available, damaged, inTransit } = await level('BOWL', 'YORK');
  assert.deepEqual([available, damaged, inTransit], [3, 1, 0]);
  await proven();
});

test('of_many_who_amend_at_once_each_gets_what_there_was', async () => {
  await stocked('FORK', { WH: 12 });
  const orders = await Promise.all(Array.from({ length: 8 }, () => place([
    { sku: 'FORK', quantity: 1, method: 'SHIP' }])));
  const results = await Promise.allSettled(orders.map(({ order }) => book.call(
    'OrderService', 'AmendOrder', { orderId: order.id, lines: [{ line: 1,
      quantity: { value: 2 } }] })));
  const raised = results.filter(({ status }) => status === 'fulfilled');
  assert.equal(raised.length, 4);
  for (const { reason } of results.filter(({ status }) => status === 'rejected')) {
    assert.equal(reason.code, grpc.status.FAILED_PRECONDITION);
    assert.equal(reason.about.reason, 'OUT_OF_STOCK');
  }
});

test('the_book_is_right', proven);
