import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, LogController } from 'fastify';
import type { PictureScheduler } from '../pipelines/scheduler/picture-scheduler.js';
import type { Unclip } from '../pipelines/unclip.js';
import { UnclipError } from '../util/errors.js';
import { checkConfig, type ServeConfig } from './config.js';
import { requireApiKey } from './http/auth.js';
import { answerUnreadable, answerUnroutable, handleErrors } from './http/error-handlers.js';
import { limitRequests } from './http/limits.js';
import { loggerOptions, logRequests, requestId } from './http/logging.js';
import { readForms } from './http/multipart.js';
import { serveOpenApi } from './http/openapi.js';
import { refuseOtherSites } from './http/same-site.js';
import { useZod } from './http/schema.js';
import { unixTime } from './images/answer.js';
import { MOST_PICTURES } from './images/fields.js';
import { PictureFiles } from './images/picture-files.js';
import { Activity } from './jobs/activity.js';
import { Captions } from './jobs/captions.js';
import { Edits } from './jobs/edits.js';
import { Jobs } from './jobs/jobs.js';
import { writeUnfinished } from './jobs/unfinished.js';
import { Metrics } from './metrics.js';
import { editRoutes } from './routes/edits.js';
import { generationRoutes } from './routes/generations.js';
import { healthRoutes } from './routes/health.js';
import { modelRoutes } from './routes/models.js';
import { pageRoutes } from './routes/page.js';
import { pictureRoutes } from './routes/pictures.js';
import { variationRoutes } from './routes/variations.js';
import { retryAfterSeconds, type Service } from './service.js';

/** Longest that a request may take to arrive, and its headers alone: slower clients are cut off. */
const ARRIVAL_MS = 120_000;
const HEADERS_MS = 20_000;

/** How long clients that are slow to take their answers are waited for at the end. */
const SLOW_CLIENTS_MS = 10_000;

/** How a service ended. */
export interface Drained {
  /** Requests that were not finished in time. */
  readonly unfinished: number;
  /** Where they were written to, for `unclip batch`; undefined where there were none, or where that failed. */
  readonly file: string | undefined;
}

/** A model behind OpenAI's Images API. */
export class ImageServer {
  readonly app: FastifyInstance;
  readonly #service: Service;

  private constructor(app: FastifyInstance, service: Service) {
    this.app = app;
    this.#service = service;
  }

  /**
   * Makes a service of a model that is loaded; it is the caller's to dispose, after {@link drain}.
   * @param pool draws pictures from text and variations in other processes. This one reads pictures and draws edits then, on
   *   memory that it takes with the first of them; its event loop is free, and no driver's crash ends the service
   * @throws UnclipError INPUT_INVALID (see {@link checkConfig}), IO_FAILED (folder of pictures)
   */
  static async create(
    unclip: Unclip,
    options: Partial<ServeConfig> = {},
    pool?: PictureScheduler,
  ): Promise<ImageServer> {
    const config = checkConfig(options);
    const scheduler = pool ?? unclip.scheduler({ maxQueued: config.maxQueued });
    const { name } = unclip.model.info;
    const captions = new Captions(unclip, config.captions, (err) =>
      app.log.warn({ err }, 'captions could not be embedded'),
    );
    const jobs = new Jobs(config, (ms) => metrics.queueDelay(ms));
    const edits = new Edits(jobs, unclip, config.maxQueued);
    const metrics = new Metrics(unclip, scheduler, edits);
    const service: Service = {
      config,
      unclip,
      scheduler,
      jobs,
      edits,
      captions,
      answering: new Activity(),
      files: await PictureFiles.open(config.picturesFolder, config.pictureTtlMs),
      metrics,
      modelNames: [name, ...config.aliases],
      started: unixTime(),
    };
    const app = await makeApp(service);
    return new ImageServer(app, service);
  }

  /** Starts to listen. @returns the service's address. @throws UnclipError IO_FAILED when it cannot, as for a port in use */
  async listen(): Promise<string> {
    const { host, port } = this.#service.config;
    try {
      await this.app.listen({ host, port });
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      const why = code === 'EADDRINUSE' ? 'another process listens there; give another --port' : code;
      throw new UnclipError('IO_FAILED', `cannot listen on ${host}:${port} (${why})`, { cause });
    }
    const { address, family, port: taken } = this.app.server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`;
  }

  /**
   * Ends the service: requests for pictures are refused from now on, those under way may finish for a while, and what is
   * left then is stopped and written to a file.
   */
  async drain(): Promise<Drained> {
    const { jobs, scheduler, files, config, answering } = this.#service;
    jobs.close();
    this.app.log.info({ jobs: jobs.size }, 'draining');
    await jobs.idle(config.drainLimitMs);
    const stopped = jobs.stop();
    const file = stopped.length === 0 ? undefined : await this.#write(stopped);
    await answering.idle(SLOW_CLIENTS_MS);
    const closed = this.app.close();
    // Connections that are kept alive, or on which nothing was ever asked.
    this.app.server.closeAllConnections();
    await closed;
    await scheduler.close();
    await files.close();
    return { unfinished: stopped.length, file };
  }

  /** A full disk does not keep the service from ending; the log says what was lost. */
  async #write(unfinished: Parameters<typeof writeUnfinished>[1]): Promise<string | undefined> {
    try {
      return await writeUnfinished(this.#service.config.unfinishedFile, unfinished);
    } catch (err) {
      this.app.log.error({ err, requests: unfinished.map(({ id }) => id) }, 'unfinished requests could not be written');
      return undefined;
    }
  }
}

async function makeApp(service: Service): Promise<FastifyInstance> {
  const { config, metrics, unclip, captions } = service;
  const app = fastify({
    logger: loggerOptions(config),
    // One line a request, of this service's own.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    bodyLimit: config.bodyLimit,
    requestTimeout: ARRIVAL_MS,
    http: { headersTimeout: HEADERS_MS },
    clientErrorHandler: answerUnreadable,
    frameworkErrors: answerUnroutable,
    // Requests that come while the service ends are answered in its own form.
    return503OnClosing: false,
  });
  useZod(app);
  logRequests(app, service.answering, (route, method, status, ms) => metrics.request(route, method, status, ms));
  handleErrors(
    app,
    () => retryAfterSeconds(service),
    (reason) => metrics.failure(reason),
  );
  await serveOpenApi(app, unclip.version, config.apiKeys !== undefined);
  healthRoutes(app, service);
  pictureRoutes(app, service);
  await pageRoutes(app, config.pageFolder, () => captions.prepare());
  const limits = {
    maxSteps: config.maxSteps,
    size: unclip.model.configs.superResSize,
    most: Math.min(MOST_PICTURES, config.maxQueued),
  };
  await app.register(async (v1) => {
    refuseOtherSites(v1, config);
    requireApiKey(v1, config.apiKeys);
    await limitRequests(v1, config);
    modelRoutes(v1, service, limits);
    generationRoutes(v1, service, limits);
    await readForms(v1, config.bodyLimit);
    variationRoutes(v1, service, limits);
    editRoutes(v1, service, limits);
  });
  await app.ready();
  return app;
}
