/**
 * A Nest app with one route. Its decorators are called as functions, since the tests' compiler leaves out the
 * types that Nest would read from them.
 */
import 'reflect-metadata';
import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

class Health {
  health() {
    return 'ok';
  }
}
Get('health')(
  Health.prototype,
  'health',
  Object.getOwnPropertyDescriptor(Health.prototype, 'health') as PropertyDescriptor,
);
Controller()(Health);

/** An app that does not listen yet, and a provider with hooks. */
export async function newNest(hooks: object = {}): Promise<INestApplication> {
  class App {}
  Module({
    controllers: [Health],
    providers: [{ provide: 'hooks', useValue: hooks }],
  })(App);
  return await NestFactory.create(App, { logger: false });
}

export async function startNest(host: string, hooks?: object): Promise<INestApplication> {
  const app = await newNest(hooks);
  await app.listen(0, host);
  return app;
}
