//! `WebSocketManager`: JavaScript's handle of one server.

use messaging_core::ws::close::{MAX_REASON, valid_on_wire};
use messaging_core::ws::tls::{Tls, TlsNotice};
use messaging_core::ws::{self, GroupKind, MAX_NAME, Outgoing, Server};
use napi::Env;
use napi::bindgen_prelude::{Array, Function, Object};
use napi_derive::napi;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::connection::Connection;
use crate::convert::{WireText, count};
use crate::error::{BindFault, INVALID_ARGUMENT, Result, coded, internal, of_request, of_tls};
use crate::sender::{Sender, sender};
use crate::stats::NativeStats;
use crate::wake::waker;
use crate::{events, keep_alive, options};

/// Where a server listens, in the form of Node's `AddressInfo`.
#[napi(object)]
#[derive(Debug)]
pub struct NativeAddress {
    pub address: String,
    pub family: String,
    pub port: u16,
}

/// What the host should be told of its certificate: a warning.
#[napi(object)]
#[derive(Debug)]
pub struct NativeNotice {
    pub code: String,
    pub message: String,
}

impl From<TlsNotice> for NativeNotice {
    fn from(notice: TlsNotice) -> Self {
        Self { code: notice.code().to_owned(), message: notice.to_string() }
    }
}

#[napi]
#[derive(Debug)]
pub struct WebSocketManager {
    /// A manager whose port was taken has no server: it behaves like a closed one.
    server: std::result::Result<Arc<Server>, BindFault>,
    /// What is odd about the certificate that it began with.
    tls_notice: Option<TlsNotice>,
}

impl WebSocketManager {
    pub fn server(&self) -> Option<&Arc<Server>> {
        self.server.as_ref().ok()
    }

    fn join(&self, id: &str, kind: GroupKind, name: &str) -> Result<bool> {
        check_name(kind, name)?;
        Ok(self.server().is_some_and(|server| server.join(id, kind, name)))
    }

    fn leave(&self, id: &str, kind: GroupKind, name: &str) -> Result<bool> {
        check_name(kind, name)?;
        Ok(self.server().is_some_and(|server| server.leave(id, kind, name)))
    }

    fn names(&self, kind: GroupKind) -> Vec<String> {
        let names = self.server().map(|server| server.group_names(kind));
        names.iter().flatten().map(|name| name.to_string()).collect()
    }

    fn members(&self, kind: GroupKind, name: &str) -> Vec<String> {
        let members = self.server().map(|server| server.members(kind, name));
        members.iter().flatten().map(ToString::to_string).collect()
    }
}

