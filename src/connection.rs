//! `Connection`: JavaScript's handle of one connection, readable also after its end.

use messaging_core::ws::{Connection as Core, GroupKind, Outgoing, Server};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use std::sync::Arc;

use crate::convert::{WireText, wire_bytes};
use crate::error::Result;
use crate::websocket::close_arguments;

#[napi]
#[derive(Debug)]
pub struct Connection {
    core: Arc<Core>,
    server: Arc<Server>,
}

impl Connection {
    pub fn new(core: Arc<Core>, server: Arc<Server>) -> Self {
        Self { core, server }
    }

    fn names(&self, kind: GroupKind) -> Vec<String> {
        self.core.names(kind).iter().map(|name| name.to_string()).collect()
    }
}

#[napi]
impl Connection {
    /// Unique in the process: by it events name their connection.
    #[napi(getter)]
    pub fn serial(&self) -> f64 {
        self.core.address.serial as f64
    }

    #[napi(getter)]
    pub fn id(&self) -> String {
        self.core.id.to_string()
    }

    #[napi(getter, ts_return_type = "string | null")]
    pub fn user_id(&self) -> Option<String> {
        self.core.user().map(|user| user.to_string())
    }

    #[napi(getter, ts_return_type = "string | null")]
    pub fn session_id(&self) -> Option<String> {
        self.core.session().map(|session| session.to_string())
    }

    /// What its identity says beyond that: a JSON object.
    #[napi(getter, ts_return_type = "string | null")]
    pub fn claims(&self) -> Option<String> {
        self.core.claims().map(|claims| claims.to_string())
    }

    /// When the last frame came, in milliseconds since the epoch.
    #[napi(getter)]
    pub fn last_heartbeat(&self) -> f64 {
        self.core.last_seen() as f64
    }

    /// 1 open, 2 closing, 3 closed, as in `ws`.
    #[napi(getter)]
    pub fn ready_state(&self) -> u32 {
        self.core.status() as u32
    }

    #[napi]
    pub fn subscriptions(&self) -> Vec<String> {
        self.names(GroupKind::Topic)
    }

    #[napi]
    pub fn rooms(&self) -> Vec<String> {
        self.names(GroupKind::Room)
    }

    #[napi(ts_args_type = "text: string")]
    pub fn send_text(&self, text: WireText) -> bool {
        self.server.send(&self.core, Outgoing::new(text.0, true, false))
    }

    #[napi]
    pub fn send_binary(&self, data: Uint8Array) -> bool {
        self.server.send(&self.core, Outgoing::new(wire_bytes(&data), false, false))
    }

    #[napi]
    pub fn close(&self, code: u32, reason: String) -> Result<()> {
        let code = close_arguments(code, &reason)?;
        self.server.disconnect(&self.core, code, &reason);
        Ok(())
    }
}
