//! Sockets that the host's own server accepted: by their descriptors, or by their bytes.

use messaging_core::ws::{self, Bridge, Given};
use napi::bindgen_prelude::{Buffer, Uint8Array};
use napi_derive::napi;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::error::{Result, coded};
use crate::websocket::WebSocketManager;

/// A request as Node has parsed it.
#[napi(object)]
#[derive(Debug)]
pub struct NativeRequest {
    pub method: String,
    pub url: String,
    pub http_version: String,
    /// Names and values by turns; each character of a value is a byte.
    pub raw_headers: Vec<String>,
    /// What the host's own rules say of the origin, if they have been asked.
    pub origin_allowed: Option<bool>,
}

/// Joins a request and what was read behind it.
fn given(request: NativeRequest, rest: &[u8]) -> Given {
    let headers = request.raw_headers.as_chunks().0.iter().map(|[name, value]| {
        // What is no Latin-1 cannot have come over the wire: it is a host's own invention.
        (name.clone(), value.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect())
    });
    Given {
        headers: headers.collect(),
        http_1_1: request.http_version == "1.1",
        origin_allowed: request.origin_allowed,
        method: request.method,
        url: request.url,
        rest: rest.to_vec(),
    }
}

fn socket_address(address: Option<String>, port: u16) -> Option<SocketAddr> {
    // Node names the zone of a link-local address, which is no part of the address itself.
    let bare = address.as_deref().and_then(|address| address.split('%').next());
    let address = bare.and_then(|address| address.parse().ok());
    address.map(|address| SocketAddr::new(address, port))
}

/// The options that count on the host's side of a socket too, in bytes and milliseconds.
#[napi(object)]
#[derive(Debug)]
pub struct NativeLimits {
    pub max_payload: f64,
    pub handshake_timeout: f64,
    pub close_timeout: f64,
}

#[napi]
impl WebSocketManager {
    /// Throws where binding failed, which an attached manager does not do.
    #[napi]
    pub fn limits(&self) -> Result<NativeLimits> {
        let server = self.require().map_err(|error| coded("ERR_INTERNAL", error.to_string()))?;
        let config = server.config();
        Ok(NativeLimits {
            max_payload: config.max_payload as f64,
            handshake_timeout: config.handshake_timeout.as_millis() as f64,
            close_timeout: config.close_timeout.as_millis() as f64,
        })
    }

    /// Takes over the socket of this descriptor, which stays the host's. Returns its number. Throws
    /// where the descriptor is none that can be taken over, or when it is closed, which no user comes to see.
    #[napi]
    pub fn attach(&self, descriptor: i32, request: NativeRequest, rest: Uint8Array) -> Result<f64> {
        let attached = self.take_over(descriptor, given(request, &rest));
        attached
            .map(|serial| serial as f64)
            .map_err(|error| coded("ERR_INTERNAL", error.to_string()))
    }

    #[cfg(unix)]
    fn take_over(&self, descriptor: i32, given: Given) -> std::io::Result<u64> {
        self.require()?.attach(crate::convert::duplicate(descriptor)?, given)
    }

    /// Elsewhere sockets have no descriptors: the host bridges them.
    #[cfg(not(unix))]
    fn take_over(&self, _: i32, _: Given) -> std::io::Result<u64> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    /// Takes over a socket that the host goes on reading and writing. Throws when it is closed.
    #[napi]
    pub fn attach_bridge(
        &self,
        address: Option<String>,
        port: u16,
        request: NativeRequest,
        rest: Uint8Array,
    ) -> Result<NativeBridge> {
        let given = given(request, &rest);
        self.require()
            .and_then(|server| server.attach_bridge(socket_address(address, port), given))
            .map(|(serial, bridge)| NativeBridge { serial, bridge })
            .map_err(|error| coded("ERR_INTERNAL", error.to_string()))
    }

    /// The answer to a request that the host has to answer by itself: the bytes of a response. A
    /// refusal is counted.
    #[napi]
    pub fn judge(
        &self,
        address: Option<String>,
        port: u16,
        request: NativeRequest,
    ) -> Result<Buffer> {
        let server = self.require().map_err(|error| coded("ERR_INTERNAL", error.to_string()))?;
        Ok(server.judge(&given(request, &[]), socket_address(address, port)).into())
    }

    /// What was pushed into bridges in this turn is to be read.
    #[napi]
    pub fn rouse(&self) {
        if let Ok(server) = self.require() {
            server.rouse();
        }
    }

    /// The host has lost the socket of this number.
    #[napi]
    pub fn abandon(&self, serial: f64) {
        if let Ok(server) = self.require() {
            server.abandon(serial as u64);
        }
    }

    fn require(&self) -> std::io::Result<&Arc<ws::Server>> {
        self.server().ok_or_else(|| std::io::ErrorKind::NotConnected.into())
    }
}

/// The host's side of a bridged socket.
#[napi]
#[derive(Debug)]
pub struct NativeBridge {
    serial: u64,
    bridge: Arc<Bridge>,
}

#[napi]
impl NativeBridge {
    #[napi(getter)]
    pub fn serial(&self) -> f64 {
        self.serial as f64
    }

    /// Takes bytes that were read, which the engine reads after the next `rouse`. False: wait for the
    /// signal to resume.
    #[napi(ts_args_type = "bytes: Uint8Array")]
    pub fn push(&self, bytes: &[u8]) -> bool {
        self.bridge.push(bytes.to_vec())
    }

    /// The bytes that are to be written now.
    #[napi]
    pub fn take(&self) -> Buffer {
        self.bridge.take().into()
    }

    /// So many of them are written.
    #[napi]
    pub fn written(&self, count: u32) {
        self.bridge.written(count as usize);
    }

    /// Whether the engine ended it because the peer had its time.
    #[napi(getter)]
    pub fn given_up(&self) -> bool {
        self.bridge.given_up()
    }

    /// The peer has ended its side.
    #[napi]
    pub fn end(&self) {
        self.bridge.end();
    }

    /// The socket is gone.
    #[napi]
    pub fn abandon(&self) {
        self.bridge.abandon();
    }
}