#[napi]
impl WebSocketManager {
    /// Binds at once. A fault of binding does not throw: see `bindError`.
    #[napi(
        constructor,
        ts_args_type = "options: object, env: Record<string, string>, onEvents: () => void"
    )]
    pub fn new(
        env: Env,
        options: Object<'_>,
        environment: HashMap<String, String>,
        on_events: Function<'_, (), ()>,
    ) -> Result<Self> {
        let config = options::resolve(&options, &environment)?;
        let tls = options::resolve_tls(&options, &environment)?;
        let tls_notice = tls.as_ref().and_then(Tls::notice);
        let wake = waker(&on_events)?;
        let server = Server::bind(config, tls, wake).map(Arc::new).map_err(BindFault::from);
        if let Ok(server) = &server {
            keep_alive::hold(&env, server).map_err(internal)?;
        }
        Ok(Self { server, tls_notice })
    }

    /// A manager for sockets of the host's own server. It keeps no process alive: that is its
    /// server's to do.
    #[napi(
        factory,
        ts_args_type = "options: object, env: Record<string, string>, onEvents: () => void"
    )]
    pub fn attached(
        env: Env,
        options: Object<'_>,
        environment: HashMap<String, String>,
        on_events: Function<'_, (), ()>,
    ) -> Result<Self> {
        let config = options::resolve(&options, &environment)?;
        options::refuse_tls(&options)?;
        let server = Server::attached(config, waker(&on_events)?).map(Arc::new);
        let server = server.map_err(|error| coded("ERR_LISTEN", error.to_string()))?;
        keep_alive::end_with(&env, &server).map_err(internal)?;
        Ok(Self { server: Ok(server), tls_notice: None })
    }

    /// Whether its own port speaks TLS.
    #[napi]
    pub fn is_secure(&self) -> bool {
        self.server().is_some_and(|server| server.is_secure())
    }

    /// What the host should be told of the certificate that it began with.
    #[napi]
    pub fn tls_notice(&self) -> Option<NativeNotice> {
        self.tls_notice.map(Into::into)
    }

    /// Replaces what TLS is made of, and returns what the host should be told of it.
    #[napi(
        ts_args_type = "tls: object, env: Record<string, string>",
        ts_return_type = "NativeNotice | null"
    )]
    pub fn set_secure_context(
        &self,
        tls: Object<'_>,
        environment: HashMap<String, String>,
    ) -> Result<Option<NativeNotice>> {
        let Some(server) = self.server() else {
            return Ok(None);
        };
        let given = options::raw_tls(&tls)?;
        let notice = server.set_secure_context(given, &|name| environment.get(name).cloned());
        notice.map(|notice| notice.map(Into::into)).map_err(|error| of_tls(&error))
    }

    #[napi]
    pub fn bind_error(&self) -> Option<BindFault> {
        self.server.as_ref().err().cloned()
    }

    /// Begins to accept connections.
    #[napi]
    pub fn start(&self) {
        if let Some(server) = self.server() {
            server.start();
        }
    }

    #[napi]
    pub fn address(&self) -> Option<NativeAddress> {
        let address = self.server()?.address()?;
        let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
        Some(NativeAddress {
            address: address.ip().to_string(),
            family: family.to_owned(),
            port: address.port(),
        })
    }

    /// Sets which kinds of events cross, as bits `1 << kind`.
    #[napi]
    pub fn set_listeners(&self, mask: u32) {
        if let Some(server) = self.server() {
            server.events().set_interest(mask);
        }
    }

    /// What the host judges of an origin; the numbers are those of the event that asks.
    #[napi]
    pub fn judged(&self, shard: u32, slot: u32, serial: f64, allowed: bool) {
        if let Some(server) = self.server() {
            let who =
                ws::Address { shard: shard as usize, slot: slot as usize, serial: serial as u64 };
            server.judged(who, allowed);
        }
    }

    /// A batch of events, flat; to be called until it is empty.
    #[napi(ts_return_type = "unknown[]")]
    pub fn take_events<'env>(&self, env: &'env Env) -> Result<Array<'env>> {
        match self.server() {
            Some(server) => events::take(env, server).map_err(internal),
            None => env.create_array(0).map_err(internal),
        }
    }

    /// The sends to anybody, as a function: see `sender.rs`.
    #[napi(
        ts_return_type = "(audience: number, name: string, text: string, stamp: boolean) => number"
    )]
    pub fn sender<'env>(&self, env: &'env Env) -> napi::Result<Sender<'env>> {
        sender(env, self.server().cloned())
    }

    #[napi]
    pub fn join_room(&self, id: String, room: String) -> Result<bool> {
        self.join(&id, GroupKind::Room, &room)
    }

    #[napi]
    pub fn leave_room(&self, id: String, room: String) -> Result<bool> {
        self.leave(&id, GroupKind::Room, &room)
    }

    #[napi]
    pub fn subscribe(&self, id: String, topic: String) -> Result<bool> {
        self.join(&id, GroupKind::Topic, &topic)
    }

    #[napi]
    pub fn unsubscribe(&self, id: String, topic: String) -> Result<bool> {
        self.leave(&id, GroupKind::Topic, &topic)
    }

    #[napi]
    pub fn disconnect(&self, id: String, code: u32, reason: String) -> Result<bool> {
        let code = close_arguments(code, &reason)?;
        let Some(server) = self.server() else {
            return Ok(false);
        };
        let connection = server.connection(&id);
        Ok(connection.is_some_and(|connection| server.disconnect(&connection, code, &reason)))
    }

    #[napi]
    pub fn get_connection_count(&self) -> u32 {
        self.server().map_or(0, |server| count(server.connection_count()))
    }

    #[napi]
    pub fn get_active_rooms(&self) -> Vec<String> {
        self.names(GroupKind::Room)
    }

    #[napi]
    pub fn get_active_topics(&self) -> Vec<String> {
        self.names(GroupKind::Topic)
    }

    #[napi]
    pub fn get_room_members(&self, room: String) -> Vec<String> {
        self.members(GroupKind::Room, &room)
    }

    #[napi]
    pub fn get_topic_subscribers(&self, topic: String) -> Vec<String> {
        self.members(GroupKind::Topic, &topic)
    }

    #[napi]
    pub fn get_user_connections(&self, user_id: String) -> Vec<String> {
        self.members(GroupKind::User, &user_id)
    }

    #[napi(ts_return_type = "Connection | null")]
    pub fn get_connection(&self, id: String) -> Option<Connection> {
        let server = self.server()?;
        let connection = server.connection(&id)?;
        Some(Connection::new(connection, server.clone()))
    }

    #[napi]
    pub fn get_connections(&self) -> Vec<Connection> {
        let Some(server) = self.server() else {
            return Vec::new();
        };
        let all = server.connections().into_iter();
        all.map(|connection| Connection::new(connection, server.clone())).collect()
    }

    /// Resolves with the client's answer, a JSON text.
    #[napi(
        ts_args_type = "id: string, requestId: string, text: string, stamp: boolean, timeoutMs: number",
        ts_return_type = "Promise<string>"
    )]
    pub fn request<'env>(
        &self,
        env: &'env Env,
        id: String,
        request_id: String,
        text: WireText,
        stamp: bool,
        timeout_ms: f64,
    ) -> Result<Object<'env>> {
        let (deferred, promise) = env.create_deferred().map_err(internal)?;
        let message = Outgoing::new(text.0, true, stamp);
        let timeout = Duration::from_secs_f64(timeout_ms.max(0.0) / 1000.0);
        let settle = move |answer: std::result::Result<String, ws::RequestError>| {
            deferred.resolve(move |env| answer.map_err(|error| of_request(&env, error)));
        };
        match self.server() {
            Some(server) => {
                let answer = server.request(&id, &request_id, message, timeout);
                server.spawn(async move { settle(answer.await) });
            }
            None => settle(Err(ws::RequestError::Closed)),
        }
        Ok(promise)
    }

    #[napi]
    pub fn get_stats(&self) -> NativeStats {
        self.server().map(|server| server.stats()).unwrap_or_default().into()
    }

    /// Resolves when all that was queued before the call is written to the sockets.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn flush<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        settle(env, self.server().map(|server| (server, server.flush())))
    }

    #[napi]
    pub fn close(&self) {
        if let Some(server) = self.server() {
            server.close();
        }
    }

    #[napi(ts_return_type = "Promise<void>")]
    pub fn shutdown<'env>(&self, env: &'env Env, timeout_ms: f64) -> Result<Object<'env>> {
        let timeout = Duration::from_secs_f64(timeout_ms.max(0.0) / 1000.0);
        settle(env, self.server().map(|server| (server, server.shutdown(timeout))))
    }
}

