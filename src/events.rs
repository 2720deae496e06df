//! Events of the core as one flat array per batch: four items each, `[kind, serial, a, b]`.
//! `lib/events.ts` knows the same layout.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use messaging_core::ws::events::{Event, Kind, RequestInfo};
use messaging_core::ws::guard::Question;
use messaging_core::ws::{Connection as Core, Server};
use napi::Env;
use napi::bindgen_prelude::{Array, Buffer, Null, ToNapiValue};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::connection::Connection;

/// Events that cross at once. Larger batches gain nothing and delay what else the loop has to do.
const BATCH: usize = 256;

/// Takes the next batch; an empty one means that the host will be woken for more.
pub fn take<'env>(env: &'env Env, server: &Arc<Server>) -> napi::Result<Array<'env>> {
    let batch = server.take_events(BATCH);
    let mut rows = Rows { array: env.create_array(0)?, next: 0 };
    for event in batch {
        if let Some(connection) = event.connection()
            && connection.introduce()
        {
            let handle = Connection::new(connection.clone(), server.clone());
            rows.push(Kind::Introduce, serial_of(connection), handle, Null)?;
        }
        rows.push_event(event)?;
    }
    Ok(rows.array)
}

struct Rows<'env> {
    array: Array<'env>,
    next: u32,
}

impl Rows<'_> {
    fn push_event(&mut self, event: Event) -> napi::Result<()> {
        let kind = event.kind();
        match event {
            Event::Connection { connection, request } => {
                let (about, url) = about(connection.remote, request);
                self.push(kind, serial_of(&connection), url, about)
            }
            Event::Origin { asker, origin, request, remote } => {
                let (about, url) = about(remote, request);
                let mut fields = vec![asker.shard.to_string(), asker.slot.to_string(), url];
                fields.extend(about);
                self.push(kind, Some(asker.serial), origin, fields)
            }
            Event::Message { connection, text } | Event::RawText { connection, text } => {
                self.push(kind, serial_of(&connection), text, Null)
            }
            Event::Binary { connection, data } | Event::RawBinary { connection, data } => {
                self.push(kind, serial_of(&connection), Buffer::from(data), Null)
            }
            Event::Authenticated { connection } => {
                self.push(kind, serial_of(&connection), Null, Null)
            }
            Event::Disconnect { connection, code, reason } => {
                self.push(kind, serial_of(&connection), code, reason)
            }
            Event::Decision { connection, number, question, request } => {
                let (serial, number) = (serial_of(&connection), number as f64);
                match &question {
                    Question::Authorize { action, name } => {
                        self.push(kind, serial, number, vec![action.name(), &**name])
                    }
                    Question::Authenticate { login, .. } => {
                        let ip = connection.remote.map(|it| it.ip().to_canonical().to_string());
                        let claim = [&login.user, &login.session, &login.token];
                        let mut about = vec![Some("authenticate")];
                        about.extend(claim.map(Option::as_deref));
                        about.push(ip.as_deref());
                        let certificate = request.as_deref().and_then(certificate_of);
                        if let Some(request) = &request {
                            about.extend([certificate.as_deref(), Some(&request.url)]);
                            for (name, value) in &request.headers {
                                about.extend([Some(name.as_str()), Some(value)]);
                            }
                        }
                        self.push(kind, serial, number, about)
                    }
                }
            }
            Event::KeySet { number, uri } => self.push(kind, None, number as f64, &*uri),
            Event::Socket { serial, signal } => self.push(kind, Some(serial), signal as u32, Null),
            Event::Error { code, message } => self.push(kind, None, code, message),
            Event::Warning { connection, code, message } => {
                self.push(kind, connection.as_ref().and_then(serial_of), code, message)
            }
        }
    }

    fn push(
        &mut self,
        kind: Kind,
        serial: Option<u64>,
        a: impl ToNapiValue,
        b: impl ToNapiValue,
    ) -> napi::Result<()> {
        self.array.set(self.next, kind as u32)?;
        match serial {
            Some(serial) => self.array.set(self.next + 1, serial as f64)?,
            None => self.array.set(self.next + 1, Null)?,
        }
        self.array.set(self.next + 2, a)?;
        self.array.set(self.next + 3, b)?;
        self.next += 4;
        Ok(())
    }
}

/// Address, port and certificate, then names and values of header fields by turns; and the URL.
fn about(remote: Option<SocketAddr>, request: RequestInfo) -> (Vec<String>, String) {
    let mut about = Vec::with_capacity(3 + 2 * request.headers.len());
    about.push(remote.map_or(String::new(), |it| it.ip().to_canonical().to_string()));
    about.push(remote.map_or(String::new(), |it| it.port().to_string()));
    about.push(certificate_of(&request).unwrap_or_default());
    about.extend(request.headers.into_iter().flat_map(|(name, value)| [name, value]));
    (about, request.url)
}

/// In base64, since all that is told of a request is text.
fn certificate_of(request: &RequestInfo) -> Option<String> {
    request.certificate.as_ref().map(|der| STANDARD.encode(der))
}

fn serial_of(connection: &Arc<Core>) -> Option<u64> {
    Some(connection.address.serial)
}
