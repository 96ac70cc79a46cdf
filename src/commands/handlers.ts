import { randomUUID } from 'node:crypto';
import { throwIfCancelled, WritebackError } from '../errors.ts';
import { createRelay, type Log, type Relay } from '../log.ts';
import type { Outside } from '../ports.ts';
import type { Call, Handler } from '../protocol/serve.ts';
import type { EnablePlanResult, Method, PlanResult, ReportPageResult } from '../protocol/messages.ts';
import { applyPlan, type Approval } from './apply.ts';
import { planPreparation, plannedSteps, prepare, type Preparation } from './enable.ts';
import { explainDevices, watchFor } from './explain.ts';
import type { Watch } from './fullRead.ts';
import { readOptions } from './options.ts';
import { emitPlan, makePlan, type PlannedRun } from './plan.ts';
import { planFromFile, saveIfAsked } from './planFile.ts';
import { testPrerequisites } from './testPrerequisites.ts';

/** The methods of the bridge. A plan is kept for the cmdlet that asked, under a handle, until it is applied or released. */
export function createHandlers(outside: Outside): Readonly<Record<Method, Handler>> {
  const plans = new Kept<{ readonly run: PlannedRun; readonly relay: Relay }>();
  const preparations = new Kept<{ readonly preparation: Preparation; readonly relay: Relay }>();
  return {
    test: (params, call) =>
      testPrerequisites(readOptions(params, outside, call.log), outside, call.log, call.outputs, call.signal),

    async plan(params, call): Promise<PlanResult> {
      const relay = createRelay(call.log);
      const run = await plan(params, relay, call);
      try {
        saveIfAsked(run, readOptions(params, outside, relay), outside);
        const told = await emitPlan(run, call.outputs);
        throwIfCancelled(call.signal);
        return { handle: plans.keep({ run, relay }), ...told };
      } catch (thrown) {
        await run.close();
        throw thrown;
      }
    },

    async apply(params, call) {
      const { handle, digest, ...approval } = applyParams(params);
      const kept = plans.take(handle);
      try {
        if (kept === null || kept.run.plan.digest !== digest) throw unknownPlan(handle);
        kept.relay.to(call.log);
        return await applyPlan(kept.run, approval, outside, call.log, call.outputs, call.signal);
      } finally {
        await kept?.run.close();
      }
    },

    async explain(params, call) {
      const identities = readOptions(params, outside, call.log).texts('devices');
      const run = await plan(params, call.log, call, watchFor(identities));
      try {
        await explainDevices(run, identities, call.outputs);
        return {};
      } finally {
        await run.close();
      }
    },

    async 'enable/plan'(params, call): Promise<EnablePlanResult> {
      const options = readOptions(params, outside, call.log);
      const relay = createRelay(call.log);
      const preparation = await planPreparation(options, outside, relay, call.signal);
      for (const step of plannedSteps(preparation)) await call.outputs.emit('step', step);
      return { handle: preparations.keep({ preparation, relay }) };
    },

    async 'enable/apply'(params, call) {
      const { handle, declined } = applyParams(params);
      const kept = preparations.take(handle);
      if (kept === null) throw unknownPlan(handle);
      kept.relay.to(call.log);
      try {
        await prepare(kept.preparation, declined, call.outputs, call.signal);
        return {};
      } finally {
        await kept.preparation.close();
      }
    },

    async 'report/page'(params): Promise<ReportPageResult> {
      const { path, outFile } = params as Readonly<Record<string, unknown>>;
      outside.writeReportPage(String(path), String(outFile));
      return { path: String(outFile) };
    },

    async release(params) {
      const { handle } = applyParams(params);
      await plans.take(handle)?.run.close();
      await preparations.take(handle)?.preparation.close();
      return {};
    },
  };

  function plan(params: unknown, log: Log, call: Call, watch: Watch | null = null): Promise<PlannedRun> {
    const options = readOptions(params, outside, log);
    if (options.text('planFile') !== null) return planFromFile(options, outside, log, call.signal);
    return makePlan(
      options,
      { full: watch !== null || options.flag('full') === true, watch },
      outside,
      log,
      call.outputs,
      call.signal,
    );
  }
}

class Kept<T> {
  private readonly all = new Map<string, T>();

  keep(one: T): string {
    const handle = randomUUID();
    this.all.set(handle, one);
    return handle;
  }

  /** What is kept under the handle, which is not kept any longer; null if there is nothing. */
  take(handle: string): T | null {
    const one = this.all.get(handle) ?? null;
    this.all.delete(handle);
    return one;
  }
}

function applyParams(params: unknown): Approval & { readonly handle: string; readonly digest: string | null } {
  const { handle, digest, declined, results } = params as Record<string, unknown>;
  return {
    handle: String(handle),
    digest: typeof digest === 'string' ? digest : null,
    declined: new Set(Array.isArray(declined) ? declined.filter((number) => typeof number === 'number') : []),
    results: results === true,
  };
}

function unknownPlan(handle: string): WritebackError {
  return new WritebackError('PlanUnknown', 'The plan to apply is not kept any longer, or its digest is another.', {
    target: handle,
    remedy: 'Run the command again; it makes a new plan.',
  });
}