/// A promise of the end of something that a server does; without a server nothing is to be done.
fn settle<'env>(
    env: &'env Env,
    end: Option<(&Arc<Server>, impl Future<Output = ()> + Send + 'static)>,
) -> Result<Object<'env>> {
    let (deferred, promise) = env.create_deferred().map_err(internal)?;
    let settled = move || deferred.resolve(|_| Ok(()));
    match end {
        Some((server, end)) => server.spawn(async move {
            end.await;
            settled();
        }),
        None => settled(),
    }
    Ok(promise)
}

fn check_name(kind: GroupKind, name: &str) -> Result<()> {
    if ws::valid_name(name) {
        return Ok(());
    }
    let argument = match kind {
        GroupKind::User => "userId",
        GroupKind::Room => "room",
        GroupKind::Topic => "topic",
    };
    let length = name.len();
    let message = format!("{argument}: must have 1 to {MAX_NAME} bytes, got {length}");
    Err(coded(INVALID_ARGUMENT, message))
}

/// What a Close frame may carry (RFC 6455 sections 5.5.1 and 7.4).
pub fn close_arguments(code: u32, reason: &str) -> Result<u16> {
    let code = u16::try_from(code).ok().filter(|&code| valid_on_wire(code)).ok_or_else(|| {
        let allowed = "1000-1003, 1007-1014 or 3000-4999";
        coded(INVALID_ARGUMENT, format!("code: must be {allowed}, got {code}"))
    })?;
    if reason.len() > MAX_REASON {
        let length = reason.len();
        let message = format!("reason: must have at most {MAX_REASON} bytes, got {length}");
        return Err(coded(INVALID_ARGUMENT, message));
    }
    Ok(code)
}
