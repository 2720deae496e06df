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

class App {}
Module({ controllers: [Health] })(App);

export async function startNest(host: string): Promise<INestApplication> {
  const app = await NestFactory.create(App, { logger: false });
  await app.listen(0, host);
  return app;
}
