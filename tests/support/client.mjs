// Stockbook from Node, over @grpc/grpc-js and @grpc/proto-loader, and a server to call.
//
//     const server = await startServer();
//     const book = server.client();
//     await book.call('ReservationService', 'Reserve', { lines: [...] });
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { openSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(process.env.STOCKBOOK_NODE_DIR + '/');
export const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const proto = path.join(process.env.STOCKBOOK_SOURCE_DIR, 'proto');
const nouns = ['item', 'location', 'channel', 'stock', 'sourcing', 'reservation', 'order', 'pickup',
  'shipment', 'transfer', 'work', 'return', 'ledger', 'event', 'server', 'session'];
const api = grpc.loadPackageDefinition(loader.loadSync([
  ...nouns.map((noun) => `stockbook/v1/${noun}.proto`),
  'grpc/health/v1/health.proto', 'google/rpc/status.proto', 'google/rpc/error_details.proto',
], { includeDirs: [proto, '/usr/include'], longs: Number, enums: String, defaults: true, oneofs: true }));
const messages = require('protobufjs').loadSync([
  path.join(proto, 'google/rpc/status.proto'), path.join(proto, 'google/rpc/error_details.proto'),
]);

// What the error says beyond its code and message.
export function details(error) {
  const found = { fields: {}, metadata: {} };
  const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (!bytes) return found;
  for (const any of messages.lookupType('google.rpc.Status').decode(bytes).details) {
    const name = any.type_url.split('/').pop();
    const detail = messages.lookupType(name).decode(any.value);
    if (name.endsWith('ErrorInfo')) {
      Object.assign(found, { reason: detail.reason, domain: detail.domain });
      found.metadata = { ...detail.metadata };
    } else if (name.endsWith('BadRequest')) {
      for (const each of detail.fieldViolations) found.fields[each.field] = each.description;
    }
  }
  return found;
}

export class Client {
  constructor(target) {
    this.target = target;
    this.services = {};
  }

  service(name) {
    this.services[name] ??= new api.stockbook.v1[name](
      this.target, grpc.credentials.createInsecure());
    return this.services[name];
  }

  // A unary call; a request id is made where none is given (and dropped where none is taken).
  call(service, method, request = {}) {
    const whole = { requestId: randomUUID(), ...request };
    return new Promise((resolve, reject) => {
      this.service(service)[method](whole, { deadline: Date.now() + 60000 }, (error, answer) => {
        if (error) reject(Object.assign(error, { about: details(error) }));
        else resolve(answer);
      });
    });
  }

  // All messages of a call that streams.
  stream(service, method, request = {}) {
    return new Promise((resolve, reject) => {
      const found = [];
      this.service(service)[method](request, { deadline: Date.now() + 60000 })
        .on('data', (message) => found.push(message))
        .on('error', reject)
        .on('end', () => resolve(found));
    });
  }

  // A session: ask() sends operations in one message and gives a promise for each, close() half-closes
  // and waits for the stream's end.
  session() {
    const stream = this.service('SessionService').Session({ deadline: Date.now() + 60000 });
    const asked = new Map();
    const ended = new Promise((resolve, reject) => {
      stream.on('error', reject).on('end', resolve);
    });
    stream.on('data', ({ answers }) => {
      for (const answer of answers) {
        asked.get(answer.number)(answer);
        asked.delete(answer.number);
      }
    });
    let last = 0;
    return {
      ask(...operations) {
        const sent = [];
        const answers = operations.map(([service, method, request]) => {
          const definition = api.stockbook.v1[service].service[method];
          last += 1;
          const number = last;
          sent.push({ number, method: `${service}/${method}`,
            request: definition.requestSerialize({ requestId: randomUUID(), ...request }) });
          return new Promise((resolve) => { asked.set(number, resolve); }).then((answer) => (
            answer.outcome === 'status' ? answer.status
              : definition.responseDeserialize(answer.response)));
        });
        stream.write({ operations: sent });
        return answers;
      },
      async close() {
        stream.end();
        await ended;
        assert.equal(asked.size, 0);
      },
    };
  }

  health() {
    const client = new api.grpc.health.v1.Health(this.target, grpc.credentials.createInsecure());
    return new Promise((resolve) => {
      client.Check({}, { deadline: Date.now() + 2000 }, (error, answer) => {
        client.close();
        resolve(error ? error.code : answer.status);
      });
    });
  }

  close() {
    for (const each of Object.values(this.services)) each.close();
  }
}

let servers = 0;

// A server with a database of its own, serving; stop() checks that it ends well.
export async function startServer() {
  const target = `127.0.0.1:${Number(process.env.STOCKBOOK_TEST_PORT) + servers++}`;
  const directory = path.join(process.env.STOCKBOOK_TEST_DIR, `book-${servers}`);
  const log = path.join(process.env.STOCKBOOK_TEST_DIR, `log-${servers}`);
  const output = openSync(log, 'a');
  const child = spawn(process.env.STOCKBOOKD, ['--embedded', directory,
    '--listen', target], { stdio: ['ignore', output, output] });
  const ended = new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve(code ?? signal));
  });
  const book = new Client(target);
  const deadline = Date.now() + 90000;
  while (await book.health() !== 'SERVING') {
    assert.equal(child.exitCode, null, `the server ended:\n${readFileSync(log, 'utf8')}`);
    assert.ok(Date.now() < deadline, `it does not serve:\n${readFileSync(log, 'utf8')}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  return {
    target,
    client: () => new Client(target),
    async stop() {
      child.kill('SIGTERM');
      const status = await ended;
      const said = readFileSync(log, 'utf8');
      assert.equal(status, 0, said);
      assert.doesNotMatch(said, /Sanitizer|runtime error:/);
    },
  };
}
