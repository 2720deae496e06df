//! A manager's sends, as one plain function.
//!
//! A method finds the server behind its object by two private properties, one of which proves the
//! object's class. In a service that sends now and then these look-ups find cold caches, and cost
//! more than all the rest of the crossing. A function has its server at hand.

use messaging_core::ws::{GroupKind, Outgoing, Server};
use napi::Env;
use napi::bindgen_prelude::{FnArgs, Function, FunctionCallContext};
use std::sync::Arc;

use crate::convert::{WireText, count};

/// `(audience, name, text, stamp) => receivers`; `name` is not looked at for everybody.
pub type Sender<'env> = Function<'env, FnArgs<(u32, String, String, bool)>, u32>;

/// Whom a send goes to, by the numbers of `Audience` in `lib/native.ts`.
const CONNECTION: u32 = 0;
const USER: u32 = 1;
const ROOM: u32 = 2;
const TOPIC: u32 = 3;

/// Makes the function; without a server it reaches nobody.
pub fn sender(env: &Env, server: Option<Arc<Server>>) -> napi::Result<Sender<'_>> {
    env.create_function_from_closure("send", move |call| match &server {
        Some(server) => send(server, &call),
        None => Ok(0),
    })
}

fn send(server: &Server, call: &FunctionCallContext<'_>) -> napi::Result<u32> {
    let audience: u32 = call.get(0)?;
    let WireText(text) = call.get(2)?;
    let message = Outgoing::new(text, true, call.get(3)?);
    let kind = match audience {
        CONNECTION => {
            let id: String = call.get(1)?;
            return Ok(u32::from(server.send_to_connection(&id, message)));
        }
        USER => GroupKind::User,
        ROOM => GroupKind::Room,
        TOPIC => GroupKind::Topic,
        _ => return Ok(count(server.broadcast(message))),
    };
    let name: String = call.get(1)?;
    Ok(count(server.send_to_group(kind, &name, message)))
}
