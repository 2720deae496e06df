//! Kafka's clients for JavaScript. Rare calls cross as JSON and answer with a promise of JSON; the
//! messages of producers and consumers cross in batches.

mod admin;
mod consumer;
mod library;
mod mock;
mod producer;
mod promise;
