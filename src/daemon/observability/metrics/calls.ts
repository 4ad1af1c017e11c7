import { status } from '@grpc/grpc-js';
import type { CallCounts, MethodCounts } from '../callCounts.js';
import { type Family, samplesOf } from './family.js';

/** Operations, by whichever call they arrived. */
export function operationFamilies({ operations }: CallCounts): Family[] {
  const duration = 'imstate_operation_duration_seconds';
  return [
    {
      name: 'imstate_operations_total',
      type: 'counter',
      help: 'Completed operations, by status.',
      *read() {
        for (const { name, counts } of operations.totals())
          for (const [code, value] of counts) yield { labels: operationLabels(name, code), value };
      },
    },
    {
      name: duration,
      type: 'histogram',
      help: 'From the arrival of an operation until its result. Streams are not included.',
      *read() {
        for (const { name, durations } of operations.totals())
          for (const [code, times] of durations.codes())
            yield* samplesOf(duration, times, operationLabels(name, code));
      },
    },
  ];
}

/** Calls of both services, and of health and reflection. */
export function callFamilies(counts: CallCounts): Family[] {
  const duration = 'imstate_call_duration_seconds';
  return [
    {
      name: 'imstate_calls_total',
      type: 'counter',
      help: 'Completed calls and streams, by status.',
      *read() {
        for (const method of counts.methods()) {
          for (const [code, times] of method.codes())
            yield { labels: labelsOf(method, code), value: times.count };
        }
      },
    },
    {
      name: duration,
      type: 'histogram',
      help: 'From the headers of a call until its response was given to the network. Streams are not included.',
      *read() {
        for (const method of counts.methods()) {
          if (method.isStream) continue;
          for (const [code, times] of method.codes())
            yield* samplesOf(duration, times, labelsOf(method, code));
        }
      },
    },
    {
      name: 'imstate_calls_open',
      type: 'gauge',
      help: 'Open calls and streams.',
      *read() {
        for (const method of counts.methods()) yield { labels: namesOf(method), value: method.open };
      },
    },
  ];
}

function namesOf({ service, method }: MethodCounts) {
  return { service, method };
}

function labelsOf(method: MethodCounts, code: number) {
  return { ...namesOf(method), code: status[code] ?? String(code) };
}

function operationLabels(operation: string, code: number) {
  return { operation, code: status[code] ?? String(code) };
}
